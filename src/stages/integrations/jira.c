/* `jira` (stages.md 5): creates an issue. Runs on I/O workers.
 *
 * Jira knows no client token, so an issue carries its own mark: a label made of execution, stage, task and attempt. A request is recorded
 * (`_jiraSending`, in a commit of its own) before it is sent. A run that finds the record after a crash, or after a call whose outcome is unknown,
 * looks for the label first, once Jira's index had time to hold it, and creates only what is not there. Where a project's issues have no labels
 * the issue is created without one; a lost answer then ends the stage with "outcome unknown". */
#include "stages/integrations/service_call.h"
#include "stages/integrations/settings.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"
#include <string.h>

#define SENDING "_jiraSending" /* {key, at, marked, unknown} */
#define RESPONSE "createJiraIssueResponse"
#define BACKOFF_MS 30000
#define TIMEOUT_MS (5 * 60 * 1000)
#define INDEX_DELAY_MS 20000 /* after that an issue that was created is found by its label */
#define ISSUE_PATH "/rest/api/2/issue/"
#define SEARCH_PATH "/rest/api/2/search"
#define SEARCH_CLOUD_PATH "/rest/api/2/search/jql" /* what Jira Cloud has instead */
#define KEYS "jira.token, jira.username and jira.password"

typedef struct {
    Json *fields;
} JiraParams;

static const Param params[] = {
    {.name = "fields",
     .type = PARAM_JSON,
     .offset = offsetof(JiraParams, fields),
     .required = TRUE,
     .help = "The issue as Jira's API takes it: {project: {id or key}, issuetype: {id or name}, summary, description, …}; what "
             "customFields holds is "
             "put beside them. The reporter is the execution's user."},
    {0},
};

typedef struct {
    TaskContext *context;
    JiraSettings settings;
    char *authorization;
    char *label; /* "gennaker-" and 32 hex digits */
} Jira;

static void jira_clear(Jira *jira) {
    jira_settings_clear(&jira->settings);
    g_free(jira->authorization);
    g_free(jira->label);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Jira, jira_clear)

static gboolean jira_open(Jira *jira, TaskContext *context, GError **error) {
    g_autoptr(Config) config = services_config(context->services);
    jira->context = context;
    if (!jira_settings_read(config, &jira->settings, error))
        return FALSE;
    if (!jira->settings.enabled) {
        error_set(error, ERR_INVALID, "no issue can be created: Jira is not configured (jira.enabled, jira.baseUrl, jira.token)");
        return FALSE;
    }
    g_autofree char *pair = g_strdup_printf("%s:%s", jira->settings.username, jira->settings.password);
    g_autofree char *basic = g_base64_encode((const guchar *)pair, strlen(pair));
    jira->authorization = jira->settings.token != NULL ? g_strconcat("Bearer ", jira->settings.token, NULL)
                                                       : g_strconcat("Basic ", basic, NULL);
    g_autofree char *key = webhook_key(context->execution, context->stage, context->task->name, "issue");
    jira->label = g_strconcat("gennaker-", key, NULL);
    return TRUE;
}

/* ---- the record ---- */
static void record(Jira *jira, gint64 at_ms, gboolean marked, gboolean unknown) {
    g_autoptr(Json) sending = json_pack("{s:s, s:i, s:b, s:b}", "key", jira->label, "at", at_ms, "marked", marked, "unknown", unknown);
    task_set_context_json(jira->context, SENDING, sending);
}

static Status created(Jira *jira, const JsonValue *issue) {
    g_autoptr(Json)
        value = json_pack("{s:v, s:v, s:v}", "id", json_get(issue, "id"), "key", json_get(issue, "key"), "self", json_get(issue, "self"));
    g_autoptr(Json) response = json_with(json_root(value), "value", json_root(value));
    task_set_context_json(jira->context, RESPONSE, response);
    task_remove_context(jira->context, SENDING);
    return STATUS_SUCCEEDED;
}

/* ---- the issue ---- */
static gboolean has_text(const JsonValue *fields, const char *key) {
    const char *text = json_get_string(fields, key);
    return text != NULL && *text != '\0';
}

/* {"fields": …}; NULL with *error. Caller owns. */
static Json *issue_request(Jira *jira, gboolean marked, GError **error) {
    static const char *const OWN[] = {"customFields", NULL};
    const JsonValue *given = json_root(((const JiraParams *)jira->context->params)->fields);
    if (!json_is_object(given) || !json_is_object(json_get(given, "project")) || !has_text(given, "description")) {
        error_set(error, ERR_INVALID, "jira: fields.project (an object) and fields.description (a text) are required");
        return NULL;
    }
    g_autoptr(Json) plain = json_without(given, OWN);
    g_autoptr(Json) with_custom = json_merge(json_root(plain), json_get(given, "customFields"));
    const char *user = json_get_string(json_root(jira->context->execution->authentication), "user");
    g_autoptr(Json) reporter = user != NULL && strcmp(user, "anonymous") != 0 ? json_pack("{s:s}", "name", user) : NULL;
    g_autoptr(Json) fields = reporter != NULL ? json_with(json_root(with_custom), "reporter", json_root(reporter)) : json_ref(with_custom);
    g_autoptr(JsonBuilder) labels = json_builder_new();
    json_begin_array(labels, NULL);
    for (JsonIter i = json_iter(json_get(json_root(fields), "labels")); json_next(&i);)
        json_add_value(labels, NULL, i.value);
    json_add_string(labels, NULL, jira->label);
    json_end_array(labels);
    g_autoptr(Json) all = json_builder_end(labels);
    g_autoptr(Json) labelled = marked ? json_with(json_root(fields), "labels", json_root(all)) : json_ref(fields);
    return json_pack("{s:j}", "fields", labelled);
}

