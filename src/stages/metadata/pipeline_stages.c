/* `savePipeline`, `updatePipeline`, `deletePipeline`, `reorderPipelines` (stages.md 4.4): what Gate's changing calls run as. */
#include "stages/metadata/decoded.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/pipelines.h"
#include "stages/stages.h"
#include <string.h>

typedef struct {
    Json *pipeline;
    char *forced_id;
    char *account;
    gboolean stale_check, one_of_several, bulk;
    Json *pipelines;
} PipelineParams;

extern const StageType stage_save_pipeline, stage_update_pipeline;

#define BULK_MAX 10000 /* configurations of one bulk save */

static const Param pipeline_params[] = {
    {.name = "pipeline",
     .type = PARAM_JSON,
     .offset = offsetof(PipelineParams, pipeline),
     .help = "The configuration: an object, or its JSON text in base64."},
    {.name = "isSavingMultiplePipelines",
     .type = PARAM_BOOL,
     .offset = offsetof(PipelineParams, one_of_several),
     .help = "One of several: when it cannot be saved, the others are all the same."},
    {.name = "isBulkSavingPipelines", .type = PARAM_BOOL, .offset = offsetof(PipelineParams, bulk), .help = "Saves \"pipelines\" instead."},
    {.name = "pipelines",
     .type = PARAM_JSON,
     .offset = offsetof(PipelineParams, pipelines),
     .help = "Configurations to save, each for itself: a list, or its JSON text in base64."},
    {.name = "pipeline.id",
     .type = PARAM_STRING,
     .offset = offsetof(PipelineParams, forced_id),
     .help = "Id for a configuration that has none."},
    {.name = "pipeline.serviceAccount",
     .type = PARAM_STRING,
     .offset = offsetof(PipelineParams, account),
     .help = "As whom its triggers run it; set by the task updatePipelinePermissions."},
    {.name = "staleCheck",
     .type = PARAM_BOOL,
     .offset = offsetof(PipelineParams, stale_check),
     .help = "Refuse when it was changed since it was read."},
    {0},
};

/* "strategies" live beside pipelines and differ by a flag. */
static const char *kind_of(const JsonValue *pipeline) {
    return json_get_bool(pipeline, "strategy", FALSE) ? STRATEGY_KIND : PIPELINE_KIND;
}

/* Saves one; with *error, nothing was. */
static gboolean save_one(TaskContext *context, const JsonValue *pipeline, GError **error) {
    const PipelineParams *params = context->params;
    Principal principal = services_principal(context->user);
    g_autoptr(Json) saved = pipeline_save(context->services->store, kind_of(pipeline), pipeline, &principal, params->stale_check,
                                          context->now_ms, error);
    if (saved == NULL)
        return FALSE;
    task_set_context(context, "pipeline.name", json_get(json_root(saved), "name"));
    task_set_context(context, "pipeline.id", json_get(json_root(saved), "id"));
    return TRUE;
}

/* ---- service accounts of pipelines (security.md 3.7) ---- */
#define MANAGED "useManagedServiceAccounts" /* in the context: the configuration says so */

/* Saves the account of one pipeline; *id: the pipeline's, a new one where it has none. Caller frees both. */
static gboolean update_account(TaskContext *context, const JsonValue *pipeline, char **id, char **account, GError **error) {
    const char *own = json_get_string(pipeline, "id"), *forced = ((const PipelineParams *)context->params)->forced_id;
    Principal *principal = services_principal_of(context->services, context->user);
    *id = own != NULL && *own != '\0' ? g_strdup(own) : forced != NULL ? g_strdup(forced) : g_uuid_string_random();
    gboolean fine = pipeline_permissions_update(context->services, pipeline, *id, principal, context->now_ms, account, error);
    services_principal_free(principal);
    return fine;
}

/* One of many, as it is saved; NULL with *error. Caller owns. */
static Json *permitted_one(TaskContext *context, const JsonValue *pipeline, GError **error) {
    g_autofree char *id = NULL, *account = NULL;
    if (!json_is_true(task_get(context, MANAGED)))
        return json_copy(pipeline);
    if (!update_account(context, pipeline, &id, &account, error))
        return NULL;
    if (account == NULL)
        return json_copy(pipeline);
    g_autoptr(Json) identified = json_with_string(pipeline, "id", id);
    return pipeline_with_run_as(json_root(identified), account);
}

/* Whether updatePipelinePermissions is among the tasks is the configuration's to say, which planning does not see. */
static Status permissions_prepare(TaskContext *context, GError **error) {
    g_autoptr(Json) on = json_from_bool(TRUE);
    (void)error;
    if (pipeline_permissions_on(context->services))
        task_set_context_json(context, MANAGED, on);
    return STATUS_SUCCEEDED;
}

