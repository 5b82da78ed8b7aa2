/* `upsertDeliveryConfig`, `deleteDeliveryConfig` (stages.md 4.4). */
#include "stages/metadata/deliveries.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"

#define TIMEOUT_MS (5 * 60 * 1000)

typedef struct {
    Json *delivery;
    char *id;
} DeliveryParams;

static const Param upsert_params[] = {
    {.name = "delivery",
     .type = PARAM_JSON,
     .offset = offsetof(DeliveryParams, delivery),
     .required = TRUE,
     .help = "{id, application, deliveryArtifacts, deliveryEnvironments}; without id a new one."},
    {0},
};
static const Param delete_params[] = {
    {.name = "deliveryConfigId",
     .type = PARAM_STRING,
     .offset = offsetof(DeliveryParams, id),
     .required = TRUE,
     .help = "Its id; one that is not there is fine."},
    {0},
};

/* The id of a new one is made from the task's key, so that a task that is run again saves the same. */
static Status upsert_run(TaskContext *context, GError **error) {
    const DeliveryParams *given = context->params;
    Principal principal = services_principal(context->user);
    g_autofree char *id = webhook_key(context->execution, context->stage, context->task->name, "delivery");
    g_autoptr(Json) saved = delivery_save(context->services->store, json_root(given->delivery), id, &principal, context->now_ms, error);
    if (saved == NULL)
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", "upsertdeliveryconfig");
    task_set_context(context, "delivery.id", json_get(json_root(saved), "id"));
    task_set_context(context, "application", json_get(json_root(saved), "application"));
    return STATUS_SUCCEEDED;
}

static Status delete_run(TaskContext *context, GError **error) {
    const DeliveryParams *given = context->params;
    task_set_context_string(context, "notification.type", "deletedeliveryconfig");
    return delivery_delete(context->services->store, given->id, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

#define DELIVERY_STAGE(variable, type_, label_, help_, params_, run_)                                                                      \
    const StageType variable = {.type = type_,                                                                                             \
                                .label = label_,                                                                                           \
                                .help = help_,                                                                                             \
                                .params = params_,                                                                                         \
                                .params_size = sizeof(DeliveryParams),                                                                     \
                                .tasks = (const TaskDefinition[]){{.name = type_, .run = run_, .timeout_ms = TIMEOUT_MS}, {0}}}
DELIVERY_STAGE(stage_upsert_delivery_config, "upsertDeliveryConfig", "Save Delivery Config",
               "Saves a delivery configuration with its application; nothing acts on it.", upsert_params, upsert_run);
DELIVERY_STAGE(stage_delete_delivery_config, "deleteDeliveryConfig", "Delete Delivery Config", "Deletes a delivery configuration.",
               delete_params, delete_run);
