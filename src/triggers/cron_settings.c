/* What the configuration says to the scheduler. */
#include "triggers/cron_defaults.h"
#include "triggers/cron_internal.h"
#include <stddef.h>

static const Param scheduler_params[] = {
    {"cron.timezone", PARAM_STRING, offsetof(CronSettings, zone_name), .otherwise = "\"" CRON_ZONE_DEFAULT "\"",
     .help = "Time zone of all cron triggers."},
    {"triggers.enabled", PARAM_BOOL, offsetof(CronSettings, enabled), .otherwise = "true",
     .help = "Whether cron triggers start anything. Without, fires are not even recorded."},
    {"compensation-job.enabled", PARAM_BOOL, offsetof(CronSettings, compensates), .otherwise = "false",
     .help =
         "Whether fires that were missed while nothing ran are made up for: the last one of each trigger, when the pipeline ran before."},
    {"compensation-job.window-ms", PARAM_MILLISECONDS, offsetof(CronSettings, window_ms), .otherwise = "600000", .min = 1,
     .max = G_GINT64_CONSTANT(31536000000), .help = "How old such a fire may be."},
    {"compensation-job.tolerance-ms", PARAM_MILLISECONDS, offsetof(CronSettings, tolerance_ms), .otherwise = "30000",
     .help = "How old it must be."},
    {"compensation-job.enable-recurring", PARAM_BOOL, offsetof(CronSettings, compensates_again), .otherwise = "true",
     .help = "Whether it is looked for such fires again and again, not only at the start."},
    {"compensation-job.recurring-poll-interval-ms", PARAM_MILLISECONDS, offsetof(CronSettings, interval_ms), .otherwise = "300000",
     .min = 1000, .max = G_GINT64_CONSTANT(31536000000), .help = "Time between two such looks."},
    {0},
};
static const ConfigSection scheduler_section = {SERVICE_ECHO, "scheduler", scheduler_params, "Cron triggers."};
const ConfigSection *const cron_config_sections[] = {&scheduler_section, NULL};

CronSettings *cron_settings_new(Config *config, GError **error) {
    g_autoptr(CronSettings) settings = g_new0(CronSettings, 1);
    g_atomic_ref_count_init(&settings->ref_count);
    if (!config_read(config, &scheduler_section, settings, error))
        return NULL;
    settings->zone = g_time_zone_new_identifier(settings->zone_name);
    if (settings->zone != NULL)
        return g_steal_pointer(&settings);
    error_set(error, ERR_INVALID, "scheduler.cron.timezone: there is no time zone \"%s\" on this machine (names are like Europe/Berlin)",
              settings->zone_name);
    return NULL;
}

CronSettings *cron_settings_ref(CronSettings *settings) {
    g_atomic_ref_count_inc(&settings->ref_count);
    return settings;
}

void cron_settings_unref(CronSettings *settings) {
    if (settings == NULL || !g_atomic_ref_count_dec(&settings->ref_count))
        return;
    g_clear_pointer(&settings->zone, g_time_zone_unref);
    params_clear(scheduler_params, settings);
    g_free(settings);
}
