/* Stages that change settings of server groups: tags, schedules, policies, what launches instances (stages.md 10.6, 12). Each sends its own
 * context as one operation and waits for its end. Run in a worker. */
#include "stages/operation_stage.h"

typedef struct {
    char *credentials, *provider, *region, *server_group, *name, *policy, *health_check, *instance_type, *image, *adjustment;
    char **regions, **termination_policies, **metrics, **security_groups;
    Json *asgs, *tags, *actions, *cooldown, *grace, *rebalance, *simple, *step, *tracking, *alarm;
    gboolean append_only;
} ChangeParams;
#define CHANGE_PARAM(key, kind, member, ...)                                                                                               \
    { .name = (key), .type = (kind), .offset = offsetof(ChangeParams, member), __VA_ARGS__ }
#define ACCOUNT_PARAMS                                                                                                                     \
    CHANGE_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),                              \
        CHANGE_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent.")
#define GROUPS_PARAMS                                                                                                                      \
    ACCOUNT_PARAMS, CHANGE_PARAM("asgs", PARAM_JSON, asgs, .help = "The server groups: [{serverGroupName or asgName, region}]."),          \
        CHANGE_PARAM("serverGroupName", PARAM_STRING, server_group, .help = "… or a single one; asgName is taken as well."),               \
        CHANGE_PARAM("regions", PARAM_STRINGS, regions, .help = "Where the single one is; region is taken as well.")
#define GROUP_PARAMS                                                                                                                       \
    ACCOUNT_PARAMS, CHANGE_PARAM("serverGroupName", PARAM_STRING, server_group, .help = "The server group; asgName is taken as well."),    \
        CHANGE_PARAM("region", PARAM_STRING, region, .help = "Where it is.")

/* A stage of one operation: stage_<id>. */
#define CHANGE_STAGE(id, type_name, other_names, label_text, help_text, operation_name, monitor, allows)                                   \
    static const OperationStage id##_operation = {.operation = (operation_name), .launches_image = (allows)};                              \
    OPERATION_STAGE_RUN(id)                                                                                                                \
    const StageType stage_##id = {                                                                                                         \
        .type = (type_name),                                                                                                               \
        .aliases = (other_names),                                                                                                          \
        .label = (label_text),                                                                                                             \
        .help = (help_text),                                                                                                               \
        .params = id##_params,                                                                                                             \
        .params_size = sizeof(ChangeParams),                                                                                               \
        .restart_drops = cloud_operation_restart_drops,                                                                                    \
        .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK(type_name, id##_run), CLOUD_OPERATION_MONITOR(monitor), {0}},               \
    }
#define ALIASES(...)                                                                                                                       \
    (const char *const[]) {                                                                                                                \
        __VA_ARGS__, NULL                                                                                                                  \
    }

static const Param upsert_tags_params[] = {
    GROUPS_PARAMS,
    CHANGE_PARAM("tags", PARAM_JSON, tags, .required = TRUE, .help = "{key: value}; instances get them at launch."),
    {0},
};
CHANGE_STAGE(upsert_tags, "upsertServerGroupTags", ALIASES("upsertAsgTags"), "Tag server group", "Sets tags of server groups.",
             "upsertServerGroupTags", "monitorModification", FALSE);

static const Param modify_asg_params[] = {
    GROUPS_PARAMS,
    CHANGE_PARAM("cooldown", PARAM_JSON, cooldown, .help = "Seconds between two scaling activities."),
    CHANGE_PARAM("healthCheckGracePeriod", PARAM_JSON, grace, .help = "Seconds after a launch in which health does not count."),
    CHANGE_PARAM("healthCheckType", PARAM_STRING, health_check, .help = "EC2 or ELB."),
    CHANGE_PARAM("terminationPolicies", PARAM_STRINGS, termination_policies, .help = "Which instances go first."),
    CHANGE_PARAM("capacityRebalance", PARAM_JSON, rebalance, .help = "Replace spot instances before they are interrupted."),
    CHANGE_PARAM("enabledMetrics", PARAM_STRINGS, metrics, .help = "Metrics of the group that are collected; others no longer."),
    {0},
};
CHANGE_STAGE(modify_asg, "modifyAsg", NULL, "Modify server group settings",
             "Changes cooldown, health checks, termination policies and metrics of server groups.", "modifyAsgDescription",
             "monitorModification", FALSE);

static const Param scheduled_actions_params[] = {
    GROUPS_PARAMS,
    CHANGE_PARAM("scheduledActions", PARAM_JSON, actions, .required = TRUE,
                 .help = "All that there are to be: [{recurrence, minSize, maxSize, desiredCapacity}]; others are deleted."),
    {0},
};
CHANGE_STAGE(scheduled_actions, "upsertAsgScheduledActions", NULL, "Set scheduled actions", "Sets the scheduled actions of server groups.",
             "upsertAsgScheduledActionsDescription", "monitorModification", FALSE);

