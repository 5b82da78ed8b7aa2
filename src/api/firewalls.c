/* Security groups, which Gate also calls firewalls (api.md 10). */
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

/* A security group with its view, which has the name. */
typedef struct {
    const InventoryObject *object;
    const char *cloud;
    Json *view;
} Firewall;

static void clear_firewall(gpointer data) {
    json_unref(((Firewall *)data)->view);
}

typedef struct {
    ApiCall *call;
    const InventorySnapshot *snapshot;
    const char *id, *provider; /* or NULL: any */
    GArray *found;             /* of Firewall */
} Search;

static gboolean note(const InventoryObject *object, gpointer data) {
    Search *search = data;
    if (search->id != NULL && strcmp(search->id, object->id) != 0)
        return TRUE;
    g_autoptr(Account) account = clouds_account(search->call->services->clouds, object->account, NULL);
    if (account == NULL || account->cloud->views->security_group == NULL || !api_may(search->call, MAY_READ, "account", object->account))
        return TRUE;
    if (search->provider != NULL && strcmp(search->provider, account->cloud->id) != 0)
        return TRUE;
    const Firewall firewall = {object, account->cloud->id, account->cloud->views->security_group(search->snapshot, object)};
    g_array_append_val(search->found, firewall);
    return TRUE;
}

static gint compare(gconstpointer a, gconstpointer b) {
    const Firewall *left = a, *right = b;
    int order = strcmp(left->object->account, right->object->account);
    if (order == 0)
        order = strcmp(left->cloud, right->cloud);
    if (order == 0)
        order = strcmp(left->object->region, right->object->region);
    return order != 0 ? order : g_strcmp0(json_get_string(json_root(left->view), "name"), json_get_string(json_root(right->view), "name"));
}

/* Sorted by account, cloud, region and name; caller unrefs. */
static GArray *search(ApiCall *call, const InventorySnapshot *snapshot, const char *account, const char *region, const char *id,
                      const char *provider) {
    GArray *found = g_array_new(FALSE, FALSE, sizeof(Firewall));
    g_array_set_clear_func(found, clear_firewall);
    Search s = {call, snapshot, id, provider, found};
    inventory_each(snapshot, account, KIND_SECURITY_GROUP, region, note, &s);
    g_array_sort(found, compare);
    return found;
}

static void add_summary(JsonBuilder *builder, const Firewall *firewall) {
    static const char *const MEMBERS[] = {"id", "name", "vpcId", "application", "moniker"};
    json_begin_object(builder, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(MEMBERS); i++)
        json_add_value(builder, MEMBERS[i], json_get(json_root(firewall->view), MEMBERS[i]));
    json_end_object(builder);
}

/* ---- all: account → cloud → region → summaries ---- */
static gboolean differs(const char *a, const char *b) {
    return a == NULL || strcmp(a, b) != 0;
}

