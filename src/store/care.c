/* Care of a store by hand: reading all of it, putting a copy in its place. Callers have the store to themselves, or read only. */
#include "base/clock.h"
#include "base/error.h"
#include "store/executions.h"
#include "store/internal.h"
#include "store/objects.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE_ROWS 500

/* ---- reading everything ---- */
typedef struct {
    GPtrArray *kinds, *ids; /* of char *; kinds: of documents */
    gint64 last_key;
} Page;

static gboolean execution_each(const StoreRow *row, gpointer data) {
    Page *page = data;
    page->last_key = store_row_int(row, 0);
    g_ptr_array_add(page->ids, g_strdup(store_row_text(row, 1)));
    return TRUE;
}

static gboolean object_each(const StoreRow *row, gpointer data) {
    Page *page = data;
    g_ptr_array_add(page->kinds, g_strdup(store_row_text(row, 0)));
    g_ptr_array_add(page->ids, g_strdup(store_row_text(row, 1)));
    return TRUE;
}

static const StoreStatement EXECUTIONS_PAGE = {"care.executions", "SELECT key, id FROM executions WHERE key > $1 ORDER BY key LIMIT $2"};
static const StoreStatement OBJECTS_PAGE = {"care.objects",
                                            "SELECT kind, id FROM objects WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3"};

static void page_init(Page *page) {
    page->kinds = g_ptr_array_new_with_free_func(g_free);
    page->ids = g_ptr_array_new_with_free_func(g_free);
}

static void page_clear(Page *page) {
    g_ptr_array_unref(page->kinds);
    g_ptr_array_unref(page->ids);
}

/* One that was deleted meanwhile is no damage. */
static gboolean execution_read(Store *store, const char *id, GError **error) {
    g_autoptr(GError) failure = NULL;
    LoadedExecution loaded;
    if (store_execution_load(store, id, &loaded, &failure)) {
        loaded_execution_clear(&loaded);
        return TRUE;
    }
    if (error_code(failure) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "execution %s: ", id);
    return FALSE;
}

