/* `webhook` and `preconfiguredWebhook` (stages.md 3.1, 3.2): the types, their parameters and tasks. */
#include "stages/artifacts/artifacts.h"
#include "stages/webhook/webhook.h"
#include <string.h>

#define CREATE_TIMEOUT_MS (5 * 60 * 1000)
#define CREATE_BACKOFF_MS 10000
#define MONITOR_TIMEOUT_MS (60 * 60 * 1000)

#define TEXT(name_, member_, help_)                                                                                                        \
    { .name = name_, .type = PARAM_STRING, .offset = offsetof(WebhookParams, member_), .help = help_ }
#define JSON(name_, member_, help_)                                                                                                        \
    { .name = name_, .type = PARAM_JSON, .offset = offsetof(WebhookParams, member_), .help = help_ }
#define SWITCH(name_, member_, help_)                                                                                                      \
    { .name = name_, .type = PARAM_BOOL, .offset = offsetof(WebhookParams, member_), .help = help_ }

static const Param params[] = {
    TEXT("url", url, "What to call."),
    {.name = "method",
     .type = PARAM_STRING,
     .offset = offsetof(WebhookParams, method),
     .otherwise = "\"POST\"",
     .help = "GET, HEAD, POST, PUT, PATCH or DELETE."},
    JSON("payload", payload, "The body: JSON, or a text as it is."),
    JSON("customHeaders", headers, "Header fields: a text or a list of texts each."),
    TEXT("account", account, "For webhook.requireAccount."),
    JSON("failFastStatusCodes", fail_fast, "Codes that end the stage at once; 504 when absent."),
    JSON("webhookRetryStatusCodes", create_retry, "More codes after which the call is made again."),
    SWITCH("waitForCompletion", wait, "Whether a status is asked for until it is final."),
    TEXT("statusUrlResolution", status_url_resolution, "Where the status is: getMethod, locationHeader or webhookResponse."),
    TEXT("statusUrlJsonPath", status_url_path, "Where its URL is in the answer, for webhookResponse."),
    TEXT("statusEndpoint", status_endpoint, "URL of the status; found out, or given with monitorOnly."),
    {.name = "waitBeforeMonitor",
     .type = PARAM_SECONDS,
     .offset = offsetof(WebhookParams, wait_before_ms),
     .otherwise = "0",
     .help = "Seconds from the stage's start before the status is asked for."},
    TEXT("statusJsonPath", status_path, "Where the status is in the answer; absent: the first good answer is success."),
    TEXT("progressJsonPath", progress_path, "Where a text about progress is in the answer."),
    TEXT("successStatuses", success_statuses, "Statuses that mean success, separated by commas."),
    TEXT("canceledStatuses", canceled_statuses, "Statuses that mean it was cancelled."),
    TEXT("terminalStatuses", terminal_statuses, "Statuses that mean failure."),
    JSON("retryStatusCodes", monitor_retry, "More codes after which the status is asked for again."),
    JSON("retries", retries, "Limits of that by code: {\"404\": {\"maxAttempts\": 3}}."),
    SWITCH("monitorOnly", monitor_only, "Nothing is called, only the status asked for."),
    SWITCH("signalCancellation", signal_cancellation, "Shown by the UI: cancelEndpoint is in use."),
    TEXT("cancelEndpoint", cancel_endpoint, "What to call when the stage is cancelled or fails."),
    {.name = "cancelMethod",
     .type = PARAM_STRING,
     .offset = offsetof(WebhookParams, cancel_method),
     .otherwise = "\"POST\"",
     .help = "How."},
    JSON("cancelPayload", cancel_payload, "With which body."),
    JSON("expectedArtifacts", expected_artifacts, "Artifacts the answer is expected to list under \"artifacts\"."),
    {0},
};

static const TaskDefinition tasks[] = {
    {.name = "createWebhook", .run = webhook_create, .timeout_ms = CREATE_TIMEOUT_MS, .backoff_ms = CREATE_BACKOFF_MS},
    {.name = "waitBeforeMonitorWebhook", .run = webhook_wait, .no_io = TRUE},
    {.name = "monitorWebhook",
     .run = webhook_monitor,
     .timeout_ms = MONITOR_TIMEOUT_MS,
     .poll_after = webhook_monitor_poll,
     .overridable_timeout = TRUE},
    {0},
};

static gboolean is_on(const JsonValue *context, const char *key) {
    const JsonValue *value = json_get(context, key);
    return json_is_true(value) || (json_is_string(value) && g_ascii_strcasecmp(json_string(value), "true") == 0);
}

