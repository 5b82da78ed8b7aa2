/* What is sent to a destination for a row: an endpoint's call, a notification. On the lanes' threads. */
#include "notify/destinations.h"
#include "base/log.h"
#include <string.h>

#define ROOM "notify"

static Json *stored_document(const DeliveryRecord *record, GError **error) {
    if (record->body != NULL)
        return json_parse_limited(record->body, -1, ENDPOINT_BODY_MAX, error);
    error_set(error, ERR_INTERNAL, "what is stored of it is damaged");
    return NULL;
}

/* ---- endpoints ---- */
typedef struct {
    NotifySettings *settings;
    const Endpoint *endpoint;
} EndpointTarget;

static void endpoint_target_free(gpointer data) {
    notify_settings_unref(((EndpointTarget *)data)->settings);
    g_free(data);
}

static DeliveryOutcome call_endpoint(const Endpoint *endpoint, HttpClient *http, Cancel *cancel, const char *body,
                                     const DeliveryRecord *record, GError **error) {
    HttpRequest request = {.method = "POST",
                           .url = endpoint->url,
                           .headers = (HttpHeaders)endpoint->headers,
                           .body = body,
                           .body_length = strlen(body),
                           .timeout_ms = DELIVERY_TIMEOUT_MS,
                           .response_max = 1024 * 1024,
                           .insecure = endpoint->insecure};
    g_auto(HttpResponse) response = {0};
    g_autoptr(GError) failure = NULL;
    if (!http_call(http, &request, cancel, &response, &failure)) {
        if (error_code(failure) == ERR_LIMIT)
            return DELIVERED; /* a long answer is one */
        gboolean stopping = error_code(failure) == ERR_CANCELLED;
        g_propagate_error(error, g_steal_pointer(&failure));
        return stopping ? DELIVER_NOT_NOW : DELIVER_AGAIN;
    }
    if (response.status >= 500 || response.status == 408 || response.status == 429) {
        error_set(error, ERR_REMOTE, "it answered %d", response.status);
        return DELIVER_AGAIN;
    }
    if (response.status >= 300)
        log_warning(ROOM, "an event of execution %s was answered with %d; it is not sent again", record->execution_id, response.status);
    return DELIVERED;
}

static DeliveryOutcome send_event(const Destination *destination, HttpClient *http, Cancel *cancel, const DeliveryRecord *record,
                                  GError **error) {
    const EndpointTarget *target = destination->data;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Json) event = stored_document(record, &wrong);
    g_autofree char *body = event != NULL ? endpoint_body(target->endpoint, json_root(event), &wrong) : NULL;
    if (body != NULL)
        return call_endpoint(target->endpoint, http, cancel, body, record, error);
    log_warning(ROOM, "an event of execution %s is not sent: %s", record->execution_id, wrong->message);
    return DELIVERED; /* it would be no better later */
}

GPtrArray *destinations_of_endpoints(NotifySettings *settings) {
    GPtrArray *all = g_ptr_array_new_with_free_func(destination_free);
    for (guint i = 0; i < settings->endpoints->len; i++) {
        const Endpoint *endpoint = g_ptr_array_index(settings->endpoints, i);
        EndpointTarget *target = g_new0(EndpointTarget, 1);
        *target = (EndpointTarget){notify_settings_ref(settings), endpoint};
        Destination *destination = destination_new(endpoint->id);
        destination->what = "event";
        destination->retries = endpoint->retries;
        destination->circuit_breaker = endpoint->circuit_breaker;
        destination->keep_ms = DELIVERY_KEEP_MS;
        destination->send = send_event;
        destination->data = target;
        destination->free_data = endpoint_target_free;
        g_ptr_array_add(all, destination);
    }
    return all;
}

/* ---- notifications ---- */
static DeliveryOutcome send_notification(const Destination *destination, HttpClient *http, Cancel *cancel, const DeliveryRecord *record,
                                         GError **error) {
    gboolean again = FALSE;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) document = stored_document(record, &failure);
    if (document != NULL && notification_send(destination->data, http, json_root(document), cancel, &again, &failure))
        return DELIVERED;
    if (error_code(failure) == ERR_CANCELLED)
        return DELIVER_NOT_NOW;
    if (again) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return DELIVER_AGAIN;
    }
    log_warning(ROOM, "a notification of execution %s is not sent: %s", record->execution_id, failure->message);
    return DELIVERED;
}

/* Who gets it: one address that cannot be reached stops no other. */
static char *turn_of_notification(const DeliveryRecord *record) {
    g_autoptr(Json) document = stored_document(record, NULL);
    const JsonValue *root = json_root(document);
    const char *address = json_get_string(json_get(root, "entry"), "address"), *to = json_string(json_at(json_get(root, "to"), 0));
    return g_strdup(address != NULL ? address : to != NULL ? to : "");
}

char *destination_of_type(const NotificationType *type) {
    return g_strconcat("notify:", type->name, NULL);
}

static void release_senders(gpointer senders) {
    senders_unref(senders);
}

GPtrArray *destinations_of_senders(Senders *senders) {
    GPtrArray *all = g_ptr_array_new_with_free_func(destination_free);
    for (gsize i = 0; notification_types[i] != NULL; i++) {
        if (senders_settings(senders, notification_types[i]) == NULL)
            continue;
        g_autofree char *id = destination_of_type(notification_types[i]);
        Destination *destination = destination_new(id);
        destination->what = "notification";
        destination->retries = 1;
        destination->keep_ms = NOTIFICATION_KEEP_MS;
        destination->turn = turn_of_notification;
        destination->send = send_notification;
        destination->data = senders_ref(senders);
        destination->free_data = release_senders;
        g_ptr_array_add(all, destination);
    }
    return all;
}
