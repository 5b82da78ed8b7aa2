/* Expected and received artifacts of any shape: resolving them ends, in bounds, and gives as many as were expected, or says why not.
 * The input is a JSON object with the members of ArtifactSources. */
#include "artifacts/match.h"
#include "artifacts/resolve.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_trace(const ArtifactsResolved *resolved, const JsonValue *expected) {
    const JsonValue *told = json_get(json_root(resolved->trace), "expected");
    g_assert_true(json_is_array(told));
    if (resolved->outcome != ARTIFACTS_TOO_MANY && json_is_array(expected))
        g_assert_cmpuint(json_length(told), ==, json_length(expected));
}

static void check(gboolean done, const ArtifactsResolved *resolved, const GError *error, const JsonValue *expected) {
    g_assert_true(done == (error == NULL) && done == (resolved->artifacts != NULL) && done == (resolved->resolved != NULL));
    check_trace(resolved, expected);
    for (JsonIter i = json_iter(json_root(resolved->artifacts)); json_next(&i);) {
        g_autoptr(Json) again = artifact_canonical(i.value);
        g_assert_true(json_equal(json_root(again), i.value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(Json) given = json_parse_limited((const char *)data, (gssize)size, 1024 * 1024, NULL);
    if (given == NULL)
        return 0;
    const JsonValue *root = json_root(given), *expected = json_get(root, "expected"), *received = json_get(root, "received");
    const ArtifactSources sources = {
        expected, json_get(root, "ids"), received, json_get(root, "triggered"), json_get(root, "prior"), json_get_string(root, "priorId")};
    g_auto(ArtifactsResolved) resolved = {0}, bound = {0};
    g_autoptr(GError) error = NULL;
    gboolean done = artifacts_resolve(&sources, &resolved, &error);
    check(done, &resolved, error, expected);
    g_clear_error(&error);
    done = artifacts_bind(expected, received, &bound, &error);
    check(done, &bound, error, expected);
    g_autoptr(Json) ids = artifacts_matching_ids(expected, received);
    g_assert_true(json_is_array(json_root(ids)));
    return 0;
}
