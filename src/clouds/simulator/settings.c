/* The tables of the simulated cloud's configuration. */
#include "clouds/simulator/settings.h"
#include "clouds/simulator/fault.h"

#define ACCOUNT_TEXT(NAME, FIELD, HELP)                                                                                                    \
    { .name = NAME, .type = PARAM_STRING, .offset = offsetof(SimulatorAccountConfig, FIELD), .help = HELP }
#define ACCOUNT_NUMBER(NAME, FIELD, HELP)                                                                                                  \
    { .name = NAME, .type = PARAM_INT, .offset = offsetof(SimulatorAccountConfig, FIELD), .min = 0, .max = 1000000, .help = HELP }

const Param simulator_account_params[] = {
    {.name = "name",
     .type = PARAM_STRING,
     .offset = offsetof(SimulatorAccountConfig, name),
     .required = TRUE,
     .help = "The account's name."},
    ACCOUNT_TEXT("environment", environment, "Default: its name."),
    ACCOUNT_TEXT("accountType", type, "Default: its name."),
    {.name = "regions",
     .type = PARAM_STRINGS,
     .offset = offsetof(SimulatorAccountConfig, regions),
     .otherwise = "[\"north\", \"south\"]",
     .help = "Its regions, of three zones each."},
    {.name = "permissions",
     .type = PARAM_JSON,
     .offset = offsetof(SimulatorAccountConfig, permissions),
     .help = "{READ: [], WRITE: [], EXECUTE: []}"},
    ACCOUNT_NUMBER("quota.instances", quota.instances, "At most so many instances; 0: no bound."),
    ACCOUNT_NUMBER("quota.serverGroups", quota.server_groups, "At most so many server groups; 0: no bound."),
    {0},
};

static const Param image_members[] = {
    {.name = "name", .type = PARAM_STRING, .help = "The image's name; NAME-VERSION when absent."},
    {.name = "version", .type = PARAM_STRING, .help = "Version of the package in it."},
    {.name = "package", .type = PARAM_STRING, .help = "Package in it."},
    {.name = "behaviour",
     .type = PARAM_STRING,
     .help = "What its instances do: boots in 20 s, never healthy, crashes after 5 min, error rate 3 %; commas between."},
    {.name = "account", .type = PARAM_STRING, .help = "Its owner; absent: everybody's."},
    {.name = "regions", .type = PARAM_STRINGS, .help = "Where it is; absent: everywhere."},
    {.name = "tags", .type = PARAM_JSON, .help = "{key: value}"},
    {0},
};
static const Param thing_members[] = {
    {.name = "name", .type = PARAM_STRING, .help = "Its name."},
    {.name = "accounts", .type = PARAM_STRINGS, .help = "Where it is; absent: in all accounts."},
    {.name = "regions", .type = PARAM_STRINGS, .help = "Where it is; absent: in all regions of these accounts."},
    {0},
};
static const Param group_members[] = {
    {.name = "name", .type = PARAM_STRING, .help = "Its name, like shop-main-v000."},
    {.name = "accounts", .type = PARAM_STRINGS, .help = "Where it runs; absent: in all accounts."},
    {.name = "regions", .type = PARAM_STRINGS, .help = "Where it runs; absent: in all regions of these accounts."},
    {.name = "image", .type = PARAM_STRING, .help = "Name of its image."},
    {.name = "size", .type = PARAM_INT, .help = "How many instances."},
    {.name = "loadBalancers", .type = PARAM_STRINGS, .help = "Names of load balancers."},
    {.name = "targetGroups", .type = PARAM_STRINGS, .help = "Names of target groups."},
    {.name = "securityGroups", .type = PARAM_STRINGS, .help = "Names of firewalls."},
    {0},
};

#define LIST(NAME, FIELD, MEMBERS, HELP)                                                                                                   \
    { .name = NAME, .type = PARAM_JSON, .offset = offsetof(SimulatorConfig, FIELD), .members = MEMBERS, .help = HELP }
static const Param params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(SimulatorConfig, enabled),
     .otherwise = "true",
     .help = "Whether simulated accounts are used."},
    {.name = "keepState",
     .type = PARAM_BOOL,
     .offset = offsetof(SimulatorConfig, keep_state),
     .help = "Keep what runs there over restarts, in the data store."},
    {.name = "seed", .type = PARAM_INT, .offset = offsetof(SimulatorConfig, seed), .otherwise = "1", .help = "Where chance begins."},
    LIST("accounts", accounts, simulator_account_params, "Simulated accounts."),
    LIST("images", images, image_members, "Images that exist from the start; default: one named sample-1.0.0."),
    LIST("loadBalancers", load_balancers, thing_members, "Load balancers that exist from the start; default: one named frontend."),
    LIST("targetGroups", target_groups, thing_members, "Target groups that exist from the start; default: one named frontend-targets."),
    LIST("securityGroups", security_groups, thing_members, "Firewalls that exist from the start; default: one named default."),
    LIST("serverGroups", server_groups, group_members, "Server groups that run from the start."),
    LIST("faults", faults, simulated_fault_params,
         "Rules by which it misbehaves: texts like \"throttle createServerGroup 3 times\", or objects."),
    {0},
};

static const ConfigSection section = {SERVICE_GENNAKER, "simulator", params, "The simulated cloud."};
const ConfigSection *const simulator_config_sections[] = {&section, NULL};

gboolean simulator_config_read(Config *config, SimulatorConfig *into, GError **error) {
    return config_read(config, &section, into, error);
}

void simulator_config_clear(SimulatorConfig *config) {
    params_clear(params, config);
}
