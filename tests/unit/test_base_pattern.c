/* Regular expressions of users: Java's rules, and limits. */
#include "base/pattern.h"
#include <string.h>

static void test_full_and_find(void) {
    static const struct {
        const char *pattern, *text;
        gboolean full, find;
    } CASES[] = {
        {"v[0-9]+", "v12", TRUE, TRUE},
        {"v[0-9]+", "v12-rc1", FALSE, TRUE},
        {"a|ab", "ab", TRUE, TRUE},
        {"deploy/.*\\.yml", "deploy/prod/app.yml", TRUE, TRUE},
        {"", "", TRUE, TRUE},
        {"", "x", FALSE, TRUE},
        {"a.b", "a\nb", FALSE, FALSE},
        {"\\p{Alpha}+", "abc", TRUE, TRUE},
        {"\\p{XDigit}{2}", "0g", FALSE, FALSE},
        {"Main", "main", FALSE, FALSE},
        {"(?i)Main", "main", TRUE, TRUE},
        {"\xc3\xbc+", "\xc3\xbc\xc3\xbc", TRUE, TRUE},
        {"[\\w-]+", "a-b_c", TRUE, TRUE},
        {"a", "a\n", FALSE, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s on %s", CASES[i].pattern, CASES[i].text);
        g_assert_cmpint(pattern_matches(CASES[i].pattern, CASES[i].text, PATTERN_FULL, &error), ==, CASES[i].full);
        g_assert_no_error(error);
        g_assert_cmpint(pattern_matches(CASES[i].pattern, CASES[i].text, PATTERN_FIND, &error), ==, CASES[i].find);
        g_assert_no_error(error);
    }
}

static void test_invalid(void) {
    g_autoptr(GError) error = NULL;
    g_assert_false(pattern_matches("a(b", "ab", PATTERN_FULL, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, "a(b"));
    g_assert_false(pattern_matches("[", "x", PATTERN_FULL, NULL));
}

static void expect_limit(const char *pattern, const char *text, const char *named) {
    g_autoptr(GError) error = NULL;
    g_assert_false(pattern_matches(pattern, text, PATTERN_FULL, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
    g_assert_nonnull(strstr(error->message, named));
}

static void test_limits(void) {
    g_autofree char *long_pattern = g_strnfill(PATTERN_LENGTH_MAX + 1, 'a');
    g_autofree char *long_text = g_strnfill(PATTERN_TEXT_MAX + 1, 'a');
    expect_limit(long_pattern, "a", "PATTERN_LENGTH_MAX");
    expect_limit("a*", long_text, "PATTERN_TEXT_MAX");
    expect_limit("(a+)+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!b", "PATTERN_WORK_MAX");
    g_autofree char *nested = g_strnfill(2000, '(');
    g_assert_false(pattern_matches(nested, "a", PATTERN_FULL, NULL));
}

/* Several matches share what they may take. */
static void test_shared_work(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Pattern) pattern = pattern_new("x[0-9]+y", &error);
    g_assert_no_error(error);
    guint64 work = 40;
    guint matched = 0;
    while (pattern_run(pattern, "x1y", PATTERN_FULL, &work, &error))
        matched++;
    g_assert_cmpuint(matched, >, 1);
    g_assert_cmpuint(matched, <, 40);
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/pattern/full-and-find", test_full_and_find);
    g_test_add_func("/base/pattern/invalid", test_invalid);
    g_test_add_func("/base/pattern/limits", test_limits);
    g_test_add_func("/base/pattern/shared-work", test_shared_work);
    return g_test_run();
}
