/* The table of all stage types. A new stage: its own file in the group's folder, one `extern` and one row here. */
#include "stages/stages.h"

extern const StageType stage_wait, stage_noop, stage_manual_judgment, stage_check_preconditions, stage_evaluate_variables;
extern const StageType stage_evaluate_artifacts, stage_find_artifact_from_execution;
extern const StageType stage_pipeline, stage_monitor_pipeline, stage_run_multiple_pipelines;
extern const StageType stage_create_application, stage_update_application, stage_upsert_application, stage_delete_application;
extern const StageType stage_save_pipelines_from_artifact;
extern const StageType stage_save_pipeline, stage_update_pipeline, stage_delete_pipeline, stage_reorder_pipelines;
extern const StageType stage_create_pipeline_template, stage_update_pipeline_template, stage_delete_pipeline_template;
extern const StageType stage_create_v2_pipeline_template, stage_update_v2_pipeline_template, stage_delete_v2_pipeline_template;
extern const StageType stage_upsert_plugin_info, stage_delete_plugin_info, stage_set_preferred_plugin_release, stage_load_plugin_release;
extern const StageType stage_upsert_delivery_config, stage_delete_delivery_config, stage_import_delivery_config;
extern const StageType stage_save_snapshot, stage_restore_snapshot;
extern const StageType stage_upsert_project, stage_delete_project;
extern const StageType stage_upsert_entity_tags, stage_bulk_upsert_entity_tags, stage_delete_entity_tags;

extern const StageType stage_deploy, stage_create_server_group, stage_apply_source_capacity, stage_determine_target_server_group;
extern const StageType stage_enable_server_group, stage_disable_server_group, stage_destroy_server_group, stage_resize_server_group;
extern const StageType stage_modify_scaling_process, stage_disable_cluster, stage_shrink_cluster, stage_scale_down_cluster,
    stage_find_image, stage_pin_server_group;

extern const StageType stage_terminate_instances, stage_terminate_and_decrement, stage_detach_instances, stage_reboot_instances,
    stage_register_instances, stage_deregister_instances;

extern const StageType stage_rollback_server_group, stage_rollback_cluster, stage_capture_source_capacity;
extern const StageType stage_bulk_destroy_server_group, stage_clone_server_group;
extern const StageType stage_find_image_from_tags, stage_upsert_image_tags, stage_delete_image, stage_delete_snapshot;
extern const StageType stage_upsert_tags, stage_modify_asg, stage_scheduled_actions, stage_upsert_policy, stage_delete_policy,
    stage_launch_configuration, stage_launch_template, stage_update_security_groups;
extern const StageType stage_upsert_balancer, stage_upsert_balancers, stage_delete_balancer, stage_upsert_firewall, stage_delete_firewall;
extern const StageType stage_notify_deploy_starting, stage_evaluate_deployment_health, stage_notify_deploy_completed;
extern const StageType stage_rolling_push;

extern const StageType stage_wait_until, stage_depends_on_execution, stage_wait_for_condition;
extern const StageType stage_webhook, stage_preconfigured_webhook;

extern const StageType stage_jira, stage_gremlin, stage_page_application_owner;

extern const StageType stage_bake; /* src/bake, a room above this one */

static const StageType *const TYPES[] = {
    /* flow */
    &stage_wait,
    &stage_noop,
    &stage_manual_judgment,
    &stage_check_preconditions,
    &stage_evaluate_variables,
    &stage_wait_until,
    &stage_depends_on_execution,
    &stage_wait_for_condition,
    &stage_pipeline,
    &stage_monitor_pipeline,
    &stage_run_multiple_pipelines,

    /* artifacts */
    &stage_evaluate_artifacts,
    &stage_find_artifact_from_execution,

    /* deploy */
    &stage_deploy,
    &stage_create_server_group,
    &stage_clone_server_group,
    &stage_capture_source_capacity,
    &stage_apply_source_capacity,
    &stage_rollback_server_group,
    &stage_rollback_cluster,
    &stage_notify_deploy_starting,
    &stage_evaluate_deployment_health,
    &stage_notify_deploy_completed,
    &stage_rolling_push,
    &stage_determine_target_server_group,
    &stage_enable_server_group,
    &stage_disable_server_group,
    &stage_destroy_server_group,
    &stage_resize_server_group,
    &stage_pin_server_group,
    &stage_modify_scaling_process,
    &stage_disable_cluster,
    &stage_shrink_cluster,
    &stage_scale_down_cluster,
    &stage_find_image,
    &stage_bulk_destroy_server_group,

    /* images */
    &stage_find_image_from_tags,
    &stage_upsert_image_tags,
    &stage_delete_image,
    &stage_delete_snapshot,

    /* scaling */
    &stage_upsert_tags,
    &stage_modify_asg,
    &stage_scheduled_actions,
    &stage_upsert_policy,
    &stage_delete_policy,
    &stage_launch_configuration,
    &stage_launch_template,
    &stage_update_security_groups,

    /* balancers */
    &stage_upsert_balancer,
    &stage_upsert_balancers,
    &stage_delete_balancer,
    &stage_upsert_firewall,
    &stage_delete_firewall,

    /* instances */
    &stage_terminate_instances,
    &stage_terminate_and_decrement,
    &stage_detach_instances,
    &stage_reboot_instances,
    &stage_register_instances,
    &stage_deregister_instances,

    /* webhook */
    &stage_webhook,
    &stage_preconfigured_webhook,

    /* integrations */
    &stage_jira,
    &stage_gremlin,
    &stage_page_application_owner,

    /* bake */
    &stage_bake,

    /* metadata */
    &stage_create_application,
    &stage_update_application,
    &stage_upsert_application,
    &stage_delete_application,
    &stage_save_pipeline,
    &stage_save_pipelines_from_artifact,
    &stage_update_pipeline,
    &stage_delete_pipeline,
    &stage_reorder_pipelines,
    &stage_create_v2_pipeline_template,
    &stage_update_v2_pipeline_template,
    &stage_delete_v2_pipeline_template,
    &stage_create_pipeline_template,
    &stage_update_pipeline_template,
    &stage_delete_pipeline_template,
    &stage_upsert_project,
    &stage_delete_project,
    &stage_upsert_entity_tags,
    &stage_bulk_upsert_entity_tags,
    &stage_delete_entity_tags,
    &stage_upsert_plugin_info,
    &stage_delete_plugin_info,
    &stage_set_preferred_plugin_release,
    &stage_load_plugin_release,
    &stage_upsert_delivery_config,
    &stage_delete_delivery_config,
    &stage_import_delivery_config,
    &stage_save_snapshot,
    &stage_restore_snapshot,
    NULL,
};

const StageTypes stage_types = {TYPES};
