/* Executions: insert, update, load, shared values, lists and their plans, inbox. */
#include "base/json.h"
#include "store/bodies.h"
#include "store/execution_rows.h"
#include "store_testing.h"

static Store *open_in_memory(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    return store;
}

static void insert(Store *store, const ExecutionRecord *record, const StageRecord *stages, gsize n) {
    StoreUnit *unit = store_unit_new();
    store_execution_insert(unit, record, stages, n);
    commit_ok(store, unit);
}

static StoreUnit *unit_update(const ExecutionRecord *record, const StageRecord *stages, gsize n) {
    StoreUnit *unit = store_unit_new();
    store_execution_update(unit, record, stages, n);
    return unit;
}

static void load(Store *store, const char *id, LoadedExecution *into) {
    g_autoptr(GError) error = NULL;
    store_execution_load(store, id, into, &error);
    g_assert_no_error(error);
}

static const StageRecord *stage_at(const LoadedExecution *loaded, guint at) {
    g_assert_cmpuint(at, <, loaded->stages->len);
    return &g_array_index(loaded->stages, StageRecord, at);
}

static void assert_no_execution(Store *store, const char *id) {
    LoadedExecution loaded;
    g_autoptr(GError) error = NULL;
    g_assert_false(store_execution_load(store, id, &loaded, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
}

static void test_insert_update_load(void) {
    Store *store = open_in_memory();
    ExecutionRecord record = execution_record(store, "E1", "app", 1000);
    StageRecord stages[] = {{0, "S0", "RUNNING", "{\"a\":1}"}, {1, "S1", "NOT_STARTED", "{\"b\":2}"}, {2, "S2", "NOT_STARTED", "{}"}};
    insert(store, &record, stages, 3);
    LoadedExecution loaded;
    load(store, "E1", &loaded);
    g_assert_cmpint(loaded.record.key, ==, record.key);
    g_assert_cmpstr(loaded.record.type, ==, "PIPELINE");
    g_assert_cmpstr(loaded.record.application, ==, "app");
    g_assert_cmpstr(loaded.record.body, ==, record.body);
    g_assert_cmpint(loaded.record.build_ms, ==, 1000);
    g_assert_null(loaded.record.parent_id);
    g_assert_cmpuint(loaded.stages->len, ==, 3);
    g_assert_cmpstr(stage_at(&loaded, 1)->body, ==, "{\"b\":2}");
    loaded_execution_clear(&loaded);

    record.version = 2;
    record.state = "{\"canceled\":true}";
    StageRecord changed[] = {{1, "S1", "RUNNING", "{\"b\":3}"}, {2, "S2", "SKIPPED", NULL}, {70, "S70", "RUNNING", "{\"new\":1}"}};
    commit_ok(store, unit_update(&record, changed, 3));
    assert_commit_fails(store, unit_update(&record, NULL, 0), ERR_CONFLICT);
    record.version = 3;
    record.status = "SUCCEEDED";
    record.finished = TRUE;
    record.end_ms = 2000;
    commit_ok(store, unit_update(&record, NULL, 0));
    record.status = "TERMINAL";
    assert_commit_fails(store, unit_update(&record, changed, 1), ERR_CONFLICT);
    load(store, "E1", &loaded);
    g_assert_cmpstr(loaded.record.status, ==, "SUCCEEDED");
    g_assert_cmpstr(loaded.record.state, ==, "{\"canceled\":true}");
    g_assert_cmpint(loaded.record.end_ms, ==, 2000);
    g_assert_cmpint(loaded.record.version, ==, 3);
    g_assert_true(loaded.record.finished);
    g_assert_cmpuint(loaded.stages->len, ==, 3);
    g_assert_cmpstr(stage_at(&loaded, 1)->body, ==, "{\"b\":3}");
    g_assert_cmpuint(stage_at(&loaded, 2)->position, ==, 70);
    loaded_execution_clear(&loaded);
    assert_no_execution(store, "E2");
    store_close(store);
}

static void test_correlation(void) {
    Store *store = open_in_memory();
    ExecutionRecord first = execution_record(store, "E1", "app", 1000), second = execution_record(store, "E2", "app", 1000);
    first.correlation_id = second.correlation_id = "once";
    insert(store, &first, NULL, 0);
    StoreUnit *unit = store_unit_new();
    store_execution_insert(unit, &second, NULL, 0);
    assert_commit_fails(store, unit, ERR_CONFLICT);
    assert_no_execution(store, "E2");
    g_autoptr(GError) error = NULL;
    g_autofree char *id = store_execution_correlated(store, "once", &error);
    g_assert_cmpstr(id, ==, "E1");
    first.version = 2;
    first.finished = TRUE;
    first.status = "SUCCEEDED";
    commit_ok(store, unit_update(&first, NULL, 0));
    g_assert_null(store_execution_correlated(store, "once", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    insert(store, &second, NULL, 0);
    first.version = 3; /* a restart while the other runs */
    first.finished = FALSE;
    first.status = "RUNNING";
    assert_commit_fails(store, unit_update(&first, NULL, 0), ERR_CONFLICT);
    ExecutionRecord again = execution_record(store, "E2", "app", 1);
    unit = store_unit_new();
    store_execution_insert(unit, &again, NULL, 0);
    assert_commit_fails(store, unit, ERR_CONFLICT);
    store_close(store);
}

/* Keys go on after the last one that is stored. */
static void test_keys(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    ExecutionRecord record = execution_record(store, "E1", "app", 1000);
    insert(store, &record, NULL, 0);
    store_close(store);
    store = store_open_at(folder);
    g_assert_cmpint(store_execution_key_new(store), >, record.key);
    store_close(store);
    remove_tree(folder);
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static char *json_of_size(const char *key, gsize size, char fill) {
    g_autofree char *text = g_strnfill(size, fill);
    return g_strdup_printf("{\"first\":1,\"context\":{\"%s\":\"%s\",\"z\":[1,2]},\"last\":{\"n\":null}}", key, text);
}

static const StoreStatement VALUES = {"test.values", "SELECT count(*) FROM shared_values"};
static const StoreStatement USES = {"test.uses", "SELECT count(*) FROM shared_uses"};
static const StoreStatement STAGE_BYTES = {"test.stage_bytes", "SELECT max(length(body)) FROM stages"};

static void test_compression(void) {
    const gsize sizes[] = {1, BODY_PLAIN_MAX, BODY_PLAIN_MAX + 1, 60000};
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *text = json_of_size("k", sizes[i], 'x');
        g_auto(Body) body = body_pack(text, strlen(text));
        g_assert_true((body.owned != NULL) == (strlen(text) > BODY_PLAIN_MAX));
        g_autoptr(GError) error = NULL;
        g_autofree char *back = body_unpack(body.data, body.length, &error);
        g_assert_cmpstr(back, ==, text);
        if (body.owned == NULL)
            continue;
        ((char *)body.owned)[body.length - 3] ^= 0x55;
        ((char *)body.owned)[4] ^= 0x55;
        g_autofree char *damaged = body_unpack(body.data, body.length, &error);
        g_assert_true(damaged == NULL || strcmp(damaged, text) != 0);
        g_autofree char *half = body_unpack(body.data, body.length / 2, NULL);
        g_assert_null(half);
    }
}

static void assert_same_stage(Store *store, const char *id, const char *text) {
    LoadedExecution loaded;
    load(store, id, &loaded);
    g_assert_cmpstr(stage_at(&loaded, 0)->body, ==, text);
    loaded_execution_clear(&loaded);
}

/* A large value is stored once however many executions have it, and goes with the last of them. */
static void test_shared_values(void) {
    Store *store = open_in_memory();
    g_autofree char *text = json_of_size("manifests", SHARED_VALUE_MIN, 'x'), *other = json_of_size("manifests", SHARED_VALUE_MIN, 'y');
    ExecutionRecord first = execution_record(store, "E1", "app", 1000), second = execution_record(store, "E2", "app", 1000);
    insert(store, &first, &(StageRecord){0, "S", "RUNNING", text}, 1);
    insert(store, &second, &(StageRecord){0, "S", "RUNNING", text}, 1);
    g_assert_cmpint(query_int(store, &VALUES), ==, 1);
    g_assert_cmpint(query_int(store, &USES), ==, 2);
    g_assert_cmpint(query_int(store, &STAGE_BYTES), <, 200);
    assert_same_stage(store, "E1", text);
    second.version = 2;
    commit_ok(store, unit_update(&second, &(StageRecord){0, "S", "SUCCEEDED", other}, 1));
    assert_same_stage(store, "E2", other);
    g_assert_cmpint(query_int(store, &VALUES), ==, 2);
    StoreUnit *unit = store_unit_new();
    store_execution_delete(unit, first.key);
    commit_ok(store, unit);
    g_assert_cmpint(query_int(store, &VALUES), ==, 2);
    assert_same_stage(store, "E2", other);
    unit = store_unit_new();
    store_execution_delete(unit, second.key);
    commit_ok(store, unit);
    g_assert_cmpint(query_int(store, &VALUES), ==, 0);
    g_assert_cmpint(query_int(store, &USES), ==, 0);
    store_close(store);
}

static void assert_body(Store *store, const char *id, const char *text) {
    LoadedExecution loaded;
    load(store, id, &loaded);
    const ExecutionRecord *record = &loaded.record;
    g_autofree char *body = record->document != NULL ? json_write(json_root(record->document), NULL) : g_strdup(record->body);
    g_assert_cmpstr(body, ==, text);
    loaded_execution_clear(&loaded);
}

/* Values at other places, of other types, and texts that look like ours. */
static void test_shared_shapes(void) {
    Store *store = open_in_memory();
    g_autofree char *large = g_strnfill(SHARED_VALUE_MIN, 'x');
    const char *fake = "{\"$shared\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}";
    char *texts[] = {
        g_strdup_printf("{\"list\":[\"%s\",%s],\"own\":%s}", large, fake, fake),
        g_strdup_printf("{\"text\":\"%s\",\"a\":{\"list\":[%s,\"%s\"]}}", large, fake, large),
        g_strdup_printf("{\"deep\":{\"er\":{\"still\":\"%s\",\"fake\":%s}}}", large, fake),
        g_strdup(fake),
        g_strdup_printf("{\"a\":%s}", fake),
        g_strdup_printf("{\"trigger\":{\"parentExecution\":null},\"parentExecution\":\"no\",\"%s\":1}", large),
        g_strdup("{\"trigger\":{\"parentExecution\":{}}}"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *id = g_strdup_printf("E%u", i);
        ExecutionRecord record = execution_record(store, id, "app", 1000);
        record.body = texts[i];
        insert(store, &record, &(StageRecord){0, "S", "RUNNING", texts[i]}, 1);
        assert_same_stage(store, id, texts[i]);
        assert_body(store, id, texts[i]);
        g_free(texts[i]);
    }
    store_close(store);
}

#define NESTED 100

/* A chain of executions, each started by the one before: every body holds all that came before it, the store does not. */
static void test_parent_executions(void) {
    Store *store = open_in_memory();
    g_autoptr(Json) body = json_empty_object();
    for (guint i = 0; i < NESTED; i++) {
        g_autofree char *id = g_strdup_printf("E%u", i), *text = json_write(json_root(body), NULL);
        ExecutionRecord record = execution_record(store, id, "app", 1000 + i);
        record.body = text;
        insert(store, &record, NULL, 0);
        assert_body(store, id, text);
        Json *next = json_pack("{s:{s:s, s:j, s:s}}", "trigger", "type", "pipeline", "parentExecution", body, "id", id);
        json_unref(body);
        body = next;
    }
    g_assert_cmpint(query_int(store, &VALUES), ==, NESTED - 1);
    static const StoreStatement BYTES = {"test.bytes", "SELECT max(length(body)) FROM shared_values"};
    g_assert_cmpint(query_int(store, &BYTES), <, 300);
    store_close(store);
}

static const JsonValue *parent_of(const LoadedExecution *loaded) {
    return json_dig(json_root(loaded->record.document), "trigger", "parentExecution", NULL);
}

/* Children of one parent have one document of it, also in memory; a body may be given as a document. */
static void test_parent_is_one(void) {
    Store *store = open_in_memory();
    g_autofree char *large = g_strnfill(SHARED_VALUE_MIN, 'x');
    g_autoptr(Json) plain = json_pack("{s:s, s:s}", "id", "P", "context", large), parent = json_shared(json_root(plain));
    g_autoptr(Json) body = json_pack("{s:{s:j}}", "trigger", "parentExecution", parent);
    g_autofree char *text = json_write(json_root(body), NULL);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *id = g_strdup_printf("E%u", i);
        ExecutionRecord record = execution_record(store, id, "app", 1000 + i);
        record.body = i == 0 ? text : NULL;
        record.document = i == 0 ? NULL : body;
        insert(store, &record, NULL, 0);
        assert_body(store, id, text);
    }
    g_assert_cmpint(query_int(store, &VALUES), ==, 2); /* the parent, and the large value in it */
    LoadedExecution one, other;
    load(store, "E0", &one);
    load(store, "E1", &other);
    g_assert_nonnull(parent_of(&one));
    g_assert_true(parent_of(&one) == parent_of(&other));
    loaded_execution_clear(&one);
    g_assert_cmpstr(json_get_string(parent_of(&other), "id"), ==, "P");
    loaded_execution_clear(&other);
    store_close(store);
}

/* What is read lately has a bound. */
static void test_shared_cache(void) {
    SharedCache *cache = shared_cache_new();
    g_autofree char *large = g_strnfill(SHARED_CACHE_BYTES_MAX / 3, 'x');
    for (guint i = 0; i < 4; i++) {
        g_autofree char *hash = g_strdup_printf("%u", i);
        g_autoptr(Json) json = json_pack("{s:i, s:s}", "i", (gint64)i, "x", large), shared = json_shared(json_root(json));
        shared_cache_put(cache, hash, shared);
        g_autoptr(Json) first = shared_cache_get(cache, "0");
        g_assert_nonnull(first); /* it is asked for again and again */
    }
    g_assert_null(shared_cache_get(cache, "1"));
    g_autoptr(Json) last = shared_cache_get(cache, "3");
    shared_cache_free(cache);
    g_assert_cmpint(json_get_int(json_root(last), "i", 0), ==, 3);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static gboolean id_append(const ExecutionRecord *record, gpointer data) {
    GString *ids = data;
    g_string_append_printf(ids, "%s%s", ids->len > 0 ? " " : "", record->id);
    g_assert_null(record->body);
    return TRUE;
}

static void assert_list(Store *store, const ExecutionFilter *filter, const char *expected) {
    g_autoptr(GString) ids = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    store_executions_list(store, filter, id_append, ids, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(ids->str, ==, expected);
}

static const char *const A[] = {"a", NULL}, *const AB[] = {"a", "b", "a", NULL}, *const C1[] = {"c1", NULL},
                         *const C12[] = {"c1", "c2", NULL}, *const RUNNING[] = {"RUNNING", "PAUSED", NULL},
                         *const TERMINAL[] = {"TERMINAL", NULL}, *const MIXED[] = {"TERMINAL", "RUNNING", NULL},
                         *const NAME_2[] = {"n2", NULL};

static void add(Store *store, const char *id, const char *application, const char *config, const char *name, gint64 build_ms,
                const char *status, const char *parent) {
    ExecutionRecord record = execution_record(store, id, application, build_ms);
    record.config_id = config;
    record.name = name;
    record.status = status;
    record.parent_id = parent;
    record.finished = strcmp(status, "RUNNING") != 0 && strcmp(status, "PAUSED") != 0;
    StageRecord stages[] = {{0, "S", status, "{\"x\":1}"}};
    insert(store, &record, stages, 1);
}

static Store *store_with_executions(void) {
    Store *store = open_in_memory();
    add(store, "1", "a", "c1", "n1", 100, "SUCCEEDED", NULL);
    add(store, "2", "a", "c1", "n1", 200, "TERMINAL", NULL);
    add(store, "3", "b", "c2", "n2", 300, "SUCCEEDED", "2");
    add(store, "4", "a", "c3", "n2", 300, "RUNNING", NULL);
    add(store, "5", "b", "c2", "n2", 400, "PAUSED", "2");
    add(store, "6", "a", "c1", "n3", 500, "TERMINAL", "4");
    add(store, "7", "a", NULL, NULL, 600, "RUNNING", NULL);
    ExecutionRecord task = execution_record(store, "T", "a", 700);
    task.type = "ORCHESTRATION";
    insert(store, &task, NULL, 0);
    return store;
}

static void test_lists(void) {
    Store *store = store_with_executions();
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE"}, "7 6 5 4 3 2 1");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .oldest_first = TRUE}, "1 2 3 4 5 6 7");
    assert_list(store, &(ExecutionFilter){.type = "ORCHESTRATION"}, "T");
    assert_list(store, &(ExecutionFilter){.type = "NONE"}, "");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .offset = 2, .limit = 3}, "5 4 3");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .applications = A}, "7 6 4 2 1");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .applications = AB, .limit = 4}, "7 6 5 4");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .applications = A, .oldest_first = TRUE, .offset = 1}, "2 4 6 7");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .applications = A, .statuses = TERMINAL}, "6 2");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .applications = AB, .statuses = MIXED}, "7 6 4 2");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .statuses = MIXED}, "7 6 4 2");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .statuses = RUNNING}, "7 5 4");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .unfinished_only = TRUE}, "7 5 4");
    LoadedExecution third; /* two were built at its time */
    GError *error = NULL;
    g_assert_true(store_execution_load(store, "3", &third, &error));
    const ExecutionFilter behind = {.type = "PIPELINE", .oldest_first = TRUE, .after_ms = 300, .after_key = third.record.key};
    assert_list(store, &behind, "4 5 6 7");
    loaded_execution_clear(&third);
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .unfinished_only = TRUE, .applications = A, .statuses = MIXED}, "7 4");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .unfinished_only = TRUE, .config_ids = C12}, "5");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .config_ids = C1}, "6 2 1");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .config_ids = C12, .applications = A, .statuses = TERMINAL}, "6 2");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .config_ids = C12, .oldest_first = TRUE, .statuses = MIXED}, "2 6");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .names = NAME_2}, "5 4 3");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .names = NAME_2, .applications = A}, "4");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .parent_id = "2"}, "5 3");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .parent_id = "2", .unfinished_only = TRUE}, "5");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .built_from_ms = 200, .built_to_ms = 400}, "5 4 3 2");
    assert_list(store, &(ExecutionFilter){.type = "PIPELINE", .built_from_ms = 300, .built_to_ms = 500, .oldest_first = TRUE}, "3 4 5 6");
    store_close(store);
}

