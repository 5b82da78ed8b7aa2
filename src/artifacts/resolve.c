/* Resolving expected artifacts (resolve.h). Pure. */
#include "artifacts/resolve.h"
#include "artifacts/match.h"
#include "artifacts/trace.h"
#include <string.h>

typedef struct {
    const char *source;       /* where the artifacts of `lists` are from, for people */
    ArtifactList *candidates; /* received or visible ones */
    ArtifactList *prior;      /* of the execution before; NULL: not asked for */
    const char *prior_id;
    const JsonValue *ids; /* of expected artifacts to consider; NULL with all_considered */
    gboolean all_considered, several_allowed;
    gsize given; /* artifacts, equal ones counted */
    guint64 work;
    ArtifactTrace *trace;
    ArtifactList *bound;
    JsonBuilder *resolved; /* an open array */
    ArtifactsOutcome outcome;
    GError *error; /* of the first that failed */
} Resolution;

void artifacts_resolved_clear(ArtifactsResolved *resolved) {
    g_clear_pointer(&resolved->artifacts, json_unref);
    g_clear_pointer(&resolved->resolved, json_unref);
    g_clear_pointer(&resolved->trace, json_unref);
}

gboolean artifacts_want_prior(const JsonValue *expected) {
    for (JsonIter i = json_iter(json_is_array(expected) ? expected : NULL); json_next(&i);)
        if (expected_artifact_view(i.value).use_prior)
            return TRUE;
    return FALSE;
}

/* ---- looking for one ---- */
typedef struct {
    const JsonValue *found; /* the first that matches */
    GString *labels;        /* of all that match */
    guint n;
} Matches;

static void search(Resolution *resolution, ArtifactMatcher *matcher, const ArtifactList *list, const char *source, Matches *matches) {
    guint most = resolution->several_allowed ? 1 : G_MAXUINT;
    *matches = (Matches){.labels = g_string_new(NULL)};
    for (guint i = 0; i < artifact_list_length(list) && matches->n < most; i++) {
        const JsonValue *artifact = artifact_list_at(list, i);
        const char *field = NULL;
        g_autofree char *why = NULL;
        gboolean fits = artifact_matcher_run(matcher, artifact, &resolution->work, &field, &why);
        artifact_trace_candidate(resolution->trace, source, artifact, field, why);
        if (!fits)
            continue;
        g_autofree char *label = artifact_label(artifact);
        if (matches->labels->len < ARTIFACT_TEXT_SHOWN * 4)
            g_string_append_printf(matches->labels, "%s%s", matches->n > 0 ? ", " : "", label);
        matches->found = matches->n++ == 0 ? artifact : matches->found;
    }
}

/* ---- what becomes of it ---- */
static void fail(Resolution *resolution, ArtifactsOutcome outcome, ErrorCode code, const char *sentence) {
    if (resolution->error != NULL)
        return;
    resolution->outcome = outcome;
    error_set(&resolution->error, code, "%s", sentence);
}

static void bind_to(Resolution *resolution, const JsonValue *expected, const JsonValue *artifact, const char *outcome, const char *whence) {
    g_autofree char *label = artifact_label(artifact);
    g_autofree char *sentence = g_strdup_printf("bound to %s (%s)", label, whence);
    g_autoptr(Json) resolved = expected_artifact_canonical(expected, artifact);
    artifact_trace_end(resolution->trace, outcome, artifact, sentence);
    artifact_list_add(resolution->bound, json_get(json_root(resolved), "boundArtifact"));
    json_add_json(resolution->resolved, NULL, resolved);
}

static void fail_multiple(Resolution *resolution, const JsonValue *expected, const Matches *matches, const char *whose) {
    g_autofree char *label = expected_artifact_label(expected);
    g_autofree char *sentence = g_strdup_printf("Expected artifact %s matches multiple artifacts: %s (%s)", label, matches->labels->str,
                                                whose);
    artifact_trace_end(resolution->trace, "multiple", NULL, sentence);
    fail(resolution, ARTIFACTS_MULTIPLE, ERR_INVALID, sentence);
}

