/* `disableCluster`, `shrinkCluster`, `scaleDownCluster`: all but some of a cluster's server groups (stages.md 10.4). One row of
 * OPERATIONS each; the tasks are shared. Choosing is pure (cluster_choice.c); the tasks run in a worker on live reads. */
#include "stages/deploy/cluster_choice.h"
#include "stages/deploy/group_operation.h"
#include "stages/deploy/settings.h"
#include "stages/deploy/stage_params.h"

#define WAIT_TIMEOUT_MS DEPLOY_WAIT_TIMEOUT_MS

/* A group that an operation takes. */
typedef struct {
    GroupName *name;
    Json *check; /* {writeCheck} that all of its location share */
} Chosen;

static Chosen *chosen_new(GroupName *name, Json *check) {
    Chosen *chosen = g_new0(Chosen, 1);
    *chosen = (Chosen){name, json_ref(check)};
    return chosen;
}

static void chosen_free(gpointer data) {
    Chosen *chosen = data;
    group_name_free(chosen->name);
    json_unref(chosen->check);
    g_free(chosen);
}

typedef struct {
    const char *stage_type;
    /* How many stay and which are candidates, from the context. */
    ClusterChoice (*choice)(const JsonValue *context);
    gboolean missing_is_fine_at_zero; /* shrink to 0 tolerates a missing cluster */
    /* Adds the operations on one group; check: what each looks at before it writes. */
    void (*add)(const TaskContext *context, const Cloud *cloud, const Chosen *chosen, JsonBuilder *operations);
    GroupWait wait;
} ClusterOperation;

/* ---- what each does ---- */

static ClusterChoice disable_choice(const JsonValue *context) {
    return (ClusterChoice){.keep = deploy_number(json_get(context, "remainingEnabledServerGroups"), 1),
                           .only_active = TRUE,
                           .larger_first = deploy_flag(context, "preferLargerOverNewer", FALSE)};
}

static ClusterChoice shrink_choice(const JsonValue *context) {
    gboolean active = deploy_flag(context, "allowDeleteActive", FALSE);
    return (ClusterChoice){.keep = deploy_number(json_get(context, "shrinkToSize"), 1),
                           .only_inactive = !active,
                           .active_first = active,
                           .larger_first = deploy_flag(context, "retainLargerOverNewer", FALSE),
                           .filtered_count = TRUE};
}

static ClusterChoice scale_down_choice(const JsonValue *context) {
    gboolean active = deploy_flag(context, "allowScaleDownActive", FALSE);
    return (ClusterChoice){.keep = deploy_number(json_get(context, "remainingFullSizeServerGroups"), 1),
                           .only_inactive = !active,
                           .active_first = active,
                           .larger_first = deploy_flag(context, "preferLargerOverNewer", FALSE),
                           .filtered_count = TRUE};
}

static void add_operation(JsonBuilder *operations, const char *operation, const TaskContext *context, const Cloud *cloud,
                          const Chosen *chosen, const JsonValue *more) {
    g_autoptr(Json) payload = deploy_group_payload(deploy_account(context->execution, context->stage), cloud->id, chosen->name);
    g_autoptr(Json) checked = json_merge(json_root(payload), json_root(chosen->check));
    g_autoptr(Json) whole = json_merge(json_root(checked), more);
    json_begin_object(operations, NULL);
    json_add_json(operations, operation, whole);
    json_end_object(operations);
}

static void add_disable(const TaskContext *context, const Cloud *cloud, const Chosen *chosen, JsonBuilder *operations) {
    g_autoptr(Json) more = json_pack("{s:v}", "desiredPercentage", json_get(deploy_context(context->stage), "desiredPercentage"));
    add_operation(operations, "disableServerGroup", context, cloud, chosen, json_root(more));
}

static void add_destroy(const TaskContext *context, const Cloud *cloud, const Chosen *chosen, JsonBuilder *operations) {
    add_operation(operations, "destroyServerGroup", context, cloud, chosen, NULL);
}

