/* What code that must also run in a simulation asks of its surroundings: the time, chance, a worker, a timer, a commit.
 *
 * Two implementations: threads (engine/runtime_threads.c), and a simulator in which everything happens on one thread, in an
 * order that a seed decides. Code that is given a Runtime calls the clock, threads and the store's writer only through it. */
#pragma once
#include <glib.h>

typedef struct Runtime Runtime;

typedef enum {
    LANE_STEP, /* short work without I/O; it may submit a commit */
    LANE_IO,   /* may block until its own deadline */
} RuntimeLane;

/* Returns FALSE when what it called did not answer (timed out, refused): its account then gets one worker at a time. */
typedef gboolean (*RuntimeWork)(gpointer data);
typedef void (*RuntimeDue)(gpointer data);
typedef void (*RuntimeDone)(const GError *error, gpointer data); /* error NULL: durable */

struct Runtime {
    gint64 (*now_ms)(Runtime *runtime); /* wall clock */
    guint64 (*random)(Runtime *runtime);
    /* Puts work on a lane. account: whose limit it counts against (LANE_IO), or NULL. Any thread; never blocks. */
    void (*run)(Runtime *runtime, RuntimeLane lane, const char *account, RuntimeWork work, gpointer data);
    /* Calls due at that time, or when the clock jumped, on a thread where it must not block. Returns an id. */
    guint64 (*at)(Runtime *runtime, gint64 when_ms, RuntimeDue due, gpointer data);
    /* TRUE: due will not be called, data is the caller's again. FALSE: it is being called, or was. */
    gboolean (*forget)(Runtime *runtime, guint64 timer);
    /* Takes the unit (store/store.h). done is called once, on a thread where it must not block. */
    void (*commit)(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data);
    /* What a caller does who needs the outcome now: waits for changed as g_cond_wait does. FALSE: nothing will come any more. */
    gboolean (*wait)(Runtime *runtime, GCond *changed, GMutex *lock);
};

/* Somebody who waits for a RuntimeDone: new, hand runtime_waiter_done and the waiter to what answers, wait. */
typedef struct RuntimeWaiter RuntimeWaiter;
RuntimeWaiter *runtime_waiter_new(void);
void runtime_waiter_done(const GError *error, gpointer waiter);
/* Frees the waiter. FALSE with what was answered, or ERR_UNAVAILABLE when no answer will come any more. On a thread that may block. */
gboolean runtime_waiter_wait(RuntimeWaiter *waiter, Runtime *runtime, GError **error);

/* Commits and waits for the outcome. Takes the unit. */
gboolean runtime_commit_and_wait(Runtime *runtime, gpointer unit, GError **error);
