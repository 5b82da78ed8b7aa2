/* Named JSON documents: saving, reading, history. Names come from the index in memory, bodies from its cache or the database. */
#include "store/objects.h"
#include "base/error.h"
#include "store/bodies.h"
#include "store/object_index.h"
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* $1 kind, $2 id, $3 application, $4 name, $5 created, $6 updated, $7 by, $8 body; $9 the version that is replaced. */
#define INSERTED                                                                                                                           \
    "INSERT INTO objects (kind, id, application, name, version, created_ms, updated_ms, updated_by, body) VALUES ($1, $2, $3, $4, 1, $5, " \
    "$6, $7, $8) "
static const StoreStatement CREATE = {"objects.create", INSERTED "ON CONFLICT (kind, id) DO NOTHING RETURNING version, created_ms"};
static const StoreStatement PUT = {"objects.put", INSERTED
                                   "ON CONFLICT (kind, id) DO UPDATE SET application = excluded.application, name = excluded.name, "
                                   "version = objects.version + 1, updated_ms = excluded.updated_ms, updated_by = "
                                   "excluded.updated_by, body = excluded.body RETURNING version, created_ms"};
static const StoreStatement REPLACE = {
    "objects.replace", "UPDATE objects SET application = $3, name = $4, version = version + 1, updated_ms = $6, updated_by = $7, body = $8 "
                       "WHERE kind = $1 AND id = $2 AND version = $9 RETURNING version, created_ms"};
static const StoreStatement HISTORY_KEEP = {
    "objects.keep_history", "INSERT INTO object_history (kind, id, version, application, name, created_ms, updated_ms, updated_by, body) "
                            "SELECT kind, id, version, application, name, created_ms, updated_ms, updated_by, body FROM objects WHERE kind "
                            "= $1 AND id = $2"};
static const StoreStatement HISTORY_TRIM = {
    "objects.trim_history",
    "DELETE FROM object_history WHERE kind = $1 AND id = $2 AND version <= (SELECT max(version) FROM object_history "
    "WHERE kind = $1 AND id = $2) - $3"};
static const StoreStatement DELETE_ANY = {"objects.delete", "DELETE FROM objects WHERE kind = $1 AND id = $2"};
static const StoreStatement DELETE_VERSION = {"objects.delete_version", "DELETE FROM objects WHERE kind = $1 AND id = $2 AND version = $3"};
static const StoreStatement HISTORY_DELETE = {"objects.delete_history", "DELETE FROM object_history WHERE kind = $1 AND id = $2"};

typedef struct {
    StoreObject object; /* its own copy; version and created_ms come from the database */
} Saved;

static void object_copy(StoreObject *into, const StoreObject *from) {
    *into = (StoreObject){.kind = g_strdup(from->kind),
                          .id = g_strdup(from->id),
                          .application = g_strdup(from->application),
                          .name = g_strdup(from->name),
                          .version = from->version,
                          .created_ms = from->created_ms,
                          .updated_ms = from->updated_ms,
                          .updated_by = g_strdup(from->updated_by),
                          .body = json_ref(from->body)};
}

void store_object_clear(StoreObject *object) {
    g_free((char *)object->kind);
    g_free((char *)object->id);
    g_free((char *)object->application);
    g_free((char *)object->name);
    g_free((char *)object->updated_by);
    json_unref(object->body);
    *object = (StoreObject){0};
}

static void saved_free(gpointer data) {
    Saved *saved = data;
    store_object_clear(&saved->object);
    g_free(saved);
}

static gboolean saved_each(const StoreRow *row, gpointer data) {
    Saved *saved = data;
    saved->object.version = store_row_int(row, 0);
    saved->object.created_ms = store_row_int(row, 1);
    return TRUE;
}

static void saved_committed(Store *store, gpointer data) {
    const Saved *saved = data;
    g_autoptr(ObjectEntry) entry = object_entry_new(&saved->object);
    object_index_put(store->objects, entry, saved->object.body);
}

