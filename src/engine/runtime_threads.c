/* The runtime of the program. Owns the step workers, the I/O workers and the timer thread. One lock guards all queues: what is
 * done under it is short. */
#include "engine/runtime_threads.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

typedef struct Account Account;
typedef struct {
    RuntimeWork work;
    gpointer data;
    Account *account;
} Job;

/* The jobs of one account; those without one share the account "". */
struct Account {
    char *name;
    GQueue jobs; /* of Job */
    guint busy;
    gboolean distrusted, listed; /* listed: in the queue of accounts that have a job and room */
};

typedef struct {
    guint64 id;
    gint64 when_ms;
    RuntimeDue due;
    gpointer data;
    guint at; /* place in the heap */
} Timer;

typedef struct {
    Runtime runtime;
    Store *store;
    guint io_max;
    GMutex lock;
    GCond step_wakes, io_wakes, timer_wakes, rest; /* rest: something ended */
    GQueue steps;                                  /* of Job */
    GHashTable *accounts;                          /* name to Account */
    GQueue ready;                                  /* of Account: listed */
    guint step_busy, step_idle, io_workers, io_idle, io_busy, timer_busy;
    GPtrArray *heap;    /* of Timer, earliest first */
    GHashTable *timers; /* id to Timer */
    guint64 last_timer;
    gint64 clock_offset; /* wall clock minus elapsed time, as last seen */
    gboolean started, stopping;
    GThread *step_threads[STEP_WORKERS], *timer_thread;
} Threads;

static Threads *threads_of(Runtime *runtime) {
    return (Threads *)runtime;
}

static gint64 now_ms(Runtime *runtime) {
    (void)runtime;
    return clock_now_ms();
}

static guint64 random_number(Runtime *runtime) {
    (void)runtime;
    return (guint64)g_random_int() << 32 | g_random_int();
}

/* ---- I/O workers: a job is taken by a worker when its account has room ---- */
static gboolean has_room(const Account *account) {
    if (!*account->name)
        return TRUE;
    return account->busy < (account->distrusted ? ACCOUNT_BUSY_DISTRUST : ACCOUNT_BUSY_MAX);
}

static void list_account(Threads *threads, Account *account) {
    if (account->listed || account->jobs.length == 0 || !has_room(account))
        return;
    account->listed = TRUE;
    g_queue_push_tail(&threads->ready, account);
}

/* Accounts take turns, so that one with many jobs does not keep the others waiting. */
static Job *take_io_job(Threads *threads) {
    Account *account = g_queue_pop_head(&threads->ready);
    if (!account)
        return NULL;
    account->listed = FALSE;
    account->busy++;
    threads->io_busy++;
    Job *job = g_queue_pop_head(&account->jobs);
    list_account(threads, account);
    return job;
}

static void end_io_job(Threads *threads, Account *account, gboolean answered) {
    account->busy--;
    threads->io_busy--;
    account->distrusted = !answered;
    list_account(threads, account);
    if (account->busy == 0 && account->jobs.length == 0 && !account->distrusted)
        g_hash_table_remove(threads->accounts, account->name);
    if (threads->io_idle > 0 && threads->ready.length > 0)
        g_cond_signal(&threads->io_wakes);
}

static gpointer io_worker(gpointer data) {
    Threads *threads = data;
    g_mutex_lock(&threads->lock);
    while (!threads->stopping) {
        Job *job = take_io_job(threads);
        if (!job) {
            gint64 until = g_get_monotonic_time() + IO_WORKER_IDLE_MS * G_TIME_SPAN_MILLISECOND;
            threads->io_idle++;
            gboolean woken = g_cond_wait_until(&threads->io_wakes, &threads->lock, until);
            threads->io_idle--;
            if (!woken && threads->ready.length == 0)
                break;
            continue;
        }
        g_mutex_unlock(&threads->lock);
        gboolean answered = job->work(job->data);
        g_mutex_lock(&threads->lock);
        end_io_job(threads, job->account, answered);
        g_free(job);
    }
    threads->io_workers--;
    g_cond_broadcast(&threads->rest);
    g_mutex_unlock(&threads->lock);
    return NULL;
}

static void put_io_job(Threads *threads, const char *name, Job *job) {
    Account *account = g_hash_table_lookup(threads->accounts, name);
    if (!account) {
        account = g_new0(Account, 1);
        account->name = g_strdup(name);
        g_hash_table_insert(threads->accounts, account->name, account);
    }
    job->account = account;
    g_queue_push_tail(&account->jobs, job);
    list_account(threads, account);
    if (threads->started && threads->io_idle == 0 && threads->ready.length > 0 && threads->io_workers < threads->io_max) {
        threads->io_workers++;
        g_thread_unref(g_thread_new("io-worker", io_worker, threads));
    }
    if (threads->io_idle > 0)
        g_cond_signal(&threads->io_wakes);
}

