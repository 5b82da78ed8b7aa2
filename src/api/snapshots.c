/* Snapshots of an application's infrastructure (api.md 15, storage-and-config.md 1.7): what was imported can be read; none are made here. Store
 * objects of kind "snapshot", id = <application>-<account>. */
#include "api/history.h"
#include "api/internal.h"
#include "stages/metadata/stored_documents.h"

#define SNAPSHOT_KIND "snapshot"

static char *id_of(const ApiCall *call) {
    return g_strconcat(api_path(call, "application"), "-", api_path(call, "account"), NULL);
}

static Json *current_get(ApiCall *call, GError **error) {
    g_autofree char *id = id_of(call);
    const StoredDocument document = {.kind = SNAPSHOT_KIND, .id = id, .what = "Snapshot"};
    return stored_document_load(call->services->store, &document, error);
}

static Json *history_get(ApiCall *call, GError **error) {
    g_autofree char *id = id_of(call);
    return history_list(call, SNAPSHOT_KIND, id, error);
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
     HISTORY_QUERY,
     .help = "All stored versions of it, newest first."},
    {0},
};
const RouteTable snapshot_routes = {"Snapshots", routes};
