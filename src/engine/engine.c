/* The engine's front: opening, stopping, and what users do to executions. Any thread; what changes something waits for its
 * commit on the caller's thread. */
#include "engine/engine.h"
#include "base/log.h"
#include "engine/graph.h"
#include "engine/runner.h"
#include "store/executions.h"

#define GIVE_UP_MS 2000 /* for runs that were told to end when the grace is over */

EngineSettings *engine_settings(Engine *engine) {
    g_mutex_lock(&engine->lock);
    EngineSettings *settings = engine_settings_ref(engine->settings);
    g_mutex_unlock(&engine->lock);
    return settings;
}

Runtime *engine_runtime(Engine *engine) {
    return engine->runtime;
}

/* ---- life ---- */
Engine *engine_new(const EngineOptions *options, GError **error) {
    EngineSettings *settings = engine_settings_new(options->types, options->config, error);
    if (!settings)
        return NULL;
    Engine *engine = g_new0(Engine, 1);
    engine->store = options->store;
    engine->services = options->services;
    engine->types = options->types;
    engine->ended = options->ended;
    engine->ended_data = options->ended_data;
    engine->is_open = options->is_open;
    engine->is_open_data = options->is_open_data;
    engine->submission_steps = options->submission_steps;
    for (guint i = 0; options->observers && options->observers[i].changed; i++) {
        g_assert(i < ENGINE_OBSERVERS_MAX);
        engine->observers[i] = options->observers[i];
    }
    engine->settings = settings;
    engine->loaded_bytes_max = options->loaded_bytes_max ? options->loaded_bytes_max : ENGINE_LOADED_BYTES_MAX;
    engine->own_runtime = options->runtime == NULL;
    engine->runtime = engine->own_runtime ? runtime_threads_new(options->store, options->io_workers) : options->runtime;
    g_mutex_init(&engine->lock);
    g_cond_init(&engine->rest);
    engine->actors = g_hash_table_new(g_str_hash, g_str_equal);
    engine->gates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)gate_free);
    engine->families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    engine->inbox = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    engine->watches = engine_watches_new();
    engine->buffered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    engine_replicas_init(engine);
    if (engine_recover(engine, error))
        return engine;
    engine_free(engine);
    return NULL;
}

void engine_start(Engine *engine) {
    if (!engine->own_runtime)
        return;
    engine->started = engine->was_started = TRUE;
    runtime_threads_start(engine->runtime);
}

void engine_run_ended(Engine *engine) {
    if (!g_atomic_int_dec_and_test(&engine->busy_runs))
        return;
    g_mutex_lock(&engine->lock);
    g_cond_broadcast(&engine->rest);
    g_mutex_unlock(&engine->lock);
}

static gboolean wait_for_rest(Engine *engine, gint64 grace_ms) {
    gint64 until = g_get_monotonic_time() + grace_ms * G_TIME_SPAN_MILLISECOND;
    gboolean rested = TRUE;
    g_mutex_lock(&engine->lock);
    while (rested && (engine->busy_actors > 0 || g_atomic_int_get(&engine->busy_runs) > 0))
        rested = g_cond_wait_until(&engine->rest, &engine->lock, until);
    g_mutex_unlock(&engine->lock);
    return rested;
}

static void cancel_runs(Engine *engine) {
    g_autoptr(GPtrArray) cancels = g_ptr_array_new_with_free_func((GDestroyNotify)cancel_unref);
    GHashTableIter iter;
    gpointer each;
    g_mutex_lock(&engine->lock);
    g_hash_table_iter_init(&iter, engine->actors);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        Actor *actor = each;
        g_mutex_lock(&actor->lock);
        for (guint i = 0; i < actor->runs->len; i++) {
            const Run *run = g_ptr_array_index(actor->runs, i);
            if (run->state == RUN_BUSY)
                g_ptr_array_add(cancels, cancel_ref(run->cancel));
        }
        g_mutex_unlock(&actor->lock);
    }
    g_mutex_unlock(&engine->lock);
    for (guint i = 0; i < cancels->len; i++)
        cancel_set(g_ptr_array_index(cancels, i));
}

