/* `createApplication`, `updateApplication`, `upsertApplication`, `deleteApplication` (stages.md 5). */
#include "stages/metadata/applications.h"
#include "stages/stages.h"

typedef struct {
    Json *application;
} ApplicationParams;

static const Param application_params[] = {
    {.name = "application",
     .type = PARAM_JSON,
     .offset = offsetof(ApplicationParams, application),
     .required = TRUE,
     .help = "Attributes: name, email and whatever else is to be kept."},
    {0},
};

static Status application_save_run(TaskContext *context, GError **error) {
    const ApplicationParams *params = context->params;
    Store *store = context->services->store;
    Principal principal = services_principal(context->user);
    const char *name = json_get_string(json_root(params->application), "name");
    g_autoptr(Json) before = name != NULL ? application_load(store, name, NULL) : NULL;
    if (!application_save(store, json_root(params->application), &principal, context->now_ms, error))
        return STATUS_TERMINAL;
    g_autoptr(Json) after = application_load(store, name, error);
    if (after == NULL)
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", "upsertapplication");
    task_set_context_string(context, "application.name", name);
    if (before != NULL)
        task_set_context_json(context, "previousState", before);
    task_set_context_json(context, "newState", after);
    return STATUS_SUCCEEDED;
}

typedef struct {
    const char *application;
    GString *found;
} Dependencies;

static gboolean note_dependency(const InventoryObject *object, gpointer data) {
    Dependencies *dependencies = data;
    g_string_append_printf(dependencies->found, "%s%s in %s/%s", dependencies->found->len > 0 ? ", " : "", object->id, object->account,
                           object->region);
    return dependencies->found->len < 512;
}

static Status no_dependencies_run(TaskContext *context, GError **error) {
    const ApplicationParams *params = context->params;
    const char *name = json_get_string(json_root(params->application), "name");
    if (name == NULL) {
        error_set(error, ERR_INVALID, "delete application: application.name is required");
        return STATUS_TERMINAL;
    }
    g_autofree char *id = g_utf8_strdown(name, -1);
    g_autoptr(GString) found = g_string_new(NULL);
    Dependencies dependencies = {id, found};
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, id, NULL, note_dependency, &dependencies);
    inventory_each_of_application(snapshot, KIND_SECURITY_GROUP, id, NULL, note_dependency, &dependencies);
    if (found->len == 0)
        return STATUS_SUCCEEDED;
    error_set(error, ERR_CONFLICT, "Application has outstanding dependencies: %s", found->str);
    return STATUS_TERMINAL;
}

static Status application_delete_run(TaskContext *context, GError **error) {
    const ApplicationParams *params = context->params;
    if (!application_delete(context->services->store, json_get_string(json_root(params->application), "name"), context->now_ms, error))
        return STATUS_TERMINAL;
    return STATUS_SUCCEEDED;
}

#define SAVING(name_)                                                                                                                      \
    (const TaskDefinition[]) {                                                                                                             \
        {.name = name_, .run = application_save_run, .timeout_ms = 300000}, {                                                              \
            0                                                                                                                              \
        }                                                                                                                                  \
    }

const StageType stage_create_application = {.type = "createApplication",
                                            .label = "Create Application",
                                            .help = "Creates an application, or updates the one there is.",
                                            .params = application_params,
                                            .params_size = sizeof(ApplicationParams),
                                            .tasks = SAVING("createApplication")};
const StageType stage_update_application = {.type = "updateApplication",
                                            .label = "Update Application",
                                            .help = "Changes attributes of an application.",
                                            .params = application_params,
                                            .params_size = sizeof(ApplicationParams),
                                            .tasks = SAVING("updateApplication")};
const StageType stage_upsert_application = {.type = "upsertApplication",
                                            .label = "Save Application",
                                            .help = "Creates or updates an application.",
                                            .params = application_params,
                                            .params_size = sizeof(ApplicationParams),
                                            .tasks = SAVING("upsertApplication")};
const StageType stage_delete_application = {
    .type = "deleteApplication",
    .label = "Delete Application",
    .help = "Deletes an application that has nothing running any more, with its pipelines.",
    .params = application_params,
    .params_size = sizeof(ApplicationParams),
    .tasks =
        (const TaskDefinition[]){
            {.name = "verifyNoDependencies", .run = no_dependencies_run, .timeout_ms = 300000},
            {.name = "deleteApplication", .run = application_delete_run, .timeout_ms = 300000},
            {0},
        },
};
