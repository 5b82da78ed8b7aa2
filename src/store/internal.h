/* What the files of this room know of each other. */
#pragma once
#include "store/driver.h"
#include "store/store.h"

typedef struct Committer Committer;
typedef struct Checkpointer Checkpointer;
typedef struct Readers Readers;
typedef struct Changes Changes;
typedef struct ObjectIndex ObjectIndex;
typedef struct SharedCache SharedCache;
typedef struct Replicas Replicas;

#define STORE_DATABASE_FILE "gennaker.db"
#define STORE_BACKUPS_FOLDER "backups"

struct Store {
    char *folder, *backups;
    char *target;       /* what drivers open: a file, or an address with its secrets */
    char *file;         /* the same for messages */
    gboolean temporary; /* in memory: a folder of its own, removed when closed */
    gboolean read_only;
    int lock; /* descriptor of the lock file, or -1 */
    const StoreDriver *driver;
    StoreConnection *writer;    /* the committer's once it runs */
    Committer *committer;       /* NULL when read-only */
    Checkpointer *checkpointer; /* NULL when the database checkpoints by itself */
    Readers *readers;
    Changes *changes;
    ObjectIndex *objects;
    SharedCache *shared;
    Replicas *replicas; /* NULL: this is the only server */
    _Atomic gint64 next_execution_key;
    _Atomic gint64 room_checked_ms; /* when store_has_room looked last */
    _Atomic gboolean has_room;
};

/* ---- changes.c: the ring ---- */
#define CHANGE_ABSENT G_MAXUINT32
typedef struct ChangeRecord ChangeRecord;
struct ChangeRecord {
    ChangeRecord *next;
    gint64 version;
    guint32 bytes;                             /* of this allocation */
    guint32 application, status, detail, kind; /* offsets into text, CHANGE_ABSENT for NULL; the id is at 0 */
    char text[];
};
ChangeRecord *change_record_new(const StoreChange *change);
StoreChange change_record_view(const ChangeRecord *record); /* borrows */
Changes *changes_new(gint64 epoch);
void changes_free(Changes *changes);
void changes_publish(Changes *changes, ChangeRecord *records); /* takes a chain */

/* ---- shared_cache.c: parent executions that were read lately, by their hash; any thread ---- */
#define SHARED_CACHE_BYTES_MAX (48 * 1024 * 1024) /* least recently used ones beyond it are forgotten */
SharedCache *shared_cache_new(void);
void shared_cache_free(SharedCache *cache);
Json *shared_cache_get(SharedCache *cache, const char *hash); /* NULL: not there; caller owns a reference */
void shared_cache_put(SharedCache *cache, const char *hash, Json *json);

/* ---- unit.c ---- */
typedef struct UnitCommand UnitCommand;
struct UnitCommand {
    UnitCommand *next;
    const StoreStatement *statement;
    const char *conflict;   /* the unit fails with it when no row changes; NULL: no condition */
    gboolean unless_before; /* skipped when the command before it changed a row */
    StoreEach returned;     /* gets the rows of RETURNING; may run twice when a commit is repeated; or NULL */
    gpointer returned_data;
    gsize n;
    StoreValue values[]; /* their data follows in the same allocation */
};
/* Runs on the committer thread after the commit is durable, before listeners and done. */
typedef void (*UnitCommitted)(Store *store, gpointer data);
typedef struct UnitHook UnitHook;
struct UnitHook {
    UnitHook *next;
    UnitCommitted committed;
    gpointer data;
    GDestroyNotify free;
};
struct StoreUnit {
    UnitCommand *first, *last;
    UnitHook *hooks, *last_hook;
    ChangeRecord *changes, *last_change;
    ChangeRecord *documents; /* kinds and ids of the documents it changes, for other replicas */
    gsize bytes;
    StoreUnit *next; /* in the committer's queue */
    StoreDone done;
    gpointer data;
    gint64 submitted_us;
    GError *error; /* outcome of the last try */
};
typedef struct {
    const char *conflict;
    gboolean unless_before;
    StoreEach returned;
    gpointer returned_data;
} UnitOptions;
void unit_add(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n, const UnitOptions *options);
void unit_document(StoreUnit *unit, const char *kind, const char *id); /* a document is changed, as other replicas have to know */
/* data is freed with the unit, committed or not. */
void unit_hook(StoreUnit *unit, UnitCommitted committed, gpointer data, GDestroyNotify free);
/* Runs the unit's statements in the open transaction. */
gboolean unit_run(const StoreUnit *unit, StoreConnection *connection, GError **error);

