/* Concurrency limits of one pipeline. Pure: ids in, decisions out. */
#include "engine/concurrency.h"
#include <string.h>

typedef struct {
    char *id;
    gint64 limit;
} Waiting;

struct ConcurrencyGate {
    GHashTable *running; /* set of ids */
    GQueue waiting;      /* of Waiting, oldest first */
};

static void waiting_free(gpointer data) {
    g_free(((Waiting *)data)->id);
    g_free(data);
}

ConcurrencyGate *gate_new(void) {
    ConcurrencyGate *gate = g_new0(ConcurrencyGate, 1);
    gate->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return gate;
}

void gate_free(ConcurrencyGate *gate) {
    g_hash_table_unref(gate->running);
    g_queue_clear_full(&gate->waiting, waiting_free);
    g_free(gate);
}

static void action_clear(gpointer data) {
    g_free(((GateAction *)data)->id);
}

GArray *gate_actions_new(void) {
    GArray *actions = g_array_new(FALSE, FALSE, sizeof(GateAction));
    g_array_set_clear_func(actions, action_clear);
    return actions;
}

static gboolean has_room(const ConcurrencyGate *gate, gint64 limit) {
    return limit <= 0 || g_hash_table_size(gate->running) < limit;
}

static GList *find_waiting(ConcurrencyGate *gate, const char *id) {
    for (GList *each = gate->waiting.head; each; each = each->next)
        if (strcmp(((Waiting *)each->data)->id, id) == 0)
            return each;
    return NULL;
}

GatePlace gate_place(ConcurrencyGate *gate, const char *id) {
    if (g_hash_table_contains(gate->running, id))
        return PLACE_RUNNING;
    return find_waiting(gate, id) ? PLACE_WAITING : PLACE_NONE;
}

static gboolean stop_waiting(ConcurrencyGate *gate, const char *id) {
    GList *found = find_waiting(gate, id);
    if (!found)
        return FALSE;
    waiting_free(found->data);
    g_queue_delete_link(&gate->waiting, found);
    return TRUE;
}

void gate_park(ConcurrencyGate *gate, const char *id, gint64 limit) {
    Waiting *waiting = g_new0(Waiting, 1);
    *waiting = (Waiting){g_strdup(id), limit};
    g_queue_push_tail(&gate->waiting, waiting);
}

GateAnswer gate_ask(ConcurrencyGate *gate, const char *id, gint64 limit, gint64 parked_max) {
    GatePlace place = gate_place(gate, id);
    if (place != PLACE_NONE)
        return place == PLACE_RUNNING ? GATE_START : GATE_PARK;
    if (limit <= 0 || (has_room(gate, limit) && gate->waiting.length == 0)) {
        gate_began(gate, id);
        return GATE_START;
    }
    if (gate->waiting.length >= parked_max)
        return GATE_REFUSE;
    gate_park(gate, id, limit);
    return GATE_PARK;
}

void gate_began(ConcurrencyGate *gate, const char *id) {
    stop_waiting(gate, id);
    if (!g_hash_table_contains(gate->running, id))
        g_hash_table_add(gate->running, g_strdup(id));
}

static void add_action(GArray *actions, gboolean start, char *id) {
    GateAction action = {start, id};
    g_array_append_val(actions, action);
}

void gate_next(ConcurrencyGate *gate, gboolean purge, GArray *actions) {
    while (purge && gate->waiting.length > 1) {
        Waiting *old = g_queue_pop_head(&gate->waiting);
        add_action(actions, FALSE, g_steal_pointer(&old->id));
        waiting_free(old);
    }
    Waiting *first;
    while ((first = g_queue_peek_head(&gate->waiting)) && has_room(gate, first->limit)) {
        g_queue_pop_head(&gate->waiting);
        g_hash_table_add(gate->running, g_strdup(first->id));
        add_action(actions, TRUE, g_steal_pointer(&first->id));
        waiting_free(first);
    }
}

gboolean gate_left(ConcurrencyGate *gate, const char *id, gboolean purge, GArray *actions) {
    if (g_hash_table_remove(gate->running, id))
        gate_next(gate, purge, actions);
    else if (stop_waiting(gate, id))
        gate_next(gate, FALSE, actions);
    else
        return FALSE;
    return TRUE;
}

guint gate_running(const ConcurrencyGate *gate) {
    return g_hash_table_size(gate->running);
}

guint gate_waiting(const ConcurrencyGate *gate) {
    return gate->waiting.length;
}

static gint by_id(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **gate_running_ids(const ConcurrencyGate *gate) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    GHashTableIter iter;
    gpointer id;
    g_hash_table_iter_init(&iter, gate->running);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_ptr_array_add(ids, g_strdup(id));
    g_ptr_array_sort(ids, by_id);
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

guint gate_ahead(const ConcurrencyGate *gate, const char *id) {
    guint ahead = 0;
    for (const GList *each = gate->waiting.head; each && strcmp(((const Waiting *)each->data)->id, id) != 0; each = each->next)
        ahead++;
    return ahead;
}

gboolean gate_is_empty(const ConcurrencyGate *gate) {
    return g_hash_table_size(gate->running) == 0 && gate->waiting.length == 0;
}
