/* Planning a pipeline of version 2, in the steps of engine.md 24.1. Pure but for looking the template up. */
#include "templates/v2.h"
#include "artifacts/artifact.h"
#include "expr/expr.h"
#include "templates/graph.h"
#include "templates/variables.h"
#include <string.h>

typedef struct {
    const TemplateRequest *request;
    const JsonValue *pipeline, *configuration, *template; /* template: an empty object when there is none */
    TemplateProblems *problems;
} Plan;

/* ---- expressions against trigger and application (steps 1 and 2) ---- */
static const JsonValue *lookup(const char *name, gpointer data) {
    return json_get(data, name);
}

/* What does not evaluate stays as it is. Caller owns. */
static Json *evaluated(const Plan *plan, const JsonValue *value) {
    static const ExprFunction NONE[] = {{.name = NULL}};
    g_autoptr(Json) root = json_pack("{s:v, s:v}", "trigger", json_get(plan->pipeline, "trigger"), "application",
                                     json_get(plan->configuration, "application"));
    const ExprOptions options = {
        .lookup = lookup, .data = (gpointer)json_root(root), .functions = NONE, .now_ms = plan->request->now_ms, .strict = TRUE};
    ExprProcessed processed;
    expr_process(value, &options, &processed);
    Json *result = json_ref(processed.value);
    expr_processed_clear(&processed);
    return result;
}

/* ---- loading (step 2) ---- */
static const JsonValue *replacement_of(const TemplateRequest *request, const char *key) {
    return request->replaced_keys != NULL && g_strv_contains(request->replaced_keys, key) ? request->replacement : NULL;
}

static Json *decode(const char *text, GError **error) {
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(text, &length);
    return json_parse_limited((const char *)bytes, (gssize)length, TEMPLATE_BYTES_MAX, error);
}

static Json *load(const TemplateRequest *request, const JsonValue *artifact, GError **error) {
    const char *type = json_get_string(artifact, "type"), *reference = json_get_string(artifact, "reference");
    const char *key = template_key_of_reference(reference);
    const JsonValue *replacement = key != NULL ? replacement_of(request, key) : NULL;
    if (reference == NULL) {
        error_set(error, ERR_INVALID, "the template's artifact has no reference");
        return NULL;
    }
    if (replacement != NULL)
        return json_copy(replacement);
    if (key != NULL)
        return template_load(request->sources.store, key, error);
    if (g_strcmp0(type, "embedded/base64") == 0)
        return decode(reference, error);
    return templates_load_source(request, reference, error);
}

static gboolean is_for_the_moment(const GError *error) {
    ErrorCode code = error_code(error);
    return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_CANCELLED || code == ERR_INTERNAL;
}

/* The template, or an empty one that declares what the configuration does; NULL: a problem or *error. */
static Json *load_template(const Plan *plan, GError **error) {
    const JsonValue *artifact = json_get(plan->configuration, "template");
    if (!json_is_object(artifact)) {
        const JsonValue *own = json_get(plan->configuration, "variables");
        return json_pack("{s:s, s:v, s:{}}", "schema", "v2", "variables", json_is_array(own) ? own : NULL, "pipeline");
    }
    g_autoptr(Json) resolved = evaluated(plan, artifact);
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) template = load(plan->request, json_root(resolved), &failure);
    if (template != NULL && !json_is_object(json_root(template)))
        error_set(&failure, ERR_INVALID, "what was loaded is no JSON object");
    if (failure == NULL)
        return g_steal_pointer(&template);
    const char *reference = json_get_string(json_root(resolved), "reference");
    g_autofree char *message = g_strdup_printf("Failed to load template %.200s", reference != NULL ? reference : "");
    if (is_for_the_moment(failure))
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", message);
    else
        template_error_because(plan->problems, "configuration:template", message, failure);
    return NULL;
}

static Json *with_evaluated_default(const Plan *plan, const JsonValue *variable) {
    const JsonValue *value = json_get(variable, "defaultValue");
    if (value == NULL)
        return json_copy(variable);
    g_autoptr(Json) processed = evaluated(plan, value);
    return json_with(variable, "defaultValue", json_root(processed));
}

