/* Units and their commits: all or nothing, isolation within a group, order, limits, changes. */
#include "store_testing.h"

static const StoreStatement PUT = {"test.put", "INSERT INTO counters (name, value) VALUES ($2, $1)"};
static const StoreStatement ADD = {"test.add", "UPDATE counters SET value = value + $2 WHERE name = $1"};
static const StoreStatement COUNT = {"test.count", "SELECT count(*) FROM counters WHERE name LIKE 't%' AND name <> 'trigger_events'"};
static const StoreStatement SUM = {"test.sum", "SELECT sum(value) FROM counters WHERE name LIKE 't%' AND name <> 'trigger_events'"};
static const StoreStatement BROKEN = {"test.broken", "INSERT INTO nowhere (x) VALUES (1)"};

static StoreUnit *unit_put(const char *name, gint64 value) {
    StoreUnit *unit = store_unit_new();
    store_unit_add(unit, &PUT, (StoreValue[]){SV_INT(value), SV_TEXT(name)}, 2);
    return unit;
}

static Store *open_in_memory(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    return store;
}

static void test_commit_and_read(void) {
    Store *store = open_in_memory();
    commit_ok(store, unit_put("t1", 7));
    g_assert_cmpint(query_int(store, &SUM), ==, 7);
    commit_ok(store, store_unit_new()); /* empty */
    assert_commit_fails(store, unit_put("t1", 8), ERR_CONFLICT);
    g_assert_cmpint(query_int(store, &SUM), ==, 7);
    StoreStatistics statistics;
    store_statistics(store, &statistics);
    g_assert_cmpuint(statistics.units, ==, 3);
    g_assert_cmpuint(statistics.units_failed, ==, 1);
    g_assert_cmpfloat(statistics.commit_p99_ms, >, 0);
    g_assert_true(store_has_room(store));
    g_assert_false(store_is_behind(store));
    store_close(store);
}

