/* createServerGroup: the Auto Scaling group and what is set on it afterwards (aws.md 5.12-16). */
#include "clouds/aws/operations/create.h"
#include <string.h>

#define SUBNET_OVERRIDE_TAG "SPINNAKER_SUBNET_ID_OVERRIDE"

static const char *const DISABLED_PROCESSES[] = {"Launch", "Terminate", "AddToLoadBalancer"};

static const char *group_name(Operation *operation) {
    return operation_fact_string(operation, "name");
}

static gint64 size_of(Operation *operation, const char *key) {
    return json_get_int(operation_fact(operation, "capacity"), key, 0);
}

/* ---- is it there, and is it ours? ---- */
static void note_difference(GString *parts, const char *what, const char *theirs, const char *ours) {
    if (g_strcmp0(theirs, ours) != 0)
        g_string_append_printf(parts, "%s%s is %s, not %s", parts->len > 0 ? "; " : "", what, theirs != NULL ? theirs : "none",
                               ours != NULL ? ours : "none");
}

/* What launches it tells whose it is: its name or id belongs to this operation alone. */
static char *foreign_parts(Operation *operation, const XmlNode *group) {
    g_autofree char *plain = xml_get_text(group, "LaunchTemplate/LaunchTemplateId");
    g_autofree char *mixed = xml_get_text(group, "MixedInstancesPolicy/LaunchTemplate/LaunchTemplateSpecification/LaunchTemplateId");
    g_autofree char *configuration = xml_get_text(group, "LaunchConfigurationName");
    const char *template = json_get_string(operation_fact(operation, "template"), "id");
    g_autoptr(GString) parts = g_string_new(NULL);
    note_difference(parts, "launch template", plain != NULL ? plain : mixed, template);
    note_difference(parts, "launch configuration", configuration, template == NULL ? operation_fact_string(operation, "launchName") : NULL);
    if (parts->len == 0)
        return NULL;
    g_autofree char *created = xml_get_text(group, "CreatedTime");
    g_string_append_printf(parts, "; created %s", created != NULL ? created : "at an unknown time");
    return g_string_free(g_steal_pointer(&parts), FALSE);
}

LookResult create_group_look(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, create_region(operation), group_name(operation), &document, &group, error))
        return LOOK_ERROR;
    if (group == NULL)
        return LOOK_NOT_DONE;
    g_autofree char *parts = foreign_parts(operation, group);
    if (parts == NULL)
        return LOOK_DONE;
    error_set(error, ERR_CONFLICT, "Auto Scaling group %s exists already in %s (account %s) and is not ours: %s", group_name(operation),
              create_region(operation), operation_account(operation)->name, parts);
    return LOOK_FOREIGN;
}

/* ---- creating it ---- */
static void add_tag(AwsQuery *query, guint n, const char *key, const char *value) {
    aws_query_add(query, key, "Tags.member.%u.Key", n);
    aws_query_add(query, value, "Tags.member.%u.Value", n);
    aws_query_add_bool(query, TRUE, "Tags.member.%u.PropagateAtLaunch", n);
}

static void add_tags(Operation *operation, AwsQuery *query) {
    const CreateParams *params = create_params(operation);
    guint n = 0;
    for (JsonIter i = json_iter(json_root(params->tags)); json_next(&i);) {
        g_autofree char *value = json_as_text(i.value);
        if (!g_str_has_prefix(i.key, "aws:") && strcmp(i.key, SUBNET_OVERRIDE_TAG) != 0)
            add_tag(query, ++n, i.key, value != NULL ? value : "");
    }
    gboolean has_own = params->subnet_ids != NULL && params->subnet_ids[0] != NULL;
    g_autofree char *joined = has_own ? g_strjoinv(",", params->subnet_ids) : g_strdup(operation_fact_string(operation, "subnetOverride"));
    if (joined != NULL)
        add_tag(query, ++n, SUBNET_OVERRIDE_TAG, joined);
    if (!operation_aws(operation)->settings->aws.add_app_tags)
        return;
    const char *const parts[][2] = {
        {"spinnaker:application", params->application}, {"spinnaker:stack", params->stack}, {"spinnaker:details", params->detail}};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i][1] != NULL && *parts[i][1] != '\0')
            add_tag(query, ++n, parts[i][0], parts[i][1]);
}