static void add_scale_down(const TaskContext *context, const Cloud *cloud, const Chosen *chosen, JsonBuilder *operations) {
    static const char resume[] = "resumeAsgProcessesDescription";
    g_autoptr(Json) processes = json_pack("{s:[s]}", "processes", "Terminate");
    g_autoptr(Json) empty = json_pack("{s:{s:i, s:i, s:i}}", "capacity", "min", (gint64)0, "max", (gint64)0, "desired", (gint64)0);
    if (cloud_has_operation(cloud, resume))
        add_operation(operations, resume, context, cloud, chosen, json_root(processes));
    add_operation(operations, "resizeServerGroup", context, cloud, chosen, json_root(empty));
}

static gboolean never(GroupLook *look, GError **error) {
    (void)error;
    task_progress(look->context, "%s is still there", look->group->name);
    return FALSE;
}

static const ClusterOperation OPERATIONS[] = {
    {"disableCluster", disable_choice, FALSE, add_disable, {.rule = rule_is_down, .gone_is_done = TRUE}},
    {"shrinkCluster", shrink_choice, TRUE, add_destroy, {.rule = never, .gone_is_done = TRUE}},
    {"scaleDownCluster", scale_down_choice, FALSE, add_scale_down, {.rule = rule_is_empty, .gone_is_done = TRUE}},
    {0},
};

static const ClusterOperation *operation_of(const Stage *stage) {
    const ClusterOperation *operation = OPERATIONS;
    while (operation->stage_type != NULL && strcmp(stage->type, operation->stage_type) != 0)
        operation++;
    g_assert(operation->stage_type != NULL);
    return operation;
}

/* ---- what belongs to this pipeline ---- */

static gboolean creates_groups(const Stage *stage) {
    static const char *const TYPES[] = {"createServerGroup", "cloneServerGroup", "copyLastAsg", NULL};
    return g_strv_contains(TYPES, stage->type);
}

static gboolean is_recorded(const Stage *stage, const char *location, const char *name) {
    const JsonValue *names = json_dig(deploy_context(stage), "deploy.server.groups", location, NULL);
    for (JsonIter i = json_iter(names); json_next(&i);)
        if (g_strcmp0(json_string(i.value), name) == 0)
            return TRUE;
    return FALSE;
}

static gboolean is_own(const TaskContext *context, const char *location, const char *name) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(context->execution, context->stage);
    const char *account = deploy_account(context->execution, context->stage);
    for (guint i = 0; i < ancestors->len; i++) {
        const Stage *stage = ancestors->pdata[i];
        if (creates_groups(stage) && g_strcmp0(deploy_account(context->execution, stage), account) == 0 &&
            is_recorded(stage, location, name))
            return TRUE;
    }
    return FALSE;
}

/* ---- the operation task ---- */

/* Adds the chosen groups (GroupName) of a location; FALSE with error. *seen grows by the number of groups there. */
static gboolean choose_in(TaskContext *context, const ClusterOperation *operation, const char *cluster, const char *location,
                          GPtrArray *chosen, guint *seen, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray)
        groups = live_read_cluster(context, deploy_account(context->execution, context->stage), location, cluster, &snapshot, error);
    if (groups == NULL)
        return FALSE;
    g_autofree ClusterMember *members = g_new0(ClusterMember, groups->len + 1);
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        members[i] = (ClusterMember){group->name, group->created_ms, g_strv_length(group->instance_ids),
                                     server_group_is_active(snapshot, group), is_own(context, location, group->name)};
    }
    ClusterChoice choice = operation->choice(deploy_context(context->stage));
    g_autoptr(GArray) taken = cluster_choose(members, groups->len, &choice);
    for (guint i = 0; i < taken->len; i++)
        g_ptr_array_add(chosen, group_name_new(location, members[g_array_index(taken, guint, i)].name));
    *seen += groups->len;
    return TRUE;
}

static gboolean tolerates_missing(const Stage *stage, const ClusterOperation *operation) {
    const JsonValue *context = deploy_context(stage);
    return deploy_flag(context, "continueIfClusterNotFound", FALSE) ||
           (operation->missing_is_fine_at_zero && operation->choice(context).keep == 0);
}

/* What each operation of a location checks before it writes; NULL: a guard refuses now. */
static Json *check_of(TaskContext *context, const ClusterOperation *operation, const GPtrArray *names, GError **error) {
    gint64 percentage = deploy_number(json_get(deploy_context(context->stage), "desiredPercentage"), 100);
    WriteCheck check = {.operation = context->stage->type,
                        .names = names,
                        .guarded = percentage >= 100,
                        .still_inactive = operation->choice(deploy_context(context->stage)).only_inactive};
    return write_check_new(context, deploy_account(context->execution, context->stage), &check, error);
}

