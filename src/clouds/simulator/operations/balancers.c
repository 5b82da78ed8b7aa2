/* Load balancers and firewalls of the simulated cloud (aws.md 11, 12). */
#include "clouds/simulator/operations/operations.h"
#include <string.h>

typedef struct {
    char *name, *region;
    char **regions;
    Json *zones, *targets;
} ThingParams;

#define PLACE                                                                                                                              \
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(ThingParams, region), .help = "Where it is."},                             \
        {.name = "regions", .type = PARAM_STRINGS, .offset = offsetof(ThingParams, regions), .help = "Where it is, in several regions."},  \
    {                                                                                                                                      \
        .name = "availabilityZones", .type = PARAM_JSON, .offset = offsetof(ThingParams, zones), .help = "{region: [zones]}"               \
    }
static const Param balancer_params[] = {
    {.name = "name",
     .type = PARAM_STRING,
     .offset = offsetof(ThingParams, name),
     .required = TRUE,
     .aliases = (const char *const[]){"loadBalancerName", NULL},
     .help = "Name of the load balancer."},
    PLACE,
    {.name = "targetGroups",
     .type = PARAM_JSON,
     .offset = offsetof(ThingParams, targets),
     .help = "Target groups behind it: a list of {name, …}."},
    {0},
};
static const Param firewall_params[] = {
    {.name = "name",
     .type = PARAM_STRING,
     .offset = offsetof(ThingParams, name),
     .required = TRUE,
     .aliases = (const char *const[]){"securityGroupName", NULL},
     .help = "Name of the firewall."},
    PLACE,
    {0},
};

/* ---- places: a request may name several regions ---- */

static char **regions_of(Operation *operation) {
    const ThingParams *asked = operation_params(operation);
    g_autoptr(GStrvBuilder) regions = g_strv_builder_new();
    for (char **region = asked->regions; region != NULL && *region != NULL; region++)
        g_strv_builder_add(regions, *region);
    if (asked->region != NULL)
        g_strv_builder_add(regions, asked->region);
    for (JsonIter i = json_iter(json_root(asked->zones)); json_next(&i);)
        g_strv_builder_add(regions, i.key);
    return g_strv_builder_end(regions);
}

static guint count_regions(Operation *operation) {
    g_auto(GStrv) regions = regions_of(operation);
    return g_strv_length(regions);
}

static void validate_place(Operation *operation, GPtrArray *errors) {
    if (count_regions(operation) == 0)
        g_ptr_array_add(errors, g_strdup("region, regions or availabilityZones: required"));
}

typedef struct {
    SimulatedBalancerKind kind;
    const char *region;
} Thing;

static gboolean write_thing(Operation *operation, const char *what, SimulatedBalancerKind kind, guint item, SimulatedChange change,
                            GError **error) {
    const ThingParams *asked = operation_params(operation);
    g_auto(GStrv) regions = regions_of(operation);
    const Thing thing = {kind, regions[item]};
    return simulator_write(operation, what, regions[item], asked->name, item, change, &thing, error);
}

/* ---- making ---- */

static gboolean put_targets(Operation *operation, SimulatedWorld *world, const char *region, GError **error) {
    const ThingParams *asked = operation_params(operation);
    for (JsonIter i = json_iter(json_root(asked->targets)); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        g_autoptr(Json) names = json_pack("{s:[s]}", "loadBalancerNames", asked->name);
        g_autoptr(Json) description = json_merge(i.value, json_root(names));
        if (name != NULL && world_balancer_put(world, BALANCER_TARGET_GROUP, operation_account(operation)->name, region, name,
                                               json_root(description), error) == NULL)
            return FALSE;
    }
    return TRUE;
}

static gboolean put_thing(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    static const char *const ENVELOPE[] = {"credentials", "account", "region", "regions", "targetGroups", "cloudProvider", "type", NULL};
    (void)item, (void)now_ms;
    const Thing *thing = data;
    const ThingParams *asked = operation_params(operation);
    g_autoptr(Json) description = json_without(operation_request(operation), ENVELOPE);
    if (world_balancer_put(world, thing->kind, operation_account(operation)->name, thing->region, asked->name, json_root(description),
                           error) == NULL)
        return FALSE;
    return thing->kind != BALANCER_LOAD_BALANCER || put_targets(operation, world, thing->region, error);
}

