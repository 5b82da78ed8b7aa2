/* This server among others: its lease, who else lives, and what is taken over from those who do not. Owns the lease's thread and its
 * connection. A replica that cannot renew its lease does nothing outside until it can; one that finds itself marked as gone starts anew. */
#include "store/replicas.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/executions.h"
#include "store/internal.h"
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STEWARD "steward"
#define NAME_FILE "replica"
#define KEPT_GONE 64                    /* rows of those that are gone, the last ones, for what was given to them as they went */
#define SILENT_MS (3 * REPLICA_TICK_MS) /* without a look for so long, nobody is said to stand still */

typedef struct {
    gint64 beat, since_ms; /* since when it has been this, by our clock */
    gint64 looked;         /* in which look it was seen */
} Other;

typedef struct {
    Replicas *replicas;
    gint64 from;
    gboolean died;
    GHashTable *ids; /* of executions: their keys may come twice, when a commit is repeated */
} Claim;

struct Replicas {
    Store *store;
    gint64 id;
    GThread *thread;
    StoreConnection *connection; /* the thread's */
    int wake;
    _Atomic gint64 lease_until_ms, calls_end_ms;
    GMutex lock; /* all below */
    GCond renewed;
    ReplicaEvents events;
    gboolean begun, stopping, left, steward, lost, claiming, own_asked;
    gint64 key_next, key_limit, spare_next; /* spare_next: of another block, or 0 */
    GQueue items, texts;                    /* char *: changes, and what is told, for others */
    gboolean overflown;
    /* The thread's own. */
    GHashTable *others; /* id to Other */
    gint64 looks, looked_ms, renew_ms;
    gboolean stale, failing;
};

gboolean store_is_shared(const Store *store) {
    return store->replicas != NULL;
}

gint64 store_replica(const Store *store) {
    return store->replicas != NULL ? store->replicas->id : 0;
}

gboolean store_lease_is_valid(const Store *store) {
    return store->replicas == NULL || clock_elapsed_ms() < store->replicas->lease_until_ms;
}

gint64 store_calls_end_in_ms(const Store *store) {
    return store->replicas != NULL ? MAX(store->replicas->calls_end_ms - clock_elapsed_ms(), 0) : 0;
}

gboolean store_lease_wait(Store *store, gint64 most_ms) {
    Replicas *replicas = store->replicas;
    if (store_lease_is_valid(store))
        return TRUE;
    gint64 until_us = g_get_monotonic_time() + most_ms * 1000;
    g_mutex_lock(&replicas->lock);
    while (!store_lease_is_valid(store) && !replicas->lost && g_cond_wait_until(&replicas->renewed, &replicas->lock, until_us))
        continue;
    g_mutex_unlock(&replicas->lock);
    return store_lease_is_valid(store);
}

static void wake_up(Replicas *replicas) {
    guint64 one = 1;
    if (write(replicas->wake, &one, sizeof one) < 0 && errno != EAGAIN)
        log_warning("store", "the thread of the lease is not woken: %s", g_strerror(errno));
}

/* ---- joining ------------------------------------------------------------------------------------------------------ */

static const StoreStatement JOIN = {"replicas.join",
                                    "INSERT INTO replicas (id, name, joined_ms, beat, commits, gone) VALUES ($1, $2, $3, 1, 0, 0)"};
static const StoreStatement SUCCEED_OWN = {"replicas.succeed_own", "UPDATE replicas SET gone = 2 WHERE name = $1 AND gone = 0"};
static const StoreStatement FORGET = {"replicas.forget", "DELETE FROM replicas WHERE gone = 1 AND id < $1"};
static const StoreStatement KEYS = {
    "counters.keys", "INSERT INTO counters (name, value) VALUES ('keys', (SELECT coalesce(max(key), 0) FROM executions) + $1) ON CONFLICT "
                     "(name) DO UPDATE SET value = CASE WHEN counters.value + $1 > excluded.value THEN counters.value + $1 ELSE "
                     "excluded.value END RETURNING value"};

static gboolean number_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

