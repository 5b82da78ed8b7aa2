/* What the clouds hold: a tree account → kind → region → objects, published as immutable snapshots.
 *
 * Writers replace leaves or single objects; readers take a snapshot (one atomic reference) and see one moment. Rules:
 * - a write of ours is visible at once: inventory_put after the call that made it;
 * - a read that began before such a write never undoes it (objects carry when they were seen);
 * - only a complete read replaces a leaf, so a failed or partial read never makes anything vanish;
 * - clouds show a write late: for INVENTORY_SETTLE_MS after it, a read that does not show it is not believed about that object;
 * - each leaf knows its age and its last error.
 */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define INVENTORY_SETTLE_MS 10000
#define INVENTORY_CHANGES_MAX 100 /* objects that one replacement tells one by one; above, the leaf is told as a whole */

typedef struct Inventory Inventory;
typedef struct InventorySnapshot InventorySnapshot;

/* Immutable, reference-counted. record is a typed record of clouds/cloud.h (or NULL), freed by free_record. */
typedef struct InventoryObject {
    const char *kind;            /* one of the KIND_… constants */
    char *account, *region, *id; /* id is unique in its leaf: the server group's name, the instance's id … */
    char *application, *cluster; /* lower-case application; NULL where it has none */
    Json *document;              /* as the cloud described it, or as served; may be NULL */
    gconstpointer record;
    GDestroyNotify free_record;
    gint64 seen_ms;   /* when the read that saw it began, or the write of ours ended */
    gboolean written; /* set by inventory_put */
} InventoryObject;
#define KIND_SERVER_GROUP "serverGroups"
#define KIND_INSTANCE "instances"
#define KIND_LOAD_BALANCER "loadBalancers"
#define KIND_TARGET_GROUP "targetGroups"
#define KIND_SECURITY_GROUP "securityGroups"
#define KIND_IMAGE "images"
#define KIND_SUBNET "subnets"
#define KIND_NETWORK "networks"
#define KIND_KEY_PAIR "keyPairs"
#define KIND_INSTANCE_TYPE "instanceTypes"
#define KIND_LAUNCH_TEMPLATE "launchTemplates"
#define KIND_LAUNCH_CONFIGURATION "launchConfigs"
#define KIND_HEALTH "health" /* id "<instance>|<load balancer or target group>" */
InventoryObject *inventory_object_new(const char *kind, const char *account, const char *region, const char *id);
InventoryObject *inventory_object_ref(InventoryObject *object);
void inventory_object_unref(InventoryObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InventoryObject, inventory_object_unref)

/* changed: what differs now; id NULL: much of the leaf. On the changing thread, without a lock. */
Inventory *inventory_new(void (*changed)(const char *account, const char *kind, const char *region, const char *id, gpointer data),
                         gpointer data);
void inventory_free(Inventory *inventory);

/* Replaces a leaf with what one complete read saw (objects: InventoryObject *, the array keeps its references). Objects seen
 * after read_began_ms by a write of ours stay; those removed after it stay away. changed is called per object that differs. */
void inventory_replace(Inventory *inventory, const char *account, const char *kind, const char *region, GPtrArray *objects,
                       gint64 read_began_ms);
void inventory_put(Inventory *inventory, InventoryObject *object);
void inventory_remove(Inventory *inventory, const char *account, const char *kind, const char *region, const char *id, gint64 seen_ms);
void inventory_failed(Inventory *inventory, const char *account, const char *kind, const char *region, const GError *error, gint64 now_ms);
void inventory_forget_account(Inventory *inventory, const char *account);
void inventory_begin_region(Inventory *inventory, const char *account, const char *kind, const char *region); /* so that its age shows */

InventorySnapshot *inventory_snapshot(Inventory *inventory);
void inventory_snapshot_unref(InventorySnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InventorySnapshot, inventory_snapshot_unref)

/* Borrowed from the snapshot; NULL when absent. region NULL: first in any region. */
const InventoryObject *inventory_get(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region,
                                     const char *id);
/* Each object of a kind; account, region NULL: all. FALSE from visit stops. */
typedef gboolean (*InventoryVisit)(const InventoryObject *object, gpointer data);
void inventory_each(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region, InventoryVisit visit,
                    gpointer data);
/* Those of one leaf whose id begins with a prefix, by search in the sorted leaf. */
void inventory_each_prefixed(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region,
                             const char *prefix, InventoryVisit visit, gpointer data);
/* By index, not by scan: objects of a kind that belong to an application (lower case), or to a cluster of it (cluster not NULL). */
void inventory_each_of_application(const InventorySnapshot *snapshot, const char *kind, const char *application, const char *cluster,
                                   InventoryVisit visit, gpointer data);
char **inventory_applications(const InventorySnapshot *snapshot); /* of server groups; strv */

typedef struct {
    const char *account, *kind, *region;
    gint64 read_ms;    /* when the last complete read began; 0 never */
    gint64 error_ms;   /* 0: the last read was fine */
    const char *error; /* text of the last error */
    guint objects;
} InventoryLeaf;
typedef gboolean (*InventoryLeafVisit)(const InventoryLeaf *leaf, gpointer data);
void inventory_leaves(const InventorySnapshot *snapshot, const char *account, InventoryLeafVisit visit, gpointer data);
