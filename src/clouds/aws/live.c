/* Live reads of a whole cluster, and the end of what a child process left behind. */
#include "base/log.h"
#include "clouds/aws/reader.h"
#include "clouds/naming.h"

/* ---- clusters ---- */

static gboolean is_in_cluster(const char *name, const char *cluster) {
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    return !g_strcmp0(moniker.cluster, cluster);
}

/* Names of the cluster's groups: those that exist, and those that the inventory believes in (but for those that AWS may not show yet). */
static gboolean cluster_names(const AwsReader *reader, const char *cluster, GHashTable *names, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_groups_read(reader, NULL, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++) {
        const char *name = json_get_string(json_root(found->pdata[i]), "autoScalingGroupName");
        if (name && is_in_cluster(name, cluster))
            g_hash_table_add(names, g_strdup(name));
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    g_autoptr(GPtrArray) known = clouds_cluster(snapshot, reader->account->base.name, cluster, reader->region);
    for (guint i = 0; i < known->len; i++) {
        const char *name = ((const InventoryObject *)known->pdata[i])->id;
        if (!aws_group_is_fresh(reader, name))
            g_hash_table_add(names, g_strdup(name));
    }
    return TRUE;
}

gboolean aws_cluster_refresh(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                             GError **error) {
    AwsReader reader = aws_reader(account, region, inventory, cancel);
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!cluster_names(&reader, cluster, names, error))
        return FALSE;
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autoptr(GError) failed = NULL;
        AwsReader now = aws_reader(account, region, inventory, cancel);
        if (aws_group_refresh(&now, name, TRUE, &failed) || error_code(failed) == ERR_NOT_FOUND)
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

/* ---- leftovers ---- */

static char **leftover_ids(const AwsReader *reader, const char *operation_id, GError **error) {
    static const char *const alive[] = {"pending", "running", "stopping", "stopped", NULL};
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
    aws_query_add_filter(query, "tag:gennaker:operation", operation_id);
    aws_query_add_filter_list(query, "instance-state-name", alive);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_instances_read(reader, query, found, error))
        return NULL;
    GPtrArray *ids = g_ptr_array_new();
    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(ids, g_strdup(json_get_string(json_root(found->pdata[i]), "instanceId")));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(ids, FALSE);
}

gint aws_end_leftovers(Account *account, const char *region, const char *operation_id, Cancel *cancel, GError **error) {
    AwsReader reader = aws_reader(account, region, NULL, cancel);
    g_auto(GStrv) ids = leftover_ids(&reader, operation_id, error);
    if (!ids || !ids[0])
        return ids ? 0 : -1;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_TERMINATE_INSTANCES);
    g_autofree char *all = g_strjoinv(", ", ids);
    aws_query_about(query, all);
    aws_query_add_list(query, (const char *const *)ids, "InstanceId");
    if (!aws_client_write(reader.account->client, region, query, cancel, error))
        return -1;
    log_info("aws", "account %s, %s: ended %s, left by %s", account->name, region, all, operation_id);
    return (gint)g_strv_length(ids);
}