static char *save_conflict(const StoreObject *object, gint64 expected_version) {
    if (expected_version == 0)
        return g_strdup_printf("%s %s exists already", object->kind, object->id);
    return g_strdup_printf("%s %s is not at version %" G_GINT64_FORMAT " any more: somebody else changed it", object->kind, object->id,
                           expected_version);
}

void store_object_save(StoreUnit *unit, const StoreObject *object, gint64 expected_version, gboolean keep_history) {
    gsize length = 0;
    g_autofree char *text = json_write(json_root(object->body), &length);
    g_auto(Body) body = body_pack(text, length);
    gint64 created_ms = object->created_ms != 0 ? object->created_ms : object->updated_ms;
    StoreValue values[] = {
        SV_TEXT(object->kind),   SV_TEXT(object->id),        SV_TEXT(object->application), SV_TEXT(object->name),
        SV_INT(created_ms),      SV_INT(object->updated_ms), SV_TEXT(object->updated_by),  SV_BYTES(body.data, body.length),
        SV_INT(expected_version)};
    if (keep_history && expected_version != 0) {
        store_unit_add(unit, &HISTORY_KEEP, values, 2);
        store_unit_add(unit, &HISTORY_TRIM, (StoreValue[]){values[0], values[1], SV_INT(OBJECT_HISTORY_MAX)}, 3);
    }
    Saved *saved = g_new0(Saved, 1);
    object_copy(&saved->object, object);
    g_autofree char *conflict = save_conflict(object, expected_version);
    const StoreStatement *statement = expected_version == 0 ? &CREATE : expected_version < 0 ? &PUT : &REPLACE;
    unit_add(unit, statement, values, G_N_ELEMENTS(values),
             &(UnitOptions){.conflict = conflict, .returned = saved_each, .returned_data = saved});
    unit_hook(unit, saved_committed, saved, saved_free);
    unit_document(unit, object->kind, object->id);
}

static void removed_committed(Store *store, gpointer data) {
    const Saved *saved = data;
    object_index_remove(store->objects, saved->object.kind, saved->object.id);
}