static gboolean upsert_balancer_act(Operation *operation, guint item, GError **error) {
    return write_thing(operation, "upsertLoadBalancer", BALANCER_LOAD_BALANCER, item, put_thing, error);
}

static gboolean upsert_firewall_act(Operation *operation, guint item, GError **error) {
    return write_thing(operation, "upsertSecurityGroup", BALANCER_SECURITY_GROUP, item, put_thing, error);
}

static void upsert_balancer_finish(Operation *operation) {
    const ThingParams *asked = operation_params(operation);
    g_auto(GStrv) regions = regions_of(operation);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (char **region = regions; *region != NULL; region++) {
        g_autoptr(Json) made = json_pack("{s:s, s:s}", "name", asked->name, "dnsName", asked->name);
        json_add_json(builder, *region, made);
    }
    json_end_object(builder);
    g_autoptr(Json) balancers = json_builder_end(builder);
    operation_result_set(operation, "loadBalancers", json_root(balancers));
}

/* ---- removing ---- */

static gboolean remove_thing(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item;
    const Thing *thing = data;
    const ThingParams *asked = operation_params(operation);
    const char *account = operation_account(operation)->name;
    if (world_balancer(world, thing->kind, account, thing->region, asked->name) != NULL)
        return world_balancer_remove(world, thing->kind, account, thing->region, asked->name, now_ms, error);
    operation_line(operation, "%s does not exist in %s; nothing to delete", asked->name, thing->region);
    return TRUE;
}

static gboolean delete_balancer_act(Operation *operation, guint item, GError **error) {
    return write_thing(operation, "deleteLoadBalancer", BALANCER_LOAD_BALANCER, item, remove_thing, error);
}

static gboolean delete_firewall_act(Operation *operation, guint item, GError **error) {
    return write_thing(operation, "deleteSecurityGroup", BALANCER_SECURITY_GROUP, item, remove_thing, error);
}

/* ---- the table ---- */

#define STEPS(text, function)                                                                                                              \
    ((const OperationStep[]){{.name = (text), .count = count_regions, .act = (function), .repeat = REPEAT_IDEMPOTENT}, {0}})
extern const CloudOperation simulator_upsert_load_balancer, simulator_delete_load_balancer, simulator_upsert_security_group,
    simulator_delete_security_group;
const CloudOperation simulator_upsert_load_balancer = {
    .name = "upsertLoadBalancer",
    .aliases = (const char *const[]){"upsertAmazonLoadBalancerDescription", NULL},
    .help = "Makes or changes a load balancer with its target groups.",
    .params = balancer_params,
    .params_size = sizeof(ThingParams),
    .validate = validate_place,
    .steps = STEPS("put load balancer", upsert_balancer_act),
    .finish = upsert_balancer_finish,
};
const CloudOperation simulator_delete_load_balancer = {
    .name = "deleteLoadBalancer",
    .aliases = (const char *const[]){"deleteAmazonLoadBalancerDescription", NULL},
    .help = "Deletes a load balancer.",
    .params = balancer_params,
    .params_size = sizeof(ThingParams),
    .validate = validate_place,
    .steps = STEPS("delete load balancer", delete_balancer_act),
};
const CloudOperation simulator_upsert_security_group = {
    .name = "upsertSecurityGroup",
    .aliases = (const char *const[]){"upsertSecurityGroupDescription", NULL},
    .help = "Makes or changes a firewall.",
    .params = firewall_params,
    .params_size = sizeof(ThingParams),
    .validate = validate_place,
    .steps = STEPS("put firewall", upsert_firewall_act),
};
const CloudOperation simulator_delete_security_group = {
    .name = "deleteSecurityGroup",
    .aliases = (const char *const[]){"deleteSecurityGroupDescription", NULL},
    .help = "Deletes a firewall.",
    .params = firewall_params,
    .params_size = sizeof(ThingParams),
    .validate = validate_place,
    .steps = STEPS("delete firewall", delete_firewall_act),
};
