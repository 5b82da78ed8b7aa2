/* What the configuration says to stages that run pipelines. Any thread. */
#pragma once
#include "stages/services.h"

/* stages.pipeline.defaultSkipDownstreamOutput */
gboolean pipeline_skips_output(Services *services);
extern const ConfigSection *const flow_config_sections[];
