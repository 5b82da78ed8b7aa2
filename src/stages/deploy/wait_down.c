/* The waits behind disable, destroy and resize: instances are down, the group is disabled, gone, or has its size (deploy-strategies.md
 * 4, 5). Runs in a worker. */
#include "stages/cloud_operation.h"
#include "stages/deploy/waits.h"

static gint64 percentage_of(const GroupLook *look) {
    return deploy_number(json_get(deploy_context(look->context->stage), "desiredPercentage"), -1);
}

static gboolean is_listed(const JsonValue *list, const char *id) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_string(i.value), id) == 0)
            return TRUE;
    return FALSE;
}

/* Exactly those that the cloud chose to disable, of whichever group. */
static gboolean chosen_are_down(const GroupLook *look) {
    const Stage *stage = look->context->stage;
    const JsonValue *skipped = json_get(deploy_context(stage), "skippedInstances");
    for (guint i = 0; i < look->instances->len; i++) {
        const Instance *instance = look->instances->pdata[i];
        if (cloud_operation_lists(stage, "instanceIdsToDisable", instance->id) && !is_listed(skipped, instance->id) &&
            !instance_counts_as_down(instance, &look->interest))
            return FALSE;
    }
    return TRUE;
}

gboolean rule_is_down(GroupLook *look, GError **error) {
    (void)error;
    if (health_interest_is_empty(&look->interest))
        return TRUE;
    guint down = count_down(look), all = look->instances->len;
    task_progress(look->context, "%u of %u instances of %s are down", down, all, look->group->name);
    gint64 percentage = percentage_of(look);
    if (percentage < 0)
        return down == all;
    const JsonValue *chosen = cloud_operation_result(look->context->stage, "instanceIdsToDisable");
    return chosen != NULL ? chosen_are_down(look) : down >= health_percentage_count(&look->group->capacity, percentage);
}

static Status wait_for_down(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_is_down, .empty_is_failure = TRUE};
    return live_wait(context, &wait, error);
}

/* ---- disabled ---- */

static gboolean rule_is_disabled(GroupLook *look, GError **error) {
    (void)error;
    if (!look->group->disabled)
        task_progress(look->context, "%s is not disabled yet", look->group->name);
    return look->group->disabled;
}

static Status wait_for_disabled(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_is_disabled};
    gint64 percentage = deploy_number(json_get(deploy_context(context->stage), "desiredPercentage"), 100);
    return percentage < 100 ? STATUS_SKIPPED : live_wait(context, &wait, error);
}

/* ---- gone, empty ---- */

static gboolean rule_is_gone(GroupLook *look, GError **error) {
    (void)error;
    task_progress(look->context, "%s is still there with %u instances", look->group->name, look->instances->len);
    return FALSE;
}

static Status wait_for_destroyed(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_is_gone, .gone_is_done = TRUE};
    return live_wait(context, &wait, error);
}

gboolean rule_is_empty(GroupLook *look, GError **error) {
    (void)error;
    task_progress(look->context, "%s still has %u instances", look->group->name, look->instances->len);
    return look->instances->len == 0;
}

/* ---- size ---- */

static gboolean rule_has_size(GroupLook *look, GError **error) {
    gint64 instances = g_strv_length(look->group->instance_ids);
    gint64 given = deploy_number(json_get(deploy_context(look->context->stage), "targetDesiredSize"), -1);
    gint64 desired = look->group->capacity.desired;
    task_progress(look->context, "%s has %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " instances", look->group->name, instances,
                  given >= 0 ? given : desired);
    if (given >= 0 ? instances < given : instances != desired)
        return FALSE;
    return look->group->disabled || rule_enough_up(look, error);
}

static Status wait_for_capacity_match(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_has_size, .empty_is_failure = TRUE};
    return live_wait(context, &wait, error);
}

#define WAIT(task_name, function, limit_ms)                                                                                                \
    {                                                                                                                                      \
        .name = (task_name), .run = (function), .timeout_ms = (limit_ms), .backoff_ms = 500, .poll_after = deploy_poll_after,              \
        .overridable_timeout = TRUE, .account = deploy_account                                                                             \
    }
const TaskDefinition task_wait_for_down = WAIT("waitForDownInstances", wait_for_down, DEPLOY_UP_TIMEOUT_MS);
const TaskDefinition task_wait_for_disabled = WAIT("waitForServerGroupDisabled", wait_for_disabled, DEPLOY_WAIT_TIMEOUT_MS);
const TaskDefinition task_wait_for_destroyed = WAIT("waitForDestroyedServerGroup", wait_for_destroyed, DEPLOY_WAIT_TIMEOUT_MS);
const TaskDefinition task_wait_for_capacity_match = WAIT("waitForCapacityMatch", wait_for_capacity_match, DEPLOY_UP_TIMEOUT_MS);
