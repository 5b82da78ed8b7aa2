/* `gennaker run-child FOLDER`: the runner of one child process, apart from everything else of this program.
 *
 * It leaves its caller at once (own session, no streams), runs the program on its main thread, and has a second thread for the heartbeat
 * and for SIGTERM. What it knows it writes into the folder (child_folder.h). */
#include "bake/bakery.h"
#include "bake/child_folder.h"
#include "base/child.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEARTBEAT_S 1
#define RUN_TIMEOUT_MAX_MS (7 * 24 * G_GINT64_CONSTANT(3600000))

typedef struct {
    char **argv, **environ;
    char *work_folder;
    gint64 timeout_ms, grace_ms, output_max;
} Command;

typedef struct {
    const char *folder;
    int output;
    gint64 written, output_max;
    gboolean cut;
    GString *tail; /* what came last of an output that was cut */
    Cancel *cancel;
    gint done; /* atomic: the program has ended */
} Runner;

static const Param command_params[] = {
    {.name = "argv", .type = PARAM_STRINGS, .offset = offsetof(Command, argv), .required = TRUE},
    {.name = "environ", .type = PARAM_STRINGS, .offset = offsetof(Command, environ), .required = TRUE},
    {.name = "folder", .type = PARAM_STRING, .offset = offsetof(Command, work_folder)},
    {.name = "timeout_ms",
     .type = PARAM_MILLISECONDS,
     .offset = offsetof(Command, timeout_ms),
     .required = TRUE,
     .min = 1,
     .max = RUN_TIMEOUT_MAX_MS},
    {.name = "grace_ms", .type = PARAM_MILLISECONDS, .offset = offsetof(Command, grace_ms), .min = 0, .max = RUN_TIMEOUT_MAX_MS},
    {.name = "output_max", .type = PARAM_INT, .offset = offsetof(Command, output_max), .min = 0, .max = G_MAXINT32, .required = TRUE},
    {0},
};

/* ---- output ---- */

