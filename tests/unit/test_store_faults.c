/* Writes, syncs and truncations that fail: each one in turn, once or until it is repaired, while groups are committed. What was
 * acknowledged must be there afterwards, what was refused must not, and the store must go on by itself. */
#include "store_testing.h"
#include <sqlite3.h>

#define GROUPS 4
#define GROUP_UNITS 6

/* ---- a file system that fails on demand -------------------------------------------------------------------------- */

typedef struct {
    sqlite3_file base;
    sqlite3_file *real; /* behind it in the same allocation */
} FaultyFile;

static sqlite3_vfs *real_vfs;
static gint countdown; /* operations until the first that fails; 0: none fails */
static gint sticky;    /* whether all after it fail as well */
static gint failed;    /* how many did */

static gboolean is_to_fail(void) {
    gint left = g_atomic_int_get(&countdown);
    if (left == 0)
        return FALSE;
    if (left > 1 && !g_atomic_int_dec_and_test(&countdown) && g_atomic_int_get(&countdown) >= 1)
        return FALSE;
    g_atomic_int_set(&countdown, g_atomic_int_get(&sticky) ? 1 : 0);
    g_atomic_int_inc(&failed);
    return TRUE;
}

#define REAL(file) (((FaultyFile *)(file))->real)
#define FORWARD(name, parameters, ...)                                                                                                     \
    static int faulty_##name parameters {                                                                                                  \
        return REAL(file)->pMethods->x##name(__VA_ARGS__);                                                                                 \
    }

FORWARD(Close, (sqlite3_file * file), REAL(file))
FORWARD(Read, (sqlite3_file * file, void *into, int n, sqlite3_int64 at), REAL(file), into, n, at)
FORWARD(FileSize, (sqlite3_file * file, sqlite3_int64 *size), REAL(file), size)
FORWARD(Lock, (sqlite3_file * file, int level), REAL(file), level)
FORWARD(Unlock, (sqlite3_file * file, int level), REAL(file), level)
FORWARD(CheckReservedLock, (sqlite3_file * file, int *out), REAL(file), out)
FORWARD(FileControl, (sqlite3_file * file, int op, void *data), REAL(file), op, data)
FORWARD(SectorSize, (sqlite3_file * file), REAL(file))
FORWARD(DeviceCharacteristics, (sqlite3_file * file), REAL(file))
FORWARD(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out), REAL(file), page, size, extend, out)
FORWARD(ShmLock, (sqlite3_file * file, int offset, int n, int flags), REAL(file), offset, n, flags)
FORWARD(ShmUnmap, (sqlite3_file * file, int remove), REAL(file), remove)

static void faulty_ShmBarrier(sqlite3_file *file) {
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int faulty_Write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at) {
    return is_to_fail() ? SQLITE_IOERR_WRITE : REAL(file)->pMethods->xWrite(REAL(file), data, n, at);
}

static int faulty_Truncate(sqlite3_file *file, sqlite3_int64 size) {
    return is_to_fail() ? SQLITE_IOERR_TRUNCATE : REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int faulty_Sync(sqlite3_file *file, int flags) {
    return is_to_fail() ? SQLITE_IOERR_FSYNC : REAL(file)->pMethods->xSync(REAL(file), flags);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_Close,
    .xRead = faulty_Read,
    .xWrite = faulty_Write,
    .xTruncate = faulty_Truncate,
    .xSync = faulty_Sync,
    .xFileSize = faulty_FileSize,
    .xLock = faulty_Lock,
    .xUnlock = faulty_Unlock,
    .xCheckReservedLock = faulty_CheckReservedLock,
    .xFileControl = faulty_FileControl,
    .xSectorSize = faulty_SectorSize,
    .xDeviceCharacteristics = faulty_DeviceCharacteristics,
    .xShmMap = faulty_ShmMap,
    .xShmLock = faulty_ShmLock,
    .xShmBarrier = faulty_ShmBarrier,
    .xShmUnmap = faulty_ShmUnmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    FaultyFile *faulty = (FaultyFile *)file;
    faulty->real = (sqlite3_file *)(faulty + 1);
    int code = real_vfs->xOpen(real_vfs, name, faulty->real, flags, out_flags);
    faulty->base.pMethods = faulty->real->pMethods != NULL ? &faulty_methods : NULL;
    return code;
}

static void faulty_register(void) {
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs; /* all but opening is the real one's */
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(FaultyFile) + real_vfs->szOsFile;
    vfs.xOpen = faulty_open;
    g_assert_cmpint(sqlite3_vfs_register(&vfs, 1), ==, SQLITE_OK);
}

static void faults_begin(gint at, gboolean stay) {
    g_atomic_int_set(&failed, 0);
    g_atomic_int_set(&sticky, stay);
    g_atomic_int_set(&countdown, at);
}

static gint faults_end(void) {
    g_atomic_int_set(&sticky, 0);
    g_atomic_int_set(&countdown, 0);
    return g_atomic_int_get(&failed);
}

/* ---- commits meanwhile ------------------------------------------------------------------------------------------- */

static const StoreStatement PUT = {"test.put", "INSERT INTO shared_values (hash, body) VALUES ($1, $2)"};
static const StoreStatement HAS = {"test.has", "SELECT count(*) FROM shared_values WHERE hash IN ($1, $2)"};

typedef struct {
    char *name;
    gint outcome; /* 0: none yet, 1: acknowledged, 2: refused */
} Sent;

static void sent_done(const GError *error, gpointer data) {
    Sent *sent = data;
    if (error != NULL)
        g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    g_atomic_int_set(&sent->outcome, error == NULL ? 1 : 2);
}

/* Groups of units with two rows each, some of several pages. */
static void groups_send(Store *store, const char *prefix, Sent *sent) {
    g_autofree char *text = g_strnfill(9000, 'x');
    for (guint group = 0; group < GROUPS; group++) {
        committer_hold(store->committer);
        for (guint i = 0; i < GROUP_UNITS; i++, sent++) {
            sent->name = g_strdup_printf("%s-%u-%u", prefix, group, i);
            g_autofree char *second = g_strconcat("second ", sent->name, NULL);
            StoreUnit *unit = store_unit_new();
            store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(sent->name), SV_BYTES(text, i * 1500)}, 2);
            store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(second), SV_BYTES(text, 10)}, 2);
            store_submit(store, unit, sent_done, sent);
        }
        committer_go(store->committer);
        commit_ok(store, store_unit_new());
    }
}

