/* All runs of operations of this process: accepts requests, gives them workers of the runtime (at most OPERATIONS_BUSY_PER_ACCOUNT of an
 * account and OPERATION_RUNS_MAX in all), takes up what a stop or crash left, cancels.
 *
 * A run is in the queue, has a worker, or waits with a timer. Owns the runs that have not ended, and to its own end those that a stop
 * kept; an ended one lives in the store alone. Any thread; the lock is not held over a commit. */
#include "clouds/operations.h"
#include "base/log.h"
#include "store/replicas.h"

struct Operations {
    Clouds *clouds;
    void (*ended)(const char *execution_id, const char *stage_id, gpointer data);
    gpointer data;
    Runtime *runtime;
    GMutex lock;
    GCond changed;    /* a run ended or became known */
    GHashTable *runs; /* id → OperationRun *, owned; NULL: being accepted */
    GHashTable *busy; /* account → number of its runs that have a worker or are promised one */
    GQueue *waiting;  /* of OperationRun, in the order of arrival */
    guint promised, running;
    gboolean started, stopping;
};

Operations *operations_new(Clouds *clouds, const CloudsOptions *options) {
    Operations *operations = g_new0(Operations, 1);
    operations->clouds = clouds;
    operations->ended = options->operation_ended;
    operations->data = options->data;
    operations->runtime = options->runtime;
    operations->runs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)operation_run_free);
    operations->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    operations->waiting = g_queue_new();
    g_mutex_init(&operations->lock);
    g_cond_init(&operations->changed);
    return operations;
}

void operations_free(Operations *operations) {
    if (!operations)
        return;
    g_queue_free(operations->waiting);
    g_hash_table_unref(operations->runs);
    g_hash_table_unref(operations->busy);
    g_cond_clear(&operations->changed);
    g_mutex_clear(&operations->lock);
    g_free(operations);
}

/* ---- workers ---- */

static guint busy_of(const Operations *operations, const char *account) {
    return GPOINTER_TO_UINT(g_hash_table_lookup(operations->busy, account));
}

static void count_busy(Operations *operations, const char *account, guint busy) {
    g_hash_table_insert(operations->busy, g_strdup(account), GUINT_TO_POINTER(busy));
}

static gboolean work_on(gpointer data);

/* With the lock held. */
static void give_workers(Operations *operations) {
    for (GList *link = operations->waiting->head, *next; link && operations->started && !operations->stopping; link = next) {
        next = link->next;
        OperationRun *run = link->data;
        guint busy = busy_of(operations, run->account);
        if (operations->promised >= OPERATION_RUNS_MAX)
            return;
        if (busy >= OPERATIONS_BUSY_PER_ACCOUNT)
            continue;
        count_busy(operations, run->account, busy + 1);
        operations->promised++;
        g_queue_delete_link(operations->waiting, link);
        operations->runtime->run(operations->runtime, LANE_IO, NULL, work_on, run);
    }
}

/* With the lock held. */
static void enqueue(Operations *operations, OperationRun *run) {
    g_queue_push_tail(operations->waiting, run);
    give_workers(operations);
}

static void wait_is_over(gpointer data) {
    OperationRun *run = data;
    Operations *operations = run->runner;
    g_mutex_lock(&operations->lock);
    run->timer = 0;
    enqueue(operations, run);
    g_mutex_unlock(&operations->lock);
}

/* What gives up looks at once; what cannot write its state waits all the same. With the lock held. */
static void put_to_sleep(Operations *operations, OperationRun *run) {
    if (g_atomic_int_get(&run->cancelled) && !run->unsaved)
        g_queue_push_tail(operations->waiting, run);
    else
        run->timer = operations->runtime->at(operations->runtime, run->due_ms, wait_is_over, run);
}

/* With the lock held. */
static void wake(Operations *operations, OperationRun *run) {
    if (!run->timer || !operations->runtime->forget(operations->runtime, run->timer))
        return;
    run->timer = 0;
    enqueue(operations, run);
}

static gboolean begin_work(Operations *operations) {
    g_mutex_lock(&operations->lock);
    gboolean begins = !operations->stopping;
    operations->running += begins ? 1 : 0;
    g_mutex_unlock(&operations->lock);
    return begins;
}

static gboolean work_on(gpointer data) {
    OperationRun *run = data;
    Operations *operations = run->runner;
    if (!begin_work(operations))
        return TRUE;
    gboolean rests = operation_run_execute(run), over = rests && run->status != RUN_GOES_ON;
    g_autofree char *execution_id = g_strdup(run->execution_id), *stage_id = g_strdup(run->stage_id);
    g_mutex_lock(&operations->lock);
    count_busy(operations, run->account, busy_of(operations, run->account) - 1);
    operations->promised--;
    operations->running--;
    if (!rests)
        put_to_sleep(operations, run);
    else
        g_hash_table_remove(operations->runs, run->id);
    give_workers(operations);
    g_cond_broadcast(&operations->changed);
    g_mutex_unlock(&operations->lock);
    if (over && operations->ended && execution_id && stage_id)
        operations->ended(execution_id, stage_id, operations->data);
    return TRUE;
}

