/* Which version a configuration is of, and what surrounds the planning of both. Any thread. */
#include "templates/templates.h"
#include "templates/v1.h"
#include "templates/v2.h"
#include <string.h>

static gboolean is_version_2(const JsonValue *pipeline) {
    return g_strcmp0(json_get_string(pipeline, "schema"), "v2") == 0 && json_is_object(json_get(pipeline, "template"));
}

gboolean templates_apply_to(const JsonValue *pipeline) {
    return g_strcmp0(json_get_string(pipeline, "type"), "templatedPipeline") == 0 || is_version_2(pipeline);
}

/* Its own part: "config", or, of version 2, everything but the trigger. Caller owns. */
static Json *configuration_of(const JsonValue *pipeline) {
    static const char *const NOT_OWN[] = {"trigger", NULL};
    const JsonValue *config = json_get(pipeline, "config");
    return json_is_object(config) && !is_version_2(pipeline) ? json_copy(config) : json_without(pipeline, NOT_OWN);
}

/* ---- errors ---- */
static Json *with_errors(const JsonValue *pipeline, const TemplateProblems *problems) {
    static const char *const KEPT[] = {"id", "application", "name", "type", "schema", "trigger", "origin", "executionId"};
    g_autoptr(Json) errors = template_problems_json(problems);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (gsize k = 0; k < G_N_ELEMENTS(KEPT); k++)
        json_add_value(builder, KEPT[k], json_get(pipeline, KEPT[k]));
    json_add_json(builder, "errors", errors);
    json_end_object(builder);
    return json_builder_end(builder);
}

char *templates_errors_text(const JsonValue *errors) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (JsonIter i = json_iter(json_is_array(errors) ? errors : NULL); json_next(&i);) {
        const char *message = json_get_string(i.value, "message"), *cause = json_get_string(i.value, "cause");
        if (g_strcmp0(json_get_string(i.value, "severity"), "WARN") == 0 || message == NULL)
            continue;
        g_string_append_printf(text, "%s%s%s%s", text->len > 0 ? "; " : "", message, cause != NULL ? ": " : "", cause != NULL ? cause : "");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- parameters that the template declares get their defaults, as those of any pipeline (engine.md 15) ---- */
static Json *with_defaults(const JsonValue *pipeline) {
    const JsonValue *trigger = json_get(pipeline, "trigger"), *given = json_get(trigger, "parameters");
    if (!json_is_object(trigger))
        return json_copy(pipeline);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(json_get(pipeline, "parameterConfig")); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        if (name != NULL && json_get(given, name) == NULL)
            json_add_value(builder, name, json_get(i.value, "default"));
    }
    json_end_object(builder);
    g_autoptr(Json) defaults = json_builder_end(builder);
    g_autoptr(Json) parameters = json_merge(json_root(defaults), given);
    g_autoptr(Json) complete = json_with(trigger, "parameters", json_root(parameters));
    return json_with(pipeline, "trigger", json_root(complete));
}

/* ---- expansion ---- */
static Json *plan(const TemplateRequest *request, const JsonValue *pipeline, TemplateProblems *problems, GError **error) {
    g_autoptr(Json) configuration = configuration_of(pipeline);
    const char *schema = json_get_string(json_root(configuration), "schema");
    if (schema == NULL)
        schema = json_get_string(pipeline, "schema");
    if (g_strcmp0(schema, "v2") == 0)
        return template_plan_v2(request, pipeline, json_root(configuration), problems, error);
    if (g_strcmp0(schema, "1") == 0)
        return template_plan_v1(request, pipeline, json_root(configuration), problems, error);
    template_error(problems, "configuration:schema", "Unknown pipeline template schema version: %s", schema != NULL ? schema : "none");
    return NULL;
}

static Json *finished(const TemplateRequest *request, const JsonValue *planned, const TemplateProblems *problems) {
    g_autoptr(Json) complete = with_defaults(planned);
    if (!request->planning || problems->warnings->len == 0)
        return g_steal_pointer(&complete);
    g_autoptr(Json) warnings = template_warnings_json(problems);
    return json_with(json_root(complete), "templateWarnings", json_root(warnings));
}

Json *templates_expand(const TemplateRequest *request, const JsonValue *pipeline, GError **error) {
    g_auto(TemplateProblems) problems;
    template_problems_init(&problems);
    g_autoptr(Json) planned = plan(request, pipeline, &problems, error);
    if (template_has_errors(&problems))
        return with_errors(pipeline, &problems);
    return planned != NULL ? finished(request, json_root(planned), &problems) : NULL;
}

Json *templates_resolve(const TemplateRequest *request, const char *source, GError **error) {
    return template_resolve_v1(request, source, error);
}

/* ---- references and dependents ---- */
gboolean templates_check_reference(Store *store, const JsonValue *pipeline, GError **error) {
    const char *reference = templates_apply_to(pipeline) ? template_reference_of(pipeline) : NULL;
    const char *key = template_key_of_reference(reference);
    if (key == NULL || strstr(key, "${") != NULL)
        return TRUE;
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) template = template_load(store, key, &missing);
    if (template != NULL)
        return TRUE;
    if (error_code(missing) == ERR_NOT_FOUND)
        error_set(error, ERR_INVALID, "Configured pipeline template not found: %s", reference);
    else
        g_propagate_error(error, g_steal_pointer(&missing));
    return FALSE;
}

static gboolean check_dependent(const TemplateRequest *request, const JsonValue *pipeline, GString *broken, GError **error) {
    g_autoptr(Json) trigger = json_pack("{s:s, s:{}}", "type", "manual", "parameters");
    g_autoptr(Json) triggered = json_with(pipeline, "trigger", json_root(trigger));
    g_autoptr(Json) planned = templates_expand(request, json_root(triggered), error);
    if (planned == NULL)
        return FALSE;
    const JsonValue *errors = json_get(json_root(planned), "errors");
    if (json_length(errors) == 0 || broken->len > 1000)
        return TRUE;
    const char *name = json_get_string(pipeline, "name"), *application = json_get_string(pipeline, "application");
    g_autofree char *text = templates_errors_text(errors);
    g_string_append_printf(broken, "%s%s of %s (%s)", broken->len > 0 ? "; " : "", name != NULL ? name : "UNKNOWN",
                           application != NULL ? application : "UNKNOWN", text);
    return TRUE;
}

gboolean templates_check_dependents(const TemplateRequest *request, GError **error) {
    g_autoptr(Json) dependents = template_dependents(request->sources.store, request->replaced_keys, TRUE, error);
    g_autoptr(GString) broken = g_string_new(NULL);
    if (dependents == NULL)
        return FALSE;
    for (JsonIter i = json_iter(json_root(dependents)); json_next(&i);)
        if (!check_dependent(request, i.value, broken, error))
            return FALSE;
    if (broken->len == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "pipelines made from this template would no longer work: %s", broken->str);
    return FALSE;
}
