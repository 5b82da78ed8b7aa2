/* Levels of pipelines (run_multiple_levels.h). */
#include "stages/flow/run_multiple_levels.h"
#include "base/yaml.h"
#include <string.h>

/* ---- reading ---- */
static Json *document(const JsonValue *yaml_config, GError **error) {
    const JsonValue *first = json_is_array(yaml_config) ? json_at(yaml_config, 0) : yaml_config;
    const char *text = json_string(first);
    g_autoptr(Json) whole = text ? yaml_read("yamlConfig", text, strlen(text), NULL, error) : json_copy(first);
    if (!whole)
        return NULL;
    const JsonValue *apps = json_get(json_root(whole), "apps");
    if (!json_is_object(apps))
        apps = json_root(whole);
    if (json_is_object(apps) && json_length(apps) > 0 && json_length(apps) <= MULTIPLE_PIPELINES_MAX)
        return json_copy(apps);
    error_set(error, json_length(apps) > MULTIPLE_PIPELINES_MAX ? ERR_LIMIT : ERR_INVALID,
              "yamlConfig: expected 1 to %d pipelines (MULTIPLE_PIPELINES_MAX) as {name: {child_pipeline, arguments, depends_on}}",
              MULTIPLE_PIPELINES_MAX);
    return NULL;
}

static gboolean check_app(const JsonValue *apps, const char *name, const JsonValue *app, GError **error) {
    const char *pipeline = json_get_string(app, "child_pipeline");
    if (!pipeline || !*pipeline) {
        error_set(error, ERR_INVALID, "yamlConfig: %s names no child_pipeline", name);
        return FALSE;
    }
    const JsonValue *arguments = json_get(app, "arguments");
    if (arguments && !json_is_null(arguments) && !json_is_object(arguments)) {
        error_set(error, ERR_INVALID, "yamlConfig: arguments of %s have to be an object", name);
        return FALSE;
    }
    for (JsonIter i = json_iter(json_get(app, "depends_on")); json_next(&i);) {
        const char *other = json_string(i.value);
        if (other && json_get(apps, other))
            continue;
        error_set(error, ERR_INVALID, "yamlConfig: %s depends on %s, which is not in the list", name,
                  other ? other : "something without a name");
        return FALSE;
    }
    return TRUE;
}

static gboolean is_duplicate(const JsonValue *one, const JsonValue *other) {
    g_autoptr(Json) none = json_empty_object();
    const JsonValue *mine = json_get(one, "arguments"), *theirs = json_get(other, "arguments");
    return g_strcmp0(json_get_string(one, "child_pipeline"), json_get_string(other, "child_pipeline")) == 0 &&
           json_equal(mine ? mine : json_root(none), theirs ? theirs : json_root(none));
}

static gboolean check_duplicates(const JsonValue *apps, GError **error) {
    for (JsonIter i = json_iter(apps); json_next(&i);)
        for (JsonIter k = json_iter(apps); json_next(&k) && k.index < i.index;)
            if (is_duplicate(i.value, k.value)) {
                error_set(error, ERR_INVALID, "yamlConfig: %s and %s run the same pipeline %s with the same arguments", k.key, i.key,
                          json_get_string(i.value, "child_pipeline"));
                return FALSE;
            }
    return TRUE;
}

/* ---- levels ---- */
static gboolean is_ready(const JsonValue *app, GHashTable *done) {
    for (JsonIter i = json_iter(json_get(app, "depends_on")); json_next(&i);)
        if (!g_hash_table_contains(done, json_string(i.value)))
            return FALSE;
    return TRUE;
}

/* Those not done yet whose requisites are; added to done when all of the level are known. */
static guint add_level(JsonBuilder *builder, const JsonValue *apps, GHashTable *done) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (JsonIter i = json_iter(apps); json_next(&i);)
        if (!g_hash_table_contains(done, i.key) && is_ready(i.value, done))
            g_ptr_array_add(names, (gpointer)i.key);
    if (names->len == 0)
        return 0;
    json_begin_array(builder, NULL);
    for (guint i = 0; i < names->len; i++) {
        json_add_string(builder, NULL, g_ptr_array_index(names, i));
        g_hash_table_add(done, g_ptr_array_index(names, i));
    }
    json_end_array(builder);
    return names->len;
}

static const char *first_left(const JsonValue *apps, GHashTable *done) {
    for (JsonIter i = json_iter(apps); json_next(&i);)
        if (!g_hash_table_contains(done, i.key))
            return i.key;
    return "";
}

static Json *make_levels(const JsonValue *apps, GError **error) {
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    while (g_hash_table_size(done) < json_length(apps))
        if (add_level(builder, apps, done) == 0) {
            error_set(error, ERR_INVALID, "yamlConfig: %s waits for itself in a circle of depends_on", first_left(apps, done));
            return NULL;
        }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *make_apps(const JsonValue *apps) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(Json) none = json_empty_object();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(apps); json_next(&i);) {
        const JsonValue *arguments = json_get(i.value, "arguments");
        json_begin_object(builder, i.key);
        json_add_string(builder, "pipeline", json_get_string(i.value, "child_pipeline"));
        json_add_value(builder, "arguments", json_is_object(arguments) ? arguments : json_root(none));
        json_end_object(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

gboolean multiple_levels(const JsonValue *yaml_config, gboolean check_duplicated, Json **apps, Json **levels, GError **error) {
    g_autoptr(Json) given = document(yaml_config, error);
    if (!given)
        return FALSE;
    for (JsonIter i = json_iter(json_root(given)); json_next(&i);)
        if (!check_app(json_root(given), i.key, i.value, error))
            return FALSE;
    if (check_duplicated && !check_duplicates(json_root(given), error))
        return FALSE;
    *levels = make_levels(json_root(given), error);
    if (!*levels)
        return FALSE;
    *apps = make_apps(json_root(given));
    return TRUE;
}
