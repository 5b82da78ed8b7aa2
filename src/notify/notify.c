/* What we tell others: the front. notify_observe runs on step workers, the listener of the store on the committer, requests on their
 * callers' threads, all else on main. */
#include "notify/notify.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/core.h"
#include "notify/destinations.h"
#include "notify/request.h"
#include "notify/slack_callback.h"
#include "notify/wanted.h"
#include "stages/metadata/notifications.h"
#include "store/deliveries.h"
#include "store/replicas.h"
#include <string.h>

#define ROOM "notify"
#define SAY_LOST_MS 60000 /* the log says at most so often that something is lost */

/* What the configuration says; immutable, swapped whole. */
typedef struct {
    gint ref_count;
    NotifySettings *events;
    Senders *senders;
    EngineSettings *engine; /* for expressions in entries */
    gboolean sends;         /* a kind of notifications is enabled */
} Settings;

struct Notify {
    Store *store;
    HttpClient *http;
    GMutex lock; /* of all that follows but what is atomic */
    Settings *settings;
    Deliveries *events, *notifications; /* NULL: not started, or nothing to do */
    GHashTable *added;                  /* executions whose commit under way adds notifications */
    gint busy;                          /* atomic: 0: nobody is to be told anything */
    gint waiting;                       /* atomic: rows */
    DeliveryCounts event_counts, notification_counts;
    _Atomic guint64 lost; /* changes and requests for which there was no room */
    gint64 lost_said_ms;
    gboolean started;
    guint listener; /* 0: none */
};

/* ---- settings ---- */
static void settings_unref(Settings *settings) {
    if (settings == NULL || !g_atomic_int_dec_and_test(&settings->ref_count))
        return;
    notify_settings_unref(settings->events);
    senders_unref(settings->senders);
    if (settings->engine != NULL)
        engine_settings_unref(settings->engine);
    g_free(settings);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_unref)

static Settings *settings_new(Config *config, GError **error) {
    g_autoptr(Settings) settings = g_new0(Settings, 1);
    settings->ref_count = 1;
    if ((settings->events = notify_settings_new(config, error)) == NULL || (settings->senders = senders_new(config, error)) == NULL ||
        (settings->engine = engine_settings_new(NULL, config, error)) == NULL)
        return NULL;
    for (gsize i = 0; notification_types[i] != NULL; i++)
        settings->sends = settings->sends || senders_settings(settings->senders, notification_types[i]) != NULL;
    return g_steal_pointer(&settings);
}

static gboolean is_busy(const Settings *settings) {
    return settings->sends || settings->events->endpoints->len > 0;
}

static Settings *settings_now(Notify *notify) {
    g_mutex_lock(&notify->lock);
    Settings *settings = notify->settings;
    g_atomic_int_inc(&settings->ref_count);
    g_mutex_unlock(&notify->lock);
    return settings;
}

Notify *notify_new(Store *store, HttpClient *http, Config *config, GError **error) {
    Settings *settings = settings_new(config, error);
    if (settings == NULL)
        return NULL;
    Notify *notify = g_new0(Notify, 1);
    *notify = (Notify){.store = store, .http = http, .settings = settings, .busy = is_busy(settings)};
    notify->added = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&notify->lock);
    return notify;
}

/* ---- in the commit ---- */
static gboolean has_room(Notify *notify) {
    if (g_atomic_int_get(&notify->waiting) < DELIVERIES_MAX)
        return TRUE;
    gint64 now = clock_elapsed_ms();
    notify->lost++;
    g_mutex_lock(&notify->lock);
    gboolean say = now - notify->lost_said_ms > SAY_LOST_MS;
    notify->lost_said_ms = say ? now : notify->lost_said_ms;
    g_mutex_unlock(&notify->lock);
    if (say)
        log_warning(ROOM,
                    "%d events and notifications wait to be sent (DELIVERIES_MAX); further ones are lost until their receivers take some",
                    DELIVERIES_MAX);
    return FALSE;
}

static void add_row(Notify *notify, StoreUnit *unit, const char *destination, const char *execution_id, const char *text, gint64 now_ms) {
    const DeliveryRecord record = {
        .destination = destination, .execution_id = execution_id, .lane = delivery_lane(execution_id), .created_ms = now_ms, .body = text};
    store_delivery_add(unit, &record);
    if (notify->started) /* else another server sends them */
        g_atomic_int_inc(&notify->waiting);
}

