/* `waitForCondition`: stands before the making of a server group and waits while a configured condition applies to its cluster (stages.md 2.10).
 * Which conditions apply is looked up in the configuration at each run, so a reload lets the stage go on. */
#include "stages/flow/settings.h"

#define CONDITION_TIMEOUT_MS (2 * 60 * 60 * 1000)
#define CONDITION_BACKOFF_MS 15000
#define SKIPPED "SKIPPED" /* a user may set `status` to it */
#define WAITING "WAITING"

typedef struct {
    char *region, *cluster, *account, *status;
} ConditionParams;

static const Param condition_params[] = {
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(ConditionParams, region), .help = "Where the server group is made."},
    {.name = "cluster", .type = PARAM_STRING, .offset = offsetof(ConditionParams, cluster), .help = "In which cluster."},
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(ConditionParams, account), .help = "In which account."},
    {.name = "status", .type = PARAM_STRING, .offset = offsetof(ConditionParams, status), .help = "SKIPPED ends the wait."},
    {0},
};

static Status condition_run(TaskContext *context, GError **error) {
    const ConditionParams *params = context->params;
    if (g_strcmp0(params->status, SKIPPED) == 0)
        return STATUS_SUCCEEDED;
    g_autoptr(Config) config = services_config(context->services);
    g_auto(ConditionSettings) settings = {0};
    if (!condition_settings_read(config, &settings, error))
        return STATUS_TERMINAL;
    if (!condition_applies(&settings, params->cluster))
        return STATUS_SUCCEEDED;
    g_autofree char *names = g_strjoinv(", ", settings.active);
    if (g_strcmp0(params->status, WAITING) != 0)
        task_set_context_string(context, "status", WAITING);
    task_progress(context, "waits because of %.200s, which applies to cluster %.200s", names, params->cluster);
    return STATUS_RUNNING;
}

const StageType stage_wait_for_condition = {
    .type = STAGE_WAIT_FOR_CONDITION,
    .label = "Wait For Condition",
    .help = "Waits while an active condition of the configuration (tasks.evaluate-condition) applies to a cluster.",
    .params = condition_params,
    .params_size = sizeof(ConditionParams),
    .tasks = (const TaskDefinition[]){{.name = "evaluateCondition",
                                       .run = condition_run,
                                       .timeout_ms = CONDITION_TIMEOUT_MS,
                                       .backoff_ms = CONDITION_BACKOFF_MS,
                                       .overridable_timeout = TRUE,
                                       .no_io = TRUE},
                                      {0}},
    .restart_drops = (const char *const[]){"status", NULL},
};
