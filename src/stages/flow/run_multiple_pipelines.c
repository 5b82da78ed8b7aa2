/* `runMultiplePipelines`: pipelines of the application, by name, those of one level at the same time, one level after the other
 * (stages.md 4.3). */
#include "stages/flow/pipeline_monitor.h"
#include "stages/flow/run_multiple_levels.h"
#include "stages/metadata/pipelines.h"

#define MULTIPLE_TIMEOUT_MS (24 * 3600 * G_GINT64_CONSTANT(1000))

typedef struct {
    Json *yaml;
    gboolean check_duplicated, ignore_uncompleted;
    int behavior;
} MultipleParams;

enum { WAIT_FOR_ALL, FAIL_FAST };
static const char *const BEHAVIORS[] = {[WAIT_FOR_ALL] = "WaitForAllToComplete", [FAIL_FAST] = "FailFast", NULL};

static const Param multiple_params[] = {
    {.name = "yamlConfig",
     .type = PARAM_JSON,
     .offset = offsetof(MultipleParams, yaml),
     .required = TRUE,
     .help = "A list of one: {apps: {name: {child_pipeline, arguments, depends_on: []}}}."},
    {.name = "checkDuplicated",
     .type = PARAM_BOOL,
     .offset = offsetof(MultipleParams, check_duplicated),
     .help = "Refuse two entries that run the same pipeline with the same arguments."},
    {.name = "ignoreUncompleted",
     .type = PARAM_BOOL,
     .offset = offsetof(MultipleParams, ignore_uncompleted),
     .help = "Go on with the next level when some of this one did not succeed."},
    {.name = "monitorBehavior",
     .type = PARAM_ENUM,
     .offset = offsetof(MultipleParams, behavior),
     .choices = BEHAVIORS,
     .otherwise = "\"WaitForAllToComplete\"",
     .help = "Whether the first one that fails ends the stage."},
    {0},
};

static const JsonValue *own(const TaskContext *context, const char *key) {
    return json_get(json_root(context->stage->context), key);
}

static gint64 level_of(const TaskContext *context) {
    return json_int(own(context, "level"), 0);
}

static const JsonValue *names_of(const TaskContext *context) {
    return json_at(own(context, "levels"), (gsize)level_of(context));
}

/* ---- parse ---- */
static Status parse_run(TaskContext *context, GError **error) {
    const MultipleParams *params = context->params;
    g_autoptr(Json) apps = NULL, levels = NULL;
    if (!multiple_levels(json_root(params->yaml), params->check_duplicated, &apps, &levels, error))
        return STATUS_TERMINAL;
    g_autoptr(Json) none = json_empty_object();
    g_autoptr(Json) changes = json_pack("{s:j, s:j, s:i, s:j}", "apps", apps, "levels", levels, "level", (gint64)0, "executions", none);
    task_merge_context(context, json_root(changes));
    return STATUS_SUCCEEDED;
}

/* ---- start ---- */
static char *start_one(TaskContext *context, const char *name, GError **error) {
    const JsonValue *app = json_get(own(context, "apps"), name);
    const char *pipeline = json_get_string(app, "pipeline");
    g_autoptr(Json) config = pipeline_find(context->services->store, PIPELINE_KIND, context->execution->application, pipeline, error);
    if (config && !json_is_true(json_get(json_root(config), "disabled"))) {
        g_autoptr(Json) arguments = json_with_string(json_get(app, "arguments"), "executionIdentifier", name);
        ChildStart start = {json_root(config), json_root(arguments), name};
        return pipeline_child_start(context, &start, error);
    }
    if (config)
        error_set(error, ERR_INVALID, "The referenced pipeline is disabled");
    return NULL;
}

static Status start_run(TaskContext *context, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_members(builder, own(context, "executions"));
    for (JsonIter i = json_iter(names_of(context)); json_next(&i);) {
        const char *name = json_string(i.value);
        g_autofree char *id = start_one(context, name, error);
        if (!id) {
            g_prefix_error(error, "%s: ", name);
            return STATUS_TERMINAL;
        }
        json_add_string(builder, name, id);
    }
    json_end_object(builder);
    g_autoptr(Json) executions = json_builder_end(builder);
    task_set_context_json(context, "executions", executions);
    return STATUS_SUCCEEDED;
}

