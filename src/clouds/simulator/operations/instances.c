/* Operations on instances of the simulated cloud (aws.md 9): terminate, reboot, detach, in and out of load balancers. */
#include "clouds/simulator/operations/operations.h"
#include <string.h>

typedef struct {
    char *region, *group, *instance;
    char **instances, **balancers, **targets;
    gboolean adjust_min, set_max, decrement;
} InstanceParams;

#define REGION                                                                                                                             \
    { .name = "region", .type = PARAM_STRING, .offset = offsetof(InstanceParams, region), .required = TRUE, .help = "Where they are." }
#define GROUP(NEEDED)                                                                                                                      \
    {                                                                                                                                      \
        .name = "asgName", .type = PARAM_STRING, .offset = offsetof(InstanceParams, group), .required = (NEEDED),                          \
        .aliases = (const char *const[]){"serverGroupName", NULL}, .help = "Their server group."                                           \
    }
#define INSTANCES                                                                                                                          \
    {                                                                                                                                      \
        .name = "instanceIds", .type = PARAM_STRINGS, .offset = offsetof(InstanceParams, instances), .required = TRUE,                     \
        .help = "Ids of the instances."                                                                                                    \
    }
#define ADJUST_MIN                                                                                                                         \
    {                                                                                                                                      \
        .name = "adjustMinIfNecessary", .type = PARAM_BOOL, .offset = offsetof(InstanceParams, adjust_min),                                \
        .help = "Lower the group's minimum when it is in the way."                                                                         \
    }
static const Param plain_params[] = {REGION, INSTANCES, {0}};
static const Param decrement_params[] = {
    REGION,
    GROUP(TRUE),
    ADJUST_MIN,
    {.name = "instance",
     .type = PARAM_STRING,
     .offset = offsetof(InstanceParams, instance),
     .required = TRUE,
     .aliases = (const char *const[]){"instanceId", NULL},
     .help = "Id of the instance."},
    {.name = "setMaxToNewDesired",
     .type = PARAM_BOOL,
     .offset = offsetof(InstanceParams, set_max),
     .help = "Lower the group's maximum to the new size."},
    {0},
};
static const Param detach_params[] = {
    REGION,
    GROUP(TRUE),
    INSTANCES,
    ADJUST_MIN,
    {.name = "decrementDesiredCapacity",
     .type = PARAM_BOOL,
     .offset = offsetof(InstanceParams, decrement),
     .help = "Make the group smaller; else it launches others."},
    {0},
};
static const Param balancer_params[] = {
    REGION,
    GROUP(FALSE),
    INSTANCES,
    {.name = "loadBalancerNames",
     .type = PARAM_STRINGS,
     .offset = offsetof(InstanceParams, balancers),
     .help = "Load balancers; absent with a server group: its own."},
    {.name = "targetGroupNames", .type = PARAM_STRINGS, .offset = offsetof(InstanceParams, targets), .help = "Target groups."},
    {0},
};

typedef void (*InstanceChange)(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms);
typedef struct {
    InstanceChange change;
} ForEach;

/* Instances that are gone are passed over. */
static gboolean change_each(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)error;
    const InstanceParams *asked = operation_params(operation);
    const ForEach *each = data;
    for (char **id = asked->instances; *id != NULL; id++) {
        SimulatedGroup *group = NULL;
        SimulatedInstance *instance = world_instance(world, operation_account(operation)->name, asked->region, *id, &group);
        if (instance == NULL)
            operation_line(operation, "%s does not exist in %s", *id, asked->region);
        else
            each->change(world, group, instance, now_ms);
    }
    return TRUE;
}

static gboolean write_each(Operation *operation, const char *what, InstanceChange change, GError **error) {
    const InstanceParams *asked = operation_params(operation);
    const ForEach each = {change};
    g_autofree char *ids = g_strjoinv(", ", asked->instances);
    return simulator_write(operation, what, asked->region, ids, 0, change_each, &each, error);
}

static gboolean terminate_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_each(operation, "terminateInstances", world_instance_terminate, error);
}

static gboolean reboot_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_each(operation, "rebootInstances", world_instance_reboot, error);
}

/* A simulated instance has no security groups of its own. */
static gboolean update_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    operation_line(operation, "nothing of this changes a simulated instance");
    return TRUE;
}

/* ---- a smaller group ---- */

/* The member of the group in hand; NULL: it is no member (any more). */
static SimulatedInstance *member(const SimulatedGroup *group, const char *id) {
    for (guint i = 0; i < group->instances->len; i++) {
        SimulatedInstance *instance = group->instances->pdata[i];
        if (strcmp(instance->id, id) == 0 && instance->terminate_ms == 0)
            return instance;
    }
    return NULL;
}

