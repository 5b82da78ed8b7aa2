/* Endpoints: reading them, and what they make of an event. Pure, but for a headers file, which is read with the configuration. */
#include "notify/endpoint.h"
#include <stddef.h>
#include <string.h>

#define RETRIES_MAX 10
#define HEADERS_FILE_MAX (64 * 1024)

typedef struct {
    char *url, *event_name, *field_name, *template, *username, *password, *headers_file;
    Json *headers;
    gboolean wrap, flatten, insecure, circuit_breaker;
    gint64 retry_count;
} EndpointRead;

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(EndpointRead, member), __VA_ARGS__ }
static const Param endpoint_params[] = {
    FIELD("url", PARAM_STRING, url, .required = TRUE, .help = "Where events are posted."),
    FIELD("wrap", PARAM_BOOL, wrap, .help = "Puts the event into {eventName, <fieldName>: event}, or into the template."),
    FIELD("eventName", PARAM_STRING, event_name, .help = "Instead of rest.defaultEventName."),
    FIELD("fieldName", PARAM_STRING, field_name, .help = "Instead of rest.defaultFieldName."),
    FIELD("template", PARAM_STRING, template, .help = "With wrap: JSON in which {{event}} stands for the event."),
    FIELD("flatten", PARAM_BOOL, flatten, .help = "Content and details become JSON texts."),
    FIELD("insecure", PARAM_BOOL, insecure, .help = "Certificates are not checked."),
    FIELD("username", PARAM_STRING, username, .help = "For basic authentication."),
    FIELD("password", PARAM_STRING, password, .secret = TRUE, .help = "For basic authentication."),
    FIELD("headers", PARAM_JSON, headers, .secret = TRUE, .help = "More headers, by name."),
    FIELD("headersFile", PARAM_STRING, headers_file, .help = "A file with a header per line, Name: value."),
    FIELD("retryCount", PARAM_INT, retry_count, .otherwise = "1", .min = 0, .max = RETRIES_MAX,
          .help = "How often a failed call is repeated 200 ms later, before it waits longer."),
    FIELD("circuitBreakerEnabled", PARAM_BOOL, circuit_breaker, .help = "After five failures nobody calls it for half a minute."),
    {0},
};

typedef struct {
    gboolean enabled, circuit_breaker;
    char *event_name, *field_name;
    Json *endpoints;
} RestRead;
static const Param rest_params[] = {
    {.name = "enabled", .type = PARAM_BOOL, .offset = offsetof(RestRead, enabled), .help = "Whether events are sent to endpoints."},
    {.name = "endpoints",
     .type = PARAM_JSON,
     .offset = offsetof(RestRead, endpoints),
     .members = endpoint_params,
     .help = "Where every event of executions, stages and tasks is sent."},
    {.name = "defaultEventName",
     .type = PARAM_STRING,
     .offset = offsetof(RestRead, event_name),
     .otherwise = "\"spinnaker_events\"",
     .help = "eventName of endpoints that name none."},
    {.name = "defaultFieldName",
     .type = PARAM_STRING,
     .offset = offsetof(RestRead, field_name),
     .otherwise = "\"payload\"",
     .help = "fieldName of endpoints that name none."},
    {.name = "circuitBreakerEnabled",
     .type = PARAM_BOOL,
     .offset = offsetof(RestRead, circuit_breaker),
     .help = "The circuit breaker of all endpoints."},
    {0},
};

typedef struct {
    gboolean ignore_tasks, full_execution;
} EventsRead;
static const Param events_params[] = {
    {.name = "ignoreTaskEvents", .type = PARAM_BOOL, .offset = offsetof(EventsRead, ignore_tasks), .help = "No events of tasks."},
    {.name = "includeFullExecution",
     .type = PARAM_BOOL,
     .offset = offsetof(EventsRead, full_execution),
     .otherwise = "true",
     .help = "Whether events of tasks carry their execution."},
    {0},
};

