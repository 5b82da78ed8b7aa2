/* The index of objects: a tree in the order of lists and a table by kind and id under one lock, and a bounded cache of bodies
 * under another. Nothing is read from the database here but at open. */
#include "store/object_index.h"
#include <string.h>

#define CACHED_OVERHEAD 160 /* bytes beside the document */

typedef struct {
    ObjectEntry *entry; /* the key, by identity: another version is another entry */
    Json *body;
    gsize bytes;
    GList link; /* in recent */
} Cached;

struct ObjectIndex {
    GRWLock lock;
    GTree *ordered;    /* ObjectEntry * → the same; owns a reference */
    GHashTable *by_id; /* ObjectEntry *, by kind and id; borrowed from ordered */
    GMutex cache_mutex;
    GHashTable *cached; /* ObjectEntry * → Cached * */
    GQueue recent;      /* of Cached; the head was used last */
    gsize cached_bytes;
};

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static const char *text_put(char **at, const char *text) {
    if (text == NULL)
        return NULL;
    gsize size = strlen(text) + 1;
    const char *begin = memcpy(*at, text, size);
    *at += size;
    return begin;
}

ObjectEntry *object_entry_new(const StoreObject *object) {
    const char *texts[] = {object->kind, object->id, object->application, object->name, object->updated_by};
    gsize size = sizeof(ObjectEntry);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        size += texts[i] != NULL ? strlen(texts[i]) + 1 : 0;
    ObjectEntry *entry = g_atomic_rc_box_alloc(size);
    char *at = entry->text;
    *entry = (ObjectEntry){.version = object->version, .created_ms = object->created_ms, .updated_ms = object->updated_ms};
    entry->kind = text_put(&at, object->kind);
    entry->id = text_put(&at, object->id);
    entry->application = text_put(&at, object->application);
    entry->name = text_put(&at, object->name);
    entry->updated_by = text_put(&at, object->updated_by);
    return entry;
}

ObjectEntry *object_entry_ref(ObjectEntry *entry) {
    return g_atomic_rc_box_acquire(entry);
}

void object_entry_unref(ObjectEntry *entry) {
    if (entry != NULL)
        g_atomic_rc_box_release(entry);
}

static int entry_compare(gconstpointer a, gconstpointer b, gpointer data) {
    (void)data;
    const ObjectEntry *left = a, *right = b;
    int order = strcmp(left->kind, right->kind);
    if (order == 0)
        order = g_strcmp0(left->application, right->application);
    if (order == 0)
        order = g_strcmp0(left->name, right->name);
    return order != 0 ? order : g_strcmp0(left->id, right->id);
}

static guint entry_hash(gconstpointer data) {
    const ObjectEntry *entry = data;
    return g_str_hash(entry->kind) * 31 + g_str_hash(entry->id);
}

static gboolean entry_equal(gconstpointer a, gconstpointer b) {
    const ObjectEntry *left = a, *right = b;
    return g_str_equal(left->kind, right->kind) && g_str_equal(left->id, right->id);
}

/* ---- the index --------------------------------------------------------------------------------------------------- */

static void entry_release(gpointer data) {
    object_entry_unref(data);
}

static void cached_free(gpointer data) {
    Cached *cached = data;
    object_entry_unref(cached->entry);
    json_unref(cached->body);
    g_free(cached);
}

ObjectIndex *object_index_new(void) {
    ObjectIndex *index = g_new0(ObjectIndex, 1);
    g_rw_lock_init(&index->lock);
    index->ordered = g_tree_new_full(entry_compare, NULL, entry_release, NULL);
    index->by_id = g_hash_table_new(entry_hash, entry_equal);
    g_mutex_init(&index->cache_mutex);
    index->cached = g_hash_table_new_full(NULL, NULL, NULL, cached_free);
    g_queue_init(&index->recent);
    return index;
}

void object_index_free(ObjectIndex *index) {
    if (index == NULL)
        return;
    g_hash_table_unref(index->cached);
    g_mutex_clear(&index->cache_mutex);
    g_hash_table_unref(index->by_id);
    g_tree_unref(index->ordered);
    g_rw_lock_clear(&index->lock);
    g_free(index);
}

ObjectEntry *object_index_find(ObjectIndex *index, const char *kind, const char *id) {
    ObjectEntry key = {.kind = kind, .id = id};
    g_rw_lock_reader_lock(&index->lock);
    ObjectEntry *entry = g_hash_table_lookup(index->by_id, &key);
    if (entry != NULL)
        object_entry_ref(entry);
    g_rw_lock_reader_unlock(&index->lock);
    return entry;
}

