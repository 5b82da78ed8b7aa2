/* JSON: the builder, changed copies and json_pack. */
#include "base/json.h"
#include <math.h>
#include <string.h>

static Json *parse(const char *text) {
    Json *json = json_parse(text, -1, NULL);
    g_assert_nonnull(json);
    return json;
}

static void assert_json(Json *owned, const char *expected) {
    g_autoptr(Json) json = owned;
    g_autofree char *text = json_write(json_root(json), NULL);
    g_assert_cmpstr(text, ==, expected);
}

static void test_everything(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(Json) other = parse("{\"x\":[1,\"y\"]}");
    json_begin_object(b, NULL);
    json_add_string(b, "s", "text");
    json_add_string_len(b, "l", "textual", 4);
    json_add_int(b, "i", -3);
    json_add_double(b, "d", 0.5);
    json_add_double(b, "inf", INFINITY);
    json_add_number_text(b, "big", "123456789012345678901234567890");
    json_add_bool(b, "t", TRUE);
    json_add_null(b, "n");
    json_add_string(b, "absent", NULL);
    json_add_value(b, "absent", NULL);
    json_add_json(b, "absent", NULL);
    json_add_strings(b, "absent", NULL);
    json_add_strings(b, "list", (const char *const[]){"a", "b", NULL});
    json_add_value(b, "v", json_get(json_root(other), "x"));
    json_add_json(b, "j", other);
    json_begin_array(b, "arr");
    json_add_int(b, NULL, 1);
    json_add_string(b, NULL, NULL);
    json_begin_object(b, NULL);
    json_end_object(b);
    json_end_array(b);
    json_add_members(b, json_root(other));
    json_end_object(b);
    assert_json(json_builder_end(b), "{\"s\":\"text\",\"l\":\"text\",\"i\":-3,\"d\":0.5,\"inf\":null,"
                                     "\"big\":123456789012345678901234567890,\"t\":true,\"n\":null,\"list\":[\"a\",\"b\"],"
                                     "\"v\":[1,\"y\"],\"j\":{\"x\":[1,\"y\"]},\"arr\":[1,null,{}],\"x\":[1,\"y\"]}");
    json_add_string(b, NULL, "again");
    assert_json(json_builder_end(b), "\"again\"");
    assert_json(json_builder_end(b), "null");
}

static void test_equal_keys(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(Json) other = parse("{\"a\":{\"deep\":[1,2]},\"c\":1}");
    json_begin_object(b, NULL);
    json_begin_object(b, "a");
    json_add_string(b, "q", "gone");
    json_end_object(b);
    json_add_int(b, "b", 1);
    json_add_members(b, json_root(other));
    json_add_int(b, "b", 2);
    json_end_object(b);
    assert_json(json_builder_end(b), "{\"a\":{\"deep\":[1,2]},\"c\":1,\"b\":2}");
    json_begin_object(b, NULL);
    for (guint i = 0; i < 1000; i++) {
        g_autofree char *key = g_strdup_printf("k%u", i % 500);
        json_add_int(b, key, i);
    }
    json_end_object(b);
    g_autoptr(Json) many = json_builder_end(b);
    g_assert_cmpuint(json_length(json_root(many)), ==, 500);
    g_assert_cmpint(json_get_int(json_root(many), "k7", 0), ==, 507);
}

static void test_bad_utf8(void) {
    assert_json(json_from_string("a\xff"
                                 "b"),
                "\"a\xef\xbf\xbd"
                "b\"");
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_add_string_len(b, NULL, "a\0b", 3);
    assert_json(json_builder_end(b), "\"a\\u0000b\"");
    json_add_string_len(b, NULL, "\0", 1);
    assert_json(json_builder_end(b), "\"\\u0000\"");
    json_add_string_len(b, NULL, "", 0);
    assert_json(json_builder_end(b), "\"\"");
}

static void test_too_deep(void) {
    g_autofree char *text = g_malloc0(2 * JSON_DEPTH_MAX + 1);
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    g_autoptr(Json) deepest = parse(text);
    g_autoptr(Json) wrapped = json_pack("{s:j}", "a", deepest);
    g_autofree char *written = json_write(json_root(wrapped), NULL);
    g_assert_nonnull(strstr(written, "left out: nested deeper than 512 levels"));
    g_autoptr(Json) again = parse(written);
    g_assert_true(json_equal(json_root(again), json_root(wrapped)));
}

static void test_merge(void) {
    g_autoptr(Json) base = parse("{\"a\":1,\"b\":{\"x\":1,\"y\":[1]},\"c\":3}");
    g_autoptr(Json) changes = parse("{\"b\":{\"y\":[2],\"z\":null},\"d\":4,\"a\":{}}");
    const JsonValue *from = json_root(base), *to = json_root(changes);
    assert_json(json_merge(from, to), "{\"a\":{},\"b\":{\"y\":[2],\"z\":null},\"c\":3,\"d\":4}");
    assert_json(json_merge_deep(from, to), "{\"a\":{},\"b\":{\"x\":1,\"y\":[2],\"z\":null},\"c\":3,\"d\":4}");
    assert_json(json_merge(NULL, to), "{\"b\":{\"y\":[2],\"z\":null},\"d\":4,\"a\":{}}");
    assert_json(json_merge(from, NULL), "{\"a\":1,\"b\":{\"x\":1,\"y\":[1]},\"c\":3}");
    assert_json(json_merge_deep(NULL, NULL), "{}");
}

