/* updateLaunchTemplate and updateLaunchConfig: what both ask and look up (aws.md 7). Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *region, *group, *image, *instance_type, *key_pair, *iam_role, *user_data, *spot_price, *kernel, *ramdisk;
    char **security_groups;
    Json *monitoring, *ebs_optimized, *public_ip, *enclave, *require_imds_v2, *overrides;
    char *on_demand_strategy, *spot_strategy;
    gint64 on_demand_base, on_demand_percentage, spot_pools; /* -1: absent */
    gboolean append_only;
} LaunchUpdateParams;
extern const Param aws_launch_update_params[];
static inline const LaunchUpdateParams *launch_update_params(Operation *operation) {
    return operation_params(operation);
}

/* Reads the group and what it launches from, and finds the image and the security groups of the request. Facts: launch (the document),
 * imageId, securityGroups [ids] (when given). */
gboolean launch_update_read(Operation *operation, Json **asg, GError **error);
/* UpdateAutoScalingGroup of the group, to be completed. */
AwsQuery *launch_update_query(Operation *operation);
void launch_update_finish(Operation *operation);
