/* Lanes: each a thread that sends rows of one destination, and removes what was answered. A row that could not be sent holds its turn: the
 * rows behind it wait, and the lane goes on with those of other turns. */
#include "notify/deliver.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/thread_signals.h"
#include <string.h>

#define ROOM "notify"
#define PAGE_ROWS 8
#define NET_MS 30000 /* a lane that was not woken looks again */

/* What the lanes of a destination share. */
typedef struct {
    const Destination *destination;
    guint failures;       /* in a row, under Deliveries.lock */
    gint64 open_until_ms; /* clock_elapsed_ms; its circuit is open, under Deliveries.lock */
} Breaker;

/* A turn that waits. */
typedef struct {
    guint failures;
    gint64 due_ms; /* clock_elapsed_ms */
    guint64 left;  /* the round in which a row of it was left where it is: no later one may overtake it */
} Held;

typedef struct {
    Deliveries *deliveries;
    Breaker *breaker;
    guint number;
    guint64 seen; /* wakes */
    guint64 round;
    GHashTable *held; /* turn → Held; of the lane's thread */
    GThread *thread;
} Lane;

struct Deliveries {
    Store *store;
    HttpClient *http;
    GPtrArray *destinations;
    gint *waiting; /* atomic */
    DeliveryCounts *counts;
    GMutex lock;
    GCond changed;
    guint64 wakes; /* under lock */
    gboolean stopping;
    Cancel *cancel;
    GPtrArray *breakers, *lanes;
};

guint delivery_lane(const char *execution_id) {
    return g_str_hash(execution_id) % DELIVERY_LANES;
}

/* Waits so long, or until stopped; with wake also until something was added. FALSE: stopping. */
static gboolean pause_lane(Lane *lane, gint64 wait_ms, gboolean wake) {
    Deliveries *deliveries = lane->deliveries;
    gint64 until = g_get_monotonic_time() + wait_ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&deliveries->lock);
    while (!deliveries->stopping && !(wake && lane->seen != deliveries->wakes))
        if (!g_cond_wait_until(&deliveries->changed, &deliveries->lock, until))
            break;
    lane->seen = deliveries->wakes;
    gboolean goes_on = !deliveries->stopping;
    g_mutex_unlock(&deliveries->lock);
    return goes_on;
}

/* ---- the circuit breaker ---- */
static gint64 open_for_ms(const Lane *lane) {
    Deliveries *deliveries = lane->deliveries;
    g_mutex_lock(&deliveries->lock);
    gint64 left = lane->breaker->open_until_ms - clock_elapsed_ms();
    g_mutex_unlock(&deliveries->lock);
    return lane->breaker->destination->circuit_breaker ? MAX(left, 0) : 0;
}

static void note_outcome(const Lane *lane, gboolean answered) {
    Deliveries *deliveries = lane->deliveries;
    Breaker *breaker = lane->breaker;
    g_mutex_lock(&deliveries->lock);
    breaker->failures = answered ? 0 : breaker->failures + 1;
    if (breaker->failures >= BREAKER_FAILURES)
        breaker->open_until_ms = clock_elapsed_ms() + BREAKER_OPEN_MS;
    g_mutex_unlock(&deliveries->lock);
}

/* ---- one row ---- */
static gboolean remove_row(const Lane *lane, gint64 number) {
    g_autoptr(GError) error = NULL;
    StoreUnit *unit = store_unit_new();
    store_delivery_remove(unit, number);
    if (!store_commit(lane->deliveries->store, unit, &error)) {
        log_warning(ROOM, "%s that was sent could not be forgotten, it will be sent again: %s", lane->breaker->destination->what,
                    error->message);
        return FALSE;
    }
    g_atomic_int_dec_and_test(lane->deliveries->waiting);
    return TRUE;
}

static gint64 backoff_ms(guint failures, guint retries) {
    if (failures <= retries)
        return DELIVERY_RETRY_MS;
    return MIN((gint64)DELIVERY_RETRY_MS << MIN(failures - retries, 10), DELIVERY_BACKOFF_MAX_MS);
}

/* ---- a lane ---- */
typedef struct {
    Lane *lane;
    guint rows;
    gint64 after;       /* the last row that was left where it is */
    gint64 next_due_ms; /* of the turns that wait; G_MAXINT64: none */
    gboolean goes_on;   /* FALSE: nothing more can be sent now */
} Round;

