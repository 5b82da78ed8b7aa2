/* Copies of the whole store. Written beside the target under another name, made durable, then renamed: a file with the
 * target's name is always whole. */
#include "base/error.h"
#include "store/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    StoreConnection *writer;
    const char *file;
    char *partial;
    gboolean hold; /* see copy_begin */
    StoreCopy *copy;
    gboolean ok;
    GError **error;
} CopyWork;

static gboolean copy_start(CopyWork *work) {
    if (g_file_test(work->file, G_FILE_TEST_EXISTS)) {
        error_set(work->error, ERR_CONFLICT, "write a backup to %s: there is a file already", work->file);
        return FALSE;
    }
    work->partial = g_strconcat(work->file, ".partial", NULL);
    unlink(work->partial);
    work->copy = work->writer->driver->copy_begin(work->writer, work->partial, work->hold, work->error);
    return work->copy != NULL;
}

static gboolean rename_durably(const char *from, const char *to, GError **error) {
    g_autofree char *folder = g_path_get_dirname(to);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && rename(from, to) == 0 && fsync(fd) == 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (!ok)
        error_set(error, ERR_UNAVAILABLE, "write a backup to %s: %s", to, g_strerror(cause));
    return ok;
}

/* One step; FALSE when it is over. */
static gboolean copy_work(gpointer data) {
    CopyWork *work = data;
    const StoreDriver *driver = work->writer->driver;
    if (work->copy == NULL && !copy_start(work))
        return FALSE;
    gboolean done = FALSE;
    work->ok = driver->copy_step(work->copy, &done, work->error);
    if (work->ok && !done)
        return TRUE;
    work->ok = driver->copy_end(work->copy, work->ok ? work->error : NULL) && work->ok;
    work->copy = NULL;
    return FALSE;
}

static gboolean copy_finish(CopyWork *work) {
    gboolean ok = work->ok && rename_durably(work->partial, work->file, work->error);
    if (!ok && work->partial != NULL)
        unlink(work->partial);
    g_free(work->partial);
    return ok;
}

gboolean copy_whole(StoreConnection *writer, const char *file, GError **error) {
    CopyWork work = {.writer = writer, .file = file, .hold = TRUE, .error = error};
    while (copy_work(&work)) {}
    return copy_finish(&work);
}

gboolean store_backup(Store *store, const char *file, GError **error) {
    if (store->driver->copy_begin == NULL) {
        error_set(error, ERR_INVALID, "the store %s is a database with tools of its own: back it up with them (pg_dump)", store->file);
        return FALSE;
    }
    if (store->committer == NULL)
        return copy_whole(store->writer, file, error);
    CopyWork work = {.writer = store->writer, .file = file, .error = error};
    committer_between(store->committer, copy_work, &work);
    return copy_finish(&work);
}
