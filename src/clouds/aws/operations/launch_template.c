/* updateLaunchTemplate (aws.md 7): a new version of the group's launch template, then the group launches from it. When the group does not
 * take it, the version goes again.
 *
 * Facts: template {id, source}, version, mixed, refused (why the group did not take it). */
#include "clouds/aws/operations/launch_update.h"

#define DATA "LaunchTemplateData."

static gboolean asks_mixed(const LaunchUpdateParams *params) {
    return params->on_demand_strategy != NULL || params->on_demand_base >= 0 || params->on_demand_percentage >= 0 ||
           params->spot_strategy != NULL || params->spot_pools >= 0 || params->overrides != NULL;
}

static gboolean asks_launch(const LaunchUpdateParams *params) {
    return params->image != NULL || params->instance_type != NULL || params->key_pair != NULL || params->iam_role != NULL ||
           params->user_data != NULL || params->security_groups != NULL || params->kernel != NULL || params->ramdisk != NULL ||
           params->monitoring != NULL || params->ebs_optimized != NULL || params->public_ip != NULL || params->enclave != NULL ||
           params->require_imds_v2 != NULL || params->spot_price != NULL;
}

static void update_validate(Operation *operation, GPtrArray *errors) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    if (!asks_launch(params) && !asks_mixed(params))
        g_ptr_array_add(errors, g_strdup("nothing to change is given: amiName, instanceType, securityGroups …"));
}

static gboolean read_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchUpdateParams *params = launch_update_params(operation);
    g_autoptr(Json) asg = NULL;
    if (!launch_update_read(operation, &asg, error))
        return FALSE;
    const JsonValue *template = aws_group_template(json_root(asg)), *launch = operation_fact(operation, "launch");
    if (template == NULL) {
        error_set(error, ERR_INVALID, "%s in %s (account %s) has no launch template: updateLaunchConfig changes what it launches from",
                  params->group, params->region, operation_account(operation)->name);
        return FALSE;
    }
    if (params->spot_price != NULL && *params->spot_price == '\0' &&
        json_get(json_get(launch, "launchTemplateData"), "instanceMarketOptions") != NULL) {
        error_set(error, ERR_INVALID,
                  "%s in %s (account %s): a version of a launch template cannot take the spot price away that the one "
                  "before it has; deploy a new server group",
                  params->group, params->region, operation_account(operation)->name);
        return FALSE;
    }
    g_autoptr(Json)
        fact = json_pack("{s:v, s:v}", "id", json_get(template, "launchTemplateId"), "source", json_get(launch, "versionNumber"));
    operation_fact_set(operation, "template", json_root(fact));
    operation_fact_set(operation, "mixed", json_get(json_root(asg), "mixedInstancesPolicy"));
    return TRUE;
}

/* ---- the version ---- */

static guint version_count(Operation *operation) {
    return asks_launch(launch_update_params(operation)) ? 1 : 0;
}

static void add_flag(AwsQuery *query, const Json *flag, const char *key) {
    if (json_is_true(json_root(flag)) || json_is_false(json_root(flag)))
        aws_query_add_bool(query, json_is_true(json_root(flag)), "%s", key);
}

/* Its one network interface is replaced as a whole: what the request leaves open is what it was. */
static void add_interface(Operation *operation, AwsQuery *query) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    const JsonValue *data = json_get(operation_fact(operation, "launch"), "launchTemplateData");
    const JsonValue *before = json_at(json_get(data, "networkInterfaces"), 0), *groups = operation_fact(operation, "securityGroups");
    guint n = 0;
    if (groups == NULL && params->public_ip == NULL)
        return;
    AwsLaunchFields fields;
    aws_launch_fields(operation_fact(operation, "launch"), &fields);
    g_autoptr(Json) own = json_from_strings((const char *const *)fields.security_groups);
    g_strfreev(fields.security_groups);
    aws_query_add_int(query, 0, DATA "NetworkInterface.1.DeviceIndex");
    const JsonValue *address = params->public_ip != NULL ? json_root(params->public_ip) : json_get(before, "associatePublicIpAddress");
    if (json_is_true(address) || json_is_false(address))
        aws_query_add_bool(query, json_is_true(address), DATA "NetworkInterface.1.AssociatePublicIpAddress");
    if (json_is_number(json_get(before, "ipv6AddressCount")))
        aws_query_add_int(query, json_get_int(before, "ipv6AddressCount", 0), DATA "NetworkInterface.1.Ipv6AddressCount");
    for (JsonIter i = json_iter(groups != NULL ? groups : json_root(own)); json_next(&i);)
        aws_query_add(query, json_string(i.value), DATA "NetworkInterface.1.SecurityGroupId.%u", ++n);
}

