/* The simulation of the engine's core: random pipelines with scripted tasks, driven through every order of events, with
 * crashes between any two commits. Single-threaded; everything follows from the seed. */
#pragma once
#include "engine/core.h"
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/record.h"

/* ---- pipelines.c: what is run ---- */
const StageTypes *sim_types(void);
Execution *sim_pipeline_new(GRand *random);

/* ---- world.c: a runner without threads ---- */
typedef struct {
    RunKind kind;
    char *stage_id, *task_id;
    guint attempt;
    gboolean in_flight, cancel, woken;
    gint64 at_ms;
    guint runs;
    Execution *snapshot; /* what the worker sees */
} SimRun;

typedef struct {
    GRand *random;
    guint64 seed;
    EngineSettings *settings;
    gint64 now_ms;
    Execution *current;  /* committed and in memory */
    GPtrArray *runs;     /* of SimRun */
    GQueue mailbox;      /* of Message: lost by a crash, unless they are a user's (who asks again) */
    GHashTable *rows;    /* the store: position to row */
    ExecutionTexts last; /* narrow columns, state */
    char *body;
    GHashTable *outside;  /* "stage attempt task" to how often it was run: the world remembers what we forget */
    GHashTable *finished; /* "stage attempt task" whose end is committed */
    guint commits, crashes, events;
    gboolean trace;      /* print every step */
    gboolean user_acted; /* cancelled, restarted …: some checks do not apply any more */
} SimWorld;

SimWorld *sim_world_new(guint64 seed, EngineSettings *settings);
void sim_world_free(SimWorld *world);
void sim_world_run(SimWorld *world); /* until nothing is left to do; aborts with the seed when something is wrong */

/* ---- checks.c: what must always hold ---- */
G_NORETURN void sim_fail(const SimWorld *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void sim_print_step(const SimWorld *world, const Message *message, const Execution *draft, const Effects *effects);
void sim_check_commit(SimWorld *world, const Execution *before, const Execution *after);
void sim_check_run(SimWorld *world, const SimRun *run);
void sim_check_waiting(SimWorld *world);
