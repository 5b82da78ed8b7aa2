/* What is said to a deployment monitor, and what it answers (monitor.h). Calls run in a worker. */
#include "stages/deploy/monitor/monitor.h"
#include "stages/webhook/webhook.h"

/* ---- answers ---- */

static const char *const DIRECTIVES[] = {
    [DIRECTIVE_CONTINUE] = "continue", [DIRECTIVE_WAIT] = "wait", [DIRECTIVE_ABORT] = "abort", [DIRECTIVE_COMPLETE] = "complete"};

/* Text, or an object with a summary: as text; caller frees. */
static char *reason_text(const JsonValue *reason) {
    const char *summary = json_is_object(reason) ? json_get_string(reason, "summary") : NULL;
    const char *message = json_is_object(reason) ? json_get_string(reason, "message") : NULL;
    if (summary != NULL || message != NULL)
        return g_strdup(summary != NULL ? summary : message);
    return reason != NULL && !json_is_null(reason) ? json_as_text(reason) : NULL;
}

gboolean monitor_answer_read(const JsonValue *answer, Directive *directive, char **reason, GError **error) {
    const char *word = json_string(json_dig(answer, "nextStep", "directive", NULL));
    for (guint i = 0; word != NULL && i < G_N_ELEMENTS(DIRECTIVES); i++)
        if (g_ascii_strcasecmp(word, DIRECTIVES[i]) == 0) {
            *directive = (Directive)i;
            *reason = reason_text(json_get(answer, "statusReason"));
            return TRUE;
        }
    error_set(error, ERR_INVALID, "nextStep.directive: %s: expected continue, wait, abort or complete", word != NULL ? word : "missing");
    return FALSE;
}

/* ---- requests ---- */

Json *monitor_request(const Execution *execution, const Stage *stage) {
    const JsonValue *context = deploy_context(stage);
    return json_pack("{s:s, s:s, s:s, s:s, s:v, s:v, s:s, s:v, s:v, s:v, s:v}", "application", deploy_application(execution, stage),
                     "executionId", execution->id, "stageId", stage->id, "deploymentId", stage->parent_id, "newServerGroup",
                     json_get(context, "newServerGroup"), "oldServerGroup", json_get(context, "oldServerGroup"), "account",
                     deploy_account(execution, stage), "region", json_get(context, "region"), "cloudProvider",
                     json_get(context, "cloudProvider"), "parameters", json_dig(context, "deploymentMonitor", "parameters", NULL),
                     "currentProgress", json_get(context, "currentProgress"));
}

static char *url_of(const Monitor *monitor, const char *path) {
    gboolean slash = g_str_has_suffix(monitor->base_url, "/");
    return g_strconcat(monitor->base_url, slash ? "" : "/", path, NULL);
}

Json *monitor_call(TaskContext *context, const Monitor *monitor, const char *path, const Json *request, GError **error) {
    g_autofree char *url = url_of(monitor, path), *body = json_write(json_root(request), NULL);
    g_autofree char *key = webhook_key(context->execution, context->stage, context->task->name, path);
    const char *const headers[] = {"Content-Type", "application/json", "Accept", "application/json", "Idempotency-Key", key, NULL};
    const HttpRequest call = {
        .method = "POST", .url = url, .headers = headers, .body = body, .body_length = strlen(body), .response_max = MONITOR_ANSWER_MAX};
    g_auto(HttpResponse) response = {0};
    if (!http_call(context->services->http, &call, context->cancel, &response, error))
        return NULL;
    if (response.status < 200 || response.status > 299) {
        error_set(error, ERR_REMOTE, "POST %s answered %d", path, response.status);
        return NULL;
    }
    if (response.body_length == 0)
        return json_empty_object();
    Json *answer = json_parse_limited(response.body, (gssize)response.body_length, MONITOR_ANSWER_MAX, error);
    if (answer == NULL)
        g_prefix_error(error, "POST %s: the answer is no JSON: ", path);
    return answer;
}
