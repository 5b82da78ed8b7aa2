/* Messages about tasks: start, run, result, complete. Part of the pure core.
 *
 * RUN_TASK looks whether the task may run at all (cancelled, paused, skipped, out of time) and then asks for a worker; the
 * worker's answer is TASK_RAN. Between the two nothing is stored: after a crash the task is run again. */
#include "engine/step.h"
#include <string.h>

/* FALSE: the message is about something that is gone, or over. */
static gboolean find_task(Step *step, const Message *message, const Stage **stage, const TaskState **task) {
    *stage = execution_stage(step->execution, message->stage_id);
    *task = *stage ? stage_task(*stage, message->task_id) : NULL;
    return *task != NULL;
}

/* ---- start ---- */
void handle_start_task(Step *step, const Message *message) {
    const Stage *stage;
    const TaskState *task;
    if (!find_task(step, message, &stage, &task) || task->status != STATUS_NOT_STARTED || status_info(stage->status)->complete)
        return;
    Stage *mine = step_edit(step, message->stage_id);
    TaskState *started = stage_edit_task(mine, message->task_id);
    started->status = STATUS_RUNNING;
    started->start_ms = step->now_ms;
    started->end_ms = 0;
    step_push_task(step, MESSAGE_RUN_TASK, mine, started);
}

/* ---- run ---- */
gboolean stage_is_skipped_by_hand(const Execution *execution, const Stage *stage) {
    if (status_info(stage_top_level(execution, stage)->status)->complete)
        return FALSE; /* a late child of a stage that has ended */
    for (; stage; stage = stage_parent(execution, stage))
        if (json_is_true(json_get(json_root(stage->context), "manualSkip")))
            return TRUE;
    return FALSE;
}

/* The stages around it are paused with it, as far as it still is a part of them. */
static void pause_task(Step *step, const char *stage_id, const char *task_id) {
    stage_edit_task(step_edit(step, stage_id), task_id)->status = STATUS_PAUSED;
    const Stage *stage = execution_stage(step->execution, stage_id);
    for (; stage && !status_info(stage->status)->complete; stage = stage_parent(step->execution, stage))
        if (stage->status == STATUS_RUNNING) {
            Stage *mine = execution_edit_stage(step->execution, stage);
            mine->status = STATUS_PAUSED;
            stage = mine;
        }
}

static void set_exception(Step *step, const char *stage_id, const char *task_id, Json *exception) {
    Stage *stage = step_edit(step, stage_id);
    TaskState *task = stage_edit_task(stage, task_id);
    stage_set_context(stage, json_with(json_root(stage->context), "exception", json_root(exception)));
    json_set(&task->exception_details, json_pack("{s:j}", "exception", exception));
    json_unref(exception);
}

/* Time is up and the task has no answer of its own to that. */
static void time_out(Step *step, const char *stage_id, const char *task_id, const char *text) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    const TaskState *task = stage_task(stage, task_id);
    if (json_is_true(stage_get(step->execution, stage, "markSuccessfulOnTimeout"))) {
        step_complete_task(step, stage, task, STATUS_SUCCEEDED);
        return;
    }
    Status status = stage_failure_status(step->execution, stage, STATUS_TERMINAL);
    step_complete_task(step, stage, task, status);
    set_exception(step, stage_id, task_id, exception_timeout(text, task->name, step->now_ms));
}

/* Timeouts do not stop a task that may not run anyway. TRUE: the time is up and that is being dealt with. */
static gboolean check_time(Step *step, const Stage *stage, const TaskState *task, const StageType *type, const TaskDefinition *definition) {
    g_autofree char *text = task_timed_out(step->settings, step->execution, stage, task, type, definition, step->now_ms);
    if (!text)
        return FALSE;
    if (definition->on_timeout)
        step_run(step, RUN_TASK_TIMEOUT, stage, task);
    else
        time_out(step, stage->id, task->id, text);
    return TRUE;
}

