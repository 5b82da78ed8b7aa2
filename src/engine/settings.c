/* What the configuration says to the engine: one immutable struct, made anew with every configuration. */
#include "engine/core.h"
#include "engine/engine.h"
#include <stddef.h>

#define WINDOW_ZONE_DEFAULT "America/Los_Angeles"

typedef struct {
    char *window_zone, *spel_override, *default_application;
    gint64 global_backoff_ms, parked_max;
    gboolean include_allowed_accounts, dry_runs, block_tasks;
    Json *allowed_tasks;
    QosSettings qos;
} Read;

static const char *const QOS_SUPPLIERS[] = {[QOS_ACTIVE_EXECUTIONS] = "activeExecutions", [QOS_KILL_SWITCH] = "killSwitch", NULL};

static const Param allowed_task_params[] = {
    {.name = "name", .type = PARAM_STRING, .required = TRUE, .help = "The stage type."},
    {.name = "allowAllUsers", .type = PARAM_BOOL, .otherwise = "true", .help = "Whether everybody may; naming users turns it off."},
    {.name = "permittedUsers", .type = PARAM_STRINGS, .help = "Who may."},
    {.name = NULL},
};

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
    {"executions.blockOrchestrationExecutions", PARAM_BOOL, offsetof(Read, block_tasks),
     .help = "Whether ad-hoc tasks may only hold the stage types of executions.allowedOrchestrationExecutions."},
    {"executions.allowedOrchestrationExecutions", PARAM_JSON, offsetof(Read, allowed_tasks), .members = allowed_task_params,
     .help = "The stage types that ad-hoc tasks may hold when others are blocked."},
    {"dryrun.enabled", PARAM_BOOL, offsetof(Read, dry_runs), .otherwise = "true",
     .help = "Whether pipelines may be started as a dry run; when not, such a start is refused."},
    {"qos.enabled", PARAM_BOOL, offsetof(Read, qos.enabled), .help = "Whether new executions wait while too much runs."},
    {"qos.learning-mode", PARAM_BOOL, offsetof(Read, qos.learning), .otherwise = "true",
     .help = "Nothing waits; the log says what would have."},
    {"qos.buffering-state.supplier", PARAM_ENUM, offsetof(Read, qos.supplier), .choices = QOS_SUPPLIERS,
     .otherwise = "\"activeExecutions\"", .help = "What says that new executions have to wait: a number of running ones, or a switch."},
    {"qos.buffering-state.active-executions.threshold", PARAM_INT, offsetof(Read, qos.threshold), .otherwise = "100", .min = 1,
     .max = 1000000, .help = "From how many running executions on new ones wait."},
    {"qos.buffering-state.kill-switch", PARAM_BOOL, offsetof(Read, qos.kill_switch),
     .help = "With supplier killSwitch: new executions wait."},
    {"qos.promotion-policy.naive.size", PARAM_INT, offsetof(Read, qos.promote), .otherwise = "1", .min = 1, .max = 1000,
     .help = "How many waiting executions are let go at a time, the newest first."},
    {"pollers.qos.enabled", PARAM_BOOL, offsetof(Read, qos.promoter), .help = "Whether waiting executions are let go at all."},
    {"pollers.qos.promoteIntervalMs", PARAM_MILLISECONDS, offsetof(Read, qos.promote_ms), .otherwise = "5000", .min = 100, .max = 3600000,
     .help = "How often some are let go, in milliseconds."},
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
    settings->qos = read.qos;
    settings->dry_runs = read.dry_runs;
    settings->block_tasks = read.block_tasks;
    settings->allowed_tasks = read.allowed_tasks;
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
    json_unref(settings->allowed_tasks);
    config_unref(settings->config);
    g_free(settings);
}
