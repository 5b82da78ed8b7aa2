/* Matching artifacts (match.h). Pure. */
#include "artifacts/match.h"
#include "base/pattern.h"
#include <string.h>

static const char *const FIELDS[] = {"type", "name", "version", "location", "reference"};
#define N_FIELDS G_N_ELEMENTS(FIELDS)

struct ArtifactMatcher {
    char *expected[N_FIELDS];    /* NULL: anything */
    Pattern *patterns[N_FIELDS]; /* made when first needed */
    char *wrong[N_FIELDS];       /* why there is no pattern */
};

ArtifactMatcher *artifact_matcher_new(const JsonValue *match) {
    ArtifactMatcher *matcher = g_new0(ArtifactMatcher, 1);
    for (guint i = 0; i < N_FIELDS; i++) {
        matcher->expected[i] = json_as_text(json_get(match, FIELDS[i]));
        if (matcher->expected[i] != NULL && *matcher->expected[i] == '\0')
            g_clear_pointer(&matcher->expected[i], g_free);
    }
    return matcher;
}

void artifact_matcher_free(ArtifactMatcher *matcher) {
    if (matcher == NULL)
        return;
    for (guint i = 0; i < N_FIELDS; i++) {
        g_free(matcher->expected[i]);
        pattern_free(matcher->patterns[i]);
        g_free(matcher->wrong[i]);
    }
    g_free(matcher);
}

/* Contents are embedded, or kept elsewhere: for matching that is the same. */
static gboolean are_both_base64(const char *expected, const char *actual) {
    static const char *const BASE64[] = {"embedded/base64", "remote/base64", NULL};
    return g_strv_contains(BASE64, expected) && g_strv_contains(BASE64, actual);
}

static char *say_no_pattern(const char *field, const char *why) {
    return g_strdup_printf("%s cannot be compared: %s", field, why);
}

/* As a regular expression. *why: the reason when it does not match. */
static gboolean matches_pattern(ArtifactMatcher *matcher, guint field, const char *actual, guint64 *work, char **why) {
    g_autoptr(GError) error = NULL;
    if (matcher->patterns[field] == NULL && matcher->wrong[field] == NULL) {
        matcher->patterns[field] = pattern_new(matcher->expected[field], &error);
        if (error != NULL)
            matcher->wrong[field] = g_strdup(error->message);
    }
    if (matcher->patterns[field] == NULL) {
        *why = say_no_pattern(FIELDS[field], matcher->wrong[field]);
        return FALSE;
    }
    guint64 allowed = MIN(*work, PATTERN_WORK_MAX), left = allowed;
    g_clear_error(&error);
    gboolean matches = pattern_run(matcher->patterns[field], actual, PATTERN_FULL, &left, &error);
    *work -= allowed - left;
    if (error != NULL)
        *why = say_no_pattern(FIELDS[field], error->message);
    return matches;
}

static gboolean matches_field(ArtifactMatcher *matcher, guint field, const JsonValue *artifact, guint64 *work, char **why) {
    const char *expected = matcher->expected[field];
    if (expected == NULL)
        return TRUE;
    g_autofree char *actual = json_as_text(json_get(artifact, FIELDS[field])), *shown = artifact_shown(expected);
    if (actual == NULL) {
        *why = g_strdup_printf("it has no %s, \"%s\" is expected", FIELDS[field], shown);
        return FALSE;
    }
    if (strcmp(expected, actual) == 0 || (field == 0 && are_both_base64(expected, actual)) ||
        matches_pattern(matcher, field, actual, work, why))
        return TRUE;
    g_autofree char *found = artifact_shown(actual);
    if (*why == NULL)
        *why = g_strdup_printf("%s \"%s\" does not match \"%s\"", FIELDS[field], found, shown);
    return FALSE;
}

gboolean artifact_matcher_run(ArtifactMatcher *matcher, const JsonValue *artifact, guint64 *work, const char **field, char **why) {
    if (field != NULL)
        *field = NULL;
    if (why != NULL)
        *why = NULL;
    for (guint i = 0; i < N_FIELDS; i++) {
        g_autofree char *reason = NULL;
        if (matches_field(matcher, i, artifact, work, &reason))
            continue;
        if (field != NULL)
            *field = FIELDS[i];
        if (why != NULL)
            *why = g_steal_pointer(&reason);
        return FALSE;
    }
    return TRUE;
}

gboolean artifact_matches(const JsonValue *match, const JsonValue *artifact) {
    guint64 work = ARTIFACTS_WORK_MAX;
    g_autoptr(ArtifactMatcher) matcher = artifact_matcher_new(match);
    return artifact_matcher_run(matcher, artifact, &work, NULL, NULL);
}

Json *artifacts_matching_ids(const JsonValue *expected, const JsonValue *artifacts) {
    guint64 work = ARTIFACTS_WORK_MAX;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter e = json_iter(json_is_array(expected) ? expected : NULL); json_next(&e);) {
        g_autofree char *id = json_as_text(json_get(e.value, "id"));
        g_autoptr(ArtifactMatcher) matcher = artifact_matcher_new(json_get(e.value, "matchArtifact"));
        gboolean found = FALSE;
        for (JsonIter a = json_iter(json_is_array(artifacts) ? artifacts : NULL); id != NULL && !found && json_next(&a);)
            found = artifact_matcher_run(matcher, a.value, &work, NULL, NULL);
        if (found)
            json_add_string(builder, NULL, id);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
