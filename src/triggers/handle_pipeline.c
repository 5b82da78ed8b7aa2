/* Pipelines that start when another one ended (triggers.md 13, engine.md 16.2, 16.3). content.execution is the whole execution that
 * ended, with the status it ended with. Pure. */
#include "artifacts/match.h"
#include "triggers/internal.h"
#include <string.h>

static const JsonValue *parent_of(const Match *match) {
    return json_get(event_content(match->event), "execution");
}

static const char *ending_of(const JsonValue *execution) {
    static const char *const NAMES[][2] = {{"SUCCEEDED", "successful"}, {"CANCELED", "canceled"}, {"SUSPENDED", "suspended"}};
    const char *status = json_get_string(execution, "status");
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (g_strcmp0(status, NAMES[i][0]) == 0)
            return NAMES[i][1];
    return "failed";
}

static guint generations(const JsonValue *execution) {
    guint n = 0;
    for (; json_is_object(execution); execution = json_dig(execution, "trigger", "parentExecution", NULL))
        n++;
    return n;
}

static gboolean pipeline_matches(const Match *match, TriggerDecision *why) {
    const JsonValue *wanted = json_get(match->trigger, "status");
    const char *ending = ending_of(parent_of(match));
    gboolean listed = FALSE;
    for (JsonIter i = json_iter(json_is_array(wanted) ? wanted : NULL); json_next(&i) && !listed;)
        listed = g_strcmp0(json_string(i.value), ending) == 0;
    if (!listed) {
        g_autofree char *texts = constraint_text(wanted);
        decision_set(why, DECISION_CONSTRAINT, "The pipeline ended \"%s\", the trigger wants %s.", ending,
                     texts != NULL ? texts : "a status, but names none");
        return FALSE;
    }
    if (generations(parent_of(match)) < NESTED_PIPELINES_MAX)
        return TRUE;
    decision_set(why, DECISION_REFUSED,
                 "Pipelines that start each other are limited to %d in a row (NESTED_PIPELINES_MAX): does this one start itself?",
                 NESTED_PIPELINES_MAX);
    return FALSE;
}

/* While the first child runs, others for the same end of the same parent are that child. */
static char *correlation_of(const Match *match) {
    const JsonValue *parent = parent_of(match);
    const char *id = json_get_string(parent, "id"), *child = json_get_string(match->pipeline, "id");
    g_autofree char *started = json_as_text(json_get(parent, "startTime"));
    return g_strdup_printf("%s_null_%s_%s", id != NULL ? id : "", child != NULL ? child : "", started != NULL ? started : "null");
}

static void pipeline_build(const Match *match, JsonBuilder *builder) {
    const JsonValue *parent = parent_of(match);
    g_autofree char *correlation = correlation_of(match);
    json_add_string(builder, "type", "pipeline");
    const char *user = json_get_string(json_get(parent, "trigger"), "user");
    json_add_string(builder, "user", user != NULL ? user : "[anonymous]");
    g_autoptr(Json) shared = json_shared(parent);
    json_add_json(builder, "parentExecution", shared);
    json_begin_object(builder, "parameters");
    json_end_object(builder);
    json_add_bool(builder, "strategy", FALSE);
    json_add_string(builder, "correlationId", correlation);
    json_add_bool(builder, "dryRun", json_is_true(json_dig(parent, "trigger", "dryRun", NULL)));
    json_add_string(builder, "eventId", match->event->id);
}

/* What content.artifacts says the parent brought forth. */
static Json *pipeline_artifacts(const Match *match) {
    const JsonValue *artifacts = json_get(event_content(match->event), "artifacts");
    return json_is_array(artifacts) ? json_copy(artifacts) : NULL;
}

static void add_ids(JsonBuilder *builder, GHashTable *seen, const JsonValue *ids) {
    for (JsonIter i = json_iter(ids); json_next(&i);)
        if (json_is_string(i.value) && g_hash_table_add(seen, (gpointer)json_string(i.value)))
            json_add_value(builder, NULL, i.value);
}

/* The expected artifacts that count: those of all triggers for this parent, and those that something received is. */
static Json *pipeline_complete(const JsonValue *run_time, const JsonValue *pipeline, const JsonValue *artifacts) {
    const char *parent = json_string(json_dig(run_time, "parentExecution", "pipelineConfigId", NULL));
    g_autoptr(Json) matching = artifacts_matching_ids(json_get(pipeline, "expectedArtifacts"), artifacts);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(pipeline, "triggers")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "type"), "pipeline") == 0 && g_strcmp0(json_get_string(i.value, "pipeline"), parent) == 0)
            add_ids(builder, seen, json_get(i.value, "expectedArtifactIds"));
    add_ids(builder, seen, json_root(matching));
    json_end_array(builder);
    g_autoptr(Json) ids = json_builder_end(builder);
    return json_with(run_time, "expectedArtifactIds", json_root(ids));
}

const TriggerHandler trigger_pipeline = {
    .event_type = EVENT_EXECUTION_ENDED,
    .trigger_types = (const char *const[]){"pipeline", NULL},
    .keys = {{"pipeline", "content.execution.pipelineConfigId"}},
    .own_check = TRUE,
    .once = TRUE,
    .matches = pipeline_matches,
    .build = pipeline_build,
    .complete = pipeline_complete,
    .artifacts = pipeline_artifacts,
};
