/* The last changes, numbered, and who listens. Owned by the store; any thread, mostly the committer's. One lock covers numbering,
 * keeping and delivering, so that every listener sees every change once and in order. */
#include "base/error.h"
#include "store/internal.h"
#include <string.h>

#define REPLICA "1" /* an embedded store has one */

typedef struct {
    guint id;
    StoreListener listener;
    gpointer data;
} Listening;

struct Changes {
    GMutex mutex;
    gint64 epoch;
    guint64 last; /* number of the newest; the first is 1 */
    guint64 kept; /* how many of the newest are in the ring */
    gsize bytes;
    ChangeRecord **ring; /* STORE_CHANGES_KEPT places; number n is at n % STORE_CHANGES_KEPT */
    GArray *listening;   /* of Listening */
    guint next_listener;
};

static guint32 text_put(char *into, guint32 *at, const char *text) {
    if (text == NULL)
        return CHANGE_ABSENT;
    guint32 begin = *at;
    gsize size = strlen(text) + 1;
    memcpy(into + begin, text, size);
    *at += (guint32)size;
    return begin;
}

static gsize text_size(const char *text) {
    return text != NULL ? strlen(text) + 1 : 0;
}

ChangeRecord *change_record_new(const StoreChange *change) {
    gsize size = sizeof(ChangeRecord) + text_size(change->id) + text_size(change->kind) + text_size(change->application) +
                 text_size(change->status) + text_size(change->detail);
    g_assert(change->id != NULL && change->kind != NULL && size < CHANGE_ABSENT);
    ChangeRecord *record = g_malloc(size);
    *record = (ChangeRecord){.version = change->version, .bytes = (guint32)size};
    guint32 at = 0;
    text_put(record->text, &at, change->id);
    record->kind = text_put(record->text, &at, change->kind);
    record->application = text_put(record->text, &at, change->application);
    record->status = text_put(record->text, &at, change->status);
    record->detail = text_put(record->text, &at, change->detail);
    return record;
}

static const char *text_at(const ChangeRecord *record, guint32 at) {
    return at == CHANGE_ABSENT ? NULL : record->text + at;
}

Changes *changes_new(gint64 epoch) {
    Changes *changes = g_new0(Changes, 1);
    g_mutex_init(&changes->mutex);
    changes->epoch = epoch;
    changes->ring = g_new0(ChangeRecord *, STORE_CHANGES_KEPT);
    changes->listening = g_array_new(FALSE, TRUE, sizeof(Listening));
    return changes;
}

static void oldest_drop(Changes *changes) {
    ChangeRecord **place = &changes->ring[(changes->last - changes->kept + 1) % STORE_CHANGES_KEPT];
    changes->bytes -= (*place)->bytes;
    changes->kept--;
    g_clear_pointer(place, g_free);
}

void changes_free(Changes *changes) {
    if (changes == NULL)
        return;
    while (changes->kept > 0)
        oldest_drop(changes);
    g_free(changes->ring);
    g_array_unref(changes->listening);
    g_mutex_clear(&changes->mutex);
    g_free(changes);
}

StoreChange change_record_view(const ChangeRecord *record) {
    return (StoreChange){.kind = text_at(record, record->kind),
                         .id = record->text,
                         .application = text_at(record, record->application),
                         .status = text_at(record, record->status),
                         .version = record->version,
                         .detail = text_at(record, record->detail)};
}

static void deliver(const Changes *changes, guint64 number, const ChangeRecord *record, StoreListener listener, gpointer data) {
    char id[64];
    g_snprintf(id, sizeof id, REPLICA "-%" G_GINT64_FORMAT ":%" G_GUINT64_FORMAT, changes->epoch, number);
    StoreChangeEvent event = {.id = id, .change = change_record_view(record)};
    listener(&event, data);
}

void changes_publish(Changes *changes, ChangeRecord *records) {
    if (records == NULL)
        return;
    g_mutex_lock(&changes->mutex);
    for (ChangeRecord *record = records, *next; record != NULL; record = next) {
        next = record->next;
        record->next = NULL;
        while (changes->kept > 0 && (changes->kept == STORE_CHANGES_KEPT || changes->bytes + record->bytes > STORE_CHANGES_KEPT_BYTES))
            oldest_drop(changes);
        changes->last++;
        changes->kept++;
        changes->bytes += record->bytes;
        changes->ring[changes->last % STORE_CHANGES_KEPT] = record;
        for (guint i = 0; i < changes->listening->len; i++) {
            const Listening *listening = &g_array_index(changes->listening, Listening, i);
            deliver(changes, changes->last, record, listening->listener, listening->data);
        }
    }
    g_mutex_unlock(&changes->mutex);
}

/* The number that the event id holds for this replica and epoch; FALSE when it holds none that can be followed. */
static gboolean number_parse(const Changes *changes, const char *event_id, guint64 *number) {
    g_autofree char *prefix = g_strdup_printf(REPLICA "-%" G_GINT64_FORMAT ":", changes->epoch);
    g_auto(GStrv) parts = g_strsplit(event_id, ",", -1);
    for (char **part = parts; *part != NULL; part++) {
        const char *text = g_strstrip(*part);
        if (g_str_has_prefix(text, prefix))
            return g_ascii_string_to_unsigned(text + strlen(prefix), 10, 0, G_MAXUINT64, number, NULL);
    }
    return FALSE;
}

static gboolean replay_locked(Changes *changes, const char *event_id, StoreListener listener, gpointer data) {
    guint64 number = 0;
    if (event_id == NULL || !number_parse(changes, event_id, &number) || number > changes->last || number < changes->last - changes->kept)
        return FALSE;
    for (guint64 n = number + 1; n <= changes->last; n++)
        deliver(changes, n, changes->ring[n % STORE_CHANGES_KEPT], listener, data);
    return TRUE;
}

gboolean store_changes_since(Store *store, const char *event_id, StoreListener listener, gpointer data) {
    g_mutex_lock(&store->changes->mutex);
    gboolean complete = replay_locked(store->changes, event_id, listener, data);
    g_mutex_unlock(&store->changes->mutex);
    return complete;
}

guint store_listen_since(Store *store, const char *event_id, StoreListener listener, gpointer data, gboolean *complete) {
    Changes *changes = store->changes;
    g_mutex_lock(&changes->mutex);
    gboolean all = event_id == NULL || replay_locked(changes, event_id, listener, data);
    Listening listening = {.id = ++changes->next_listener, .listener = listener, .data = data};
    g_array_append_val(changes->listening, listening);
    g_mutex_unlock(&changes->mutex);
    if (complete != NULL)
        *complete = all;
    return listening.id;
}

guint store_listen(Store *store, StoreListener listener, gpointer data) {
    return store_listen_since(store, NULL, listener, data, NULL);
}

void store_unlisten(Store *store, guint id) {
    Changes *changes = store->changes;
    g_mutex_lock(&changes->mutex);
    for (guint i = 0; i < changes->listening->len; i++) {
        if (g_array_index(changes->listening, Listening, i).id != id)
            continue;
        g_array_remove_index(changes->listening, i);
        break;
    }
    g_mutex_unlock(&changes->mutex);
}

char *store_last_event_id(Store *store) {
    Changes *changes = store->changes;
    g_mutex_lock(&changes->mutex);
    char *id = g_strdup_printf(REPLICA "-%" G_GINT64_FORMAT ":%" G_GUINT64_FORMAT, changes->epoch, changes->last);
    g_mutex_unlock(&changes->mutex);
    return id;
}

void store_publish(Store *store, const StoreChange *change) {
    changes_publish(store->changes, change_record_new(change));
}