static void add_data(Operation *operation, AwsQuery *query) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    aws_query_add(query, operation_fact_string(operation, "imageId"), DATA "ImageId");
    aws_query_add(query, params->instance_type, DATA "InstanceType");
    aws_query_add(query, params->key_pair, DATA "KeyName");
    aws_query_add(query, params->iam_role, DATA "IamInstanceProfile.Name");
    aws_query_add(query, params->user_data, DATA "UserData");
    aws_query_add(query, params->kernel, DATA "KernelId");
    aws_query_add(query, params->ramdisk, DATA "RamDiskId");
    add_flag(query, params->monitoring, DATA "Monitoring.Enabled");
    add_flag(query, params->ebs_optimized, DATA "EbsOptimized");
    add_flag(query, params->enclave, DATA "EnclaveOptions.Enabled");
    if (params->require_imds_v2 != NULL)
        aws_query_add(query, json_is_true(json_root(params->require_imds_v2)) ? "required" : "optional", DATA "MetadataOptions.HttpTokens");
    if (params->spot_price != NULL && *params->spot_price != '\0' && !json_is_object(operation_fact(operation, "mixed"))) {
        aws_query_add(query, "spot", DATA "InstanceMarketOptions.MarketType");
        aws_query_add(query, params->spot_price, DATA "InstanceMarketOptions.SpotOptions.MaxPrice");
    }
    add_interface(operation, query);
}

static gboolean version_act(Operation *operation, guint item, GError **error) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    const JsonValue *template = operation_fact(operation, "template");
    g_autofree char *token = operation_token(operation, "create version", item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_TEMPLATE_VERSION);
    aws_query_about(query, json_get_string(template, "id"));
    aws_query_add(query, token, "ClientToken");
    aws_query_add(query, json_get_string(template, "id"), "LaunchTemplateId");
    aws_query_add_int(query, json_get_int(template, "source", 1), "SourceVersion");
    add_data(operation, query);
    operation_line(operation, "Creating a version of launch template %s for %s", json_get_string(template, "id"), params->group);
    g_autoptr(XmlDocument) answer = aws_client_send(operation_client(operation), params->region, query, operation_cancel(operation), error);
    if (answer == NULL)
        return FALSE;
    gint64 version = aws_int(xml_get(aws_answer(answer, AWS_CREATE_TEMPLATE_VERSION), "launchTemplateVersion"), "versionNumber", 0);
    if (version == 0) {
        error_set(error, ERR_TIMEOUT, "CreateLaunchTemplateVersion %s in %s: the answer has no number", json_get_string(template, "id"),
                  params->region);
        return FALSE;
    }
    g_autoptr(Json) number = json_from_int(version);
    operation_fact_set(operation, "version", json_root(number));
    return TRUE;
}

/* ---- the group ---- */

#define MIXED "MixedInstancesPolicy."
#define DISTRIBUTION MIXED "InstancesDistribution."

static void add_overrides(Operation *operation, AwsQuery *query) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    const JsonValue *before = json_dig(operation_fact(operation, "mixed"), "launchTemplate", "overrides", NULL);
    guint n = 0;
    for (JsonIter i = json_iter(params->overrides != NULL ? json_root(params->overrides) : before); json_next(&i);) {
        g_autofree char *weight = json_as_text(json_get(i.value, "weightedCapacity"));
        n++;
        aws_query_add(query, json_get_string(i.value, "instanceType"), MIXED "LaunchTemplate.Overrides.member.%u.InstanceType", n);
        aws_query_add(query, weight, MIXED "LaunchTemplate.Overrides.member.%u.WeightedCapacity", n);
    }
}

