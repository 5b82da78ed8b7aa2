/* One operation and its end (operation_stage.h). */
#include "stages/operation_stage.h"

Json *operation_stage_description(const Stage *stage) {
    static const char *const OWN[] = {"exception", "outputs", "refId", "requisiteStageRefIds", "stageEnabled", WRITE_CHECK, NULL};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(deploy_context(stage)); json_next(&i);)
        if (i.key[0] != '_' && strchr(i.key, '.') == NULL && !g_strv_contains(OWN, i.key))
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* The name of a job of a task is no label but what the thing is to be called (a load balancer, a security group); NULL:
 * the context says it, or nobody does. */
static const char *name_of_thing(const Execution *execution, const Stage *stage) {
    gboolean is_label = execution->type != EXECUTION_ORCHESTRATION || stage->parent_id != NULL || strcmp(stage->name, stage->type) == 0;
    return is_label || json_get(deploy_context(stage), "name") != NULL ? NULL : stage->name;
}

/* Adds {operation: description}; location NULL: as the stage says. */
static gboolean add_operation(TaskContext *context, const OperationStage *stage, const Cloud *cloud, const char *location,
                              JsonBuilder *builder, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    g_autoptr(Json) own = operation_stage_description(context->stage);
    g_autoptr(Json) named = json_pack("{s:s, s:s, s:s}", "credentials", account, "cloudProvider", cloud->id, "name",
                                      name_of_thing(context->execution, context->stage));
    g_autoptr(Json) whole = json_merge(json_root(own), json_root(named));
    g_autoptr(Json) where = location != NULL ? json_pack("{s:s, s:[s]}", "region", location, "regions", location) : json_empty_object();
    g_autoptr(Json) placed = json_merge(json_root(whole), json_root(where));
    g_autoptr(Json) sent = stage->describe != NULL ? stage->describe(context, json_root(placed), error) : json_ref(placed);
    if (sent == NULL)
        return FALSE;
    json_begin_object(builder, NULL);
    json_add_json(builder, stage->operation, sent);
    json_end_object(builder);
    return TRUE;
}

static gboolean add_operations(TaskContext *context, const OperationStage *stage, const Cloud *cloud, JsonBuilder *builder,
                               GError **error) {
    g_auto(GStrv) locations = deploy_locations(context->execution, context->stage);
    if (!stage->per_region)
        return add_operation(context, stage, cloud, NULL, builder, error);
    if (locations[0] == NULL) {
        error_set(error, ERR_INVALID, "%s: regions: required", context->stage->type);
        return FALSE;
    }
    for (char **location = locations; *location != NULL; location++)
        if (!add_operation(context, stage, cloud, *location, builder, error))
            return FALSE;
    return TRUE;
}

/* What makes the stage's image one that the account may launch; nothing when it names none. */
static gboolean allow_image(TaskContext *context, const Cloud *cloud, JsonBuilder *builder, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    g_autofree char *region = deploy_location(context->execution, context->stage);
    const char *image = json_get_string(own, "amiName");
    if (cloud->prepare_create == NULL || image == NULL || region == NULL)
        return TRUE;
    g_autoptr(Account) account = clouds_account(context->services->clouds, deploy_account(context->execution, context->stage), error);
    g_autoptr(Json) zones = json_pack("{s:[]}", region);
    g_autoptr(Json) description = json_pack("{s:s, s:j}", "amiName", image, "availabilityZones", zones);
    return account != NULL && cloud->prepare_create(context->services->clouds, account, json_root(description), builder, error);
}

Status operation_stage_start(TaskContext *context, const OperationStage *stage, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    if (account == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials: required, the name of an account", context->stage->type);
        return STATUS_TERMINAL;
    }
    const Cloud *cloud = deploy_cloud(context, error);
    if (cloud == NULL)
        return STATUS_TERMINAL;
    if (!cloud_has_operation(cloud, stage->operation)) {
        error_set(error, ERR_INVALID, "%s: account %s is of cloud %s, which has no operation %s", context->stage->type, account, cloud->id,
                  stage->operation);
        return STATUS_TERMINAL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (stage->launches_image && !allow_image(context, cloud, builder, error))
        return STATUS_TERMINAL;
    if (!add_operations(context, stage, cloud, builder, error))
        return STATUS_TERMINAL;
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    return cloud_operation_start(context, account, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}
