/* The inventory: what is known of every cloud, and the rules by which a read may change it (README.md).
 *
 * Owns the current leaves and the memory of removals (tombstones). Any thread; the lock is held only to change pointers, never
 * over a call to somebody else. A leaf that a snapshot holds is copied before it is changed, at most once per snapshot. */
#include "inventory/inventory.h"
#include "inventory/leaf.h"

/* One leaf as the inventory holds it. */
typedef struct {
    Leaf *leaf;
    gboolean shared;        /* a snapshot holds the leaf: copy before a change */
    GHashTable *tombstones; /* id → gint64 * when it was removed; only as long as a read might undo it */
} Place;

struct Inventory {
    GMutex lock;
    GPtrArray *places;          /* of Place, in the order of leaf_order */
    InventorySnapshot *current; /* NULL: something changed since the last one */
    void (*changed)(const char *account, const char *kind, const char *region, const char *id, gpointer data);
    gpointer changed_data;
};

struct InventorySnapshot {
    GPtrArray *leaves; /* of Leaf, in the order of leaf_order */
};

static void place_free(gpointer memory) {
    Place *place = memory;
    leaf_unref(place->leaf);
    g_hash_table_unref(place->tombstones);
    g_free(place);
}

Inventory *inventory_new(void (*changed)(const char *account, const char *kind, const char *region, const char *id, gpointer data),
                         gpointer data) {
    Inventory *inventory = g_new0(Inventory, 1);
    g_mutex_init(&inventory->lock);
    inventory->places = g_ptr_array_new_with_free_func(place_free);
    inventory->changed = changed;
    inventory->changed_data = data;
    return inventory;
}

void inventory_free(Inventory *inventory) {
    if (!inventory)
        return;
    if (inventory->current)
        inventory_snapshot_unref(inventory->current);
    g_ptr_array_unref(inventory->places);
    g_mutex_clear(&inventory->lock);
    g_free(inventory);
}

/* ---- changes: with the lock held ---- */

static void forget_snapshot(Inventory *inventory) {
    g_clear_pointer(&inventory->current, inventory_snapshot_unref);
}

static Place *find_place(Inventory *inventory, const char *account, const char *kind, const char *region) {
    guint low = 0, high = inventory->places->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        Place *place = inventory->places->pdata[middle];
        int order = leaf_order(place->leaf, account, kind, region);
        if (!order)
            return place;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    Place *place = g_new0(Place, 1);
    place->leaf = leaf_new(account, kind, region);
    place->tombstones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_ptr_array_insert(inventory->places, (gint)low, place);
    forget_snapshot(inventory);
    return place;
}

/* The leaf, so that it may be changed. */
static Leaf *open_leaf(Inventory *inventory, Place *place) {
    if (place->shared) {
        Leaf *copy = leaf_copy(place->leaf);
        leaf_unref(place->leaf);
        place->leaf = copy;
        place->shared = FALSE;
    }
    forget_snapshot(inventory);
    return place->leaf;
}

static gint64 removed_at(const Place *place, const char *id) {
    const gint64 *when = g_hash_table_lookup(place->tombstones, id);
    return when ? *when : 0;
}

static void bury(Place *place, const char *id, gint64 when_ms) {
    gint64 *when = g_new(gint64, 1);
    *when = MAX(when_ms, removed_at(place, id));
    g_hash_table_insert(place->tombstones, g_strdup(id), when);
}

static gboolean differs(const InventoryObject *a, const InventoryObject *b) {
    return !a->document || !b->document || !json_equal(json_root(a->document), json_root(b->document));
}

/* What a complete read says of one object that it saw. */
static void merge_seen(Place *place, Leaf *into, InventoryObject *seen, gint64 read_began_ms, GPtrArray *changes) {
    InventoryObject *known = leaf_get(place->leaf, seen->id);
    if (!seen->seen_ms)
        seen->seen_ms = read_began_ms;
    gint64 removed_ms = removed_at(place, seen->id);
    if (removed_ms && read_began_ms < removed_ms + INVENTORY_SETTLE_MS)
        return;
    if (known && known->seen_ms > read_began_ms) {
        leaf_put(into, known);
        return;
    }
    leaf_put(into, seen);
    if (!known || differs(known, seen))
        g_ptr_array_add(changes, g_strdup(seen->id));
}

/* What it says of those that it did not see. */
static void merge_unseen(Place *place, Leaf *into, gint64 read_began_ms, GPtrArray *changes) {
    for (guint i = 0; i < place->leaf->objects->len; i++) {
        InventoryObject *known = place->leaf->objects->pdata[i];
        if (leaf_get(into, known->id))
            continue;
        gint64 believed_ms = known->seen_ms + (known->written ? INVENTORY_SETTLE_MS : 0);
        if (known->seen_ms > read_began_ms || believed_ms > read_began_ms)
            leaf_put(into, known);
        else
            g_ptr_array_add(changes, g_strdup(known->id));
    }
}

