/* `custom`: a pipeline of the user's makes the group (deploy-strategies.md 3, engine.md 17). Pure. */
#include "stages/deploy/strategies/strategies.h"

static void custom_before(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)execution, (void)plan;
    if (json_get_string(deploy_context(stage), "strategyPipeline") == NULL)
        error_set(error, ERR_INVALID, "strategy custom: strategyPipeline: required, the id of the strategy to run");
}

static Json *custom_parameters(const Execution *execution, const Stage *stage) {
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    const JsonValue *context = deploy_context(stage);
    gboolean clone = strcmp(stage->type, "createServerGroup") != 0;
    g_autoptr(Json)
        own = json_pack("{s:s, s:s, s:s, s:v, s:s, s:v, s:b, s:b, s:s, s:s}", "application", deploy_application(execution, stage),
                        "credentials", deploy_account(execution, stage), "cluster", cluster, "moniker", json_get(context, "moniker"),
                        "region", location, "cloudProvider", json_get(context, "cloudProvider"), "strategy", TRUE, "clone", clone,
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

const Strategy strategy_custom = {
    .name = "custom",
    .label = "Custom",
    .help = "A pipeline that was saved as a strategy makes the new server group and decides about the old ones.",
    .plan_before = custom_before,
    .plan_after = custom_after,
    .replaces_tasks = TRUE,
    .snapshots_capacity = TRUE};
