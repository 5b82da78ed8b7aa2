/* `enableServerGroup`: takes traffic again, and its instances are up (stages.md 10.3). */
#include "stages/deploy/group_operation.h"
#include "stages/deploy/stage_params.h"

static Status enable(TaskContext *context, GError **error) {
    GroupName *name = target_of_stage(context, error);
    Status status = name != NULL ? group_operation_start(context, name, "enableServerGroup", NULL, FALSE, error) : STATUS_TERMINAL;
    group_name_free(name);
    return status;
}

static const TaskDefinition enable_task = GROUP_OPERATION_TASK("enableServerGroup", enable);

static void enable_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&task_determine_health_providers, &enable_task, &task_monitor_server_group, &task_wait_for_up};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static const Param enable_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("targetHealthyDeployPercentage", PARAM_INT, healthy_percentage,
                 .help = "How many of the instances must be up, in percent."),
    {0},
};

const StageType stage_enable_server_group = {
    .type = "enableServerGroup",
    .label = "Enable server group",
    .help = "Lets a server group take traffic again.",
    .params = enable_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = enable_tasks,
    .prepare = target_prepare,
    .plan_before = target_plan_children,
};