static void test_merge_of_large_objects(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    Json *halves[2];
    for (guint half = 0; half < 2; half++) {
        json_begin_object(b, NULL);
        for (guint i = 0; i < 1000; i++) {
            g_autofree char *key = g_strdup_printf("key-%u", i + half * 500);
            json_add_int(b, key, half);
        }
        json_end_object(b);
        halves[half] = json_builder_end(b);
    }
    g_autoptr(Json) merged = json_merge(json_root(halves[0]), json_root(halves[1]));
    g_assert_cmpuint(json_length(json_root(merged)), ==, 1500);
    g_assert_cmpint(json_get_int(json_root(merged), "key-499", -1), ==, 0);
    g_assert_cmpint(json_get_int(json_root(merged), "key-500", -1), ==, 1);
    g_assert_cmpint(json_get_int(json_root(merged), "key-1499", -1), ==, 1);
    json_unref(halves[0]);
    json_unref(halves[1]);
}

static void test_small_changes(void) {
    g_autoptr(Json) json = parse("{\"a\":1,\"b\":{\"n\":null,\"l\":[null,{\"m\":null}]},\"c\":null}");
    const JsonValue *v = json_root(json);
    assert_json(json_without(v, (const char *const[]){"a", "b", "none", NULL}), "{\"c\":null}");
    assert_json(json_without_nulls(v), "{\"a\":1,\"b\":{\"l\":[null,{}]}}");
    g_autoptr(Json) small = parse("{\"a\":1}");
    assert_json(json_with(json_root(small), "b", json_get(v, "a")), "{\"a\":1,\"b\":1}");
    assert_json(json_with(json_root(small), "b", NULL), "{\"a\":1}");
    assert_json(json_with_string(json_root(small), "a", "x"), "{\"a\":\"x\"}");
    assert_json(json_with_string(NULL, "a", "x"), "{\"a\":\"x\"}");
    assert_json(json_from_strings((const char *const[]){"a", NULL}), "[\"a\"]");
    assert_json(json_from_int(G_MININT64), "-9223372036854775808");
    assert_json(json_from_bool(FALSE), "false");
    assert_json(json_from_string(NULL), "null");
}

static void test_pack(void) {
    g_autoptr(Json) json = parse("[7]");
    assert_json(json_pack("{s:s, s:i, s:d, s:b, s:v, s:j, s:n, s:[i, s, {}, []], s:{s:s}, s:s}", "s", "x", "i", (gint64)5, "d", 0.25, "b",
                          TRUE, "v", json_at(json_root(json), 0), "j", json, "n", "list", (gint64)1, "two", "o", "in", "side", "absent",
                          NULL),
                "{\"s\":\"x\",\"i\":5,\"d\":0.25,\"b\":true,\"v\":7,\"j\":[7],\"n\":null,\"list\":[1,\"two\",{},[]],"
                "\"o\":{\"in\":\"side\"}}");
    assert_json(json_pack("[]"), "[]");
    assert_json(json_pack("s", "alone"), "\"alone\"");
}

static void misuse_pack(void) {
    json_unref(json_pack("{s:q}", "a"));
}

static void misuse_key(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_begin_object(b, NULL);
    json_add_int(b, NULL, 1);
}

static void misuse_open(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_begin_object(b, NULL);
    json_unref(json_builder_end(b));
}

static void test_misuse_aborts(void) {
    static const char *const cases[] = {"pack", "key", "open"};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/base/json-build/misuse/subprocess/", cases[i], NULL);
        g_test_trap_subprocess(name, 0, 0);
        g_test_trap_assert_failed();
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json-build/everything", test_everything);
    g_test_add_func("/base/json-build/equal-keys", test_equal_keys);
    g_test_add_func("/base/json-build/bad-utf8", test_bad_utf8);
    g_test_add_func("/base/json-build/too-deep", test_too_deep);
    g_test_add_func("/base/json-build/merge", test_merge);
    g_test_add_func("/base/json-build/merge-large", test_merge_of_large_objects);
    g_test_add_func("/base/json-build/small-changes", test_small_changes);
    g_test_add_func("/base/json-build/pack", test_pack);
    g_test_add_func("/base/json-build/misuse", test_misuse_aborts);
    g_test_add_func("/base/json-build/misuse/subprocess/pack", misuse_pack);
    g_test_add_func("/base/json-build/misuse/subprocess/key", misuse_key);
    g_test_add_func("/base/json-build/misuse/subprocess/open", misuse_open);
    return g_test_run();
}
