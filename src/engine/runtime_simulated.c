/* One thread, and a list of what is to happen: events in the order of their simulated time, ties and latencies by chance. A commit is
 * written to the store at once; its sender hears of it later.
 *
 * Whoever waits inside an event (Runtime.wait) lets outcomes of commits happen before anything else, so that waits do not pile up. */
#include "engine/runtime_simulated.h"
#include "base/error.h"

typedef enum { EVENT_JOB, EVENT_TIMER, EVENT_COMMITTED } EventKind;
typedef struct {
    EventKind kind;
    gint64 when_ms;
    guint32 tie; /* the order of what happens at one time */
    guint64 id;
    RuntimeWork work;
    RuntimeDue due;
    RuntimeDone done;
    GError *error;
    gpointer data;
} Event;

typedef struct {
    Runtime runtime; /* first: what its users are given */
    SimulatedOptions options;
    gint64 now_ms;
    guint64 last_id;
    guint depth;       /* events that are happening: one, or more inside a wait */
    GPtrArray *events; /* of Event */
} Simulated;

static Simulated *simulated_of(Runtime *runtime) {
    return (Simulated *)runtime;
}

static Event *add_event(Simulated *self, EventKind kind, gint64 when_ms, gpointer data) {
    Event *event = g_new0(Event, 1);
    *event = (Event){
        .kind = kind, .when_ms = MAX(when_ms, self->now_ms), .tie = g_rand_int(self->options.random), .id = ++self->last_id, .data = data};
    g_ptr_array_add(self->events, event);
    return event;
}

static void event_free(gpointer data) {
    Event *event = data;
    g_clear_error(&event->error);
    g_free(event);
}

static gint64 now_ms(Runtime *runtime) {
    return simulated_of(runtime)->now_ms;
}

static guint64 random_number(Runtime *runtime) {
    return g_rand_int(simulated_of(runtime)->options.random);
}

static gboolean is_over(const Simulated *self) {
    return self->options.is_over && self->options.is_over(self->options.data);
}

static void run(Runtime *runtime, RuntimeLane lane, const char *account, RuntimeWork work, gpointer data) {
    (void)account;
    Simulated *self = simulated_of(runtime);
    gboolean at_once = lane == LANE_STEP || self->options.io_latency_ms == 0 || is_over(self);
    gint64 latency = at_once ? 0 : g_rand_int_range(self->options.random, 0, self->options.io_latency_ms);
    add_event(self, EVENT_JOB, self->now_ms + latency, data)->work = work;
}

static guint64 at(Runtime *runtime, gint64 when_ms, RuntimeDue due, gpointer data) {
    Event *event = add_event(simulated_of(runtime), EVENT_TIMER, when_ms, data);
    event->due = due;
    return event->id;
}

static gboolean forget(Runtime *runtime, guint64 id) {
    Simulated *self = simulated_of(runtime);
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

static gint64 commit_latency(Simulated *self) {
    GRand *random = self->options.random;
    gint64 stall_ms = self->options.stall_ms ? self->options.stall_ms(self->options.data) : 0;
    if (self->options.commit_latency_ms == 0 || g_rand_double_range(random, 0, 100) < 50)
        return stall_ms;
    return stall_ms + g_rand_int_range(random, 0, self->options.commit_latency_ms);
}

static void commit(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data) {
    Simulated *self = simulated_of(runtime);
    GError *error = NULL;
    if (self->options.may_commit && !self->options.may_commit(self->options.data, &error)) {
        store_unit_free(unit);
    } else {
        store_submit(self->options.store, unit, keep_error, &error);
        if (self->options.committed)
            self->options.committed(self->options.data, &error);
    }
    Event *event = add_event(self, EVENT_COMMITTED, self->now_ms + commit_latency(self), data);
    event->done = done;
    event->error = error;
}

/* ---- what happens next ---- */
static gboolean is_before(const Event *a, const Event *b) {
    return a->when_ms < b->when_ms || (a->when_ms == b->when_ms && a->tie < b->tie);
}

static gboolean any(const Event *event) {
    (void)event;
    return TRUE;
}

static gboolean no_timer(const Event *event) {
    return event->kind != EVENT_TIMER;
}

static gboolean is_outcome(const Event *event) {
    return event->kind == EVENT_COMMITTED;
}

/* The place of the first of those that are asked for; the number of events: there is none. */
static guint find_next(const Simulated *self, gboolean (*is_asked_for)(const Event *event)) {
    guint first = self->events->len;
    for (guint i = 0; i < self->events->len; i++) {
        const Event *event = g_ptr_array_index(self->events, i);
        if (is_asked_for(event) && (first == self->events->len || is_before(event, g_ptr_array_index(self->events, first))))
            first = i;
    }
    return first;
}

static void happen(Simulated *self, guint place) {
    Event *event = g_ptr_array_steal_index_fast(self->events, place);
    self->depth++;
    if (event->kind == EVENT_JOB)
        event->work(event->data);
    else if (event->kind == EVENT_TIMER)
        event->due(event->data);
    else
        event->done(event->error, event->data);
    self->depth--;
    event_free(event);
}

static gboolean step(Simulated *self, guint place) {
    if (place == self->events->len)
        return FALSE;
    const Event *event = g_ptr_array_index(self->events, place);
    self->now_ms = MAX(self->now_ms, event->when_ms);
    happen(self, place);
    return TRUE;
}

gboolean runtime_simulated_step(Runtime *runtime) {
    Simulated *self = simulated_of(runtime);
    return step(self, find_next(self, any));
}

gint64 runtime_simulated_next_ms(Runtime *runtime) {
    const Simulated *self = simulated_of(runtime);
    guint place = find_next(self, any);
    return place < self->events->len ? ((const Event *)g_ptr_array_index(self->events, place))->when_ms : G_MAXINT64;
}

void runtime_simulated_drain(Runtime *runtime) {
    Simulated *self = simulated_of(runtime);
    for (guint place; (place = find_next(self, no_timer)) < self->events->len;)
        happen(self, place);
    g_ptr_array_set_size(self->events, 0);
}

void runtime_simulated_jump(Runtime *runtime, gint64 by_ms) {
    Simulated *self = simulated_of(runtime);
    self->now_ms += by_ms;
    for (guint i = 0; i < self->events->len; i++) {
        Event *event = g_ptr_array_index(self->events, i);
        event->when_ms = MIN(event->when_ms, self->now_ms);
    }
}

/* Whoever waits for an outcome lets the rest go on; a crash takes the caller with it. */
static gboolean wait_for(Runtime *runtime, GCond *changed, GMutex *lock) {
    (void)changed;
    Simulated *self = simulated_of(runtime);
    if (is_over(self))
        return FALSE;
    g_mutex_unlock(lock);
    guint outcome = self->depth > 0 ? find_next(self, is_outcome) : self->events->len;
    gboolean went_on = step(self, outcome) || runtime_simulated_step(runtime);
    if (!went_on && self->options.stuck)
        self->options.stuck(self->options.data);
    g_mutex_lock(lock);
    return went_on;
}

Runtime *runtime_simulated_new(const SimulatedOptions *options) {
    Simulated *self = g_new0(Simulated, 1);
    *self = (Simulated){.runtime = {now_ms, random_number, run, at, forget, commit, wait_for},
                        .options = *options,
                        .now_ms = options->now_ms,
                        .events = g_ptr_array_new_with_free_func(event_free)};
    return &self->runtime;
}

void runtime_simulated_free(Runtime *runtime) {
    Simulated *self = simulated_of(runtime);
    g_ptr_array_unref(self->events);
    g_free(self);
}
