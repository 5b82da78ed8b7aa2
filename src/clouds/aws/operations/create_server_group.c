/* createServerGroup: its parameters, validation, steps and result (aws.md 5). The steps are in create_*.c. */
#include "clouds/aws/block_devices.h"
#include "clouds/aws/operations/create.h"
#include "clouds/naming.h"
#include "clouds/sizes.h"
#include <string.h>

#define TEXT(name_, member_, help_)                                                                                                        \
    { .name = name_, .type = PARAM_STRING, .offset = offsetof(CreateParams, member_), .help = help_ }
#define NEEDED(name_, member_, help_)                                                                                                      \
    { .name = name_, .type = PARAM_STRING, .offset = offsetof(CreateParams, member_), .required = TRUE, .help = help_ }
#define TEXTS(name_, member_, help_)                                                                                                       \
    { .name = name_, .type = PARAM_STRINGS, .offset = offsetof(CreateParams, member_), .help = help_ }
#define ANY(name_, member_, help_)                                                                                                         \
    { .name = name_, .type = PARAM_JSON, .offset = offsetof(CreateParams, member_), .help = help_ }
#define NUMBER(name_, member_, help_)                                                                                                      \
    { .name = name_, .type = PARAM_INT, .offset = offsetof(CreateParams, member_), .otherwise = "-1", .help = help_ }
#define FLAG(name_, member_, otherwise_, help_)                                                                                            \
    { .name = name_, .type = PARAM_BOOL, .offset = offsetof(CreateParams, member_), .otherwise = otherwise_, .help = help_ }

