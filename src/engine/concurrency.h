/* The second small core: which executions of one pipeline may run at the same time, and who is next. Pure; the engine keeps
 * one gate per pipeline configuration under a lock of its own. */
#pragma once
#include <glib.h>

typedef struct ConcurrencyGate ConcurrencyGate;

typedef enum {
    GATE_START,  /* it may run; its place is taken */
    GATE_PARK,   /* it waits */
    GATE_REFUSE, /* too many wait already */
} GateAnswer;

typedef struct {
    gboolean start; /* else: cancel, a newer one took its place */
    char *id;
} GateAction;

ConcurrencyGate *gate_new(void);
void gate_free(ConcurrencyGate *gate);
/* limit: how many may be RUNNING at once, 0: any number. Whoever comes while others wait goes behind them; who has a
 * place keeps it. */
GateAnswer gate_ask(ConcurrencyGate *gate, const char *id, gint64 limit, gint64 parked_max);
/* It waits, whatever the limit says now (found waiting at start; gate_next decides). */
void gate_park(ConcurrencyGate *gate, const char *id, gint64 limit);
/* It runs, however it came to that. */
void gate_began(ConcurrencyGate *gate, const char *id);
/* It does not run (any more), nor wait. purge: of those that wait only the newest is kept. Adds GateActions. FALSE when the gate did not know it. */
gboolean gate_left(ConcurrencyGate *gate, const char *id, gboolean purge, GArray *actions);
typedef enum { PLACE_NONE, PLACE_WAITING, PLACE_RUNNING } GatePlace;
GatePlace gate_place(ConcurrencyGate *gate, const char *id);
/* Whoever waits and may run now. */
void gate_next(ConcurrencyGate *gate, gboolean purge, GArray *actions);
guint gate_running(const ConcurrencyGate *gate);
guint gate_waiting(const ConcurrencyGate *gate);
gboolean gate_is_empty(const ConcurrencyGate *gate);
/* Those that run, sorted; NULL-terminated, caller frees. */
char **gate_running_ids(const ConcurrencyGate *gate);
/* How many wait before this one; all when it does not wait. */
guint gate_ahead(const ConcurrencyGate *gate, const char *id);
GArray *gate_actions_new(void); /* of GateAction */
