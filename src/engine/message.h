/* Messages that an execution handles, one after the other. Those it sends itself are handled in the same step; those it
 * could not handle in one step, and those for another execution, are stored as JSON. Pure. */
#pragma once
#include "engine/execution.h"
#include "engine/stage.h"

/* One row per message: the enum, its name in JSON, its handler in the core (core.c). */
#define MESSAGE_KINDS(row)                                                                                                                 \
    row(START_EXECUTION, start_execution) row(PROMOTE_EXECUTION, promote_execution) row(COMPLETE_EXECUTION, complete_execution)            \
        row(CANCEL_EXECUTION, cancel_execution) row(FORCE_CANCEL_EXECUTION, force_cancel_execution) row(PAUSE_EXECUTION, pause_execution)  \
            row(RESUME_EXECUTION, resume_execution) row(RECOVER_EXECUTION, recover_execution) row(CONTINUE_EXECUTION, continue_execution)  \
                row(START_STAGE, start_stage) row(PREPARE_STAGE, prepare_stage) row(STAGE_PREPARED, stage_prepared)                        \
                    row(COMPLETE_STAGE, complete_stage) row(CONTINUE_PARENT_STAGE, continue_parent_stage) row(SKIP_STAGE, skip_stage)      \
                        row(ABORT_STAGE, abort_stage) row(CANCEL_STAGE, cancel_stage) row(STAGE_CANCELED, stage_canceled)                  \
                            row(RESTART_STAGE, restart_stage) row(PATCH_STAGE, patch_stage) row(START_TASK, start_task)                    \
                                row(RUN_TASK, run_task) row(TASK_RAN, task_ran) row(COMPLETE_TASK, complete_task)

#define MESSAGE_ENUM(kind, handler) MESSAGE_##kind,
typedef enum { MESSAGE_KINDS(MESSAGE_ENUM) MESSAGE_KIND_COUNT } MessageKind;
#undef MESSAGE_ENUM

/* What a worker runs for a stage. */
typedef enum {
    RUN_TASK,         /* a task */
    RUN_TASK_CANCEL,  /* a task's own cancel hook */
    RUN_TASK_TIMEOUT, /* what a task does when its time is up */
    RUN_PREPARE,      /* what must be looked up before the stage is planned */
    RUN_STAGE_CANCEL, /* the stage's cancel routine */
} RunKind;

/* What a run came to; immutable. */
typedef struct {
    RunKind kind;
    TaskResult result;
    GError *error;        /* it failed; its result counts no more than what it set before */
    Json *evaluated;      /* the context the run was given, expressions evaluated; NULL: nothing to evaluate */
    Json *evaluated_from; /* the context that was evaluated; a key that changed since keeps its change */
    guint runs;           /* how often it has run now in this attempt, as far as this process knows */
    gint ref_count;
} RunOutcome;
RunOutcome *run_outcome_new(RunKind kind);
RunOutcome *run_outcome_ref(RunOutcome *outcome);
void run_outcome_unref(RunOutcome *outcome); /* NULL-safe */

typedef struct {
    MessageKind kind;
    gint ref_count;
    char *stage_id, *task_id; /* shared texts */
    Status status;            /* COMPLETE_TASK */
    StageOwner side;          /* CONTINUE_PARENT_STAGE */
    gboolean park;            /* START_EXECUTION, RESTART_STAGE: its turn has not come */
    guint attempt;            /* of the stage, when the run that this is about began or fell asleep; 0: whichever it is */
    char *user, *reason;      /* shared texts */
    Json *body;               /* PATCH_STAGE: changes; RESTART_STAGE: pipeline, or NULL */
    Json *accounts;           /* PATCH_STAGE: the user's accounts, or NULL */
    RunOutcome *outcome;      /* STAGE_PREPARED, TASK_RAN, STAGE_CANCELED */
} Message;

Message *message_new(MessageKind kind);
Message *message_new_stage(MessageKind kind, const char *shared_stage_id);
Message *message_ref(Message *message);
void message_unref(Message *message); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, message_unref)
const char *message_kind_name(MessageKind kind); /* "START_STAGE" */

/* Outcomes of runs are never stored: after a crash the run is repeated. */
void message_write(const Message *message, JsonBuilder *builder);
Message *message_read(const JsonValue *value, GError **error); /* ERR_INVALID */
