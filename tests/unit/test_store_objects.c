/* Objects: saving with versions, history, the index in memory and its cache; operations and their lines. */
#include "base/json.h"
#include "store/object_index.h"
#include "store/objects.h"
#include "store/operations.h"
#include "store_testing.h"

static Store *open_in_memory(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    return store;
}

static StoreUnit *unit_save(const char *kind, const char *id, const char *application, const char *name, gint64 n, gint64 expected) {
    g_autoptr(Json) body = json_pack("{s:i}", "n", n);
    StoreObject object = {
        .kind = kind, .id = id, .application = application, .name = name, .updated_ms = n, .updated_by = "me", .body = body};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, expected, TRUE);
    return unit;
}

static gboolean object_append(const StoreObject *object, gpointer data) {
    g_string_append_printf(data, "%s%s/%s/%s=%" G_GINT64_FORMAT "@%" G_GINT64_FORMAT, ((GString *)data)->len > 0 ? " " : "",
                           object->application, object->name, object->id, json_get_int(json_root(object->body), "n", -1), object->version);
    return TRUE;
}

static void assert_objects(Store *store, const char *kind, const char *application, const char *name, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    store_objects_each(store, kind, application, name, object_append, text, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==, expected);
}

static void assert_object(Store *store, const char *kind, const char *id, gint64 version, gint64 n, gint64 created_ms) {
    StoreObject object;
    g_autoptr(GError) error = NULL;
    store_object_load(store, kind, id, &object, &error);
    g_assert_no_error(error);
    g_assert_cmpint(object.version, ==, version);
    g_assert_cmpint(object.created_ms, ==, created_ms);
    g_assert_cmpint(object.updated_ms, ==, n);
    g_assert_cmpint(json_get_int(json_root(object.body), "n", -1), ==, n);
    g_assert_cmpstr(object.updated_by, ==, "me");
    store_object_clear(&object);
}

