/* Stages of version 1: those of the configuration among the template's, partials opened, conditions asked. */
#include "templates/path_change.h"
#include "templates/v1.h"
#include "templates/variables.h"
#include <string.h>

#define PARTIAL "partial."

/* A stage that stands for the stages of a partial, until it is opened. */
typedef struct {
    char *ref_id;
    Json *stage, *scope;
    guint depth;
} Partial;

static void partial_free(gpointer data) {
    Partial *partial = data;
    g_free(partial->ref_id);
    json_unref(partial->stage);
    json_unref(partial->scope);
    g_free(partial);
}

typedef struct {
    const TemplateRender *render;
    TemplateProblems *problems;
    TemplateGraph *graph;
    GPtrArray *partials; /* of Partial *; grows while they are opened */
    GPtrArray *removed;  /* of char *: conditions that do not hold, opened partials */
} Stages;

static void stage_error(const Stages *stages, const char *ref_id, const char *message, const GError *cause) {
    g_autofree char *location = g_strconcat("stages.", ref_id, NULL);
    template_error_because(stages->problems, location, message, cause);
}

/* ---- one stage ---- */
static const char *partial_of(const JsonValue *stage) {
    const char *type = json_get_string(stage, "type");
    return type != NULL && g_str_has_prefix(type, PARTIAL) ? type + strlen(PARTIAL) : NULL;
}

/* The ordinary stage it becomes; NULL: a problem. Caller owns. */
static Json *rendered_stage(const Stages *stages, const char *ref_id, const JsonValue *stage, const JsonValue *scope) {
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) shown = json_pack("{s:v, s:v, s:v}", "type", json_get(stage, "type"), "name", json_get(stage, "name"), "config",
                                      json_get(stage, "config"));
    g_autoptr(Json) rendered = template_render_value(stages->render, json_root(shown), scope, &failure);
    const JsonValue *config = json_get(json_root(rendered), "config");
    if (failure == NULL && config != NULL && !json_is_object(config) && !json_is_null(config))
        error_set(&failure, ERR_INVALID, "its config is no object");
    if (failure != NULL) {
        stage_error(stages, ref_id, "Failed to render stage", failure);
        return NULL;
    }
    g_autofree char *name = json_as_text(json_get(json_root(rendered), "name"));
    g_autoptr(Json) own = json_pack("{s:v, s:s}", "type", json_get(json_root(rendered), "type"), "name", name != NULL ? name : ref_id);
    return json_merge(json_is_object(config) ? config : NULL, json_root(own));
}

static void note_conditions(const Stages *stages, const char *ref_id, const JsonValue *stage, const JsonValue *scope) {
    g_autoptr(GError) failure = NULL;
    gboolean holds = TRUE;
    if (!template_when(stages->render, json_get(stage, "when"), scope, &holds, &failure))
        stage_error(stages, ref_id, "Failed to render condition", failure);
    else if (!holds)
        g_ptr_array_add(stages->removed, g_strdup(ref_id));
}

/* Puts it into the graph where inject says, else behind requisites. */
static void place(Stages *stages, const char *ref_id, const JsonValue *stage, const JsonValue *requisites, const JsonValue *inject,
                  const JsonValue *scope, guint depth) {
    gboolean is_partial = partial_of(stage) != NULL;
    g_autoptr(Json) rendered = is_partial ? json_copy(stage) : rendered_stage(stages, ref_id, stage, scope);
    if (rendered == NULL)
        return;
    if (template_inject_is_rule(inject))
        template_graph_inject(stages->graph, ref_id, json_root(rendered), inject, stages->problems);
    else
        template_graph_add(stages->graph, ref_id, json_root(rendered), requisites, stages->problems);
    note_conditions(stages, ref_id, stage, scope);
    if (!is_partial)
        return;
    Partial *partial = g_new0(Partial, 1);
    *partial = (Partial){g_strdup(ref_id), json_copy(stage), json_copy(scope), depth};
    g_ptr_array_add(stages->partials, partial);
}

