/* What stages and views ask of the inventory: clusters, server groups, their instances with health; and live reads of them.
 * Any thread; pure on a snapshot, but for the live reads. */
#include "clouds/cloud.h"

static int creation_order(gconstpointer left, gconstpointer right) {
    const InventoryObject *a = *(const InventoryObject *const *)left, *b = *(const InventoryObject *const *)right;
    const ServerGroup *one = a->record, *other = b->record;
    if (one->created_ms != other->created_ms)
        return one->created_ms < other->created_ms ? -1 : 1;
    return strcmp(a->id, b->id);
}

typedef struct {
    const char *account, *cluster, *region;
    GPtrArray *found;
} ClusterSearch;

static gboolean collect_group(const InventoryObject *object, gpointer data) {
    const ClusterSearch *search = data;
    if (object->record && !g_strcmp0(object->cluster, search->cluster))
        g_ptr_array_add(search->found, inventory_object_ref((InventoryObject *)object));
    return TRUE;
}

GPtrArray *clouds_cluster(const InventorySnapshot *snapshot, const char *account, const char *cluster, const char *region) {
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    ClusterSearch search = {account, cluster, region, groups};
    inventory_each(snapshot, account, KIND_SERVER_GROUP, region, collect_group, &search);
    g_ptr_array_sort(groups, creation_order);
    return groups;
}

const ServerGroup *clouds_server_group(const InventorySnapshot *snapshot, const char *account, const char *region, const char *name) {
    const InventoryObject *object = inventory_get(snapshot, account, KIND_SERVER_GROUP, region, name);
    return object ? object->record : NULL;
}

/* ---- instances ---- */

static Health *health_copy(const Health *health) {
    Health *copy = g_new0(Health, 1);
    *copy = (Health){g_strdup(health->type), health->platform, health->state, json_ref(health->detail)};
    return copy;
}

static gboolean collect_health(const InventoryObject *object, gpointer data) {
    if (object->record)
        g_ptr_array_add(data, health_copy(object->record));
    return TRUE;
}

static Instance *instance_with_health(const InventorySnapshot *snapshot, const ServerGroup *group, const Instance *known) {
    Instance *instance = g_new0(Instance, 1);
    *instance = (Instance){g_strdup(known->id),
                           g_strdup(known->zone),
                           g_strdup(known->server_group ? known->server_group : group->name),
                           g_strdup(known->lifecycle_state),
                           known->launch_ms,
                           known->spot,
                           g_ptr_array_new_with_free_func((GDestroyNotify)health_free)};
    for (guint i = 0; known->health && i < known->health->len; i++)
        g_ptr_array_add(instance->health, health_copy(known->health->pdata[i]));
    g_autofree char *prefix = g_strconcat(known->id, "|", NULL);
    inventory_each_prefixed(snapshot, group->account, KIND_HEALTH, group->region, prefix, collect_health, instance->health);
    return instance;
}

GPtrArray *clouds_instances(const InventorySnapshot *snapshot, const ServerGroup *group) {
    GPtrArray *instances = g_ptr_array_new_with_free_func((GDestroyNotify)instance_free);
    for (char **id = group->instance_ids; id && *id; id++) {
        const InventoryObject *object = inventory_get(snapshot, group->account, KIND_INSTANCE, group->region, *id);
        if (object && object->record)
            g_ptr_array_add(instances, instance_with_health(snapshot, group, object->record));
    }
    return instances;
}

/* ---- live reads ---- */

typedef gboolean (*Refresh)(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel, GError **error);

static gboolean refresh(Clouds *clouds, gsize which, const char *what, const char *name_of_account, const char *region, const char *name,
                        Cancel *cancel, GError **error) {
    g_autoptr(Account) account = clouds_account(clouds, name_of_account, error);
    if (!account || !account_has_region(account, region, error))
        return FALSE;
    Refresh call = G_STRUCT_MEMBER(Refresh, account->cloud, which);
    if (!call) {
        error_set(error, ERR_INVALID, "%s %s: cloud %s cannot read one by itself", what, name, account->cloud->id);
        return FALSE;
    }
    return call(account, region, name, clouds_inventory(clouds), cancel, error);
}

gboolean clouds_refresh_server_group(Clouds *clouds, const char *account, const char *region, const char *name, Cancel *cancel,
                                     GError **error) {
    return refresh(clouds, offsetof(Cloud, refresh_server_group), "server group", account, region, name, cancel, error);
}

gboolean clouds_refresh_image(Clouds *clouds, const char *account, const char *region, const char *id_or_name, Cancel *cancel,
                              GError **error) {
    return refresh(clouds, offsetof(Cloud, refresh_image), "image", account, region, id_or_name, cancel, error);
}

gboolean clouds_refresh_cluster(Clouds *clouds, const char *account, const char *region, const char *cluster, Cancel *cancel,
                                GError **error) {
    return refresh(clouds, offsetof(Cloud, refresh_cluster), "cluster", account, region, cluster, cancel, error);
}
