/* What tests of templates have in common: documents with single quotes, and stages as "a b<a c<a,b". */
#pragma once
#include "templates/graph.h"
#include "templates/templates.h"
#include <string.h>

static inline Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) strict = g_string_new(text);
    g_string_replace(strict, "'", "\"", 0);
    Json *json = json_parse(strict->str, -1, &error);
    g_assert_no_error(error);
    return json;
}

static inline char *shape_of(const JsonValue *stages) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (JsonIter i = json_iter(stages); json_next(&i);) {
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", json_get_string(i.value, "refId"));
        for (JsonIter r = json_iter(json_get(i.value, "requisiteStageRefIds")); json_next(&r);)
            g_string_append_printf(text, "%c%s", r.index == 0 ? '<' : ',', json_string(r.value));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static inline void assert_shape(const Json *pipeline, const char *expected) {
    g_autofree char *shape = shape_of(json_get(json_root(pipeline), "stages"));
    g_assert_cmpstr(shape, ==, expected);
}

static inline void assert_text(const JsonValue *value, const char *expected) {
    g_autoptr(Json) wanted = parse(expected);
    g_autofree char *a = json_write(value, NULL), *b = json_write(json_root(wanted), NULL);
    g_assert_cmpstr(a, ==, b);
}

/* All messages of the errors, as of templates_errors_text, hold this. */
static inline void assert_error(const Json *expanded, const char *part) {
    g_autofree char *text = templates_errors_text(json_get(json_root(expanded), "errors"));
    if (strstr(text, part) == NULL)
        g_error("\"%s\" not in \"%s\"", part, text);
}

static inline void assert_no_errors(const Json *expanded) {
    g_autofree char *text = templates_errors_text(json_get(json_root(expanded), "errors"));
    g_assert_cmpstr(text, ==, "");
}
