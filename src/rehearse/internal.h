/* Inside the room of rehearsals. */
#pragma once
#include "rehearse/assumptions.h"
#include "rehearse/rehearse.h"
#include "rehearse/timeline.h"
#include "rehearse/twins.h"
#include "stages/services.h"

struct Rehearsal {
    Services services; /* first: what tasks are given */
    GRand *random;
    Runtime *runtime;
    Assumptions *assumptions;
    Timeline *timeline;
    Twins *twins; /* or NULL: the clouds are somebody else's */
    Principal principal;
    guint64 seed, events_max;
    gint64 began_ms;
    guint listener;
    GQueue changed; /* of char *: ids of executions with a commit that was not looked at */
    gboolean cloud_changed;
    guint watcher;
    char *id;             /* of the execution; NULL: it was not started */
    Execution *execution; /* as it ended, or as far as it came */
    Json *waits;          /* why it does not go on; NULL: it ended */
};
