/* YAML for people: there and back, types of plain texts, places, limits. */
#include "base/error.h"
#include "base/yaml.h"
#include <string.h>

static Json *read_text(const char *text, GError **error) {
    return yaml_read("file.yml", text, strlen(text), NULL, error);
}

static void expect_same(const char *json_text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_parse(json_text, -1, &error);
    g_assert_no_error(error);
    g_autofree char *yaml = yaml_write(json_root(json), &error);
    g_assert_no_error(error);
    g_autoptr(Json) back = read_text(yaml, &error);
    g_assert_no_error(error);
    if (!json_equal(json_root(json), json_root(back)))
        g_error("%s became\n%s", json_text, yaml);
}

static void test_round_trip(void) {
    static const char *const DOCUMENTS[] = {
        "{}",
        "[]",
        "null",
        "\"\"",
        "{\"a\":[1,-2,3.5,true,false,null,\"\",\"x\"],\"b\":{\"c\":{}}}",
        "{\"true\":\"true\",\"n\":\"no\",\"1\":\"1\",\"d\":\"1.50\",\"t\":\"~\",\"h\":\"# no comment\",\"c\":\"a: b\"}",
        "[\"- x\",\"[x]\",\"{x}\",\"*x\",\"&x\",\"!x\",\"%x\",\"@x\",\"'\",\"\\\"\",\" x \",\"x \"]",
        "[\"two\\nlines\",\"two\\nlines\\n\",\"\\n\",\" indented\\nline\",\"tab\\there\",\"a\\u0001b\",\"ä€😀\"]",
        "[\"${ #stage('x').context }\",\"0123\",\"1e5\",\"0x10\",\"2024-01-01\",\"12:30\",\"=\",\".inf\"]",
        "[9223372036854775807,-9223372036854775808,123456789012345678901234567890,1e300]",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(DOCUMENTS); i++)
        expect_same(DOCUMENTS[i]);
}

static void test_reads_what_people_write(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = read_text("# comment\nname: Deploy it\nwait: 30\nratio: 0.5\non: ~\nyes: Yes\naccount: 0123\n"
                                     "list: [a, 'b', \"c\"]\nscript: |\n  one\n  two\nlast: !!str 5\n",
                                     &error);
    g_assert_no_error(error);
    const JsonValue *root = json_root(json);
    g_assert_cmpint(json_get_int(root, "wait", 0), ==, 30);
    g_assert_cmpfloat(json_double(json_get(root, "ratio"), 0), ==, 0.5);
    g_assert_true(json_is_null(json_get(root, "on")));
    g_assert_cmpstr(json_get_string(root, "yes"), ==, "Yes");
    g_assert_cmpstr(json_get_string(root, "account"), ==, "0123");
    g_assert_cmpstr(json_string(json_at(json_get(root, "list"), 2)), ==, "c");
    g_assert_cmpstr(json_get_string(root, "script"), ==, "one\ntwo\n");
    g_assert_cmpstr(json_get_string(root, "last"), ==, "5");
}

static void expect_refused(const char *text, ErrorCode code, const char *says) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = read_text(text, &error);
    g_assert_null(json);
    g_assert_error(error, GENNAKER_ERROR, (gint)code);
    if (strstr(error->message, says) == NULL)
        g_error("expected \"%s\" in \"%s\"", says, error->message);
}

static void test_refuses(void) {
    expect_refused("", ERR_INVALID, "file.yml:1: there is nothing in it");
    expect_refused("a: [\n", ERR_INVALID, "file.yml:2:");
    expect_refused("a: 1\nb: 2\na: 3\n", ERR_INVALID, "file.yml:3: the key a is there twice");
    expect_refused("a: &x 1\nb: *x\n", ERR_INVALID, "file.yml:2: anchors and aliases");
    expect_refused("a: 1\n---\nb: 1\n", ERR_INVALID, "file.yml:2: a second document begins");
    expect_refused("? [a]\n: 1\n", ERR_INVALID, "a key is a text");
    expect_refused("a: \"x\\0y\"\n", ERR_INVALID, "NUL");
    g_autoptr(GString) deep = g_string_new(NULL);
    for (guint i = 0; i <= JSON_DEPTH_INPUT_MAX; i++)
        g_string_append_c(deep, '[');
    expect_refused(deep->str, ERR_LIMIT, "nested too deeply");
}

static void check_lines(const Json *json, const GArray *lines, const char *key, guint line) {
    gsize position = json_position(json, json_get(json_root(json), key));
    g_assert_cmpuint(position, <, lines->len);
    g_assert_cmpuint(g_array_index(lines, guint, position), ==, line);
}

static void test_places(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) lines = NULL;
    const char *yaml = "a: 1\nb:\n  - x\n  - {y: 1}\nc: z\n";
    g_autoptr(Json) json = yaml_read("f", yaml, strlen(yaml), &lines, &error);
    g_assert_no_error(error);
    check_lines(json, lines, "a", 1);
    check_lines(json, lines, "b", 3);
    check_lines(json, lines, "c", 5);
}

static void test_places_in_json(void) {
    g_autoptr(GError) error = NULL;
    const char *text = "{\n \"a\": \"x\\\"\\n{\",\n \"b\": [1,\n true, null],\n\n \"c\": {\"d\": -1e5}\n}";
    g_autoptr(Json) json = json_parse(text, -1, &error);
    g_autoptr(GArray) lines = json_lines(text, strlen(text));
    g_assert_no_error(error);
    check_lines(json, lines, "a", 2);
    check_lines(json, lines, "b", 3);
    check_lines(json, lines, "c", 6);
    g_assert_cmpuint(lines->len, ==, 12);
}

/* Text that is no JSON gives some lines, and never reads beyond its end. */
static void test_places_in_broken_json(void) {
    static const char *const TEXTS[] = {"", "\"", "\"\\", "{\"a", "\\", "[1,", "\xff"};
    for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        g_autofree char *exact = g_strdup(TEXTS[i]);
        g_autoptr(GArray) lines = json_lines(exact, strlen(exact));
        g_assert_cmpuint(lines->len, <=, 3);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/yaml/round-trip", test_round_trip);
    g_test_add_func("/base/yaml/reads", test_reads_what_people_write);
    g_test_add_func("/base/yaml/refuses", test_refuses);
    g_test_add_func("/base/yaml/places", test_places);
    g_test_add_func("/base/yaml/places-json", test_places_in_json);
    g_test_add_func("/base/yaml/places-broken", test_places_in_broken_json);
    return g_test_run();
}
