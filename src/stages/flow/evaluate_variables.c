/* `evaluateVariables`: names for values that later stages use (stages.md 2.5). With expressions of version 4 it evaluates its variables
 * itself, one after the other, so that later ones may use earlier ones; with older versions the engine has done it all at once. */
#include "engine/expressions.h"
#include "stages/stages.h"
#include <string.h>

#define SUMMARY "expressionEvaluationSummary"
#define ORIGINAL "originalValue" /* beside upstream's damaged sourceValue, for a restart */

typedef struct {
    Json *variables;
} VariableParams;
static const Param variable_params[] = {
    {.name = "variables",
     .type = PARAM_JSON,
     .offset = offsetof(VariableParams, variables),
     .required = TRUE,
     .help = "Variables: a list of {key, value, description}."},
    {0},
};

extern const StageType stage_evaluate_variables;

static void publish(TaskContext *context, const JsonValue *variable, const JsonValue *result) {
    const char *key = json_get_string(variable, "key");
    if (key != NULL && *key != '\0')
        task_set_output(context, key, result);
}

/* The text as it was written stays beside the result for a restart. */
static Json *with_originals(const JsonValue *before, const JsonValue *after) {
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    JsonIter was = json_iter(before);
    for (JsonIter i = json_iter(after); json_next(&i) && json_next(&was);) {
        const char *text = json_get_string(was.value, ORIGINAL);
        text = text != NULL ? text : json_get_string(was.value, "value");
        g_autoptr(Json) kept = text != NULL && strstr(text, "${") != NULL ? json_with_string(i.value, ORIGINAL, text) : json_copy(i.value);
        json_add_json(list, NULL, kept);
    }
    json_end_array(list);
    return json_builder_end(list);
}

/* One after the other, each seeing those before it. */
static void evaluate_in_order(TaskContext *context, const JsonValue *variables) {
    Json *failures = NULL;
    g_autoptr(Json) results = expressions_evaluate_variables(context->execution, context->stage, variables, NULL, context->settings, TRUE,
                                                             context->now_ms, &failures);
    g_autoptr(Json) summary = failures;
    g_autoptr(Json) evaluated = with_originals(variables, json_root(results));
    for (JsonIter i = json_iter(json_root(evaluated)); json_next(&i);)
        publish(context, i.value, json_get(i.value, "value"));
    task_set_context_json(context, "variables", evaluated);
    if (summary != NULL)
        task_set_context_json(context, SUMMARY, summary);
    else
        task_remove_context(context, SUMMARY);
}

static Status variables_run(TaskContext *context, GError **error) {
    const VariableParams *params = context->params;
    if (!json_is_array(json_root(params->variables))) {
        error_set(error, ERR_INVALID, "variables: expected a list of {key, value}");
        return STATUS_TERMINAL;
    }
    if (expressions_are_own(context->execution, &stage_evaluate_variables, context->settings)) {
        evaluate_in_order(context, json_root(params->variables));
        return STATUS_SUCCEEDED;
    }
    for (JsonIter i = json_iter(json_root(params->variables)); json_next(&i);)
        publish(context, i.value, json_get(i.value, "value"));
    return STATUS_SUCCEEDED;
}

/* The expressions come back as they were. */
static Json *variables_restart(const Stage *stage, gboolean *clear_outputs) {
    *clear_outputs = TRUE;
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (JsonIter i = json_iter(json_get(json_root(stage->context), "variables")); json_next(&i);) {
        const JsonValue *original = json_get(i.value, ORIGINAL);
        g_autoptr(Json) restored = json_with(i.value, "value", original != NULL ? original : json_get(i.value, "value"));
        g_autoptr(Json) clean = json_without(json_root(restored), (const char *const[]){"sourceValue", ORIGINAL, NULL});
        json_add_json(list, NULL, clean);
    }
    json_end_array(list);
    g_autoptr(Json) variables = json_builder_end(list);
    return json_with(json_root(stage->context), "variables", json_root(variables));
}

const StageType stage_evaluate_variables = {
    .type = "evaluateVariables",
    .label = "Evaluate Variables",
    .help = "Evaluates expressions once and gives them names.",
    .params = variable_params,
    .params_size = sizeof(VariableParams),
    .tasks = (const TaskDefinition[]){{.name = "evaluateVariables", .run = variables_run}, {0}},
    .on_restart = variables_restart,
    .own_expressions = TRUE,
    .dry_run_is_real = dry_run_always_real,
};
