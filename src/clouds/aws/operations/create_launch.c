/* createServerGroup: the launch template or launch configuration (aws.md 5.11). Both carry a name that only this operation makes. */
#include "clouds/aws/block_devices.h"
#include "clouds/aws/operations/create.h"
#include "clouds/aws/user_data.h"
#include <string.h>

#define OPERATION_TAG "gennaker:operation"

/* ---- what both have in common ---- */
static char *instance_profile(Operation *operation) {
    const CreateParams *params = create_params(operation);
    if (params->iam_role != NULL && *params->iam_role != '\0')
        return g_strdup(params->iam_role);
    const char *otherwise = operation_aws(operation)->settings->aws.iam_role;
    if (otherwise == NULL)
        return NULL;
    GString *role = g_string_new(otherwise);
    g_string_replace(role, "{{application}}", params->application, 0);
    return g_string_free(role, FALSE);
}

static const char *key_pair(Operation *operation) {
    const CreateParams *params = create_params(operation);
    return params->key_pair != NULL && *params->key_pair != '\0' ? params->key_pair : operation_aws(operation)->key_pair;
}

static gboolean ebs_optimized(const CreateParams *params) {
    const JsonValue *given = json_root(params->ebs_optimized);
    return json_is_true(given) || (!json_is_false(given) && aws_is_ebs_optimized(params->instance_type));
}

static gboolean user_data(Operation *operation, gboolean template, char **data, GError **error) {
    const CreateParams *params = create_params(operation);
    g_autofree char *cluster = create_cluster(operation);
    const Account *account = operation_account(operation);
    UserDataTokens tokens = {
        .account = account->name,
        .account_type = account->type,
        .environment = account->environment,
        .application = params->application,
        .stack = params->stack,
        .detail = params->detail,
        .region = create_region(operation),
        .cluster = cluster,
        .group = operation_fact_string(operation, "name"),
        .launch_name = operation_fact_string(operation, "launchName"),
        .launch_template = template,
    };
    g_autoptr(GError) failed = NULL;
    *data = aws_user_data(&operation_aws(operation)->settings->user_data, params->user_data, json_root(params->user_data_override), &tokens,
                          &failed);
    if (failed == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* A block device under a prefix: "LaunchTemplateData.BlockDeviceMapping.1" or "BlockDeviceMappings.member.1". */
static void add_device(AwsQuery *query, const char *prefix, const JsonValue *device) {
    aws_query_add(query, json_get_string(device, "deviceName"), "%s.DeviceName", prefix);
    const char *virtual_name = json_get_string(device, "virtualName");
    aws_query_add(query, virtual_name, "%s.VirtualName", prefix);
    if (virtual_name != NULL)
        return;
    static const char *const TEXTS[][2] = {{"volumeType", "VolumeType"}, {"snapshotId", "SnapshotId"}, {"kmsKeyId", "KmsKeyId"}};
    static const char *const NUMBERS[][2] = {{"size", "VolumeSize"}, {"iops", "Iops"}, {"throughput", "Throughput"}};
    static const char *const FLAGS[][2] = {{"deleteOnTermination", "DeleteOnTermination"}, {"encrypted", "Encrypted"}};
    for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++)
        aws_query_add(query, json_get_string(device, TEXTS[i][0]), "%s.Ebs.%s", prefix, TEXTS[i][1]);
    for (gsize i = 0; i < G_N_ELEMENTS(NUMBERS); i++)
        if (json_is_number(json_get(device, NUMBERS[i][0])))
            aws_query_add_int(query, json_get_int(device, NUMBERS[i][0], 0), "%s.Ebs.%s", prefix, NUMBERS[i][1]);
    for (gsize i = 0; i < G_N_ELEMENTS(FLAGS); i++) {
        const JsonValue *flag = json_get(device, FLAGS[i][0]);
        if (json_is_true(flag) || json_is_false(flag))
            aws_query_add_bool(query, json_is_true(flag), "%s.Ebs.%s", prefix, FLAGS[i][1]);
    }
}

static void add_devices(Operation *operation, AwsQuery *query, const char *prefix) {
    guint n = 0;
    for (JsonIter i = json_iter(operation_fact(operation, "devices")); json_next(&i);) {
        g_autofree char *numbered = g_strdup_printf("%s.%u", prefix, ++n);
        add_device(query, numbered, i.value);
    }
}

static void add_flag(AwsQuery *query, const Json *flag, const char *key) {
    if (json_is_true(json_root(flag)) || json_is_false(json_root(flag)))
        aws_query_add_bool(query, json_is_true(json_root(flag)), "%s", key);
}

/* ---- launch template ---- */
guint create_template_count(Operation *operation) {
    return create_uses_template(operation) ? 1 : 0;
}

static void note_template(Operation *operation, const char *id, gint64 version) {
    g_autoptr(Json) fact = json_pack("{s:s, s:i}", "id", id, "version", version);
    operation_fact_set(operation, "template", json_root(fact));
}

static gboolean is_made_by(const XmlNode *template, const char *operation_id) {
    const XmlNode *tags = xml_get(template, "tagSet");
    for (const XmlNode *tag = xml_first(tags, "item"); tag != NULL; tag = xml_next(tag, "item")) {
        g_autofree char *key = xml_get_text(tag, "key");
        g_autofree char *value = xml_get_text(tag, "value");
        if (g_strcmp0(key, OPERATION_TAG) == 0)
            return g_strcmp0(value, operation_id) == 0;
    }
    return FALSE;
}

LookResult create_template_look(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *name = operation_fact_string(operation, "launchName");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TEMPLATES);
    aws_query_about(query, name);
    aws_query_add_filter(query, "launch-template-name", name);
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return LOOK_ERROR;
    const XmlNode *found = xml_first(xml_get(aws_answer(document, AWS_DESCRIBE_TEMPLATES), "launchTemplates"), "item");
    if (found == NULL)
        return LOOK_NOT_DONE;
    g_autofree char *id = xml_get_text(found, "launchTemplateId");
    if (!is_made_by(found, operation_id(operation))) {
        error_set(error, ERR_CONFLICT, "launch template %s (%s) exists in %s (account %s) and was not made by this operation", name, id,
                  create_region(operation), operation_account(operation)->name);
        return LOOK_FOREIGN;
    }
    note_template(operation, id, aws_int(found, "latestVersionNumber", 1));
    return LOOK_DONE;
}

