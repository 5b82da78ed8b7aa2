/* A file layer under SQLite that writes the write-ahead log in large pieces. SQLite writes each page as a header of 24 bytes and
 * its content: two system calls, and three pages of the file touched, for each. Here what follows on is collected, and written
 * before anybody could look for it: before a sync, a read, a truncation or a look at the size.
 *
 * That is enough, because frames of the log count only after the commit's sync (other connections learn of them from the index of
 * the log, which is written later still); so it serves synchronous=FULL alone. When writing fails, what was collected is given
 * up: SQLite fails the commit, and begins the next one at the same place. Only the log is treated so; all other files are the
 * default layer's own. A file belongs to one connection, so to one thread at a time. */
#include "store/sqlite_log.h"
#include <glib.h>
#include <sqlite3.h>
#include <string.h>

#define LAYER_NAME "gennaker-log"
#define COLLECTED_MAX (120 * 1024) /* the default layer writes less than 128 KB at a time */

typedef struct {
    sqlite3_file base;
    sqlite3_file *real; /* behind it in the same allocation */
    char *collected;    /* COLLECTED_MAX bytes once something was written */
    sqlite3_int64 at;   /* place of the first of them in the file */
    int n;
} LogFile;

static sqlite3_vfs layer;
static sqlite3_vfs *below;

static int collected_write(LogFile *log) {
    if (log->n == 0)
        return SQLITE_OK;
    int n = log->n;
    log->n = 0;
    return log->real->pMethods->xWrite(log->real, log->collected, n, log->at);
}

static int log_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at) {
    LogFile *log = (LogFile *)file;
    if (log->n > 0 && (at != log->at + log->n || log->n + n > COLLECTED_MAX)) {
        int code = collected_write(log);
        if (code != SQLITE_OK)
            return code;
    }
    if (n > COLLECTED_MAX)
        return log->real->pMethods->xWrite(log->real, data, n, at);
    if (log->collected == NULL)
        log->collected = g_malloc(COLLECTED_MAX);
    if (log->n == 0)
        log->at = at;
    memcpy(log->collected + log->n, data, (gsize)n);
    log->n += n;
    return SQLITE_OK;
}

static int log_close(sqlite3_file *file) {
    LogFile *log = (LogFile *)file;
    collected_write(log); /* nothing that was committed */
    g_clear_pointer(&log->collected, g_free);
    return log->real->pMethods->xClose(log->real);
}

/* The others write what was collected first, then ask the file below. */
#define AFTER_WRITING(name, parameters, ...)                                                                                               \
    static int log_##name parameters {                                                                                                     \
        LogFile *log = (LogFile *)file;                                                                                                    \
        int code = collected_write(log);                                                                                                   \
        return code != SQLITE_OK ? code : log->real->pMethods->x##name(log->real, ##__VA_ARGS__);                                          \
    }
#define AS_BELOW(name, parameters, ...)                                                                                                    \
    static int log_##name parameters {                                                                                                     \
        LogFile *log = (LogFile *)file;                                                                                                    \
        return log->real->pMethods->x##name(log->real, ##__VA_ARGS__);                                                                     \
    }

AFTER_WRITING(Read, (sqlite3_file * file, void *into, int n, sqlite3_int64 at), into, n, at)
AFTER_WRITING(Truncate, (sqlite3_file * file, sqlite3_int64 size), size)
AFTER_WRITING(Sync, (sqlite3_file * file, int flags), flags)
AFTER_WRITING(FileSize, (sqlite3_file * file, sqlite3_int64 *size), size)
AS_BELOW(Lock, (sqlite3_file * file, int level), level)
AS_BELOW(Unlock, (sqlite3_file * file, int level), level)
AS_BELOW(CheckReservedLock, (sqlite3_file * file, int *out), out)
AS_BELOW(FileControl, (sqlite3_file * file, int operation, void *data), operation, data)
AS_BELOW(SectorSize, (sqlite3_file * file))
AS_BELOW(DeviceCharacteristics, (sqlite3_file * file))

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_Read,
    .xWrite = log_write,
    .xTruncate = log_Truncate,
    .xSync = log_Sync,
    .xFileSize = log_FileSize,
    .xLock = log_Lock,
    .xUnlock = log_Unlock,
    .xCheckReservedLock = log_CheckReservedLock,
    .xFileControl = log_FileControl,
    .xSectorSize = log_SectorSize,
    .xDeviceCharacteristics = log_DeviceCharacteristics,
};

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return below->xOpen(below, name, file, flags, out_flags);
    LogFile *log = (LogFile *)file;
    *log = (LogFile){.real = (sqlite3_file *)(log + 1)};
    int code = below->xOpen(below, name, log->real, flags, out_flags);
    log->base.pMethods = log->real->pMethods != NULL ? &log_methods : NULL;
    return code;
}

const char *sqlite_log_layer(void) {
    static gsize once;
    if (g_once_init_enter(&once)) {
        below = sqlite3_vfs_find(NULL);
        layer = *below; /* all but opening is the default's */
        layer.zName = LAYER_NAME;
        layer.szOsFile = (int)sizeof(LogFile) + below->szOsFile;
        layer.pNext = NULL;
        layer.xOpen = layer_open;
        sqlite3_vfs_register(&layer, 0);
        g_once_init_leave(&once, 1);
    }
    return LAYER_NAME;
}
