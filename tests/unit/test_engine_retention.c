/* What retention removes (engine.md 25), on a store in memory, at a time that the test says. */
#include "engine/retention_internal.h"
#include "store/objects.h"
#include "store_testing.h"

#define DAY_MS (24 * 60 * 60 * G_GINT64_CONSTANT(1000))
#define NOW_MS G_GINT64_CONSTANT(1800000000000)

static Store *store_memory(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){.folder = NULL}, &error);
    g_assert_no_error(error);
    return store;
}

static RetentionSettings *settings_of(const char *yaml) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("gennaker-XXXXXX.yml", &path, &error);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    g_autofree char *text = g_strdup_printf("orca: {pollers: %s}\n", yaml);
    g_file_set_contents(path, text, -1, &error);
    g_autofree char *folder = g_dir_make_tmp("gennaker-test-XXXXXX", &error);
    g_autofree char *file = g_build_filename(folder, "gennaker.yml", NULL);
    g_assert_cmpint(g_rename(path, file), ==, 0);
    g_autoptr(Config) config = config_load(file, &error);
    g_assert_no_error(error);
    RetentionSettings *settings = retention_settings_new(config, &error);
    g_assert_no_error(error);
    remove_tree(folder);
    return settings;
}

/* n executions, one a day, the newest that many days old; "NAME-0" is the oldest. */
static void add(Store *store, const char *type, const char *application, const char *config_id, guint n, guint newest, gboolean finished) {
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%s-%u", config_id != NULL ? config_id : application, i);
        ExecutionRecord record = execution_record(store, id, application, NOW_MS - (gint64)(newest + n - 1 - i) * DAY_MS);
        record.type = type;
        record.config_id = config_id;
        record.finished = finished;
        record.status = finished ? "SUCCEEDED" : "RUNNING";
        StoreUnit *unit = store_unit_new();
        store_execution_insert(unit, &record, NULL, 0);
        commit_ok(store, unit);
    }
}

/* All ids of a pass; caller unrefs. */
static GHashTable *pass_over(Store *store, RetentionSettings *settings) {
    g_autoptr(GError) error = NULL;
    GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    RetentionPass *pass = retention_pass_new(store, settings, NOW_MS);
    gboolean more = TRUE;
    for (guint pages = 0; more; pages++) {
        g_autoptr(GPtrArray) ids = retention_pass_next(pass, &more, &error);
        g_assert_no_error(error);
        for (guint i = 0; i < ids->len; i++)
            g_hash_table_add(all, g_strdup(ids->pdata[i]));
        g_assert_cmpint(pages, <, 100);
    }
    retention_pass_free(pass);
    return all;
}

static void test_defaults(void) {
    Store *store = store_memory();
    g_autoptr(RetentionSettings) settings = settings_of("{}");
    add(store, "PIPELINE", "shop", "often", 300, 0, TRUE);   /* 0 to 299 days old: what is older than 90 goes */
    add(store, "PIPELINE", "shop", "seldom", 60, 100, TRUE); /* all old: the newest 50 stay */
    add(store, "PIPELINE", "shop", "few", 10, 1000, TRUE);
    add(store, "PIPELINE", "shop", "running", 60, 100, FALSE);
    add(store, "ORCHESTRATION", "shop", NULL, 70, 200, TRUE);
    g_autoptr(GHashTable) gone = pass_over(store, settings);
    g_assert_cmpint(g_hash_table_size(gone), ==, 209 + 10 + 20);
    g_assert_true(g_hash_table_contains(gone, "often-208") && !g_hash_table_contains(gone, "often-209"));
    g_assert_true(g_hash_table_contains(gone, "seldom-9") && !g_hash_table_contains(gone, "seldom-10"));
    g_assert_true(g_hash_table_contains(gone, "shop-19") && !g_hash_table_contains(gone, "shop-20"));
    store_close(store);
}

static void test_settings(void) {
    Store *store = store_memory();
    g_autoptr(RetentionSettings) settings = settings_of(
        "{old-pipeline-cleanup: {thresholdDays: 10, minimumPipelineExecutions: 0, exceptionalApplications: [bank],"
        " exceptionalApplicationsThresholdDays: 20}, top-application-execution-cleanup: {enabled: true, threshold: 3}}");
    add(store, "PIPELINE", "shop", "s", 30, 0, TRUE);
    add(store, "PIPELINE", "bank", "b", 30, 0, TRUE);
    add(store, "ORCHESTRATION", "bank", NULL, 8, 0, TRUE);
    g_autoptr(GHashTable) gone = pass_over(store, settings);
    g_assert_cmpint(g_hash_table_size(gone), ==, 19 + 9 + 5);
    g_assert_true(g_hash_table_contains(gone, "bank-4") && !g_hash_table_contains(gone, "bank-5"));
    g_autoptr(RetentionSettings) off = settings_of("{old-pipeline-cleanup: {enabled: false}}");
    g_autoptr(GHashTable) none = pass_over(store, off);
    g_assert_cmpint(g_hash_table_size(none), ==, 0);
    store_close(store);
}

static gboolean is_disabled(Store *store, const char *id) {
    StoreObject object = {0};
    g_assert_true(store_object_load(store, "pipeline", id, &object, NULL));
    gboolean disabled = json_is_true(json_get(json_root(object.body), "disabled"));
    store_object_clear(&object);
    return disabled;
}

static void test_unused(void) {
    Store *store = store_memory();
    static const char *const IDS[] = {"used", "unused", "fresh"};
    for (gsize i = 0; i < G_N_ELEMENTS(IDS); i++) {
        g_autoptr(Json) body = json_pack("{s:s}", "name", IDS[i]);
        gint64 saved_ms = NOW_MS - (strcmp(IDS[i], "fresh") == 0 ? 1 : 400) * DAY_MS;
        StoreObject object = {.kind = "pipeline",
                              .id = IDS[i],
                              .application = "shop",
                              .name = IDS[i],
                              .created_ms = saved_ms,
                              .updated_ms = saved_ms,
                              .body = body};
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &object, 0, FALSE);
        commit_ok(store, unit);
    }
    add(store, "PIPELINE", "shop", "used", 1, 3, TRUE);
    g_autoptr(RetentionSettings) dry = settings_of("{unused-pipelines-disable: {enabled: true}}");
    g_assert_cmpint(retention_disable_unused(store, dry, NOW_MS), ==, 1);
    g_assert_false(is_disabled(store, "unused"));
    g_autoptr(RetentionSettings) real = settings_of("{unused-pipelines-disable: {enabled: true, dry-run: false}}");
    g_assert_cmpint(retention_disable_unused(store, real, NOW_MS), ==, 1);
    g_assert_true(is_disabled(store, "unused") && !is_disabled(store, "used") && !is_disabled(store, "fresh"));
    store_close(store);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/retention/defaults", test_defaults);
    g_test_add_func("/engine/retention/settings", test_settings);
    g_test_add_func("/engine/retention/unused-pipelines", test_unused);
    return g_test_run();
}
