/* The runtime of a simulation: one thread, events in the order of their simulated time, ties and latencies by the seed. A commit is
 * written to the store at once; its sender hears of it later, or never. */
#include "store/store.h"
#include "world.h"

#define IO_LATENCY_MS 2000
#define COMMIT_LATENCY_MS 20

static SimRuntime *sim_of(Runtime *runtime) {
    return (SimRuntime *)runtime;
}

static Event *add_event(SimRuntime *self, EventKind kind, gint64 when_ms, gpointer data) {
    Event *event = g_new0(Event, 1);
    *event = (Event){
        .kind = kind, .when_ms = MAX(when_ms, self->now_ms), .tie = g_rand_int(self->world->random), .id = ++self->last_id, .data = data};
    g_ptr_array_add(self->events, event);
    return event;
}

static gint64 now_ms(Runtime *runtime) {
    return sim_of(runtime)->now_ms;
}

static guint64 random_number(Runtime *runtime) {
    return g_rand_int(sim_of(runtime)->world->random);
}

static void run(Runtime *runtime, RuntimeLane lane, const char *account, RuntimeWork work, gpointer data) {
    (void)account;
    SimRuntime *self = sim_of(runtime);
    gint64 latency = lane == LANE_STEP || self->world->crashed ? 0 : world_between(self->world, 0, IO_LATENCY_MS);
    add_event(self, EVENT_JOB, self->now_ms + latency, data)->work = work;
}

static guint64 at(Runtime *runtime, gint64 when_ms, RuntimeDue due, gpointer data) {
    Event *event = add_event(sim_of(runtime), EVENT_TIMER, when_ms, data);
    event->due = due;
    return event->id;
}

static gboolean forget(Runtime *runtime, guint64 id) {
    SimRuntime *self = sim_of(runtime);
    for (guint i = 0; i < self->events->len; i++) {
        const Event *event = g_ptr_array_index(self->events, i);
        if (event->id == id) {
            g_ptr_array_remove_index_fast(self->events, i);
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- commits ---- */
static void keep_error(const GError *error, gpointer data) {
    if (error != NULL)
        *(GError **)data = g_error_copy(error);
}

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

static void commit(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data) {
    SimRuntime *self = sim_of(runtime);
    World *world = self->world;
    GError *error = NULL;
    Crash when = world->crashed ? CRASH_NONE : pick_crash(world);
    if (when == CRASH_BEFORE)
        crash(world, when);
    if (world->crashed) {
        error_set(&error, ERR_UNAVAILABLE, "crashed");
        world->counters->commits_lost++;
        store_unit_free(unit);
    } else if (world_chance(world, 2)) {
        error_set(&error, ERR_UNAVAILABLE, "the disk is full");
        world->counters->commits_failed++;
        store_unit_free(unit);
    } else {
        store_submit(world->store, unit, keep_error, &error);
        world->counters->commits++;
        look_at_changed(world);
        if (when == CRASH_AFTER)
            crash(world, when);
    }
    Event *event = add_event(self, EVENT_COMMITTED,
                             self->now_ms + (world_chance(world, 50) ? 0 : world_between(world, 0, COMMIT_LATENCY_MS)), data);
    event->done = done;
    event->error = error;
}

/* ---- what happens next ---- */
static gboolean is_before(const Event *a, const Event *b) {
    return a->when_ms < b->when_ms || (a->when_ms == b->when_ms && a->tie < b->tie);
}

static Event *take_next(SimRuntime *self, gboolean timers) {
    guint first = self->events->len;
    for (guint i = 0; i < self->events->len; i++) {
        const Event *event = g_ptr_array_index(self->events, i);
        if ((timers || event->kind != EVENT_TIMER) &&
            (first == self->events->len || is_before(event, g_ptr_array_index(self->events, first))))
            first = i;
    }
    return first < self->events->len ? g_ptr_array_steal_index_fast(self->events, first) : NULL;
}

static void happen(Event *event) {
    switch (event->kind) {
    case EVENT_JOB:
        event->work(event->data);
        break;
    case EVENT_TIMER:
        event->due(event->data);
        break;
    case EVENT_COMMITTED:
        event->done(event->error, event->data);
        break;
    }
    g_clear_error(&event->error);
    g_free(event);
}

gboolean sim_runtime_step(SimRuntime *self) {
    Event *event = take_next(self, TRUE);
    if (event == NULL)
        return FALSE;
    self->now_ms = MAX(self->now_ms, event->when_ms);
    self->world->events++;
    self->world->counters->events++;
    happen(event);
    return TRUE;
}

void sim_runtime_drain(SimRuntime *self) {
    Event *event;
    while ((event = take_next(self, FALSE)) != NULL)
        happen(event);
    g_ptr_array_set_size(self->events, 0);
}

/* As the real timer does: whoever sleeps looks again. */
void sim_runtime_jump(SimRuntime *self, gint64 by_ms) {
    self->now_ms += by_ms;
    for (guint i = 0; i < self->events->len; i++) {
        Event *event = g_ptr_array_index(self->events, i);
        event->when_ms = MIN(event->when_ms, self->now_ms);
    }
    self->world->jumped_ms = self->now_ms;
    self->world->counters->clock_jumps++;
    world_say(self->world, "the clock jumps by %" G_GINT64_FORMAT " ms", by_ms);
}

/* Whoever waits for an outcome lets the rest go on; a crash takes the caller with it. */
static gboolean wait_for(Runtime *runtime, GCond *changed, GMutex *lock) {
    (void)changed;
    SimRuntime *self = sim_of(runtime);
    if (self->world->crashed)
        return FALSE;
    g_mutex_unlock(lock);
    if (!sim_runtime_step(self))
        world_fail(self->world, NULL, "a caller waits for something that never comes");
    g_mutex_lock(lock);
    return TRUE;
}

static void event_free(gpointer data) {
    Event *event = data;
    g_clear_error(&event->error);
    g_free(event);
}

void sim_runtime_init(SimRuntime *self, World *world) {
    *self = (SimRuntime){.runtime = {now_ms, random_number, run, at, forget, commit, wait_for},
                         .world = world,
                         .now_ms = 1700000000000,
                         .events = g_ptr_array_new_with_free_func(event_free)};
}

void sim_runtime_clear(SimRuntime *self) {
    g_ptr_array_unref(self->events);
}
