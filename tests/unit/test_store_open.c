/* Opening under all circumstances: a second process, newer and older shapes, damage, no permission, no space, kill -9. Where that
 * needs another process, this program starts itself with an argument. */
#include "store_testing.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define BLOB_BYTES 50000

static const StoreStatement PUT = {"test.put", "INSERT INTO shared_values (hash, body) VALUES ($1, $2)"};
static const StoreStatement COUNT = {"test.count", "SELECT count(*) FROM shared_values"};
static const StoreStatement COUNT_WHOLE = {"test.count_whole",
                                           "SELECT count(*) FROM shared_values a JOIN shared_values b ON b.hash = 'second ' || a.hash"};

static gboolean blob_commit(Store *store, const char *hash, gsize bytes, GError **error) {
    g_autofree char *text = g_malloc0(bytes + 1);
    StoreUnit *unit = store_unit_new();
    store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(hash), SV_BYTES(text, bytes)}, 2);
    return store_commit(store, unit, error);
}

static void blob_commit_ok(Store *store, const char *hash) {
    g_autoptr(GError) error = NULL;
    g_assert_true(blob_commit(store, hash, 10, &error));
    g_assert_no_error(error);
}

/* ---- this program as another process ----------------------------------------------------------------------------- */

/* Starts it; *output gets a descriptor of its standard output. */
static GPid child_start(const char *what, const char *folder, int *output) {
    const char *argv[] = {"/proc/self/exe", what, folder, NULL};
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    argv[0] = self;
    GPid pid = 0;
    g_autoptr(GError) error = NULL;
    g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, output, NULL, &error);
    g_assert_no_error(error);
    return pid;
}

static int child_wait(GPid pid) {
    int status = 0;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* All that the child still says, or until the first line when line is TRUE; caller frees. */
static char *output_read(int fd, gboolean line) {
    GString *text = g_string_new(NULL);
    char c;
    while (read(fd, &c, 1) == 1 && !(line && c == '\n'))
        g_string_append_c(text, c);
    return g_string_free(text, FALSE);
}

static void say(const char *text) {
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    g_assert_cmpint(write(STDOUT_FILENO, line, strlen(line)), ==, (gssize)strlen(line));
}

/* ---- one process per store --------------------------------------------------------------------------------------- */

static int child_hold(const char *folder) {
    Store *store = store_open_at(folder);
    say("open");
    pause();
    store_close(store);
    return 0;
}

static void test_second_process(void) {
    g_autofree char *folder = folder_new();
    int output = -1;
    GPid pid = child_start("--hold", folder, &output);
    g_autofree char *line = output_read(output, TRUE), *holder = g_strdup_printf("process %d on ", (int)pid);
    g_assert_cmpstr(line, ==, "open");
    assert_open_fails(folder, ERR_CONFLICT, holder);
    kill(pid, SIGKILL);
    child_wait(pid);
    close(output);
    Store *store = store_open_at(folder);
    assert_open_fails(folder, ERR_CONFLICT, "in use by process");
    store_close(store);
    remove_tree(folder);
}

static gpointer release_later(gpointer data) {
    g_usleep(300 * 1000);
    store_close(data);
    return NULL;
}

static void test_lock_is_waited_for(void) {
    g_autofree char *folder = folder_new();
    GThread *thread = g_thread_new("closer", release_later, store_open_at(folder));
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){.folder = folder}, &error);
    g_assert_no_error(error);
    g_thread_join(thread);
    store_close(store);
    remove_tree(folder);
}

