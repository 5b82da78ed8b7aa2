/* After a start of the program: what is unfinished goes on. Runs once, before the workers start; the executions themselves are
 * loaded by their first step. */
#include "base/log.h"
#include "engine/runner.h"
#include "store/executions.h"
#include <string.h>

/* One that had not begun. Its key tells its place: the clock may have been set since. Keys of several servers do not. */
typedef struct {
    gint64 key, build_ms;
    char *id;
} Waiting;

typedef struct {
    Engine *engine;
    GArray *waiting; /* of Waiting: NOT_STARTED executions with a configuration */
    GHashTable *ids; /* only these; NULL: all */
    guint n, page;
    ExecutionFilter filter; /* from page to page behind the last row, however many there are */
} Recovery;

static void post_internal(Engine *engine, const char *id, MessageKind kind) {
    engine_list(engine, id);
    Letter *letter = letter_new(message_new(kind));
    letter->internal = TRUE;
    engine_post(engine, id, letter);
}

static gboolean recover_one(const ExecutionRecord *record, gpointer data) {
    Recovery *recovery = data;
    recovery->page++;
    recovery->filter.after_ms = record->build_ms;
    recovery->filter.after_key = record->key;
    gboolean meant = !recovery->ids || g_hash_table_contains(recovery->ids, record->id);
    if (!meant || (recovery->ids && engine_is_own(recovery->engine, record->id))) /* own: it went on in a try before this one */
        return TRUE;
    recovery->n++;
    if (strcmp(record->status, status_info(STATUS_BUFFERED)->name) == 0)
        engine_tell_qos(recovery->engine, record->id, record->build_ms, STATUS_BUFFERED);
    if (strcmp(record->status, status_info(STATUS_NOT_STARTED)->name) != 0) {
        if (strcmp(record->status, status_info(STATUS_RUNNING)->name) == 0)
            engine_count_running(recovery->engine, record->config_id, record->id);
        post_internal(recovery->engine, record->id, MESSAGE_RECOVER_EXECUTION);
    } else if (record->config_id) {
        Waiting waiting = {record->key, record->build_ms, g_strdup(record->id)};
        g_array_append_val(recovery->waiting, waiting);
    } else {
        post_internal(recovery->engine, record->id, MESSAGE_START_EXECUTION);
    }
    return TRUE;
}

static void waiting_clear(gpointer data) {
    g_free(((Waiting *)data)->id);
}

static gint by_build(gconstpointer a, gconstpointer b) {
    gint64 left = ((const Waiting *)a)->build_ms, right = ((const Waiting *)b)->build_ms;
    return left < right ? -1 : left > right;
}

static gint by_key(gconstpointer a, gconstpointer b) {
    gint64 left = ((const Waiting *)a)->key, right = ((const Waiting *)b)->key;
    return left < right ? -1 : left > right;
}

static gboolean list_unfinished(Recovery *recovery, ExecutionType type, GError **error) {
    recovery->filter = (ExecutionFilter){.type = execution_type_name(type), .unfinished_only = TRUE, .oldest_first = TRUE};
    do {
        ExecutionFilter filter = recovery->filter;
        recovery->page = 0;
        if (!store_executions_list(recovery->engine->store, &filter, recover_one, recovery, error))
            return FALSE;
    } while (recovery->page == EXECUTIONS_LIST_MAX);
    return TRUE;
}

/* Executions that had not begun: parked in their order; where nothing runs the gate opens. */
static gboolean recover_waiting(Recovery *recovery, GError **error) {
    g_autoptr(GHashTable) purges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_array_sort(recovery->waiting, recovery->ids ? by_build : by_key);
    for (guint i = 0; i < recovery->waiting->len; i++) {
        const char *id = g_array_index(recovery->waiting, Waiting, i).id;
        g_autoptr(Execution) execution = engine_load(recovery->engine, id, error);
        if (!execution)
            return FALSE;
        if (!execution_has_limit(execution)) {
            post_internal(recovery->engine, id, MESSAGE_START_EXECUTION);
            continue;
        }
        engine_list(recovery->engine, id);
        engine_park(recovery->engine, execution);
        if (execution->keep_waiting) /* the newest one's flag stands for that of the one that ended */
            g_hash_table_remove(purges, execution->config_id);
        else
            g_hash_table_add(purges, g_strdup(execution->config_id));
    }
    engine_open_gates(recovery->engine, purges);
    return TRUE;
}

