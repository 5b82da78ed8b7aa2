/* `rollingpush`: no new server group; the source launches otherwise from now on, and its instances are replaced (deploy-strategies.md 3).
 * Pure. */
#include "stages/deploy/strategies/strategies.h"

/* What belongs to the deployment and not to the group that is changed. */
static const char *const DEPLOYMENT_KEYS[] = {"strategy", "capacity", "targetSize", "rollback", "exception", "name", "type", NULL};

/* The stage's description on the source; with the image that a stage before made, when it names none. Caller unrefs. */
static Json *change_of(const Execution *execution, const Stage *stage) {
    const JsonValue *source = strategy_source(stage);
    const char *name = strategy_source_name(source), *region = json_get_string(source, "region");
    const JsonValue *context = deploy_context(stage), *account = json_get(source, "account");
    const char *cloud = json_get_string(context, "cloudProvider");
    g_autoptr(Json) description = deploy_description(stage);
    g_autoptr(Json) own = json_without(json_root(description), DEPLOYMENT_KEYS);
    const JsonValue *image = json_get(context, "amiName") == NULL && json_get(context, "imageId") == NULL
                                 ? image_for_region(execution, stage, region, cloud)
                                 : NULL;
    g_autoptr(Json) more = json_pack("{s:s, s:s, s:s, s:[s], s:v, s:b, s:s, s:s}", "serverGroupName", name, "asgName", name, "region",
                                     region, "regions", region, "credentials", account, "useSourceCapacity", FALSE, "amiName",
                                     image != NULL ? image_id(image) : NULL, "imageId", image != NULL ? image_id(image) : NULL);
    g_autoptr(Json) present = json_without_nulls(json_root(more));
    return json_merge(json_root(own), json_root(present));
}

static void push_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    const JsonValue *context = deploy_context(stage), *termination = json_get(context, "termination");
    if (strategy_source(stage) == NULL) {
        g_autofree char *cluster = deploy_cluster(execution, stage), *location = deploy_location(execution, stage);
        error_set(error, ERR_NOT_FOUND, "strategy rollingpush: cluster %s has no server group in %s whose instances could be replaced",
                  cluster, location);
        return;
    }
    const char *type = deploy_flag(context, "setLaunchTemplate", FALSE) ? "updateLaunchTemplate" : "modifyAsgLaunchConfiguration";
    g_autoptr(Json) change = change_of(execution, stage);
    plan_append(plan, type, type, json_root(change));
    if (deploy_flag(termination, "relaunchAllInstances", FALSE) || deploy_number(json_get(termination, "totalRelaunches"), 0) > 0)
        plan_append(plan, "rollingPush", "rollingPush", json_root(change));
}

const Strategy strategy_rolling_push = {
    .name = "rollingpush",
    .label = "Rolling push",
    .help = "No new server group: the newest one launches otherwise, and its instances are replaced a few at a time.",
    .plan_after = push_after,
    .replaces_tasks = TRUE,
    .snapshots_capacity = TRUE};