static void write_all(Runner *runner, const char *text, gsize length) {
    runner->written += (gint64)length;
    while (length > 0) {
        ssize_t wrote = write(runner->output, text, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return; /* a full disk must not end the program that is running */
        text += wrote;
        length -= (gsize)wrote;
    }
}

static void take_line(const char *line, gpointer data) {
    Runner *runner = data;
    g_autofree char *ended = g_strconcat(line, "\n", NULL);
    gsize length = strlen(ended);
    if (!runner->cut && runner->written + (gint64)length <= runner->output_max) {
        write_all(runner, ended, length);
        return;
    }
    runner->cut = TRUE;
    g_string_append_len(runner->tail, ended, (gssize)length);
    if (runner->tail->len > 2 * CHILD_OUTPUT_TAIL)
        g_string_erase(runner->tail, 0, (gssize)(runner->tail->len - CHILD_OUTPUT_TAIL));
}

static void write_tail(Runner *runner) {
    if (!runner->cut)
        return;
    if (runner->tail->len > CHILD_OUTPUT_TAIL)
        g_string_erase(runner->tail, 0, (gssize)(runner->tail->len - CHILD_OUTPUT_TAIL));
    const char *newline = strchr(runner->tail->str, '\n');
    const char *from = newline != NULL && newline[1] != '\0' ? newline + 1 : runner->tail->str;
    g_autofree char *note = g_strdup_printf("[cut: more than %" G_GINT64_FORMAT " bytes; its end follows]\n", runner->output_max);
    write_all(runner, note, strlen(note));
    write_all(runner, from, strlen(from));
}

/* ---- heartbeat and signals ---- */

static void beat(const char *folder) {
    g_autofree char *path = g_build_filename(folder, "heartbeat", NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    futimens(fd, NULL);
    close(fd);
}

static gpointer attend(gpointer data) {
    Runner *runner = data;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    while (!g_atomic_int_get(&runner->done)) {
        beat(runner->folder);
        const struct timespec wait = {HEARTBEAT_S, 0};
        int number = sigtimedwait(&signals, NULL, &wait);
        if (number == SIGTERM || number == SIGINT)
            cancel_set(runner->cancel);
    }
    return NULL;
}

/* ---- the run ---- */

static gboolean write_process(const char *folder, GError **error) {
    g_autofree char *text = g_strdup_printf("{\"pid\":%d,\"born\":%" G_GINT64_FORMAT "}\n", getpid(), child_process_born(getpid()));
    return child_file_write(folder, "process", text, error);
}

static gboolean write_exit(const char *folder, const ChildResult *result, const GError *failed, GError **error) {
    gboolean started = failed == NULL || result->timed_out || result->cancelled;
    g_autoptr(Json) json = json_pack("{s:i, s:i, s:b, s:b, s:i, s:s}", "exit_code", started ? (gint64)result->exit_code : (gint64)-1,
                                     "signal", (gint64)result->signal, "timed_out", result->timed_out, "cancelled", result->cancelled,
                                     "ended_ms", clock_now_ms(), "error", failed != NULL ? failed->message : NULL);
    g_autofree char *text = json_write(json_root(json), NULL);
    return child_file_write(folder, "exit", text, error);
}

/* Every thread has these blocked: the attendant takes them. */
static void block_signals(void) {
    sigset_t signals;
    sigfillset(&signals);
    sigdelset(&signals, SIGSEGV);
    sigdelset(&signals, SIGBUS);
    sigdelset(&signals, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

static gboolean run(const char *folder, const Command *command, int output, GError **error) {
    Runner runner = {
        .folder = folder, .output = output, .output_max = command->output_max, .tail = g_string_new(NULL), .cancel = cancel_new()};
    GThread *attendant = g_thread_new("attendant", attend, &runner);
    ChildSpec spec = {
        .argv = (const char *const *)command->argv,
        .environ = (const char *const *)command->environ,
        .folder = command->work_folder,
        .timeout_ms = command->timeout_ms,
        .grace_ms = command->grace_ms,
        .on_line = take_line,
        .on_line_data = &runner,
    };
    ChildResult result;
    g_autoptr(GError) failed = NULL;
    child_run(&spec, runner.cancel, &result, &failed);
    write_tail(&runner);
    gboolean fine = write_exit(folder, &result, failed, error);
    child_result_clear(&result);
    g_atomic_int_set(&runner.done, 1);
    kill(getpid(), SIGUSR1); /* the attendant need not wait for its next beat */
    g_thread_join(attendant);
    g_string_free(runner.tail, TRUE);
    cancel_unref(runner.cancel);
    return fine;
}

/* ---- coming to life ---- */

static int open_in(const char *folder, const char *name, int flags, GError **error) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
    if (fd < 0)
        error_set(error, ERR_INTERNAL, "open %s: %s", path, g_strerror(errno));
    return fd;
}

static gboolean read_command(const char *folder, Command *command, GError **error) {
    g_autofree char *path = g_build_filename(folder, "command.json", NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    if (!g_file_get_contents(path, &text, &length, error))
        return FALSE;
    g_autoptr(Json) json = json_parse(text, (gssize)length, error);
    if (json == NULL || !params_read(command_params, json_root(json), command, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (command->argv[0] != NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "%s: argv names no program", path);
    return FALSE;
}

/* The lock is held until this process ends; whoever has it and finds no trace of an earlier run is the only one, ever. */
static gboolean claim_folder(const char *folder, GError **error) {
    int lock = open_in(folder, "lock", 0, error);
    if (lock < 0)
        return FALSE;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0 || child_folder_look(folder, NULL) != CHILD_NONE) {
        error_set(error, ERR_CONFLICT, "%s was used already", folder);
        close(lock);
        return FALSE;
    }
    return TRUE;
}

/* In the process that goes on: away from the caller's terminal, session and streams. Tells the caller when the folder says who runs. */
static int live(const char *folder, const Command *command, int ready) {
    g_autoptr(GError) error = NULL;
    setsid();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int output = open_in(folder, "output", O_APPEND, &error);
    if (null < 0 || output < 0 || !write_process(folder, &error)) {
        fprintf(stderr, "gennaker run-child: %s\n", error != NULL ? error->message : "no /dev/null");
        return 1;
    }
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        dup2(null, stream);
    if (write(ready, "r", 1) != 1)
        return 1;
    close(ready);
    return run(folder, command, output, &error) ? 0 : 1;
}

/* In the process that was called: waits for the other one's word. */
static int see_off(pid_t pid, int ready) {
    char word = 0;
    ssize_t got;
    do
        got = read(ready, &word, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return 0;
    waitpid(pid, NULL, 0);
    return 1;
}

int bake_run_child(const char *folder) {
    g_autoptr(GError) error = NULL;
    Command command = {0};
    int ready[2];
    if (!read_command(folder, &command, &error) || !claim_folder(folder, &error) || pipe2(ready, O_CLOEXEC) != 0) {
        fprintf(stderr, "gennaker run-child: %s\n", error != NULL ? error->message : g_strerror(errno));
        params_clear(command_params, &command);
        return error_outward(error_code(error))->exit_code;
    }
    block_signals();
    pid_t pid = fork();
    if (pid != 0)
        close(ready[1]);
    int code = pid == 0 ? live(folder, &command, ready[1]) : pid > 0 ? see_off(pid, ready[0]) : 1;
    params_clear(command_params, &command);
    return code;
}
