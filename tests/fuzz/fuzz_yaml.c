/* YAML and the lines of JSON: whatever is read must be written, read again and found equal; each value has a place. */
#include "base/yaml.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines_of_json(const char *text, gsize length) {
    g_autoptr(Json) json = json_parse_limited(text, (gssize)length, 1024 * 1024, NULL);
    g_autoptr(GArray) lines = json_lines(text, length);
    for (JsonIter i = json_iter(json_root(json)); json_next(&i);)
        g_assert_cmpuint(json_position(json, i.value), <, lines->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 64 * 1024)
        return 0;
    g_autofree char *text = g_strndup((const char *)data, size);
    check_lines_of_json(text, size);
    GArray *lines = NULL;
    g_autoptr(Json) json = yaml_read("input", text, size, &lines, NULL);
    if (json == NULL)
        return 0;
    for (JsonIter i = json_iter(json_root(json)); json_next(&i);)
        g_assert_cmpuint(json_position(json, i.value), <, lines->len);
    g_array_unref(lines);
    g_autofree char *written = yaml_write(json_root(json), NULL);
    g_assert_nonnull(written);
    g_autoptr(Json) again = yaml_read("written", written, strlen(written), NULL, NULL);
    g_assert_nonnull(again);
    g_assert_true(json_equal(json_root(json), json_root(again)));
    return 0;
}