const Param aws_create_params[] = {
    NEEDED("application", application, "Application the group belongs to."),
    TEXT("stack", stack, "Stack: second part of the name."),
    TEXT("freeFormDetails", detail, "Detail: third part of the name."),
    NEEDED("amiName", image, "Name or id of the image."),
    NEEDED("instanceType", instance_type, "Instance type."),
    {.name = "availabilityZones",
     .type = PARAM_JSON,
     .offset = offsetof(CreateParams, zones),
     .required = TRUE,
     .help = "Region and its zones: {region: [zones]}; no zones: all that the subnets have."},
    TEXT("subnetType", subnet_type, "Purpose of the subnets to launch into; none: by zones."),
    TEXTS("subnetIds", subnet_ids, "Only these of the subnets."),
    TEXT("iamRole", iam_role, "Instance profile; {{application}} is replaced in the default."),
    TEXT("keyPair", key_pair, "Key pair; default: the account's."),
    ANY("associatePublicIpAddress", public_ip, "Whether instances get a public address."),
    NUMBER("cooldown", cooldown, "Seconds between scaling activities."),
    TEXTS("enabledMetrics", enabled_metrics, "Metrics of the group to collect, with instanceMonitoring."),
    NUMBER("healthCheckGracePeriod", grace_s, "Seconds before the first health check."),
    TEXT("healthCheckType", health_check_type, "EC2 or ELB."),
    TEXTS("suspendedProcesses", suspended_processes, "Scaling processes to suspend from the start."),
    TEXTS("terminationPolicies", termination_policies, "Which instances go first."),
    TEXT("kernelId", kernel, "Kernel of paravirtual images."),
    TEXT("ramdiskId", ramdisk, "Ramdisk of paravirtual images."),
    ANY("instanceMonitoring", monitoring, "Detailed monitoring."),
    ANY("ebsOptimized", ebs_optimized, "Optimised for EBS; default by family."),
    TEXT("base64UserData", user_data, "User data in base64."),
    ANY("userDataOverride", user_data_override, "{enabled}: replace tokens in the user data and leave out the configured text."),
    NUMBER("sequence", sequence, "A number for the name instead of the next free one."),
    FLAG("ignoreSequence", ignore_sequence, "false", "Name the group like its cluster, if that is free."),
    FLAG("startDisabled", start_disabled, "false", "Start without taking traffic."),
    FLAG("includeAccountLifecycleHooks", account_hooks, "true", "Add the account's lifecycle hooks."),
    ANY("blockDevices", devices, "Block devices: a list of {deviceName, virtualName | size …}; none: by instance type."),
    FLAG("useAmiBlockDeviceMappings", use_image_devices, "false", "Take the image's block devices."),
    TEXTS("loadBalancers", load_balancers, "Names of classic load balancers."),
    TEXTS("targetGroups", target_groups, "Names of target groups."),
    TEXTS("securityGroups", security_groups, "Names or ids of security groups."),
    ANY("lifecycleHooks", lifecycle_hooks, "Lifecycle hooks: a list."),
    ANY("capacity", capacity, "Sizes: {min, max, desired}."),
    ANY("source", source, "Group to copy sizes and block devices from: {account, region, asgName, useSourceCapacity}."),
    ANY("tags", tags, "Tags of the group, also for its instances: {key: value}."),
    ANY("blockDeviceTags", device_tags, "Tags of volumes: {key: value}."),
    ANY("capacityRebalance", capacity_rebalance, "Replace spot instances at risk before they are interrupted."),
    FLAG("copySourceScalingPoliciesAndActions", copy_policies, "true", "Copy the source's scaling policies, alarms and scheduled actions."),
    FLAG("copySourceCustomBlockDeviceMappings", copy_devices, "true", "Copy the source's block devices when none are given."),
    FLAG("copySourceSubnetIdOverrides", copy_subnets, "true", "Launch into the subnets that the source was given by id."),
    FLAG("setLaunchTemplate", launch_template, "true", "Use a launch template."),
    FLAG("requireIMDSv2", require_imds_v2, "false", "Require tokens for instance metadata."),
    ANY("associateIPv6Address", ipv6, "Whether instances get an IPv6 address."),
    ANY("unlimitedCpuCredits", unlimited_credits, "Unlimited credits of burstable types."),
    ANY("enableEnclave", enclave, "Enclaves."),
    ANY("placement", placement, "Placement: {tenancy, groupName …}."),
    ANY("licenseSpecifications", licenses, "Licences: a list of {arn}."),
    TEXT("onDemandAllocationStrategy", on_demand_strategy, "Mixed instances: on-demand strategy."),
    NUMBER("onDemandBaseCapacity", on_demand_base, "Mixed instances: on-demand base."),
    NUMBER("onDemandPercentageAboveBaseCapacity", on_demand_percentage, "Mixed instances: on-demand share above the base."),
    TEXT("spotAllocationStrategy", spot_strategy, "Mixed instances: spot strategy."),
    NUMBER("spotInstancePools", spot_pools, "Mixed instances: spot pools, only with lowest-price."),
    ANY("launchTemplateOverridesForInstanceType", overrides, "Mixed instances: a list of {instanceType, weightedCapacity, priority}."),
    TEXT("spotPrice", spot_price, "Highest spot price; empty: none."),
    {0},
};

const CreateParams *create_params(Operation *operation) {
    return operation_params(operation);
}

const char *create_region(Operation *operation) {
    JsonIter regions = json_iter(json_root(create_params(operation)->zones));
    return json_next(&regions) ? regions.key : "";
}

char *create_cluster(Operation *operation) {
    const CreateParams *params = create_params(operation);
    return naming_cluster(params->application, params->stack, params->detail);
}

gboolean create_is_mixed(const CreateParams *params) {
    return params->on_demand_strategy != NULL || params->on_demand_base >= 0 || params->on_demand_percentage >= 0 ||
           params->spot_strategy != NULL || params->spot_pools >= 0 || json_length(json_root(params->overrides)) > 0;
}