static SimulatedGroup *asked_group(Operation *operation, const SimulatedWorld *world) {
    const InstanceParams *asked = operation_params(operation);
    return world_group(world, operation_account(operation)->name, asked->region, asked->group);
}

static gboolean make_smaller(SimulatedWorld *world, SimulatedGroup *group, gint64 by, gboolean adjust_min, gboolean set_max, gint64 now_ms,
                             GError **error) {
    Capacity size = group->capacity;
    size.desired -= by;
    if (size.desired < size.min && !adjust_min) {
        error_set(error, ERR_INVALID,
                  "%s in %s (account %s): %" G_GINT64_FORMAT " instances are its minimum; say adjustMinIfNecessary to lower it",
                  group->name, group->region, group->account, size.min);
        return FALSE;
    }
    size.min = MAX(MIN(size.min, size.desired), 0);
    size.desired = MAX(size.desired, 0);
    size.max = set_max ? size.desired : size.max;
    return world_group_resize(world, group, size, now_ms, error);
}

static LookResult decrement_look(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    const InstanceParams *asked = operation_params(operation);
    SimulatorRoom *room = operation_room(operation);
    const SimulatedGroup *group = asked_group(operation, simulator_enter(room, NULL));
    gboolean is_member = group != NULL && member(group, asked->instance) != NULL;
    simulator_leave(room);
    if (!is_member)
        operation_line(operation, "%s is no member of %s", asked->instance, asked->group);
    return is_member ? LOOK_NOT_DONE : LOOK_DONE;
}

static gboolean decrement_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)data;
    const InstanceParams *asked = operation_params(operation);
    SimulatedGroup *group = asked_group(operation, world);
    SimulatedInstance *instance = group != NULL ? member(group, asked->instance) : NULL;
    if (instance == NULL)
        return TRUE;
    if (!make_smaller(world, group, 1, asked->adjust_min, asked->set_max, now_ms, error))
        return FALSE;
    world_instance_terminate(world, group, instance, now_ms);
    return TRUE;
}

static gboolean decrement_act(Operation *operation, guint item, GError **error) {
    const InstanceParams *asked = operation_params(operation);
    return simulator_write(operation, "terminateInstanceAndDecrement", asked->region, asked->instance, item, decrement_in, NULL, error);
}

static gint64 count_members(Operation *operation, const SimulatedGroup *group) {
    const InstanceParams *asked = operation_params(operation);
    gint64 count = 0;
    for (char **id = asked->instances; group != NULL && *id != NULL; id++)
        count += member(group, *id) != NULL;
    return count;
}

static LookResult detach_look(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    SimulatorRoom *room = operation_room(operation);
    gint64 members = count_members(operation, asked_group(operation, simulator_enter(room, NULL)));
    simulator_leave(room);
    return members > 0 ? LOOK_NOT_DONE : LOOK_DONE;
}

static gboolean detach_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)data;
    const InstanceParams *asked = operation_params(operation);
    SimulatedGroup *group = asked_group(operation, world);
    gint64 count = count_members(operation, group);
    if (count == 0)
        return TRUE;
    if (asked->decrement && !make_smaller(world, group, count, asked->adjust_min, FALSE, now_ms, error))
        return FALSE;
    for (char **id = asked->instances; *id != NULL; id++) {
        SimulatedInstance *instance = member(group, *id);
        if (instance != NULL)
            world_instance_detach(world, group, instance, now_ms);
    }
    return TRUE;
}

static gboolean detach_act(Operation *operation, guint item, GError **error) {
    const InstanceParams *asked = operation_params(operation);
    g_autofree char *ids = g_strjoinv(", ", asked->instances);
    return simulator_write(operation, "detachInstances", asked->region, ids, item, detach_in, NULL, error);
}

/* ---- load balancers ---- */

typedef void (*Registration)(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, const char *name, gint64 now_ms);
typedef struct {
    Registration change;
} ForEachName;

static gboolean check_balancers(Operation *operation, const SimulatedWorld *world, GError **error) {
    const InstanceParams *asked = operation_params(operation);
    char **const lists[] = {asked->balancers, asked->targets};
    for (guint kind = 0; kind < G_N_ELEMENTS(lists); kind++)
        for (char **name = lists[kind]; name != NULL && *name != NULL; name++) {
            if (world_balancer(world, kind, operation_account(operation)->name, asked->region, *name) != NULL)
                continue;
            error_set(error, ERR_NOT_FOUND, "%s in %s (account %s): there is no such one of %s", *name, asked->region,
                      operation_account(operation)->name, simulated_balancer_kinds[kind]);
            return FALSE;
        }
    return TRUE;
}

