/* Rehearsals: a pipeline run by the real engine, stages and strategies, in simulated time, on clouds and a store that exist only in memory.
 * `simulate` and `plan` are rehearsals. One thread: whoever made it. README.md tells how. */
#pragma once
#include "base/config.h"
#include "base/principal.h"
#include "clouds/cloud.h"
#include "engine/execution.h"
#include "engine/stage.h"

typedef struct Rehearsal Rehearsal;

#define REHEARSAL_EVENTS_MAX 5000000 /* of one rehearsal */
#define REHEARSAL_REAL_MS_MAX 20000  /* that a rehearsal may take */
#define REHEARSAL_TIMELINE_MAX 20000 /* entries that are kept */

typedef struct {
    Config *config;
    const Cloud *const *clouds; /* those that act nowhere but here, NULL-terminated; NULL: the twins */
    struct Twins *twins;        /* (twins.h) taken; or NULL */
    guint64 seed;
    gint64 now_ms; /* when it begins */
    /* "NAME=ANSWER": what is assumed of a stage whose outside is not known, by its name, refId or type; NULL-terminated; NULL: none. */
    const char *const *assumptions;
    const Principal *principal;
    guint64 events_max; /* 0: REHEARSAL_EVENTS_MAX */
    guint timeline_max; /* 0: REHEARSAL_TIMELINE_MAX */
} RehearsalOptions;

/* The clouds are open and their first state is known, nothing runs. ERR_INVALID: an assumption that is none. */
Rehearsal *rehearsal_new(const RehearsalOptions *options, GError **error);
void rehearsal_free(Rehearsal *rehearsal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rehearsal, rehearsal_free)

/* To furnish it with before it runs: its store (applications, pipelines) and its clouds. Borrowed. */
Services *rehearsal_services(Rehearsal *rehearsal);
/* What the clouds hold as it begins is what they hold now: call it after furnishing them. */
void rehearsal_look(Rehearsal *rehearsal);

/* Runs to the end, or to where nothing goes on. Once. ERR_INVALID: the pipeline cannot be started; ERR_LIMIT: it does not come to an end
 * within the bounds above. An execution that fails is no error. */
gboolean rehearsal_run(Rehearsal *rehearsal, const JsonValue *pipeline, GError **error);

const Execution *rehearsal_execution(const Rehearsal *rehearsal); /* as it ended; borrowed */
/* {status, seed, startTime, endTime, duration, waitsFor, assumptions, timeline, clouds, execution}: README.md. Caller owns. */
Json *rehearsal_report(const Rehearsal *rehearsal);
