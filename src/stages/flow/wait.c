/* `wait`: time passes (stages.md 2.1). Polled once, at its end. */
#include "stages/stages.h"

typedef struct {
    gint64 wait_time;
    gboolean skip;
    char *skip_text;
} WaitParams;

static const Param wait_params[] = {
    {.name = "waitTime",
     .type = PARAM_SECONDS,
     .offset = offsetof(WaitParams, wait_time),
     .otherwise = "0",
     .help = "How long to wait, in seconds."},
    {.name = "skipRemainingWait", .type = PARAM_BOOL, .offset = offsetof(WaitParams, skip), .help = "Set to end the wait early."},
    {.name = "skipWaitText",
     .type = PARAM_STRING,
     .offset = offsetof(WaitParams, skip_text),
     .help = "What to ask a person who ends the wait early."},
    {0},
};

/* When the wait of a stage ends. A pause does not extend it. */
static gint64 wait_end(const Stage *stage, gint64 wait_ms) {
    return stage->start_ms + wait_ms;
}

static Status wait_run(TaskContext *context, GError **error) {
    (void)error;
    const WaitParams *params = context->params;
    gint64 end = wait_end(context->stage, params->wait_time);
    if (params->skip || context->now_ms > end || params->wait_time == 0)
        return STATUS_SUCCEEDED;
    return task_again_at(context, end + 1);
}

static char *wait_why(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    const JsonValue *seconds = json_get(json_root(stage->context), "waitTime");
    g_autofree char *left = clock_duration_text(MAX(0, wait_end(stage, json_int(seconds, 0) * 1000) - now_ms));
    return g_strdup_printf("waits for %s more", left);
}

const StageType stage_wait = {
    .type = "wait",
    .label = "Wait",
    .help = "Waits for a given time.",
    .params = wait_params,
    .params_size = sizeof(WaitParams),
    .tasks = (const TaskDefinition[]){{.name = "wait", .run = wait_run, .no_io = TRUE}, {0}},
    .why_waiting = wait_why,
};

/* `noop`: no tasks, so it ends SKIPPED (engine.md 3.3). */
const StageType stage_noop = {
    .type = "noop", .label = "No operation", .help = "Does nothing; ends as SKIPPED.", .tasks = (const TaskDefinition[]){{0}}};
