/* JSON texts: whatever is read must be written, read again and found equal, and must survive every kind of copy. */
#include "base/json.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const JsonValue *value) {
    g_autofree char *text = json_as_text(value);
    g_assert_true((text != NULL) == (json_type(value) == JSON_STRING || json_type(value) == JSON_BOOL || json_is_number(value)));
    json_int(value, 0);
    json_double(value, 0);
    gsize seen = 0;
    for (JsonIter i = json_iter(value); json_next(&i); seen++) {
        if (i.key != NULL)
            g_assert_true(json_get(value, i.key) == i.value);
        check_values(i.value);
    }
    g_assert_cmpuint(seen, ==, json_length(value));
}

static void check_equal(const JsonValue *value, Json *copy) {
    g_autoptr(Json) owned = copy;
    g_assert_true(json_equal(value, json_root(owned)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(Json) json = json_parse_limited((const char *)data, (gssize)size, 1024 * 1024, NULL);
    if (json == NULL)
        return 0;
    const JsonValue *root = json_root(json);
    check_values(root);
    gsize length = 0;
    g_autofree char *text = json_write(root, &length);
    check_equal(root, json_parse(text, (gssize)length, NULL));
    g_autofree char *pretty = json_write_pretty(root, &length);
    check_equal(root, json_parse(pretty, (gssize)length, NULL));
    check_equal(root, json_copy(root));
    g_autoptr(Json) wrapped = json_pack("{s:v, s:[v]}", "a", root, "b", root);
    g_assert_true(json_equal(json_get(json_root(wrapped), "a"), root));
    if (json_is_object(root)) {
        check_equal(root, json_merge(root, root));
        check_equal(root, json_merge_deep(root, root));
    }
    g_autoptr(Json) bare = json_without_nulls(root);
    g_assert_cmpuint(json_memory(bare), <=, json_memory(json));
    return 0;
}
