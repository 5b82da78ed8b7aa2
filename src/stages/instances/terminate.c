/* `terminateInstances`, `terminateInstanceAndDecrementServerGroup`, `detachInstances` (stages.md 11, chaos.md 4): instances that go away.
 * Guards are asked when the last instances of a server group that are up are among them. Runs in a worker. */
#include "stages/instances/instances.h"

/* ---- terminateInstances ---- */

static void note_terminated(TaskContext *context, const GPtrArray *sets) {
    g_autofree char *region = deploy_location(context->execution, context->stage);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < sets->len; i++) {
        const InstanceSet *set = sets->pdata[i];
        for (guint k = 0; k < set->ids->len; k++)
            json_add_string(builder, NULL, set->ids->pdata[k]);
    }
    json_end_array(builder);
    g_autoptr(Json) ids = json_builder_end(builder);
    task_set_context_string(context, "terminate.account.name", deploy_account(context->execution, context->stage));
    task_set_context_string(context, "terminate.region", region);
    task_set_context_json(context, "terminate.instance.ids", ids);
    task_set_context_json(context, "terminate.remaining.instances", ids);
    task_set_context_string(context, "notification.type", "terminateinstances");
}

/* One operation per server group, each with the question to its guards. */
static gboolean add_set(TaskContext *context, const Cloud *cloud, const InstanceSet *set, JsonBuilder *operations, GError **error) {
    g_auto(GStrv) ids = instances_ids(set);
    g_autoptr(Json) check = instances_check(context, set, "terminateInstances", error);
    if (check == NULL)
        return FALSE;
    g_autoptr(Json) own = operation_stage_description(context->stage);
    g_autoptr(Json) list = json_from_strings((const char *const *)ids);
    g_autoptr(Json)
        named = json_pack("{s:s, s:s, s:s, s:s, s:j}", "credentials", deploy_account(context->execution, context->stage), "cloudProvider",
                          cloud->id, "region", set->group->region, "serverGroupName", set->group->name, "instanceIds", list);
    g_autoptr(Json) whole = json_merge(json_root(own), json_root(named));
    g_autoptr(Json) sent = json_merge(json_root(whole), json_root(check));
    json_begin_object(operations, NULL);
    json_add_json(operations, "terminateInstances", sent);
    json_end_object(operations);
    return TRUE;
}

static Status terminate(TaskContext *context, GError **error) {
    g_autoptr(GPtrArray) sets = instances_of_stage(context, error);
    const Cloud *cloud = sets != NULL ? deploy_cloud(context, error) : NULL;
    if (cloud == NULL || !instances_drop_missing(context, sets, error))
        return STATUS_TERMINAL;
    if (sets->len == 0) {
        note_terminated(context, sets);
        return STATUS_SUCCEEDED; /* all are gone already */
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < sets->len; i++)
        if (!add_set(context, cloud, sets->pdata[i], builder, error))
            return STATUS_TERMINAL;
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    if (!cloud_operation_start(context, deploy_account(context->execution, context->stage), json_root(operations), error))
        return STATUS_TERMINAL;
    note_terminated(context, sets);
    return STATUS_SUCCEEDED;
}

static Status wait_for_gone(TaskContext *context, GError **error) {
    Status status = instances_wait(context, instance_rule_gone, NULL, "gone", error);
    g_autoptr(Json) none = json_empty_array();
    if (status == STATUS_SUCCEEDED && json_get(deploy_context(context->stage), "terminate.remaining.instances") != NULL)
        task_set_context_json(context, "terminate.remaining.instances", none);
    return status;
}

static const Param terminate_params[] = {
    INSTANCE_PLACE_PARAMS,
    INSTANCE_IDS_PARAM,
    INSTANCE_PARAM("zone", PARAM_STRING, zone, .help = "Their zone, where the cloud asks for it."),
    INSTANCE_PARAM("reason", PARAM_STRING, reason, .help = "Why, for people."),
    {0},
};
const StageType stage_terminate_instances = {
    .type = "terminateInstances",
    .label = "Terminate instances",
    .help = "Terminates instances; those that left their server group meanwhile are left alone.",
    .params = terminate_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("terminateInstances", terminate),
                                      CLOUD_OPERATION_MONITOR("monitorTermination"),
                                      INSTANCES_WAIT("waitForTerminatedInstances", wait_for_gone),
                                      {0}},
};

