/* `waitUntil`: waits for a moment (stages.md 2.2). The first run notes when it began; a later one succeeds. */
#include "stages/stages.h"

#define WAIT_UNTIL_TIMEOUT_MS G_MAXINT32 /* 24.8 days */

typedef struct {
    Json *until;
    gint64 start_time;
} WaitUntilParams;

static const Param wait_until_params[] = {
    {.name = "epochMillis",
     .type = PARAM_JSON,
     .offset = offsetof(WaitUntilParams, until),
     .help = "When to go on, in milliseconds since 1970."},
    {.name = "startTime",
     .type = PARAM_INT,
     .offset = offsetof(WaitUntilParams, start_time),
     .help = "When the wait began; noted by the stage."},
    {0},
};

static gint64 moment(const JsonValue *value, gint64 otherwise) {
    g_autofree char *text = json_as_text(value);
    gint64 moment_ms = 0;
    return text != NULL && g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &moment_ms, NULL) ? moment_ms : json_int(value, otherwise);
}

static Status wait_until_run(TaskContext *context, GError **error) {
    const WaitUntilParams *params = context->params;
    if (params->until == NULL)
        return STATUS_SUCCEEDED;
    gint64 until = moment(json_root(params->until), -1);
    if (until < 0) {
        error_set(error, ERR_INVALID, "epochMillis: expected milliseconds since 1970");
        return STATUS_TERMINAL;
    }
    if (params->start_time == 0) {
        g_autoptr(Json) now = json_from_int(context->now_ms);
        task_set_context_json(context, "startTime", now);
        return task_again_at(context, MAX(until, context->now_ms));
    }
    return context->now_ms >= until ? STATUS_SUCCEEDED : task_again_at(context, until);
}

static char *wait_until_why(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    gint64 until = moment(json_get(json_root(stage->context), "epochMillis"), now_ms);
    g_autofree char *left = clock_duration_text(MAX(0, until - now_ms));
    return g_strdup_printf("waits for %s more", left);
}

const StageType stage_wait_until = {
    .type = "waitUntil",
    .label = "Wait Until",
    .help = "Waits for a moment.",
    .params = wait_until_params,
    .params_size = sizeof(WaitUntilParams),
    .tasks = (const TaskDefinition[]){{.name = "waitUntil", .run = wait_until_run, .timeout_ms = WAIT_UNTIL_TIMEOUT_MS, .no_io = TRUE},
                                      {0}},
    .restart_drops = (const char *const[]){"startTime", NULL},
    .why_waiting = wait_until_why,
};