static void test_read_only(void) {
    g_autofree char *folder = folder_new();
    const StoreOptions options = {.folder = folder, .read_only = TRUE};
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(&options, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    Store *server = store_open_at(folder);
    blob_commit_ok(server, "1");
    Store *tool = store_open(&options, &error);
    g_assert_no_error(error);
    blob_commit_ok(server, "2");
    g_assert_cmpint(query_int(tool, &COUNT), ==, 2);
    g_assert_false(blob_commit(tool, "3", 1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    store_close(tool);
    store_close(server);
    tool = store_open(&options, NULL);
    g_assert_cmpint(query_int(tool, &COUNT), ==, 2);
    store_close(tool);
    remove_tree(folder);
}

static void test_modes(void) {
    g_autofree char *folder = folder_new(), *below = g_build_filename(folder, "a", "b", NULL);
    g_autofree char *file = g_build_filename(below, "gennaker.db", NULL), *log = g_strconcat(file, "-wal", NULL);
    Store *store = store_open_at(below);
    blob_commit_ok(store, "1");
    const char *paths[] = {below, file, log};
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        GStatBuf info;
        g_assert_cmpint(g_stat(paths[i], &info), ==, 0);
        g_assert_cmpuint(info.st_mode & 077, ==, 0);
    }
    store_close(store);
    remove_tree(folder);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static const StoreStatement NEWER = {"test.newer", "INSERT INTO schema_migrations (version, name, applied_ms) VALUES (9999, 'later', 1)"};

static void test_newer_shape(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    StoreUnit *unit = store_unit_new();
    store_unit_add(unit, &NEWER, NULL, 0);
    commit_ok(store, unit);
    store_close(store);
    assert_open_fails(folder, ERR_INVALID, "newer Gennaker");
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(&(StoreOptions){.folder = folder, .read_only = TRUE}, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    remove_tree(folder);
}

static const Migration FIRST[] = {
    {1, "one", "CREATE TABLE things (key BIGINT PRIMARY KEY, body BYTES); INSERT INTO things VALUES (1, 'x')"}, {}};
static const Migration SECOND[] = {{1, "one", "not run again"}, {2, "two", "ALTER TABLE things ADD COLUMN more TEXT"}, {}};
static const Migration BROKEN[] = {
    {1, "one", ""}, {2, "two", ""}, {3, "three", "INSERT INTO things (key) VALUES (2); INSERT INTO nowhere VALUES (1)"}, {}};
static const StoreStatement THINGS = {"test.things", "SELECT count(*) FROM things"};
static const StoreStatement MORE = {"test.more", "SELECT count(more) FROM things"};
static const StoreStatement SHAPE = {"test.shape", "SELECT max(version) FROM schema_migrations"};

static gint64 connection_int(StoreConnection *connection, const StoreStatement *statement) {
    gint64 value = -1;
    g_autoptr(GError) error = NULL;
    connection->driver->run(connection, statement, NULL, 0, testing_int_each, &value, NULL, &error);
    g_assert_no_error(error);
    return value;
}

static StoreConnection *connection_open(const char *file) {
    g_autoptr(GError) error = NULL;
    StoreConnection *connection = store_driver_sqlite.open(&(ConnectionOptions){.file = file, .role = CONNECTION_WRITER}, &error);
    g_assert_no_error(error);
    return connection;
}

/* Each is applied once; before an old store is changed it is copied; one that fails changes nothing. */
static void test_migrations(void) {
    g_autofree char *folder = folder_new(), *file = g_build_filename(folder, "a.db", NULL),
                    *backups = g_build_filename(folder, "backups", NULL);
    StoreConnection *connection = connection_open(file);
    g_autoptr(GError) error = NULL;
    g_assert_true(migrations_apply(connection, FIRST, file, backups, &error));
    g_assert_false(g_file_test(backups, G_FILE_TEST_EXISTS));
    g_assert_false(migrations_verify(connection, SECOND, file, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_assert_true(migrations_apply(connection, SECOND, file, backups, &error));
    g_assert_true(migrations_verify(connection, SECOND, file, &error));
    g_assert_cmpint(connection_int(connection, &MORE), ==, 0);
    g_assert_false(migrations_apply(connection, BROKEN, file, backups, &error));
    g_assert_nonnull(strstr(error->message, "three"));
    g_assert_cmpint(connection_int(connection, &SHAPE), ==, 2);
    g_assert_cmpint(connection_int(connection, &THINGS), ==, 1);
    connection->driver->close(connection);
    g_autoptr(GDir) dir = g_dir_open(backups, 0, NULL);
    guint old = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        if (!g_str_has_prefix(name, "shape-1-"))
            continue;
        g_autofree char *copy = g_build_filename(backups, name, NULL);
        connection = connection_open(copy);
        g_assert_cmpint(connection_int(connection, &SHAPE), ==, 1);
        g_assert_cmpint(connection_int(connection, &THINGS), ==, 1);
        connection->driver->close(connection);
        old++;
    }
    g_assert_cmpuint(old, ==, 1);
    remove_tree(folder);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* A store with some hundred pages. */
static void store_fill(const char *folder) {
    Store *store = store_open_at(folder);
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i < 2000; i++) {
        g_autofree char *id = g_strdup_printf("E%u", i);
        ExecutionRecord record = execution_record(store, id, "app", 1000);
        store_execution_insert(unit, &record, NULL, 0);
    }
    commit_ok(store, unit);
    store_close(store);
}

static void file_damage(const char *file, goffset at, gsize bytes) {
    int fd = open(file, O_RDWR | O_CLOEXEC);
    g_autofree char *noise = g_strnfill(bytes, '\x5a');
    g_assert_cmpint(pwrite(fd, noise, bytes, at), ==, (gssize)bytes);
    close(fd);
}

static void test_damage(void) {
    const struct {
        goffset at;
        gsize bytes;
    } damages[] = {{0, 16}, {0, 100}, {100, 3000}, {4096 * 3, 4096}, {4096 * 20, 4096 * 4}};
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_autofree char *folder = folder_new(), *file = g_build_filename(folder, "gennaker.db", NULL);
        store_fill(folder);
        file_damage(file, damages[i].at, damages[i].bytes);
        assert_open_fails(folder, ERR_INVALID, "copy a backup");
        remove_tree(folder);
    }
    g_autofree char *folder = folder_new(), *file = g_build_filename(folder, "gennaker.db", NULL);
    store_fill(folder);
    g_assert_cmpint(truncate(file, 4096 * 7), ==, 0);
    assert_open_fails(folder, ERR_INVALID, "damaged");
    remove_tree(folder);
}

static void test_not_a_folder(void) {
    g_autofree char *folder = folder_new(), *file = g_build_filename(folder, "file", NULL), *below = g_build_filename(file, "data", NULL);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    assert_open_fails(file, ERR_UNAVAILABLE, file);
    assert_open_fails(below, ERR_UNAVAILABLE, below);
    remove_tree(folder);
}

/* root may write everywhere, so somebody else tries. */
static int child_try(const char *folder) {
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return EXIT_SKIPPED;
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){.folder = folder, .lock_wait_ms = 1}, &error);
    store_close(store);
    if (store == NULL) {
        g_autofree char *text = g_strdup_printf("%d %s", (int)error_code(error), error->message);
        say(text);
    }
    return 0;
}

static void assert_refused_to_others(const char *folder, const char *expected) {
    int output = -1;
    GPid pid = child_start("--try", folder, &output);
    g_autofree char *said = output_read(output, FALSE), *code = g_strdup_printf("%d ", (int)ERR_UNAVAILABLE);
    close(output);
    if (child_wait(pid) == EXIT_SKIPPED)
        return;
    if (!g_str_has_prefix(said, code) || strstr(said, expected) == NULL)
        g_error("\"%s\" not in \"%s\"", expected, said);
}

static void test_no_permission(void) {
    g_autofree char *folder = folder_new(), *file = g_build_filename(folder, "gennaker.db", NULL),
                    *lock = g_build_filename(folder, "store.lock", NULL);
    g_chmod(folder, 0555);
    assert_refused_to_others(folder, "as user");
    g_chmod(folder, 0755);
    store_fill(folder);
    g_chmod(file, 0444);
    g_chmod(folder, 0777);
    g_chmod(lock, 0666);
    assert_refused_to_others(folder, "as user");
    remove_tree(folder);
}

/* ---- no space ---------------------------------------------------------------------------------------------------- */

/* Commits until one fails for want of space, and fails again when the checkpointer has had time to make some. How many were
 * acknowledged. */
static guint fill_until_full(Store *store) {
    guint acknowledged = 0, failures = 0;
    for (guint i = 0; failures < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *hash = g_strdup_printf("fill-%u", i);
        if (blob_commit(store, hash, BLOB_BYTES, &error)) {
            acknowledged++;
            failures = 0;
            continue;
        }
        g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
        g_assert_nonnull(strstr(error->message, "free space"));
        failures++;
        g_usleep(200 * 1000);
    }
    return acknowledged;
}

static void count_failed(const GError *error, gpointer data) {
    guint *counts = data;
    counts[error == NULL ? 0 : 1]++;
    if (error != NULL)
        g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
}

/* A whole group without space: everybody is told, and soon. */
static void group_without_space(Store *store) {
    guint counts[2] = {0};
    g_autofree char *text = g_malloc0(BLOB_BYTES);
    committer_hold(store->committer);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *hash = g_strdup_printf("group-%u", i);
        StoreUnit *unit = store_unit_new();
        store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(hash), SV_BYTES(text, BLOB_BYTES)}, 2);
        store_submit(store, unit, count_failed, counts);
    }
    committer_go(store->committer);
    commit_ok(store, store_unit_new());
    g_assert_cmpuint(counts[0], ==, 0);
    g_assert_cmpuint(counts[1], ==, 100);
}