static gboolean whole_append(const LoadedExecution *loaded, gpointer data) {
    g_string_append_printf(data, "%s:%u:%s ", loaded->record.id, loaded->stages->len, loaded->record.body != NULL ? "body" : "none");
    return strcmp(loaded->record.id, "5") != 0;
}

static void test_list_whole(void) {
    Store *store = store_with_executions();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_executions_list_whole(store, &(ExecutionFilter){.type = "PIPELINE"}, whole_append, text, &error));
    g_assert_cmpstr(text->str, ==, "7:1:body 6:1:body 5:1:body ");
    store_close(store);
}

static gboolean order_check(const ExecutionRecord *record, gpointer data) {
    gint64 *last = data;
    g_assert_cmpint(record->build_ms, <=, last[0]);
    last[0] = record->build_ms;
    last[1]++;
    return TRUE;
}

/* Pages, merging over pages, equal build times over page ends, and the limits. */
static void test_long_lists(void) {
    Store *store = open_in_memory();
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i < EXECUTIONS_LIST_MAX + 100; i++) {
        g_autofree char *id = g_strdup_printf("E%u", i);
        ExecutionRecord record = execution_record(store, id, i % 3 == 0 ? "a" : "b", 1000 + i / 700);
        record.finished = i % 2 == 0;
        record.status = i % 2 == 0 ? "SUCCEEDED" : "RUNNING";
        store_execution_insert(unit, &record, NULL, 0);
    }
    commit_ok(store, unit);
    const ExecutionFilter filters[] = {
        {.type = "PIPELINE"},
        {.type = "PIPELINE", .applications = AB},
        {.type = "PIPELINE", .applications = AB, .statuses = (const char *const[]){"RUNNING", "SUCCEEDED", NULL}},
        {.type = "PIPELINE", .offset = 100, .limit = 60000}};
    for (gsize i = 0; i < G_N_ELEMENTS(filters); i++) {
        gint64 last[2] = {G_MAXINT64, 0};
        g_autoptr(GError) error = NULL;
        g_assert_true(store_executions_list(store, &filters[i], order_check, last, &error));
        g_assert_cmpint(last[1], ==, EXECUTIONS_LIST_MAX);
    }
    g_autoptr(GError) error = NULL;
    gint64 last[2] = {G_MAXINT64, 0};
    g_assert_false(
        store_executions_list(store, &(ExecutionFilter){.type = "PIPELINE", .offset = EXECUTIONS_SCAN_MAX + 1}, order_check, last, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    g_autoptr(GPtrArray) many = g_ptr_array_new();
    for (guint i = 0; i <= EXECUTIONS_RANGES_MAX; i++)
        g_ptr_array_add(many, (char *)"a");
    g_ptr_array_add(many, NULL);
    const ExecutionFilter wide = {.type = "PIPELINE", .applications = (const char *const *)many->pdata};
    g_assert_false(store_executions_list(store, &wide, order_check, last, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    store_close(store);
}

/* A filter that no index serves looks at a bounded number of rows, and says so. */
static void test_scan_is_bounded(void) {
    Store *store = open_in_memory();
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i <= EXECUTIONS_SCAN_MAX; i++) {
        g_autofree char *id = g_strdup_printf("E%u", i);
        ExecutionRecord record = execution_record(store, id, "a", 1000 + i);
        record.name = i == 0 ? "rare" : "usual";
        store_execution_insert(unit, &record, NULL, 0);
        if (i % 1000 == 999) {
            commit_ok(store, unit);
            unit = store_unit_new();
        }
    }
    commit_ok(store, unit);
    const char *const rare[] = {"rare", NULL};
    ExecutionFilter filter = {.type = "PIPELINE", .names = rare};
    g_autoptr(GString) ids = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_assert_false(store_executions_list(store, &filter, id_append, ids, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    filter.built_to_ms = 1000 + EXECUTIONS_SCAN_MAX / 2;
    assert_list(store, &filter, "E0");
    store_close(store);
}

static gboolean plan_check(const StoreRow *row, gpointer data) {
    const char *detail = store_row_text(row, 3);
    if (strstr(detail, "USING INDEX") == NULL || strstr(detail, "B-TREE") != NULL)
        g_error("%s: %s", ((const StoreStatement *)data)->name, detail);
    return TRUE;
}

/* Every list is read from an index in its order, without sorting. */
static void test_plans(void) {
    Store *store = store_with_executions();
    gsize n = 0;
    guint checked = 0;
    const StoreStatement *statements = execution_list_statements(&n);
    for (gsize i = 0; i < n; i++) {
        if (statements[i].sql == NULL)
            continue;
        g_autofree char *sql = g_strconcat("EXPLAIN QUERY PLAN ", statements[i].sql, NULL);
        StoreStatement explain = {statements[i].name, sql};
        StoreValue values[] = {SV_TEXT("PIPELINE"), SV_INT(1), SV_INT(1), SV_INT(1), SV_INT(1), SV_TEXT("a"), SV_TEXT("b")};
        g_autoptr(GError) error = NULL;
        Store *other = open_in_memory(); /* statements are prepared by address, which this one gives up */
        store_query(other, &explain, values, G_N_ELEMENTS(values), plan_check, &explain, &error);
        g_assert_no_error(error);
        store_close(other);
        checked++;
    }
    g_assert_cmpuint(checked, ==, 18);
    store_close(store);
}

/* ---- inbox ------------------------------------------------------------------------------------------------------- */

static gboolean message_append(const char *recipient_id, gint64 number, const char *body, gpointer data) {
    g_string_append_printf(data, "%s/%" G_GINT64_FORMAT "/%s ", recipient_id, number, body);
    return TRUE;
}

static gboolean message_count(const char *recipient_id, gint64 number, const char *body, gpointer data) {
    (void)recipient_id, (void)number, (void)body;
    (*(guint *)data)++;
    return TRUE;
}

static void assert_inbox(Store *store, const char *recipient, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    store_inbox_each(store, recipient, message_append, text, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==, expected);
}

static void test_inbox(void) {
    Store *store = open_in_memory();
    StoreUnit *unit = store_unit_new();
    store_inbox_put(unit, "E1", "one");
    store_inbox_put(unit, "E2", "two");
    store_inbox_put(unit, "E1", "three");
    commit_ok(store, unit);
    assert_inbox(store, NULL, "E1/1/one E2/2/two E1/3/three ");
    assert_inbox(store, "E1", "E1/1/one E1/3/three ");
    unit = store_unit_new();
    store_inbox_remove(unit, 3);
    store_inbox_remove(unit, 2);
    commit_ok(store, unit);
    unit = store_unit_new();
    store_inbox_put(unit, "E3", "four"); /* numbers are never used again */
    commit_ok(store, unit);
    assert_inbox(store, NULL, "E1/1/one E3/4/four ");
    unit = store_unit_new();
    for (guint i = 0; i < INBOX_PAGE * 2; i++)
        store_inbox_put(unit, "E4", "x");
    commit_ok(store, unit);
    guint count = 0;
    g_autoptr(GError) error = NULL;
    g_assert_true(store_inbox_each(store, "E4", message_count, &count, &error));
    g_assert_cmpuint(count, ==, INBOX_PAGE * 2);
    ExecutionRecord record = execution_record(store, "E4", "app", 1000);
    insert(store, &record, NULL, 0);
    unit = store_unit_new();
    store_execution_delete(unit, record.key);
    commit_ok(store, unit);
    assert_inbox(store, "E4", "");
    assert_no_execution(store, "E4");
    store_close(store);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/executions/insert-update-load", test_insert_update_load);
    g_test_add_func("/store/executions/correlation", test_correlation);
    g_test_add_func("/store/executions/keys", test_keys);
    g_test_add_func("/store/bodies/compression", test_compression);
    g_test_add_func("/store/bodies/shared", test_shared_values);
    g_test_add_func("/store/bodies/shared-shapes", test_shared_shapes);
    g_test_add_func("/store/bodies/parents", test_parent_executions);
    g_test_add_func("/store/bodies/parent_is_one", test_parent_is_one);
    g_test_add_func("/store/bodies/shared_cache", test_shared_cache);
    g_test_add_func("/store/lists/filters", test_lists);
    g_test_add_func("/store/lists/whole", test_list_whole);
    g_test_add_func("/store/lists/long", test_long_lists);
    g_test_add_func("/store/lists/scan", test_scan_is_bounded);
    g_test_add_func("/store/lists/plans", test_plans);
    g_test_add_func("/store/inbox", test_inbox);
    return g_test_run();
}
