/* The committer: the only thread that writes. It takes all units that wait, writes them in one transaction, each in its own
 * savepoint, and tells their senders when the transaction is durable. It never waits to fill a transaction.
 *
 * When the transaction as a whole fails (disk full, a lost database), each unit is tried again in a transaction of its own. */
#include "base/error.h"
#include "base/log.h"
#include "store/internal.h"
#include <math.h>

#define GROUP_UNITS_MAX 1024 /* a larger transaction gains nothing and makes its first unit wait */
#define GROUP_BYTES_MAX (8 * 1024 * 1024)
#define RETRY_FAILURES_MAX 3 /* after so many units in a row that cannot be written alone, the rest get the same error */
#define BEHIND_US G_USEC_PER_SEC
#define LATENCY_BUCKETS 96
#define LATENCY_FIRST_US 50.0
#define LATENCY_GROWTH 1.2 /* the last bucket begins at 27 minutes */

typedef struct {
    gboolean (*work)(gpointer data);
    gpointer data;
    gboolean finished;
} Between;

struct Committer {
    Store *store;
    StoreConnection *connection;
    GThread *thread;
    GMutex mutex; /* all below */
    GCond work;   /* units, a hold, between-work or the end came */
    GCond space;  /* the queue got shorter */
    GCond told;   /* held, or between-work finished */
    StoreUnit *head, **tail;
    guint depth;
    gsize bytes;
    gint64 writing_since_us; /* when the oldest unit being written was submitted; 0: none */
    gboolean sleeping, stopping, stopped;
    gboolean hold, held; /* somebody wants no transaction; there is none and will be none */
    GQueue between;      /* of Between * */
    guint64 commits, units, failed, statements, log_written;
    guint latency[LATENCY_BUCKETS];
    gboolean failing; /* the committer's own: the last group could not be written; logged once */
};

/* ---- latencies --------------------------------------------------------------------------------------------------- */

static guint bucket_of(gint64 us) {
    if ((double)us <= LATENCY_FIRST_US)
        return 0;
    double bucket = ceil(log((double)us / LATENCY_FIRST_US) / log(LATENCY_GROWTH));
    return bucket >= LATENCY_BUCKETS ? LATENCY_BUCKETS - 1 : (guint)bucket;
}

