/* What the configuration says to the engine: one immutable struct, made anew with every configuration. */
#include "engine/core.h"
#include "engine/engine.h"
#include <stddef.h>

#define WINDOW_ZONE_DEFAULT "America/Los_Angeles"

typedef struct {
    char *window_zone, *spel_override, *default_application;
    gint64 global_backoff_ms, parked_max;
    gboolean include_allowed_accounts;
} Read;

static const Param params[] = {
    {"tasks.execution-window.timezone", PARAM_STRING, offsetof(Read, window_zone), .otherwise = "\"" WINDOW_ZONE_DEFAULT "\"",
     .help = "Time zone of all execution windows."},
    {"tasks.global.backOffPeriod", PARAM_MILLISECONDS, offsetof(Read, global_backoff_ms), .otherwise = "0",
     .help = "Least time between two runs of a waiting task; tasks.<cloud provider>.backOffPeriod and "
             "tasks.<cloud provider>.<account>.backOffPeriod do the same for some."},
    {"expression.spel-version-override", PARAM_STRING, offsetof(Read, spel_override),
     .help = "Evaluator version (v2, v3, v4) for all pipelines, whatever they say."},
    {"orca.defaultApplicationName", PARAM_STRING, offsetof(Read, default_application), .otherwise = "\"spinnaker_unknown\"",
     .help = "Application of pipelines and tasks that name none."},
    {"executions.includeAllowedAccounts", PARAM_BOOL, offsetof(Read, include_allowed_accounts), .otherwise = "true",
     .help = "Whether an execution keeps the list of accounts its user may use."},
    {"queue.pending-execution-service.sql.max-depth", PARAM_INT, offsetof(Read, parked_max), .otherwise = "50", .min = 1, .max = 100000,
     .help = "How many executions of one pipeline may wait for their turn."},
    {.name = NULL},
};

static const ConfigSection section = {.service = SERVICE_ORCA, .prefix = "", .params = params, .help = "How pipelines are run."};
const ConfigSection *const engine_config_sections[] = {&section, NULL};

EngineSettings *engine_settings_new(const StageTypes *types, Config *config, GError **error) {
    Read read = {0};
    if (!config_read(config, &section, &read, error))
        return NULL;
    EngineSettings *settings = g_new0(EngineSettings, 1);
    settings->ref_count = 1;
    settings->types = types;
    settings->config = config_ref(config);
    settings->window_zone = read.window_zone;
    settings->window_time_zone = g_time_zone_new_identifier(read.window_zone);
    settings->spel_override = read.spel_override;
    settings->default_application = read.default_application;
    settings->global_backoff_ms = read.global_backoff_ms;
    settings->include_allowed_accounts = read.include_allowed_accounts;
    settings->parked_max = read.parked_max;
    return settings;
}

EngineSettings *engine_settings_ref(EngineSettings *settings) {
    g_atomic_int_inc(&settings->ref_count);
    return settings;
}

void engine_settings_unref(EngineSettings *settings) {
    if (!settings || !g_atomic_int_dec_and_test(&settings->ref_count))
        return;
    g_clear_pointer(&settings->window_time_zone, g_time_zone_unref);
    g_free(settings->window_zone);
    g_free(settings->spel_override);
    g_free(settings->default_application);
    config_unref(settings->config);
    g_free(settings);
}
