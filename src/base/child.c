/* Running child processes on the calling thread: one poll loop over both streams, the process and the cancel flag. */
#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TERM_GRACE_MS 5000 /* between SIGTERM and SIGKILL, and between two SIGKILLs */
#define DRAIN_MS 1000      /* for streams that a grandchild still holds after the child ended */
#define READ_BYTES 65536
#define NO_TIME G_MAXINT64

/* One of the child's output streams. */
typedef struct {
    int reader; /* -1 at its end */
    GString *kept, *line;
    gsize seen;
} Stream;

typedef struct {
    const ChildSpec *spec;
    pid_t pid;
    int process; /* pidfd, -1 when the process has ended */
    int wake;    /* eventfd that the cancel flag writes to */
    Stream output, errors;
    gint64 deadline, kill_at, drain_until; /* of clock_elapsed_ms */
    gboolean timed_out, cancelled;
} Child;

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The child's streams are put on 0 to 2; ours must not be there (they are when we were started with closed streams). */
static int above_standard_streams(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

static gboolean open_pipe(int *reader, int *writer) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return FALSE;
    *reader = above_standard_streams(ends[0]);
    *writer = above_standard_streams(ends[1]);
    return *reader >= 0 && *writer >= 0 && fcntl(*reader, F_SETFL, O_NONBLOCK) == 0;
}

