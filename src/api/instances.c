/* Instances (api.md 10). */
#include "api/internal.h"
#include "api/snapshot.h"

static Json *instance_get(ApiCall *call, GError **error) {
    const char *account = api_path(call, "account"), *id = api_path(call, "id");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    const InventoryObject *object = inventory_get(snapshot, account, KIND_INSTANCE, api_path(call, "region"), id);
    const CloudViews *views = object != NULL ? snapshot_views(call->services->clouds, account) : NULL;
    if (views == NULL || views->instance == NULL) {
        error_set(error, ERR_NOT_FOUND, "Instance not found (id: %s)", id);
        return NULL;
    }
    g_autoptr(Json) view = views->instance(snapshot, object, call->now_ms);
    g_autoptr(Json) none = json_empty_array();
    return json_with(json_root(view), "insightActions", json_root(none));
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/instances/{account}/{region}/{id}",
     .handler = instance_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .help = "One instance with its health."},
    {0},
};
const RouteTable instance_routes = {"Instances", routes};
