/* Inheritance of version 1: a line of templates, each over its parent. Loading apart, pure. */
#include "templates/path_change.h"
#include "templates/v1.h"
#include <string.h>

const JsonValue *template_entry(const JsonValue *list, const char *key, const char *id) {
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); id != NULL && json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, key), id) == 0)
            return i.value;
    return NULL;
}

/* ---- merging ---- */
/* "merge": members over the parent's; else the child's own. The flags themselves go. */
static Json *merged_entry(const JsonValue *parent, const JsonValue *child) {
    static const char *const FLAGS[] = {"merge", "remove", NULL};
    g_autoptr(Json) whole = json_is_true(json_get(child, "merge")) && json_is_object(parent) ? json_merge_deep(parent, child)
                                                                                             : json_copy(child);
    return json_is_object(child) ? json_without(json_root(whole), FLAGS) : g_steal_pointer(&whole);
}

/* Entries of one name stand in the place of the parent's, "remove" takes it out, new ones follow. */
static void add_merged(JsonBuilder *builder, const char *key, const char *by, const JsonValue *parent, const JsonValue *child) {
    if (parent == NULL && child == NULL)
        return;
    json_begin_array(builder, key);
    for (JsonIter i = json_iter(json_is_array(parent) ? parent : NULL); json_next(&i);) {
        const JsonValue *over = template_entry(child, by, json_get_string(i.value, by));
        g_autoptr(Json) entry = over != NULL ? merged_entry(i.value, over) : json_copy(i.value);
        if (over == NULL || !json_is_true(json_get(over, "remove")))
            json_add_json(builder, NULL, entry);
    }
    for (JsonIter i = json_iter(json_is_array(child) ? child : NULL); json_next(&i);) {
        g_autoptr(Json) entry = merged_entry(NULL, i.value);
        if (template_entry(parent, by, json_get_string(i.value, by)) == NULL && !json_is_true(json_get(i.value, "remove")))
            json_add_json(builder, NULL, entry);
    }
    json_end_array(builder);
}

static const char *const NAMED[] = {"triggers", "parameters", "notifications", "expectedArtifacts"};
static const char *const IDENTIFIED[] = {"stages", "modules", "partials"};

static Json *merged_configuration(const JsonValue *parent, const JsonValue *child) {
    g_autoptr(Json) both = json_merge_deep(parent, child);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (gsize n = 0; n < G_N_ELEMENTS(NAMED); n++)
        add_merged(builder, NAMED[n], "name", json_get(parent, NAMED[n]), json_get(child, NAMED[n]));
    json_end_object(builder);
    g_autoptr(Json) lists = json_builder_end(builder);
    return json_merge(json_root(both), json_root(lists));
}

Json *template_merge_v1(const JsonValue *parent, const JsonValue *child) {
    g_autoptr(Json) both = json_merge(parent, child);
    g_autoptr(Json) configuration = merged_configuration(json_get(parent, "configuration"), json_get(child, "configuration"));
    gboolean protect = json_is_true(json_get(parent, "protect")) || json_is_true(json_get(child, "protect"));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_bool(builder, "protect", protect);
    json_add_json(builder, "configuration", configuration);
    add_merged(builder, "variables", "name", json_get(parent, "variables"), json_get(child, "variables"));
    for (gsize n = 0; n < G_N_ELEMENTS(IDENTIFIED); n++)
        add_merged(builder, IDENTIFIED[n], "id", json_get(parent, IDENTIFIED[n]), json_get(child, IDENTIFIED[n]));
    json_end_object(builder);
    g_autoptr(Json) lists = json_builder_end(builder);
    return json_merge(json_root(both), json_root(lists));
}

/* ---- the line of templates ---- */
static gboolean check_template(const JsonValue *template, const char *source, GError **error) {
    const char *schema = json_get_string(template, "schema");
    if (!json_is_object(template))
        error_set(error, ERR_INVALID, "template %.200s is no JSON object", source);
    else if (schema != NULL && strcmp(schema, "1") != 0)
        error_set(error, ERR_INVALID, "template %.200s: schema version is unsupported: expected '1', got '%s'", source, schema);
    else
        return TRUE;
    return FALSE;
}

Json *template_resolve_v1(const TemplateRequest *request, const char *source, GError **error) {
    g_autoptr(GPtrArray) line = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    const char *next = source;
    while (next != NULL && *next != '\0') {
        if (line->len == TEMPLATE_PARENTS_MAX) {
            error_set(error, ERR_LIMIT, "template %.200s inherits from more than %d others, or from itself", source,
                      TEMPLATE_PARENTS_MAX - 1);
            return NULL;
        }
        Json *template = templates_load_source(request, next, error);
        if (template == NULL)
            return NULL;
        g_ptr_array_add(line, template);
        if (!check_template(json_root(template), next, error))
            return NULL;
        next = json_get_string(json_root(template), "source");
    }
    g_autoptr(Json) merged = json_empty_object();
    for (guint i = line->len; i-- > 0;) {
        Json *over = template_merge_v1(json_root(merged), json_root(line->pdata[i]));
        json_unref(merged);
        merged = over;
    }
    return g_steal_pointer(&merged);
}
