/* Loading, comparing and counting the cases of vector files. */
#include "cases.h"
#include "base/error.h"
#include <stdio.h>

Json *cases_load(const char *path, const char *member, const JsonValue **cases, GError **error) {
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, error))
        return NULL;
    g_autoptr(Json) json = json_parse(text, (gssize)length, error);
    if (!json)
        return NULL;
    *cases = json_is_object(json_root(json)) ? json_get(json_root(json), member) : json_root(json);
    if (json_is_array(*cases))
        return g_steal_pointer(&json);
    error_set(error, ERR_INVALID, "no list of cases at the root or under \"%s\"", member);
    return NULL;
}

static gboolean equal_arrays(const JsonValue *a, const JsonValue *b) {
    for (gsize i = 0; i < json_length(a); i++)
        if (!cases_equal(json_at(a, i), json_at(b, i)))
            return FALSE;
    return TRUE;
}

static gboolean equal_objects(const JsonValue *a, const JsonValue *b) {
    for (JsonIter i = json_iter(a); json_next(&i);) {
        const JsonValue *other = json_get(b, i.key);
        if (!other || !cases_equal(i.value, other))
            return FALSE;
    }
    return TRUE;
}

gboolean cases_equal(const JsonValue *a, const JsonValue *b) {
    if (json_type(a) != json_type(b) || json_length(a) != json_length(b))
        return FALSE;
    if (json_is_array(a))
        return equal_arrays(a, b);
    return json_is_object(a) ? equal_objects(a, b) : json_equal(a, b);
}

/* ---- those that fail for now ---- */
static GPtrArray *known; /* of char **: area, id, reason */

gboolean cases_read_known(const char *path, const char *area, GError **error) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error))
        return FALSE;
    known = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        char **words = g_strsplit(*line, " ", 3);
        if (g_strv_length(words) == 3 && g_str_equal(words[0], area))
            g_ptr_array_add(known, words);
        else
            g_strfreev(words);
    }
    return TRUE;
}

static const char *known_reason(const char *id) {
    for (guint i = 0; known && id && i < known->len; i++) {
        char **words = g_ptr_array_index(known, i);
        if (g_pattern_match_simple(words[1], id))
            return words[2];
    }
    return NULL;
}

void cases_count(const JsonValue *test, gboolean passed, const JsonValue *expected, const JsonValue *actual, VectorsResult *result) {
    const char *id = json_get_string(test, "id"), *reason = known_reason(id);
    if (reason) {
        result->failed += passed ? 1 : 0;
        printf("%s %s: %s\n", id, passed ? "passes, take it off the list of known failures" : "fails, as is known", reason);
        return;
    }
    if (passed) {
        result->passed++;
        return;
    }
    result->failed++;
    g_autofree char *expected_text = json_write(expected, NULL);
    g_autofree char *actual_text = json_write(actual, NULL);
    printf("%s\n  expected %s\n  actual   %s\n", id, expected_text, actual_text);
}
