/* Settings of stages that run pipelines (settings.h). Any thread. */
#include "stages/flow/settings.h"
#include <stddef.h>

typedef struct {
    gboolean skip_output;
} PipelineSettings;

static const Param params[] = {
    {.name = "defaultSkipDownstreamOutput",
     .type = PARAM_BOOL,
     .offset = offsetof(PipelineSettings, skip_output),
     .otherwise = "false",
     .help = "Whether pipeline stages that say nothing about skipDownstreamOutput keep what the child put out to themselves."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "stages.pipeline", params, "Stages that run pipelines."};
const ConfigSection *const flow_config_sections[] = {&section, NULL};

gboolean pipeline_skips_output(Services *services) {
    g_autoptr(Config) config = services_config(services);
    PipelineSettings settings = {0};
    config_read(config, &section, &settings, NULL);
    return settings.skip_output;
}
