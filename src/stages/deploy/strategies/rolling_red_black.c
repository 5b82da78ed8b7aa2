/* `rollingredblack`: the new group grows step by step while the old one goes out of traffic by as much (deploy-strategies.md 3). Pure, but
 * for prepare. */
#include "stages/deploy/strategies/strategies.h"

static gboolean prepare(TaskContext *context, const JsonValue *description, GError **error) {
    g_autoptr(GArray) steps = strategy_percentages(json_get(description, "targetPercentages"), "targetPercentages", error);
    if (steps == NULL)
        return FALSE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < steps->len; i++)
        json_add_int(builder, NULL, g_array_index(steps, gint64, i));
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    task_set_context_json(context, "targetPercentages", list);
    return strategy_start_empty(context, description, error);
}

/* What a validation pipeline is told of a server group. */
static Json *told_of(const Json *base, const char *region, const char *account, const char *name) {
    const JsonValue *root = json_root(base);
    return json_pack("{s:s, s:s, s:v, s:s}", "region", region != NULL ? region : json_get_string(root, "region"), "account",
                     account != NULL ? account : json_get_string(root, "credentials"), "cloudProvider", json_get(root, "cloudProvider"),
                     "serverGroupName", name);
}

static void append_validation(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed, gint64 percentage) {
    const JsonValue *validation = json_get(deploy_context(stage), "pipelineBeforeCleanup"), *source = strategy_source(stage);
    const JsonValue *application = json_get(validation, "application"), *id = json_get(validation, "pipelineId");
    if (!json_is_string(application) || !json_is_string(id))
        return;
    g_autoptr(Json) new_one = told_of(base, deployed->region, NULL, deployed->name);
    g_autoptr(Json) old_one = source != NULL ? told_of(base, json_get_string(source, "region"), json_get_string(source, "account"),
                                                       strategy_source_name(source))
                                             : json_empty_object();
    g_autoptr(Json)
        told = json_pack("{s:j, s:j, s:i}", "deployedServerGroup", new_one, "sourceServerGroup", old_one, "percentageComplete", percentage);
    g_autoptr(Json) parameters = json_merge(json_get(validation, "pipelineParameters"), json_root(told));
    g_autoptr(Json) child = json_pack("{s:v, s:v, s:v, s:j}", "application", application, "pipelineApplication", application, "pipelineId",
                                      id, "pipelineParameters", parameters);
    plan_append(plan, "pipeline", "Run Validation Pipeline", json_root(child));
}

static void rolling_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    GroupName *deployed = strategy_deployed(stage);
    g_autoptr(GArray) steps = strategy_percentages(json_get(deploy_context(stage), "targetPercentages"), "targetPercentages", error);
    if (deployed == NULL || steps == NULL || !strategy_size_is_known(stage, error)) {
        group_name_free(deployed);
        return;
    }
    g_autoptr(Json) base = strategy_base(execution, stage);
    strategy_append_determine(plan, base, deployed);
    strategy_append_pin(stage, plan, base);
    for (guint i = 0; i < steps->len; i++) {
        gint64 percentage = g_array_index(steps, gint64, i);
        strategy_append_grow(stage, plan, base, percentage, percentage < 100);
        strategy_append_wait(plan, "wait", strategy_seconds(stage, "delayBeforeCleanup", "delayBeforeDisableSec"));
        append_validation(stage, plan, base, deployed, percentage);
        strategy_append_disable(stage, plan, base, percentage);
    }
    group_name_free(deployed);
    if (strategy_source(stage) == NULL)
        return;
    if (deploy_flag(deploy_context(stage), "scaleDown", FALSE))
        strategy_append_scale_down(stage, plan, base, FALSE);
    else
        strategy_append_unpin(execution, stage, plan, base, 0);
}

static void rolling_on_failure(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    g_autoptr(Json) base = strategy_base(execution, stage);
    strategy_append_unpin(execution, stage, plan, base, STRATEGY_UNPIN_TIMEOUT_MS);
}

static const char *rolling_rollback(const Stage *stage) {
    (void)stage;
    return "enableAndDisableOnly";
}

const Strategy strategy_rolling_red_black = {.name = "rollingredblack",
                                             .label = "Rolling Red/Black",
                                             .help = "The new server group grows step by step, and the old one leaves traffic by as much.",
                                             .prepare = prepare,
                                             .plan_after = rolling_after,
                                             .plan_on_failure = rolling_on_failure,
                                             .rollback_flag = rolling_rollback,
                                             .limits_initial_groups = TRUE};
