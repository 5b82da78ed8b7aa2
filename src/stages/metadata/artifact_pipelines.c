/* `savePipelinesFromArtifact` (stages.md 4.4): an artifact holds pipelines by application; they are saved one after the other, each for
 * itself. */
#include "artifacts/fetch.h"
#include "stages/artifacts/artifacts.h"
#include "stages/metadata/pipelines.h"
#include "stages/stages.h"
#include <string.h>

#define LEFT "pipelinesToSave"
#define GET_TIMEOUT_MS (5 * 60 * 1000)
#define GET_BACKOFF_MS 5000
#define FROM_ARTIFACT_MAX 1000 /* pipelines of one artifact */

typedef struct {
    char *artifact_id;
    Json *artifact;
} Params;

static const Param params[] = {
    {.name = "pipelinesArtifactId",
     .type = PARAM_STRING,
     .offset = offsetof(Params, artifact_id),
     .help = "The id of an expected artifact: JSON, a list of pipelines for each application."},
    {.name = "pipelinesArtifact", .type = PARAM_JSON, .offset = offsetof(Params, artifact), .help = "The artifact itself, instead."},
    {0},
};

/* A list of pipelines, each with its application. */
static Json *flattened(const JsonValue *by_application, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    guint n = 0;
    json_begin_array(builder, NULL);
    for (JsonIter a = json_iter(json_is_object(by_application) ? by_application : NULL); json_next(&a);)
        for (JsonIter p = json_iter(json_is_array(a.value) ? a.value : NULL); json_next(&p) && n <= FROM_ARTIFACT_MAX; n++) {
            g_autoptr(Json) pipeline = json_is_object(p.value) ? json_with_string(p.value, "application", a.key) : json_copy(p.value);
            json_add_json(builder, NULL, pipeline);
        }
    json_end_array(builder);
    if (json_is_object(by_application) && n <= FROM_ARTIFACT_MAX)
        return json_builder_end(builder);
    error_set(error, ERR_INVALID, "savePipelinesFromArtifact: the artifact is no object of at most %d pipelines by application",
              FROM_ARTIFACT_MAX);
    return NULL;
}

static Status get_run(TaskContext *context, GError **error) {
    const Params *given = context->params;
    const ArtifactInput input = {.input = "pipelinesArtifact", .id = given->artifact_id, .artifact = json_root(given->artifact)};
    g_autoptr(Json) artifact = task_artifact_input(context, &input, error);
    if (artifact == NULL)
        return STATUS_TERMINAL;
    g_autoptr(Config) config = services_config(context->services);
    const ArtifactSource source = {.config = config, .http = context->services->http, .cancel = context->cancel};
    gsize length = 0;
    g_autofree char *text = artifacts_fetch(&source, json_root(artifact), &length, error);
    if (text == NULL)
        return STATUS_TERMINAL; /* what may pass is tried again */
    g_autoptr(Json) content = json_parse_limited(text, (gssize)length, ARTIFACT_BYTES_MAX, error);
    if (content == NULL)
        g_prefix_error(error, "savePipelinesFromArtifact: the artifact: ");
    g_autoptr(Json) all = content != NULL ? flattened(json_root(content), error) : NULL;
    if (all == NULL)
        return STATUS_TERMINAL;
    task_set_context_json(context, LEFT, all);
    return STATUS_SUCCEEDED;
}

static Json *rest_of(const JsonValue *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (i.index > 0)
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

static Status prepare_run(TaskContext *context, GError **error) {
    (void)error;
    const JsonValue *left = task_get(context, LEFT), *first = json_at(left, 0);
    if (first == NULL)
        return STATUS_SUCCEEDED;
    const char *application = json_get_string(first, "application"), *name = json_get_string(first, "name");
    g_autoptr(Json) standing = application != NULL && name != NULL
                                   ? pipeline_find(context->services->store, PIPELINE_KIND, application, name, NULL)
                                   : NULL;
    g_autoptr(Json) pipeline = standing != NULL ? json_with(first, "id", json_get(json_root(standing), "id")) : json_copy(first);
    g_autoptr(Json) rest = rest_of(left), exists = json_from_bool(standing != NULL);
    task_set_context_json(context, "pipeline", pipeline);
    task_set_context_json(context, "isExistingPipeline", exists);
    task_set_context_json(context, LEFT, rest);
    task_remove_context(context, "errorMsg");
    return STATUS_SUCCEEDED;
}

/* One that cannot be saved is listed; the others are saved all the same. */
static Status save_run(TaskContext *context, GError **error) {
    const JsonValue *pipeline = task_get(context, "pipeline");
    Principal principal = services_principal(context->user);
    g_autoptr(GError) failure = NULL;
    if (pipeline == NULL)
        return STATUS_SUCCEEDED;
    g_autoptr(Json) saved = pipeline_save(context->services->store, PIPELINE_KIND, pipeline, &principal, FALSE, context->now_ms, &failure);
    if (saved == NULL && error_outward(error_code(failure))->should_retry) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return STATUS_TERMINAL;
    }
    if (saved == NULL)
        task_set_context_string(context, "errorMsg", failure->message);
    return STATUS_SUCCEEDED;
}

static Status saved_run(TaskContext *context, GError **error) {
    (void)context, (void)error;
    return STATUS_SUCCEEDED; /* the save was committed before it answered */
}

static Status check_run(TaskContext *context, GError **error) {
    (void)error;
    const JsonValue *pipeline = task_get(context, "pipeline");
    const char *problem = task_get_string(context, "errorMsg");
    const char *list = problem != NULL                                         ? "pipelinesFailedToSave"
                       : json_is_true(task_get(context, "isExistingPipeline")) ? "pipelinesUpdated"
                                                                               : "pipelinesCreated";
    if (pipeline == NULL)
        return STATUS_SUCCEEDED;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(json_root(context->stage->context), list)); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", json_get_string(pipeline, "application"));
    json_add_string(builder, "name", json_get_string(pipeline, "name"));
    json_add_string(builder, "error", problem);
    json_end_object(builder);
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    task_set_context_json(context, list, all);
    task_set_output_json(context, list, all);
    task_remove_context(context, "pipeline");
    return STATUS_SUCCEEDED;
}

static Status remaining_run(TaskContext *context, GError **error) {
    (void)error;
    return json_length(task_get(context, LEFT)) > 0 ? STATUS_REDIRECT : STATUS_SUCCEEDED;
}

static const TaskDefinition tasks[] = {
    {.name = "getPipelinesFromArtifact", .run = get_run, .timeout_ms = GET_TIMEOUT_MS, .backoff_ms = GET_BACKOFF_MS},
    {.name = "preparePipelineToSaveTask", .run = prepare_run, .loop_start = TRUE},
    {.name = "savePipeline", .run = save_run},
    {.name = "waitForPipelineSave", .run = saved_run, .no_io = TRUE},
    {.name = "checkPipelineResults", .run = check_run, .no_io = TRUE},
    {.name = "checkForRemainingPipelines", .run = remaining_run, .no_io = TRUE, .loop_end = TRUE},
    {.name = "savePipelinesCompleteTask", .run = saved_run, .no_io = TRUE},
    {0},
};

const StageType stage_save_pipelines_from_artifact = {
    .type = "savePipelinesFromArtifact",
    .label = "Save Pipelines",
    .help = "Saves the pipelines that an artifact holds.",
    .params = params,
    .params_size = sizeof(Params),
    .tasks = tasks,
};