static void test_unit_is_whole(void) {
    Store *store = open_in_memory();
    StoreUnit *unit = unit_put("t1", 1);
    store_unit_require(unit, &ADD, (StoreValue[]){SV_TEXT("absent"), SV_INT(1)}, 2, "absent is absent");
    g_autoptr(GError) error = NULL;
    g_assert_false(store_commit(store, unit, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    g_assert_cmpstr(error->message, ==, "absent is absent");
    unit = unit_put("t2", 1);
    store_unit_add(unit, &BROKEN, NULL, 0);
    assert_commit_fails(store, unit, ERR_INTERNAL);
    g_assert_cmpint(query_int(store, &COUNT), ==, 0);
    store_close(store);
}

typedef struct {
    gint outcome[8]; /* 0: not yet, 1: durable, else -code */
    guint order[8], next;
} Outcomes;

typedef struct {
    Outcomes *outcomes;
    guint at;
} Sender;

static void sender_done(const GError *error, gpointer data) {
    g_autofree Sender *sender = data;
    sender->outcomes->outcome[sender->at] = error == NULL ? 1 : -(gint)error_code(error);
    sender->outcomes->order[sender->outcomes->next++] = sender->at;
}

static void submit_as(Store *store, StoreUnit *unit, Outcomes *outcomes, guint at) {
    Sender *sender = g_new(Sender, 1);
    *sender = (Sender){outcomes, at};
    store_submit(store, unit, sender_done, sender);
}

/* Of one group, the units whose condition fails are rolled back alone; later ones see what earlier ones wrote. */
static void test_conflicts_in_one_group(void) {
    Store *store = open_in_memory();
    Outcomes outcomes = {0};
    StoreStatistics before, after;
    store_statistics(store, &before);
    committer_hold(store->committer);
    submit_as(store, unit_put("t0", 1), &outcomes, 0);
    StoreUnit *unit = unit_put("t1", 10);
    store_unit_require(unit, &ADD, (StoreValue[]){SV_TEXT("absent"), SV_INT(1)}, 2, "no");
    submit_as(store, unit, &outcomes, 1);
    unit = store_unit_new();
    store_unit_require(unit, &ADD, (StoreValue[]){SV_TEXT("t0"), SV_INT(5)}, 2, "no");
    submit_as(store, unit, &outcomes, 2);
    submit_as(store, unit_put("t0", 1), &outcomes, 3);
    unit = unit_put("t4", 100);
    store_unit_add(unit, &BROKEN, NULL, 0);
    submit_as(store, unit, &outcomes, 4);
    submit_as(store, unit_put("t5", 1000), &outcomes, 5);
    submit_as(store, store_unit_new(), &outcomes, 6);
    committer_go(store->committer);
    commit_ok(store, unit_put("t7", 10000));
    store_statistics(store, &after);
    const gint expected[] = {1, -ERR_CONFLICT, 1, -ERR_CONFLICT, -ERR_INTERNAL, 1, 1};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_cmpint(outcomes.outcome[i], ==, expected[i]);
        g_assert_cmpuint(outcomes.order[i], ==, i);
    }
    g_assert_cmpint(query_int(store, &SUM), ==, 11006);
    g_assert_cmpuint(after.commits - before.commits, <=, 2);
    store_close(store);
}

#define THREADS 16
#define UNITS_EACH 200

static gpointer submit_many(gpointer data) {
    Store *store = data;
    for (guint i = 0; i < UNITS_EACH; i++) {
        g_autofree char *name = g_strdup_printf("t%p-%u", (void *)g_thread_self(), i);
        commit_ok(store, unit_put(name, 1));
        StoreUnit *unit = store_unit_new();
        store_unit_require(unit, &ADD, (StoreValue[]){SV_TEXT("tsum"), SV_INT(1)}, 2, "no");
        if (i % 10 == 0)
            store_unit_add(unit, &PUT, (StoreValue[]){SV_INT(1), SV_TEXT(name)}, 2); /* there already */
        g_autoptr(GError) error = NULL;
        g_assert_true(store_commit(store, unit, &error) == (i % 10 != 0));
        g_assert_cmpint(query_int(store, &COUNT), >, (gint64)i);
    }
    return NULL;
}

static void test_many_threads(void) {
    Store *store = open_in_memory();
    commit_ok(store, unit_put("tsum", 0));
    GThread *threads[THREADS];
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("submitter", submit_many, store);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(query_int(store, &COUNT), ==, 1 + THREADS * UNITS_EACH);
    g_assert_cmpint(query_int(store, &SUM), ==, THREADS * UNITS_EACH + THREADS * UNITS_EACH * 9 / 10);
    store_close(store);
}

static void count_done(const GError *error, gpointer data) {
    (void)error;
    (*(guint *)data)++;
}

static void test_close_writes_what_waits(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    guint done = 0;
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *name = g_strdup_printf("t%u", i);
        store_submit(store, unit_put(name, 1), count_done, &done);
    }
    store_close(store);
    g_assert_cmpuint(done, ==, 3000);
    store = store_open_at(folder);
    g_assert_cmpint(query_int(store, &COUNT), ==, 3000);
    store_close(store);
    remove_tree(folder);
}

static void unavailable_done(const GError *error, gpointer data) {
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    (*(guint *)data)++;
}

static void test_full_queue(void) {
    Store *store = open_in_memory();
    guint done = 0, refused = 0;
    committer_hold(store->committer);
    for (guint i = 0; i < STORE_QUEUE_MAX; i++)
        store_submit(store, store_unit_new(), count_done, &done);
    gint64 begun_us = g_get_monotonic_time();
    store_submit(store, store_unit_new(), unavailable_done, &refused);
    g_assert_cmpint(g_get_monotonic_time() - begun_us, >=, STORE_QUEUE_WAIT_MS * 900);
    g_assert_cmpuint(refused, ==, 1);
    g_assert_true(store_is_behind(store));
    committer_go(store->committer);
    commit_ok(store, store_unit_new());
    g_assert_cmpuint(done, ==, STORE_QUEUE_MAX);
    g_assert_false(store_is_behind(store));
    store_close(store);
}

