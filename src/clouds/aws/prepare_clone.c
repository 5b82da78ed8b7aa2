/* cloneServerGroup (aws.md 7): a description in which everything it leaves open is what the source group has, live. It then goes the way of
 * every createServerGroup. Runs in a worker; keeps nothing. */
#include "clouds/aws/aws.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include <string.h>

typedef struct {
    Clouds *clouds;
    Account *source_account;
    const Account *target_account;
    const JsonValue *asked, *asg, *launch;
    const char *region; /* where the new one goes */
    AwsReader reader;   /* of the source */
    JsonBuilder *defaults;
} Cloning;

static gboolean is_same_place(const Cloning *cloning) {
    return cloning->source_account == cloning->target_account && g_strcmp0(cloning->reader.region, cloning->region) == 0;
}

/* ---- what it launches from ---- */

/* A member of a launch template's data or of a launch configuration. */
static const JsonValue *launched(const Cloning *cloning, const char *key) {
    const JsonValue *data = json_get(cloning->launch, "launchTemplateData");
    return json_get(data != NULL ? data : cloning->launch, key);
}

/* {enabled} in both. */
static const JsonValue *monitoring_of(const Cloning *cloning) {
    const JsonValue *given = launched(cloning, "monitoring");
    return json_get(given != NULL ? given : launched(cloning, "instanceMonitoring"), "enabled");
}

static const JsonValue *public_address(const Cloning *cloning) {
    const JsonValue *own = launched(cloning, "associatePublicIpAddress");
    return own != NULL ? own : json_get(json_at(launched(cloning, "networkInterfaces"), 0), "associatePublicIpAddress");
}

/* Ids mean something in their own account and region only; elsewhere the groups of the same names are meant. */
static void add_security_groups(const Cloning *cloning, char *const *ids) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(cloning->clouds));
    json_begin_array(cloning->defaults, "securityGroups");
    for (guint i = 0; ids[i] != NULL; i++) {
        const InventoryObject *known = is_same_place(cloning) ? NULL
                                                              : inventory_get(snapshot, cloning->source_account->name, KIND_SECURITY_GROUP,
                                                                              cloning->reader.region, ids[i]);
        const char *name = known != NULL ? json_get_string(json_root(known->document), "groupName") : NULL;
        json_add_string(cloning->defaults, NULL, name != NULL ? name : ids[i]);
    }
    json_end_array(cloning->defaults);
}

static void add_launch(const Cloning *cloning) {
    JsonBuilder *builder = cloning->defaults;
    const AwsAccount *target = aws_account((Account *)cloning->target_account);
    const JsonValue *ramdisk = launched(cloning, "ramDiskId");
    AwsLaunchFields fields;
    aws_launch_fields(cloning->launch, &fields);
    json_add_string(builder, "amiName", fields.image_id);
    json_add_string(builder, "instanceType", fields.instance_type);
    json_add_string(builder, "iamRole", fields.iam_profile);
    if (is_same_place(cloning))
        json_add_string(builder, "keyPair", fields.key_name);
    if (fields.spot_price != NULL && *fields.spot_price != '\0')
        json_add_string(builder, "spotPrice", fields.spot_price);
    if (!target->settings->user_data.enabled)
        json_add_string(builder, "base64UserData", fields.user_data);
    add_security_groups(cloning, fields.security_groups);
    g_strfreev(fields.security_groups);
    json_add_value(builder, "kernelId", launched(cloning, "kernelId"));
    json_add_value(builder, "ramdiskId", ramdisk != NULL ? ramdisk : launched(cloning, "ramdiskId"));
    json_add_value(builder, "ebsOptimized", launched(cloning, "ebsOptimized"));
    json_add_value(builder, "instanceMonitoring", monitoring_of(cloning));
    json_add_value(builder, "associatePublicIpAddress", public_address(cloning));
    json_add_value(builder, "enableEnclave", json_get(launched(cloning, "enclaveOptions"), "enabled"));
    if (json_get(cloning->launch, "launchTemplateData") != NULL)
        json_add_bool(builder, "setLaunchTemplate", TRUE);
    if (json_is_null(json_get(cloning->asked, "requireIMDSv2")))
        json_add_bool(builder, "requireIMDSv2",
                      g_strcmp0(json_get_string(launched(cloning, "metadataOptions"), "httpTokens"), "required") == 0);
}

