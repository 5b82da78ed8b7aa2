/* The source's capacity: taken over and pinned while a deployment runs, the minimum given back at its end (deploy-strategies.md 1).
 * Runs in a worker. */
#include "stages/deploy/deployment.h"

/* ---- snapshotSourceServerGroup ---- */

static gboolean read_source(TaskContext *context, Capacity *into, GError **error) {
    const JsonValue *source = json_get(deploy_context(context->stage), "source");
    GroupName name = {(char *)json_get_string(source, "region"), (char *)json_get_string(source, "serverGroupName")};
    const char *account = json_get_string(source, "account");
    if (live_read_group(context, account, &name, error) != GROUP_SEEN)
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name.region, name.name);
    if (group == NULL) {
        error_set(error, ERR_NOT_FOUND, "source server group %s in %s (account %s) is gone", name.name, name.region, account);
        return FALSE;
    }
    *into = group->capacity;
    return TRUE;
}

static Status snapshot_source(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage), *source = json_get(own, "source");
    if (!deploy_flag(own, "useSourceCapacity", FALSE) || json_get_string(source, "serverGroupName") == NULL)
        return STATUS_SUCCEEDED;
    Capacity true_capacity;
    if (!read_source(context, &true_capacity, error))
        return STATUS_TERMINAL;
    Capacity pinned = {true_capacity.desired, true_capacity.max, true_capacity.desired};
    g_autoptr(Json) snapshot = deploy_capacity_json(&true_capacity);
    g_autoptr(Json) capacity = deploy_capacity_json(&pinned);
    g_autoptr(Json) off = json_from_bool(FALSE);
    g_autoptr(Json) quiet_source = json_with(source, "useSourceCapacity", json_root(off));
    task_set_context_json(context, SNAPSHOT_KEY, snapshot);
    if (strcmp(context->stage->type, "captureSourceServerGroupCapacity") == 0)
        task_set_output_json(context, SNAPSHOT_KEY, snapshot); /* the stages behind it are no part of it */
    task_set_context_json(context, "capacity", capacity);
    task_set_context_json(context, "useSourceCapacity", off);
    task_set_context_json(context, "source", quiet_source);
    return STATUS_SUCCEEDED;
}

const TaskDefinition task_snapshot_source = {.name = "snapshotSourceServerGroup",
                                             .run = snapshot_source,
                                             .timeout_ms = CLOUD_OPERATION_START_TIMEOUT_MS,
                                             .backoff_ms = CLOUD_OPERATION_START_BACKOFF_MS,
                                             .account = deploy_account};

/* ---- applySourceServerGroupCapacity ---- */

static Status restore_group(TaskContext *context, const GroupName *name, gint64 true_min, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    if (live_read_group(context, account, name, error) != GROUP_SEEN)
        return STATUS_TERMINAL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    if (group == NULL || group->capacity.min <= true_min)
        return STATUS_SUCCEEDED;
    g_autoptr(Json) more = json_pack("{s:{s:i}}", "capacity", "min", true_min);
    return group_operation_start(context, name, "resizeServerGroup", json_root(more), FALSE, error);
}

/* The group is named, or the one that the stage it stands behind made. */
static Status restore_minimum(TaskContext *context, GError **error) {
    g_autofree char *region = deploy_location(context->execution, context->stage);
    GroupName named = {region, (char *)json_get_string(deploy_context(context->stage), "serverGroupName")};
    const JsonValue *known = task_get(context, SNAPSHOT_KEY);
    if (named.name != NULL)
        return known != NULL ? restore_group(context, &named, deploy_number(json_get(known, "min"), 0), error) : STATUS_SKIPPED;
    const Stage *parent = stage_parent(context->execution, context->stage);
    const JsonValue *snapshot = parent != NULL ? json_get(deploy_context(parent), SNAPSHOT_KEY) : NULL;
    g_autoptr(GPtrArray) made = parent != NULL ? deploy_recorded_groups(parent) : NULL;
    if (snapshot == NULL || made == NULL || made->len == 0)
        return STATUS_SKIPPED;
    return restore_group(context, made->pdata[0], deploy_number(json_get(snapshot, "min"), 0), error);
}

const StageType stage_apply_source_capacity = {
    .type = "applySourceServerGroupCapacity",
    .label = "Restore minimum capacity",
    .help = "Gives a new server group the minimum that the one before it had.",
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("restoreMinCapacity", restore_minimum),
                                      CLOUD_OPERATION_MONITOR("monitorServerGroup"),
                                      {0}},
};

const StageType stage_capture_source_capacity = {
    .type = "captureSourceServerGroupCapacity",
    .label = "Snapshot source server group",
    .help = "Keeps what size the source server group has, so that a minimum can be given back later.",
    .tasks = (const TaskDefinition[]){{.name = "snapshotSourceServerGroup",
                                       .run = snapshot_source,
                                       .timeout_ms = CLOUD_OPERATION_START_TIMEOUT_MS,
                                       .backoff_ms = CLOUD_OPERATION_START_BACKOFF_MS,
                                       .account = deploy_account},
                                      {0}},
};