/* ---- validation ---- */
static void validate_capacity(const CreateParams *params, GPtrArray *errors) {
    const JsonValue *capacity = json_root(params->capacity);
    if (json_get_bool(json_root(params->source), "useSourceCapacity", FALSE))
        return;
    if (!json_is_object(capacity)) {
        g_ptr_array_add(errors, g_strdup("capacity: required, unless source.useSourceCapacity"));
        return;
    }
    guint before = errors->len;
    g_autoptr(Json) sizes = sizes_read(capacity, errors);
    gint64 min = json_get_int(json_root(sizes), "min", -1), max = json_get_int(json_root(sizes), "max", -1),
           desired = json_get_int(json_root(sizes), "desired", -1);
    if (errors->len > before)
        return;
    if (json_length(json_root(sizes)) < 3)
        g_ptr_array_add(errors, g_strdup("capacity: min, max and desired are required"));
    else if (min > desired || desired > max)
        g_ptr_array_add(errors, g_strdup_printf("capacity: 0 <= min <= desired <= max is not so (min %" G_GINT64_FORMAT
                                                ", desired %" G_GINT64_FORMAT ", max %" G_GINT64_FORMAT ")",
                                                min, desired, max));
}

static void validate_devices(const CreateParams *params, GPtrArray *errors) {
    for (JsonIter i = json_iter(json_root(params->devices)); json_next(&i);) {
        gboolean is_virtual = json_get_string(i.value, "virtualName") != NULL;
        if (json_get_string(i.value, "deviceName") == NULL)
            g_ptr_array_add(errors, g_strdup_printf("blockDevices[%" G_GSIZE_FORMAT "].deviceName: required", i.index));
        if (is_virtual &&
            (json_get(i.value, "size") != NULL || json_get(i.value, "snapshotId") != NULL || json_get(i.value, "volumeType") != NULL))
            g_ptr_array_add(
                errors,
                g_strdup_printf("blockDevices[%" G_GSIZE_FORMAT "]: virtualName excludes size, snapshotId and volumeType", i.index));
        if (!is_virtual && json_get_int(i.value, "size", 0) <= 0 && json_get_string(i.value, "snapshotId") == NULL)
            g_ptr_array_add(errors, g_strdup_printf("blockDevices[%" G_GSIZE_FORMAT "].size: required", i.index));
    }
}

static void validate_burstable(const CreateParams *params, GPtrArray *errors) {
    if (!json_is_true(json_root(params->unlimited_credits)))
        return;
    gboolean all = aws_is_burstable(params->instance_type);
    for (JsonIter i = json_iter(json_root(params->overrides)); json_next(&i);)
        all = all && aws_is_burstable(json_get_string(i.value, "instanceType") != NULL ? json_get_string(i.value, "instanceType") : "");
    if (!all)
        g_ptr_array_add(errors, g_strdup("unlimitedCpuCredits: only for burstable instance types (t2, t3, t3a, t4g)"));
}

static void create_validate(Operation *operation, GPtrArray *errors) {
    const CreateParams *params = create_params(operation);
    const JsonValue *zones = json_root(params->zones);
    gboolean has_subnets = params->subnet_type != NULL && *params->subnet_type != '\0';
    if (!json_is_object(zones) || json_length(zones) != 1)
        g_ptr_array_add(
            errors,
            g_strdup("availabilityZones: expected one region with its zones, {region: [zones]}; give each region a cluster of its own"));
    else if (json_length(json_get(zones, create_region(operation))) == 0 && !has_subnets)
        g_ptr_array_add(errors, g_strdup("availabilityZones: zones are needed without a subnetType"));
    if (json_is_true(json_root(params->public_ip)) && !has_subnets)
        g_ptr_array_add(errors, g_strdup("associatePublicIpAddress: needs a subnetType"));
    if (params->spot_pools > 0 && g_strcmp0(params->spot_strategy, "lowest-price") != 0)
        g_ptr_array_add(errors, g_strdup("spotInstancePools: only with spotAllocationStrategy lowest-price"));
    validate_capacity(params, errors);
    validate_devices(params, errors);
    validate_burstable(params, errors);
}

gboolean create_uses_template(Operation *operation) {
    const CreateParams *params = create_params(operation);
    const AwsAccount *account = operation_aws(operation);
    return params->launch_template &&
           aws_settings_use_template(account->settings, params->application, account->base.name, create_region(operation));
}