static void add_mixed(const Cloning *cloning) {
    static const char *const KEYS[] = {"onDemandAllocationStrategy", "onDemandBaseCapacity", "onDemandPercentageAboveBaseCapacity",
                                       "spotAllocationStrategy", "spotInstancePools"};
    const JsonValue *policy = json_get(cloning->asg, "mixedInstancesPolicy"), *how = json_get(policy, "instancesDistribution");
    for (gsize i = 0; i < G_N_ELEMENTS(KEYS); i++)
        json_add_value(cloning->defaults, KEYS[i], json_get(how, KEYS[i]));
    if (json_get_string(how, "spotMaxPrice") != NULL)
        json_add_value(cloning->defaults, "spotPrice", json_get(how, "spotMaxPrice"));
    json_add_value(cloning->defaults, "launchTemplateOverridesForInstanceType", json_dig(policy, "launchTemplate", "overrides", NULL));
}

/* ---- where ---- */

static void add_zones(const Cloning *cloning) {
    json_begin_object(cloning->defaults, "availabilityZones");
    json_begin_array(cloning->defaults, cloning->region);
    for (JsonIter i = json_iter(json_get(cloning->asg, "availabilityZones")); is_same_place(cloning) && json_next(&i);)
        json_add_value(cloning->defaults, NULL, i.value);
    json_end_array(cloning->defaults);
    json_end_object(cloning->defaults);
}

/* The purpose of its first subnet. */
static void add_subnet_type(const Cloning *cloning) {
    const char *list = json_get_string(cloning->asg, "vpczoneIdentifier");
    g_auto(GStrv) ids = g_strsplit(list != NULL ? list : "", ",", -1);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(cloning->clouds));
    const InventoryObject *subnet = ids[0] != NULL ? inventory_get(snapshot, cloning->source_account->name, KIND_SUBNET,
                                                                   cloning->reader.region, ids[0])
                                                   : NULL;
    g_autofree char *purpose = NULL;
    g_autofree char *target = NULL;
    if (subnet != NULL && aws_subnet_purpose(json_root(subnet->document), &purpose, &target))
        json_add_string(cloning->defaults, "subnetType", purpose);
}

/* ---- the group itself ---- */

static void add_tags(const Cloning *cloning) {
    json_begin_object(cloning->defaults, "tags");
    for (JsonIter i = json_iter(json_get(cloning->asg, "tags")); json_next(&i);) {
        const char *key = json_get_string(i.value, "key");
        if (key != NULL && !g_str_has_prefix(key, "aws:"))
            json_add_value(cloning->defaults, key, json_get(i.value, "value"));
    }
    json_end_object(cloning->defaults);
}

static void add_suspended(const Cloning *cloning) {
    g_auto(GStrv) processes = aws_member_strings(json_get(cloning->asg, "suspendedProcesses"), "processName");
    if (json_is_null(json_get(cloning->asked, "suspendedProcesses")))
        json_add_strings(cloning->defaults, "suspendedProcesses", (const char *const *)processes);
}

static void add_group(const Cloning *cloning) {
    static const char *const SAME[][2] = {{"defaultCooldown", "cooldown"},
                                          {"healthCheckType", "healthCheckType"},
                                          {"healthCheckGracePeriod", "healthCheckGracePeriod"},
                                          {"terminationPolicies", "terminationPolicies"},
                                          {"capacityRebalance", "capacityRebalance"},
                                          {"loadBalancerNames", "loadBalancers"}};
    JsonBuilder *builder = cloning->defaults;
    const JsonValue *asg = cloning->asg;
    g_auto(GStrv) targets = aws_target_group_names(json_get(asg, "targetGroupARNs"));
    g_auto(GStrv) metrics = aws_member_strings(json_get(asg, "enabledMetrics"), "metric");
    for (gsize i = 0; i < G_N_ELEMENTS(SAME); i++)
        json_add_value(builder, SAME[i][1], json_get(asg, SAME[i][0]));
    json_add_strings(builder, "targetGroups", (const char *const *)targets);
    json_add_strings(builder, "enabledMetrics", (const char *const *)metrics);
    g_autoptr(Json) capacity = json_pack("{s:v, s:v, s:v}", "min", json_get(asg, "minSize"), "max", json_get(asg, "maxSize"), "desired",
                                         json_get(asg, "desiredCapacity"));
    json_add_json(builder, "capacity", capacity);
    add_tags(cloning);
    add_suspended(cloning);
}

/* ---- lifecycle hooks: without their names, and without those that the account adds anyway ---- */