static void choose_tasks(const Execution *execution, const Stage *stage, GPtrArray *into, GError **error) {
    const StageType *type = strcmp(stage->type, "updatePipeline") == 0 ? &stage_update_pipeline : &stage_save_pipeline;
    gboolean managed = json_is_true(json_get(json_root(stage->context), MANAGED));
    (void)execution, (void)error;
    for (const TaskDefinition *task = type->tasks + (managed ? 0 : 1); task->name != NULL; task++)
        g_ptr_array_add(into, (gpointer)task);
}

/* A pipeline without an id gets one here, so that its account can be named after it; a run after a crash finds it in the context. */
static Status permissions_run(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    if (params->bulk)
        return STATUS_SUCCEEDED; /* each for itself, where it is saved */
    g_autoptr(Json) pipeline = metadata_decoded(json_root(params->pipeline), "pipeline", error);
    g_autofree char *id = NULL, *account = NULL;
    if (pipeline == NULL || !update_account(context, json_root(pipeline), &id, &account, error))
        return STATUS_TERMINAL;
    if (account == NULL)
        return STATUS_SUCCEEDED;
    task_set_context_string(context, "pipeline.id", id);
    task_set_context_string(context, "pipeline.serviceAccount", account);
    return STATUS_SUCCEEDED;
}

/* The answer of a bulk save (storage-and-config.md 1.3) becomes "bulksave". */
static Status save_many(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    g_autoptr(Json) given = metadata_decoded(json_root(params->pipelines), "pipelines", error);
    if (given == NULL)
        return STATUS_TERMINAL;
    if (!json_is_array(json_root(given)) || json_length(json_root(given)) > BULK_MAX) {
        error_set(error, ERR_INVALID, "pipelines: expected a list of at most %d configurations", BULK_MAX);
        return STATUS_TERMINAL;
    }
    g_autoptr(JsonBuilder) saved = json_builder_new();
    g_autoptr(JsonBuilder) failed = json_builder_new();
    json_begin_array(saved, NULL);
    json_begin_array(failed, NULL);
    for (JsonIter i = json_iter(json_root(given)); json_next(&i);) {
        g_autoptr(GError) problem = NULL;
        const char *name = json_get_string(i.value, "name");
        g_autoptr(Json) permitted = permitted_one(context, i.value, &problem);
        if (permitted != NULL && save_one(context, json_root(permitted), &problem)) {
            json_add_string(saved, NULL, name);
            continue;
        }
        g_autoptr(Json) why = json_is_object(i.value) ? json_with_string(i.value, "errorMsg", problem->message)
                                                      : json_pack("{s:s}", "errorMsg", problem->message);
        json_add_json(failed, NULL, why);
    }
    json_end_array(saved);
    json_end_array(failed);
    g_autoptr(Json) names = json_builder_end(saved);
    g_autoptr(Json) failures = json_builder_end(failed);
    g_autoptr(Json) answer = json_pack("{s:i, s:j, s:i, s:j}", "successful_pipelines_count", (gint64)json_length(json_root(names)),
                                       "successful_pipelines", names, "failed_pipelines_count", (gint64)json_length(json_root(failures)),
                                       "failed_pipelines", failures);
    task_set_context_json(context, "bulksave", answer);
    return STATUS_SUCCEEDED;
}

