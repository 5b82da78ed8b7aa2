/* Live reads and the loop that all waits share (live.h). */
#include "stages/deploy/live.h"

gboolean error_is_passing(const GError *error) {
    ErrorCode code = error_code(error);
    return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_LIMIT;
}

GroupSight live_read_group(TaskContext *context, const char *account, const GroupName *name, GError **error) {
    g_autoptr(GError) failed = NULL;
    if (clouds_refresh_server_group(context->services->clouds, account, name->region, name->name, context->cancel, &failed))
        return GROUP_SEEN;
    GroupSight sight = error_code(failed) == ERR_NOT_FOUND ? GROUP_GONE : GROUP_UNREADABLE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return sight;
}

GPtrArray *live_read_cluster(TaskContext *context, const char *account, const char *location, const char *cluster,
                             InventorySnapshot **snapshot, GError **error) {
    Clouds *clouds = context->services->clouds;
    g_autoptr(GError) failed = NULL;
    if (!clouds_refresh_cluster(clouds, account, location, cluster, context->cancel, &failed) && error_code(failed) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    *snapshot = inventory_snapshot(clouds_inventory(clouds));
    return clouds_cluster(*snapshot, account, cluster, location);
}

/* ---- waiting ---- */

guint count_up(const GroupLook *look) {
    guint count = 0;
    for (guint i = 0; i < look->instances->len; i++)
        count += instance_counts_as_up(look->instances->pdata[i], &look->interest) ? 1 : 0;
    return count;
}

guint count_down(const GroupLook *look) {
    guint count = 0;
    for (guint i = 0; i < look->instances->len; i++)
        count += instance_counts_as_down(look->instances->pdata[i], &look->interest) ? 1 : 0;
    return count;
}

/* A group that is not there: done, waited for, or a failure. */
static Status settle_gone(TaskContext *context, const GroupWait *wait, const GPtrArray *groups, GError *gone, GError **error) {
    gint64 age_ms = context->now_ms - context->task->start_ms;
    if (wait->gone_is_waited && (groups->len == 1 || age_ms < DEPLOY_LOST_GROUP_MS)) {
        task_progress(context, "%s", gone->message);
        g_error_free(gone);
        return STATUS_RUNNING;
    }
    g_propagate_error(error, gone);
    return STATUS_TERMINAL;
}

static gboolean look_at(TaskContext *context, const GroupWait *wait, const char *account, const GroupName *name, GError **error) {
    g_autoptr(Account) known = clouds_account(context->services->clouds, account, error);
    if (known == NULL)
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    GroupLook look = {context, account, {0}, snapshot, clouds_server_group(snapshot, account, name->region, name->name), NULL};
    if (look.group == NULL)
        return FALSE;
    health_interest_read(context->stage, known->cloud->platform_health, &look.interest);
    look.instances = clouds_instances(snapshot, look.group);
    gboolean there = wait->rule(&look, error);
    g_ptr_array_unref(look.instances);
    health_interest_clear(&look.interest);
    return there;
}

static Status wait_for_group(TaskContext *context, const GroupWait *wait, const char *account, const GPtrArray *groups, guint index,
                             GError **error) {
    const GroupName *name = groups->pdata[index];
    GError *failed = NULL;
    GroupSight sight = live_read_group(context, account, name, &failed);
    if (sight == GROUP_GONE && wait->gone_is_done) {
        g_error_free(failed);
        return STATUS_SUCCEEDED;
    }
    if (sight == GROUP_GONE)
        return settle_gone(context, wait, groups, failed, error);
    if (sight == GROUP_UNREADABLE && error_is_passing(failed)) {
        task_progress(context, "%s", failed->message);
        g_error_free(failed);
        return STATUS_RUNNING;
    }
    if (sight == GROUP_UNREADABLE) {
        g_propagate_error(error, failed);
        return STATUS_TERMINAL;
    }
    if (look_at(context, wait, account, name, &failed))
        return STATUS_SUCCEEDED;
    if (failed == NULL)
        return STATUS_RUNNING;
    g_propagate_error(error, failed);
    return STATUS_TERMINAL;
}

Status live_wait(TaskContext *context, const GroupWait *wait, GError **error) {
    g_autoptr(GPtrArray) groups = deploy_recorded_groups(context->stage);
    const char *account = json_get_string(deploy_context(context->stage), "deploy.account.name");
    account = account != NULL ? account : deploy_account(context->execution, context->stage);
    if (groups->len == 0 && !wait->empty_is_failure)
        return STATUS_SUCCEEDED;
    if (groups->len == 0) {
        error_set(error, ERR_INVALID, "%s: no server group was recorded in the stage (deploy.server.groups)", context->task->name);
        return STATUS_TERMINAL;
    }
    Status status = STATUS_SUCCEEDED;
    for (guint i = 0; i < groups->len && status != STATUS_TERMINAL; i++) {
        Status one = wait_for_group(context, wait, account, groups, i, error);
        if (one != STATUS_SUCCEEDED)
            status = one;
    }
    return status;
}
