/* `monitorPipeline` (stages.md 4.2), and watching executions as such (pipeline_monitor.h). */
#include "stages/flow/pipeline_monitor.h"
#include "stages/artifacts/artifacts.h"

#define MONITOR_TIMEOUT_MS (12 * 3600 * G_GINT64_CONSTANT(1000))
#define MONITORED_MAX 1000 /* executions that one stage watches */

/* ---- watching ---- */
static gboolean look_at(TaskContext *context, const char *id, Watched *into, GError **error) {
    Engine *engine = context->services->engine;
    g_autoptr(GError) failure = NULL;
    engine_watch(engine, id, context->execution->id, context->stage->id);
    Execution *execution = engine_load(engine, id, &failure);
    if (!execution && error_code(failure) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    g_ptr_array_add(into->executions, execution);
    if (!execution)
        into->gone++;
    else if (status_info(execution->status)->complete)
        into->complete++;
    if (execution && execution->status == STATUS_CANCELED)
        into->canceled++;
    else if (execution && status_info(execution->status)->halt)
        into->failed++;
    return TRUE;
}

gboolean pipeline_watch(TaskContext *context, const char *const *ids, Watched *into, GError **error) {
    *into = (Watched){.executions = g_ptr_array_new_with_free_func((GDestroyNotify)execution_unref)};
    for (gsize i = 0; ids[i]; i++)
        if (!look_at(context, ids[i], into, error))
            return FALSE;
    return TRUE;
}

void watched_clear(Watched *watched) {
    g_clear_pointer(&watched->executions, g_ptr_array_unref);
}

void pipeline_set_exception(TaskContext *context, const Json *details, const Json *source) {
    g_autoptr(Json) exception = json_pack("{s:v, s:v}", "details", json_root(details), "source", json_root(source));
    task_set_context_json(context, "exception", exception);
}

void pipeline_set_error(TaskContext *context, const char *message) {
    g_autoptr(Json) details = json_pack("{s:[s]}", "errors", message);
    pipeline_set_exception(context, details, NULL);
}

/* ---- the stage ---- */
typedef struct {
    char **ids;
    int behavior; /* index into BEHAVIORS */
} MonitorParams;

enum { WAIT_FOR_ALL, FAIL_FAST };
static const char *const BEHAVIORS[] = {[WAIT_FOR_ALL] = "WaitForAllToComplete", [FAIL_FAST] = "FailFast", NULL};

static const Param monitor_params[] = {
    {.name = "executionIds", .type = PARAM_STRINGS, .offset = offsetof(MonitorParams, ids), .help = "The executions to wait for."},
    {.name = "monitorBehavior",
     .type = PARAM_ENUM,
     .offset = offsetof(MonitorParams, behavior),
     .choices = BEHAVIORS,
     .otherwise = "\"WaitForAllToComplete\"",
     .help = "Whether the first one that fails ends the stage."},
    {0},
};

static void add_status(JsonBuilder *builder, const Execution *execution) {
    json_begin_object(builder, execution->id);
    json_add_string(builder, "status", status_info(execution->status)->name);
    json_add_string(builder, "application", execution->application);
    if (status_info(execution->status)->halt) {
        g_autoptr(Json) errors = pipeline_child_errors(execution);
        g_autoptr(Json) source = pipeline_child_source(execution);
        g_autoptr(Json) exception = json_pack("{s:{s:j}, s:v}", "details", "errors", errors, "source", json_root(source));
        if (json_length(json_root(errors)) > 0 || source)
            json_add_json(builder, "exception", exception);
    }
    json_end_object(builder);
}

static void report(TaskContext *context, const Watched *watched, gboolean over) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < watched->executions->len; i++)
        add_status(builder, g_ptr_array_index(watched->executions, i));
    json_end_object(builder);
    g_autoptr(Json) statuses = json_builder_end(builder);
    task_set_context_json(context, "executionStatuses", statuses);
    if (!over)
        return;
    task_set_output_json(context, "executionStatuses", statuses);
    if (watched->executions->len != 1)
        return;
    g_autoptr(Json) outputs = execution_outputs(g_ptr_array_index(watched->executions, 0));
    task_merge_outputs(context, json_root(outputs));
}

static gboolean check_ids(const MonitorParams *params, GError **error) {
    gsize n = params->ids ? g_strv_length(params->ids) : 0;
    if (n == 0)
        error_set(error, ERR_INVALID, "no pipeline execution ids to monitor");
    else if (n > MONITORED_MAX)
        error_set(error, ERR_LIMIT, "%" G_GSIZE_FORMAT " executions to monitor are more than the limit of %d (MONITORED_MAX)", n,
                  MONITORED_MAX);
    return n > 0 && n <= MONITORED_MAX;
}

static gboolean check_gone(const MonitorParams *params, const Watched *watched, GError **error) {
    for (guint i = 0; i < watched->executions->len; i++)
        if (!g_ptr_array_index(watched->executions, i)) {
            error_set(error, ERR_INVALID, "The monitored execution %s does not exist (any more)", params->ids[i]);
            return FALSE;
        }
    return TRUE;
}

static Status monitor_run(TaskContext *context, GError **error) {
    const MonitorParams *params = context->params;
    g_auto(Watched) watched = {0};
    if (!check_ids(params, error) || !pipeline_watch(context, (const char *const *)params->ids, &watched, error) ||
        !check_gone(params, &watched, error))
        return STATUS_TERMINAL;
    gboolean all = watched.complete == watched.executions->len;
    gboolean over = all || (watched.failed > 0 && params->behavior == FAIL_FAST);
    report(context, &watched, over);
    if (!over) {
        task_progress(context, "%u of %u executions have ended", watched.complete, watched.executions->len);
        return task_again_at(context, context->now_ms + CHILD_NET_MS);
    }
    if (watched.failed > 0) {
        pipeline_set_error(context, CHILD_FAILED);
        return STATUS_TERMINAL;
    }
    if (watched.canceled == 0)
        return STATUS_SUCCEEDED;
    pipeline_set_error(context, CHILD_CANCELED);
    return STATUS_CANCELED;
}

const StageType stage_monitor_pipeline = {
    .type = "monitorPipeline",
    .label = "Monitor Pipeline",
    .help = "Waits until executions of pipelines that run already have ended.",
    .params = monitor_params,
    .params_size = sizeof(MonitorParams),
    .tasks =
        (const TaskDefinition[]){
            {.name = "monitorPipeline",
             .run = monitor_run,
             .timeout_ms = MONITOR_TIMEOUT_MS,
             .backoff_ms = CHILD_BACKOFF_MS,
             .overridable_timeout = TRUE},
            {0},
        },
    .closing_tasks = bind_produced_artifacts,
    .restart_drops = (const char *const[]){"executionStatuses", NULL},
};
