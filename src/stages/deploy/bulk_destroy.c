/* `bulkDestroyServerGroup`: several server groups of one region, all disabled first, then deleted (stages.md 10.6). Runs in a worker on
 * live reads. */
#include "stages/deploy/group_operation.h"
#include "stages/deploy/stage_params.h"

/* Those that are there (GroupName); what is gone already is done. NULL with error. */
static GPtrArray *groups_of(TaskContext *context, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    const JsonValue *names = json_get(deploy_context(context->stage), "serverGroupNames");
    g_autofree char *region = deploy_location(context->execution, context->stage);
    if (account == NULL || region == NULL || json_length(names) == 0) {
        error_set(error, ERR_INVALID, "%s: credentials, region and serverGroupNames: required", context->stage->type);
        return NULL;
    }
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    for (JsonIter i = json_iter(names); json_next(&i);) {
        GroupName *name = group_name_new(region, json_string(i.value));
        g_ptr_array_add(groups, name);
        g_autoptr(GError) failed = NULL;
        GroupSight sight = name->name != NULL ? live_read_group(context, account, name, &failed) : GROUP_GONE;
        if (sight == GROUP_UNREADABLE) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
        if (sight == GROUP_GONE)
            g_ptr_array_remove(groups, name);
    }
    return g_steal_pointer(&groups);
}

static char *cluster_of(const InventorySnapshot *snapshot, const char *account, const GroupName *name) {
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    return g_strdup(group != NULL && group->moniker.cluster != NULL ? group->moniker.cluster : name->name);
}

/* The groups by cluster, for guards speak of clusters: cluster → GPtrArray of borrowed GroupName. */
static GHashTable *by_cluster(TaskContext *context, const GPtrArray *groups) {
    GHashTable *clusters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    for (guint i = 0; i < groups->len; i++) {
        char *cluster = cluster_of(snapshot, deploy_account(context->execution, context->stage), groups->pdata[i]);
        GPtrArray *members = g_hash_table_lookup(clusters, cluster);
        if (members == NULL) {
            members = g_ptr_array_new();
            g_hash_table_insert(clusters, cluster, members);
        } else
            g_free(cluster);
        g_ptr_array_add(members, groups->pdata[i]);
    }
    return clusters;
}

static gboolean add_cluster(TaskContext *context, const Cloud *cloud, const char *operation, const GPtrArray *names, JsonBuilder *builder,
                            GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    WriteCheck wanted = {.operation = operation, .names = names, .guarded = TRUE};
    g_autoptr(Json) check = write_check_new(context, account, &wanted, error);
    for (guint i = 0; check != NULL && i < names->len; i++) {
        g_autoptr(Json) payload = deploy_group_payload(account, cloud->id, names->pdata[i]);
        g_autoptr(Json) whole = json_merge(json_root(payload), json_root(check));
        json_begin_object(builder, NULL);
        json_add_json(builder, operation, whole);
        json_end_object(builder);
    }
    return check != NULL;
}

static Status start_on_all(TaskContext *context, const char *operation, GError **error) {
    g_autoptr(GPtrArray) groups = groups_of(context, error);
    const Cloud *cloud = groups != NULL ? deploy_cloud(context, error) : NULL;
    if (cloud == NULL)
        return STATUS_TERMINAL;
    g_autoptr(GHashTable) clusters = by_cluster(context, groups);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    GHashTableIter iter;
    gpointer names;
    json_begin_array(builder, NULL);
    g_hash_table_iter_init(&iter, clusters);
    while (g_hash_table_iter_next(&iter, NULL, &names))
        if (!add_cluster(context, cloud, operation, names, builder, error))
            return STATUS_TERMINAL;
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    deploy_record_groups(context, groups);
    if (groups->len == 0) {
        task_remove_context(context, "kato.last.task.id");
        return STATUS_SUCCEEDED;
    }
    const char *account = deploy_account(context->execution, context->stage);
    return cloud_operation_start(context, account, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status disable_all(TaskContext *context, GError **error) {
    return start_on_all(context, "disableServerGroup", error);
}

static Status destroy_all(TaskContext *context, GError **error) {
    return start_on_all(context, "destroyServerGroup", error);
}

static gboolean rule_none_up(GroupLook *look, GError **error) {
    (void)error;
    guint up = count_up(look);
    task_progress(look->context, "%u instances of %s are still up", up, look->group->name);
    return up == 0;
}

static Status wait_for_none_up(TaskContext *context, GError **error) {
    static const GroupWait wait = {.rule = rule_none_up, .gone_is_done = TRUE};
    return live_wait(context, &wait, error);
}

static const TaskDefinition wait_for_none_up_task = {.name = "waitForNotUpInstances",
                                                     .run = wait_for_none_up,
                                                     .timeout_ms = DEPLOY_UP_TIMEOUT_MS,
                                                     .backoff_ms = 500,
                                                     .poll_after = deploy_poll_after,
                                                     .overridable_timeout = TRUE,
                                                     .account = deploy_account};
static const TaskDefinition disable_task = GROUP_OPERATION_TASK("bulkDisableServerGroup", disable_all),
                            destroy_task = GROUP_OPERATION_TASK("bulkDestroyServerGroup", destroy_all),
                            disable_monitor = CLOUD_OPERATION_MONITOR("monitorServerGroups"),
                            destroy_monitor = CLOUD_OPERATION_MONITOR("monitorServerGroups");

static void build_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)execution, (void)stage, (void)error;
    const TaskDefinition *const all[] = {&disable_task, &disable_monitor, &wait_for_none_up_task,
                                         &destroy_task, &destroy_monitor, &task_wait_for_destroyed};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static const Param bulk_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_PARAM("region", PARAM_STRING, region, .help = "Where all of them are."),
    DEPLOY_PARAM("serverGroupNames", PARAM_STRINGS, server_groups, .help = "The server groups; of any clusters."),
    DEPLOY_HEALTH_PARAMS,
    {0},
};
const StageType stage_bulk_destroy_server_group = {
    .type = "bulkDestroyServerGroup",
    .label = "Destroy several server groups",
    .help = "Takes server groups out of traffic, then deletes them with their instances.",
    .params = bulk_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = build_tasks,
};
