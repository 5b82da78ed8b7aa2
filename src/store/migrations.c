/* The shape of the database: numbered SQL files, applied in order, each in a transaction of its own with the row that says so.
 * They run at open, before anybody else uses the database. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store-resources.h"
#include "store/internal.h"
#include <errno.h>
#include <gio/gio.h>

#define RESOURCES "/gennaker/store/migrations"

static const StoreStatement VERSION_READ = {"migrations.version", "SELECT coalesce(max(version), 0) FROM schema_migrations"};
static const StoreStatement VERSION_WRITE = {"migrations.record",
                                             "INSERT INTO schema_migrations (version, name, applied_ms) VALUES ($1, $2, $3)"};
static const char TABLE_SQL[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_ms BIGINT NOT NULL)";

static int name_compare(const void *a, const void *b) {
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

/* Files are named 0001-what-it-does.sql. */
static Migration *migrations_read(void) {
    store_register_resource();
    GResource *resource = store_get_resource();
    g_auto(GStrv) names = g_resource_enumerate_children(resource, RESOURCES, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    gsize n = names != NULL ? g_strv_length(names) : 0;
    Migration *migrations = g_new0(Migration, n + 1);
    qsort(names, n, sizeof *names, name_compare);
    for (gsize i = 0; i < n; i++) {
        g_autofree char *path = g_build_path("/", RESOURCES, names[i], NULL);
        g_autoptr(GBytes) sql = g_resource_lookup_data(resource, path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
        migrations[i] = (Migration){.version = (gint64)g_ascii_strtoull(names[i], NULL, 10),
                                    .name = g_intern_string(names[i]),
                                    .sql = g_strndup(g_bytes_get_data(sql, NULL), g_bytes_get_size(sql))};
        g_assert(migrations[i].version == (gint64)i + 1);
    }
    return migrations;
}

const Migration *migrations_all(void) {
    static gsize all; /* a Migration * */
    if (g_once_init_enter(&all))
        g_once_init_leave(&all, (gsize)migrations_read());
    return (const Migration *)all;
}

static gint64 last_version(const Migration *migrations) {
    gint64 last = 0;
    for (const Migration *migration = migrations; migration->sql != NULL; migration++)
        last = migration->version;
    return last;
}

static gboolean number_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

static void newer_set(GError **error, const char *file, gint64 version, gint64 last) {
    error_set(error, ERR_INVALID,
              "the store %s was written by a newer Gennaker (its shape is %" G_GINT64_FORMAT ", this program knows up to %" G_GINT64_FORMAT
              "): start that version, or restore a backup that this one wrote",
              file, version, last);
}

static gboolean migration_run(StoreConnection *connection, const Migration *migration, GError **error) {
    StoreValue values[] = {SV_INT(migration->version), SV_TEXT(migration->name), SV_INT(clock_now_ms())};
    gboolean ok = connection->driver->begin(connection, error) && connection->driver->script(connection, migration->sql, error) &&
                  connection->driver->run(connection, &VERSION_WRITE, values, G_N_ELEMENTS(values), NULL, NULL, NULL, error) &&
                  connection->driver->commit(connection, error);
    connection->driver->rollback(connection);
    if (!ok)
        g_prefix_error(error, "migration %s: ", migration->name);
    return ok;
}

static gboolean old_copy(StoreConnection *connection, gint64 version, const char *backups, GError **error) {
    if (g_mkdir_with_parents(backups, 0700) != 0) {
        error_set(error, ERR_UNAVAILABLE, "cannot make the folder %s for a backup before the store is changed: %s", backups,
                  g_strerror(errno));
        return FALSE;
    }
    g_autofree char *name = g_strdup_printf("shape-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ".db", version, clock_now_ms());
    g_autofree char *file = g_build_filename(backups, name, NULL);
    if (!copy_whole(connection, file, error)) {
        g_prefix_error(error, "backup before the store is changed from shape %" G_GINT64_FORMAT ": ", version);
        return FALSE;
    }
    log_info("store", "the store as it was (shape %" G_GINT64_FORMAT ") is kept in %s", version, file);
    return TRUE;
}

gboolean migrations_apply(StoreConnection *connection, const Migration *migrations, const char *file, const char *backups, GError **error) {
    gint64 version = 0, last = last_version(migrations);
    if (!connection->driver->script(connection, TABLE_SQL, error) ||
        !connection->driver->run(connection, &VERSION_READ, NULL, 0, number_each, &version, NULL, error))
        return FALSE;
    if (version > last) {
        newer_set(error, file, version, last);
        return FALSE;
    }
    if (version > 0 && version < last && connection->driver->copy_begin != NULL && !old_copy(connection, version, backups, error))
        return FALSE;
    for (const Migration *migration = migrations; migration->sql != NULL; migration++) {
        if (migration->version > version && !migration_run(connection, migration, error))
            return FALSE;
    }
    return TRUE;
}

gboolean migrations_verify(StoreConnection *connection, const Migration *migrations, const char *file, GError **error) {
    gint64 version = 0, last = last_version(migrations);
    if (!connection->driver->run(connection, &VERSION_READ, NULL, 0, number_each, &version, NULL, error))
        return FALSE;
    if (version > last)
        newer_set(error, file, version, last);
    if (version < last)
        error_set(error, ERR_INVALID, "the store %s was written by an older Gennaker: start the server once, which brings it up to date",
                  file);
    return version == last;
}
