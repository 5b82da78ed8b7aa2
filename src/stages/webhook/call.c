/* One call of a webhook stage, and what its answer is as JSON. Runs on I/O workers. */
#include "base/pattern.h"
#include "net/origin.h"
#include "stages/webhook/webhook.h"
#include <string.h>

static const struct {
    int code;
    const char *name;
} STATUS_NAMES[] = {
    {200, "OK"},
    {201, "CREATED"},
    {202, "ACCEPTED"},
    {203, "NON_AUTHORITATIVE_INFORMATION"},
    {204, "NO_CONTENT"},
    {205, "RESET_CONTENT"},
    {206, "PARTIAL_CONTENT"},
    {300, "MULTIPLE_CHOICES"},
    {301, "MOVED_PERMANENTLY"},
    {302, "FOUND"},
    {303, "SEE_OTHER"},
    {304, "NOT_MODIFIED"},
    {307, "TEMPORARY_REDIRECT"},
    {308, "PERMANENT_REDIRECT"},
    {400, "BAD_REQUEST"},
    {401, "UNAUTHORIZED"},
    {402, "PAYMENT_REQUIRED"},
    {403, "FORBIDDEN"},
    {404, "NOT_FOUND"},
    {405, "METHOD_NOT_ALLOWED"},
    {406, "NOT_ACCEPTABLE"},
    {407, "PROXY_AUTHENTICATION_REQUIRED"},
    {408, "REQUEST_TIMEOUT"},
    {409, "CONFLICT"},
    {410, "GONE"},
    {411, "LENGTH_REQUIRED"},
    {412, "PRECONDITION_FAILED"},
    {413, "PAYLOAD_TOO_LARGE"},
    {414, "URI_TOO_LONG"},
    {415, "UNSUPPORTED_MEDIA_TYPE"},
    {417, "EXPECTATION_FAILED"},
    {418, "I_AM_A_TEAPOT"},
    {422, "UNPROCESSABLE_ENTITY"},
    {423, "LOCKED"},
    {424, "FAILED_DEPENDENCY"},
    {426, "UPGRADE_REQUIRED"},
    {428, "PRECONDITION_REQUIRED"},
    {429, "TOO_MANY_REQUESTS"},
    {431, "REQUEST_HEADER_FIELDS_TOO_LARGE"},
    {451, "UNAVAILABLE_FOR_LEGAL_REASONS"},
    {500, "INTERNAL_SERVER_ERROR"},
    {501, "NOT_IMPLEMENTED"},
    {502, "BAD_GATEWAY"},
    {503, "SERVICE_UNAVAILABLE"},
    {504, "GATEWAY_TIMEOUT"},
    {505, "HTTP_VERSION_NOT_SUPPORTED"},
    {507, "INSUFFICIENT_STORAGE"},
    {508, "LOOP_DETECTED"},
    {511, "NETWORK_AUTHENTICATION_REQUIRED"},
};

const char *webhook_status_name(int code) {
    for (gsize i = 0; i < G_N_ELEMENTS(STATUS_NAMES); i++)
        if (STATUS_NAMES[i].code == code)
            return STATUS_NAMES[i].name;
    return "UNKNOWN";
}

gboolean webhook_code_in(const JsonValue *codes, int code) {
    for (JsonIter i = json_iter(codes); json_next(&i);) {
        g_autofree char *text = json_as_text(i.value);
        if (text != NULL && g_ascii_strtoll(text, NULL, 10) == code)
            return TRUE;
    }
    return FALSE;
}

/* "content-type" as servers of HTTP/1.1 write it: "Content-Type". */
static char *header_name(const char *lower) {
    char *name = g_strdup(lower);
    for (char *c = name; *c != '\0'; c++)
        if (c == name || c[-1] == '-')
            *c = g_ascii_toupper(*c);
    return name;
}

