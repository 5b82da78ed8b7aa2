/* Expression vectors: each is evaluated as the field `value` of an object, at the root of a stage whose context, trigger and
 * execution are those of the case. */
#include "engine/expressions.h"
#include "cases.h"
#include "engine/edit.h"

#define NOW_MS G_GINT64_CONSTANT(1700000000000)
#define STAGE_ID "stage"

/* ---- the execution of a case ---- */

static void set_text(char **place, const JsonValue *object, const char *key) {
    text_set(place, json_get_string(object, key));
}

static void set_object(Json **place, const JsonValue *object, const char *key) {
    if (json_is_object(json_get(object, key)))
        json_set(place, json_copy(json_get(object, key)));
}

static Stage *make_stage(const JsonValue *from) {
    Stage *stage = stage_new();
    set_text(&stage->id, from, "id");
    set_text(&stage->ref_id, from, "refId");
    set_text(&stage->type, from, "type");
    set_text(&stage->name, from, "name");
    set_text(&stage->parent_id, from, "parentStageId");
    status_parse(json_get_string(from, "status"), &stage->status);
    stage->start_ms = json_get_int(from, "startTime", 0);
    stage->end_ms = json_get_int(from, "endTime", 0);
    const char *owner = json_get_string(from, "syntheticStageOwner");
    stage->owner = g_strcmp0(owner, "STAGE_BEFORE") == 0 ? OWNER_BEFORE : g_strcmp0(owner, "STAGE_AFTER") == 0 ? OWNER_AFTER : OWNER_NONE;
    if (json_is_object(json_get(from, "context")))
        stage_set_context(stage, json_copy(json_get(from, "context")));
    set_object(&stage->outputs, from, "outputs");
    g_autoptr(GPtrArray) requisites = g_ptr_array_new();
    for (JsonIter i = json_iter(json_get(from, "requisiteStageRefIds")); json_next(&i);)
        g_ptr_array_add(requisites, (gpointer)json_string(i.value));
    g_ptr_array_add(requisites, NULL);
    stage_set_requisites(stage, (const char *const *)requisites->pdata);
    return stage;
}

static Execution *make_execution(const JsonValue *from, ExecutionType type) {
    Execution *execution = execution_new(type);
    set_text(&execution->id, from, "id");
    set_text(&execution->application, from, "application");
    set_text(&execution->name, from, "name");
    set_text(&execution->description, from, "description");
    set_text(&execution->config_id, from, "pipelineConfigId");
    set_text(&execution->origin, from, "origin");
    text_set(&execution->spel_evaluator, "v4");
    if (json_get_string(from, "status"))
        status_parse(json_get_string(from, "status"), &execution->status);
    execution->build_ms = json_get_int(from, "buildTime", 0);
    execution->start_ms = json_get_int(from, "startTime", 0);
    execution->end_ms = json_get_int(from, "endTime", 0);
    execution->canceled = json_get_bool(from, "canceled", FALSE);
    set_text(&execution->canceled_by, from, "canceledBy");
    set_text(&execution->cancellation_reason, from, "cancellationReason");
    set_object(&execution->trigger, from, "trigger");
    set_object(&execution->authentication, from, "authentication");
    set_object(&execution->paused, from, "paused");
    set_object(&execution->template_variables, from, "templateVariables");
    set_object(&execution->initial_config, from, "initialConfig");
    guint at = 0;
    for (JsonIter i = json_iter(json_get(from, "stages")); json_next(&i);)
        execution_insert_stage(execution, at++, make_stage(i.value));
    execution_reindex(execution);
    execution_seal(execution);
    return execution;
}

/* A case without an execution: its context is that of the only stage. */
static Json *single_stage_execution(const JsonValue *context) {
    static const char *const not_context[] = {"trigger", NULL};
    g_autoptr(Json) own = json_without(context, not_context);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", "execution");
    json_add_string(builder, "application", "vectors");
    json_add_value(builder, "trigger", json_get(context, "trigger"));
    json_begin_array(builder, "stages");
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", STAGE_ID);
    json_add_string(builder, "refId", "1");
    json_add_string(builder, "type", "wait");
    json_add_string(builder, "name", "Stage");
    json_add_string(builder, "status", "RUNNING");
    json_add_json(builder, "context", own);
    json_end_object(builder);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- a case ---- */

/* Names of the summary's members with their level: {"missing": "INFO"}. */
static Json *levels_of(const Json *summary) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(json_root(summary)); json_next(&i);)
        json_add_value(builder, i.key, json_get(json_at(i.value, 0), "level"));
    json_end_object(builder);
    return json_builder_end(builder);
}

static gboolean has_levels(const JsonValue *test, const JsonValue *levels) {
    const JsonValue *failed = json_get(test, "failed"), *wanted = json_get(test, "levels");
    if (json_length(failed) != json_length(levels))
        return FALSE;
    for (JsonIter i = json_iter(failed); json_next(&i);)
        if (!json_get(levels, json_string(i.value)))
            return FALSE;
    for (JsonIter i = json_iter(wanted); json_next(&i);)
        if (!json_equal(i.value, json_get(levels, i.key)))
            return FALSE;
    return TRUE;
}

static void run_case(const JsonValue *test, const EngineSettings *settings, VectorsResult *result) {
    static const char *const not_names[] = {"execution", NULL};
    const JsonValue *context = json_get(test, "context"), *given = json_get(context, "execution");
    g_autoptr(Json) made = given ? NULL : single_stage_execution(context);
    const ExecutionType type = given || json_get(context, "trigger") ? EXECUTION_PIPELINE : EXECUTION_ORCHESTRATION;
    g_autoptr(Execution) execution = make_execution(given ? given : json_root(made), type);
    const char *current = given ? json_get_string(given, "currentStageId") : STAGE_ID;
    const Stage *stage = current ? execution_stage(execution, current) : NULL;
    g_autoptr(Json) names = given ? json_without(context, not_names) : json_empty_object();
    g_autoptr(Json) source = json_with(NULL, "value", json_get(test, "source"));
    g_autoptr(Json) summary = NULL;
    g_autoptr(Json) value = expressions_evaluate(execution, stage, json_root(source), json_root(names), settings, FALSE, NOW_MS, &summary);
    g_autoptr(Json) levels = levels_of(summary);
    const JsonValue *actual = json_get(json_root(value), "value");
    const gboolean same_value = cases_equal(json_get(test, "expect"), actual), same_levels = has_levels(test, json_root(levels));
    if (same_value && !same_levels)
        cases_count(test, FALSE, json_get(test, "levels"), json_root(levels), result);
    else
        cases_count(test, same_value, json_get(test, "expect"), actual, result);
}

gboolean vectors_expressions(const char *path, VectorsResult *result, GError **error) {
    static const StageType *const no_types[] = {NULL};
    static const StageTypes types = {no_types};
    const JsonValue *cases;
    g_autoptr(Json) json = cases_load(path, "vectors", &cases, error);
    g_autoptr(Config) config = json ? config_load(NULL, error) : NULL;
    EngineSettings *settings = config ? engine_settings_new(&types, config, error) : NULL;
    if (!settings)
        return FALSE;
    for (JsonIter i = json_iter(cases); json_next(&i);)
        run_case(i.value, settings, result);
    engine_settings_unref(settings);
    return TRUE;
}
