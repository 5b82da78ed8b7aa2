/* `registerInstancesWithLoadBalancer`, `deregisterInstancesFromLoadBalancer`: single instances in and out of traffic (stages.md 11). Runs
 * in a worker. */
#include "stages/instances/instances.h"

static const char *const TRAFFIC_HEALTH[] = {"LoadBalancer", "TargetGroup", NULL};

/* Taken out of traffic like going away: the guards are asked about the last ones. */
static Json *deregister_describe(TaskContext *context, const JsonValue *description, GError **error) {
    g_autoptr(GPtrArray) sets = instances_of_stage(context, error);
    for (guint i = 0; sets != NULL && i < sets->len; i++) {
        g_autoptr(Json) check = instances_check(context, sets->pdata[i], "deregisterInstancesFromLoadBalancer", error);
        if (check == NULL)
            return NULL;
        if (sets->len == 1)
            return json_merge(description, json_root(check));
    }
    return sets != NULL ? json_copy(description) : NULL;
}

static const OperationStage register_operation = {.operation = "registerInstancesWithLoadBalancer"},
                            deregister_operation = {.operation = "deregisterInstancesFromLoadBalancer", .describe = deregister_describe};
OPERATION_STAGE_RUN(register)
OPERATION_STAGE_RUN(deregister)

static Status wait_for_registered(TaskContext *context, GError **error) {
    return instances_wait(context, instance_rule_up, TRAFFIC_HEALTH, "in traffic", error);
}

static Status wait_for_deregistered(TaskContext *context, GError **error) {
    return instances_wait(context, instance_rule_down, TRAFFIC_HEALTH, "out of traffic", error);
}

static const Param registration_params[] = {
    INSTANCE_PLACE_PARAMS,
    INSTANCE_IDS_PARAM,
    INSTANCE_PARAM("loadBalancerNames", PARAM_STRINGS, load_balancers,
                   .help = "Which load balancers; those of the server group when absent."),
    INSTANCE_PARAM("targetGroupNames", PARAM_STRINGS, target_groups, .help = "Which target groups; those of the server group when absent."),
    {0},
};
const StageType stage_register_instances = {
    .type = "registerInstancesWithLoadBalancer",
    .label = "Register instances with load balancer",
    .help = "Puts instances into traffic.",
    .params = registration_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("registerInstances", register_run),
                                      CLOUD_OPERATION_MONITOR("monitorInstances"),
                                      INSTANCES_WAIT("waitForLoadBalancerState", wait_for_registered),
                                      {0}},
};
const StageType stage_deregister_instances = {
    .type = "deregisterInstancesFromLoadBalancer",
    .label = "Deregister instances from load balancer",
    .help = "Takes instances out of traffic.",
    .params = registration_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("deregisterInstances", deregister_run),
                                      CLOUD_OPERATION_MONITOR("monitorInstances"),
                                      INSTANCES_WAIT("waitForLoadBalancerState", wait_for_deregistered),
                                      {0}},
};