static Json *nested(const GArray *found) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const char *account = NULL, *cloud = NULL, *region = NULL;
    json_begin_object(builder, NULL);
    for (guint i = 0; i < found->len; i++) {
        const Firewall *firewall = &g_array_index(found, Firewall, i);
        gboolean new_account = differs(account, firewall->object->account);
        gboolean new_cloud = new_account || differs(cloud, firewall->cloud);
        gboolean new_region = new_cloud || differs(region, firewall->object->region);
        if (new_region && region != NULL)
            json_end_array(builder);
        if (new_cloud && cloud != NULL)
            json_end_object(builder);
        if (new_account && account != NULL)
            json_end_object(builder);
        account = firewall->object->account, cloud = firewall->cloud, region = firewall->object->region;
        if (new_account)
            json_begin_object(builder, account);
        if (new_cloud)
            json_begin_object(builder, cloud);
        if (new_region)
            json_begin_array(builder, region);
        add_summary(builder, firewall);
    }
    if (account != NULL) {
        json_end_array(builder);
        json_end_object(builder);
        json_end_object(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

typedef struct {
    char *id;
} AllQuery;
static const Param all_query[] = {
    {.name = "id", .type = PARAM_STRING, .offset = offsetof(AllQuery, id), .help = "Only the one with this id."},
    {0},
};

static Json *all(ApiCall *call, const char *word, GError **error) {
    const char *id = ((const AllQuery *)call->query)->id;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GArray) found = search(call, snapshot, NULL, NULL, id, NULL);
    if (id == NULL)
        return nested(found);
    if (found->len > 0)
        return json_ref(g_array_index(found, Firewall, 0).view);
    error_set(error, ERR_NOT_FOUND, "No %s found (id: %s)", word, id);
    return NULL;
}

static Json *security_groups_get(ApiCall *call, GError **error) {
    return all(call, "security group", error);
}

static Json *firewalls_get(ApiCall *call, GError **error) {
    return all(call, "firewall", error);
}

/* ---- of an account ---- */
typedef struct {
    char *provider, *vpc_id;
} DetailQuery;
static const Param detail_query[] = {
    {.name = "provider", .type = PARAM_STRING, .offset = offsetof(DetailQuery, provider), .help = "Only of this cloud."},
    {.name = "vpcId", .type = PARAM_STRING, .offset = offsetof(DetailQuery, vpc_id), .help = "Only of this network."},
    {0},
};

static Json *of_account_get(ApiCall *call, GError **error) {
    (void)error;
    const DetailQuery *query = call->query;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GArray) found = search(call, snapshot, api_path(call, "account"), NULL, NULL, query->provider);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const char *region = NULL;
    json_begin_object(builder, NULL);
    for (guint i = 0; i < found->len; i++) {
        const Firewall *firewall = &g_array_index(found, Firewall, i);
        if (differs(region, firewall->object->region)) {
            if (region != NULL)
                json_end_array(builder);
            region = firewall->object->region;
            json_begin_array(builder, region);
        }
        add_summary(builder, firewall);
    }
    if (region != NULL)
        json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *of_region_get(ApiCall *call, GError **error) {
    (void)error;
    const DetailQuery *query = call->query;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GArray) found = search(call, snapshot, api_path(call, "account"), api_path(call, "region"), NULL, query->provider);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < found->len; i++)
        add_summary(builder, &g_array_index(found, Firewall, i));
    json_end_array(builder);
    return json_builder_end(builder);
}

/* By name or id. */
static Json *one_get(ApiCall *call, GError **error) {
    const DetailQuery *query = call->query;
    const char *name = api_path(call, "name");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GArray) found = search(call, snapshot, api_path(call, "account"), api_path(call, "region"), NULL, query->provider);
    for (guint i = 0; i < found->len; i++) {
        const Firewall *firewall = &g_array_index(found, Firewall, i);
        const JsonValue *view = json_root(firewall->view);
        gboolean named = strcmp(firewall->object->id, name) == 0 || g_strcmp0(json_get_string(view, "name"), name) == 0;
        if (named && (query->vpc_id == NULL || g_strcmp0(json_get_string(view, "vpcId"), query->vpc_id) == 0))
            return json_ref(firewall->view);
    }
    error_set(error, ERR_NOT_FOUND, "Security group '%s' does not exist", name);
    return NULL;
}

#define DETAIL_QUERY .query = detail_query, .query_size = sizeof(DetailQuery)
#define ALL_QUERY .query = all_query, .query_size = sizeof(AllQuery)

static const Route routes[] = {
    {.method = "GET",
     .path = "/securityGroups",
     .handler = security_groups_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     ALL_QUERY,
     .help = "Security groups by account, cloud and region; or the one with an id."},
    {.method = "GET",
     .path = "/firewalls",
     .handler = firewalls_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     ALL_QUERY,
     .help = "As /securityGroups."},
    {.method = "GET",
     .path = "/securityGroups/{account}",
     .handler = of_account_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     DETAIL_QUERY,
     .help = "Security groups of an account by region."},
    {.method = "GET",
     .path = "/firewalls/{account}",
     .handler = of_account_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     DETAIL_QUERY,
     .help = "As /securityGroups/{account}."},
    {.method = "GET",
     .path = "/firewalls/{account}/{region}",
     .handler = of_region_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     DETAIL_QUERY,
     .help = "Security groups of a region."},
    {.method = "GET",
     .path = "/securityGroups/{account}/{region}/{name}",
     .handler = one_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     DETAIL_QUERY,
     .help = "One security group, by name or id, with its rules."},
    {.method = "GET",
     .path = "/firewalls/{account}/{region}/{name}",
     .handler = one_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     DETAIL_QUERY,
     .help = "As /securityGroups/{account}/{region}/{name}."},
    {0},
};
const RouteTable firewall_routes = {"Firewalls", routes};
