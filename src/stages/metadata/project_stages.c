/* `upsertProject`, `deleteProject` (stages.md 5). */
#include "stages/metadata/projects.h"
#include "stages/stages.h"

typedef struct {
    Json *project;
} ProjectParams;

static const Param params[] = {
    {.name = "project",
     .type = PARAM_JSON,
     .offset = offsetof(ProjectParams, project),
     .required = TRUE,
     .help = "{id, name, email, config: {applications, clusters, pipelineConfigs}}; without id a new one."},
    {0},
};

static Status upsert_run(TaskContext *context, GError **error) {
    const ProjectParams *given = context->params;
    Principal principal = services_principal(context->user);
    g_autoptr(Json) saved = project_save(context->services->store, json_root(given->project), &principal, context->now_ms, error);
    if (saved == NULL)
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", "upsertproject");
    task_set_context(context, "project.id", json_get(json_root(saved), "id"));
    return STATUS_SUCCEEDED;
}

static Status delete_run(TaskContext *context, GError **error) {
    const ProjectParams *given = context->params;
    const char *id = json_get_string(json_root(given->project), "id");
    if (id == NULL)
        error_set(error, ERR_INVALID, "delete project: project.id is required");
    return id != NULL && project_delete(context->services->store, id, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

const StageType stage_upsert_project = {
    .type = "upsertProject",
    .label = "Save Project",
    .help = "Creates or updates a project.",
    .params = params,
    .params_size = sizeof(ProjectParams),
    .tasks = (const TaskDefinition[]){{.name = "upsertProject", .run = upsert_run, .timeout_ms = 300000}, {0}},
};
const StageType stage_delete_project = {
    .type = "deleteProject",
    .label = "Delete Project",
    .help = "Deletes a project; its applications and pipelines stay.",
    .params = params,
    .params_size = sizeof(ProjectParams),
    .tasks = (const TaskDefinition[]){{.name = "deleteProject", .run = delete_run, .timeout_ms = 300000}, {0}},
};
