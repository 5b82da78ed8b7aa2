/* `execution …`: looking at what runs, and acting on it. */
#include "cli/client.h"
#include "cli/output.h"
#include "cli/watch.h"
#include <string.h>

#define LIMIT_MOST 1000

/* ---- columns ---- */
char *execution_make_duration(const JsonValue *execution) {
    return output_duration(json_get_int(execution, "startTime", 0), json_get_int(execution, "endTime", 0));
}

char *execution_make_started(const JsonValue *execution) {
    return output_time(json_get_int(execution, "startTime", 0));
}

static char *make_trigger(const JsonValue *execution) {
    const char *type = json_get_string(json_get(execution, "trigger"), "type");
    const char *user = json_get_string(json_get(execution, "trigger"), "user");
    return g_strdup_printf("%s%s%s", type != NULL ? type : "", user != NULL ? " by " : "", user != NULL ? user : "");
}

/* Why the execution itself waits. */
static gboolean is_empty(const JsonValue *execution) {
    return g_strcmp0(json_get_string(json_get(execution, "why"), "rule"), "empty") == 0;
}

static char *make_why(const JsonValue *execution) {
    return is_empty(execution) ? NULL : g_strdup(json_get_string(json_get(execution, "why"), "reason"));
}

/* Why it ended: what was said when it was cancelled or failed at its start, or that there was nothing to do. */
static char *make_because(const JsonValue *execution) {
    const char *reason = json_get_string(execution, "cancellationReason");
    return reason == NULL && is_empty(execution) ? g_strdup_printf("it %s", json_get_string(json_get(execution, "why"), "reason"))
                                                 : g_strdup(reason);
}

static const Column list_columns[] = {
    {.title = "EXECUTION", .path = "id"},
    {.title = "PIPELINE", .path = "name"},
    {.title = "STATUS", .path = "status"},
    {.title = "STARTED", .make = execution_make_started},
    {.title = "TOOK", .make = execution_make_duration},
    {.title = "TRIGGER", .make = make_trigger},
    {0},
};
static const Column one_columns[] = {
    {.title = "Execution", .path = "id"},
    {.title = "Application", .path = "application"},
    {.title = "Pipeline", .path = "name"},
    {.title = "Status", .path = "status"},
    {.title = "Trigger", .make = make_trigger},
    {.title = "Started", .make = execution_make_started},
    {.title = "Took", .make = execution_make_duration},
    {.title = "Cancelled by", .path = "canceledBy"},
    {.title = "Because", .make = make_because},
    {.title = "Waits", .make = make_why},
    {0},
};

/* The first thing that went wrong, or why it waits. */
static char *make_note(const JsonValue *stage) {
    const JsonValue *context = json_get(stage, "context");
    const char *error = json_string(json_at(json_dig(context, "exception", "details", "errors", NULL), 0));
    const char *why = json_get_string(json_get(stage, "why"), "reason");
    return g_strdup(error != NULL ? error : why != NULL ? why : json_get_string(context, "_progress"));
}

static const Column stage_columns[] = {
    {.title = "STAGE", .path = "name"},    {.title = "TYPE", .path = "type"},
    {.title = "STATUS", .path = "status"}, {.title = "TOOK", .make = execution_make_duration},
    {.title = "NOTE", .make = make_note},  {0},
};

/* ---- reading ---- */
static Json *get_execution(Client *client, const char *id, GError **error) {
    return client_get(client, error, "/pipelines/{}", id, NULL);
}

/* "RUNNING,PAUSED"; caller frees. */
static char *joined_statuses(const Invocation *call) {
    g_autofree char *joined = g_strjoinv(",", (char **)invocation_options(call, "status"));
    return g_ascii_strup(joined, -1);
}