void store_object_delete(StoreUnit *unit, const char *kind, const char *id, gint64 expected_version) {
    StoreValue values[] = {SV_TEXT(kind), SV_TEXT(id), SV_INT(expected_version)};
    StoreObject object = {.kind = kind, .id = id};
    if (expected_version < 0) {
        store_unit_add(unit, &DELETE_ANY, values, 2);
    } else {
        g_autofree char *conflict = save_conflict(&object, expected_version);
        store_unit_require(unit, &DELETE_VERSION, values, 3, conflict);
    }
    store_unit_add(unit, &HISTORY_DELETE, values, 2);
    Saved *removed = g_new0(Saved, 1);
    object_copy(&removed->object, &object);
    unit_hook(unit, removed_committed, removed, saved_free);
    unit_document(unit, kind, id);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define COLUMNS "kind, id, application, name, version, created_ms, updated_ms, updated_by, body"
static const StoreStatement LOAD = {"objects.load", "SELECT " COLUMNS " FROM objects WHERE kind = $1 AND id = $2"};
static const StoreStatement HISTORY = {"objects.history", "SELECT " COLUMNS " FROM object_history WHERE kind = $1 AND id = $2 ORDER BY "
                                                          "version DESC LIMIT $3"};

typedef struct {
    GArray *objects; /* of StoreObject */
    GError *error;
} Rows;

static void object_clear_item(gpointer data) {
    store_object_clear(data);
}

static gboolean object_each(const StoreRow *row, gpointer data) {
    Rows *rows = data;
    gsize length = 0;
    const void *bytes = store_row_bytes(row, 8, &length);
    g_autofree char *text = body_unpack(bytes, length, &rows->error);
    g_autoptr(Json) body = text != NULL ? json_parse(text, -1, &rows->error) : NULL;
    if (body == NULL) {
        g_prefix_error(&rows->error, "%s %s: ", store_row_text(row, 0), store_row_text(row, 1));
        return FALSE;
    }
    StoreObject object, borrowed = {.kind = store_row_text(row, 0),
                                    .id = store_row_text(row, 1),
                                    .application = store_row_text(row, 2),
                                    .name = store_row_text(row, 3),
                                    .version = store_row_int(row, 4),
                                    .created_ms = store_row_int(row, 5),
                                    .updated_ms = store_row_int(row, 6),
                                    .updated_by = store_row_text(row, 7),
                                    .body = body};
    object_copy(&object, &borrowed);
    g_array_append_val(rows->objects, object);
    return TRUE;
}

/* Rows of a statement as objects; NULL with error. Caller frees. */
static GArray *objects_read(Reader *reader, const StoreStatement *statement, const StoreValue *values, gsize n, GError **error) {
    Rows rows = {.objects = g_array_new(FALSE, FALSE, sizeof(StoreObject))};
    g_array_set_clear_func(rows.objects, object_clear_item);
    if (reader_run(reader, statement, values, n, object_each, &rows, error) && rows.error == NULL)
        return rows.objects;
    if (rows.error != NULL)
        g_propagate_error(error, rows.error);
    g_array_unref(rows.objects);
    return NULL;
}

/* ---- entries and their bodies ------------------------------------------------------------------------------------ */

#define CHUNK 200 /* bodies read in one view of the database */

static const StoreStatement BODY = {"objects.body", "SELECT version, body FROM objects WHERE kind = $1 AND id = $2"};

/* What becomes of an entry when it is read: its body; or, when it changed meanwhile, the object as it is now; or nothing: gone. */
typedef struct {
    ObjectEntry *entry; /* borrowed */
    Json *body;
    GArray *fresh; /* of one StoreObject */
    GError *error;
} Item;

static void item_clear(gpointer data) {
    Item *item = data;
    json_unref(item->body);
    g_clear_pointer(&item->fresh, g_array_unref);
    g_clear_error(&item->error);
}

static gboolean body_each(const StoreRow *row, gpointer data) {
    Item *item = data;
    if (store_row_int(row, 0) != item->entry->version)
        return FALSE;
    gsize length = 0;
    const void *bytes = store_row_bytes(row, 1, &length);
    g_autofree char *text = body_unpack(bytes, length, &item->error);
    item->body = text != NULL ? json_parse(text, -1, &item->error) : NULL;
    return FALSE;
}

static gboolean item_read(Store *store, Reader *reader, Item *item, GError **error) {
    ObjectEntry *entry = item->entry;
    StoreValue values[] = {SV_TEXT(entry->kind), SV_TEXT(entry->id)};
    if (!reader_run(reader, &BODY, values, 2, body_each, item, error))
        return FALSE;
    if (item->error != NULL) {
        g_propagate_prefixed_error(error, g_steal_pointer(&item->error), "%s %s: ", entry->kind, entry->id);
        return FALSE;
    }
    if (item->body != NULL) {
        object_cache_put(store->objects, entry, item->body);
        return TRUE;
    }
    item->fresh = objects_read(reader, &LOAD, values, 2, error);
    return item->fresh != NULL;
}

/* Bodies of the items that the cache does not have. */
static gboolean items_read(Store *store, GArray *items, GError **error) {
    g_autoptr(Reader) reader = NULL;
    for (guint i = 0; i < items->len; i++) {
        Item *item = &g_array_index(items, Item, i);
        item->body = object_cache_get(store->objects, item->entry);
        if (item->body != NULL)
            continue;
        if (reader == NULL) {
            reader = reader_borrow(store, error);
            if (reader == NULL || !reader_begin(reader, error))
                return FALSE;
        }
        if (!item_read(store, reader, item, error))
            return FALSE;
    }
    return TRUE;
}

/* FALSE stops. */
static gboolean item_give(const Item *item, ObjectEach each, gpointer data) {
    if (item->body == NULL)
        return item->fresh->len == 0 || each(&g_array_index(item->fresh, StoreObject, 0), data);
    const ObjectEntry *entry = item->entry;
    StoreObject object = {.kind = entry->kind,
                          .id = entry->id,
                          .application = entry->application,
                          .name = entry->name,
                          .version = entry->version,
                          .created_ms = entry->created_ms,
                          .updated_ms = entry->updated_ms,
                          .updated_by = entry->updated_by,
                          .body = item->body};
    return each(&object, data);
}

/* No reader is held while each runs. */
static gboolean entries_give(Store *store, GPtrArray *entries, ObjectEach each, gpointer data, GError **error) {
    for (guint from = 0; from < entries->len; from += CHUNK) {
        g_autoptr(GArray) items = g_array_new(FALSE, TRUE, sizeof(Item));
        g_array_set_clear_func(items, item_clear);
        for (guint i = from; i < entries->len && i < from + CHUNK; i++) {
            Item item = {.entry = g_ptr_array_index(entries, i)};
            g_array_append_val(items, item);
        }
        if (!items_read(store, items, error))
            return FALSE;
        for (guint i = 0; i < items->len; i++) {
            if (!item_give(&g_array_index(items, Item, i), each, data))
                return TRUE;
        }
    }
    return TRUE;
}

static gboolean copy_each(const StoreObject *object, gpointer data) {
    object_copy(data, object);
    return FALSE;
}

gboolean store_object_load(Store *store, const char *kind, const char *id, StoreObject *into, GError **error) {
    *into = (StoreObject){0};
    ObjectEntry *entry = object_index_find(store->objects, kind, id);
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)object_entry_unref);
    if (entry != NULL)
        g_ptr_array_add(entries, entry);
    if (!entries_give(store, entries, copy_each, into, error))
        return FALSE;
    if (into->kind == NULL)
        error_set(error, ERR_NOT_FOUND, "no %s %s", kind, id);
    return into->kind != NULL;
}

