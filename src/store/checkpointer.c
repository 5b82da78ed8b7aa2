/* The checkpointer: moves the write-ahead log into the database on a thread and a connection of its own, so that no commit
 * pays for it. A passive checkpoint every CHECKPOINT_EVERY_MS while something is written, at once after CHECKPOINT_BYTES; above
 * TRUNCATE_BYTES the committer makes way for one that shortens the file. Sleeps while nothing is written. */
#include "base/error.h"
#include "base/log.h"
#include "store/internal.h"

#define CHECKPOINT_EVERY_MS 50
#define CHECKPOINT_BYTES (16 * 1024 * 1024)
#define TRUNCATE_BYTES (256 * 1024 * 1024)
#define AFTER_FAILURE_MS 1000

struct Checkpointer {
    Store *store;
    StoreConnection *connection;
    GThread *thread;
    GMutex mutex; /* all below */
    GCond work;
    guint64 size;              /* of the log */
    guint64 written, done;     /* ever, and what of it the last checkpoint began with */
    guint64 truncated_written; /* when the last truncating one was tried; again after CHECKPOINT_BYTES when a reader was in the way */
    gboolean sleeping, stopping;
    gboolean failing; /* the thread's own: logged once */
};

void checkpointer_notify(Checkpointer *checkpointer, guint64 log_size, guint64 log_written) {
    if (checkpointer == NULL)
        return;
    g_mutex_lock(&checkpointer->mutex);
    checkpointer->size = log_size;
    checkpointer->written = log_written;
    /* Wakes a thread that sleeps for good, and one that waits for its time when there is much. */
    if (checkpointer->sleeping || log_written - checkpointer->done >= CHECKPOINT_BYTES)
        g_cond_signal(&checkpointer->work);
    g_mutex_unlock(&checkpointer->mutex);
}

static gboolean checkpoint_run(Checkpointer *checkpointer, gboolean truncate) {
    g_autoptr(GError) error = NULL;
    if (truncate)
        committer_hold(checkpointer->store->committer);
    gboolean ok = checkpointer->connection->driver->checkpoint(checkpointer->connection, truncate, &error);
    if (truncate)
        committer_go(checkpointer->store->committer);
    if (!ok && !checkpointer->failing)
        log_warning("store", "the write-ahead log cannot be moved into the database and grows: %s", error->message);
    if (ok && checkpointer->failing)
        log_info("store", "the write-ahead log is moved into the database again");
    checkpointer->failing = !ok;
    return ok;
}

static void wait_until_due_locked(Checkpointer *checkpointer, gint64 earliest_us) {
    while (!checkpointer->stopping && checkpointer->written == checkpointer->done) {
        checkpointer->sleeping = TRUE;
        g_cond_wait(&checkpointer->work, &checkpointer->mutex);
        checkpointer->sleeping = FALSE;
    }
    while (!checkpointer->stopping && checkpointer->written - checkpointer->done < CHECKPOINT_BYTES &&
           g_cond_wait_until(&checkpointer->work, &checkpointer->mutex, earliest_us)) {}
}

static gpointer checkpointer_main(gpointer data) {
    Checkpointer *checkpointer = data;
    g_mutex_lock(&checkpointer->mutex);
    gint64 pause_ms = CHECKPOINT_EVERY_MS;
    for (;;) {
        wait_until_due_locked(checkpointer, g_get_monotonic_time() + pause_ms * 1000);
        if (checkpointer->stopping)
            break;
        guint64 begun = checkpointer->written;
        gboolean truncate = checkpointer->size > TRUNCATE_BYTES && begun - checkpointer->truncated_written >= CHECKPOINT_BYTES;
        if (truncate)
            checkpointer->truncated_written = begun;
        g_mutex_unlock(&checkpointer->mutex);
        gboolean ok = checkpoint_run(checkpointer, truncate);
        g_mutex_lock(&checkpointer->mutex);
        checkpointer->done = begun;
        pause_ms = ok ? CHECKPOINT_EVERY_MS : AFTER_FAILURE_MS;
    }
    g_mutex_unlock(&checkpointer->mutex);
    return NULL;
}

Checkpointer *checkpointer_new(Store *store, GError **error) {
    StoreConnection *connection = store->driver->open(
        &(ConnectionOptions){.file = store->target, .role = CONNECTION_CARE, .durable = !store->temporary}, error);
    if (connection == NULL)
        return NULL;
    Checkpointer *checkpointer = g_new0(Checkpointer, 1);
    checkpointer->store = store;
    checkpointer->connection = connection;
    g_mutex_init(&checkpointer->mutex);
    g_cond_init(&checkpointer->work);
    checkpointer->thread = g_thread_new("checkpointer", checkpointer_main, checkpointer);
    return checkpointer;
}

void checkpointer_free(Checkpointer *checkpointer) {
    if (checkpointer == NULL)
        return;
    g_mutex_lock(&checkpointer->mutex);
    checkpointer->stopping = TRUE;
    g_cond_signal(&checkpointer->work);
    g_mutex_unlock(&checkpointer->mutex);
    g_thread_join(checkpointer->thread);
    g_autoptr(GError) error = NULL;
    StoreConnection *connection = checkpointer->connection;
    if (!checkpointer->store->temporary && !connection->driver->checkpoint(connection, TRUE, &error))
        log_warning("store", "the write-ahead log stays beside the database: %s", error->message);
    connection->driver->close(connection);
    g_mutex_clear(&checkpointer->mutex);
    g_cond_clear(&checkpointer->work);
    g_free(checkpointer);
}
