/* Planning a pipeline of version 1 (engine.md 24.2). Pure but for looking templates and pipelines up. */
#include "templates/v1.h"
#include "templates/variables.h"
#include <string.h>

typedef struct {
    const TemplateRequest *request;
    const JsonValue *pipeline, *configuration, *template;
    const char *application;
    TemplateProblems *problems;
} Plan;

/* ---- the names that texts may use ---- */
static Json *outer_scope(const Plan *plan) {
    const JsonValue *own = json_get(plan->configuration, "pipeline");
    return json_pack("{s:s, s:v, s:v}", "application", plan->application, "trigger", json_get(plan->pipeline, "trigger"), "pipeline", own);
}

static Json *whole_scope(const Plan *plan, const TemplateRender *render) {
    const JsonValue *own = json_get(plan->configuration, "pipeline");
    const char *name = json_get_string(own, "name"), *id = json_get_string(own, "pipelineConfigId");
    g_autofree char *whose = g_strdup_printf("Pipeline configuration of application %s, name %s, id %s", plan->application,
                                             name != NULL ? name : "(none)", id != NULL ? id : "(none)");
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) outer = outer_scope(plan);
    g_autoptr(Json) given = template_render_value(render, json_get(own, "variables"), json_root(outer), &failure);
    g_autoptr(Json) declared = failure == NULL
                                   ? template_render_value(render, json_get(plan->template, "variables"), json_root(outer), &failure)
                                   : NULL;
    if (failure != NULL) {
        template_error_because(plan->problems, "configuration:variables", "Failed to render variables", failure);
        return NULL;
    }
    g_autoptr(Json) variables = template_variables(json_root(declared), json_root(given), whose, plan->problems);
    return json_merge(json_root(outer), json_root(variables));
}

/* ---- configuration ---- */
static gboolean inherits(const Plan *plan, const char *what) {
    for (JsonIter i = json_iter(json_dig(plan->configuration, "configuration", "inherit", NULL)); json_next(&i);)
        if (json_is_string(i.value) && g_ascii_strcasecmp(json_string(i.value), what) == 0)
            return TRUE;
    return FALSE;
}

/* The template's entries if they are inherited, then (or by name in their place) the configuration's; rendered. */
static void add_section(const Plan *plan, const TemplateRender *render, JsonBuilder *builder, const char *section, const char *key,
                        const JsonValue *scope) {
    const JsonValue *from = json_get(plan->template, "configuration"), *own = json_get(plan->configuration, "configuration");
    g_autoptr(JsonBuilder) one = json_builder_new();
    json_begin_object(one, NULL);
    json_add_value(one, section, inherits(plan, section) ? json_get(from, section) : NULL);
    json_end_object(one);
    g_autoptr(Json) parent = json_builder_end(one);
    json_begin_object(one, NULL);
    json_add_value(one, section, json_get(own, section));
    json_end_object(one);
    g_autoptr(Json) child = json_builder_end(one);
    g_autoptr(Json) parent_template = json_pack("{s:j}", "configuration", parent);
    g_autoptr(Json) child_template = json_pack("{s:j}", "configuration", child);
    g_autoptr(Json) merged = template_merge_v1(json_root(parent_template), json_root(child_template));
    g_autoptr(GError) failure = NULL;
    const JsonValue *list = json_dig(json_root(merged), "configuration", section, NULL);
    g_autoptr(Json) empty = json_empty_array();
    g_autoptr(Json) rendered = template_render_value(render, list != NULL ? list : json_root(empty), scope, &failure);
    g_autofree char *location = g_strconcat("configuration:", section, NULL);
    if (failure != NULL)
        template_error_because(plan->problems, location, "Failed to render", failure);
    else
        json_add_json(builder, key, rendered);
}

static void add_concurrency(const Plan *plan, JsonBuilder *builder) {
    static const char *const FLAGS[] = {"limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines"};
    const JsonValue *own = json_dig(plan->configuration, "configuration", "concurrentExecutions", NULL);
    const JsonValue *from = inherits(plan, "concurrentExecutions") ? json_dig(plan->template, "configuration", "concurrentExecutions", NULL)
                                                                   : NULL;
    for (gsize f = 0; f < G_N_ELEMENTS(FLAGS); f++) {
        const JsonValue *value = json_get(own, FLAGS[f]);
        if (value == NULL)
            value = json_get(from, FLAGS[f]);
        json_add_value(builder, FLAGS[f], value != NULL ? value : json_get(plan->pipeline, FLAGS[f]));
    }
}

