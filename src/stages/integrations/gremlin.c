/* `gremlin` (stages.md 5): launches an attack from two templates, waits for its end, halts it when the stage is cancelled. Runs on I/O workers.
 *
 * Gremlin's API takes no client token and lists no attack by a name of ours, so a launch is recorded (`_gremlinSending`, in a commit of its own)
 * before it is sent and never repeated by itself: when its answer is lost the stage ends with "outcome unknown". */
#include "stages/integrations/service_call.h"
#include "stages/integrations/settings.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"
#include <string.h>

#define SENDING "_gremlinSending"
#define GUID "gremlinAttackGuid"
#define TERMINAL "isGremlinTerminal" /* "true": nothing is left to halt */
#define GUID_MAX 200
#define LAUNCH_TIMEOUT_MS (5 * 60 * 1000)
#define MONITOR_BACKOFF_MS 10000
#define MONITOR_TIMEOUT_MS (15 * 60 * 1000)
#define KEYS "gremlinApiKey"

typedef struct {
    char *api_key, *command, *target;
} GremlinParams;

static const Param params[] = {
    {.name = "gremlinApiKey",
     .type = PARAM_STRING,
     .offset = offsetof(GremlinParams, api_key),
     .required = TRUE,
     .secret = TRUE,
     .help = "Key of Gremlin's API."},
    {.name = "gremlinCommandTemplateId",
     .type = PARAM_STRING,
     .offset = offsetof(GremlinParams, command),
     .required = TRUE,
     .help = "Template of what is done."},
    {.name = "gremlinTargetTemplateId",
     .type = PARAM_STRING,
     .offset = offsetof(GremlinParams, target),
     .required = TRUE,
     .help = "Template of what it is done to."},
    {0},
};

/* One call with the stage's key. path: escaped. */
static gboolean gremlin_call(TaskContext *context, ServiceCall *call, HttpResponse *response, GError **error) {
    const GremlinParams *given = context->params;
    g_autoptr(Config) config = services_config(context->services);
    g_auto(GremlinSettings) settings = {0};
    if (!gremlin_settings_read(config, &settings, error))
        return FALSE;
    if (!settings.enabled) {
        error_set(error, ERR_INVALID, "Gremlin is not enabled (integrations.gremlin.enabled)");
        return FALSE;
    }
    g_autofree char *authorization = g_strconcat("Key ", given->api_key, NULL);
    call->service = "Gremlin";
    call->base = settings.base_url;
    call->authorization = authorization;
    gboolean answered = service_call(context->services->http, call, context->cancel, response, error);
    call->base = call->authorization = NULL;
    return answered;
}

/* ---- launch ---- */
/* The answer is the attack's id, as text or as a JSON text. Caller frees. */
static char *guid_of(const HttpResponse *response) {
    g_autoptr(Json) json = service_answer(response);
    const char *text = json_is_string(json_root(json)) ? json_string(json_root(json)) : response->body;
    g_autofree char *guid = g_strstrip(g_strdup(text));
    gboolean fine = *guid != '\0' && strlen(guid) <= GUID_MAX && g_utf8_validate(guid, -1, NULL) && strpbrk(guid, "{}[]<>\" \n") == NULL;
    return fine ? g_steal_pointer(&guid) : NULL;
}

#define UNKNOWN "unknown"

static void outcome_unknown(TaskContext *context, const char *what, GError **error) {
    task_set_context_string(context, SENDING, UNKNOWN);
    error_set(error, ERR_CONFLICT, "Gremlin: %s: outcome unknown, look at Gremlin's active attacks before restarting the stage", what);
}

/* Records first; the next run of this very process may send. */
static gboolean may_launch(TaskContext *context, const char *key, Status *answer, GError **error) {
    const char *recorded = json_get_string(json_root(context->stage->context), SENDING);
    *answer = STATUS_TERMINAL;
    if (g_strcmp0(recorded, UNKNOWN) == 0) {
        outcome_unknown(context, "the answer to the launch was lost", error);
        return FALSE;
    }
    if (g_strcmp0(recorded, key) != 0) {
        task_set_context_string(context, SENDING, key);
        *answer = task_again_at(context, context->now_ms);
        return FALSE;
    }
    if (context->runs > 0)
        return TRUE;
    outcome_unknown(context, "the server ended after the launch was recorded and before its answer was", error);
    return FALSE;
}

/* No answer, or none that says that nothing was done. */
static void launch_failed(TaskContext *context, GError *problem, GError **error) {
    ErrorCode code = error_code(problem);
    if (code == ERR_TIMEOUT || code == ERR_CANCELLED) {
        outcome_unknown(context, problem->message, error);
        g_error_free(problem);
        return;
    }
    task_remove_context(context, SENDING);
    g_propagate_error(error, problem);
}