static void add_volume_tags(Operation *operation, AwsQuery *query) {
    if (!operation_aws(operation)->settings->aws.tag_volumes)
        return;
    g_autofree char *cluster = create_cluster(operation);
    const CreateParams *params = create_params(operation);
    guint n = 2;
    aws_query_add(query, "volume", "LaunchTemplateData.TagSpecification.1.ResourceType");
    aws_query_add(query, "spinnaker:application", "LaunchTemplateData.TagSpecification.1.Tag.1.Key");
    aws_query_add(query, params->application, "LaunchTemplateData.TagSpecification.1.Tag.1.Value");
    aws_query_add(query, "spinnaker:cluster", "LaunchTemplateData.TagSpecification.1.Tag.2.Key");
    aws_query_add(query, cluster, "LaunchTemplateData.TagSpecification.1.Tag.2.Value");
    for (JsonIter i = json_iter(json_root(params->device_tags)); json_next(&i);) {
        n++;
        g_autofree char *value = json_as_text(i.value);
        aws_query_add(query, i.key, "LaunchTemplateData.TagSpecification.1.Tag.%u.Key", n);
        aws_query_add(query, value, "LaunchTemplateData.TagSpecification.1.Tag.%u.Value", n);
    }
}

/* Security groups of a template are only there, on its one network interface. */
static void add_interface(Operation *operation, AwsQuery *query) {
    const CreateParams *params = create_params(operation);
    aws_query_add_int(query, 0, "LaunchTemplateData.NetworkInterface.1.DeviceIndex");
    add_flag(query, params->public_ip, "LaunchTemplateData.NetworkInterface.1.AssociatePublicIpAddress");
    if (json_is_true(json_root(params->ipv6)) || json_is_false(json_root(params->ipv6)))
        aws_query_add_int(query, json_is_true(json_root(params->ipv6)) ? 1 : 0, "LaunchTemplateData.NetworkInterface.1.Ipv6AddressCount");
    guint n = 0;
    for (JsonIter i = json_iter(operation_fact(operation, "securityGroups")); json_next(&i);)
        aws_query_add(query, json_string(i.value), "LaunchTemplateData.NetworkInterface.1.SecurityGroupId.%u", ++n);
}

