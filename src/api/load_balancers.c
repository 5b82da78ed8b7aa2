/* Load balancers (api.md 10). */
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

static gint compare_names(gconstpointer a, gconstpointer b) {
    const char *left = json_get_string(json_root(*(Json *const *)a), "name"),
               *right = json_get_string(json_root(*(Json *const *)b), "name");
    g_autofree char *folded_left = g_utf8_casefold(left != NULL ? left : "", -1);
    g_autofree char *folded_right = g_utf8_casefold(right != NULL ? right : "", -1);
    return strcmp(folded_left, folded_right);
}

static Json *sorted_array(GPtrArray *views) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_ptr_array_sort(views, compare_names);
    json_begin_array(builder, NULL);
    for (guint i = 0; i < views->len; i++)
        json_add_json(builder, NULL, views->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- of an application: those named after it, and those of its server groups ---- */
typedef struct {
    ApiCall *call;
    const InventorySnapshot *snapshot;
    const char *application;
    GHashTable *used; /* "account\nregion\nname" */
    GPtrArray *views; /* of Json */
} Search;

static char *place(const char *account, const char *region, const char *name) {
    return g_strjoin("\n", account, region, name, NULL);
}

static gboolean note_used(const InventoryObject *object, gpointer data) {
    Search *search = data;
    char **names = group_of(object)->load_balancers;
    for (gsize i = 0; names[i] != NULL; i++)
        g_hash_table_add(search->used, place(object->account, object->region, names[i]));
    return TRUE;
}

static gboolean add_if_of_application(const InventoryObject *object, gpointer data) {
    Search *search = data;
    g_autofree char *key = place(object->account, object->region, object->id);
    if (g_strcmp0(object->application, search->application) != 0 && !g_hash_table_contains(search->used, key))
        return TRUE;
    const CloudViews *views = snapshot_views(search->call->services->clouds, object->account);
    if (views != NULL && views->load_balancer != NULL)
        g_ptr_array_add(search->views, views->load_balancer(search->snapshot, object, search->call->now_ms));
    return TRUE;
}

static Json *of_application_get(ApiCall *call, GError **error) {
    (void)error;
    g_autofree char *application = g_utf8_strdown(api_path(call, "application"), -1);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) views = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    Search search = {call, snapshot, application, used, views};
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, application, NULL, note_used, &search);
    inventory_each(snapshot, NULL, KIND_LOAD_BALANCER, NULL, add_if_of_application, &search);
    return sorted_array(views);
}

/* ---- of a cloud ---- */
typedef struct {
    char *provider;
} ProviderQuery;
static const Param provider_query[] = {
    {.name = "provider", .type = PARAM_STRING, .offset = offsetof(ProviderQuery, provider), .otherwise = "\"aws\"", .help = "Which cloud."},
    {0},
};

typedef struct {
    ApiCall *call;
    const Cloud *cloud;
    const char *name; /* only these, or NULL */
    GPtrArray *found; /* of const InventoryObject * */
} ByCloud;

static gboolean note_of_cloud(const InventoryObject *object, gpointer data) {
    ByCloud *search = data;
    if (search->name != NULL && strcmp(search->name, object->id) != 0)
        return TRUE;
    g_autoptr(Account) account = clouds_account(search->call->services->clouds, object->account, NULL);
    if (account != NULL && account->cloud == search->cloud && api_may(search->call, MAY_READ, "account", object->account))
        g_ptr_array_add(search->found, (gpointer)object);
    return TRUE;
}

static gint compare_places(gconstpointer a, gconstpointer b) {
    const InventoryObject *left = *(const InventoryObject *const *)a, *right = *(const InventoryObject *const *)b;
    int order = strcmp(left->id, right->id);
    if (order == 0)
        order = strcmp(left->account, right->account);
    return order != 0 ? order : strcmp(left->region, right->region);
}

static void add_summary(JsonBuilder *builder, const ByCloud *search, const InventorySnapshot *snapshot, const InventoryObject *object) {
    g_autoptr(Json) view = search->cloud->views->load_balancer(snapshot, object, search->call->now_ms);
    const JsonValue *full = json_root(view);
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
    json_add_string(builder, "name", object->id);
    json_add_string(builder, "type", search->cloud->id);
    json_add_value(builder, "vpcId", json_get(full, "vpcId"));
    json_add_value(builder, "loadBalancerType", json_get(full, "loadBalancerType"));
    json_add_value(builder, "securityGroups", json_get(full, "securityGroups"));
    json_add_value(builder, "targetGroups", json_get(full, "targetGroups"));
    json_end_object(builder);
}

