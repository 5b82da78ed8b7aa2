/* The SQLite driver: with sqlite_log.c, the only file that knows SQLite.
 *
 * Write-ahead log, synchronous=FULL: a commit that returned survives a power failure. Checkpoints are never automatic; the
 * checkpointer makes them on a connection of its own. Each connection prepares a statement once and binds by the name of its
 * parameters ($2 may come before $1). A connection runs on one thread at a time. */
#include "base/clock.h"
#include "base/log.h"
#include "store/driver.h"
#include "store/sqlite_log.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define WRITER_CACHE_KIB 6144
#define READER_CACHE_KIB 384
#define BUSY_MS 5000         /* other connections hold locks for moments only */
#define TRUNCATE_BUSY_MS 200 /* the committer waits meanwhile */
#define SUB_JOURNAL_BYTES (1 << 20)
#define DEADLINE_EVERY_OPS 2000              /* virtual machine instructions between two looks at the clock */
#define QUICK_CHECK_BYTES (32 * 1024 * 1024) /* larger databases are checked in their header and schema only: start-up must be fast */
#define COPY_PAGES 128                       /* per step of a backup: well under a millisecond */
#define WAL_FRAME_HEADER 24

typedef struct {
    StoreConnection base;
    sqlite3 *db;
    char *file;
    ConnectionRole role;
    GHashTable *prepared; /* StoreStatement * (a constant) → Prepared * */
    gint64 deadline_ms;
    gint64 page_bytes;
    int wal_frames;
    guint64 wal_written;
} Sqlite;

typedef struct {
    sqlite3_stmt *handle;
    int parameters;
    guint8 value_of[STORE_VALUES_MAX]; /* index of the value for each of SQLite's parameters */
} Prepared;

struct StoreCopy {
    Sqlite *source;
    sqlite3 *target;
    sqlite3_backup *backup;
    gboolean hold; /* a read transaction is open on the source */
    char *file;
};

