/* `disableServerGroup`: takes no traffic any more, and its instances are down for everybody (stages.md 10.3). */
#include "clouds/traffic.h"
#include "stages/deploy/group_operation.h"
#include "stages/deploy/stage_params.h"

/* Of so many percent: a part of the instances only, and the rest goes on serving. */
static Status disable_part(TaskContext *context, const GroupName *name, gint64 percentage, GError **error) {
    guint total;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, deploy_account(context->execution, context->stage), name->region, name->name);
    g_auto(GStrv) part = traffic_part_to_disable(snapshot, group, percentage, &total);
    return group_operation_start_part(context, name, "disableServerGroup", (const char *const *)part, error);
}

static Status disable(TaskContext *context, GError **error) {
    gint64 percentage = deploy_number(json_get(deploy_context(context->stage), "desiredPercentage"), 100);
    GroupName *name = target_of_stage(context, error);
    if (name == NULL)
        return STATUS_TERMINAL;
    Status status = percentage >= 1 && percentage <= 99 ? disable_part(context, name, percentage, error)
                                                        : group_operation_start(context, name, "disableServerGroup", NULL, TRUE, error);
    group_name_free(name);
    return status;
}

static const TaskDefinition disable_task = GROUP_OPERATION_TASK("disableServerGroup", disable);

static void disable_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&task_determine_health_providers, &disable_task, &task_monitor_server_group, &task_wait_for_down,
                                         &task_wait_for_disabled};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static const Param disable_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("desiredPercentage", PARAM_INT, desired_percentage, .help = "How many of its instances, in percent; absent: all."),
    {0},
};

const StageType stage_disable_server_group = {
    .type = "disableServerGroup",
    .label = "Disable server group",
    .help = "Takes a server group out of traffic.",
    .params = disable_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = disable_tasks,
    .prepare = target_prepare,
    .plan_before = target_plan_children,
};
