/* `store …`: the care of a store without a server. A store is a data folder or an address postgresql://…. */
#include "store/store.h"
#include "cli/command.h"
#include "cli/folder.h"
#include <stdio.h>

static Store *open_named(const char *name, gboolean read_only, GError **error) {
    gboolean is_address = g_str_has_prefix(name, "postgresql://") || g_str_has_prefix(name, "postgres://");
    g_autofree char *folder = is_address ? data_folder_otherwise() : NULL;
    StoreOptions options = {.folder = is_address ? folder : name, .url = is_address ? name : NULL, .read_only = read_only};
    return store_open(&options, error);
}

static int run_migrate(Invocation *call, GError **error) {
    const char *name = invocation_argument(call, "STORE");
    Store *store = open_named(name, FALSE, error);
    if (store == NULL)
        return 1;
    store_close(store);
    puts("The store has the shape that this version uses.");
    return 0;
}

static int run_verify(Invocation *call, GError **error) {
    const char *name = invocation_argument(call, "STORE");
    gboolean is_file = g_file_test(name, G_FILE_TEST_IS_REGULAR);
    Store *store = is_file ? NULL : open_named(name, TRUE, error);
    guint64 read = 0;
    gboolean good = is_file ? store_verify_file(name, &read, error) : store != NULL && store_verify(store, &read, error);
    if (store != NULL)
        store_close(store);
    if (!good)
        return 1;
    printf("Whole: %" G_GUINT64_FORMAT " executions and documents were read.\n", read);
    return 0;
}

static int run_backup(Invocation *call, GError **error) {
    const char *file = invocation_argument(call, "FILE");
    Store *store = open_named(invocation_argument(call, "STORE"), TRUE, error);
    gboolean good = store != NULL && store_backup(store, file, error);
    if (store != NULL)
        store_close(store);
    if (!good)
        return 1;
    printf("Copied to %s.\n", file);
    return 0;
}

static int run_restore(Invocation *call, GError **error) {
    const char *folder = invocation_argument(call, "FOLDER");
    if (!store_restore(invocation_argument(call, "FILE"), folder, error))
        return 1;
    printf("Restored into %s; what was there is kept beside it in backups.\n", folder);
    return 0;
}

static void tell_table(const char *table, guint64 rows, gpointer data) {
    (void)data;
    fprintf(stderr, "  %-20s %" G_GUINT64_FORMAT " rows\n", table, rows);
}

static int run_move(Invocation *call, GError **error) {
    Store *from = open_named(invocation_argument(call, "STORE"), FALSE, error);
    Store *to = from != NULL ? open_named(invocation_argument(call, "TARGET"), FALSE, error) : NULL;
    gboolean good = to != NULL && store_move(from, to, tell_table, NULL, error);
    if (to != NULL)
        store_close(to);
    if (from != NULL)
        store_close(from);
    if (!good)
        return 1;
    puts("Everything is in the new store; the old one is as it was. users.json and session.key of the data folder belong to the server, "
         "not to the store.");
    return 0;
}

const Command store_commands[] = {
    {.group = "store",
     .verb = "migrate",
     .arguments = "STORE",
     .local = TRUE,
     .run = run_migrate,
     .help = "Brings a store (a data folder or postgresql://…) to the shape of this version, as the server does at its start; a file is "
             "copied to backups first.",
     .example = "gennaker store migrate ~/.local/share/gennaker"},
    {.group = "store",
     .verb = "verify",
     .arguments = "STORE",
     .local = TRUE,
     .run = run_verify,
     .help = "Reads every execution and document; exit code 0 when all is whole. A server may run meanwhile. A file is one that store "
             "backup wrote.",
     .example = "gennaker store verify ~/.local/share/gennaker"},
    {.group = "store",
     .verb = "backup",
     .arguments = "STORE FILE",
     .local = TRUE,
     .run = run_backup,
     .help = "Writes a whole copy of a data folder's store to a file. A server may run meanwhile. PostgreSQL has pg_dump.",
     .example = "gennaker store backup ~/.local/share/gennaker /backup/gennaker.db"},
    {.group = "store",
     .verb = "restore",
     .arguments = "FILE FOLDER",
     .local = TRUE,
     .run = run_restore,
     .help = "Puts a copy in the place of a data folder's store, once it was checked. The server has to be stopped.",
     .example = "gennaker store restore /backup/gennaker.db ~/.local/share/gennaker"},
    {.group = "store",
     .verb = "move",
     .arguments = "STORE TARGET",
     .local = TRUE,
     .run = run_move,
     .help =
         "Copies everything into an empty store of another kind: from a data folder to PostgreSQL, or back. The server has to be stopped.",
     .example = "gennaker store move ~/.local/share/gennaker postgresql://gennaker@db.example.com/gennaker"},
    {0},
};
