/* Messages about the whole execution: start, complete, cancel, pause, resume, recover. Part of the pure core. */
#include "engine/step.h"

#define ENGINE_USER "spinnaker" /* as whom Orca acts on its own */

void step_set_execution_status(Step *step, Status status) {
    Execution *execution = step->execution;
    execution_touch(execution);
    execution->status = status;
    if (status == STATUS_RUNNING) {
        execution->canceled = FALSE;
        execution->start_ms = step->now_ms;
        execution->end_ms = 0;
    } else if (status_info(status)->complete && execution->start_ms) {
        execution->end_ms = step->now_ms;
    }
}

gboolean step_is_ending(const Step *step) {
    return step->execution->canceled || status_info(step->execution->status)->complete;
}

/* ---- start ---- */
static void start_initial_stages(Step *step) {
    const Execution *execution = step->execution;
    gboolean any = FALSE;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->parent_id || *stage->requisites)
            continue;
        if (!any)
            step_set_execution_status(step, STATUS_RUNNING);
        any = TRUE;
        step_push_stage(step, MESSAGE_START_STAGE, stage);
    }
    if (!any)
        step_set_execution_status(step, STATUS_TERMINAL);
}

static void push_own_cancel(Step *step, const char *reason) {
    Message *cancel = message_new(MESSAGE_CANCEL_EXECUTION);
    cancel->user = text_new(ENGINE_USER);
    cancel->reason = text_new(reason);
    step_push(step, cancel);
}

void handle_start_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    if (execution->status != STATUS_NOT_STARTED || execution->canceled || message->park)
        return;
    if (execution->parked_restart) {
        g_autoptr(Json) parked = g_steal_pointer(&execution->parked_restart);
        const JsonValue *restart = json_root(parked);
        execution_touch(execution);
        step_restart(step, json_get_string(restart, "stageId"), json_get_string(restart, "user"), json_get(restart, "body"));
    } else if (execution->start_expiry_ms && step->now_ms > execution->start_expiry_ms) {
        push_own_cancel(step, "Could not begin execution before start time expiry");
    } else {
        start_initial_stages(step);
    }
}

/* It need not wait for QoS any more; its own limits come next. */
void handle_promote_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    if (execution->status != STATUS_BUFFERED)
        return;
    execution->status = STATUS_NOT_STARTED;
    execution_touch(execution);
    Message *start = message_new(MESSAGE_START_EXECUTION);
    start->park = message->park;
    step_push(step, start);
}

/* ---- complete ---- */
static gboolean every_stage_rests(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->status != STATUS_NOT_STARTED && !status_info(stage->status)->complete)
            return FALSE;
    }
    return TRUE;
}

void handle_complete_execution(Step *step, const Message *message) {
    (void)message;
    const Execution *execution = step->execution;
    Status status;
    if (status_info(execution->status)->complete || !execution_aggregate(execution, &status))
        return; /* the next branch that ends asks again */
    step_set_execution_status(step, status);
    /* What still runs in other branches, or beside a halted child, learns that it is over. */
    step_resume_stages(step);
    if (!every_stage_rests(execution))
        step_wake(step, NULL, TRUE);
}

/* ---- cancel ---- */
static void mark_canceled(Step *step, const Message *message) {
    Execution *execution = step->execution;
    execution_touch(execution);
    execution->canceled = TRUE;
    text_set(&execution->canceled_by, message->user ? message->user : "anonymous");
    if (message->reason && *message->reason)
        text_set(&execution->cancellation_reason, message->reason);
}

void handle_cancel_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    if (status_info(execution->status)->complete)
        return; /* it stays what it was */
    mark_canceled(step, message);
    if (execution->parked_restart)
        json_set(&execution->parked_restart, NULL);
    if (execution->status == STATUS_NOT_STARTED || execution->status == STATUS_BUFFERED) {
        execution->status = STATUS_CANCELED;
        return;
    }
    if (every_stage_rests(execution)) {
        step_set_execution_status(step, STATUS_CANCELED);
        return;
    }
    step_resume_stages(step);
    step_wake(step, NULL, TRUE);
}

