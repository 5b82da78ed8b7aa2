/* From a pipeline to a template of version 1 (engine.md 24.2). Pure. */
#include "engine/graph.h"
#include "templates/templates.h"

/* "wait1" of the stage 1 of type wait; caller frees. */
static char *stage_id(const JsonValue *stages, const char *ref_id) {
    for (JsonIter i = json_iter(stages); json_next(&i);) {
        const char *type = json_get_string(i.value, "type");
        if (g_strcmp0(json_get_string(i.value, "refId"), ref_id) == 0)
            return g_strconcat(type != NULL ? type : "stage", ref_id, NULL);
    }
    return g_strdup(ref_id);
}

static void add_stage(JsonBuilder *builder, const JsonValue *stages, const JsonValue *stage) {
    static const char *const OWN[] = {"id", "refId", "requisiteStageRefIds", "type", "name", NULL};
    const char *ref_id = json_get_string(stage, "refId");
    g_autofree char *id = stage_id(stages, ref_id != NULL ? ref_id : "");
    g_autoptr(Json) config = json_without(stage, OWN);
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id);
    json_add_value(builder, "type", json_get(stage, "type"));
    json_begin_array(builder, "dependsOn");
    for (JsonIter i = json_iter(json_get(stage, "requisiteStageRefIds")); json_next(&i);) {
        g_autofree char *behind = json_is_string(i.value) ? stage_id(stages, json_string(i.value)) : NULL;
        if (behind != NULL)
            json_add_string(builder, NULL, behind);
    }
    json_end_array(builder);
    json_add_value(builder, "name", json_get(stage, "name"));
    json_add_json(builder, "config", config);
    json_end_object(builder);
}

static void add_list(JsonBuilder *builder, const char *key, const JsonValue *list) {
    if (json_is_array(list))
        json_add_value(builder, key, list);
    else {
        json_begin_array(builder, key);
        json_end_array(builder);
    }
}

static void add_metadata(JsonBuilder *builder, const JsonValue *pipeline) {
    const char *name = json_get_string(pipeline, "name"), *description = json_get_string(pipeline, "description");
    const char *owner = json_get_string(pipeline, "lastModifiedBy"), *application = json_get_string(pipeline, "application");
    json_begin_object(builder, "metadata");
    json_add_string(builder, "name", name != NULL ? name : "Generated Template");
    json_add_string(builder, "description", description != NULL ? description : "");
    json_add_string(builder, "owner", owner != NULL ? owner : "anonymous");
    json_begin_array(builder, "scopes");
    json_add_string(builder, NULL, application != NULL ? application : "global");
    json_end_array(builder);
    json_end_object(builder);
}

static void add_configuration(JsonBuilder *builder, const JsonValue *pipeline) {
    static const char *const FLAGS[] = {"limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines"};
    json_begin_object(builder, "configuration");
    json_begin_object(builder, "concurrentExecutions");
    for (gsize f = 0; f < G_N_ELEMENTS(FLAGS); f++)
        json_add_value(builder, FLAGS[f], json_get(pipeline, FLAGS[f]));
    json_end_object(builder);
    add_list(builder, "triggers", json_get(pipeline, "triggers"));
    add_list(builder, "parameters", json_get(pipeline, "parameterConfig"));
    add_list(builder, "notifications", json_get(pipeline, "notifications"));
    add_list(builder, "expectedArtifacts", json_get(pipeline, "expectedArtifacts"));
    json_end_object(builder);
}

Json *templates_convert(const JsonValue *pipeline) {
    g_autoptr(Json) none = json_empty_array();
    const JsonValue *given = json_get(pipeline, "stages");
    g_autoptr(Json) stages = graph_assign_ref_ids(json_is_array(given) ? given : json_root(none));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "schema", "1");
    json_add_string(builder, "id", "generatedTemplate");
    add_metadata(builder, pipeline);
    json_add_bool(builder, "protect", FALSE);
    add_configuration(builder, pipeline);
    add_list(builder, "variables", NULL);
    json_begin_array(builder, "stages");
    for (JsonIter i = json_iter(json_root(stages)); json_next(&i);)
        add_stage(builder, json_root(stages), i.value);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}