static Status start_on(TaskContext *context, const ClusterOperation *operation, const GPtrArray *chosen, GError **error) {
    const Cloud *cloud = deploy_cloud(context, error);
    if (cloud == NULL)
        return STATUS_TERMINAL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < chosen->len; i++)
        operation->add(context, cloud, chosen->pdata[i], builder);
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    if (!cloud_operation_start(context, deploy_account(context->execution, context->stage), json_root(operations), error))
        return STATUS_TERMINAL;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < chosen->len; i++)
        g_ptr_array_add(names, ((Chosen *)chosen->pdata[i])->name);
    deploy_record_groups(context, names);
    return STATUS_SUCCEEDED;
}

/* Adds what is taken in a location. */
static gboolean take_location(TaskContext *context, const ClusterOperation *operation, const char *cluster, const char *location,
                              GPtrArray *chosen, guint *seen, GError **error) {
    g_autoptr(GPtrArray) here = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    if (!choose_in(context, operation, cluster, location, here, seen, error))
        return FALSE;
    g_autoptr(Json) check = check_of(context, operation, here, error);
    if (check == NULL)
        return FALSE;
    while (here->len > 0)
        g_ptr_array_add(chosen, chosen_new(g_ptr_array_steal_index(here, 0), check));
    return TRUE;
}

static Status run_operation(TaskContext *context, GError **error) {
    const ClusterOperation *operation = operation_of(context->stage);
    g_autofree char *cluster = deploy_cluster(context->execution, context->stage);
    g_auto(GStrv) locations = deploy_locations(context->execution, context->stage);
    if (!deploy_locations_agree(context->stage, error))
        return STATUS_TERMINAL;
    if (cluster == NULL || deploy_account(context->execution, context->stage) == NULL || locations[0] == NULL) {
        error_set(error, ERR_INVALID, "%s: cluster (or moniker), credentials and regions: required", context->stage->type);
        return STATUS_TERMINAL;
    }
    g_autoptr(GPtrArray) chosen = g_ptr_array_new_with_free_func(chosen_free);
    guint seen = 0;
    for (char **location = locations; *location != NULL; location++) {
        if (!take_location(context, operation, cluster, *location, chosen, &seen, error))
            return STATUS_TERMINAL;
    }
    if (seen == 0 && !tolerates_missing(context->stage, operation)) {
        g_autofree char *where = g_strjoinv(", ", locations);
        error_set(error, ERR_NOT_FOUND, "%s: cluster %s has no server groups in %s (account %s)", context->stage->type, cluster, where,
                  deploy_account(context->execution, context->stage));
        return STATUS_TERMINAL;
    }
    return chosen->len > 0 ? start_on(context, operation, chosen, error) : STATUS_SUCCEEDED;
}

/* ---- the wait ---- */

static Status wait_for_cluster(TaskContext *context, GError **error) {
    const ClusterOperation *operation = operation_of(context->stage);
    Status status = live_wait(context, &operation->wait, error);
    gboolean disables = operation == &OPERATIONS[0] && json_get(deploy_context(context->stage), "deploy.server.groups") != NULL;
    gint64 until_ms = disables ? context->task->start_ms + deploy_settings(context->services).disable_cluster_min_ms : 0;
    return status == STATUS_SUCCEEDED && context->now_ms < until_ms ? task_again_at(context, until_ms) : status;
}

/* ---- the stage types ---- */

/* With active ones to be destroyed, they are disabled first. */
static void shrink_plan(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)execution, (void)error;
    const JsonValue *context = deploy_context(stage);
    if (!deploy_flag(context, "allowDeleteActive", FALSE) || !deploy_flag(context, "runDisableClusterStep", TRUE))
        return;
    gint64 keep = deploy_number(json_get(context, "shrinkToSize"), 1);
    g_autoptr(Json) more = json_pack("{s:i, s:b, s:b}", "remainingEnabledServerGroups", keep, "preferLargerOverNewer",
                                     deploy_flag(context, "retainLargerOverNewer", FALSE), "continueIfClusterNotFound", keep == 0);
    g_autoptr(Json) child = json_merge(context, json_root(more));
    plan_append(plan, "disableCluster", "disableCluster", json_root(child));
}

