/* What a step of an execution stores: rows, messages, changes. The step's own thread; the committer's callback only puts the actor back on
 * the lane. */
#include "engine/runner.h"
#include "engine/why.h"
#include "store/executions.h"
#include "store/replicas.h"

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

/* On the committer's thread. */
static void committed(const GError *error, gpointer data) {
    Actor *actor = data;
    actor->commit_error = error ? g_error_copy(error) : NULL;
    actor->engine->runtime->run(actor->engine->runtime, LANE_STEP, NULL, actor_conclude, actor);
}

static void set_committing(Actor *actor) {
    g_mutex_lock(&actor->lock);
    actor->committing = TRUE;
    g_mutex_unlock(&actor->lock);
}

/* One that had ended and goes on is this server's from now on; a new one may be another's, who is told to let it begin. */
static void add_owner(const Actor *actor, StoreUnit *unit) {
    if (!actor->insert && !actor->known)
        store_execution_own(unit, actor->draft->key, store_replica(actor->engine->store));
    if (actor->insert && actor->owner != store_replica(actor->engine->store))
        engine_add_adoption(unit, actor->id, actor->owner);
}

void actor_commit(Actor *actor) {
    StoreUnit *unit = store_unit_new();
    ExecutionTexts texts;
    execution_texts_fill(&texts, actor->draft, actor->insert);
    texts.record.owner = actor->owner;
    if (actor->insert)
        store_execution_insert(unit, &texts.record, texts.stages, texts.n);
    else
        store_execution_update(unit, &texts.record, texts.stages, texts.n);
    if (actor->engine->shared)
        add_owner(actor, unit);
    execution_texts_clear(&texts);
    add_messages(actor, unit);
    tell_end(actor, unit);
    tell_observers(actor, unit);
    add_change(actor, unit);
    set_committing(actor);
    actor->engine->runtime->commit(actor->engine->runtime, unit, committed, actor);
}

/* ---- deleting ---- */
GError *actor_why_not_erase(const Execution *execution) {
    GError *error = NULL;
    if (!status_info(execution->status)->complete)
        error_set(&error, ERR_CONFLICT, "Cannot delete a running %s, please cancel it first.", execution_type_name(execution->type));
    else if (!execution_is_settled(execution))
        error_set(&error, ERR_CONFLICT, "Execution %s is still cleaning up after its end; delete it when that is done.", execution->id);
    return error;
}

void actor_commit_erase(Actor *actor) {
    StoreUnit *unit = store_unit_new();
    store_execution_delete(unit, actor->execution->key);
    StoreChange change = {.kind = "execution",
                          .id = actor->id,
                          .application = actor->execution->application,
                          .status = "DELETED",
                          .version = actor->execution->version + 1};
    store_unit_change(unit, &change);
    set_committing(actor);
    actor->engine->runtime->commit(actor->engine->runtime, unit, committed, actor);
}