static void add_events(Notify *notify, StoreUnit *unit, const NotifySettings *settings, const Execution *before, const Execution *after,
                       gint64 now_ms) {
    if (settings->endpoints->len == 0)
        return;
    g_autoptr(GPtrArray) events = events_between(before, after, &settings->events, now_ms);
    for (guint i = 0; i < events->len; i++) {
        g_autofree char *text = json_write(json_root(g_ptr_array_index(events, i)), NULL);
        for (guint k = 0; k < settings->endpoints->len; k++)
            add_row(notify, unit, ((const Endpoint *)g_ptr_array_index(settings->endpoints, k))->id, after->id, text, now_ms);
    }
}

/* FALSE when nothing of its kind is sent, or it is too long. */
static gboolean add_notification(Notify *notify, StoreUnit *unit, const Settings *settings, const Json *document, const char *execution_id,
                                 gint64 now_ms) {
    const NotificationType *type = notification_type_find(json_get_string(json_root(document), "type"));
    gsize length = 0;
    if (type == NULL || senders_settings(settings->senders, type) == NULL)
        return FALSE;
    g_autofree char *text = json_write(json_root(document), &length), *destination = destination_of_type(type);
    if (length > NOTIFICATION_BYTES_MAX) {
        log_warning(ROOM, "a notification of execution %s is not sent: it has more than %d bytes (NOTIFICATION_BYTES_MAX)", execution_id,
                    NOTIFICATION_BYTES_MAX);
        return FALSE;
    }
    add_row(notify, unit, destination, execution_id, text, now_ms);
    return TRUE;
}

static Json *with_application(const char *application, const JsonValue *own, gpointer data) {
    g_autoptr(GError) error = NULL;
    Json *merged = notifications_with_application(((Notify *)data)->store, application, own, &error);
    if (error != NULL)
        log_warning(ROOM, "notifications of application %s could not be read: %s", application, error->message);
    return merged;
}

static void add_notifications(Notify *notify, StoreUnit *unit, const Settings *settings, const Execution *before, const Execution *after,
                              gint64 now_ms) {
    const WantedContext context = {settings->engine, with_application, notify};
    if (!settings->sends)
        return;
    g_autoptr(GPtrArray) wanted = wanted_between(before, after, &context, now_ms);
    gboolean any = FALSE;
    for (guint i = 0; i < wanted->len; i++)
        any = add_notification(notify, unit, settings, g_ptr_array_index(wanted, i), after->id, now_ms) || any;
    if (!any)
        return;
    g_mutex_lock(&notify->lock);
    if (notify->started)
        g_hash_table_add(notify->added, g_strdup(after->id));
    g_mutex_unlock(&notify->lock);
}

void notify_observe(StoreUnit *unit, const Execution *before, const Execution *after, gint64 now_ms, gpointer data) {
    Notify *notify = data;
    if (g_atomic_int_get(&notify->busy) == 0 || !has_room(notify))
        return;
    g_autoptr(Settings) settings = settings_now(notify);
    add_events(notify, unit, settings->events, before, after, now_ms);
    add_notifications(notify, unit, settings, before, after, now_ms);
}

/* ---- requests ---- */
gboolean notify_request(Notify *notify, const JsonValue *request, const char *key, gint64 now_ms, GError **error) {
    g_autoptr(Settings) settings = settings_now(notify);
    g_autoptr(GPtrArray) documents = request_documents(settings->senders, request, key, now_ms, error);
    if (documents == NULL)
        return FALSE;
    if (!has_room(notify)) {
        error_set(error, ERR_LIMIT, "%d events and notifications wait to be sent already (DELIVERIES_MAX)", DELIVERIES_MAX);
        return FALSE;
    }
    const char *execution_id = json_get_string(json_get(request, "source"), "executionId");
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i < documents->len; i++)
        add_notification(notify, unit, settings, g_ptr_array_index(documents, i), execution_id != NULL ? execution_id : key, now_ms);
    if (!store_commit(notify->store, unit, error))
        return FALSE;
    g_mutex_lock(&notify->lock);
    if (notify->notifications != NULL)
        deliveries_wake(notify->notifications);
    g_mutex_unlock(&notify->lock);
    return TRUE;
}