/* ---- accepting ---- */

/* FALSE: the id is known already. Else it is held for the caller, who must settle or drop it. */
static gboolean hold_id(Operations *operations, const char *id) {
    g_mutex_lock(&operations->lock);
    gboolean fresh = TRUE;
    while (g_hash_table_contains(operations->runs, id)) {
        fresh = FALSE;
        if (g_hash_table_lookup(operations->runs, id))
            break;
        if (!operations->runtime->wait(operations->runtime, &operations->changed, &operations->lock)) /* somebody accepts it right now */
            break;
        fresh = TRUE;
    }
    if (fresh)
        g_hash_table_insert(operations->runs, g_strdup(id), NULL);
    g_mutex_unlock(&operations->lock);
    return fresh;
}

static void drop_id(Operations *operations, const char *id) {
    g_mutex_lock(&operations->lock);
    g_hash_table_remove(operations->runs, id);
    g_cond_broadcast(&operations->changed);
    g_mutex_unlock(&operations->lock);
}

static void settle_id(Operations *operations, OperationRun *run) {
    g_mutex_lock(&operations->lock);
    run->runner = operations;
    g_hash_table_insert(operations->runs, g_strdup(run->id), run);
    enqueue(operations, run);
    g_cond_broadcast(&operations->changed);
    g_mutex_unlock(&operations->lock);
}

static gboolean note_exists(const OperationRecord *record, gpointer data) {
    (void)record;
    *(gboolean *)data = TRUE;
    return FALSE;
}

