/* `create-`, `update-` and `deletePipelineTemplate` and their v2 variants (stages.md 4.4). */
#include "stages/metadata/decoded.h"
#include "stages/metadata/templates.h"
#include "stages/stages.h"

typedef struct {
    Json *template;
    char *id, *tag, *digest;
    gboolean skip_plan;
} TemplateParams;

static const Param params[] = {
    {.name = "pipelineTemplate",
     .type = PARAM_JSON,
     .offset = offsetof(TemplateParams, template),
     .help = "The template: an object, or its JSON text in base64."},
    {.name = "id",
     .type = PARAM_STRING,
     .offset = offsetof(TemplateParams, id),
     .aliases = (const char *const[]){"pipelineTemplateId", NULL},
     .help = "Id of the template that is changed or deleted."},
    {.name = "tag", .type = PARAM_STRING, .offset = offsetof(TemplateParams, tag), .help = "Variant: latest, stable, unstable …"},
    {.name = "digest", .type = PARAM_STRING, .offset = offsetof(TemplateParams, digest), .help = "Variant: by its SHA-256."},
    {.name = "skipPlanDependents",
     .type = PARAM_BOOL,
     .offset = offsetof(TemplateParams, skip_plan),
     .help = "Do not check that the pipelines made from it still work."},
    {0},
};

/* The template with the id the stage names; caller owns. */
static Json *given_template(TaskContext *context, GError **error) {
    const TemplateParams *given = context->params;
    g_autoptr(Json) template = metadata_decoded(json_root(given->template), "pipelineTemplate", error);
    if (template == NULL)
        return NULL;
    const char *own = json_get_string(json_root(template), "id");
    if (own == NULL && given->id != NULL && json_is_object(json_root(template)))
        return json_with_string(json_root(template), "id", given->id);
    if (given->id == NULL || g_strcmp0(own, given->id) == 0)
        return g_steal_pointer(&template);
    error_set(error, ERR_INVALID, "pipeline template %s: the template's own id is %s", given->id, own != NULL ? own : "missing");
    return NULL;
}

static Status save(TaskContext *context, gboolean version_2, gboolean must_exist, GError **error) {
    const TemplateParams *given = context->params;
    g_autoptr(Json) template = given_template(context, error);
    if (template == NULL)
        return STATUS_TERMINAL;
    const char *schema = json_get_string(json_root(template), "schema");
    if (version_2 != (g_strcmp0(schema, "v2") == 0)) {
        error_set(error, ERR_INVALID, "Pipeline template schema version is invalid: %s", schema != NULL ? schema : "none");
        return STATUS_TERMINAL;
    }
    Principal principal = services_principal(context->user);
    g_autoptr(Json) saved = template_save(context->services->store, json_root(template), version_2 ? given->tag : NULL, must_exist,
                                          &principal, context->now_ms, error);
    if (saved == NULL)
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", must_exist ? "updatepipelinetemplate" : "createpipelinetemplate");
    task_set_context(context, "pipelineTemplate.id", json_get(json_root(saved), "id"));
    return STATUS_SUCCEEDED;
}

static Status create_v1_run(TaskContext *context, GError **error) {
    return save(context, FALSE, FALSE, error);
}

static Status create_v2_run(TaskContext *context, GError **error) {
    return save(context, TRUE, FALSE, error);
}

static Status update_v1_run(TaskContext *context, GError **error) {
    return save(context, FALSE, TRUE, error);
}

static Status update_v2_run(TaskContext *context, GError **error) {
    return save(context, TRUE, TRUE, error);
}

/* Whether what is made from it still works with its new form. */
static Status plan_dependents_run(TaskContext *context, GError **error) {
    const TemplateParams *given = context->params;
    g_autoptr(Json) template = given_template(context, error);
    if (template == NULL)
        return STATUS_TERMINAL;
    const TemplateName name = {.id = json_get_string(json_root(template), "id"), .tag = given->tag};
    g_autofree char *key = template_key(&name, error);
    if (key == NULL)
        return STATUS_TERMINAL;
    g_autofree char *latest = g_strconcat(name.id, ":latest", NULL);
    const char *const keys[] = {key, given->tag == NULL || *given->tag == '\0' ? latest : NULL, NULL};
    g_auto(TemplateRequest) request = template_request(context->services, TRUE, context->now_ms);
    request.replacement = json_root(template);
    request.replaced_keys = keys;
    return given->skip_plan || templates_check_dependents(&request, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status delete_run(TaskContext *context, GError **error) {
    const TemplateParams *given = context->params;
    const TemplateName name = {given->id, given->tag, given->digest};
    if (!template_delete(context->services->store, &name, error))
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", "deletepipelinetemplate");
    task_set_context_string(context, "pipeline.id", given->id);
    return STATUS_SUCCEEDED;
}

#define TASKS(...)                                                                                                                         \
    (const TaskDefinition[]) {                                                                                                             \
        __VA_ARGS__, {                                                                                                                     \
            0                                                                                                                              \
        }                                                                                                                                  \
    }
#define TASK(name_, run_)                                                                                                                  \
    { .name = name_, .run = run_, .timeout_ms = 300000 }
#define TEMPLATE_STAGE(variable, type_, label_, help_, ...)                                                                                \
    const StageType variable = {.type = type_,                                                                                             \
                                .label = label_,                                                                                           \
                                .help = help_,                                                                                             \
                                .params = params,                                                                                          \
                                .params_size = sizeof(TemplateParams),                                                                     \
                                .tasks = TASKS(__VA_ARGS__)}

TEMPLATE_STAGE(stage_create_pipeline_template, "createPipelineTemplate", "Create Pipeline Template",
               "Saves a new pipeline template of version 1.", TASK("createPipelineTemplate", create_v1_run));
TEMPLATE_STAGE(stage_update_pipeline_template, "updatePipelineTemplate", "Update Pipeline Template",
               "Replaces a pipeline template of version 1.", TASK("planDependentPipelines", plan_dependents_run),
               TASK("updatePipelineTemplate", update_v1_run));
TEMPLATE_STAGE(stage_delete_pipeline_template, "deletePipelineTemplate", "Delete Pipeline Template",
               "Deletes a pipeline template that no pipeline is made from.", TASK("deletePipelineTemplate", delete_run));
TEMPLATE_STAGE(stage_create_v2_pipeline_template, "createV2PipelineTemplate", "Create Pipeline Template",
               "Saves a new pipeline template of version 2.", TASK("createV2PipelineTemplate", create_v2_run));
TEMPLATE_STAGE(stage_update_v2_pipeline_template, "updateV2PipelineTemplate", "Update Pipeline Template",
               "Replaces a pipeline template of version 2.", TASK("planTemplateDependents", plan_dependents_run),
               TASK("updateV2PipelineTemplate", update_v2_run));
TEMPLATE_STAGE(stage_delete_v2_pipeline_template, "deleteV2PipelineTemplate", "Delete Pipeline Template",
               "Deletes a variant of a pipeline template that no pipeline is made from.", TASK("deleteV2PipelineTemplate", delete_run));
