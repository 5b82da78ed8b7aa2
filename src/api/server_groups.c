/* Server groups (api.md 9). */
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

typedef struct {
    ApiCall *call;
    const InventorySnapshot *snapshot;
    JsonBuilder *builder;
    ViewDetail detail;
    char **clusters; /* "account:cluster", or NULL: all */
    const char *provider;
} Listing;

static gboolean is_listed(const Listing *listing, const InventoryObject *object) {
    if (listing->provider != NULL && strcmp(group_of(object)->cloud, listing->provider) != 0)
        return FALSE;
    if (listing->clusters == NULL)
        return TRUE;
    g_autofree char *key = g_strdup_printf("%s:%s", object->account, object->cluster != NULL ? object->cluster : "");
    return g_strv_contains((const char *const *)listing->clusters, key);
}

/* A full view with what lists add to it. */
static void add_expanded(Listing *listing, const InventoryObject *object) {
    const CloudViews *views = snapshot_views(listing->call->services->clouds, object->account);
    if (views == NULL || views->server_group == NULL)
        return;
    const ServerGroup *group = group_of(object);
    g_autoptr(Json) full = views->server_group(listing->snapshot, object, FALSE, listing->call->now_ms);
    g_autoptr(Json) more = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "accountName", object->account, "account", object->account,
                                     "cluster", object->cluster, "application", object->application, "stack", group->moniker.stack,
                                     "freeFormDetail", group->moniker.detail);
    g_autoptr(Json) merged = json_merge(json_root(full), json_root(more));
    json_add_json(listing->builder, NULL, merged);
}

static gboolean list_one(const InventoryObject *object, gpointer data) {
    Listing *listing = data;
    if (!is_listed(listing, object))
        return TRUE;
    if (listing->detail == VIEW_FULL)
        add_expanded(listing, object);
    else
        snapshot_add_server_group(listing->call->services->clouds, listing->snapshot, object, VIEW_SUMMARY, listing->call->now_ms,
                                  listing->builder);
    return TRUE;
}

static void list_application(Listing *listing, const char *application) {
    g_autofree char *lower = g_utf8_strdown(application, -1);
    inventory_each_of_application(listing->snapshot, KIND_SERVER_GROUP, lower, NULL, list_one, listing);
}

typedef struct {
    gboolean expand;
    char *provider;
    char **clusters;
} OfApplicationQuery;
static const Param of_application_query[] = {
    {.name = "expand",
     .type = PARAM_BOOL,
     .offset = offsetof(OfApplicationQuery, expand),
     .help = "Full server groups instead of summaries."},
    {.name = "cloudProvider", .type = PARAM_STRING, .offset = offsetof(OfApplicationQuery, provider), .help = "Only those of this cloud."},
    {.name = "clusters",
     .type = PARAM_STRINGS,
     .offset = offsetof(OfApplicationQuery, clusters),
     .help = "Only those of these clusters, as account:cluster."},
    {0},
};

static Json *of_application_get(ApiCall *call, GError **error) {
    const OfApplicationQuery *query = call->query;
    (void)error;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, snapshot, builder, query->expand ? VIEW_FULL : VIEW_SUMMARY, query->clusters, query->provider};
    json_begin_array(builder, NULL);
    list_application(&listing, api_path(call, "application"));
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- across applications ---- */
typedef struct {
    char **applications, **ids;
} AcrossQuery;
static const Param across_query[] = {
    {.name = "applications", .type = PARAM_STRINGS, .offset = offsetof(AcrossQuery, applications), .help = "Those of these applications."},
    {.name = "ids", .type = PARAM_STRINGS, .offset = offsetof(AcrossQuery, ids), .help = "These, as account:region:name."},
    {0},
};

static void list_id(Listing *listing, const char *id) {
    g_auto(GStrv) parts = g_strsplit(id, ":", 3);
    if (g_strv_length(parts) != 3)
        return;
    const InventoryObject *object = inventory_get(listing->snapshot, parts[0], KIND_SERVER_GROUP, parts[1], parts[2]);
    if (object != NULL && api_may(listing->call, MAY_READ, "account", object->account))
        list_one(object, listing);
}

static Json *across_get(ApiCall *call, GError **error) {
    const AcrossQuery *query = call->query;
    if ((query->applications == NULL) == (query->ids == NULL)) {
        error_set(error, ERR_INVALID, "Provide either list of applications or server group ids, but not both");
        return NULL;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {.call = call, .snapshot = snapshot, .builder = builder, .detail = VIEW_SUMMARY};
    json_begin_array(builder, NULL);
    for (gsize i = 0; query->applications != NULL && query->applications[i] != NULL; i++)
        if (api_may(call, MAY_READ, "application", query->applications[i]))
            list_application(&listing, query->applications[i]);
    for (gsize i = 0; query->ids != NULL && query->ids[i] != NULL; i++)
        list_id(&listing, query->ids[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- one ---- */
static Json *group_get(ApiCall *call, GError **error) {
    const char *account = api_path(call, "account"), *region = api_path(call, "region"), *name = api_path(call, "name");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    const InventoryObject *object = inventory_get(snapshot, account, KIND_SERVER_GROUP, region, name);
    const CloudViews *views = object != NULL ? snapshot_views(call->services->clouds, account) : NULL;
    if (views == NULL || views->server_group == NULL) {
        error_set(error, ERR_NOT_FOUND, "Server group not found (id: %s)", name);
        return NULL;
    }
    g_autoptr(Json) full = views->server_group(snapshot, object, FALSE, call->now_ms);
    g_autoptr(Json) none = json_empty_array();
    return json_with(json_root(full), "insightActions", json_root(none));
}

static Json *none_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return json_empty_array();
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications/{application}/serverGroups",
     .handler = of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = of_application_query,
     .query_size = sizeof(OfApplicationQuery),
     .help = "An application's server groups."},
    {.method = "GET",
     .path = "/serverGroups",
     .handler = across_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = across_query,
     .query_size = sizeof(AcrossQuery),
     .help = "Summaries of server groups, of several applications or by id."},
    {.method = "GET",
     .path = "/applications/{application}/serverGroups/{account}/{region}/{name}",
     .handler = group_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "One server group with all its instances and their health."},
    {.method = "GET",
     .path = "/applications/{application}/serverGroupManagers",
     .handler = none_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "What manages server groups, where a cloud has such a thing."},
    {0},
};
const RouteTable server_group_routes = {"Server groups", routes};