/* ---- step workers ---- */
static gpointer step_worker(gpointer data) {
    Threads *threads = data;
    g_mutex_lock(&threads->lock);
    while (TRUE) {
        Job *job = threads->stopping ? NULL : g_queue_pop_head(&threads->steps);
        if (!job) {
            if (threads->stopping)
                break;
            threads->step_idle++;
            g_cond_wait(&threads->step_wakes, &threads->lock);
            threads->step_idle--;
            continue;
        }
        threads->step_busy++;
        g_mutex_unlock(&threads->lock);
        job->work(job->data);
        g_free(job);
        g_mutex_lock(&threads->lock);
        threads->step_busy--;
    }
    g_cond_broadcast(&threads->rest);
    g_mutex_unlock(&threads->lock);
    return NULL;
}

static void run(Runtime *runtime, RuntimeLane lane, const char *account, RuntimeWork work, gpointer data) {
    Threads *threads = threads_of(runtime);
    Job *job = g_new0(Job, 1);
    *job = (Job){work, data, NULL};
    g_mutex_lock(&threads->lock);
    if (lane == LANE_IO) {
        put_io_job(threads, account ? account : "", job);
    } else {
        g_queue_push_tail(&threads->steps, job);
        if (threads->step_idle > 0)
            g_cond_signal(&threads->step_wakes);
    }
    g_mutex_unlock(&threads->lock);
}

/* ---- the timer thread: a heap of what is due when ---- */
static Timer *heap_at(Threads *threads, guint at) {
    return g_ptr_array_index(threads->heap, at);
}

static void heap_put(Threads *threads, guint at, Timer *timer) {
    threads->heap->pdata[at] = timer;
    timer->at = at;
}

static void heap_up(Threads *threads, guint at) {
    Timer *timer = heap_at(threads, at);
    while (at > 0 && heap_at(threads, (at - 1) / 2)->when_ms > timer->when_ms) {
        heap_put(threads, at, heap_at(threads, (at - 1) / 2));
        at = (at - 1) / 2;
    }
    heap_put(threads, at, timer);
}

static void heap_down(Threads *threads, guint at) {
    Timer *timer = heap_at(threads, at);
    for (guint child; (child = 2 * at + 1) < threads->heap->len; at = child) {
        if (child + 1 < threads->heap->len && heap_at(threads, child + 1)->when_ms < heap_at(threads, child)->when_ms)
            child++;
        if (heap_at(threads, child)->when_ms >= timer->when_ms)
            break;
        heap_put(threads, at, heap_at(threads, child));
    }
    heap_put(threads, at, timer);
}

static void heap_remove(Threads *threads, Timer *timer) {
    guint at = timer->at, last = threads->heap->len - 1;
    g_hash_table_remove(threads->timers, &timer->id);
    if (at != last) {
        Timer *moved = heap_at(threads, last);
        heap_put(threads, at, moved);
        g_ptr_array_set_size(threads->heap, (gint)last);
        heap_up(threads, at);
        heap_down(threads, moved->at);
    } else {
        g_ptr_array_set_size(threads->heap, (gint)last);
    }
}

static guint64 at(Runtime *runtime, gint64 when_ms, RuntimeDue due, gpointer data) {
    Threads *threads = threads_of(runtime);
    Timer *timer = g_new0(Timer, 1);
    g_mutex_lock(&threads->lock);
    guint64 id = ++threads->last_timer;
    *timer = (Timer){.id = id, .when_ms = when_ms, .due = due, .data = data, .at = threads->heap->len};
    g_ptr_array_add(threads->heap, timer);
    g_hash_table_insert(threads->timers, &timer->id, timer);
    heap_up(threads, timer->at);
    if (timer->at == 0)
        g_cond_signal(&threads->timer_wakes);
    g_mutex_unlock(&threads->lock);
    return id;
}

static gboolean forget(Runtime *runtime, guint64 id) {
    Threads *threads = threads_of(runtime);
    g_mutex_lock(&threads->lock);
    Timer *timer = g_hash_table_lookup(threads->timers, &id);
    if (timer)
        heap_remove(threads, timer);
    g_mutex_unlock(&threads->lock);
    g_free(timer);
    return timer != NULL;
}

/* After a jump deadlines and back-offs mean something else than they did: whoever sleeps looks again. */
static void watch_clock(Threads *threads, gint64 now) {
    gint64 offset = now - clock_elapsed_ms(), jump = offset - threads->clock_offset;
    threads->clock_offset = offset;
    if (ABS(jump) <= CLOCK_JUMP_MS)
        return;
    log_warning("engine", "the clock was set by %" G_GINT64_FORMAT " ms: everything that waits looks at the time again", jump);
    for (guint i = 0; i < threads->heap->len; i++)
        heap_at(threads, i)->when_ms = MIN(heap_at(threads, i)->when_ms, now);
    for (guint i = threads->heap->len / 2; i-- > 0;)
        heap_down(threads, i);
}