/* ---- committer.c ---- */
Committer *committer_new(Store *store, gboolean with_thread);
void committer_stop(Committer *committer); /* writes what waits, then ends the thread; nothing may be submitted any more */
void committer_free(Committer *committer);
void committer_submit(Committer *committer, StoreUnit *unit, StoreDone done, gpointer data);
gboolean committer_is_this_thread(const Committer *committer);
gboolean committer_is_behind(Committer *committer);
void committer_statistics(Committer *committer, StoreStatistics *into);
/* Runs work on the committer thread between commits until it answers FALSE; waits for that. */
void committer_between(Committer *committer, gboolean (*work)(gpointer data), gpointer data);
/* Holds back commits until committer_go: afterwards no transaction is open. */
void committer_hold(Committer *committer);
void committer_go(Committer *committer);

/* ---- checkpointer.c ---- */
Checkpointer *checkpointer_new(Store *store, GError **error);
void checkpointer_free(Checkpointer *checkpointer);
/* After each commit: size of the log, and all that was ever written to it. Cheap. */
void checkpointer_notify(Checkpointer *checkpointer, guint64 log_size, guint64 log_written);

/* ---- readers.c: connections for reading ---- */
typedef struct {
    Store *store;
    StoreConnection *connection;
} Reader;
Readers *readers_new(void);
void readers_free(Readers *readers);
/* Waits at most STORE_READ_MS for a free connection (ERR_UNAVAILABLE). */
Reader *reader_borrow(Store *store, GError **error);
void reader_return(Reader *reader); /* ends its transaction */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reader, reader_return)
gboolean reader_begin(Reader *reader, GError **error); /* one view of the database until reader_end; STORE_READ_MS begin anew */
void reader_end(Reader *reader);
gboolean reader_run(Reader *reader, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each, gpointer data,
                    GError **error);

/* ---- migrations.c ---- */
typedef struct {
    gint64 version;
    const char *name, *sql;
} Migration;
/* The program's own, in order, ending with {}; borrowed. */
const Migration *migrations_all(void);
/* Brings the database to the last of these. backups: folder for the copy made before an old one is changed. */
gboolean migrations_apply(StoreConnection *connection, const Migration *migrations, const char *file, const char *backups, GError **error);
/* FALSE unless the database is exactly at the last of these (read-only opens). */
gboolean migrations_verify(StoreConnection *connection, const Migration *migrations, const char *file, GError **error);

/* ---- schema.c ---- */
typedef struct {
    char *name;
    GPtrArray *columns, *key; /* of char *; key: of the primary key, in its order */
} StoreTable;
/* Of StoreTable, as these migrations leave them; caller unrefs. */
GPtrArray *schema_tables(const Migration *migrations);

/* ---- lock.c ---- */
/* Takes the folder for this process; *lock is closed to give it back. */
gboolean lock_take(const char *folder, gint64 wait_ms, int *lock, GError **error);

/* ---- copy.c ---- */
/* A whole copy on the calling thread, which owns the connection. */
gboolean copy_whole(StoreConnection *writer, const char *file, GError **error);

/* ---- object_index.c ---- */
ObjectIndex *object_index_new(void);
void object_index_free(ObjectIndex *index);
gboolean object_index_read(Store *store, GError **error); /* everything, at open */
/* What others changed, over a connection of the caller's; each change found is published. */
gboolean object_index_refresh(Store *store, StoreConnection *connection, GError **error);
gboolean object_index_refresh_one(Store *store, StoreConnection *connection, const char *kind, const char *id, GError **error);

/* ---- replicas.c ---- */
/* Joins; before there are threads. The store's epoch is its number. */
Replicas *replicas_join(Store *store, gint64 id, GError **error);
void replicas_start(Replicas *replicas); /* the lease's thread */
void replicas_stop(Replicas *replicas);
void replicas_free(Replicas *replicas);
gint64 replicas_key_new(Replicas *replicas); /* of an execution */
/* After each group of commits: what it changed, for the others. */
void replicas_committed(Replicas *replicas, GPtrArray *units);

/* ---- relay.c: changes as texts for other replicas ---- */
char *relay_item(const ChangeRecord *record, gboolean document); /* one item, at most REPLICA_TEXT_MAX bytes */
/* As many of these items as fit in one text, taken from the queue; caller frees. */
char *relay_pack(GQueue *items, gint64 from);
#define RELAY_EVERYTHING "{}" /* an item: read everything again */
/* One item of another replica's. FALSE: everything has to be read again. */
gboolean relay_apply(Store *store, StoreConnection *connection, const JsonValue *item, GError **error);
