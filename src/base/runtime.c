/* Waiting for an answer by way of a runtime. Any thread that may block. */
#include "base/runtime.h"
#include "base/error.h"

struct RuntimeWaiter {
    GMutex lock;
    GCond ended;
    gboolean done, abandoned; /* abandoned: its caller is gone; whoever answers frees it */
    GError *error;
};

static void waiter_free(RuntimeWaiter *waiter) {
    g_clear_error(&waiter->error);
    g_mutex_clear(&waiter->lock);
    g_cond_clear(&waiter->ended);
    g_free(waiter);
}

void runtime_waiter_done(const GError *error, gpointer data) {
    RuntimeWaiter *waiter = data;
    g_mutex_lock(&waiter->lock);
    waiter->done = TRUE;
    waiter->error = error ? g_error_copy(error) : NULL;
    gboolean abandoned = waiter->abandoned;
    g_cond_signal(&waiter->ended);
    g_mutex_unlock(&waiter->lock);
    if (abandoned)
        waiter_free(waiter);
}

RuntimeWaiter *runtime_waiter_new(void) {
    RuntimeWaiter *waiter = g_new0(RuntimeWaiter, 1);
    g_mutex_init(&waiter->lock);
    g_cond_init(&waiter->ended);
    return waiter;
}

gboolean runtime_waiter_wait(RuntimeWaiter *waiter, Runtime *runtime, GError **error) {
    gboolean waits = TRUE;
    g_mutex_lock(&waiter->lock);
    while (!waiter->done && waits)
        waits = runtime->wait(runtime, &waiter->ended, &waiter->lock);
    gboolean done = waiter->done, good = done && waiter->error == NULL;
    waiter->abandoned = !done;
    if (!done)
        error_set(error, ERR_UNAVAILABLE, "Gennaker has ended; what became of the request is not known");
    else if (!good)
        g_propagate_error(error, g_steal_pointer(&waiter->error));
    g_mutex_unlock(&waiter->lock);
    if (done)
        waiter_free(waiter);
    return good;
}

gboolean runtime_commit_and_wait(Runtime *runtime, gpointer unit, GError **error) {
    RuntimeWaiter *waiter = runtime_waiter_new();
    runtime->commit(runtime, unit, runtime_waiter_done, waiter);
    return runtime_waiter_wait(waiter, runtime, error);
}