static void assert_no_object(Store *store, const char *kind, const char *id) {
    StoreObject object;
    g_autoptr(GError) error = NULL;
    g_assert_false(store_object_load(store, kind, id, &object, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
}

static void test_versions(void) {
    Store *store = open_in_memory();
    commit_ok(store, unit_save("pipeline", "p", "app", "deploy", 10, 0));
    assert_object(store, "pipeline", "p", 1, 10, 10);
    assert_commit_fails(store, unit_save("pipeline", "p", "app", "deploy", 11, 0), ERR_CONFLICT);
    assert_commit_fails(store, unit_save("pipeline", "p", "app", "deploy", 11, 2), ERR_CONFLICT);
    commit_ok(store, unit_save("pipeline", "p", "app", "deploy", 12, 1));
    assert_object(store, "pipeline", "p", 2, 12, 10);
    commit_ok(store, unit_save("pipeline", "p", "other", "renamed", 13, -1));
    assert_object(store, "pipeline", "p", 3, 13, 10);
    assert_objects(store, "pipeline", "app", NULL, "");
    assert_objects(store, "pipeline", "other", NULL, "other/renamed/p=13@3");
    commit_ok(store, unit_save("strategy", "p", NULL, NULL, 1, -1));
    assert_object(store, "strategy", "p", 1, 1, 1);
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, "pipeline", "p", 2);
    assert_commit_fails(store, unit, ERR_CONFLICT);
    unit = store_unit_new();
    store_object_delete(unit, "pipeline", "p", 3);
    commit_ok(store, unit);
    assert_no_object(store, "pipeline", "p");
    unit = store_unit_new();
    store_object_delete(unit, "pipeline", "p", -1);
    commit_ok(store, unit);
    commit_ok(store, unit_save("pipeline", "p", "app", "deploy", 20, 0));
    assert_object(store, "pipeline", "p", 1, 20, 20);
    store_close(store);
}

static void test_lists(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    commit_ok(store, unit_save("pipeline", "3", "b", "x", 3, 0));
    commit_ok(store, unit_save("pipeline", "1", "a", "y", 1, 0));
    commit_ok(store, unit_save("pipeline", "2", "a", "x", 2, 0));
    commit_ok(store, unit_save("pipeline", "4", NULL, NULL, 4, 0));
    commit_ok(store, unit_save("pipeline", "0", "a", "x", 0, 0));
    commit_ok(store, unit_save("aaa", "0", "a", "x", 7, 0));
    commit_ok(store, unit_save("zzz", "0", "a", "x", 8, 0));
    for (guint round = 0; round < 2; round++) {
        assert_objects(store, "pipeline", NULL, NULL, "(null)/(null)/4=4@1 a/x/0=0@1 a/x/2=2@1 a/y/1=1@1 b/x/3=3@1");
        assert_objects(store, "pipeline", "a", NULL, "a/x/0=0@1 a/x/2=2@1 a/y/1=1@1");
        assert_objects(store, "pipeline", "a", "x", "a/x/0=0@1 a/x/2=2@1");
        assert_objects(store, "pipeline", NULL, "x", "a/x/0=0@1 a/x/2=2@1 b/x/3=3@1");
        assert_objects(store, "pipeline", "c", NULL, "");
        assert_objects(store, "none", NULL, NULL, "");
        store_close(store); /* the second time from the database */
        store = store_open_at(folder);
    }
    store_close(store);
    remove_tree(folder);
}

/* The index changes with commits only: of a unit that fails nothing is seen. */
static void test_index_follows_commits(void) {
    static const StoreStatement NOTHING = {"test.nothing", "UPDATE objects SET version = 1 WHERE kind = 'absent'"};
    Store *store = open_in_memory();
    commit_ok(store, unit_save("k", "a", "app", "x", 1, 0));
    StoreUnit *unit = unit_save("k", "b", "app", "x", 1, 0);
    store_object_delete(unit, "k", "a", -1);
    store_unit_require(unit, &NOTHING, NULL, 0, "no");
    assert_commit_fails(store, unit, ERR_CONFLICT);
    assert_objects(store, "k", NULL, NULL, "app/x/a=1@1");
    unit = unit_save("k", "a", "app", "x", 2, 1); /* two versions in one unit */
    g_autoptr(Json) body = json_pack("{s:i}", "n", (gint64)3);
    store_object_save(unit, &(StoreObject){.kind = "k", .id = "a", .application = "app", .name = "x", .updated_ms = 3, .body = body}, 2,
                      TRUE);
    commit_ok(store, unit);
    assert_objects(store, "k", NULL, NULL, "app/x/a=3@3");
    store_close(store);
}

static void test_history(void) {
    Store *store = open_in_memory();
    for (gint64 i = 1; i <= OBJECT_HISTORY_MAX + 10; i++)
        commit_ok(store, unit_save("k", "a", "app", "x", i, i - 1));
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_object_history(store, "k", "a", 3, object_append, text, &error));
    g_assert_cmpstr(text->str, ==, "app/x/a=210@210 app/x/a=209@209 app/x/a=208@208");
    g_string_set_size(text, 0);
    g_assert_true(store_object_history(store, "k", "a", 0, object_append, text, &error));
    g_assert_true(g_str_has_suffix(text->str, " app/x/a=10@10"));
    g_string_set_size(text, 0);
    g_assert_true(store_object_history(store, "k", "unknown", 0, object_append, text, &error));
    g_assert_cmpstr(text->str, ==, "");
    store_close(store);
}

/* More bodies than the cache holds: all are still read, the cache stays within its bound. */
static void test_cache_is_bounded(void) {
    Store *store = open_in_memory();
    g_autofree char *text = g_strnfill(100000, 'x');
    g_autoptr(Json) large = json_pack("{s:i, s:s}", "n", (gint64)1, "text", text);
    guint n = OBJECT_CACHE_BYTES / 100000 + 50;
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%05u", i);
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &(StoreObject){.kind = "k", .id = id, .body = large}, -1, FALSE);
        commit_ok(store, unit);
    }
    g_assert_cmpuint(object_cache_bytes(store->objects), <=, OBJECT_CACHE_BYTES);
    g_assert_cmpuint(object_cache_bytes(store->objects), >, OBJECT_CACHE_BYTES / 2);
    g_autoptr(GString) list = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_objects_each(store, "k", NULL, NULL, object_append, list, &error));
    g_auto(GStrv) items = g_strsplit(list->str, " ", -1);
    g_assert_cmpuint(g_strv_length(items), ==, n);
    g_assert_cmpuint(object_cache_bytes(store->objects), <=, OBJECT_CACHE_BYTES);
    store_close(store);
}

