/* What the files of strategies share (strategies.h). Pure. */
#include "stages/deploy/strategies/strategies.h"

Json *strategy_base(const Execution *execution, const Stage *stage) {
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    const JsonValue *context = deploy_context(stage);
    return json_pack("{s:s, s:v, s:s, s:s, s:v, s:v}", "region", location, "cloudProvider", json_get(context, "cloudProvider"), "cluster",
                     cluster, "credentials", deploy_account(execution, stage), "moniker", json_get(context, "moniker"),
                     "interestingHealthProviderNames", json_get(context, "interestingHealthProviderNames"));
}

void strategy_append(StagePlan *plan, const char *type, const char *name, const Json *base, const Json *more) {
    g_autoptr(Json) context = json_merge(json_root(base), more != NULL ? json_root(more) : NULL);
    plan_append(plan, type, name, json_root(context));
}

void strategy_append_wait(StagePlan *plan, const char *name, gint64 seconds) {
    g_autoptr(Json) context = json_pack("{s:i}", "waitTime", seconds);
    if (seconds > 0)
        plan_append(plan, "wait", name, json_root(context));
}

gint64 strategy_seconds(const Stage *stage, const char *key, const char *older_key) {
    const JsonValue *context = deploy_context(stage);
    gint64 seconds = deploy_number(json_get(context, key), -1);
    return seconds >= 0 || older_key == NULL ? seconds : deploy_number(json_get(context, older_key), -1);
}

void strategy_append_scale_down(const Stage *stage, StagePlan *plan, const Json *base, gboolean allow_active) {
    strategy_append_wait(plan, "Wait Before Scale Down", strategy_seconds(stage, "delayBeforeScaleDown", "delayBeforeScaleDownSec"));
    g_autoptr(Json) more = json_pack("{s:b, s:i, s:b}", "allowScaleDownActive", allow_active, "remainingFullSizeServerGroups", (gint64)1,
                                     "preferLargerOverNewer", FALSE);
    strategy_append(plan, "scaleDownCluster", "scaleDown", base, more);
}

void strategy_append_shrink(const Stage *stage, StagePlan *plan, const Json *base, gboolean allow_active) {
    gint64 remaining = deploy_number(json_get(deploy_context(stage), "maxRemainingAsgs"), 0);
    g_autoptr(Json)
        more = json_pack("{s:i, s:b, s:b}", "shrinkToSize", remaining, "allowDeleteActive", allow_active, "retainLargerOverNewer", FALSE);
    if (remaining > 0)
        strategy_append(plan, "shrinkCluster", "shrinkCluster", base, more);
}

const char *strategy_source_name(const JsonValue *source) {
    const char *name = json_get_string(source, "serverGroupName");
    return name != NULL ? name : json_get_string(source, "asgName");
}

const JsonValue *strategy_source(const Stage *stage) {
    const JsonValue *source = json_get(deploy_context(stage), "source");
    return strategy_source_name(source) != NULL ? source : NULL;
}

GroupName *strategy_deployed(const Stage *stage) {
    g_autoptr(GPtrArray) made = deploy_recorded_groups(stage);
    const GroupName *first = made->len > 0 ? made->pdata[0] : NULL;
    return first != NULL ? group_name_new(first->region, first->name) : NULL;
}
