/* Executions in the store. Layout (DESIGN 4): `executions` narrow columns for all that is listed, counted or claimed;
 * `execution_bodies` written once; `stages` keyed by execution key × 65,536 + position, body = JSON as the API serves it.
 * Top-level values above 64 KB are stored once by SHA-256; bodies above 4 KB are compressed (zstd). That is this room's secret:
 * callers give and get whole JSON texts. */
#pragma once
#include "base/json.h"
#include "store/store.h"

#define STORE_STAGES_MAX 65536
typedef struct {
    gint64 key; /* from store_execution_key_new */
    const char *id;
    const char *type; /* PIPELINE, ORCHESTRATION */
    const char *application, *config_id, *name, *status;
    const char *correlation_id;        /* NULL: none. Unique among unfinished executions */
    const char *parent_id;             /* execution whose stage started it, or NULL */
    gint64 build_ms, start_ms, end_ms; /* 0: absent */
    gboolean finished;
    gint64 version;    /* counted by the engine; an update requires version - 1 in the row */
    const char *state; /* mutable execution-level members as a JSON object text (canceled, paused, wake-ups …) */
    const char *body;  /* immutable members (trigger, notifications, …), JSON object text; only on insert */
    /* The same as a document, instead of body, where a parentExecution is in it: parents are shared (json_shared), in memory too. */
    Json *document;
    gint64 owner; /* the replica that works on it; only on insert */
} ExecutionRecord;
typedef struct {
    guint position; /* order of creation in its execution; never changes */
    const char *id, *status;
    const char *body; /* NULL: delete this row (a synthetic stage that was removed) */
} StageRecord;

gint64 store_execution_key_new(Store *store);
void store_execution_insert(StoreUnit *unit, const ExecutionRecord *record, const StageRecord *stages, gsize n);
/* Updates status, times, finished, version and state (the other columns never change); writes only the given stages.
 * ERR_CONFLICT when the version does not follow. */
void store_execution_update(StoreUnit *unit, const ExecutionRecord *record, const StageRecord *stages, gsize n);
/* With its stages, inbox, operations and shared values that nobody else uses. */
void store_execution_delete(StoreUnit *unit, gint64 key);

/* A whole execution as read; texts owned by the caller through execution_loaded_clear. */
typedef struct {
    ExecutionRecord record; /* its texts point into owned memory */
    GArray *stages;         /* of StageRecord, by position */
    GStringChunk *memory;
} LoadedExecution;
gboolean store_execution_load(Store *store, const char *id, LoadedExecution *into, GError **error); /* ERR_NOT_FOUND */
void loaded_execution_clear(LoadedExecution *loaded);
gboolean store_execution_owner(Store *store, const char *id, gint64 *owner, gboolean *finished, GError **error); /* ERR_NOT_FOUND */
/* Id of the unfinished execution with this correlation id; NULL with ERR_NOT_FOUND when there is none. Caller frees. */
char *store_execution_correlated(Store *store, const char *correlation_id, GError **error);

/* Lists: ids and narrow columns only, or with everything joined as the API's JSON by the engine's reader. */
typedef struct {
    const char *type;                /* required */
    const char *const *applications; /* NULL: any */
    const char *const *config_ids;   /* NULL: any */
    const char *const *names;        /* NULL: any */
    const char *const *statuses;     /* NULL: any */
    const char *parent_id;
    gint64 built_from_ms, built_to_ms; /* 0: open */
    gboolean unfinished_only;
    guint offset, limit; /* limit 0: EXECUTIONS_LIST_MAX */
    gboolean oldest_first;
    gint64 after_ms, after_key; /* with oldest_first: begins behind the row of this build time and key; key 0: with the first */
} ExecutionFilter;
#define EXECUTIONS_LIST_MAX 5000
#define EXECUTIONS_SCAN_MAX 50000  /* rows looked at for one list: filters that no index serves (names) end in ERR_LIMIT */
#define EXECUTIONS_RANGES_MAX 4096 /* applications or config ids, times statuses: ERR_LIMIT */
/* Calls each with narrow columns (state, body NULL). No transaction is open meanwhile: each may take its time. */
typedef gboolean (*ExecutionEach)(const ExecutionRecord *record, gpointer data);
gboolean store_executions_list(Store *store, const ExecutionFilter *filter, ExecutionEach each, gpointer data, GError **error);
/* The same with state, body and stages joined. */
typedef gboolean (*ExecutionEachWhole)(const LoadedExecution *loaded, gpointer data);
gboolean store_executions_list_whole(Store *store, const ExecutionFilter *filter, ExecutionEachWhole each, gpointer data, GError **error);

/* Messages to an execution that is somebody else's to handle: rows in the sender's commit, removed in the receiver's. */
void store_inbox_put(StoreUnit *unit, const char *recipient_id, const char *body);
void store_inbox_remove(StoreUnit *unit, gint64 number);
typedef gboolean (*InboxEach)(const char *recipient_id, gint64 number, const char *body, gpointer data);
/* In the order in which they were put. No transaction is open while each runs. */
#define INBOX_PAGE 500
gboolean store_inbox_each(Store *store, const char *recipient_id /* NULL: all */, InboxEach each, gpointer data, GError **error);
