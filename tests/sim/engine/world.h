/* The simulation of the engine as it is: actors, gates, inbox, recovery and submission on a real store, on one thread. Time, the
 * order of everything, what tasks answer, what fails and what users do follow from the seed. */
#pragma once
#include "base/ids.h"
#include "engine/core.h"
#include "engine/edit.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "engine/runner.h"
#include "engine/runtime_simulated.h"
#include "stages/services.h"
#include "store/store.h"

typedef struct World World;

/* ---- runtime.c: the simulated runtime, with commits that fail and crashes ---- */
Runtime *sim_runtime_new(World *world);
gboolean sim_runtime_step(World *world);           /* the next event; FALSE: there is none */
void sim_runtime_jump(World *world, gint64 by_ms); /* somebody sets the clock */
gint64 world_now_ms(World *world);

/* ---- what is counted: a run in which one of these stays 0 has not tested what it says ---- */
#define COUNTERS(X)                                                                                                                        \
    X(executions)                                                                                                                          \
    X(stages)                                                                                                                              \
    X(events)                                                                                                                              \
    X(commits)                                                                                                                             \
    X(commits_failed)                                                                                                                      \
    X(commits_lost)                                                                                                                        \
    X(outages)                                                                                                                             \
    X(stalls)                                                                                                                              \
    X(commits_in_doubt)                                                                                                                    \
    X(crashes_before)                                                                                                                      \
    X(crashes_after)                                                                                                                       \
    X(starts_lost)                                                                                                                         \
    X(clock_jumps)                                                                                                                         \
    X(tasks)                                                                                                                               \
    X(tasks_again)                                                                                                                         \
    X(parked)                                                                                                                              \
    X(cancels)                                                                                                                             \
    X(force_cancels)                                                                                                                       \
    X(pauses)                                                                                                                              \
    X(resumes)                                                                                                                             \
    X(restarts)                                                                                                                            \
    X(patches)                                                                                                                             \
    X(skips)                                                                                                                               \
    X(deletes)                                                                                                                             \
    X(refused)                                                                                                                             \
    X(checked_commits)                                                                                                                     \
    X(checked_runs)                                                                                                                        \
    X(checked_limits)                                                                                                                      \
    X(checked_reasons)                                                                                                                     \
    X(checked_ends)                                                                                                                        \
    X(children)                                                                                                                            \
    X(templated)                                                                                                                           \
    X(windows)                                                                                                                             \
    X(checked_orders)                                                                                                                      \
    X(checked_children)                                                                                                                    \
    X(checked_windows)                                                                                                                     \
    X(checked_patches)                                                                                                                     \
    X(checked_acts)
typedef struct {
#define COUNTER_FIELD(name) guint64 name;
    COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
    guint64 largest; /* graph, in stages */
} Counters;

/* ---- world.c ---- */
typedef enum { CRASH_NONE, CRASH_BEFORE, CRASH_AFTER } Crash; /* a commit */

/* What the outside knows of one execution. */
typedef struct Known Known;
struct Known {
    char *id;
    Known *parent;     /* whose stage started it; NULL: somebody did */
    char *stage_id;    /* that stage */
    guint config;      /* which pipeline; its limit */
    guint order;       /* among those started */
    Execution *last;   /* as of its last commit */
    GHashTable *ended; /* "stage attempt task" whose end is committed */
    gboolean acknowledged, deleted, canceled, forced;
    gboolean interfered; /* somebody changed its course by hand, or that of one of its family */
};

#define STARTED_CONFIGS_MAX 4 /* pipelines that people start */
#define CHILD_CONFIGS_MAX 3   /* pipelines that stages start: saved ones, of which each starts those behind it only */
#define CONFIGS_MAX (STARTED_CONFIGS_MAX + CHILD_CONFIGS_MAX)

struct World {
    Services services; /* first: what tasks are given */
    guint64 seed;
    gboolean trace;
    GRand *random;
    Store *store;
    Config *config;
    Engine *engine;
    Runtime *runtime;
    Counters *counters;
    GPtrArray *known;    /* of Known, in the order of their starts */
    GHashTable *by_id;   /* id to Known */
    GHashTable *scripts; /* "execution stage task" to how often it was run */
    GQueue changed;      /* ids of executions whose commit has to be looked at; filled by the store's listener */
    gboolean calm;       /* nobody interferes: what is checked only then has something to check */
    Crash strikes;       /* the commit in hand */
    gboolean crashed;    /* from now on nothing is committed and no task acts, until the next start */
    guint crashes, events, configs;
    guint starts;                /* by people */
    gint64 disk_away_ms;         /* until then nothing is committed */
    gint64 jumped_ms;            /* when the clock was last set, by the clock after it */
    gint64 limits[CONFIGS_MAX];  /* per pipeline: 0: none */
    gboolean keeps[CONFIGS_MAX]; /* keepWaitingPipelines */
};
/* Runs one seed on the store, which has to be without unfinished executions; exits with a message when a check fails. */
void world_run(guint64 seed, Store *store, Config *config, Counters *counters, gboolean trace);
gboolean world_chance(World *world, double percent);
gint32 world_between(World *world, gint32 low, gint32 high); /* high excluded */
/* The execution of that id; one that a stage started becomes known by its first commit. NULL: there is none. */
Known *world_find(World *world, const char *id);
Known *world_add(World *world, char *id /* taken */, guint config);
void world_interfere(World *world, Known *known); /* by hand: it, and all that were started for it or that it was started for */
void world_open_engine(World *world);
Execution *world_load(World *world, const char *id); /* from the store; NULL: there is none */
G_NORETURN void world_fail(World *world, const Known *known, const char *format, ...) G_GNUC_PRINTF(3, 4);
void world_say(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3); /* with --trace */

/* ---- pipelines.c ---- */
/* A random pipeline of one of the world's configurations; caller owns. */
Json *sim_pipeline(World *world, guint config, const char *execution_id);
/* Saves the pipelines that stages start, and a template. */
void sim_save_configurations(World *world);
/* Which of the world's pipelines that is. */
guint sim_config_of(const Execution *execution);

/* ---- stages.c ---- */
extern const StageTypes sim_stage_types;
extern const SubmissionStep sim_submission_steps[];

/* ---- users.c ---- */
void users_start(World *world);
void users_act(World *world); /* one of the things people do, to one of the executions */

/* ---- oracle.c: what must always hold ---- */
void oracle_commit(World *world, Known *known);                                                      /* after each of its commits */
void oracle_run(World *world, const Execution *snapshot, const Stage *stage, const TaskState *task); /* as a task begins */
void oracle_patch(World *world, const Known *known, const Stage *stage, gint64 value); /* after a patch that was acknowledged */
void oracle_reason(World *world, const Known *known);                                  /* whatever waits says why */
void oracle_end(World *world);                                                         /* nothing is left to happen */
