/* Opening, closing, and what the rest of the program asks of the store as a whole. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/executions.h"
#include "store/internal.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_WAIT_MS 2000
#define ROOM_BYTES (200 * 1024 * 1024)
#define ROOM_EVERY_MS 1000

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static gboolean folder_prepare(Store *store, const StoreOptions *options, GError **error) {
    if (options->folder == NULL) {
        store->temporary = TRUE;
        store->folder = g_dir_make_tmp("gennaker-store-XXXXXX", error);
        return store->folder != NULL;
    }
    store->folder = g_strdup(options->folder);
    if (!options->read_only && g_mkdir_with_parents(options->folder, 0700) != 0) {
        int cause = errno;
        error_set(error, ERR_UNAVAILABLE, "cannot make the data folder %s: %s", options->folder, g_strerror(cause));
        return FALSE;
    }
    g_autofree char *file = g_build_filename(options->folder, STORE_DATABASE_FILE, NULL);
    if (options->read_only && options->url == NULL && !g_file_test(file, G_FILE_TEST_EXISTS)) {
        error_set(error, ERR_NOT_FOUND, "there is no store %s", file);
        return FALSE;
    }
    return TRUE;
}

static gboolean number_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

static const StoreStatement EPOCH_NEXT = {"counters.epoch", "INSERT INTO counters (name, value) VALUES ('epoch', 1) "
                                                            "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value"};
static const StoreStatement LAST_KEY = {"executions.last_key", "SELECT coalesce(max(key), 0) FROM executions"};

static gboolean database_open(Store *store, gint64 lock_wait_ms, gboolean shared, GError **error) {
    const StoreDriver *driver = store->driver;
    ConnectionOptions options = {
        .file = store->target, .role = CONNECTION_WRITER, .durable = !store->temporary, .read_only = store->read_only, .shared = shared};
    store->writer = driver->open(&options, error);
    if (store->writer == NULL || !driver->check(store->writer, error))
        return FALSE;
    if (!store->read_only && driver->claim != NULL && !driver->claim(store->writer, lock_wait_ms, error))
        return FALSE;
    if (store->read_only)
        return migrations_verify(store->writer, migrations_all(), store->file, error);
    if (driver->shape_begin != NULL && !driver->shape_begin(store->writer, error))
        return FALSE;
    gboolean fine = migrations_apply(store->writer, migrations_all(), store->file, store->backups, error);
    if (driver->shape_end != NULL)
        driver->shape_end(store->writer);
    return fine;
}

/* What is kept in memory, and the threads. */
static gboolean service_begin(Store *store, gboolean no_threads, gboolean shared, GError **error) {
    gint64 epoch = 0, last_key = 0;
    if (!store->read_only && !store->driver->run(store->writer, &EPOCH_NEXT, NULL, 0, number_each, &epoch, NULL, error))
        return FALSE;
    if (!store->driver->run(store->writer, &LAST_KEY, NULL, 0, number_each, &last_key, NULL, error))
        return FALSE;
    if (shared && (store->replicas = replicas_join(store, epoch, error)) == NULL)
        return FALSE;
    if (!store->read_only && store->driver->claimed != NULL)
        store->driver->claimed(store->writer, epoch);
    store->next_execution_key = last_key + 1;
    store->changes = changes_new(epoch);
    store->readers = readers_new();
    store->objects = object_index_new();
    store->shared = shared_cache_new();
    if (!object_index_read(store, error))
        return FALSE;
    if (store->read_only)
        return TRUE;
    if (!no_threads && store->driver->checkpoint != NULL && (store->checkpointer = checkpointer_new(store, error)) == NULL)
        return FALSE;
    store->committer = committer_new(store, !no_threads);
    if (store->replicas != NULL)
        replicas_start(store->replicas);
    return TRUE;
}

