/* `manualJudgment`: waits for a person (stages.md 2.3, engine.md 18). Woken by the patch that answers. */
#include "stages/stages.h"

#define JUDGMENT_TIMEOUT_MS (3 * 24 * 3600 * G_GINT64_CONSTANT(1000))
#define JUDGMENT_POLL_MS 15000 /* the answer wakes the stage; this is for its timeout, which is noticed when it is looked at */

typedef struct {
    char *instructions, *status, *input;
    Json *inputs;
    char **roles, **required_roles;
    gboolean propagate;
} JudgmentParams;

static const Param judgment_params[] = {
    {.name = "instructions",
     .type = PARAM_STRING,
     .offset = offsetof(JudgmentParams, instructions),
     .help = "What the person should look at."},
    {.name = "judgmentInputs",
     .type = PARAM_JSON,
     .offset = offsetof(JudgmentParams, inputs),
     .help = "Choices to offer: a list of {value}."},
    {.name = "judgmentStatus", .type = PARAM_STRING, .offset = offsetof(JudgmentParams, status), .help = "The answer: continue or stop."},
    {.name = "judgmentInput", .type = PARAM_STRING, .offset = offsetof(JudgmentParams, input), .help = "The choice that was made."},
    {.name = "selectedStageRoles", .type = PARAM_STRINGS, .offset = offsetof(JudgmentParams, roles), .help = "Roles that may answer."},
    {.name = "requiredJudgmentRoles",
     .type = PARAM_STRINGS,
     .offset = offsetof(JudgmentParams, required_roles),
     .help = "Older form of selectedStageRoles; wins when not empty."},
    {.name = "propagateAuthenticationContext",
     .type = PARAM_BOOL,
     .offset = offsetof(JudgmentParams, propagate),
     .help = "Later stages run as the person who answered."},
    {0},
};

static Status judgment_run(TaskContext *context, GError **error) {
    (void)error;
    const JudgmentParams *params = context->params;
    if (params->status != NULL && g_ascii_strcasecmp(params->status, "continue") == 0)
        return STATUS_SUCCEEDED;
    if (params->status != NULL && g_ascii_strcasecmp(params->status, "stop") == 0)
        return STATUS_TERMINAL;
    return STATUS_RUNNING;
}

static char *judgment_why(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    (void)now_ms;
    const JsonValue *roles = json_get(json_root(stage->context), "requiredJudgmentRoles");
    if (json_length(roles) == 0)
        roles = json_get(json_root(stage->context), "selectedStageRoles");
    if (json_length(roles) == 0)
        return g_strdup("needs a judgement: continue or stop");
    g_autoptr(GString) text = g_string_new("needs a judgement by role ");
    for (JsonIter i = json_iter(roles); json_next(&i);)
        g_string_append_printf(text, "%s%s", i.index > 0 ? " or " : "", json_string(i.value));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

const StageType stage_manual_judgment = {
    .type = "manualJudgment",
    .label = "Manual Judgment",
    .help = "Waits until a person lets the pipeline go on or stops it.",
    .params = judgment_params,
    .params_size = sizeof(JudgmentParams),
    .tasks =
        (const TaskDefinition[]){
            {.name = "waitForJudgment",
             .run = judgment_run,
             .timeout_ms = JUDGMENT_TIMEOUT_MS,
             .backoff_ms = JUDGMENT_POLL_MS,
             .overridable_timeout = TRUE,
             .no_io = TRUE},
            {0},
        },
    .restart_drops = (const char *const[]){"judgmentStatus", "lastModifiedBy", NULL},
    .why_waiting = judgment_why,
};
