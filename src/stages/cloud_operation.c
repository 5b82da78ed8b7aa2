/* Starting and watching cloud operations (cloud_operation.h). */
#include "stages/cloud_operation.h"
#include "base/ids.h"

const char *const cloud_operation_restart_drops[] = {"kato.tasks",  "kato.last.task.id", "kato.task.lastStatus", "deploy.server.groups",
                                                     "deploy.jobs", "capacitySnapshot",  "lastCapacityCheck",    "zeroDesiredCapacityCount",
                                                     NULL};

static char *operation_id_of(const TaskContext *context) {
    g_autofree char *attempt = g_strdup_printf("%u", context->stage->attempt);
    return id_from_parts(context->execution->id, context->stage->id, context->task->id, context->task->name, attempt, NULL);
}

gboolean cloud_operation_start(TaskContext *context, const char *account, const JsonValue *operations, GError **error) {
    g_autofree char *id = operation_id_of(context);
    Principal principal = services_principal(context->user);
    g_autoptr(Account) known = clouds_account(context->services->clouds, account, error);
    if (known == NULL)
        return FALSE;
    if (!clouds_operation_start(context->services->clouds, id, context->execution->id, context->stage->id, known->cloud->id, operations,
                                &principal, error))
        return FALSE;
    g_autoptr(Json) task_id = json_pack("{s:s}", "id", id);
    g_autofree char *notification = g_ascii_strdown(context->task->name, -1);
    task_set_context_json(context, "kato.last.task.id", task_id);
    task_set_context_string(context, "deploy.account.name", account);
    task_set_context_string(context, "notification.type", notification);
    return TRUE;
}

static const char *started_id(const Stage *stage) {
    return json_string(json_dig(json_root(stage->context), "kato.last.task.id", "id", NULL));
}

/* ---- what is recorded ---- */

static const JsonValue *exception_of(const JsonValue *operation) {
    for (JsonIter i = json_iter(json_get(operation, "resultObjects")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "type"), "EXCEPTION") == 0)
            return i.value;
    return NULL;
}

static void add_kato_task(JsonBuilder *builder, const JsonValue *operation) {
    json_begin_object(builder, NULL);
    json_add_value(builder, "id", json_get(operation, "id"));
    json_add_value(builder, "status", json_get(operation, "status"));
    json_add_value(builder, "history", json_get(operation, "history"));
    json_add_value(builder, "resultObjects", json_get(operation, "resultObjects"));
    json_add_value(builder, "outputs", json_get(operation, "outputs"));
    json_add_value(builder, "exception", exception_of(operation));
    json_end_object(builder);
}

/* The operations of before stay; this one replaces what was recorded of it. */
static void record_kato_tasks(TaskContext *context, const JsonValue *operation) {
    const char *id = json_get_string(operation, "id");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(json_root(context->stage->context), "kato.tasks")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "id"), id) != 0)
            json_add_value(builder, NULL, i.value);
    add_kato_task(builder, operation);
    json_end_array(builder);
    g_autoptr(Json) tasks = json_builder_end(builder);
    task_set_context_json(context, "kato.tasks", tasks);
}

/* "region:name" texts of all results as {region: [names]}; NULL when there are none. */
static Json *by_region(const JsonValue *operation, const char *key) {
    g_autoptr(Json) map = json_empty_object();
    for (JsonIter result = json_iter(json_get(operation, "resultObjects")); json_next(&result);)
        for (JsonIter i = json_iter(json_get(result.value, key)); json_next(&i);) {
            const char *text = json_string(i.value), *colon = text ? strchr(text, ':') : NULL;
            if (text == NULL)
                continue;
            g_autofree char *region = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup("region_missing");
            g_autoptr(JsonBuilder) builder = json_builder_new();
            json_begin_array(builder, NULL);
            for (JsonIter known = json_iter(json_get(json_root(map), region)); json_next(&known);)
                json_add_value(builder, NULL, known.value);
            json_add_string(builder, NULL, colon ? colon + 1 : text);
            json_end_array(builder);
            g_autoptr(Json) names = json_builder_end(builder);
            Json *more = json_with(json_root(map), region, json_root(names));
            json_unref(map);
            map = more;
        }
    return json_length(json_root(map)) > 0 ? g_steal_pointer(&map) : NULL;
}

static const JsonValue *first_result(const JsonValue *operation, const char *key) {
    for (JsonIter i = json_iter(json_get(operation, "resultObjects")); json_next(&i);)
        if (json_get(i.value, key) != NULL && !json_is_null(json_get(i.value, key)))
            return json_get(i.value, key);
    return NULL;
}

