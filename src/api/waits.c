/* Requests that wait for an execution's end. Owns the waiting answers; one thread. The store's listener only moves ids to the queue. */
#include "api/waits.h"
#include "api/internal.h"
#include "base/clock.h"
#include "net/thread_signals.h"
#include <string.h>

typedef struct {
    Answer *answer;
    WaitEnd end;
    gpointer data;
    GDestroyNotify free_data;
    gint64 until_ms; /* clock_elapsed_ms */
} Wait;

struct Waits {
    Services *services;
    GMutex lock;
    GCond changed;
    GHashTable *waiting; /* execution id → GPtrArray of Wait, under lock */
    GQueue due;          /* execution ids (owned) that ended, under lock */
    guint count;         /* of Wait, under lock */
    gboolean stopping;   /* under lock */
    guint listener;
    GThread *thread;
};

static void wait_free(gpointer data) {
    Wait *wait = data;
    if (wait->free_data != NULL)
        wait->free_data(wait->data);
    g_free(wait->answer);
    g_free(wait);
}

static void on_change(const StoreChangeEvent *event, gpointer data) {
    Waits *waits = data;
    Status status = STATUS_CANCELED; /* what is no status says that it is gone */
    if (strcmp(event->change.kind, "execution") != 0 || event->change.status == NULL)
        return;
    if (status_parse(event->change.status, &status) && !status_info(status)->complete)
        return;
    g_mutex_lock(&waits->lock);
    if (g_hash_table_contains(waits->waiting, event->change.id)) {
        g_queue_push_tail(&waits->due, g_strdup(event->change.id));
        g_cond_signal(&waits->changed);
    }
    g_mutex_unlock(&waits->lock);
}

/* ---- the thread ---- */
static void answer_all(Waits *waits, const char *execution_id, GPtrArray *ended) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(waits->services->engine, execution_id, &error);
    for (guint i = 0; i < ended->len; i++) {
        Wait *wait = ended->pdata[i];
        if (execution != NULL)
            wait->end(wait->answer, waits->services, execution, wait->data);
        else
            answer_error(wait->answer, 0, error, NULL);
    }
}

/* With the lock held; takes the waits of an execution out, all or those whose time is over. Caller owns the array, NULL when none. */
static GPtrArray *take(Waits *waits, const char *execution_id, gint64 now_ms, gboolean all) {
    GPtrArray *list = g_hash_table_lookup(waits->waiting, execution_id);
    if (list == NULL)
        return NULL;
    GPtrArray *taken = g_ptr_array_new_with_free_func(wait_free);
    for (guint i = list->len; i-- > 0;)
        if (all || ((Wait *)list->pdata[i])->until_ms <= now_ms)
            g_ptr_array_add(taken, g_ptr_array_steal_index(list, i));
    waits->count -= taken->len;
    if (list->len == 0)
        g_hash_table_remove(waits->waiting, execution_id);
    return taken;
}

/* With the lock held: an execution of which a wait's time is over, or NULL; *next_ms becomes the earliest end. Caller frees. */
static char *overdue(Waits *waits, gint64 now_ms, gint64 *next_ms) {
    GHashTableIter iter;
    gpointer id, list;
    *next_ms = G_MAXINT64;
    g_hash_table_iter_init(&iter, waits->waiting);
    while (g_hash_table_iter_next(&iter, &id, &list)) {
        for (guint i = 0; i < ((GPtrArray *)list)->len; i++) {
            const Wait *wait = ((GPtrArray *)list)->pdata[i];
            if (wait->until_ms <= now_ms || waits->stopping)
                return g_strdup(id);
            *next_ms = MIN(*next_ms, wait->until_ms);
        }
    }
    return NULL;
}

