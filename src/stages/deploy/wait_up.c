/* waitForUpInstances: enough instances of each new group are up (deploy-strategies.md 1). Runs in a worker. */
#include "stages/cloud_operation.h"
#include "stages/deploy/waits.h"

#define ZERO_DESIRED_OBSERVATIONS 12
#define TRAFFIC_PROCESS "AddToLoadBalancer" /* suspended: instances get no traffic */

static gint64 percentage_of(const Stage *stage, const char *key) {
    return deploy_number(json_get(deploy_context(stage), key), -1);
}

/* While the cloud still shows none, what the create operation reported counts (for the first ten minutes). */
static Capacity capacity_of(const GroupLook *look) {
    Capacity current = look->group->capacity, reported;
    gint64 age_ms = look->context->now_ms - look->context->task->start_ms;
    if (current.max > 0 || age_ms > DEPLOY_LOST_GROUP_MS)
        return current;
    for (JsonIter i = json_iter(cloud_operation_result(look->context->stage, "deployments")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "serverGroupName"), look->group->name) == 0 &&
            deploy_capacity(json_get(i.value, "capacity"), &reported) && reported.desired > current.desired)
            return reported;
    return current;
}

/* Spot groups deployed without a strategy may never be filled. */
static gboolean is_spot_without_strategy(const JsonValue *context) {
    const char *price = json_get_string(context, "spotPrice"), *strategy = json_get_string(context, "strategy");
    return price != NULL && *price != '\0' && strategy != NULL && *strategy == '\0';
}

static gint64 target_of(const GroupLook *look, const Capacity *current) {
    const JsonValue *context = deploy_context(look->context->stage);
    Capacity configured;
    gboolean is_configured = deploy_capacity(json_get(context, "capacity"), &configured);
    if (is_spot_without_strategy(context))
        return 0;
    return health_target(&configured, is_configured, current, percentage_of(look->context->stage, "targetHealthyDeployPercentage"),
                         percentage_of(look->context->stage, "desiredPercentage"));
}

/* The group began with instances and now wants none: believed when it was seen often enough. */
static gboolean zero_is_believed(const GroupLook *look, const Capacity *current) {
    const JsonValue *context = deploy_context(look->context->stage), *snapshot = json_get(context, "capacitySnapshot");
    if (snapshot == NULL) {
        g_autoptr(Json)
            first = json_pack("{s:i, s:i, s:i}", "minSize", current->min, "maxSize", current->max, "desiredCapacity", current->desired);
        task_set_context_json(look->context, "capacitySnapshot", first);
    }
    if (current->desired > 0 || json_get_int(snapshot, "desiredCapacity", 0) <= 0)
        return TRUE;
    gint64 seen = json_get_int(context, "zeroDesiredCapacityCount", 0) + 1;
    g_autoptr(Json) count = json_from_int(seen);
    task_set_context_json(look->context, "zeroDesiredCapacityCount", count);
    return seen > ZERO_DESIRED_OBSERVATIONS;
}

static void record_check(const GroupLook *look, guint up, gint64 target) {
    const JsonValue *before = json_get(deploy_context(look->context->stage), "lastCapacityCheck");
    g_autoptr(Json) check = json_pack("{s:i, s:i, s:i}", "up", (gint64)up, "total", (gint64)look->instances->len, "target", target);
    if (!json_equal(before, json_root(check)))
        task_set_context_json(look->context, "lastCapacityCheck", check);
    task_progress(look->context, "%u of %" G_GINT64_FORMAT " instances of %s are up", up, target, look->group->name);
}

gboolean rule_enough_up(GroupLook *look, GError **error) {
    (void)error;
    Capacity current = capacity_of(look);
    gint64 target = target_of(look, &current);
    guint up = count_up(look);
    record_check(look, up, target);
    if (!zero_is_believed(look, &current) || look->instances->len < target)
        return FALSE;
    return health_interest_is_empty(&look->interest) || up >= target;
}

/* The stage itself keeps the new group out of traffic. */
static gboolean is_created_aside(const JsonValue *context) {
    for (JsonIter i = json_iter(json_get(context, "suspendedProcesses")); json_next(&i);)
        if (g_strcmp0(json_string(i.value), TRAFFIC_PROCESS) == 0)
            return TRUE;
    return FALSE;
}

/* A group that was created out of service can only show the platform's health, whatever the stage says. */
static gboolean rule_created_up(GroupLook *look, GError **error) {
    const JsonValue *context = deploy_context(look->context->stage);
    gboolean chosen = json_get(context, "interestingHealthProviderNames") != NULL;
    gboolean aside = is_created_aside(context) || (look->group->disabled && !chosen);
    if (aside && look->interest.platform != NULL) {
        const char *const names[] = {look->interest.platform, NULL};
        g_strfreev(look->interest.names);
        look->interest.names = g_strdupv((char **)names);
    }
    return rule_enough_up(look, error);
}

static Status wait_for_up(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_created_up, .gone_is_waited = TRUE, .empty_is_failure = TRUE};
    return live_wait(context, &wait, error);
}

const TaskDefinition task_wait_for_up = {.name = "waitForUpInstances",
                                         .run = wait_for_up,
                                         .timeout_ms = DEPLOY_UP_TIMEOUT_MS,
                                         .backoff_ms = 500,
                                         .poll_after = deploy_poll_after,
                                         .overridable_timeout = TRUE,
                                         .account = deploy_account};
