/* JSONPath: the first line is the path, the rest the document. What is found must be a document; a definite path finds the same twice. */
#include "base/json_path.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    if (end == NULL)
        return 0;
    g_autofree char *text = g_strndup((const char *)data, (gsize)(end - data));
    g_autoptr(Json) document = json_parse_limited((const char *)end + 1, (gssize)(size - (gsize)(end - data) - 1), 64 * 1024, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonPath) path = json_path_new(text, &error);
    g_assert_true((path == NULL) == (error != NULL));
    if (path == NULL || document == NULL)
        return 0;
    g_autoptr(Json) found = json_path_read(path, json_root(document), &error);
    g_assert_true((found == NULL) == (error != NULL));
    if (found == NULL)
        return 0;
    g_assert_true(json_path_is_definite(path) || json_is_array(json_root(found)));
    g_autoptr(Json) again = json_path_read(path, json_root(document), NULL);
    g_assert_true(json_equal(json_root(found), json_root(again)));
    return 0;
}