/* ---- watch ---- */
static const char **ids_of(const TaskContext *context, const JsonValue *names) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (JsonIter i = json_iter(names); json_next(&i);) {
        const char *id = json_get_string(own(context, "executions"), json_string(i.value));
        if (id)
            g_ptr_array_add(ids, (gpointer)id);
    }
    g_ptr_array_add(ids, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

static Status level_ended(TaskContext *context, const Watched *watched) {
    const MultipleParams *params = context->params;
    gboolean failed = watched->failed + watched->gone > 0, canceled = watched->canceled > 0;
    if (!params->ignore_uncompleted && (failed || canceled)) {
        pipeline_set_error(context, failed ? CHILD_FAILED : CHILD_CANCELED);
        return failed ? STATUS_TERMINAL : STATUS_CANCELED;
    }
    if (level_of(context) + 1 >= (gint64)json_length(own(context, "levels")))
        return STATUS_SUCCEEDED;
    g_autoptr(Json) next = json_from_int(level_of(context) + 1);
    task_set_context_json(context, "level", next);
    return STATUS_REDIRECT;
}

static Status monitor_run(TaskContext *context, GError **error) {
    const MultipleParams *params = context->params;
    g_autofree const char **ids = ids_of(context, names_of(context));
    g_auto(Watched) watched = {0};
    if (!pipeline_watch(context, ids, &watched, error))
        return STATUS_TERMINAL;
    guint ended = watched.complete + watched.gone;
    if (ended == watched.executions->len || (watched.failed > 0 && params->behavior == FAIL_FAST && !params->ignore_uncompleted))
        return level_ended(context, &watched);
    task_progress(context, "level %" G_GINT64_FORMAT " of %" G_GSIZE_FORMAT ": %u of %u executions have ended", level_of(context) + 1,
                  json_length(own(context, "levels")), ended, watched.executions->len);
    return task_again_at(context, context->now_ms + CHILD_NET_MS);
}

/* ---- what came of it ---- */
static void add_execution(TaskContext *context, JsonBuilder *builder, const char *name, const char *id) {
    g_autoptr(Execution) execution = engine_load(context->services->engine, id, NULL);
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", name);
    json_add_string(builder, "id", id);
    json_add_string(builder, "pipeline", json_string(json_dig(own(context, "apps"), name, "pipeline", NULL)));
    json_add_string(builder, "status", execution ? status_info(execution->status)->name : NULL);
    json_end_object(builder);
}

static Status save_run(TaskContext *context, GError **error) {
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(own(context, "executions")); json_next(&i);)
        add_execution(context, builder, i.key, json_string(i.value));
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    task_set_output_json(context, "executionsList", list);
    return STATUS_SUCCEEDED;
}

/* Children of a level whose start was not recorded any more are known by their ids. */
static Status cancel_run(TaskContext *context, GError **error) {
    gboolean fine = TRUE;
    for (JsonIter i = json_iter(own(context, "executions")); json_next(&i);) {
        g_autoptr(Execution) execution = engine_load(context->services->engine, json_string(i.value), NULL);
        if (execution && !status_info(execution->status)->complete)
            fine = pipeline_child_cancel(context, execution->id, fine ? error : NULL) && fine;
    }
    for (JsonIter i = json_iter(names_of(context)); json_next(&i);) {
        const char *name = json_string(i.value);
        const char *pipeline = json_string(json_dig(own(context, "apps"), name, "pipeline", NULL));
        g_autoptr(Json)
            config = json_get(own(context, "executions"), name)
                         ? NULL
                         : pipeline_find(context->services->store, PIPELINE_KIND, context->execution->application, pipeline, NULL);
        g_autofree char *id = config ? pipeline_child_id(context, json_get_string(json_root(config), "id"), name) : NULL;
        if (id)
            fine = pipeline_child_cancel(context, id, fine ? error : NULL) && fine;
    }
    return fine ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

const StageType stage_run_multiple_pipelines = {
    .type = "runMultiplePipelines",
    .label = "Run Multiple Pipelines",
    .help = "Runs several pipelines of the application, those that wait for no other at the same time.",
    .params = multiple_params,
    .params_size = sizeof(MultipleParams),
    .tasks =
        (const TaskDefinition[]){
            {.name = "parsePipelinesYamlTask", .run = parse_run},
            {.name = "runMultiplePipelines", .run = start_run, .loop_start = TRUE},
            {.name = "monitorMultiplePipelinesTask",
             .run = monitor_run,
             .timeout_ms = MULTIPLE_TIMEOUT_MS,
             .backoff_ms = CHILD_BACKOFF_MS,
             .overridable_timeout = TRUE,
             .loop_end = TRUE},
            {.name = "saveOutputsForDetailsTask", .run = save_run},
            {0},
        },
    .on_cancel = cancel_run,
    .restart_drops = (const char *const[]){"apps", "levels", "level", "executions", NULL},
};