static void add_place(Operation *operation, AwsQuery *query) {
    const JsonValue *subnets = operation_fact(operation, "subnets");
    g_autoptr(GString) joined = g_string_new(NULL);
    for (JsonIter i = json_iter(subnets); json_next(&i);)
        g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "", json_string(i.value));
    if (joined->len > 0) {
        aws_query_add(query, joined->str, "VPCZoneIdentifier");
        return;
    }
    guint n = 0;
    for (JsonIter i = json_iter(operation_fact(operation, "zones")); json_next(&i);)
        aws_query_add(query, json_string(i.value), "AvailabilityZones.member.%u", ++n);
}

#define MIXED "MixedInstancesPolicy."
#define DISTRIBUTION MIXED "InstancesDistribution."
static void add_mixed_policy(Operation *operation, AwsQuery *query) {
    const CreateParams *params = create_params(operation);
    const JsonValue *template = operation_fact(operation, "template");
    aws_query_add(query, json_get_string(template, "id"), MIXED "LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId");
    aws_query_add(query, "$Latest", MIXED "LaunchTemplate.LaunchTemplateSpecification.Version");
    guint n = 0;
    for (JsonIter i = json_iter(json_root(params->overrides)); json_next(&i);) {
        g_autofree char *weight = json_as_text(json_get(i.value, "weightedCapacity"));
        n++;
        aws_query_add(query, json_get_string(i.value, "instanceType"), MIXED "LaunchTemplate.Overrides.member.%u.InstanceType", n);
        aws_query_add(query, weight, MIXED "LaunchTemplate.Overrides.member.%u.WeightedCapacity", n);
    }
    aws_query_add(query, params->on_demand_strategy, DISTRIBUTION "OnDemandAllocationStrategy");
    if (params->on_demand_base >= 0)
        aws_query_add_int(query, params->on_demand_base, DISTRIBUTION "OnDemandBaseCapacity");
    if (params->on_demand_percentage >= 0)
        aws_query_add_int(query, params->on_demand_percentage, DISTRIBUTION "OnDemandPercentageAboveBaseCapacity");
    aws_query_add(query, params->spot_strategy, DISTRIBUTION "SpotAllocationStrategy");
    if (params->spot_pools >= 0)
        aws_query_add_int(query, params->spot_pools, DISTRIBUTION "SpotInstancePools");
    if (params->spot_price != NULL && *params->spot_price != '\0')
        aws_query_add(query, params->spot_price, DISTRIBUTION "SpotMaxPrice");
}

static void add_launch(Operation *operation, AwsQuery *query) {
    const JsonValue *template = operation_fact(operation, "template");
    if (template == NULL)
        aws_query_add(query, operation_fact_string(operation, "launchName"), "LaunchConfigurationName");
    else if (create_is_mixed(create_params(operation)))
        add_mixed_policy(operation, query);
    else {
        aws_query_add(query, json_get_string(template, "id"), "LaunchTemplate.LaunchTemplateId");
        aws_query_add_int(query, json_get_int(template, "version", 1), "LaunchTemplate.Version");
    }
}

static void add_fact_list(Operation *operation, AwsQuery *query, const char *fact, const char *key) {
    guint n = 0;
    for (JsonIter i = json_iter(operation_fact(operation, fact)); json_next(&i);)
        aws_query_add(query, json_string(i.value), "%s.member.%u", key, ++n);
}

