/* JSONPath: what each form finds, what is one value and what a list, and the limits. */
#include "base/json_path.h"
#include <string.h>

static const char DOCUMENT[] = "{\"store\": {\"book\": [{\"title\": \"a\", \"price\": 8, \"tags\": [\"x\", \"y\"]}, {\"title\": \"b\", "
                               "\"price\": 12.5, \"isbn\": null},"
                               " {\"title\": \"c\", \"price\": 20, \"isbn\": \"1\"}], \"bike\": {\"price\": 19}}, \"a b\": {\"it's\": 1}, "
                               "\"limit\": 12, \"text\": \"hello\","
                               " \"n\": \"8\", \"deep\": [[1], [2, [3]]], \"empty\": [], \"x-y\": true}";

static const struct {
    const char *path, *found; /* NULL: nowhere */
} CASES[] = {
    {"$", NULL /* checked apart */},
    {"$.limit", "12"},
    {"limit", "12"},
    {" $.limit ", "12"},
    {"$.x-y", "true"},
    {"$['a b']['it\\'s']", "1"},
    {"$[\"a b\"][\"it's\"]", "1"},
    {"a b", ""},
    {"$.store.book[0].title", "\"a\""},
    {"$.store.book[-1].title", "\"c\""},
    {"$.store.book[3].title", NULL},
    {"$.store.book[0,2].title", "[\"a\",\"c\"]"},
    {"$.store.book[1:].title", "[\"b\",\"c\"]"},
    {"$.store.book[:2].title", "[\"a\",\"b\"]"},
    {"$.store.book[-2:].title", "[\"b\",\"c\"]"},
    {"$.store.book[0:-1].title", "[\"a\",\"b\"]"},
    {"$.store.book[*].price", "[8,12.5,20]"},
    {"$.store.*.price", "[19]"},
    {"$..price", "[8,12.5,20,19]"},
    {"$..book[0].title", "[\"a\"]"},
    {"$.deep..[0]", "[[1],1,2,3]"},
    {"$.store.book[1].isbn", "null"},
    {"$.store.book[0].isbn", NULL},
    {"$.store.book[*].isbn", "[null,\"1\"]"},
    {"$.nowhere", NULL},
    {"$.nowhere[*]", NULL},
    {"$.text.more", NULL},
    {"$.text[0]", NULL},
    {"$.empty[*]", "[]"},
    {"$.store.bike['price','none']", "{\"price\":19}"},
    {"$['limit','text']", "{\"limit\":12,\"text\":\"hello\"}"},
    {"$.store['bike','none'].price", "[19]"},
    {"$.store.book[?(@.price < 13)].title", "[\"a\",\"b\"]"},
    {"$.store.book[?(@.price<=$.limit)].title", "[\"a\"]"},
    {"$.store.book[?(@.title == 'b' || @.price == 20)].title", "[\"b\",\"c\"]"},
    {"$.store.book[?(@.isbn && @.price > 15)].title", "[\"c\"]"},
    {"$.store.book[?(@.isbn)].title", "[\"b\",\"c\"]"},
    {"$.store.book[?(!@.isbn)].title", "[\"a\"]"},
    {"$.store.book[?(!(@.price > 10))].title", "[\"a\"]"},
    {"$.store.book[?(@.isbn == null)].title", "[\"b\"]"},
    {"$.store.book[?(@.isbn != null)].title", "[\"a\",\"c\"]"},
    {"$.store.book[?(@.title =~ /[AB]/i)].title", "[\"a\",\"b\"]"},
    {"$.store.book[?(@.title in ['a', 'c'])].price", "[8,20]"},
    {"$.store.book[?(@.title nin ['a', 'c'])].price", "[12.5]"},
    {"$.store.book[?(@.tags contains 'y')].title", "[\"a\"]"},
    {"$.store.book[?(@.tags size 2)].title", "[\"a\"]"},
    {"$.store.book[?(@.tags empty false)].title", "[\"a\"]"},
    {"$.store.book[?(@.tags subsetof ['x','y','z'])].title", "[\"a\"]"},
    {"$.store.book[?(@.tags anyof ['x','q'])].title", "[\"a\"]"},
    {"$.store.book[?(@.tags noneof ['q'])].title", "[\"a\"]"},
    {"$.store.book[?(@.tags.length() == 2)].title", "[\"a\"]"},
    {"$.store.book[?(@.price == '8')].title", "[\"a\"]"},
    {"$.store.book[?('8' == @.price)].title", "[\"a\"]"},
    {"$.store.book[?(@.title < 1)].title", "[]"},
    {"$.store.bike[?(@.price == 19)]", "[{\"price\":19}]"},
    {"$.store.book.length()", "3"},
    {"$.store.book.size()", "3"},
    {"$.store.bike.keys()", "[\"price\"]"},
    {"$.text.length()", NULL},
    {"$..price.length()", "4"},
    {"$..price.max()", "20"},
    {"$..price.sum()", "59.5"},
    {"$.deep.first()", "[1]"},
    {"$.deep[*].length()", "[1,2]"},
    {"$.store.book[-1].isbn", "\"1\""},
};

