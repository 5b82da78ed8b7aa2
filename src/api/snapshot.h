/* What resource files share about the inventory: grouping into clusters, and each cloud's views. All reads are of one snapshot. */
#pragma once
#include "api/route.h"

/* The views of the cloud that an account belongs to; NULL when the account is gone. */
const CloudViews *snapshot_views(Clouds *clouds, const char *account);

typedef struct {
    const char *account, *name; /* borrowed from the snapshot */
    const char *cloud;
    GPtrArray *groups; /* of const InventoryObject *: server groups, by region, then oldest first */
} ClusterView;
/* Clusters of an application (lower case) by account and name; account, cluster NULL: all. Caller unrefs the array, which owns them. */
GPtrArray *snapshot_clusters(const InventorySnapshot *snapshot, const char *application, const char *account, const char *cluster);

static inline const ServerGroup *group_of(const InventoryObject *object) {
    return object->record;
}

/* Adds the view of an object to the open array; nothing when its cloud is gone or shows no such kind. */
typedef enum { VIEW_SUMMARY, VIEW_FULL } ViewDetail;
void snapshot_add_server_group(Clouds *clouds, const InventorySnapshot *snapshot, const InventoryObject *object, ViewDetail detail,
                               gint64 now_ms, JsonBuilder *builder);
void snapshot_add_load_balancer(Clouds *clouds, const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms,
                                JsonBuilder *builder);
/* {app, cluster, stack, detail, sequence} */
void snapshot_add_moniker(JsonBuilder *builder, const char *key, const Moniker *moniker);

/* Names of load balancers of these server groups, sorted, each once; caller frees. */
char **snapshot_load_balancers(const GPtrArray *groups);
