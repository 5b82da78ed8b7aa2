/* createServerGroup in parts (aws.md 5): what a request says, what was found out, and the steps.
 *
 * Facts (durable): region, capacity {min,max,desired}, zones [], subnets [], vpc, targetGroups [arn], image {…}, devices [], securityGroups [id],
 * appGroup (name to create), name, launchName, template {id, version}, ancestor. */
#pragma once
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *application, *stack, *detail, *image, *instance_type, *subnet_type, *iam_role, *key_pair, *health_check_type, *kernel, *ramdisk;
    char *user_data, *on_demand_strategy, *spot_strategy, *spot_price;
    char **subnet_ids, **enabled_metrics, **suspended_processes, **termination_policies, **load_balancers, **target_groups,
        **security_groups;
    Json *zones, *capacity, *source, *tags, *device_tags, *devices, *lifecycle_hooks, *placement, *licenses, *overrides,
        *user_data_override;
    Json *public_ip, *monitoring, *ebs_optimized, *capacity_rebalance, *ipv6, *unlimited_credits,
        *enclave;                                                                         /* booleans that may be absent */
    gint64 cooldown, grace_s, sequence, on_demand_base, on_demand_percentage, spot_pools; /* -1: absent */
    gboolean copy_policies, copy_devices, copy_subnets;                                   /* from the source */
    gboolean ignore_sequence, start_disabled, account_hooks, use_image_devices, launch_template, require_imds_v2;
} CreateParams;
extern const Param aws_create_params[];

const CreateParams *create_params(Operation *operation);
const char *create_region(Operation *operation); /* the one region of the request */
char *create_cluster(Operation *operation);      /* app[-stack[-detail]]; caller frees */
gboolean create_uses_template(Operation *operation);
gboolean create_is_mixed(const CreateParams *params); /* any key of a mixed instances policy is given */

/* ---- reads, in order (create_copy.c, create_look.c, create_network.c) ---- */
Json *create_default_devices(Operation *operation, const char *instance_type); /* aws.md 5.7; caller owns */
gboolean create_source_act(Operation *operation, guint item, GError **error);
gboolean create_subnets_act(Operation *operation, guint item, GError **error);
gboolean create_balancers_act(Operation *operation, guint item, GError **error);
gboolean create_image_act(Operation *operation, guint item, GError **error);
gboolean create_security_groups_act(Operation *operation, guint item, GError **error);
gboolean create_name_act(Operation *operation, guint item, GError **error);

/* ---- the application's own security group ---- */
guint create_app_group_count(Operation *operation);
LookResult create_app_group_look(Operation *operation, guint item, GError **error);
gboolean create_app_group_act(Operation *operation, guint item, GError **error);

/* ---- what launches instances (create_launch.c) ---- */
guint create_template_count(Operation *operation);
LookResult create_template_look(Operation *operation, guint item, GError **error);
gboolean create_template_act(Operation *operation, guint item, GError **error);
guint create_configuration_count(Operation *operation);
LookResult create_configuration_look(Operation *operation, guint item, GError **error);
gboolean create_configuration_act(Operation *operation, guint item, GError **error);

/* ---- the group (create_group.c) ---- */
LookResult create_group_look(Operation *operation, guint item, GError **error);
gboolean create_group_act(Operation *operation, guint item, GError **error);
guint create_hooks_count(Operation *operation);
gboolean create_hook_act(Operation *operation, guint item, GError **error);
guint create_suspend_count(Operation *operation);
gboolean create_suspend_act(Operation *operation, guint item, GError **error);
guint create_metrics_count(Operation *operation);
gboolean create_metrics_act(Operation *operation, guint item, GError **error);
LookResult create_sizes_look(Operation *operation, guint item, GError **error);
gboolean create_sizes_act(Operation *operation, guint item, GError **error);
/* Reads the new group and publishes it; AWS may show it late. */
gboolean create_seen_act(Operation *operation, guint item, GError **error);

/* ---- what the source has besides (create_copy.c) ---- */
guint create_copies(Operation *operation); /* 1: there is a source whose policies and actions are to be copied */
gboolean create_read_copies_act(Operation *operation, guint item, GError **error);
guint create_policies_count(Operation *operation);
gboolean create_policy_act(Operation *operation, guint item, GError **error);
guint create_alarms_count(Operation *operation);
gboolean create_alarm_act(Operation *operation, guint item, GError **error);
guint create_actions_count(Operation *operation);
gboolean create_scheduled_act(Operation *operation, guint item, GError **error);
