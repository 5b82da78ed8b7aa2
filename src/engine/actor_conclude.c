/* What follows the commit of a step, or a step without one: effects begin, others are told, callers are answered; or, when it failed, what
 * must not be lost is handled again. On a step worker.
 *
 * A commit whose outcome is not known, or that met something else than we knew, leaves the actor unsure: its snapshot is dropped, and the
 * next step loads what is stored, lets what runs and sleeps follow from it as after a start of the program, and tells everybody. */
#include "base/log.h"
#include "engine/runner.h"
#include "store/replicas.h"

void actor_answer_letters(Actor *actor, const GError *error) {
    for (guint i = 0; i < actor->letters->len; i++)
        letter_answer(g_ptr_array_index(actor->letters, i), error);
    g_ptr_array_set_size(actor->letters, 0);
}

/* ---- what failed ---- */
static void retry_due(gpointer data) {
    Actor *actor = data;
    actor->engine->runtime->run(actor->engine->runtime, LANE_STEP, NULL, actor_step, actor);
}

static gboolean is_in_doubt(const GError *error) {
    return error_code(error) == ERR_CONFLICT || error_code(error) == ERR_TIMEOUT;
}

/* actor->lock is held. */
static void doubt(Actor *actor) {
    g_clear_pointer(&actor->execution, execution_unref);
    actor->unsure = TRUE;
}

/* actor->lock is held. What must not be lost is put back in front. Whether there is any. */
static gboolean keep_internal_letters(Actor *actor) {
    gboolean kept = FALSE;
    for (guint i = actor->letters->len; i-- > 0;) {
        Letter *letter = g_ptr_array_index(actor->letters, i);
        if (!letter->internal)
            continue;
        g_clear_error(&letter->error);
        g_queue_push_head(&actor->mailbox, letter);
        g_ptr_array_remove_index(actor->letters, i);
        kept = TRUE;
    }
    return kept;
}

/* actor->lock is held. What goes on is asked of the state alone, before anything else. */
static void put_recovery(Actor *actor) {
    const Letter *first = g_queue_peek_head(&actor->mailbox);
    if (first && first->message && first->message->kind == MESSAGE_RECOVER_EXECUTION)
        return;
    Letter *letter = letter_new(message_new(MESSAGE_RECOVER_EXECUTION));
    letter->internal = TRUE;
    g_queue_push_head(&actor->mailbox, letter);
}

void actor_retry_later(Actor *actor, const GError *error) {
    Runtime *runtime = actor->engine->runtime;
    LOG_FIELD("execution", actor->id);
    log_warning("engine", "a step was not committed: %s", error->message);
    g_mutex_lock(&actor->lock);
    actor->committing = FALSE;
    if (is_in_doubt(error))
        doubt(actor);
    gboolean kept = keep_internal_letters(actor) || actor->unsure;
    if (actor->unsure)
        put_recovery(actor);
    const Execution *standing = actor->execution;
    g_mutex_unlock(&actor->lock);
    if (standing && status_info(standing->status)->complete)
        engine_leave_gate(actor->engine, standing); /* a restart may have taken its turn */
    actor_answer_letters(actor, error);
    if (kept)
        runtime->at(runtime, runtime->now_ms(runtime) + COMMIT_RETRY_MS, retry_due, actor);
    else
        actor_rest(actor, FALSE);
}

/* A new execution that could not be stored is as if it had never been. One of which nobody knows is looked for. */
static void conclude_not_inserted(Actor *actor, const GError *error) {
    g_autoptr(Execution) draft = g_steal_pointer(&actor->draft);
    effects_clear(&actor->effects);
    actor->insert = FALSE;
    if (error_code(error) == ERR_TIMEOUT) {
        actor->doubtful = g_steal_pointer(&draft);
        actor_retry_later(actor, error);
        return;
    }
    actor_forget_insert(actor, draft);
    actor_answer_letters(actor, error);
    actor_rest(actor, TRUE);
}

void actor_forget_insert(Actor *actor, const Execution *draft) {
    engine_leave_gate(actor->engine, draft);
    actor_count_family(actor, NULL);
}

/* ---- what holds ---- */
static void deliver(Actor *actor) {
    Engine *engine = actor->engine;
    for (guint i = 0; i < actor->effects.list->len; i++) {
        const Effect *effect = &g_array_index(actor->effects.list, Effect, i);
        if (effect->kind != EFFECT_SEND)
            continue;
        if (engine->shared && !engine_is_own(engine, effect->recipient))
            engine_tell_inbox(engine, effect->recipient);
        else
            engine_deliver_inbox(engine, effect->recipient);
    }
}

/* Before anybody can see the step: whoever waits for it reads the counts next. */
static void count_step(Actor *actor, const Execution *before, gboolean committed_step) {
    Engine *engine = actor->engine;
    const Execution *after = committed_step ? actor->draft : actor->execution;
    gboolean was_complete = before && status_info(before->status)->complete;
    g_mutex_lock(&engine->lock);
    engine->stages_completed += actor->effects.stages_completed;
    engine->commits += committed_step ? 1 : 0;
    if (!was_complete && status_info(after->status)->complete)
        engine->executions_completed++;
    actor_count_running(actor, after->status == STATUS_RUNNING);
    g_mutex_unlock(&engine->lock);
}

