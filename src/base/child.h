/* Child processes: an argument vector, never a shell; own environment, time limit, bounded and streamed output. */
#pragma once
#include "base/cancel.h"

#define CHILD_LINE_MAX (16 * 1024) /* bytes given to on_line at once; a longer line comes in parts */

typedef struct {
    const char *const *argv;                          /* NULL-terminated; argv[0] is looked up in our PATH */
    const char *const *environ;                       /* NULL-terminated "K=V"; NULL: a minimal one (PATH, HOME, LANG, TZ) */
    const char *folder;                               /* working directory or NULL */
    const char *input;                                /* given to standard input, or NULL (/dev/null) */
    gint64 timeout_ms;                                /* above 0; then the process group is ended: SIGTERM, grace, SIGKILL */
    gint64 grace_ms;                                  /* between SIGTERM and SIGKILL; 0: 5 s */
    gsize output_max;                                 /* bytes kept of standard output and of standard error; more is cut with a note */
    void (*on_line)(const char *line, gpointer data); /* each line of both streams as it comes, on the calling thread, or NULL */
    gpointer on_line_data;
} ChildSpec;

typedef struct {
    int exit_code; /* -1 when ended by a signal */
    int signal;    /* 0 unless ended by one */
    gboolean timed_out, cancelled;
    char *output, *errors; /* NUL-terminated */
} ChildResult;

/* Runs to the end on the calling thread. FALSE when it could not be started (ERR_NOT_FOUND names the program) or ended by
 * time limit (ERR_TIMEOUT) or cancel (ERR_CANCELLED); a non-zero exit is not an error here.
 * What the child started in its process group ends with it. The result is filled (and must be cleared) whenever it was started. */
gboolean child_run(const ChildSpec *spec, Cancel *cancel, ChildResult *result, GError **error);
void child_result_clear(ChildResult *result);
