/* The canonical form of artifacts, matching, resolving (artifacts.md 1, 5.1, 5.2, 5.4; engine.md 16.4). */
#include "artifacts/match.h"
#include "artifacts/resolve.h"
#include <string.h>

static Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autofree char *strict = g_strdelimit(g_strdup(text), "'", '"');
    Json *json = json_parse(strict, -1, &error);
    g_assert_no_error(error);
    return json;
}

static void assert_json(const Json *actual, const char *expected) {
    g_autoptr(Json) wanted = parse(expected);
    g_autofree char *a = json_write(json_root(actual), NULL), *b = json_write(json_root(wanted), NULL);
    g_assert_cmpstr(a, ==, b);
}

/* ---- artifacts.md 1 ---- */
static void check_canonical(const char *given, const char *expected) {
    g_autoptr(Json) artifact = parse(given);
    g_autoptr(Json) canonical = artifact_canonical(json_root(artifact));
    assert_json(canonical, expected);
}

static void test_canonical(void) {
    check_canonical("{}", "{'customKind':false,'metadata':{}}");
    check_canonical("[1]", "{'customKind':false,'metadata':{}}");
    check_canonical("{'reference':'r','name':'n','type':'t','version':12,'location':null,'kind':'docker'}",
                    "{'type':'t','customKind':false,'name':'n','version':'12','reference':'r','metadata':{}}");
    check_canonical("{'id':'x','extra':{'a':1},'gone':null,'metadata':{'m':1,'n':null},'customKind':'true'}",
                    "{'customKind':true,'metadata':{'m':1,'id':'x','extra':{'a':1}}}");
    check_canonical("{'uuid':'u','provenance':'p','artifactAccount':'a'}",
                    "{'customKind':false,'metadata':{},'artifactAccount':'a','provenance':'p','uuid':'u'}");
}

static void test_expected_canonical(void) {
    g_autoptr(Json) expected = parse("{'displayName':'D','id':'e','matchArtifact':{'type':'t'},'usePriorArtifact':'true'}");
    g_autoptr(Json) bound = parse("{'type':'t','name':'n'}");
    g_autoptr(Json) canonical = expected_artifact_canonical(json_root(expected), json_root(bound));
    assert_json(canonical, "{'id':'e','matchArtifact':{'type':'t','customKind':false,'metadata':{}},'usePriorArtifact':true,"
                           "'useDefaultArtifact':false,'boundArtifact':{'type':'t','customKind':false,'name':'n','metadata':{}}}");
    g_autoptr(Json) empty = parse("{}");
    g_autoptr(Json) nothing = expected_artifact_canonical(json_root(empty), NULL);
    assert_json(nothing,
                "{'id':'','matchArtifact':{'customKind':false,'metadata':{}},'usePriorArtifact':false,'useDefaultArtifact':false}");
}