gboolean engine_stop(Engine *engine, gint64 grace_ms) {
    if (!engine->started)
        return TRUE;
    g_atomic_int_set(&engine->stopping, ENGINE_STOPS);
    if (!wait_for_rest(engine, grace_ms)) {
        g_atomic_int_set(&engine->stopping, ENGINE_GAVE_UP);
        cancel_runs(engine);
        wait_for_rest(engine, GIVE_UP_MS);
    }
    engine->started = !runtime_threads_stop(engine->runtime, GIVE_UP_MS);
    if (engine->started)
        log_warning("engine", "%d tasks do not end; they are run again after the next start", g_atomic_int_get(&engine->busy_runs));
    return !engine->started;
}

/* What still uses it, threads that did not end or commits on their way, uses it to the end of the process. */
static gboolean is_in_use(const Engine *engine) {
    return engine->started || (engine->was_started && engine->busy_actors > 0);
}

static void free_actor(Actor *actor) {
    g_mutex_lock(&actor->lock);
    gboolean queued = actor->busy; /* it never got a worker, whose reference this is */
    actor_forget_runs(actor);
    g_mutex_unlock(&actor->lock);
    actor_unref(actor);
    if (queued)
        actor_unref(actor);
}

void engine_free(Engine *engine) {
    if (is_in_use(engine))
        return;
    GHashTableIter iter;
    gpointer actor;
    g_hash_table_iter_init(&iter, engine->actors);
    while (g_hash_table_iter_next(&iter, NULL, &actor)) {
        g_hash_table_iter_steal(&iter);
        free_actor(actor);
    }
    if (engine->own_runtime)
        runtime_threads_free(engine->runtime);
    g_hash_table_unref(engine->actors);
    g_hash_table_unref(engine->gates);
    g_hash_table_unref(engine->families);
    g_hash_table_unref(engine->inbox);
    g_hash_table_unref(engine->watches);
    g_hash_table_unref(engine->buffered);
    engine_replicas_clear(engine);
    engine_settings_unref(engine->settings);
    g_mutex_clear(&engine->lock);
    g_cond_clear(&engine->rest);
    g_free(engine);
}

gboolean engine_set_config(Engine *engine, Config *config, GError **error) {
    EngineSettings *fresh = engine_settings_new(engine->types, config, error);
    if (!fresh)
        return FALSE;
    g_mutex_lock(&engine->lock);
    EngineSettings *old = engine->settings;
    engine->settings = fresh;
    g_mutex_unlock(&engine->lock);
    engine_settings_unref(old);
    engine_arm_promoter(engine);
    return TRUE;
}

/* ---- waiting for a commit ---- */
gboolean engine_wait(Engine *engine, WaitedCall call, gpointer argument, Letter *letter, GError **error) {
    RuntimeWaiter *waiter = runtime_waiter_new();
    letter->done = runtime_waiter_done;
    letter->data = waiter;
    call(argument, letter);
    return runtime_waiter_wait(waiter, engine->runtime, error);
}

typedef struct {
    Engine *engine;
    const char *id;
} PostCall;

static void post_call(gpointer argument, Letter *letter) {
    const PostCall *call = argument;
    engine_post(call->engine, call->id, letter);
}

gboolean engine_post_and_wait(Engine *engine, const char *id, Letter *letter, GError **error) {
    PostCall call = {engine, id};
    return engine_wait(engine, post_call, &call, letter, error);
}

/* ---- what users do ---- */
static Message *user_message(MessageKind kind, const char *user) {
    Message *message = message_new(kind);
    message->user = text_new(user);
    return message;
}

gboolean engine_cancel(Engine *engine, const char *id, const char *user, const char *reason, GError **error) {
    Message *message = user_message(MESSAGE_CANCEL_EXECUTION, user);
    message->reason = text_new(reason);
    return engine_post_and_wait(engine, id, letter_new(message), error);
}

gboolean engine_force_cancel(Engine *engine, const char *id, const char *user, const char *reason, GError **error) {
    Message *message = user_message(MESSAGE_FORCE_CANCEL_EXECUTION, user);
    message->reason = text_new(reason);
    return engine_post_and_wait(engine, id, letter_new(message), error);
}

gboolean engine_pause(Engine *engine, const char *id, const char *user, GError **error) {
    return engine_post_and_wait(engine, id, letter_new(user_message(MESSAGE_PAUSE_EXECUTION, user)), error);
}

