/* Pipelines that start when another one ended (triggers.md 13, engine.md 16.2, 16.3). content.execution is the whole execution that
 * ended, with the status it ended with. Pure. */
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
    if (generations(parent_of(match)) < NESTED_STARTS_MAX)
        return TRUE;
    decision_set(why, DECISION_REFUSED,
                 "Pipelines that start each other are limited to %d in a row (NESTED_STARTS_MAX): does this one start itself?",
                 NESTED_STARTS_MAX);
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
    json_add_string(builder, "user",
                    json_dig(parent, "trigger", "user", NULL) != NULL ? json_string(json_dig(parent, "trigger", "user", NULL))
                                                                      : "[anonymous]");
    json_add_value(builder, "parentExecution", parent);
    json_begin_object(builder, "parameters");
    json_end_object(builder);
    json_add_bool(builder, "strategy", FALSE);
    json_add_string(builder, "correlationId", correlation);
    json_add_bool(builder, "dryRun", json_is_true(json_dig(parent, "trigger", "dryRun", NULL)));
    json_add_string(builder, "eventId", match->event->id);
}

static void add_reversed(GPtrArray *values, const JsonValue *list) {
    for (gsize i = json_length(list); json_is_array(list) && i-- > 0;)
        g_ptr_array_add(values, (gpointer)json_at(list, i));
}

/* Everything the parent's stages emitted, later ones first, then what it was started with (engine.md 16.4). */
static Json *pipeline_artifacts(const Match *match) {
    const JsonValue *parent = parent_of(match), *stages = json_get(parent, "stages");
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    for (gsize i = json_length(stages); json_is_array(stages) && i-- > 0;)
        if (json_get_string(json_at(stages, i), "parentStageId") == NULL)
            add_reversed(values, json_dig(json_at(stages, i), "outputs", "artifacts", NULL));
    for (JsonIter i = json_iter(json_dig(parent, "trigger", "artifacts", NULL)); json_next(&i);)
        g_ptr_array_add(values, (gpointer)i.value);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < values->len; i++)
        json_add_value(builder, NULL, values->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

const TriggerHandler trigger_pipeline = {
    .event_type = EVENT_EXECUTION_ENDED,
    .trigger_types = (const char *const[]){"pipeline", NULL},
    .keys = {{"pipeline", "content.execution.pipelineConfigId"}},
    .own_check = TRUE,
    .once = TRUE,
    .matches = pipeline_matches,
    .build = pipeline_build,
    .artifacts = pipeline_artifacts,
};