/* The first of REPLICA_KEYS keys that are nobody else's; 0 with *error. */
static gint64 keys_take(Store *store, StoreConnection *connection, GError **error) {
    gint64 last = 0;
    return store->driver->run(connection, &KEYS, &SV_INT(REPLICA_KEYS), 1, number_each, &last, NULL, error) ? last - REPLICA_KEYS + 1 : 0;
}

/* This machine and data folder, which one process has at a time: a row of this name that seems to live is of a process that is gone. */
static char *name_of(const Store *store, GError **error) {
    g_autofree char *file = g_build_filename(store->folder, NAME_FILE, NULL), *mark = NULL;
    if (!g_file_get_contents(file, &mark, NULL, NULL)) {
        mark = g_uuid_string_random();
        if (!g_file_set_contents(file, mark, -1, error))
            return NULL;
    }
    return g_strdup_printf("%s:%s:%.36s", g_get_host_name(), store->folder, mark);
}

Replicas *replicas_join(Store *store, gint64 id, GError **error) {
    const StoreDriver *driver = store->driver;
    g_autofree char *name = name_of(store, error);
    gint64 sent_ms = clock_elapsed_ms(), keys = 0;
    if (name == NULL || !driver->run(store->writer, &SUCCEED_OWN, (StoreValue[]){SV_TEXT(name)}, 1, NULL, NULL, NULL, error) ||
        !driver->run(store->writer, &JOIN, (StoreValue[]){SV_INT(id), SV_TEXT(name), SV_INT(clock_now_ms())}, 3, NULL, NULL, NULL, error) ||
        !driver->run(store->writer, &FORGET, &SV_INT(id - KEPT_GONE), 1, NULL, NULL, NULL, error) ||
        (keys = keys_take(store, store->writer, error)) == 0)
        return NULL;
    Replicas *replicas = g_new0(Replicas, 1);
    replicas->store = store;
    replicas->id = id;
    replicas->lease_until_ms = sent_ms + REPLICA_LEASE_MS;
    replicas->key_next = keys;
    replicas->key_limit = keys + REPLICA_KEYS;
    replicas->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    replicas->others = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    g_mutex_init(&replicas->lock);
    g_cond_init(&replicas->renewed);
    log_info("store", "this server is replica %" G_GINT64_FORMAT " of the store %s", id, store->file);
    return replicas;
}

void replicas_free(Replicas *replicas) {
    if (replicas == NULL)
        return;
    if (replicas->connection != NULL)
        replicas->store->driver->close(replicas->connection);
    g_queue_clear_full(&replicas->items, g_free);
    g_queue_clear_full(&replicas->texts, g_free);
    g_hash_table_unref(replicas->others);
    close(replicas->wake);
    g_mutex_clear(&replicas->lock);
    g_cond_clear(&replicas->renewed);
    g_free(replicas);
}

/* ---- keys of executions ------------------------------------------------------------------------------------------- */

gint64 replicas_key_new(Replicas *replicas) {
    g_mutex_lock(&replicas->lock);
    if (replicas->key_next == replicas->key_limit && replicas->spare_next != 0) {
        replicas->key_next = replicas->spare_next;
        replicas->key_limit = replicas->spare_next + REPLICA_KEYS;
        replicas->spare_next = 0;
    }
    g_assert(replicas->key_next < replicas->key_limit); /* the thread takes more when half are left */
    gint64 key = replicas->key_next++;
    g_mutex_unlock(&replicas->lock);
    return key;
}

static void keys_look(Replicas *replicas) {
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&replicas->lock);
    gboolean few = replicas->spare_next == 0 && replicas->key_limit - replicas->key_next < REPLICA_KEYS / 2;
    g_mutex_unlock(&replicas->lock);
    gint64 keys = few ? keys_take(replicas->store, replicas->connection, &error) : 0;
    if (keys == 0)
        return;
    g_mutex_lock(&replicas->lock);
    replicas->spare_next = keys;
    g_mutex_unlock(&replicas->lock);
}

/* ---- taking over -------------------------------------------------------------------------------------------------- */