void handle_run_task(Step *step, const Message *message) {
    const Stage *stage;
    const TaskState *task;
    if (!find_task(step, message, &stage, &task) || task->status != STATUS_RUNNING)
        return;
    if (message->attempt && message->attempt != stage->attempt)
        return; /* it was due before a restart */
    if (stage->status == STATUS_PAUSED)
        pause_task(step, stage->id, task->id); /* begun behind the last of its before-stages, which was not paused in time */
    if (stage->status != STATUS_RUNNING)
        return;
    const StageType *type = stage_type_of(step->settings, stage);
    const TaskDefinition *definition = type ? task_definition_of(type, step->execution, stage, task) : NULL;
    if (!definition) {
        step_note(step, "stage %s (%s): this version has no task \"%s\" of it; the stage is given up", stage->id, stage->type, task->name);
        step_push_stage(step, MESSAGE_ABORT_STAGE, stage);
    } else if (step_is_ending(step)) {
        if (definition->on_cancel)
            step_run(step, RUN_TASK_CANCEL, stage, task);
        else
            step_complete_task(step, stage, task, STATUS_CANCELED);
    } else if (step->execution->status == STATUS_PAUSED) {
        pause_task(step, stage->id, task->id);
    } else if (stage_is_skipped_by_hand(step->execution, stage)) {
        step_complete_task(step, stage, task, STATUS_SKIPPED);
    } else if (!check_time(step, stage, task, type, definition)) {
        step_process_context(step, stage->id);
        stage = execution_stage(step->execution, message->stage_id);
        step_run(step, RUN_TASK, stage, stage_task(stage, message->task_id));
    }
}

/* ---- ran ---- */
static const char *const PROGRESS[] = {"_progress", NULL};

static void sleep_task(Step *step, const Stage *stage, const TaskState *task, const RunOutcome *outcome) {
    gint64 at = outcome->result.wake_ms;
    if (outcome->error || outcome->result.wake == WAKE_BACKOFF) {
        const StageType *type = stage_type_of(step->settings, stage);
        const TaskDefinition *definition = task_definition_of(type, step->execution, stage, task);
        at = step->now_ms + task_backoff_ms(step->settings, step->execution, stage, task, definition, step->now_ms);
    }
    step_sleep(step, RUN_TASK, stage, task, at);
}

/* Why it is run again, for people, until it answers. */
static void show_retry(Step *step, const char *stage_id, const GError *error) {
    g_autofree char *text = error ? g_strconcat(RETRY_WORDS, error->message, NULL) : NULL;
    const JsonValue *context = json_root(execution_stage(step->execution, stage_id)->context);
    const char *shown = json_get_string(context, PROGRESS[0]);
    if (text && g_strcmp0(shown, text) != 0)
        stage_set_context(step_edit(step, stage_id), json_with_string(context, PROGRESS[0], text));
    else if (!text && shown && g_str_has_prefix(shown, RETRY_WORDS))
        stage_set_context(step_edit(step, stage_id), json_without(context, PROGRESS));
}

static void task_failed(Step *step, const Stage *stage, const TaskState *task, const RunOutcome *outcome) {
    ErrorCode code = error_code(outcome->error);
    /* Nobody cancelled it, so it was this program that gave up: again. */
    if (error_outward(code)->should_retry || code == ERR_CANCELLED) {
        step_note(step, "stage %s task %s will be run again: %s", stage->id, task->name, outcome->error->message);
        show_retry(step, stage->id, outcome->error);
        sleep_task(step, execution_stage(step->execution, stage->id), task, outcome);
        return;
    }
    step_complete_task(step, stage, task, stage_failure_status(step->execution, stage, STATUS_TERMINAL));
    set_exception(step, stage->id, task->id, exception_from_error(outcome->error, task->name, step->now_ms));
}

static void task_goes_on(Step *step, const Stage *stage, const TaskState *task, const RunOutcome *outcome) {
    show_retry(step, stage->id, NULL);
    sleep_task(step, execution_stage(step->execution, stage->id), task, outcome);
}

/* Whether the task has to be looked at again before anything else: it waits, or was told to give up. */
static gboolean must_look_again(const Step *step, const Stage *stage) {
    return step_is_ending(step) || step->execution->status == STATUS_PAUSED || stage_is_skipped_by_hand(step->execution, stage);
}

static void task_answered(Step *step, const Stage *stage, const TaskState *task, const RunOutcome *outcome) {
    const Execution *execution = step->execution;
    const TaskDefinition *definition = task_definition_of(stage_type_of(step->settings, stage), execution, stage, task);
    Status status = outcome->result.status;
    gboolean open = outcome->error || status == STATUS_RUNNING;
    if (open && must_look_again(step, stage))
        step_push_task(step, MESSAGE_RUN_TASK, stage, task);
    else if (outcome->error)
        task_failed(step, stage, task, outcome);
    else if (status == STATUS_RUNNING)
        task_goes_on(step, stage, task, outcome);
    else if (status == STATUS_TERMINAL)
        step_complete_task(step, stage, task, stage_failure_status(execution, stage, STATUS_TERMINAL));
    else if (status == STATUS_CANCELED && definition && definition->on_cancel)
        step_run(step, RUN_TASK_CANCEL, stage, task);
    else if (status == STATUS_CANCELED)
        step_complete_task(step, stage, task, stage_failure_status(execution, stage, STATUS_CANCELED));
    else
        step_complete_task(step, stage, task, status);
}