/* ---- artifacts.md 5.1 ---- */
static void test_match(void) {
    static const struct {
        const char *match, *artifact;
        gboolean matches;
    } CASES[] = {
        {"{}", "{'type':'docker/image'}", TRUE},
        {"{'name':''}", "{}", TRUE},
        {"{'name':'a'}", "{}", FALSE},
        {"{'name':null}", "{'name':'b'}", TRUE},
        {"{'type':'docker/image','name':'gcr.io/p/app'}", "{'type':'docker/image','name':'gcr.io/p/app2'}", FALSE},
        {"{'name':'gcr.io/p/app'}", "{'name':'gcrXio/p/app'}", TRUE},
        {"{'name':'App'}", "{'name':'app'}", FALSE},
        {"{'reference':'docker.io/app:1+2'}", "{'reference':'docker.io/app:1+2'}", TRUE},
        {"{'reference':'app(1'}", "{'reference':'app(1'}", TRUE},
        {"{'reference':'app(1'}", "{'reference':'app(2'}", FALSE},
        {"{'version':'v[0-9]+'}", "{'version':'v1'}", TRUE},
        {"{'version':'v[0-9]+'}", "{'version':'v1\\n'}", FALSE},
        {"{'version':'1|12'}", "{'version':'12'}", TRUE},
        {"{'location':'us-.*'}", "{'location':'us-east-1'}", TRUE},
        {"{'type':'embedded/base64'}", "{'type':'remote/base64'}", TRUE},
        {"{'type':'remote/base64'}", "{'type':'embedded/base64'}", TRUE},
        {"{'name':'embedded/base64'}", "{'name':'remote/base64'}", FALSE},
        {"{'type':'docker/image','artifactAccount':'a','uuid':'1','provenance':'p','customKind':true,'metadata':{'a':1}}",
         "{'type':'docker/image','artifactAccount':'b'}", TRUE},
        {"{'version':'12'}", "{'version':12}", TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_test_message("%s on %s", CASES[i].match, CASES[i].artifact);
        g_autoptr(Json) match = parse(CASES[i].match);
        g_autoptr(Json) artifact = parse(CASES[i].artifact);
        g_assert_cmpint(artifact_matches(json_root(match), json_root(artifact)), ==, CASES[i].matches);
    }
    g_assert_true(artifact_matches(NULL, NULL));
}

static void check_reason(const char *match_text, const char *artifact_text, const char *field_expected, const char *words) {
    g_autoptr(Json) match = parse(match_text);
    g_autoptr(Json) artifact = parse(artifact_text);
    g_autoptr(ArtifactMatcher) matcher = artifact_matcher_new(json_root(match));
    guint64 work = ARTIFACTS_WORK_MAX;
    const char *field = NULL;
    g_autofree char *why = NULL;
    g_assert_false(artifact_matcher_run(matcher, json_root(artifact), &work, &field, &why));
    g_assert_cmpstr(field, ==, field_expected);
    g_assert_nonnull(strstr(why, words));
}

static void test_reasons(void) {
    check_reason("{'name':'a','version':'1'}", "{'name':'b','version':'1'}", "name", "name \"b\" does not match \"a\"");
    check_reason("{'version':'1'}", "{'name':'b'}", "version", "it has no version, \"1\" is expected");
    check_reason("{'name':'a(b'}", "{'name':'ab'}", "name", "is not valid");
    check_reason("{'name':'(a+)+b'}", "{'name':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!b'}", "name", "PATTERN_WORK_MAX");
}

/* ---- artifacts.md 5.2 ---- */
static gboolean resolve(const char *text, ArtifactsResolved *into, GError **error) {
    g_autoptr(Json) given = parse(text);
    const JsonValue *root = json_root(given);
    ArtifactSources sources = {
        .expected = json_get(root, "expected"),
        .expected_ids = json_get(root, "ids"),
        .received = json_get(root, "received"),
        .triggered = json_get(root, "triggered"),
        .prior = json_get(root, "prior"),
        .prior_id = json_get(root, "prior") != NULL ? "01BEFORE" : NULL,
    };
    return artifacts_resolve(&sources, into, error);
}

/* names: of trigger.artifacts in order, versions in brackets; outcomes: of the trace. */
static void check_resolved(const char *text, const char *names, const char *outcomes) {
    g_auto(ArtifactsResolved) resolved = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GString) how = g_string_new(NULL);
    gboolean done = resolve(text, &resolved, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    for (JsonIter i = json_iter(json_root(resolved.artifacts)); json_next(&i);)
        g_string_append_printf(all, "%s%s", i.index > 0 ? " " : "", json_get_string(i.value, "name"));
    for (JsonIter i = json_iter(json_get(json_root(resolved.trace), "expected")); json_next(&i);) {
        g_string_append_printf(how, "%s%s", i.index > 0 ? " " : "", json_get_string(i.value, "outcome"));
        g_assert_nonnull(json_get_string(i.value, "sentence"));
    }
    g_assert_cmpstr(all->str, ==, names);
    g_assert_cmpstr(how->str, ==, outcomes);
}

static void test_resolve(void) {
    /* 1: who is considered */
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'x'}}],'ids':['b'],'received':[{'name':'y'}]}", "y", "ignored");
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'x'}},{'id':'b','matchArtifact':{'name':'y'}}],'ids':['b'],"
                   "'received':[{'name':'y'}]}",
                   "y", "ignored received");
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'x'},'useDefaultArtifact':true,'defaultArtifact':{'name':'d'}}],"
                   "'received':[{'name':'x'}]}",
                   "x", "received");
    /* 2: received before the trigger's, duplicates count once */
    check_resolved("{'received':[{'name':'r'},{'name':'r'}],'triggered':[{'name':'t'},{'name':'r','customKind':false}]}", "r t", "");
    check_resolved(
        "{'expected':[{'id':'a','matchArtifact':{'name':'r'}}],'ids':['a'],'received':[{'name':'r'}],'triggered':[{'name':'r'}]}", "r",
        "received");
    /* 3b: prior before default; the bound one comes last */
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'p'},'usePriorArtifact':true,'useDefaultArtifact':true,"
                   "'defaultArtifact':{'name':'d'}}],'received':[{'name':'x'}],'prior':[{'name':'q'},{'name':'p'}]}",
                   "x p", "prior");
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'p'},'usePriorArtifact':true,'useDefaultArtifact':true,"
                   "'defaultArtifact':{'name':'d'}}],'prior':[{'name':'q'}]}",
                   "d", "default");
    /* 3c: the default need not match */
    check_resolved("{'expected':[{'id':'a','matchArtifact':{'name':'x'},'useDefaultArtifact':true,'defaultArtifact':{'name':'d'}}]}", "d",
                   "default");
    /* nothing is asked for */
    check_resolved("{}", "", "");
}

