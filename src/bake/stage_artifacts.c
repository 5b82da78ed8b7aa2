/* Expected artifacts of a bake bound to what it made (artifacts.md 5.1, 5.4). Pure. */
#include "bake/stage.h"
#include <string.h>

/* An expected text matches when it is absent, equal, or a regular expression for the whole text. */
static gboolean matches_text(const char *expected, const char *actual) {
    if (expected == NULL || expected[0] == '\0')
        return TRUE;
    if (actual == NULL)
        return FALSE;
    if (strcmp(expected, actual) == 0)
        return TRUE;
    g_autofree char *whole = g_strdup_printf("\\A(?:%s)\\z", expected);
    return g_regex_match_simple(whole, actual, 0, 0);
}

static gboolean matches(const JsonValue *expected, const JsonValue *artifact) {
    static const char *const KEYS[] = {"type", "name", "version", "location", "reference"};
    for (guint i = 0; i < G_N_ELEMENTS(KEYS); i++)
        if (!matches_text(json_get_string(expected, KEYS[i]), json_get_string(artifact, KEYS[i])))
            return FALSE;
    return TRUE;
}

static const JsonValue *find(const GPtrArray *lists, const JsonValue *expected) {
    const JsonValue *pattern = json_get(expected, "matchArtifact");
    for (guint i = 0; i < lists->len; i++)
        for (JsonIter a = json_iter(lists->pdata[i]); json_next(&a);)
            if (matches(pattern, a.value))
                return a.value;
    return json_get_bool(expected, "useDefaultArtifact", FALSE) ? json_get(expected, "defaultArtifact") : NULL;
}

Json *bake_bind_artifacts(const Execution *execution, const Stage *stage, GError **error) {
    g_autoptr(GPtrArray) lists = stage_get_all(execution, stage, "artifacts");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(json_root(stage->context), "expectedArtifacts")); json_next(&i);) {
        const JsonValue *bound = find(lists, i.value);
        if (bound == NULL) {
            g_autofree char *pattern = json_write(json_get(i.value, "matchArtifact"), NULL);
            error_set(error, ERR_INVALID, "Unmatched expected artifact %s could not be resolved.", pattern);
            return NULL;
        }
        g_autoptr(Json) one = json_with(i.value, "boundArtifact", bound);
        json_add_json(builder, NULL, one);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