static void fail_unmatched(Resolution *resolution, const JsonValue *expected) {
    ExpectedArtifact view = expected_artifact_view(expected);
    g_autofree char *label = expected_artifact_label(expected), *refusals = artifact_trace_refusals(resolution->trace);
    g_autoptr(GString) sentence = g_string_new(NULL);
    g_string_append_printf(sentence, "Unmatched expected artifact %s could not be resolved.", label);
    if (*refusals != '\0')
        g_string_append_printf(sentence, " None matched: %s.", refusals);
    else
        g_string_append_printf(sentence, " There is no %s artifact.", resolution->source);
    if (view.use_prior && resolution->prior_id == NULL)
        g_string_append(sentence, " There is no earlier execution to take it from.");
    if (view.use_default)
        g_string_append(sentence, " It has no default artifact.");
    artifact_trace_end(resolution->trace, "unmatched", NULL, sentence->str);
    fail(resolution, ARTIFACTS_UNMATCHED, ERR_INVALID, sentence->str);
}

/* TRUE: that was the end of it. */
static gboolean try_list(Resolution *resolution, const JsonValue *expected, ArtifactMatcher *matcher, const ArtifactList *list,
                         const char *source, const char *whence) {
    Matches matches;
    search(resolution, matcher, list, source, &matches);
    if (matches.n == 1 || (matches.n > 0 && resolution->several_allowed))
        bind_to(resolution, expected, matches.found, source, whence);
    else if (matches.n > 1)
        fail_multiple(resolution, expected, &matches, whence);
    g_string_free(matches.labels, TRUE);
    return matches.n > 0;
}

static void resolve_one(Resolution *resolution, const JsonValue *expected) {
    ExpectedArtifact view = expected_artifact_view(expected);
    g_autoptr(ArtifactMatcher) matcher = artifact_matcher_new(view.match);
    artifact_trace_begin(resolution->trace, expected);
    if (try_list(resolution, expected, matcher, resolution->candidates, resolution->source, resolution->source))
        return;
    if (view.use_prior && resolution->prior != NULL) {
        g_autofree char *before = g_strdup_printf("of the earlier execution %s", resolution->prior_id ? resolution->prior_id : "");
        if (try_list(resolution, expected, matcher, resolution->prior, "prior", before))
            return;
    }
    if (view.use_default && view.otherwise != NULL)
        bind_to(resolution, expected, view.otherwise, "default", "its default: nothing matched");
    else
        fail_unmatched(resolution, expected);
}

