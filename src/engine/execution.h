/* The execution model: what an execution is in memory. A snapshot is immutable and reference-counted: the engine changes a
 * copy whose stages and documents are shared, and swaps it in when its commit succeeded. Keys, statuses and shapes are
 * those of Orca's API. Any thread may read a snapshot; only the step that made a copy writes to it (engine/edit.h). */
#pragma once
#include "base/error.h"
#include "base/json.h"

typedef enum { EXECUTION_PIPELINE, EXECUTION_ORCHESTRATION } ExecutionType;

typedef enum {
    STATUS_NOT_STARTED,
    STATUS_RUNNING,
    STATUS_PAUSED,
    STATUS_SUSPENDED,
    STATUS_BUFFERED,
    STATUS_REDIRECT,
    STATUS_SUCCEEDED,
    STATUS_SKIPPED,
    STATUS_FAILED_CONTINUE,
    STATUS_STOPPED,
    STATUS_TERMINAL,
    STATUS_CANCELED,
} Status;

typedef struct {
    const char *name;
    gboolean complete, halt, failure, success;
} StatusInfo;

/* Names and properties of a status, never NULL. */
const StatusInfo *status_info(Status status);
gboolean status_parse(const char *name, Status *into);

typedef enum { OWNER_NONE, OWNER_BEFORE, OWNER_AFTER } StageOwner;

/* Texts of these structs are shared between copies (GRefString): readers borrow them, never free them. */
typedef struct {
    char *id; /* "1", "2", … */
    char *name, *implementing_class;
    Status status;
    gint64 start_ms, end_ms; /* 0: absent */
    gboolean stage_start, stage_end, loop_start, loop_end;
    Json *exception_details; /* or NULL */
} TaskState;

typedef struct Stage {
    gint ref_count; /* first: a copy has its own */
    guint position; /* row in the store; order of creation */
    char *id, *ref_id, *type, *name;
    Status status;
    gint64 start_ms, end_ms, start_expiry_ms, scheduled_ms; /* 0: absent */
    Json *context, *outputs;                                /* objects, never NULL */
    GPtrArray *tasks;                                       /* of TaskState */
    StageOwner owner;
    char *parent_id;     /* stage id, for synthetic stages */
    char **requisites;   /* refIds, never NULL */
    Json *last_modified; /* {user, allowedAccounts, lastModifiedTime} or NULL */
    guint attempt;       /* from 1; grows by restart or redirect, never by a crash */
    gint64 version;      /* the execution's version when this stage changed last */

    /* The engine's own. */
    gboolean preparing;   /* RUNNING, but its prepare run has not ended and nothing is planned yet */
    gboolean canceling;   /* halted, and its cancel routine has not ended yet */
    gsize memory;         /* bytes, for the budget of loaded executions */
    const void *draft_of; /* the copy that may change this stage in place; NULL once shared */
    gboolean plain;       /* its context is known to hold no expression */
} Stage;

typedef struct StageIndex StageIndex; /* id and refId to place in the list; engine/graph.c */

typedef struct Execution {
    gint ref_count; /* first: a copy has its own */
    ExecutionType type;
    gint64 key; /* in the store; 0 before it is stored */
    char *id, *root_id, *application, *name, *description, *config_id, *origin, *spel_evaluator;
    char *parent_id, *parent_stage_id; /* the execution and stage that started it, or NULL */
    Status status;
    gint64 build_ms, start_ms, end_ms, start_expiry_ms; /* 0: absent */
    gboolean canceled;
    char *canceled_by, *cancellation_reason;
    gboolean limit_concurrent, keep_waiting;
    gint64 max_concurrent;
    Json *trigger;        /* object, never NULL */
    Json *authentication; /* {user, allowedAccounts} or NULL */
    Json *paused;         /* {pausedBy, pauseTime, resumedBy, resumeTime} or NULL */
    Json *notifications, *initial_config, *source, *template_variables, *system_notifications; /* or NULL */
    GPtrArray *stages; /* of Stage, in list order (synthetic ones around their parent) */
    gint64 version;    /* grows with each commit */

    /* The engine's own. */
    GPtrArray *pending;   /* of Message: what a full step left for the next; NULL when empty */
    Json *parked_restart; /* a restart that waits for its turn (concurrency limit): {stageId, body, user, time}; or NULL */
    guint next_position;  /* of the next stage that is created */
    StageIndex *index;    /* never NULL once stages are set */
    gsize memory;
    GPtrArray *drafts;  /* of Stage, borrowed: those this copy has changed */
    gboolean changed;   /* members of the execution itself changed in this copy */
    GPtrArray *removed; /* of Stage: rows to delete with this copy's commit; NULL when none */
} Execution;

/* One reference each; immutable once shared. */
Execution *execution_ref(Execution *execution);
void execution_unref(Execution *execution); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Execution, execution_unref)

const char *execution_type_name(ExecutionType type); /* PIPELINE, ORCHESTRATION */
/* Nothing is left to do for it: complete, and every stage has come to rest. */
gboolean execution_is_settled(const Execution *execution);

const Stage *execution_stage(const Execution *execution, const char *stage_id);      /* NULL when absent */
const Stage *execution_stage_by_ref(const Execution *execution, const char *ref_id); /* NULL when absent */
const Stage *stage_parent(const Execution *execution, const Stage *stage);           /* NULL for a top-level stage */
const Stage *stage_top_level(const Execution *execution, const Stage *stage);        /* itself when it has no parent */
const TaskState *stage_task(const Stage *stage, const char *task_id);                /* NULL when absent */
/* Ancestors in look-up order, the stage itself first; array of const Stage *, caller frees. */
GPtrArray *stage_ancestors(const Execution *execution, const Stage *stage);
/* A key of the stage's context when it exists there, else of the nearest ancestor's outputs; NULL when nowhere. Borrowed
 * from the execution. */
const JsonValue *stage_get(const Execution *execution, const Stage *stage, const char *key);
/* All values of a key: own context first, then ancestors' outputs, for artifacts the trigger's last; array of
 * const JsonValue *, caller frees. */
GPtrArray *stage_get_all(const Execution *execution, const Stage *stage, const char *key);
/* Synthetic stages of one side, in list order; of const Stage *, caller frees. OWNER_NONE: both sides. */
GPtrArray *stage_synthetics(const Execution *execution, const Stage *stage, StageOwner side);
/* The user a stage runs as: the nearest judge who passes his identity on, else the execution's; "anonymous" when nobody. */
const char *stage_user(const Execution *execution, const Stage *stage);
/* The accounts of that user, as they were when he came: an array, or NULL. Borrowed. */
const JsonValue *stage_accounts(const Execution *execution, const Stage *stage);
gboolean execution_is_dry_run(const Execution *execution);              /* trigger.dryRun is true */
gboolean execution_parameters_are_strategy(const Execution *execution); /* trigger.strategy or parameters.strategy is true */

/* Outputs of all top-level stages in topological order, lists joined: what Orca calls the execution's context. Caller owns. */
Json *execution_outputs(const Execution *execution);

/* The JSON as the API serves it. expand FALSE: as lists strip it (contexts but `group`, outputs and tasks emptied, stages of
 * parent executions cleared). Caller owns. */
Json *execution_to_json(const Execution *execution, gboolean expand);
/* The same, whole, as children have it in their triggers: what is built with it refers to it (json_shared). Caller owns. */
Json *execution_to_shared_json(const Execution *execution);
Json *stage_to_json(const Stage *stage);
Json *execution_members_to_json(const Execution *execution);  /* without trigger and stages */
Json *orchestration_to_task_json(const Execution *execution); /* GET /tasks/{id} */
