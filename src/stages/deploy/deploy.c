/* `deploy`: one createServerGroup per cluster entry, in parallel (stages.md 10.1, deploy-strategies.md 1). Planning is pure. */
#include "stages/deploy/scope.h"
#include "stages/deploy/stage_params.h"
#include "stages/deploy/strategy_cluster.h"

static char *region_of(const JsonValue *cluster) {
    const char *region = json_get_string(cluster, "region");
    JsonIter zones = json_iter(json_get(cluster, "availabilityZones"));
    if (region == NULL && json_next(&zones))
        region = zones.key;
    return g_strdup(region != NULL ? region : "unknown region");
}

static const char *first_text(const JsonValue *cluster, const JsonValue *stage) {
    const char *name = json_get_string(cluster, "account");
    name = name != NULL ? name : json_get_string(cluster, "credentials");
    name = name != NULL ? name : json_get_string(stage, "account");
    return name != NULL ? name : json_get_string(stage, "credentials");
}

static void plan_cluster(const Stage *stage, const JsonValue *cluster, gboolean clone, StagePlan *plan) {
    static const char *const LISTS[] = {"cluster", "clusters", NULL};
    const JsonValue *context = deploy_context(stage);
    const char *type = clone ? "cloneServerGroup" : "createServerGroup";
    g_autofree char *region = region_of(cluster), *name = g_strconcat(clone ? "Clone in " : "Deploy in ", region, NULL);
    g_autoptr(Json) base = json_without(context, LISTS);
    g_autoptr(Json)
        more = json_pack("{s:s, s:v, s:s, s:s}", "account", first_text(cluster, context), "cluster", cluster, "type", type, "name", name);
    g_autoptr(Json) child = json_merge(json_root(base), json_root(more));
    plan_add(plan, type, name, json_root(child));
}

/* The entries of a context's cluster and clusters; itself when it has neither. Array of JsonValue, caller unrefs. */
static GPtrArray *clusters_of(const JsonValue *context) {
    GPtrArray *clusters = g_ptr_array_new();
    const JsonValue *single = json_get(context, "cluster"), *list = json_get(context, "clusters");
    if (json_is_object(single))
        g_ptr_array_add(clusters, (gpointer)single);
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);)
        g_ptr_array_add(clusters, (gpointer)i.value);
    if (!json_is_object(single) && !json_is_array(list))
        g_ptr_array_add(clusters, (gpointer)context);
    return clusters;
}

static void plan_clusters(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    const JsonValue *parameters = deploy_strategy_parameters(execution);
    const JsonValue *source = parameters != NULL ? strategy_parent_context(execution, error) : deploy_context(stage);
    if (source == NULL)
        return;
    gboolean clone = parameters != NULL && deploy_flag(parameters, "clone", FALSE);
    g_autoptr(GPtrArray) clusters = clusters_of(source);
    for (guint i = 0; i < clusters->len; i++) {
        g_autoptr(Json) cluster = parameters != NULL ? strategy_cluster(stage, parameters, clusters->pdata[i])
                                                     : json_copy(clusters->pdata[i]);
        plan_cluster(stage, json_root(cluster), clone, plan);
    }
}

static Status complete(TaskContext *context, GError **error) {
    (void)context, (void)error;
    return STATUS_SUCCEEDED;
}

static const Param deploy_params[] = {
    DEPLOY_PARAM("clusters", PARAM_JSON, clusters, .help = "One description of a server group per cluster and region."),
    DEPLOY_PARAM("trafficOptions", PARAM_STRING, traffic_options,
                 .help = "In a custom strategy, which deploys the cluster it is the strategy of: enable or disable traffic to the new "
                         "server group; inherit does as the cluster says."),
    {0},
};

const StageType stage_deploy = {
    .type = "deploy",
    .label = "Deploy",
    .help = "Makes server groups in one or more clusters, in parallel.",
    .params = deploy_params,
    .params_size = sizeof(DeployParams),
    .tasks = (const TaskDefinition[]){{.name = "completeParallelDeploy", .run = complete, .no_io = TRUE}, {0}},
    .plan_before = plan_clusters,
};
