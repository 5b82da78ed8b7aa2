/* Objects and leaves of the inventory: sorted arrays, so that a copy is a copy of pointers and every list has an order.
 *
 * Owns its objects by reference. Any thread may read a shared leaf; the index by application is made once, by the first reader. */
#include "inventory/leaf.h"

static void object_clear(gpointer memory) {
    InventoryObject *object = memory;
    g_free(object->account);
    g_free(object->region);
    g_free(object->id);
    g_free(object->application);
    g_free(object->cluster);
    json_unref(object->document);
    if (object->record && object->free_record)
        object->free_record((gpointer)object->record);
}

InventoryObject *inventory_object_new(const char *kind, const char *account, const char *region, const char *id) {
    InventoryObject *object = g_atomic_rc_box_new0(InventoryObject);
    object->kind = g_intern_string(kind);
    object->account = g_strdup(account);
    object->region = g_strdup(region);
    object->id = g_strdup(id);
    return object;
}

InventoryObject *inventory_object_ref(InventoryObject *object) {
    return g_atomic_rc_box_acquire(object);
}

void inventory_object_unref(InventoryObject *object) {
    if (object)
        g_atomic_rc_box_release_full(object, object_clear);
}

static GPtrArray *objects_new(guint reserved) {
    GPtrArray *objects = g_ptr_array_new_full(reserved, NULL);
    g_ptr_array_set_free_func(objects, (GDestroyNotify)inventory_object_unref);
    return objects;
}

Leaf *leaf_new(const char *account, const char *kind, const char *region) {
    Leaf *leaf = g_atomic_rc_box_new0(Leaf);
    leaf->account = g_strdup(account);
    leaf->kind = g_strdup(kind);
    leaf->region = g_strdup(region);
    leaf->objects = objects_new(0);
    return leaf;
}

Leaf *leaf_copy(const Leaf *leaf) {
    Leaf *copy = leaf_new(leaf->account, leaf->kind, leaf->region);
    copy->error = g_strdup(leaf->error);
    copy->read_ms = leaf->read_ms;
    copy->error_ms = leaf->error_ms;
    for (guint i = 0; i < leaf->objects->len; i++)
        g_ptr_array_add(copy->objects, inventory_object_ref(leaf->objects->pdata[i]));
    return copy;
}

static void leaf_clear(gpointer memory) {
    Leaf *leaf = memory;
    g_free(leaf->account);
    g_free(leaf->kind);
    g_free(leaf->region);
    g_free(leaf->error);
    g_ptr_array_unref(leaf->objects);
    if (leaf->of_application)
        g_ptr_array_unref(leaf->of_application);
}

Leaf *leaf_ref(Leaf *leaf) {
    return g_atomic_rc_box_acquire(leaf);
}

void leaf_unref(Leaf *leaf) {
    g_atomic_rc_box_release_full(leaf, leaf_clear);
}

int leaf_order(const Leaf *leaf, const char *account, const char *kind, const char *region) {
    int order = strcmp(leaf->account, account);
    if (!order)
        order = strcmp(leaf->kind, kind);
    return order ? order : strcmp(leaf->region, region);
}

gboolean leaf_find(const Leaf *leaf, const char *id, guint *place) {
    const GPtrArray *objects = leaf->objects;
    guint low = 0, high = objects->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const InventoryObject *object = objects->pdata[middle];
        int order = strcmp(object->id, id);
        if (!order) {
            *place = middle;
            return TRUE;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return FALSE;
}

InventoryObject *leaf_get(const Leaf *leaf, const char *id) {
    guint place;
    return leaf_find(leaf, id, &place) ? leaf->objects->pdata[place] : NULL;
}

void leaf_put(Leaf *leaf, InventoryObject *object) {
    guint place;
    if (!leaf_find(leaf, object->id, &place)) {
        g_ptr_array_insert(leaf->objects, (gint)place, inventory_object_ref(object));
        return;
    }
    InventoryObject *before = leaf->objects->pdata[place];
    leaf->objects->pdata[place] = inventory_object_ref(object);
    inventory_object_unref(before);
}

gboolean leaf_remove(Leaf *leaf, const char *id) {
    guint place;
    if (!leaf_find(leaf, id, &place))
        return FALSE;
    g_ptr_array_remove_index(leaf->objects, place);
    return TRUE;
}

static int application_order(gconstpointer left, gconstpointer right) {
    const InventoryObject *a = *(const InventoryObject *const *)left, *b = *(const InventoryObject *const *)right;
    int order = strcmp(a->application, b->application);
    if (!order)
        order = g_strcmp0(a->cluster, b->cluster);
    return order ? order : strcmp(a->id, b->id);
}

static const GPtrArray *application_index(Leaf *leaf) {
    if (g_once_init_enter(&leaf->of_application)) {
        GPtrArray *index = g_ptr_array_new();
        for (guint i = 0; i < leaf->objects->len; i++) {
            const InventoryObject *object = leaf->objects->pdata[i];
            if (object->application)
                g_ptr_array_add(index, leaf->objects->pdata[i]);
        }
        g_ptr_array_sort(index, application_order);
        g_once_init_leave(&leaf->of_application, index);
    }
    return leaf->of_application;
}

gboolean leaf_each_of_application(Leaf *leaf, const char *application, const char *cluster, InventoryVisit visit, gpointer data) {
    const GPtrArray *index = application_index(leaf);
    guint low = 0, high = index->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const InventoryObject *object = index->pdata[middle];
        int order = strcmp(object->application, application);
        if (!order && cluster)
            order = g_strcmp0(object->cluster, cluster);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->len; low++) {
        const InventoryObject *object = index->pdata[low];
        if (strcmp(object->application, application) || (cluster && g_strcmp0(object->cluster, cluster)))
            break;
        if (!visit(object, data))
            return FALSE;
    }
    return TRUE;
}
