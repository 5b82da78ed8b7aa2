/* What a database must be able to do for the store. One driver per database: sqlite.c; others come beside it.
 *
 * A connection belongs to one thread at a time. Drivers turn every error of the database into an ErrorCode and a text for the
 * person who must act; nobody above them knows the database's codes. */
#pragma once
#include "store/store.h"

#define STORE_TELL_MAX 7900

typedef struct StoreDriver StoreDriver;

/* Drivers put their own data behind it. */
typedef struct {
    const StoreDriver *driver;
} StoreConnection;

typedef enum {
    CONNECTION_WRITER, /* the only one that writes */
    CONNECTION_READER,
    CONNECTION_CARE, /* checkpoints */
} ConnectionRole;

typedef struct {
    const char *file; /* or the address of a database */
    ConnectionRole role;
    gboolean durable;   /* FALSE: commits need not survive a power failure (stores in memory) */
    gboolean read_only; /* the whole store, not this connection alone */
    gboolean shared;    /* other servers may write as well (CONNECTION_WRITER), or hears of them (CONNECTION_CARE) */
} ConnectionOptions;

/* How a word of a migration is written in this database. */
typedef struct {
    const char *ours, *theirs;
} StoreWord;

typedef struct StoreCopy StoreCopy;

struct StoreDriver {
    const char *name;
    const StoreWord *words; /* ends with {} */

    StoreConnection *(*open)(const ConnectionOptions *options, GError **error);
    void (*close)(StoreConnection *connection);
    /* Whether the database is whole, as far as can be told quickly. */
    gboolean (*check)(StoreConnection *connection, GError **error);
    /* Makes the writer the only one, or one of the servers when it is shared; ERR_CONFLICT when another process is in the way after
     * wait_ms. NULL: a lock of the data folder does. */
    gboolean (*claim)(StoreConnection *writer, gint64 wait_ms, GError **error);
    /* The shape of a shared database is changed between these two; NULL: never shared. */
    gboolean (*shape_begin)(StoreConnection *writer, GError **error);
    void (*shape_end)(StoreConnection *writer);
    /* The writer's epoch of the store is this one from now on. When it is shared it is the replica's number, and no commit succeeds any more
     * (is_fenced) when another replica has taken over from this one. NULL: of no interest. */
    void (*claimed)(StoreConnection *writer, gint64 epoch);
    gboolean (*is_fenced)(StoreConnection *writer);
    /* Tells all servers; text is at most STORE_TELL_MAX bytes. NULL: there are no others. */
    gboolean (*tell)(StoreConnection *care, const char *text, GError **error);
    /* Waits for what others tell, at most until the clock_elapsed_ms() or until wake is readable. *anew: the connection is a new one, and
     * something may have been missed. */
    gboolean (*hear)(StoreConnection *care, int wake, gint64 until_ms, void (*each)(const char *text, gpointer data), gpointer data,
                     gboolean *anew, GError **error);

    /* The writer takes the right to write at once. A failed commit leaves the transaction open. */
    gboolean (*begin)(StoreConnection *connection, GError **error);
    gboolean (*commit)(StoreConnection *connection, GError **error);
    void (*rollback)(StoreConnection *connection);    /* nothing when none is open */
    gboolean (*is_open)(StoreConnection *connection); /* FALSE also when the database gave the transaction up by itself */
    gboolean (*savepoint)(StoreConnection *connection, GError **error);
    gboolean (*release)(StoreConnection *connection, GError **error);
    gboolean (*rollback_to)(StoreConnection *connection, GError **error); /* undoes and ends the savepoint */

    /* Runs one statement; each (may be NULL) gets its rows; *changed (may be NULL) how many rows it wrote. */
    gboolean (*run)(StoreConnection *connection, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each,
                    gpointer data, guint64 *changed, GError **error);
    gboolean (*script)(StoreConnection *connection, const char *sql, GError **error); /* several statements, in our words */
    /* Statements of this connection end with ERR_TIMEOUT at this clock_elapsed_ms(); 0: never. */
    void (*set_deadline)(StoreConnection *connection, gint64 deadline_ms);

    StoreType (*row_type)(const StoreRow *row, guint column);
    gint64 (*row_int)(const StoreRow *row, guint column);
    const char *(*row_text)(const StoreRow *row, guint column);
    const void *(*row_bytes)(const StoreRow *row, guint column, gsize *length);

    /* The write-ahead log: its size now, and all that was ever written to it through this connection. */
    guint64 (*log_size)(StoreConnection *writer);
    guint64 (*log_written)(StoreConnection *writer);
    /* NULL: the database does it. Moves the log into the database, as far as others are not in the way at the moment (that is no error). truncate: all of it,
     * and shortens the file; waits a little for readers. */
    gboolean (*checkpoint)(StoreConnection *care, gboolean truncate, GError **error);

    /* NULL: the database has tools of its own. A copy in steps. Writes between them through the same connection are part of it. */
    /* hold: others may write meanwhile, so the copy keeps a view of the store as it is now; else they would make it begin anew with each of
     * their commits. Not for the connection that writes in between. */
    StoreCopy *(*copy_begin)(StoreConnection *writer, const char *file, gboolean hold, GError **error);
    gboolean (*copy_step)(StoreCopy *copy, gboolean *done, GError **error);
    gboolean (*copy_end)(StoreCopy *copy, GError **error); /* frees */
};

struct StoreRow {
    const StoreDriver *driver;
    void *cursor;
    guint columns;
};

extern const StoreDriver store_driver_sqlite;
extern const StoreDriver store_driver_postgres;

/* A database's address without user, password and options, for messages; caller frees. */
char *store_postgres_place(const char *url);