static gpointer objects_write(gpointer data) {
    Store *store = data;
    for (guint i = 0; i < 300; i++) {
        g_autofree char *id = g_strdup_printf("%u", i % 7);
        commit_ok(store, unit_save("k", id, "app", i % 2 == 0 ? "x" : "y", i, -1));
        StoreUnit *unit = store_unit_new();
        store_object_delete(unit, "k", id, -1);
        if (i % 5 == 0)
            commit_ok(store, unit);
        else
            store_unit_free(unit);
    }
    return NULL;
}

static void test_readers_beside_writers(void) {
    Store *store = open_in_memory();
    GThread *writers[] = {g_thread_new("writer", objects_write, store), g_thread_new("writer", objects_write, store)};
    for (guint i = 0; i < 500; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        g_assert_true(store_objects_each(store, "k", "app", NULL, object_append, text, &error));
        StoreObject object;
        if (store_object_load(store, "k", "3", &object, NULL))
            store_object_clear(&object);
    }
    for (guint i = 0; i < G_N_ELEMENTS(writers); i++)
        g_thread_join(writers[i]);
    store_close(store);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static OperationRecord operation(const char *id, const char *execution_id, const char *status, gint64 version) {
    return (OperationRecord){.id = id,
                             .execution_id = execution_id,
                             .cloud = "aws",
                             .account = "prod",
                             .status = status,
                             .created_ms = 100,
                             .updated_ms = 100 + version,
                             .request = "[{\"createServerGroup\":{}}]",
                             .state = "{}",
                             .version = version};
}

static gboolean operation_append(const OperationRecord *record, gpointer data) {
    g_string_append_printf(data, "%s/%s/%s/%s@%" G_GINT64_FORMAT " ", record->id, record->execution_id, record->status, record->state,
                           record->version);
    g_assert_cmpstr(record->request, ==, "[{\"createServerGroup\":{}}]");
    return TRUE;
}

static gboolean line_append(const OperationLine *line, gpointer data) {
    g_ptr_array_add(data, g_strdup_printf("%" G_GINT64_FORMAT " %s %s", line->time_ms, line->phase, line->status));
    return TRUE;
}

static char *operation_text(Store *store, const char *id) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    if (!store_operation_load(store, id, operation_append, text, &error)) {
        g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
        return NULL;
    }
    return g_strdup(text->str);
}

static void operation_put(Store *store, const OperationRecord *record) {
    StoreUnit *unit = store_unit_new();
    store_operation_insert(unit, record);
    commit_ok(store, unit);
}

static void test_operations(void) {
    Store *store = open_in_memory();
    OperationRecord record = operation("o1", "E1", "RUNNING", 1);
    operation_put(store, &record);
    OperationRecord twice = operation("o1", "E9", "FAILED", 7);
    operation_put(store, &twice); /* nothing */
    g_autofree char *text = operation_text(store, "o1");
    g_assert_cmpstr(text, ==, "o1/E1/RUNNING/{}@1 ");
    record.version = 2;
    record.state = "{\"step\":1}";
    record.status = "SUCCEEDED";
    StoreUnit *unit = store_unit_new();
    OperationLine lines[] = {{1, "ORCHESTRATION", "Initializing"}, {2, "DEPLOY", "Done"}};
    store_operation_update(unit, &record, lines, 2);
    commit_ok(store, unit);
    unit = store_unit_new();
    store_operation_update(unit, &record, lines, 2);
    assert_commit_fails(store, unit, ERR_CONFLICT);
    g_autofree char *after = operation_text(store, "o1");
    g_assert_cmpstr(after, ==, "o1/E1/SUCCEEDED/{\"step\":1}@2 ");
    g_autoptr(GPtrArray) said = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_operation_lines(store, "o1", line_append, said, &error));
    g_assert_cmpuint(said->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(said, 1), ==, "2 DEPLOY Done");
    g_autofree char *absent = operation_text(store, "o2");
    g_assert_null(absent);
    store_close(store);
}

