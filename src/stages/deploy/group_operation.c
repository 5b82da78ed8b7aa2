/* Operations on one server group, and the small tasks around them (group_operation.h). */
#include "stages/deploy/group_operation.h"
#include "stages/metadata/applications.h"

/* ---- what is sent ---- */

Json *deploy_description(const Stage *stage) {
    static const char *const OWN[] = {"exception",
                                      "targetReferences",
                                      "targetLocation",
                                      "deployServerGroupsRegion",
                                      "capacitySnapshot",
                                      "lastCapacityCheck",
                                      "zeroDesiredCapacityCount",
                                      "outputs",
                                      "refId",
                                      "requisiteStageRefIds",
                                      "stageEnabled",
                                      "regions",
                                      "asgs",
                                      WRITE_CHECK,
                                      NULL};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(deploy_context(stage)); json_next(&i);)
        if (i.key[0] != '_' && strchr(i.key, '.') == NULL && !g_strv_contains(OWN, i.key))
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
    return json_builder_end(builder);
}

const Cloud *deploy_cloud(const TaskContext *context, GError **error) {
    g_autoptr(Account) account = clouds_account(context->services->clouds, deploy_account(context->execution, context->stage), error);
    return account != NULL ? account->cloud : NULL;
}

static Json *request_of(const TaskContext *context, const Cloud *cloud, const GroupName *name, const char *operation,
                        const JsonValue *more) {
    g_autoptr(Json) description = deploy_description(context->stage);
    g_autoptr(Json) payload = deploy_group_payload(deploy_account(context->execution, context->stage), cloud->id, name);
    g_autoptr(Json) named = json_merge(json_root(description), json_root(payload));
    g_autoptr(Json) whole = json_merge(json_root(named), more);
    return json_pack("[{s:j}]", operation, whole);
}

/* instances: only these of it are taken away; NULL: all. */
static Status start(TaskContext *context, const GroupName *name, const char *operation, const JsonValue *more, gboolean guarded,
                    const char *const *instances, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, (gpointer)name);
    const Cloud *cloud = deploy_cloud(context, error);
    WriteCheck wanted = {.operation = operation, .names = names, .instances = instances, .guarded = TRUE};
    g_autoptr(Json) check = cloud != NULL && guarded ? write_check_new(context, account, &wanted, error) : NULL;
    if (cloud == NULL || (guarded && check == NULL))
        return STATUS_TERMINAL;
    g_autoptr(Json) whole = json_merge(more, json_root(check));
    g_autoptr(Json) request = request_of(context, cloud, name, operation, json_root(whole));
    if (!cloud_operation_start(context, account, json_root(request), error))
        return STATUS_TERMINAL;
    deploy_record_groups(context, names);
    task_set_context_string(context, "asgName", name->name);
    task_set_context_string(context, "serverGroupName", name->name);
    return STATUS_SUCCEEDED;
}

Status group_operation_start(TaskContext *context, const GroupName *name, const char *operation, const JsonValue *more, gboolean guarded,
                             GError **error) {
    return start(context, name, operation, more, guarded, NULL, error);
}

Status group_operation_start_part(TaskContext *context, const GroupName *name, const char *operation, const char *const *instances,
                                  GError **error) {
    return start(context, name, operation, NULL, TRUE, instances, error);
}

/* ---- determineHealthProviders ---- */

/* platformHealthOnly and platformHealthOnlyShowOverride of the application; FALSE when it is not known. */
static gboolean wants_platform_only(TaskContext *context) {
    g_autofree char *name = g_ascii_strdown(deploy_application(context->execution, context->stage), -1);
    g_autoptr(Json) application = application_load(context->services->store, name, NULL);
    const JsonValue *attributes = json_root(application);
    return deploy_flag(attributes, "platformHealthOnly", FALSE) && !deploy_flag(attributes, "platformHealthOnlyShowOverride", FALSE);
}

Status determine_health_providers(TaskContext *context, GError **error) {
    (void)error;
    if (json_get(deploy_context(context->stage), "interestingHealthProviderNames") != NULL)
        return STATUS_SUCCEEDED;
    const Cloud *cloud = deploy_cloud(context, NULL);
    if (cloud == NULL || cloud->platform_health == NULL || !wants_platform_only(context))
        return STATUS_SUCCEEDED;
    const char *const names[] = {cloud->platform_health, NULL};
    g_autoptr(Json) list = json_from_strings(names);
    task_set_context_json(context, "interestingHealthProviderNames", list);
    return STATUS_SUCCEEDED;
}

const TaskDefinition task_determine_health_providers = DETERMINE_HEALTH_PROVIDERS_TASK;

/* ---- forceCacheRefresh: our views are true after every write; this reads once more, and a failure does not matter ---- */

static Status force_refresh(TaskContext *context, GError **error) {
    (void)error;
    g_autoptr(GPtrArray) groups = deploy_recorded_groups(context->stage);
    for (guint i = 0; i < groups->len; i++)
        live_read_group(context, deploy_account(context->execution, context->stage), groups->pdata[i], NULL);
    return STATUS_SUCCEEDED;
}

const TaskDefinition task_force_refresh = {
    .name = "forceCacheRefresh", .run = force_refresh, .timeout_ms = 900000, .backoff_ms = 10000, .account = deploy_account};
const TaskDefinition task_monitor_server_group = CLOUD_OPERATION_MONITOR("monitorServerGroup");