/* With the lock held: the next execution to answer for, waiting for one; NULL when stopping and nothing is left. */
static char *next_due(Waits *waits, gboolean *all) {
    for (;;) {
        gint64 next_ms = 0, now_ms = clock_elapsed_ms();
        char *id = g_queue_pop_head(&waits->due);
        *all = id != NULL || waits->stopping;
        if (id == NULL)
            id = overdue(waits, now_ms, &next_ms);
        if (id != NULL || waits->stopping)
            return id;
        gint64 left_ms = MIN(next_ms - now_ms, WAIT_BULK_MS);
        g_cond_wait_until(&waits->changed, &waits->lock, g_get_monotonic_time() + left_ms * 1000);
    }
}

static gpointer run(gpointer data) {
    Waits *waits = data;
    gboolean all = FALSE;
    g_mutex_lock(&waits->lock);
    for (char *id; (id = next_due(waits, &all)) != NULL; g_free(id)) {
        g_autoptr(GPtrArray) ended = take(waits, id, clock_elapsed_ms(), all);
        g_mutex_unlock(&waits->lock);
        if (ended != NULL)
            answer_all(waits, id, ended);
        g_clear_pointer(&ended, g_ptr_array_unref);
        g_mutex_lock(&waits->lock);
    }
    g_mutex_unlock(&waits->lock);
    return NULL;
}

/* ---- life ---- */
Waits *waits_new(Services *services) {
    Waits *waits = g_new0(Waits, 1);
    waits->services = services;
    g_mutex_init(&waits->lock);
    g_cond_init(&waits->changed);
    waits->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_queue_init(&waits->due);
    waits->listener = store_listen(services->store, on_change, waits);
    sigset_t before;
    thread_signals_block(&before);
    waits->thread = g_thread_new("api-waits", run, waits);
    thread_signals_restore(&before);
    return waits;
}

void waits_stop(Waits *waits) {
    g_mutex_lock(&waits->lock);
    waits->stopping = TRUE;
    g_cond_signal(&waits->changed);
    g_mutex_unlock(&waits->lock);
}

void waits_free(Waits *waits) {
    if (waits == NULL)
        return;
    store_unlisten(waits->services->store, waits->listener);
    waits_stop(waits);
    g_thread_join(waits->thread);
    g_queue_clear_full(&waits->due, g_free);
    g_hash_table_unref(waits->waiting);
    g_mutex_clear(&waits->lock);
    g_cond_clear(&waits->changed);
    g_free(waits);
}

static gboolean is_complete(Services *services, const char *execution_id) {
    g_autoptr(Execution) execution = engine_load(services->engine, execution_id, NULL);
    return execution == NULL || status_info(execution->status)->complete;
}

static void insert(Waits *waits, const char *execution_id, Wait *wait) {
    GPtrArray *list = g_hash_table_lookup(waits->waiting, execution_id);
    if (list == NULL) {
        list = g_ptr_array_new_with_free_func(wait_free);
        g_hash_table_insert(waits->waiting, g_strdup(execution_id), list);
    }
    g_ptr_array_add(list, wait);
    waits->count++;
    g_cond_signal(&waits->changed);
}

gboolean waits_add(Waits *waits, ApiCall *call, const char *execution_id, gint64 most_ms, WaitEnd end, gpointer data,
                   GDestroyNotify free_data, GError **error) {
    g_mutex_lock(&waits->lock);
    gboolean room = waits->count < WAITS_MAX && !waits->stopping;
    if (room) {
        Wait *wait = g_new0(Wait, 1);
        *wait = (Wait){api_answer_later(call), end, data, free_data, clock_elapsed_ms() + most_ms};
        insert(waits, execution_id, wait);
    }
    g_mutex_unlock(&waits->lock);
    if (!room) {
        if (free_data != NULL)
            free_data(data);
        error_set(error, ERR_UNAVAILABLE, "task %s was started, but %d requests wait for the end of theirs already; look at GET /tasks/%s",
                  execution_id, WAITS_MAX, execution_id);
        return FALSE;
    }
    /* It may have ended before it was in the table. */
    if (is_complete(waits->services, execution_id)) {
        g_mutex_lock(&waits->lock);
        g_queue_push_tail(&waits->due, g_strdup(execution_id));
        g_cond_signal(&waits->changed);
        g_mutex_unlock(&waits->lock);
    }
    return TRUE;
}
