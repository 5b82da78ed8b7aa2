/* `manualJudgment`: waits for a person (stages.md 2.3, engine.md 18). Woken by the patch that answers. */
#include "engine/graph.h"
#include "stages/stages.h"

#define JUDGMENT_TIMEOUT_MS (3 * 24 * 3600 * G_GINT64_CONSTANT(1000))
#define JUDGMENT_POLL_MS 15000 /* the answer wakes the stage; this is for its timeout, which is noticed when it is looked at */

typedef struct {
    char *instructions, *status, *input;
    Json *inputs;
    char **roles, **required_roles;
    Json *notifications;
    gboolean propagate, send_notifications;
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
    {.name = "sendNotifications",
     .type = PARAM_BOOL,
     .offset = offsetof(JudgmentParams, send_notifications),
     .help = "Whether notifications are also sent when it was judged; without it only when a judgement is needed."},
    {.name = "notifications",
     .type = PARAM_JSON,
     .offset = offsetof(JudgmentParams, notifications),
     .help =
         "Whom it tells: a list of {type, address, when: [manualJudgment, manualJudgmentContinue, manualJudgmentStop], notifyEveryMs}."},
    {0},
};

/* ---- whom it tells: the task writes down when it told an entry of a state; the commit of that is what sends it (notify/wanted.c) ---- */

#define REMEMBERED "lastNotifiedByNotificationState"

static gboolean lists(const JsonValue *when, const char *state) {
    for (JsonIter i = json_iter(when); json_next(&i);)
        if (g_strcmp0(json_string(i.value), state) == 0)
            return TRUE;
    return FALSE;
}

static gboolean should_tell(const JsonValue *entry, const char *state, gint64 now_ms) {
    const JsonValue *when = json_get(entry, "when");
    gint64 last_ms = json_get_int(json_get(entry, REMEMBERED), state, 0), every_ms = json_get_int(entry, "notifyEveryMs", 0);
    if (!json_is_object(entry) || (json_is_array(when) && !lists(when, state)))
        return FALSE;
    return last_ms == 0 || (every_ms > 0 && last_ms + every_ms <= now_ms);
}

static Json *told(const JsonValue *entry, const char *state, gint64 now_ms) {
    g_autoptr(Json) now = json_from_int(now_ms);
    g_autoptr(Json) remembered = json_with(json_get(entry, REMEMBERED), state, json_root(now));
    return json_with(entry, REMEMBERED, json_root(remembered));
}

/* Entries of the older form, without sendNotifications, are told only that a judgement is needed. */
static void tell(TaskContext *context, const char *state, gboolean first) {
    const JsonValue *stage = json_root(context->stage->context), *list = json_get(stage, "notifications");
    gboolean any = FALSE;
    if (!json_is_array(list) || (!first && !json_is_true(json_get(stage, "sendNotifications"))))
        return;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);) {
        gboolean tells = should_tell(i.value, state, context->now_ms);
        g_autoptr(Json) entry = tells ? told(i.value, state, context->now_ms) : json_copy(i.value);
        json_add_json(builder, NULL, entry);
        any = any || tells;
    }
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    if (any)
        task_set_context_json(context, "notifications", all);
}

static Status judgment_run(TaskContext *context, GError **error) {
    static const struct {
        const char *answer, *state;
        Status status;
    } ANSWERS[] = {{"continue", "manualJudgmentContinue", STATUS_SUCCEEDED}, {"stop", "manualJudgmentStop", STATUS_TERMINAL}};
    const JudgmentParams *params = context->params;
    (void)error;
    for (gsize i = 0; params->status != NULL && i < G_N_ELEMENTS(ANSWERS); i++)
        if (g_ascii_strcasecmp(params->status, ANSWERS[i].answer) == 0) {
            tell(context, ANSWERS[i].state, FALSE);
            return ANSWERS[i].status;
        }
    tell(context, "manualJudgment", TRUE);
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
