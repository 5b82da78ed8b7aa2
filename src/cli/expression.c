/* `expression`: evaluates one against an execution, and shows what its parts came to. */
#include "cli/client.h"
#include "cli/output.h"
#include <stdio.h>
#include <string.h>

/* By refId, id or name; NULL with ERR_NOT_FOUND, which lists what there is. Borrowed. */
static const char *stage_id_of(const JsonValue *execution, const char *wanted, GError **error) {
    static const char *const MEMBERS[] = {"refId", "id", "name"};
    g_autoptr(GString) known = g_string_new(NULL);
    for (gsize m = 0; m < G_N_ELEMENTS(MEMBERS); m++)
        for (JsonIter i = json_iter(json_get(execution, "stages")); json_next(&i);)
            if (g_strcmp0(json_get_string(i.value, MEMBERS[m]), wanted) == 0)
                return json_get_string(i.value, "id");
    for (JsonIter i = json_iter(json_get(execution, "stages")); json_next(&i);)
        g_string_append_printf(known, "%s%s (%s)", known->len > 0 ? ", " : "", json_get_string(i.value, "refId"),
                               json_get_string(i.value, "name"));
    error_set(error, ERR_NOT_FOUND, "execution %s has no stage \"%s\"; it has %s", json_get_string(execution, "id"), wanted,
              known->len > 0 ? known->str : "none");
    return NULL;
}

static Json *ask(const Invocation *call, Client *client, const char *execution_id, GError **error) {
    const char *stage = invocation_option(call, "stage"), *trace = invocation_has(call, "trace") ? "true" : "false";
    g_autoptr(Json) body = json_pack("{s:s}", "expression", invocation_argument(call, "EXPRESSION"));
    if (stage == NULL)
        return client_call(client, "POST", body, error, "/pipelines/{}/evaluateExpression?trace={}", execution_id, trace, NULL);
    g_autoptr(Json) execution = client_get(client, error, "/pipelines/{}", execution_id, NULL);
    const char *stage_id = execution != NULL ? stage_id_of(json_root(execution), stage, error) : NULL;
    if (stage_id == NULL)
        return NULL;
    return client_call(client, "POST", body, error, "/pipelines/{}/{}/evaluateExpression?trace={}", execution_id, stage_id, trace, NULL);
}

/* ---- the trace ---- */
static char *make_expression(const JsonValue *entry) {
    const char *text = json_get_string(entry, "expression");
    gint64 dropped = json_get_int(entry, "dropped", 0);
    if (text == NULL)
        return g_strdup_printf("(%" G_GINT64_FORMAT " more)", dropped);
    return g_strdup_printf("%*s%s", (int)CLAMP(json_get_int(entry, "depth", 0), 0, 20) * 2, "", text);
}

static char *make_value(const JsonValue *entry) {
    const char *reason = json_get_string(entry, "reason");
    return reason != NULL ? g_strconcat("failed: ", reason, NULL) : g_strdup(json_get_string(entry, "value"));
}

static const Column trace_columns[] = {
    {.title = "EXPRESSION", .make = make_expression},
    {.title = "ELEMENT", .path = "element"},
    {.title = "VALUE", .make = make_value},
    {.title = "TYPE", .path = "type"},
    {0},
};

/* What failed, for the error; NULL: nothing did. What came to nothing (an unknown name) is told like what went wrong, with level INFO. Borrowed. */
static const char *failure_of(const JsonValue *answer) {
    const char *first = NULL;
    for (JsonIter i = json_iter(json_get(answer, "detail")); json_next(&i);)
        for (JsonIter k = json_iter(i.value); json_next(&k);) {
            const char *text = json_get_string(k.value, "description");
            if (g_strcmp0(json_get_string(k.value, "level"), "ERROR") == 0)
                return text;
            first = first != NULL ? first : text;
        }
    return first;
}

static void print_result(const JsonValue *result) {
    g_autofree char *text = json_is_string(result) ? g_strdup(json_string(result)) : json_write_pretty(result, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *clean = output_clean(*line);
        printf("%s\n", clean);
    }
}

static int run_expression(Invocation *call, GError **error) {
    static const Column NONE[] = {{0}};
    const char *execution_id = invocation_option(call, "execution");
    if (execution_id == NULL) {
        error_set(error, ERR_INVALID, "against which execution? Give its id: --execution ID");
        return 1;
    }
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) answer = client != NULL ? ask(call, client, execution_id, error) : NULL;
    if (answer == NULL)
        return 1;
    const JsonValue *trace = json_get(json_root(answer), "trace");
    const char *failure = failure_of(json_root(answer));
    int code = 0;
    if (!output_is_table(call))
        code = output_one(call, json_root(answer), NONE, error);
    else if (trace != NULL)
        code = output_list(call, trace, trace_columns, error);
    if (output_is_table(call) && failure == NULL)
        print_result(json_get(json_root(answer), "result"));
    if (failure == NULL || code != 0)
        return code;
    error_set(error, ERR_INVALID, "%s", failure);
    return 1;
}

static const Option expression_options[] = {
    {"execution", 0, "ID", FALSE, "Against this execution"},
    {"stage", 0, "STAGE", FALSE, "As if it stood in this stage (refId, name or id)"},
    {"trace", 0, NULL, FALSE, "Show what each part of it came to"},
    {0},
};

const Command expression_commands[] = {
    {.verb = "expression",
     .arguments = "EXPRESSION",
     .options = expression_options,
     .run = run_expression,
     .help = "Evaluates an expression against an execution, with or without ${}; nothing is changed.",
     .example = "gennaker expression --execution 01J8Z6M6T1N0Q5X0V2B4C6D8E0 --trace 'execution.stages.?[status == \"TERMINAL\"].![name]'"},
    {0},
};
