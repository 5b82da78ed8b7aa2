/* A child process that outlives us: it runs under `gennaker run-child FOLDER` in a session of its own, and everything we need to know of
 * it is in its folder. A folder is used once: for another try there is another folder. Any thread.
 *
 *   command.json  what to run; may hold secrets (mode 0600), removed by child_folder_tidy
 *   lock          held (flock) by the runner for its whole life
 *   process       {"pid", "born"} of the runner: written before the program starts
 *   heartbeat     its time of change moves every second while the runner lives
 *   output        both streams of the program as they come
 *   exit          how it ended, written whole as the last thing */
#pragma once
#include "base/cancel.h"
#include "base/error.h"

#define CHILD_OUTPUT_TAIL (64 * 1024) /* bytes kept of the end of an output that was cut at output_max */

typedef struct {
    const char *const *argv;    /* NULL-terminated */
    const char *const *environ; /* NULL-terminated "K=V" */
    const char *work_folder;    /* where it runs */
    gint64 timeout_ms;
    gint64 grace_ms;  /* between SIGTERM and SIGKILL, for its clean-up */
    gsize output_max; /* bytes of output; then only the last CHILD_OUTPUT_TAIL are kept too */
} ChildCommand;

typedef enum {
    CHILD_NONE, /* nothing was started in this folder */
    CHILD_RUNS,
    CHILD_ENDED,
    CHILD_LOST, /* it was started and is gone without saying how it ended */
} ChildState;

typedef struct {
    int exit_code, signal; /* -1 and the signal's number when a signal ended it */
    gboolean timed_out, cancelled;
    gint64 ended_ms;
    char *error; /* why it could not be started, or NULL */
} ChildEnd;
void child_end_clear(ChildEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChildEnd, child_end_clear)

/* program: path of the gennaker binary. Returns when the runner lives on its own. ERR_CONFLICT when the folder was used already. */
gboolean child_folder_start(const char *folder, const char *program, const ChildCommand *command, Cancel *cancel, GError **error);
/* end (may be NULL) is filled for CHILD_ENDED and cleared by the caller. */
ChildState child_folder_look(const char *folder, ChildEnd *end);
/* Output from a byte on, as it is, at most CHILD_READ_MAX bytes; *length how much. NULL with ERR_NOT_FOUND when there is none. */
#define CHILD_READ_MAX (32 * 1024 * 1024)
char *child_folder_read(const char *folder, gint64 from, gsize *length, GError **error);
gint64 child_folder_output_size(const char *folder);  /* 0 when there is none */
gint64 child_folder_heartbeat_ms(const char *folder); /* 0 when there is none */
/* Asks the runner to end the program and what it started. Returns whether there was one to ask. */
gboolean child_folder_cancel(const char *folder);
/* Removes what may hold secrets, once the child has ended. */
void child_folder_tidy(const char *folder);

/* Shared with the runner. */
typedef struct {
    gint64 pid, born; /* born: start time in clock ticks since boot */
} ChildProcess;
gint64 child_process_born(gint64 pid);                                                             /* 0 when there is no such process */
gboolean child_file_write(const char *folder, const char *name, const char *text, GError **error); /* whole and durable, mode 0600 */
