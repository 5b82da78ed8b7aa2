/* From a request to an event: envelope, CDEvents, the rate of each source (triggers.md 11.1, 11.4). */
#include "base/clock.h"
#include "net/rate_limit.h"
#include "triggers/internal.h"
#include "triggers/webhook_internal.h"
#include <string.h>

/* ---- headers ---- */
const char *webhook_header(const JsonValue *headers, const char *name) {
    for (JsonIter i = json_iter(headers); json_next(&i);)
        if (i.key != NULL && g_ascii_strcasecmp(i.key, name) == 0)
            return json_is_array(i.value) ? json_string(json_at(i.value, 0)) : json_string(i.value);
    return NULL;
}

/* X-GitHub-Delivery, X-Gitlab-Event-UUID, X-Request-UUID (Bitbucket) and Ce-Id stay the same when an event is sent again. */
const char *webhook_delivery(const JsonValue *headers) {
    static const char *const NAMES[] = {"Idempotency-Key", "X-GitHub-Delivery", "X-Gitlab-Event-UUID", "X-Request-UUID", "Ce-Id"};
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        const char *value = webhook_header(headers, NAMES[i]);
        if (value != NULL && *value != '\0')
            return value;
    }
    return NULL;
}

/* What signs in to other places is not kept; of a token that is only compared, the digest is. */
static void add_headers(JsonBuilder *builder, const JsonValue *headers) {
    static const char *const DROPPED[] = {"authorization", "cookie", "proxy-authorization", "x-spinnaker-token", NULL};
    guint n = 0;
    json_begin_object(builder, "requestHeaders");
    for (JsonIter i = json_iter(headers); json_next(&i) && n < WEBHOOK_HEADERS_MAX; n++) {
        g_autofree char *name = g_ascii_strdown(i.key, -1);
        if (g_strv_contains(DROPPED, name))
            continue;
        g_autofree char *digest = strcmp(name, "x-gitlab-token") == 0
                                      ? signature_token_digest(json_is_array(i.value) ? json_string(json_at(i.value, 0))
                                                                                      : json_string(i.value))
                                      : NULL;
        json_begin_array(builder, i.key);
        if (digest != NULL)
            json_add_string(builder, NULL, digest);
        else if (json_is_array(i.value))
            for (JsonIter v = json_iter(i.value); json_next(&v);)
                json_add_value(builder, NULL, v.value);
        else
            json_add_value(builder, NULL, i.value);
        json_end_array(builder);
    }
    json_end_object(builder);
}

/* ---- the envelope ---- */
static Json *envelope_of(const WebhookRequest *request, const JsonValue *headers, const JsonValue *content, const JsonValue *payload) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_object(builder, "details");
    json_add_string(builder, "type", request->type);
    json_add_string(builder, "source", request->source);
    add_headers(builder, headers);
    json_end_object(builder);
    json_add_value(builder, "content", content);
    json_add_value(builder, "payload", payload);
    json_add_string(builder, "rawContent", request->raw);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* The body with what its kind adds. NULL without error: not to be processed. */
static Json *content_of(const WebhookRequest *request, GError **error) {
    gboolean is_git = g_ascii_strcasecmp(request->type, trigger_git.event_type) == 0;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "event_type", webhook_header(request->headers, "X-Event-Key"));
    if (is_git && webhook_add_git(request, builder, error) != GIT_EVENT)
        return NULL;
    json_end_object(builder);
    g_autoptr(Json) own = json_builder_end(builder);
    g_autoptr(Json) content = json_merge(request->body, json_root(own));
    if (json_length(json_get(json_root(content), "artifacts")) > 0)
        return g_steal_pointer(&content);
    g_autoptr(Json) artifacts = webhook_artifacts(request);
    return artifacts != NULL ? json_with(json_root(content), "artifacts", json_root(artifacts)) : g_steal_pointer(&content);
}