gboolean notify_request_now(Notify *notify, const JsonValue *request, const char *key, gint64 now_ms, Cancel *cancel, GError **error) {
    g_autoptr(Settings) settings = settings_now(notify);
    g_autoptr(GPtrArray) documents = request_documents(settings->senders, request, key, now_ms, error);
    gboolean again = FALSE;
    for (guint i = 0; documents != NULL && i < documents->len; i++)
        if (!notification_send(settings->senders, notify->http, json_root(g_ptr_array_index(documents, i)), cancel, &again, error))
            return FALSE;
    return documents != NULL;
}

/* ---- buttons ---- */
static gboolean tell_service(Notify *notify, const Settings *settings, const JsonValue *action, GError **error) {
    const char *service = json_get_string(action, "serviceId");
    g_autofree char *key = g_strdup_printf("services.%s.baseUrl", service);
    const char *base = config_get_string(settings->engine->config, SERVICE_ECHO, key);
    if (base == NULL || *base == '\0') {
        error_set(error, ERR_INVALID, "the callback is for the service %s, but %s is not set", service, key);
        return FALSE;
    }
    g_autofree char *url = g_strconcat(base, g_str_has_suffix(base, "/") ? "" : "/", "notifications/callback", NULL);
    g_autofree char *body = json_write(action, NULL);
    const char *const headers[] = {"Content-Type", "application/json", "X-SPINNAKER-USER", json_get_string(action, "user"), NULL};
    const HttpRequest request = {.method = "POST",
                                 .url = url,
                                 .headers = headers,
                                 .body = body,
                                 .body_length = strlen(body),
                                 .timeout_ms = NOTIFICATION_TIMEOUT_MS,
                                 .response_max = NOTIFICATION_ANSWER_MAX};
    g_auto(HttpResponse) response = {0};
    if (http_call(notify->http, &request, NULL, &response, error) && response.status < 300)
        return TRUE;
    if (response.status >= 300)
        error_set(error, ERR_REMOTE, "it answered %d", response.status);
    g_prefix_error(error, "tell the service %s: ", service);
    return FALSE;
}

Json *notify_slack_callback(Notify *notify, const char *timestamp, const char *signature, const char *body, gint64 now_ms, GError **error) {
    g_autoptr(Settings) settings = settings_now(notify);
    const SlackSettings *slack = senders_settings(settings->senders, &notification_slack);
    if (slack == NULL) {
        senders_can(settings->senders, "slack", error);
        return NULL;
    }
    if (!slack_callback_check(slack, timestamp, signature, body, now_ms, error))
        return NULL;
    g_autoptr(Json) payload = slack_callback_payload(body, error);
    g_autofree char *user = payload != NULL ? slack_callback_user(slack, notify->http, json_root(payload), error) : NULL;
    g_autoptr(Json) action = user != NULL ? slack_callback_action(json_root(payload), user, error) : NULL;
    if (action == NULL || !tell_service(notify, settings, json_root(action), error))
        return NULL;
    return slack_callback_message(json_root(payload), json_root(action));
}

/* ---- what can be said ---- */
Json *notify_types(Notify *notify) {
    g_autoptr(Settings) settings = settings_now(notify);
    return request_types(settings->senders);
}

Json *notify_unsent(Notify *notify, const Execution *execution) {
    g_autoptr(Settings) settings = settings_now(notify);
    return request_unsent(settings->senders, execution);
}

/* ---- life ---- */
static void on_change(const StoreChangeEvent *event, gpointer data) {
    Notify *notify = data;
    if (strcmp(event->change.kind, "execution") != 0)
        return;
    g_mutex_lock(&notify->lock);
    if (notify->events != NULL)
        deliveries_wake(notify->events);
    if ((g_hash_table_remove(notify->added, event->change.id) || store_is_shared(notify->store)) && notify->notifications != NULL)
        deliveries_wake(notify->notifications);
    g_mutex_unlock(&notify->lock);
}

static gboolean is_among(const GPtrArray *destinations, const char *id) {
    for (guint i = 0; i < destinations->len; i++)
        if (strcmp(((const Destination *)g_ptr_array_index(destinations, i))->id, id) == 0)
            return TRUE;
    return FALSE;
}

