/* The cache of texts of finished executions. */
#include "api/listed_texts.h"
#include <string.h>

static GBytes *text_of(gsize length) {
    return g_bytes_new_take(g_strnfill(length, 'x'), length);
}

static gboolean has(ListedTexts *texts, const char *id, gint64 version, guint shape) {
    g_autoptr(GBytes) text = listed_texts_get(texts, id, version, shape);
    return text != NULL;
}

static void test_versions_and_shapes(void) {
    ListedTexts *texts = listed_texts_new();
    g_autoptr(GBytes) one = g_bytes_new_static("one", 3), two = g_bytes_new_static("two", 3);
    listed_texts_put(texts, "a", 1, 0, one);
    g_assert_true(has(texts, "a", 1, 0));
    g_assert_false(has(texts, "a", 2, 0));
    g_assert_false(has(texts, "a", 1, 1));
    g_assert_false(has(texts, "b", 1, 0));
    listed_texts_put(texts, "a", 2, 0, two);
    g_assert_false(has(texts, "a", 1, 0));
    g_autoptr(GBytes) found = listed_texts_get(texts, "a", 2, 0);
    g_assert_true(g_bytes_equal(found, two));
    listed_texts_free(texts);
    g_assert_true(g_bytes_equal(found, two));
}

static void test_limits(void) {
    ListedTexts *texts = listed_texts_new();
    g_autoptr(GBytes) largest = text_of(LISTED_TEXT_BYTES_MAX);
    g_autoptr(GBytes) too_large = text_of(LISTED_TEXT_BYTES_MAX + 1);
    listed_texts_put(texts, "large", 1, 0, too_large);
    g_assert_false(has(texts, "large", 1, 0));
    guint n = LISTED_TEXTS_BYTES_MAX / LISTED_TEXT_BYTES_MAX;
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        listed_texts_put(texts, id, 1, 0, largest);
        g_assert_true(has(texts, "0", 1, 0)); /* used again and again: it stays */
    }
    g_assert_false(has(texts, "1", 1, 0));
    g_autofree char *last = g_strdup_printf("%u", n - 1);
    g_assert_true(has(texts, last, 1, 0));
    listed_texts_free(texts);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/texts/versions-and-shapes", test_versions_and_shapes);
    g_test_add_func("/api/texts/limits", test_limits);
    return g_test_run();
}