GPtrArray *object_index_list(ObjectIndex *index, const char *kind, const char *application, const char *name) {
    GPtrArray *found = g_ptr_array_new_with_free_func(entry_release);
    ObjectEntry from = {.kind = kind, .application = application, .name = application != NULL ? name : NULL};
    g_rw_lock_reader_lock(&index->lock);
    for (GTreeNode *node = g_tree_lower_bound(index->ordered, &from); node != NULL; node = g_tree_node_next(node)) {
        ObjectEntry *entry = g_tree_node_key(node);
        gboolean past = !g_str_equal(entry->kind, kind) || (application != NULL && g_strcmp0(entry->application, application) != 0) ||
                        (application != NULL && name != NULL && g_strcmp0(entry->name, name) != 0);
        if (past)
            break;
        if (name == NULL || g_strcmp0(entry->name, name) == 0)
            g_ptr_array_add(found, object_entry_ref(entry));
    }
    g_rw_lock_reader_unlock(&index->lock);
    return found;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static void cached_drop_locked(ObjectIndex *index, Cached *cached) {
    g_queue_unlink(&index->recent, &cached->link);
    index->cached_bytes -= cached->bytes;
    g_hash_table_remove(index->cached, cached->entry);
}

Json *object_cache_get(ObjectIndex *index, ObjectEntry *entry) {
    g_mutex_lock(&index->cache_mutex);
    Cached *cached = g_hash_table_lookup(index->cached, entry);
    Json *body = NULL;
    if (cached != NULL) {
        g_queue_unlink(&index->recent, &cached->link);
        g_queue_push_head_link(&index->recent, &cached->link);
        body = json_ref(cached->body);
    }
    g_mutex_unlock(&index->cache_mutex);
    return body;
}

void object_cache_put(ObjectIndex *index, ObjectEntry *entry, Json *body) {
    gsize bytes = json_memory(body) + CACHED_OVERHEAD;
    if (bytes > OBJECT_CACHE_BYTES / 4)
        return;
    g_mutex_lock(&index->cache_mutex);
    if (!g_hash_table_contains(index->cached, entry)) {
        Cached *cached = g_new0(Cached, 1);
        *cached = (Cached){.entry = object_entry_ref(entry), .body = json_ref(body), .bytes = bytes};
        cached->link.data = cached;
        g_hash_table_insert(index->cached, entry, cached);
        g_queue_push_head_link(&index->recent, &cached->link);
        index->cached_bytes += bytes;
    }
    while (index->cached_bytes > OBJECT_CACHE_BYTES)
        cached_drop_locked(index, index->recent.tail->data);
    g_mutex_unlock(&index->cache_mutex);
}

static void cache_forget(ObjectIndex *index, ObjectEntry *entry) {
    g_mutex_lock(&index->cache_mutex);
    Cached *cached = g_hash_table_lookup(index->cached, entry);
    if (cached != NULL)
        cached_drop_locked(index, cached);
    g_mutex_unlock(&index->cache_mutex);
}

gsize object_cache_bytes(ObjectIndex *index) {
    g_mutex_lock(&index->cache_mutex);
    gsize bytes = index->cached_bytes;
    g_mutex_unlock(&index->cache_mutex);
    return bytes;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Takes the object's entry out; the caller owns the reference. */
static ObjectEntry *entry_take(ObjectIndex *index, const ObjectEntry *key) {
    ObjectEntry *old = g_hash_table_lookup(index->by_id, key);
    if (old == NULL)
        return NULL;
    object_entry_ref(old);
    g_hash_table_remove(index->by_id, old);
    g_tree_remove(index->ordered, old);
    return old;
}

void object_index_put(ObjectIndex *index, ObjectEntry *entry, Json *body) {
    g_rw_lock_writer_lock(&index->lock);
    g_autoptr(ObjectEntry) old = entry_take(index, entry);
    object_entry_ref(entry);
    g_tree_insert(index->ordered, entry, entry);
    g_hash_table_add(index->by_id, entry);
    g_rw_lock_writer_unlock(&index->lock);
    if (old != NULL)
        cache_forget(index, old);
    if (body != NULL)
        object_cache_put(index, entry, body);
}

void object_index_remove(ObjectIndex *index, const char *kind, const char *id) {
    ObjectEntry key = {.kind = kind, .id = id};
    g_rw_lock_writer_lock(&index->lock);
    g_autoptr(ObjectEntry) old = entry_take(index, &key);
    g_rw_lock_writer_unlock(&index->lock);
    if (old != NULL)
        cache_forget(index, old);
}

static const StoreStatement READ_ALL = {"objects.index",
                                        "SELECT kind, id, application, name, version, created_ms, updated_ms, updated_by FROM objects"};

static gboolean entry_each(const StoreRow *row, gpointer data) {
    StoreObject object = {.kind = store_row_text(row, 0),
                          .id = store_row_text(row, 1),
                          .application = store_row_text(row, 2),
                          .name = store_row_text(row, 3),
                          .version = store_row_int(row, 4),
                          .created_ms = store_row_int(row, 5),
                          .updated_ms = store_row_int(row, 6),
                          .updated_by = store_row_text(row, 7)};
    g_autoptr(ObjectEntry) entry = object_entry_new(&object);
    object_index_put(data, entry, NULL);
    return TRUE;
}

gboolean object_index_read(Store *store, GError **error) {
    return store->driver->run(store->writer, &READ_ALL, NULL, 0, entry_each, store->objects, NULL, error);
}

/* ---- what other replicas changed ---------------------------------------------------------------------------------- */

static const StoreStatement READ_ONE = {"objects.index_one",
                                        "SELECT kind, id, application, name, version, created_ms, updated_ms, updated_by "
                                        "FROM objects WHERE kind = $1 AND id = $2"};

static StoreObject entry_row(const StoreRow *row) {
    return (StoreObject){.kind = store_row_text(row, 0),
                         .id = store_row_text(row, 1),
                         .application = store_row_text(row, 2),
                         .name = store_row_text(row, 3),
                         .version = store_row_int(row, 4),
                         .created_ms = store_row_int(row, 5),
                         .updated_ms = store_row_int(row, 6),
                         .updated_by = store_row_text(row, 7)};
}

typedef struct {
    Store *store;
    GHashTable *seen; /* of ObjectEntry (reference), or NULL */
    gboolean found;
    GPtrArray *news; /* of ObjectEntry: what was put */
} Refresh;

/* What this replica committed meanwhile may be newer than the row. */
static gboolean refresh_each(const StoreRow *row, gpointer data) {
    Refresh *refresh = data;
    StoreObject object = entry_row(row);
    g_autoptr(ObjectEntry) entry = object_entry_new(&object);
    g_autoptr(ObjectEntry) known = object_index_find(refresh->store->objects, object.kind, object.id);
    refresh->found = TRUE;
    if (refresh->seen != NULL)
        g_hash_table_add(refresh->seen, object_entry_ref(entry));
    if (known != NULL && known->created_ms == object.created_ms && known->version >= object.version)
        return TRUE;
    object_index_put(refresh->store->objects, entry, NULL);
    g_ptr_array_add(refresh->news, object_entry_ref(entry));
    return TRUE;
}

gboolean object_index_refresh_one(Store *store, StoreConnection *connection, const char *kind, const char *id, GError **error) {
    g_autoptr(GPtrArray) news = g_ptr_array_new_with_free_func(entry_release);
    Refresh refresh = {.store = store, .news = news};
    StoreValue values[] = {SV_TEXT(kind), SV_TEXT(id)};
    if (!store->driver->run(connection, &READ_ONE, values, 2, refresh_each, &refresh, NULL, error))
        return FALSE;
    if (!refresh.found)
        object_index_remove(store->objects, kind, id);
    return TRUE;
}

static GPtrArray *entries_all(ObjectIndex *index) {
    GPtrArray *all = g_ptr_array_new_with_free_func(entry_release);
    g_rw_lock_reader_lock(&index->lock);
    for (GTreeNode *node = g_tree_node_first(index->ordered); node != NULL; node = g_tree_node_next(node))
        g_ptr_array_add(all, object_entry_ref(g_tree_node_key(node)));
    g_rw_lock_reader_unlock(&index->lock);
    return all;
}

static void entry_publish(Store *store, const ObjectEntry *entry) {
    StoreChange change = {.kind = entry->kind, .id = entry->id, .application = entry->application, .version = entry->version};
    changes_publish(store->changes, change_record_new(&change));
}

/* What was known before the rows were read and is not among them was removed by somebody else. */
gboolean object_index_refresh(Store *store, StoreConnection *connection, GError **error) {
    g_autoptr(GPtrArray) before = entries_all(store->objects);
    g_autoptr(GPtrArray) news = g_ptr_array_new_with_free_func(entry_release);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(entry_hash, entry_equal, entry_release, NULL);
    Refresh refresh = {.store = store, .seen = seen, .news = news};
    if (!store->driver->run(connection, &READ_ALL, NULL, 0, refresh_each, &refresh, NULL, error))
        return FALSE;
    for (guint i = 0; i < before->len; i++) {
        const ObjectEntry *entry = before->pdata[i];
        if (g_hash_table_contains(seen, entry))
            continue;
        object_index_remove(store->objects, entry->kind, entry->id);
        entry_publish(store, entry);
    }
    for (guint i = 0; i < news->len; i++)
        entry_publish(store, news->pdata[i]);
    return TRUE;
}
