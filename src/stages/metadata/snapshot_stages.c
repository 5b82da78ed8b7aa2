/* `saveSnapshot`, `restoreSnapshot` (stages.md 12): upstream's early attempt to keep an application's infrastructure as Terraform's text. Nothing here
 * writes or applies such text, and a stage that did nothing would hide that: they fail and say so. Snapshots that were imported can be read
 * (api/snapshots.c). */
#include "stages/stages.h"

typedef struct {
    char *application, *account;
    gint64 timestamp;
} SnapshotParams;

static const Param params[] = {
    {.name = "applicationName", .type = PARAM_STRING, .offset = offsetof(SnapshotParams, application), .help = "The application."},
    {.name = "credentials", .type = PARAM_STRING, .offset = offsetof(SnapshotParams, account), .help = "The account."},
    {.name = "snapshotTimestamp",
     .type = PARAM_INT,
     .offset = offsetof(SnapshotParams, timestamp),
     .help = "Which snapshot is to be restored, in milliseconds."},
    {0},
};

static Status refuse_run(TaskContext *context, GError **error) {
    const SnapshotParams *given = context->params;
    error_set(error, ERR_INVALID,
              "%s: snapshots of an application's infrastructure are neither made nor restored here (application %s, account %s); keep the "
              "pipelines "
              "and manifests that deploy it instead",
              context->stage->type, given->application != NULL ? given->application : context->execution->application,
              given->account != NULL ? given->account : "(none)");
    return STATUS_TERMINAL;
}

#define SNAPSHOT_STAGE(variable, type_, label_, help_)                                                                                     \
    const StageType variable = {.type = type_,                                                                                             \
                                .label = label_,                                                                                           \
                                .help = help_,                                                                                             \
                                .params = params,                                                                                          \
                                .params_size = sizeof(SnapshotParams),                                                                     \
                                .tasks = (const TaskDefinition[]){{.name = type_, .run = refuse_run}, {0}}}
SNAPSHOT_STAGE(stage_save_snapshot, "saveSnapshot", "Save Snapshot", "Not there: fails and says so.");
SNAPSHOT_STAGE(stage_restore_snapshot, "restoreSnapshot", "Restore Snapshot", "Not there: fails and says so.");
