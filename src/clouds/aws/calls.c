/* The table of AWS's services and calls. Facts from the public API references of each service. */
#include "clouds/aws/calls.h"

static const AwsService SERVICES[AWS_SERVICES] = {
    [AWS_EC2] = {"ec2", "EC2", "ec2", "ec2", "2016-11-15", FALSE},
    [AWS_AUTO_SCALING] = {"autoscaling", "AUTO_SCALING", "autoscaling", "autoscaling", "2011-01-01", FALSE},
    [AWS_ELB] = {"elasticloadbalancing", "ELASTIC_LOAD_BALANCING", "elasticloadbalancing", "elasticloadbalancing", "2012-06-01", FALSE},
    [AWS_ELB_V2] = {"elasticloadbalancingv2", "ELASTIC_LOAD_BALANCING_V2", "elasticloadbalancing", "elasticloadbalancing", "2015-12-01",
                    FALSE},
    [AWS_CLOUDWATCH] = {"cloudwatch", "CLOUDWATCH", "monitoring", "monitoring", "2010-08-01", FALSE},
    [AWS_STS] = {"sts", "STS", "sts", "sts", "2011-06-15", FALSE},
    [AWS_IAM] = {"iam", "IAM", "iam", "iam", "2010-05-08", TRUE},
};

#define READ(ACTION, SERVICE, LIST, ITEM) .action = ACTION, .service = SERVICE, .list = LIST, .item = ITEM
#define PAGED(SIZE_KEY, SIZE, TOKEN, NEXT) .size_key = SIZE_KEY, .page_size = SIZE, .token_key = TOKEN, .next = NEXT
#define WRITE(ACTION, SERVICE) .action = ACTION, .service = SERVICE, .writes = TRUE

