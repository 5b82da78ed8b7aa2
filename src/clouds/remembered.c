/* Writes and reads what is known of the clouds (remembered.h). One thread of its own, which sleeps but for a minute's writing; loading runs on
 * the thread that starts the clouds. */
#include "clouds/remembered.h"
#include "base/log.h"
#include "clouds/cloud.h"
#include "clouds/record_json.h"
#include "store/objects.h"
#include <string.h>

#define REMEMBERED_KIND "inventory"

struct Remembered {
    Store *store;
    Inventory *inventory;
    Runtime *runtime;
    GHashTable *written; /* id of a leaf → SHA-256 of its content as it was last written or read */
    GMutex lock;
    GCond changed;
    gboolean stopping; /* under lock */
    GThread *thread;
};

Remembered *remembered_new(Store *store, Inventory *inventory, Runtime *runtime) {
    Remembered *remembered = g_new0(Remembered, 1);
    remembered->store = store;
    remembered->inventory = inventory;
    remembered->runtime = runtime;
    remembered->written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_mutex_init(&remembered->lock);
    g_cond_init(&remembered->changed);
    return remembered;
}

void remembered_free(Remembered *remembered) {
    if (remembered == NULL)
        return;
    g_hash_table_unref(remembered->written);
    g_mutex_clear(&remembered->lock);
    g_cond_clear(&remembered->changed);
    g_free(remembered);
}

/* ---- writing ---- */
static gboolean write_object(const InventoryObject *object, gpointer data) {
    JsonBuilder *builder = data;
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", object->id);
    json_add_string(builder, "application", object->application);
    json_add_string(builder, "cluster", object->cluster);
    if (object->document != NULL)
        json_add_json(builder, "document", object->document);
    record_write(object, builder, "record");
    json_end_object(builder);
    return TRUE;
}

typedef struct {
    Remembered *remembered;
    const InventorySnapshot *snapshot;
} Saving;

static Json *leaf_objects(const Saving *saving, const InventoryLeaf *leaf) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    inventory_each(saving->snapshot, leaf->account, leaf->kind, leaf->region, write_object, builder);
    json_end_array(builder);
    return json_builder_end(builder);
}

static void write_leaf(Remembered *remembered, const InventoryLeaf *leaf, const char *id, const Json *objects) {
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:s, s:i, s:j}", "account", leaf->account, "kind", leaf->kind, "region", leaf->region,
                                     "readMs", leaf->read_ms, "objects", objects);
    gint64 now_ms = remembered->runtime->now_ms(remembered->runtime);
    StoreObject object = {.kind = REMEMBERED_KIND, .id = id, .version = 1, .created_ms = now_ms, .updated_ms = now_ms, .body = body};
    StoreUnit *unit = store_unit_new();
    g_autoptr(GError) error = NULL;
    store_object_save(unit, &object, -1, FALSE);
    if (!store_commit(remembered->store, unit, &error))
        log_warning("clouds", "what is known of %s was not written, it will be read anew after a start: %s", id, error->message);
}

static gboolean save_leaf(const InventoryLeaf *leaf, gpointer data) {
    Saving *saving = data;
    if (leaf->read_ms == 0)
        return TRUE;
    g_autoptr(Json) objects = leaf_objects(saving, leaf);
    gsize length = 0;
    g_autofree char *text = json_write(json_root(objects), &length);
    g_autofree char *id = g_strdup_printf("%s|%s|%s", leaf->account, leaf->kind, leaf->region);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, (gssize)length);
    if (length > REMEMBERED_LEAF_MAX || g_strcmp0(g_hash_table_lookup(saving->remembered->written, id), digest) == 0)
        return TRUE;
    write_leaf(saving->remembered, leaf, id, objects);
    g_hash_table_replace(saving->remembered->written, g_steal_pointer(&id), g_steal_pointer(&digest));
    return TRUE;
}

static void save(Remembered *remembered) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(remembered->inventory);
    Saving saving = {remembered, snapshot};
    inventory_leaves(snapshot, NULL, save_leaf, &saving);
}