static gpointer timer_thread(gpointer data) {
    Threads *threads = data;
    g_mutex_lock(&threads->lock);
    while (!threads->stopping) {
        gint64 now = clock_now_ms();
        watch_clock(threads, now);
        Timer *first = threads->heap->len ? heap_at(threads, 0) : NULL;
        if (!first || first->when_ms > now) {
            gint64 wait = first ? MIN(first->when_ms - now, CLOCK_JUMP_MS) : CLOCK_JUMP_MS;
            g_cond_wait_until(&threads->timer_wakes, &threads->lock, g_get_monotonic_time() + wait * G_TIME_SPAN_MILLISECOND);
            continue;
        }
        heap_remove(threads, first);
        threads->timer_busy++;
        g_mutex_unlock(&threads->lock);
        first->due(first->data);
        g_free(first);
        g_mutex_lock(&threads->lock);
        threads->timer_busy--;
    }
    g_cond_broadcast(&threads->rest);
    g_mutex_unlock(&threads->lock);
    return NULL;
}

/* ---- commits ---- */
static void commit(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data) {
    store_submit(threads_of(runtime)->store, unit, done, data);
}

static gboolean wait_for(Runtime *runtime, GCond *changed, GMutex *lock) {
    (void)runtime;
    g_cond_wait(changed, lock);
    return TRUE;
}

/* ---- life ---- */
static void account_free(gpointer data) {
    Account *account = data;
    g_queue_clear_full(&account->jobs, g_free);
    g_free(account->name);
    g_free(account);
}

Runtime *runtime_threads_new(Store *store, guint io_workers) {
    Threads *threads = g_new0(Threads, 1);
    threads->runtime = (Runtime){now_ms, random_number, run, at, forget, commit, wait_for};
    threads->store = store;
    threads->io_max = io_workers ? io_workers : IO_WORKERS_MAX;
    g_mutex_init(&threads->lock);
    g_cond_init(&threads->step_wakes);
    g_cond_init(&threads->io_wakes);
    g_cond_init(&threads->timer_wakes);
    g_cond_init(&threads->rest);
    threads->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, account_free);
    threads->heap = g_ptr_array_new();
    threads->timers = g_hash_table_new(g_int64_hash, g_int64_equal);
    threads->clock_offset = clock_now_ms() - clock_elapsed_ms();
    return &threads->runtime;
}

void runtime_threads_start(Runtime *runtime) {
    Threads *threads = threads_of(runtime);
    g_mutex_lock(&threads->lock);
    threads->started = TRUE;
    for (guint i = 0; i < STEP_WORKERS; i++)
        threads->step_threads[i] = g_thread_new("step-worker", step_worker, threads);
    threads->timer_thread = g_thread_new("timer", timer_thread, threads);
    guint wanted = MIN(threads->ready.length, threads->io_max);
    for (; threads->io_workers < wanted; threads->io_workers++)
        g_thread_unref(g_thread_new("io-worker", io_worker, threads));
    g_mutex_unlock(&threads->lock);
}

gboolean runtime_threads_stop(Runtime *runtime, gint64 grace_ms) {
    Threads *threads = threads_of(runtime);
    gint64 until = g_get_monotonic_time() + grace_ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&threads->lock);
    threads->stopping = TRUE;
    g_cond_broadcast(&threads->step_wakes);
    g_cond_broadcast(&threads->io_wakes);
    g_cond_broadcast(&threads->timer_wakes);
    gboolean rested = TRUE;
    while (rested && (threads->io_workers || threads->step_busy || threads->timer_busy))
        rested = g_cond_wait_until(&threads->rest, &threads->lock, until);
    g_mutex_unlock(&threads->lock);
    if (!rested)
        return FALSE;
    for (guint i = 0; i < STEP_WORKERS; i++)
        g_clear_pointer(&threads->step_threads[i], g_thread_join);
    g_clear_pointer(&threads->timer_thread, g_thread_join);
    return TRUE;
}

void runtime_threads_free(Runtime *runtime) {
    Threads *threads = threads_of(runtime);
    g_queue_clear_full(&threads->steps, g_free);
    g_queue_clear(&threads->ready);
    g_hash_table_unref(threads->accounts);
    for (guint i = 0; i < threads->heap->len; i++)
        g_free(heap_at(threads, i));
    g_ptr_array_unref(threads->heap);
    g_hash_table_unref(threads->timers);
    g_mutex_clear(&threads->lock);
    g_cond_clear(&threads->step_wakes);
    g_cond_clear(&threads->io_wakes);
    g_cond_clear(&threads->timer_wakes);
    g_cond_clear(&threads->rest);
    g_free(threads);
}

void runtime_threads_counts(Runtime *runtime, RuntimeCounts *into) {
    Threads *threads = threads_of(runtime);
    g_mutex_lock(&threads->lock);
    guint io_queued = 0;
    GHashTableIter iter;
    gpointer account;
    g_hash_table_iter_init(&iter, threads->accounts);
    while (g_hash_table_iter_next(&iter, NULL, &account))
        io_queued += ((Account *)account)->jobs.length;
    *into = (RuntimeCounts){threads->steps.length, io_queued, threads->io_busy, threads->io_workers, threads->heap->len};
    g_mutex_unlock(&threads->lock);
}
