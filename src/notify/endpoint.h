/* An endpoint of rest.endpoints: where events go, and in which shape (notifications.md 6). Immutable. */
#pragma once
#include "base/config.h"
#include "notify/events.h"

#define ENDPOINTS_MAX 32
#define ENDPOINT_BODY_MAX (64 * 1024 * 1024) /* bytes of what is sent */

typedef struct {
    char *id; /* the destination of its rows: the same as long as the URL is */
    char *url, *event_name, *field_name, *template;
    char **headers; /* "name", "value" pairs, NULL-terminated */
    gboolean wrap, flatten, insecure, circuit_breaker;
    guint retries; /* quick ones, before it backs off */
} Endpoint;

typedef struct {
    gint ref_count;
    GPtrArray *endpoints; /* of Endpoint */
    EventSettings events;
} NotifySettings;

extern const ConfigSection *const notify_config_sections[]; /* ends with NULL */
/* ERR_INVALID names file and line of what is wrong. Caller owns. */
NotifySettings *notify_settings_new(const Config *config, GError **error);
NotifySettings *notify_settings_ref(NotifySettings *settings);
void notify_settings_unref(NotifySettings *settings); /* NULL-safe */

/* What is sent for an event; caller frees. ERR_INVALID when the template makes no JSON of it; ERR_LIMIT. */
char *endpoint_body(const Endpoint *endpoint, const JsonValue *event, GError **error);
