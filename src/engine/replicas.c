/* The engine among other servers on one store: whose an execution is, whose a gate is, and what servers ask of each other. An execution
 * is stepped by its owner alone. What others want of it lies in its inbox, with a note where the answer goes; they tell the owner, who looks by
 * itself every SWEEP_MS as well. Any thread. */
#include "store/replicas.h"
#include "base/log.h"
#include "engine/runner.h"
#include "store/executions.h"
#include <string.h>

#define NOTE_KEY "_note"
#define SWEEP_MS 5000
#define RETRY_MS 1000
#define ANSWER_MS 30000 /* a request that another replica was handed is answered by then, or its outcome is unknown */

gboolean engine_is_own(Engine *engine, const char *id) {
    g_mutex_lock(&engine->lock);
    const Actor *actor = g_hash_table_lookup(engine->actors, id);
    gboolean own = actor && actor->known;
    g_mutex_unlock(&engine->lock);
    return own;
}

/* ---- gates -------------------------------------------------------------------------------------------------------- */

gint64 engine_gate_owner(Engine *engine, const Execution *execution, GError **error) {
    gint64 self = store_replica(engine->store);
    if (!engine->shared || !execution_has_limit(execution))
        return self;
    g_mutex_lock(&engine->lock);
    gboolean own = g_hash_table_contains(engine->own_gates, execution->config_id);
    g_mutex_unlock(&engine->lock);
    if (own)
        return self;
    g_autofree char *name = g_strconcat("gate:", execution->config_id, NULL);
    gint64 owner = store_own(engine->store, name, error);
    if (owner == 0)
        return -1;
    if (owner == self) {
        g_mutex_lock(&engine->lock);
        g_hash_table_add(engine->own_gates, g_strdup(execution->config_id));
        g_mutex_unlock(&engine->lock);
    }
    return owner;
}

/* ---- telling ------------------------------------------------------------------------------------------------------ */

static void tell(Engine *engine, const char *what, const char *id, const char *stage_id, gint64 replica) {
    g_autoptr(Json) json = json_pack("{s:s, s:s, s:s, s:i}", "what", what, "id", id, "stage", stage_id, "replica", replica);
    g_autofree char *text = json_write(json_root(json), NULL);
    store_tell(engine->store, text);
}

void engine_tell_inbox(Engine *engine, const char *id) {
    tell(engine, "inbox", id, "", 0);
}

void engine_tell_adoption(Engine *engine, const char *id, gint64 owner) {
    tell(engine, "inbox", id, "", owner);
}

void engine_tell_wake(Engine *engine, const char *id, const char *stage_id) {
    tell(engine, "wake", id, stage_id, 0);
}

void engine_tell_ended(Engine *engine, const char *id) {
    if (engine->shared)
        tell(engine, "ended", id, "", 0);
}

void engine_reply(Engine *engine, const ReplyTo *to, const GError *error) {
    g_autoptr(Json) json = json_pack("{s:s, s:i, s:i, s:i, s:s}", "what", "reply", "replica", to->replica, "request", to->request, "code",
                                     (gint64)(error ? error->code : -1), "message", error ? error->message : "");
    g_autofree char *text = json_write(json_root(json), NULL);
    if (strlen(text) <= REPLICA_TEXT_MAX) {
        store_tell(engine->store, text);
        return;
    }
    g_autoptr(GError) shorter = NULL;
    error_set(&shorter, error_code(error), "It was refused; the reason is too long to be told.");
    engine_reply(engine, to, shorter);
}

/* ---- requests to others ------------------------------------------------------------------------------------------- */

static Letter *take_request(Engine *engine, gint64 request) {
    gpointer key = NULL, letter = NULL;
    g_mutex_lock(&engine->lock);
    if (g_hash_table_steal_extended(engine->requests, &request, &key, &letter))
        g_free(key);
    g_mutex_unlock(&engine->lock);
    return letter;
}

static gint64 keep_request(Engine *engine, Letter *letter) {
    g_mutex_lock(&engine->lock);
    gint64 request = ++engine->last_request;
    g_hash_table_insert(engine->requests, g_memdup2(&request, sizeof request), letter);
    g_mutex_unlock(&engine->lock);
    return request;
}

typedef struct {
    Engine *engine;
    gint64 request, replica;
    char *id;
} Forwarded;

static void forwarded_free(Forwarded *forwarded) {
    g_free(forwarded->id);
    g_free(forwarded);
}

static void unanswered(gpointer data) {
    Forwarded *forwarded = data;
    Letter *letter = take_request(forwarded->engine, forwarded->request);
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_TIMEOUT,
              "execution %s: the request is recorded for the replica that works on it, which has not answered yet; look at the execution",
              forwarded->id);
    if (letter)
        letter_answer(letter, error);
    forwarded_free(forwarded);
}

