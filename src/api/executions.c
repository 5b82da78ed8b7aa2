/* Executions of pipelines: reading them and acting on them (api.md 6). */
#include "api/execution_lists.h"
#include "api/internal.h"
#include "base/log.h"
#include "stages/metadata/pipelines.h"
#include <string.h>

#define LIMIT_OTHERWISE 10

/* ---- lists ---- */
typedef struct {
    gint64 limit, pipeline_limit;
    char **statuses;
    gboolean expand;
    char *name_filter;
} ListQuery;
static const Param list_query[] = {
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(ListQuery, limit),
     .otherwise = "10",
     .min = 0,
     .max = EXECUTIONS_PER_CONFIG_MAX,
     .help = "At most so many per configuration; 0: 10."},
    {.name = "statuses", .type = PARAM_STRINGS, .offset = offsetof(ListQuery, statuses), .help = "Only those in one of these states."},
    {.name = "expand",
     .type = PARAM_BOOL,
     .offset = offsetof(ListQuery, expand),
     .otherwise = "true",
     .help = "With contexts, outputs and tasks of stages."},
    {.name = "pipelineNameFilter",
     .type = PARAM_STRING,
     .offset = offsetof(ListQuery, name_filter),
     .help = "Only configurations whose name contains this."},
    {.name = "pipelineLimit",
     .type = PARAM_INT,
     .offset = offsetof(ListQuery, pipeline_limit),
     .min = 0,
     .max = G_MAXINT32,
     .help = "Only so many configurations; 0: all."},
    {0},
};

static gboolean add_configs(ApiCall *call, ExecutionList *list, const char *kind, GError **error) {
    const ListQuery *query = call->query;
    guint limit = query->limit > 0 ? (guint)query->limit : LIMIT_OTHERWISE;
    Store *store = call->services->store;
    g_autoptr(Json)
        configs = pipelines_list(store, kind, api_path(call, "application"), query->name_filter, (guint)query->pipeline_limit, error);
    if (configs == NULL)
        return FALSE;
    for (JsonIter i = json_iter(json_root(configs)); json_next(&i);) {
        const char *id = json_get_string(i.value, "id");
        if (!execution_list_add_config(list, id, limit, (const char *const *)query->statuses, call->now_ms, error))
            return FALSE;
    }
    return TRUE;
}

static Json *answer_list(ApiCall *call, ExecutionList *list) {
    api_answer_text(call, 200, JSON_CONTENT_TYPE, execution_list_text(list, 0, 0));
    return NULL;
}

static Json *of_application_get(ApiCall *call, GError **error) {
    const ListQuery *query = call->query;
    g_autoptr(ExecutionList) list = api_execution_list(call, query->expand ? LIST_EXPANDED : LIST_EXECUTIONS);
    if (!execution_statuses_check(query->statuses, error) || !add_configs(call, list, PIPELINE_KIND, error) ||
        !add_configs(call, list, STRATEGY_KIND, error))
        return NULL;
    execution_list_sort_oldest_first(list);
    return answer_list(call, list);
}

typedef struct {
    char **config_ids, **execution_ids, **statuses;
    gint64 limit;
    gboolean expand;
} ByIdQuery;
static const Param by_id_query[] = {
    {.name = "pipelineConfigIds",
     .type = PARAM_STRINGS,
     .offset = offsetof(ByIdQuery, config_ids),
     .help = "Executions of these configurations."},
    {.name = "executionIds", .type = PARAM_STRINGS, .offset = offsetof(ByIdQuery, execution_ids), .help = "These executions."},
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(ByIdQuery, limit),
     .otherwise = "1",
     .min = 0,
     .max = EXECUTIONS_PER_CONFIG_MAX,
     .help = "At most so many per configuration."},
    {.name = "statuses", .type = PARAM_STRINGS, .offset = offsetof(ByIdQuery, statuses), .help = "Only those in one of these states."},
    {.name = "expand",
     .type = PARAM_BOOL,
     .offset = offsetof(ByIdQuery, expand),
     .otherwise = "true",
     .help = "With contexts, outputs and tasks of stages."},
    {0},
};

