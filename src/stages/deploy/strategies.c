/* Deployment strategies: one row each (deploy-strategies.md 3). Pure. */
#include "stages/deploy/deployment.h"

/* What every stage that cleans up after a deployment is told. */
static Json *cleanup_base(const Execution *execution, const Stage *stage) {
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    const JsonValue *context = deploy_context(stage);
    return json_pack("{s:s, s:v, s:s, s:s, s:v, s:v}", "region", location, "cloudProvider", json_get(context, "cloudProvider"), "cluster",
                     cluster, "credentials", deploy_account(execution, stage), "moniker", json_get(context, "moniker"),
                     "interestingHealthProviderNames", json_get(context, "interestingHealthProviderNames"));
}

static void append_with(StagePlan *plan, const char *type, const char *name, const Json *base, const Json *more) {
    g_autoptr(Json) context = json_merge(json_root(base), json_root(more));
    plan_append(plan, type, name, json_root(context));
}

static void append_wait(StagePlan *plan, const char *name, gint64 seconds) {
    g_autoptr(Json) context = json_pack("{s:i}", "waitTime", seconds);
    if (seconds > 0)
        plan_append(plan, "wait", name, json_root(context));
}

/* ---- highlander: there can be only one ---- */

static void highlander_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    g_autoptr(Json) base = cleanup_base(execution, stage);
    g_autoptr(Json)
        more = json_pack("{s:i, s:b, s:b}", "shrinkToSize", (gint64)1, "allowDeleteActive", TRUE, "retainLargerOverNewer", FALSE);
    append_with(plan, "shrinkCluster", "shrinkCluster", base, more);
}

/* ---- redblack: the new one takes over, the old ones stay aside ---- */

static gint64 seconds_of(const JsonValue *context, const char *key, const char *older_key) {
    gint64 seconds = deploy_number(json_get(context, key), -1);
    return seconds >= 0 || older_key == NULL ? seconds : deploy_number(json_get(context, older_key), -1);
}

static void redblack_scale_down(const Stage *stage, StagePlan *plan, const Json *base) {
    const JsonValue *context = deploy_context(stage);
    append_wait(plan, "Wait Before Scale Down", seconds_of(context, "delayBeforeScaleDown", "delayBeforeScaleDownSec"));
    g_autoptr(Json) more = json_pack("{s:b, s:i, s:b}", "allowScaleDownActive", deploy_flag(context, "allowScaleDownActive", FALSE),
                                     "remainingFullSizeServerGroups", (gint64)1, "preferLargerOverNewer", FALSE);
    append_with(plan, "scaleDownCluster", "scaleDown", base, more);
}

static void redblack_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    const JsonValue *context = deploy_context(stage), *source = json_get(context, "source");
    if (json_get(source, "serverGroupName") == NULL && json_get(source, "asgName") == NULL)
        return; /* nothing was there before */
    g_autoptr(Json) base = cleanup_base(execution, stage);
    gint64 remaining = deploy_number(json_get(context, "maxRemainingAsgs"), 0);
    g_autoptr(Json) shrink = json_pack("{s:i, s:b, s:b}", "shrinkToSize", remaining, "allowDeleteActive",
                                       deploy_flag(context, "allowDeleteActive", FALSE), "retainLargerOverNewer", FALSE);
    g_autoptr(Json) disable = json_pack("{s:i, s:b}", "remainingEnabledServerGroups", (gint64)1, "preferLargerOverNewer", FALSE);
    if (remaining > 0)
        append_with(plan, "shrinkCluster", "shrinkCluster", base, shrink);
    append_wait(plan, "Wait Before Disable", seconds_of(context, "delayBeforeCleanup", "delayBeforeDisableSec"));
    append_with(plan, "disableCluster", "disableCluster", base, disable);
    if (deploy_flag(context, "scaleDown", FALSE))
        redblack_scale_down(stage, plan, base);
}

/* ---- custom: a pipeline of the user's makes the group ---- */

static void custom_before(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)execution, (void)plan;
    if (json_get_string(deploy_context(stage), "strategyPipeline") == NULL)
        error_set(error, ERR_INVALID, "strategy custom: strategyPipeline: required, the id of the strategy to run");
}

static Json *custom_parameters(const Execution *execution, const Stage *stage) {
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    const JsonValue *context = deploy_context(stage);
    g_autoptr(Json)
        own = json_pack("{s:s, s:s, s:s, s:v, s:s, s:v, s:b, s:b, s:s, s:s}", "application", deploy_application(execution, stage),
                        "credentials", deploy_account(execution, stage), "cluster", cluster, "moniker", json_get(context, "moniker"),
                        "region", location, "cloudProvider", json_get(context, "cloudProvider"), "strategy", TRUE, "clone", FALSE,
                        "parentPipelineId", execution->id, "parentStageId", stage->id);
    return json_merge(json_root(own), json_get(context, "pipelineParameters"));
}

static void custom_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    const JsonValue *context = deploy_context(stage), *application = json_get(context, "strategyApplication");
    g_autoptr(Json) parameters = custom_parameters(execution, stage);
    g_autoptr(Json) child = json_pack("{s:v, s:v, s:v, s:j}", "application", application, "pipelineApplication", application, "pipelineId",
                                      json_get(context, "strategyPipeline"), "pipelineParameters", parameters);
    plan_append(plan, "pipeline", "pipeline", json_root(child));
}

/* ---- the table ---- */

static const Strategy STRATEGIES[] = {
    {.name = "none", .label = "None", .help = "The new server group joins those that are there.", .snapshots_capacity = TRUE},
    {.name = "redblack",
     .label = "Red/Black",
     .help = "The new server group takes over; the old ones are disabled and kept.",
     .plan_after = redblack_after,
     .snapshots_capacity = TRUE},
    {.name = "highlander",
     .label = "Highlander",
     .help = "The new server group takes over; the old ones are destroyed.",
     .plan_after = highlander_after,
     .snapshots_capacity = TRUE},
    {.name = "custom",
     .label = "Custom",
     .help = "A pipeline that was saved as a strategy makes the new server group and decides about the old ones.",
     .plan_before = custom_before,
     .plan_after = custom_after,
     .replaces_tasks = TRUE,
     .snapshots_capacity = TRUE},
};
/* Known elsewhere; taking them for "none" would leave the old groups in traffic without a word. */
static const char *const NOT_HERE[] = {"rollingredblack", "monitored", "cfrollingredblack", "rollingpush", NULL};

const Strategy *strategy_of(const Stage *stage, GError **error) {
    const char *given = json_get_string(deploy_context(stage), "strategy");
    g_autofree char *name = given != NULL ? g_ascii_strdown(given, -1) : NULL;
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(STRATEGIES); i++)
        if (strcmp(STRATEGIES[i].name, name) == 0)
            return &STRATEGIES[i];
    if (name == NULL || !g_strv_contains(NOT_HERE, name))
        return &STRATEGIES[0];
    error_set(error, ERR_INVALID, "strategy %s is not available: none, redblack, highlander or custom", given);
    return NULL;
}
