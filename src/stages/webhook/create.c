/* `createWebhook`: the call itself (stages.md 3.1). Runs on I/O workers.
 *
 * A request that changes something is recorded before it is sent (`_webhookSending`, in a commit of its own) and after. A run that finds the record
 * but has not made it itself follows a crash in between: the request is sent again, under the same Idempotency-Key, where its method or the
 * settings say that this is harmless; else the task ends with "outcome unknown". */
#include "base/json_path.h"
#include "net/origin.h"
#include "stages/webhook/webhook.h"
#include "store/replicas.h"
#include <string.h>

#define SENDING "_webhookSending"

static gboolean is_read(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static Status store(TaskContext *context, JsonBuilder *webhook, Status status) {
    json_end_object(webhook);
    g_autoptr(Json) json = json_builder_end(webhook);
    task_set_context_json(context, "webhook", json);
    task_remove_context(context, SENDING);
    return status;
}

static Status fail_with(TaskContext *context, JsonBuilder *webhook, const char *text) {
    json_add_string(webhook, "error", text);
    return store(context, webhook, STATUS_TERMINAL);
}

/* Record first, send in the next run. TRUE: this run may send. */
static gboolean may_send(TaskContext *context, const WebhookSettings *settings, const char *method, const char *url, Status *answer,
                         GError **error) {
    const char *recorded = json_get_string(json_root(context->stage->context), SENDING);
    g_autofree char *key = webhook_key(context->execution, context->stage, context->task->name, "create");
    if (is_read(method))
        return TRUE;
    if (recorded == NULL || strcmp(recorded, key) != 0) {
        task_set_context_string(context, SENDING, key);
        *answer = task_again_at(context, context->now_ms);
        return FALSE;
    }
    gboolean harmless = strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0 || webhook_may_repeat(settings, method, url);
    gint64 wait_ms = context->runs == 0 && harmless ? store_calls_end_in_ms(context->services->store) : 0;
    if (wait_ms > 0) { /* what another replica sent before it died may still arrive */
        *answer = task_again_at(context, context->now_ms + wait_ms);
        return FALSE;
    }
    if (context->runs > 0 || harmless)
        return TRUE;
    task_remove_context(context, SENDING);
    error_set(
        error, ERR_CONFLICT,
        "%s webhook: the server ended after the request was recorded and before its answer was: outcome unknown, look at the other side "
        "(Idempotency-Key %s) before restarting the stage; safeToRetry in webhook.allowedRequests lets such requests be repeated",
        method, key);
    *answer = STATUS_TERMINAL;
    return FALSE;
}

/* ---- where the status is asked for ---- */
/* "If only the scheme differs, the webhook's own is used." */
static char *same_scheme(const char *status_url, const char *url) {
    g_auto(Origin) a = {0}, b = {0};
    if (!origin_of_url(status_url, &a) || !origin_of_url(url, &b) || strcmp(a.host, b.host) != 0 || strcmp(a.scheme, b.scheme) == 0)
        return g_strdup(status_url);
    return g_strconcat(b.scheme, status_url + strlen(a.scheme), NULL);
}

static char *resolve_status_url(const WebhookParams *params, const HttpResponse *response, const JsonValue *body, GError **error) {
    const char *how = params->status_url_resolution != NULL ? params->status_url_resolution : "";
    if (g_ascii_strcasecmp(how, "getMethod") == 0)
        return g_strdup(params->url);
    if (g_ascii_strcasecmp(how, "locationHeader") == 0) {
        const char *location = http_response_header(response, "location");
        return location != NULL ? g_uri_resolve_relative(params->url, location, G_URI_FLAGS_ENCODED, error) : NULL;
    }
    if (g_ascii_strcasecmp(how, "webhookResponse") != 0) {
        error_set(error, ERR_INVALID, "statusUrlResolution: expected getMethod, locationHeader or webhookResponse");
        return NULL;
    }
    g_autoptr(Json) found = json_path_find(params->status_url_path != NULL ? params->status_url_path : "", body, error);
    return found != NULL ? json_as_text(json_root(found)) : NULL;
}

static Status prepare_monitor(TaskContext *context, const WebhookParams *params, const HttpResponse *response, const JsonValue *body,
                              JsonBuilder *webhook) {
    g_autoptr(GError) error = NULL;
    g_autofree char *found = resolve_status_url(params, response, body, &error);
    if (error != NULL) {
        g_autofree char *text = g_strconcat("Exception while resolving status check URL: ", error->message, NULL);
        return fail_with(context, webhook, text);
    }
    if (found == NULL || *found == '\0')
        return fail_with(context, webhook, "The status URL couldn't be resolved, but 'Wait for completion' is configured");
    g_autofree char *url = same_scheme(found, params->url);
    json_add_string(webhook, "statusEndpoint", url);
    task_set_context_string(context, "statusEndpoint", url);
    if (params->wait_before_ms > 0 && task_get(context, "waitTime") == NULL) {
        g_autoptr(Json) seconds = json_from_int(params->wait_before_ms / 1000);
        task_set_context_json(context, "waitTime", seconds);
    }
    return store(context, webhook, STATUS_SUCCEEDED);
}

static Status succeeded(TaskContext *context, const WebhookParams *params, const HttpResponse *response, const JsonValue *body,
                        JsonBuilder *webhook) {
    if (params->wait)
        return prepare_monitor(context, params, response, body, webhook);
    if (json_length(json_root(params->expected_artifacts)) == 0)
        return store(context, webhook, STATUS_SUCCEEDED);
    const JsonValue *artifacts = json_get(body, "artifacts");
    if (!json_is_array(artifacts))
        return fail_with(context, webhook,
                         "Expected artifacts in webhook response couldn't be parsed: the answer has no list \"artifacts\"");
    task_set_context(context, "artifacts", artifacts);
    return store(context, webhook, STATUS_SUCCEEDED);
}

static Status answered(TaskContext *context, const WebhookSettings *settings, const HttpResponse *response) {
    const WebhookParams *params = context->params;
    const char *id = context->execution->id;
    int code = response->status;
    g_autoptr(Json) body = webhook_body(response);
    g_autoptr(Json) headers = webhook_headers(response);
    g_autoptr(JsonBuilder) webhook = json_builder_new();
    json_begin_object(webhook, NULL);
    json_add_string(webhook, "statusCode", webhook_status_name(code));
    json_add_int(webhook, "statusCodeValue", code);
    json_add_value(webhook, "body", json_root(body));
    json_add_json(webhook, "headers", headers);
    if (code < 400)
        return succeeded(context, params, response, json_root(body), webhook);
    gboolean fails = params->fail_fast != NULL ? webhook_code_in(json_root(params->fail_fast), code) : code == 504;
    if (fails) {
        g_autofree char *text = g_strdup_printf(
            "Received status code %d, which is configured to fail fast, terminating stage for pipeline %s to %s", code, id, params->url);
        return fail_with(context, webhook, text);
    }
    gboolean again = code >= 500 || webhook_code_in(json_root(settings->retry_codes), code) ||
                     webhook_code_in(json_root(params->create_retry), code);
    g_autofree char *text = g_strdup_printf("Error submitting webhook for pipeline %s to %s with status code %d%s.", id, params->url, code,
                                            again ? ", will retry" : "");
    if (!again)
        return fail_with(context, webhook, text);
    json_add_string(webhook, "error", text);
    return store(context, webhook, STATUS_RUNNING);
}

/* No answer: nothing was sent, or nobody knows. A host that no name service knows is as wrong as one that is refused. */
static Status unanswered(TaskContext *context, const WebhookSettings *settings, const char *method, gboolean unresolved, GError *problem,
                         GError **error) {
    const WebhookParams *params = context->params;
    ErrorCode code = error_code(problem);
    gboolean harmless = is_read(method) || webhook_may_repeat(settings, method, params->url);
    task_remove_context(context, SENDING);
    if (code == ERR_CANCELLED && !harmless) {
        g_autofree char *text = g_strconcat("outcome unknown: ", problem->message, NULL);
        error_set(error, ERR_CONFLICT, "%s", text);
        g_error_free(problem);
        return STATUS_TERMINAL;
    }
    if (unresolved) {
        error_set(error, ERR_INVALID, "the host's name cannot be resolved: %s", problem->message);
        g_error_free(problem);
        return STATUS_TERMINAL;
    }
    if (code == ERR_UNAVAILABLE || (code == ERR_TIMEOUT && harmless) || code == ERR_CANCELLED) {
        g_propagate_error(error, problem); /* run again after the back-off */
        return STATUS_TERMINAL;
    }
    error_set(error, code == ERR_TIMEOUT ? ERR_CONFLICT : code, "%s", problem->message);
    g_error_free(problem);
    return STATUS_TERMINAL;
}

static gboolean check_account(TaskContext *context, const WebhookSettings *settings, GError **error) {
    const char *name = ((const WebhookParams *)context->params)->account;
    if (name == NULL && settings->require_account)
        error_set(error, ERR_INVALID, "account: required (webhook.requireAccount)");
    if (name == NULL || !settings->validate_account)
        return name != NULL || !settings->require_account;
    g_autoptr(Account) account = clouds_account(context->services->clouds, name, error);
    return account != NULL;
}

Status webhook_create(TaskContext *context, GError **error) {
    const WebhookParams *params = context->params;
    g_autoptr(Config) config = services_config(context->services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return STATUS_TERMINAL;
    if (params->url == NULL) {
        error_set(error, ERR_INVALID, "url: required");
        return STATUS_TERMINAL;
    }
    if (!check_account(context, &settings, error))
        return STATUS_TERMINAL;
    g_autofree char *method = g_ascii_strup(params->method != NULL ? params->method : "POST", -1);
    g_autofree char *url = g_strstrip(g_strdup(params->url));
    Status answer = STATUS_TERMINAL;
    if (!may_send(context, &settings, method, url, &answer, error))
        return answer;
    WebhookCall call = {
        .method = method, .url = url, .step = "create", .payload = json_root(params->payload), .headers = json_root(params->headers)};
    g_auto(HttpResponse) response = {0};
    GError *problem = NULL;
    if (!webhook_call(context, &settings, &call, &response, &problem))
        return unanswered(context, &settings, method, response.unresolved, problem, error);
    return answered(context, &settings, &response);
}