/* Unknown ids, and what the caller may not read, are skipped. */
static gboolean add_by_id(ApiCall *call, ExecutionList *list, char **ids, GError **error) {
    for (gsize i = 0; ids[i] != NULL; i++) {
        g_autoptr(Execution) execution = engine_load(call->services->engine, ids[i], NULL);
        if (execution == NULL || execution->type != EXECUTION_PIPELINE || !api_may(call, MAY_READ, "application", execution->application))
            continue;
        if (!execution_list_add(list, execution, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_by_config(ApiCall *call, ExecutionList *list, const ByIdQuery *query, GError **error) {
    for (gsize i = 0; query->config_ids[i] != NULL; i++) {
        g_autoptr(Json) config = pipeline_load(call->services->store, PIPELINE_KIND, query->config_ids[i], NULL);
        const char *application = json_get_string(json_root(config), "application");
        if (application != NULL && !api_may(call, MAY_READ, "application", application))
            continue;
        if (!execution_list_add_config(list, query->config_ids[i], MAX((guint)query->limit, 1), (const char *const *)query->statuses,
                                       call->now_ms, error))
            return FALSE;
    }
    execution_list_sort_oldest_first(list);
    return TRUE;
}

static Json *by_id_get(ApiCall *call, GError **error) {
    const ByIdQuery *query = call->query;
    g_autoptr(ExecutionList) list = api_execution_list(call, query->expand ? LIST_EXPANDED : LIST_EXECUTIONS);
    if (query->config_ids != NULL && query->execution_ids != NULL) {
        error_set(error, ERR_INVALID, "Only pipelineConfigIds OR executionIds can be specified");
        return NULL;
    }
    if (!execution_statuses_check(query->statuses, error))
        return NULL;
    if (query->execution_ids != NULL && !add_by_id(call, list, query->execution_ids, error))
        return NULL;
    if (query->config_ids != NULL && !add_by_config(call, list, query, error))
        return NULL;
    return answer_list(call, list);
}

/* ---- one ---- */
static Json *execution_get(ApiCall *call, GError **error) {
    (void)error;
    return execution_to_json(call->execution, TRUE);
}

static Json *why_get(ApiCall *call, GError **error) {
    (void)error;
    return engine_why(call->services->engine, call->execution, call->now_ms);
}

/* ---- acting ---- */
/* Spinnaker only logs that an action does not fit the execution's state: clients ask for the state anyway. */
static Json *tolerant(ApiCall *call, gboolean done, GError **error) {
    if (!done && (error_code(*error) == ERR_CONFLICT || error_code(*error) == ERR_INVALID)) {
        log_info("api", "%s %s changed nothing: %s", call->route->method, http_exchange_path(call->exchange), (*error)->message);
        g_clear_error(error);
    }
    return NULL;
}

typedef struct {
    char *reason;
} CancelQuery;
static const Param cancel_query[] = {
    {.name = "reason", .type = PARAM_STRING, .offset = offsetof(CancelQuery, reason), .help = "Why; kept with the execution."},
    {0},
};

static Json *cancel_put(ApiCall *call, GError **error) {
    const CancelQuery *query = call->query;
    return tolerant(call, engine_cancel(call->services->engine, call->execution->id, call->principal->user, query->reason, error), error);
}

static Json *pause_put(ApiCall *call, GError **error) {
    return tolerant(call, engine_pause(call->services->engine, call->execution->id, call->principal->user, error), error);
}

static Json *resume_put(ApiCall *call, GError **error) {
    return tolerant(call, engine_resume(call->services->engine, call->execution->id, call->principal->user, error), error);
}

static Json *execution_delete(ApiCall *call, GError **error) {
    engine_delete(call->services->engine, call->execution->id, error);
    return NULL;
}

static Json *execution_now(ApiCall *call, GError **error) {
    g_autoptr(Execution) execution = engine_load(call->services->engine, call->execution->id, error);
    return execution != NULL ? execution_to_json(execution, TRUE) : NULL;
}

static Json *stage_patch(ApiCall *call, GError **error) {
    const char *stage_id = api_path(call, "stageId");
    if (!json_is_object(call->body)) {
        error_set(error, ERR_INVALID, "change stage %s: the body is a JSON object", stage_id);
        return NULL;
    }
    if (!engine_patch_stage(call->services->engine, call->execution->id, stage_id, call->body, call->principal, error))
        return NULL;
    return execution_now(call, error);
}

/* The pipeline as it is saved now replaces the body: preconditions are taken over from it (engine.md 14.4). */
static Json *stage_restart(ApiCall *call, GError **error) {
    const Execution *execution = call->execution;
    g_autoptr(Json) config = NULL;
    if (execution->application != NULL && execution->name != NULL)
        config = pipeline_find(call->services->store, PIPELINE_KIND, execution->application, execution->name, NULL);
    const JsonValue *body = config != NULL ? json_root(config) : call->body;
    if (!engine_restart_stage(call->services->engine, execution->id, api_path(call, "stageId"), body, call->principal->user, error))
        return NULL;
    return execution_now(call, error);
}

static const Param stage_body[] = {
    {.name = "judgmentStatus", .type = PARAM_STRING, .help = "Of a manual judgement: continue or stop."},
    {.name = "judgmentInput", .type = PARAM_STRING, .help = "Of a manual judgement: the choice."},
    {.name = "skipRemainingWait", .type = PARAM_BOOL, .help = "Ends a wait."},
    {.name = "manualSkip", .type = PARAM_BOOL, .help = "Skips a stage that may be skipped."},
    {0},
};

/* Lists over all applications that upstream gave up long ago (engine.md 26). */
static Json *gone_get(ApiCall *call, GError **error) {
    (void)error;
    api_answer_status(call, 410, json_empty_array());
    return NULL;
}

#define GONE(path_)                                                                                                                        \
    {                                                                                                                                      \
        .method = "GET", .path = path_, .handler = gone_get, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),                                  \
        .help = "Gone: 410 with an empty list."                                                                                            \
    }

static const Route routes[] = {
    GONE("/pipelines/running"),
    GONE("/pipelines/waiting"),
    {.method = "GET",
     .path = "/applications/{application}/pipelines",
     .handler = of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = list_query,
     .query_size = sizeof(ListQuery),
     .help =
         "Executions of an application's pipelines by start time: per configuration the newest of the last 14 days, else the last two."},
    {.method = "GET",
     .path = "/executions",
     .handler = by_id_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = by_id_query,
     .query_size = sizeof(ByIdQuery),
     .help = "Executions by configuration or by id; unknown ids are left out."},
    {.method = "GET",
     .path = "/pipelines/{id}",
     .handler = execution_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .help = "One execution, with everything."},
    {.method = "GET",
     .path = "/pipelines/{id}/why",
     .handler = why_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .help = "Why an execution, and each stage and task of it that is not done, waits: [{stageId, taskId, since, reason}]."},
    {.method = "PUT",
     .path = "/pipelines/{id}/cancel",
     .handler = cancel_put,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .query = cancel_query,
     .query_size = sizeof(CancelQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels an execution."},
    {.method = "PUT",
     .path = "/applications/{application}/pipelines/{id}/cancel",
     .handler = cancel_put,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .query = cancel_query,
     .query_size = sizeof(CancelQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels an execution."},
    {.method = "PUT",
     .path = "/pipelines/{id}/pause",
     .handler = pause_put,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .help = "Pauses an execution that runs; changes nothing otherwise."},
    {.method = "PUT",
     .path = "/pipelines/{id}/resume",
     .handler = resume_put,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .help = "Resumes an execution that is paused; changes nothing otherwise."},
    {.method = "DELETE",
     .path = "/pipelines/{id}",
     .handler = execution_delete,
     .needs = NEEDS(ON_EXECUTION, ACCESS_WRITE),
     .help = "Deletes an execution that has ended; 409 while it runs."},
    {.method = "PATCH",
     .path = "/pipelines/{id}/stages/{stageId}",
     .handler = stage_patch,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .body_params = stage_body,
     .help = "Merges the body into a stage's context and answers with the execution: judgements, ending a wait, skipping."},
    {.method = "PUT",
     .path = "/pipelines/{id}/stages/{stageId}/restart",
     .handler = stage_restart,
     .needs = NEEDS(ON_EXECUTION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .help = "Runs a stage and all that follow it once more; answers with the execution."},
    {0},
};
const RouteTable execution_routes = {"Executions", routes};