Store *store_open(const StoreOptions *options, GError **error) {
    gint64 begun_ms = clock_elapsed_ms();
    Store *store = g_new0(Store, 1);
    store->lock = -1;
    store->driver = options->url != NULL ? &store_driver_postgres : &store_driver_sqlite;
    store->read_only = options->read_only;
    store->has_room = TRUE;
    gint64 lock_wait_ms = options->lock_wait_ms > 0 ? options->lock_wait_ms : LOCK_WAIT_MS;
    if (!folder_prepare(store, options, error) || (!options->read_only && !lock_take(store->folder, lock_wait_ms, &store->lock, error))) {
        store_close(store);
        return NULL;
    }
    store->target = options->url != NULL ? g_strdup(options->url) : g_build_filename(store->folder, STORE_DATABASE_FILE, NULL);
    store->file = options->url != NULL ? store_postgres_place(options->url) : g_strdup(store->target);
    store->backups = g_build_filename(store->folder, STORE_BACKUPS_FOLDER, NULL);
    gboolean shared = options->shared && options->url != NULL && !options->read_only;
    if (!database_open(store, lock_wait_ms, shared, error) || !service_begin(store, options->no_threads, shared, error)) {
        store_close(store);
        return NULL;
    }
    log_debug("store", "opened %s in %" G_GINT64_FORMAT " ms", store->file, clock_elapsed_ms() - begun_ms);
    return store;
}

static void folder_remove(const char *folder) {
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_unlink(file);
    }
    g_rmdir(folder);
}

void store_close(Store *store) {
    if (store == NULL)
        return;
    if (store->replicas != NULL)
        replicas_stop(store->replicas);
    if (store->committer != NULL)
        committer_stop(store->committer);
    replicas_free(store->replicas);
    checkpointer_free(store->checkpointer);
    committer_free(store->committer);
    readers_free(store->readers);
    object_index_free(store->objects);
    shared_cache_free(store->shared);
    changes_free(store->changes);
    if (store->writer != NULL)
        store->driver->close(store->writer);
    if (store->lock >= 0)
        close(store->lock);
    if (store->temporary && store->folder != NULL)
        folder_remove(store->folder);
    g_free(store->folder);
    g_free(store->target);
    g_free(store->file);
    g_free(store->backups);
    g_free(store);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void store_submit(Store *store, StoreUnit *unit, StoreDone done, gpointer data) {
    if (store->committer != NULL) {
        committer_submit(store->committer, unit, done, data);
        return;
    }
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_INVALID, "the store %s is open for reading only", store->file);
    store_unit_free(unit);
    if (done != NULL)
        done(error, data);
}

typedef struct {
    GMutex mutex;
    GCond cond;
    gboolean done;
    GError *error;
} Waiting;

static void waiting_done(const GError *error, gpointer data) {
    Waiting *waiting = data;
    g_mutex_lock(&waiting->mutex);
    waiting->error = error != NULL ? g_error_copy(error) : NULL;
    waiting->done = TRUE;
    g_cond_signal(&waiting->cond);
    g_mutex_unlock(&waiting->mutex);
}

gboolean store_commit(Store *store, StoreUnit *unit, GError **error) {
    g_assert(store->committer == NULL || !committer_is_this_thread(store->committer)); /* it would wait for itself */
    Waiting waiting = {0};
    g_mutex_init(&waiting.mutex);
    g_cond_init(&waiting.cond);
    store_submit(store, unit, waiting_done, &waiting);
    g_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        g_cond_wait(&waiting.cond, &waiting.mutex);
    g_mutex_unlock(&waiting.mutex);
    g_mutex_clear(&waiting.mutex);
    g_cond_clear(&waiting.cond);
    if (waiting.error == NULL)
        return TRUE;
    g_propagate_error(error, waiting.error);
    return FALSE;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

gint64 store_execution_key_new(Store *store) {
    return store->replicas != NULL ? replicas_key_new(store->replicas) : store->next_execution_key++;
}

gboolean store_is_behind(Store *store) {
    return store->committer != NULL && committer_is_behind(store->committer);
}

/* The file system is asked at most once in ROOM_EVERY_MS. */
gboolean store_has_room(Store *store) {
    gint64 now_ms = clock_elapsed_ms();
    if (store->room_checked_ms != 0 && now_ms - store->room_checked_ms < ROOM_EVERY_MS)
        return store->has_room;
    struct statvfs space;
    if (statvfs(store->folder, &space) == 0)
        store->has_room = (guint64)space.f_bavail * space.f_frsize >= ROOM_BYTES;
    store->room_checked_ms = now_ms;
    return store->has_room;
}

void store_statistics(Store *store, StoreStatistics *into) {
    *into = (StoreStatistics){0};
    if (store->committer != NULL)
        committer_statistics(store->committer, into);
}
