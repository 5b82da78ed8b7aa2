/* `monitored`: like rolling red/black, and a deployment monitor is asked after each step (deploy-strategies.md 3). Pure, but for prepare. */
#include "stages/deploy/monitor/monitor.h"
#include "stages/deploy/strategies/strategies.h"

#define ROLLBACK_TIMEOUT_MS (30 * G_GINT64_CONSTANT(60000))
#define DESTROY_TIMEOUT_MS (5 * G_GINT64_CONSTANT(60000))

/* ---- before ---- */

/* deploySteps as percentages: numbers, or {percentage}. Caller unrefs. */
static Json *steps_of(const JsonValue *steps) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_is_array(steps) ? steps : NULL); json_next(&i);)
        json_add_value(builder, NULL, json_is_object(i.value) ? json_get(i.value, "percentage") : i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

static const char *monitor_id(const JsonValue *description) {
    const char *id = json_string(json_dig(description, "deploymentMonitor", "id", NULL));
    return id != NULL && *id != '\0' ? id : NULL;
}

static gboolean prepare(TaskContext *context, const JsonValue *description, GError **error) {
    g_autoptr(Config) config = services_config(context->services);
    g_auto(Monitor) monitor = {0};
    if (!monitor_is_enabled(config)) {
        error_set(error, ERR_INVALID, "strategy monitored is not available: monitored-deploy.enabled is not true in the configuration");
        return FALSE;
    }
    const char *id = monitor_id(description);
    g_autoptr(Json) list = steps_of(json_get(description, "deploySteps"));
    g_autoptr(GArray) steps = strategy_percentages(json_root(list), "deploySteps", error);
    if (steps == NULL || (id != NULL && !monitor_find(config, id, &monitor, error)))
        return FALSE;
    task_remove_context(context, "rollback"); /* failureActions say what happens on failure */
    return strategy_start_empty(context, description, error);
}

/* ---- after ---- */

/* A stage that talks to the monitor; none without one. */
static void append_monitor(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed, const char *type,
                           const char *name, const Json *more) {
    const JsonValue *context = deploy_context(stage), *source = strategy_source(stage);
    if (monitor_id(context) == NULL)
        return;
    g_autoptr(Json)
        own = json_pack("{s:v, s:s, s:s}", "deploymentMonitor", json_get(context, "deploymentMonitor"), "newServerGroup",
                        deployed != NULL ? deployed->name : NULL, "oldServerGroup", source != NULL ? strategy_source_name(source) : NULL);
    g_autoptr(Json) whole = json_merge(json_root(own), json_root(more));
    strategy_append(plan, type, name, base, whole);
}

static Json *progress(gint64 percentage) {
    return json_pack("{s:i}", "currentProgress", percentage);
}

/* Its failure does not end the pipeline: what was deployed serves. Caller unrefs. */
static Json *forgiving(const Json *context) {
    g_autoptr(Json) more = json_pack("{s:b, s:b}", "failPipeline", FALSE, "continuePipeline", TRUE);
    return json_merge(json_root(context), json_root(more));
}

static void append_steps(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed, const GArray *steps) {
    for (guint i = 0; i < steps->len; i++) {
        gint64 percentage = g_array_index(steps, gint64, i);
        g_autoptr(Json) at = progress(percentage);
        strategy_append_grow(stage, plan, base, percentage, TRUE);
        strategy_append_disable(stage, plan, base, percentage);
        append_monitor(stage, plan, base, deployed, STAGE_MONITOR_EVALUATE, "Evaluate health of deployed instances", at);
    }
}

static void append_cleanup(const Execution *execution, const Stage *stage, StagePlan *plan, const Json *base) {
    g_autoptr(Json) lenient = forgiving(base);
    if (strategy_source(stage) != NULL && deploy_flag(deploy_context(stage), "scaleDown", FALSE))
        strategy_append_scale_down(stage, plan, lenient, FALSE);
    else
        strategy_append_unpin(execution, stage, plan, base, 0);
    strategy_append_shrink(stage, plan, lenient, FALSE);
}

static void monitored_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    g_autoptr(Json) list = steps_of(json_get(deploy_context(stage), "deploySteps"));
    g_autoptr(GArray) steps = strategy_percentages(json_root(list), "deploySteps", error);
    GroupName *deployed = strategy_deployed(stage);
    if (deployed == NULL || steps == NULL || !strategy_size_is_known(stage, error)) {
        group_name_free(deployed);
        return;
    }
    g_autoptr(Json) base = strategy_base(execution, stage);
    g_autoptr(Json) none = progress(0);
    g_autoptr(Json) all = progress(100);
    g_autoptr(Json) end = forgiving(all);
    strategy_append_determine(plan, base, deployed);
    strategy_append_pin(stage, plan, base);
    append_monitor(stage, plan, base, deployed, STAGE_MONITOR_STARTING, "Notify monitored deploy starting", none);
    append_steps(stage, plan, base, deployed, steps);
    strategy_append_unpin_deployed(stage, plan, base, deployed);
    append_cleanup(execution, stage, plan, base);
    append_monitor(stage, plan, base, deployed, STAGE_MONITOR_COMPLETED, "Notify monitored deploy complete", end);
    group_name_free(deployed);
}