gboolean engine_recover_some(Engine *engine, GHashTable *ids, GError **error) {
    g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    g_array_set_clear_func(waiting, waiting_clear);
    Recovery recovery = {.engine = engine, .waiting = waiting, .ids = ids};
    if (!list_unfinished(&recovery, EXECUTION_PIPELINE, error) || !list_unfinished(&recovery, EXECUTION_ORCHESTRATION, error) ||
        !recover_waiting(&recovery, error))
        return FALSE;
    engine_deliver_inbox(engine, NULL);
    if (recovery.n > 0)
        log_info("engine", "%u unfinished executions go on", recovery.n);
    return TRUE;
}

/* Of a store that is shared this server owns nothing yet: it is told what others leave (engine_claimed). */
gboolean engine_recover(Engine *engine, GError **error) {
    return engine->shared || engine_recover_some(engine, NULL, error);
}

/* ---- messages between executions ---- */
typedef struct {
    Engine *engine;
    gint64 number;
    ReplyTo reply;
} InboxRow;

/* FALSE: it is on its way already. */
static gboolean claim_row(Engine *engine, gint64 number) {
    g_mutex_lock(&engine->lock);
    gboolean fresh = !g_hash_table_contains(engine->inbox, &number);
    if (fresh)
        g_hash_table_add(engine->inbox, g_memdup2(&number, sizeof number));
    g_mutex_unlock(&engine->lock);
    return fresh;
}

static void remove_row(Engine *engine, gint64 number) {
    g_autoptr(GError) error = NULL;
    StoreUnit *unit = store_unit_new();
    store_inbox_remove(unit, number);
    if (!store_commit(engine->store, unit, &error))
        log_warning("engine", "a message between executions was not removed: %s", error->message);
}

/* The row went with the receiver's commit, or there is no receiver (any more). */
static void row_done(const GError *error, gpointer data) {
    InboxRow *row = data;
    g_mutex_lock(&row->engine->lock);
    g_hash_table_remove(row->engine->inbox, &row->number);
    g_mutex_unlock(&row->engine->lock);
    /* A letter that was refused came to no commit with which its row would go. */
    if (error && (error_code(error) == ERR_NOT_FOUND || row->reply.replica))
        remove_row(row->engine, row->number);
    if (row->reply.replica)
        engine_reply(row->engine, &row->reply, error);
    g_free(row);
}

static gboolean deliver_row(const char *recipient_id, gint64 number, const char *body, gpointer data) {
    Engine *engine = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_parse(body, -1, &error);
    Message *message = json ? message_read(json_root(json), &error) : NULL;
    if (!message) {
        log_error("engine", "a message to execution %s is dropped: %s", recipient_id, error->message);
        remove_row(engine, number);
        return TRUE;
    }
    const InboxNote note = engine_read_note(json_root(json));
    g_autoptr(GError) refused = NULL;
    if (!claim_row(engine, number)) {
        message_unref(message);
        return TRUE;
    }
    if (engine->shared && !engine_may_deliver(engine, recipient_id, &note, &message, &refused)) {
        message_unref(message);
        g_mutex_lock(&engine->lock);
        g_hash_table_remove(engine->inbox, &number);
        g_mutex_unlock(&engine->lock);
        return TRUE;
    }
    InboxRow *row = g_new0(InboxRow, 1);
    *row = (InboxRow){engine, number, note.reply};
    if (refused) { /* there is nothing (any more) to be told */
        message_unref(message);
        remove_row(engine, number);
        row_done(refused, row);
        return TRUE;
    }
    Letter *letter = letter_new(message);
    letter->internal = TRUE;
    letter->inbox = number;
    letter->done = row_done;
    letter->data = row;
    engine_post(engine, recipient_id, letter);
    return TRUE;
}

void engine_deliver_inbox(Engine *engine, const char *id) {
    g_autoptr(GError) error = NULL;
    if (!store_inbox_each(engine->store, id, deliver_row, engine, &error))
        log_warning("engine", "messages between executions are delivered at the next start: %s", error->message);
}