/* Uses the limit of file sizes, which writes meet as they meet a full disk. */
static void test_no_space(void) {
    g_autofree char *folder = folder_new();
    struct rlimit before, small;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    signal(SIGXFSZ, SIG_IGN);
    Store *store = store_open_at(folder);
    small = before;
    small.rlim_cur = 2 << 20;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    guint n = fill_until_full(store);
    g_assert_cmpuint(n, >, 10);
    g_assert_cmpint(query_int(store, &COUNT), ==, n);
    group_without_space(store);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    blob_commit_ok(store, "again");
    g_assert_cmpint(query_int(store, &COUNT), ==, n + 1);
    store_close(store);
    store = store_open_at(folder);
    g_assert_cmpint(query_int(store, &COUNT), ==, n + 1);
    store_close(store);
    remove_tree(folder);
}

static void filler_write(const char *file, gsize bytes) {
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    g_autofree char *text = g_malloc0(4096);
    for (gsize i = 0; i < bytes / 4096; i++) {
        if (write(fd, text, 4096) <= 0)
            break;
    }
    close(fd);
}

/* The same on a real full file system, which takes the right to mount one. */
static int child_full_disk(const char *folder) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=4m") != 0)
        return EXIT_SKIPPED;
    g_autofree char *filler = g_build_filename(folder, "filler", NULL), *data = g_build_filename(folder, "data", NULL);
    filler_write(filler, 64 << 20);
    assert_open_fails(data, ERR_UNAVAILABLE, "space");
    g_unlink(filler);
    Store *store = store_open_at(data);
    g_assert_false(store_has_room(store));
    filler_write(filler, 1 << 20);
    guint n = fill_until_full(store);
    group_without_space(store);
    g_unlink(filler);
    blob_commit_ok(store, "again");
    g_assert_cmpint(query_int(store, &COUNT), ==, n + 1);
    store_close(store);
    return 0;
}

