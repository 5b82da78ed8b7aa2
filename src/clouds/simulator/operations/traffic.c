/* enableServerGroup and disableServerGroup of the simulated cloud (aws.md 7): which instances get traffic. */
#include "clouds/traffic.h"
#include "clouds/simulator/operations/operations.h"
#include <string.h>

typedef struct {
    gint64 percentage; /* -1: not given */
} TrafficParams;
static const Param params[] = {
    {.name = "desiredPercentage",
     .type = PARAM_INT,
     .offset = offsetof(TrafficParams, percentage),
     .otherwise = "-1",
     .min = -1,
     .max = 100,
     .help = "How much of the group is to be without traffic when done; absent or 100: all of it."},
    {0},
};
static const char *const PROCESSES[] = {"Launch", "Terminate", "AddToLoadBalancer", NULL};

static gboolean is_partial(Operation *operation) {
    const TrafficParams *asked = operation_params(operation);
    return asked->percentage >= 0 && asked->percentage < 100;
}

/* The part is chosen once, from the instances' health of now. */
static gboolean choose_part(Operation *operation, guint item, GError **error) {
    (void)error;
    const TrafficParams *asked = operation_params(operation);
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    SimulatorRoom *room = operation_room(operation);
    simulator_enter(room, NULL);
    simulator_leave(room); /* the inventory is up to date now */
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    const ServerGroup *group = clouds_server_group(snapshot, operation_account(operation)->name, region, name);
    guint total = 0;
    g_auto(GStrv) part = traffic_part_to_disable(snapshot, group, asked->percentage, &total);
    g_autoptr(Json) ids = json_from_strings((const char *const *)part);
    operation_group_fact_set(operation, "part", item, json_root(ids));
    operation_line(operation, "%s: %" G_GINT64_FORMAT " %% of %u instances: %u more go out of service", name, asked->percentage, total,
                   g_strv_length(part));
    return TRUE;
}

static guint parts(Operation *operation) {
    return is_partial(operation) ? operation_groups(operation) : 0;
}

static gboolean is_chosen(const JsonValue *part, const char *id) {
    for (JsonIter i = json_iter(part); json_next(&i);)
        if (g_strcmp0(json_string(i.value), id) == 0)
            return TRUE;
    return FALSE;
}

static gboolean disable_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                              GError **error) {
    (void)error;
    const JsonValue *part = is_partial(operation) ? operation_group_fact(operation, "part", item) : NULL;
    if (part == NULL)
        world_group_suspend(world, group, PROCESSES, now_ms);
    for (guint i = 0; i < group->instances->len; i++) {
        SimulatedInstance *instance = group->instances->pdata[i];
        if (part == NULL || is_chosen(part, instance->id))
            world_instance_deregister(world, group, instance, NULL, now_ms);
    }
    operation_line(operation, "%s in %s is out of traffic%s", group->name, group->region, part != NULL ? " in part" : "");
    return TRUE;
}

static gboolean enable_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                             GError **error) {
    (void)item, (void)error;
    world_group_resume(world, group, PROCESSES, now_ms);
    for (guint i = 0; i < group->instances->len; i++)
        world_instance_register(world, group, group->instances->pdata[i], NULL, now_ms);
    operation_line(operation, "%s in %s takes traffic", group->name, group->region);
    return TRUE;
}

static gboolean disable_act(Operation *operation, guint item, GError **error) {
    return simulator_write_group(operation, "disableServerGroup", item, disable_group, error);
}

static gboolean enable_act(Operation *operation, guint item, GError **error) {
    return simulator_write_group(operation, "enableServerGroup", item, enable_group, error);
}

static void disable_finish(Operation *operation) {
    if (!is_partial(operation))
        return;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < operation_groups(operation); i++)
        for (JsonIter id = json_iter(operation_group_fact(operation, "part", i)); json_next(&id);)
            json_add_value(builder, NULL, id.value);
    json_end_array(builder);
    g_autoptr(Json) ids = json_builder_end(builder);
    operation_result_set(operation, "instanceIdsToDisable", json_root(ids));
}

static const OperationStep disable_steps[] = {
    {.name = "choose instances", .count = parts, .act = choose_part, .repeat = REPEAT_READ},
    {.name = "disable server group", .count = operation_groups, .act = disable_act, .repeat = REPEAT_IDEMPOTENT},
    {0},
};
static const OperationStep enable_steps[] = {
    {.name = "enable server group", .count = operation_groups, .act = enable_act, .repeat = REPEAT_IDEMPOTENT},
    {0},
};

extern const CloudOperation simulator_disable_server_group, simulator_enable_server_group;
const CloudOperation simulator_disable_server_group = {
    .name = "disableServerGroup",
    .aliases = (const char *const[]){"disableAsgDescription", NULL},
    .help = "Takes server groups, or a part of their instances, out of traffic.",
    .takes_server_groups = TRUE,
    .params = params,
    .params_size = sizeof(TrafficParams),
    .steps = disable_steps,
    .finish = disable_finish,
};

const CloudOperation simulator_enable_server_group = {
    .name = "enableServerGroup",
    .aliases = (const char *const[]){"enableAsgDescription", NULL},
    .help = "Lets server groups launch and get traffic again.",
    .takes_server_groups = TRUE,
    .steps = enable_steps,
};