static Status launch_run(TaskContext *context, GError **error) {
    const GremlinParams *given = context->params;
    g_autofree char *key = webhook_key(context->execution, context->stage, context->task->name, "launch");
    g_autoptr(Json)
        body = json_pack("{s:{s:s}, s:{s:s}}", "command", "template_id", given->command, "target", "template_id", given->target);
    g_auto(HttpResponse) response = {0};
    Status answer = STATUS_TERMINAL;
    if (!may_launch(context, key, &answer, error))
        return answer;
    ServiceCall call = {.method = "POST", .path = "/attacks/new", .body = json_root(body), .key = key};
    GError *problem = NULL;
    gboolean answered = gremlin_call(context, &call, &response, &problem);
    g_autofree char *guid = answered && response.status < 300 ? guid_of(&response) : NULL;
    if (guid != NULL) {
        task_remove_context(context, SENDING);
        task_set_context_string(context, GUID, guid);
        return STATUS_SUCCEEDED;
    }
    if (answered)
        service_refused(&call, KEYS, &response, &problem);
    launch_failed(context, problem, error);
    return STATUS_TERMINAL;
}

/* ---- monitor ---- */
static Status judge(TaskContext *context, const JsonValue *runs, GError **error) {
    const JsonValue *failed = NULL;
    gsize over = 0;
    for (JsonIter i = json_iter(runs); json_next(&i);) {
        over += json_get_string(i.value, "end_time") != NULL ? 1 : 0;
        failed = g_strcmp0(json_get_string(i.value, "stage_lifecycle"), "Error") == 0 ? i.value : failed;
    }
    if (over == 0 || over < json_length(runs)) {
        task_progress(context, "%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " executions of the attack are over", over, json_length(runs));
        return STATUS_RUNNING;
    }
    task_set_context_string(context, TERMINAL, "true");
    if (failed == NULL)
        return STATUS_SUCCEEDED;
    const char *stage = json_get_string(failed, "stage"), *output = json_get_string(failed, "output");
    error_set(error, ERR_REMOTE, "Gremlin run failed (%s) with output: %.*s", stage != NULL ? stage : "", SERVICE_REFUSAL_MAX,
              output != NULL ? output : "");
    return STATUS_TERMINAL;
}

static Status monitor_run(TaskContext *context, GError **error) {
    const char *guid = json_get_string(json_root(context->stage->context), GUID);
    g_auto(HttpResponse) response = {0};
    if (guid == NULL) {
        error_set(error, ERR_INVALID, "Gremlin: no attack was launched (%s is missing)", GUID);
        return STATUS_TERMINAL;
    }
    g_autofree char *escaped = http_escape(guid);
    g_autofree char *path = g_strconcat("/executions?taskId=", escaped, NULL);
    ServiceCall call = {.method = "GET", .path = path};
    if (!gremlin_call(context, &call, &response, error))
        return STATUS_TERMINAL; /* what may pass is tried again */
    g_autoptr(Json) answer = response.status < 300 ? service_answer(&response) : NULL;
    if (json_is_array(json_root(answer)))
        return judge(context, json_root(answer), error);
    service_refused(&call, KEYS, &response, error);
    return STATUS_TERMINAL;
}

/* ---- the stage ended badly or was cancelled ---- */
static Status cancel_run(TaskContext *context, GError **error) {
    const JsonValue *own = json_root(context->stage->context);
    const char *guid = json_get_string(own, GUID);
    g_auto(HttpResponse) response = {0};
    if (guid == NULL && json_get(own, SENDING) != NULL) {
        error_set(error, ERR_CONFLICT, "Gremlin: an attack may have been launched whose id is not known: look at Gremlin's active attacks");
        return STATUS_TERMINAL;
    }
    if (guid == NULL || context->params == NULL || g_strcmp0(json_get_string(own, TERMINAL), "true") == 0)
        return STATUS_SUCCEEDED;
    g_autofree char *escaped = http_escape(guid);
    g_autofree char *path = g_strconcat("/attacks/", escaped, NULL);
    ServiceCall call = {.method = "DELETE", .path = path};
    gboolean answered = gremlin_call(context, &call, &response, error);
    if (answered && (response.status < 300 || response.status == 404))
        return STATUS_SUCCEEDED;
    if (answered)
        service_refused(&call, KEYS, &response, error);
    g_prefix_error(error, "attack %s could not be halted: ", guid);
    return STATUS_TERMINAL;
}

static const char *const RESTART_DROPS[] = {SENDING, GUID, TERMINAL, NULL};

const StageType stage_gremlin = {
    .type = "gremlin",
    .label = "Gremlin",
    .help = "Runs a chaos experiment of Gremlin.",
    .params = params,
    .params_size = sizeof(GremlinParams),
    .tasks = (const TaskDefinition[]){{.name = "launchGremlinAttack",
                                       .run = launch_run,
                                       .timeout_ms = LAUNCH_TIMEOUT_MS,
                                       .backoff_ms = MONITOR_BACKOFF_MS},
                                      {.name = "monitorGremlinAttack",
                                       .run = monitor_run,
                                       .timeout_ms = MONITOR_TIMEOUT_MS,
                                       .backoff_ms = MONITOR_BACKOFF_MS,
                                       .overridable_timeout = TRUE},
                                      {0}},
    .on_cancel = cancel_run,
    .restart_drops = RESTART_DROPS,
};