static void choose_tasks(const Execution *execution, const Stage *stage, GPtrArray *into, GError **error) {
    const JsonValue *context = json_root(stage->context);
    gboolean only = is_on(context, "monitorOnly"), wait = is_on(context, "waitForCompletion");
    (void)execution;
    if (only && !wait) {
        error_set(error, ERR_INVALID, "monitorOnly needs waitForCompletion: true");
        return;
    }
    g_autofree char *before = json_as_text(json_get(context, "waitBeforeMonitor"));
    if (!only)
        g_ptr_array_add(into, (gpointer)&tasks[0]);
    if (wait && before != NULL && strcmp(before, "0") != 0 && *before != '\0')
        g_ptr_array_add(into, (gpointer)&tasks[1]);
    if (wait)
        g_ptr_array_add(into, (gpointer)&tasks[2]);
}

/* The last answer, when it was one after which the same is asked again. */
static char *why_waiting(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution, (void)now_ms;
    const JsonValue *webhook = json_get(json_root(stage->context), "webhook"), *monitor = json_get(webhook, "monitor");
    if (json_get_string(monitor, "error") != NULL)
        return g_strdup_printf("asked for its status, the webhook answered %" G_GINT64_FORMAT, json_get_int(monitor, "statusCodeValue", 0));
    if (json_get_string(webhook, "error") != NULL)
        return g_strdup_printf("the webhook answered %" G_GINT64_FORMAT, json_get_int(webhook, "statusCodeValue", 0));
    return NULL;
}

static const char *const RESTART_DROPS[] = {"webhook", "_webhookSending", NULL};

const StageType stage_webhook = {
    .type = "webhook",
    .label = "Webhook",
    .help = "Calls a URL, and waits for what it started if asked to.",
    .params = params,
    .params_size = sizeof(WebhookParams),
    .tasks = tasks,
    .build_tasks = choose_tasks,
    .closing_tasks = bind_produced_artifacts,
    .on_cancel = webhook_cancel,
    .why_waiting = why_waiting,
    .restart_drops = RESTART_DROPS,
};

/* ---- preconfigured ---- */
/* Permission: one of the listed roles is part of one of the user's. */
static gboolean may_use(const JsonValue *entry, const Principal *who) {
    const JsonValue *writers = json_dig(entry, "permissions", "WRITE", NULL);
    for (JsonIter i = json_iter(writers); json_next(&i);)
        for (guint k = 0; who->roles != NULL && who->roles[k] != NULL; k++)
            if (json_is_string(i.value) && strstr(who->roles[k], json_string(i.value)) != NULL)
                return TRUE;
    return json_length(writers) == 0;
}

/* What the configuration sets goes over the stage's own. */
static Status preconfigured_prepare(TaskContext *context, GError **error) {
    static const char *const NOT_OF_STAGES[] = {"type",        "enabled",          "label", "description", "parameters",
                                                "permissions", "sensitiveHeaders", NULL};
    g_autoptr(Config) config = services_config(context->services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return STATUS_TERMINAL;
    const JsonValue *entry = webhook_preconfigured(&settings, context->stage->type);
    if (entry == NULL) {
        error_set(error, ERR_NOT_FOUND, "no preconfigured webhook \"%s\" is configured (webhook.preconfigured)", context->stage->type);
        return STATUS_TERMINAL;
    }
    Principal who = services_principal(context->user);
    if (!may_use(entry, &who)) {
        error_set(error, ERR_FORBIDDEN, "user %s may not run the preconfigured webhook \"%s\"", who.user, context->stage->type);
        return STATUS_TERMINAL;
    }
    g_autoptr(JsonBuilder) defaults = json_builder_new();
    json_begin_object(defaults, NULL);
    for (JsonIter i = json_iter(json_get(entry, "parameters")); json_next(&i);)
        if (json_get_string(i.value, "name") != NULL)
            json_add_value(defaults, json_get_string(i.value, "name"), json_get(i.value, "defaultValue"));
    json_end_object(defaults);
    g_autoptr(Json) values = json_builder_end(defaults);
    g_autoptr(Json) filled = json_merge(json_root(values), json_get(json_root(context->stage->context), "parameterValues"));
    task_set_context_json(context, "parameterValues", filled);
    g_autoptr(Json) set = json_without(entry, NOT_OF_STAGES);
    task_merge_context(context, json_root(set));
    return STATUS_SUCCEEDED;
}

const StageType stage_preconfigured_webhook = {
    .type = PRECONFIGURED_ALIAS,
    .label = "Preconfigured Webhook",
    .help = "A webhook that the configuration describes (webhook.preconfigured).",
    .params = params,
    .params_size = sizeof(WebhookParams),
    .tasks = tasks,
    .build_tasks = choose_tasks,
    .closing_tasks = bind_produced_artifacts,
    .prepare = preconfigured_prepare,
    .on_cancel = webhook_cancel,
    .why_waiting = why_waiting,
    .restart_drops = RESTART_DROPS,
};
