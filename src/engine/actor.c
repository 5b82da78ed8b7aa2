/* An execution at work: its mailbox, its steps, its commits. Steps run on the step workers, or on the thread of a caller who
 * starts an execution; the committer's callback only puts the actor back on the lane. An actor is on one thread at a time. */
#include "base/log.h"
#include "engine/graph.h"
#include "engine/runner.h"
#include "engine/why.h"
#include "store/executions.h"
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

static void letter_answer(Letter *letter, const GError *error) {
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

/* engine->lock is held. */
static Actor *find_or_make(Engine *engine, const char *id) {
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
    find_or_make(engine, id);
    g_mutex_unlock(&engine->lock);
}

/* ---- posting ---- */
static gboolean actor_step(gpointer data);

/* An actor begins to be busy. */
static void schedule(Actor *actor) {
    Engine *engine = actor->engine;
    g_mutex_lock(&engine->lock);
    engine->busy_actors++;
    g_mutex_unlock(&engine->lock);
    engine->runtime->run(engine->runtime, LANE_STEP, NULL, actor_step, actor_ref(actor));
}

/* actor->lock is held. TRUE: the actor has to be scheduled. */
static gboolean put_letter(Actor *actor, Letter *letter) {
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
    gboolean idle = !error && put_letter(actor, letter);
    g_mutex_unlock(&actor->lock);
    if (error)
        letter_answer(letter, error);
    else if (idle)
        schedule(actor);
}

void engine_post(Engine *engine, const char *id, Letter *letter) {
    g_mutex_lock(&engine->lock);
    Actor *actor = actor_ref(find_or_make(engine, id));
    /* Under both locks, so that the actor cannot leave the table in between. */
    g_mutex_lock(&actor->lock);
    g_autoptr(GError) error = refusal(actor, letter);
    gboolean idle = !error && put_letter(actor, letter);
    g_mutex_unlock(&actor->lock);
    g_mutex_unlock(&engine->lock);
    if (error)
        letter_answer(letter, error);
    else if (idle)
        schedule(actor);
    actor_unref(actor);
}

/* ---- a step ---- */
static Execution *load(Actor *actor, GError **error) {
    LoadedExecution loaded;
    if (!store_execution_load(actor->engine->store, actor->id, &loaded, error))
        return NULL;
    Execution *execution = execution_from_loaded(&loaded, error);
    loaded_execution_clear(&loaded);
    return execution;
}

static void take_letters(Actor *actor) {
    g_mutex_lock(&actor->lock);
    while (actor->letters->len < STEP_LETTERS_MAX && actor->mailbox.length > 0) {
        Letter *next = g_queue_peek_head(&actor->mailbox);
        if (next->erase && actor->letters->len > 0)
            break;
        g_ptr_array_add(actor->letters, g_queue_pop_head(&actor->mailbox));
        if (next->erase)
            break;
    }
    g_mutex_unlock(&actor->lock);
}

static void log_notes(Actor *actor) {
    LOG_FIELD("execution", actor->id);
    for (guint i = 0; i < actor->effects.notes->len; i++)
        log_info("engine", "%s", (const char *)g_ptr_array_index(actor->effects.notes, i));
}

static void apply_letters(Actor *actor) {
    EngineSettings *settings = engine_settings(actor->engine);
    gint64 now = actor->engine->runtime->now_ms(actor->engine->runtime);
    for (guint i = 0; i < actor->letters->len; i++) {
        Letter *letter = g_ptr_array_index(actor->letters, i);
        engine_apply(actor->draft, letter->message, now, settings, &actor->effects);
        letter->error = g_steal_pointer(&actor->effects.error);
    }
    engine_settings_unref(settings);
    log_notes(actor);
}

/* ---- the commit ---- */
static char *change_detail(const Actor *actor) {
    const Execution *draft = actor->draft;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", execution_type_name(draft->type));
    json_add_string(builder, "name", draft->name);
    json_add_string(builder, "pipelineConfigId", draft->config_id);
    json_begin_array(builder, "stages");
    for (guint i = 0; i < draft->drafts->len; i++) {
        const Stage *stage = g_ptr_array_index(draft->drafts, i);
        const Stage *before = actor->execution ? execution_stage(actor->execution, stage->id) : NULL;
        if (before ? before->status == stage->status : stage->status == STATUS_NOT_STARTED)
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "id", stage->id);
        json_add_string(builder, "refId", stage->ref_id);
        json_add_string(builder, "status", status_info(stage->status)->name);
        json_end_object(builder);
    }
    json_end_array(builder);
    EngineSettings *settings = engine_settings(actor->engine);
    Runtime *runtime = actor->engine->runtime;
    const WhyFacts facts = {.settings = settings, .now_ms = runtime->now_ms(runtime), .open = engine_is_open(actor->engine)};
    why_add_changes(builder, actor->insert ? NULL : actor->execution, draft, &facts);
    engine_settings_unref(settings);
    json_end_object(builder);
    return json_builder_write(builder, NULL);
}

