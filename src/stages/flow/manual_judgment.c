/* `manualJudgment`: waits for a person (stages.md 2.3, engine.md 18). Woken by the patch that answers. */
#include "engine/graph.h"
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

/* ---- the answer ---- */

static const char *choice_of(const JsonValue *input) {
    return json_is_string(input) ? json_string(input) : json_get_string(input, "value");
}

/* Whether it is one of the choices, when there are some. */
static gboolean check_choice(const JsonValue *choices, const char *given, GError **error) {
    g_autoptr(GString) known = g_string_new(NULL);
    for (JsonIter i = json_iter(choices); json_next(&i);) {
        const char *choice = choice_of(i.value);
        if (g_strcmp0(choice, given) == 0)
            return TRUE;
        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", choice != NULL ? choice : "?");
    }
    if (known->len == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "judgmentInput %s: expected one of %s", given, known->str);
    return FALSE;
}

static gboolean judgment_check_patch(const Stage *stage, const JsonValue *changes, GError **error) {
    const JsonValue *status = json_get(changes, "judgmentStatus"), *input = json_get(changes, "judgmentInput");
    const JsonValue *choices = json_get(changes, "judgmentInputs");
    const char *answer = json_string(status);
    if (status != NULL && !json_is_null(status) &&
        (answer == NULL || (*answer != '\0' && g_ascii_strcasecmp(answer, "continue") != 0 && g_ascii_strcasecmp(answer, "stop") != 0))) {
        g_autofree char *shown = json_as_text(status);
        error_set(error, ERR_INVALID, "judgmentStatus %s: expected continue or stop", shown != NULL ? shown : "?");
        return FALSE;
    }
    if (json_string(input) == NULL || *json_string(input) == '\0')
        return TRUE;
    return check_choice(choices != NULL ? choices : json_get(json_root(stage->context), "judgmentInputs"), json_string(input), error);
}

static char *judgment_why(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    (void)now_ms;
    const JsonValue *roles = stage_judgment_roles(stage);
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
    .check_patch = judgment_check_patch,
    .why_waiting = judgment_why,
    .dry_run_is_real = dry_run_always_real,
};