static void add_placement(const CreateParams *params, AwsQuery *query) {
    static const char *const KEYS[][2] = {
        {"affinity", "Affinity"},
        {"availabilityZone", "AvailabilityZone"},
        {"groupName", "GroupName"},
        {"hostId", "HostId"},
        {"tenancy", "Tenancy"},
        {"spreadDomain", "SpreadDomain"},
        {"partitionNumber", "PartitionNumber"},
        {"hostResourceGroupArn", "HostResourceGroupArn"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        g_autofree char *value = json_as_text(json_get(json_root(params->placement), KEYS[i][0]));
        aws_query_add(query, value, "LaunchTemplateData.Placement.%s", KEYS[i][1]);
    }
    guint n = 0;
    for (JsonIter i = json_iter(json_root(params->licenses)); json_next(&i);)
        aws_query_add(query, json_get_string(i.value, "arn"), "LaunchTemplateData.LicenseSpecification.%u.LicenseConfigurationArn", ++n);
}

static void add_market(const CreateParams *params, AwsQuery *query) {
    const JsonValue *unlimited = json_root(params->unlimited_credits);
    if (json_is_true(unlimited) || json_is_false(unlimited) || aws_is_burstable(params->instance_type))
        aws_query_add(query, json_is_true(unlimited) ? "unlimited" : "standard", "LaunchTemplateData.CreditSpecification.CpuCredits");
    if (params->spot_price == NULL || *params->spot_price == '\0' || create_is_mixed(params))
        return;
    aws_query_add(query, "spot", "LaunchTemplateData.InstanceMarketOptions.MarketType");
    aws_query_add(query, params->spot_price, "LaunchTemplateData.InstanceMarketOptions.SpotOptions.MaxPrice");
}

static gboolean add_template_data(Operation *operation, AwsQuery *query, GError **error) {
    const CreateParams *params = create_params(operation);
    g_autofree char *profile = instance_profile(operation);
    g_autofree char *data = NULL;
    if (!user_data(operation, TRUE, &data, error))
        return FALSE;
    aws_query_add(query, json_get_string(operation_fact(operation, "image"), "id"), "LaunchTemplateData.ImageId");
    aws_query_add(query, params->kernel, "LaunchTemplateData.KernelId");
    aws_query_add(query, params->ramdisk, "LaunchTemplateData.RamDiskId");
    aws_query_add(query, params->instance_type, "LaunchTemplateData.InstanceType");
    aws_query_add_bool(query, ebs_optimized(params), "LaunchTemplateData.EbsOptimized");
    aws_query_add(query, key_pair(operation), "LaunchTemplateData.KeyName");
    aws_query_add(query, profile, "LaunchTemplateData.IamInstanceProfile.Name");
    aws_query_add_bool(query, json_is_true(json_root(params->monitoring)), "LaunchTemplateData.Monitoring.Enabled");
    aws_query_add(query, data, "LaunchTemplateData.UserData");
    if (params->require_imds_v2)
        aws_query_add(query, "required", "LaunchTemplateData.MetadataOptions.HttpTokens");
    add_flag(query, params->enclave, "LaunchTemplateData.EnclaveOptions.Enabled");
    add_volume_tags(operation, query);
    add_interface(operation, query);
    add_placement(params, query);
    add_market(params, query);
    add_devices(operation, query, "LaunchTemplateData.BlockDeviceMapping");
    return TRUE;
}

gboolean create_template_act(Operation *operation, guint item, GError **error) {
    const char *name = operation_fact_string(operation, "launchName");
    g_autofree char *token = operation_token(operation, "create launch template", item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_TEMPLATE);
    aws_query_about(query, name);
    aws_query_add(query, token, "ClientToken");
    aws_query_add(query, name, "LaunchTemplateName");
    aws_query_add(query, "launch-template", "TagSpecification.1.ResourceType");
    aws_query_add(query, OPERATION_TAG, "TagSpecification.1.Tag.1.Key");
    aws_query_add(query, operation_id(operation), "TagSpecification.1.Tag.1.Value");
    if (!add_template_data(operation, query, error))
        return FALSE;
    operation_line(operation, "Creating launch template %s", name);
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return FALSE;
    const XmlNode *made = xml_get(aws_answer(document, AWS_CREATE_TEMPLATE), "launchTemplate");
    g_autofree char *id = xml_get_text(made, "launchTemplateId");
    if (id == NULL) {
        error_set(error, ERR_TIMEOUT, "CreateLaunchTemplate %s in %s (account %s): the answer has no id", name, create_region(operation),
                  operation_account(operation)->name);
        return FALSE;
    }
    note_template(operation, id, aws_int(made, "latestVersionNumber", 1));
    return TRUE;
}

/* ---- launch configuration ---- */
guint create_configuration_count(Operation *operation) {
    return create_uses_template(operation) ? 0 : 1;
}

/* The name carries the operation's own time: one that exists is ours. */
LookResult create_configuration_look(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *name = operation_fact_string(operation, "launchName");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_LAUNCH_CONFIGURATIONS);
    aws_query_about(query, name);
    aws_query_add(query, name, "LaunchConfigurationNames.member.1");
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return LOOK_ERROR;
    const XmlNode *found = xml_first(xml_get(aws_answer(document, AWS_DESCRIBE_LAUNCH_CONFIGURATIONS), "LaunchConfigurations"), "member");
    return found != NULL ? LOOK_DONE : LOOK_NOT_DONE;
}

