/* Variables that are evaluated one after the other, each seeing those before it (expressions.md 13): the rule of the stage
 * evaluateVariables and of the endpoint that shows beforehand what it will do. Pure, unless functions with I/O are allowed. */
#include "engine/edit.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include <string.h>

#define PREVIEW_STAGE "evaluateVariables"

/* "${" written as "{", so that it is not evaluated again. */
static char *source_text(const char *text) {
    GString *source = g_string_new(text);
    g_string_replace(source, "${", "{", 0);
    return g_string_free(source, FALSE);
}

static void merge_into(Json **all, const Json *more) {
    Json *merged = json_merge(json_root(*all), json_root(more));
    json_unref(*all);
    *all = merged;
}

typedef struct {
    const Execution *execution;
    const Stage *stage;
    const EngineSettings *settings;
    gboolean allow_io;
    gint64 now_ms;
    Json *known; /* names of variables so far */
    Json *summary;
} Variables;

/* Value and description come or stay together. */
static void evaluate_variable(Variables *all, JsonBuilder *list, const JsonValue *variable) {
    const JsonValue *value = json_get(variable, "value");
    if (!json_is_string(value)) {
        json_add_value(list, NULL, variable);
        return;
    }
    g_autoptr(Json) both = json_pack("{s:v, s:v}", "value", value, "description", json_get(variable, "description"));
    Json *found = NULL;
    g_autoptr(Json) result = expressions_evaluate(all->execution, all->stage, json_root(both), json_root(all->known), all->settings,
                                                  all->allow_io, all->now_ms, &found);
    g_autoptr(Json) failures = found;
    const char *key = json_get_string(variable, "key"), *saved = json_get_string(variable, "sourceValue");
    g_autofree char *source = saved ? g_strdup(saved) : source_text(json_string(value));
    g_autoptr(Json) with_source = json_with_string(variable, "sourceValue", source);
    g_autoptr(Json) told = failures ? json_ref(with_source) : json_merge(json_root(with_source), json_root(result));
    json_add_json(list, NULL, told);
    if (failures) {
        merge_into(&all->summary, failures);
    } else if (key && *key) {
        g_autoptr(Json) name = json_with(NULL, key, json_get(json_root(result), "value"));
        merge_into(&all->known, name);
    }
}

Json *expressions_evaluate_variables(const Execution *execution, const Stage *stage, const JsonValue *variables, const JsonValue *names,
                                     const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures) {
    Variables all = {execution, stage, settings, allow_io, now_ms, names ? json_copy(names) : json_empty_object(), NULL};
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (JsonIter i = json_iter(variables); json_next(&i);)
        evaluate_variable(&all, list, i.value);
    json_end_array(list);
    json_unref(all.known);
    *failures = all.summary;
    return json_builder_end(list);
}

Execution *expressions_execution_with_stage(const Execution *execution, const char *const *requisites, const char **stage_id) {
    Execution *draft = execution_copy(execution);
    Stage *stage = stage_new();
    stage->id = text_new(PREVIEW_STAGE);
    stage->ref_id = text_new(PREVIEW_STAGE);
    stage->type = text_new(PREVIEW_STAGE);
    stage->name = text_new("Evaluate Variables");
    stage_set_requisites(stage, requisites);
    execution_insert_stage(draft, draft->stages->len, stage);
    execution_reindex(draft);
    *stage_id = stage->id;
    return draft;
}