/* ---- all of them ---- */
static gboolean is_listed(const JsonValue *ids, const JsonValue *expected) {
    g_autofree char *id = json_as_text(json_get(expected, "id"));
    for (JsonIter i = json_iter(json_is_array(ids) ? ids : NULL); id != NULL && json_next(&i);) {
        g_autofree char *listed = json_as_text(i.value);
        if (g_strcmp0(listed, id) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_considered(const Resolution *resolution, const JsonValue *expected) {
    ExpectedArtifact view = expected_artifact_view(expected);
    return resolution->all_considered || view.use_default || view.use_prior || is_listed(resolution->ids, expected);
}

static gboolean has_few_enough(Resolution *resolution, const JsonValue *expected) {
    g_autofree char *sentence = NULL;
    if (resolution->given > ARTIFACTS_MAX)
        sentence = g_strdup_printf("%zu artifacts are more than the limit of %d (ARTIFACTS_MAX)", resolution->given, ARTIFACTS_MAX);
    else if (json_length(expected) > EXPECTED_ARTIFACTS_MAX)
        sentence = g_strdup_printf("%zu expected artifacts are more than the limit of %d (EXPECTED_ARTIFACTS_MAX)", json_length(expected),
                                   EXPECTED_ARTIFACTS_MAX);
    if (sentence != NULL)
        fail(resolution, ARTIFACTS_TOO_MANY, ERR_LIMIT, sentence);
    return sentence == NULL;
}

static void add_given(Resolution *resolution, ArtifactList *list, const JsonValue *artifacts) {
    resolution->given += json_length(artifacts);
    if (resolution->given <= ARTIFACTS_MAX)
        artifact_list_add_all(list, artifacts);
}

static void resolve_all(Resolution *resolution, const JsonValue *expected) {
    if (!has_few_enough(resolution, expected))
        return;
    for (JsonIter i = json_iter(json_is_array(expected) ? expected : NULL); json_next(&i);) {
        if (resolution->work == 0) {
            fail(
                resolution, ARTIFACTS_TOO_MANY, ERR_LIMIT,
                "The regular expressions of the expected artifacts need more than " G_STRINGIFY(ARTIFACTS_WORK_MAX) " steps "
                                                                                                                    "(ARTIFACTS_WORK_MAX)");
            return;
        }
        if (is_considered(resolution, i.value)) {
            resolve_one(resolution, i.value);
            continue;
        }
        artifact_trace_begin(resolution->trace, i.value);
        artifact_trace_end(resolution->trace, "ignored", NULL,
                           "not considered: the trigger does not ask for it, and it may come neither from an earlier execution nor from a "
                           "default");
    }
}

/* Runs it and fills what both ways have in common. */
static gboolean run(Resolution *resolution, const JsonValue *expected, ArtifactsResolved *into, GError **error) {
    *into = (ArtifactsResolved){0};
    resolution->work = ARTIFACTS_WORK_MAX;
    resolution->trace = artifact_trace_new();
    resolution->resolved = json_builder_new();
    json_begin_array(resolution->resolved, NULL);
    resolve_all(resolution, expected);
    json_end_array(resolution->resolved);
    guint prior = resolution->prior != NULL ? artifact_list_length(resolution->prior) : 0;
    into->outcome = resolution->outcome;
    into->resolved = json_builder_end(resolution->resolved);
    into->trace = artifact_trace_finish(resolution->trace, artifact_list_length(resolution->candidates), resolution->prior_id, prior);
    json_builder_free(resolution->resolved);
    artifact_trace_free(resolution->trace);
    if (resolution->error == NULL)
        return TRUE;
    g_clear_pointer(&into->resolved, json_unref);
    g_propagate_error(error, resolution->error);
    return FALSE;
}

gboolean artifacts_resolve(const ArtifactSources *sources, ArtifactsResolved *into, GError **error) {
    g_autoptr(ArtifactList) received = artifact_list_new(TRUE);
    g_autoptr(ArtifactList) prior = sources->prior != NULL ? artifact_list_new(TRUE) : NULL;
    g_autoptr(ArtifactList) bound = artifact_list_new(FALSE);
    Resolution resolution = {.source = "received",
                             .candidates = received,
                             .prior = prior,
                             .prior_id = sources->prior_id,
                             .ids = sources->expected_ids,
                             .bound = bound};
    add_given(&resolution, received, sources->received);
    add_given(&resolution, received, sources->triggered);
    if (prior != NULL)
        add_given(&resolution, prior, sources->prior);
    if (!run(&resolution, sources->expected, into, error))
        return FALSE;
    for (guint i = 0; i < artifact_list_length(bound); i++)
        artifact_list_add(received, artifact_list_at(bound, i));
    into->artifacts = artifact_list_json(received);
    return TRUE;
}

gboolean artifacts_bind(const JsonValue *expected, const JsonValue *visible, ArtifactsResolved *into, GError **error) {
    g_autoptr(ArtifactList) candidates = artifact_list_new(TRUE);
    g_autoptr(ArtifactList) bound = artifact_list_new(FALSE);
    Resolution resolution = {
        .source = "visible", .candidates = candidates, .all_considered = TRUE, .several_allowed = TRUE, .bound = bound};
    add_given(&resolution, candidates, visible);
    if (!run(&resolution, expected, into, error))
        return FALSE;
    into->artifacts = artifact_list_json(bound);
    return TRUE;
}
