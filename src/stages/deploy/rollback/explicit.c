/* The stages of a rollback (rollback.h): to a group that is still there, or to its image. Pure. */
#include "clouds/naming.h"
#include "stages/deploy/rollback/rollback.h"

Capacity rollback_capacity(const Capacity *restore, const Capacity *bad) {
    gint64 desired = MAX(restore->desired, bad->desired);
    return (Capacity){.min = desired, .max = MAX(restore->max, bad->max), .desired = desired};
}

static const JsonValue *told(const Stage *stage) {
    return json_get(deploy_context(stage), "rollbackContext");
}

/* What every stage of a rollback is told. Caller unrefs. */
static Json *base_of(const Execution *execution, const Stage *stage) {
    g_autofree char *location = deploy_location(execution, stage);
    const JsonValue *context = deploy_context(stage);
    return json_pack("{s:s, s:v, s:s, s:v, s:v, s:v}", "credentials", deploy_account(execution, stage), "cloudProvider",
                     json_get(context, "cloudProvider"), "region", location, "moniker", json_get(context, "moniker"),
                     "interestingHealthProviderNames", json_get(context, "interestingHealthProviderNames"), "reason",
                     json_get(context, "reason"));
}

static void append_on(StagePlan *plan, const char *type, const char *title, const Json *base, const char *group, const Json *more) {
    g_autoptr(Json) named = json_pack("{s:s, s:s}", "serverGroupName", group, "asgName", group);
    g_autoptr(Json) own = json_merge(json_root(base), json_root(named));
    g_autoptr(Json) context = json_merge(json_root(own), more != NULL ? json_root(more) : NULL);
    plan_append(plan, type, title, json_root(context));
}

static void append_enable(const Stage *stage, StagePlan *plan, const Json *base) {
    g_autoptr(Json) more = json_pack("{s:v}", "targetHealthyDeployPercentage", json_get(told(stage), "targetHealthyRollbackPercentage"));
    append_on(plan, "enableServerGroup", "enable", base, json_get_string(told(stage), "restoreServerGroupName"), more);
}

static void append_disable(const Stage *stage, StagePlan *plan, const Json *base) {
    append_on(plan, "disableServerGroup", "disable", base, json_get_string(told(stage), "rollbackServerGroupName"), NULL);
}

static void append_wait(const Stage *stage, StagePlan *plan) {
    gint64 seconds = deploy_number(json_get(told(stage), "delayBeforeDisableSeconds"), 0);
    g_autoptr(Json) context = json_pack("{s:i}", "waitTime", seconds);
    if (seconds > 0)
        plan_append(plan, "wait", "wait", json_root(context));
}

static void append_snapshot(StagePlan *plan, const Json *base, const char *group) {
    const JsonValue *root = json_root(base);
    g_autoptr(Json) more = json_pack("{s:b, s:{s:s, s:s, s:v, s:v, s:v}}", "useSourceCapacity", TRUE, "source", "serverGroupName", group,
                                     "asgName", group, "region", json_get(root, "region"), "account", json_get(root, "credentials"),
                                     "cloudProvider", json_get(root, "cloudProvider"));
    g_autoptr(Json) context = json_merge(root, json_root(more));
    plan_append(plan, "captureSourceServerGroupCapacity", "Snapshot Source Server Group", json_root(context));
}

static void append_resize(const Stage *stage, StagePlan *plan, const Json *base, const char *group, const Capacity *capacity) {
    g_autofree char *title = g_strconcat("Resize Server Group: ", group, NULL);
    g_autoptr(Json) size = deploy_capacity_json(capacity);
    g_autoptr(Json) more = json_pack("{s:s, s:j, s:b, s:v}", "action", "scale_exact", "capacity", size, "pinMinimumCapacity", TRUE,
                                     "targetHealthyDeployPercentage", json_get(told(stage), "targetHealthyRollbackPercentage"));
    append_on(plan, "resizeServerGroup", title, base, group, more);
}

/* The snapshot of a deployment around it; NULL: none. Borrowed. */
static const JsonValue *known_snapshot(const Execution *execution, const Stage *stage) {
    for (const Stage *around = stage; around != NULL; around = stage_parent(execution, around)) {
        const JsonValue *snapshot = json_get(deploy_context(around), SNAPSHOT_KEY);
        if (json_is_object(snapshot))
            return snapshot;
    }
    return stage_get(execution, stage, SNAPSHOT_KEY);
}

