/* One process per store: a file that the operating system locks, and that says who holds it. The lock ends with the process,
 * however it ends; the file stays (removing it would let two processes lock two files of one name). */
#include "base/clock.h"
#include "base/error.h"
#include "store/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LOCK_FILE "store.lock"
#define LOCK_POLL_MS 50
#define LOCK_TEXT_MAX 256

/* An open-file-description lock: held by the descriptor, so that a second open in this very process is refused as well. */
static gboolean lock_try(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void holder_read(int fd, char *into, gsize size) {
    ssize_t n = pread(fd, into, size - 1, 0);
    into[n > 0 ? n : 0] = '\0';
    g_strchomp(into);
}

static void holder_write(int fd) {
    g_autofree char *text = g_strdup_printf("process %d on %s\n", (int)getpid(), g_get_host_name());
    /* Only for the message of whoever is refused: a full disk must not keep us from starting to say so. */
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, strlen(text), 0);
}

gboolean lock_take(const char *folder, gint64 wait_ms, int *lock, GError **error) {
    g_autofree char *file = g_build_filename(folder, LOCK_FILE, NULL);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int cause = errno;
        error_set(error, ERR_UNAVAILABLE, "cannot write to the data folder %s as user %u: %s", folder, (unsigned)geteuid(),
                  g_strerror(cause));
        return FALSE;
    }
    gint64 until_ms = clock_elapsed_ms() + wait_ms;
    while (!lock_try(fd)) {
        int cause = errno;
        if (cause != EAGAIN && cause != EACCES) {
            error_set(error, ERR_UNAVAILABLE, "cannot lock %s: %s (does this file system have locks?)", file, g_strerror(cause));
            close(fd);
            return FALSE;
        }
        if (clock_elapsed_ms() >= until_ms) {
            char holder[LOCK_TEXT_MAX];
            holder_read(fd, holder, sizeof holder);
            error_set(error, ERR_CONFLICT, "the data folder %s is in use by %s: stop it, or choose another folder", folder,
                      *holder != '\0' ? holder : "another process");
            close(fd);
            return FALSE;
        }
        g_usleep(LOCK_POLL_MS * 1000);
    }
    holder_write(fd);
    *lock = fd;
    return TRUE;
}