/* ---- on failure ---- */

static gboolean rolls_back(const JsonValue *actions) {
    const char *rollback = json_get_string(actions, "rollback");
    return rollback != NULL && (g_ascii_strcasecmp(rollback, "Automatic") == 0 || g_ascii_strcasecmp(rollback, "Manual") == 0);
}

static void append_rollback(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed) {
    const JsonValue *actions = json_get(deploy_context(stage), "failureActions");
    if (!rolls_back(actions) || deployed == NULL)
        return;
    const char *cluster = json_get_string(json_root(base), "cluster");
    g_autofree char *title = g_strconcat("Rollback ", cluster, NULL), *destroy = g_strconcat("Destroy ", deployed->name, NULL);
    g_autoptr(Json)
        back = json_pack("{s:[s], s:s, s:s, s:i, s:{s:b, s:b}}", "regions", deployed->region, "serverGroup", deployed->name,
                         "originalServerGroup", strategy_source_name(strategy_source(stage)), "stageTimeoutMs", ROLLBACK_TIMEOUT_MS,
                         "additionalRollbackContext", "enableAndDisableOnly", TRUE, "onlyEnabledServerGroups", TRUE);
    g_autoptr(Json) gone = json_pack("{s:s, s:s, s:s, s:i}", "serverGroupName", deployed->name, "asgName", deployed->name, "region",
                                     deployed->region, "stageTimeoutMs", DESTROY_TIMEOUT_MS);
    strategy_append(plan, "rollbackCluster", title, base, back);
    if (deploy_flag(actions, "destroyInstances", FALSE))
        strategy_append(plan, "destroyServerGroup", destroy, base, gone);
}

static void monitored_on_failure(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    if (strategy_source(stage) == NULL)
        return;
    GroupName *deployed = strategy_deployed(stage);
    g_autoptr(Json) base = strategy_base(execution, stage);
    g_autoptr(Json) failed = json_pack("{s:b}", "hasDeploymentFailed", TRUE);
    g_autoptr(Json) end = forgiving(failed);
    append_rollback(stage, plan, base, deployed);
    strategy_append_unpin(execution, stage, plan, base, STRATEGY_UNPIN_TIMEOUT_MS);
    append_monitor(stage, plan, base, deployed, STAGE_MONITOR_COMPLETED, "Notify monitored deploy complete", end);
    group_name_free(deployed);
}

const Strategy strategy_monitored = {
    .name = "monitored",
    .label = "Monitored",
    .help = "The new server group grows step by step, and a deployment monitor says after each step whether it may go on.",
    .prepare = prepare,
    .plan_after = monitored_after,
    .plan_on_failure = monitored_on_failure,
    .limits_initial_groups = TRUE};