/* Claims follow each other: whoever comes second sees what the first one took. */
static const StoreStatement CLAIM_BEGIN = {"replicas.claim", "UPDATE counters SET value = value + 1 WHERE name = 'claims'"};
static const StoreStatement CLAIM_DEAD = {"replicas.claim_dead", "UPDATE replicas SET gone = 1 WHERE id = $1 AND beat = $2 AND gone = 0"};
static const StoreStatement CLAIM_LEFT = {"replicas.claim_left", "UPDATE replicas SET gone = 1 WHERE id = $1 AND gone = 2"};
static const StoreStatement CLAIM_EXECUTIONS = {"executions.claim",
                                                "UPDATE executions SET owner = $2 WHERE owner = $1 AND finished = 0 RETURNING id"};
static const StoreStatement CLAIM_NAMES = {"ownerships.claim", "UPDATE ownerships SET owner = $2 WHERE owner = $1"};
static const StoreStatement OWN = {"executions.own", "UPDATE executions SET owner = $2 WHERE key = $1"};

void store_execution_own(StoreUnit *unit, gint64 key, gint64 owner) {
    store_unit_add(unit, &OWN, (StoreValue[]){SV_INT(key), SV_INT(owner)}, 2);
}

static gboolean claimed_each(const StoreRow *row, gpointer data) {
    g_hash_table_add(((Claim *)data)->ids, g_strdup(store_row_text(row, 0)));
    return TRUE;
}

static void lose(Replicas *replicas, const char *why) {
    g_mutex_lock(&replicas->lock);
    gboolean tell = !replicas->lost && !replicas->stopping && replicas->events.lost != NULL;
    replicas->lost = TRUE;
    ReplicaEvents events = replicas->events;
    g_mutex_unlock(&replicas->lock);
    replicas->lease_until_ms = 0;
    if (!tell)
        return;
    log_error("store", "replica %" G_GINT64_FORMAT ": %s", replicas->id, why);
    events.lost(events.data);
}

static void claim_free(Claim *claim) {
    g_hash_table_unref(claim->ids);
    g_free(claim);
}

static void claim_done(const GError *error, gpointer data) {
    Claim *claim = data;
    Replicas *replicas = claim->replicas;
    g_mutex_lock(&replicas->lock);
    replicas->claiming = FALSE;
    ReplicaEvents events = replicas->events;
    g_mutex_unlock(&replicas->lock);
    if (error != NULL && error_code(error) == ERR_TIMEOUT)
        lose(replicas, "whether it took over from another is not known; it starts anew");
    else if (error != NULL && error_code(error) != ERR_CONFLICT)
        log_warning("store", "taking over from replica %" G_GINT64_FORMAT " is tried again: %s", claim->from, error->message);
    else if (error == NULL) {
        g_autofree gpointer *ids = g_hash_table_get_keys_as_array(claim->ids, NULL);
        guint n = g_hash_table_size(claim->ids);
        if (claim->died)
            replicas->calls_end_ms = clock_elapsed_ms() + REPLICA_CALL_MS;
        log_info("store", "took over from replica %" G_GINT64_FORMAT ", which %s: %u unfinished executions", claim->from,
                 claim->died ? "does not renew its lease" : "is gone", n);
        if (events.claimed != NULL && n > 0)
            events.claimed((const char *const *)ids, n, events.data);
    }
    claim_free(claim);
}