/* ---- partials ---- */
static Json *partial_scope(const Stages *stages, const Partial *partial, const JsonValue *definition) {
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json)
        given = template_render_value(stages->render, json_get(json_root(partial->stage), "config"), json_root(partial->scope), &failure);
    if (failure != NULL) {
        stage_error(stages, partial->ref_id, "Failed to render partial", failure);
        return NULL;
    }
    g_autofree char *whose = g_strconcat("partial ", json_get_string(definition, "id"), NULL);
    g_autoptr(Json) own = template_variables(json_get(definition, "variables"), json_root(given), whose, stages->problems);
    return json_merge(json_root(partial->scope), json_root(own));
}

/* refIds of a partial's stages carry the stage they stand for in front. */
static Json *prefixed(const char *prefix, const JsonValue *ids) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_is_array(ids) ? ids : NULL); json_next(&i);) {
        g_autofree char *id = json_is_string(i.value) ? g_strconcat(prefix, ".", json_string(i.value), NULL) : NULL;
        if (id != NULL)
            json_add_string(builder, NULL, id);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean is_needed(const JsonValue *stages, const char *id) {
    for (JsonIter i = json_iter(stages); json_next(&i);)
        for (JsonIter needed = json_iter(json_get(i.value, "dependsOn")); json_next(&needed);)
            if (g_strcmp0(json_string(needed.value), id) == 0)
                return TRUE;
    return FALSE;
}

static Json *leaves_of(const char *prefix, const JsonValue *stages) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(stages); json_next(&i);) {
        const char *id = json_get_string(i.value, "id");
        if (id != NULL && !is_needed(stages, id))
            json_add_string(builder, NULL, id);
    }
    json_end_array(builder);
    g_autoptr(Json) ids = json_builder_end(builder);
    return prefixed(prefix, json_root(ids));
}

static void open_partial(Stages *stages, const Partial *partial) {
    const char *id = partial_of(json_root(partial->stage));
    const JsonValue *definition = template_entry(json_get(stages->render->template, "partials"), "id", id);
    const JsonValue *inner = json_get(definition, "stages");
    g_autofree char *location = g_strconcat("stages.", partial->ref_id, NULL);
    if (!json_is_array(inner) || json_length(inner) == 0 || partial->depth >= TEMPLATE_MODULES_MAX) {
        template_error(stages->problems, location, "Stage %s: %s", partial->ref_id,
                       definition == NULL                       ? "there is no such partial"
                       : partial->depth >= TEMPLATE_MODULES_MAX ? "partials are too deep inside each other"
                                                                : "the partial has no stages");
        return;
    }
    g_autoptr(Json) scope = partial_scope(stages, partial, definition);
    g_autoptr(Json) before = template_graph_requisites(stages->graph, partial->ref_id);
    for (JsonIter i = json_iter(scope != NULL ? inner : NULL); json_next(&i);) {
        const char *inner_id = json_get_string(i.value, "id");
        g_autofree char *ref_id = g_strconcat(partial->ref_id, ".", inner_id != NULL ? inner_id : "", NULL);
        g_autoptr(Json) own = prefixed(partial->ref_id, json_get(i.value, "dependsOn"));
        const JsonValue *requisites = json_length(json_root(own)) > 0 ? json_root(own) : json_root(before);
        place(stages, ref_id, i.value, requisites, NULL, json_root(scope), partial->depth + 1);
    }
    g_autoptr(Json) leaves = leaves_of(partial->ref_id, inner);
    template_graph_replace(stages->graph, partial->ref_id, json_root(partial->stage), json_root(leaves));
    g_ptr_array_add(stages->removed, g_strdup(partial->ref_id));
}

/* ---- the configuration's stages ---- */
static gboolean apply_rules(Json **stage, const JsonValue *rules, PathChange change, GError **error) {
    for (JsonIter i = json_iter(json_is_array(rules) ? rules : NULL); json_next(&i);) {
        const char *path = json_is_string(i.value) ? json_string(i.value) : json_get_string(i.value, "path");
        const JsonValue *value = json_get(i.value, "value");
        if (path == NULL || (value == NULL && change != PATH_REMOVE)) {
            error_set(error, ERR_INVALID, "a rule needs path and value");
            return FALSE;
        }
        g_autoptr(Json) config = path_change(json_get(json_root(*stage), "config"), path, change, value, error);
        if (config == NULL)
            return FALSE;
        Json *next = json_with(json_root(*stage), "config", json_root(config));
        json_unref(*stage);
        *stage = next;
    }
    return TRUE;
}