/* ---- CDEvents: a CloudEvent in structured mode (attributes and data in the body) or binary mode (attributes in headers) ---- */
static Json *attributes_as_headers(const JsonValue *headers, const JsonValue *event) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_members(builder, headers);
    for (JsonIter i = json_iter(event); json_next(&i);) {
        g_autofree char *name = g_strconcat("ce-", i.key, NULL);
        if (json_is_string(i.value) && webhook_header(headers, name) == NULL)
            json_add_value(builder, name, i.value);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *cdevents_envelope(const WebhookRequest *request, GError **error) {
    static const char *const NEEDED[] = {"context", "subject", "customData"};
    gboolean structured = json_get_string(request->body, "specversion") != NULL && json_is_object(json_get(request->body, "data"));
    const JsonValue *data = structured ? json_get(request->body, "data") : request->body;
    for (gsize i = 0; i < G_N_ELEMENTS(NEEDED); i++) {
        if (json_get(data, NEEDED[i]) != NULL && !json_is_null(json_get(data, NEEDED[i])))
            continue;
        error_set(error, ERR_INVALID, "webhook cdevents/%s: a CDEvent has context, subject and customData; %s is missing",
                  request->source != NULL ? request->source : "", NEEDED[i]);
        return NULL;
    }
    g_autoptr(Json) own = json_pack("{s:v, s:v}", "artifacts", json_dig(data, "customData", "artifacts", NULL), "parameters",
                                    json_dig(data, "customData", "parameters", NULL));
    g_autoptr(Json) content = json_merge(data, json_root(own));
    g_autoptr(Json) headers = attributes_as_headers(request->headers, structured ? request->body : NULL);
    return envelope_of(request, json_root(headers), json_root(content), data);
}

static gboolean is_name(const char *what, const char *name, GError **error) {
    if (name == NULL || (*name != '\0' && strlen(name) <= WEBHOOK_NAME_MAX))
        return TRUE;
    error_set(error, ERR_INVALID, "the %s of a webhook has 1 to %d bytes (WEBHOOK_NAME_MAX)", what, WEBHOOK_NAME_MAX);
    return FALSE;
}

Json *webhook_envelope(const WebhookRequest *given, GError **error) {
    g_autoptr(Json) nothing = json_empty_object();
    WebhookRequest request = *given;
    if (request.body == NULL || json_is_null(request.body))
        request.body = json_root(nothing);
    if (!json_is_object(request.body)) {
        error_set(error, ERR_INVALID, "webhook %s: the body is a JSON object", request.type);
        return NULL;
    }
    if (request.source == NULL)
        request.source = json_get_string(request.body, "source");
    if (!is_name("type", request.type, error) || !is_name("source", request.source, error))
        return NULL;
    if (g_ascii_strcasecmp(request.type, trigger_cdevents.event_type) == 0)
        return cdevents_envelope(&request, error);
    g_autoptr(Json) content = content_of(&request, error);
    return content != NULL ? envelope_of(&request, request.headers, json_root(content), request.body) : NULL;
}

/* ---- rates ---- */
static gboolean take_token(Triggers *triggers, const WebhookRequest *request, GError **error) {
    g_autofree char *key = g_strdup_printf("%s/%s", request->type, request->source != NULL ? request->source : "");
    gint64 wait_ms = 0;
    g_mutex_lock(&triggers->lock);
    RateLimit *rate = g_hash_table_lookup(triggers->rates, key);
    if (rate == NULL && g_hash_table_size(triggers->rates) >= WEBHOOK_SOURCES_MAX)
        rate = g_hash_table_lookup(triggers->rates, "");
    if (rate == NULL) {
        rate = rate_limit_new(WEBHOOKS_PER_SECOND, WEBHOOKS_BURST);
        gboolean full = g_hash_table_size(triggers->rates) >= WEBHOOK_SOURCES_MAX;
        g_hash_table_insert(triggers->rates, g_strdup(full ? "" : key), rate);
    }
    gboolean taken = rate_limit_take(rate, TRUE, clock_elapsed_ms(), &wait_ms);
    g_mutex_unlock(&triggers->lock);
    if (!taken)
        error_set(error, ERR_LIMIT,
                  "webhook %s: more than %d a second for long (WEBHOOKS_PER_SECOND); send it again in %" G_GINT64_FORMAT " ms", key,
                  WEBHOOKS_PER_SECOND, wait_ms);
    return taken;
}

char *triggers_post_webhook(Triggers *triggers, const WebhookRequest *request, GError **error) {
    if (!take_token(triggers, request, error))
        return NULL;
    g_autoptr(TriggerSettings) settings = triggers_settings(triggers);
    WebhookRequest whole = *request;
    if (settings->templates != NULL && request->source != NULL)
        whole.template = g_hash_table_lookup(settings->templates, request->source);
    g_autoptr(Json) envelope = webhook_envelope(&whole, error);
    if (envelope == NULL)
        return NULL;
    TriggerEvent event = {.delivery = webhook_delivery(request->headers), .envelope = json_root(envelope)};
    return triggers_post_event(triggers, &event, NULL, error);
}
