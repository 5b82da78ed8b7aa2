/* Machine images (api.md 10, aws.md 3). */
#include "api/internal.h"
#include "api/snapshot.h"

/* ---- find ---- */
typedef struct {
    char *provider, *q, *account, *region; /* the last three are the cloud's to read */
    gint64 count;
} FindQuery;
static const Param find_query[] = {
    {.name = "provider", .type = PARAM_STRING, .offset = offsetof(FindQuery, provider), .otherwise = "\"aws\"", .help = "Which cloud."},
    {.name = "q",
     .type = PARAM_STRING,
     .offset = offsetof(FindQuery, q),
     .help = "Part of the name, at least 3 characters, with * and ? as wildcards."},
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(FindQuery, account), .help = "Only those of this account."},
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(FindQuery, region), .help = "Only those in this region."},
    {.name = "count",
     .type = PARAM_INT,
     .offset = offsetof(FindQuery, count),
     .min = 0,
     .max = G_MAXINT32,
     .help = "At most so many; 0: all that were found. More parameters, such as tag:name=value, go to the cloud."},
    {0},
};

static void add_parameter(const char *name, const char *value, gpointer data) {
    json_add_string(data, name, value);
}

static Json *find_get(ApiCall *call, GError **error) {
    const FindQuery *query = call->query;
    const Cloud *cloud = clouds_find(call->services->clouds, query->provider);
    if (cloud == NULL || cloud->views->images_find == NULL) {
        error_set(error, ERR_INVALID, "No cloud provider named %s found", query->provider);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    http_exchange_query_each(call->exchange, add_parameter, builder);
    json_end_object(builder);
    g_autoptr(Json) parameters = json_builder_end(builder);
    g_autoptr(Json) found = cloud->views->images_find(call->services->clouds, json_root(parameters), error);
    if (found == NULL || query->count == 0 || json_length(json_root(found)) <= (gsize)query->count)
        return g_steal_pointer(&found);
    json_begin_array(builder, NULL);
    for (gsize i = 0; i < (gsize)query->count; i++)
        json_add_value(builder, NULL, json_at(json_root(found), i));
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- one ---- */
static Json *image_get(ApiCall *call, GError **error) {
    const char *account = api_path(call, "account"), *id = api_path(call, "id");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    const InventoryObject *object = inventory_get(snapshot, account, KIND_IMAGE, api_path(call, "region"), id);
    const CloudViews *views = object != NULL ? snapshot_views(call->services->clouds, account) : NULL;
    if (views == NULL || views->image == NULL) {
        error_set(error, ERR_NOT_FOUND, "Image not found (id: %s)", id);
        return NULL;
    }
    g_autoptr(Json) view = views->image(snapshot, object);
    return json_pack("[j]", view);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/images/find",
     .handler = find_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = find_query,
     .query_size = sizeof(FindQuery),
     .help = "Images by name, merged over accounts and regions."},
    {.method = "GET",
     .path = "/images/{account}/{region}/{id}",
     .handler = image_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .help = "One image, as a list of one."},
    {0},
};
const RouteTable image_routes = {"Images", routes};
