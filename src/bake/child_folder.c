/* The side of a child's folder that starts, watches and ends. Owns nothing; any thread. */
#include "bake/child_folder.h"
#include "base/child.h"
#include "base/json.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define START_TIMEOUT_MS 20000
#define START_OUTPUT_MAX 4096
#define PROC_STAT_MAX 1024
#define PROC_STAT_BORN 19 /* fields behind the command's closing bracket before starttime (proc(5)) */

void child_end_clear(ChildEnd *end) {
    g_free(end->error);
    memset(end, 0, sizeof *end);
}

/* ---- files ---- */

gboolean child_file_write(const char *folder, const char *name, const char *text, GError **error) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
    return g_file_set_contents_full(path, text, -1, flags, 0600, error);
}

static Json *read_json(const char *folder, const char *name) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    return g_file_get_contents(path, &text, &length, NULL) ? json_parse(text, (gssize)length, NULL) : NULL;
}

gint64 child_process_born(gint64 pid) {
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
    g_autofree char *text = NULL;
    if (pid <= 0 || !g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    const char *after = strrchr(text, ')');
    g_auto(GStrv) fields = g_strsplit(after != NULL ? after + 1 : "", " ", PROC_STAT_BORN + 3);
    /* a process that has ended and is not yet waited for is gone for us */
    if (g_strv_length(fields) <= PROC_STAT_BORN + 1 || strcmp(fields[1], "Z") == 0)
        return 0;
    return g_ascii_strtoll(fields[PROC_STAT_BORN + 1], NULL, 10);
}

/* ---- starting ---- */

static Json *command_json(const ChildCommand *command) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_strings(builder, "argv", command->argv);
    json_add_strings(builder, "environ", command->environ);
    json_add_string(builder, "folder", command->work_folder);
    json_add_int(builder, "timeout_ms", command->timeout_ms);
    json_add_int(builder, "grace_ms", command->grace_ms);
    json_add_int(builder, "output_max", (gint64)command->output_max);
    json_end_object(builder);
    return json_builder_end(builder);
}

gboolean child_folder_start(const char *folder, const char *program, const ChildCommand *command, Cancel *cancel, GError **error) {
    if (child_folder_look(folder, NULL) != CHILD_NONE) {
        error_set(error, ERR_CONFLICT, "start %s: something was started in %s already", command->argv[0], folder);
        return FALSE;
    }
    g_autoptr(Json) json = command_json(command);
    g_autofree char *text = json_write(json_root(json), NULL);
    if (!child_file_write(folder, "command.json", text, error))
        return FALSE;
    const char *argv[] = {program, "run-child", folder, NULL};
    ChildSpec spec = {.argv = argv, .timeout_ms = START_TIMEOUT_MS, .output_max = START_OUTPUT_MAX};
    ChildResult result;
    if (!child_run(&spec, cancel, &result, error)) {
        child_result_clear(&result);
        return FALSE;
    }
    gboolean fine = result.exit_code == 0;
    if (!fine)
        error_set(error, ERR_INTERNAL, "start %s: %s run-child %s ended with %d: %s", command->argv[0], program, folder, result.exit_code,
                  g_strstrip(result.errors));
    child_result_clear(&result);
    return fine;
}

/* ---- looking ---- */

static gboolean read_process(const char *folder, ChildProcess *process) {
    g_autoptr(Json) json = read_json(folder, "process");
    process->pid = json_get_int(json_root(json), "pid", 0);
    process->born = json_get_int(json_root(json), "born", 0);
    return process->pid > 0;
}

static gboolean read_end(const char *folder, ChildEnd *end) {
    g_autoptr(Json) json = read_json(folder, "exit");
    const JsonValue *root = json_root(json);
    if (!json_is_object(root))
        return FALSE;
    if (end == NULL)
        return TRUE;
    end->exit_code = (int)json_get_int(root, "exit_code", -1);
    end->signal = (int)json_get_int(root, "signal", 0);
    end->timed_out = json_get_bool(root, "timed_out", FALSE);
    end->cancelled = json_get_bool(root, "cancelled", FALSE);
    end->ended_ms = json_get_int(root, "ended_ms", 0);
    end->error = g_strdup(json_get_string(root, "error"));
    return TRUE;
}

ChildState child_folder_look(const char *folder, ChildEnd *end) {
    ChildProcess process;
    if (read_end(folder, end))
        return CHILD_ENDED;
    if (!read_process(folder, &process))
        return CHILD_NONE;
    if (child_process_born(process.pid) == process.born)
        return CHILD_RUNS;
    /* it may have ended between the two looks */
    return read_end(folder, end) ? CHILD_ENDED : CHILD_LOST;
}

static gboolean stat_of(const char *folder, const char *name, GStatBuf *into) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    return g_stat(path, into) == 0;
}

gint64 child_folder_output_size(const char *folder) {
    GStatBuf info;
    return stat_of(folder, "output", &info) ? (gint64)info.st_size : 0;
}

gint64 child_folder_heartbeat_ms(const char *folder) {
    GStatBuf info;
    return stat_of(folder, "heartbeat", &info) ? (gint64)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000 : 0;
}

static gsize read_all(int fd, gint64 from, char *into, gsize size) {
    gsize done = 0;
    while (done < size) {
        ssize_t got = pread(fd, into + done, size - done, from + (gint64)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (gsize)got;
    }
    return done;
}

char *child_folder_read(const char *folder, gint64 from, gsize *length, GError **error) {
    g_autofree char *path = g_build_filename(folder, "output", NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "read %s: %s", path, g_strerror(errno));
        return NULL;
    }
    gint64 size = MIN(MAX(child_folder_output_size(folder) - from, 0), CHILD_READ_MAX);
    char *text = g_malloc((gsize)size + 1);
    *length = read_all(fd, from, text, (gsize)size);
    text[*length] = '\0';
    close(fd);
    return text;
}

/* ---- ending ---- */

gboolean child_folder_cancel(const char *folder) {
    ChildProcess process;
    if (!read_process(folder, &process))
        return FALSE;
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)process.pid, 0);
    if (fd < 0)
        return FALSE;
    /* the descriptor holds on to one process; only then its start time says whether it is ours */
    gboolean ours = child_process_born(process.pid) == process.born;
    gboolean asked = ours && syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0;
    close(fd);
    return asked;
}

void child_folder_tidy(const char *folder) {
    g_autofree char *path = g_build_filename(folder, "command.json", NULL);
    g_unlink(path);
}
