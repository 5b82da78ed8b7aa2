/* `waitBeforeMonitorWebhook`, `monitorWebhook` and the cancel routine (stages.md 3.1). Runs on I/O workers; webhook_monitor_poll is pure. */
#include "base/json_path.h"
#include "stages/webhook/webhook.h"
#include <string.h>

#define POLL_MS 1000
#define POLL_LATER_MS 15000
#define POLL_OFTEN_FOR_MS 60000

gint64 webhook_monitor_poll(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms) {
    (void)execution, (void)stage;
    return task->start_ms > 0 && now_ms - task->start_ms > POLL_OFTEN_FOR_MS ? POLL_LATER_MS : POLL_MS;
}

Status webhook_wait(TaskContext *context, GError **error) {
    const WebhookParams *params = context->params;
    (void)error;
    gint64 end = context->stage->start_ms + json_int(task_get(context, "waitTime"), params->wait_before_ms / 1000) * 1000;
    if (json_is_true(task_get(context, "skipRemainingWait")) || context->now_ms > end)
        return STATUS_SUCCEEDED;
    return task_again_at(context, end + 1);
}

/* ---- the monitor's own part of `webhook` ---- */
typedef struct {
    TaskContext *context;
    const WebhookParams *params;
    JsonBuilder *monitor;
} Monitor;

static Status finish(Monitor *monitor, Status status) {
    json_end_object(monitor->monitor);
    g_autoptr(Json) part = json_builder_end(monitor->monitor);
    const JsonValue *before = json_get(json_root(monitor->context->stage->context), "webhook");
    g_autoptr(Json) webhook = json_with(before, "monitor", json_root(part));
    if (!json_equal(json_root(webhook), before))
        task_set_context_json(monitor->context, "webhook", webhook);
    return status;
}

static Status fail_with(Monitor *monitor, const char *text) {
    json_add_string(monitor->monitor, "error", text);
    return finish(monitor, STATUS_TERMINAL);
}

/* How often a code was answered before. */
static gint64 times_before(const JsonValue *past, int code) {
    gint64 times = 0;
    for (JsonIter i = json_iter(past); json_next(&i);)
        times += json_int(i.value, 0) == code ? 1 : 0;
    return times;
}

static void add_past_codes(JsonBuilder *monitor, const JsonValue *past, int code) {
    json_begin_array(monitor, "pastStatusCodes");
    gsize skip = json_length(past) >= WEBHOOK_PAST_CODES_MAX ? json_length(past) - WEBHOOK_PAST_CODES_MAX + 1 : 0;
    for (JsonIter i = json_iter(past); json_next(&i);)
        if (i.index >= skip)
            json_add_value(monitor, NULL, i.value);
    json_add_int(monitor, NULL, code);
    json_end_array(monitor);
}

static Status error_answer(Monitor *monitor, const WebhookSettings *settings, const char *url, const JsonValue *past, int code) {
    const WebhookParams *params = monitor->params;
    g_autofree char *name = g_strdup_printf("%d", code);
    const JsonValue *limit = json_dig(json_root(params->retries), name, "maxAttempts", NULL);
    gboolean again = code >= 500 || webhook_code_in(json_root(settings->retry_codes), code) ||
                     webhook_code_in(json_root(params->monitor_retry), code);
    if (limit != NULL)
        again = times_before(past, code) < json_int(limit, 0);
    const char *id = monitor->context->execution->id;
    g_autofree char *text = g_strdup_printf("Error getting status from webhook for pipeline %s to %s with status code %d%s.", id, url, code,
                                            again ? ", will retry" : "");
    if (!again)
        return fail_with(monitor, text);
    json_add_string(monitor->monitor, "error", text);
    return finish(monitor, STATUS_RUNNING);
}

static gboolean names(const char *list, const char *value) {
    g_auto(GStrv) parts = g_strsplit(list != NULL ? list : "", ",", -1);
    for (guint i = 0; parts[i] != NULL; i++) {
        g_strstrip(parts[i]);
        if (*parts[i] != '\0' && g_ascii_strcasecmp(parts[i], value) == 0)
            return TRUE;
    }
    return FALSE;
}

static Status mapped(Monitor *monitor, const JsonValue *value) {
    const WebhookParams *params = monitor->params;
    if (json_is_number(value)) {
        json_add_value(monitor->monitor, "percentComplete", value);
        gboolean done = json_type(value) == JSON_INT && json_int(value, 0) == 100;
        return finish(monitor, done ? STATUS_SUCCEEDED : STATUS_RUNNING);
    }
    g_autofree char *text = json_as_text(value);
    if (params->success_statuses == NULL)
        return fail_with(monitor, "successStatuses: required, because the status is no number");
    if (names(params->success_statuses, text))
        return finish(monitor, STATUS_SUCCEEDED);
    if (names(params->canceled_statuses, text))
        return finish(monitor, STATUS_CANCELED);
    return finish(monitor, names(params->terminal_statuses, text) ? STATUS_TERMINAL : STATUS_RUNNING);
}