#define WAIT_TASK(task_name)                                                                                                               \
    {                                                                                                                                      \
        .name = (task_name), .run = wait_for_cluster, .timeout_ms = WAIT_TIMEOUT_MS, .backoff_ms = 500, .poll_after = deploy_poll_after,   \
        .overridable_timeout = TRUE, .account = deploy_account                                                                             \
    }
#define CLUSTER_TASKS(operation, monitor, wait)                                                                                            \
    (const TaskDefinition[]) {                                                                                                             \
        DETERMINE_HEALTH_PROVIDERS_TASK, GROUP_OPERATION_TASK(operation, run_operation), CLOUD_OPERATION_MONITOR(monitor),                 \
            WAIT_TASK(wait), {                                                                                                             \
            0                                                                                                                              \
        }                                                                                                                                  \
    }
#define CLUSTER_PARAMS                                                                                                                     \
    DEPLOY_ACCOUNT_PARAMS, DEPLOY_LOCATION_PARAMS, DEPLOY_CLUSTER_PARAMS,                                                                  \
        DEPLOY_PARAM("continueIfClusterNotFound", PARAM_BOOL, continue_if_missing, .help = "A missing cluster is no failure.")

/* A number below none would be read as none, and take every group away. */
#define GROUPS_THAT_STAY .min = 0, .max = G_MAXINT64

static const Param disable_params[] = {
    CLUSTER_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("remainingEnabledServerGroups", PARAM_INT, remaining_enabled, .otherwise = "1", GROUPS_THAT_STAY,
                 .help = "How many stay enabled."),
    DEPLOY_PARAM("preferLargerOverNewer", PARAM_BOOL, prefer_larger, .help = "Keep the larger ones rather than the newer ones."),
    DEPLOY_PARAM("desiredPercentage", PARAM_INT, desired_percentage, .help = "How many instances of each, in percent; absent: all."),
    {0},
};
const StageType stage_disable_cluster = {
    .type = "disableCluster",
    .label = "Disable cluster",
    .help = "Takes all but some server groups of a cluster out of traffic.",
    .params = disable_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = CLUSTER_TASKS("disableCluster", "monitorDisableCluster", "waitForClusterDisable"),
};

static const Param shrink_params[] = {
    CLUSTER_PARAMS,
    DEPLOY_PARAM("shrinkToSize", PARAM_INT, shrink_to, .otherwise = "1", GROUPS_THAT_STAY, .help = "How many server groups stay."),
    DEPLOY_PARAM("allowDeleteActive", PARAM_BOOL, allow_delete_active, .help = "Destroy also those that take traffic."),
    DEPLOY_PARAM("retainLargerOverNewer", PARAM_BOOL, retain_larger, .help = "Keep the larger ones rather than the newer ones."),
    {0},
};
const StageType stage_shrink_cluster = {
    .type = "shrinkCluster",
    .label = "Shrink cluster",
    .help = "Destroys all but some server groups of a cluster.",
    .params = shrink_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = CLUSTER_TASKS("shrinkCluster", "monitorShrinkCluster", "waitForClusterShrink"),
    .plan_before = shrink_plan,
};

static const Param scale_down_params[] = {
    CLUSTER_PARAMS,
    DEPLOY_PARAM("remainingFullSizeServerGroups", PARAM_INT, remaining_full, .otherwise = "1", GROUPS_THAT_STAY,
                 .help = "How many keep their size."),
    DEPLOY_PARAM("allowScaleDownActive", PARAM_BOOL, allow_scale_down_active, .help = "Scale down also those that take traffic."),
    DEPLOY_PARAM("preferLargerOverNewer", PARAM_BOOL, prefer_larger, .help = "Keep the larger ones rather than the newer ones."),
    {0},
};
const StageType stage_scale_down_cluster = {
    .type = "scaleDownCluster",
    .label = "Scale down cluster",
    .help = "Sets all but some server groups of a cluster to size 0.",
    .params = scale_down_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = CLUSTER_TASKS("scaleDownCluster", "monitorScaleDownCluster", "waitForScaleDownCluster"),
};