/* Nested by name, account and region; found is sorted that way. */
static Json *nested(const ByCloud *search, const InventorySnapshot *snapshot) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const InventoryObject *last = NULL;
    json_begin_array(builder, NULL);
    for (guint i = 0; i <= search->found->len; i++) {
        const InventoryObject *object = i < search->found->len ? search->found->pdata[i] : NULL;
        gboolean same_name = last != NULL && object != NULL && strcmp(last->id, object->id) == 0;
        gboolean same_account = same_name && strcmp(last->account, object->account) == 0;
        gboolean same_region = same_account && strcmp(last->region, object->region) == 0;
        gboolean ends[] = {!same_region, !same_account, !same_name}; /* region, account and name of the last one */
        for (gsize level = 0; last != NULL && level < G_N_ELEMENTS(ends); level++)
            if (ends[level]) {
                json_end_array(builder);
                json_end_object(builder);
            }
        static const char *const LISTS[] = {"loadBalancers", "regions", "accounts"};
        for (gsize level = G_N_ELEMENTS(ends); object != NULL && level-- > 0;)
            if (ends[level]) {
                const char *const names[] = {object->region, object->account, object->id};
                json_begin_object(builder, NULL);
                json_add_string(builder, "name", names[level]);
                json_begin_array(builder, LISTS[level]);
            }
        if (object != NULL)
            add_summary(builder, search, snapshot, object);
        last = object;
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *of_cloud(ApiCall *call, const char *name, GError **error) {
    const char *provider = ((const ProviderQuery *)call->query)->provider;
    const Cloud *cloud = clouds_find(call->services->clouds, provider);
    if (cloud == NULL || cloud->views->load_balancer == NULL) {
        error_set(error, ERR_INVALID, "No cloud provider named %s found", provider);
        return NULL;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    ByCloud search = {call, cloud, name, found};
    inventory_each(snapshot, NULL, KIND_LOAD_BALANCER, NULL, note_of_cloud, &search);
    g_ptr_array_sort(found, compare_places);
    return nested(&search, snapshot);
}

static Json *all_get(ApiCall *call, GError **error) {
    return of_cloud(call, NULL, error);
}

static Json *named_get(ApiCall *call, GError **error) {
    g_autoptr(Json) list = of_cloud(call, api_path(call, "name"), error);
    if (list == NULL)
        return NULL;
    if (json_length(json_root(list)) > 0)
        return json_copy(json_at(json_root(list), 0));
    error_set(error, ERR_NOT_FOUND, "Load balancer not found (id: %s)", api_path(call, "name"));
    return NULL;
}

static Json *details_get(ApiCall *call, GError **error) {
    (void)error;
    const char *account = api_path(call, "account"), *name = api_path(call, "name");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    const InventoryObject *object = inventory_get(snapshot, account, KIND_LOAD_BALANCER, api_path(call, "region"), name);
    const CloudViews *views = object != NULL ? snapshot_views(call->services->clouds, account) : NULL;
    if (views == NULL || views->load_balancer == NULL)
        return json_empty_array();
    g_autoptr(Json) view = views->load_balancer(snapshot, object, call->now_ms);
    g_autoptr(Json) none = json_empty_array();
    g_autoptr(Json) full = json_with(json_root(view), "insightActions", json_root(none));
    return json_pack("[j]", full);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications/{application}/loadBalancers",
     .handler = of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "An application's load balancers: those named after it and those of its server groups."},
    {.method = "GET",
     .path = "/loadBalancers",
     .handler = all_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = provider_query,
     .query_size = sizeof(ProviderQuery),
     .help = "Load balancers of a cloud by name, account and region."},
    {.method = "GET",
     .path = "/loadBalancers/{name}",
     .handler = named_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = provider_query,
     .query_size = sizeof(ProviderQuery),
     .help = "Load balancers of this name by account and region."},
    {.method = "GET",
     .path = "/loadBalancers/{account}/{region}/{name}",
     .handler = details_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .help = "One load balancer, as a list of one; [] when there is none."},
    {0},
};
const RouteTable load_balancer_routes = {"Load balancers", routes};
