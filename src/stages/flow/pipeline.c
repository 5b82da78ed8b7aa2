/* `pipeline`: runs another pipeline, or a custom deployment strategy, and waits for it (stages.md 4.1, engine.md 17). The child wakes its
 * stage; what ends the stage badly ends the child. */
#include "stages/artifacts/artifacts.h"
#include "stages/flow/pipeline_monitor.h"
#include "stages/flow/settings.h"
#include "stages/metadata/pipelines.h"
#include <string.h>

#define KEPT_BY_RESTART "_skipPipelineRestart" /* the child was restarted: it is only watched again */

typedef struct {
    char *pipeline, *strategy, *wait, *execution_id, *application;
    Json *parameters, *skip_output;
    gboolean skippable;
} PipelineParams;

static const Param pipeline_params[] = {
    {.name = "pipeline", .type = PARAM_STRING, .offset = offsetof(PipelineParams, pipeline), .help = "Id of the pipeline to run."},
    {.name = "pipelineId",
     .type = PARAM_STRING,
     .offset = offsetof(PipelineParams, strategy),
     .help = "Goes before pipeline: id of the custom strategy to run."},
    {.name = "application",
     .type = PARAM_STRING,
     .aliases = (const char *const[]){"pipelineApplication", NULL},
     .offset = offsetof(PipelineParams, application),
     .help = "Application of that pipeline, for people: the id alone says which one it is."},
    {.name = "pipelineParameters",
     .type = PARAM_JSON,
     .offset = offsetof(PipelineParams, parameters),
     .help = "Parameters {name: value}; strategy: true marks a custom strategy."},
    {.name = "waitForCompletion",
     .type = PARAM_STRING,
     .offset = offsetof(PipelineParams, wait),
     .help = "\"false\" goes on as soon as the pipeline runs."},
    {.name = "skipDownstreamOutput",
     .type = PARAM_JSON,
     .offset = offsetof(PipelineParams, skip_output),
     .help = "Keeps what the pipeline put out from the stages behind; otherwise as stages.pipeline.defaultSkipDownstreamOutput says."},
    {.name = "skippable", .type = PARAM_BOOL, .offset = offsetof(PipelineParams, skippable), .help = "Whether people may skip it by hand."},
    {.name = "executionId",
     .type = PARAM_STRING,
     .offset = offsetof(PipelineParams, execution_id),
     .help = "The execution it runs as; set by the stage. When it is there already, that one is only waited for."},
    {0},
};

/* ---- start ---- */
static gboolean is_strategy(const PipelineParams *params) {
    return json_is_true(json_get(json_root(params->parameters), "strategy"));
}

