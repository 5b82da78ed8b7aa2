/* Scaling processes (scaling_processes.h). */
#include "stages/deploy/scaling_processes.h"
#include "stages/deploy/group_operation.h"
#include "stages/deploy/stage_params.h"

#define RESUMED_PREFIX "scalingProcesses." /* output: what a resume changed, by group */
#define PROCESS_WAIT_TIMEOUT_MS 1200000

void scaling_processes_plan(const Stage *resize, StagePlan *plan, gboolean before) {
    static const char *const NEEDED[] = {"Launch", "Terminate", NULL};
    static const char *const CAPACITY[] = {"capacity", "kato.tasks", "kato.last.task.id", "kato.task.lastStatus", "deploy.server.groups",
                                           NULL};
    g_autoptr(Json) base = json_without(deploy_context(resize), CAPACITY);
    g_autoptr(Json) processes = json_from_strings(before ? NEEDED : NULL);
    g_autoptr(Json)
        more = json_pack("{s:s, s:v}", "action", before ? "resume" : "suspend", "processes", before ? json_root(processes) : NULL);
    g_autoptr(Json) context = json_merge(json_root(base), json_root(more));
    plan_append(plan, "modifyAwsScalingProcess", before ? "resumeScalingProcesses" : "suspendScalingProcesses", json_root(context));
}

static gboolean is_resume(const Stage *stage) {
    return g_strcmp0(json_get_string(deploy_context(stage), "action"), "resume") == 0;
}

static char *resumed_key(const GroupName *name) {
    return g_strconcat(RESUMED_PREFIX, name->name, NULL);
}

/* The processes the stage is about: its own list, or what an earlier resume recorded. */
static const JsonValue *wanted_processes(const TaskContext *context, const GroupName *name) {
    const JsonValue *own = json_get(deploy_context(context->stage), "processes");
    g_autofree char *key = resumed_key(name);
    return json_length(own) > 0 ? own : task_get(context, key);
}

/* Those of them whose state differs from the one wanted. */
static Json *changes_of(const ServerGroup *group, const JsonValue *wanted, gboolean resume) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(wanted); json_next(&i);) {
        const char *process = json_string(i.value);
        gboolean suspended = process != NULL && g_strv_contains((const char *const *)group->suspended_processes, process);
        if (process != NULL && suspended == resume)
            json_add_string(builder, NULL, process);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* The changes that are left to make after a live read; NULL with error. */
static Json *read_changes(TaskContext *context, const GroupName *name, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    if (live_read_group(context, account, name, error) != GROUP_SEEN)
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    return group != NULL ? changes_of(group, wanted_processes(context, name), is_resume(context->stage)) : json_empty_array();
}

static Status modify_group(TaskContext *context, const GroupName *name, GError **error) {
    gboolean resume = is_resume(context->stage);
    const char *operation = resume ? "resumeAsgProcessesDescription" : "suspendAsgProcessesDescription";
    const Cloud *cloud = deploy_cloud(context, error);
    if (cloud == NULL)
        return STATUS_TERMINAL;
    if (!cloud_has_operation(cloud, operation))
        return STATUS_SUCCEEDED;
    g_autoptr(Json) changes = read_changes(context, name, error);
    if (changes == NULL)
        return STATUS_TERMINAL;
    if (json_length(json_root(changes)) == 0)
        return STATUS_SUCCEEDED;
    g_autofree char *key = resumed_key(name);
    if (resume)
        task_set_output_json(context, key, changes);
    task_set_context_json(context, "processes", changes);
    g_autoptr(Json) more = json_pack("{s:j}", "processes", changes);
    return group_operation_start(context, name, operation, json_root(more), FALSE, error);
}

static Status modify(TaskContext *context, GError **error) {
    GroupName *name = target_of_stage(context, error);
    Status status = name != NULL ? modify_group(context, name, error) : STATUS_TERMINAL;
    group_name_free(name);
    return status;
}

static Status wait_for_processes(TaskContext *context, GError **error) {
    GroupName *name = json_get(deploy_context(context->stage), "kato.last.task.id") != NULL ? target_of_stage(context, error) : NULL;
    if (name == NULL)
        return STATUS_SUCCEEDED; /* nothing was changed */
    g_autoptr(Json) left = read_changes(context, name, error);
    group_name_free(name);
    if (left == NULL)
        return STATUS_TERMINAL;
    return json_length(json_root(left)) == 0 ? STATUS_SUCCEEDED : STATUS_RUNNING;
}

static const TaskDefinition modify_task = GROUP_OPERATION_TASK("modifyScalingProcess", modify);
static const TaskDefinition wait_task = {.name = "waitForScalingProcess",
                                         .run = wait_for_processes,
                                         .timeout_ms = PROCESS_WAIT_TIMEOUT_MS,
                                         .backoff_ms = 500,
                                         .poll_after = deploy_poll_after,
                                         .account = deploy_account};

static void modify_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    const TaskDefinition *const all[] = {&modify_task, &task_monitor_server_group, &wait_task};
    for (guint i = 0; target_stage_works(execution, stage) && i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(tasks, (gpointer)all[i]);
}

static const Param modify_params[] = {
    DEPLOY_TARGET_PARAMS,
    DEPLOY_PARAM("action", PARAM_STRING, action, .help = "resume or suspend."),
    DEPLOY_PARAM("processes", PARAM_STRINGS, processes,
                 .help = "Launch, Terminate, AddToLoadBalancer, AlarmNotification, AZRebalance, HealthCheck, ReplaceUnhealthy, "
                         "ScheduledActions; absent: those that an earlier stage of the execution resumed."),
    {0},
};

const StageType stage_modify_scaling_process = {
    .type = "modifyAwsScalingProcess",
    .aliases = (const char *const[]){"modifyScalingProcess", NULL},
    .label = "Modify scaling process",
    .help = "Suspends or resumes scaling processes of a server group.",
    .params = modify_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .build_tasks = modify_tasks,
    .prepare = target_prepare,
    .plan_before = target_plan_children,
};
