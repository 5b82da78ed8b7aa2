/* Stage types: data beside their code. Planning is pure; only tasks act.
 *
 * A stage type is one `const StageType` in src/stages/…; the list of all is src/stages/stages.c. */
#pragma once
#include "base/cancel.h"
#include "base/params.h"
#include "engine/execution.h"

/* What stages reach beyond the engine (clouds, store, bakery, HTTP …): defined in stages/services.h, opaque here. */
typedef struct Services Services;

/* ---- tasks ------------------------------------------------------------------------------------------------------
 * Runs in a worker on an immutable snapshot, after the commit that says so. May block on I/O until deadline_ms; must be safe to
 * run again after a crash. Answers with changes, never with a document. */
typedef struct TaskContext {
    const Execution *execution;
    const Stage *stage; /* its context has been expression-processed */
    const TaskState *task;
    const void *params; /* the stage type's params, read from the context; NULL when it has none */
    Services *services;
    Cancel *cancel;
    guint runs;                            /* how often the task was run before in this attempt, as far as this process knows */
    gint64 now_ms;                         /* when this run began */
    gint64 deadline_ms;                    /* wall clock; I/O must end by then */
    const char *user;                      /* as whom the stage runs */
    guint64 random;                        /* a random number of this run */
    const struct EngineSettings *settings; /* engine/core.h: for expressions_evaluate and the engine's own stages */
    struct TaskResult *result;             /* where task_set… puts things */
} TaskContext;

typedef enum {
    WAKE_BACKOFF, /* again after the back-off */
    WAKE_AT,      /* again at wake_ms, or when woken by a message (engine_wake_stage) */
} TaskWake;

typedef struct TaskResult {
    Status status; /* SUCCEEDED, RUNNING, REDIRECT, SKIPPED, FAILED_CONTINUE, STOPPED, TERMINAL, CANCELED */
    TaskWake wake;
    gint64 wake_ms;
    Json *context, *outputs; /* keys to set, or NULL; owned by the result */
    GPtrArray *removed;      /* context keys to remove (char *), or NULL */
    gint64 scheduled_ms;     /* when the stage is expected to go on, for people; 0: unchanged */
} TaskResult;

/* Return values of a task, with the changes gathered by the functions below. A task that sets *error fails: ERR codes decide
 * whether it is run again (error_outward()->should_retry) or ends with the stage's failure status. */
typedef Status (*TaskRun)(TaskContext *context, GError **error);

void task_set_context(TaskContext *context, const char *key, const JsonValue *value); /* merged over earlier sets */
void task_set_context_json(TaskContext *context, const char *key, const Json *value);
void task_set_context_string(TaskContext *context, const char *key, const char *text);
void task_merge_context(TaskContext *context, const JsonValue *object);
void task_remove_context(TaskContext *context, const char *key);
void task_set_output(TaskContext *context, const char *key, const JsonValue *value);
void task_set_output_json(TaskContext *context, const char *key, const Json *value);
void task_merge_outputs(TaskContext *context, const JsonValue *object);
/* Answer RUNNING with "again at": return task_again_at(context, when). Woken earlier by engine_wake_stage. */
Status task_again_at(TaskContext *context, gint64 when_ms);
/* A line on the stage for people while it runs ("3 of 4 instances up"): kept as context._progress until the task ends, an
 * input to nothing. */
