/* What the configuration says about retention: Spinnaker's keys, with defaults that keep a server alive. */
#include "engine/retention_internal.h"
#include <stddef.h>

#define KEPT_DAYS 90
#define KEPT_LEAST 50

static const Param old_params[] = {
    {"enabled", PARAM_BOOL, offsetof(RetentionSettings, old_enabled), .otherwise = "true",
     .help = "Whether finished executions, events and operations are removed when they are old."},
    {"intervalMs", PARAM_MILLISECONDS, offsetof(RetentionSettings, old_interval_ms), .otherwise = "3600000", .min = 1000,
     .max = G_GINT64_CONSTANT(31536000000), .help = "Time between two passes, also of the other cleanups."},
    {"thresholdDays", PARAM_INT, offsetof(RetentionSettings, old_days), .otherwise = G_STRINGIFY(KEPT_DAYS), .min = 0, .max = 36500,
     .help = "Days that everything is kept."},
    {"minimumPipelineExecutions", PARAM_INT, offsetof(RetentionSettings, old_least), .otherwise = G_STRINGIFY(KEPT_LEAST), .min = 0,
     .max = 10000, .help = "The newest executions of a pipeline that are kept whatever their age; of tasks: of an application."},
    {"exceptionalApplications", PARAM_STRINGS, offsetof(RetentionSettings, exceptions),
     .help = "Applications whose executions are kept for exceptionalApplicationsThresholdDays."},
    {"exceptionalApplicationsThresholdDays", PARAM_INT, offsetof(RetentionSettings, exception_days), .otherwise = "365", .min = 0,
     .max = 36500, .help = "Days for those applications."},
    {0},
};
static const Param top_params[] = {
    {"enabled", PARAM_BOOL, offsetof(RetentionSettings, top_enabled), .otherwise = "false",
     .help = "Whether an application keeps a limited number of tasks."},
    {"threshold", PARAM_INT, offsetof(RetentionSettings, top_threshold), .otherwise = "2000", .min = 1, .max = 50000,
     .help = "That number; the newest are kept."},
    {0},
};
static const Param unused_params[] = {
    {"enabled", PARAM_BOOL, offsetof(RetentionSettings, unused_enabled), .otherwise = "false",
     .help = "Whether pipelines are disabled that did not run for long."},
    {"threshold-days", PARAM_INT, offsetof(RetentionSettings, unused_days), .otherwise = "365", .min = 1, .max = 36500,
     .help = "How long that is."},
    {"dry-run", PARAM_BOOL, offsetof(RetentionSettings, unused_dry_run), .otherwise = "true", .help = "Only log which pipelines they are."},
    {0},
};
static const ConfigSection old_section = {SERVICE_ORCA, "pollers.old-pipeline-cleanup", old_params, "How long what is over is kept."};
static const ConfigSection top_section = {SERVICE_ORCA, "pollers.top-application-execution-cleanup", top_params,
                                          "How many tasks are kept."};
static const ConfigSection unused_section = {SERVICE_ORCA, "pollers.unused-pipelines-disable", unused_params,
                                             "Pipelines that nobody starts."};
const ConfigSection *const retention_config_sections[] = {&old_section, &top_section, &unused_section, NULL};

RetentionSettings *retention_settings_new(Config *config, GError **error) {
    g_autoptr(RetentionSettings) settings = g_new0(RetentionSettings, 1);
    g_atomic_ref_count_init(&settings->ref_count);
    if (!config_read(config, &old_section, settings, error) || !config_read(config, &top_section, settings, error) ||
        !config_read(config, &unused_section, settings, error))
        return NULL;
    return g_steal_pointer(&settings);
}

RetentionSettings *retention_settings_ref(RetentionSettings *settings) {
    g_atomic_ref_count_inc(&settings->ref_count);
    return settings;
}

void retention_settings_unref(RetentionSettings *settings) {
    if (settings == NULL || !g_atomic_ref_count_dec(&settings->ref_count))
        return;
    params_clear(old_params, settings);
    g_free(settings);
}