static void add_change(const Actor *actor, StoreUnit *unit) {
    g_autofree char *detail = change_detail(actor);
    StoreChange change = {.kind = "execution",
                          .id = actor->id,
                          .application = actor->draft->application,
                          .status = status_info(actor->draft->status)->name,
                          .version = actor->draft->version + 1,
                          .detail = detail};
    store_unit_change(unit, &change);
}

static void add_messages(const Actor *actor, StoreUnit *unit) {
    for (guint i = 0; i < actor->letters->len; i++) {
        const Letter *letter = g_ptr_array_index(actor->letters, i);
        if (letter->inbox)
            store_inbox_remove(unit, letter->inbox);
    }
    for (guint i = 0; i < actor->effects.list->len; i++) {
        const Effect *effect = &g_array_index(actor->effects.list, Effect, i);
        if (effect->kind != EFFECT_SEND)
            continue;
        g_autoptr(JsonBuilder) builder = json_builder_new();
        message_write(effect->message, builder);
        g_autofree char *text = json_builder_write(builder, NULL);
        store_inbox_put(unit, effect->recipient, text);
    }
}

/* Whoever listens adds rows of his own to the commit in which an execution ends. */
static void tell_end(const Actor *actor, StoreUnit *unit) {
    const Execution *before = actor->execution;
    if (actor->engine->ended && before && !status_info(before->status)->complete && status_info(actor->draft->status)->complete)
        actor->engine->ended(unit, actor->draft, actor->engine->ended_data);
}

static void tell_observers(const Actor *actor, StoreUnit *unit) {
    Runtime *runtime = actor->engine->runtime;
    for (const EngineObserver *each = actor->engine->observers; each->changed; each++)
        each->changed(unit, actor->insert ? NULL : actor->execution, actor->draft, runtime->now_ms(runtime), each->data);
}

static gboolean has_inbox(const Actor *actor) {
    for (guint i = 0; i < actor->letters->len; i++)
        if (((const Letter *)g_ptr_array_index(actor->letters, i))->inbox)
            return TRUE;
    return FALSE;
}

static gboolean actor_conclude(gpointer data);

/* On the committer's thread: only puts the actor back on the lane. */
static void committed(const GError *error, gpointer data) {
    Actor *actor = data;
    actor->commit_error = error ? g_error_copy(error) : NULL;
    actor->engine->runtime->run(actor->engine->runtime, LANE_STEP, NULL, actor_conclude, actor);
}

static void set_committing(Actor *actor, gboolean committing) {
    g_mutex_lock(&actor->lock);
    actor->committing = committing;
    g_mutex_unlock(&actor->lock);
}

static void commit(Actor *actor) {
    StoreUnit *unit = store_unit_new();
    ExecutionTexts texts;
    execution_texts_fill(&texts, actor->draft, actor->insert);
    if (actor->insert)
        store_execution_insert(unit, &texts.record, texts.stages, texts.n);
    else
        store_execution_update(unit, &texts.record, texts.stages, texts.n);
    execution_texts_clear(&texts);
    add_messages(actor, unit);
    tell_end(actor, unit);
    tell_observers(actor, unit);
    add_change(actor, unit);
    set_committing(actor, TRUE);
    actor->engine->runtime->commit(actor->engine->runtime, unit, committed, actor);
}

/* ---- deleting ---- */
static GError *why_not_erase(const Execution *execution) {
    GError *error = NULL;
    if (!status_info(execution->status)->complete)
        error_set(&error, ERR_CONFLICT, "Cannot delete a running %s, please cancel it first.", execution_type_name(execution->type));
    else if (!execution_is_settled(execution))
        error_set(&error, ERR_CONFLICT, "Execution %s is still cleaning up after its end; delete it when that is done.", execution->id);
    return error;
}