static Status save_given(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    g_autoptr(Json) given = metadata_decoded(json_root(params->pipeline), "pipeline", error);
    if (given == NULL)
        return STATUS_TERMINAL;
    g_autoptr(Json) pipeline = json_get(json_root(given), "id") == NULL && params->forced_id != NULL
                                   ? json_with_string(json_root(given), "id", params->forced_id)
                                   : json_ref(given);
    g_autoptr(Json) whole = params->account != NULL ? pipeline_with_run_as(json_root(pipeline), params->account) : json_ref(pipeline);
    return save_one(context, json_root(whole), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status save_run(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    g_autoptr(GError) failure = NULL;
    task_set_context_string(context, "notification.type", "savepipeline");
    Status status = params->bulk ? save_many(context, &failure) : save_given(context, &failure);
    if (status == STATUS_SUCCEEDED)
        return status;
    if (params->one_of_several && error_code(failure) == ERR_INVALID) {
        task_set_context_string(context, "errorMsg", failure->message);
        return STATUS_FAILED_CONTINUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return status;
}

static Status saved_run(TaskContext *context, GError **error) {
    (void)context;
    (void)error;
    return STATUS_SUCCEEDED; /* the save was committed before it answered */
}

static Status delete_run(TaskContext *context, GError **error) {
    const PipelineParams *params = context->params;
    g_autoptr(Json) pipeline = metadata_decoded(json_root(params->pipeline), "pipeline", error);
    if (pipeline == NULL)
        return STATUS_TERMINAL;
    const char *application = json_get_string(json_root(pipeline), "application");
    const char *name = json_get_string(json_root(pipeline), "name");
    if (application == NULL || name == NULL) {
        error_set(error, ERR_INVALID, "delete pipeline: application and name are required");
        return STATUS_TERMINAL;
    }
    if (!pipeline_delete(context->services->store, kind_of(json_root(pipeline)), application, name, error))
        return STATUS_TERMINAL;
    return STATUS_SUCCEEDED;
}

typedef struct {
    Json *ids_to_indices;
    char *application;
    Json *is_strategy;
} ReorderParams;

static const Param reorder_params[] = {
    {.name = "idsToIndices",
     .type = PARAM_JSON,
     .offset = offsetof(ReorderParams, ids_to_indices),
     .required = TRUE,
     .help = "Position by id: an object, or its JSON text in base64."},
    {.name = "application",
     .type = PARAM_STRING,
     .offset = offsetof(ReorderParams, application),
     .required = TRUE,
     .help = "Application, plain or in base64."},
    {.name = "isStrategy", .type = PARAM_JSON, .offset = offsetof(ReorderParams, is_strategy), .help = "Whether strategies are meant."},
    {0},
};

static Status reorder_run(TaskContext *context, GError **error) {
    const ReorderParams *params = context->params;
    g_autoptr(Json) indices = metadata_decoded(json_root(params->ids_to_indices), "idsToIndices", error);
    if (indices == NULL)
        return STATUS_TERMINAL;
    const char *flag = json_string(json_root(params->is_strategy));
    gsize length = 0;
    g_autofree char *plain = flag != NULL ? (char *)g_base64_decode(flag, &length) : NULL;
    gboolean strategy = json_is_true(json_root(params->is_strategy)) || (plain != NULL && length == 4 && memcmp(plain, "true", 4) == 0);
    Principal principal = services_principal(context->user);
    if (!pipelines_reorder(context->services->store, strategy ? STRATEGY_KIND : PIPELINE_KIND, params->application, json_root(indices),
                           &principal, context->now_ms, error))
        return STATUS_TERMINAL;
    return STATUS_SUCCEEDED;
}

#define ONE_TASK(name_, run_)                                                                                                              \
    (const TaskDefinition[]) {                                                                                                             \
        {.name = name_, .run = run_, .timeout_ms = 300000}, {                                                                              \
            0                                                                                                                              \
        }                                                                                                                                  \
    }

#define PERMISSIONS                                                                                                                        \
    { .name = "updatePipelinePermissions", .run = permissions_run, .timeout_ms = 300000 }

const StageType stage_save_pipeline = {
    .type = "savePipeline",
    .label = "Save Pipeline",
    .help = "Saves a pipeline configuration.",
    .params = pipeline_params,
    .params_size = sizeof(PipelineParams),
    .prepare = permissions_prepare,
    .build_tasks = choose_tasks,
    .tasks = (const TaskDefinition[]){PERMISSIONS,
                                      {.name = "savePipeline", .run = save_run, .timeout_ms = 300000},
                                      {.name = "waitForPipelineSave", .run = saved_run, .no_io = TRUE},
                                      {0}},
};
const StageType stage_update_pipeline = {
    .type = "updatePipeline",
    .label = "Update Pipeline",
    .help = "Saves a pipeline configuration.",
    .params = pipeline_params,
    .params_size = sizeof(PipelineParams),
    .prepare = permissions_prepare,
    .build_tasks = choose_tasks,
    .tasks = (const TaskDefinition[]){PERMISSIONS, {.name = "updatePipeline", .run = save_run, .timeout_ms = 300000}, {0}}};
const StageType stage_delete_pipeline = {.type = "deletePipeline",
                                         .label = "Delete Pipeline",
                                         .help = "Deletes a pipeline configuration by application and name.",
                                         .params = pipeline_params,
                                         .params_size = sizeof(PipelineParams),
                                         .tasks = ONE_TASK("deletePipeline", delete_run)};
const StageType stage_reorder_pipelines = {.type = "reorderPipelines",
                                           .label = "Reorder Pipelines",
                                           .help = "Changes the order in which an application's pipelines are listed.",
                                           .params = reorder_params,
                                           .params_size = sizeof(ReorderParams),
                                           .tasks = ONE_TASK("reorderPipelines", reorder_run)};
