/* Errors, clock, identifiers. */
#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include <gio/gio.h>
#include <string.h>

static void test_error_codes(void) {
    g_autoptr(GError) ours = NULL;
    error_set(&ours, ERR_CONFLICT, "save %s: version %d exists", "orders", 3);
    g_assert_error(ours, GENNAKER_ERROR, ERR_CONFLICT);
    g_assert_cmpstr(ours->message, ==, "save orders: version 3 exists");
    g_assert_cmpint(error_code(ours), ==, ERR_CONFLICT);
    error_set(NULL, ERR_INVALID, "ignored");
    g_autoptr(GError) file = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");
    g_assert_cmpint(error_code(file), ==, ERR_NOT_FOUND);
    g_autoptr(GError) io = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "slow");
    g_assert_cmpint(error_code(io), ==, ERR_TIMEOUT);
    g_autoptr(GError) other = g_error_new_literal(G_MARKUP_ERROR, 0, "x");
    g_assert_cmpint(error_code(other), ==, ERR_INTERNAL);
    g_assert_cmpint(error_code(NULL), ==, ERR_INTERNAL);
}

static void test_error_outward(void) {
    for (int code = ERR_INVALID; code <= ERR_INTERNAL; code++) {
        const ErrorOutward *row = error_outward((ErrorCode)code);
        g_assert_cmpint(row->code, ==, code);
        g_assert_cmpint(row->http_status, >=, 400);
        g_assert_nonnull(row->http_error);
        g_assert_nonnull(row->exception_type);
        g_assert_cmpint(row->exit_code, >, 0);
    }
    g_assert_cmpint(error_outward((ErrorCode)99)->http_status, ==, 500);
    g_assert_cmpint(error_outward(ERR_NOT_FOUND)->http_status, ==, 404);
    g_assert_true(error_outward(ERR_UNAVAILABLE)->should_retry);
}

static void test_iso8601(void) {
    for (gint64 ms = 1680000000000; ms < 1680000001000; ms++) {
        g_autofree char *text = clock_iso8601(ms);
        g_assert_cmpint(clock_parse_iso8601(text), ==, ms);
    }
    g_autofree char *epoch = clock_iso8601(0);
    g_assert_cmpstr(epoch, ==, "1970-01-01T00:00:00.000Z");
    g_autofree char *before = clock_iso8601(-1);
    g_assert_cmpstr(before, ==, "1969-12-31T23:59:59.999Z");
    g_autofree char *absurd = clock_iso8601(G_MAXINT64);
    g_assert_nonnull(absurd);
    g_assert_cmpint(clock_parse_iso8601("2023-04-07T20:26:46.757+02:00"), ==, 1680892006757);
    g_assert_cmpint(clock_parse_iso8601("2023-04-07T18:26:46Z"), ==, 1680892006000);
    g_assert_cmpint(clock_parse_iso8601("2023-04-07T18:26:46"), ==, -1);
    g_assert_cmpint(clock_parse_iso8601("yesterday"), ==, -1);
    g_assert_cmpint(clock_parse_iso8601(NULL), ==, -1);
}

static void test_clocks(void) {
    const gint64 wall = clock_now_ms(), elapsed = clock_elapsed_ms();
    g_assert_cmpint(wall, >, 1700000000000);
    g_assert_cmpint(clock_elapsed_ms(), >=, elapsed);
}

static void test_durations(void) {
    static const struct {
        gint64 ms;
        const char *text;
    } cases[] = {{0, "0 ms"},       {999, "999 ms"},        {3250, "3.2 s"},   {62000, "1 min 02 s"}, {3725000, "1 h 02 min"},
                 {-1500, "-1.5 s"}, {90000000, "1 d 01 h"}, {G_MININT64, NULL}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = clock_duration_text(cases[i].ms);
        if (cases[i].text != NULL)
            g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_ulid_order(void) {
    g_autofree char *last = id_new_at(1700000000000);
    for (guint i = 0; i < 5000; i++) {
        /* the clock stands still or goes backwards now and then */
        char *next = id_new_at(1700000000000 + i / 100 - i % 3);
        g_assert_cmpuint(strlen(next), ==, ULID_LENGTH);
        g_assert_true(id_is_ulid(next));
        g_assert_cmpstr(last, <, next);
        g_free(last);
        last = next;
    }
    g_autofree char *at = id_new_at(G_GINT64_CONSTANT(1893456000000));
    g_assert_true(g_str_has_prefix(at, "01Q3DCBD00")); /* 2030-01-01 */
}

static gpointer make_ids(gpointer data) {
    GPtrArray *ids = data;
    for (guint i = 0; i < 1000; i++)
        g_ptr_array_add(ids, id_new());
    return NULL;
}

static void test_ulids_of_threads(void) {
    GThread *threads[4];
    GPtrArray *made[4];
    for (guint i = 0; i < 4; i++) {
        made[i] = g_ptr_array_new_with_free_func(g_free);
        threads[i] = g_thread_new("ids", make_ids, made[i]);
    }
    g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < 4; i++) {
        g_thread_join(threads[i]);
        for (guint j = 0; j < made[i]->len; j++)
            g_assert_true(g_hash_table_add(all, made[i]->pdata[j]));
    }
    g_assert_cmpuint(g_hash_table_size(all), ==, 4000);
    for (guint i = 0; i < 4; i++)
        g_ptr_array_unref(made[i]);
}

static void test_is_ulid(void) {
    g_assert_true(id_is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    g_assert_false(id_is_ulid("81ARZ3NDEKTSV4RRFFQ69G5FAV"));
    g_assert_false(id_is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
    g_assert_false(id_is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
    g_assert_false(id_is_ulid(NULL));
}

static void test_ids_from_parts(void) {
    g_autofree char *a = id_from_parts("ab", "c", NULL);
    g_autofree char *same = id_from_parts("ab", "c", NULL);
    g_autofree char *shifted = id_from_parts("a", "bc", NULL);
    g_autofree char *fewer = id_from_parts("abc", NULL);
    g_assert_cmpstr(a, ==, same);
    g_assert_cmpstr(a, !=, shifted);
    g_assert_cmpstr(a, !=, fewer);
    g_assert_cmpuint(strlen(a), ==, 32);
    g_assert_cmpuint(strspn(a, "0123456789abcdef"), ==, 32);
}

static void test_secrets(void) {
    g_autofree char *a = id_secret(32);
    g_autofree char *b = id_secret(32);
    g_assert_cmpuint(strlen(a), ==, 64);
    g_assert_cmpuint(strspn(a, "0123456789abcdef"), ==, 64);
    g_assert_cmpstr(a, !=, b);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/error/codes", test_error_codes);
    g_test_add_func("/base/error/outward", test_error_outward);
    g_test_add_func("/base/clock/iso8601", test_iso8601);
    g_test_add_func("/base/clock/clocks", test_clocks);
    g_test_add_func("/base/clock/durations", test_durations);
    g_test_add_func("/base/ids/ulid-order", test_ulid_order);
    g_test_add_func("/base/ids/ulid-threads", test_ulids_of_threads);
    g_test_add_func("/base/ids/is-ulid", test_is_ulid);
    g_test_add_func("/base/ids/from-parts", test_ids_from_parts);
    g_test_add_func("/base/ids/secrets", test_secrets);
    return g_test_run();
}
