/* Messages about stages: start, prepare, complete, continue, skip, abort, cancel. Part of the pure core.
 *
 * Nothing polls: a stage that waits for others is started, continued or completed by the message that the last of them sends
 * when it ends. */
#include "engine/dry_run.h"
#include "engine/expressions.h"
#include "engine/step.h"
#include <string.h>

static gboolean in_progress(const Stage *stage) {
    return stage->status == STATUS_RUNNING || stage->status == STATUS_PAUSED;
}

static gboolean siblings_go_on(const Stage *stage) {
    return json_is_true(json_get(json_root(stage->context), "allowSiblingStagesToContinueOnFailure"));
}

/* ---- start ---- */
static gboolean start_initial_children(Step *step, const Stage *stage, StageOwner side) {
    g_autoptr(GPtrArray) children = stage_synthetics(step->execution, stage, side);
    gboolean any = FALSE;
    for (guint i = 0; i < children->len; i++) {
        const Stage *child = g_ptr_array_index(children, i);
        if (*child->requisites || child->status != STATUS_NOT_STARTED)
            continue;
        any = TRUE;
        step_push_stage(step, MESSAGE_START_STAGE, child);
    }
    return any;
}

static void start_planned(Step *step, const Stage *stage) {
    if (start_initial_children(step, stage, OWNER_BEFORE))
        return;
    if (stage->tasks->len > 0)
        step_push_task(step, MESSAGE_START_TASK, stage, g_ptr_array_index(stage->tasks, 0));
    else
        step_push_stage(step, MESSAGE_COMPLETE_STAGE, stage);
}

void step_fail_planning(Step *step, const char *stage_id, const GError *error) {
    Stage *stage = step_edit(step, stage_id);
    g_autoptr(Json) exception = exception_from_error(error, stage->name, step->now_ms);
    g_autoptr(Json) changes = json_pack("{s:j, s:b}", "exception", exception, "beforeStagePlanningFailed", TRUE);
    stage_set_context(stage, json_merge(json_root(stage->context), json_root(changes)));
    stage->preparing = FALSE;
    step_push_stage(step, MESSAGE_COMPLETE_STAGE, stage);
}

static void flag_skippable(Step *step, const char *stage_id, const StageType *type) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    if (!type->can_skip || !type->can_skip(step->execution, stage))
        return;
    g_autoptr(Json) yes = json_from_bool(TRUE);
    Stage *mine = step_edit(step, stage_id);
    stage_set_context(mine, json_with(json_root(mine->context), "canManuallySkip", json_root(yes)));
}

static void plan_and_start(Step *step, const char *stage_id, const StageType *type) {
    g_autoptr(GError) error = NULL;
    flag_skippable(step, stage_id, type);
    if (!step_build_tasks(step, stage_id, &error) || !step_plan_before(step, stage_id, &error)) {
        step_fail_planning(step, stage_id, error);
        return;
    }
    start_planned(step, execution_stage(step->execution, stage_id));
}

static void begin_stage(Step *step, const char *stage_id) {
    Stage *stage = step_edit(step, stage_id);
    stage->start_ms = step->now_ms;
    stage->status = STATUS_RUNNING;
    const StageType *type = stage_type_of(step->settings, stage);
    if (!type) {
        g_autoptr(GError) error = NULL;
        const char *alias = json_get_string(json_root(stage->context), "alias");
        error_set(&error, ERR_INVALID, "No stage type \"%s\" exists (stage \"%s\")", alias ? alias : stage->type, stage->name);
        step_fail_planning(step, stage_id, error);
        return;
    }
    gboolean needs_io = !stage->parent_id && step_process_context(step, stage_id);
    if (!type->prepare && !needs_io) {
        plan_and_start(step, stage_id, type);
        return;
    }
    stage = step_edit(step, stage_id);
    stage->preparing = TRUE;
    step_push_stage(step, MESSAGE_PREPARE_STAGE, stage);
}