static ServiceCall call_of(const Jira *jira, const char *method, const char *path, const JsonValue *body) {
    return (ServiceCall){.service = "Jira",
                         .method = method,
                         .base = jira->settings.base_url,
                         .path = path,
                         .authorization = jira->authorization,
                         .body = body,
                         .key = body != NULL ? jira->label : NULL};
}

/* ---- looking for an issue that may have been created ---- */
static gboolean search(Jira *jira, const char *path, HttpResponse *response, GError **error) {
    g_autofree char *query = g_strdup_printf("%s?fields=labels&maxResults=1&jql=labels%%20%%3D%%20%%22%s%%22", path, jira->label);
    const ServiceCall call = call_of(jira, "GET", query, NULL);
    return service_call(jira->context->services->http, &call, jira->context->cancel, response, error);
}

/* FALSE with *error; *found NULL when there is none. */
static gboolean look(Jira *jira, Json **found, GError **error) {
    g_auto(HttpResponse) response = {0};
    if (!search(jira, SEARCH_PATH, &response, error))
        return FALSE;
    if (response.status == 404 || response.status == 410) {
        http_response_clear(&response);
        if (!search(jira, SEARCH_CLOUD_PATH, &response, error))
            return FALSE;
    }
    g_autoptr(Json) answer = response.status == 200 ? service_answer(&response) : NULL;
    const JsonValue *issues = json_get(json_root(answer), "issues");
    if (!json_is_array(issues)) {
        const ServiceCall call = call_of(jira, "GET", SEARCH_PATH, NULL);
        service_refused(&call, KEYS, &response, error);
        g_prefix_error(error, "whether the issue was created (label %s) could not be found out: ", jira->label);
        return FALSE;
    }
    *found = json_length(issues) > 0 ? json_copy(json_at(issues, 0)) : NULL;
    return TRUE;
}

/* The outcome of an earlier call is unknown. */
static Status look_first(Jira *jira, const JsonValue *sending, GError **error) {
    gint64 at = json_get_int(sending, "at", 0);
    g_autoptr(Json) found = NULL;
    if (!json_get_bool(sending, "marked", FALSE)) {
        task_remove_context(jira->context, SENDING);
        error_set(error, ERR_CONFLICT,
                  "Jira: the answer to creating the issue was lost, and issues of this project have no label to find it by: outcome "
                  "unknown, look into "
                  "the project before restarting the stage");
        return STATUS_TERMINAL;
    }
    if (jira->context->now_ms < at + INDEX_DELAY_MS) {
        record(jira, at, TRUE, TRUE);
        return task_again_at(jira->context, at + INDEX_DELAY_MS);
    }
    if (!look(jira, &found, error))
        return STATUS_TERMINAL; /* what may pass is tried again */
    if (found != NULL)
        return created(jira, json_root(found));
    record(jira, jira->context->now_ms, TRUE, FALSE);
    return task_again_at(jira->context, jira->context->now_ms);
}

/* ---- creating ---- */
static gboolean names_labels(const HttpResponse *response) {
    g_autoptr(Json) answer = service_answer(response);
    return response->status == 400 && json_get(json_get(json_root(answer), "errors"), "labels") != NULL;
}

static Status send_issue(Jira *jira, gboolean marked, GError **error) {
    g_autoptr(Json) request = issue_request(jira, marked, error);
    g_auto(HttpResponse) response = {0};
    if (request == NULL)
        return STATUS_TERMINAL;
    const ServiceCall call = call_of(jira, "POST", ISSUE_PATH, json_root(request));
    if (!service_call(jira->context->services->http, &call, jira->context->cancel, &response, error)) {
        record(jira, jira->context->now_ms, marked, error != NULL && error_code(*error) != ERR_UNAVAILABLE);
        return STATUS_TERMINAL;
    }
    g_autoptr(Json) answer = service_answer(&response);
    if (response.status < 300 && json_get_string(json_root(answer), "key") != NULL)
        return created(jira, json_root(answer));
    if (marked && names_labels(&response)) {
        record(jira, jira->context->now_ms, FALSE, FALSE);
        return task_again_at(jira->context, jira->context->now_ms);
    }
    service_refused(&call, KEYS, &response, error);
    record(jira, jira->context->now_ms, marked, response.status >= 500 || response.status < 300);
    return STATUS_TERMINAL;
}

static Status create_run(TaskContext *context, GError **error) {
    g_auto(Jira) jira = {0};
    if (!jira_open(&jira, context, error))
        return STATUS_TERMINAL;
    const JsonValue *sending = json_get(json_root(context->stage->context), SENDING);
    const char *key = json_get_string(sending, "key");
    if (key == NULL || strcmp(key, jira.label) != 0) {
        g_autoptr(Json) request = issue_request(&jira, TRUE, error);
        if (request == NULL)
            return STATUS_TERMINAL;
        record(&jira, context->now_ms, TRUE, FALSE);
        return task_again_at(context, context->now_ms);
    }
    if (context->runs == 0 || json_get_bool(sending, "unknown", FALSE))
        return look_first(&jira, sending, error);
    return send_issue(&jira, json_get_bool(sending, "marked", FALSE), error);
}

static const char *const RESTART_DROPS[] = {SENDING, RESPONSE, NULL};

const StageType stage_jira = {
    .type = "jira",
    .label = "Jira",
    .help = "Creates an issue in Jira.",
    .params = params,
    .params_size = sizeof(JiraParams),
    .tasks = (const TaskDefinition[]){{.name = "createJiraIssue", .run = create_run, .timeout_ms = TIMEOUT_MS, .backoff_ms = BACKOFF_MS},
                                      {0}},
    .restart_drops = RESTART_DROPS,
};