static Json *declared_variables(const Plan *plan) {
    const JsonValue *declared = json_get(plan->template, "variables");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_is_array(declared) ? declared : NULL); json_next(&i);) {
        g_autoptr(Json) variable = with_evaluated_default(plan, i.value);
        json_add_json(builder, NULL, variable);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- validation (step 3) ---- */
static void check_schema(const Plan *plan, const JsonValue *document, const char *what) {
    const char *schema = json_get_string(document, "schema");
    g_autofree char *location = g_strconcat(what, ":schema", NULL);
    if (g_strcmp0(schema, "v2") != 0)
        template_error(plan->problems, location, "The %s schema version is unsupported: expected v2, got %s", what,
                       schema != NULL ? schema : "none");
}

static gboolean is_placed(const Plan *plan, const JsonValue *stage) {
    if (json_length(json_get(stage, "requisiteStageRefIds")) > 0 || template_inject_is_rule(json_get(stage, "inject")))
        return TRUE;
    const char *ref_id = json_get_string(stage, "refId");
    for (JsonIter i = json_iter(json_dig(plan->template, "pipeline", "stages", NULL)); json_next(&i);)
        if (ref_id != NULL && g_strcmp0(json_get_string(i.value, "refId"), ref_id) == 0)
            return TRUE;
    return FALSE;
}

static void validate(const Plan *plan) {
    const char *application = json_get_string(plan->configuration, "application");
    const JsonValue *stages = json_get(plan->configuration, "stages");
    check_schema(plan, plan->template, "template");
    check_schema(plan, plan->configuration, "configuration");
    if (application == NULL || *application == '\0')
        template_error(plan->problems, "configuration:application", "Missing 'application' field");
    if (json_get_bool(plan->template, "protect", FALSE) && json_length(stages) > 0)
        template_error(plan->problems, "configuration:stages", "Modification of the stage graph is disallowed: the template is protected");
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *ref_id = json_get_string(i.value, "refId");
        g_autofree char *location = g_strdup_printf("configuration:stages.%s", ref_id != NULL ? ref_id : "?");
        if (ref_id == NULL || *ref_id == '\0')
            template_error(plan->problems, "configuration:stages", "Stage %" G_GSIZE_FORMAT " of the configuration has no refId", i.index);
        else if (!is_placed(plan, i.value))
            template_warning(plan->problems, location, "Stage %s has neither requisites nor a rule of injection: it is left out", ref_id);
    }
}

/* ---- stages (step 5) ---- */
static void place_template_stages(const Plan *plan, TemplateGraph *graph) {
    const JsonValue *given = json_dig(plan->template, "pipeline", "stages", NULL);
    for (guint injected = 0; injected < 2; injected++)
        for (JsonIter i = json_iter(json_is_array(given) ? given : NULL); json_next(&i);) {
            const char *ref_id = json_get_string(i.value, "refId");
            const JsonValue *inject = json_get(i.value, "inject");
            if (template_inject_is_rule(inject) != (injected == 1))
                continue;
            if (ref_id == NULL)
                template_error(plan->problems, "template:pipeline.stages", "Stage %" G_GSIZE_FORMAT " of the template has no refId",
                               i.index);
            else if (injected == 1)
                template_graph_inject(graph, ref_id, i.value, inject, plan->problems);
            else
                template_graph_add(graph, ref_id, i.value, json_get(i.value, "requisiteStageRefIds"), plan->problems);
        }
}

static void place_own_stages(const Plan *plan, TemplateGraph *graph) {
    const JsonValue *stages = json_get(plan->configuration, "stages");
    g_autoptr(GHashTable) replaced = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint pass = 0; pass < 3; pass++) /* replacing, adding, injecting */
        for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
            const char *ref_id = json_get_string(i.value, "refId");
            const JsonValue *requisites = json_get(i.value, "requisiteStageRefIds"), *inject = json_get(i.value, "inject");
            gboolean added = json_length(requisites) > 0;
            if (ref_id == NULL)
                continue;
            if (pass == 0 && template_graph_has(graph, ref_id) && g_hash_table_add(replaced, (gpointer)ref_id))
                template_graph_replace(graph, ref_id, i.value, requisites);
            else if (pass == 1 && added && !g_hash_table_contains(replaced, ref_id))
                template_graph_add(graph, ref_id, i.value, requisites, plan->problems);
            else if (pass == 2 && !added && template_inject_is_rule(inject) && !g_hash_table_contains(replaced, ref_id))
                template_graph_inject(graph, ref_id, i.value, inject, plan->problems);
        }
}

static Json *plan_stages(const Plan *plan) {
    g_autoptr(TemplateGraph) graph = template_graph_new();
    place_template_stages(plan, graph);
    place_own_stages(plan, graph);
    template_graph_check(graph, plan->problems);
    return template_graph_stages(graph);
}

/* ---- the result (step 6) ---- */
static gboolean is_listed(const JsonValue *list, const char *text) {
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);)
        if (g_strcmp0(json_string(i.value), text) == 0)
            return TRUE;
    return FALSE;
}

