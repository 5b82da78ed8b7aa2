/* The store: typed reads, and one write: a unit that is committed whole or not at all.
 *
 * A unit is what belongs together (one step of one execution, one saved pipeline). Units from all threads go to one
 * committer, which writes all that are waiting in one transaction, each in its own savepoint: a unit whose condition fails is
 * rolled back alone and its sender gets ERR_CONFLICT. The committer never waits to fill a transaction. `done` runs on the
 * committer thread after the commit is durable.
 *
 * SQL is written once, in store/sql rules of the room's README: $1 parameters, ON CONFLICT, RETURNING; text, bigint and bytes
 * columns only. Statements are static constants; each connection prepares one once.
 */
#pragma once
#include "base/config.h"
#include "base/error.h"
#include "base/json.h"

typedef struct Store Store;
typedef struct StoreUnit StoreUnit;

typedef struct {
    const char *folder;  /* where the database lies; created with mode 0700; NULL: in memory (tests) */
    const char *url;     /* postgresql://…: the database lies there, folder holds only backups and the like; NULL: SQLite */
    gboolean read_only;  /* for command-line tools */
    gboolean shared;     /* a server that shares a database of url with other servers (replicas.h); else it must be alone there */
    gboolean no_threads; /* for simulations: units are written at once on the thread that submits them, nothing is checkpointed */
    gint64 lock_wait_ms; /* how long to wait for another process that holds the store; default 2 s, then ERR_CONFLICT */
} StoreOptions;

/* Opens, recovers and migrates. ERR_CONFLICT: another process holds it (the message says which, when it can). ERR_INVALID: newer
 * than this program, or corrupted (the message says how to restore). ERR_UNAVAILABLE: read-only or full disk. */
Store *store_open(const StoreOptions *options, GError **error);
extern const ConfigSection *const store_config_sections[]; /* ends with NULL */
/* The url of StoreOptions by the configuration, NULL for none; caller frees. ERR_INVALID. */
gboolean store_config_url(const Config *config, char **url, GError **error);
void store_close(Store *store); /* commits what waits, checkpoints, joins threads */

typedef enum { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BYTES } StoreType;
typedef struct {
    StoreType type;
    gint64 number;
    const void *data; /* borrowed until the call returns: units copy */
    gsize length;
} StoreValue;
#define SV_INT(n) ((StoreValue){STORE_INT, (n), NULL, 0})
#define SV_TEXT(t) store_value_text(t) /* NULL becomes SQL NULL */
#define SV_NULL ((StoreValue){STORE_NULL, 0, NULL, 0})
#define SV_BYTES(d, n) ((StoreValue){STORE_BYTES, 0, (d), (n)})
StoreValue store_value_text(const char *text);

typedef struct {
    const char *name; /* for messages and metrics: "executions.update" */
    const char *sql;
} StoreStatement;

/* ---- writing ---- */
StoreUnit *store_unit_new(void);
void store_unit_free(StoreUnit *unit); /* only when not submitted */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreUnit, store_unit_free)
/* Appends a statement with its n values (at most STORE_VALUES_MAX). */
#define STORE_VALUES_MAX 32
void store_unit_add(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n);
/* The same, and the unit fails with ERR_CONFLICT and this message when it changes no row. */
void store_unit_require(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n, const char *conflict);

/* A change feeds the streams of UI and CLI: what changed, not the document. Published after the commit, in commit order. */
typedef struct {
    const char *kind; /* execution, stage, pipeline, application, operation, bake, inventory, account … */
    const char *id;
    const char *application; /* or NULL */
    const char *status;      /* or NULL */
    gint64 version;
    const char *detail; /* small JSON object text or NULL */
} StoreChange;
void store_unit_change(StoreUnit *unit, const StoreChange *change); /* copied */