static gboolean tombstone_is_old(gpointer key, gpointer value, gpointer data) {
    (void)key;
    return *(gint64 *)value + INVENTORY_SETTLE_MS <= *(gint64 *)data;
}

/* ---- telling: without the lock ---- */

static void tell(Inventory *inventory, const char *account, const char *kind, const char *region, const GPtrArray *ids) {
    if (!inventory->changed || !ids->len)
        return;
    if (ids->len > INVENTORY_CHANGES_MAX) {
        inventory->changed(account, kind, region, NULL, inventory->changed_data);
        return;
    }
    for (guint i = 0; i < ids->len; i++)
        inventory->changed(account, kind, region, ids->pdata[i], inventory->changed_data);
}

static int id_order(gconstpointer left, gconstpointer right) {
    return strcmp((*(const InventoryObject *const *)left)->id, (*(const InventoryObject *const *)right)->id);
}

void inventory_replace(Inventory *inventory, const char *account, const char *kind, const char *region, GPtrArray *objects,
                       gint64 read_began_ms) {
    g_autoptr(GPtrArray) changes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy(objects, NULL, NULL);
    g_ptr_array_set_free_func(sorted, NULL);
    g_ptr_array_sort(sorted, id_order); /* so that each is appended to the leaf */
    g_mutex_lock(&inventory->lock);
    Place *place = find_place(inventory, account, kind, region);
    if (place->leaf->read_ms <= read_began_ms) {
        Leaf *into = leaf_new(account, kind, region);
        for (guint i = 0; i < sorted->len; i++)
            merge_seen(place, into, sorted->pdata[i], read_began_ms, changes);
        merge_unseen(place, into, read_began_ms, changes);
        into->read_ms = read_began_ms;
        leaf_unref(place->leaf);
        place->leaf = into;
        place->shared = FALSE;
        g_hash_table_foreach_remove(place->tombstones, tombstone_is_old, &read_began_ms);
        forget_snapshot(inventory);
    }
    g_mutex_unlock(&inventory->lock);
    tell(inventory, account, kind, region, changes);
}

void inventory_put(Inventory *inventory, InventoryObject *object) {
    g_mutex_lock(&inventory->lock);
    Place *place = find_place(inventory, object->account, object->kind, object->region);
    const InventoryObject *known = leaf_get(place->leaf, object->id);
    gboolean newest = removed_at(place, object->id) <= object->seen_ms && (!known || known->seen_ms <= object->seen_ms);
    gboolean different = newest && (!known || differs(known, object));
    if (newest) {
        object->written = TRUE;
        g_hash_table_remove(place->tombstones, object->id);
        leaf_put(open_leaf(inventory, place), object);
    }
    g_mutex_unlock(&inventory->lock);
    if (different && inventory->changed)
        inventory->changed(object->account, object->kind, object->region, object->id, inventory->changed_data);
}

void inventory_remove(Inventory *inventory, const char *account, const char *kind, const char *region, const char *id, gint64 seen_ms) {
    gboolean removed = FALSE;
    g_mutex_lock(&inventory->lock);
    Place *place = find_place(inventory, account, kind, region);
    const InventoryObject *known = leaf_get(place->leaf, id);
    if (!known || known->seen_ms <= seen_ms) {
        bury(place, id, seen_ms);
        removed = known && leaf_remove(open_leaf(inventory, place), id);
    }
    g_mutex_unlock(&inventory->lock);
    if (removed && inventory->changed)
        inventory->changed(account, kind, region, id, inventory->changed_data);
}

void inventory_failed(Inventory *inventory, const char *account, const char *kind, const char *region, const GError *error, gint64 now_ms) {
    g_mutex_lock(&inventory->lock);
    Leaf *leaf = open_leaf(inventory, find_place(inventory, account, kind, region));
    g_free(leaf->error);
    leaf->error = g_strdup(error->message);
    leaf->error_ms = now_ms;
    g_mutex_unlock(&inventory->lock);
}

void inventory_begin_region(Inventory *inventory, const char *account, const char *kind, const char *region) {
    g_mutex_lock(&inventory->lock);
    find_place(inventory, account, kind, region);
    g_mutex_unlock(&inventory->lock);
}

void inventory_forget_account(Inventory *inventory, const char *account) {
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(place_free);
    g_mutex_lock(&inventory->lock);
    for (guint i = inventory->places->len; i-- > 0;) {
        Place *place = inventory->places->pdata[i];
        if (!strcmp(place->leaf->account, account))
            g_ptr_array_add(gone, g_ptr_array_steal_index(inventory->places, i));
    }
    forget_snapshot(inventory);
    g_mutex_unlock(&inventory->lock);
    for (guint i = 0; inventory->changed && i < gone->len; i++) {
        const Leaf *leaf = ((Place *)gone->pdata[i])->leaf;
        inventory->changed(leaf->account, leaf->kind, leaf->region, NULL, inventory->changed_data);
    }
}

