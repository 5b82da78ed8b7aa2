/* The runner of operations, private to this room: runs, their durable state, and the machine of their steps. README.md tells how. */
#pragma once
#include "clouds/cloud.h"
#include "store/operations.h"

typedef struct Operations Operations;
typedef struct OperationRun OperationRun;

#define OPERATION_RUNS_MAX 64         /* runs that have a worker, all accounts together */
#define OPERATION_LINES_BATCH_MS 1000 /* lines of a long act are written at least this often */
#define OPERATION_ITEMS_MAX 10000     /* items of one step */
#define OPERATION_REQUEST_MAX 256     /* operations of one request */

/* One entry of a request. */
struct Operation {
    OperationRun *run;
    guint index;
    const CloudOperation *definition;
    Account *account;
    Json *request; /* normalised */
    void *params;
    Json *facts, *result; /* objects, never NULL */
    gboolean has_result;
    GPtrArray *kept; /* of Json: what callers may still point into; emptied when a step ends */
};
Operation *operation_new(OperationRun *run, guint index, const CloudOperation *definition, Account *account, Json *request);
void operation_free(Operation *operation);
/* Reads the params out of the request. */
gboolean operation_read_params(Operation *operation, GError **error);

/* ---- one run: a request that was accepted (operation_run.c) ---- */
typedef enum { RUN_GOES_ON, RUN_SUCCEEDED, RUN_FAILED, RUN_CANCELED } RunStatus;
const char *run_status_name(RunStatus status);

/* How often something was tried without an answer, and how long the last wait was. */
typedef struct {
    guint tries;
    gint64 delay_ms;
} Trying;

struct OperationRun {
    Clouds *clouds;
    Operations *runner;
    char *id, *execution_id, *stage_id, *cloud, *account, *user, *request_text;
    gint64 created_ms, updated_ms, version;
    GPtrArray *operations; /* of Operation */
    Cancel *cancel;        /* reads and waits: set by cancel and by stop */
    Cancel *write_cancel;  /* writes: set when stop may not wait any longer */
    gboolean in_write;
    gint stopping, cancelled; /* atomic */

    /* Where it is: durable. */
    RunStatus status;
    guint operation, step, item;
    gint64 intent_ms; /* when the write in hand was recorded; 0: none */
    Json *error;      /* {operation, cause, message} or NULL */

    /* How it is in hand: forgotten by a restart. */
    Trying looking, refused, acting; /* of the item in hand */
    gint64 due_ms;                   /* when it goes on after a wait */
    gboolean unsaved;                /* where it is could not be written: nothing goes on before it is */
    gboolean closing;                /* its end is decided */
    guint64 timer;                   /* that ends its wait; 0: it does not wait. Under the runner's lock */

    GMutex lock;      /* lines, and what operations_json reads while it runs */
    GPtrArray *lines; /* of OperationLine with owned texts: all */
    guint lines_saved;
    gint64 lines_saved_ms;
};
OperationRun *operation_run_new(Clouds *clouds, const char *id);
void operation_run_free(OperationRun *run);
void operation_run_line(OperationRun *run, const char *phase, char *text /* taken */);
void operation_run_add_saved_line(OperationRun *run, const OperationLine *line);        /* one that the store has */
void operation_run_fail(OperationRun *run, const char *operation, const GError *error); /* status and error; not written yet */
/* Writes where it is and the new lines in one commit. ERR_CONFLICT: somebody else runs it. */
gboolean operation_run_save(OperationRun *run, GError **error);
gboolean operation_run_insert(OperationRun *run, GError **error);
char *operation_run_state(OperationRun *run); /* JSON text */
void operation_run_restore(OperationRun *run, const OperationRecord *record, const JsonValue *state);
Json *operation_run_json(OperationRun *run);                               /* as served; takes the lock */
Json *operation_stored_json(Store *store, const char *id, GError **error); /* ERR_NOT_FOUND */

/* ---- the machine (operation_steps.c) ---- */
/* TRUE: it is over, or a stop ended it (then status is RUN_GOES_ON). FALSE: it waits and is to be called again at due_ms, or when it is
 * cancelled. */
gboolean operation_run_execute(OperationRun *run);

/* ---- requests (operation_request.c) ---- */
/* The operations of a request, normalised; adds what is wrong to errors. ERR_INVALID or ERR_NOT_FOUND when it has no sensible form. */
gboolean operation_request_read(OperationRun *run, const JsonValue *request, GPtrArray *errors, GError **error);
Json *operation_request_normalise(const CloudOperation *definition, const JsonValue *description, GPtrArray *errors);
const CloudOperation *operation_definition(const Cloud *cloud, const char *name);
/* NULL: every step of every operation says how a repeat is harmless; else what is wrong. Caller frees. */
char *operation_definitions_problem(const Cloud *cloud);

/* ---- all runs (operations.c) ---- */
Operations *operations_new(Clouds *clouds, const CloudsOptions *options);
void operations_start(Operations *operations); /* unfinished ones go on */
/* Those of these executions (ids), which were another server's, go on. */
void operations_take_up(Operations *operations, GHashTable *executions);
void operations_stop(Operations *operations, gint64 grace_ms);
void operations_free(Operations *operations);
gboolean operations_begin(Operations *operations, const char *id, const char *execution_id, const char *stage_id, const char *cloud,
                          const JsonValue *request, const Principal *principal, GError **error);
void operations_cancel(Operations *operations, const char *id);
Json *operations_json(Operations *operations, const char *id, GError **error);