static void sent_check(Store *store, const Sent *sent, gsize n) {
    for (gsize i = 0; i < n; i++) {
        g_autofree char *second = g_strconcat("second ", sent[i].name, NULL);
        gint64 count = -1;
        g_autoptr(GError) error = NULL;
        store_query(store, &HAS, (StoreValue[]){SV_TEXT(sent[i].name), SV_TEXT(second)}, 2, testing_int_each, &count, &error);
        g_assert_no_error(error);
        g_assert_cmpint(sent[i].outcome, !=, 0);
        g_assert_cmpint(count, ==, sent[i].outcome == 1 ? 2 : 0);
    }
}

static void sent_clear(Sent *sent, gsize n) {
    for (gsize i = 0; i < n; i++)
        g_clear_pointer(&sent[i].name, g_free);
}

/* One store, a fault at each place in turn; after each the store goes on, and after each it is opened anew. */
static void run_with_faults(gboolean stay) {
    g_autofree char *folder = folder_new();
    gint step = g_getenv("GENNAKER_TEST_LONG") != NULL ? 1 : 3;
    for (gint at = 1;; at += step) {
        Store *store = store_open_at(folder);
        Sent sent[GROUPS * GROUP_UNITS] = {0}, after[GROUPS * GROUP_UNITS] = {0};
        g_autofree char *prefix = g_strdup_printf("%d", at), *later = g_strdup_printf("%d later", at);
        faults_begin(at, stay);
        groups_send(store, prefix, sent);
        gint n = faults_end();
        sent_check(store, sent, G_N_ELEMENTS(sent));
        groups_send(store, later, after);
        for (gsize i = 0; i < G_N_ELEMENTS(after); i++)
            g_assert_cmpint(after[i].outcome, ==, 1);
        store_close(store);
        store = store_open_at(folder);
        sent_check(store, sent, G_N_ELEMENTS(sent));
        sent_check(store, after, G_N_ELEMENTS(after));
        store_close(store);
        sent_clear(sent, G_N_ELEMENTS(sent));
        sent_clear(after, G_N_ELEMENTS(after));
        if (n == 0)
            break;
    }
    remove_tree(folder);
}

static void test_once(void) {
    run_with_faults(FALSE);
}

static void test_until_repaired(void) {
    run_with_faults(TRUE);
}

/* Opening a new store with a fault at each place: an error, or a store that is whole; afterwards it opens. */
static void test_open(void) {
    gint step = g_getenv("GENNAKER_TEST_LONG") != NULL ? 1 : 3;
    for (gint at = 1;; at += step) {
        g_autofree char *folder = folder_new();
        g_autoptr(GError) error = NULL;
        faults_begin(at, TRUE);
        Store *store = store_open(&(StoreOptions){.folder = folder}, &error);
        gint n = faults_end();
        if (store == NULL)
            g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
        store_close(store);
        store = store_open_at(folder);
        commit_ok(store, store_unit_new());
        store_close(store);
        remove_tree(folder);
        if (n == 0)
            break;
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    faulty_register();
    g_test_add_func("/store/faults/once", test_once);
    g_test_add_func("/store/faults/until-repaired", test_until_repaired);
    g_test_add_func("/store/faults/open", test_open);
    return g_test_run();
}
