/* Lanes: each a thread that sends the rows of one endpoint, one after the other, and removes what was answered. */
#include "notify/deliver.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/thread_signals.h"
#include "store/deliveries.h"
#include <string.h>

#define ROOM "notify"
#define PAGE_ROWS 8
#define NET_MS 30000 /* a lane that was not woken looks again */

/* What the lanes of an endpoint share. */
typedef struct {
    const Endpoint *endpoint;
    guint failures;       /* in a row, under Deliveries.lock */
    gint64 open_until_ms; /* clock_elapsed_ms; its circuit is open, under Deliveries.lock */
} Breaker;

typedef struct {
    Deliveries *deliveries;
    Breaker *breaker;
    guint number;
    guint64 seen; /* wakes */
    GThread *thread;
} Lane;

struct Deliveries {
    Store *store;
    HttpClient *http;
    NotifySettings *settings;
    gint *waiting; /* atomic */
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
    return lane->breaker->endpoint->circuit_breaker ? MAX(left, 0) : 0;
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
/* TRUE: it was answered, whatever the answer says, and is done. */
static gboolean call_endpoint(const Lane *lane, const DeliveryRecord *record, GError **error) {
    const Endpoint *endpoint = lane->breaker->endpoint;
    g_autoptr(GError) wrong = NULL;
    if (!record->body)
        error_set(&wrong, ERR_INTERNAL, "what is stored of it is damaged");
    g_autoptr(Json) event = record->body ? json_parse_limited(record->body, -1, ENDPOINT_BODY_MAX, &wrong) : NULL;
    g_autofree char *body = event ? endpoint_body(endpoint, json_root(event), &wrong) : NULL;
    if (!body) {
        log_warning(ROOM, "an event of execution %s is not sent: %s", record->execution_id, wrong->message);
        return TRUE; /* it would be no better later */
    }
    HttpRequest request = {.method = "POST",
                           .url = endpoint->url,
                           .headers = (HttpHeaders)endpoint->headers,
                           .body = body,
                           .body_length = strlen(body),
                           .timeout_ms = DELIVERY_TIMEOUT_MS,
                           .response_max = 1024 * 1024,
                           .insecure = endpoint->insecure};
    g_auto(HttpResponse) response = {0};
    if (!http_call(lane->deliveries->http, &request, lane->deliveries->cancel, &response, error))
        return error_code(*error) == ERR_LIMIT; /* a long answer is one */
    if (response.status >= 500 || response.status == 408 || response.status == 429) {
        error_set(error, ERR_REMOTE, "it answered %d", response.status);
        return FALSE;
    }
    if (response.status >= 300)
        log_warning(ROOM, "an event of execution %s was answered with %d; it is not sent again", record->execution_id, response.status);
    return TRUE;
}

static gboolean remove_row(const Lane *lane, gint64 number) {
    g_autoptr(GError) error = NULL;
    StoreUnit *unit = store_unit_new();
    store_delivery_remove(unit, number);
    if (!store_commit(lane->deliveries->store, unit, &error)) {
        log_warning(ROOM, "an event that was sent could not be forgotten, it will be sent again: %s", error->message);
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

/* Until it is answered or too old. FALSE: stopping. */
static gboolean deliver(Lane *lane, const DeliveryRecord *record) {
    const Endpoint *endpoint = lane->breaker->endpoint;
    for (guint failures = 0; clock_now_ms() - record->created_ms < DELIVERY_KEEP_MS;) {
        gint64 open_ms = open_for_ms(lane);
        if (open_ms > 0 && !pause_lane(lane, open_ms, FALSE))
            return FALSE;
        g_autoptr(GError) error = NULL;
        gboolean answered = call_endpoint(lane, record, &error);
        if (error && error_code(error) == ERR_CANCELLED)
            return FALSE;
        note_outcome(lane, answered);
        if (answered)
            return TRUE;
        failures++;
        if (failures == 1 || failures % 100 == 0)
            log_warning(ROOM, "an event of execution %s could not be sent (%u times): %s; it is tried again", record->execution_id,
                        failures, error->message);
        if (!pause_lane(lane, backoff_ms(failures, endpoint->retries), FALSE))
            return FALSE;
    }
    log_warning(ROOM, "an event of execution %s is given up: nobody took it for a day (DELIVERY_KEEP_MS)", record->execution_id);
    return TRUE;
}

/* ---- a lane ---- */
typedef struct {
    Lane *lane;
    guint rows;
    gboolean goes_on;
} Round;

static gboolean deliver_each(const DeliveryRecord *record, gpointer data) {
    Round *round = data;
    round->rows++;
    round->goes_on = deliver(round->lane, record) && remove_row(round->lane, record->number);
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

static gpointer lane_main(gpointer data) {
    Lane *lane = data;
    const Deliveries *deliveries = lane->deliveries;
    gint64 counted_ms = clock_elapsed_ms();
    for (gboolean goes_on = TRUE; goes_on;) {
        Round round = {lane, 0, TRUE};
        g_autoptr(GError) error = NULL;
        if (!store_deliveries_next(deliveries->store, lane->breaker->endpoint->id, lane->number, PAGE_ROWS, deliver_each, &round, &error))
            log_warning(ROOM, "events to be sent could not be read: %s", error->message);
        if (!error && clock_elapsed_ms() - counted_ms > NET_MS) {
            recount(lane);
            counted_ms = clock_elapsed_ms();
        }
        if (!error && round.rows > 0 && round.goes_on)
            goes_on = pause_lane(lane, 0, FALSE);
        else
            goes_on = pause_lane(lane, error || !round.goes_on ? DELIVERY_RETRY_MS : NET_MS, !error && round.goes_on);
    }
    return NULL;
}

static void add_lanes(Deliveries *deliveries, const Endpoint *endpoint) {
    Breaker *breaker = g_new0(Breaker, 1);
    breaker->endpoint = endpoint;
    g_ptr_array_add(deliveries->breakers, breaker);
    for (guint i = 0; i < DELIVERY_LANES; i++) {
        Lane *lane = g_new0(Lane, 1);
        *lane = (Lane){.deliveries = deliveries, .breaker = breaker, .number = i};
        g_ptr_array_add(deliveries->lanes, lane);
    }
}

Deliveries *deliveries_start(Store *store, HttpClient *http, NotifySettings *settings, gint *waiting) {
    Deliveries *deliveries = g_new0(Deliveries, 1);
    *deliveries = (Deliveries){.store = store,
                               .http = http,
                               .settings = notify_settings_ref(settings),
                               .waiting = waiting,
                               .cancel = cancel_new(),
                               .breakers = g_ptr_array_new_with_free_func(g_free),
                               .lanes = g_ptr_array_new_with_free_func(g_free)};
    g_mutex_init(&deliveries->lock);
    g_cond_init(&deliveries->changed);
    for (guint i = 0; i < settings->endpoints->len; i++)
        add_lanes(deliveries, g_ptr_array_index(settings->endpoints, i));
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
    notify_settings_unref(deliveries->settings);
    g_mutex_clear(&deliveries->lock);
    g_cond_clear(&deliveries->changed);
    g_free(deliveries);
}