static void commit_erase(Actor *actor) {
    StoreUnit *unit = store_unit_new();
    store_execution_delete(unit, actor->execution->key);
    StoreChange change = {.kind = "execution",
                          .id = actor->id,
                          .application = actor->execution->application,
                          .status = "DELETED",
                          .version = actor->execution->version + 1};
    store_unit_change(unit, &change);
    set_committing(actor, TRUE);
    actor->engine->runtime->commit(actor->engine->runtime, unit, committed, actor);
}

/* ---- the end of a step ---- */
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

/* Gives the actor back: to its next letters, to rest, or, when nothing is left to do for it, to nothing. Takes the step's
 * reference. */
static void actor_rest(Actor *actor, gboolean gone) {
    Engine *engine = actor->engine;
    g_mutex_lock(&engine->lock);
    g_mutex_lock(&actor->lock);
    gboolean more = actor->mailbox.length > 0;
    gboolean over = !more && actor->listed && (gone || (actor->execution && execution_is_settled(actor->execution)));
    if (over) {
        actor->listed = FALSE;
        actor_forget_runs(actor);
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

static void answer_letters(Actor *actor, const GError *error) {
    for (guint i = 0; i < actor->letters->len; i++)
        letter_answer(g_ptr_array_index(actor->letters, i), error);
    g_ptr_array_set_size(actor->letters, 0);
}

static void retry_due(gpointer data) {
    Actor *actor = data;
    actor->engine->runtime->run(actor->engine->runtime, LANE_STEP, NULL, actor_step, actor);
}

/* Whoever asked from outside is told; what must not be lost is put back in front and handled again. */
static void retry_later(Actor *actor, const GError *error) {
    Runtime *runtime = actor->engine->runtime;
    LOG_FIELD("execution", actor->id);
    log_warning("engine", "a step was not committed: %s", error->message);
    gboolean kept = FALSE;
    g_mutex_lock(&actor->lock);
    if (error_code(error) == ERR_CONFLICT)
        g_clear_pointer(&actor->execution, execution_unref); /* what is stored is not what we knew */
    for (guint i = actor->letters->len; i-- > 0;) {
        Letter *letter = g_ptr_array_index(actor->letters, i);
        if (!letter->internal)
            continue;
        g_clear_error(&letter->error);
        g_queue_push_head(&actor->mailbox, letter);
        g_ptr_array_remove_index(actor->letters, i);
        kept = TRUE;
    }
    g_mutex_unlock(&actor->lock);
    answer_letters(actor, error);
    if (kept)
        runtime->at(runtime, runtime->now_ms(runtime) + COMMIT_RETRY_MS, retry_due, actor);
    else
        actor_rest(actor, FALSE);
}

static void deliver(Actor *actor) {
    Engine *engine = actor->engine;
    for (guint i = 0; i < actor->effects.list->len; i++) {
        const Effect *effect = &g_array_index(actor->effects.list, Effect, i);
        if (effect->kind == EFFECT_SEND)
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
    engine->running -= before && before->status == STATUS_RUNNING;
    engine->running += after->status == STATUS_RUNNING;
    g_mutex_unlock(&engine->lock);
}

/* Effects of a step that holds: of one that was committed, or of one that changed nothing. */
static void begin_effects(Actor *actor) {
    g_autoptr(GPtrArray) cancels = g_ptr_array_new_with_free_func((GDestroyNotify)cancel_unref);
    g_autoptr(GPtrArray) letters = g_ptr_array_new();
    g_mutex_lock(&actor->lock);
    actor_begin_effects(actor, &actor->effects, cancels, letters);
    for (guint i = 0; i < letters->len; i++)
        put_letter(actor, g_ptr_array_index(letters, i)); /* it is busy: no need to schedule */
    g_mutex_unlock(&actor->lock);
    for (guint i = 0; i < cancels->len; i++)
        cancel_set(g_ptr_array_index(cancels, i));
}

static void wake_others(const Actor *actor, const Execution *before) {
    const Execution *execution = actor->execution;
    if (execution->parent_id && execution->parent_stage_id && (!before || before->status != execution->status))
        engine_wake_stage(actor->engine, execution->parent_id, execution->parent_stage_id);
    if (status_info(execution->status)->complete && !(before && status_info(before->status)->complete))
        engine_tell_watchers(actor->engine, execution->id);
}

static void conclude_good(Actor *actor, gboolean committed_step) {
    g_autoptr(Execution) before = actor->execution ? execution_ref(actor->execution) : NULL;
    count_step(actor, before, committed_step);
    if (committed_step) {
        execution_seal(actor->draft);
        g_mutex_lock(&actor->lock);
        execution_unref(actor->execution);
        actor->execution = g_steal_pointer(&actor->draft);
        actor->insert = FALSE;
        actor->committing = FALSE;
        g_mutex_unlock(&actor->lock);
    }
    actor_count_family(actor, actor->execution);
    begin_effects(actor);
    if (committed_step) {
        engine_tell_gate(actor->engine, before, actor->execution);
        engine_tell_qos(actor->engine, actor->id, actor->execution->build_ms, actor->execution->status);
        wake_others(actor, before);
        deliver(actor);
    }
    answer_letters(actor, NULL);
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
    answer_letters(actor, NULL);
    effects_clear(&actor->effects);
    actor_rest(actor, TRUE);
}

/* A new execution that could not be stored is as if it had never been. */
static void conclude_not_inserted(Actor *actor, const GError *error) {
    engine_leave_gate(actor->engine, actor->draft);
    actor_count_family(actor, NULL);
    g_clear_pointer(&actor->draft, execution_unref);
    effects_clear(&actor->effects);
    answer_letters(actor, error);
    actor_rest(actor, TRUE);
}

static gboolean actor_conclude(gpointer data) {
    Actor *actor = data;
    g_autoptr(GError) error = g_steal_pointer(&actor->commit_error);
    const Letter *first = actor->letters->len ? g_ptr_array_index(actor->letters, 0) : NULL;
    if (error)
        set_committing(actor, FALSE);
    if (error && actor->insert) {
        conclude_not_inserted(actor, error);
    } else if (error) {
        g_clear_pointer(&actor->draft, execution_unref);
        effects_clear(&actor->effects);
        retry_later(actor, error);
    } else if (first && first->erase) {
        conclude_erased(actor);
    } else {
        conclude_good(actor, TRUE);
    }
    return TRUE;
}

static void fail_step(Actor *actor, const GError *error) {
    effects_clear(&actor->effects);
    if (error_code(error) == ERR_NOT_FOUND || error_code(error) == ERR_INTERNAL) {
        LOG_FIELD("execution", actor->id);
        if (error_code(error) == ERR_INTERNAL)
            log_error("engine", "%s", error->message);
        answer_letters(actor, error);
        actor_rest(actor, TRUE);
    } else {
        retry_later(actor, error);
    }
}

/* Owns the caller's reference on the actor, until it rests. */
static gboolean actor_step(gpointer data) {
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
    Letter *first = g_ptr_array_index(actor->letters, 0);
    if (first->erase) {
        first->error = why_not_erase(actor->execution);
        if (first->error)
            conclude_good(actor, FALSE);
        else
            commit_erase(actor);
        return TRUE;
    }
    actor->draft = execution_copy(actor->execution);
    apply_letters(actor);
    if (has_inbox(actor))
        execution_touch(actor->draft); /* its row goes with a commit */
    if (execution_is_changed(actor->draft))
        commit(actor);
    else
        conclude_good(actor, FALSE);
    return TRUE;
}

/* ---- a new execution ---- */
gboolean engine_insert(Engine *engine, Execution *draft, Effects *effects, Letter *letter) {
    g_mutex_lock(&engine->lock);
    gboolean fresh = !g_hash_table_contains(engine->actors, draft->id);
    Actor *actor = fresh ? actor_ref(find_or_make(engine, draft->id)) : NULL;
    if (fresh) {
        actor->busy = TRUE;
        actor->insert = TRUE;
        actor->draft = draft;
        actor->effects = *effects;
        actor_count_family_locked(actor, draft, TRUE);
        g_ptr_array_add(actor->letters, letter);
        engine->busy_actors++;
    }
    g_mutex_unlock(&engine->lock);
    if (fresh)
        commit(actor);
    return fresh;
}
