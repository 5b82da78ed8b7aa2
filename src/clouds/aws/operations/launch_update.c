/* What updateLaunchTemplate and updateLaunchConfig have in common (launch_update.h). */
#include "clouds/aws/operations/launch_update.h"
#include "clouds/aws/operations/images.h"
#include "clouds/aws/operations/security_groups.h"
#include <string.h>

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(LaunchUpdateParams, member), __VA_ARGS__ }
const Param aws_launch_update_params[] = {
    FIELD("region", PARAM_STRING, region, .required = TRUE, .help = "Region of the group."),
    FIELD("asgName", PARAM_STRING, group, .required = TRUE, .aliases = (const char *const[]){"serverGroupName", NULL},
          .help = "The server group."),
    FIELD("amiName", PARAM_STRING, image, .aliases = (const char *const[]){"imageId", NULL}, .help = "Name or id of the image."),
    FIELD("instanceType", PARAM_STRING, instance_type, .help = "Instance type."),
    FIELD("keyPair", PARAM_STRING, key_pair, .help = "Key pair."),
    FIELD("iamRole", PARAM_STRING, iam_role, .help = "Instance profile."),
    FIELD("base64UserData", PARAM_STRING, user_data, .help = "User data in base64."),
    FIELD("securityGroups", PARAM_STRINGS, security_groups, .help = "Names or ids of security groups."),
    FIELD("securityGroupsAppendOnly", PARAM_BOOL, append_only, .help = "Add the groups to those that there are."),
    FIELD("spotPrice", PARAM_STRING, spot_price, .help = "Highest spot price; empty: none any more."),
    FIELD("kernelId", PARAM_STRING, kernel, .help = "Kernel of paravirtual images."),
    FIELD("ramdiskId", PARAM_STRING, ramdisk, .help = "Ramdisk of paravirtual images."),
    FIELD("instanceMonitoring", PARAM_JSON, monitoring, .help = "Detailed monitoring."),
    FIELD("ebsOptimized", PARAM_JSON, ebs_optimized, .help = "Optimised for EBS."),
    FIELD("associatePublicIpAddress", PARAM_JSON, public_ip, .help = "Whether instances get a public address."),
    FIELD("enableEnclave", PARAM_JSON, enclave, .help = "Enclaves; launch templates."),
    FIELD("requireIMDV2", PARAM_JSON, require_imds_v2, .aliases = (const char *const[]){"requireIMDSv2", NULL},
          .help = "Require tokens for instance metadata; launch templates."),
    FIELD("onDemandAllocationStrategy", PARAM_STRING, on_demand_strategy, .help = "Mixed instances: on-demand strategy."),
    FIELD("onDemandBaseCapacity", PARAM_INT, on_demand_base, .otherwise = "-1", .help = "Mixed instances: on-demand base."),
    FIELD("onDemandPercentageAboveBaseCapacity", PARAM_INT, on_demand_percentage, .otherwise = "-1",
          .help = "Mixed instances: on-demand share above the base."),
    FIELD("spotAllocationStrategy", PARAM_STRING, spot_strategy, .help = "Mixed instances: spot strategy."),
    FIELD("spotInstancePools", PARAM_INT, spot_pools, .otherwise = "-1", .help = "Mixed instances: spot pools."),
    FIELD("launchTemplateOverridesForInstanceType", PARAM_JSON, overrides,
          .help = "Mixed instances: a list of {instanceType, weightedCapacity}."),
    {0},
};

static gboolean note_image(Operation *operation, GError **error) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *image = NULL;
    if (params->image == NULL)
        return TRUE;
    if (!aws_image_find(operation, operation_aws(operation), params->region, params->image, AWS_IMAGE_OWN | AWS_IMAGE_ANYBODYS, &document,
                        &image, error))
        return FALSE;
    if (image == NULL) {
        error_set(error, ERR_NOT_FOUND, "image %s does not exist in %s (account %s)", params->image, params->region,
                  operation_account(operation)->name);
        return FALSE;
    }
    g_autofree char *id = xml_get_text(image, "imageId");
    operation_fact_set_string(operation, "imageId", id);
    return TRUE;
}

/* Of the group's first subnet; NULL: outside any. Caller frees. */
static char *vpc_of(Operation *operation, const JsonValue *asg) {
    const char *list = json_get_string(asg, "vpczoneIdentifier");
    g_auto(GStrv) subnets = g_strsplit(list != NULL ? list : "", ",", -1);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    const InventoryObject *subnet = subnets[0] != NULL ? inventory_get(snapshot, operation_account(operation)->name, KIND_SUBNET,
                                                                       launch_update_params(operation)->region, subnets[0])
                                                       : NULL;
    return subnet != NULL ? g_strdup(json_get_string(json_root(subnet->document), "vpcId")) : NULL;
}

static gboolean note_security_groups(Operation *operation, const JsonValue *asg, const JsonValue *launch, GError **error) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    if (params->security_groups == NULL)
        return TRUE;
    AwsReader reader = operation_reader(operation, params->region);
    g_autofree char *vpc = vpc_of(operation, asg);
    g_auto(GStrv) ids = aws_security_group_ids(&reader, params->security_groups, vpc, error);
    if (ids == NULL)
        return FALSE;
    AwsLaunchFields fields;
    aws_launch_fields(launch, &fields);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (guint i = 0; params->append_only && fields.security_groups[i] != NULL; i++)
        g_ptr_array_add(all, fields.security_groups[i]);
    for (guint i = 0; ids[i] != NULL; i++)
        if (!g_ptr_array_find_with_equal_func(all, ids[i], g_str_equal, NULL))
            g_ptr_array_add(all, ids[i]);
    g_ptr_array_add(all, NULL);
    g_autoptr(Json) list = json_from_strings((const char *const *)all->pdata);
    operation_fact_set(operation, "securityGroups", json_root(list));
    g_strfreev(fields.security_groups);
    return TRUE;
}

gboolean launch_update_read(Operation *operation, Json **asg, GError **error) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    AwsReader reader = operation_reader(operation, params->region);
    g_autoptr(Json) group = aws_group_read(&reader, params->group, error);
    if (group == NULL)
        return FALSE;
    g_autoptr(AwsLaunches) launches = aws_launches_new(&reader);
    g_autoptr(GError) failed = NULL;
    const JsonValue *launch = aws_launch_of_group(&reader, launches, json_root(group), &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (launch == NULL) {
        error_set(error, ERR_NOT_FOUND, "what %s in %s (account %s) launches from does not exist", params->group, params->region,
                  operation_account(operation)->name);
        return FALSE;
    }
    operation_fact_set(operation, "launch", launch);
    if (!note_image(operation, error) || !note_security_groups(operation, json_root(group), launch, error))
        return FALSE;
    *asg = g_steal_pointer(&group);
    return TRUE;
}

AwsQuery *launch_update_query(Operation *operation) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    AwsQuery *query = aws_query_new(AWS_UPDATE_GROUP);
    aws_query_about(query, params->group);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    return query;
}

void launch_update_finish(Operation *operation) {
    operation_publish_group(operation, launch_update_params(operation)->region, launch_update_params(operation)->group);
}