static const ConfigSection rest_section = {
    .service = SERVICE_ECHO, .prefix = "rest", .params = rest_params, .help = "Events for others, by HTTP."};
static const ConfigSection events_section = {
    .service = SERVICE_ORCA, .prefix = "echo.events", .params = events_params, .help = "What events of executions hold."};
const ConfigSection *const notify_config_sections[] = {&rest_section, &events_section, NULL};

/* ---- reading ---- */
static void endpoint_free(gpointer data) {
    Endpoint *endpoint = data;
    g_free(endpoint->id);
    g_free(endpoint->url);
    g_free(endpoint->event_name);
    g_free(endpoint->field_name);
    g_free(endpoint->template);
    g_strfreev(endpoint->headers);
    g_free(endpoint);
}

static void add_header(GPtrArray *headers, const char *name, const char *value) {
    g_ptr_array_add(headers, g_strdup(name));
    g_ptr_array_add(headers, g_strdup(value));
}

/* Lines of "Name: value"; those with another number of colons are skipped, as upstream does. */
static gboolean add_headers_of_file(GPtrArray *headers, const char *path, GError **error) {
    g_autofree char *text = NULL;
    g_autoptr(GError) wrong = NULL;
    gsize length = 0;
    if (!g_file_get_contents(path, &text, &length, &wrong) || length > HEADERS_FILE_MAX) {
        error_set(error, ERR_INVALID, "rest.endpoints: headersFile %s: %s", path,
                  wrong ? wrong->message : "more than 65536 bytes (HEADERS_FILE_MAX)");
        return FALSE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, ":", -1);
        if (g_strv_length(parts) == 2 && *g_strstrip(parts[0]))
            add_header(headers, parts[0], g_strstrip(parts[1]));
    }
    return TRUE;
}

static char **headers_of(const EndpointRead *read, GError **error) {
    g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
    add_header(headers, "Content-Type", "application/json");
    if (read->username && *read->username) {
        g_autofree char *pair = g_strdup_printf("%s:%s", read->username, read->password ? read->password : "");
        g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
        g_autofree char *value = g_strconcat("Basic ", encoded, NULL);
        add_header(headers, "Authorization", value);
    }
    for (JsonIter i = json_iter(json_root(read->headers)); json_next(&i);) {
        g_autofree char *value = json_as_text(i.value);
        if (i.key && value)
            add_header(headers, i.key, value);
    }
    if (read->headers_file && !add_headers_of_file(headers, read->headers_file, error))
        return NULL;
    g_ptr_array_add(headers, NULL);
    g_ptr_array_set_free_func(headers, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&headers), FALSE);
}

/* Not the URL itself, which may hold a token. */
static char *destination_id(const char *url, guint place) {
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
    return g_strdup_printf("rest:%.16s:%u", sum, place);
}

static Endpoint *endpoint_new(const EndpointRead *read, const RestRead *rest, guint same, GError **error) {
    if (!g_str_has_prefix(read->url, "http://") && !g_str_has_prefix(read->url, "https://")) {
        error_set(error, ERR_INVALID, "rest.endpoints: url: expected http:// or https://");
        return NULL;
    }
    char **headers = headers_of(read, error);
    if (!headers)
        return NULL;
    Endpoint *endpoint = g_new0(Endpoint, 1);
    *endpoint = (Endpoint){
        .id = destination_id(read->url, same),
        .url = g_strdup(read->url),
        .event_name = g_strdup(read->event_name ? read->event_name : rest->event_name),
        .field_name = g_strdup(read->field_name ? read->field_name : rest->field_name),
        .template = g_strdup(read->template),
        .headers = headers,
        .wrap = read->wrap,
        .flatten = read->flatten,
        .insecure = read->insecure,
        .circuit_breaker = read->circuit_breaker || rest->circuit_breaker,
        .retries = (guint)read->retry_count,
    };
    return endpoint;
}

