/* Settings of deployments (settings.h). Any thread. */
#include "stages/deploy/settings.h"
#include "stages/deploy/monitor/monitor.h"

#define GUARD_RATIO_LIMIT 0.5 /* engine.md 20: [0, 0.5) */

static const Param task_params[] = {
    {.name = "disableClusterMinTimeMillis",
     .type = PARAM_MILLISECONDS,
     .offset = offsetof(DeploySettings, disable_cluster_min_ms),
     .otherwise = "0",
     .help = "How long disableCluster waits at least before it counts as done, in milliseconds."},
    {0},
};
static const Param guard_params[] = {
    {.name = "minCapacityRatio",
     .type = PARAM_DOUBLE,
     .offset = offsetof(DeploySettings, guard_min_ratio),
     .otherwise = "0",
     .help = "Traffic guards: the share of the instances that are up, from 0 to below 0.5, that must be left."},
    {0},
};
static const Param find_image_params[] = {
    {.name = "defaultResolveMissingLocations",
     .type = PARAM_BOOL,
     .offset = offsetof(DeploySettings, resolve_missing_locations),
     .help = "findImage: where the cluster is missing, look for its image by name, unless the stage says otherwise."},
    {0},
};
static const ConfigSection find_image_section = {SERVICE_ORCA, "find-image", find_image_params, "Finding images."};
static const ConfigSection task_section = {SERVICE_ORCA, "tasks", task_params, "Time limits of tasks."};
static const ConfigSection guard_section = {SERVICE_ORCA, "traffic-guards", guard_params, "Traffic guards."};
const ConfigSection *const deploy_config_sections[] = {&task_section, &guard_section, &find_image_section, &monitor_section, NULL};

DeploySettings deploy_settings(Services *services) {
    g_autoptr(Config) config = services_config(services);
    DeploySettings settings = {0};
    config_read(config, &task_section, &settings, NULL);
    config_read(config, &guard_section, &settings, NULL);
    config_read(config, &find_image_section, &settings, NULL);
    if (settings.guard_min_ratio < 0 || settings.guard_min_ratio >= GUARD_RATIO_LIMIT)
        settings.guard_min_ratio = 0;
    return settings;
}