gboolean store_objects_each(Store *store, const char *kind, const char *application, const char *name, ObjectEach each, gpointer data,
                            GError **error) {
    g_autoptr(GPtrArray) entries = object_index_list(store->objects, kind, application, name);
    return entries_give(store, entries, each, data, error);
}

void store_object_names_each(Store *store, const char *kind, const char *application, ObjectEach each, gpointer data) {
    g_autoptr(GPtrArray) entries = object_index_list(store->objects, kind, application, NULL);
    for (guint i = 0; i < entries->len; i++) {
        const ObjectEntry *entry = g_ptr_array_index(entries, i);
        const StoreObject object = {.kind = entry->kind,
                                    .id = entry->id,
                                    .application = entry->application,
                                    .name = entry->name,
                                    .version = entry->version,
                                    .created_ms = entry->created_ms,
                                    .updated_ms = entry->updated_ms,
                                    .updated_by = entry->updated_by};
        if (!each(&object, data))
            return;
    }
}

static gboolean rows_give(const GArray *rows, guint limit, ObjectEach each, gpointer data) {
    for (guint i = 0; i < rows->len && i < limit; i++) {
        if (!each(&g_array_index(rows, StoreObject, i), data))
            return FALSE;
    }
    return TRUE;
}

gboolean store_object_history(Store *store, const char *kind, const char *id, guint limit, ObjectEach each, gpointer data, GError **error) {
    guint most = limit == 0 || limit > OBJECT_HISTORY_MAX + 1 ? OBJECT_HISTORY_MAX + 1 : limit;
    StoreValue values[] = {SV_TEXT(kind), SV_TEXT(id), SV_INT(most - 1)};
    g_autoptr(Reader) reader = reader_borrow(store, error);
    if (reader == NULL || !reader_begin(reader, error))
        return FALSE;
    g_autoptr(GArray) current = objects_read(reader, &LOAD, values, 2, error);
    g_autoptr(GArray) past = current != NULL ? objects_read(reader, &HISTORY, values, 3, error) : NULL;
    g_clear_pointer(&reader, reader_return);
    if (past == NULL)
        return FALSE;
    (void)(rows_give(current, most, each, data) && rows_give(past, most, each, data));
    return TRUE;
}
