/* What the store's tests have in common: stores in folders of their own, small executions. */
#pragma once
#include "base/error.h"
#include "store/executions.h"
#include "store/internal.h"
#include <glib/gstdio.h>
#include <string.h>

static inline void remove_tree(const char *path) {
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (g_file_test(below, G_FILE_TEST_IS_DIR) && !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
            remove_tree(below);
        else
            g_unlink(below);
    }
    g_rmdir(path);
}

static inline char *folder_new(void) {
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("gennaker-test-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static inline Store *store_open_at(const char *folder) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){.folder = folder, .lock_wait_ms = 100}, &error);
    g_assert_no_error(error);
    g_assert_nonnull(store);
    return store;
}

static inline void assert_open_fails(const char *folder, ErrorCode code, const char *part) {
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(&(StoreOptions){.folder = folder, .lock_wait_ms = 100}, &error));
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" not in \"%s\"", part, error->message);
}

static inline void commit_ok(Store *store, StoreUnit *unit) {
    g_autoptr(GError) error = NULL;
    gboolean ok = store_commit(store, unit, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static inline void assert_commit_fails(Store *store, StoreUnit *unit, ErrorCode code) {
    g_autoptr(GError) error = NULL;
    g_assert_false(store_commit(store, unit, &error));
    g_assert_error(error, GENNAKER_ERROR, (int)code);
}

static inline gboolean testing_int_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

static inline gint64 query_int(Store *store, const StoreStatement *statement) {
    g_autoptr(GError) error = NULL;
    gint64 value = -1;
    store_query(store, statement, NULL, 0, testing_int_each, &value, &error);
    g_assert_no_error(error);
    return value;
}

/* A running pipeline execution built at the given time. */
static inline ExecutionRecord execution_record(Store *store, const char *id, const char *application, gint64 build_ms) {
    return (ExecutionRecord){.key = store_execution_key_new(store),
                             .id = id,
                             .type = "PIPELINE",
                             .application = application,
                             .config_id = "config",
                             .name = "deploy",
                             .status = "RUNNING",
                             .build_ms = build_ms,
                             .start_ms = build_ms,
                             .version = 1,
                             .state = "{}",
                             .body = "{\"trigger\":{\"type\":\"manual\"}}"};
}
