/* `resizeServerGroup`, `pinServerGroup`: another size, exact, relative, or like somebody else's (stages.md 10.3, deploy-strategies.md 5).
 *
 * The size is computed from what the group is right now, and the operation compares that with what it finds right before it writes
 * (`constraints`): when somebody changed the group in between, nothing is written and the size is computed anew. Constraints of the
 * stage's own are an order: then it fails instead. Runs in a worker. */
#include "clouds/sizes.h"
#include "stages/deploy/group_operation.h"
#include "stages/deploy/resize_rules.h"
#include "stages/deploy/scaling_processes.h"
#include "stages/deploy/stage_params.h"

#define ORIGINAL_PREFIX "originalCapacity."
#define CONFLICTS_KEY "_resizeConflicts" /* how often somebody else was faster */
#define CONFLICTS_MAX 5
#define COMPUTED_KEY "_computedCapacity" /* {requested, computed}: what `capacity` was before the result was put there */

/* The group's capacity as it is now; FALSE with error. */
static gboolean read_capacity(TaskContext *context, const GroupName *name, ServerGroup *into, char **cluster, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    if (live_read_group(context, account, name, error) != GROUP_SEEN)
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    if (group == NULL) {
        error_set(error, ERR_NOT_FOUND, "server group %s in %s (account %s) is gone", name->name, name->region, account);
        return FALSE;
    }
    into->capacity = group->capacity;
    *cluster = g_strdup(group->moniker.cluster);
    return TRUE;
}

static gboolean largest_of_cluster(TaskContext *context, const char *location, const char *cluster, Capacity *into, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray)
        groups = live_read_cluster(context, deploy_account(context->execution, context->stage), location, cluster, &snapshot, error);
    if (groups == NULL)
        return FALSE;
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        into->min = MAX(into->min, group->capacity.min);
        into->max = MAX(into->max, group->capacity.max);
        into->desired = MAX(into->desired, group->capacity.desired);
    }
    return TRUE;
}

/* What the size is taken from, for the two actions that look at somebody else. */
static gboolean read_reference(TaskContext *context, ResizeAction action, const GroupName *name, const char *cluster, Capacity *into,
                               GError **error) {
    const JsonValue *source = json_get(deploy_context(context->stage), "source");
    if (action == RESIZE_TO_CLUSTER)
        return largest_of_cluster(context, name->region, cluster, into, error);
    if (action != RESIZE_TO_SERVER_GROUP)
        return TRUE;
    const char *source_name = json_get_string(source, "serverGroupName"), *region = json_get_string(source, "region");
    source_name = source_name != NULL ? source_name : json_get_string(source, "asgName");
    if (source_name == NULL) {
        error_set(error, ERR_INVALID, "resizeServerGroup: source.serverGroupName: required with action scale_to_server_group");
        return FALSE;
    }
    GroupName from = {(char *)(region != NULL ? region : name->region), (char *)source_name};
    ServerGroup group = {0};
    g_autofree char *unused = NULL;
    if (!read_capacity(context, &from, &group, &unused, error))
        return FALSE;
    *into = group.capacity;
    return TRUE;
}

static gint64 original_min(const TaskContext *context, const char *name) {
    const char *source = json_string(json_dig(deploy_context(context->stage), "source", "serverGroupName", NULL));
    g_autofree char *key = g_strconcat(ORIGINAL_PREFIX, source != NULL ? source : name, NULL);
    gint64 min = deploy_number(json_get(task_get(context, key), "min"), -1);
    return min >= 0 ? min : deploy_number(json_get(task_get(context, "savedCapacity"), "min"), -1);
}

/* The capacity that was asked for, also in a second run, when the result of the first stands in its place. */
static const JsonValue *requested_capacity(const TaskContext *context) {
    const JsonValue *own = deploy_context(context->stage), *capacity = json_get(own, "capacity"), *before = json_get(own, COMPUTED_KEY);
    return before != NULL && json_equal(json_get(before, "computed"), capacity) ? json_get(before, "requested") : capacity;
}

static ResizeOptions options_of(const TaskContext *context, const char *name) {
    const JsonValue *own = deploy_context(context->stage);
    ResizeOptions options = {
        .scale_percentage = deploy_number(json_get(own, "scalePct"), -1),
        .scale_number = deploy_number(json_get(own, "scaleNum"), -1),
        .pin = deploy_flag(own, "pinCapacity", FALSE),
        .pin_minimum = deploy_flag(own, "pinMinimumCapacity", FALSE),
        .unpin_minimum = deploy_flag(own, "unpinMinimumCapacity", FALSE),
        .original_min = original_min(context, name),
    };
    deploy_capacity(requested_capacity(context), &options.given);
    return options;
}