/* On the committer's thread. */
static void forwarded_done(const GError *error, gpointer data) {
    Forwarded *forwarded = data;
    Engine *engine = forwarded->engine;
    if (!error) {
        engine_tell_adoption(engine, forwarded->id, forwarded->replica);
        engine->runtime->at(engine->runtime, engine->runtime->now_ms(engine->runtime) + ANSWER_MS, unanswered, forwarded);
        return;
    }
    Letter *letter = take_request(engine, forwarded->request);
    if (letter)
        letter_answer(letter, error);
    forwarded_free(forwarded);
}

static char *noted(const Message *message, const JsonValue *note) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    message_write(message, builder);
    g_autoptr(Json) plain = json_builder_end(builder);
    g_autoptr(Json) whole = json_with(json_root(plain), NOTE_KEY, note);
    return json_write(json_root(whole), NULL);
}

void engine_forward(Engine *engine, const char *id, Letter *letter, gint64 replica) {
    Message *message = message_ref(letter->message);
    gint64 request = keep_request(engine, letter);
    g_autoptr(Json) note = json_pack("{s:i, s:i}", "replica", store_replica(engine->store), "request", request);
    g_autofree char *body = noted(message, json_root(note));
    message_unref(message);
    Forwarded *forwarded = g_new0(Forwarded, 1);
    *forwarded = (Forwarded){engine, request, replica, g_strdup(id)};
    StoreUnit *unit = store_unit_new();
    store_inbox_put(unit, id, body);
    engine->runtime->commit(engine->runtime, unit, forwarded_done, forwarded);
}

void actor_hand_over(Actor *actor, gint64 to) {
    Engine *engine = actor->engine;
    for (guint i = 0; i < actor->letters->len; i++) {
        Letter *letter = g_ptr_array_index(actor->letters, i);
        if (letter->erase)
            letter->error = actor_why_not_erase(actor->execution);
        gboolean own = letter->run || (letter->message && letter->message->kind == MESSAGE_RECOVER_EXECUTION);
        if (letter->erase || letter->inbox || own) /* its row stays; what runs is its owner's affair */
            letter_answer(letter, NULL);
        else
            engine_forward(engine, actor->id, letter, MAX(to, 0));
    }
    g_ptr_array_set_size(actor->letters, 0);
}

/* ---- what lies in inboxes ----------------------------------------------------------------------------------------- */

void engine_add_adoption(StoreUnit *unit, const char *id, gint64 owner) {
    g_autoptr(Message) message = message_new(MESSAGE_START_EXECUTION);
    g_autoptr(Json) note = json_pack("{s:i}", "adopt", owner);
    g_autofree char *body = noted(message, json_root(note));
    store_inbox_put(unit, id, body);
}

InboxNote engine_read_note(const JsonValue *body) {
    const JsonValue *note = json_get(body, NOTE_KEY);
    return (InboxNote){.reply = {json_get_int(note, "replica", 0), json_get_int(note, "request", 0)},
                       .adopt = json_get_int(note, "adopt", 0)};
}

/* A restart begins like a new execution, at the replica that has the gate. */
static gboolean may_restart(Engine *engine, const char *id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(engine, id, &error);
    gint64 owner = execution ? engine_gate_owner(engine, execution, &error) : -1;
    return owner == store_replica(engine->store);
}

static gboolean adopt(Engine *engine, const char *id, Message **message) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(engine, id, &error);
    if (!execution) {
        log_warning("engine", "execution %s begins when it can be read: %s", id, error->message);
        return FALSE;
    }
    engine_list(engine, id);
    message_unref(*message);
    *message = engine_first_message(engine, execution, MESSAGE_START_EXECUTION);
    return TRUE;
}

gboolean engine_may_deliver(Engine *engine, const char *id, const InboxNote *note, Message **message, GError **refused) {
    gint64 self = store_replica(engine->store), owner = 0;
    gboolean finished = FALSE;
    if (engine_is_own(engine, id)) {
        if (note->adopt)
            error_set(refused, ERR_CONFLICT, "execution %s has begun", id);
        return TRUE;
    }
    g_autoptr(GError) error = NULL;
    if (!store_execution_owner(engine->store, id, &owner, &finished, &error)) {
        if (error_code(error) != ERR_NOT_FOUND || !g_atomic_int_get(&engine->steward))
            return FALSE;
        g_propagate_error(refused, g_steal_pointer(&error));
        return TRUE;
    }
    if (finished && (*message)->kind == MESSAGE_RESTART_STAGE)
        return may_restart(engine, id);
    if (finished)
        return g_atomic_int_get(&engine->steward);
    return owner == self && note->adopt == self && adopt(engine, id, message);
}

/* ---- what others tell --------------------------------------------------------------------------------------------- */