static void test_queue_bytes(void) {
    Store *store = open_in_memory();
    guint done = 0, refused = 0;
    gsize size = STORE_QUEUE_BYTES_MAX / 4;
    g_autofree char *text = g_malloc0(size);
    committer_hold(store->committer);
    for (guint i = 0; i < 4; i++) {
        StoreUnit *unit = store_unit_new();
        store_unit_add(unit, &PUT, (StoreValue[]){SV_INT(1), SV_BYTES(text, size - 1000)}, 2);
        store_submit(store, unit, count_done, &done);
    }
    StoreUnit *unit = store_unit_new();
    store_unit_add(unit, &PUT, (StoreValue[]){SV_INT(1), SV_BYTES(text, size)}, 2);
    store_submit(store, unit, unavailable_done, &refused);
    g_assert_cmpuint(refused, ==, 1);
    committer_go(store->committer);
    store_close(store);
    g_assert_cmpuint(done, ==, 4);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static gboolean values_each(const StoreRow *row, gpointer data) {
    (void)data;
    gsize length = 0;
    g_assert_cmpint(store_row_int(row, 0), ==, G_MININT64);
    g_assert_cmpstr(store_row_text(row, 1), ==, "täxt");
    const char *bytes = store_row_bytes(row, 2, &length);
    g_assert_true(length == 3 && memcmp(bytes, "a\0b", 3) == 0);
    g_assert_null(store_row_text(row, 3));
    return TRUE;
}

static void test_values(void) {
    static const StoreStatement ECHO = {"test.echo", "SELECT $4, $1, $2, $3"};
    Store *store = open_in_memory();
    g_autoptr(GError) error = NULL;
    store_query(store, &ECHO, (StoreValue[]){SV_TEXT("täxt"), SV_BYTES("a\0b", 3), SV_TEXT(NULL), SV_INT(G_MININT64)}, 4, values_each, NULL,
                &error);
    g_assert_no_error(error);
    store_close(store);
}

static void test_read_takes_too_long(void) {
    static const StoreStatement ENDLESS = {"test.endless",
                                           "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"};
    Store *store = open_in_memory();
    g_autoptr(GError) error = NULL;
    gint64 begun_us = g_get_monotonic_time(), value = 0;
    g_assert_false(store_query(store, &ENDLESS, NULL, 0, testing_int_each, &value, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
    g_assert_cmpint(g_get_monotonic_time() - begun_us, >=, STORE_READ_MS * 1000);
    g_assert_cmpint(query_int(store, &COUNT), ==, 0); /* the connection is as good as new */
    store_close(store);
}

static void test_readers_are_bounded(void) {
    Store *store = open_in_memory();
    g_autoptr(GPtrArray) held = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    for (Reader *reader; (reader = reader_borrow(store, &error)) != NULL;)
        g_ptr_array_add(held, reader);
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    g_assert_cmpuint(held->len, ==, 16);
    for (guint i = 0; i < held->len; i++)
        reader_return(g_ptr_array_index(held, i));
    g_assert_cmpint(query_int(store, &COUNT), ==, 0);
    store_close(store);
}

/* A reader that began before a commit does not see it, and does not hinder it. */
static void test_reader_has_one_view(void) {
    Store *store = open_in_memory();
    g_autoptr(GError) error = NULL;
    Reader *reader = reader_borrow(store, &error);
    gint64 count = -1;
    g_assert_true(reader_begin(reader, &error));
    g_assert_true(reader_run(reader, &COUNT, NULL, 0, testing_int_each, &count, &error));
    g_assert_cmpint(count, ==, 0);
    commit_ok(store, unit_put("t1", 1));
    g_assert_true(reader_run(reader, &COUNT, NULL, 0, testing_int_each, &count, &error));
    g_assert_cmpint(count, ==, 0);
    reader_return(reader);
    g_assert_cmpint(query_int(store, &COUNT), ==, 1);
    store_close(store);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static void change_append(const StoreChangeEvent *event, gpointer data) {
    GString *text = data;
    g_string_append_printf(text, "%s%s/%s/%s/%s/%" G_GINT64_FORMAT "/%s", text->len > 0 ? " " : "", event->change.kind, event->change.id,
                           event->change.application, event->change.status, event->change.version, event->change.detail);
}

static StoreUnit *unit_change(const char *id, gint64 version) {
    StoreUnit *unit = store_unit_new();
    store_unit_change(unit, &(StoreChange){.kind = "pipeline", .id = id, .application = "app", .version = version, .detail = "{}"});
    return unit;
}

static void test_changes(void) {
    Store *store = open_in_memory();
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autofree char *start = store_last_event_id(store);
    g_assert_true(g_str_has_prefix(start, "1-"));
    g_assert_true(g_str_has_suffix(start, ":0"));
    guint id = store_listen(store, change_append, heard);
    commit_ok(store, unit_change("a", 1));
    StoreUnit *failing = unit_change("never", 1);
    store_unit_add(failing, &BROKEN, NULL, 0);
    assert_commit_fails(store, failing, ERR_INTERNAL);
    store_publish(store, &(StoreChange){.kind = "inventory", .id = "b", .status = "SEEN"});
    g_assert_cmpstr(heard->str, ==, "pipeline/a/app/(null)/1/{} inventory/b/(null)/SEEN/0/(null)");
    store_unlisten(store, id);
    g_autofree char *middle = store_last_event_id(store);
    commit_ok(store, unit_change("c", 2));
    g_assert_cmpstr(heard->str, ==, "pipeline/a/app/(null)/1/{} inventory/b/(null)/SEEN/0/(null)");

    g_string_set_size(heard, 0);
    g_assert_true(store_changes_since(store, middle, change_append, heard));
    g_assert_cmpstr(heard->str, ==, "pipeline/c/app/(null)/2/{}");
    g_string_set_size(heard, 0);
    g_assert_true(store_changes_since(store, start, change_append, heard));
    g_assert_cmpuint(strlen(heard->str), >, 60);
    g_autofree char *last = store_last_event_id(store), *list = g_strdup_printf("9-1:4, %s", last);
    g_string_set_size(heard, 0);
    g_assert_true(store_changes_since(store, last, change_append, heard));
    g_assert_true(store_changes_since(store, list, change_append, heard));
    const char *unknown[] = {"", "x", "9-1:4", "1-99:1", "1-1:4000", "1-1:", "1-1:-1"};
    for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++)
        g_assert_false(store_changes_since(store, unknown[i], change_append, heard));
    g_assert_cmpuint(heard->len, ==, 0);
    store_close(store);
}

static void test_listen_since(void) {
    Store *store = open_in_memory();
    g_autoptr(GString) heard = g_string_new(NULL);
    gboolean complete = FALSE;
    g_autofree char *start = store_last_event_id(store);
    store_publish(store, &(StoreChange){.kind = "k", .id = "a"});
    guint first = store_listen_since(store, start, change_append, heard, &complete);
    g_assert_true(complete);
    store_publish(store, &(StoreChange){.kind = "k", .id = "b"});
    g_assert_cmpstr(heard->str, ==, "k/a/(null)/(null)/0/(null) k/b/(null)/(null)/0/(null)");
    store_unlisten(store, first);
    g_string_set_size(heard, 0);
    store_listen_since(store, "1-77:3", change_append, heard, &complete);
    g_assert_false(complete);
    store_publish(store, &(StoreChange){.kind = "k", .id = "c"});
    g_assert_cmpstr(heard->str, ==, "k/c/(null)/(null)/0/(null)");
    store_close(store);
}

static void number_count(const StoreChangeEvent *event, gpointer data) {
    (void)event;
    (*(guint *)data)++;
}

static void test_changes_are_bounded(void) {
    Store *store = open_in_memory();
    guint seen = 0;
    g_autofree char *start = store_last_event_id(store);
    store_publish(store, &(StoreChange){.kind = "k", .id = "0"});
    g_autofree char *second = store_last_event_id(store);
    for (guint i = 0; i < STORE_CHANGES_KEPT; i++)
        store_publish(store, &(StoreChange){.kind = "k", .id = "x"});
    g_assert_false(store_changes_since(store, start, number_count, &seen));
    g_assert_true(store_changes_since(store, second, number_count, &seen));
    g_assert_cmpuint(seen, ==, STORE_CHANGES_KEPT);
    store_publish(store, &(StoreChange){.kind = "k", .id = "x"});
    g_assert_false(store_changes_since(store, second, number_count, &seen));

    g_autofree char *third = store_last_event_id(store), *large = g_strnfill(STORE_CHANGES_KEPT_BYTES / 4, 'x');
    for (guint i = 0; i < 4; i++)
        store_publish(store, &(StoreChange){.kind = "k", .id = "x", .detail = large});
    g_assert_false(store_changes_since(store, third, number_count, &seen));
    store_close(store);
}

static void test_epochs_differ(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    store_publish(store, &(StoreChange){.kind = "k", .id = "0"});
    g_autofree char *old = store_last_event_id(store);
    store_close(store);
    store = store_open_at(folder);
    guint seen = 0;
    g_assert_false(store_changes_since(store, old, number_count, &seen));
    store_close(store);
    remove_tree(folder);
}

/* Above its limit the log is shortened while commits and reads go on. */
static void test_log_is_moved(void) {
    g_autofree char *folder = folder_new(), *log = g_build_filename(folder, "gennaker.db-wal", NULL);
    Store *store = store_open_at(folder);
    g_autofree char *text = g_strnfill(1 << 20, 'x');
    static const StoreStatement REPLACE = {"test.replace", "INSERT INTO shared_values (hash, body) VALUES ('x', $1) ON CONFLICT (hash) DO "
                                                           "UPDATE SET body = excluded.body"};
    for (guint i = 0; i < 300; i++) {
        StoreUnit *unit = store_unit_new();
        memset(text, 'a' + (int)i % 26, 1 << 20); /* pages that do not change are not written */
        store_unit_add(unit, &REPLACE, (StoreValue[]){SV_BYTES(text, 1 << 20)}, 1);
        commit_ok(store, unit);
    }
    StoreStatistics statistics;
    store_statistics(store, &statistics);
    g_assert_cmpuint(statistics.wal_bytes, >, (guint64)300 << 20);
    GStatBuf info;
    g_assert_cmpint(g_stat(log, &info), ==, 0);
    g_assert_cmpint(info.st_size, <, (goffset)290 << 20);
    store_close(store);
    g_assert_cmpint(g_stat(log, &info), !=, 0); /* gone with the last connection */
    remove_tree(folder);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/commit/and-read", test_commit_and_read);
    g_test_add_func("/store/commit/whole", test_unit_is_whole);
    g_test_add_func("/store/commit/conflicts-in-one-group", test_conflicts_in_one_group);
    g_test_add_func("/store/commit/threads", test_many_threads);
    g_test_add_func("/store/commit/close", test_close_writes_what_waits);
    g_test_add_func("/store/commit/full-queue", test_full_queue);
    g_test_add_func("/store/commit/queue-bytes", test_queue_bytes);
    g_test_add_func("/store/commit/log", test_log_is_moved);
    g_test_add_func("/store/read/values", test_values);
    g_test_add_func("/store/read/too-long", test_read_takes_too_long);
    g_test_add_func("/store/read/bounded", test_readers_are_bounded);
    g_test_add_func("/store/read/one-view", test_reader_has_one_view);
    g_test_add_func("/store/changes/listen", test_changes);
    g_test_add_func("/store/changes/listen-since", test_listen_since);
    g_test_add_func("/store/changes/bounded", test_changes_are_bounded);
    g_test_add_func("/store/changes/epochs", test_epochs_differ);
    return g_test_run();
}
