/* `destroyServerGroup`: disabled first, then deleted with its instances (stages.md 10.3). */
#include "stages/deploy/group_operation.h"
#include "stages/deploy/stage_params.h"

static Status destroy(TaskContext *context, GError **error) {
    GroupName *name = target_of_stage(context, error);
    Status status = name != NULL ? group_operation_start(context, name, "destroyServerGroup", NULL, TRUE, error) : STATUS_TERMINAL;
    group_name_free(name);
    return status;
}

static const TaskDefinition destroy_task = GROUP_OPERATION_TASK("destroyServerGroup", destroy);

static void destroy_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&destroy_task, &task_monitor_server_group, &task_wait_for_destroyed};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static void destroy_plan(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    target_plan_children(execution, stage, plan, error);
    gboolean skip = deploy_flag(deploy_context(stage), "skipDisableBeforeDestroy", FALSE);
    if (target_stage_has_hooks(execution, stage) && !skip)
        plan_append(plan, "disableServerGroup", "disableServerGroup", deploy_context(stage));
}

static const Param destroy_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_PARAM("skipDisableBeforeDestroy", PARAM_BOOL, skip_disable, .help = "Delete it without taking it out of traffic first."),
    {0},
};

const StageType stage_destroy_server_group = {
    .type = "destroyServerGroup",
    .label = "Destroy server group",
    .help = "Deletes a server group and its instances.",
    .params = destroy_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = destroy_tasks,
    .prepare = target_prepare,
    .plan_before = destroy_plan,
};