static const Param upsert_policy_params[] = {
    GROUP_PARAMS,
    CHANGE_PARAM("name", PARAM_STRING, name, .help = "Name of the policy; made when absent."),
    CHANGE_PARAM("adjustmentType", PARAM_STRING, adjustment, .help = "ChangeInCapacity (default), ExactCapacity, PercentChangeInCapacity."),
    CHANGE_PARAM("simple", PARAM_JSON, simple, .help = "{cooldown, scalingAdjustment}."),
    CHANGE_PARAM("step", PARAM_JSON, step, .help = "{stepAdjustments, estimatedInstanceWarmup, metricAggregationType}."),
    CHANGE_PARAM("targetTrackingConfiguration", PARAM_JSON, tracking,
                 .help = "{targetValue, predefinedMetricSpecification or customizedMetricSpecification}."),
    CHANGE_PARAM("alarm", PARAM_JSON, alarm, .help = "What fires the policy."),
    {0},
};
CHANGE_STAGE(upsert_policy, "upsertScalingPolicy", NULL, "Set scaling policy",
             "Sets a scaling policy of a server group, with the alarm that fires it.", "upsertScalingPolicy", "monitorUpsert", FALSE);

static const Param delete_policy_params[] = {
    GROUP_PARAMS,
    CHANGE_PARAM("policyName", PARAM_STRING, policy, .required = TRUE, .help = "Name of the policy."),
    {0},
};
CHANGE_STAGE(delete_policy, "deleteScalingPolicy", NULL, "Delete scaling policy",
             "Deletes a scaling policy of a server group, with alarms that nothing else uses.", "deleteScalingPolicy", "monitorDelete",
             FALSE);

#define LAUNCH_PARAMS                                                                                                                      \
    GROUP_PARAMS, CHANGE_PARAM("amiName", PARAM_STRING, image, .help = "The image that new instances launch from."),                       \
        CHANGE_PARAM("instanceType", PARAM_STRING, instance_type, .help = "Their type."),                                                  \
        CHANGE_PARAM("securityGroups", PARAM_STRINGS, security_groups, .help = "Their security groups."),                                  \
        CHANGE_PARAM("securityGroupsAppendOnly", PARAM_BOOL, append_only, .help = "Add the groups to those that there are.")
static const Param launch_configuration_params[] = {LAUNCH_PARAMS, {0}};
CHANGE_STAGE(launch_configuration, "updateLaunchConfig", ALIASES("modifyAsgLaunchConfiguration"), "Update launch configuration",
             "Lets new instances of a server group launch otherwise, by a new launch configuration.", "updateLaunchConfig",
             "monitorModification", TRUE);
static const Param launch_template_params[] = {LAUNCH_PARAMS, {0}};
CHANGE_STAGE(launch_template, "updateLaunchTemplate", ALIASES("modifyServerGroupLaunchTemplate"), "Update launch template",
             "Lets new instances of a server group launch otherwise, by a new version of its launch template.", "updateLaunchTemplate",
             "monitorModification", TRUE);

/* ---- updateSecurityGroupsForServerGroup: what new instances get, and those that run ---- */

static const char *launch_operation(TaskContext *context, const GroupName *name, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    if (live_read_group(context, account, name, error) != GROUP_SEEN)
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    return group != NULL && group->launch_is_template ? "updateLaunchTemplate" : "updateLaunchConfig";
}

static Status start_on_group(TaskContext *context, const GroupName *name, GError **error) {
    const char *account = deploy_account(context->execution, context->stage), *launch = launch_operation(context, name, error);
    const Cloud *cloud = launch != NULL ? deploy_cloud(context, error) : NULL;
    if (cloud == NULL)
        return STATUS_TERMINAL;
    const JsonValue *own = deploy_context(context->stage);
    g_autoptr(Json) payload = deploy_group_payload(account, cloud->id, name);
    g_autoptr(Json) groups = json_pack("{s:v, s:v}", "securityGroups", json_get(own, "securityGroups"), "securityGroupsAppendOnly",
                                       json_get(own, "securityGroupsAppendOnly"));
    g_autoptr(Json) whole = json_merge(json_root(payload), json_root(groups));
    g_autoptr(Json) operations = cloud_has_operation(cloud, "updateInstances")
                                     ? json_pack("[{s:j}, {s:j}]", launch, whole, "updateInstances", whole)
                                     : json_pack("[{s:j}]", launch, whole);
    return cloud_operation_start(context, account, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status security_groups_run(TaskContext *context, GError **error) {
    GroupName *name = deploy_account(context->execution, context->stage) != NULL ? target_of_stage(context, error) : NULL;
    if (name == NULL && error != NULL && *error == NULL)
        error_set(error, ERR_INVALID, "%s: credentials: required, the name of an account", context->stage->type);
    Status status = name != NULL ? start_on_group(context, name, error) : STATUS_TERMINAL;
    group_name_free(name);
    return status;
}

static const Param security_groups_params[] = {
    GROUP_PARAMS,
    CHANGE_PARAM("securityGroups", PARAM_STRINGS, security_groups, .required = TRUE, .help = "Names or ids of security groups."),
    CHANGE_PARAM("securityGroupsAppendOnly", PARAM_BOOL, append_only, .help = "Add them to those that there are."),
    {0},
};
const StageType stage_update_security_groups = {
    .type = "updateSecurityGroupsForServerGroup",
    .label = "Update security groups",
    .help = "Gives a server group other security groups: new instances, and those that run.",
    .params = security_groups_params,
    .params_size = sizeof(ChangeParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("updateSecurityGroupsForServerGroup", security_groups_run),
                                      CLOUD_OPERATION_MONITOR("monitorModification"),
                                      {0}},
};
