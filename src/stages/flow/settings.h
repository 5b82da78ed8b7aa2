/* What the configuration says of stages that run pipelines or wait for conditions. */
#pragma once
#include "stages/stages.h"

#define PIPELINE_TIMEOUT_KEY "tasks.monitor-pipeline.timeout-millis" /* for TaskDefinition.timeout_key */
#define PIPELINE_TIMEOUT_MS (12 * 3600 * G_GINT64_CONSTANT(1000))
gboolean pipeline_skips_output(Services *services); /* stages.pipeline.defaultSkipDownstreamOutput */

/* tasks.evaluate-condition (stages.md 2.10) */
#define STAGE_WAIT_FOR_CONDITION "waitForCondition"
typedef struct {
    gboolean enabled, skip;
    char **clusters, **active;
} ConditionSettings;
gboolean condition_settings_read(Config *config, ConditionSettings *settings, GError **error);
void condition_settings_clear(ConditionSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConditionSettings, condition_settings_clear)
/* Some condition is active, and the cluster is one of those that conditions are for. */
gboolean condition_applies(const ConditionSettings *settings, const char *cluster);

extern const ConfigSection *const flow_config_sections[]; /* NULL-terminated */
