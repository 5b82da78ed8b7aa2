/* What instances of an image do: "boots in 20 s, crashes after 5 min, error rate 3 %". Pure. */
#pragma once
#include "base/error.h"

typedef struct {
    gint64 boot_ms;         /* from launch until the health check passes; -1: as usual */
    gint64 crash_ms;        /* from launch until it dies; -1: never */
    double error_rate;      /* share of its answers that are errors */
    gboolean never_healthy; /* its health check never passes */
} SimulatedBehaviour;

extern const SimulatedBehaviour simulated_behaviour_usual;
/* text NULL or empty: the usual one. ERR_INVALID names the clause that is not understood and lists those that are. */
gboolean simulated_behaviour_parse(const char *text, SimulatedBehaviour *into, GError **error);
/* The same as text, "" for the usual one; caller frees. */
char *simulated_behaviour_text(const SimulatedBehaviour *behaviour);