static void test_operation_lines_are_bounded(void) {
    Store *store = open_in_memory();
    OperationRecord record = operation("o1", NULL, "RUNNING", 1);
    operation_put(store, &record);
    guint n = OPERATION_LINES_MAX + 500;
    g_autofree OperationLine *lines = g_new0(OperationLine, n);
    for (guint i = 0; i < n; i++)
        lines[i] = (OperationLine){i, "P", "s"};
    for (guint round = 0; round < 2; round++) {
        record.version++;
        StoreUnit *unit = store_unit_new();
        store_operation_update(unit, &record, lines, round == 0 ? n : 1);
        commit_ok(store, unit);
    }
    g_autoptr(GPtrArray) said = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_operation_lines(store, "o1", line_append, said, &error));
    g_assert_cmpuint(said->len, ==, OPERATION_LINES_MAX);
    g_assert_cmpstr(g_ptr_array_index(said, 0), ==, "501 P s");
    g_assert_cmpstr(g_ptr_array_index(said, OPERATION_LINES_MAX - 1), ==, "0 P s");
    store_close(store);
}

static gboolean operation_count(const OperationRecord *record, gpointer data) {
    (void)record;
    (*(guint *)data)++;
    return TRUE;
}

static void test_operation_lists(void) {
    Store *store = open_in_memory();
    for (guint i = 0; i < OPERATIONS_TRIM_MAX + 100; i++) {
        g_autofree char *running = g_strdup_printf("r%u", i), *alone = g_strdup_printf("a%u", i), *owned = g_strdup_printf("o%u", i);
        OperationRecord records[] = {operation(running, NULL, "RUNNING", 1), operation(alone, NULL, "FAILED", 1),
                                     operation(owned, "E1", "FAILED", 1)};
        for (gsize n = 0; n < G_N_ELEMENTS(records); n++)
            operation_put(store, &records[n]);
    }
    guint running = 0;
    g_autoptr(GError) error = NULL;
    g_assert_true(store_operations_unfinished(store, operation_count, &running, &error));
    g_assert_cmpuint(running, ==, OPERATIONS_TRIM_MAX + 100);
    static const StoreStatement COUNT = {"test.count", "SELECT count(*) FROM operations"};
    gint64 all = query_int(store, &COUNT);
    const struct { gint64 before_ms, removed; } trims[] = {{100, 0}, {1000, OPERATIONS_TRIM_MAX}, {1000, 100}, {1000, 0}};
    for (gsize i = 0; i < G_N_ELEMENTS(trims); i++) {
        StoreUnit *unit = store_unit_new();
        store_operations_trim(unit, trims[i].before_ms);
        commit_ok(store, unit);
        all -= trims[i].removed;
        g_assert_cmpint(query_int(store, &COUNT), ==, all);
    }
    ExecutionRecord execution = execution_record(store, "E1", "app", 1);
    StoreUnit *unit = store_unit_new();
    store_execution_insert(unit, &execution, NULL, 0);
    commit_ok(store, unit);
    unit = store_unit_new();
    store_execution_delete(unit, execution.key);
    commit_ok(store, unit);
    g_assert_cmpint(query_int(store, &COUNT), ==, OPERATIONS_TRIM_MAX + 100);
    store_close(store);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/objects/versions", test_versions);
    g_test_add_func("/store/objects/lists", test_lists);
    g_test_add_func("/store/objects/index", test_index_follows_commits);
    g_test_add_func("/store/objects/history", test_history);
    g_test_add_func("/store/objects/cache", test_cache_is_bounded);
    g_test_add_func("/store/objects/threads", test_readers_beside_writers);
    g_test_add_func("/store/operations/versions", test_operations);
    g_test_add_func("/store/operations/lines", test_operation_lines_are_bounded);
    g_test_add_func("/store/operations/lists", test_operation_lists);
    return g_test_run();
}
