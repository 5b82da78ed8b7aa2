/* Accounts out of the configuration (accounts.h). On the thread that starts or reloads. */
#include "clouds/simulator/accounts.h"
#include "clouds/simulator/furnish.h"
#include "clouds/simulator/room.h"
#include "clouds/simulator/simulator.h"
#include <string.h>

/* As clients know regions: {name, availabilityZones}. */
static Json *details_of(const char *const *regions) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "regions");
    for (guint i = 0; regions != NULL && regions[i] != NULL; i++) {
        g_auto(GStrv) zones = simulator_zones(regions[i]);
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", regions[i]);
        json_add_strings(builder, "availabilityZones", (const char *const *)zones);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

Account *simulator_account_new(SimulatorRoom *room, const Cloud *cloud, const char *name, const char *environment, const char *type,
                               const char *const *regions, const Json *permissions) {
    SimulatorAccount *own = g_new0(SimulatorAccount, 1);
    Account *account = &own->base;
    own->room = room;
    account->cloud = cloud;
    account->name = g_strdup(name);
    account->environment = g_strdup(environment != NULL ? environment : name);
    account->type = g_strdup(type != NULL ? type : name);
    account->regions = regions != NULL ? g_strdupv((char **)regions) : g_new0(char *, 1);
    account->primary_health_names = g_strdupv((char *[]){(char *)cloud->platform_health, NULL});
    account->permissions = json_ref((Json *)permissions);
    account->details = details_of(regions);
    account->ref_count = 1;
    return account;
}

void simulator_account_free(Account *account) {
    g_free(account->name);
    g_free(account->environment);
    g_free(account->type);
    g_strfreev(account->regions);
    g_strfreev(account->primary_health_names);
    json_unref(account->permissions);
    json_unref(account->details);
    g_free(account);
}

SimulatorRoom *simulator_account_room(Account *account) {
    return ((SimulatorAccount *)account)->room;
}

/* ---- the configuration ---- */

typedef struct {
    const Config *config;
    SimulatorRoom *room;
    SimulatedWorld *world;
    GPtrArray *accounts, *problems;
} Opening;

static void add_problem(GPtrArray *problems, const Config *config, const JsonValue *value, const char *name, const char *text) {
    g_autofree char *where = config_where(config, value);
    g_autofree char *whole = g_strdup_printf("%s%ssimulated account %s: %s", where != NULL ? where : "", where != NULL ? ": " : "",
                                             name != NULL ? name : "?", text);
    account_problem_add(problems, (AccountProblem){&cloud_simulator, (char *)(name != NULL ? name : "?"), whole, TRUE, TRUE});
}

static gboolean is_known(const GPtrArray *accounts, const char *name) {
    for (guint i = 0; i < accounts->len; i++)
        if (strcmp(((const Account *)accounts->pdata[i])->name, name) == 0)
            return TRUE;
    return FALSE;
}

static void open_one(const Opening *opening, const JsonValue *value) {
    SimulatorAccountConfig read = {0};
    g_autoptr(GError) error = NULL;
    if (!config_read_value(opening->config, value, simulator_account_params, &read, &error)) {
        add_problem(opening->problems, opening->config, value, json_get_string(value, "name"), error->message);
        return;
    }
    if (is_known(opening->accounts, read.name)) {
        add_problem(opening->problems, opening->config, value, read.name, "a second account of this name is left out");
    } else {
        world_set_quota(opening->world, read.name, read.quota.instances, read.quota.server_groups);
        g_ptr_array_add(opening->accounts, simulator_account_new(opening->room, &cloud_simulator, read.name, read.environment, read.type,
                                                                 (const char *const *)read.regions, read.permissions));
    }
    params_clear(simulator_account_params, &read);
}

static void add_general(GPtrArray *problems, const GError *error) {
    g_autofree char *text = g_strdup_printf("simulated cloud: %s", error->message);
    account_problem_add(problems, (AccountProblem){&cloud_simulator, NULL, text, FALSE, TRUE});
}

GPtrArray *simulator_accounts_open(Config *config, Clouds *clouds, GPtrArray *problems) {
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    g_auto(SimulatorConfig) settings = {0};
    g_autoptr(GError) error = NULL;
    if (!simulator_config_read(config, &settings, &error)) {
        add_general(problems, error);
        return accounts;
    }
    if (!settings.enabled || json_length(json_root(settings.accounts)) == 0)
        return accounts;
    SimulatorRoom *room = simulator_room(clouds);
    gboolean restored = simulator_keep(room, settings.keep_state, (guint64)settings.seed);
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_furnish_begin(room, &now_ms);
    const Opening opening = {config, room, world, accounts, problems};
    /* the configuration's own values, which know their file and line */
    for (JsonIter i = json_iter(config_get(config, SERVICE_GENNAKER, "simulator.accounts")); json_next(&i);)
        open_one(&opening, i.value);
    if (!simulator_furnish(world, &settings, accounts, restored, now_ms, &error))
        add_general(problems, error);
    simulator_leave(room);
    return accounts;
}