void task_progress(TaskContext *context, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A key of the stage or its ancestors' outputs (stage_get on the snapshot). */
const JsonValue *task_get(const TaskContext *context, const char *key);
const char *task_get_string(const TaskContext *context, const char *key);

typedef struct {
    const char *name;
    TaskRun run;
    const char *implementing_class; /* as clients see it; NULL: "gennaker.<name>" */
    gint64 timeout_ms;              /* 0: no own timeout */
    const char *timeout_key;        /* of orca's configuration, in milliseconds: replaces timeout_ms; NULL: none */
    gint64 backoff_ms;              /* 0: 1 s */
    /* Dynamic back-off from the context; NULL: backoff_ms. Pure. */
    gint64 (*poll_after)(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms);
    gboolean overridable_timeout; /* stageTimeoutMs replaces the own timeout */
    gboolean loop_start, loop_end;
    gboolean no_io; /* runs on the two workers for tasks without I/O */
    /* Which account its calls go to, for the limits per account; NULL: none. */
    const char *(*account)(const Execution *execution, const Stage *stage);
    /* What it does when the timeout strikes; NULL: an exception (or success, with
     * markSuccessfulOnTimeout). Honoured: TERMINAL, FAILED_CONTINUE. */
    TaskRun on_timeout;
    TaskRun on_cancel; /* the task's own cancel hook (context and outputs merged); NULL: none */
} TaskDefinition;

/* ---- planning ---------------------------------------------------------------------------------------------------
 * Pure functions of the execution alone. They add synthetic stages to a plan; the engine gives ids and refIds. */
typedef struct StagePlan StagePlan;
typedef struct PlannedStage PlannedStage;
/* Adds a stage without dependencies (parallel to the others). context is borrowed. Returns a handle for dependencies. */
PlannedStage *plan_add(StagePlan *plan, const char *type, const char *name, const JsonValue *context);
/* Adds a stage behind all that were added so far by plan_append (a chain). */
PlannedStage *plan_append(StagePlan *plan, const char *type, const char *name, const JsonValue *context);
void plan_depends(PlannedStage *stage, PlannedStage *on);

typedef void (*StagePlanner)(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error);
/* The tasks of this very stage when they depend on its context: adds TaskDefinition pointers to an array. Pure. */
typedef void (*StageTasks)(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error);

/* Keys of stages that produce artifacts (engine.md 16.4). */
#define EXPECTED_ARTIFACTS "expectedArtifacts"
#define ARTIFACTS "artifacts"
#define RESOLVED_ARTIFACTS "resolvedExpectedArtifacts"

typedef struct StageType {
    const char *type, *label, *help;
    const char *const *aliases; /* NULL-terminated, or NULL */
    const Param *params;        /* read from the processed context before each task run */
    gsize params_size;
    /* Ends with an entry without name. With build_tasks it is the table that build_tasks chooses from: running tasks are found
     * in it by name, so that a changed context cannot lose one. */
    const TaskDefinition *tasks;
    StageTasks build_tasks; /* NULL: all of tasks, in order */
    /* More tasks at the end of a stage that expects artifacts (EXPECTED_ARTIFACTS is a list that is not empty); ends with an entry without
     * name. NULL: the type produces none. A restart forgets what they bound. */
    const TaskDefinition *closing_tasks;
    /* Looked up first by a worker (clouds, store), its changes merged, then the stage is planned; NULL: nothing to look up. */
    TaskRun prepare;
    StagePlanner plan_before, plan_after, plan_on_failure;
    TaskRun on_cancel; /* the stage's cancel routine: a task of its own with a deadline, also after a crash */
    /* Own preparation for a restart: the context keys to drop (NULL-terminated list) … */
    const char *const *restart_drops;
    /* … or more (evaluateVariables): returns the new context, clears outputs when *outputs is set; NULL: nothing. Pure. */
    Json *(*on_restart)(const Stage *stage, gboolean *clear_outputs);
    /* Pure: may users skip it by hand? NULL: no. */
    gboolean (*can_skip)(const Execution *execution, const Stage *stage);
    /* Pure: may a person change these keys of its context so? ERR_INVALID says what is expected; NULL: anything. */
    gboolean (*check_patch)(const Stage *stage, const JsonValue *changes, GError **error);
    /* Pure: in a dry run its tasks are run all the same; NULL: one that does nothing stands for them, with these outputs (NULL: none;
     * caller owns). */
    gboolean (*dry_run_is_real)(const Execution *execution, const Stage *stage);
    Json *(*dry_run_outputs)(const Execution *execution, const Stage *stage);
    gboolean no_timeout;      /* timeouts are not enforced (execution window) */
    gboolean own_expressions; /* v4: its task processes its context itself (expressions_evaluate), the engine leaves it alone */
    /* Why a running stage waits, in one sentence; NULL: the engine's words. Pure; caller frees. */
    char *(*why_waiting)(const Execution *execution, const Stage *stage, gint64 now_ms);
    gboolean needs_application_write; /* seam for permissions */
} StageType;

gboolean dry_run_always_real(const Execution *execution, const Stage *stage); /* for .dry_run_is_real */

/* The table of stage types the engine looks types up in (by context key alias, else by type). */
typedef struct {
    const StageType *const *types; /* NULL-terminated */
} StageTypes;
const StageType *stage_types_find(const StageTypes *types, const char *type);