static gboolean executions_read(Store *store, guint64 *read, GError **error) {
    gint64 last = 0;
    for (gboolean more = TRUE; more;) {
        Page page = {.last_key = last};
        page_init(&page);
        gboolean ok = store_query(store, &EXECUTIONS_PAGE, (StoreValue[]){SV_INT(last), SV_INT(PAGE_ROWS)}, 2, execution_each, &page,
                                  error);
        for (guint i = 0; ok && i < page.ids->len; i++)
            ok = execution_read(store, g_ptr_array_index(page.ids, i), error);
        *read += page.ids->len;
        more = page.ids->len == PAGE_ROWS;
        last = page.last_key;
        page_clear(&page);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

static gboolean object_read(Store *store, const char *kind, const char *id, GError **error) {
    g_autoptr(GError) failure = NULL;
    StoreObject object;
    if (store_object_load(store, kind, id, &object, &failure)) {
        store_object_clear(&object);
        return TRUE;
    }
    if (error_code(failure) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s %s: ", kind, id);
    return FALSE;
}

static gboolean objects_read(Store *store, guint64 *read, GError **error) {
    g_autofree char *kind = g_strdup(""), *id = g_strdup("");
    for (gboolean more = TRUE; more;) {
        Page page;
        page_init(&page);
        gboolean ok = store_query(store, &OBJECTS_PAGE, (StoreValue[]){SV_TEXT(kind), SV_TEXT(id), SV_INT(PAGE_ROWS)}, 3, object_each,
                                  &page, error);
        for (guint i = 0; ok && i < page.ids->len; i++)
            ok = object_read(store, g_ptr_array_index(page.kinds, i), g_ptr_array_index(page.ids, i), error);
        *read += page.ids->len;
        more = page.ids->len == PAGE_ROWS;
        if (more) {
            g_free(kind), g_free(id);
            kind = g_strdup(g_ptr_array_index(page.kinds, PAGE_ROWS - 1));
            id = g_strdup(g_ptr_array_index(page.ids, PAGE_ROWS - 1));
        }
        page_clear(&page);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

gboolean store_verify(Store *store, guint64 *read, GError **error) {
    *read = 0;
    return store->driver->check(store->writer, error) && executions_read(store, read, error) && objects_read(store, read, error);
}

/* ---- putting a copy in place ---- */
static gboolean copy_in(const char *from, const char *to, GError **error) {
    g_autoptr(GFile) source = g_file_new_for_path(from), target = g_file_new_for_path(to);
    g_autoptr(GError) failure = NULL;
    if (g_file_copy(source, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_NOFOLLOW_SYMLINKS, NULL, NULL, NULL, &failure) &&
        g_chmod(to, 0600) == 0)
        return TRUE;
    error_set(error, ERR_UNAVAILABLE, "copy %s to %s: %s", from, to, failure != NULL ? failure->message : g_strerror(errno));
    return FALSE;
}

/* The store as it was goes to backups, with its log. */
static gboolean set_aside(const char *folder, GError **error) {
    static const char *const endings[] = {"", "-wal", "-shm"};
    g_autofree char *backups = g_build_filename(folder, STORE_BACKUPS_FOLDER, NULL);
    g_mkdir_with_parents(backups, 0700);
    gint64 now_ms = clock_now_ms();
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *from = g_strconcat(folder, "/", STORE_DATABASE_FILE, endings[i], NULL);
        g_autofree char *to = g_strdup_printf("%s/before-restore-%" G_GINT64_FORMAT ".db%s", backups, now_ms, endings[i]);
        if (g_rename(from, to) != 0 && errno != ENOENT) {
            error_set(error, ERR_UNAVAILABLE, "move %s to %s: %s", from, to, g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

/* The copy in a folder of its own, opened as a store: what is no store, damaged or newer is found out before anything is changed. */
static gboolean check_copy(const char *folder, GError **error) {
    Store *store = store_open(&(StoreOptions){.folder = folder}, error);
    guint64 read = 0;
    gboolean good = store != NULL && store_verify(store, &read, error);
    store_close(store);
    return good;
}

static void remove_folder(const char *folder) {
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        if (g_file_test(file, G_FILE_TEST_IS_DIR))
            remove_folder(file);
        else
            g_unlink(file);
    }
    g_rmdir(folder);
}

gboolean store_restore(const char *file, const char *folder, GError **error) {
    int lock = -1;
    if (g_mkdir_with_parents(folder, 0700) != 0) {
        error_set(error, ERR_UNAVAILABLE, "cannot make the data folder %s: %s", folder, g_strerror(errno));
        return FALSE;
    }
    if (!lock_take(folder, 0, &lock, error))
        return FALSE;
    g_autofree char *trial = g_build_filename(folder, "restoring", NULL), *copy = g_build_filename(trial, STORE_DATABASE_FILE, NULL),
                    *final = g_build_filename(folder, STORE_DATABASE_FILE, NULL);
    remove_folder(trial);
    gboolean good = g_mkdir(trial, 0700) == 0 && copy_in(file, copy, error) && check_copy(trial, error) && set_aside(folder, error);
    if (good && g_rename(copy, final) != 0) {
        good = FALSE;
        error_set(error, ERR_UNAVAILABLE, "move %s to %s: %s", copy, final, g_strerror(errno));
    }
    remove_folder(trial);
    close(lock);
    return good;
}

/* ---- looking at a copy ---- */
gboolean store_verify_file(const char *file, guint64 *read, GError **error) {
    g_autofree char *trial = g_dir_make_tmp("gennaker-verify-XXXXXX", error);
    if (trial == NULL)
        return FALSE;
    g_autofree char *copy = g_build_filename(trial, STORE_DATABASE_FILE, NULL);
    Store *store = NULL;
    if (copy_in(file, copy, error))
        store = store_open(&(StoreOptions){.folder = trial, .read_only = TRUE}, error);
    gboolean good = store != NULL && store_verify(store, read, error);
    store_close(store);
    remove_folder(trial);
    return good;
}
