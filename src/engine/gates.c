/* The gates of concurrency limits: one per pipeline configuration, asked before an execution starts and told when it ends. Under
 * engine->lock; what a gate decides is posted outside of it. */
#include "base/log.h"
#include "engine/runner.h"

#define SUPERSEDED                                                                                                                         \
    "This execution was queued but then canceled because a newer queued execution superceded it. This pipeline is "                        \
    "configured to automatically cancel waiting executions."

static gint64 limit_of(const Execution *execution) {
    return execution->limit_concurrent ? 1 : MAX(execution->max_concurrent, 0);
}

gboolean execution_has_limit(const Execution *execution) {
    return execution->config_id && limit_of(execution) > 0;
}

/* engine->lock is held. */
static ConcurrencyGate *find_gate(Engine *engine, const char *config_id) {
    ConcurrencyGate *gate = g_hash_table_lookup(engine->gates, config_id);
    if (gate)
        return gate;
    gate = gate_new();
    g_hash_table_insert(engine->gates, g_strdup(config_id), gate);
    return gate;
}

static void drop_empty(Engine *engine, const char *config_id) {
    const ConcurrencyGate *gate = g_hash_table_lookup(engine->gates, config_id);
    if (gate && gate_is_empty(gate))
        g_hash_table_remove(engine->gates, config_id);
}

static void post_actions(Engine *engine, const GArray *actions) {
    for (guint i = 0; i < actions->len; i++) {
        const GateAction *action = &g_array_index(actions, GateAction, i);
        Message *message = message_new(action->start ? MESSAGE_START_EXECUTION : MESSAGE_CANCEL_EXECUTION);
        if (!action->start) {
            message->user = text_new("spinnaker");
            message->reason = text_new(SUPERSEDED);
        }
        Letter *letter = letter_new(message);
        letter->internal = TRUE;
        engine_post(engine, action->id, letter);
    }
}

GateAnswer engine_ask_gate(Engine *engine, const Execution *execution) {
    gboolean took;
    return engine_ask_gate_again(engine, execution, &took);
}

GateAnswer engine_ask_gate_again(Engine *engine, const Execution *execution, gboolean *took) {
    *took = FALSE;
    if (!execution->config_id)
        return GATE_START;
    g_mutex_lock(&engine->lock);
    ConcurrencyGate *gate = find_gate(engine, execution->config_id);
    *took = gate_place(gate, execution->id) == PLACE_NONE;
    GateAnswer answer = gate_ask(gate, execution->id, limit_of(execution), engine->settings->parked_max);
    g_mutex_unlock(&engine->lock);
    return answer;
}

static void leave(Engine *engine, const Execution *execution, gboolean purge) {
    g_autoptr(GArray) actions = gate_actions_new();
    g_mutex_lock(&engine->lock);
    ConcurrencyGate *gate = g_hash_table_lookup(engine->gates, execution->config_id);
    if (gate)
        gate_left(gate, execution->id, purge, actions);
    drop_empty(engine, execution->config_id);
    g_mutex_unlock(&engine->lock);
    post_actions(engine, actions);
}

void engine_leave_gate(Engine *engine, const Execution *execution) {
    if (execution->config_id)
        leave(engine, execution, FALSE);
}

/* It waits. A restart asked for its turn before its execution said so: what the gate decided about it meanwhile met an execution that
 * had ended, and is said again. */
static void tell_waiting(Engine *engine, const Execution *execution) {
    g_autoptr(GArray) actions = gate_actions_new();
    g_mutex_lock(&engine->lock);
    ConcurrencyGate *gate = find_gate(engine, execution->config_id);
    GatePlace place = gate_place(gate, execution->id);
    if (place == PLACE_RUNNING) {
        GateAction start = {TRUE, g_strdup(execution->id)};
        g_array_append_val(actions, start);
    } else if (place == PLACE_NONE) {
        gate_park(gate, execution->id, limit_of(execution));
        gate_next(gate, FALSE, actions);
    }
    g_mutex_unlock(&engine->lock);
    post_actions(engine, actions);
}

void engine_tell_gate(Engine *engine, const Execution *before, const Execution *execution) {
    gboolean complete = status_info(execution->status)->complete;
    /* What had ended and has ended may have run in between: a restart that came to its end within one step. */
    if (!execution->config_id || (before && before->status == execution->status && !complete))
        return;
    if (execution->status == STATUS_NOT_STARTED) {
        if (!before || execution->parked_restart)
            tell_waiting(engine, execution);
        return;
    }
    if (execution->status != STATUS_RUNNING) {
        /* Paused ones do not count; the flag of the one that ended decides about those that wait. */
        leave(engine, execution, complete && !execution->keep_waiting);
        return;
    }
    g_mutex_lock(&engine->lock);
    gate_began(find_gate(engine, execution->config_id), execution->id);
    g_mutex_unlock(&engine->lock);
}

void engine_open_gates(Engine *engine, GHashTable *purges) {
    g_autoptr(GArray) actions = gate_actions_new();
    GHashTableIter iter;
    gpointer config_id, gate;
    g_mutex_lock(&engine->lock);
    g_hash_table_iter_init(&iter, engine->gates);
    while (g_hash_table_iter_next(&iter, &config_id, &gate))
        if (gate_running(gate) == 0)
            gate_next(gate, g_hash_table_contains(purges, config_id), actions);
    g_mutex_unlock(&engine->lock);
    post_actions(engine, actions);
}

char **engine_rivals(Engine *engine, const Execution *execution, guint *ahead) {
    *ahead = 0;
    if (!execution_has_limit(execution))
        return NULL;
    g_mutex_lock(&engine->lock);
    const ConcurrencyGate *gate = g_hash_table_lookup(engine->gates, execution->config_id);
    char **ids = gate ? gate_running_ids(gate) : NULL;
    *ahead = gate ? gate_ahead(gate, execution->id) : 0;
    g_mutex_unlock(&engine->lock);
    return ids;
}

guint engine_kick_waiting(Engine *engine, const char *config_id, gboolean purge) {
    g_autoptr(GArray) actions = gate_actions_new();
    g_mutex_lock(&engine->lock);
    ConcurrencyGate *gate = g_hash_table_lookup(engine->gates, config_id);
    if (gate)
        gate_next(gate, purge, actions);
    g_mutex_unlock(&engine->lock);
    post_actions(engine, actions);
    return actions->len;
}

void engine_park(Engine *engine, const Execution *execution) {
    g_mutex_lock(&engine->lock);
    gate_park(find_gate(engine, execution->config_id), execution->id, limit_of(execution));
    g_mutex_unlock(&engine->lock);
}

void engine_count_running(Engine *engine, const char *config_id, const char *id) {
    g_mutex_lock(&engine->lock);
    if (config_id)
        gate_began(find_gate(engine, config_id), id);
    actor_count_running(actor_find_or_make(engine, id), TRUE);
    g_mutex_unlock(&engine->lock);
}