static gint by_start_newest_first(gconstpointer a, gconstpointer b) {
    gint64 x = json_get_int(*(const JsonValue *const *)a, "startTime", G_MAXINT64);
    gint64 y = json_get_int(*(const JsonValue *const *)b, "startTime", G_MAXINT64);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The newest first; only those of one pipeline when name is given. */
static Json *chosen(const JsonValue *list, const char *name, gint64 limit) {
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (name == NULL || g_strcmp0(json_get_string(i.value, "name"), name) == 0 ||
            g_strcmp0(json_get_string(i.value, "pipelineConfigId"), name) == 0)
            g_ptr_array_add(rows, (gpointer)i.value);
    g_ptr_array_sort(rows, by_start_newest_first);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < rows->len && i < limit; i++)
        json_add_value(builder, NULL, rows->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

static int run_list(Invocation *call, GError **error) {
    gint64 limit = 0;
    if (!invocation_number(call, "limit", 1, LIMIT_MOST, 20, &limit, error))
        return 1;
    g_autoptr(Client) client = client_new(call, error);
    if (client == NULL)
        return 1;
    g_autofree char *statuses = joined_statuses(call);
    g_autofree char *most = g_strdup_printf("%" G_GINT64_FORMAT, limit);
    g_autoptr(Json) list = client_get(client, error, "/applications/{}/pipelines?expand=false&limit={}&statuses={}",
                                      invocation_argument(call, "APPLICATION"), most, statuses, NULL);
    if (list == NULL)
        return 1;
    g_autoptr(Json) rows = chosen(json_root(list), invocation_option(call, "pipeline"), limit);
    return output_list(call, json_root(rows), list_columns, error);
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "EXECUTION");
    g_autoptr(Json) execution = client != NULL ? get_execution(client, id, error) : NULL;
    if (execution == NULL)
        return 1;
    if (!output_is_table(call))
        return output_one(call, json_root(execution), one_columns, error);
    g_autoptr(Json) why = client_get(client, NULL, "/pipelines/{}/why", id, NULL);
    g_autoptr(Json) told = execution_with_why(json_root(execution), json_root(why));
    int code = output_one(call, json_root(told), one_columns, error);
    return code == 0 ? output_list(call, json_get(json_root(told), "stages"), stage_columns, error) : code;
}

static int run_watch(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    return client != NULL ? watch_execution(call, client, invocation_argument(call, "EXECUTION"), error) : 1;
}

/* ---- acting ---- */
static int run_cancel(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "EXECUTION"), *reason = invocation_option(call, "reason");
    g_autoptr(Json) execution = client != NULL ? get_execution(client, id, error) : NULL;
    if (execution == NULL)
        return 1;
    if (execution_is_done(json_root(execution))) {
        error_set(error, ERR_CONFLICT, "cancel changed nothing: execution %s is %s", id, json_get_string(json_root(execution), "status"));
        return 1;
    }
    g_autoptr(Json) answer = reason != NULL ? client_call(client, "PUT", NULL, error, "/pipelines/{}/cancel?reason={}", id, reason, NULL)
                                            : client_call(client, "PUT", NULL, error, "/pipelines/{}/cancel", id, NULL);
    if (answer != NULL)
        output_done(call, "cancelled %s", id);
    return 0;
}

/* The server takes the wish even when it does not fit; here a person wants to know what became of it. */
static int change_state(Invocation *call, const char *verb, const char *wanted, const char *done, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "EXECUTION");
    g_autoptr(Json) answer = client != NULL ? client_call(client, "PUT", NULL, error, "/pipelines/{}/{}", id, verb, NULL) : NULL;
    g_autoptr(Json) execution = answer != NULL ? get_execution(client, id, error) : NULL;
    if (execution == NULL)
        return 1;
    const char *status = json_get_string(json_root(execution), "status");
    if (g_strcmp0(status, wanted) == 0)
        output_done(call, "%s %s", done, id);
    else
        error_set(error, ERR_CONFLICT, "%s changed nothing: execution %s is %s", verb, id, status);
    return 0;
}

static int run_pause(Invocation *call, GError **error) {
    return change_state(call, "pause", "PAUSED", "paused", error);
}

static int run_resume(Invocation *call, GError **error) {
    return change_state(call, "resume", "RUNNING", "resumed", error);
}

/* ---- one stage ---- */
typedef gboolean (*StageFits)(const JsonValue *stage);

static gboolean awaits_judgement(const JsonValue *stage) {
    return g_strcmp0(json_get_string(stage, "type"), "manualJudgment") == 0 && g_strcmp0(json_get_string(stage, "status"), "RUNNING") == 0;
}

static gboolean has_failed(const JsonValue *stage) {
    static const char *const FAILED[] = {"TERMINAL", "FAILED_CONTINUE", "STOPPED", "CANCELED", NULL};
    const char *status = json_get_string(stage, "status");
    return json_get(stage, "parentStageId") == NULL && status != NULL && g_strv_contains(FAILED, status);
}

static gboolean is_named(const JsonValue *stage, const char *name) {
    return g_strcmp0(json_get_string(stage, "id"), name) == 0 || g_strcmp0(json_get_string(stage, "refId"), name) == 0 ||
           g_strcmp0(json_get_string(stage, "name"), name) == 0;
}

/* The stage that is named (by name, id or refId), else the only one that fits. missing: what to say when there is none. Borrowed. */
static const JsonValue *find_stage(const JsonValue *execution, const char *name, StageFits fits, const char *missing, GError **error) {
    const JsonValue *found = NULL;
    for (JsonIter i = json_iter(json_get(execution, "stages")); json_next(&i);) {
        if (name != NULL ? !is_named(i.value, name) : !fits(i.value))
            continue;
        if (found != NULL) {
            error_set(error, ERR_INVALID, "several stages are meant, %s (%s) and %s (%s): give --stage with an id",
                      json_get_string(found, "name"), json_get_string(found, "id"), json_get_string(i.value, "name"),
                      json_get_string(i.value, "id"));
            return NULL;
        }
        found = i.value;
    }
    if (found == NULL && name != NULL)
        error_set(error, ERR_NOT_FOUND, "the execution has no stage %s", name);
    else if (found == NULL)
        error_set(error, ERR_CONFLICT, "%s", missing);
    return found;
}