typedef void (*StoreDone)(const GError *error, gpointer data); /* error NULL: durable */
/* Takes the unit. Never blocks for I/O; a full queue (STORE_QUEUE_MAX units) blocks briefly, then done gets ERR_UNAVAILABLE. */
void store_submit(Store *store, StoreUnit *unit, StoreDone done, gpointer data);
gboolean store_commit(Store *store, StoreUnit *unit, GError **error); /* submit and wait; takes the unit */
#define STORE_QUEUE_MAX 65536
#define STORE_QUEUE_BYTES_MAX (128 * 1024 * 1024)
#define STORE_QUEUE_WAIT_MS 1000
gboolean store_is_behind(Store *store); /* more than a second of work waits: refuse new starts with 503 */
gboolean store_has_room(Store *store);  /* at least 200 MB free: else refuse new starts with 503 */

/* ---- reading ---- */
typedef struct StoreRow StoreRow;
gint64 store_row_int(const StoreRow *row, guint column);
const char *store_row_text(const StoreRow *row, guint column); /* NULL for SQL NULL; valid during the callback */
const void *store_row_bytes(const StoreRow *row, guint column, gsize *length);
typedef gboolean (*StoreEach)(const StoreRow *row, gpointer data); /* FALSE stops */
/* Runs on a read-only connection borrowed from a pool; sees all that was committed before. At most
 * STORE_READ_MS, time in each included (ERR_TIMEOUT). each must not write to the store and wait for it. */
#define STORE_READ_MS 2000
gboolean store_query(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each, gpointer data,
                     GError **error);

/* ---- changes ---- */
#define STORE_CHANGES_KEPT 65536
#define STORE_CHANGES_KEPT_BYTES (16 * 1024 * 1024)
typedef struct {
    const char *id; /* "replica-epoch:number": the event id; borrowed, as everything here */
    StoreChange change;
} StoreChangeEvent;
/* Mostly on the committer thread, in order, under a lock of the store: only queue, and call nothing of the store. */
typedef void (*StoreListener)(const StoreChangeEvent *event, gpointer data);
guint store_listen(Store *store, StoreListener listener, gpointer data);
void store_unlisten(Store *store, guint id); /* afterwards listener does not run */
/* Replays what came after the event id to listener; FALSE when it is unknown or too old: the reader must start over. */
gboolean store_changes_since(Store *store, const char *event_id, StoreListener listener, gpointer data);
char *store_last_event_id(Store *store);
/* Both at once, without a gap and without a change twice: replays what came after event_id (NULL: nothing), then listens.
 * *complete (may be NULL) becomes FALSE when event_id is unknown or too old; it listens then all the same. */
guint store_listen_since(Store *store, const char *event_id, StoreListener listener, gpointer data, gboolean *complete);
/* Publishes a change that has no row behind it (inventory). Any thread; listeners run on it. */
void store_publish(Store *store, const StoreChange *change);

/* ---- care ---- */
/* Reads every execution and document; *read: how many. ERR_… of the first that is damaged, with its name. */
gboolean store_verify(Store *store, guint64 *read, GError **error);
/* The same of a copy (store_backup), which stays as it is: it is read from a copy of its own in the folder for temporary files. */
gboolean store_verify_file(const char *file, guint64 *read, GError **error);
/* Puts a copy (store_backup) in the place of a folder's store, when it is whole; the old one goes to its backups. ERR_CONFLICT: a server
 * uses the folder. */
gboolean store_restore(const char *file, const char *folder, GError **error);
/* Everything of one store into an empty one, which may be another kind of database. Nobody else may use either meanwhile. told (may be NULL)
 * hears of each table. What is there already when it fails stays: the target is to be thrown away. */
typedef void (*StoreMoved)(const char *table, guint64 rows, gpointer data);
gboolean store_move(Store *from, Store *to, StoreMoved told, gpointer data, GError **error);
/* A whole copy as of its end, in pages between commits. ERR_CONFLICT when the file exists; ERR_UNAVAILABLE. */
gboolean store_backup(Store *store, const char *file, GError **error);
typedef struct {
    guint64 commits, units, units_failed, statements, wal_bytes /* written since open */, queue_depth;
    double commit_p50_ms, commit_p99_ms; /* from submit to durable */
} StoreStatistics;
void store_statistics(Store *store, StoreStatistics *into);
