/* Ad-hoc orchestrations, which Gate calls tasks (api.md 7). */
#include "api/execution_lists.h"
#include "api/internal.h"
#include "api/start_id.h"
#include "base/log.h"
#include <string.h>

#define TASKS_LISTED_MAX 3500

/* ---- starting ---- */
static gboolean check_jobs(const JsonValue *body, GError **error) {
    const JsonValue *jobs = json_get(body, "job");
    if (!json_is_object(body) || (jobs != NULL && !json_is_array(jobs))) {
        error_set(error, ERR_INVALID, "start task: the body is {application, description, job: [{type, …}]}");
        return FALSE;
    }
    for (JsonIter i = json_iter(jobs); json_next(&i);)
        if (json_get_string(i.value, "type") == NULL) {
            error_set(error, ERR_INVALID, "start task: job %" G_GSIZE_FORMAT " has no type", i.index);
            return FALSE;
        }
    return TRUE;
}

static Json *start_task(ApiCall *call, const JsonValue *task, const char *application, GError **error) {
    if (!check_jobs(task, error) || !start_check_key(call, error) || !engine_check_types(task, error))
        return NULL;
    g_autoptr(Json) trigger = start_with_digest(call, json_get(task, "trigger"));
    g_autoptr(Json) told = json_with(task, "trigger", json_root(trigger));
    g_autoptr(Json) given = json_with_string(json_root(told), "application", application);
    g_autofree char *wanted = start_execution_id(call, task, json_get(task, "trigger"), NULL);
    g_autoptr(Json) named = json_with_string(json_root(given), "executionId", wanted);
    g_autoptr(Json) from = json_with_string(json_root(named), "origin", api_origin(call));
    g_autofree char *id = engine_start_orchestration(call->services->engine, json_root(from), call->principal, error);
    if (id == NULL)
        return NULL;
    g_autofree char *ref = g_strconcat("/tasks/", id, NULL);
    return json_pack("{s:s}", "ref", ref);
}

static Json *start(ApiCall *call, const char *application, GError **error) {
    return start_task(call, call->body, application, error);
}

static Json *task_post(ApiCall *call, GError **error) {
    return start(call, NULL, error);
}

static Json *task_of_application_post(ApiCall *call, GError **error) {
    return start(call, api_path(call, "application"), error);
}

/* A list of stages is a task of that application; an object is one already. */
static Json *ops_post(ApiCall *call, GError **error) {
    if (!json_is_array(call->body))
        return start(call, NULL, error);
    g_autoptr(Json)
        task = json_pack("{s:s, s:v}", "application", json_get_string(json_at(call->body, 0), "application"), "job", call->body);
    return start_task(call, json_root(task), NULL, error);
}

/* ---- reading ---- */
static Json *one_get(ApiCall *call, GError **error) {
    (void)error;
    return orchestration_to_task_json(call->execution);
}

static Json *operation_get(ApiCall *call, GError **error) {
    return clouds_operation_json(call->services->clouds, api_path(call, "operation"), error);
}

typedef struct {
    gint64 page, limit;
    char **statuses;
} TasksQuery;
static const Param tasks_query[] = {
    {.name = "page",
     .type = PARAM_INT,
     .offset = offsetof(TasksQuery, page),
     .otherwise = "1",
     .min = 1,
     .max = G_MAXINT32,
     .help = "Which page, from 1."},
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(TasksQuery, limit),
     .otherwise = "3500",
     .min = 1,
     .max = TASKS_LISTED_MAX,
     .help = "Tasks of a page."},
    {.name = "statuses", .type = PARAM_STRINGS, .offset = offsetof(TasksQuery, statuses), .help = "Only those in one of these states."},
    {0},
};

typedef struct {
    ExecutionList *list;
    gint64 old_before_ms;
    GError *error;
} Listing;

static gboolean list_one(const ExecutionRecord *record, gpointer data) {
    Listing *listing = data;
    if (record->start_ms != 0 && record->start_ms < listing->old_before_ms)
        return TRUE;
    return execution_list_add_record(listing->list, record, &listing->error);
}

static Json *tasks_of_application_get(ApiCall *call, GError **error) {
    const TasksQuery *query = call->query;
    if (!execution_statuses_check(query->statuses, error))
        return NULL;
    const char *const applications[] = {api_path(call, "application"), NULL};
    const ExecutionFilter filter = {
        .type = "ORCHESTRATION", .applications = applications, .statuses = (const char *const *)query->statuses, .limit = TASKS_LISTED_MAX};
    g_autoptr(ExecutionList) list = api_execution_list(call, LIST_TASK_VIEWS);
    Listing listing = {list, call->now_ms - EXECUTIONS_OLD_MS, NULL};
    if (!store_executions_list(call->services->store, &filter, list_one, &listing, error))
        return NULL;
    if (listing.error != NULL) {
        g_propagate_error(error, listing.error);
        return NULL;
    }
    execution_list_sort_newest_first(list);
    api_answer_text(call, 200, JSON_CONTENT_TYPE,
                    execution_list_text(list, (gsize)((query->page - 1) * query->limit), (gsize)query->limit));
    return NULL;
}