/* What a strategy is told of the images that the stages before it found or made. */
static Json *strategy_details(const TaskContext *context) {
    static const char *const MEMBERS[] = {"ami", "imageName", "imageId", "zone", "region"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(task_get(context, "deploymentDetails")); json_next(&i);) {
        json_begin_object(builder, NULL);
        for (gsize m = 0; m < G_N_ELEMENTS(MEMBERS); m++)
            json_add_value(builder, MEMBERS[m], json_get(i.value, MEMBERS[m]));
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static const JsonValue *details_at(const JsonValue *details, const JsonValue *parameters) {
    static const char *const PLACES[] = {"region", "zone"};
    for (gsize p = 0; p < G_N_ELEMENTS(PLACES); p++) {
        const char *place = json_get_string(parameters, PLACES[p]);
        for (JsonIter i = json_iter(details); place && json_next(&i);)
            if (g_strcmp0(json_get_string(i.value, PLACES[p]), place) == 0)
                return i.value;
    }
    return json_at(details, 0);
}

static Json *parameters_of(const TaskContext *context, const PipelineParams *params) {
    if (!is_strategy(params))
        return json_is_object(json_root(params->parameters)) ? json_ref(params->parameters) : json_empty_object();
    g_autoptr(Json) details = strategy_details(context);
    const JsonValue *image = details_at(json_root(details), json_root(params->parameters));
    const JsonValue *ami = json_get(image, "ami") ? json_get(image, "ami") : json_get(image, "imageName");
    g_autoptr(Json)
        more = json_pack("{s:v, s:v, s:v}", "deploymentDetails", json_length(json_root(details)) > 0 ? json_root(details) : NULL, "amiName",
                         ami, "imageId", json_get(image, "imageId"));
    return json_merge(json_root(params->parameters), json_root(more));
}

static Json *find_pipeline(const TaskContext *context, const PipelineParams *params, GError **error) {
    const char *what = is_strategy(params) ? "custom strategy" : "pipeline", *kind = is_strategy(params) ? STRATEGY_KIND : PIPELINE_KIND;
    const char *id = params->strategy ? params->strategy : params->pipeline;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) config = id ? pipeline_load(context->services->store, kind, id, &failure) : NULL;
    if (config && !json_is_true(json_get(json_root(config), "disabled")))
        return g_steal_pointer(&config);
    if (config)
        error_set(error, ERR_INVALID, "The referenced %s is disabled", what);
    else if (!failure || error_code(failure) == ERR_NOT_FOUND)
        error_set(error, ERR_INVALID, "The referenced %s cannot be located (%s)", what, id ? id : "null");
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

static Status start_run(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    g_autoptr(Json) config = find_pipeline(context, params, error);
    if (!config)
        return STATUS_TERMINAL;
    g_autoptr(Json) parameters = parameters_of(context, params);
    ChildStart start = {.config = json_root(config), .parameters = json_root(parameters)};
    g_autofree char *id = pipeline_child_start(context, &start, error);
    if (!id)
        return STATUS_TERMINAL;
    task_set_context_string(context, "executionId", id);
    task_set_context_string(context, "executionName", json_get_string(json_root(config), "name"));
    return STATUS_SUCCEEDED;
}

/* ---- watch ---- */
/* What a failure that does not end the stage put out is kept back like that of a success. */
static gboolean keeps_output(const TaskContext *context, const PipelineParams *params, const Execution *child) {
    const JsonValue *own = json_root(params->skip_output);
    g_autofree char *text = json_as_text(own);
    gboolean skip = text ? g_ascii_strcasecmp(text, "true") == 0 : pipeline_skips_output(context->services);
    return skip && (!status_info(child->status)->halt || json_is_true(task_get(context, "continuePipeline")));
}

static Status ended(TaskContext *context, const Execution *child) {
    if (!status_info(child->status)->halt)
        return STATUS_SUCCEEDED;
    g_autoptr(Json) source = pipeline_child_source(child);
    if (child->status == STATUS_CANCELED) {
        g_autoptr(Json) canceled = json_pack("{s:[s]}", "errors", CHILD_CANCELED);
        pipeline_set_exception(context, canceled, source);
        return STATUS_CANCELED;
    }
    g_autoptr(Json) errors = pipeline_child_errors(child);
    g_autoptr(Json) details = json_pack("{s:j}", "errors", errors);
    pipeline_set_exception(context, details, source);
    return STATUS_TERMINAL;
}

static Status monitor_run(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    const char *const ids[] = {params->execution_id, NULL};
    g_auto(Watched) watched = {0};
    if (!params->execution_id) {
        error_set(error, ERR_INVALID, "no pipeline execution ids to monitor");
        return STATUS_TERMINAL;
    }
    if (!pipeline_watch(context, ids, &watched, error))
        return STATUS_TERMINAL;
    const Execution *child = g_ptr_array_index(watched.executions, 0);
    if (!child) {
        error_set(error, ERR_INVALID, "The child execution %s does not exist any more", params->execution_id);
        return STATUS_TERMINAL;
    }
    task_set_context_string(context, "status", status_info(child->status)->name);
    if (!status_info(child->status)->complete)
        return task_again_at(context, context->now_ms + CHILD_NET_MS);
    if (!keeps_output(context, params, child)) {
        g_autoptr(Json) outputs = execution_outputs(child);
        task_merge_outputs(context, json_root(outputs));
    }
    return ended(context, child);
}

/* ---- cancel, restart ---- */
/* The start may have been carried out and its record lost with a crash: the id follows from the stage. */
static Status cancel_run(TaskContext *context, GError **error) {
    const JsonValue *own = json_root(context->stage->context);
    const char *known = json_get_string(own, "executionId");
    const char *config = json_get_string(own, "pipelineId") ? json_get_string(own, "pipelineId") : json_get_string(own, "pipeline");
    g_autofree char *id = known || !config ? g_strdup(known) : pipeline_child_id(context, config, NULL);
    return !id || pipeline_child_cancel(context, id, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Json *on_restart(const Stage *stage, gboolean *clear_outputs) {
    static const char *const FLAG[] = {KEPT_BY_RESTART, NULL}, *const CHILD[] = {"executionId", "executionName", "status", NULL};
    (void)clear_outputs;
    gboolean keeps = json_is_true(json_get(json_root(stage->context), KEPT_BY_RESTART));
    return json_without(json_root(stage->context), keeps ? FLAG : CHILD);
}

static gboolean can_skip(const Execution *execution, const Stage *stage) {
    (void)execution;
    return json_is_true(json_get(json_root(stage->context), "skippable"));
}

/* ---- planning ---- */
static const TaskDefinition tasks[] = {
    {.name = "startPipeline", .run = start_run},
    {.name = "monitorPipeline",
     .run = monitor_run,
     .timeout_ms = PIPELINE_TIMEOUT_MS,
     .timeout_key = PIPELINE_TIMEOUT_KEY,
     .backoff_ms = CHILD_BACKOFF_MS,
     .overridable_timeout = TRUE},
    {0},
};

static void build_tasks(const Execution *execution, const Stage *stage, GPtrArray *list, GError **error) {
    (void)execution;
    (void)error;
    const JsonValue *context = json_root(stage->context);
    g_autofree char *wait = json_as_text(json_get(context, "waitForCompletion"));
    if (!json_get(context, "executionId"))
        g_ptr_array_add(list, (gpointer)&tasks[0]);
    if (!wait || g_ascii_strcasecmp(wait, "false") != 0)
        g_ptr_array_add(list, (gpointer)&tasks[1]);
}

static char *why_waiting(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    (void)now_ms;
    const char *id = json_get_string(json_root(stage->context), "executionId");
    const char *name = json_get_string(json_root(stage->context), "executionName");
    if (!id)
        return g_strdup("starts a pipeline");
    return g_strdup_printf("waits for child execution %s of pipeline %s", id, name ? name : "");
}

const StageType stage_pipeline = {
    .type = "pipeline",
    .label = "Pipeline",
    .help = "Runs another pipeline, and waits for its end unless told otherwise.",
    .params = pipeline_params,
    .params_size = sizeof(PipelineParams),
    .tasks = tasks,
    .build_tasks = build_tasks,
    .closing_tasks = bind_produced_artifacts,
    .on_cancel = cancel_run,
    .on_restart = on_restart,
    .can_skip = can_skip,
    .why_waiting = why_waiting,
    .dry_run_is_real = dry_run_always_real,
};
