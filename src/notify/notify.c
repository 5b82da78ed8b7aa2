/* Outgoing events: the front. notify_observe runs on step workers, the listener of the store on the committer, all else on main. */
#include "notify/notify.h"
#include "base/clock.h"
#include "base/log.h"
#include "notify/deliver.h"
#include "store/deliveries.h"
#include <string.h>

#define ROOM "notify"
#define SAY_LOST_MS 60000 /* the log says at most so often that events are lost */

struct Notify {
    Store *store;
    HttpClient *http;
    GMutex lock;              /* of settings and deliveries */
    NotifySettings *settings; /* swapped whole */
    Deliveries *deliveries;   /* NULL: not started, or no endpoint */
    gint endpoints;           /* atomic: 0: nothing is to be done */
    gint waiting;             /* atomic: rows */
    gint64 lost_said_ms;      /* under lock */
    gboolean started;
    guint listener; /* 0: none */
};

Notify *notify_new(Store *store, HttpClient *http, const Config *config, GError **error) {
    NotifySettings *settings = notify_settings_new(config, error);
    if (!settings)
        return NULL;
    Notify *notify = g_new0(Notify, 1);
    *notify = (Notify){.store = store, .http = http, .settings = settings, .endpoints = (gint)settings->endpoints->len};
    g_mutex_init(&notify->lock);
    return notify;
}

static NotifySettings *settings_now(Notify *notify) {
    g_mutex_lock(&notify->lock);
    NotifySettings *settings = notify_settings_ref(notify->settings);
    g_mutex_unlock(&notify->lock);
    return settings;
}

/* ---- in the commit ---- */
static gboolean has_room(Notify *notify) {
    if (g_atomic_int_get(&notify->waiting) < DELIVERIES_MAX)
        return TRUE;
    gint64 now = clock_elapsed_ms();
    g_mutex_lock(&notify->lock);
    gboolean say = now - notify->lost_said_ms > SAY_LOST_MS;
    notify->lost_said_ms = say ? now : notify->lost_said_ms;
    g_mutex_unlock(&notify->lock);
    if (say)
        log_warning(ROOM, "%d events wait to be sent (DELIVERIES_MAX); further ones are lost until endpoints take some", DELIVERIES_MAX);
    return FALSE;
}

static void add_rows(Notify *notify, StoreUnit *unit, const NotifySettings *settings, const GPtrArray *events, const char *execution_id,
                     gint64 now_ms) {
    for (guint i = 0; i < events->len; i++) {
        g_autofree char *text = json_write(json_root(g_ptr_array_index(events, i)), NULL);
        for (guint k = 0; k < settings->endpoints->len; k++) {
            const Endpoint *endpoint = g_ptr_array_index(settings->endpoints, k);
            const DeliveryRecord record = {.destination = endpoint->id,
                                           .execution_id = execution_id,
                                           .lane = delivery_lane(execution_id),
                                           .created_ms = now_ms,
                                           .body = text};
            store_delivery_add(unit, &record);
            g_atomic_int_inc(&notify->waiting);
        }
    }
}

void notify_observe(StoreUnit *unit, const Execution *before, const Execution *after, gint64 now_ms, gpointer data) {
    Notify *notify = data;
    if (g_atomic_int_get(&notify->endpoints) == 0 || !has_room(notify))
        return;
    NotifySettings *settings = settings_now(notify);
    g_autoptr(GPtrArray) events = events_between(before, after, &settings->events, now_ms);
    add_rows(notify, unit, settings, events, after->id, now_ms);
    notify_settings_unref(settings);
}

/* ---- life ---- */
static void on_change(const StoreChangeEvent *event, gpointer data) {
    Notify *notify = data;
    if (strcmp(event->change.kind, "execution") != 0)
        return;
    g_mutex_lock(&notify->lock);
    if (notify->deliveries)
        deliveries_wake(notify->deliveries);
    g_mutex_unlock(&notify->lock);
}

static gboolean is_configured(const NotifySettings *settings, const char *destination) {
    for (guint i = 0; i < settings->endpoints->len; i++)
        if (strcmp(((const Endpoint *)g_ptr_array_index(settings->endpoints, i))->id, destination) == 0)
            return TRUE;
    return FALSE;
}

/* Rows for endpoints that are no more. */
static void forget_others(Notify *notify, const NotifySettings *settings) {
    g_autoptr(GPtrArray) destinations = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    gint64 total = 0;
    StoreUnit *unit = store_unit_new();
    guint forgotten = 0;
    gboolean fine = store_deliveries_count(notify->store, destinations, &total, &error);
    for (guint i = 0; fine && i < destinations->len; i++) {
        const char *destination = g_ptr_array_index(destinations, i);
        if (is_configured(settings, destination))
            continue;
        store_deliveries_forget(unit, destination);
        forgotten++;
    }
    if (forgotten)
        fine = store_commit(notify->store, unit, &error);
    else
        store_unit_free(unit);
    if (!fine)
        log_warning(ROOM, "events for endpoints that are gone could not be forgotten: %s", error->message);
    g_ptr_array_set_size(destinations, 0);
    if (store_deliveries_count(notify->store, destinations, &total, NULL))
        g_atomic_int_set(&notify->waiting, (gint)MIN(total, G_MAXINT));
}

/* With what the settings say now; the listener only while there is somebody to tell. */
static void begin(Notify *notify) {
    NotifySettings *settings = settings_now(notify);
    forget_others(notify, settings);
    if (settings->endpoints->len > 0) {
        Deliveries *deliveries = deliveries_start(notify->store, notify->http, settings, &notify->waiting);
        g_mutex_lock(&notify->lock);
        notify->deliveries = deliveries;
        g_mutex_unlock(&notify->lock);
        notify->listener = store_listen(notify->store, on_change, notify);
    }
    notify_settings_unref(settings);
}

static void end(Notify *notify) {
    if (notify->listener)
        store_unlisten(notify->store, notify->listener);
    notify->listener = 0;
    g_mutex_lock(&notify->lock);
    Deliveries *deliveries = g_steal_pointer(&notify->deliveries);
    g_mutex_unlock(&notify->lock);
    if (deliveries)
        deliveries_stop(deliveries);
}

void notify_start(Notify *notify) {
    notify->started = TRUE;
    begin(notify);
}

void notify_stop(Notify *notify) {
    notify->started = FALSE;
    end(notify);
}

void notify_free(Notify *notify) {
    if (!notify)
        return;
    notify_settings_unref(notify->settings);
    g_mutex_clear(&notify->lock);
    g_free(notify);
}

gboolean notify_reload(Notify *notify, const Config *config, GError **error) {
    NotifySettings *fresh = notify_settings_new(config, error);
    if (!fresh)
        return FALSE;
    if (notify->started)
        end(notify);
    g_mutex_lock(&notify->lock);
    NotifySettings *old = notify->settings;
    notify->settings = fresh;
    g_mutex_unlock(&notify->lock);
    g_atomic_int_set(&notify->endpoints, (gint)fresh->endpoints->len);
    notify_settings_unref(old);
    if (notify->started)
        begin(notify);
    return TRUE;
}
