/* Rules by which the simulated cloud misbehaves: "throttle createServerGroup 3 times", "timeout-after * in prod with 10 %". Pure. */
#pragma once
#include "base/error.h"
#include "base/params.h"

#define SIMULATED_FAULTS_MAX 100 /* rules of one world */

typedef enum {
    FAULT_NONE = -1,
    FAULT_THROTTLE,      /* not done; the caller may try again (ERR_UNAVAILABLE) */
    FAULT_TIMEOUT_AFTER, /* done, and the answer is lost (ERR_TIMEOUT) */
    FAULT_REFUSE,        /* not done, and never will be (ERR_REMOTE) */
    FAULT_STALE,         /* reads show what was there before the rule began */
    FAULT_LOSE_INSTANCE, /* done, and one instance of that place dies */
} SimulatedFaultKind;
extern const char *const simulated_fault_kinds[]; /* by kind, NULL-terminated */

typedef struct {
    SimulatedFaultKind kind;
    char *operation, *account, *region; /* NULL: any */
    gint64 times;                       /* at most; -1: always */
    gint64 every;                       /* each nth of those that match; at least 1 */
    double probability;                 /* 1: surely */
    gint64 after_ms, for_ms;            /* from when it was given; for_ms -1: until it is taken away */
    gint64 began_ms, matched, struck;   /* what happened so far */
} SimulatedFault;

extern const Param simulated_fault_params[]; /* of the JSON form, for documentation */
/* KIND [OPERATION|*] [in ACCOUNT[/REGION]] [once | N times] [every N] [with N %] [after DURATION] [for DURATION]. NULL with
 * ERR_INVALID. Caller owns. */
SimulatedFault *simulated_fault_parse(const char *text, GError **error);
/* A text, or an object with the members of simulated_fault_params. */
SimulatedFault *simulated_fault_read(const JsonValue *value, GError **error);
char *simulated_fault_text(const SimulatedFault *fault); /* as it can be parsed; caller frees */
void simulated_fault_free(SimulatedFault *fault);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimulatedFault, simulated_fault_free)

/* Whether the rule speaks of such a call at this time; kind aside. */
gboolean simulated_fault_covers(const SimulatedFault *fault, const char *operation, const char *account, const char *region, gint64 now_ms);
/* Counts a call that it covers. chance: 0 … 1, drawn by the caller. TRUE: it strikes. */
gboolean simulated_fault_strikes(SimulatedFault *fault, double chance);