static void plan_with_size(const Execution *execution, const Stage *stage, StagePlan *plan, const Json *base, const Capacity *wanted) {
    const char *bad = json_get_string(told(stage), "rollbackServerGroupName");
    const char *restore = json_get_string(told(stage), "restoreServerGroupName");
    const JsonValue *snapshot = known_snapshot(execution, stage);
    if (snapshot == NULL)
        append_snapshot(plan, base, bad);
    append_enable(stage, plan, base);
    append_resize(stage, plan, base, restore, wanted);
    append_wait(stage, plan);
    append_disable(stage, plan, base);
    g_autoptr(Json) more = json_pack("{s:v}", SNAPSHOT_KEY, snapshot);
    append_on(plan, "applySourceServerGroupCapacity", "Restore Min Capacity From Snapshot due to rollback", base, restore, more);
}

/* Enabled without an instance it would take no traffic, and disabling the other one would leave nothing. */
static gboolean is_only_enabled(const Stage *stage, const Capacity *restore, const Capacity *bad) {
    return deploy_flag(told(stage), "enableAndDisableOnly", FALSE) && (restore->desired > 0 || bad->desired == 0);
}

void rollback_plan_explicit(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    const JsonValue *context = deploy_context(stage);
    Capacity restore = {0}, bad = {0};
    g_autoptr(Json) base = base_of(execution, stage);
    if (deploy_flag(told(stage), "disableOnly", FALSE)) {
        append_disable(stage, plan, base);
        return;
    }
    deploy_capacity(json_get(context, ROLLBACK_RESTORE_KEY), &restore);
    deploy_capacity(json_get(context, ROLLBACK_BAD_KEY), &bad);
    Capacity wanted = rollback_capacity(&restore, &bad);
    gboolean same = wanted.min == restore.min && wanted.max == restore.max && wanted.desired == restore.desired;
    if (!same && !is_only_enabled(stage, &restore, &bad)) {
        plan_with_size(execution, stage, plan, base, &wanted);
        return;
    }
    append_enable(stage, plan, base);
    if (!deploy_flag(told(stage), "enableAndDisableOnly", FALSE))
        append_wait(stage, plan);
    append_disable(stage, plan, base);
}

/* ---- by image ---- */

static Json *clone_size(const Execution *execution, const Stage *stage) {
    Capacity snapshot;
    if (!deploy_capacity(known_snapshot(execution, stage), &snapshot))
        return json_pack("{s:b}", "useSourceCapacity", TRUE);
    g_autoptr(Json) capacity = deploy_capacity_json(&snapshot);
    return json_pack("{s:b, s:j}", "useSourceCapacity", FALSE, "capacity", capacity);
}

void rollback_plan_previous_image(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    const JsonValue *context = deploy_context(stage), *moniker = json_get(context, "moniker");
    const char *bad = json_get_string(told(stage), "rollbackServerGroupName");
    const char *image = json_get_string(told(stage), "imageId"), *name = json_get_string(told(stage), "imageName");
    g_autoptr(Json) base = base_of(execution, stage);
    const JsonValue *root = json_root(base);
    g_auto(Moniker) parsed = {0};
    naming_parse(bad, &parsed);
    gboolean given = json_get_string(moniker, "app") != NULL;
    g_autoptr(Json) size = clone_size(execution, stage);
    g_autoptr(Json) named = json_pack("{s:s, s:s, s:s, s:s, s:v}", "strategy", "redblack", "application",
                                      given ? json_get_string(moniker, "app") : parsed.app, "stack",
                                      given ? json_get_string(moniker, "stack") : parsed.stack, "freeFormDetails",
                                      given ? json_get_string(moniker, "detail") : parsed.detail, "targetHealthyDeployPercentage",
                                      json_get(told(stage), "targetHealthyRollbackPercentage"));
    g_autoptr(Json) from = json_pack("{s:{s:s, s:s, s:v, s:v, s:v}, s:s, s:s, s:s}", "source", "serverGroupName", bad, "asgName", bad,
                                     "region", json_get(root, "region"), "account", json_get(root, "credentials"), "cloudProvider",
                                     json_get(root, "cloudProvider"), "imageId", image, "imageName", name,
                                     json_get_string(context, ROLLBACK_IMAGE_KEY), image != NULL ? image : name);
    g_autoptr(Json) one = json_merge(root, json_root(named));
    g_autoptr(Json) two = json_merge(json_root(one), json_root(from));
    g_autoptr(Json) whole = json_merge(json_root(two), json_root(size));
    plan_append(plan, "cloneServerGroup", "clone", json_root(whole));
}
