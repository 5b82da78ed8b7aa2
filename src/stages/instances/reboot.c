/* `rebootInstances`: they go down and come up again (stages.md 11). Runs in a worker. */
#include "stages/instances/instances.h"

#define DOWN_SEEN_MS 300000 /* a reboot that nobody's health showed in this time was faster than the looks at it */

static const OperationStage reboot_operation = {.operation = "rebootInstances"};
OPERATION_STAGE_RUN(reboot)

static Status wait_for_down(TaskContext *context, GError **error) {
    Status status = instances_wait(context, instance_rule_down, NULL, "down", error);
    gboolean long_enough = context->now_ms - context->task->start_ms >= DOWN_SEEN_MS;
    return status == STATUS_RUNNING && long_enough ? STATUS_SUCCEEDED : status;
}

static Status wait_for_up(TaskContext *context, GError **error) {
    return instances_wait(context, instance_rule_up, NULL, "up", error);
}

static const Param reboot_params[] = {INSTANCE_PLACE_PARAMS, INSTANCE_IDS_PARAM, INSTANCE_HEALTH_PARAM, {0}};
const StageType stage_reboot_instances = {
    .type = "rebootInstances",
    .label = "Reboot instances",
    .help = "Reboots instances and waits until they are up again.",
    .params = reboot_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){DETERMINE_HEALTH_PROVIDERS_TASK,
                                      GROUP_OPERATION_TASK("rebootInstances", reboot_run),
                                      CLOUD_OPERATION_MONITOR("monitorReboot"),
                                      INSTANCES_WAIT("waitForDownInstances", wait_for_down),
                                      INSTANCES_WAIT("waitForUpInstances", wait_for_up),
                                      {0}},
};