static void check_error(const char *text, ArtifactsOutcome outcome, const char *words) {
    g_auto(ArtifactsResolved) resolved = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(resolve(text, &resolved, &error));
    g_assert_cmpint(resolved.outcome, ==, outcome);
    g_assert_null(resolved.artifacts);
    g_assert_null(resolved.resolved);
    g_assert_nonnull(resolved.trace);
    if (strstr(error->message, words) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void test_errors(void) {
    check_error("{'expected':[{'id':'a','displayName':'My image','matchArtifact':{'type':'t','name':'x'}}],'ids':['a']}",
                ARTIFACTS_UNMATCHED,
                "Unmatched expected artifact \"My image\" (t x) could not be resolved. There is no received artifact.");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x'}}],'ids':['a'],'received':[{'name':'y'}]}", ARTIFACTS_UNMATCHED,
                "None matched: y (received): name \"y\" does not match \"x\".");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x.*'}}],'ids':['a'],'received':[{'name':'x1'},{'name':'x2'}]}",
                ARTIFACTS_MULTIPLE, "Expected artifact \"a\" (x.*) matches multiple artifacts: x1, x2 (received)");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x.*'},'usePriorArtifact':true}],'prior':[{'name':'x1'},{'name':'x2'}]}",
                ARTIFACTS_MULTIPLE, "matches multiple artifacts: x1, x2 (of the earlier execution 01BEFORE)");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x'},'usePriorArtifact':true}]}", ARTIFACTS_UNMATCHED,
                "There is no earlier execution to take it from.");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x'},'useDefaultArtifact':true,'defaultArtifact':null}]}",
                ARTIFACTS_UNMATCHED, "It has no default artifact.");
    check_error("{'expected':[{'id':'a','matchArtifact':{'name':'x(y'}}],'ids':['a'],'received':[{'name':'y'}]}", ARTIFACTS_UNMATCHED,
                "is not valid");
}

/* ---- limits ---- */
static char *list_of(guint n, const char *element) {
    g_autoptr(GString) list = g_string_new("[");
    for (guint i = 0; i < n; i++) {
        g_string_append(list, i > 0 ? "," : "");
        g_string_append_printf(list, "{'id':'%u',%s}", i, element);
    }
    return g_string_free(g_string_append_c(g_steal_pointer(&list), ']'), FALSE);
}

static void check_limit(guint expected, const char *match, guint received, const char *artifact, const char *named) {
    g_autofree char *wanted = list_of(expected, match), *there = list_of(received, artifact);
    g_autofree char *text = g_strdup_printf("{'expected':%s,'received':%s}", wanted, there);
    check_error(text, ARTIFACTS_TOO_MANY, named);
}