static void add_number(AwsQuery *query, gint64 number, const char *key) {
    if (number >= 0)
        aws_query_add_int(query, number, "%s", key);
}

static void add_mixed(Operation *operation, AwsQuery *query, gint64 version) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    aws_query_add(query, json_get_string(operation_fact(operation, "template"), "id"),
                  MIXED "LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId");
    aws_query_add_int(query, version, MIXED "LaunchTemplate.LaunchTemplateSpecification.Version");
    add_overrides(operation, query);
    aws_query_add(query, params->on_demand_strategy, DISTRIBUTION "OnDemandAllocationStrategy");
    aws_query_add(query, params->spot_strategy, DISTRIBUTION "SpotAllocationStrategy");
    add_number(query, params->on_demand_base, DISTRIBUTION "OnDemandBaseCapacity");
    add_number(query, params->on_demand_percentage, DISTRIBUTION "OnDemandPercentageAboveBaseCapacity");
    add_number(query, params->spot_pools, DISTRIBUTION "SpotInstancePools");
    if (params->spot_price != NULL && *params->spot_price != '\0')
        aws_query_add(query, params->spot_price, DISTRIBUTION "SpotMaxPrice");
}

/* A refusal is noted: first the version that nobody launches from has to go. */
static gboolean group_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchUpdateParams *params = launch_update_params(operation);
    const JsonValue *template = operation_fact(operation, "template");
    gint64 version = json_int(operation_fact(operation, "version"), json_get_int(template, "source", 1));
    g_autoptr(AwsQuery) query = launch_update_query(operation);
    if (json_is_object(operation_fact(operation, "mixed")) || asks_mixed(params))
        add_mixed(operation, query, version);
    else {
        aws_query_add(query, json_get_string(template, "id"), "LaunchTemplate.LaunchTemplateId");
        aws_query_add_int(query, version, "LaunchTemplate.Version");
    }
    operation_line(operation, "%s launches from version %" G_GINT64_FORMAT " of %s", params->group, version,
                   json_get_string(template, "id"));
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params->region, query, &failed))
        return TRUE;
    gboolean may_pass = error_code(failed) == ERR_UNAVAILABLE || error_code(failed) == ERR_TIMEOUT || error_code(failed) == ERR_CANCELLED ||
                        operation_is_busy(failed);
    if (may_pass || operation_fact(operation, "version") == NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    operation_fact_set_string(operation, "refused", failed->message);
    return TRUE;
}

static guint refused_count(Operation *operation) {
    return operation_fact(operation, "refused") != NULL ? 1 : 0;
}

static gboolean delete_version_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const JsonValue *template = operation_fact(operation, "template");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_TEMPLATE_VERSIONS);
    aws_query_about(query, json_get_string(template, "id"));
    aws_query_add(query, json_get_string(template, "id"), "LaunchTemplateId");
    aws_query_add_int(query, json_int(operation_fact(operation, "version"), 0), "LaunchTemplateVersion.1");
    return operation_write(operation, launch_update_params(operation)->region, query, error);
}

static gboolean refuse_act(Operation *operation, guint item, GError **error) {
    (void)item;
    error_set(error, ERR_REMOTE, "%s; the new version of its launch template was deleted again",
              operation_fact_string(operation, "refused"));
    return FALSE;
}

const CloudOperation aws_update_launch_template = {
    .name = "updateLaunchTemplate",
    .aliases = (const char *const[]){"modifyServerGroupLaunchTemplateDescription", NULL},
    .help = "Lets new instances of a server group launch otherwise, by a new version of its launch template.",
    .params = aws_launch_update_params,
    .params_size = sizeof(LaunchUpdateParams),
    .validate = update_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look at the group", .act = read_act, .repeat = REPEAT_READ},
            {.name = "create version", .count = version_count, .act = version_act, .repeat = REPEAT_TOKEN},
            {.name = "use it",
             .act = group_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {.name = "delete the version",
             .count = refused_count,
             .act = delete_version_act,
             .repeat = REPEAT_IDEMPOTENT,
             .failure_is_reported_only = TRUE},
            {.name = "say why", .count = refused_count, .act = refuse_act, .repeat = REPEAT_READ},
            {0},
        },
    .finish = launch_update_finish,
};