/* ---- reading ---- */

static void snapshot_clear(gpointer memory) {
    g_ptr_array_unref(((InventorySnapshot *)memory)->leaves);
}

InventorySnapshot *inventory_snapshot(Inventory *inventory) {
    g_mutex_lock(&inventory->lock);
    if (!inventory->current) {
        InventorySnapshot *snapshot = g_atomic_rc_box_new0(InventorySnapshot);
        snapshot->leaves = g_ptr_array_new_full(inventory->places->len, (GDestroyNotify)leaf_unref);
        for (guint i = 0; i < inventory->places->len; i++) {
            Place *place = inventory->places->pdata[i];
            place->shared = TRUE;
            g_ptr_array_add(snapshot->leaves, leaf_ref(place->leaf));
        }
        inventory->current = snapshot;
    }
    InventorySnapshot *snapshot = g_atomic_rc_box_acquire(inventory->current);
    g_mutex_unlock(&inventory->lock);
    return snapshot;
}

void inventory_snapshot_unref(InventorySnapshot *snapshot) {
    if (snapshot)
        g_atomic_rc_box_release_full(snapshot, snapshot_clear);
}

static gboolean leaf_matches(const Leaf *leaf, const char *account, const char *kind, const char *region) {
    return (!account || !strcmp(leaf->account, account)) && (!kind || !strcmp(leaf->kind, kind)) &&
           (!region || !strcmp(leaf->region, region));
}

const InventoryObject *inventory_get(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region,
                                     const char *id) {
    for (guint i = 0; i < snapshot->leaves->len; i++) {
        const Leaf *leaf = snapshot->leaves->pdata[i];
        if (!leaf_matches(leaf, account, kind, region))
            continue;
        const InventoryObject *object = leaf_get(leaf, id);
        if (object)
            return object;
    }
    return NULL;
}

void inventory_each(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region, InventoryVisit visit,
                    gpointer data) {
    for (guint i = 0; i < snapshot->leaves->len; i++) {
        const Leaf *leaf = snapshot->leaves->pdata[i];
        if (!leaf_matches(leaf, account, kind, region))
            continue;
        for (guint k = 0; k < leaf->objects->len; k++)
            if (!visit(leaf->objects->pdata[k], data))
                return;
    }
}

void inventory_each_prefixed(const InventorySnapshot *snapshot, const char *account, const char *kind, const char *region,
                             const char *prefix, InventoryVisit visit, gpointer data) {
    for (guint i = 0; i < snapshot->leaves->len; i++) {
        const Leaf *leaf = snapshot->leaves->pdata[i];
        if (!leaf_matches(leaf, account, kind, region))
            continue;
        guint place;
        leaf_find(leaf, prefix, &place);
        for (; place < leaf->objects->len; place++) {
            const InventoryObject *object = leaf->objects->pdata[place];
            if (!g_str_has_prefix(object->id, prefix))
                break;
            if (!visit(object, data))
                return;
        }
    }
}

void inventory_each_of_application(const InventorySnapshot *snapshot, const char *kind, const char *application, const char *cluster,
                                   InventoryVisit visit, gpointer data) {
    for (guint i = 0; i < snapshot->leaves->len; i++) {
        Leaf *leaf = snapshot->leaves->pdata[i];
        if (leaf_matches(leaf, NULL, kind, NULL) && !leaf_each_of_application(leaf, application, cluster, visit, data))
            return;
    }
}

static gboolean collect_application(const InventoryObject *object, gpointer data) {
    if (object->application)
        g_hash_table_add(data, object->application);
    return TRUE;
}

static int text_order(gconstpointer left, gconstpointer right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

char **inventory_applications(const InventorySnapshot *snapshot) {
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    inventory_each(snapshot, NULL, KIND_SERVER_GROUP, NULL, collect_application, names);
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(list, g_strdup(name));
    g_ptr_array_sort(list, text_order);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

void inventory_leaves(const InventorySnapshot *snapshot, const char *account, InventoryLeafVisit visit, gpointer data) {
    for (guint i = 0; i < snapshot->leaves->len; i++) {
        const Leaf *leaf = snapshot->leaves->pdata[i];
        if (!leaf_matches(leaf, account, NULL, NULL))
            continue;
        InventoryLeaf seen = {leaf->account, leaf->kind, leaf->region, leaf->read_ms, leaf->error_ms, leaf->error, leaf->objects->len};
        if (!visit(&seen, data))
            return;
    }
}