static void add_distinct(GPtrArray *list, Json *value /* taken */) {
    for (guint i = 0; i < list->len; i++)
        if (json_equal(json_root(list->pdata[i]), json_root(value))) {
            json_unref(value);
            return;
        }
    g_ptr_array_add(list, value);
}

/* The template's list, unless it is excluded, then the configuration's. */
static void add_inherited(const Plan *plan, JsonBuilder *builder, const char *key, const char *own_key, gboolean marked) {
    const JsonValue *inherited = json_dig(plan->template, "pipeline", key, NULL), *own = json_get(plan->configuration, own_key);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (own == NULL)
        own = json_get(plan->configuration, key);
    gboolean excluded = is_listed(json_get(plan->configuration, "exclude"), own_key);
    for (JsonIter i = json_iter(!excluded && json_is_array(inherited) ? inherited : NULL); json_next(&i);) {
        g_autoptr(Json) yes = json_from_bool(TRUE);
        add_distinct(list, marked && json_is_object(i.value) ? json_with(i.value, "inherited", json_root(yes)) : json_copy(i.value));
    }
    for (JsonIter i = json_iter(json_is_array(own) ? own : NULL); json_next(&i);)
        add_distinct(list, json_copy(i.value));
    json_begin_array(builder, key);
    for (guint i = 0; i < list->len; i++)
        json_add_json(builder, NULL, list->pdata[i]);
    json_end_array(builder);
}

static void add_flags(const Plan *plan, JsonBuilder *builder) {
    static const char *const FLAGS[] = {"limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines"};
    for (gsize f = 0; f < G_N_ELEMENTS(FLAGS); f++)
        if (json_dig(plan->template, "pipeline", FLAGS[f], NULL) == NULL)
            json_add_value(builder, FLAGS[f], json_get(plan->configuration, FLAGS[f]));
}

static void add_source(const Plan *plan, JsonBuilder *builder) {
    json_begin_object(builder, "source");
    json_add_string(builder, "id", json_get_string(plan->template, "id"));
    json_add_string(builder, "type", "templatedPipeline");
    json_add_string(builder, "version", "v2");
    json_end_object(builder);
}

static Json *result_of(const Plan *plan, const Json *stages, const Json *variables) {
    const char *id = json_get_string(plan->pipeline, "id"), *name = json_get_string(plan->configuration, "name");
    if (id == NULL)
        id = json_get_string(plan->configuration, "id");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id != NULL ? id : "unknown");
    json_add_value(builder, "application", json_get(plan->configuration, "application"));
    json_add_string(builder, "name", name != NULL ? name : "Unnamed Execution");
    json_add_value(builder, "executionId", json_get(plan->pipeline, "executionId"));
    add_flags(plan, builder);
    add_inherited(plan, builder, "notifications", "notifications", FALSE);
    add_inherited(plan, builder, "parameterConfig", "parameters", FALSE);
    add_inherited(plan, builder, "triggers", "triggers", TRUE);
    json_add_json(builder, "templateVariables", variables);
    json_add_json(builder, "stages", stages);
    json_add_value(builder, "trigger", json_get(plan->pipeline, "trigger"));
    json_add_value(builder, "origin", json_get(plan->pipeline, "origin"));
    if (plan->request->planning)
        add_source(plan, builder);
    json_end_object(builder);
    g_autoptr(Json) own = json_builder_end(builder);
    return json_merge(json_get(plan->template, "pipeline"), json_root(own));
}

static Json *plan_loaded(const Plan *plan) {
    validate(plan);
    if (template_has_errors(plan->problems))
        return NULL;
    const char *application = json_get_string(plan->configuration, "application"), *name = json_get_string(plan->configuration, "name"),
               *id = json_get_string(plan->configuration, "id");
    g_autofree char *whose = g_strdup_printf("Pipeline configuration of application %s, name %s, id %s", application,
                                             name != NULL ? name : "(none)", id != NULL ? id : "(none)");
    g_autoptr(Json) declared = declared_variables(plan);
    g_autoptr(Json) variables = template_variables(json_root(declared), json_get(plan->configuration, "variables"), whose, plan->problems);
    g_autoptr(Json) stages = plan_stages(plan);
    return template_has_errors(plan->problems) ? NULL : result_of(plan, stages, variables);
}

Json *template_plan_v2(const TemplateRequest *request, const JsonValue *pipeline, const JsonValue *configuration,
                       TemplateProblems *problems, GError **error) {
    Plan plan = {request, pipeline, configuration, NULL, problems};
    g_autoptr(Json) template = load_template(&plan, error);
    if (template == NULL)
        return NULL;
    plan.template = json_root(template);
    return plan_loaded(&plan);
}