/* Input is a file in memory, so that no writing can block or fail later. */
static int open_input(const char *input) {
    if (input == NULL)
        return above_standard_streams(open("/dev/null", O_RDONLY | O_CLOEXEC));
    int fd = above_standard_streams(memfd_create("input", MFD_CLOEXEC));
    const char *end = input + strlen(input);
    for (const char *at = input; fd >= 0 && at < end;) {
        const ssize_t written = write(fd, at, (gsize)(end - at));
        if (written < 0)
            close_fd(&fd);
        else
            at += written;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* ---- starting ---- */

static char **minimal_environment(void) {
    static const char *const kept[] = {"HOME", "LANG", "TZ"};
    GPtrArray *result = g_ptr_array_new();
    const char *path = g_getenv("PATH");
    g_ptr_array_add(result, g_strconcat("PATH=", path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
        if (g_getenv(kept[i]) != NULL)
            g_ptr_array_add(result, g_strconcat(kept[i], "=", g_getenv(kept[i]), NULL));
    g_ptr_array_add(result, NULL);
    return (char **)g_ptr_array_free(result, FALSE);
}

static void set_start_error(GError **error, const ChildSpec *spec, int problem) {
    const char *program = spec->argv[0];
    if (problem == ENOENT && spec->folder != NULL && !g_file_test(spec->folder, G_FILE_TEST_IS_DIR))
        error_set(error, ERR_NOT_FOUND, "start %s: there is no folder %s to run it in", program, spec->folder);
    else if (problem == ENOENT)
        error_set(error, ERR_NOT_FOUND, "start %s: there is no such program in PATH (or what it names in its first line)", program);
    else if (problem == EACCES || problem == EPERM)
        error_set(error, ERR_FORBIDDEN, "start %s: %s", program, g_strerror(problem));
    else if (problem == E2BIG)
        error_set(error, ERR_LIMIT, "start %s: its arguments and environment are too long", program);
    else
        error_set(error, problem == EAGAIN || problem == ENOMEM || problem == EMFILE ? ERR_UNAVAILABLE : ERR_INTERNAL, "start %s: %s",
                  program, g_strerror(problem));
}

/* Own process group, default signals, only the three streams. Returns an errno. */
static int spawn(const ChildSpec *spec, int input, int output, int errors, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, handled;
    sigemptyset(&none);
    sigfillset(&handled);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (spec->folder != NULL)
        posix_spawn_file_actions_addchdir_np(&files, spec->folder);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &handled);
    g_auto(GStrv) minimal = spec->environ == NULL ? minimal_environment() : NULL;
    char *const *environment = spec->environ == NULL ? minimal : (char *const *)spec->environ;
    const int problem = posix_spawnp(pid, spec->argv[0], &files, &attributes, (char *const *)spec->argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return problem;
}

static void child_close(Child *child) {
    close_fd(&child->process);
    close_fd(&child->wake);
    close_fd(&child->output.reader);
    close_fd(&child->errors.reader);
}

static gboolean child_start(Child *child, GError **error) {
    int output = -1, errors = -1;
    int input = open_input(child->spec->input);
    child->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int problem = 0;
    if (input < 0 || child->wake < 0 || !open_pipe(&child->output.reader, &output) || !open_pipe(&child->errors.reader, &errors))
        problem = errno;
    else
        problem = spawn(child->spec, input, output, errors, &child->pid);
    close_fd(&input);
    close_fd(&output);
    close_fd(&errors);
    if (problem != 0) {
        set_start_error(error, child->spec, problem);
        return FALSE;
    }
    child->process = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->process >= 0)
        return TRUE;
    problem = errno;
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    error_set(error, ERR_UNAVAILABLE, "start %s: pidfd_open: %s", child->spec->argv[0], g_strerror(problem));
    return FALSE;
}

/* ---- running ---- */

static void end_line(Child *child, Stream *stream) {
    if (child->spec->on_line != NULL) {
        g_autofree char *line = g_utf8_make_valid(stream->line->str, (gssize)stream->line->len);
        child->spec->on_line(line, child->spec->on_line_data);
    }
    g_string_truncate(stream->line, 0);
}

static void take_lines(Child *child, Stream *stream, const char *bytes, gsize length) {
    for (const char *end = bytes + length; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (gsize)(end - bytes));
        const gsize rest = (gsize)((newline == NULL ? end : newline) - bytes);
        const gsize part = MIN(rest, CHILD_LINE_MAX - stream->line->len);
        g_string_append_len(stream->line, bytes, (gssize)part);
        bytes += part;
        if (bytes == newline)
            bytes++;
        else if (stream->line->len < CHILD_LINE_MAX)
            return;
        end_line(child, stream);
    }
}

static void take_bytes(Child *child, Stream *stream, const char *bytes, gsize length) {
    const gsize room = child->spec->output_max - MIN(stream->kept->len, child->spec->output_max);
    g_string_append_len(stream->kept, bytes, (gssize)MIN(room, length));
    stream->seen += length;
    if (child->spec->on_line != NULL)
        take_lines(child, stream, bytes, length);
}

static void read_stream(Child *child, Stream *stream) {
    char bytes[READ_BYTES];
    const ssize_t got = read(stream->reader, bytes, sizeof bytes);
    if (got > 0) {
        take_bytes(child, stream, bytes, (gsize)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        if (stream->line->len > 0)
            end_line(child, stream);
        close_fd(&stream->reader);
    }
}

static void terminate(Child *child, gint64 now) {
    if (child->kill_at != NO_TIME || child->process < 0)
        return;
    kill(-child->pid, SIGTERM);
    child->kill_at = now + (child->spec->grace_ms > 0 ? child->spec->grace_ms : TERM_GRACE_MS);
}

static void check_times(Child *child, gint64 now) {
    if (now >= child->deadline && child->process >= 0) {
        child->timed_out = !child->cancelled;
        child->deadline = NO_TIME;
        terminate(child, now);
    }
    if (now >= child->kill_at) {
        kill(-child->pid, SIGKILL);
        child->kill_at = now + TERM_GRACE_MS;
    }
}

static void take_cancel(Child *child, gint64 now) {
    close_fd(&child->wake);
    child->cancelled = !child->timed_out && child->process >= 0;
    terminate(child, now);
}

/* Descriptors of -1 are skipped by poll. */
static void wait_for_something(Child *child, gint64 now) {
    struct pollfd sources[] = {
        {child->output.reader, POLLIN, 0}, {child->errors.reader, POLLIN, 0}, {child->process, POLLIN, 0}, {child->wake, POLLIN, 0}};
    const gint64 until = MIN(MIN(child->deadline, child->kill_at), child->drain_until);
    const int timeout = until == NO_TIME ? -1 : (int)CLAMP(until - now, 0, G_MAXINT);
    if (poll(sources, G_N_ELEMENTS(sources), timeout) <= 0)
        return;
    if (sources[0].revents != 0)
        read_stream(child, &child->output);
    if (sources[1].revents != 0)
        read_stream(child, &child->errors);
    if (sources[2].revents != 0) {
        close_fd(&child->process);
        child->deadline = NO_TIME;
        child->drain_until = clock_elapsed_ms() + DRAIN_MS;
    }
    if (sources[3].revents != 0)
        take_cancel(child, clock_elapsed_ms());
}

/* Until the process has ended and its streams too, or nobody closes them. */
static void child_attend(Child *child) {
    for (;;) {
        const gint64 now = clock_elapsed_ms();
        const gboolean streams_open = child->output.reader >= 0 || child->errors.reader >= 0;
        if (child->process < 0 && (!streams_open || now >= child->drain_until))
            return;
        check_times(child, now);
        wait_for_something(child, now);
    }
}

/* ---- results ---- */

static char *stream_text(Stream *stream, gsize max) {
    if (max > 0 && stream->seen > max)
        g_string_append_printf(stream->kept, "\n[cut: %" G_GSIZE_FORMAT " bytes in all]", stream->seen);
    char *text = g_utf8_make_valid(stream->kept->str, (gssize)stream->kept->len);
    g_string_free(stream->kept, TRUE);
    g_string_free(stream->line, TRUE);
    return text;
}

static void child_result(Child *child, int status, ChildResult *result) {
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->timed_out = child->timed_out;
    result->cancelled = child->cancelled;
}

static void ring(gpointer data) {
    const guint64 one = 1;
    if (write(*(const int *)data, &one, sizeof one) < 0)
        return; /* the counter is full: it rings already */
}

static gboolean run_started(Child *child, Cancel *cancel, ChildResult *result, GError **error) {
    const ChildSpec *spec = child->spec;
    int bell = fcntl(child->wake, F_DUPFD_CLOEXEC, 0); /* of the hook, which may run while we close ours */
    const guint hook = cancel_notify(cancel, ring, &bell);
    child_attend(child);
    cancel_forget(cancel, hook);
    close_fd(&bell);
    /* the ended child still holds its group's number until waitpid: nobody else's group is hit */
    kill(-child->pid, SIGKILL);
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child_result(child, status, result);
    if (child->cancelled) {
        error_set(error, ERR_CANCELLED, "%s was ended because the work it belongs to was cancelled", spec->argv[0]);
        return FALSE;
    }
    if (child->timed_out) {
        g_autofree char *limit = clock_duration_text(spec->timeout_ms);
        error_set(error, ERR_TIMEOUT, "%s did not end within %s and was ended", spec->argv[0], limit);
        return FALSE;
    }
    return TRUE;
}

gboolean child_run(const ChildSpec *spec, Cancel *cancel, ChildResult *result, GError **error) {
    g_assert(spec->argv != NULL && spec->argv[0] != NULL && spec->timeout_ms > 0);
    memset(result, 0, sizeof *result);
    if (cancel_is_set(cancel)) {
        result->cancelled = TRUE;
        error_set(error, ERR_CANCELLED, "%s was not started: the work it belongs to was cancelled", spec->argv[0]);
        return FALSE;
    }
    Child child = {
        .spec = spec,
        .process = -1,
        .wake = -1,
        .output = {-1, g_string_new(NULL), g_string_new(NULL), 0},
        .errors = {-1, g_string_new(NULL), g_string_new(NULL), 0},
        .deadline = clock_elapsed_ms() + spec->timeout_ms,
        .kill_at = NO_TIME,
        .drain_until = NO_TIME,
    };
    const gboolean started = child_start(&child, error);
    const gboolean ended = started && run_started(&child, cancel, result, error);
    child_close(&child);
    result->output = stream_text(&child.output, spec->output_max);
    result->errors = stream_text(&child.errors, spec->output_max);
    if (!started)
        child_result_clear(result);
    return ended;
}

void child_result_clear(ChildResult *result) {
    g_free(result->output);
    g_free(result->errors);
    memset(result, 0, sizeof *result);
}
