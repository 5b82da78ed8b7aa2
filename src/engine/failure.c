/* Exception objects: how a failure looks in a stage's context and in a task. Pure. */
#include "engine/step.h"

#define TITLE_TASK "Unexpected Task Failure"
#define TITLE_EXPRESSIONS "Failed Expression Evaluation"

static Json *exception_new(const char *type, const char *kind, const char *operation, const char *message, gboolean retry, gint64 now_ms) {
    return json_pack("{s:i, s:s, s:s, s:b, s:{s:s, s:[s], s:s}}", "timestamp", now_ms, "exceptionType", type, "operation", operation,
                     "shouldRetry", retry, "details", "error", TITLE_TASK, "errors", message, "kind", kind);
}

Json *exception_from_error(const GError *error, const char *operation, gint64 now_ms) {
    const ErrorOutward *outward = error_outward(error_code(error));
    return exception_new(outward->exception_type, outward->kind, operation, error->message, outward->should_retry, now_ms);
}

Json *exception_timeout(const char *message, const char *operation, gint64 now_ms) {
    return exception_new("TimeoutException", NULL, operation, message, FALSE, now_ms);
}

static void add_text(GPtrArray *texts, const JsonValue *value) {
    const char *text = json_string(value);
    for (guint i = 0; text && i < texts->len; i++)
        if (g_str_equal(g_ptr_array_index(texts, i), text))
            return;
    if (text)
        g_ptr_array_add(texts, (gpointer)text);
}

static void add_texts(GPtrArray *texts, const JsonValue *list) {
    JsonIter iter = json_iter(list);
    while (json_next(&iter))
        add_text(texts, iter.value);
}

static void add_descriptions(GPtrArray *texts, const JsonValue *summary) {
    JsonIter expressions = json_iter(summary);
    while (json_next(&expressions)) {
        JsonIter failures = json_iter(expressions.value);
        while (json_next(&failures))
            add_text(texts, json_get(failures.value, "description"));
    }
}

Json *context_with_final_errors(const Stage *stage, Status status) {
    const JsonValue *context = json_root(stage->context), *exception = json_get(context, "exception");
    g_autoptr(GPtrArray) errors = g_ptr_array_new();
    add_texts(errors, json_dig(exception, "details", "errors", NULL));
    guint before = errors->len;
    add_descriptions(errors, json_get(context, "expressionEvaluationSummary"));
    for (guint i = 0; status == STATUS_FAILED_CONTINUE && i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        add_texts(errors, json_dig(json_root(task->exception_details), "exception", "details", "errors", NULL));
    }
    if (errors->len == before)
        return NULL;
    g_ptr_array_add(errors, NULL);
    g_autoptr(Json) list = json_from_strings((const char *const *)errors->pdata);
    const char *title = json_string(json_dig(exception, "details", "error", NULL));
    g_autoptr(Json) details = json_pack("{s:s, s:j}", "error", title ? title : TITLE_EXPRESSIONS, "errors", list);
    g_autoptr(Json) changes = json_pack("{s:{s:j}}", "exception", "details", details);
    return json_merge_deep(context, json_root(changes));
}