static void test_full_disk(void) {
    g_autofree char *folder = folder_new();
    int output = -1;
    GPid pid = child_start("--full-disk", folder, &output);
    int code = child_wait(pid);
    close(output);
    g_rmdir(folder);
    if (code == EXIT_SKIPPED)
        g_test_skip("may not mount a file system");
    else
        g_assert_cmpint(code, ==, 0);
}

/* ---- kill -9 ----------------------------------------------------------------------------------------------------- */

#define CRASH_THREADS 4

static Store *crashing;

/* Commits units of two rows and says the name of each that was acknowledged. */
static gpointer crash_main(gpointer data) {
    for (guint i = 0; i < G_MAXUINT; i++) {
        g_autofree char *name = g_strdup_printf("%s-%u-%u", (const char *)data, (guint)getpid(), i),
                        *second = g_strconcat("second ", name, NULL);
        StoreUnit *unit = store_unit_new();
        store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(name), SV_BYTES(name, 3000 % strlen(name))}, 2);
        store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(second), SV_BYTES(name, 1)}, 2);
        if (store_commit(crashing, unit, NULL))
            say(name);
    }
    return NULL;
}

static int child_crash(const char *folder) {
    static const char *names[CRASH_THREADS] = {"a", "b", "c", "d"};
    crashing = store_open_at(folder);
    for (guint i = 0; i < CRASH_THREADS; i++)
        g_thread_unref(g_thread_new("crash", crash_main, (char *)names[i]));
    pause();
    return 0;
}

static const StoreStatement HAS = {"test.has", "SELECT count(*) FROM shared_values WHERE hash IN ($1, $2)"};

static void assert_all_are_there(Store *store, GHashTable *acknowledged) {
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, acknowledged);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autofree char *second = g_strconcat("second ", (char *)name, NULL);
        gint64 count = 0;
        g_assert_true(store_query(store, &HAS, (StoreValue[]){SV_TEXT(name), SV_TEXT(second)}, 2, testing_int_each, &count, NULL));
        g_assert_cmpint(count, ==, 2);
    }
    g_assert_cmpint(query_int(store, &COUNT), ==, 2 * query_int(store, &COUNT_WHOLE));
}

static void test_kill(void) {
    g_autofree char *folder = folder_new();
    g_autoptr(GHashTable) acknowledged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint rounds = g_getenv("GENNAKER_TEST_LONG") != NULL ? 100 : 5;
    for (guint round = 0; round < rounds; round++) {
        int output = -1;
        GPid pid = child_start("--crash", folder, &output);
        guint enough = (guint)g_test_rand_int_range(1, 400);
        for (guint i = 0; i < enough; i++)
            g_hash_table_add(acknowledged, output_read(output, TRUE));
        kill(pid, SIGKILL);
        g_autofree char *rest = output_read(output, FALSE);
        close(output);
        child_wait(pid);
        g_auto(GStrv) lines = g_strsplit(rest, "\n", -1);
        for (char **line = lines; *line != NULL && *(line + 1) != NULL; line++)
            g_hash_table_add(acknowledged, g_strdup(*line));
        Store *store = store_open_at(folder);
        assert_all_are_there(store, acknowledged);
        store_close(store);
    }
    remove_tree(folder);
}

