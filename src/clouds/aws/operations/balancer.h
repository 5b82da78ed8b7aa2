/* upsertLoadBalancer, deleteLoadBalancer (aws.md 11): parameters, what is looked up first, and the steps of the two generations. Steps run on
 * the thread of their run.
 *
 * Facts: region, name, vpc, subnets [ids], zones [names], securityGroups [ids], existing (the load balancer as it is, or absent). */
#pragma once
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *name, *cluster, *region, *type, *vpc, *subnet_type, *health_check, *address_type;
    char **security_groups, **subnet_ids;
    Json *zones, *listeners, *target_groups, *internal, *deletion_protection, *cross_zone, *draining;
    gint64 idle_s, health_interval_s, health_timeout_s, unhealthy, healthy, delay_s; /* -1: absent */
} BalancerParams;
const BalancerParams *balancer_params(Operation *operation);
const char *balancer_region(Operation *operation);
const char *balancer_name(Operation *operation);
gboolean balancer_is_classic(Operation *operation);
gboolean balancer_is_new(Operation *operation); /* it was not there when the operation began */
gboolean balancer_is_internal(Operation *operation);
const JsonValue *balancer_before(Operation *operation); /* as it was; NULL: it is new */

/* A call about the load balancer, under its name. */
AwsQuery *balancer_query(Operation *operation, AwsCallId call);
void balancer_add_list(AwsQuery *query, const JsonValue *texts, const char *key); /* key.member.N */
gboolean balancer_write(Operation *operation, const AwsQuery *query, GError **error);

/* ---- classic (balancer_classic.c) ---- */
guint classic_create_count(Operation *operation);
LookResult classic_create_look(Operation *operation, guint item, GError **error);
gboolean classic_create_act(Operation *operation, guint item, GError **error);
guint classic_groups_count(Operation *operation);
gboolean classic_groups_act(Operation *operation, guint item, GError **error);
gboolean classic_plan_act(Operation *operation, guint item, GError **error);
guint classic_remove_count(Operation *operation);
gboolean classic_remove_act(Operation *operation, guint item, GError **error);
guint classic_add_count(Operation *operation);
gboolean classic_add_act(Operation *operation, guint item, GError **error);
guint classic_restore_count(Operation *operation);
gboolean classic_restore_act(Operation *operation, guint item, GError **error);
gboolean classic_refuse_act(Operation *operation, guint item, GError **error);
guint classic_count(Operation *operation);
gboolean classic_health_act(Operation *operation, guint item, GError **error);
gboolean classic_attributes_act(Operation *operation, guint item, GError **error);

/* ---- application and network (balancer_v2.c, balancer_listeners.c) ---- */
guint v2_create_count(Operation *operation);
LookResult v2_create_look(Operation *operation, guint item, GError **error);
gboolean v2_create_act(Operation *operation, guint item, GError **error);
guint v2_count(Operation *operation);
gboolean v2_groups_act(Operation *operation, guint item, GError **error);
gboolean v2_address_act(Operation *operation, guint item, GError **error);
gboolean v2_attributes_act(Operation *operation, guint item, GError **error);
gboolean v2_plan_targets_act(Operation *operation, guint item, GError **error);
guint v2_blocking_count(Operation *operation);
gboolean v2_blocking_act(Operation *operation, guint item, GError **error);
guint v2_gone_targets_count(Operation *operation);
gboolean v2_gone_targets_act(Operation *operation, guint item, GError **error);
guint v2_targets_count(Operation *operation);
LookResult v2_target_create_look(Operation *operation, guint item, GError **error);
gboolean v2_target_create_act(Operation *operation, guint item, GError **error);
gboolean v2_target_modify_act(Operation *operation, guint item, GError **error);
gboolean v2_target_attributes_act(Operation *operation, guint item, GError **error);
gboolean v2_plan_listeners_act(Operation *operation, guint item, GError **error);
guint v2_listeners_count(Operation *operation);
gboolean v2_listener_act(Operation *operation, guint item, GError **error);
gboolean v2_plan_rules_act(Operation *operation, guint item, GError **error);
guint v2_old_rules_count(Operation *operation);
gboolean v2_old_rule_act(Operation *operation, guint item, GError **error);
guint v2_new_rules_count(Operation *operation);
gboolean v2_new_rule_act(Operation *operation, guint item, GError **error);
guint v2_unlisted_count(Operation *operation);
gboolean v2_unlisted_act(Operation *operation, guint item, GError **error);