/* ---- terminateInstanceAndDecrementServerGroup ---- */

/* The description with the question to the guards about the one set the stage is about; NULL with error. */
static Json *with_check(TaskContext *context, const JsonValue *description, const char *operation, GError **error) {
    g_autoptr(GPtrArray) sets = instances_of_stage(context, error);
    if (sets == NULL)
        return NULL;
    const InstanceSet *set = sets->pdata[0];
    if (set->group->name == NULL || sets->len > 1) {
        error_set(error, ERR_INVALID, "%s: serverGroupName: required, %s", context->stage->type,
                  sets->len > 1 ? "the instances are of several server groups" : "the instance's server group is not known");
        return NULL;
    }
    g_autoptr(Json) check = instances_check(context, set, operation, error);
    if (check == NULL)
        return NULL;
    g_autoptr(Json) named = json_pack("{s:s, s:s, s:s, s:v}", "serverGroupName", set->group->name, "asgName", set->group->name, "region",
                                      set->group->region, "instance", json_get(description, "instance"));
    g_autoptr(Json) whole = json_merge(description, json_root(named));
    return json_merge(json_root(whole), json_root(check));
}

static Json *decrement_describe(TaskContext *context, const JsonValue *description, GError **error) {
    return with_check(context, description, "terminateInstanceAndDecrement", error);
}
static const OperationStage decrement_operation = {.operation = "terminateInstanceAndDecrement", .describe = decrement_describe};
OPERATION_STAGE_RUN(decrement)

static const Param decrement_params[] = {
    INSTANCE_PLACE_PARAMS,
    INSTANCE_PARAM("instance", PARAM_STRING, instance, .help = "Id of the instance."),
    INSTANCE_PARAM("setMaxToNewDesired", PARAM_BOOL, set_max, .help = "Lower the server group's maximum to the new size."),
    INSTANCE_PARAM("adjustMinIfNecessary", PARAM_BOOL, adjust_min, .help = "Lower the minimum when it would stand in the way."),
    {0},
};
const StageType stage_terminate_and_decrement = {
    .type = "terminateInstanceAndDecrementServerGroup",
    .aliases = (const char *const[]){"terminateInstanceAndDecrementAsg", NULL},
    .label = "Terminate instance and decrement server group",
    .help = "Terminates an instance and makes its server group smaller by one.",
    .params = decrement_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("terminateInstance", decrement_run),
                                      CLOUD_OPERATION_MONITOR("monitorTermination"),
                                      INSTANCES_WAIT("waitForTerminatedInstance", wait_for_gone),
                                      {0}},
};

/* ---- detachInstances ---- */

static Json *detach_describe(TaskContext *context, const JsonValue *description, GError **error) {
    return with_check(context, description, "detachInstances", error);
}
static const OperationStage detach_operation = {.operation = "detachInstances", .describe = detach_describe};
OPERATION_STAGE_RUN(detach)

static const Param detach_params[] = {
    INSTANCE_PLACE_PARAMS,
    INSTANCE_IDS_PARAM,
    INSTANCE_PARAM("decrementDesiredCapacity", PARAM_BOOL, decrement, .help = "Make the server group smaller; else it launches others."),
    INSTANCE_PARAM("adjustMinIfNecessary", PARAM_BOOL, adjust_min, .help = "Lower the minimum when it would stand in the way."),
    INSTANCE_PARAM("terminateDetachedInstances", PARAM_BOOL, terminate, .help = "Terminate them after they are detached."),
    {0},
};
const StageType stage_detach_instances = {
    .type = "detachInstances",
    .label = "Detach instances",
    .help = "Takes instances out of their server group.",
    .params = detach_params,
    .params_size = sizeof(InstanceStageParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("detachInstances", detach_run),
                                      CLOUD_OPERATION_MONITOR("monitorDetach"),
                                      INSTANCES_WAIT("waitForTerminatedInstances", wait_for_gone),
                                      {0}},
};