/* Effects of a step that holds: of one that was committed, or of one that changed nothing. */
static void begin_effects(Actor *actor) {
    g_autoptr(GPtrArray) cancels = g_ptr_array_new_with_free_func((GDestroyNotify)cancel_unref);
    g_autoptr(GPtrArray) letters = g_ptr_array_new();
    g_mutex_lock(&actor->lock);
    actor_begin_effects(actor, &actor->effects, cancels, letters);
    for (guint i = 0; i < letters->len; i++)
        actor_put_letter(actor, g_ptr_array_index(letters, i)); /* it is busy: no need to schedule */
    g_mutex_unlock(&actor->lock);
    for (guint i = 0; i < cancels->len; i++)
        cancel_set(g_ptr_array_index(cancels, i));
}

static void wake_others(const Actor *actor, const Execution *before) {
    const Execution *execution = actor->execution;
    if (execution->parent_id && execution->parent_stage_id && (!before || before->status != execution->status))
        engine_wake_stage(actor->engine, execution->parent_id, execution->parent_stage_id);
    if (status_info(execution->status)->complete && !(before && status_info(before->status)->complete)) {
        engine_tell_watchers(actor->engine, execution->id);
        engine_tell_ended(actor->engine, execution->id);
    }
}

/* before NULL: whatever is so now is news. */
static void tell_others(Actor *actor, const Execution *before) {
    engine_tell_gate(actor->engine, before, actor->execution);
    engine_tell_qos(actor->engine, actor->id, actor->execution->build_ms, actor->execution->status);
    wake_others(actor, before);
}

static void hold_commit(Actor *actor) {
    execution_seal(actor->draft);
    g_mutex_lock(&actor->lock);
    execution_unref(actor->execution);
    actor->execution = g_steal_pointer(&actor->draft);
    actor->insert = FALSE;
    actor->committing = FALSE;
    g_mutex_unlock(&actor->lock);
}

/* A new execution that another replica works on. */
static void conclude_given(Actor *actor) {
    actor_count_family(actor, NULL);
    g_clear_pointer(&actor->draft, execution_unref);
    effects_clear(&actor->effects);
    g_mutex_lock(&actor->lock);
    actor->insert = actor->committing = FALSE;
    g_mutex_unlock(&actor->lock);
    actor->handed_over = TRUE;
    engine_tell_adoption(actor->engine, actor->id, actor->owner);
    actor_answer_letters(actor, NULL);
    actor_rest(actor, FALSE);
}

static void set_known(Actor *actor) {
    g_mutex_lock(&actor->engine->lock);
    actor->known = TRUE;
    g_mutex_unlock(&actor->engine->lock);
}

void actor_conclude_good(Actor *actor, gboolean committed_step) {
    if (actor->engine->shared && actor->insert && actor->owner != store_replica(actor->engine->store)) {
        conclude_given(actor);
        return;
    }
    if (actor->engine->shared && committed_step && !actor->known)
        set_known(actor);
    g_autoptr(Execution) before = actor->execution ? execution_ref(actor->execution) : NULL;
    gboolean was_unsure = actor->unsure;
    count_step(actor, before, committed_step);
    if (committed_step)
        hold_commit(actor);
    actor_count_family(actor, actor->execution);
    begin_effects(actor);
    actor->unsure = FALSE;
    g_clear_pointer(&actor->doubtful, execution_unref);
    if (committed_step || was_unsure)
        tell_others(actor, was_unsure ? NULL : before);
    if (was_unsure)
        engine_deliver_inbox(actor->engine, NULL); /* what the step in doubt may have sent */
    else if (committed_step)
        deliver(actor);
    actor_answer_letters(actor, NULL);
    g_clear_pointer(&actor->draft, execution_unref);
    effects_clear(&actor->effects);
    actor_rest(actor, FALSE);
}

static void conclude_erased(Actor *actor) {
    actor_count_family(actor, NULL);
    g_mutex_lock(&actor->lock);
    actor->committing = FALSE;
    g_clear_pointer(&actor->execution, execution_unref);
    g_mutex_unlock(&actor->lock);
    actor_answer_letters(actor, NULL);
    effects_clear(&actor->effects);
    actor_rest(actor, TRUE);
}

gboolean actor_conclude(gpointer data) {
    Actor *actor = data;
    g_autoptr(GError) error = g_steal_pointer(&actor->commit_error);
    const Letter *first = actor->letters->len ? g_ptr_array_index(actor->letters, 0) : NULL;
    if (error && actor->insert) {
        conclude_not_inserted(actor, error);
    } else if (error) {
        g_clear_pointer(&actor->draft, execution_unref);
        effects_clear(&actor->effects);
        actor_retry_later(actor, error);
    } else if (first && first->erase) {
        conclude_erased(actor);
    } else {
        actor_conclude_good(actor, TRUE);
    }
    return TRUE;
}
