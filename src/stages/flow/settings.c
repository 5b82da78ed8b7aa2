/* Settings of stages that run pipelines or wait for conditions (settings.h). Any thread. */
#include "stages/flow/settings.h"
#include <stddef.h>

typedef struct {
    gboolean skip_output;
    gint64 timeout_ms; /* the engine reads it by its key */
} PipelineSettings;

static const Param params[] = {
    {.name = "stages.pipeline.defaultSkipDownstreamOutput",
     .type = PARAM_BOOL,
     .offset = offsetof(PipelineSettings, skip_output),
     .otherwise = "false",
     .help = "Whether pipeline stages that say nothing about skipDownstreamOutput keep what the child put out to themselves."},
    {.name = PIPELINE_TIMEOUT_KEY,
     .type = PARAM_MILLISECONDS,
     .offset = offsetof(PipelineSettings, timeout_ms),
     .otherwise = "43200000",
     .help = "How long a pipeline stage waits for its pipeline, in milliseconds; stageTimeoutMs of the stage wins."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "", params, "Stages that run pipelines."};

static const Param condition_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(ConditionSettings, enabled),
     .otherwise = "false",
     .help = "Whether server groups are made only when no active condition applies to their cluster."},
    {.name = "skipWait",
     .type = PARAM_BOOL,
     .offset = offsetof(ConditionSettings, skip),
     .otherwise = "false",
     .help = "Lets everything go on that waits for conditions."},
    {.name = "clusters",
     .type = PARAM_STRINGS,
     .offset = offsetof(ConditionSettings, clusters),
     .help = "Clusters that active conditions apply to; absent: none."},
    {.name = "activeConditions",
     .type = PARAM_STRINGS,
     .offset = offsetof(ConditionSettings, active),
     .help = "Names of the conditions that apply now, for people."},
    {0},
};
static const ConfigSection condition_section = {SERVICE_ORCA, "tasks.evaluate-condition", condition_params,
                                                "What deployments wait for before a server group is made."};
const ConfigSection *const flow_config_sections[] = {&section, &condition_section, NULL};

gboolean pipeline_skips_output(Services *services) {
    g_autoptr(Config) config = services_config(services);
    PipelineSettings settings = {0};
    config_read(config, &section, &settings, NULL); /* was checked when it was loaded */
    return settings.skip_output;
}

gboolean condition_settings_read(Config *config, ConditionSettings *settings, GError **error) {
    return config_read(config, &condition_section, settings, error);
}

void condition_settings_clear(ConditionSettings *settings) {
    params_clear(condition_params, settings);
}

gboolean condition_applies(const ConditionSettings *settings, const char *cluster) {
    if (settings->skip || settings->active == NULL || settings->active[0] == NULL || settings->clusters == NULL || cluster == NULL)
        return FALSE;
    return g_strv_contains((const char *const *)settings->clusters, cluster);
}
