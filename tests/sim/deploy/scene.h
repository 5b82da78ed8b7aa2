/* The simulation of deployments: the real engine, stages and runner of operations on the simulated cloud, on one thread and in simulated
 * time. Strategies, images that fail, faults of the cloud and what people do follow from the seed. README.md tells more. */
#pragma once
#include "clouds/simulator/room.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "stages/services.h"

#define ACCOUNT "test"
#define REGION "north"
#define APPLICATION "shop"
#define BALANCER "front"
#define CLUSTERS_MAX 2
#define DEPLOYMENTS_MAX 4

/* ---- what is counted: a run in which one of these stays 0 has not tested what it says ---- */
#define COUNTERS(X)                                                                                                                        \
    X(executions)                                                                                                                          \
    X(events)                                                                                                                              \
    X(succeeded)                                                                                                                           \
    X(failed)                                                                                                                              \
    X(faults)                                                                                                                              \
    X(people)                                                                                                                              \
    X(side_by_side)                                                                                                                        \
    X(checked_healthy)                                                                                                                     \
    X(checked_enabled)                                                                                                                     \
    X(checked_minimum)                                                                                                                     \
    X(checked_destroyed)                                                                                                                   \
    X(checked_old_version)                                                                                                                 \
    X(checked_turns)                                                                                                                       \
    X(checked_created)                                                                                                                     \
    X(checked_guards)                                                                                                                      \
    X(checked_ends)
typedef struct {
#define COUNTER_FIELD(name) guint64 name;
    COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
} Counters;

typedef enum { BY_NONE, BY_REDBLACK, BY_HIGHLANDER, BY_ROLLING, BY_MONITORED, STRATEGIES } StrategyKind;
extern const char *const strategy_names[STRATEGIES];

typedef struct {
    guint number, cluster;
    StrategyKind strategy;
    gboolean scales_down, bad_image, rolls_back, destroys_latest;
    gboolean copies_size; /* useSourceCapacity */
    gint64 delay_s;       /* before the old one leaves traffic */
    gint64 keeps;         /* maxRemainingAsgs; 0: all */
    gint64 size, min;     /* of the new group */
    gint64 first_percent; /* of a rolling one; 100: all at once */
    gint64 starts_ms;
    char *id; /* of its execution; NULL: not started yet */
    Execution *last;
    gboolean over;
    gboolean alone;  /* nobody else changed its cluster meanwhile, and nothing was refused: what is promised has to hold */
    gint64 promised; /* healthy instances behind the load balancer at any time */
    /* As it began. */
    gint64 healthy_before;
    GHashTable *enabled_before;  /* names */
    GHashTable *disabled_before; /* names */
    GHashTable *minimum_before;  /* name to min + 1 */
} Deployment;

typedef struct {
    char *name;       /* shop-web0 */
    gboolean guarded; /* by a traffic guard */
    gboolean killed;  /* instances died that nobody asked to end */
    gint64 healthy;   /* at the last look */
} ClusterSeen;

typedef struct {
    Services services; /* first: what tasks are given */
    guint64 seed;
    gboolean trace;
    GRand *random;
    Runtime *runtime;
    SimulatorRoom *room;
    Counters *counters;
    guint clusters, n;
    ClusterSeen cluster[CLUSTERS_MAX];
    Deployment deployment[DEPLOYMENTS_MAX];
    GHashTable *made;    /* names of groups that deployments made, to deployment + 1 */
    GHashTable *present; /* names of groups that were there at the last look */
    gboolean refuses;    /* something is refused from now on, whosever it is */
    gboolean calm;       /* nothing goes wrong and nobody interferes */
    guint64 events;
} Scene;

/* Runs one seed; exits with a message when a check fails. */
void scene_run(guint64 seed, Config *config, Counters *counters, gboolean trace);
gboolean scene_chance(Scene *scene, double percent);
gint32 scene_between(Scene *scene, gint32 low, gint32 high); /* high excluded */
gint64 scene_now_ms(const Scene *scene);
void scene_touch(Scene *scene, guint cluster); /* somebody else changed it: who deploys to it now is not alone any more */
G_NORETURN void scene_fail(Scene *scene, const Deployment *deployment, const char *format, ...) G_GNUC_PRINTF(3, 4);
void scene_say(Scene *scene, const char *format, ...) G_GNUC_PRINTF(2, 3); /* with --trace */

/* ---- plans.c: what there is, and what is deployed ---- */
void plans_furnish(Scene *scene); /* groups that serve, groups that are set aside, images */
void plans_draw(Scene *scene);    /* the deployments of this seed */
Json *plans_pipeline(const Deployment *deployment);

/* ---- people.c ---- */
void people_act(Scene *scene); /* somebody changes something by hand, or the cloud misbehaves from now on */

/* ---- watch.c: what must always hold ---- */
void watch_begin(Scene *scene, Deployment *deployment);
void watch_clouds(Scene *scene);                      /* after each event */
void watch_end(Scene *scene, Deployment *deployment); /* it came to its end */
void watch_over(Scene *scene);                        /* nothing is left to happen */