static double latency_at(const Committer *committer, double share) {
    guint64 total = 0, seen = 0;
    for (guint i = 0; i < LATENCY_BUCKETS; i++)
        total += committer->latency[i];
    for (guint i = 0; total > 0 && i < LATENCY_BUCKETS; i++) {
        seen += committer->latency[i];
        if ((double)seen >= share * (double)total)
            return LATENCY_FIRST_US * pow(LATENCY_GROWTH, i) / 1000.0;
    }
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static guint64 commands_count(const StoreUnit *unit) {
    guint64 n = 0;
    for (const UnitCommand *command = unit->first; command != NULL; command = command->next)
        n++;
    return n;
}

/* Whether the database failed, not the unit: other units would fail as well. */
static gboolean is_of_the_machine(const GError *error) {
    if (error == NULL)
        return FALSE;
    ErrorCode code = error_code(error);
    return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_INVALID;
}

/* Writes one unit into the open transaction; its failure is its own. FALSE when the transaction has to be given up. */
static gboolean unit_write_saved(Committer *committer, StoreUnit *unit, GError **error) {
    StoreConnection *connection = committer->connection;
    const StoreDriver *driver = connection->driver;
    if (!driver->savepoint(connection, error))
        return FALSE;
    if (unit_run(unit, connection, &unit->error))
        return driver->release(connection, error);
    if (is_of_the_machine(unit->error) || !driver->is_open(connection)) {
        g_propagate_error(error, g_error_copy(unit->error));
        return FALSE;
    }
    return driver->rollback_to(connection, error);
}

static gboolean group_write_together(Committer *committer, GPtrArray *group, GError **error) {
    StoreConnection *connection = committer->connection;
    if (!connection->driver->begin(connection, error))
        return FALSE;
    gboolean ok = TRUE;
    for (guint i = 0; i < group->len && ok; i++) {
        StoreUnit *unit = g_ptr_array_index(group, i);
        g_clear_error(&unit->error);
        if (unit->first != NULL)
            ok = unit_write_saved(committer, unit, error);
    }
    ok = ok && connection->driver->commit(connection, error);
    connection->driver->rollback(connection);
    return ok;
}

static void unit_write_alone(Committer *committer, StoreUnit *unit) {
    StoreConnection *connection = committer->connection;
    g_clear_error(&unit->error);
    if (connection->driver->begin(connection, &unit->error) && unit_run(unit, connection, &unit->error))
        (void)connection->driver->commit(connection, &unit->error);
    connection->driver->rollback(connection);
}

static void group_write_one_by_one(Committer *committer, GPtrArray *group) {
    guint failures = 0;
    const GError *last = NULL;
    for (guint i = 0; i < group->len; i++) {
        StoreUnit *unit = g_ptr_array_index(group, i);
        g_clear_error(&unit->error);
        if (unit->first == NULL)
            continue; /* changes alone need no database */
        if (failures >= RETRY_FAILURES_MAX) {
            unit->error = g_error_copy(last);
            continue;
        }
        unit_write_alone(committer, unit);
        failures = is_of_the_machine(unit->error) ? failures + 1 : 0;
        last = unit->error;
    }
}

static void failing_log(Committer *committer, const GError *error) {
    gboolean failing = error != NULL;
    if (failing && !committer->failing)
        log_error("store", "commits fail: %s", error->message);
    if (!failing && committer->failing)
        log_info("store", "commits succeed again");
    committer->failing = failing;
}

/* A failed condition in a group of one needs no savepoint: the transaction itself is rolled back. */
static void group_write(Committer *committer, GPtrArray *group) {
    gboolean anything = FALSE;
    for (guint i = 0; i < group->len; i++)
        anything |= ((StoreUnit *)g_ptr_array_index(group, i))->first != NULL;
    if (!anything)
        return;
    if (group->len == 1) {
        StoreUnit *unit = g_ptr_array_index(group, 0);
        unit_write_alone(committer, unit);
        if (is_of_the_machine(unit->error))
            unit_write_alone(committer, unit);
        failing_log(committer, is_of_the_machine(unit->error) ? unit->error : NULL);
        return;
    }
    g_autoptr(GError) error = NULL;
    if (!group_write_together(committer, group, &error))
        group_write_one_by_one(committer, group);
    const GError *failed = NULL;
    for (guint i = 0; i < group->len && failed == NULL; i++) {
        const GError *own = ((StoreUnit *)g_ptr_array_index(group, i))->error;
        failed = is_of_the_machine(own) ? own : NULL;
    }
    failing_log(committer, failed);
}

static void group_count(Committer *committer, GPtrArray *group) {
    gint64 now_us = g_get_monotonic_time();
    guint64 statements = 0, failed = 0;
    for (guint i = 0; i < group->len; i++) {
        const StoreUnit *unit = g_ptr_array_index(group, i);
        statements += commands_count(unit);
        failed += unit->error != NULL;
    }
    g_mutex_lock(&committer->mutex);
    committer->commits++;
    committer->units += group->len;
    committer->failed += failed;
    committer->statements += statements;
    committer->log_written = committer->connection->driver->log_written(committer->connection);
    committer->writing_since_us = 0;
    for (guint i = 0; i < group->len; i++)
        committer->latency[bucket_of(now_us - ((StoreUnit *)g_ptr_array_index(group, i))->submitted_us)]++;
    g_mutex_unlock(&committer->mutex);
}

/* In the order of the units: what readers of the memory see, listeners, then the senders. */
static void group_tell(Committer *committer, GPtrArray *group) {
    if (committer->store->replicas != NULL)
        replicas_committed(committer->store->replicas, group);
    for (guint i = 0; i < group->len; i++) {
        StoreUnit *unit = g_ptr_array_index(group, i);
        if (unit->error != NULL)
            continue;
        for (UnitHook *hook = unit->hooks; hook != NULL; hook = hook->next)
            hook->committed(committer->store, hook->data);
        changes_publish(committer->store->changes, g_steal_pointer(&unit->changes));
    }
    for (guint i = 0; i < group->len; i++) {
        StoreUnit *unit = g_ptr_array_index(group, i);
        if (unit->done != NULL)
            unit->done(unit->error, unit->data);
        store_unit_free(unit);
    }
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void group_take_locked(Committer *committer, GPtrArray *group) {
    gsize bytes = 0;
    committer->writing_since_us = committer->head != NULL ? committer->head->submitted_us : 0;
    while (committer->head != NULL && group->len < GROUP_UNITS_MAX &&
           (group->len == 0 || bytes + committer->head->bytes < GROUP_BYTES_MAX)) {
        StoreUnit *unit = committer->head;
        committer->head = unit->next;
        unit->next = NULL;
        bytes += unit->bytes;
        g_ptr_array_add(group, unit);
    }
    if (committer->head == NULL)
        committer->tail = &committer->head;
    committer->depth -= group->len;
    committer->bytes -= bytes;
    g_cond_broadcast(&committer->space);
}

/* Does what has to be done between commits. TRUE when more of it is left. */
static gboolean between_run_locked(Committer *committer) {
    while (committer->hold) {
        committer->held = TRUE;
        g_cond_broadcast(&committer->told);
        g_cond_wait(&committer->work, &committer->mutex);
    }
    committer->held = FALSE;
    Between *between = g_queue_peek_head(&committer->between);
    if (between == NULL)
        return FALSE;
    g_mutex_unlock(&committer->mutex);
    gboolean more = between->work(between->data);
    g_mutex_lock(&committer->mutex);
    if (!more) {
        g_queue_pop_head(&committer->between);
        between->finished = TRUE;
        g_cond_broadcast(&committer->told);
    }
    return !g_queue_is_empty(&committer->between);
}

/* Fills group with what waits; FALSE at the end. */
static gboolean group_next(Committer *committer, GPtrArray *group) {
    g_mutex_lock(&committer->mutex);
    for (;;) {
        gboolean more = between_run_locked(committer);
        group_take_locked(committer, group);
        if (group->len > 0 || more)
            break;
        if (committer->stopping)
            break;
        if (committer->hold)
            continue;
        committer->sleeping = TRUE;
        g_cond_wait(&committer->work, &committer->mutex);
        committer->sleeping = FALSE;
    }
    gboolean end = committer->stopping && group->len == 0 && g_queue_is_empty(&committer->between);
    g_mutex_unlock(&committer->mutex);
    return !end;
}

static gpointer committer_main(gpointer data) {
    Committer *committer = data;
    g_autoptr(GPtrArray) group = g_ptr_array_sized_new(GROUP_UNITS_MAX);
    while (group_next(committer, group)) {
        if (group->len == 0)
            continue;
        group_write(committer, group);
        group_count(committer, group);
        const StoreDriver *driver = committer->connection->driver;
        checkpointer_notify(committer->store->checkpointer, driver->log_size(committer->connection),
                            driver->log_written(committer->connection));
        group_tell(committer, group);
        g_ptr_array_set_size(group, 0);
    }
    g_mutex_lock(&committer->mutex);
    committer->stopped = committer->held = TRUE;
    g_cond_broadcast(&committer->told);
    g_mutex_unlock(&committer->mutex);
    return NULL;
}

Committer *committer_new(Store *store, gboolean with_thread) {
    Committer *committer = g_new0(Committer, 1);
    committer->store = store;
    committer->connection = store->writer;
    committer->tail = &committer->head;
    g_mutex_init(&committer->mutex);
    g_cond_init(&committer->work);
    g_cond_init(&committer->space);
    g_cond_init(&committer->told);
    g_queue_init(&committer->between);
    if (with_thread)
        committer->thread = g_thread_new("committer", committer_main, committer);
    return committer;
}

void committer_stop(Committer *committer) {
    g_mutex_lock(&committer->mutex);
    committer->stopping = TRUE;
    g_cond_broadcast(&committer->work);
    g_cond_broadcast(&committer->space);
    g_mutex_unlock(&committer->mutex);
    if (committer->thread != NULL)
        g_thread_join(committer->thread);
}

void committer_free(Committer *committer) {
    if (committer == NULL)
        return;
    g_mutex_clear(&committer->mutex);
    g_cond_clear(&committer->work);
    g_cond_clear(&committer->space);
    g_cond_clear(&committer->told);
    g_free(committer);
}

gboolean committer_is_this_thread(const Committer *committer) {
    return committer->thread == g_thread_self();
}

/* ---- what others ask of it --------------------------------------------------------------------------------------- */

static gboolean is_full_locked(const Committer *committer, const StoreUnit *unit) {
    return committer->depth > 0 && (committer->depth >= STORE_QUEUE_MAX || committer->bytes + unit->bytes > STORE_QUEUE_BYTES_MAX);
}

/* Waits for space, unless this is the thread that makes it. */
static gboolean space_wait_locked(Committer *committer, const StoreUnit *unit) {
    gint64 until_us = g_get_monotonic_time() + STORE_QUEUE_WAIT_MS * 1000;
    while (is_full_locked(committer, unit) && !committer->stopping) {
        if (committer_is_this_thread(committer) || !g_cond_wait_until(&committer->space, &committer->mutex, until_us))
            return FALSE;
    }
    return !committer->stopping;
}

/* Without a thread: here and now. */
static void unit_write_now(Committer *committer, StoreUnit *unit) {
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    g_ptr_array_add(group, unit);
    group_write(committer, group);
    group_count(committer, group);
    group_tell(committer, group);
}

void committer_submit(Committer *committer, StoreUnit *unit, StoreDone done, gpointer data) {
    unit->done = done;
    unit->data = data;
    unit->submitted_us = g_get_monotonic_time();
    if (committer->thread == NULL) {
        unit_write_now(committer, unit);
        return;
    }
    g_mutex_lock(&committer->mutex);
    if (space_wait_locked(committer, unit)) {
        *committer->tail = unit;
        committer->tail = &unit->next;
        committer->depth++;
        committer->bytes += unit->bytes;
        if (committer->sleeping)
            g_cond_signal(&committer->work);
        g_mutex_unlock(&committer->mutex);
        return;
    }
    gboolean stopping = committer->stopping;
    guint depth = committer->depth;
    g_mutex_unlock(&committer->mutex);
    g_autoptr(GError) error = NULL;
    if (stopping)
        error_set(&error, ERR_UNAVAILABLE, "the store is being closed: nothing was written");
    else
        error_set(&error, ERR_UNAVAILABLE, "the store is behind: %u units wait to be written; nothing was written, try again", depth);
    if (done != NULL)
        done(error, data);
    store_unit_free(unit);
}

gboolean committer_is_behind(Committer *committer) {
    g_mutex_lock(&committer->mutex);
    gint64 oldest_us = committer->writing_since_us != 0 ? committer->writing_since_us
                       : committer->head != NULL        ? committer->head->submitted_us
                                                        : G_MAXINT64;
    gboolean behind = oldest_us != G_MAXINT64 && g_get_monotonic_time() - oldest_us > BEHIND_US;
    g_mutex_unlock(&committer->mutex);
    return behind;
}

void committer_statistics(Committer *committer, StoreStatistics *into) {
    g_mutex_lock(&committer->mutex);
    *into = (StoreStatistics){
        .commits = committer->commits,
        .units = committer->units,
        .units_failed = committer->failed,
        .statements = committer->statements,
        .wal_bytes = committer->log_written,
        .queue_depth = committer->depth,
        .commit_p50_ms = latency_at(committer, 0.5),
        .commit_p99_ms = latency_at(committer, 0.99),
    };
    g_mutex_unlock(&committer->mutex);
}

void committer_between(Committer *committer, gboolean (*work)(gpointer data), gpointer data) {
    Between between = {.work = work, .data = data};
    g_mutex_lock(&committer->mutex);
    g_queue_push_tail(&committer->between, &between);
    g_cond_broadcast(&committer->work);
    while (!between.finished)
        g_cond_wait(&committer->told, &committer->mutex);
    g_mutex_unlock(&committer->mutex);
}

void committer_hold(Committer *committer) {
    g_mutex_lock(&committer->mutex);
    committer->hold = TRUE;
    committer->held = committer->stopped;
    g_cond_broadcast(&committer->work);
    while (!committer->held)
        g_cond_wait(&committer->told, &committer->mutex);
    g_mutex_unlock(&committer->mutex);
}

void committer_go(Committer *committer) {
    g_mutex_lock(&committer->mutex);
    committer->hold = FALSE;
    g_cond_broadcast(&committer->work);
    g_mutex_unlock(&committer->mutex);
}
