/* A step of an execution: letters from its mailbox are applied to a copy of what is stored. On a step worker, or on the thread of a caller
 * who starts an execution. */
#include "base/log.h"
#include "engine/runner.h"
#include "store/executions.h"
#include "store/replicas.h"

static Execution *load(Actor *actor, GError **error) {
    LoadedExecution loaded;
    if (!store_execution_load(actor->engine->store, actor->id, &loaded, error))
        return NULL;
    Execution *execution = execution_from_loaded(&loaded, error);
    loaded_execution_clear(&loaded);
    return execution;
}

/* What is erased has no other message beside it; and what goes on after a doubt is asked before any other message changes it. */
static gboolean is_alone(const Letter *letter) {
    return letter->erase || letter->message->kind == MESSAGE_RECOVER_EXECUTION;
}

static void take_letters(Actor *actor) {
    g_mutex_lock(&actor->lock);
    while (actor->letters->len < STEP_LETTERS_MAX && actor->mailbox.length > 0) {
        const Letter *next = g_queue_peek_head(&actor->mailbox);
        gboolean alone = is_alone(next);
        if (alone && actor->letters->len > 0)
            break;
        g_ptr_array_add(actor->letters, g_queue_pop_head(&actor->mailbox));
        if (alone)
            break;
    }
    g_mutex_unlock(&actor->lock);
}

static void log_notes(Actor *actor) {
    LOG_FIELD("execution", actor->id);
    for (guint i = 0; i < actor->effects.notes->len; i++)
        log_info("engine", "%s", (const char *)g_ptr_array_index(actor->effects.notes, i));
}

/* A restart of an execution that has ended and is limited waits for its turn like a new one, whoever asks for it. *took: it has a
 * place now that it had not before. FALSE: the letter is refused. */
static gboolean ask_turn(Actor *actor, Letter *letter, gboolean *took) {
    const Execution *draft = actor->draft;
    *took = FALSE;
    if (letter->message->kind != MESSAGE_RESTART_STAGE)
        return TRUE;
    letter->message->park = FALSE;
    if (!status_info(draft->status)->complete || !execution_has_limit(draft))
        return TRUE;
    GateAnswer answer = engine_ask_gate_again(actor->engine, draft, took);
    letter->message->park = answer == GATE_PARK;
    if (answer == GATE_REFUSE)
        error_set(&letter->error, ERR_LIMIT, "Too many executions of pipeline %s already waiting to start", draft->name);
    return answer != GATE_REFUSE;
}

static void apply_letters(Actor *actor) {
    EngineSettings *settings = engine_settings(actor->engine);
    gint64 now = actor->engine->runtime->now_ms(actor->engine->runtime);
    for (guint i = 0; i < actor->letters->len; i++) {
        Letter *letter = g_ptr_array_index(actor->letters, i);
        gboolean took;
        if (!ask_turn(actor, letter, &took))
            continue;
        engine_apply(actor->draft, letter->message, now, settings, &actor->effects);
        letter->error = g_steal_pointer(&actor->effects.error);
        if (took && letter->error)
            engine_leave_gate(actor->engine, actor->draft);
    }
    engine_settings_unref(settings);
    log_notes(actor);
}

static gboolean has_inbox(const Actor *actor) {
    for (guint i = 0; i < actor->letters->len; i++)
        if (((const Letter *)g_ptr_array_index(actor->letters, i))->inbox)
            return TRUE;
    return FALSE;
}

static void fail_step(Actor *actor, const GError *error) {
    effects_clear(&actor->effects);
    if (error_code(error) == ERR_NOT_FOUND || error_code(error) == ERR_INTERNAL) {
        LOG_FIELD("execution", actor->id);
        if (error_code(error) == ERR_INTERNAL)
            log_error("engine", "%s", error->message);
        if (actor->doubtful)
            actor_forget_insert(actor, actor->doubtful);
        actor_answer_letters(actor, error);
        actor_rest(actor, TRUE);
    } else {
        actor_retry_later(actor, error);
    }
}

