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

/* ---- shared documents ---- */
static Json *large_document(const char *name) {
    g_autofree char *text = g_strnfill(JSON_SHARED_MIN, 'x');
    g_autoptr(Json) json = json_pack("{s:s, s:n, s:[i, b], s:s}", "name", name, "nothing", "list", (gint64)1, TRUE, "text", text);
    return json_shared(json_root(json));
}

/* Whatever is built with it, it is there once and reads as though it were copied. */
static void test_shared(void) {
    g_autoptr(Json) inner = large_document("inner");
    g_assert_null(json_get(json_root(inner), "nothing"));
    g_autoptr(Json) between = json_pack("{s:j, s:i}", "inner", inner, "n", (gint64)2), outer = json_shared(json_root(between));
    g_assert_cmpuint(json_memory(between), >, JSON_SHARED_MIN);
    g_autoptr(Json) trigger = json_pack("{s:s, s:j, s:[j, i]}", "type", "x", "parent", inner, "all", inner, (gint64)3);
    g_autoptr(Json) merged = json_merge(json_root(trigger), json_root(between)), copy = json_copy(json_root(merged)),
                    plain = json_without_nulls(json_root(copy)), with = json_with_string(json_root(plain), "parent", "gone"),
                    same = json_copy(json_root(inner));
    const JsonValue *root = json_root(inner);
    g_assert_true(same == inner);
    g_assert_true(json_get(json_root(plain), "parent") == root && json_get(json_root(plain), "inner") == root);
    g_assert_true(json_at(json_get(json_root(plain), "all"), 0) == root);
    g_autoptr(Json) whole = json_pack("{s:j}", "outer", outer);
    g_assert_true(json_dig(json_root(whole), "outer", "inner", NULL) == root);
    g_assert_cmpuint(json_memory_own(whole), <, JSON_SHARED_MIN);
    g_assert_cmpuint(json_memory(whole), >, JSON_SHARED_MIN);
    JsonIter iter = json_iter(json_root(merged));
    guint seen = 0;
    while (json_next(&iter))
        seen += iter.value == root;
    g_assert_cmpuint(seen, ==, 2);
    g_clear_pointer(&inner, json_unref);
    g_clear_pointer(&same, json_unref);
    g_autofree char *text = json_write(json_root(plain), NULL), *pretty = json_write_pretty(json_root(plain), NULL);
    g_autoptr(Json) parsed = parse(text), parsed_pretty = parse(pretty);
    g_assert_true(json_equal(json_root(parsed), json_root(plain)));
    g_assert_true(json_equal(json_root(parsed_pretty), json_root(plain)));
    g_assert_cmpstr(json_get_string(json_root(with), "parent"), ==, "gone");
    g_assert_cmpstr(json_string(json_dig(json_root(parsed), "inner", "name", NULL)), ==, "inner");
}

/* Depth is counted through links; what is replaced or given up in a builder is let go. */
static void test_shared_depth(void) {
    Json *json = large_document("leaf");
    for (guint i = 0; i < JSON_DEPTH_MAX + 10; i++) {
        g_autoptr(Json) before = json, outer = json_pack("{s:j, s:i}", "below", before, "n", (gint64)i);
        json = i % 50 == 0 ? large_document("again") : json_shared(json_root(outer));
        g_autoptr(JsonBuilder) builder = json_builder_new();
        json_begin_object(builder, NULL);
        json_add_json(builder, "a", json);
        json_add_json(builder, "a", before);
        json_end_object(builder);
        g_autofree char *text = i % 2 == 0 ? json_builder_write(builder, NULL) : NULL;
        if (text)
            g_clear_pointer(&before, json_unref);
    }
    json_unref(json);
    json = large_document("leaf");
    for (guint i = 0; i < JSON_DEPTH_MAX + 10; i++) {
        g_autoptr(Json) before = json, outer = json_pack("{s:j}", "below", before);
        json = json_shared(json_root(outer));
    }
    g_autofree char *text = json_write(json_root(json), NULL);
    g_assert_nonnull(strstr(text, "nested deeper"));
    json_unref(json);
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
    g_test_add_func("/base/json-build/shared", test_shared);
    g_test_add_func("/base/json-build/shared-depth", test_shared_depth);
    g_test_add_func("/base/json-build/misuse", test_misuse_aborts);
    g_test_add_func("/base/json-build/misuse/subprocess/pack", misuse_pack);
    g_test_add_func("/base/json-build/misuse/subprocess/key", misuse_key);
    g_test_add_func("/base/json-build/misuse/subprocess/open", misuse_open);
    return g_test_run();
}