gboolean create_configuration_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    const char *name = operation_fact_string(operation, "launchName");
    g_autofree char *profile = instance_profile(operation);
    g_autofree char *data = NULL;
    if (!user_data(operation, FALSE, &data, error))
        return FALSE;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_LAUNCH_CONFIGURATION);
    aws_query_about(query, name);
    aws_query_add(query, name, "LaunchConfigurationName");
    aws_query_add(query, json_get_string(operation_fact(operation, "image"), "id"), "ImageId");
    aws_query_add(query, params->kernel, "KernelId");
    aws_query_add(query, params->ramdisk, "RamdiskId");
    aws_query_add(query, params->instance_type, "InstanceType");
    aws_query_add_bool(query, ebs_optimized(params), "EbsOptimized");
    aws_query_add(query, key_pair(operation), "KeyName");
    aws_query_add(query, profile, "IamInstanceProfile");
    aws_query_add_bool(query, json_is_true(json_root(params->monitoring)), "InstanceMonitoring.Enabled");
    aws_query_add(query, data, "UserData");
    aws_query_add(query, params->spot_price != NULL && *params->spot_price != '\0' ? params->spot_price : NULL, "SpotPrice");
    add_flag(query, params->public_ip, "AssociatePublicIpAddress");
    if (params->require_imds_v2)
        aws_query_add(query, "required", "MetadataOptions.HttpTokens");
    guint n = 0;
    for (JsonIter i = json_iter(operation_fact(operation, "securityGroups")); json_next(&i);)
        aws_query_add(query, json_string(i.value), "SecurityGroups.member.%u", ++n);
    add_devices(operation, query, "BlockDeviceMappings.member");
    operation_line(operation, "Creating launch configuration %s", name);
    return aws_client_write(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
}