void handle_start_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage)
        return; /* a restart took it away */
    if (stage_upstream_failed(step->execution, stage)) {
        step_push(step, message_new(MESSAGE_COMPLETE_EXECUTION));
        return;
    }
    if (!stage_upstream_complete(step->execution, stage))
        return;
    if (stage->status != STATUS_NOT_STARTED) {
        /* It ran on while a stage before it was restarted; what that ended may be the last branch. */
        if (status_info(stage->status)->complete)
            step_push(step, message_new(MESSAGE_COMPLETE_EXECUTION));
        return;
    }
    if (expressions_skip_stage(step->execution, stage, step->settings, step->now_ms) ||
        (stage->start_expiry_ms && step->now_ms > stage->start_expiry_ms))
        step_push_stage(step, MESSAGE_SKIP_STAGE, stage);
    else
        begin_stage(step, message->stage_id);
}

/* ---- prepare ---- */
void handle_prepare_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || !stage->preparing || (message->attempt && message->attempt != stage->attempt))
        return;
    if (step_is_ending(step))
        step_finish_stage(step, message->stage_id, STATUS_CANCELED);
    else
        step_run(step, RUN_PREPARE, stage, NULL);
}

static void prepare_again(Step *step, const Stage *stage, const RunOutcome *outcome, gint64 at_ms) {
    if (outcome->runs < PREPARE_ATTEMPTS_MAX) {
        step_sleep(step, RUN_PREPARE, stage, NULL, at_ms);
        return;
    }
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_UNAVAILABLE, "Stage \"%s\" could not be prepared in %d attempts%s%s", stage->name, PREPARE_ATTEMPTS_MAX,
              outcome->error ? ": " : "", outcome->error ? outcome->error->message : "");
    step_fail_planning(step, stage->id, error);
}

void handle_stage_prepared(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || stage->attempt != message->attempt || !stage->preparing) {
        step_note(step, "stage %s: a late result of its preparation is dropped", message->stage_id);
        return;
    }
    const RunOutcome *outcome = message->outcome;
    g_autoptr(GError) too_large = NULL;
    if (!step_outcome_fits(stage, outcome, &too_large)) {
        step_fail_planning(step, message->stage_id, too_large);
        return;
    }
    step_merge_outcome(step, message->stage_id, outcome);
    stage = execution_stage(step->execution, message->stage_id);
    const StageType *type = stage_type_of(step->settings, stage);
    if (step_is_ending(step)) {
        step_finish_stage(step, message->stage_id, STATUS_CANCELED);
    } else if (stage_is_skipped_by_hand(step->execution, stage)) {
        step_push_stage(step, MESSAGE_SKIP_STAGE, stage_top_level(step->execution, stage));
    } else if (outcome->error) {
        if (error_outward(error_code(outcome->error))->should_retry || error_code(outcome->error) == ERR_CANCELLED)
            prepare_again(step, stage, outcome, step->now_ms + PREPARE_RETRY_MS);
        else
            step_fail_planning(step, message->stage_id, outcome->error);
    } else if (outcome->result.status == STATUS_RUNNING) {
        prepare_again(step, stage, outcome, outcome->result.wake == WAKE_AT ? outcome->result.wake_ms : step->now_ms + PREPARE_RETRY_MS);
    } else {
        Stage *mine = step_edit(step, message->stage_id);
        mine->preparing = FALSE;
        plan_and_start(step, message->stage_id, type);
    }
}

/* ---- a stage and its children ---- */
typedef struct {
    StageOwner side;
    gboolean active;  /* some child is in progress */
    gboolean open;    /* some child is not complete */
    gboolean decided; /* some child completes its parent by itself */
} SideState;

static gboolean look_at_child(const Stage *child, gpointer data) {
    SideState *state = data;
    if (child->owner != state->side)
        return FALSE;
    const StatusInfo *info = status_info(child->status);
    state->active = state->active || in_progress(child);
    state->open = state->open || !info->complete;
    state->decided = state->decided || info->halt || (child->status == STATUS_FAILED_CONTINUE && !siblings_go_on(child));
    return FALSE;
}

static SideState look_at_side(Step *step, const Stage *stage, StageOwner side) {
    SideState state = {.side = side};
    stage_walk_children(step->execution, stage, look_at_child, &state);
    return state;
}

