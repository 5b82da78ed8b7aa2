/* Scaling policies and scheduled actions of the simulated cloud (aws.md 8): kept with their group, and told; nothing scales by itself. */
#include "clouds/simulator/operations/operations.h"
#include <string.h>

typedef struct {
    char *region, *group, *name;
    Json *actions;
} ScalingParams;

#define PLACE                                                                                                                              \
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(ScalingParams, region), .required = TRUE, .help = "Where the group is."},  \
    {                                                                                                                                      \
        .name = "serverGroupName", .type = PARAM_STRING, .offset = offsetof(ScalingParams, group), .required = TRUE,                       \
        .aliases = (const char *const[]){"asgName", NULL}, .help = "The server group."                                                     \
    }
#define NAME(NEEDED)                                                                                                                       \
    {                                                                                                                                      \
        .name = "name", .type = PARAM_STRING, .offset = offsetof(ScalingParams, name), .required = (NEEDED),                               \
        .aliases = (const char *const[]){"policyName", NULL}, .help = "Name of the policy."                                                \
    }
static const Param upsert_params[] = {PLACE, NAME(FALSE), {0}};
static const Param delete_params[] = {PLACE, NAME(TRUE), {0}};
static const Param action_params[] = {
    {.name = "scheduledActions",
     .type = PARAM_JSON,
     .offset = offsetof(ScalingParams, actions),
     .required = TRUE,
     .help = "All that there are to be: a list of {recurrence, minSize, maxSize, desiredCapacity}."},
    {0},
};

static const char *policy_name(Operation *operation) {
    const char *given = ((const ScalingParams *)operation_params(operation))->name;
    return given != NULL ? given : operation_fact_string(operation, "name");
}

static gint find_policy(const SimulatedGroup *group, const char *name) {
    for (guint i = 0; i < group->policies->len; i++)
        if (g_strcmp0(json_get_string(json_root(group->policies->pdata[i]), "policyName"), name) == 0)
            return (gint)i;
    return -1;
}

/* NULL with *error. */
static SimulatedGroup *asked_group(Operation *operation, const SimulatedWorld *world, GError **error) {
    const ScalingParams *asked = operation_params(operation);
    SimulatedGroup *group = world_group(world, operation_account(operation)->name, asked->region, asked->group);
    if (group == NULL)
        error_set(error, ERR_NOT_FOUND, "server group %s in %s (account %s) does not exist", asked->group, asked->region,
                  operation_account(operation)->name);
    return group;
}

static gboolean upsert_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    static const char *const ENVELOPE[] = {"credentials", "account", "region", "name", "cloudProvider", "type", NULL};
    (void)item, (void)data;
    SimulatedGroup *group = asked_group(operation, world, error);
    if (group == NULL)
        return FALSE;
    g_autoptr(Json) rest = json_without(operation_request(operation), ENVELOPE);
    Json *policy = json_with_string(json_root(rest), "policyName", policy_name(operation));
    gint place = find_policy(group, policy_name(operation));
    if (place >= 0)
        g_ptr_array_remove_index(group->policies, (guint)place);
    g_ptr_array_add(group->policies, policy);
    world_group_touch(world, group, now_ms);
    return TRUE;
}

static gboolean name_act(Operation *operation, guint item, GError **error) {
    (void)error;
    const ScalingParams *asked = operation_params(operation);
    g_autofree char *token = operation_token(operation, "policy", item);
    g_autofree char *name = g_strdup_printf("%s-policy-%.8s", asked->group, token);
    operation_fact_set_string(operation, "name", name);
    return TRUE;
}

static gboolean upsert_act(Operation *operation, guint item, GError **error) {
    const ScalingParams *asked = operation_params(operation);
    return simulator_write(operation, "upsertScalingPolicy", asked->region, asked->group, item, upsert_in, NULL, error);
}

static void upsert_finish(Operation *operation) {
    g_autoptr(Json) name = json_from_string(policy_name(operation));
    operation_result_set(operation, "policyName", json_root(name));
}

static gboolean delete_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)data;
    SimulatedGroup *group = asked_group(operation, world, error);
    gint place = group != NULL ? find_policy(group, policy_name(operation)) : -1;
    if (place >= 0) {
        g_ptr_array_remove_index(group->policies, (guint)place);
        world_group_touch(world, group, now_ms);
    }
    return group != NULL;
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const ScalingParams *asked = operation_params(operation);
    return simulator_write(operation, "deleteScalingPolicy", asked->region, asked->group, item, delete_in, NULL, error);
}

static gboolean set_actions(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms, GError **error) {
    (void)item, (void)error;
    const ScalingParams *asked = operation_params(operation);
    g_ptr_array_set_size(group->actions, 0);
    for (JsonIter i = json_iter(json_root(asked->actions)); json_next(&i);)
        g_ptr_array_add(group->actions, json_copy(i.value));
    world_group_touch(world, group, now_ms);
    return TRUE;
}

static gboolean actions_act(Operation *operation, guint item, GError **error) {
    return simulator_write_group(operation, "upsertAsgScheduledActions", item, set_actions, error);
}

extern const CloudOperation simulator_upsert_scaling_policy, simulator_delete_scaling_policy, simulator_upsert_scheduled_actions;
const CloudOperation simulator_upsert_scaling_policy = {
    .name = "upsertScalingPolicy",
    .help = "Keeps a scaling policy with a server group.",
    .params = upsert_params,
    .params_size = sizeof(ScalingParams),
    .steps = (const OperationStep[]){{.name = "choose a name", .act = name_act, .repeat = REPEAT_READ},
                                     {.name = "put scaling policy", .act = upsert_act, .repeat = REPEAT_IDEMPOTENT},
                                     {0}},
    .finish = upsert_finish,
};
const CloudOperation simulator_delete_scaling_policy = {
    .name = "deleteScalingPolicy",
    .help = "Removes a scaling policy of a server group.",
    .params = delete_params,
    .params_size = sizeof(ScalingParams),
    .steps = (const OperationStep[]){{.name = "delete scaling policy", .act = delete_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
};
const CloudOperation simulator_upsert_scheduled_actions = {
    .name = "upsertAsgScheduledActions",
    .aliases = (const char *const[]){"upsertAsgScheduledActionsDescription", NULL},
    .help = "Keeps the scheduled actions of server groups.",
    .takes_server_groups = TRUE,
    .params = action_params,
    .params_size = sizeof(ScalingParams),
    .steps = (const OperationStep[]){{.name = "put scheduled actions",
                                      .count = operation_groups,
                                      .act = actions_act,
                                      .repeat = REPEAT_IDEMPOTENT},
                                     {0}},
};