gboolean engine_resume(Engine *engine, const char *id, const char *user, GError **error) {
    return engine_post_and_wait(engine, id, letter_new(user_message(MESSAGE_RESUME_EXECUTION, user)), error);
}

gboolean engine_restart_stage(Engine *engine, const char *id, const char *stage_id, const JsonValue *body, const char *user,
                              GError **error) {
    Message *message = user_message(MESSAGE_RESTART_STAGE, user);
    message->stage_id = text_new(stage_id);
    message->body = body ? json_copy(body) : NULL;
    return engine_post_and_wait(engine, id, letter_new(message), error);
}

gboolean engine_is_open(const Engine *engine) {
    return engine->is_open && engine->is_open(engine->is_open_data);
}

/* A judgement by somebody who may not give it counts as none (engine.md 18). Caller owns. */
static Json *changes_allowed(Engine *engine, const char *id, const char *stage_id, const JsonValue *changes, const Principal *principal) {
    g_autoptr(Execution) execution = json_get(changes, "judgmentStatus") ? engine_load(engine, id, NULL) : NULL;
    const Stage *stage = execution ? execution_stage(execution, stage_id) : NULL;
    g_autoptr(GPtrArray) roles = g_ptr_array_new();
    for (JsonIter i = json_iter(stage ? stage_judgment_roles(stage) : NULL); json_next(&i);)
        if (json_string(i.value))
            g_ptr_array_add(roles, (gpointer)json_string(i.value));
    gboolean open = roles->len == 0;
    g_ptr_array_add(roles, NULL);
    if (open || principal_has_role(principal, (const char *const *)roles->pdata))
        return json_copy(changes);
    log_info("engine", "execution %s stage %s: the judgement of %s does not count, who has none of its roles", id, stage->name,
             principal->user);
    return json_with_string(changes, "judgmentStatus", "");
}

gboolean engine_patch_stage(Engine *engine, const char *id, const char *stage_id, const JsonValue *changes, const Principal *principal,
                            GError **error) {
    Message *message = user_message(MESSAGE_PATCH_STAGE, principal->user);
    message->stage_id = text_new(stage_id);
    message->body = changes_allowed(engine, id, stage_id, changes, principal);
    message->accounts = principal->accounts ? json_from_strings(principal->accounts) : json_empty_array();
    return engine_post_and_wait(engine, id, letter_new(message), error);
}

gboolean engine_delete(Engine *engine, const char *id, GError **error) {
    Letter *letter = letter_new(NULL);
    letter->erase = TRUE;
    return engine_post_and_wait(engine, id, letter, error);
}

void engine_wake_stage(Engine *engine, const char *execution_id, const char *stage_id) {
    Actor *actor = engine_find_actor(engine, execution_id);
    if (engine->shared && (!actor || !engine_is_own(engine, execution_id)))
        engine_tell_wake(engine, execution_id, stage_id);
    if (!actor)
        return;
    actor_wake(actor, stage_id);
    actor_unref(actor);
}

/* ---- reading ---- */
Execution *engine_load(Engine *engine, const char *id, GError **error) {
    Actor *actor = engine_find_actor(engine, id);
    Execution *execution = NULL;
    if (actor) {
        g_mutex_lock(&actor->lock);
        execution = actor->execution && !actor->committing ? execution_ref(actor->execution) : NULL;
        g_mutex_unlock(&actor->lock);
        actor_unref(actor);
    }
    LoadedExecution loaded;
    if (execution || !store_execution_load(engine->store, id, &loaded, error))
        return execution;
    execution = execution_from_loaded(&loaded, error);
    loaded_execution_clear(&loaded);
    return execution;
}

void engine_statistics(Engine *engine, EngineStatistics *into) {
    RuntimeCounts counts = {0};
    if (engine->own_runtime)
        runtime_threads_counts(engine->runtime, &counts);
    g_mutex_lock(&engine->lock);
    *into = (EngineStatistics){
        .running = g_hash_table_size(engine->actors),
        .waiting = counts.timers,
        .tasks_busy = (guint64)MAX(g_atomic_int_get(&engine->busy_runs), 0),
        .tasks_queued = counts.io_queued + counts.step_queued,
        .stages_completed = engine->stages_completed,
        .executions_completed = engine->executions_completed,
        .commits = engine->commits,
        .loaded_bytes = engine->loaded_bytes,
    };
    g_mutex_unlock(&engine->lock);
}