static gboolean leave(Round *round, Held *held, gint64 number, gint64 due_ms) {
    if (held != NULL)
        held->left = round->lane->round;
    round->after = number;
    round->next_due_ms = MIN(round->next_due_ms, due_ms);
    round->goes_on = round->lane->breaker->destination->turn != NULL;
    return round->goes_on;
}

static void note_failure(Round *round, const DeliveryRecord *record, const char *turn, const GError *error) {
    const Destination *destination = round->lane->breaker->destination;
    Held *held = g_hash_table_lookup(round->lane->held, turn);
    if (held == NULL)
        g_hash_table_insert(round->lane->held, g_strdup(turn), held = g_new0(Held, 1));
    held->failures++;
    held->due_ms = clock_elapsed_ms() + backoff_ms(held->failures, destination->retries);
    if (held->failures == 1 || held->failures % 100 == 0)
        log_warning(ROOM, "%s of execution %s could not be sent (%u times): %s; it is tried again", destination->what, record->execution_id,
                    held->failures, error->message);
    leave(round, held, record->number, held->due_ms);
}

static gboolean finish(Round *round, const DeliveryRecord *record, const char *turn) {
    g_hash_table_remove(round->lane->held, turn);
    round->goes_on = remove_row(round->lane, record->number);
    return round->goes_on;
}

static gboolean deliver_each(const DeliveryRecord *record, gpointer data) {
    Round *round = data;
    Lane *lane = round->lane;
    const Destination *destination = lane->breaker->destination;
    g_autofree char *turn = destination->turn != NULL ? destination->turn(record) : g_strdup("");
    Held *held = g_hash_table_lookup(lane->held, turn);
    gint64 now = clock_elapsed_ms(), open_ms = open_for_ms(lane);
    round->rows++;
    if (clock_now_ms() - record->created_ms >= destination->keep_ms) {
        log_warning(ROOM, "%s of execution %s is given up: nobody took it for %" G_GINT64_FORMAT " minutes", destination->what,
                    record->execution_id, destination->keep_ms / 60000);
        lane->deliveries->counts->given_up++;
        return finish(round, record, turn);
    }
    if (held != NULL && (held->due_ms > now || held->left == lane->round))
        return leave(round, held, record->number, held->due_ms);
    if (open_ms > 0)
        return leave(round, held, record->number, now + open_ms);
    g_autoptr(GError) error = NULL;
    DeliveryOutcome outcome = destination->send(destination, lane->deliveries->http, lane->deliveries->cancel, record, &error);
    if (outcome == DELIVER_NOT_NOW)
        return round->goes_on = FALSE;
    note_outcome(lane, outcome == DELIVERED);
    if (outcome == DELIVERED) {
        lane->deliveries->counts->delivered++;
        return finish(round, record, turn);
    }
    lane->deliveries->counts->failed++;
    note_failure(round, record, turn, error);
    return round->goes_on;
}

/* Commits that failed were counted too: what waits is counted anew from time to time, by one lane. */
static void recount(const Lane *lane) {
    const Deliveries *deliveries = lane->deliveries;
    g_autoptr(GPtrArray) destinations = g_ptr_array_new_with_free_func(g_free);
    gint64 total = 0;
    if (lane == g_ptr_array_index(deliveries->lanes, 0) && store_deliveries_count(deliveries->store, destinations, &total, NULL))
        g_atomic_int_set(deliveries->waiting, (gint)MIN(total, G_MAXINT));
}

/* Once through what waits in the lane. FALSE: it could not be read. */
static gboolean go_through(const Lane *lane, Round *round) {
    const Deliveries *deliveries = lane->deliveries;
    g_autoptr(GError) error = NULL;
    do {
        round->rows = 0;
        if (!store_deliveries_next(deliveries->store, lane->breaker->destination->id, lane->number, round->after, PAGE_ROWS, deliver_each,
                                   round, &error)) {
            log_warning(ROOM, "%ss to be sent could not be read: %s", lane->breaker->destination->what, error->message);
            return FALSE;
        }
    } while (round->goes_on && round->rows == PAGE_ROWS && !cancel_is_set(deliveries->cancel));
    return TRUE;
}

