/* The runtime of the program: worker threads, a timer thread, the store's committer. */
#pragma once
#include "base/runtime.h"
#include "store/store.h"

#define STEP_WORKERS 2
#define IO_WORKERS_MAX 128
#define ACCOUNT_BUSY_MAX 8      /* workers for one account */
#define ACCOUNT_BUSY_DISTRUST 1 /* … whose last call was not answered */
#define IO_WORKER_IDLE_MS 30000 /* then a worker that has nothing to do ends */
#define CLOCK_JUMP_MS 5000      /* wall clock and elapsed time part by more: every timer is due */

typedef struct {
    guint step_queued, io_queued, io_busy, io_workers, timers;
} RuntimeCounts;

/* io_workers 0: IO_WORKERS_MAX. Work and timers may be put in before it starts. */
Runtime *runtime_threads_new(Store *store, guint io_workers);
void runtime_threads_start(Runtime *runtime);
/* No new work begins; waits until what is in progress has ended, at most grace_ms. Whether it has. */
gboolean runtime_threads_stop(Runtime *runtime, gint64 grace_ms);
/* After a stop that succeeded. What was queued or due is dropped; its data stays its owner's. */
void runtime_threads_free(Runtime *runtime);
void runtime_threads_counts(Runtime *runtime, RuntimeCounts *into);
