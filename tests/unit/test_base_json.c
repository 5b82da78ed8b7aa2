/* JSON: parsing and its limits, reading, comparing, writing. */
#include "base/error.h"
#include "base/json.h"
#include <math.h>
#include <string.h>

static Json *parse(const char *text) {
    GError *error = NULL;
    Json *json = json_parse(text, -1, &error);
    g_assert_no_error(error);
    g_assert_nonnull(json);
    return json;
}

static void assert_text(const JsonValue *value, const char *expected) {
    g_autofree char *text = json_write(value, NULL);
    g_assert_cmpstr(text, ==, expected);
}

static void assert_round_trip(const char *text, const char *expected) {
    g_autoptr(Json) json = parse(text);
    assert_text(json_root(json), expected);
}

static void test_round_trips(void) {
    assert_round_trip("null", "null");
    assert_round_trip(" [ ] ", "[]");
    assert_round_trip("{\"b\":1,\"a\":[true,false,null,\"x\",-5,1.5,{}]}", "{\"b\":1,\"a\":[true,false,null,\"x\",-5,1.5,{}]}");
    assert_round_trip("1.0", "1.0");
    assert_round_trip("\"\\u00e4\\ud83d\\ude00/\"", "\"ä😀/\"");
    assert_round_trip("[[1,[2]],{\"a\":{\"b\":[3]}},4]", "[[1,[2]],{\"a\":{\"b\":[3]}},4]");
}

static void test_pretty(void) {
    g_autoptr(Json) json = parse("{\"a\":[1]}");
    gsize length = 0;
    g_autofree char *text = json_write_pretty(json_root(json), &length);
    g_assert_cmpstr(text, ==, "{\n  \"a\": [\n    1\n  ]\n}");
    g_assert_cmpuint(length, ==, strlen(text));
}

static void assert_parse_error(const char *text, gssize length, ErrorCode code, const char *part) {
    g_autoptr(GError) error = NULL;
    g_assert_null(json_parse(text, length, &error));
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" not in \"%s\"", part, error->message);
}

static void test_errors(void) {
    assert_parse_error("{\n  \"a\": x}", -1, ERR_INVALID, "line 2, column 8");
    assert_parse_error("", -1, ERR_INVALID, "line 1");
    assert_parse_error("   ", -1, ERR_INVALID, "line 1");
    assert_parse_error("[1,]", -1, ERR_INVALID, "line 1, column 3");
    assert_parse_error("{} x", -1, ERR_INVALID, "column 4");
    assert_parse_error("\"\xff\"", -1, ERR_INVALID, "UTF-8");
    assert_parse_error("[1", -1, ERR_INVALID, "line 1");
    assert_parse_error("NaN", -1, ERR_INVALID, "line 1");
    assert_parse_error("[1] // no", -1, ERR_INVALID, "line 1");
    assert_parse_error("{\"a\\u0000b\":1}", -1, ERR_INVALID, "\\u0000");
    g_assert_null(json_parse("x", -1, NULL));
}

static void test_length_is_given(void) {
    g_autoptr(Json) json = json_parse("[1]garbage", 3, NULL);
    assert_text(json_root(json), "[1]");
}