/* Rows for destinations that are no more. */
static void forget_others(Notify *notify, const GPtrArray *endpoints, const GPtrArray *senders) {
    g_autoptr(GPtrArray) stored = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    gint64 total = 0;
    StoreUnit *unit = store_unit_new();
    guint forgotten = 0;
    gboolean fine = store_deliveries_count(notify->store, stored, &total, &error);
    for (guint i = 0; fine && i < stored->len; i++) {
        const char *destination = g_ptr_array_index(stored, i);
        if (is_among(endpoints, destination) || is_among(senders, destination))
            continue;
        store_deliveries_forget(unit, destination);
        forgotten++;
    }
    if (forgotten)
        fine = store_commit(notify->store, unit, &error);
    else
        store_unit_free(unit);
    if (!fine)
        log_warning(ROOM, "what waits for receivers that are gone could not be forgotten: %s", error->message);
    g_ptr_array_set_size(stored, 0);
    if (store_deliveries_count(notify->store, stored, &total, NULL))
        g_atomic_int_set(&notify->waiting, (gint)MIN(total, G_MAXINT));
}

static Deliveries *start_lanes(Notify *notify, GPtrArray *destinations, DeliveryCounts *counts) {
    if (destinations->len > 0)
        return deliveries_start(notify->store, notify->http, destinations, &notify->waiting, counts);
    g_ptr_array_unref(destinations);
    return NULL;
}

/* With what the settings say now; the listener only while there is somebody to tell. */
static void begin(Notify *notify) {
    g_autoptr(Settings) settings = settings_now(notify);
    GPtrArray *endpoints = destinations_of_endpoints(settings->events), *senders = destinations_of_senders(settings->senders);
    forget_others(notify, endpoints, senders);
    Deliveries *events = start_lanes(notify, endpoints, &notify->event_counts),
               *notifications = start_lanes(notify, senders, &notify->notification_counts);
    g_mutex_lock(&notify->lock);
    notify->events = events;
    notify->notifications = notifications;
    g_mutex_unlock(&notify->lock);
    if (events != NULL || notifications != NULL)
        notify->listener = store_listen(notify->store, on_change, notify);
}

static void end(Notify *notify) {
    if (notify->listener)
        store_unlisten(notify->store, notify->listener);
    notify->listener = 0;
    g_mutex_lock(&notify->lock);
    Deliveries *events = g_steal_pointer(&notify->events), *notifications = g_steal_pointer(&notify->notifications);
    g_hash_table_remove_all(notify->added);
    g_mutex_unlock(&notify->lock);
    if (events != NULL)
        deliveries_stop(events);
    if (notifications != NULL)
        deliveries_stop(notifications);
}

void notify_start(Notify *notify) {
    notify->started = TRUE;
    begin(notify);
}

void notify_look(Notify *notify) {
    g_mutex_lock(&notify->lock);
    if (notify->events != NULL)
        deliveries_wake(notify->events);
    if (notify->notifications != NULL)
        deliveries_wake(notify->notifications);
    g_mutex_unlock(&notify->lock);
}

void notify_stop(Notify *notify) {
    notify->started = FALSE;
    end(notify);
}

void notify_free(Notify *notify) {
    if (notify == NULL)
        return;
    settings_unref(notify->settings);
    g_hash_table_unref(notify->added);
    g_mutex_clear(&notify->lock);
    g_free(notify);
}

gboolean notify_reload(Notify *notify, Config *config, GError **error) {
    Settings *fresh = settings_new(config, error);
    if (fresh == NULL)
        return FALSE;
    if (notify->started)
        end(notify);
    g_mutex_lock(&notify->lock);
    Settings *old = notify->settings;
    notify->settings = fresh;
    g_mutex_unlock(&notify->lock);
    g_atomic_int_set(&notify->busy, is_busy(fresh));
    settings_unref(old);
    if (notify->started)
        begin(notify);
    return TRUE;
}

/* ---- counts ---- */
static NotifyOutcomes outcomes(DeliveryCounts *counts) {
    return (NotifyOutcomes){.delivered = counts->delivered, .failed = counts->failed, .given_up = counts->given_up};
}

void notify_counts(Notify *notify, NotifyCounts *into) {
    *into = (NotifyCounts){.waiting = (guint64)MAX(g_atomic_int_get(&notify->waiting), 0),
                           .lost = notify->lost,
                           .events = outcomes(&notify->event_counts),
                           .notifications = outcomes(&notify->notification_counts)};
}
