/* The runtime of simulations and rehearsals: one thread, simulated time that jumps to what is due next, an order that chance decides.
 * Whoever owns it calls runtime_simulated_step until what it waits for has happened or nothing is left to happen. */
#pragma once
#include "base/runtime.h"
#include "store/store.h"

typedef struct {
    Store *store;  /* without threads; borrowed */
    GRand *random; /* borrowed: order and latencies, and what Runtime.random gives */
    gint64 now_ms; /* when it begins */
    /* Work on LANE_IO begins, and a sender hears of its commit, at most this much later; 0: at once. */
    gint32 io_latency_ms, commit_latency_ms;
    /* Faults; each may be NULL. */
    gboolean (*may_commit)(gpointer data, GError **error); /* FALSE: the unit is lost and its sender gets the error */
    gint64 (*stall_ms)(gpointer data);                     /* how much later a sender hears of its commit, beside the latency */
    void (*committed)(gpointer data, GError **error);      /* it is written, and its sender does not know it yet; what is set he is told */
    gboolean (*is_over)(gpointer data);                    /* after a crash: nobody waits any more */
    void (*stuck)(gpointer data);                          /* somebody waits, and nothing is left to happen */
    gpointer data;
} SimulatedOptions;

Runtime *runtime_simulated_new(const SimulatedOptions *options);
/* What was queued or due is dropped; its data stays its owner's. */
void runtime_simulated_free(Runtime *runtime);
gboolean runtime_simulated_step(Runtime *runtime); /* the next event; FALSE: there is none */
/* When the next event is; G_MAXINT64: there is none. */
gint64 runtime_simulated_next_ms(Runtime *runtime);
void runtime_simulated_drain(Runtime *runtime);              /* what is on its way ends, timers are forgotten */
void runtime_simulated_jump(Runtime *runtime, gint64 by_ms); /* somebody sets the clock: whoever sleeps looks again */