/* ---- acting ---- */
static Json *task_cancel(ApiCall *call, GError **error) {
    if (!engine_cancel(call->services->engine, call->execution->id, call->principal->user, NULL, error) &&
        (error_code(*error) == ERR_CONFLICT || error_code(*error) == ERR_INVALID)) {
        log_info("api", "cancel task %s changed nothing: %s", call->execution->id, (*error)->message);
        g_clear_error(error);
    }
    return NULL;
}

typedef struct {
    char **ids;
} CancelQuery;
static const Param cancel_query[] = {
    {.name = "ids", .type = PARAM_STRINGS, .offset = offsetof(CancelQuery, ids), .required = TRUE, .help = "Which tasks."},
    {0},
};

static Json *tasks_cancel(ApiCall *call, GError **error) {
    char **ids = ((const CancelQuery *)call->query)->ids;
    (void)error;
    for (gsize i = 0; ids[i] != NULL; i++) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(Execution) execution = engine_load(call->services->engine, ids[i], NULL);
        if (execution == NULL || !api_may(call, MAY_EXECUTE, "application", execution->application))
            continue;
        if (!engine_cancel(call->services->engine, ids[i], call->principal->user, NULL, &problem))
            log_info("api", "cancel task %s changed nothing: %s", ids[i], problem->message);
    }
    return NULL;
}

static Json *task_delete(ApiCall *call, GError **error) {
    engine_delete(call->services->engine, call->execution->id, error);
    return NULL;
}

static const Param task_body[] = {
    {.name = "application", .type = PARAM_STRING, .required = TRUE, .help = "The application it is about."},
    {.name = "description", .type = PARAM_STRING, .help = "What it does, for people."},
    {.name = "job", .type = PARAM_JSON, .required = TRUE, .help = "List of stages: {type, …}."},
    {.name = "trigger", .type = PARAM_JSON, .help = "Kept with it."},
    {0},
};

static const Route routes[] = {
    {.method = "POST",
     .path = "/tasks",
     .handler = task_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .body_params = task_body,
     .help = "Starts a task: {ref: \"/tasks/<id>\"}. Its jobs are stages; they run one after the other." START_ID_HELP},
    {.method = "POST",
     .path = "/ops",
     .handler = ops_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .help = "Orca's path: a list of stages, or {application, description, job, trigger}."},
    {.method = "POST",
     .path = "/applications/{application}/tasks",
     .handler = task_of_application_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .body_params = task_body,
     .help = "Starts a task of this application."},
    {.method = "GET",
     .path = "/tasks/{id}",
     .handler = one_get,
     .needs = NEEDS(ON_TASK, ACCESS_READ),
     .help = "One task: {id, name, status, variables, steps, execution}."},
    {.method = "GET",
     .path = "/applications/{application}/tasks/{id}",
     .handler = one_get,
     .needs = NEEDS(ON_TASK, ACCESS_READ),
     .help = "One task."},
    {.method = "GET",
     .path = "/tasks/{id}/details/{operation}",
     .handler = operation_get,
     .needs = NEEDS(ON_TASK, ACCESS_READ),
     .help = "A cloud operation of a task: its history and results."},
    {.method = "GET",
     .path = "/applications/{application}/tasks/{id}/details/{operation}",
     .handler = operation_get,
     .needs = NEEDS(ON_TASK, ACCESS_READ),
     .help = "A cloud operation of a task."},
    {.method = "GET",
     .path = "/applications/{application}/tasks",
     .handler = tasks_of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = tasks_query,
     .query_size = sizeof(TasksQuery),
     .help = "Tasks of the last 14 days: those not started yet, then the newest first."},
    {.method = "PUT",
     .path = "/tasks/{id}/cancel",
     .handler = task_cancel,
     .needs = NEEDS(ON_TASK, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels a task."},
    {.method = "PUT",
     .path = "/applications/{application}/tasks/{id}/cancel",
     .handler = task_cancel,
     .needs = NEEDS(ON_TASK, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels a task."},
    {.method = "PUT",
     .path = "/tasks/cancel",
     .handler = tasks_cancel,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = cancel_query,
     .query_size = sizeof(CancelQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels several tasks."},
    {.method = "DELETE",
     .path = "/tasks/{id}",
     .handler = task_delete,
     .needs = NEEDS(ON_TASK, ACCESS_WRITE),
     .help = "Deletes a task that has ended; 409 while it runs."},
    {0},
};
const RouteTable task_routes = {"Tasks", routes};