/* After a doubt: one that had ended may have been begun again by another replica. */
static void look_for_owner(Actor *actor) {
    gint64 owner = 0;
    gboolean finished = FALSE;
    if (!actor->unsure || !store_execution_owner(actor->engine->store, actor->id, &owner, &finished, NULL))
        return;
    g_mutex_lock(&actor->engine->lock);
    actor->known = actor->known && !finished && owner == store_replica(actor->engine->store);
    g_mutex_unlock(&actor->engine->lock);
}

/* Whose step it is: this server's (or nobody's: it has ended), or the replica's to which the letters go. A restart that needs its turn is of the one that
 * has the gate. *to: that one, 0: whoever owns the execution. */
static gboolean is_to_be_made_here(Actor *actor, gint64 *to) {
    *to = 0;
    look_for_owner(actor);
    if (actor->known)
        return TRUE;
    if (!execution_is_settled(actor->execution))
        return FALSE;
    gboolean restarts = FALSE;
    for (guint i = 0; i < actor->letters->len; i++) {
        const Letter *letter = g_ptr_array_index(actor->letters, i);
        restarts = restarts || (letter->message && letter->message->kind == MESSAGE_RESTART_STAGE);
    }
    gint64 self = store_replica(actor->engine->store);
    *to = restarts ? engine_gate_owner(actor->engine, actor->execution, NULL) : self;
    return *to == self;
}

/* It is another replica's, or will be this one's when it is recovered. */
static void hand_over(Actor *actor, gint64 to) {
    effects_clear(&actor->effects);
    actor_hand_over(actor, to);
    actor_count_family(actor, NULL);
    g_mutex_lock(&actor->lock);
    g_clear_pointer(&actor->execution, execution_unref);
    actor->unsure = FALSE;
    g_mutex_unlock(&actor->lock);
    g_clear_pointer(&actor->doubtful, execution_unref);
    actor->handed_over = TRUE;
    actor_rest(actor, FALSE);
}

gboolean actor_step(gpointer data) {
    Actor *actor = data;
    g_autoptr(GError) error = NULL;
    effects_init(&actor->effects);
    take_letters(actor);
    if (!actor->execution) {
        Execution *loaded = load(actor, &error);
        g_mutex_lock(&actor->lock);
        actor->execution = loaded;
        g_mutex_unlock(&actor->lock);
        if (!loaded) {
            fail_step(actor, error);
            return TRUE;
        }
    }
    gint64 to;
    if (actor->engine->shared && !is_to_be_made_here(actor, &to)) {
        hand_over(actor, to);
        return TRUE;
    }
    Letter *first = g_ptr_array_index(actor->letters, 0);
    if (first->erase) {
        first->error = actor_why_not_erase(actor->execution);
        if (first->error)
            actor_conclude_good(actor, FALSE);
        else
            actor_commit_erase(actor);
        return TRUE;
    }
    actor->draft = execution_copy(actor->execution);
    apply_letters(actor);
    if (has_inbox(actor))
        execution_touch(actor->draft); /* its row goes with a commit */
    if (execution_is_changed(actor->draft))
        actor_commit(actor);
    else
        actor_conclude_good(actor, FALSE);
    return TRUE;
}

/* ---- a new execution ---- */
gboolean engine_insert(Engine *engine, Execution *draft, gint64 owner, Effects *effects, Letter *letter) {
    g_mutex_lock(&engine->lock);
    gboolean fresh = !g_hash_table_contains(engine->actors, draft->id);
    Actor *actor = fresh ? actor_ref(actor_find_or_make(engine, draft->id)) : NULL;
    if (fresh) {
        actor->busy = TRUE;
        actor->insert = TRUE;
        actor->owner = owner;
        actor->known = owner == store_replica(engine->store);
        actor->draft = draft;
        actor->effects = *effects;
        actor_count_family_locked(actor, draft, TRUE);
        g_ptr_array_add(actor->letters, letter);
        engine->busy_actors++;
    }
    g_mutex_unlock(&engine->lock);
    if (fresh)
        actor_commit(actor);
    return fresh;
}
