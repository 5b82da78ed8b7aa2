/* The simulated runtime with what goes wrong: commits that fail, crashes before a commit, or behind it before anybody hears of it, and a
 * clock that is set. */
#include "engine/runtime_simulated.h"
#include "world.h"

#define IO_LATENCY_MS 2000
#define COMMIT_LATENCY_MS 20
#define OUTAGE_MS_MAX 120000
#define STALL_MS_MAX 40000
#define FIRST_MS 1700000000000

static void look_at_changed(World *world) {
    char *id;
    while ((id = g_queue_pop_head(&world->changed)) != NULL) {
        Known *known = world_find(world, id);
        if (known != NULL)
            oracle_commit(world, known);
        g_free(id);
    }
}

/* Crashes fall before a commit, or behind it before anybody hears of it. */
static Crash pick_crash(World *world) {
    if (world->crashes >= 12 || !world_chance(world, 0.6))
        return CRASH_NONE;
    return world_chance(world, 50) ? CRASH_BEFORE : CRASH_AFTER;
}

static void crash(World *world, Crash when) {
    world_say(world, "crash %s a commit", when == CRASH_BEFORE ? "before" : "after");
    world->crashed = TRUE;
    world->crashes++;
    *(when == CRASH_BEFORE ? &world->counters->crashes_before : &world->counters->crashes_after) += 1;
}

/* The disk is full, or away, for seconds or minutes. */
static gboolean disk_is_away(World *world) {
    if (world_now_ms(world) < world->disk_away_ms && world_now_ms(world) > world->disk_away_ms - OUTAGE_MS_MAX)
        return TRUE;
    if (!world_chance(world, 0.1))
        return FALSE;
    world->disk_away_ms = world_now_ms(world) + world_between(world, 1000, OUTAGE_MS_MAX);
    world->counters->outages++;
    world_say(world, "the disk is away for a while");
    return TRUE;
}

static gint64 stall_ms(gpointer data) {
    World *world = data;
    if (!world_chance(world, 0.1))
        return 0;
    world->counters->stalls++;
    return world_between(world, 1000, STALL_MS_MAX);
}

/* The store goes away while it is asked: nobody learns whether the commit was carried out. */
static void doubt(World *world, GError **error) {
    world->counters->commits_in_doubt++;
    error_set(error, ERR_TIMEOUT, "whether the commit was carried out is not known");
}

static gboolean may_commit(gpointer data, GError **error) {
    World *world = data;
    world->strikes = world->crashed ? CRASH_NONE : pick_crash(world);
    if (world->strikes == CRASH_BEFORE)
        crash(world, CRASH_BEFORE);
    if (world->crashed) {
        error_set(error, ERR_UNAVAILABLE, "crashed");
        world->counters->commits_lost++;
        return FALSE;
    }
    if (disk_is_away(world) || world_chance(world, 2)) {
        error_set(error, ERR_UNAVAILABLE, "the disk is full");
        world->counters->commits_failed++;
        return FALSE;
    }
    if (!world_chance(world, 0.5))
        return TRUE;
    doubt(world, error);
    return FALSE;
}

static void committed(gpointer data, GError **error) {
    World *world = data;
    world->counters->commits++;
    look_at_changed(world);
    if (world->strikes == CRASH_AFTER)
        crash(world, CRASH_AFTER);
    else if (*error == NULL && world_chance(world, 0.5))
        doubt(world, error);
}

static gboolean is_over(gpointer data) {
    return ((World *)data)->crashed;
}

static void stuck(gpointer data) {
    world_fail(data, NULL, "a caller waits for something that never comes");
}

Runtime *sim_runtime_new(World *world) {
    return runtime_simulated_new(&(SimulatedOptions){.store = world->store,
                                                     .random = world->random,
                                                     .now_ms = FIRST_MS,
                                                     .io_latency_ms = IO_LATENCY_MS,
                                                     .commit_latency_ms = COMMIT_LATENCY_MS,
                                                     .may_commit = may_commit,
                                                     .stall_ms = stall_ms,
                                                     .committed = committed,
                                                     .is_over = is_over,
                                                     .stuck = stuck,
                                                     .data = world});
}

gint64 world_now_ms(World *world) {
    return world->runtime->now_ms(world->runtime);
}

gboolean sim_runtime_step(World *world) {
    if (!runtime_simulated_step(world->runtime))
        return FALSE;
    world->events++;
    world->counters->events++;
    return TRUE;
}

void sim_runtime_jump(World *world, gint64 by_ms) {
    runtime_simulated_jump(world->runtime, by_ms);
    world->jumped_ms = world_now_ms(world);
    world->counters->clock_jumps++;
    world_say(world, "the clock jumps by %" G_GINT64_FORMAT " ms", by_ms);
}