/* The first resize of a group keeps what it was. */
static void record_original(TaskContext *context, const char *name, const Capacity *current) {
    g_autofree char *key = g_strconcat(ORIGINAL_PREFIX, name, NULL);
    g_autoptr(Json) capacity = deploy_capacity_json(current);
    if (task_get(context, key) == NULL)
        task_set_output_json(context, key, capacity);
}

static gboolean check_given(const TaskContext *context, GError **error) {
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    G_GNUC_UNUSED g_autoptr(Json) sizes = sizes_read(json_get(deploy_context(context->stage), "capacity"), errors);
    if (errors->len == 0)
        return TRUE;
    g_ptr_array_add(errors, NULL);
    g_autofree char *text = g_strjoinv("; ", (char **)errors->pdata);
    error_set(error, ERR_INVALID, "resizeServerGroup: %s", text);
    return FALSE;
}

/* A size that says everything depends on nothing that could have changed. */
static gboolean depends_on_current(ResizeAction action, const ResizeOptions *options) {
    gboolean whole = options->given.min >= 0 && options->given.max >= 0 && options->given.desired >= 0;
    return action != RESIZE_EXACT || !whole;
}

/* What the operation gets besides the stage's description, and the stage keeps. */
static Json *note_wanted(TaskContext *context, const Capacity *wanted, const Capacity *current, gboolean compared) {
    g_autoptr(Json) capacity = deploy_capacity_json(wanted);
    g_autoptr(Json) seen = deploy_capacity_json(current);
    const JsonValue *own = json_get(deploy_context(context->stage), "constraints");
    g_autoptr(Json) computed = json_pack("{s:v, s:j}", "requested", requested_capacity(context), "computed", capacity);
    task_set_context_json(context, COMPUTED_KEY, computed);
    task_set_context_json(context, "capacity", capacity);
    if (own != NULL || !compared)
        return json_pack("{s:j}", "capacity", capacity);
    return json_pack("{s:j, s:{s:j}}", "capacity", capacity, "constraints", "capacity", seen);
}

static Status resize_group(TaskContext *context, const GroupName *name, GError **error) {
    ResizeAction action;
    ServerGroup group = {0};
    Capacity reference = {0};
    g_autofree char *cluster = NULL;
    if (!check_given(context, error) || !resize_action_parse(deploy_context(context->stage), &action, error) ||
        !read_capacity(context, name, &group, &cluster, error) || !read_reference(context, action, name, cluster, &reference, error))
        return STATUS_TERMINAL;
    ResizeOptions options = options_of(context, name->name);
    Capacity wanted = resize_capacity(action, &options, &group.capacity, &reference);
    if (wanted.min > wanted.desired || wanted.desired > wanted.max) {
        error_set(error, ERR_INVALID,
                  "resizeServerGroup: min %" G_GINT64_FORMAT ", desired %" G_GINT64_FORMAT ", max %" G_GINT64_FORMAT
                  " of %s: expected min <= desired <= max",
                  wanted.min, wanted.desired, wanted.max, name->name);
        return STATUS_TERMINAL;
    }
    if (action != RESIZE_TO_CLUSTER)
        record_original(context, name->name, &group.capacity);
    g_autoptr(Json) more = note_wanted(context, &wanted, &group.capacity, depends_on_current(action, &options));
    return group_operation_start(context, name, "resizeServerGroup", json_root(more), wanted.desired == 0, error);
}

static Status resize(TaskContext *context, GError **error) {
    GroupName *name = target_of_stage(context, error);
    Status status = name != NULL ? resize_group(context, name, error) : STATUS_TERMINAL;
    group_name_free(name);
    return status;
}

/* Somebody else was faster, and the stage did not say what it insists on: once more, from what is there now. */
static Status monitor_resize(TaskContext *context, GError **error) {
    g_autoptr(GError) failed = NULL;
    const JsonValue *own = deploy_context(context->stage);
    Status status = cloud_operation_monitor(context, &failed);
    gint64 conflicts = deploy_number(json_get(own, CONFLICTS_KEY), 0) + 1;
    if (failed != NULL && conflicts <= CONFLICTS_MAX && json_get(own, "constraints") == NULL &&
        cloud_operation_failed_with(context, ERR_CONFLICT)) {
        g_autoptr(Json) count = json_from_int(conflicts);
        task_set_context_json(context, CONFLICTS_KEY, count);
        task_progress(context, "Computed anew: %s", failed->message);
        return STATUS_REDIRECT;
    }
    if (failed != NULL)
        g_propagate_error(error, g_steal_pointer(&failed));
    return status;
}

