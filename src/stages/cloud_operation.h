/* The pattern of every stage that changes something in a cloud (stages.md 0): one task starts an operation, the next watches it.
 *
 * The operation's id is made of execution, stage, task and attempt, so a task that is run again after a crash finds the operation it
 * had started. Runs in a worker. */
#pragma once
#include "base/error.h"
#include "stages/stages.h"

#define CLOUD_OPERATION_START_TIMEOUT_MS 1800000 /* it looks at the cloud first, which may be away for a while */
#define CLOUD_OPERATION_START_BACKOFF_MS 2000
#define CLOUD_OPERATION_TIMEOUT_MS 3600000
#define CLOUD_OPERATION_POLL_MS 5000 /* for the progress; the end wakes the task */

/* Starts [{<operation>: {…}}, …] and records kato.last.task.id, deploy.account.name and notification.type (the task's name in lower
 * case). ERR_INVALID with everything that is wrong; ERR_UNAVAILABLE: again. */
gboolean cloud_operation_start(TaskContext *context, const char *account, const JsonValue *operations, GError **error);

/* The monitor task: SUCCEEDED without an operation; records kato.tasks, kato.task.lastStatus, deploy.server.groups, deploy.jobs. */
Status cloud_operation_monitor(TaskContext *context, GError **error);
Status cloud_operation_cancel(TaskContext *context, GError **error);   /* for on_cancel */
Status cloud_operation_time_out(TaskContext *context, GError **error); /* for on_timeout: ends what the stage does not wait for */
#define CLOUD_OPERATION_MONITOR(task_name)                                                                                                 \
    {                                                                                                                                      \
        .name = (task_name), .run = cloud_operation_monitor, .timeout_ms = CLOUD_OPERATION_TIMEOUT_MS,                                     \
        .backoff_ms = CLOUD_OPERATION_POLL_MS, .on_timeout = cloud_operation_time_out, .on_cancel = cloud_operation_cancel                 \
    }

/* The operation that the stage started last ended with this error. */
gboolean cloud_operation_failed_with(TaskContext *context, ErrorCode code);

/* For StageType.restart_drops: what an earlier attempt recorded. */
extern const char *const cloud_operation_restart_drops[];

/* Do the results of the operation that the stage started last have a list under key that holds the text? */
gboolean cloud_operation_lists(const Stage *stage, const char *key, const char *text);
/* A member of the results of the stage's operations, newest operation first; NULL when none has it. */
const JsonValue *cloud_operation_result(const Stage *stage, const char *key);