static guint count_same(const GPtrArray *endpoints, const char *url) {
    guint same = 0;
    for (guint i = 0; i < endpoints->len; i++)
        same += strcmp(((const Endpoint *)g_ptr_array_index(endpoints, i))->url, url) == 0;
    return same;
}

/* From the configuration itself, so that messages can name file and line. */
static gboolean read_endpoints(NotifySettings *settings, const Config *config, const RestRead *rest, GError **error) {
    const JsonValue *list = config_get(config, SERVICE_ECHO, "rest.endpoints");
    if (json_length(list) > ENDPOINTS_MAX) {
        error_set(error, ERR_INVALID, "rest.endpoints: at most %d (ENDPOINTS_MAX)", ENDPOINTS_MAX);
        return FALSE;
    }
    for (JsonIter i = json_iter(list); json_next(&i);) {
        EndpointRead read = {0};
        if (!config_read_value(config, i.value, endpoint_params, &read, error))
            return FALSE;
        Endpoint *endpoint = endpoint_new(&read, rest, count_same(settings->endpoints, read.url), error);
        params_clear(endpoint_params, &read);
        if (!endpoint)
            return FALSE;
        g_ptr_array_add(settings->endpoints, endpoint);
    }
    return TRUE;
}

NotifySettings *notify_settings_new(const Config *config, GError **error) {
    RestRead rest = {0};
    EventsRead events = {0};
    if (!config_read(config, &events_section, &events, error) || !config_read(config, &rest_section, &rest, error))
        return NULL;
    NotifySettings *settings = g_new0(NotifySettings, 1);
    settings->ref_count = 1;
    settings->endpoints = g_ptr_array_new_with_free_func(endpoint_free);
    settings->events = (EventSettings){events.ignore_tasks, events.full_execution};
    gboolean fine = !rest.enabled || read_endpoints(settings, config, &rest, error);
    params_clear(rest_params, &rest);
    if (!fine)
        g_clear_pointer(&settings, notify_settings_unref);
    return settings;
}

NotifySettings *notify_settings_ref(NotifySettings *settings) {
    g_atomic_int_inc(&settings->ref_count);
    return settings;
}

void notify_settings_unref(NotifySettings *settings) {
    if (!settings || !g_atomic_int_dec_and_test(&settings->ref_count))
        return;
    g_ptr_array_unref(settings->endpoints);
    g_free(settings);
}

/* ---- what is sent ---- */
static Json *flattened(const JsonValue *event) {
    g_autofree char *content = json_write(json_get(event, "content"), NULL);
    g_autofree char *details = json_write(json_get(event, "details"), NULL);
    g_autoptr(Json) changes = json_pack("{s:s, s:s}", "content", content, "details", details);
    return json_merge(event, json_root(changes));
}

static char *filled_template(const Endpoint *endpoint, const JsonValue *event, GError **error) {
    g_autofree char *text = json_write(event, NULL);
    g_auto(GStrv) parts = g_strsplit(endpoint->template, "{{event}}", -1);
    g_autofree char *filled = g_strjoinv(text, parts);
    g_autoptr(Json) parsed = json_parse_limited(filled, -1, ENDPOINT_BODY_MAX, error);
    if (!parsed) {
        g_prefix_error(error, "the template with the event in it: ");
        return NULL;
    }
    return json_write(json_root(parsed), NULL);
}

char *endpoint_body(const Endpoint *endpoint, const JsonValue *event, GError **error) {
    g_autoptr(Json) shaped = endpoint->flatten ? flattened(event) : json_copy(event);
    if (!endpoint->wrap)
        return json_write(json_root(shaped), NULL);
    if (endpoint->template && *endpoint->template)
        return filled_template(endpoint, json_root(shaped), error);
    g_autoptr(Json) wrapped = json_pack("{s:s}", "eventName", endpoint->event_name);
    g_autoptr(Json) whole = json_with(json_root(wrapped), endpoint->field_name, json_root(shaped));
    return json_write(json_root(whole), NULL);
}