/* The template's stage as the configuration changes it: by rules, or another in its place. Caller owns. */
static Json *inherited(const Stages *stages, const JsonValue *stage, const JsonValue *own) {
    static const struct {
        const char *key;
        PathChange change;
    } RULES[] = {{"merge", PATH_MERGE}, {"replace", PATH_REPLACE}, {"remove", PATH_REMOVE}};
    const JsonValue *control = json_get(own, "inheritanceControl");
    if (!json_is_object(control)) {
        g_autoptr(Json) places = json_pack("{s:v, s:v}", "dependsOn", json_get(stage, "dependsOn"), "inject", json_get(stage, "inject"));
        return json_merge(json_root(places), own);
    }
    Json *changed = json_copy(stage);
    g_autoptr(GError) failure = NULL;
    for (gsize r = 0; failure == NULL && r < G_N_ELEMENTS(RULES); r++)
        apply_rules(&changed, json_get(control, RULES[r].key), RULES[r].change, &failure);
    if (failure != NULL)
        stage_error(stages, json_get_string(stage, "id"), "Failed to apply inheritanceControl", failure);
    return changed;
}

static gboolean has_shape(const Stages *stages, const JsonValue *stage, gsize index, const char *whose) {
    const char *id = json_get_string(stage, "id");
    if (id != NULL && *id != '\0' && (json_is_string(json_get(stage, "type")) || json_is_object(json_get(stage, "inheritanceControl"))))
        return TRUE;
    template_error(stages->problems, whose, "Stage %" G_GSIZE_FORMAT " needs id and type", index);
    return FALSE;
}

static void place_all(Stages *stages, const JsonValue *own, const JsonValue *scope) {
    const JsonValue *given = json_get(stages->render->template, "stages");
    for (guint injected = 0; injected < 2; injected++)
        for (JsonIter i = json_iter(json_is_array(given) ? given : NULL); json_next(&i);) {
            const JsonValue *inject = json_get(i.value, "inject");
            if (template_inject_is_rule(inject) != (injected == 1) || !has_shape(stages, i.value, i.index, "template:stages"))
                continue;
            const char *id = json_get_string(i.value, "id");
            const JsonValue *over = template_entry(own, "id", id);
            g_autoptr(Json) stage = over != NULL ? inherited(stages, i.value, over) : json_copy(i.value);
            place(stages, id, json_root(stage), json_get(json_root(stage), "dependsOn"), inject, scope, 0);
        }
    for (JsonIter i = json_iter(json_is_array(own) ? own : NULL); json_next(&i);) {
        const char *id = json_get_string(i.value, "id");
        const JsonValue *depends_on = json_get(i.value, "dependsOn"), *inject = json_get(i.value, "inject");
        if (!has_shape(stages, i.value, i.index, "configuration:stages") || template_entry(given, "id", id) != NULL)
            continue;
        place(stages, id, i.value, depends_on, json_length(depends_on) > 0 ? NULL : inject, scope, 0);
    }
}

Json *template_stages_v1(const TemplateRender *render, const JsonValue *own_stages, const JsonValue *scope, TemplateProblems *problems) {
    g_autoptr(TemplateGraph) graph = template_graph_new();
    g_autoptr(GPtrArray) partials = g_ptr_array_new_with_free_func(partial_free);
    g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
    Stages stages = {render, problems, graph, partials, removed};
    place_all(&stages, own_stages, scope);
    for (guint p = 0; p < partials->len && !template_has_errors(problems); p++) {
        const Partial *partial = partials->pdata[p];
        if (!g_ptr_array_find_with_equal_func(removed, partial->ref_id, g_str_equal, NULL))
            open_partial(&stages, partial);
    }
    template_graph_check(graph, problems);
    for (guint r = 0; r < removed->len; r++)
        template_graph_remove(graph, removed->pdata[r]);
    return template_has_errors(problems) ? NULL : template_graph_stages(graph);
}