static void test_limits(void) {
    check_limit(EXPECTED_ARTIFACTS_MAX + 1, "'x':1", 1, "'name':'a'", "EXPECTED_ARTIFACTS_MAX");
    check_limit(1, "'x':1", ARTIFACTS_MAX + 1, "'name':'a'", "ARTIFACTS_MAX");
    check_limit(20, "'matchArtifact':{'name':'(a+)+b'},'useDefaultArtifact':true,'defaultArtifact':{'name':'d'}", 3,
                "'name':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!b'", "ARTIFACTS_WORK_MAX");
}

static void test_trace_is_bounded(void) {
    g_autofree char *wanted = list_of(100, "'matchArtifact':{'name':'x'},'useDefaultArtifact':true,'defaultArtifact':{'name':'d'}");
    g_autofree char *there = list_of(200, "'name':'a'");
    g_autofree char *text = g_strdup_printf("{'expected':%s,'received':%s}", wanted, there);
    g_auto(ArtifactsResolved) resolved = {0};
    g_assert_true(resolve(text, &resolved, NULL));
    guint candidates = 0;
    for (JsonIter i = json_iter(json_get(json_root(resolved.trace), "expected")); json_next(&i);) {
        gsize listed = json_length(json_get(i.value, "candidates"));
        g_assert_cmpuint(listed, <=, ARTIFACT_TRACE_REFUSED_MAX);
        g_assert_cmpint((gint64)listed + json_get_int(i.value, "leftOut", 0), ==, 200);
        candidates += (guint)listed;
    }
    g_assert_cmpuint(candidates, ==, ARTIFACT_TRACE_CANDIDATES_MAX);
}

/* ---- artifacts.md 5.4 ---- */
static void test_bind(void) {
    g_autoptr(Json) expected = parse("[{'id':'a','matchArtifact':{'name':'x.*'}},{'id':'b','matchArtifact':{'name':'z'},"
                                     "'useDefaultArtifact':true,'defaultArtifact':{'name':'d'}}]");
    g_autoptr(Json) visible = parse("[{'name':'x1'},{'name':'x2'}]");
    g_auto(ArtifactsResolved) bound = {0};
    g_autoptr(GError) error = NULL;
    g_assert_true(artifacts_bind(json_root(expected), json_root(visible), &bound, &error));
    assert_json(bound.artifacts, "[{'customKind':false,'name':'x1','metadata':{}},{'customKind':false,'name':'d','metadata':{}}]");
    g_assert_cmpuint(json_length(json_root(bound.resolved)), ==, 2);
    g_autoptr(Json) strict = parse("[{'id':'a','matchArtifact':{'name':'q'},'usePriorArtifact':true}]");
    g_auto(ArtifactsResolved) unbound = {0};
    g_assert_false(artifacts_bind(json_root(strict), json_root(visible), &unbound, &error));
    g_assert_nonnull(strstr(error->message, "Unmatched expected artifact"));
}

/* triggers.md 13 */
static void test_matching_ids(void) {
    g_autoptr(Json)
        expected = parse("[{'id':'a','matchArtifact':{'name':'x'}},{'id':'b','matchArtifact':{'name':'y'}},{'matchArtifact':{}}]");
    g_autoptr(Json) artifacts = parse("[{'name':'y'}]");
    g_autoptr(Json) ids = artifacts_matching_ids(json_root(expected), json_root(artifacts));
    assert_json(ids, "['b']");
    g_autoptr(Json) none = artifacts_matching_ids(NULL, json_root(artifacts));
    assert_json(none, "[]");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/artifacts/canonical", test_canonical);
    g_test_add_func("/artifacts/expected-canonical", test_expected_canonical);
    g_test_add_func("/artifacts/match", test_match);
    g_test_add_func("/artifacts/reasons", test_reasons);
    g_test_add_func("/artifacts/resolve", test_resolve);
    g_test_add_func("/artifacts/errors", test_errors);
    g_test_add_func("/artifacts/limits", test_limits);
    g_test_add_func("/artifacts/trace-is-bounded", test_trace_is_bounded);
    g_test_add_func("/artifacts/bind", test_bind);
    g_test_add_func("/artifacts/matching-ids", test_matching_ids);
    return g_test_run();
}