/* ---- complete ---- */
void step_start_next(Step *step, const Stage *stage) {
    StagePlaces down = stage_downstream(step->execution, stage);
    for (guint i = 0; i < down.n; i++)
        step_push_stage(step, MESSAGE_START_STAGE, execution_stage_at(step->execution, down.at[i]));
    if (down.n > 0)
        return;
    if (!stage->parent_id) {
        step_push(step, message_new(MESSAGE_COMPLETE_EXECUTION));
        return;
    }
    Message *message = message_new_stage(MESSAGE_CONTINUE_PARENT_STAGE, stage->parent_id);
    message->side = stage->owner;
    step_push(step, message);
}

static void complete_above(Step *step, const Stage *stage) {
    if (stage->parent_id)
        step_push_stage_id(step, MESSAGE_COMPLETE_STAGE, stage->parent_id);
    else
        step_push(step, message_new(MESSAGE_COMPLETE_EXECUTION));
}

void step_finish_stage(Step *step, const char *stage_id, Status status) {
    Stage *stage = step_edit(step, stage_id);
    stage->status = status;
    stage->end_ms = step->now_ms;
    stage->preparing = FALSE;
    step->effects->stages_completed++;
    Json *context = context_with_final_errors(stage, status);
    if (context)
        stage_set_context(stage, context);
    const StatusInfo *info = status_info(status);
    if (status == STATUS_FAILED_CONTINUE && stage->parent_id && !siblings_go_on(stage)) {
        complete_above(step, stage); /* the siblings behind it are not run */
    } else if (!info->halt) {
        step_start_next(step, stage);
    } else {
        step_push_stage(step, MESSAGE_CANCEL_STAGE, stage);
        complete_above(step, stage);
    }
}

/* Puts what is planned behind the tasks to work. TRUE: the stage goes on; FALSE with *error: planning failed. */
static gboolean go_on_behind(Step *step, const char *stage_id, Status status, GError **error) {
    const StatusInfo *info = status_info(status);
    const Stage *stage = execution_stage(step->execution, stage_id);
    if (info->halt) {
        PlanOutcome outcome = info->failure ? step_plan_on_failure(step, stage_id, error) : PLAN_NOTHING;
        if (outcome != PLAN_ADDED)
            return outcome == PLAN_UNDER_WAY;
    } else {
        /* A second failing before-stage comes while the after-stages run already. */
        SideState after = look_at_side(step, stage, OWNER_AFTER);
        if (after.active && !after.decided)
            return TRUE;
        g_autoptr(GPtrArray) planned = stage_synthetics(step->execution, stage, OWNER_AFTER);
        if (planned->len == 0 && !step_plan_after(step, stage_id, error))
            return FALSE;
    }
    return start_initial_children(step, execution_stage(step->execution, stage_id), OWNER_AFTER);
}

void handle_complete_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || (stage->status != STATUS_NOT_STARTED && !in_progress(stage)))
        return;
    g_autoptr(GError) error = NULL;
    Status status = stage_aggregate(step->execution, stage);
    if (stage_must_fail_for_expressions(stage))
        status = STATUS_TERMINAL;
    if (go_on_behind(step, message->stage_id, status, &error))
        return;
    if (error) {
        Stage *mine = step_edit(step, message->stage_id);
        g_autofree char *operation = g_strconcat(mine->name, ":ConstructAfterStages", NULL);
        g_autoptr(Json) exception = json_get(json_root(mine->context), "beforeStagePlanningFailed")
                                        ? json_copy(json_get(json_root(mine->context), "exception"))
                                        : exception_from_error(error, operation, step->now_ms);
        stage_set_context(mine, json_with(json_root(mine->context), "exception", json_root(exception)));
        status = STATUS_TERMINAL;
    }
    if (status == STATUS_RUNNING)
        return; /* an after-stage is under way and ends with a message of its own */
    step_finish_stage(step, message->stage_id, status == STATUS_NOT_STARTED ? STATUS_SKIPPED : status);
}