static gpointer lane_main(gpointer data) {
    Lane *lane = data;
    gint64 counted_ms = clock_elapsed_ms();
    for (gboolean goes_on = TRUE; goes_on;) {
        Round round = {.lane = lane, .next_due_ms = G_MAXINT64, .goes_on = TRUE};
        lane->round++;
        gboolean fine = go_through(lane, &round);
        if (fine && clock_elapsed_ms() - counted_ms > NET_MS) {
            recount(lane);
            counted_ms = clock_elapsed_ms();
        }
        gint64 wait_ms = NET_MS;
        if (!fine || (!round.goes_on && round.next_due_ms == G_MAXINT64))
            wait_ms = DELIVERY_RETRY_MS;
        else if (round.next_due_ms != G_MAXINT64)
            wait_ms = CLAMP(round.next_due_ms - clock_elapsed_ms(), 0, NET_MS);
        goes_on = pause_lane(lane, wait_ms, fine && round.goes_on);
    }
    return NULL;
}

static void lane_free(gpointer data) {
    Lane *lane = data;
    g_hash_table_unref(lane->held);
    g_free(lane);
}

static void add_lanes(Deliveries *deliveries, const Destination *destination) {
    Breaker *breaker = g_new0(Breaker, 1);
    breaker->destination = destination;
    g_ptr_array_add(deliveries->breakers, breaker);
    for (guint i = 0; i < DELIVERY_LANES; i++) {
        Lane *lane = g_new0(Lane, 1);
        *lane = (Lane){.deliveries = deliveries,
                       .breaker = breaker,
                       .number = i,
                       .held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
        g_ptr_array_add(deliveries->lanes, lane);
    }
}

Destination *destination_new(const char *id) {
    Destination *destination = g_new0(Destination, 1);
    destination->id = g_strdup(id);
    return destination;
}

void destination_free(gpointer data) {
    Destination *destination = data;
    if (destination->free_data != NULL)
        destination->free_data(destination->data);
    g_free(destination->id);
    g_free(destination);
}

Deliveries *deliveries_start(Store *store, HttpClient *http, GPtrArray *destinations, gint *waiting, DeliveryCounts *counts) {
    Deliveries *deliveries = g_new0(Deliveries, 1);
    *deliveries = (Deliveries){.store = store,
                               .http = http,
                               .destinations = destinations,
                               .waiting = waiting,
                               .counts = counts,
                               .cancel = cancel_new(),
                               .breakers = g_ptr_array_new_with_free_func(g_free),
                               .lanes = g_ptr_array_new_with_free_func(lane_free)};
    g_mutex_init(&deliveries->lock);
    g_cond_init(&deliveries->changed);
    for (guint i = 0; i < destinations->len; i++)
        add_lanes(deliveries, g_ptr_array_index(destinations, i));
    sigset_t signals;
    thread_signals_block(&signals);
    for (guint i = 0; i < deliveries->lanes->len; i++) {
        Lane *lane = g_ptr_array_index(deliveries->lanes, i);
        lane->thread = g_thread_new("notify", lane_main, lane);
    }
    thread_signals_restore(&signals);
    return deliveries;
}

void deliveries_wake(Deliveries *deliveries) {
    g_mutex_lock(&deliveries->lock);
    deliveries->wakes++;
    g_cond_broadcast(&deliveries->changed);
    g_mutex_unlock(&deliveries->lock);
}

void deliveries_stop(Deliveries *deliveries) {
    g_mutex_lock(&deliveries->lock);
    deliveries->stopping = TRUE;
    g_cond_broadcast(&deliveries->changed);
    g_mutex_unlock(&deliveries->lock);
    cancel_set(deliveries->cancel);
    for (guint i = 0; i < deliveries->lanes->len; i++)
        g_thread_join(((Lane *)g_ptr_array_index(deliveries->lanes, i))->thread);
    g_ptr_array_unref(deliveries->lanes);
    g_ptr_array_unref(deliveries->breakers);
    cancel_unref(deliveries->cancel);
    g_ptr_array_unref(deliveries->destinations);
    g_mutex_clear(&deliveries->lock);
    g_cond_clear(&deliveries->changed);
    g_free(deliveries);
}