/* One at a time, through the committer, which may have to wait for the database: the lease is renewed meanwhile. */
static void claim_begin(Replicas *replicas, gint64 from, const StoreStatement *mark, gint64 beat) {
    g_mutex_lock(&replicas->lock);
    gboolean go = replicas->begun && !replicas->claiming && !replicas->stopping && !replicas->lost;
    replicas->claiming = replicas->claiming || go;
    g_mutex_unlock(&replicas->lock);
    if (!go)
        return;
    Claim *claim = g_new0(Claim, 1);
    *claim = (Claim){replicas, from, mark == &CLAIM_DEAD, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    StoreValue values[] = {SV_INT(from), SV_INT(mark == &CLAIM_DEAD ? beat : replicas->id)};
    StoreUnit *unit = store_unit_new();
    store_unit_add(unit, &CLAIM_BEGIN, NULL, 0);
    if (mark != NULL)
        store_unit_require(unit, mark, values, mark == &CLAIM_DEAD ? 2 : 1, "another replica took over");
    values[1] = SV_INT(replicas->id);
    unit_add(unit, &CLAIM_EXECUTIONS, values, 2, &(UnitOptions){.returned = claimed_each, .returned_data = claim});
    store_unit_add(unit, &CLAIM_NAMES, values, 2);
    store_submit(replicas->store, unit, claim_done, claim);
}

/* ---- looking at the others ---------------------------------------------------------------------------------------- */

static const StoreStatement LIVING = {"replicas.living", "SELECT id, beat, gone FROM replicas WHERE gone <> 1 AND id <> $1 ORDER BY id"};
/* What was given to a replica in the moment in which it went, and what comes from a store of one server. */
static const StoreStatement LEFT_BEHIND = {"replicas.left_behind",
                                           "SELECT r.id FROM replicas r WHERE r.gone = 1 AND EXISTS (SELECT 1 FROM executions e WHERE "
                                           "e.owner = r.id AND e.finished = 0 AND e.owner > 0) ORDER BY r.id LIMIT 1"};
static const StoreStatement LEFT_ALONE = {"replicas.left_alone", "SELECT owner FROM executions WHERE finished = 0 AND owner = 0 LIMIT 1"};

typedef struct {
    Replicas *replicas;
    gint64 now_ms, from, beat;
    const StoreStatement *mark; /* how the first is taken over that is gone; NULL: none is */
} Look;

static gboolean living_each(const StoreRow *row, gpointer data) {
    Look *look = data;
    Replicas *replicas = look->replicas;
    gint64 id = store_row_int(row, 0), beat = store_row_int(row, 1);
    gboolean left = store_row_int(row, 2) == 2;
    Other *other = g_hash_table_lookup(replicas->others, &id);
    if (other == NULL) {
        other = g_new0(Other, 1);
        g_hash_table_insert(replicas->others, g_memdup2(&id, sizeof id), other);
    }
    if (other->beat != beat || other->looked != replicas->looks - 1)
        *other = (Other){.beat = beat, .since_ms = look->now_ms};
    other->looked = replicas->looks;
    if (look->mark == NULL && (left || look->now_ms - other->since_ms >= REPLICA_GONE_MS)) {
        look->from = id;
        look->beat = beat;
        look->mark = left ? &CLAIM_LEFT : &CLAIM_DEAD;
    }
    return TRUE;
}

static gboolean left_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

static gboolean is_old(gpointer key, gpointer value, gpointer data) {
    (void)key;
    return ((const Other *)value)->looked != ((const Replicas *)data)->looks;
}

static gboolean others_look(Replicas *replicas, GError **error) {
    const StoreDriver *driver = replicas->store->driver;
    gint64 left = -1;
    Look look = {.replicas = replicas, .now_ms = clock_elapsed_ms()};
    if (look.now_ms - replicas->looked_ms > SILENT_MS) /* nobody can be said to stand still whom we did not look at */
        g_hash_table_remove_all(replicas->others);
    replicas->looks++;
    if (!driver->run(replicas->connection, &LIVING, &SV_INT(replicas->id), 1, living_each, &look, NULL, error))
        return FALSE;
    replicas->looked_ms = look.now_ms;
    g_hash_table_foreach_remove(replicas->others, is_old, replicas);
    if (look.mark != NULL) {
        claim_begin(replicas, look.from, look.mark, look.beat);
        return TRUE;
    }
    if (!driver->run(replicas->connection, &LEFT_BEHIND, NULL, 0, left_each, &left, NULL, error) ||
        (left < 0 && replicas->looks % 8 == 1 && !driver->run(replicas->connection, &LEFT_ALONE, NULL, 0, left_each, &left, NULL, error)))
        return FALSE;
    if (left >= 0)
        claim_begin(replicas, left, NULL, 0);
    return TRUE;
}

/* ---- the steward -------------------------------------------------------------------------------------------------- */

static const StoreStatement OWN_NAME = {"ownerships.own",
                                        "INSERT INTO ownerships (name, owner) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"};
static const StoreStatement OWNER = {"ownerships.owner", "SELECT owner FROM ownerships WHERE name = $1"};

static void own_unit_fill(StoreUnit *unit, const char *name, gint64 id, gint64 *owner) {
    StoreValue values[] = {SV_TEXT(name), SV_INT(id)};
    store_unit_add(unit, &OWN_NAME, values, 2);
    unit_add(unit, &OWNER, values, 1, &(UnitOptions){.returned = number_each, .returned_data = owner});
}

gint64 store_own(Store *store, const char *name, GError **error) {
    gint64 owner = 0;
    StoreValue value = SV_TEXT(name);
    if (!store_query(store, &OWNER, &value, 1, number_each, &owner, error) || owner != 0)
        return owner;
    StoreUnit *unit = store_unit_new();
    own_unit_fill(unit, name, store_replica(store), &owner);
    return store_commit(store, unit, error) ? owner : 0;
}

static void steward_asked(const GError *error, gpointer data) {
    (void)error; /* looked at again */
    Replicas *replicas = data;
    g_mutex_lock(&replicas->lock);
    replicas->own_asked = FALSE;
    g_mutex_unlock(&replicas->lock);
}

static gboolean steward_look(Replicas *replicas, GError **error) {
    gint64 owner = 0;
    StoreValue name = SV_TEXT(STEWARD);
    if (replicas->steward || !replicas->begun)
        return TRUE;
    if (!replicas->store->driver->run(replicas->connection, &OWNER, &name, 1, number_each, &owner, NULL, error))
        return FALSE;
    g_mutex_lock(&replicas->lock);
    gboolean ask = owner == 0 && !replicas->own_asked && !replicas->stopping;
    replicas->own_asked = replicas->own_asked || ask;
    replicas->steward = owner == replicas->id;
    ReplicaEvents events = replicas->events;
    gboolean tell = replicas->steward && !replicas->stopping;
    g_mutex_unlock(&replicas->lock);
    if (ask) {
        StoreUnit *unit = store_unit_new();
        store_unit_add(unit, &OWN_NAME, (StoreValue[]){name, SV_INT(replicas->id)}, 2);
        store_submit(replicas->store, unit, steward_asked, replicas);
    }
    if (tell) {
        log_info("store", "replica %" G_GINT64_FORMAT " has the duties of one: cron triggers, events, retention, deliveries", replicas->id);
        if (events.steward != NULL)
            events.steward(events.data);
    }
    return TRUE;
}

/* ---- what is told ------------------------------------------------------------------------------------------------- */

void store_tell(Store *store, const char *text) {
    Replicas *replicas = store->replicas;
    if (replicas == NULL || strlen(text) > REPLICA_TEXT_MAX)
        return;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_int(builder, "from", replicas->id);
    json_add_string(builder, "text", text);
    json_end_object(builder);
    char *whole = json_builder_write(builder, NULL);
    g_mutex_lock(&replicas->lock);
    if (strlen(whole) <= STORE_TELL_MAX && replicas->texts.length < REPLICA_RELAY_MAX)
        g_queue_push_tail(&replicas->texts, g_steal_pointer(&whole));
    g_mutex_unlock(&replicas->lock);
    g_free(whole);
    wake_up(replicas);
}

static void items_add(GQueue *items, const StoreUnit *unit) {
    for (const ChangeRecord *record = unit->documents; record != NULL; record = record->next)
        g_queue_push_tail(items, relay_item(record, TRUE));
    for (const ChangeRecord *record = unit->changes; record != NULL; record = record->next)
        g_queue_push_tail(items, relay_item(record, FALSE));
}

void replicas_committed(Replicas *replicas, GPtrArray *units) {
    GQueue items = G_QUEUE_INIT;
    for (guint i = 0; i < units->len; i++) {
        const StoreUnit *unit = units->pdata[i];
        if (unit->error == NULL)
            items_add(&items, unit);
    }
    if (replicas->store->driver->is_fenced(replicas->store->writer))
        lose(replicas, "another replica took over; this process starts anew");
    if (items.length == 0)
        return;
    g_mutex_lock(&replicas->lock);
    if (replicas->items.length + items.length > REPLICA_RELAY_MAX) {
        g_queue_clear_full(&replicas->items, g_free);
        g_queue_clear_full(&items, g_free);
        g_queue_push_tail(&items, g_strdup(RELAY_EVERYTHING));
    }
    for (char *item; (item = g_queue_pop_head(&items)) != NULL;)
        g_queue_push_tail(&replicas->items, item);
    g_mutex_unlock(&replicas->lock);
    wake_up(replicas);
}

static char *text_next(Replicas *replicas) {
    g_mutex_lock(&replicas->lock);
    char *text = replicas->items.length > 0 ? relay_pack(&replicas->items, replicas->id) : g_queue_pop_head(&replicas->texts);
    g_mutex_unlock(&replicas->lock);
    return text;
}

/* Until the next tick is due: nobody's lease may end because much was to be told. */
static gboolean texts_send(Replicas *replicas, gint64 until_ms, GError **error) {
    while (clock_elapsed_ms() < until_ms) {
        g_autofree char *text = text_next(replicas);
        if (text == NULL)
            return TRUE;
        if (!replicas->store->driver->tell(replicas->connection, text, error)) {
            g_mutex_lock(&replicas->lock); /* what was in it is not known any more */
            g_queue_push_head(&replicas->items, g_strdup(RELAY_EVERYTHING));
            g_mutex_unlock(&replicas->lock);
            return FALSE;
        }
    }
    return TRUE;
}

static void text_heard(const char *text, gpointer data) {
    g_ptr_array_add(data, g_strdup(text));
}

static void text_take(Replicas *replicas, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_parse(text, -1, &error);
    if (json == NULL || json_get_int(json_root(json), "from", 0) == replicas->id)
        return;
    const char *told = json_get_string(json_root(json), "text");
    for (JsonIter i = json_iter(json_get(json_root(json), "changes")); json_next(&i);)
        if (!relay_apply(replicas->store, replicas->connection, i.value, &error)) {
            replicas->stale = TRUE;
            g_clear_error(&error);
        }
    g_mutex_lock(&replicas->lock);
    ReplicaEvents events = replicas->events;
    gboolean begun = replicas->begun && !replicas->stopping;
    g_mutex_unlock(&replicas->lock);
    if (told != NULL && begun && events.told != NULL)
        events.told(told, events.data);
}

/* ---- the thread --------------------------------------------------------------------------------------------------- */

static const StoreStatement RENEW = {"replicas.renew", "UPDATE replicas SET beat = beat + 1 WHERE id = $1 AND gone = 0"};

static gboolean renew(Replicas *replicas, GError **error) {
    gint64 sent_ms = clock_elapsed_ms();
    guint64 changed = 0;
    if (sent_ms < replicas->renew_ms)
        return TRUE;
    if (!replicas->store->driver->run(replicas->connection, &RENEW, &SV_INT(replicas->id), 1, NULL, NULL, &changed, error))
        return FALSE;
    if (changed == 0) {
        lose(replicas, "another replica took over, since this one did not renew its lease in time; this process starts anew");
        return TRUE;
    }
    replicas->renew_ms = sent_ms + REPLICA_RENEW_MS - REPLICA_TICK_MS / 2;
    g_mutex_lock(&replicas->lock);
    replicas->lease_until_ms = sent_ms + REPLICA_LEASE_MS;
    g_cond_broadcast(&replicas->renewed);
    g_mutex_unlock(&replicas->lock);
    return TRUE;
}

static gboolean connected(Replicas *replicas, GError **error) {
    if (replicas->connection == NULL) {
        ConnectionOptions options = {.file = replicas->store->target, .role = CONNECTION_CARE, .durable = TRUE, .shared = TRUE};
        replicas->connection = replicas->store->driver->open(&options, error);
        replicas->stale = TRUE;
    }
    return replicas->connection != NULL;
}

static gboolean refresh(Replicas *replicas, GError **error) {
    if (replicas->stale && !object_index_refresh(replicas->store, replicas->connection, error))
        return FALSE;
    replicas->stale = FALSE;
    return TRUE;
}

static gboolean tick(Replicas *replicas, GError **error) {
    if (!connected(replicas, error) || !renew(replicas, error) || !refresh(replicas, error) || !others_look(replicas, error) ||
        !steward_look(replicas, error))
        return FALSE;
    keys_look(replicas);
    g_mutex_lock(&replicas->lock);
    ReplicaEvents events = replicas->events;
    gboolean look = replicas->steward && !replicas->stopping && replicas->looks % 4 == 0;
    g_mutex_unlock(&replicas->lock);
    if (look && events.look != NULL)
        events.look(events.data);
    return TRUE;
}

static gboolean hear(Replicas *replicas, gint64 until_ms, GError **error) {
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    gboolean anew = FALSE;
    guint64 count;
    if (!replicas->store->driver->hear(replicas->connection, replicas->wake, until_ms, text_heard, texts, &anew, error))
        return FALSE;
    replicas->stale = replicas->stale || anew;
    (void)!read(replicas->wake, &count, sizeof count);
    for (guint i = 0; i < texts->len; i++)
        text_take(replicas, texts->pdata[i]);
    return TRUE;
}

static void failing_log(Replicas *replicas, const GError *error) {
    if (error != NULL && !replicas->failing)
        log_warning("store", "replica %" G_GINT64_FORMAT " cannot renew its lease: %s", replicas->id, error->message);
    if (error == NULL && replicas->failing)
        log_info("store", "replica %" G_GINT64_FORMAT " has its lease again", replicas->id);
    replicas->failing = error != NULL;
}

static gboolean goes_on(Replicas *replicas) {
    g_mutex_lock(&replicas->lock);
    gboolean on = !replicas->stopping;
    g_mutex_unlock(&replicas->lock);
    return on;
}

static gpointer replicas_main(gpointer data) {
    Replicas *replicas = data;
    while (goes_on(replicas)) {
        g_autoptr(GError) error = NULL;
        gint64 next_ms = clock_elapsed_ms() + REPLICA_TICK_MS;
        gboolean fine = tick(replicas, &error);
        while (fine && clock_elapsed_ms() < next_ms && goes_on(replicas))
            fine = texts_send(replicas, next_ms, &error) && hear(replicas, next_ms, &error);
        failing_log(replicas, error);
        if (!fine)
            g_usleep(REPLICA_TICK_MS * 1000 / 4);
    }
    return NULL;
}

void replicas_start(Replicas *replicas) {
    replicas->thread = g_thread_new("lease", replicas_main, replicas);
}

void replicas_stop(Replicas *replicas) {
    g_mutex_lock(&replicas->lock);
    replicas->stopping = TRUE;
    g_mutex_unlock(&replicas->lock);
    wake_up(replicas);
    if (replicas->thread != NULL)
        g_thread_join(g_steal_pointer(&replicas->thread));
}

/* ---- begin and end ------------------------------------------------------------------------------------------------ */

void store_replica_begin(Store *store, const ReplicaEvents *events) {
    Replicas *replicas = store->replicas;
    g_mutex_lock(&replicas->lock);
    replicas->events = *events;
    replicas->begun = TRUE;
    g_mutex_unlock(&replicas->lock);
    wake_up(replicas);
}

static const StoreStatement LEAVE = {"replicas.leave", "UPDATE replicas SET gone = 2 WHERE id = $1 AND gone = 0"};

/* After this commit none of this replica succeeds: it is its own last mark. */
void store_replica_leave(Store *store) {
    Replicas *replicas = store->replicas;
    g_autoptr(GError) error = NULL;
    if (replicas == NULL || replicas->lost)
        return;
    replicas_stop(replicas);
    replicas->lease_until_ms = 0;
    if (replicas->connection == NULL ||
        !store->driver->run(replicas->connection, &LEAVE, &SV_INT(replicas->id), 1, NULL, NULL, NULL, &error) ||
        !store->driver->tell(replicas->connection, "{}", &error))
        log_warning("store", "other replicas take over when the lease of this one has ended: %s",
                    error != NULL ? error->message : "the database does not answer");
}
