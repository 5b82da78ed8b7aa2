/* Inside the core: one step in progress. Handlers change the step's draft, push messages to the execution itself, and list
 * effects. A `const Stage *` is stale after execution_edit_stage gave the draft its own copy: handlers edit first, then read. */
#pragma once
#include "engine/core.h"
#include "engine/edit.h"
#include "engine/graph.h"

typedef struct Step {
    Execution *execution;
    const EngineSettings *settings;
    gint64 now_ms;
    Effects *effects;
    GQueue queue; /* of Message */
    GQueue runs;  /* of Message: RUN_TASK and PREPARE_STAGE, handled when nothing else is left, so that what they check is final */
} Step;

typedef void (*MessageHandler)(Step *step, const Message *message);
#define DECLARE_HANDLER(kind, handler) void handle_##handler(Step *step, const Message *message);
MESSAGE_KINDS(DECLARE_HANDLER)
#undef DECLARE_HANDLER

/* ---- messages and effects ---- */
void step_push(Step *step, Message *message); /* takes it */
void step_push_stage(Step *step, MessageKind kind, const Stage *stage);
void step_push_stage_id(Step *step, MessageKind kind, const char *shared_stage_id);
void step_push_task(Step *step, MessageKind kind, const Stage *stage, const TaskState *task);
void step_complete_task(Step *step, const Stage *stage, const TaskState *task, Status status);
void step_run(Step *step, RunKind run, const Stage *stage, const TaskState *task);
void step_sleep(Step *step, RunKind run, const Stage *stage, const TaskState *task, gint64 at_ms);
void step_wake(Step *step, const Stage *stage, gboolean cancel); /* stage NULL: all */
void step_refuse(Step *step, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);
void step_note(Step *step, const char *format, ...) G_GNUC_PRINTF(2, 3);
Stage *step_edit(Step *step, const char *stage_id); /* asserts that it exists */

/* ---- executions ---- */
void step_set_execution_status(Step *step, Status status);
/* Cancelled or complete: no task may begin. */
gboolean step_is_ending(const Step *step);
void step_resume_stages(Step *step);
void step_restart(Step *step, const char *stage_id, const char *user, const JsonValue *body);

/* ---- stages ---- */
void step_finish_stage(Step *step, const char *stage_id, Status status); /* sets it and goes on to what follows */
void step_start_next(Step *step, const Stage *stage);
void step_fail_planning(Step *step, const char *stage_id, const GError *error);
void step_merge_context(Step *step, const char *stage_id, const Json *set, const GPtrArray *removed);
void step_merge_outputs(Step *step, const char *stage_id, const Json *set);
/* Whether the stage stays within STAGE_BYTES_MAX with what the run brings; else ERR_LIMIT. */
gboolean step_outcome_fits(const Stage *stage, const RunOutcome *outcome, GError **error);
/* What a run evaluated and set goes into the stage. */
void step_merge_outcome(Step *step, const char *stage_id, const RunOutcome *outcome);
/* Evaluates what expressions the context holds, as far as that needs no I/O; the stage is edited only when something
 * changed, and not when it would exceed STAGE_BYTES_MAX: the texts stay as they are. Returns whether something needs I/O. */
gboolean step_process_context(Step *step, const char *stage_id);

/* ---- planning ---- */
gboolean step_build_tasks(Step *step, const char *stage_id, GError **error);
gboolean step_plan_before(Step *step, const char *stage_id, GError **error);
/* FALSE with *error. */
gboolean step_plan_after(Step *step, const char *stage_id, GError **error);
typedef enum { PLAN_NOTHING, PLAN_ADDED, PLAN_UNDER_WAY } PlanOutcome;
PlanOutcome step_plan_on_failure(Step *step, const char *stage_id, GError **error);

/* ---- aggregation (aggregate.c) ---- */
Status stage_failure_status(const Execution *execution, const Stage *stage, Status otherwise);
Status stage_aggregate(const Execution *execution, const Stage *stage);
/* FALSE: not finished. */
gboolean execution_aggregate(const Execution *execution, Status *into);
gboolean stage_must_fail_for_expressions(const Stage *stage);

/* ---- failures (failure.c) ---- */
Json *exception_from_error(const GError *error, const char *operation, gint64 now_ms);
Json *exception_timeout(const char *message, const char *operation, gint64 now_ms);
/* The context with what its exception should say at the stage's end: descriptions of failed expressions, and with
 * FAILED_CONTINUE the errors of its tasks. NULL: nothing to add. Caller owns. */
Json *context_with_final_errors(const Stage *stage, Status status);

/* ---- time (timeouts.c) ---- */
/* The message when the task's or its stage's time is up, or NULL; caller frees. */
char *task_timed_out(const EngineSettings *settings, const Execution *execution, const Stage *stage, const TaskState *task,
                     const StageType *type, const TaskDefinition *definition, gint64 now_ms);
