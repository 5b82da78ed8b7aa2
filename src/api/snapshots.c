/* Snapshots of an application's infrastructure (api.md 15, storage-and-config.md 1.7): what was imported can be read; none are made here. Store
 * objects of kind "snapshot", id = <application>-<account>. */
#include "api/internal.h"
#include "stages/metadata/stored_documents.h"

#define SNAPSHOT_KIND "snapshot"

typedef struct {
    gint64 limit;
} HistoryQuery;
static const Param history_query[] = {
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(HistoryQuery, limit),
     .otherwise = "20",
     .min = 1,
     .max = OBJECT_HISTORY_MAX,
     .help = "At most so many."},
    {0},
};

static char *id_of(const ApiCall *call) {
    return g_strconcat(api_path(call, "application"), "-", api_path(call, "account"), NULL);
}

static Json *current_get(ApiCall *call, GError **error) {
    g_autofree char *id = id_of(call);
    const StoredDocument document = {.kind = SNAPSHOT_KIND, .id = id, .what = "Snapshot"};
    return stored_document_load(call->services->store, &document, error);
}

static gboolean add_version(const StoreObject *object, gpointer data) {
    json_add_json(data, NULL, object->body);
    return TRUE;
}

static Json *history_get(ApiCall *call, GError **error) {
    g_autofree char *id = id_of(call);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (!store_object_history(call->services->store, SNAPSHOT_KIND, id, (guint)((const HistoryQuery *)call->query)->limit, add_version,
                              builder, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications/{application}/snapshots/{account}",
     .handler = current_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "The latest snapshot of an application's infrastructure in an account; imported ones only, none are made here."},
    {.method = "GET",
     .path = "/applications/{application}/snapshots/{account}/history",
     .handler = history_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = history_query,
     .query_size = sizeof(HistoryQuery),
     .help = "All stored versions of it, newest first."},
    {0},
};
const RouteTable snapshot_routes = {"Snapshots", routes};