static const AwsCall CALLS[AWS_CALLS] = {
    [AWS_DESCRIBE_GROUPS] = {READ("DescribeAutoScalingGroups", AWS_AUTO_SCALING, "AutoScalingGroups", "member"),
                             PAGED("MaxRecords", 100, "NextToken", "NextToken")},
    [AWS_DESCRIBE_POLICIES] = {READ("DescribePolicies", AWS_AUTO_SCALING, "ScalingPolicies", "member"),
                               PAGED("MaxRecords", 100, "NextToken", "NextToken")},
    [AWS_DESCRIBE_SCHEDULED_ACTIONS] = {READ("DescribeScheduledActions", AWS_AUTO_SCALING, "ScheduledUpdateGroupActions", "member"),
                                        PAGED("MaxRecords", 100, "NextToken", "NextToken")},
    [AWS_DESCRIBE_LAUNCH_CONFIGURATIONS] = {READ("DescribeLaunchConfigurations", AWS_AUTO_SCALING, "LaunchConfigurations", "member"),
                                            PAGED("MaxRecords", 100, "NextToken", "NextToken")},
    [AWS_DESCRIBE_LIFECYCLE_HOOKS] = {READ("DescribeLifecycleHooks", AWS_AUTO_SCALING, "LifecycleHooks", "member")},
    [AWS_CREATE_GROUP] = {WRITE("CreateAutoScalingGroup", AWS_AUTO_SCALING)},
    [AWS_UPDATE_GROUP] = {WRITE("UpdateAutoScalingGroup", AWS_AUTO_SCALING)},
    [AWS_DELETE_GROUP] = {WRITE("DeleteAutoScalingGroup", AWS_AUTO_SCALING)},
    [AWS_CREATE_LAUNCH_CONFIGURATION] = {WRITE("CreateLaunchConfiguration", AWS_AUTO_SCALING)},
    [AWS_DELETE_LAUNCH_CONFIGURATION] = {WRITE("DeleteLaunchConfiguration", AWS_AUTO_SCALING)},
    [AWS_PUT_LIFECYCLE_HOOK] = {WRITE("PutLifecycleHook", AWS_AUTO_SCALING)},
    [AWS_PUT_NOTIFICATION] = {WRITE("PutNotificationConfiguration", AWS_AUTO_SCALING)},
    [AWS_SUSPEND_PROCESSES] = {WRITE("SuspendProcesses", AWS_AUTO_SCALING)},
    [AWS_RESUME_PROCESSES] = {WRITE("ResumeProcesses", AWS_AUTO_SCALING)},
    [AWS_ENABLE_METRICS] = {WRITE("EnableMetricsCollection", AWS_AUTO_SCALING)},
    [AWS_CREATE_GROUP_TAGS] = {WRITE("CreateOrUpdateTags", AWS_AUTO_SCALING)},
    [AWS_DELETE_GROUP_TAGS] = {WRITE("DeleteTags", AWS_AUTO_SCALING)},
    [AWS_PUT_POLICY] = {WRITE("PutScalingPolicy", AWS_AUTO_SCALING)},
    [AWS_PUT_SCHEDULED_ACTION] = {WRITE("PutScheduledUpdateGroupAction", AWS_AUTO_SCALING)},
    [AWS_TERMINATE_IN_GROUP] = {WRITE("TerminateInstanceInAutoScalingGroup", AWS_AUTO_SCALING)},
    [AWS_DETACH_INSTANCES] = {WRITE("DetachInstances", AWS_AUTO_SCALING)},
    [AWS_DESCRIBE_ALARMS] = {READ("DescribeAlarms", AWS_CLOUDWATCH, "MetricAlarms", "member"),
                             PAGED("MaxRecords", 100, "NextToken", "NextToken")},
    [AWS_PUT_ALARM] = {WRITE("PutMetricAlarm", AWS_CLOUDWATCH)},
    [AWS_DESCRIBE_INSTANCES] = {READ("DescribeInstances", AWS_EC2, "reservationSet", "item"),
                                PAGED("MaxResults", 500, "NextToken", "nextToken")},
    [AWS_DESCRIBE_IMAGES] = {READ("DescribeImages", AWS_EC2, "imagesSet", "item"), PAGED(NULL, 0, "NextToken", "nextToken")},
    [AWS_DESCRIBE_SECURITY_GROUPS] = {READ("DescribeSecurityGroups", AWS_EC2, "securityGroupInfo", "item"),
                                      PAGED("MaxResults", 500, "NextToken", "nextToken")},
    [AWS_DESCRIBE_SUBNETS] = {READ("DescribeSubnets", AWS_EC2, "subnetSet", "item"), PAGED("MaxResults", 500, "NextToken", "nextToken")},
    [AWS_DESCRIBE_VPCS] = {READ("DescribeVpcs", AWS_EC2, "vpcSet", "item"), PAGED("MaxResults", 500, "NextToken", "nextToken")},
    [AWS_DESCRIBE_KEY_PAIRS] = {READ("DescribeKeyPairs", AWS_EC2, "keySet", "item")},
    [AWS_DESCRIBE_INSTANCE_TYPES] = {READ("DescribeInstanceTypes", AWS_EC2, "instanceTypeSet", "item"),
                                     PAGED("MaxResults", 100, "NextToken", "nextToken")},
    [AWS_DESCRIBE_REGIONS] = {READ("DescribeRegions", AWS_EC2, "regionInfo", "item")},
    [AWS_DESCRIBE_ZONES] = {READ("DescribeAvailabilityZones", AWS_EC2, "availabilityZoneInfo", "item")},
    [AWS_DESCRIBE_TEMPLATES] = {READ("DescribeLaunchTemplates", AWS_EC2, "launchTemplates", "item"),
                                PAGED("MaxResults", 200, "NextToken", "nextToken")},
    [AWS_DESCRIBE_TEMPLATE_VERSIONS] = {READ("DescribeLaunchTemplateVersions", AWS_EC2, "launchTemplateVersionSet", "item"),
                                        PAGED("MaxResults", 200, "NextToken", "nextToken")},
    [AWS_CREATE_TEMPLATE] = {WRITE("CreateLaunchTemplate", AWS_EC2)},
    [AWS_DELETE_TEMPLATE] = {WRITE("DeleteLaunchTemplate", AWS_EC2)},
    [AWS_CREATE_SECURITY_GROUP] = {WRITE("CreateSecurityGroup", AWS_EC2)},
    [AWS_TERMINATE_INSTANCES] = {WRITE("TerminateInstances", AWS_EC2)},
    [AWS_REBOOT_INSTANCES] = {WRITE("RebootInstances", AWS_EC2)},
    [AWS_CREATE_TAGS] = {WRITE("CreateTags", AWS_EC2)},
    [AWS_DELETE_TAGS] = {WRITE("DeleteTags", AWS_EC2)},
    [AWS_MODIFY_IMAGE] = {WRITE("ModifyImageAttribute", AWS_EC2)},
    [AWS_DESCRIBE_CLASSIC] = {READ("DescribeLoadBalancers", AWS_ELB, "LoadBalancerDescriptions", "member"),
                              PAGED("PageSize", 400, "Marker", "NextMarker")},
    [AWS_DESCRIBE_CLASSIC_ATTRIBUTES] = {READ("DescribeLoadBalancerAttributes", AWS_ELB, NULL, NULL)},
    [AWS_DESCRIBE_CLASSIC_HEALTH] = {READ("DescribeInstanceHealth", AWS_ELB, "InstanceStates", "member")},
    [AWS_REGISTER_CLASSIC] = {WRITE("RegisterInstancesWithLoadBalancer", AWS_ELB)},
    [AWS_DEREGISTER_CLASSIC] = {WRITE("DeregisterInstancesFromLoadBalancer", AWS_ELB)},
    [AWS_DESCRIBE_BALANCERS] = {READ("DescribeLoadBalancers", AWS_ELB_V2, "LoadBalancers", "member"),
                                PAGED("PageSize", 400, "Marker", "NextMarker")},
    [AWS_DESCRIBE_BALANCER_ATTRIBUTES] = {READ("DescribeLoadBalancerAttributes", AWS_ELB_V2, "Attributes", "member")},
    [AWS_DESCRIBE_LISTENERS] = {READ("DescribeListeners", AWS_ELB_V2, "Listeners", "member"),
                                PAGED("PageSize", 400, "Marker", "NextMarker")},
    [AWS_DESCRIBE_RULES] = {READ("DescribeRules", AWS_ELB_V2, "Rules", "member"), PAGED("PageSize", 400, "Marker", "NextMarker")},
    [AWS_DESCRIBE_TARGET_GROUPS] = {READ("DescribeTargetGroups", AWS_ELB_V2, "TargetGroups", "member"),
                                    PAGED("PageSize", 400, "Marker", "NextMarker")},
    [AWS_DESCRIBE_TARGET_GROUP_ATTRIBUTES] = {READ("DescribeTargetGroupAttributes", AWS_ELB_V2, "Attributes", "member")},
    [AWS_DESCRIBE_TARGET_HEALTH] = {READ("DescribeTargetHealth", AWS_ELB_V2, "TargetHealthDescriptions", "member")},
    [AWS_REGISTER_TARGETS] = {WRITE("RegisterTargets", AWS_ELB_V2)},
    [AWS_DEREGISTER_TARGETS] = {WRITE("DeregisterTargets", AWS_ELB_V2)},
    [AWS_ASSUME_ROLE] = {READ("AssumeRole", AWS_STS, NULL, NULL)},
    [AWS_ASSUME_ROLE_WITH_WEB_IDENTITY] = {READ("AssumeRoleWithWebIdentity", AWS_STS, NULL, NULL), .is_unsigned = TRUE},
    [AWS_GET_CALLER_IDENTITY] = {READ("GetCallerIdentity", AWS_STS, NULL, NULL)},
};

const AwsService *aws_service(AwsServiceId id) {
    g_assert(id < AWS_SERVICES);
    return &SERVICES[id];
}

const AwsCall *aws_call(AwsCallId id) {
    g_assert(id < AWS_CALLS);
    return &CALLS[id];
}