static int run_judge(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "EXECUTION"), *answer = invocation_argument(call, "continue|stop");
    g_autoptr(Json) execution = client != NULL ? get_execution(client, id, error) : NULL;
    if (execution == NULL)
        return 1;
    const JsonValue *stage = find_stage(json_root(execution), invocation_option(call, "stage"), awaits_judgement,
                                        "no stage of the execution waits for a judgement", error);
    if (stage == NULL)
        return 1;
    g_autoptr(Json) body = json_pack("{s:s, s:s}", "judgmentStatus", answer, "judgmentInput", invocation_option(call, "input"));
    g_autoptr(Json) changed = client_call(client, "PATCH", body, error, "/pipelines/{}/stages/{}", id, json_get_string(stage, "id"), NULL);
    if (changed != NULL)
        output_done(call, "judged %s: %s", json_get_string(stage, "name"), answer);
    return 0;
}

static int run_restart(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "EXECUTION");
    g_autoptr(Json) execution = client != NULL ? get_execution(client, id, error) : NULL;
    if (execution == NULL)
        return 1;
    const JsonValue *stage = find_stage(json_root(execution), invocation_option(call, "stage"), has_failed,
                                        "no stage of the execution has failed: give --stage", error);
    if (stage == NULL)
        return 1;
    g_autoptr(Json) body = json_parse("{}", -1, NULL);
    g_autoptr(Json)
        changed = client_call(client, "PUT", body, error, "/pipelines/{}/stages/{}/restart", id, json_get_string(stage, "id"), NULL);
    if (changed == NULL)
        return 1;
    output_done(call, "restarted %s", json_get_string(stage, "name"));
    return invocation_has(call, "watch") ? watch_execution(call, client, id, error) : 0;
}

/* ---- the table ---- */
static const Option list_options[] = {
    {"pipeline", 'p', "NAME", FALSE, "Only of this pipeline (name or id)"},
    {"status", 's', "STATUS", TRUE, "Only in this state, for example RUNNING"},
    {"limit", 'l', "N", FALSE, "At most so many (default: 20)"},
    {0},
};
static const Option cancel_options[] = {{"reason", 'r', "TEXT", FALSE, "Why; kept with the execution"}, {0}};
static const Option judge_options[] = {
    {"stage", 's', "STAGE", FALSE, "Which judgement (name or id), when several wait"},
    {"input", 'i', "CHOICE", FALSE, "The choice, when the judgement offers some"},
    {0},
};
static const Option restart_options[] = {
    {"stage", 's', "STAGE", FALSE, "Which stage (name or id); default: the one that failed"},
    {"watch", 'w', NULL, FALSE, "Follow it to its end"},
    {0},
};

const Command execution_commands[] = {
    {.group = "execution",
     .verb = "list",
     .arguments = "APPLICATION",
     .options = list_options,
     .run = run_list,
     .help = "Executions of an application's pipelines, the newest first.",
     .example = "gennaker execution list demo --status RUNNING"},
    {.group = "execution",
     .verb = "get",
     .arguments = "EXECUTION",
     .run = run_get,
     .help = "One execution with its stages.",
     .example = "gennaker execution get 01J8Z6M6T1N0Q5X0V2B4C6D8E0 --output json"},
    {.group = "execution",
     .verb = "watch",
     .arguments = "EXECUTION",
     .run = run_watch,
     .help = "Follows an execution to its end; the exit code says how it ended.",
     .example = "gennaker execution watch 01J8Z6M6T1N0Q5X0V2B4C6D8E0"},
    {.group = "execution",
     .verb = "cancel",
     .arguments = "EXECUTION",
     .options = cancel_options,
     .run = run_cancel,
     .help = "Cancels an execution.",
     .example = "gennaker execution cancel 01J8Z6M6T1N0Q5X0V2B4C6D8E0 --reason 'wrong version'"},
    {.group = "execution",
     .verb = "judge",
     .arguments = "EXECUTION continue|stop",
     .options = judge_options,
     .run = run_judge,
     .help = "Answers a manual judgement.",
     .example = "gennaker execution judge 01J8Z6M6T1N0Q5X0V2B4C6D8E0 continue"},
    {.group = "execution",
     .verb = "restart",
     .arguments = "EXECUTION",
     .options = restart_options,
     .run = run_restart,
     .help = "Runs a stage and all that follow it once more.",
     .example = "gennaker execution restart 01J8Z6M6T1N0Q5X0V2B4C6D8E0 --stage 'Deploy to production'"},
    {.group = "execution",
     .verb = "pause",
     .arguments = "EXECUTION",
     .run = run_pause,
     .help = "Pauses an execution: nothing new begins.",
     .example = "gennaker execution pause 01J8Z6M6T1N0Q5X0V2B4C6D8E0"},
    {.group = "execution",
     .verb = "resume",
     .arguments = "EXECUTION",
     .run = run_resume,
     .help = "Lets a paused execution go on.",
     .example = "gennaker execution resume 01J8Z6M6T1N0Q5X0V2B4C6D8E0"},
    {0},
};
