/* Signals belong to main: threads of this room, and of the libraries it drives, are started with all of them blocked. */
#pragma once
#include <pthread.h>
#include <signal.h>

/* Blocks all signals of the calling thread; *before gets what was blocked. */
static inline void thread_signals_block(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

static inline void thread_signals_restore(const sigset_t *before) {
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