static gboolean change_registrations(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data,
                                     GError **error) {
    (void)item;
    const InstanceParams *asked = operation_params(operation);
    const ForEachName *each = data;
    if (!check_balancers(operation, world, error))
        return FALSE;
    for (char **id = asked->instances; *id != NULL; id++) {
        SimulatedGroup *group = NULL;
        SimulatedInstance *instance = world_instance(world, operation_account(operation)->name, asked->region, *id, &group);
        if (instance == NULL || (asked->group != NULL && strcmp(group->name, asked->group) != 0)) {
            operation_line(operation, "%s is passed over: it is not there, or no member", *id);
            continue;
        }
        for (char **name = asked->balancers; name != NULL && *name != NULL; name++)
            each->change(world, group, instance, *name, now_ms);
        for (char **name = asked->targets; name != NULL && *name != NULL; name++)
            each->change(world, group, instance, *name, now_ms);
        if (asked->balancers == NULL && asked->targets == NULL)
            each->change(world, group, instance, NULL, now_ms);
    }
    return TRUE;
}

static gboolean write_registrations(Operation *operation, const char *what, Registration change, GError **error) {
    const InstanceParams *asked = operation_params(operation);
    const ForEachName each = {change};
    g_autofree char *ids = g_strjoinv(", ", asked->instances);
    return simulator_write(operation, what, asked->region, ids, 0, change_registrations, &each, error);
}

static gboolean register_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_registrations(operation, "registerInstancesWithLoadBalancer", world_instance_register, error);
}

static gboolean deregister_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_registrations(operation, "deregisterInstancesFromLoadBalancer", world_instance_deregister, error);
}

/* ---- the table ---- */

#define STEPS(...) ((const OperationStep[]){{__VA_ARGS__}, {0}})
extern const CloudOperation simulator_terminate_instances, simulator_reboot_instances, simulator_update_instances,
    simulator_terminate_and_decrement, simulator_detach_instances, simulator_register_instances, simulator_deregister_instances;
const CloudOperation simulator_terminate_instances = {
    .name = "terminateInstances",
    .aliases = (const char *const[]){"terminateInstancesDescription", NULL},
    .help = "Terminates instances; their groups launch others.",
    .params = plain_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "terminate instances", .act = terminate_act, .repeat = REPEAT_IDEMPOTENT),
};
const CloudOperation simulator_reboot_instances = {
    .name = "rebootInstances",
    .aliases = (const char *const[]){"rebootInstancesDescription", NULL},
    .help = "Reboots instances.",
    .params = plain_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "reboot instances", .act = reboot_act, .repeat = REPEAT_IDEMPOTENT),
};
const CloudOperation simulator_update_instances = {
    .name = "updateInstances",
    .help = "Changes security groups of instances, which a simulated one does not have.",
    .params = (const Param[]){REGION, {0}},
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "update instances", .act = update_act, .repeat = REPEAT_READ),
};
const CloudOperation simulator_terminate_and_decrement = {
    .name = "terminateInstanceAndDecrement",
    .aliases = (const char *const[]){"terminateInstanceAndDecrementDescription", "terminateInstanceAndDecrementAsgDescription", NULL},
    .help = "Terminates an instance and makes its group smaller.",
    .params = decrement_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "terminate instance", .look = decrement_look, .act = decrement_act, .repeat = REPEAT_LOOK),
};
const CloudOperation simulator_detach_instances = {
    .name = "detachInstances",
    .aliases = (const char *const[]){"detachInstancesDescription", NULL},
    .help = "Takes instances out of their group; a simulated cloud keeps no instances without a group, so they end.",
    .params = detach_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "detach instances", .look = detach_look, .act = detach_act, .repeat = REPEAT_LOOK),
};
const CloudOperation simulator_register_instances = {
    .name = "registerInstancesWithLoadBalancer",
    .aliases = (const char *const[]){"registerInstancesWithLoadBalancerDescription", NULL},
    .help = "Lets instances get traffic.",
    .params = balancer_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "register instances", .act = register_act, .repeat = REPEAT_IDEMPOTENT),
};
const CloudOperation simulator_deregister_instances = {
    .name = "deregisterInstancesFromLoadBalancer",
    .aliases = (const char *const[]){"deregisterInstancesFromLoadBalancerDescription", NULL},
    .help = "Takes instances out of traffic.",
    .params = balancer_params,
    .params_size = sizeof(InstanceParams),
    .steps = STEPS(.name = "deregister instances", .act = deregister_act, .repeat = REPEAT_IDEMPOTENT),
};