static void timeout_answered(Step *step, const Stage *stage, const TaskState *task, const RunOutcome *outcome) {
    Status status = outcome->result.status;
    if (!outcome->error && (status == STATUS_TERMINAL || status == STATUS_FAILED_CONTINUE)) {
        step_complete_task(step, stage, task, status);
        return;
    }
    const StageType *type = stage_type_of(step->settings, stage);
    const TaskDefinition *definition = task_definition_of(type, step->execution, stage, task);
    g_autofree char *text = task_timed_out(step->settings, step->execution, stage, task, type, definition, step->now_ms);
    time_out(step, stage->id, task->id, text ? text : "The task ran out of time");
}

void handle_task_ran(Step *step, const Message *message) {
    const Stage *stage;
    const TaskState *task;
    if (!find_task(step, message, &stage, &task) || stage->attempt != message->attempt || task->status != STATUS_RUNNING ||
        stage->status != STATUS_RUNNING) {
        step_note(step, "stage %s task %s: a late result is dropped", message->stage_id, message->task_id);
        return;
    }
    const RunOutcome *outcome = message->outcome;
    g_autoptr(GError) too_large = NULL;
    if (!step_outcome_fits(stage, outcome, &too_large)) {
        step_complete_task(step, stage, task, stage_failure_status(step->execution, stage, STATUS_TERMINAL));
        set_exception(step, message->stage_id, message->task_id, exception_from_error(too_large, task->name, step->now_ms));
        return;
    }
    step_merge_outcome(step, message->stage_id, outcome);
    stage = execution_stage(step->execution, message->stage_id);
    task = stage_task(stage, message->task_id);
    if (outcome->kind == RUN_TASK_CANCEL)
        step_complete_task(step, stage, task,
                           step_is_ending(step) ? STATUS_CANCELED : stage_failure_status(step->execution, stage, STATUS_CANCELED));
    else if (outcome->kind == RUN_TASK_TIMEOUT)
        timeout_answered(step, stage, task, outcome);
    else
        task_answered(step, stage, task, outcome);
}

/* ---- complete ---- */
static void redirect(Step *step, const char *stage_id, const char *task_id) {
    Stage *stage = step_edit(step, stage_id);
    guint first = G_MAXUINT, last = 0, asking = 0;
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (strcmp(task->id, task_id) == 0)
            asking = i;
        if (task->loop_start && first == G_MAXUINT)
            first = i;
        if (task->loop_end)
            last = i;
    }
    if (asking < first || asking > last) {
        step_note(step, "stage %s (%s): task %s asked to repeat its loop, but is in none; the stage is given up", stage->id, stage->type,
                  task_id);
        step_push_stage(step, MESSAGE_ABORT_STAGE, stage);
        return;
    }
    stage->attempt++;
    for (guint i = first; i <= last; i++) {
        TaskState *task = g_ptr_array_index(stage->tasks, i);
        task->status = STATUS_NOT_STARTED;
        task->end_ms = 0;
    }
    step_push_task(step, MESSAGE_START_TASK, stage, g_ptr_array_index(stage->tasks, first));
}

static const TaskState *task_behind(const Stage *stage, const TaskState *task) {
    guint at = 0;
    gboolean found = g_ptr_array_find(stage->tasks, task, &at);
    g_assert(found);
    return at + 1 < stage->tasks->len ? g_ptr_array_index(stage->tasks, at + 1) : NULL;
}

void handle_complete_task(Step *step, const Message *message) {
    const Stage *stage;
    const TaskState *task;
    if (!find_task(step, message, &stage, &task) || status_info(task->status)->complete || status_info(stage->status)->complete)
        return;
    step_process_context(step, message->stage_id);
    if (message->status == STATUS_REDIRECT) {
        redirect(step, message->stage_id, message->task_id);
        return;
    }
    Stage *mine = step_edit(step, message->stage_id);
    TaskState *done = stage_edit_task(mine, message->task_id);
    done->status = message->status;
    done->end_ms = step->now_ms;
    if (json_get(json_root(mine->context), PROGRESS[0]))
        stage_set_context(mine, json_without(json_root(mine->context), PROGRESS));
    const TaskState *next = task_behind(mine, done);
    if (stage_is_skipped_by_hand(step->execution, mine))
        step_push_stage(step, MESSAGE_SKIP_STAGE, stage_top_level(step->execution, mine));
    else if (!next || status_info(message->status)->halt)
        step_push_stage(step, MESSAGE_COMPLETE_STAGE, mine);
    else
        step_push_task(step, MESSAGE_START_TASK, mine, next);
}