static Json *result_of(const Plan *plan, const TemplateRender *render, const Json *stages, const JsonValue *scope) {
    const JsonValue *own = json_get(plan->configuration, "pipeline");
    const char *id = json_get_string(plan->pipeline, "id"), *name = json_get_string(own, "name");
    if (id == NULL)
        id = json_get_string(own, "pipelineConfigId");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id != NULL ? id : "unknown");
    json_add_string(builder, "application", plan->application);
    json_add_string(builder, "name", name != NULL ? name : "Unnamed Execution");
    json_add_value(builder, "executionId", json_get(plan->pipeline, "executionId"));
    json_add_value(builder, "description", json_dig(plan->configuration, "configuration", "description", NULL));
    json_add_value(builder, "spelEvaluator", json_get(plan->pipeline, "spelEvaluator"));
    add_concurrency(plan, builder);
    add_section(plan, render, builder, "notifications", "notifications", scope);
    add_section(plan, render, builder, "parameters", "parameterConfig", scope);
    add_section(plan, render, builder, "triggers", "triggers", scope);
    add_section(plan, render, builder, "expectedArtifacts", "expectedArtifacts", scope);
    json_add_json(builder, "stages", stages);
    json_add_value(builder, "trigger", json_get(plan->pipeline, "trigger"));
    json_add_value(builder, "origin", json_get(plan->pipeline, "origin"));
    json_end_object(builder);
    g_autoptr(Json) result = json_builder_end(builder);
    return template_has_errors(plan->problems) ? NULL : g_steal_pointer(&result);
}

/* ---- the whole ---- */
static Json *load(const Plan *plan, GError **error) {
    const char *given = json_get_string(json_dig(plan->configuration, "pipeline", "template", NULL), "source");
    if (given == NULL || *given == '\0') {
        g_autoptr(Json) none = json_empty_object();
        return template_merge_v1(NULL, json_root(none));
    }
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) scope = outer_scope(plan);
    const TemplateRender render = {plan->request, NULL, plan->application, 0};
    g_autoptr(Json) text = json_from_string(given);
    g_autoptr(Json) source = template_render_value(&render, json_root(text), json_root(scope), &failure);
    Json *template = failure == NULL ? template_resolve_v1(plan->request, json_string(json_root(source)), &failure) : NULL;
    if (template != NULL)
        return template;
    ErrorCode code = error_code(failure);
    g_autofree char *message = g_strdup_printf("Failed to load template %.200s", given);
    if (code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_CANCELLED || code == ERR_INTERNAL)
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", message);
    else
        template_error_because(plan->problems, "configuration:template.source", message, failure);
    return NULL;
}

static void validate(const Plan *plan) {
    const JsonValue *stages = json_get(plan->configuration, "stages");
    if (json_is_true(json_get(plan->template, "protect")) && json_length(stages) > 0)
        template_error(plan->problems, "configuration:stages", "Modification of the stage graph is disallowed: the template is protected");
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *id = json_get_string(i.value, "id");
        if (id != NULL && template_entry(json_get(plan->template, "stages"), "id", id) == NULL &&
            json_length(json_get(i.value, "dependsOn")) == 0 && !template_inject_is_rule(json_get(i.value, "inject")) &&
            json_length(json_get(plan->template, "stages")) > 0)
            template_error(plan->problems, "configuration:stages", "Stage %s needs a rule of injection, or dependsOn", id);
    }
}

/* Modules and partials of the configuration stand beside the template's. */
static Json *with_own_parts(const Plan *plan) {
    g_autoptr(Json) own = json_pack("{s:v, s:v}", "modules", json_get(plan->configuration, "modules"), "partials",
                                    json_get(plan->configuration, "partials"));
    return template_merge_v1(plan->template, json_root(own));
}

static Json *plan_loaded(const Plan *plan) {
    validate(plan);
    g_autoptr(Json) whole = with_own_parts(plan);
    const TemplateRender render = {plan->request, json_root(whole), plan->application, 0};
    g_autoptr(Json) scope = whole_scope(plan, &render);
    if (template_has_errors(plan->problems))
        return NULL;
    g_autoptr(Json) stages = template_stages_v1(&render, json_get(plan->configuration, "stages"), json_root(scope), plan->problems);
    return stages != NULL ? result_of(plan, &render, stages, json_root(scope)) : NULL;
}

Json *template_plan_v1(const TemplateRequest *request, const JsonValue *pipeline, const JsonValue *configuration,
                       TemplateProblems *problems, GError **error) {
    const char *application = json_get_string(json_get(configuration, "pipeline"), "application");
    if (application == NULL)
        application = json_get_string(pipeline, "application");
    if (application == NULL || *application == '\0') {
        template_error(problems, "configuration:pipeline.application", "Missing 'application' pipeline configuration");
        return NULL;
    }
    Plan plan = {request, pipeline, configuration, NULL, application, problems};
    g_autoptr(Json) template = load(&plan, error);
    if (template == NULL)
        return NULL;
    plan.template = json_root(template);
    return plan_loaded(&plan);
}