static void record_success(TaskContext *context, const JsonValue *operation) {
    const JsonValue *known = json_root(context->stage->context);
    g_autoptr(Json) groups = by_region(operation, "serverGroupNames");
    if (groups != NULL && json_get(known, "deploy.server.groups") == NULL)
        task_set_context_json(context, "deploy.server.groups", groups);
    const JsonValue *jobs = first_result(operation, "deployedNamesByLocation");
    if (jobs != NULL && json_get(known, "deploy.jobs") == NULL)
        task_set_context(context, "deploy.jobs", jobs);
}

static void set_failure(const JsonValue *operation, GError **error) {
    const char *message = json_get_string(exception_of(operation), "message");
    message = message != NULL ? message : json_string(json_dig(operation, "status", "status", NULL));
    error_set(error, ERR_REMOTE, "%s", message != NULL ? message : "the operation failed");
}

gboolean cloud_operation_failed_with(TaskContext *context, ErrorCode code) {
    const char *id = started_id(context->stage);
    g_autoptr(Json) operation = id != NULL ? clouds_operation_json(context->services->clouds, id, NULL) : NULL;
    return g_strcmp0(json_get_string(exception_of(json_root(operation)), "cause"), error_outward(code)->name) == 0;
}

/* ---- watching ---- */

static guint lines_known(const Stage *stage, const char *id) {
    for (JsonIter i = json_iter(json_get(json_root(stage->context), "kato.tasks")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "id"), id) == 0)
            return (guint)json_length(json_get(i.value, "history"));
    return 0;
}

static void show_last_line(TaskContext *context, const JsonValue *operation) {
    const JsonValue *lines = json_get(operation, "history");
    const JsonValue *last = json_length(lines) > 0 ? json_at(lines, json_length(lines) - 1) : NULL;
    if (json_get_string(last, "status") != NULL)
        task_progress(context, "%s", json_get_string(last, "status"));
}

static Status watch_on(TaskContext *context, const JsonValue *operation, const char *id) {
    if (json_length(json_get(operation, "history")) != lines_known(context->stage, id)) {
        record_kato_tasks(context, operation);
        show_last_line(context, operation);
        task_set_context_string(context, "kato.task.lastStatus", "RUNNING");
    }
    return task_again_at(context, context->now_ms + CLOUD_OPERATION_POLL_MS);
}

Status cloud_operation_monitor(TaskContext *context, GError **error) {
    const char *id = started_id(context->stage);
    if (id == NULL)
        return STATUS_SUCCEEDED;
    g_autoptr(Json) json = clouds_operation_json(context->services->clouds, id, error);
    if (json == NULL)
        return STATUS_TERMINAL;
    const JsonValue *operation = json_root(json), *status = json_get(operation, "status");
    gboolean expected = json_is_true(json_get(json_root(context->stage->context), "kato.result.expected"));
    gboolean failed = json_is_true(json_get(status, "failed"));
    if (!json_is_true(json_get(status, "completed")) || (!failed && expected && json_length(json_get(operation, "resultObjects")) == 0))
        return watch_on(context, operation, id);
    record_kato_tasks(context, operation);
    task_set_context_string(context, "kato.task.lastStatus", failed ? "TERMINAL" : "SUCCEEDED");
    if (failed)
        set_failure(operation, error);
    else
        record_success(context, operation);
    return failed ? STATUS_TERMINAL : STATUS_SUCCEEDED;
}

Status cloud_operation_cancel(TaskContext *context, GError **error) {
    (void)error;
    const char *id = started_id(context->stage);
    if (id != NULL)
        clouds_operation_cancel(context->services->clouds, id);
    return STATUS_CANCELED;
}

Status cloud_operation_time_out(TaskContext *context, GError **error) {
    cloud_operation_cancel(context, error);
    return STATUS_RUNNING; /* the engine has its own words for it */
}

const JsonValue *cloud_operation_result(const Stage *stage, const char *key) {
    const JsonValue *tasks = json_get(json_root(stage->context), "kato.tasks");
    for (gsize i = json_length(tasks); i-- > 0;) {
        const JsonValue *found = first_result(json_at(tasks, i), key);
        if (found != NULL)
            return found;
    }
    return NULL;
}

gboolean cloud_operation_lists(const Stage *stage, const char *key, const char *text) {
    const JsonValue *tasks = json_get(json_root(stage->context), "kato.tasks");
    const JsonValue *last = json_length(tasks) > 0 ? json_at(tasks, json_length(tasks) - 1) : NULL;
    for (JsonIter result = json_iter(json_get(last, "resultObjects")); json_next(&result);)
        for (JsonIter i = json_iter(json_get(result.value, key)); json_next(&i);)
            if (g_strcmp0(json_string(i.value), text) == 0)
                return TRUE;
    return FALSE;
}
