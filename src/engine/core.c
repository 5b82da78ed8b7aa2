/* The core's loop: handles a message and those the execution sends itself, until nothing is left to do in this step. Pure. */
#include "engine/step.h"

/* ---- effects ---- */
static void effect_clear(gpointer data) {
    Effect *effect = data;
    text_unref(effect->stage_id);
    text_unref(effect->task_id);
    text_unref(effect->recipient);
    message_unref(effect->message);
}

void effects_init(Effects *effects) {
    *effects = (Effects){.list = g_array_new(FALSE, FALSE, sizeof(Effect)), .notes = g_ptr_array_new_with_free_func(g_free)};
    g_array_set_clear_func(effects->list, effect_clear);
}

void effects_clear(Effects *effects) {
    g_clear_pointer(&effects->list, g_array_unref);
    g_clear_pointer(&effects->notes, g_ptr_array_unref);
    g_clear_error(&effects->error);
}

static void add_effect(Step *step, EffectKind kind, RunKind run, const Stage *stage, const TaskState *task, gint64 at_ms, gboolean cancel) {
    Effect effect = {
        .kind = kind,
        .run = run,
        .stage_id = stage ? text_ref(stage->id) : NULL,
        .task_id = task ? text_ref(task->id) : NULL,
        .attempt = stage ? stage->attempt : 0,
        .at_ms = at_ms,
        .cancel = cancel,
    };
    g_array_append_val(step->effects->list, effect);
}

void step_run(Step *step, RunKind run, const Stage *stage, const TaskState *task) {
    add_effect(step, EFFECT_RUN, run, stage, task, step->now_ms, FALSE);
}

void step_sleep(Step *step, RunKind run, const Stage *stage, const TaskState *task, gint64 at_ms) {
    add_effect(step, EFFECT_SLEEP, run, stage, task, at_ms, FALSE);
}

void step_wake(Step *step, const Stage *stage, gboolean cancel) {
    add_effect(step, EFFECT_WAKE, RUN_TASK, stage, NULL, step->now_ms, cancel);
}

void step_refuse(Step *step, ErrorCode code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_clear_error(&step->effects->error);
    error_set(&step->effects->error, code, "%s", text);
}

void step_note(Step *step, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(step->effects->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* ---- messages to itself ---- */
static gboolean asks_for_run(const Message *message) {
    return message->kind == MESSAGE_RUN_TASK || message->kind == MESSAGE_PREPARE_STAGE;
}

void step_push(Step *step, Message *message) {
    g_queue_push_tail(asks_for_run(message) ? &step->runs : &step->queue, message);
}

void step_push_stage_id(Step *step, MessageKind kind, const char *shared_stage_id) {
    step_push(step, message_new_stage(kind, shared_stage_id));
}

void step_push_stage(Step *step, MessageKind kind, const Stage *stage) {
    step_push_stage_id(step, kind, stage->id);
}

void step_push_task(Step *step, MessageKind kind, const Stage *stage, const TaskState *task) {
    Message *message = message_new_stage(kind, stage->id);
    message->task_id = text_ref(task->id);
    step_push(step, message);
}

void step_complete_task(Step *step, const Stage *stage, const TaskState *task, Status status) {
    Message *message = message_new_stage(MESSAGE_COMPLETE_TASK, stage->id);
    message->task_id = text_ref(task->id);
    message->status = status;
    step_push(step, message);
}

Stage *step_edit(Step *step, const char *stage_id) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    g_assert(stage);
    return execution_edit_stage(step->execution, stage);
}

/* ---- the loop ---- */
#define HANDLER_ENTRY(kind, handler) [MESSAGE_##kind] = handle_##handler,
static const MessageHandler handlers[MESSAGE_KIND_COUNT] = {MESSAGE_KINDS(HANDLER_ENTRY)};
#undef HANDLER_ENTRY

/* Takes what an earlier step left; it is handled first, in its order. */
static void take_pending(Step *step) {
    GPtrArray *pending = step->execution->pending;
    if (!pending)
        return;
    for (guint i = 0; i < pending->len; i++)
        step_push(step, message_ref(g_ptr_array_index(pending, i)));
    g_clear_pointer(&step->execution->pending, g_ptr_array_unref);
    execution_touch(step->execution);
}

static Message *next_message(Step *step) {
    return g_queue_pop_head(step->queue.length > 0 ? &step->queue : &step->runs);
}

static void leave_pending(Step *step) {
    GPtrArray *pending = g_ptr_array_new_with_free_func((GDestroyNotify)message_unref);
    Message *message;
    while ((message = next_message(step)))
        g_ptr_array_add(pending, message);
    step->execution->pending = pending;
    execution_touch(step->execution);
    step->effects->more = TRUE;
}

/* After a crash what was to be run follows from the state alone (recover_execution); the messages that asked for it would ask
 * twice. The others go on in a step of their own. */
static void forget_pending_runs(Step *step) {
    GPtrArray *pending = step->execution->pending, *kept;
    if (!pending)
        return;
    kept = g_ptr_array_new_with_free_func((GDestroyNotify)message_unref);
    for (guint i = 0; i < pending->len; i++)
        if (!asks_for_run(g_ptr_array_index(pending, i)))
            g_ptr_array_add(kept, message_ref(g_ptr_array_index(pending, i)));
    g_ptr_array_unref(pending);
    step->execution->pending = kept;
    step->effects->more = TRUE;
    execution_touch(step->execution);
}

static gboolean may_still_run(const Step *step, const Effect *effect) {
    const Stage *stage = execution_stage(step->execution, effect->stage_id);
    const TaskState *task = stage ? stage_task(stage, effect->task_id) : NULL;
    return task && task->status == STATUS_RUNNING && stage->status == STATUS_RUNNING && stage->attempt == effect->attempt &&
           !step_is_ending(step) && step->execution->status != STATUS_PAUSED;
}

/* What a later message of the same step, or of the same commit, ended, skipped or paused does not begin: it is looked at again at once
 * instead. */
static void hold_back_runs(Step *step) {
    for (guint i = 0; i < step->effects->list->len; i++) {
        Effect *effect = &g_array_index(step->effects->list, Effect, i);
        if (effect->kind == EFFECT_RUN && effect->run == RUN_TASK && !may_still_run(step, effect))
            effect->kind = EFFECT_SLEEP;
    }
}

void engine_apply(Execution *draft, const Message *message, gint64 now_ms, const EngineSettings *settings, Effects *effects) {
    Step step = {
        .execution = draft, .settings = settings, .now_ms = now_ms, .effects = effects, .queue = G_QUEUE_INIT, .runs = G_QUEUE_INIT};
    effects->more = FALSE;
    if (message->kind == MESSAGE_RECOVER_EXECUTION) {
        forget_pending_runs(&step);
        handle_recover_execution(&step, message);
        return;
    }
    take_pending(&step);
    /* A message from outside is not stored: it is handled in this step, whatever is left of earlier ones. */
    g_queue_push_head(&step.queue, message_ref((Message *)message));
    for (guint handled = 0; handled < STEP_MESSAGES_MAX && step.queue.length + step.runs.length > 0; handled++) {
        g_autoptr(Message) each = next_message(&step);
        handlers[each->kind](&step, each);
    }
    if (step.queue.length + step.runs.length > 0)
        leave_pending(&step);
    hold_back_runs(&step);
}
