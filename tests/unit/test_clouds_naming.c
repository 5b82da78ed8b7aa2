/* Names of server groups, beside the vectors: what they do not reach. */
#include "clouds/moniker.h"
#include <string.h>

static void test_refused_names(void) {
    g_autoptr(GError) error = NULL;
    g_assert_null(naming_server_group("or ders", 1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_assert_null(naming_server_group("orders", NAMING_SEQUENCE_MAX, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_assert_null(naming_server_group("orders", -1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_assert_false(naming_check("", "prod", NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_autofree char *odd = naming_server_group("orders-prod-", 7, NULL); /* a trailing hyphen is part of the cluster */
    g_assert_cmpstr(odd, ==, "orders-prod--v007");
    g_assert_null(naming_successor("or ders"));
    g_assert_null(naming_successor(""));
}

static void test_all_taken(void) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(NamedGroup));
    for (gint i = 0; i < NAMING_SEQUENCE_MAX; i++) {
        const NamedGroup group = {g_strdup_printf("web-v%03d", i), i};
        g_ptr_array_add(names, (gpointer)group.name);
        g_array_append_val(groups, group);
    }
    const NamedGroup *all = (const NamedGroup *)(const void *)groups->data;
    g_autoptr(GError) error = NULL;
    g_assert_null(naming_next("web", all, groups->len, 0, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_autofree char *last = naming_next("web", all, groups->len - 1, 0, NULL); /* 999 is free */
    g_assert_cmpstr(last, ==, "web-v999");
    g_autofree char *other = naming_next("web-prod", all, groups->len, 0, NULL); /* they are of another cluster */
    g_assert_cmpstr(other, ==, "web-prod-v000");
}

static void test_candidates_wrap(void) {
    const NamedGroup groups[] = {{"web-v998", 5}, {"web", 1}};
    g_autofree char *first = naming_next("web", groups, 2, 0, NULL), *second = naming_next("web", groups, 2, 1, NULL);
    g_assert_cmpstr(first, ==, "web-v999");
    g_assert_cmpstr(second, ==, "web-v000");
}

static void test_bad_sequence(void) {
    g_autoptr(Json) tags = json_pack("{s:s}", "moniker.spinnaker.io/sequence", "x");
    g_auto(Moniker) moniker = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(moniker_derive(&moniker_ecs, "web-v001", NULL, json_root(tags), &moniker, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_true(moniker_derive(&moniker_lambda, "web-v001", NULL, json_root(tags), &moniker, NULL));
    g_assert_cmpint(moniker.sequence, ==, -1);
}

static void test_labels_and_shards(void) {
    char *labels[NAMING_LABELS];
    naming_labels("web-prod-u0abc0de-v001", labels);
    g_assert_cmpstr(labels[NAMING_LABEL_USED_BY], ==, "abc0de");
    g_assert_cmpstr(labels[NAMING_LABEL_COUNTRIES], ==, "de"); /* searched as text, as in the reference */
    for (guint i = 0; i < NAMING_LABELS; i++)
        g_free(labels[i]);
    g_assert_true(naming_is_reserved("v248"));
    g_assert_false(naming_is_reserved("v22"));
    g_assert_false(naming_is_reserved("random-abc0de"));
    g_assert_true(naming_is_reserved("random-c0de-junk"));
    g_assert_false(naming_is_reserved("c0-x"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/naming/refused", test_refused_names);
    g_test_add_func("/naming/all-taken", test_all_taken);
    g_test_add_func("/naming/candidates-wrap", test_candidates_wrap);
    g_test_add_func("/naming/bad-sequence", test_bad_sequence);
    g_test_add_func("/naming/labels-and-shards", test_labels_and_shards);
    return g_test_run();
}