/* Once a minute, and once more at the end. */
static gpointer run(gpointer data) {
    Remembered *remembered = data;
    gboolean ending = FALSE;
    while (!ending) {
        g_mutex_lock(&remembered->lock);
        gint64 until_us = g_get_monotonic_time() + REMEMBERED_SAVE_MS * 1000;
        while (!remembered->stopping && g_cond_wait_until(&remembered->changed, &remembered->lock, until_us))
            ;
        ending = remembered->stopping;
        g_mutex_unlock(&remembered->lock);
        save(remembered);
    }
    return NULL;
}

void remembered_start(Remembered *remembered) {
    remembered->thread = g_thread_new("clouds-memory", run, remembered);
}

void remembered_stop(Remembered *remembered) {
    if (remembered->thread == NULL)
        return;
    g_mutex_lock(&remembered->lock);
    remembered->stopping = TRUE;
    g_cond_signal(&remembered->changed);
    g_mutex_unlock(&remembered->lock);
    g_clear_pointer(&remembered->thread, g_thread_join);
}

/* ---- reading ---- */
/* Kinds are constants of the program: an object points to one. NULL: a kind there is no more. */
static const char *known_kind(const char *kind) {
    static const char *const KINDS[] = {KIND_SERVER_GROUP,
                                        KIND_INSTANCE,
                                        KIND_LOAD_BALANCER,
                                        KIND_TARGET_GROUP,
                                        KIND_SECURITY_GROUP,
                                        KIND_IMAGE,
                                        KIND_SUBNET,
                                        KIND_NETWORK,
                                        KIND_KEY_PAIR,
                                        KIND_INSTANCE_TYPE,
                                        KIND_HEALTH,
                                        KIND_LAUNCH_TEMPLATE,
                                        KIND_LAUNCH_CONFIGURATION};
    for (gsize i = 0; kind != NULL && i < G_N_ELEMENTS(KINDS); i++)
        if (strcmp(KINDS[i], kind) == 0)
            return KINDS[i];
    return NULL;
}

static InventoryObject *read_object(const char *kind, const char *account, const char *region, const JsonValue *value) {
    const char *id = json_get_string(value, "id");
    if (id == NULL)
        return NULL;
    g_autoptr(InventoryObject) object = inventory_object_new(kind, account, region, id);
    object->application = g_strdup(json_get_string(value, "application"));
    object->cluster = g_strdup(json_get_string(value, "cluster"));
    if (json_get(value, "document") != NULL)
        object->document = json_copy(json_get(value, "document"));
    return record_read(object, json_get(value, "record")) ? g_steal_pointer(&object) : NULL;
}

typedef struct {
    Remembered *remembered;
    const GPtrArray *accounts;
    GPtrArray *forgotten; /* ids of rows whose account is no more */
} Loading;

static gboolean has_region(const GPtrArray *accounts, const char *name, const char *region) {
    for (guint i = 0; i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        if (g_strcmp0(account->name, name) == 0)
            return account->regions != NULL && region != NULL && g_strv_contains((const char *const *)account->regions, region);
    }
    return FALSE;
}

static gboolean load_leaf(const StoreObject *row, gpointer data) {
    Loading *loading = data;
    const JsonValue *leaf = json_root(row->body);
    const char *account = json_get_string(leaf, "account"), *region = json_get_string(leaf, "region");
    const char *kind = known_kind(json_get_string(leaf, "kind"));
    if (kind == NULL || !has_region(loading->accounts, account, region)) {
        g_ptr_array_add(loading->forgotten, g_strdup(row->id));
        return TRUE;
    }
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    for (JsonIter i = json_iter(json_get(leaf, "objects")); json_next(&i);) {
        InventoryObject *object = read_object(kind, account, region, i.value);
        if (object != NULL)
            g_ptr_array_add(objects, object);
    }
    inventory_replace(loading->remembered->inventory, account, kind, region, objects, json_get_int(leaf, "readMs", 1));
    return TRUE;
}

void remembered_load(Remembered *remembered, const GPtrArray *accounts) {
    g_autoptr(GPtrArray) forgotten = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    Loading loading = {remembered, accounts, forgotten};
    if (!store_objects_each(remembered->store, REMEMBERED_KIND, NULL, NULL, load_leaf, &loading, &error))
        log_warning("clouds", "what was known of the clouds could not be read, it is read anew: %s", error->message);
    if (forgotten->len == 0)
        return;
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i < forgotten->len; i++)
        store_object_delete(unit, REMEMBERED_KIND, forgotten->pdata[i], -1);
    store_commit(remembered->store, unit, NULL);
}
