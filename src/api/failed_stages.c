/* GET /executions/failedStages, under Orca's path too (engine.md 26): the stages at which an execution really failed, those of pipelines that it started included. */
#include "api/internal.h"
#include <string.h>

typedef struct {
    char *execution_id, *deck_origin;
    gint64 limit;
} FailedQuery;
static const Param failed_query[] = {
    {.name = "executionId",
     .type = PARAM_STRING,
     .offset = offsetof(FailedQuery, execution_id),
     .required = TRUE,
     .help = "The execution."},
    {.name = "deckOrigin", .type = PARAM_STRING, .offset = offsetof(FailedQuery, deck_origin), .help = "Where Deck is, for links."},
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(FailedQuery, limit),
     .otherwise = "1",
     .min = 1,
     .max = 1000,
     .help = "At most so many."},
    {0},
};

typedef struct {
    ApiCall *call;
    JsonBuilder *builder;
    gint64 left;
    guint depth;
} Walk;

static void add_text(JsonBuilder *builder, const char *key, const char *text) {
    if (text != NULL)
        json_add_string(builder, key, text);
    else
        json_add_null(builder, key);
}

/* prefix: "parentPipeline", "pipeline" or "childPipeline". */
static void add_execution(const Walk *walk, const char *prefix, const char *id, const char *name, const char *application) {
    const char *origin = ((const FailedQuery *)walk->call->query)->deck_origin;
    g_autofree char *url = origin != NULL && id != NULL
                               ? g_strdup_printf("%s/#/applications/%s/executions/details/%s", origin, application, id)
                               : NULL;
    const char *const members[][2] = {{"ExecutionId", id}, {"ExecutionName", name}, {"Application", application}, {"ExecutionUrl", url}};
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *key = g_strconcat(prefix, members[i][0], NULL);
        add_text(walk->builder, key, members[i][1]);
    }
}

static void add_failure(Walk *walk, const Execution *execution, const Stage *stage) {
    const JsonValue *parent = json_get(json_root(execution->trigger), "parentExecution");
    const JsonValue *exception = json_get(json_root(stage->context), "exception");
    walk->left--;
    json_begin_object(walk->builder, NULL);
    add_execution(walk, "parentPipeline", json_get_string(parent, "id"), json_get_string(parent, "name"),
                  json_get_string(parent, "application"));
    add_execution(walk, "pipeline", execution->id, execution->name, execution->application);
    json_add_string(walk->builder, "stageId", stage->id);
    json_add_string(walk->builder, "stageName", stage->name);
    json_add_string(walk->builder, "stageType", stage->type);
    json_add_string(walk->builder, "stageStatus", status_info(stage->status)->name);
    if (exception != NULL)
        json_add_value(walk->builder, "stageException", exception);
    else
        json_add_null(walk->builder, "stageException");
    add_execution(walk, "childPipeline", NULL, NULL, NULL);
    json_end_object(walk->builder);
}

static gboolean has_failed_children(const Execution *execution, const Stage *stage) {
    g_autoptr(GPtrArray) children = stage_synthetics(execution, stage, OWNER_NONE);
    for (guint i = 0; i < children->len; i++)
        if (status_info(((const Stage *)children->pdata[i])->status)->failure)
            return TRUE;
    return FALSE;
}

static void walk_execution(Walk *walk, const Execution *execution);

/* A pipeline that the stage started failed: its own stages say why. Calls itself at most NESTED_PIPELINES_MAX deep. */
static gboolean walk_child(Walk *walk, const Stage *stage) {
    const char *id = json_get_string(json_root(stage->context), "executionId");
    if (strcmp(stage->type, "pipeline") != 0 || id == NULL || walk->depth >= NESTED_PIPELINES_MAX)
        return FALSE;
    g_autoptr(Execution) child = engine_load(walk->call->services->engine, id, NULL);
    if (child == NULL || !api_may(walk->call, MAY_READ, "application", child->application))
        return FALSE;
    gint64 before = walk->left;
    walk->depth++;
    walk_execution(walk, child);
    walk->depth--;
    return walk->left < before;
}

static void walk_execution(Walk *walk, const Execution *execution) {
    for (guint i = 0; i < execution->stages->len && walk->left > 0; i++) {
        const Stage *stage = execution->stages->pdata[i];
        if (!status_info(stage->status)->failure || has_failed_children(execution, stage))
            continue;
        if (!walk_child(walk, stage))
            add_failure(walk, execution, stage);
    }
}

static Json *failed_stages_get(ApiCall *call, GError **error) {
    const FailedQuery *query = call->query;
    g_autoptr(Execution) execution = engine_load(call->services->engine, query->execution_id, NULL);
    if (execution == NULL || !api_may(call, MAY_READ, "application", execution->application)) {
        error_set(error, ERR_NOT_FOUND, "Pipeline not found (id: %s)", query->execution_id);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Walk walk = {call, builder, query->limit, 0};
    json_begin_array(builder, NULL);
    walk_execution(&walk, execution);
    json_end_array(builder);
    return json_builder_end(builder);
}

#define FAILED_STAGES(path_)                                                                                                               \
    .method = "GET", .path = (path_), .handler = failed_stages_get, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN), .query = failed_query,    \
    .query_size = sizeof(FailedQuery)

static const Route routes[] = {
    {FAILED_STAGES("/executions/failedStages"),
     .help = "The stages at which an execution really failed, those of pipelines that it started included."},
    {FAILED_STAGES("/pipelines/failedStages"), .help = "The same under Orca's path."},
    {0},
};
const RouteTable failed_stage_routes = {"Failed stages", routes};