/* ---- the stage ---- */

static const TaskDefinition resize_task = {.name = "resizeServerGroup",
                                           .run = resize,
                                           .timeout_ms = CLOUD_OPERATION_START_TIMEOUT_MS,
                                           .backoff_ms = CLOUD_OPERATION_START_BACKOFF_MS,
                                           .account = deploy_account,
                                           .loop_start = TRUE};
static const TaskDefinition monitor_task = {.name = "monitorServerGroup",
                                            .run = monitor_resize,
                                            .timeout_ms = CLOUD_OPERATION_TIMEOUT_MS,
                                            .backoff_ms = CLOUD_OPERATION_POLL_MS,
                                            .on_timeout = cloud_operation_time_out,
                                            .on_cancel = cloud_operation_cancel,
                                            .loop_end = TRUE};

static void resize_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&task_determine_health_providers, &resize_task, &monitor_task, &task_force_refresh,
                                         &task_wait_for_capacity_match};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

/* Only the bounds change: there is nothing to wait for. */
static void pin_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&resize_task, &monitor_task, &task_force_refresh};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static void resize_plan_before(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    target_plan_children(execution, stage, plan, error);
    if (target_stage_has_hooks(execution, stage))
        scaling_processes_plan(stage, plan, TRUE);
}

static void resize_plan_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    if (target_stage_has_hooks(execution, stage))
        scaling_processes_plan(stage, plan, FALSE);
}

#define RESIZE_PIN_PARAMS                                                                                                                  \
    DEPLOY_PARAM("source", PARAM_JSON, source, .help = "Whose size is taken: {serverGroupName, region}."),                                 \
        DEPLOY_PARAM("pinCapacity", PARAM_BOOL, pin, .help = "Set min and max to desired."),                                               \
        DEPLOY_PARAM("pinMinimumCapacity", PARAM_BOOL, pin_minimum, .help = "Set min to desired."),                                        \
        DEPLOY_PARAM("unpinMinimumCapacity", PARAM_BOOL, unpin_minimum, .help = "Set min back to what it was before it was pinned."),      \
        DEPLOY_PARAM("constraints", PARAM_JSON, constraints,                                                                               \
                     .help = "{capacity: {min, max, desired}} that the group must have right before it is changed; else the stage fails. " \
                             "Absent: a group that somebody changed meanwhile is looked at again.")

static const Param resize_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("action", PARAM_STRING, action,
                 .help = "scale_exact (default), scale_up, scale_down, scale_to_cluster or scale_to_server_group."),
    DEPLOY_PARAM("resizeType", PARAM_STRING, resize_type, .help = "exact, pct or incr; exact is scale_exact."),
    DEPLOY_PARAM("capacity", PARAM_JSON, capacity, .help = "{min, max, desired} for an exact size; what is absent stays."),
    DEPLOY_PARAM("scalePct", PARAM_INT, scale_percentage, .help = "By how much, in percent."),
    DEPLOY_PARAM("scaleNum", PARAM_INT, scale_number, .help = "By how many."),
    RESIZE_PIN_PARAMS,
    DEPLOY_PARAM("targetHealthyDeployPercentage", PARAM_INT, healthy_percentage,
                 .help = "How many of the instances must be up, in percent."),
    {0},
};

const StageType stage_resize_server_group = {
    .type = "resizeServerGroup",
    .label = "Resize server group",
    .help = "Changes the size of a server group.",
    .params = resize_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = resize_tasks,
    .prepare = target_prepare,
    .plan_before = resize_plan_before,
    .plan_after = resize_plan_after,
};

static const Param pin_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_PARAM("action", PARAM_STRING, action, .help = "As of resizeServerGroup; scale_exact (default) keeps the size."),
    RESIZE_PIN_PARAMS,
    {0},
};

const StageType stage_pin_server_group = {
    .type = "pinServerGroup",
    .label = "Pin server group",
    .help = "Holds a server group at its size, or lets it go again, without waiting for anything.",
    .params = pin_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = pin_tasks,
    .prepare = target_prepare,
    .plan_before = target_plan_children,
};