/* ---- backups ----------------------------------------------------------------------------------------------------- */

typedef struct {
    Store *store;
    gint stop, acknowledged;
} Busy;

static gpointer busy_main(gpointer data) {
    Busy *busy = data;
    for (guint i = 0; !g_atomic_int_get(&busy->stop); i++) {
        g_autofree char *hash = g_strdup_printf("busy-%u", i);
        g_assert_true(blob_commit(busy->store, hash, 3000, NULL));
        g_atomic_int_inc(&busy->acknowledged);
    }
    return NULL;
}

static void test_backup(void) {
    g_autofree char *folder = folder_new(), *other = folder_new(), *file = g_build_filename(other, "gennaker.db", NULL);
    store_fill(folder);
    Busy busy = {.store = store_open_at(folder)};
    GThread *thread = g_thread_new("busy", busy_main, &busy);
    while (g_atomic_int_get(&busy.acknowledged) < 20)
        g_usleep(1000);
    gint before = g_atomic_int_get(&busy.acknowledged);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_backup(busy.store, file, &error));
    gint after = g_atomic_int_get(&busy.acknowledged) + 1;
    g_assert_false(store_backup(busy.store, file, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(store_backup(busy.store, "/proc/no/where.db", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    g_atomic_int_set(&busy.stop, 1);
    g_thread_join(thread);
    store_close(busy.store);
    Store *copy = store_open_at(other);
    g_assert_cmpint(query_int(copy, &COUNT), >=, before);
    g_assert_cmpint(query_int(copy, &COUNT), <=, after);
    store_close(copy);
    remove_tree(folder);
    remove_tree(other);
}

static const struct {
    const char *argument;
    int (*main)(const char *folder);
} children[] = {{"--hold", child_hold}, {"--try", child_try}, {"--full-disk", child_full_disk}, {"--crash", child_crash}};

/* ---- what the migrations say of the tables, from which everything is copied ---- */
static const StoreStatement TABLE_NAMES = {"test.tables",
                                           "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migrations' "
                                           "AND name NOT LIKE 'sqlite_%' ORDER BY name"};

static gboolean name_each(const StoreRow *row, gpointer data) {
    g_ptr_array_add(data, g_strdup(store_row_text(row, 0)));
    return TRUE;
}

static gint by_name(gconstpointer a, gconstpointer b) {
    return strcmp((*(StoreTable *const *)a)->name, (*(StoreTable *const *)b)->name);
}

static void test_tables_are_known(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), tables = schema_tables(migrations_all());
    store_query(store, &TABLE_NAMES, NULL, 0, name_each, names, &error);
    g_assert_no_error(error);
    g_ptr_array_sort(tables, by_name);
    g_assert_cmpuint(tables->len, ==, names->len);
    for (guint i = 0; i < tables->len; i++) {
        const StoreTable *table = g_ptr_array_index(tables, i);
        g_assert_cmpstr(table->name, ==, g_ptr_array_index(names, i));
        g_assert_cmpuint(table->key->len, >, 0);
        g_assert_cmpuint(table->columns->len, >=, table->key->len);
    }
    store_close(store);
}

int main(int argc, char **argv) {
    for (gsize i = 0; argc == 3 && i < G_N_ELEMENTS(children); i++) {
        if (strcmp(argv[1], children[i].argument) == 0)
            return children[i].main(argv[2]);
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/open/second-process", test_second_process);
    g_test_add_func("/store/open/lock-wait", test_lock_is_waited_for);
    g_test_add_func("/store/open/read-only", test_read_only);
    g_test_add_func("/store/open/modes", test_modes);
    g_test_add_func("/store/open/newer", test_newer_shape);
    g_test_add_func("/store/open/migrations", test_migrations);
    g_test_add_func("/store/open/damage", test_damage);
    g_test_add_func("/store/open/not-a-folder", test_not_a_folder);
    g_test_add_func("/store/open/no-permission", test_no_permission);
    g_test_add_func("/store/open/no-space", test_no_space);
    g_test_add_func("/store/open/full-disk", test_full_disk);
    g_test_add_func("/store/open/kill", test_kill);
    g_test_add_func("/store/backup", test_backup);
    g_test_add_func("/store/tables-are-known", test_tables_are_known);
    return g_test_run();
}