static void prepared_free(gpointer data) {
    Prepared *prepared = data;
    sqlite3_finalize(prepared->handle);
    g_free(prepared);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void damaged_set(GError **error, const char *file, const char *what) {
    g_autofree char *folder = g_path_get_dirname(file);
    error_set(error, ERR_INVALID,
              "the store %s is damaged (%s): stop Gennaker, keep the damaged files, copy a backup (there may be one in %s/backups) over "
              "%s and remove %s-wal and %s-shm",
              file, what, folder, file, file, file);
}

static void full_set(GError **error, const char *file, const char *what) {
    g_autofree char *folder = g_path_get_dirname(file);
    error_set(error, ERR_UNAVAILABLE, "cannot write to the store %s: no space left for it (%s); free space on the disk of %s", file, what,
              folder);
}

/* Sets the error for a result code of SQLite. doing: what was being done. */
static void sqlite_error_set(GError **error, sqlite3 *db, const char *file, int code, const char *doing) {
    const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    int cause = db != NULL && sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : errno; /* a commit's is kept in errno alone */
    const char *cause_text = cause != 0 ? g_strerror(cause) : text;
    switch (code & 0xff) {
    case SQLITE_FULL:
        full_set(error, file, text);
        return;
    case SQLITE_IOERR:
        if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG) {
            full_set(error, file, cause_text);
            return;
        }
        error_set(error, ERR_UNAVAILABLE, "%s: %s failed: %s (%s)", file, doing, text, cause_text);
        return;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        error_set(error, ERR_UNAVAILABLE, "%s: %s failed: the file or its folder cannot be written by user %u (%s)", file, doing,
                  (unsigned)geteuid(), text);
        return;
    case SQLITE_CANTOPEN:
        error_set(error, ERR_UNAVAILABLE, "%s: cannot be opened: %s", file, cause_text);
        return;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        error_set(error, ERR_UNAVAILABLE, "%s: %s failed: another connection holds the database (%s)", file, doing, text);
        return;
    case SQLITE_NOMEM:
        error_set(error, ERR_UNAVAILABLE, "%s: %s failed: out of memory", file, doing);
        return;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        damaged_set(error, file, text);
        return;
    case SQLITE_CONSTRAINT:
        error_set(error, ERR_CONFLICT, "%s: %s", doing, text);
        return;
    case SQLITE_INTERRUPT:
        error_set(error, ERR_TIMEOUT, "%s: %s took longer than %d ms", file, doing, STORE_READ_MS);
        return;
    case SQLITE_TOOBIG:
        error_set(error, ERR_LIMIT, "%s: %s failed: a value is too large (%s)", file, doing, text);
        return;
    default:
        error_set(error, ERR_INTERNAL, "%s: %s failed: %s (%d)", file, doing, text, code);
    }
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static Prepared *statement_prepare(Sqlite *self, const StoreStatement *statement, GError **error) {
    Prepared *prepared = g_hash_table_lookup(self->prepared, statement);
    if (prepared != NULL)
        return prepared;
    sqlite3_stmt *handle = NULL;
    int code = sqlite3_prepare_v3(self->db, statement->sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (code != SQLITE_OK) {
        sqlite_error_set(error, self->db, self->file, code, statement->name);
        return NULL;
    }
    prepared = g_new0(Prepared, 1);
    prepared->handle = handle;
    prepared->parameters = sqlite3_bind_parameter_count(handle);
    g_assert(prepared->parameters <= STORE_VALUES_MAX);
    for (int i = 0; i < prepared->parameters; i++) {
        const char *name = sqlite3_bind_parameter_name(handle, i + 1); /* "$12" */
        g_assert(name != NULL && name[0] == '$');
        guint64 number = g_ascii_strtoull(name + 1, NULL, 10);
        g_assert(number >= 1 && number <= STORE_VALUES_MAX);
        prepared->value_of[i] = (guint8)(number - 1);
    }
    g_hash_table_insert(self->prepared, (gpointer)statement, prepared);
    return prepared;
}

static int value_bind(sqlite3_stmt *handle, int at, const StoreValue *value) {
    switch (value->type) {
    case STORE_INT:
        return sqlite3_bind_int64(handle, at, value->number);
    case STORE_TEXT:
        return sqlite3_bind_text64(handle, at, value->data, value->length, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BYTES:
        return sqlite3_bind_blob64(handle, at, value->data != NULL ? value->data : "", value->length, SQLITE_STATIC);
    case STORE_NULL:
    default:
        return sqlite3_bind_null(handle, at);
    }
}

static gboolean past_deadline(const Sqlite *self) {
    return self->deadline_ms != 0 && clock_elapsed_ms() > self->deadline_ms;
}

static int on_progress(void *data) {
    return past_deadline(data) ? 1 : 0;
}

static int statement_step_all(Sqlite *self, Prepared *prepared, StoreEach each, gpointer data) {
    StoreRow row = {.driver = &store_driver_sqlite, .cursor = prepared->handle};
    errno = 0;
    for (;;) {
        int code = sqlite3_step(prepared->handle);
        if (code == SQLITE_DONE)
            return SQLITE_OK;
        if (code != SQLITE_ROW)
            return code;
        if (past_deadline(self))
            return SQLITE_INTERRUPT;
        row.columns = (guint)sqlite3_data_count(prepared->handle);
        if (each != NULL && !each(&row, data))
            return SQLITE_OK;
    }
}

static gboolean sqlite_run(StoreConnection *connection, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each,
                           gpointer data, guint64 *changed, GError **error) {
    Sqlite *self = (Sqlite *)connection;
    Prepared *prepared = statement_prepare(self, statement, error);
    if (prepared == NULL)
        return FALSE;
    int code = SQLITE_OK;
    for (int i = 0; i < prepared->parameters && code == SQLITE_OK; i++) {
        g_assert(prepared->value_of[i] < n);
        code = value_bind(prepared->handle, i + 1, &values[prepared->value_of[i]]);
    }
    if (code == SQLITE_OK)
        code = statement_step_all(self, prepared, each, data);
    if (code != SQLITE_OK)
        sqlite_error_set(error, self->db, self->file, code, statement->name);
    else if (changed != NULL)
        *changed = (guint64)sqlite3_changes64(self->db);
    sqlite3_reset(prepared->handle);
    return code == SQLITE_OK;
}

static StoreType sqlite_row_type(const StoreRow *row, guint column) {
    static const StoreType types[] = {
        [SQLITE_INTEGER] = STORE_INT, [SQLITE_TEXT] = STORE_TEXT, [SQLITE_BLOB] = STORE_BYTES, [SQLITE_NULL] = STORE_NULL};
    return types[sqlite3_column_type(row->cursor, (int)column)];
}

static gint64 sqlite_row_int(const StoreRow *row, guint column) {
    return sqlite3_column_int64(row->cursor, (int)column);
}

static const char *sqlite_row_text(const StoreRow *row, guint column) {
    return (const char *)sqlite3_column_text(row->cursor, (int)column);
}

static const void *sqlite_row_bytes(const StoreRow *row, guint column, gsize *length) {
    const void *bytes = sqlite3_column_blob(row->cursor, (int)column);
    *length = (gsize)sqlite3_column_bytes(row->cursor, (int)column);
    return bytes;
}

static gboolean sqlite_script(StoreConnection *connection, const char *sql, GError **error) {
    Sqlite *self = (Sqlite *)connection;
    g_autoptr(GString) text = g_string_new(sql);
    for (const StoreWord *word = store_driver_sqlite.words; word->ours != NULL; word++)
        g_string_replace(text, word->ours, word->theirs, 0);
    int code = sqlite3_exec(self->db, text->str, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        sqlite_error_set(error, self->db, self->file, code, "script");
    return code == SQLITE_OK;
}

static void sqlite_set_deadline(StoreConnection *connection, gint64 deadline_ms) {
    ((Sqlite *)connection)->deadline_ms = deadline_ms;
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static const StoreStatement WRITE_BEGIN = {"begin", "BEGIN IMMEDIATE"};
static const StoreStatement READ_BEGIN = {"begin", "BEGIN"};
static const StoreStatement COMMIT = {"commit", "COMMIT"};
static const StoreStatement ROLLBACK = {"roll back", "ROLLBACK"};
static const StoreStatement SAVEPOINT = {"savepoint", "SAVEPOINT unit"};
static const StoreStatement RELEASE = {"release", "RELEASE unit"};
static const StoreStatement ROLLBACK_TO = {"roll back to savepoint", "ROLLBACK TO unit"};

static gboolean plain_run(StoreConnection *connection, const StoreStatement *statement, GError **error) {
    return sqlite_run(connection, statement, NULL, 0, NULL, NULL, NULL, error);
}

static gboolean sqlite_begin(StoreConnection *connection, GError **error) {
    return plain_run(connection, ((Sqlite *)connection)->role == CONNECTION_WRITER ? &WRITE_BEGIN : &READ_BEGIN, error);
}

static gboolean sqlite_commit(StoreConnection *connection, GError **error) {
    return plain_run(connection, &COMMIT, error);
}

static gboolean sqlite_is_open(StoreConnection *connection) {
    return sqlite3_get_autocommit(((Sqlite *)connection)->db) == 0;
}

static void sqlite_rollback(StoreConnection *connection) {
    g_autoptr(GError) error = NULL;
    if (sqlite_is_open(connection) && !plain_run(connection, &ROLLBACK, &error) && sqlite_is_open(connection))
        log_error("store", "a transaction could not be rolled back: %s", error->message);
}

static gboolean sqlite_savepoint(StoreConnection *connection, GError **error) {
    return plain_run(connection, &SAVEPOINT, error);
}

static gboolean sqlite_release(StoreConnection *connection, GError **error) {
    return plain_run(connection, &RELEASE, error);
}

static gboolean sqlite_rollback_to(StoreConnection *connection, GError **error) {
    return plain_run(connection, &ROLLBACK_TO, error) && plain_run(connection, &RELEASE, error);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void library_configure(void) {
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a global lock around every allocation otherwise */
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, SUB_JOURNAL_BYTES);
    g_once_init_leave(&once, 1);
}

static int on_wal(void *data, sqlite3 *db, const char *name, int frames) {
    (void)db, (void)name;
    ((Sqlite *)data)->wal_frames = frames;
    return SQLITE_OK;
}

static gboolean number_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = sqlite_row_int(row, 0);
    return FALSE;
}

static const StoreStatement PAGE_SIZE = {"page size", "PRAGMA page_size"};

static gboolean connection_configure(Sqlite *self, const ConnectionOptions *options, GError **error) {
    gboolean writer = options->role == CONNECTION_WRITER && !options->read_only;
    g_autofree char *pragmas = g_strdup_printf(
        "%sPRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF; "
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;%s",
        writer ? "PRAGMA journal_mode=WAL; " : "", options->durable ? "FULL" : "OFF", writer ? WRITER_CACHE_KIB : READER_CACHE_KIB,
        options->role == CONNECTION_READER ? " PRAGMA query_only=ON;" : "");
    int code = sqlite3_exec(self->db, pragmas, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        sqlite_error_set(error, self->db, self->file, code, "open");
        return FALSE;
    }
    return sqlite_run(&self->base, &PAGE_SIZE, NULL, 0, number_each, &self->page_bytes, NULL, error);
}

/* The file is made here so that nobody else may read it; SQLite gives its other files the same mode. */
static gboolean file_create(const char *file, GError **error) {
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int cause = errno;
        error_set(error, ERR_UNAVAILABLE, "cannot open the store %s for writing as user %u: %s", file, (unsigned)geteuid(),
                  g_strerror(cause));
        return FALSE;
    }
    close(fd);
    return TRUE;
}

static void sqlite_close(StoreConnection *connection) {
    Sqlite *self = (Sqlite *)connection;
    g_hash_table_unref(self->prepared);
    sqlite3_close(self->db);
    g_free(self->file);
    g_free(self);
}

static StoreConnection *sqlite_open(const ConnectionOptions *options, GError **error) {
    library_configure();
    if (options->role == CONNECTION_WRITER && !options->read_only && !file_create(options->file, error))
        return NULL;
    Sqlite *self = g_new0(Sqlite, 1);
    self->base.driver = &store_driver_sqlite;
    self->file = g_strdup(options->file);
    self->role = options->role;
    self->prepared = g_hash_table_new_full(NULL, NULL, NULL, prepared_free);
    errno = 0;
    int code = sqlite3_open_v2(options->file, &self->db,
                               (options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX,
                               options->durable ? sqlite_log_layer() : NULL);
    if (code != SQLITE_OK) {
        sqlite_error_set(error, self->db, self->file, code, "open");
        sqlite_close(&self->base);
        return NULL;
    }
    sqlite3_extended_result_codes(self->db, 1);
    sqlite3_busy_timeout(self->db, options->role == CONNECTION_CARE ? TRUNCATE_BUSY_MS : BUSY_MS);
    if (!connection_configure(self, options, error)) {
        sqlite_close(&self->base);
        return NULL;
    }
    if (options->role == CONNECTION_READER)
        sqlite3_progress_handler(self->db, DEADLINE_EVERY_OPS, on_progress, self);
    if (options->role == CONNECTION_WRITER)
        sqlite3_wal_hook(self->db, on_wal, self);
    return &self->base;
}

static const StoreStatement PAGE_COUNT = {"page count", "PRAGMA page_count"};
static const StoreStatement SCHEMA_READ = {"read the schema", "SELECT count(*) FROM sqlite_schema"};
static const StoreStatement QUICK_CHECK = {"check", "PRAGMA quick_check(1)"};

static gboolean first_text_each(const StoreRow *row, gpointer data) {
    *(char **)data = g_strdup(sqlite_row_text(row, 0));
    return FALSE;
}

static gboolean sqlite_check(StoreConnection *connection, GError **error) {
    Sqlite *self = (Sqlite *)connection;
    gint64 pages = 0, objects = 0;
    if (!sqlite_run(connection, &PAGE_COUNT, NULL, 0, number_each, &pages, NULL, error) ||
        !sqlite_run(connection, &SCHEMA_READ, NULL, 0, number_each, &objects, NULL, error))
        return FALSE;
    if (pages * self->page_bytes > QUICK_CHECK_BYTES)
        return TRUE;
    g_autofree char *answer = NULL;
    if (!sqlite_run(connection, &QUICK_CHECK, NULL, 0, first_text_each, &answer, NULL, error))
        return FALSE;
    if (g_strcmp0(answer, "ok") == 0)
        return TRUE;
    damaged_set(error, self->file, answer);
    return FALSE;
}

/* ---- care -------------------------------------------------------------------------------------------------------- */

static guint64 sqlite_log_size(StoreConnection *writer) {
    Sqlite *self = (Sqlite *)writer;
    return (guint64)self->wal_frames * (guint64)(self->page_bytes + WAL_FRAME_HEADER);
}

static guint64 sqlite_log_written(StoreConnection *writer) {
    Sqlite *self = (Sqlite *)writer;
    int pages = 0, most = 0;
    sqlite3_db_status(self->db, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &most, 1);
    self->wal_written += (guint64)pages * (guint64)(self->page_bytes + WAL_FRAME_HEADER);
    return self->wal_written;
}

static gboolean sqlite_checkpoint(StoreConnection *care, gboolean truncate, GError **error) {
    Sqlite *self = (Sqlite *)care;
    errno = 0;
    int code = sqlite3_wal_checkpoint_v2(self->db, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
        return TRUE;
    sqlite_error_set(error, self->db, self->file, code, "checkpoint");
    return FALSE;
}

static StoreCopy *sqlite_copy_begin(StoreConnection *writer, const char *file, gboolean hold, GError **error) {
    Sqlite *source = (Sqlite *)writer;
    if (!file_create(file, error))
        return NULL;
    sqlite3 *target = NULL;
    errno = 0;
    int code = sqlite3_open_v2(file, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK && hold)
        code = sqlite3_exec(source->db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    sqlite3_backup *backup = code == SQLITE_OK ? sqlite3_backup_init(target, "main", source->db, "main") : NULL;
    if (backup == NULL) {
        sqlite_error_set(error, target, file, code != SQLITE_OK ? code : sqlite3_errcode(target), "begin the backup");
        sqlite3_close(target);
        if (hold)
            sqlite3_exec(source->db, "ROLLBACK", NULL, NULL, NULL);
        return NULL;
    }
    StoreCopy *copy = g_new0(StoreCopy, 1);
    *copy = (StoreCopy){.source = source, .target = target, .backup = backup, .hold = hold, .file = g_strdup(file)};
    return copy;
}

static gboolean sqlite_copy_step(StoreCopy *copy, gboolean *done, GError **error) {
    errno = 0;
    int code = sqlite3_backup_step(copy->backup, COPY_PAGES);
    *done = code == SQLITE_DONE;
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return TRUE;
    sqlite_error_set(error, NULL, copy->file, code, "write the backup");
    return FALSE;
}

static gboolean sqlite_copy_end(StoreCopy *copy, GError **error) {
    errno = 0;
    int code = sqlite3_backup_finish(copy->backup);
    if (code != SQLITE_OK)
        sqlite_error_set(error, NULL, copy->file, code, "finish the backup");
    if (copy->hold)
        sqlite3_exec(copy->source->db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(copy->target);
    g_free(copy->file);
    g_free(copy);
    return code == SQLITE_OK;
}

static const StoreWord sqlite_words[] = {
    {"BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"}, /* the row id itself */
    {"BYTES", "BLOB"},
    {") CLUSTERED", ") WITHOUT ROWID"},
    {},
};

const StoreDriver store_driver_sqlite = {
    .name = "sqlite",
    .words = sqlite_words,
    .open = sqlite_open,
    .close = sqlite_close,
    .check = sqlite_check,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .is_open = sqlite_is_open,
    .savepoint = sqlite_savepoint,
    .release = sqlite_release,
    .rollback_to = sqlite_rollback_to,
    .run = sqlite_run,
    .script = sqlite_script,
    .set_deadline = sqlite_set_deadline,
    .row_type = sqlite_row_type,
    .row_int = sqlite_row_int,
    .row_text = sqlite_row_text,
    .row_bytes = sqlite_row_bytes,
    .log_size = sqlite_log_size,
    .log_written = sqlite_log_written,
    .checkpoint = sqlite_checkpoint,
    .copy_begin = sqlite_copy_begin,
    .copy_step = sqlite_copy_step,
    .copy_end = sqlite_copy_end,
};
