/* The table of statuses. Pure; any thread. */
#include "engine/execution.h"
#include <string.h>

/* Orca's two quirks are facts that pipelines rely on: STOPPED is in both sets, CANCELED in neither. */
static const StatusInfo statuses[] = {
    [STATUS_NOT_STARTED] = {"NOT_STARTED"},
    [STATUS_RUNNING] = {"RUNNING"},
    [STATUS_PAUSED] = {"PAUSED"},
    [STATUS_SUSPENDED] = {"SUSPENDED"},
    [STATUS_BUFFERED] = {"BUFFERED"},
    [STATUS_REDIRECT] = {"REDIRECT"},
    [STATUS_SUCCEEDED] = {"SUCCEEDED", .complete = TRUE, .success = TRUE},
    [STATUS_SKIPPED] = {"SKIPPED", .complete = TRUE, .success = TRUE},
    [STATUS_FAILED_CONTINUE] = {"FAILED_CONTINUE", .complete = TRUE, .failure = TRUE},
    [STATUS_STOPPED] = {"STOPPED", .complete = TRUE, .halt = TRUE, .failure = TRUE, .success = TRUE},
    [STATUS_TERMINAL] = {"TERMINAL", .complete = TRUE, .halt = TRUE, .failure = TRUE},
    [STATUS_CANCELED] = {"CANCELED", .complete = TRUE, .halt = TRUE},
};

const StatusInfo *status_info(Status status) {
    g_assert(status < G_N_ELEMENTS(statuses));
    return &statuses[status];
}

gboolean status_parse(const char *name, Status *into) {
    if (!name)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++)
        if (strcmp(statuses[i].name, name) == 0) {
            *into = (Status)i;
            return TRUE;
        }
    return FALSE;
}