static void test_reading(void) {
    g_autoptr(Json) document = json_parse(DOCUMENT, -1, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", CASES[i].path);
        g_autoptr(Json) found = json_path_find(CASES[i].path, json_root(document), &error);
        if (strcmp(CASES[i].path, "$") == 0) {
            g_assert_true(json_equal(json_root(found), json_root(document)));
            continue;
        }
        if (CASES[i].found == NULL || *CASES[i].found == '\0') {
            g_assert_null(found);
            g_assert_cmpint(error_code(error), ==, CASES[i].found == NULL ? ERR_NOT_FOUND : ERR_INVALID);
            continue;
        }
        g_assert_no_error(error);
        g_autoptr(Json) expected = json_parse(CASES[i].found, -1, NULL);
        g_autofree char *text = json_write(json_root(found), NULL);
        g_test_message("  %s", text);
        g_assert_true(json_equal(json_root(found), json_root(expected)));
    }
}

static void test_definite(void) {
    static const struct {
        const char *path;
        gboolean definite;
    } PATHS[] = {{"$.a.b[0]['c']", TRUE}, {"$.a[-1]", TRUE},       {"$.a[*]", FALSE},      {"$..a", FALSE},
                 {"$.a[0,1]", FALSE},     {"$.a[0:1]", FALSE},     {"$.a[?(@.b)]", FALSE}, {"$.a.length()", TRUE},
                 {"$['a','b']", TRUE},    {"$['a','b'].c", FALSE}, {"$..a.length()", TRUE}};
    for (gsize i = 0; i < G_N_ELEMENTS(PATHS); i++) {
        g_autoptr(JsonPath) path = json_path_new(PATHS[i].path, NULL);
        g_test_message("%s", PATHS[i].path);
        g_assert_cmpint(json_path_is_definite(path), ==, PATHS[i].definite);
    }
}

static void test_bad_paths(void) {
    static const char *const BAD[] = {"",
                                      "$.",
                                      "$..",
                                      "$a",
                                      "$.a[",
                                      "$.a[]",
                                      "$.a['b",
                                      "$.a[0",
                                      "$.a[x]",
                                      "$.a b",
                                      "$.a[?@.b]",
                                      "$.a[?(@.b]",
                                      "$.a[?(@.b ==)]",
                                      "$.a[?('x')]",
                                      "$.a.no()",
                                      "$.a[?(@.b =~ /x)]",
                                      "$.a[?(@.b =~ /(/)]",
                                      "$.a[99999999999]",
                                      "$.a.length().b",
                                      "$['a',]",
                                      "$.a[?()]",
                                      "$.a[?(@.b in ['x')]",
                                      "$.a['\\u12']",
                                      "\xff",
                                      "$.a.length(1)"};
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", BAD[i]);
        g_assert_null(json_path_new(BAD[i], &error));
        g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    }
}

static void expect_limit(const char *path, const JsonValue *document) {
    g_autoptr(GError) error = NULL;
    g_assert_null(json_path_find(path, document, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
}

static char *repeated(const char *before, const char *text, guint times, const char *after) {
    GString *all = g_string_new(before);
    for (guint i = 0; i < times; i++)
        g_string_append(all, text);
    g_string_append(all, after);
    return g_string_free(all, FALSE);
}

static void test_limits(void) {
    g_autoptr(Json) document = json_parse(DOCUMENT, -1, NULL);
    g_autofree char *longer = repeated("$.", "a", JSON_PATH_LENGTH_MAX, "");
    g_autofree char *steps = repeated("$", ".a", JSON_PATH_STEPS_MAX + 1, "");
    g_autofree char *nested = repeated("$[?(", "(", JSON_PATH_NESTING_MAX, "@.a");
    g_autofree char *refused = repeated("$[?(", "!", JSON_PATH_NESTING_MAX, "@.a)]");
    g_autofree char *row = repeated("$[?(@.a", "&&@.a", JSON_PATH_STEPS_MAX, ")]");
    expect_limit(longer, json_root(document));
    expect_limit(steps, json_root(document));
    expect_limit(nested, json_root(document));
    expect_limit(refused, json_root(document));
    expect_limit(row, json_root(document));
    g_autofree char *many_text = repeated("[0", ",1", JSON_PATH_RESULTS_MAX, "]");
    g_autoptr(Json) many = json_parse(many_text, -1, NULL);
    expect_limit("$[*]", json_root(many));
    g_autofree char *deep_text = repeated("", "[[],", 200, "[]");
    g_autofree char *deep_end = repeated(deep_text, "]", 200, "");
    g_autoptr(Json) deep = json_parse(deep_end, -1, NULL);
    expect_limit("$..*..*..*..*..*.x", json_root(deep));
    expect_limit("$[?(@..*..*..*..x)]", json_root(deep));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json_path/reading", test_reading);
    g_test_add_func("/base/json_path/definite", test_definite);
    g_test_add_func("/base/json_path/bad_paths", test_bad_paths);
    g_test_add_func("/base/json_path/limits", test_limits);
    return g_test_run();
}
