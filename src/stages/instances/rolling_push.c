/* `rollingPush`: every instance of a server group, or some, is replaced by a new one, a few at a time (deploy-strategies.md 3). One round of
 * the tasks between the loop's ends per batch; taking out of traffic and terminating are the tasks of the stages that do it by hand. Runs
 * in a worker. */
#include "stages/instances/rolling_push.h"
#include "stages/instances/instances.h"

#define LEFT_KEY "terminationInstanceIds" /* those still to go */
#define KNOWN_KEY "knownInstanceIds"      /* all that were there at the beginning */
#define BATCH_KEY "instanceIds"           /* this round's */
#define WAIT_KEY "_waitUntil"             /* when this round goes on */

extern const StageType stage_deregister_instances, stage_terminate_instances;

/* ---- which ---- */

static gint oldest_first(gconstpointer a, gconstpointer b) {
    const Instance *one = *(const Instance *const *)a, *two = *(const Instance *const *)b;
    return one->launch_ms != two->launch_ms ? (one->launch_ms < two->launch_ms ? -1 : 1) : strcmp(one->id, two->id);
}

static gboolean is_listed(const JsonValue *list, const char *id) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_string(i.value), id) == 0)
            return TRUE;
    return FALSE;
}

Json *rolling_push_candidates(const GPtrArray *instances, const JsonValue *termination) {
    const JsonValue *chosen = json_get(termination, "instances");
    gint64 most = deploy_number(json_get(termination, "totalRelaunches"), 0);
    gboolean all = deploy_flag(termination, "relaunchAllInstances", FALSE) || json_length(chosen) > 0;
    const char *order = json_get_string(termination, "order");
    gboolean newest = order != NULL && g_ascii_strcasecmp(order, "newest") == 0;
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (guint i = 0; i < instances->len; i++)
        if (json_length(chosen) == 0 || is_listed(chosen, ((const Instance *)instances->pdata[i])->id))
            g_ptr_array_add(sorted, instances->pdata[i]);
    g_ptr_array_sort(sorted, oldest_first);
    guint count = all ? sorted->len : (guint)CLAMP(most, 0, (gint64)sorted->len);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < count; i++)
        json_add_string(builder, NULL, ((const Instance *)sorted->pdata[newest ? sorted->len - 1 - i : i])->id);
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *ids_of(const GPtrArray *instances) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < instances->len; i++)
        json_add_string(builder, NULL, ((const Instance *)instances->pdata[i])->id);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* The server group with its instances, live; NULL with error. The snapshot is the caller's. */
static const ServerGroup *read_group(TaskContext *context, InventorySnapshot **snapshot, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    GroupName *name = target_of_stage(context, error);
    const ServerGroup *group = NULL;
    if (name != NULL && live_read_group(context, account, name, error) == GROUP_SEEN) {
        *snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
        group = clouds_server_group(*snapshot, account, name->region, name->name);
        if (group == NULL)
            error_set(error, ERR_NOT_FOUND, "server group %s in %s (account %s) is gone", name->name, name->region, account);
    }
    group_name_free(name);
    return group;
}

static Status determine_candidates(TaskContext *context, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = read_group(context, &snapshot, error);
    if (group == NULL)
        return STATUS_TERMINAL;
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    g_ptr_array_add(names, group_name_new(group->region, group->name));
    g_autoptr(Json) left = rolling_push_candidates(instances, json_get(deploy_context(context->stage), "termination"));
    g_autoptr(Json) known = ids_of(instances);
    task_set_context_json(context, LEFT_KEY, left);
    task_set_context_json(context, KNOWN_KEY, known);
    deploy_record_groups(context, names);
    return STATUS_SUCCEEDED;
}

/* ---- a round ---- */

static gint64 batch_size(const JsonValue *termination) {
    return MAX(deploy_number(json_get(termination, "concurrentRelaunches"), 1), 1);
}

static Status pick_batch(TaskContext *context, GError **error) {
    (void)error;
    const JsonValue *own = deploy_context(context->stage), *left = json_get(own, LEFT_KEY);
    gsize size = (gsize)batch_size(json_get(own, "termination"));
    g_autoptr(JsonBuilder) batch = json_builder_new(), rest = json_builder_new();
    json_begin_array(batch, NULL);
    json_begin_array(rest, NULL);
    for (JsonIter i = json_iter(left); json_next(&i);)
        json_add_value(i.index < size ? batch : rest, NULL, i.value);
    json_end_array(batch);
    json_end_array(rest);
    g_autoptr(Json) now = json_builder_end(batch), later = json_builder_end(rest);
    gint64 wait_ms = MAX(deploy_number(json_dig(own, "termination", "waitTime", NULL), 0), 0) * 1000;
    g_autoptr(Json) until = json_from_int(context->now_ms + wait_ms);
    task_set_context_json(context, BATCH_KEY, now);
    task_set_context_json(context, LEFT_KEY, later);
    task_set_context_json(context, WAIT_KEY, until);
    return STATUS_SUCCEEDED;
}

