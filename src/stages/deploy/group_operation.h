/* What the stages that change one server group have in common. Runs in a worker. */
#pragma once
#include "stages/cloud_operation.h"
#include "stages/deploy/targets.h"
#include "stages/deploy/traffic_guard.h"
#include "stages/deploy/waits.h"

/* The stage's context as an operation takes it: without what the engine and earlier tasks keep there. Caller unrefs. */
Json *deploy_description(const Stage *stage);

/* Starts one operation on a group with the stage's description and more members (or NULL), records the group. guarded: asked of
 * traffic guards first, and again when the operation writes. */
Status group_operation_start(TaskContext *context, const GroupName *name, const char *operation, const JsonValue *more, gboolean guarded,
                             GError **error);
/* The same for some instances of the group only: guards are asked when its last ones that are up are among them. */
Status group_operation_start_part(TaskContext *context, const GroupName *name, const char *operation, const char *const *instances,
                                  GError **error);
/* The cloud of the stage's account, or NULL with error. */
const Cloud *deploy_cloud(const TaskContext *context, GError **error);

#define GROUP_OPERATION_TASK(task_name, function)                                                                                          \
    {                                                                                                                                      \
        .name = (task_name), .run = (function), .timeout_ms = CLOUD_OPERATION_START_TIMEOUT_MS,                                            \
        .backoff_ms = CLOUD_OPERATION_START_BACKOFF_MS, .account = deploy_account                                                          \
    }

Status determine_health_providers(TaskContext *context, GError **error);
#define DETERMINE_HEALTH_PROVIDERS_TASK                                                                                                    \
    { .name = "determineHealthProviders", .run = determine_health_providers }
extern const TaskDefinition task_determine_health_providers, task_monitor_server_group, task_force_refresh;
