/* Evaluating what users wrote into stages: what is processed when, the summary of failures, conditions. Pure, unless functions
 * with I/O are allowed. Any thread. */
#include "engine/expressions.h"
#include "engine/expression_root.h"
#include <string.h>

#define SUMMARY_KEY "expressionEvaluationSummary"
#define EXCEPTION_KEY "exception" /* it quotes what users wrote: expressions in it are not meant */

int expressions_version(const Execution *execution, const EngineSettings *settings) {
    const char *name = settings->spel_override ? settings->spel_override : execution->spel_evaluator;
    if (name && g_ascii_strcasecmp(name, "v4") == 0)
        return 4;
    return name && g_ascii_strcasecmp(name, "v2") == 0 ? 2 : 3;
}

gboolean expressions_are_own(const Execution *execution, const StageType *type, const EngineSettings *settings) {
    return type->own_expressions && expressions_version(execution, settings) == 4;
}

/* ---- the summary of failures ---- */
static gboolean is_same_failure(const JsonValue *entry, const ExprFailure *failure) {
    return g_strcmp0(json_get_string(entry, "description"), failure->description) == 0 &&
           g_strcmp0(json_get_string(entry, "level"), failure->level) == 0 &&
           g_strcmp0(json_get_string(entry, "exceptionType"), failure->exception_type) == 0;
}

static gboolean contains_text(const GPtrArray *texts, const char *text) {
    for (guint i = 0; texts && i < texts->len; i++)
        if (strcmp(g_ptr_array_index(texts, i), text) == 0)
            return TRUE;
    return FALSE;
}

/* One expression's entries: those it had and those of this pass, each once; the first time stays. */
static void write_entries(JsonBuilder *builder, const char *key, const JsonValue *before, const GPtrArray *failures, gint64 now_ms) {
    g_autoptr(GPtrArray) written = g_ptr_array_new();
    json_begin_array(builder, key);
    JsonIter iter = json_iter(before);
    while (json_next(&iter))
        json_add_value(builder, NULL, iter.value);
    for (guint i = 0; i < failures->len; i++) {
        const ExprFailure *failure = g_ptr_array_index(failures, i);
        if (strcmp(failure->expression, key) != 0)
            continue;
        gboolean known = FALSE;
        iter = json_iter(before);
        while (!known && json_next(&iter))
            known = is_same_failure(iter.value, failure);
        for (guint k = 0; !known && k < written->len; k++) {
            const ExprFailure *other = g_ptr_array_index(written, k);
            known = g_strcmp0(other->description, failure->description) == 0 && g_strcmp0(other->level, failure->level) == 0 &&
                    g_strcmp0(other->exception_type, failure->exception_type) == 0;
        }
        if (known)
            continue;
        g_ptr_array_add(written, (gpointer)failure);
        json_begin_object(builder, NULL);
        json_add_string(builder, "description", failure->description);
        json_add_string(builder, "exceptionType", failure->exception_type);
        json_add_int(builder, "timestamp", now_ms);
        json_add_string(builder, "level", failure->level);
        json_end_object(builder);
    }
    json_end_array(builder);
}

/* The summary after a pass; NULL when nothing is in it. */
static Json *merge_summary(const JsonValue *before, const ExprProcessed *processed, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GPtrArray) written = g_ptr_array_new();
    json_begin_object(builder, NULL);
    JsonIter iter = json_iter(before);
    while (json_next(&iter)) {
        if (contains_text(processed->evaluated, iter.key))
            continue;
        write_entries(builder, iter.key, iter.value, processed->failures, now_ms);
        g_ptr_array_add(written, (gpointer)iter.key);
    }
    for (guint i = 0; i < processed->failures->len; i++) {
        const ExprFailure *failure = g_ptr_array_index(processed->failures, i);
        if (contains_text(written, failure->expression))
            continue;
        write_entries(builder, failure->expression, NULL, processed->failures, now_ms);
        g_ptr_array_add(written, failure->expression);
    }
    json_end_object(builder);
    g_autoptr(Json) summary = json_builder_end(builder);
    return written->len ? g_steal_pointer(&summary) : NULL;
}

/* ---- stages ---- */
Json *expressions_process(const Execution *execution, const Stage *stage, const EngineSettings *settings, gboolean allow_io, gint64 now_ms,
                          gboolean *needs_io) {
    static const char *const own[] = {SUMMARY_KEY, EXCEPTION_KEY, NULL};
    const JsonValue *context = json_root(stage->context), *before = json_get(context, SUMMARY_KEY);
    const JsonValue *exception = json_get(context, EXCEPTION_KEY);
    g_autoptr(Json) without = before || exception ? json_without(context, own) : json_ref(stage->context);
    ExpressionRoot root;
    ExprProcessed processed;
    expression_root_init(&root, execution, stage, NULL, settings, allow_io, now_ms);
    expr_process(json_root(without), &root.options, &processed);
    *needs_io = processed.needs_io;
    gboolean attempted = processed.changed || processed.failures->len || (processed.evaluated && processed.evaluated->len);
    g_autoptr(Json) summary = attempted ? merge_summary(before, &processed, now_ms) : NULL;
    Json *result = NULL;
    gboolean same_summary = !attempted || (!summary && !before) || (summary && json_equal(json_root(summary), before));
    if (processed.changed || !same_summary) {
        g_autoptr(Json) clean = processed.changed ? json_without_nulls(json_root(processed.value)) : json_ref(without);
        g_autoptr(Json) value = exception ? json_with(json_root(clean), EXCEPTION_KEY, exception) : json_ref(clean);
        const JsonValue *kept = attempted ? json_root(summary) : before;
        result = kept ? json_with(json_root(value), SUMMARY_KEY, kept) : json_ref(value);
    }
    expr_processed_clear(&processed);
    expression_root_clear(&root);
    return result;
}