/* Sent by each child behind which nothing comes; the last one finds nothing open. */
void handle_continue_parent_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || !in_progress(stage))
        return;
    SideState state = look_at_side(step, stage, message->side);
    if (message->side == OWNER_AFTER) {
        /* Behind a child that failed others may never start. */
        if (!state.active && (state.decided || !state.open))
            step_push_stage(step, MESSAGE_COMPLETE_STAGE, stage);
        return;
    }
    if (state.open || state.decided)
        return;
    if (stage->tasks->len == 0) {
        step_push_stage(step, MESSAGE_COMPLETE_STAGE, stage);
        return;
    }
    const TaskState *first = g_ptr_array_index(stage->tasks, 0);
    if (first->status == STATUS_NOT_STARTED)
        step_push_task(step, MESSAGE_START_TASK, stage, first);
}

/* ---- skip ---- */
static gboolean collect_id(const Stage *stage, gpointer data) {
    g_ptr_array_add(data, text_ref(stage->id));
    return FALSE;
}

static void skip_family(Step *step, const Stage *stage) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func((GDestroyNotify)text_unref);
    stage_walk_family(step->execution, stage, collect_id, ids);
    for (guint i = 0; i < ids->len; i++) {
        const Stage *each = execution_stage(step->execution, g_ptr_array_index(ids, i));
        if (each == stage || each->status == STATUS_SUCCEEDED || each->status == STATUS_TERMINAL || each->status == STATUS_FAILED_CONTINUE)
            continue;
        Stage *mine = execution_edit_stage(step->execution, each);
        mine->status = STATUS_SKIPPED;
        mine->end_ms = step->now_ms;
        mine->preparing = FALSE;
        for (guint k = 0; k < mine->tasks->len; k++) {
            TaskState *task = g_ptr_array_index(mine->tasks, k);
            if (task->status == STATUS_RUNNING || task->status == STATUS_PAUSED) {
                task->status = STATUS_SKIPPED;
                task->end_ms = step->now_ms;
            }
        }
    }
    step_wake(step, stage, TRUE);
}

void handle_skip_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || status_info(stage->status)->complete)
        return;
    if (in_progress(stage))
        skip_family(step, stage); /* by hand, on it or on a stage below it */
    Stage *mine = step_edit(step, message->stage_id);
    mine->status = STATUS_SKIPPED;
    mine->end_ms = step->now_ms;
    mine->preparing = FALSE;
    step->effects->stages_completed++;
    step_start_next(step, mine);
}

/* ---- abort, cancel routine ---- */
void handle_abort_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || (stage->status != STATUS_NOT_STARTED && !in_progress(stage)))
        return;
    Stage *mine = step_edit(step, message->stage_id);
    mine->status = STATUS_TERMINAL;
    mine->end_ms = step->now_ms;
    mine->preparing = FALSE;
    step->effects->stages_completed++;
    step_push_stage(step, MESSAGE_CANCEL_STAGE, mine);
    complete_above(step, mine);
}

void handle_cancel_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage)
        return;
    const StageType *type = stage_type_of(step->settings, stage);
    if (!status_info(stage->status)->halt || stage->canceling || !type || !type->on_cancel || dry_run_was(stage))
        return;
    Stage *mine = execution_edit_stage(step->execution, stage);
    mine->canceling = TRUE;
    step_run(step, RUN_STAGE_CANCEL, mine, NULL);
}

/* The cancel routine ended, well or not: what it could not undo is in the stage's context. */
void handle_stage_canceled(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    if (!stage || stage->attempt != message->attempt || !stage->canceling) {
        step_note(step, "stage %s: a late result of its cancel routine is dropped", message->stage_id);
        return;
    }
    if (step_outcome_fits(stage, message->outcome, NULL))
        step_merge_outcome(step, message->stage_id, message->outcome);
    Stage *mine = step_edit(step, message->stage_id);
    mine->canceling = FALSE;
    if (!message->outcome->error)
        return;
    g_autoptr(Json) text = json_from_string(message->outcome->error->message);
    stage_set_context(mine, json_with(json_root(mine->context), "cancelError", json_root(text)));
}