/* Whether the store has it; an error but ERR_NOT_FOUND is one. */
static gboolean is_stored(Operations *operations, const char *id, gboolean *exists, GError **error) {
    g_autoptr(GError) failed = NULL;
    *exists = FALSE;
    if (store_operation_load(clouds_store(operations->clouds), id, note_exists, exists, &failed) || error_code(failed) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean read_request(OperationRun *run, const JsonValue *request, GError **error) {
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    if (!operation_request_read(run, request, errors, error))
        return FALSE;
    if (!errors->len)
        return TRUE;
    g_ptr_array_add(errors, NULL);
    g_autofree char *text = g_strjoinv("; ", (char **)errors->pdata);
    error_set(error, ERR_INVALID, "%s", text);
    return FALSE;
}

static OperationRun *accept_request(Operations *operations, const char *id, const char *execution_id, const char *stage_id,
                                    const char *cloud, const JsonValue *request, const Principal *principal, GError **error) {
    OperationRun *run = operation_run_new(operations->clouds, id);
    run->execution_id = g_strdup(execution_id);
    run->stage_id = g_strdup(stage_id);
    run->cloud = g_strdup(cloud);
    run->user = g_strdup(principal ? principal->user : NULL);
    run->request_text = json_write(request, NULL);
    run->created_ms = clouds_now_ms(operations->clouds);
    if (read_request(run, request, error)) {
        operation_run_line(run, NULL, g_strdup("Initializing Orchestration Task..."));
        if (operation_run_insert(run, error))
            return run;
    }
    operation_run_free(run);
    return NULL;
}

gboolean operations_begin(Operations *operations, const char *id, const char *execution_id, const char *stage_id, const char *cloud,
                          const JsonValue *request, const Principal *principal, GError **error) {
    if (!hold_id(operations, id))
        return TRUE;
    gboolean exists = FALSE;
    OperationRun *run = NULL;
    gboolean read = is_stored(operations, id, &exists, error);
    if (read && !exists)
        run = accept_request(operations, id, execution_id, stage_id, cloud, request, principal, error);
    if (run)
        settle_id(operations, run);
    else
        drop_id(operations, id);
    return run != NULL || (read && exists);
}

/* ---- taking up what was left ---- */

typedef struct {
    OperationRun *run;
    GError *error; /* why it cannot go on; NULL: it can */
} Left;
typedef struct {
    Operations *operations;
    GArray *left;
    GHashTable *executions; /* ids: only theirs; NULL: all */
} TakingUp;

/* The request is read again; what is wrong with it was said when it was posted. */
static gboolean read_record(OperationRun *run, const OperationRecord *record, GError **error) {
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Json) request = json_parse(record->request, -1, error);
    g_autoptr(Json) state = request ? json_parse(record->state, -1, error) : NULL;
    if (!state)
        return FALSE;
    run->user = g_strdup(json_get_string(json_root(state), "user"));
    if (!operation_request_read(run, json_root(request), errors, error))
        return FALSE;
    operation_run_restore(run, record, json_root(state));
    return TRUE;
}

static gboolean keep_line(const OperationLine *line, gpointer data) {
    operation_run_add_saved_line(data, line);
    return TRUE;
}

static gboolean take_up(const OperationRecord *record, gpointer data) {
    TakingUp *taking = data;
    if (taking->executions && (!record->execution_id || !g_hash_table_contains(taking->executions, record->execution_id)))
        return TRUE;
    OperationRun *run = operation_run_new(taking->operations->clouds, record->id);
    run->execution_id = g_strdup(record->execution_id);
    run->stage_id = g_strdup(record->stage_id);
    run->cloud = g_strdup(record->cloud);
    run->account = g_strdup(record->account);
    run->request_text = g_strdup(record->request);
    run->created_ms = record->created_ms;
    run->version = record->version;
    Left left = {run, NULL};
    read_record(run, record, &left.error);
    g_array_append_val(taking->left, left);
    return TRUE;
}

static void give_up(Operations *operations, OperationRun *run, const GError *why) {
    log_error("clouds", "operation %s cannot go on after the restart: %s", run->id, why->message);
    operation_run_fail(run, "restart", why);
    g_autoptr(GError) error = NULL;
    if (!operation_run_save(run, &error))
        log_error("clouds", "operation %s: its failure was not written: %s", run->id, error->message);
    if (operations->ended && run->execution_id && run->stage_id)
        operations->ended(run->execution_id, run->stage_id, operations->data);
    operation_run_free(run);
}

static void go_on(Operations *operations, const Left *left) {
    OperationRun *run = left->run;
    g_autoptr(GError) error = NULL;
    if (!store_operation_lines(clouds_store(operations->clouds), run->id, keep_line, run, &error))
        log_warning("clouds", "operation %s: its lines were not read: %s", run->id, error->message);
    if (left->error)
        give_up(operations, run, left->error);
    else
        settle_id(operations, run);
}

static void take_up_all(Operations *operations, GHashTable *executions) {
    g_autoptr(GArray) left = g_array_new(FALSE, FALSE, sizeof(Left));
    TakingUp taking = {operations, left, executions};
    g_autoptr(GError) error = NULL;
    if (!store_operations_unfinished(clouds_store(operations->clouds), take_up, &taking, &error))
        log_error("clouds", "unfinished operations could not be read: %s", error->message);
    for (guint i = 0; i < left->len; i++) {
        Left *one = &g_array_index(left, Left, i);
        if (hold_id(operations, one->run->id))
            go_on(operations, one);
        else
            operation_run_free(one->run);
        g_clear_error(&one->error);
    }
}

/* Where other servers work on the same store, what is unfinished may be theirs. */
void operations_start(Operations *operations) {
    g_mutex_lock(&operations->lock);
    operations->started = TRUE;
    g_mutex_unlock(&operations->lock);
    if (!store_is_shared(clouds_store(operations->clouds)))
        take_up_all(operations, NULL);
}

void operations_take_up(Operations *operations, GHashTable *executions) {
    take_up_all(operations, executions);
}

/* ---- the rest ---- */

static void signal_runs(Operations *operations, gboolean writes_too) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, operations->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        OperationRun *run = value;
        if (!run)
            continue;
        g_atomic_int_set(&run->stopping, TRUE);
        cancel_set(run->cancel);
        if (writes_too)
            cancel_set(run->write_cancel);
        if (run->timer && operations->runtime->forget(operations->runtime, run->timer))
            run->timer = 0;
    }
}

void operations_stop(Operations *operations, gint64 grace_ms) {
    gint64 until = g_get_monotonic_time() + grace_ms * 1000;
    g_mutex_lock(&operations->lock);
    operations->stopping = TRUE;
    signal_runs(operations, FALSE);
    while (operations->running && g_cond_wait_until(&operations->changed, &operations->lock, until))
        ;
    signal_runs(operations, TRUE);
    while (operations->running)
        g_cond_wait(&operations->changed, &operations->lock);
    g_mutex_unlock(&operations->lock);
}

void operations_cancel(Operations *operations, const char *id) {
    g_mutex_lock(&operations->lock);
    OperationRun *run = g_hash_table_lookup(operations->runs, id);
    if (run) {
        g_atomic_int_set(&run->cancelled, TRUE);
        cancel_set(run->cancel);
        wake(operations, run);
    }
    g_mutex_unlock(&operations->lock);
}

Json *operations_json(Operations *operations, const char *id, GError **error) {
    g_mutex_lock(&operations->lock);
    OperationRun *run = g_hash_table_lookup(operations->runs, id);
    Json *json = run ? operation_run_json(run) : NULL;
    g_mutex_unlock(&operations->lock);
    return json ? json : operation_stored_json(clouds_store(operations->clouds), id, error);
}