Json *webhook_headers(const HttpResponse *response) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (char **h = response->headers; h != NULL && h[0] != NULL; h += 2) {
        g_autofree char *name = header_name(h[0]);
        g_autofree char *value = g_utf8_make_valid(h[1], -1);
        json_add_string(builder, name, value);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *webhook_body(const HttpResponse *response) {
    if (response->body_length == 0)
        return NULL;
    const char *type = http_response_header(response, "content-type");
    gboolean json = (type != NULL && strstr(type, "json") != NULL) || *response->body == '{' || *response->body == '[';
    Json *parsed = json ? json_parse_limited(response->body, (gssize)response->body_length, WEBHOOK_ANSWER_MAX, NULL) : NULL;
    if (parsed != NULL)
        return parsed;
    g_autofree char *text = g_utf8_make_valid(response->body, (gssize)response->body_length);
    return json_from_string(text);
}

char *webhook_key(const Execution *execution, const Stage *stage, const char *task, const char *step) {
    g_autofree char *text = g_strdup_printf("%s/%s/%s/%s/%u", execution->id, stage->id, task, step, stage->attempt);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    return g_strndup(sum, 32);
}

/* ---- webhook.allowedRequests ---- */
static gboolean names_method(const JsonValue *rule, const char *method) {
    const JsonValue *methods = json_get(rule, "httpMethods");
    for (JsonIter i = json_iter(methods); json_next(&i);)
        if (json_is_string(i.value) && g_ascii_strcasecmp(json_string(i.value), method) == 0)
            return TRUE;
    return json_length(methods) == 0;
}

static const JsonValue *allowed_rule(const WebhookSettings *settings, const char *method, const char *url) {
    for (JsonIter i = json_iter(json_root(settings->allowed)); json_next(&i);) {
        const char *prefix = json_get_string(i.value, "urlPrefix"), *pattern = json_get_string(i.value, "urlPattern");
        gboolean by_pattern = g_strcmp0(json_get_string(i.value, "matchStrategy"), "PATTERN_MATCHES") == 0;
        gboolean matches = by_pattern ? pattern != NULL && pattern_matches(pattern, url, PATTERN_FULL, NULL)
                                      : prefix != NULL && g_str_has_prefix(url, prefix);
        if (matches && names_method(i.value, method))
            return i.value;
    }
    return NULL;
}

gboolean webhook_may_repeat(const WebhookSettings *settings, const char *method, const char *url) {
    return json_get_bool(allowed_rule(settings, method, url), "safeToRetry", FALSE);
}

/* ---- the call ---- */
static gboolean is_reserved(const char *name) {
    static const char *const RESERVED[] = {"x-spinnaker-user",
                                           "x-spinnaker-account",
                                           "x-spinnaker-accounts",
                                           "x-spinnaker-user-origin",
                                           "x-spinnaker-request-id",
                                           "x-spinnaker-execution-id",
                                           NULL};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    return g_strv_contains(RESERVED, lower);
}

static void add_header(GPtrArray *headers, const char *name, char *value) {
    g_ptr_array_add(headers, g_strdup(name));
    g_ptr_array_add(headers, value);
}

static void add_headers(GPtrArray *headers, const JsonValue *object, gboolean *typed, gboolean *keyed) {
    for (JsonIter i = json_iter(json_is_object(object) ? object : NULL); json_next(&i);) {
        if (is_reserved(i.key))
            continue;
        *typed = *typed || g_ascii_strcasecmp(i.key, "Content-Type") == 0;
        *keyed = *keyed || g_ascii_strcasecmp(i.key, "Idempotency-Key") == 0;
        if (!json_is_array(i.value)) {
            char *text = json_as_text(i.value);
            add_header(headers, i.key, text != NULL ? text : g_strdup(""));
            continue;
        }
        for (JsonIter k = json_iter(i.value); json_next(&k);) {
            char *text = json_as_text(k.value);
            add_header(headers, i.key, text != NULL ? text : g_strdup(""));
        }
    }
}

static gboolean check_request(const WebhookSettings *settings, const WebhookCall *call, const char *method, gsize length, GError **error) {
    static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    if (!g_strv_contains(METHODS, method))
        error_set(error, ERR_INVALID, "method: expected GET, HEAD, POST, PUT, PATCH or DELETE, got \"%.20s\"", call->method);
    else if (settings->allowed_enabled && allowed_rule(settings, method, call->url) == NULL)
        error_set(error, ERR_FORBIDDEN, "%s of this URL is not among webhook.allowedRequests", method);
    else if (settings->request_max > 0 && length > (gsize)settings->request_max)
        error_set(error, ERR_LIMIT, "the payload is larger than webhook.maxRequestBytes (%" G_GINT64_FORMAT ")", settings->request_max);
    else
        return TRUE;
    return FALSE;
}

/* Headers of a preconfigured webhook that no context holds. They go where the configuration says and nowhere else: not for a stage that only
 * bears its type, and not to another origin than that of its URL, where that is fixed. */
static const JsonValue *sensitive_headers(const TaskContext *context, const WebhookSettings *settings, const char *url) {
    const JsonValue *entry = webhook_preconfigured(settings, context->stage->type);
    const char *alias = json_get_string(json_root(context->stage->context), "alias"), *fixed = json_get_string(entry, "url");
    g_auto(Origin) own = {0}, asked = {0};
    if (g_strcmp0(alias, PRECONFIGURED_ALIAS) != 0)
        return NULL;
    if (fixed != NULL && origin_of_url(fixed, &own) && (!origin_of_url(url, &asked) || !origin_equal(&own, &asked)))
        return NULL;
    return json_get(entry, "sensitiveHeaders");
}

gboolean webhook_call(TaskContext *context, const WebhookSettings *settings, const WebhookCall *call, HttpResponse *response,
                      GError **error) {
    g_autoptr(Config) config = services_config(context->services);
    g_autoptr(UrlGuard) guard = url_guard_new(config, error);
    g_autoptr(HttpTls) tls = NULL;
    if (guard == NULL || !webhook_tls(settings, &tls, error))
        return FALSE;
    g_autofree char *method = g_ascii_strup(call->method != NULL ? call->method : "POST", -1);
    gboolean has_body = call->payload != NULL && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    g_autofree char *body = NULL;
    if (has_body)
        body = json_is_string(call->payload) ? g_strdup(json_string(call->payload)) : json_write(call->payload, NULL);
    gsize length = body != NULL ? strlen(body) : 0;
    g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
    gboolean typed = FALSE, keyed = FALSE;
    add_headers(headers, call->headers, &typed, &keyed);
    add_headers(headers, sensitive_headers(context, settings, call->url), &typed, &keyed);
    if (has_body && !typed)
        add_header(headers, "Content-Type", g_strdup("application/json"));
    if (!keyed)
        add_header(headers, "Idempotency-Key",
                   webhook_key(context->execution, context->stage, context->task != NULL ? context->task->name : "cancel", call->step));
    g_ptr_array_add(headers, NULL);
    if (!check_request(settings, call, method, length, error))
        return FALSE;
    HttpRequest request = {
        .method = method,
        .url = call->url,
        .headers = (HttpHeaders)headers->pdata,
        .body = body,
        .body_length = length,
        .timeout_ms = CLAMP(settings->connect_timeout_ms + settings->read_timeout_ms, 1, MAX(1, context->deadline_ms - context->now_ms)),
        .connect_timeout_ms = settings->connect_timeout_ms,
        .response_max = settings->response_max > 0 ? (gsize)settings->response_max : WEBHOOK_ANSWER_MAX,
        .tls = tls,
    };
    return url_guard_call(guard, context->services->http, &request, settings->follow_redirects, context->cancel, response, error);
}
