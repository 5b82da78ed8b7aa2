/* The cluster that a custom strategy deploys (strategy_cluster.h). */
#include "stages/deploy/strategy_cluster.h"
#include "base/error.h"
#include <string.h>

#define SUSPENDED "suspendedProcesses"
#define TRAFFIC_PROCESS "AddToLoadBalancer"

const JsonValue *strategy_parent_context(const Execution *execution, GError **error) {
    const JsonValue *trigger = json_root(execution->trigger), *parent = json_get(trigger, "parentExecution");
    const char *id = json_string(json_dig(trigger, "parameters", "parentStageId", NULL));
    if (id == NULL) {
        error_set(error, ERR_INVALID,
                  "deploy: a strategy deploys the cluster of the stage that runs it, but its parameter parentStageId names none");
        return NULL;
    }
    for (JsonIter i = json_iter(json_get(parent, "stages")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "id"), id) == 0)
            return json_get(i.value, "context");
    error_set(error, ERR_INVALID, "deploy: parentStageId %s: execution %s, which runs this strategy, has no such stage", id,
              json_get_string(parent, "id"));
    return NULL;
}

/* What belongs to the parent's stage and its run, and not to what it deploys. */
static gboolean is_of_run(const char *key) {
    static const char *const KEYS[] = {"stageEnabled",
                                       "strategyApplication",
                                       "strategyPipeline",
                                       "pipelineParameters",
                                       "name",
                                       "type",
                                       "exception",
                                       "capacitySnapshot",
                                       "lastCapacityCheck",
                                       "restrictExecutionDuringTimeWindow",
                                       "restrictedExecutionWindow",
                                       NULL};
    return key[0] == '_' || strchr(key, '.') != NULL || g_strv_contains(KEYS, key);
}

static void add_suspended(JsonBuilder *builder, const JsonValue *given, gboolean enable) {
    json_begin_array(builder, SUSPENDED);
    for (JsonIter i = json_iter(given); json_next(&i);)
        if (g_strcmp0(json_string(i.value), TRAFFIC_PROCESS) != 0)
            json_add_value(builder, NULL, i.value);
    if (!enable)
        json_add_string(builder, NULL, TRAFFIC_PROCESS);
    json_end_array(builder);
}

static void add_missing(JsonBuilder *builder, const JsonValue *cluster, const char *key, const JsonValue *value) {
    if (json_get(cluster, key) == NULL)
        json_add_value(builder, key, value);
}

Json *strategy_cluster(const Stage *stage, const JsonValue *parameters, const JsonValue *cluster) {
    const char *traffic = json_get_string(json_root(stage->context), "trafficOptions");
    gboolean enable = g_strcmp0(traffic, "enable") == 0, decides = enable || g_strcmp0(traffic, "disable") == 0;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(cluster); json_next(&i);)
        if (!is_of_run(i.key) && strcmp(i.key, "strategy") != 0 && !(decides && strcmp(i.key, SUSPENDED) == 0))
            json_add_value(builder, i.key, i.value);
    json_add_string(builder, "strategy", "none");
    add_missing(builder, cluster, "amiName", json_get(parameters, "amiName"));
    add_missing(builder, cluster, "image", json_get(parameters, "imageId"));
    if (decides)
        add_suspended(builder, json_get(cluster, SUSPENDED), enable);
    json_end_object(builder);
    return json_builder_end(builder);
}