static Json *write_trace(const ExprTrace *trace) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < trace->entries->len; i++) {
        const ExprTraceEntry *entry = g_ptr_array_index(trace->entries, i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "expression", entry->expression);
        json_add_int(builder, "depth", entry->depth);
        json_add_string(builder, "value", entry->value);
        json_add_string(builder, "type", entry->type);
        json_add_string(builder, "reason", entry->reason);
        json_add_string(builder, "element", entry->element);
        json_end_object(builder);
    }
    if (trace->dropped) {
        json_begin_object(builder, NULL);
        json_add_int(builder, "dropped", trace->dropped);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* Where functions with I/O are not run, that is said, as of any other expression that failed. */
static void add_io_failure(ExprProcessed *processed, const JsonValue *value) {
    ExprFailure *failure = g_new0(ExprFailure, 1);
    const char *text = json_string(value);
    failure->expression = g_strdup(text ? text : "expression");
    failure->description = g_strdup("it calls a function that reads from elsewhere, which is not run here; in a stage it is");
    failure->exception_type = g_strdup("SpelEvaluationException");
    failure->level = g_strdup("ERROR");
    g_ptr_array_add(processed->failures, failure);
}

static Json *evaluate(const Execution *execution, const Stage *stage, const JsonValue *value, const JsonValue *names,
                      const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures, ExprTrace *trace) {
    ExpressionRoot root;
    ExprProcessed processed;
    expression_root_init(&root, execution, stage, names, settings, allow_io, now_ms);
    root.options.trace = trace;
    expr_process(value, &root.options, &processed);
    Json *result = json_ref(processed.value);
    if (processed.needs_io)
        add_io_failure(&processed, value);
    if (failures)
        *failures = merge_summary(NULL, &processed, now_ms);
    expr_processed_clear(&processed);
    expression_root_clear(&root);
    return result;
}

Json *expressions_evaluate(const Execution *execution, const Stage *stage, const JsonValue *value, const JsonValue *names,
                           const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures) {
    return evaluate(execution, stage, value, names, settings, allow_io, now_ms, failures, NULL);
}

Json *expressions_trace(const Execution *execution, const Stage *stage, const JsonValue *value, const JsonValue *names,
                        const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures, Json **trace) {
    if (!trace)
        return evaluate(execution, stage, value, names, settings, allow_io, now_ms, failures, NULL);
    ExprTrace notes;
    expr_trace_init(&notes);
    Json *result = evaluate(execution, stage, value, names, settings, allow_io, now_ms, failures, &notes);
    *trace = write_trace(&notes);
    expr_trace_clear(&notes);
    return result;
}

/* ---- submission ---- */
static const JsonValue *submitted_lookup(const char *name, gpointer data) {
    if (strcmp(name, "trigger") != 0 && strcmp(name, "templateVariables") != 0)
        return NULL;
    return json_get(data, name);
}

Json *expressions_process_submitted(const JsonValue *pipeline, int version, gint64 now_ms) {
    static const char *const stages_only[] = {"stages", NULL};
    static const char *const names[] = {"trigger", "templateVariables", NULL};
    const JsonValue *stages = json_get(pipeline, "stages");
    g_autoptr(Json) rest = version == 4 ? json_without(pipeline, stages_only) : json_copy(pipeline);
    ExprOptions options = {.lookup = submitted_lookup, .data = (gpointer)pipeline, .now_ms = now_ms, .strict = TRUE, .root_names = names};
    ExprProcessed processed;
    expr_process(json_root(rest), &options, &processed);
    g_autoptr(Json) summary = merge_summary(NULL, &processed, now_ms);
    g_autoptr(Json) value = json_ref(processed.value);
    expr_processed_clear(&processed);
    g_autoptr(Json) told = summary ? json_with(json_root(value), SUMMARY_KEY, json_root(summary)) : json_ref(value);
    return version == 4 && stages ? json_with(json_root(told), "stages", stages) : json_ref(told);
}

/* ---- conditions ---- */
static gboolean is_condition(const JsonValue *condition) {
    const char *type = json_get_string(condition, "type");
    return type && g_ascii_strcasecmp(type, "expression") == 0;
}

/* Whatever is not the text true, a failure too, skips the stage. */
static gboolean condition_skips(const Execution *execution, const Stage *stage, const JsonValue *condition, const EngineSettings *settings,
                                gint64 now_ms) {
    g_autoptr(Json) evaluated = expressions_evaluate(execution, stage, condition, NULL, settings, FALSE, now_ms, NULL);
    g_autofree char *text = json_as_text(json_get(json_root(evaluated), "expression"));
    if (!text || !*g_strstrip(text))
        return FALSE;
    ExpressionRoot root;
    expression_root_init(&root, execution, stage, NULL, settings, FALSE, now_ms);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) result = expr_evaluate(text, &root.options, &error);
    expression_root_clear(&root);
    g_autofree char *answer = result ? json_as_text(json_root(result)) : NULL;
    return !answer || g_ascii_strcasecmp(answer, "true") != 0;
}

gboolean expressions_skip_stage(const Execution *execution, const Stage *stage, const EngineSettings *settings, gint64 now_ms) {
    if (execution->type != EXECUTION_PIPELINE)
        return FALSE;
    for (; stage; stage = stage_parent(execution, stage)) {
        const JsonValue *condition = json_get(json_root(stage->context), "stageEnabled");
        if (is_condition(condition))
            return condition_skips(execution, stage, condition, settings, now_ms);
    }
    return FALSE;
}