static Status good_answer(Monitor *monitor, const JsonValue *body) {
    const WebhookParams *params = monitor->params;
    g_autoptr(GError) error = NULL;
    if (params->progress_path != NULL && *params->progress_path != '\0') {
        g_autoptr(Json) progress = json_path_find(params->progress_path, body, &error);
        if (progress == NULL || !json_is_string(json_root(progress))) {
            g_autofree char *text = g_strdup_printf("progressJsonPath: %s", error != NULL ? error->message : "it must find a text");
            return fail_with(monitor, text);
        }
        json_add_json(monitor->monitor, "progressMessage", progress);
        task_progress(monitor->context, "%.200s", json_string(json_root(progress)));
    }
    if (params->status_path == NULL || *params->status_path == '\0')
        return finish(monitor, STATUS_SUCCEEDED);
    g_autoptr(Json) value = json_path_find(params->status_path, body, &error);
    g_autofree char *scalar = value != NULL ? json_as_text(json_root(value)) : NULL;
    if (scalar == NULL) {
        g_autofree char *text = g_strdup_printf("statusJsonPath: %s",
                                                error != NULL ? error->message : "it must find a text, number or boolean");
        return fail_with(monitor, text);
    }
    json_add_json(monitor->monitor, "resolvedValue", value);
    return mapped(monitor, json_root(value));
}

static Status monitor_answered(TaskContext *context, const WebhookSettings *settings, const char *url, const HttpResponse *response) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Monitor monitor = {.context = context, .params = context->params, .monitor = builder};
    g_autoptr(Json) body = webhook_body(response);
    g_autoptr(Json) headers = webhook_headers(response);
    const JsonValue *past = json_dig(json_root(context->stage->context), "webhook", "monitor", "pastStatusCodes", NULL);
    json_begin_object(builder, NULL);
    json_add_string(builder, "statusCode", webhook_status_name(response->status));
    json_add_int(builder, "statusCodeValue", response->status);
    json_add_json(builder, "headers", headers);
    json_add_value(builder, "body", json_root(body));
    add_past_codes(builder, past, response->status);
    if (response->status >= 400)
        return error_answer(&monitor, settings, url, past, response->status);
    return good_answer(&monitor, json_root(body));
}

Status webhook_monitor(TaskContext *context, GError **error) {
    const WebhookParams *params = context->params;
    const char *endpoint = params->status_endpoint != NULL ? params->status_endpoint : params->url;
    if (endpoint == NULL) {
        error_set(error, ERR_INVALID, "statusEndpoint: required");
        return STATUS_TERMINAL;
    }
    g_autoptr(Config) config = services_config(context->services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return STATUS_TERMINAL;
    g_autofree char *url = g_strstrip(g_strdup(endpoint));
    WebhookCall call = {.method = "GET", .url = url, .step = "monitor", .headers = json_root(params->headers)};
    g_auto(HttpResponse) response = {0};
    if (!webhook_call(context, &settings, &call, &response, error))
        return STATUS_TERMINAL; /* what may pass is tried again: the error's code says so */
    return monitor_answered(context, &settings, url, &response);
}

/* ---- the stage ended badly or was cancelled ---- */
Status webhook_cancel(TaskContext *context, GError **error) {
    const WebhookParams *params = context->params;
    if (params == NULL || params->cancel_endpoint == NULL || *params->cancel_endpoint == '\0')
        return STATUS_SUCCEEDED;
    g_autoptr(Config) config = services_config(context->services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return STATUS_TERMINAL;
    WebhookCall call = {.method = params->cancel_method,
                        .url = params->cancel_endpoint,
                        .step = "cancel",
                        .payload = json_root(params->cancel_payload),
                        .headers = json_root(params->headers)};
    g_auto(HttpResponse) response = {0};
    if (!webhook_call(context, &settings, &call, &response, error)) {
        g_prefix_error(error, "the webhook could not be told to cancel: ");
        return STATUS_TERMINAL;
    }
    if (response.status < 400)
        return STATUS_SUCCEEDED;
    error_set(error, ERR_REMOTE, "the webhook could not be told to cancel: it answered %d", response.status);
    return STATUS_TERMINAL;
}
