/* `findArtifactFromExecution`: artifacts of another pipeline's latest execution (stages.md 6.4, artifacts.md 5.4). */
#include "stages/artifacts/artifacts.h"
#include "stages/stages.h"

typedef struct {
    gboolean successful, succeeded, terminal, running;
} FindOptions;
static const Param option_params[] = {
    {.name = "successful", .type = PARAM_BOOL, .offset = offsetof(FindOptions, successful), .help = "Executions that succeeded."},
    {.name = "succeeded", .type = PARAM_BOOL, .offset = offsetof(FindOptions, succeeded), .help = "The same."},
    {.name = "terminal", .type = PARAM_BOOL, .offset = offsetof(FindOptions, terminal), .help = "Executions that failed."},
    {.name = "running", .type = PARAM_BOOL, .offset = offsetof(FindOptions, running), .help = "Executions that run."},
    {0},
};

typedef struct {
    char *pipeline, *application;
    FindOptions options;
    Json *expected, *one;
} FindParams;
static const Param find_params[] = {
    {.name = "pipeline",
     .type = PARAM_STRING,
     .offset = offsetof(FindParams, pipeline),
     .required = TRUE,
     .help = "Id of the pipeline whose latest execution is looked at."},
    {.name = "application", .type = PARAM_STRING, .offset = offsetof(FindParams, application), .help = "The pipeline's application."},
    {.name = "executionOptions",
     .type = PARAM_OBJECT,
     .offset = offsetof(FindParams, options),
     .members = option_params,
     .help = "Which executions count; without any choice all do."},
    {.name = EXPECTED_ARTIFACTS,
     .type = PARAM_JSON,
     .offset = offsetof(FindParams, expected),
     .help = "What to find: a list of expected artifacts."},
    {.name = "expectedArtifact", .type = PARAM_JSON, .offset = offsetof(FindParams, one), .help = "The same as a single one."},
    {0},
};

#define STATUSES_MAX 4
/* NULL-terminated names; empty: any. */
static void chosen_statuses(const FindOptions *options, const char *into[STATUSES_MAX]) {
    guint n = 0;
    if (options->successful || options->succeeded)
        into[n++] = "SUCCEEDED";
    if (options->terminal)
        into[n++] = "TERMINAL";
    if (options->running)
        into[n++] = "RUNNING";
    into[n] = NULL;
}

static Json *expected_of(const FindParams *params) {
    if (json_length(json_root(params->expected)) > 0)
        return json_ref(params->expected);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (json_is_object(json_root(params->one)))
        json_add_json(builder, NULL, params->one);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* Artifacts of the latest execution; an empty list when there is none. found: its id, caller frees. */
static Json *look(TaskContext *context, const FindParams *params, char **found, GError **error) {
    const char *statuses[STATUSES_MAX];
    chosen_statuses(&params->options, statuses);
    g_autoptr(GError) failure = NULL;
    g_autofree char *id = execution_latest(context->services->store, params->pipeline, statuses[0] != NULL ? statuses : NULL, &failure);
    g_autoptr(Execution) execution = id != NULL ? engine_load(context->services->engine, id, &failure) : NULL;
    if (failure != NULL && error_code(failure) != ERR_NOT_FOUND) {
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "findArtifactFromExecution: pipeline %s: ", params->pipeline);
        return NULL;
    }
    if (execution == NULL)
        return json_empty_array();
    *found = g_steal_pointer(&id);
    gboolean own = g_strcmp0(execution->config_id, context->execution->config_id) == 0;
    return execution_artifacts(execution, own ? context->stage->ref_id : NULL);
}

static Status find_run(TaskContext *context, GError **error) {
    const FindParams *params = context->params;
    g_autofree char *found = NULL;
    g_autoptr(Json) expected = expected_of(params);
    g_autoptr(Json) artifacts = look(context, params, &found, error);
    if (artifacts == NULL)
        return STATUS_TERMINAL;
    Status status = task_bind_artifacts(context, json_root(expected), json_root(artifacts), error);
    if (status == STATUS_SUCCEEDED)
        return status;
    if (found != NULL)
        g_prefix_error(error, "execution %s of pipeline %s: ", found, params->pipeline);
    else
        g_prefix_error(error, "pipeline %s has no execution in the chosen states: ", params->pipeline);
    return status;
}

const StageType stage_find_artifact_from_execution = {
    .type = "findArtifactFromExecution",
    .label = "Find Artifact From Execution",
    .help = "Takes artifacts of a pipeline's latest execution.",
    .params = find_params,
    .params_size = sizeof(FindParams),
    .tasks = (const TaskDefinition[]){{.name = "findArtifactFromExecution", .run = find_run}, {0}},
    .restart_drops = (const char *const[]){ARTIFACTS, RESOLVED_ARTIFACTS, NULL},
};