gboolean create_group_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    const char *name = group_name(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_query_add_int(query, size_of(operation, "min"), "MinSize");
    aws_query_add_int(query, size_of(operation, "max"), "MaxSize");
    aws_query_add_int(query, size_of(operation, "desired"), "DesiredCapacity");
    add_fact_list(operation, query, "loadBalancers", "LoadBalancerNames");
    add_fact_list(operation, query, "targetGroups", "TargetGroupARNs");
    if (params->cooldown >= 0)
        aws_query_add_int(query, params->cooldown, "DefaultCooldown");
    if (params->grace_s >= 0)
        aws_query_add_int(query, params->grace_s, "HealthCheckGracePeriod");
    aws_query_add(query, params->health_check_type, "HealthCheckType");
    for (guint i = 0; params->termination_policies != NULL && params->termination_policies[i] != NULL; i++)
        aws_query_add(query, params->termination_policies[i], "TerminationPolicies.member.%u", i + 1);
    if (json_is_true(json_root(params->capacity_rebalance)))
        aws_query_add_bool(query, TRUE, "CapacityRebalance");
    add_tags(operation, query);
    add_place(operation, query);
    add_launch(operation, query);
    g_autofree char *sizes = json_write(operation_fact(operation, "capacity"), NULL);
    operation_line(operation, "Creating Auto Scaling group %s with %s", name, sizes);
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

/* ---- lifecycle hooks ---- */
static guint own_hooks(Operation *operation) {
    return (guint)json_length(json_root(create_params(operation)->lifecycle_hooks));
}

/* The account's, else the configuration's. */
static const JsonValue *account_hooks(Operation *operation) {
    const AwsAccount *account = operation_aws(operation);
    if (!create_params(operation)->account_hooks)
        return NULL;
    return json_root(account->config.lifecycle_hooks != NULL ? account->config.lifecycle_hooks : account->settings->aws.lifecycle_hooks);
}

guint create_hooks_count(Operation *operation) {
    return own_hooks(operation) + (guint)json_length(account_hooks(operation));
}

static const JsonValue *hook_at(Operation *operation, guint item) {
    guint own = own_hooks(operation);
    return item < own ? json_at(json_root(create_params(operation)->lifecycle_hooks), item) : json_at(account_hooks(operation), item - own);
}

/* An ARN of a hook, else the configuration's template; {{accountId}} and {{region}} are filled in. Caller frees. */
static char *hook_arn(Operation *operation, const JsonValue *hook, const char *key, const char *otherwise) {
    const char *given = json_get_string(hook, key);
    return aws_account_render(operation_aws(operation), given != NULL ? given : otherwise, create_region(operation));
}

/* The given name, or one that is the same in every repeat; only characters that AWS takes. */
static char *hook_name(Operation *operation, const JsonValue *hook, guint item) {
    const char *given = json_get_string(hook, "name");
    g_autofree char *token = operation_token(operation, "put lifecycle hook", item);
    char *name = given != NULL ? g_strdup(given) : g_strdup_printf("%s-lifecycle-%.12s", group_name(operation), token);
    for (char *c = name; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("-_/", *c) == NULL)
            *c = '_';
    return name;
}

static gboolean put_notification(Operation *operation, const JsonValue *hook, GError **error) {
    g_autofree char *topic = hook_arn(operation, hook, "notificationTargetARN", operation_aws(operation)->settings->aws.hook_target_arn);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_NOTIFICATION);
    aws_query_about(query, group_name(operation));
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add(query, topic, "TopicARN");
    aws_query_add(query, json_get_string(hook, "lifecycleTransition"), "NotificationTypes.member.1");
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

gboolean create_hook_act(Operation *operation, guint item, GError **error) {
    const JsonValue *hook = hook_at(operation, item);
    const char *transition = json_get_string(hook, "lifecycleTransition");
    if (g_strcmp0(transition, "autoscaling:EC2_INSTANCE_LAUNCH_ERROR") == 0)
        return put_notification(operation, hook, error);
    g_autofree char *name = hook_name(operation, hook, item);
    const AwsConfig *config = &operation_aws(operation)->settings->aws;
    g_autofree char *timeout = json_as_text(json_get(hook, "heartbeatTimeout"));
    g_autofree char *role = hook_arn(operation, hook, "roleARN", config->hook_role_arn);
    g_autofree char *target = hook_arn(operation, hook, "notificationTargetARN", config->hook_target_arn);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_LIFECYCLE_HOOK);
    aws_query_about(query, name);
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add(query, name, "LifecycleHookName");
    aws_query_add(query, role, "RoleARN");
    aws_query_add(query, target, "NotificationTargetARN");
    aws_query_add(query, json_get_string(hook, "notificationMetadata"), "NotificationMetadata");
    aws_query_add(query, transition, "LifecycleTransition");
    aws_query_add(query, timeout, "HeartbeatTimeout");
    aws_query_add(query, json_get_string(hook, "defaultResult"), "DefaultResult");
    operation_line(operation, "Putting lifecycle hook %s", name);
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

/* ---- suspended processes, metrics, sizes ---- */
static GPtrArray *processes_to_suspend(Operation *operation) {
    const CreateParams *params = create_params(operation);
    GPtrArray *processes = g_ptr_array_new();
    for (gsize i = 0; params->suspended_processes != NULL && params->suspended_processes[i] != NULL; i++)
        g_ptr_array_add(processes, params->suspended_processes[i]);
    for (gsize i = 0; params->start_disabled && i < G_N_ELEMENTS(DISABLED_PROCESSES); i++)
        if (!g_ptr_array_find_with_equal_func(processes, DISABLED_PROCESSES[i], g_str_equal, NULL))
            g_ptr_array_add(processes, (gpointer)DISABLED_PROCESSES[i]);
    return processes;
}

guint create_suspend_count(Operation *operation) {
    g_autoptr(GPtrArray) processes = processes_to_suspend(operation);
    return processes->len > 0 ? 1 : 0;
}

gboolean create_suspend_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(GPtrArray) processes = processes_to_suspend(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_SUSPEND_PROCESSES);
    aws_query_about(query, group_name(operation));
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    for (guint i = 0; i < processes->len; i++)
        aws_query_add(query, processes->pdata[i], "ScalingProcesses.member.%u", i + 1);
    operation_line(operation, "Suspending %u processes of %s", processes->len, group_name(operation));
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

guint create_metrics_count(Operation *operation) {
    const CreateParams *params = create_params(operation);
    return json_is_true(json_root(params->monitoring)) && params->enabled_metrics != NULL && params->enabled_metrics[0] != NULL ? 1 : 0;
}

gboolean create_metrics_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_ENABLE_METRICS);
    aws_query_about(query, group_name(operation));
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add(query, "1Minute", "Granularity");
    aws_query_add_list(query, (const char *const *)create_params(operation)->enabled_metrics, "Metrics.member");
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

/* Sizes were given when the group was made; they are only set again when they differ. */
LookResult create_sizes_look(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, create_region(operation), group_name(operation), &document, &group, error))
        return LOOK_ERROR;
    gboolean same = aws_int(group, "MinSize", -1) == size_of(operation, "min") &&
                    aws_int(group, "MaxSize", -1) == size_of(operation, "max") &&
                    aws_int(group, "DesiredCapacity", -1) == size_of(operation, "desired");
    return same ? LOOK_DONE : LOOK_NOT_DONE;
}

gboolean create_sizes_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_UPDATE_GROUP);
    aws_query_about(query, group_name(operation));
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add_int(query, size_of(operation, "min"), "MinSize");
    aws_query_add_int(query, size_of(operation, "max"), "MaxSize");
    aws_query_add_int(query, size_of(operation, "desired"), "DesiredCapacity");
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}

gboolean create_seen_act(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader = operation_reader(operation, create_region(operation));
    return aws_group_refresh(&reader, group_name(operation), TRUE, error);
}