/* ---- the result ---- */
static void create_finish(Operation *operation) {
    const char *region = create_region(operation), *name = operation_fact_string(operation, "name");
    g_autofree char *located = g_strdup_printf("%s:%s", region, name);
    g_autoptr(Json)
        deployments = json_pack("[{s:s, s:s, s:s, s:s, s:v}]", "cloudProvider", "aws", "account", operation_account(operation)->name,
                                "location", region, "serverGroupName", name, "capacity", operation_fact(operation, "capacity"));
    g_autoptr(Json) names = json_pack("[s]", located);
    g_autoptr(Json) by_region = json_pack("{s:s}", region, name);
    operation_result_set(operation, "deployments", json_root(deployments));
    operation_result_set(operation, "serverGroupNames", json_root(names));
    operation_result_set(operation, "serverGroupNameByRegion", json_root(by_region));
    if (operation_fact(operation, "ancestor") != NULL) {
        g_autoptr(Json) ancestors = json_pack("{s:v}", region, operation_fact(operation, "ancestor"));
        operation_result_set(operation, "ancestorServerGroupNameByRegion", json_root(ancestors));
    }
}

static gboolean exists_or_invisible(const GError *error) {
    return aws_error_is_duplicate(error) || aws_error_may_be_invisible(error);
}

const CloudOperation aws_create_server_group = {
    .name = "createServerGroup",
    .aliases = (const char *const[]){"basicAmazonDeployDescription", NULL},
    .help = "Creates a server group: an Auto Scaling group with its launch template.",
    .params = aws_create_params,
    .params_size = sizeof(CreateParams),
    .validate = create_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look at the source", .act = create_source_act, .repeat = REPEAT_READ},
            {.name = "find subnets", .act = create_subnets_act, .repeat = REPEAT_READ},
            {.name = "find load balancers", .act = create_balancers_act, .repeat = REPEAT_READ},
            {.name = "find the image",
             .act = create_image_act,
             .repeat = REPEAT_READ,
             .tries = 5,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "find security groups", .act = create_security_groups_act, .repeat = REPEAT_READ},
            {.name = "create the application's security group",
             .count = create_app_group_count,
             .look = create_app_group_look,
             .act = create_app_group_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS,
             .tries = 3,
             .try_delay_ms = 500,
             .try_doubling = TRUE,
             .retry_on = aws_error_is_duplicate},
            {.name = "choose a name", .act = create_name_act, .repeat = REPEAT_READ},
            {.name = "create launch template",
             .count = create_template_count,
             .look = create_template_look,
             .act = create_template_act,
             .repeat = REPEAT_TOKEN,
             .settle_ms = AWS_SETTLE_MS,
             .tries = 3,
             .try_delay_ms = 3000,
             .retry_on = exists_or_invisible},
            {.name = "create launch configuration",
             .count = create_configuration_count,
             .look = create_configuration_look,
             .act = create_configuration_act,
             .repeat = REPEAT_NAME,
             .settle_ms = AWS_SETTLE_MS,
             .tries = 4,
             .try_delay_ms = 1500,
             .try_doubling = TRUE,
             .retry_on = exists_or_invisible},
            {.name = "create Auto Scaling group",
             .look = create_group_look,
             .act = create_group_act,
             .repeat = REPEAT_NAME,
             .settle_ms = AWS_SETTLE_MS,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = exists_or_invisible},
            {.name = "put lifecycle hook",
             .count = create_hooks_count,
             .act = create_hook_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "suspend processes",
             .count = create_suspend_count,
             .act = create_suspend_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "enable metrics",
             .count = create_metrics_count,
             .act = create_metrics_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "set sizes",
             .look = create_sizes_look,
             .act = create_sizes_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "read what the source has besides", .count = create_copies, .act = create_read_copies_act, .repeat = REPEAT_READ},
            {.name = "copy scaling policy",
             .count = create_policies_count,
             .act = create_policy_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible},
            {.name = "copy alarm", .count = create_alarms_count, .act = create_alarm_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "copy scheduled action", .count = create_actions_count, .act = create_scheduled_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "see the new group",
             .act = create_seen_act,
             .repeat = REPEAT_READ,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_may_be_invisible,
             .failure_is_reported_only = TRUE},
            {0},
        },
    .finish = create_finish,
};
