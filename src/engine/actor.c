/* Actors: their letters, their mailboxes, and what they are between two steps. Any thread; an actor is on one thread at a time. What a
 * step does is in actor_step.c, what it stores in actor_commit.c, what follows in actor_conclude.c. */
#include "engine/runner.h"
#include <malloc.h>
#include <string.h>

#define TRIM_BYTES (8 * 1024 * 1024)

/* ---- letters and actors ---- */
Letter *letter_new(Message *message) {
    Letter *letter = g_new0(Letter, 1);
    letter->message = message;
    return letter;
}

static void letter_free(gpointer data) {
    Letter *letter = data;
    message_unref(letter->message);
    if (letter->run)
        run_unref(letter->run);
    g_clear_error(&letter->error);
    g_free(letter);
}

void letter_drop(Letter *letter) {
    letter_free(letter);
}

void letter_answer(Letter *letter, const GError *error) {
    if (letter->done)
        letter->done(letter->error ? letter->error : error, letter->data);
    letter_free(letter);
}

static Actor *actor_new(Engine *engine, const char *id) {
    Actor *actor = g_new0(Actor, 1);
    actor->ref_count = 1;
    actor->engine = engine;
    actor->id = g_strdup(id);
    g_mutex_init(&actor->lock);
    actor->runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    actor->letters = g_ptr_array_new();
    actor->recent.data = actor;
    return actor;
}

Actor *actor_ref(Actor *actor) {
    g_atomic_int_inc(&actor->ref_count);
    return actor;
}

void actor_unref(Actor *actor) {
    if (!g_atomic_int_dec_and_test(&actor->ref_count))
        return;
    execution_unref(actor->execution);
    execution_unref(actor->draft);
    execution_unref(actor->doubtful);
    g_queue_clear_full(&actor->mailbox, letter_free);
    g_ptr_array_set_free_func(actor->letters, letter_free);
    g_ptr_array_unref(actor->letters);
    g_ptr_array_unref(actor->runs);
    if (actor->effects.list)
        effects_clear(&actor->effects);
    g_clear_error(&actor->commit_error);
    g_mutex_clear(&actor->lock);
    g_free(actor->family);
    g_free(actor->id);
    g_free(actor);
}

Actor *actor_find_or_make(Engine *engine, const char *id) {
    Actor *actor = g_hash_table_lookup(engine->actors, id);
    if (actor)
        return actor;
    actor = actor_new(engine, id);
    actor->listed = TRUE;
    g_hash_table_insert(engine->actors, actor->id, actor);
    return actor;
}

Actor *engine_find_actor(Engine *engine, const char *id) {
    g_mutex_lock(&engine->lock);
    Actor *actor = g_hash_table_lookup(engine->actors, id);
    if (actor)
        actor_ref(actor);
    g_mutex_unlock(&engine->lock);
    return actor;
}

void engine_list(Engine *engine, const char *id) {
    g_mutex_lock(&engine->lock);
    actor_find_or_make(engine, id)->known = TRUE;
    g_mutex_unlock(&engine->lock);
}

void actor_count_running(Actor *actor, gboolean runs) {
    if (actor->counted == runs)
        return;
    actor->counted = runs;
    if (runs)
        actor->engine->running++;
    else
        actor->engine->running--;
}

/* ---- posting ---- */
/* An actor begins to be busy. */
static void schedule(Actor *actor) {
    Engine *engine = actor->engine;
    g_mutex_lock(&engine->lock);
    engine->busy_actors++;
    g_mutex_unlock(&engine->lock);
    engine->runtime->run(engine->runtime, LANE_STEP, NULL, actor_step, actor_ref(actor));
}

gboolean actor_put_letter(Actor *actor, Letter *letter) {
    g_queue_push_tail(&actor->mailbox, letter);
    gboolean idle = !actor->busy;
    actor->busy = TRUE;
    return idle;
}