/* An administrator's last resort: everything active is CANCELED here and now, whatever its tasks do. */
void handle_force_cancel_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    mark_canceled(step, message);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->status != STATUS_RUNNING && stage->status != STATUS_PAUSED)
            continue;
        Stage *mine = execution_edit_stage(execution, stage);
        for (guint k = 0; k < mine->tasks->len; k++) {
            TaskState *task = g_ptr_array_index(mine->tasks, k);
            if (task->status == STATUS_RUNNING || task->status == STATUS_PAUSED) {
                task->status = STATUS_CANCELED;
                task->end_ms = step->now_ms;
            }
        }
        mine->status = STATUS_CANCELED;
        mine->end_ms = step->now_ms;
        mine->preparing = FALSE;
    }
    if (!status_info(execution->status)->complete)
        step_set_execution_status(step, STATUS_CANCELED);
    step_wake(step, NULL, TRUE);
}

/* ---- pause, resume ---- */
void handle_pause_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    if (execution->status != STATUS_RUNNING) {
        step_refuse(step, ERR_CONFLICT, "Unable to pause pipeline that is not RUNNING (executionId: %s, currentStatus: %s)", execution->id,
                    status_info(execution->status)->name);
        return;
    }
    execution->status = STATUS_PAUSED;
    json_set(&execution->paused,
             json_pack("{s:s, s:i}", "pausedBy", message->user ? message->user : "anonymous", "pauseTime", step->now_ms));
    execution_touch(execution);
    step_wake(step, NULL, FALSE);
}

void step_resume_stages(Step *step) {
    Execution *execution = step->execution;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->status != STATUS_PAUSED)
            continue;
        Stage *mine = execution_edit_stage(execution, stage);
        mine->status = STATUS_RUNNING;
        for (guint k = 0; k < mine->tasks->len; k++) {
            TaskState *task = g_ptr_array_index(mine->tasks, k);
            if (task->status != STATUS_PAUSED)
                continue;
            task->status = STATUS_RUNNING;
            step_push_task(step, MESSAGE_RUN_TASK, mine, task);
        }
    }
}

void handle_resume_execution(Step *step, const Message *message) {
    Execution *execution = step->execution;
    if (execution->status != STATUS_PAUSED) {
        step_refuse(step, ERR_CONFLICT, "Unable to resume pipeline that is not PAUSED (executionId: %s, currentStatus: %s)", execution->id,
                    status_info(execution->status)->name);
        return;
    }
    g_autoptr(Json) resumed = json_pack("{s:s, s:i}", "resumedBy", message->user ? message->user : "anonymous", "resumeTime", step->now_ms);
    execution->status = STATUS_RUNNING;
    json_set(&execution->paused, json_merge(json_root(execution->paused), json_root(resumed)));
    execution_touch(execution);
    step_resume_stages(step);
}

/* ---- after a restart of the program ----
 * What was in a worker is run again; what slept is due within a while. A different spread per stage keeps ten thousand waiting
 * stages from waking up together. */
static gint64 spread(const Stage *stage, gint64 within_ms) {
    return within_ms > 0 ? (gint64)(g_str_hash(stage->id) % (guint64)within_ms) : 0;
}

static void recover_tasks(Step *step, const Stage *stage) {
    const StageType *type = stage_type_of(step->settings, stage);
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (task->status != STATUS_RUNNING)
            continue;
        const TaskDefinition *definition = type ? task_definition_of(type, step->execution, stage, task) : NULL;
        gint64 backoff = 0;
        if (definition && !step_is_ending(step))
            backoff = task_backoff_ms(step->settings, step->execution, stage, task, definition, step->now_ms);
        step_sleep(step, RUN_TASK, stage, task, step->now_ms + spread(stage, MIN(backoff, RECOVERY_SPREAD_MS)));
    }
}

void handle_recover_execution(Step *step, const Message *message) {
    (void)message;
    const Execution *execution = step->execution;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->canceling)
            step_run(step, RUN_STAGE_CANCEL, stage, NULL);
        if (stage->preparing)
            step_run(step, RUN_PREPARE, stage, NULL);
        else if (stage->status == STATUS_RUNNING)
            recover_tasks(step, stage);
    }
}

/* What an earlier step left is handled by the loop. */
void handle_continue_execution(Step *step, const Message *message) {
    (void)step;
    (void)message;
}