static char *nested(gsize depth) {
    char *text = g_malloc(2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

static void test_depth(void) {
    g_autofree char *fits = nested(JSON_DEPTH_MAX);
    g_autofree char *too_deep = nested(JSON_DEPTH_MAX + 1);
    g_autofree char *far_too_deep = nested(2 * 1000 * 1000);
    g_autoptr(Json) json = parse(fits);
    assert_text(json_root(json), fits);
    assert_parse_error(too_deep, -1, ERR_LIMIT, "512 levels");
    assert_parse_error(far_too_deep, -1, ERR_LIMIT, "512 levels");
}

static void test_input_depth(void) {
    g_autofree char *fits = nested(JSON_DEPTH_INPUT_MAX);
    g_autofree char *too_deep = nested(JSON_DEPTH_INPUT_MAX + 1);
    g_autoptr(Json) json = json_parse_limited(fits, -1, 10000, NULL);
    g_assert_nonnull(json);
    g_autoptr(GError) error = NULL;
    g_assert_null(json_parse_limited(too_deep, -1, 10000, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
}

static void test_size(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) fits = json_parse_limited("[1,2]", -1, 5, NULL);
    g_assert_nonnull(fits);
    g_assert_null(json_parse_limited("[1,23]", -1, 5, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_autofree char *large = g_malloc(JSON_TEXT_MAX + 1);
    memset(large, ' ', JSON_TEXT_MAX + 1);
    assert_parse_error(large, JSON_TEXT_MAX + 1, ERR_LIMIT, "longer than");
}

static void test_value_count(void) {
    const gsize count = JSON_VALUES_MAX + 1, length = 2 * count + 1;
    g_autofree char *text = g_malloc(length);
    text[0] = '[';
    for (gsize i = 0; i < count; i++) {
        text[1 + 2 * i] = '1';
        text[2 + 2 * i] = i + 1 == count ? ']' : ',';
    }
    assert_parse_error(text, (gssize)length, ERR_LIMIT, "JSON_VALUES_MAX");
    /* separators inside strings are none */
    memset(text + 1, ',', length - 2);
    text[0] = text[length - 1] = '"';
    g_autoptr(Json) json = json_parse(text, (gssize)length, NULL);
    g_assert_cmpuint(json_string_length(json_root(json)), ==, length - 2);
}

static void test_equal_keys(void) {
    assert_round_trip("{\"a\":1,\"b\":2,\"a\":{\"x\":1,\"x\":2}}", "{\"b\":2,\"a\":{\"x\":2}}");
    g_autoptr(Json) json = parse("{\"a\":1,\"a\":2}");
    g_assert_cmpint(json_get_int(json_root(json), "a", 0), ==, 2);
    g_assert_cmpuint(json_length(json_root(json)), ==, 1);
    g_autoptr(Json) big = parse("{\"a\":1,\"a\":18446744073709551615}");
    g_assert_cmpstr(json_big_number(json_get(json_root(big), "a")), ==, "18446744073709551615");
    g_autoptr(GString) text = g_string_new("{");
    for (guint i = 0; i < 100; i++)
        g_string_append_printf(text, "\"key%u\":%u,", i % 60, i);
    g_string_append(text, "\"z\":[{\"q\":1,\"q\":[]}]}");
    g_autoptr(Json) many = parse(text->str);
    g_assert_cmpuint(json_length(json_root(many)), ==, 61);
    g_assert_cmpint(json_get_int(json_root(many), "key39", 0), ==, 99);
    g_assert_cmpint(json_get_int(json_root(many), "key40", 0), ==, 40);
    assert_text(json_get(json_root(many), "z"), "[{\"q\":[]}]");
}

static void test_numbers(void) {
    g_autoptr(Json) json = parse("[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615,"
                                 "123456789012345678901234567890,1e999,2.0,2.5,1e300,-0.0]");
    const JsonValue *v = json_root(json);
    g_assert_cmpint(json_int(json_at(v, 0), 0), ==, G_MAXINT64);
    g_assert_cmpint(json_int(json_at(v, 1), 0), ==, G_MININT64);
    g_assert_cmpint(json_type(json_at(v, 2)), ==, JSON_BIG_NUMBER);
    g_assert_cmpint(json_int(json_at(v, 2), -7), ==, -7);
    g_assert_cmpstr(json_big_number(json_at(v, 2)), ==, "9223372036854775808");
    g_assert_cmpstr(json_big_number(json_at(v, 3)), ==, "18446744073709551615");
    g_assert_cmpstr(json_big_number(json_at(v, 4)), ==, "123456789012345678901234567890");
    g_assert_cmpfloat_with_epsilon(json_double(json_at(v, 4), 0), 123456789012345678901234567890.0, 1e15);
    g_assert_cmpstr(json_big_number(json_at(v, 5)), ==, "1e999");
    g_assert_cmpint(json_type(json_at(v, 6)), ==, JSON_DOUBLE);
    g_assert_cmpint(json_int(json_at(v, 6), 0), ==, 2);
    g_assert_cmpint(json_int(json_at(v, 7), 9), ==, 9);
    g_assert_cmpint(json_int(json_at(v, 8), 9), ==, 9);
    g_assert_null(json_big_number(json_at(v, 0)));
    assert_text(json_at(v, 3), "18446744073709551615");
    assert_text(json_at(v, 4), "123456789012345678901234567890");
    g_assert_true(json_is_number(json_at(v, 4)));
}

static void test_reading(void) {
    g_autoptr(Json)
        json = parse("{\"s\":\"a\\u0000b\",\"n\":null,\"t\":true,\"f\":false,\"o\":{\"p\":{\"q\":7}},\"l\":[1,\"two\"],\"d\":1.25}");
    const JsonValue *v = json_root(json);
    g_assert_cmpuint(json_string_length(json_get(v, "s")), ==, 3);
    g_assert_true(json_is_null(json_get(v, "n")));
    g_assert_false(json_is_null(json_get(v, "absent")));
    g_assert_true(json_is_true(json_get(v, "t")));
    g_assert_true(json_is_false(json_get(v, "f")));
    g_assert_false(json_is_false(NULL));
    g_assert_cmpint(json_int(json_dig(v, "o", "p", "q", NULL), 0), ==, 7);
    g_assert_null(json_dig(v, "o", "x", "q", NULL));
    g_assert_null(json_dig(v, "s", "x", NULL));
    g_assert_null(json_at(json_get(v, "l"), 2));
    g_assert_null(json_get(json_get(v, "l"), "x"));
    g_assert_cmpstr(json_string(json_at(json_get(v, "l"), 1)), ==, "two");
    g_assert_null(json_get_string(v, "l"));
    g_assert_true(json_get_bool(v, "t", FALSE));
    g_assert_true(json_get_bool(v, "s", TRUE));
    g_assert_cmpint(json_type(NULL), ==, JSON_ABSENT);
    g_assert_cmpuint(json_length(NULL), ==, 0);
    g_assert_cmpfloat(json_double(json_get(v, "d"), 0), ==, 1.25);
    g_autofree char *number = json_as_text(json_get(v, "d"));
    g_assert_cmpstr(number, ==, "1.25");
    g_autofree char *boolean = json_as_text(json_get(v, "t"));
    g_assert_cmpstr(boolean, ==, "true");
    g_assert_null(json_as_text(json_get(v, "n")));
    g_assert_null(json_as_text(NULL));
    g_assert_null(json_root(NULL));
    assert_text(NULL, "null");
}

static void test_iteration(void) {
    g_autoptr(Json) json = parse("{\"a\":[1,[2,3],{}],\"b\":{\"x\":1},\"c\":3}");
    g_autoptr(GString) seen = g_string_new(NULL);
    for (JsonIter i = json_iter(json_root(json)); json_next(&i);)
        g_string_append_printf(seen, "%s%" G_GSIZE_FORMAT "%u ", i.key, i.index, json_type(i.value));
    g_assert_cmpstr(seen->str, ==, "a07 b18 c23 ");
    g_string_truncate(seen, 0);
    for (JsonIter i = json_iter(json_get(json_root(json), "a")); json_next(&i);)
        g_string_append_printf(seen, "%s%" G_GSIZE_FORMAT "%u ", i.key == NULL ? "-" : i.key, i.index, json_type(i.value));
    g_assert_cmpstr(seen->str, ==, "-03 -17 -28 ");
    JsonIter none = json_iter(NULL);
    g_assert_false(json_next(&none));
    JsonIter scalar = json_iter(json_get(json_root(json), "c"));
    g_assert_false(json_next(&scalar));
}

static void assert_equality(const char *left, const char *right, gboolean equal) {
    g_autoptr(Json) a = parse(left);
    g_autoptr(Json) b = parse(right);
    g_assert_cmpint(json_equal(json_root(a), json_root(b)), ==, equal);
    g_assert_cmpint(json_equal(json_root(b), json_root(a)), ==, equal);
}

static void test_equality(void) {
    assert_equality("{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", TRUE);
    assert_equality("{\"a\":1}", "{\"a\":1,\"b\":2}", FALSE);
    assert_equality("{\"a\":1}", "{\"b\":1}", FALSE);
    assert_equality("[1,2]", "[2,1]", FALSE);
    assert_equality("1", "1.0", TRUE);
    assert_equality("1", "1.5", FALSE);
    assert_equality("-1", "-1.0", TRUE);
    assert_equality("9223372036854775807", "9223372036854775807.0", FALSE);
    assert_equality("18446744073709551615", "18446744073709551615", TRUE);
    assert_equality("18446744073709551615", "18446744073709551614", FALSE);
    assert_equality("\"1\"", "1", FALSE);
    assert_equality("true", "false", FALSE);
    assert_equality("null", "null", TRUE);
    assert_equality("\"ab\"", "\"ac\"", FALSE);
    assert_equality("{}", "[]", FALSE);
    g_assert_true(json_equal(NULL, NULL));
}

static void test_copies(void) {
    Json *json = parse("{\"a\":{\"b\":[\"text\",18446744073709551615,{\"c\":1}]}}");
    g_autoptr(Json) part = json_copy(json_dig(json_root(json), "a", "b", NULL));
    g_assert_cmpuint(json_memory(part), <, json_memory(json));
    json_unref(json);
    assert_text(json_root(part), "[\"text\",18446744073709551615,{\"c\":1}]");
    g_autoptr(Json) null = json_copy(NULL);
    assert_text(json_root(null), "null");
    g_assert_cmpuint(json_memory(NULL), ==, 0);
}

static void test_shared_empties(void) {
    g_autoptr(Json) object = json_empty_object();
    g_autoptr(Json) again = json_empty_object();
    g_autoptr(Json) array = json_empty_array();
    g_assert_true(object == again);
    assert_text(json_root(object), "{}");
    assert_text(json_root(array), "[]");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json/round-trips", test_round_trips);
    g_test_add_func("/base/json/pretty", test_pretty);
    g_test_add_func("/base/json/errors", test_errors);
    g_test_add_func("/base/json/length", test_length_is_given);
    g_test_add_func("/base/json/depth", test_depth);
    g_test_add_func("/base/json/input-depth", test_input_depth);
    g_test_add_func("/base/json/size", test_size);
    g_test_add_func("/base/json/value-count", test_value_count);
    g_test_add_func("/base/json/equal-keys", test_equal_keys);
    g_test_add_func("/base/json/numbers", test_numbers);
    g_test_add_func("/base/json/reading", test_reading);
    g_test_add_func("/base/json/iteration", test_iteration);
    g_test_add_func("/base/json/equality", test_equality);
    g_test_add_func("/base/json/copies", test_copies);
    g_test_add_func("/base/json/shared-empties", test_shared_empties);
    return g_test_run();
}
