/* Grouping and views over one snapshot of the inventory. Reader threads. */
#include "api/snapshot.h"
#include <string.h>

const CloudViews *snapshot_views(Clouds *clouds, const char *account_name) {
    g_autoptr(Account) account = clouds_account(clouds, account_name, NULL);
    return account != NULL ? account->cloud->views : NULL;
}

/* ---- clusters ---- */
typedef struct {
    const char *account;
    GHashTable *clusters; /* "account\nname" → ClusterView */
} Gathering;

static void cluster_view_free(gpointer data) {
    ClusterView *view = data;
    g_ptr_array_unref(view->groups);
    g_free(view);
}

static gboolean gather(const InventoryObject *object, gpointer data) {
    Gathering *gathering = data;
    if (object->cluster == NULL || (gathering->account != NULL && strcmp(gathering->account, object->account) != 0))
        return TRUE;
    g_autofree char *key = g_strconcat(object->account, "\n", object->cluster, NULL);
    ClusterView *view = g_hash_table_lookup(gathering->clusters, key);
    if (view == NULL) {
        view = g_new0(ClusterView, 1);
        *view = (ClusterView){object->account, object->cluster, group_of(object)->cloud, g_ptr_array_new()};
        g_hash_table_insert(gathering->clusters, g_steal_pointer(&key), view);
    }
    g_ptr_array_add(view->groups, (gpointer)object);
    return TRUE;
}

static gint compare_groups(gconstpointer a, gconstpointer b) {
    const InventoryObject *left = *(const InventoryObject *const *)a, *right = *(const InventoryObject *const *)b;
    int order = strcmp(left->region, right->region);
    if (order != 0)
        return order;
    gint64 older = group_of(left)->created_ms, newer = group_of(right)->created_ms;
    return older != newer ? (older < newer ? -1 : 1) : strcmp(left->id, right->id);
}

static gint compare_clusters(gconstpointer a, gconstpointer b) {
    const ClusterView *left = *(const ClusterView *const *)a, *right = *(const ClusterView *const *)b;
    int order = strcmp(left->account, right->account);
    return order != 0 ? order : strcmp(left->name, right->name);
}

GPtrArray *snapshot_clusters(const InventorySnapshot *snapshot, const char *application, const char *account, const char *cluster) {
    g_autofree char *lower = g_utf8_strdown(application, -1);
    g_autoptr(GHashTable) clusters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Gathering gathering = {account, clusters};
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, lower, cluster, gather, &gathering);
    GPtrArray *list = g_ptr_array_new_with_free_func(cluster_view_free);
    GHashTableIter iter;
    gpointer view;
    g_hash_table_iter_init(&iter, clusters);
    while (g_hash_table_iter_next(&iter, NULL, &view)) {
        g_ptr_array_sort(((ClusterView *)view)->groups, compare_groups);
        g_ptr_array_add(list, view);
    }
    g_ptr_array_sort(list, compare_clusters);
    return list;
}

/* ---- views ---- */
void snapshot_add_server_group(Clouds *clouds, const InventorySnapshot *snapshot, const InventoryObject *object, ViewDetail detail,
                               gint64 now_ms, JsonBuilder *builder) {
    const CloudViews *views = snapshot_views(clouds, object->account);
    if (views == NULL || views->server_group == NULL)
        return;
    g_autoptr(Json) json = views->server_group(snapshot, object, detail == VIEW_SUMMARY, now_ms);
    json_add_json(builder, NULL, json);
}

void snapshot_add_load_balancer(Clouds *clouds, const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms,
                                JsonBuilder *builder) {
    const CloudViews *views = snapshot_views(clouds, object->account);
    if (views == NULL || views->load_balancer == NULL)
        return;
    g_autoptr(Json) json = views->load_balancer(snapshot, object, now_ms);
    json_add_json(builder, NULL, json);
}

void snapshot_add_moniker(JsonBuilder *builder, const char *key, const Moniker *moniker) {
    json_begin_object(builder, key);
    json_add_string(builder, "app", moniker->app);
    json_add_string(builder, "cluster", moniker->cluster);
    json_add_string(builder, "stack", moniker->stack);
    json_add_string(builder, "detail", moniker->detail);
    if (moniker->sequence >= 0)
        json_add_int(builder, "sequence", moniker->sequence);
    json_end_object(builder);
}

static gint compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **snapshot_load_balancers(const GPtrArray *groups) {
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < groups->len; i++) {
        char **balancers = group_of(groups->pdata[i])->load_balancers;
        for (gsize b = 0; balancers[b] != NULL; b++)
            g_hash_table_add(names, balancers[b]);
    }
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(list, g_strdup(name));
    g_ptr_array_sort(list, compare_texts);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_steal(list, NULL);
}