static gboolean is_accounts_hook(const Cloning *cloning, const JsonValue *hook) {
    const AwsAccount *account = aws_account((Account *)cloning->target_account);
    const Json *hooks = account->config.lifecycle_hooks != NULL ? account->config.lifecycle_hooks : account->settings->aws.lifecycle_hooks;
    for (JsonIter i = json_iter(json_root(hooks)); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "lifecycleTransition"), json_get_string(hook, "lifecycleTransition")) == 0 &&
            json_get_int(i.value, "heartbeatTimeout", -1) == json_get_int(hook, "heartbeatTimeout", -1) &&
            g_strcmp0(json_get_string(i.value, "defaultResult"), json_get_string(hook, "defaultResult")) == 0)
            return TRUE;
    return FALSE;
}

static gboolean add_hooks(Cloning *cloning, const char *name, GError **error) {
    static const char *const OWN[] = {"lifecycleHookName", "autoScalingGroupName", "globalTimeout", NULL};
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_LIFECYCLE_HOOKS);
    g_autoptr(GPtrArray) hooks = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    if (!aws_read_documents(&cloning->reader, query, AWS_SHAPE_QUERY, hooks, error))
        return FALSE;
    json_begin_array(cloning->defaults, "lifecycleHooks");
    for (guint i = 0; i < hooks->len; i++) {
        g_autoptr(Json) hook = json_without(json_root(hooks->pdata[i]), OWN);
        if (!is_accounts_hook(cloning, json_root(hook)))
            json_add_json(cloning->defaults, NULL, hook);
    }
    json_end_array(cloning->defaults);
    return TRUE;
}

/* ---- the whole ---- */

static Json *defaults_of(Cloning *cloning, const char *name, GError **error) {
    g_autoptr(Json) asg = aws_group_read(&cloning->reader, name, error);
    if (asg == NULL)
        return NULL;
    g_autoptr(AwsLaunches) launches = aws_launches_new(&cloning->reader);
    g_autoptr(GError) failed = NULL;
    cloning->asg = json_root(asg);
    cloning->launch = aws_launch_of_group(&cloning->reader, launches, cloning->asg, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    cloning->defaults = builder;
    json_begin_object(builder, NULL);
    add_zones(cloning);
    add_subnet_type(cloning);
    add_launch(cloning);
    add_mixed(cloning);
    add_group(cloning);
    if (!add_hooks(cloning, name, error))
        return NULL;
    json_end_object(builder);
    return json_builder_end(builder);
}

/* Given members win; null is not given, and neither is an empty list of hooks. */
static Json *completed(const JsonValue *asked, const Json *defaults) {
    static const char *const HOOKS[] = {"lifecycleHooks", NULL};
    g_autoptr(Json) given = json_without_nulls(asked);
    gboolean no_hooks = json_length(json_get(asked, "lifecycleHooks")) == 0;
    g_autoptr(Json) own = no_hooks ? json_without(json_root(given), HOOKS) : json_ref(given);
    return json_merge(json_root(defaults), json_root(own));
}

Json *aws_prepare_clone(Clouds *clouds, Account *account, const JsonValue *description, Cancel *cancel, GError **error) {
    const JsonValue *source = json_get(description, "source");
    const char *name = json_get_string(source, "asgName"), *region = json_get_string(source, "region");
    const char *account_name = json_get_string(source, "account");
    JsonIter zones = json_iter(json_get(description, "availabilityZones"));
    const char *target_region = json_next(&zones) ? zones.key : json_get_string(description, "region");
    name = name != NULL ? name : json_get_string(source, "serverGroupName");
    region = region != NULL ? region : target_region;
    if (name == NULL || region == NULL) {
        error_set(error, ERR_NOT_FOUND,
                  "clone in account %s: there is no server group to clone: source {account, region, asgName} is not "
                  "given, and the cluster has none",
                  account->name);
        return NULL;
    }
    g_autoptr(Account) held = clouds_account(clouds, account_name != NULL ? account_name : account->name, error);
    if (held == NULL)
        return NULL;
    Cloning cloning = {.clouds = clouds,
                       .source_account = held,
                       .target_account = account,
                       .asked = description,
                       .region = target_region != NULL ? target_region : region,
                       .reader = aws_reader(held, region, clouds_inventory(clouds), cancel)};
    g_autoptr(Json) defaults = defaults_of(&cloning, name, error);
    if (defaults == NULL) {
        g_prefix_error(error, "clone of %s: ", name);
        return NULL;
    }
    return completed(description, defaults);
}