/* Why a letter from outside is not taken; NULL: it is. */
static GError *refusal(const Actor *actor, const Letter *letter) {
    GError *error = NULL;
    if (letter->internal)
        return NULL;
    if (g_atomic_int_get(&actor->engine->stopping))
        error_set(&error, ERR_UNAVAILABLE, "execution %s: Gennaker is stopping; try again when it is up again", actor->id);
    else if (actor->mailbox.length >= MAILBOX_MAX)
        error_set(&error, ERR_LIMIT, "execution %s: %d requests wait for it already (MAILBOX_MAX)", actor->id, MAILBOX_MAX);
    return error;
}

void actor_post(Actor *actor, Letter *letter) {
    g_mutex_lock(&actor->lock);
    g_autoptr(GError) error = refusal(actor, letter);
    gboolean idle = !error && actor_put_letter(actor, letter);
    g_mutex_unlock(&actor->lock);
    if (error)
        letter_answer(letter, error);
    else if (idle)
        schedule(actor);
}

void engine_post(Engine *engine, const char *id, Letter *letter) {
    g_mutex_lock(&engine->lock);
    Actor *actor = actor_ref(actor_find_or_make(engine, id));
    /* Under both locks, so that the actor cannot leave the table in between. */
    g_mutex_lock(&actor->lock);
    g_autoptr(GError) error = refusal(actor, letter);
    gboolean idle = !error && actor_put_letter(actor, letter);
    g_mutex_unlock(&actor->lock);
    g_mutex_unlock(&engine->lock);
    if (error)
        letter_answer(letter, error);
    else if (idle)
        schedule(actor);
    actor_unref(actor);
}

/* ---- at rest ---- */
/* engine->lock is held. Drops idle executions until the rest fits. */
static void evict(Engine *engine) {
    for (guint tries = engine->recent.length; engine->loaded_bytes > engine->loaded_bytes_max && tries > 0; tries--) {
        Actor *actor = g_queue_peek_tail(&engine->recent);
        g_queue_unlink(&engine->recent, &actor->recent);
        g_mutex_lock(&actor->lock);
        if (actor->busy) {
            g_queue_push_head_link(&engine->recent, &actor->recent);
        } else {
            g_clear_pointer(&actor->execution, execution_unref);
            engine->loaded_bytes -= actor->bytes;
            actor->bytes = 0;
        }
        g_mutex_unlock(&actor->lock);
    }
}

/* engine->lock is held. */
static void count_memory(Actor *actor) {
    Engine *engine = actor->engine;
    gboolean was_counted = actor->bytes > 0;
    engine->loaded_bytes -= actor->bytes;
    actor->bytes = actor->execution && actor->listed ? actor->execution->memory : 0;
    engine->loaded_bytes += actor->bytes;
    if (was_counted)
        g_queue_unlink(&engine->recent, &actor->recent);
    if (actor->bytes > 0)
        g_queue_push_head_link(&engine->recent, &actor->recent);
}

void actor_rest(Actor *actor, gboolean gone) {
    Engine *engine = actor->engine;
    g_mutex_lock(&engine->lock);
    g_mutex_lock(&actor->lock);
    gboolean more = actor->mailbox.length > 0;
    gone = gone || (actor->handed_over && !actor->known);
    actor->handed_over = FALSE;
    gboolean over = !more && actor->listed && (gone || (actor->execution && execution_is_settled(actor->execution)));
    if (over) {
        actor->listed = FALSE;
        actor_forget_runs(actor);
        actor_count_running(actor, FALSE);
        g_hash_table_steal(engine->actors, actor->id);
    }
    gboolean large = over && actor->execution && actor->execution->memory > TRIM_BYTES;
    actor->busy = more;
    count_memory(actor);
    g_mutex_unlock(&actor->lock);
    evict(engine);
    if (!more && --engine->busy_actors == 0)
        g_cond_broadcast(&engine->rest);
    g_mutex_unlock(&engine->lock);
    if (over)
        actor_unref(actor);
    if (large)
        malloc_trim(0); /* or the process keeps what the largest execution needed */
    if (more)
        engine->runtime->run(engine->runtime, LANE_STEP, NULL, actor_step, actor);
    else
        actor_unref(actor);
}
