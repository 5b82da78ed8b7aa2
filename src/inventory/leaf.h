/* One leaf of the inventory: the objects of a kind in an account and region, sorted by id. Private to the inventory room.
 *
 * A leaf is changed in place only while no snapshot holds it (its owner checks that); once shared it is immutable. */
#pragma once
#include "inventory/inventory.h"

typedef struct {
    char *account, *kind, *region, *error;
    gint64 read_ms, error_ms;
    GPtrArray *objects;        /* of InventoryObject, by id */
    GPtrArray *of_application; /* those with an application, by application, cluster, id; borrowed; made at the first question */
} Leaf;

Leaf *leaf_new(const char *account, const char *kind, const char *region);
Leaf *leaf_copy(const Leaf *leaf);
Leaf *leaf_ref(Leaf *leaf);
void leaf_unref(Leaf *leaf);
int leaf_order(const Leaf *leaf, const char *account, const char *kind, const char *region);

gboolean leaf_find(const Leaf *leaf, const char *id, guint *place); /* where the id is, or where it belongs */
InventoryObject *leaf_get(const Leaf *leaf, const char *id);        /* borrowed; NULL when absent */
void leaf_put(Leaf *leaf, InventoryObject *object);                 /* takes a reference of its own */
gboolean leaf_remove(Leaf *leaf, const char *id);
/* Only on a shared leaf: FALSE when visit stopped it. */
gboolean leaf_each_of_application(Leaf *leaf, const char *application, const char *cluster, InventoryVisit visit, gpointer data);
