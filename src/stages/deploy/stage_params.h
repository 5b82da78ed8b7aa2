/* The parameters that deployment stages share: what documentation, forms and lint say of them. A stage's table names those it takes;
 * all are read into one struct. */
#pragma once
#include "engine/stage.h"

typedef struct {
    char *credentials, *cluster, *server_group, *target, *provider, *stack, *detail, *strategy, *image, *action, *resize_type, *selection,
        *image_pattern, *reason, *traffic_options, *strategy_application, *strategy_pipeline, *rollback_type, *original_server_group;
    char **regions, **health_providers, **server_groups, **processes;
    char *region;
    Json *moniker, *capacity, *source, *availability_zones, *clusters, *rollback, *pipeline_parameters, *constraints, *target_percentages,
        *pipeline_before_cleanup, *rollback_context, *deployment_monitor, *deploy_steps, *failure_actions, *termination;
    gint64 healthy_percentage, desired_percentage, shrink_to, remaining_enabled, remaining_full, max_remaining, scale_percentage,
        scale_number, delay_before_cleanup_ms, delay_before_scale_down_ms, max_initial, wait_between_regions_ms, rollback_timeout;
    gboolean set_launch_template, allow_delete_active, allow_scale_down_active, retain_larger, prefer_larger, continue_if_missing,
        skip_disable, use_source_capacity, prefer_source_capacity, scale_down, pin, pin_minimum, unpin_minimum, only_enabled,
        resolve_missing, skip_detection;
} DeployParams;

#define DEPLOY_PARAM(key, kind, member, ...)                                                                                               \
    { .name = (key), .type = (kind), .offset = offsetof(DeployParams, member), __VA_ARGS__ }
#define DEPLOY_ACCOUNT_PARAMS                                                                                                              \
    DEPLOY_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),                              \
        DEPLOY_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent.")
#define DEPLOY_LOCATION_PARAMS                                                                                                             \
    DEPLOY_PARAM("regions", PARAM_STRINGS, regions, .help = "Where; region for a single one."),                                            \
        DEPLOY_PARAM("region", PARAM_STRING, region, .help = "Where, when it is one region.")
#define DEPLOY_CLUSTER_PARAMS                                                                                                              \
    DEPLOY_PARAM("cluster", PARAM_STRING, cluster, .help = "Name of the cluster, as application-stack-detail."),                           \
        DEPLOY_PARAM("moniker", PARAM_JSON, moniker, .help = "The cluster in parts: {app, cluster, stack, detail}.")
#define DEPLOY_TARGET_PARAMS                                                                                                               \
    DEPLOY_ACCOUNT_PARAMS, DEPLOY_LOCATION_PARAMS, DEPLOY_CLUSTER_PARAMS,                                                                  \
        DEPLOY_PARAM("serverGroupName", PARAM_STRING, server_group, .help = "The server group, when it is named."),                        \
        DEPLOY_PARAM("target", PARAM_STRING, target,                                                                                       \
                     .help = "Which of the cluster, found when the stage runs: current_asg_dynamic (newest), ancestor_asg_dynamic "        \
                             "(second newest), oldest_asg_dynamic.")
#define DEPLOY_HEALTH_PARAMS                                                                                                               \
    DEPLOY_PARAM("interestingHealthProviderNames", PARAM_STRINGS, health_providers,                                                        \
                 .help = "Whose health counts; absent: everybody's; empty: nobody's.")
