/* Rendering of version 1: every text of a document through Jinja, with modules and look-ups of pipelines as tags. */
#include "base/yaml.h"
#include "templates/v1.h"
#include "templates/variables.h"
#include <string.h>

/* ---- tags ---- */
static const char *argument(const JsonValue *arguments, const char *key) {
    const char *named = json_get_string(arguments, key);
    return named != NULL ? named : json_get_string(arguments, "");
}

typedef struct {
    const char *name;
    char *id;
} Search;

static gboolean match_name(const StoreObject *object, gpointer data) {
    Search *search = data;
    const char *name = json_get_string(json_root(object->body), "name");
    if (name != NULL && g_ascii_strcasecmp(name, search->name) == 0)
        search->id = g_strdup(object->id);
    return search->id == NULL;
}

static char *find_id(const TemplateRender *render, const char *kind, const JsonValue *arguments, GError **error) {
    const char *given = json_get_string(arguments, "application"), *name = argument(arguments, "name");
    const char *application = given != NULL ? given : render->application;
    if (name == NULL || application == NULL) {
        error_set(error, ERR_INVALID, "expected name='…' and, for another application, application='…'");
        return NULL;
    }
    g_autofree char *lower = g_utf8_strdown(application, -1);
    Search search = {name, NULL};
    if (!store_objects_each(render->request->sources.store, kind, lower, NULL, match_name, &search, error))
        return NULL;
    if (search.id == NULL)
        error_set(error, ERR_NOT_FOUND, "application %s has no %s %s", application, kind, name);
    return search.id;
}

static char *tag_pipeline_id(const JsonValue *arguments, const JsonValue *scope, gpointer data, GError **error) {
    (void)scope;
    return find_id(data, "pipeline", arguments, error);
}

static char *tag_strategy_id(const JsonValue *arguments, const JsonValue *scope, gpointer data, GError **error) {
    (void)scope;
    return find_id(data, "strategy", arguments, error);
}

/* The names around, the module's variables over them. NULL: *error. Caller owns. */
static Json *module_scope(const JsonValue *module, const JsonValue *arguments, const JsonValue *scope, GError **error) {
    g_auto(TemplateProblems) problems;
    template_problems_init(&problems);
    g_autofree char *whose = g_strconcat("module ", json_get_string(module, "id"), NULL);
    g_autoptr(Json) own = template_variables(json_get(module, "variables"), arguments, whose, &problems);
    g_autoptr(Json) list = template_problems_json(&problems);
    if (template_has_errors(&problems)) {
        error_set(error, ERR_INVALID, "%s", json_get_string(json_at(json_root(list), 0), "message"));
        return NULL;
    }
    g_autoptr(Json) given = json_merge(scope, arguments);
    return json_merge(json_root(given), json_root(own));
}

static char *tag_module(const JsonValue *arguments, const JsonValue *scope, gpointer data, GError **error) {
    const TemplateRender *outer = data;
    const char *id = argument(arguments, "id");
    const JsonValue *module = template_entry(json_get(outer->template, "modules"), "id", id);
    TemplateRender render = *outer;
    render.depth++;
    if (module == NULL)
        error_set(error, ERR_INVALID, "the template has no module %s", id != NULL ? id : "without id");
    else if (render.depth > TEMPLATE_MODULES_MAX)
        error_set(error, ERR_LIMIT, "more than %d modules inside each other", TEMPLATE_MODULES_MAX);
    g_autoptr(Json) names = module != NULL && render.depth <= TEMPLATE_MODULES_MAX ? module_scope(module, arguments, scope, error) : NULL;
    gboolean holds = FALSE;
    if (names == NULL || !template_when(&render, json_get(module, "when"), json_root(names), &holds, error))
        return NULL;
    if (!holds)
        return g_strdup("");
    g_autoptr(Json) value = template_render_value(&render, json_get(module, "definition"), json_root(names), error);
    if (value == NULL)
        return NULL;
    const char *text = json_string(json_root(value));
    return text != NULL ? g_strdup(text) : json_write(json_root(value), NULL);
}

static const JinjaTag TAGS[] = {
    {"module", tag_module},
    {"pipelineId", tag_pipeline_id},
    {"strategyId", tag_strategy_id},
    {0},
};

/* ---- values ---- */
static char *render_text(const TemplateRender *render, const char *text, const JsonValue *scope, GError **error) {
    const JinjaOptions options = {.tags = TAGS, .filters = render->request->sources.filters, .data = (gpointer)render};
    return jinja_render(text, scope, &options, error);
}

/* What a rendered text is, if it reads as something else than a text. */
static Json *converted(const char *text) {
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    gboolean structure = *trimmed == '{' || *trimmed == '[',
             scalar = g_ascii_isdigit(*trimmed) || *trimmed == '-' || strcmp(trimmed, "true") == 0 || strcmp(trimmed, "false") == 0;
    Json *value = strstr(trimmed, "${") == NULL && scalar && strchr(trimmed, '\n') == NULL ? json_parse(trimmed, -1, NULL) : NULL;
    if (structure && (value = json_parse(trimmed, -1, NULL)) == NULL)
        value = yaml_read("", trimmed, strlen(trimmed), NULL, NULL);
    return value != NULL ? value : json_from_string(text);
}

static gboolean add_rendered(const TemplateRender *render, JsonBuilder *builder, const char *key, const JsonValue *value,
                             const JsonValue *scope, GError **error) {
    if (json_is_object(value) || json_is_array(value)) {
        gboolean object = json_is_object(value), fine = TRUE;
        if (object)
            json_begin_object(builder, key);
        else
            json_begin_array(builder, key);
        for (JsonIter i = json_iter(value); fine && json_next(&i);) {
            g_autofree char *name = i.key != NULL && jinja_applies_to(i.key) ? render_text(render, i.key, scope, error) : g_strdup(i.key);
            fine = (i.key == NULL || name != NULL) && add_rendered(render, builder, name, i.value, scope, error);
        }
        if (object)
            json_end_object(builder);
        else
            json_end_array(builder);
        return fine;
    }
    if (!json_is_string(value) || !jinja_applies_to(json_string(value))) {
        json_add_value(builder, key, value);
        return TRUE;
    }
    g_autofree char *text = render_text(render, json_string(value), scope, error);
    if (text == NULL)
        return FALSE;
    g_autoptr(Json) rendered = converted(text);
    json_add_json(builder, key, rendered);
    return TRUE;
}

Json *template_render_value(const TemplateRender *render, const JsonValue *value, const JsonValue *scope, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (value == NULL)
        json_add_null(builder, NULL);
    else if (!add_rendered(render, builder, NULL, value, scope, error))
        return NULL;
    return json_builder_end(builder);
}

gboolean template_when(const TemplateRender *render, const JsonValue *when, const JsonValue *scope, gboolean *holds, GError **error) {
    *holds = TRUE;
    for (JsonIter i = json_iter(json_is_array(when) ? when : NULL); *holds && json_next(&i);) {
        g_autofree char *given = json_as_text(i.value);
        g_autofree char *text = given != NULL ? render_text(render, given, scope, error) : NULL;
        if (text == NULL) {
            if (given == NULL)
                error_set(error, ERR_INVALID, "a condition in \"when\" is no text");
            return FALSE;
        }
        *holds = g_ascii_strcasecmp(g_strstrip(text), "true") == 0;
    }
    return TRUE;
}