static gboolean batch_is_empty(const TaskContext *context) {
    return json_length(json_get(deploy_context(context->stage), BATCH_KEY)) == 0;
}

static Status wait_before(TaskContext *context, GError **error) {
    (void)error;
    gint64 until_ms = json_get_int(deploy_context(context->stage), WAIT_KEY, 0);
    if (batch_is_empty(context) || context->now_ms >= until_ms)
        return STATUS_SUCCEEDED;
    task_progress(context, "waits before the next instances go");
    return task_again_at(context, until_ms);
}

/* The tasks of another stage on this round's instances. */
static Status borrowed(TaskContext *context, const StageType *type, guint task, GError **error) {
    return batch_is_empty(context) ? STATUS_SUCCEEDED : type->tasks[task].run(context, error);
}

static gboolean has_any(char *const *list) {
    return list != NULL && list[0] != NULL;
}

/* Only what is behind a load balancer can be taken out of one. */
static gboolean takes_traffic(TaskContext *context) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = read_group(context, &snapshot, NULL);
    const Cloud *cloud = deploy_cloud(context, NULL);
    return group != NULL && cloud != NULL && (has_any(group->load_balancers) || has_any(group->target_groups)) &&
           cloud_has_operation(cloud, "deregisterInstancesFromLoadBalancer");
}

static Status disable(TaskContext *context, GError **error) {
    return takes_traffic(context) ? borrowed(context, &stage_deregister_instances, 0, error) : STATUS_SUCCEEDED;
}

static Status wait_for_down(TaskContext *context, GError **error) {
    return takes_traffic(context) ? borrowed(context, &stage_deregister_instances, 2, error) : STATUS_SUCCEEDED;
}

static Status terminate(TaskContext *context, GError **error) {
    return borrowed(context, &stage_terminate_instances, 0, error);
}

static Status wait_for_gone(TaskContext *context, GError **error) {
    return borrowed(context, &stage_terminate_instances, 2, error);
}

static Status wait_for_new(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_enough_up, .empty_is_failure = TRUE};
    return batch_is_empty(context) ? STATUS_SUCCEEDED : live_wait(context, &wait, error);
}

static Status check_remaining(TaskContext *context, GError **error) {
    (void)error;
    return json_length(json_get(deploy_context(context->stage), LEFT_KEY)) > 0 ? STATUS_REDIRECT : STATUS_SUCCEEDED;
}

/* ---- the stage ---- */

typedef struct {
    char *credentials, *provider, *region, *server_group;
    char **health_providers;
    Json *termination;
} RollingPushParams;
#define PUSH_PARAM(key, kind, member, ...)                                                                                                 \
    { .name = (key), .type = (kind), .offset = offsetof(RollingPushParams, member), __VA_ARGS__ }
static const Param rolling_push_params[] = {
    PUSH_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),
    PUSH_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent."),
    PUSH_PARAM("region", PARAM_STRING, region, .help = "Where."),
    PUSH_PARAM("serverGroupName", PARAM_STRING, server_group, .help = "The server group (asgName is taken as well)."),
    PUSH_PARAM("interestingHealthProviderNames", PARAM_STRINGS, health_providers,
               .help = "Whose health counts; absent: everybody's; empty: nobody's."),
    PUSH_PARAM("termination", PARAM_JSON, termination,
               .help = "{relaunchAllInstances, totalRelaunches, instances (ids: only these), concurrentRelaunches (how many at a time, 1), "
                       "order (oldest, newest), waitTime (seconds before each round)}."),
    {0},
};

#define PUSH_TASK(task_name, function, ...)                                                                                                \
    { .name = (task_name), .run = (function), .backoff_ms = 1000, .account = deploy_account, __VA_ARGS__ }
const StageType stage_rolling_push = {
    .type = "rollingPush",
    .label = "Rolling push",
    .help = "Replaces the instances of a server group by new ones, a few at a time.",
    .params = rolling_push_params,
    .params_size = sizeof(RollingPushParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks =
        (const TaskDefinition[]){
            PUSH_TASK("determineTerminationCandidates", determine_candidates, .timeout_ms = CLOUD_OPERATION_START_TIMEOUT_MS),
            PUSH_TASK("determineCurrentPhaseTerminations", pick_batch, .no_io = TRUE, .loop_start = TRUE),
            PUSH_TASK("wait", wait_before, .no_io = TRUE),
            GROUP_OPERATION_TASK("disableInstances", disable),
            CLOUD_OPERATION_MONITOR("monitorDisable"),
            INSTANCES_WAIT("waitForDisabledState", wait_for_down),
            GROUP_OPERATION_TASK("terminateInstances", terminate),
            CLOUD_OPERATION_MONITOR("waitForTerminateOperation"),
            INSTANCES_WAIT("waitForTerminatedInstances", wait_for_gone),
            INSTANCES_WAIT("waitForNewUpInstances", wait_for_new),
            PUSH_TASK("checkForRemainingTerminations", check_remaining, .no_io = TRUE, .loop_end = TRUE),
            {0},
        },
};