typedef struct {
    Engine *engine;
    char *id; /* NULL: all */
} Delivery;

static gboolean deliver(gpointer data) {
    Delivery *delivery = data;
    if (!g_atomic_int_get(&delivery->engine->stopping))
        engine_deliver_inbox(delivery->engine, delivery->id);
    g_free(delivery->id);
    g_free(delivery);
    return TRUE;
}

static void deliver_soon(Engine *engine, const char *id) {
    Delivery *delivery = g_new0(Delivery, 1);
    *delivery = (Delivery){engine, g_strdup(id)};
    engine->runtime->run(engine->runtime, LANE_IO, NULL, deliver, delivery);
}

static void told_inbox(Engine *engine, const JsonValue *told) {
    const char *id = json_get_string(told, "id");
    if (json_get_int(told, "replica", 0) == store_replica(engine->store) || engine_is_own(engine, id))
        deliver_soon(engine, id);
}

static void told_wake(Engine *engine, const JsonValue *told) {
    const char *id = json_get_string(told, "id"), *stage_id = json_get_string(told, "stage");
    Actor *actor = stage_id ? engine_find_actor(engine, id) : NULL;
    if (!actor)
        return;
    actor_wake(actor, stage_id);
    actor_unref(actor);
}

static void told_ended(Engine *engine, const JsonValue *told) {
    engine_tell_watchers(engine, json_get_string(told, "id"));
}

static void told_reply(Engine *engine, const JsonValue *told) {
    gint64 code = json_get_int(told, "code", -1);
    g_autoptr(GError) error = NULL;
    if (json_get_int(told, "replica", 0) != store_replica(engine->store))
        return;
    Letter *letter = take_request(engine, json_get_int(told, "request", 0));
    if (code >= 0)
        error_set(&error, (ErrorCode)code, "%s", json_get_string(told, "message"));
    if (letter)
        letter_answer(letter, error);
}

static const struct {
    const char *what;
    void (*take)(Engine *engine, const JsonValue *told);
} TOLD[] = {{"inbox", told_inbox}, {"wake", told_wake}, {"ended", told_ended}, {"reply", told_reply}};

void engine_told(Engine *engine, const char *text) {
    g_autoptr(Json) json = json_parse(text, -1, NULL);
    const char *what = json ? json_get_string(json_root(json), "what") : NULL;
    for (gsize i = 0; what && i < G_N_ELEMENTS(TOLD); i++)
        if (strcmp(TOLD[i].what, what) == 0)
            TOLD[i].take(engine, json_root(json));
}

/* ---- what others leave -------------------------------------------------------------------------------------------- */

typedef struct {
    Engine *engine;
    GHashTable *ids;
} Claimed;

static gboolean recover_claimed(gpointer data);

static void recover_due(gpointer data) {
    Claimed *claimed = data;
    claimed->engine->runtime->run(claimed->engine->runtime, LANE_IO, NULL, recover_claimed, claimed);
}

static gboolean recover_claimed(gpointer data) {
    Claimed *claimed = data;
    Engine *engine = claimed->engine;
    g_autoptr(GError) error = NULL;
    if (engine_recover_some(engine, claimed->ids, &error)) {
        g_hash_table_unref(claimed->ids);
        g_free(claimed);
        return TRUE;
    }
    log_warning("engine", "what another replica left goes on a little later: %s", error->message);
    engine->runtime->at(engine->runtime, engine->runtime->now_ms(engine->runtime) + RETRY_MS, recover_due, claimed);
    return TRUE;
}

void engine_claimed(Engine *engine, const char *const *ids, guint n) {
    Claimed *claimed = g_new0(Claimed, 1);
    *claimed = (Claimed){engine, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    for (guint i = 0; i < n; i++)
        g_hash_table_add(claimed->ids, g_strdup(ids[i]));
    engine->runtime->run(engine->runtime, LANE_IO, NULL, recover_claimed, claimed);
}

void engine_set_steward(Engine *engine) {
    g_atomic_int_set(&engine->steward, TRUE);
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

static void sweep_due(gpointer data) {
    Engine *engine = data;
    deliver_soon(engine, NULL);
    engine->runtime->at(engine->runtime, engine->runtime->now_ms(engine->runtime) + SWEEP_MS, sweep_due, engine);
}

static void request_drop(gpointer data) {
    letter_drop(data);
}

void engine_replicas_init(Engine *engine) {
    engine->shared = store_is_shared(engine->store);
    engine->own_gates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    engine->requests = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, request_drop);
    if (engine->shared)
        engine->runtime->at(engine->runtime, engine->runtime->now_ms(engine->runtime) + SWEEP_MS, sweep_due, engine);
}

void engine_replicas_clear(Engine *engine) {
    g_hash_table_unref(engine->own_gates);
    g_hash_table_unref(engine->requests);
}
