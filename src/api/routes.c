/* The list of all route tables. A new resource: its own file, one extern and one row here. */
#include "api/route.h"

extern const RouteTable observe_routes, auth_routes, admin_routes, page_routes, openapi_routes, events_routes;
extern const RouteTable application_routes, pipeline_config_routes, strategy_routes, starting_routes, plan_routes, execution_routes,
    execution_search_routes, failed_stage_routes, task_routes;
extern const RouteTable credential_routes, cluster_routes, server_group_routes, load_balancer_routes, firewall_routes, instance_routes,
    image_routes, network_routes, search_routes, bakery_routes, expression_routes, capability_routes, artifact_routes, empty_routes;
extern const RouteTable preconfigured_webhook_routes, gremlin_routes, plugin_routes, canary_config_routes, snapshot_routes;
extern const RouteTable cron_routes, template_v1_routes, template_v2_routes;
extern const RouteTable project_routes, entity_tag_routes, notification_config_routes, notification_routes;
extern const RouteTable webhook_routes, trigger_routes, simulated_cloud_routes;

const RouteTable *const api_route_tables[] = {
    &observe_routes,
    &auth_routes,
    &admin_routes,
    &page_routes,
    &openapi_routes,
    &events_routes,

    &application_routes,
    &pipeline_config_routes,
    &strategy_routes,
    &starting_routes,
    &plan_routes,

    &execution_routes,
    &execution_search_routes,
    &failed_stage_routes,
    &task_routes,

    &credential_routes,
    &cluster_routes,
    &server_group_routes,
    &load_balancer_routes,
    &firewall_routes,
    &instance_routes,
    &image_routes,
    &network_routes,
    &search_routes,
    &bakery_routes,
    &expression_routes,
    &cron_routes,
    &capability_routes,
    &artifact_routes,
    &template_v1_routes,
    &template_v2_routes,
    &preconfigured_webhook_routes,
    &gremlin_routes,
    &plugin_routes,
    &canary_config_routes,
    &snapshot_routes,
    &project_routes,
    &entity_tag_routes,
    &notification_routes,
    &notification_config_routes,
    &webhook_routes,
    &trigger_routes,
    &simulated_cloud_routes,
    &empty_routes,
    NULL,
};
