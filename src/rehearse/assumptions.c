/* One table says what is assumed of which stage type, and why. A stage that is assumed has one task, which answers at once; everything
 * around it (its planning, its failure rules, what comes after it) is the engine's. Thread: the rehearsal's. */
#include "rehearse/assumptions.h"
#include "engine/core.h"
#include "stages/stages.h"
#include <string.h>

#define JUDGEMENT "manualJudgment"

/* Types of the program and of tools that are not part of it alike. */
static const struct {
    const char *type, *because;
} OUTSIDE[] = {
    {JUDGEMENT, "people judge; \"continue\" is assumed"},
    {"webhook", "nobody is called; a call that is answered as wished is assumed"},
    {"preconfiguredWebhook", "nobody is called; a call that is answered as wished is assumed"},
    {"bake", "no image is made; one that could be made is assumed"},
    {"jira", "Jira is not asked"},
    {"gremlin", "no experiment is run"},
    {"waitForCondition", "conditions are those of the moment; that they are met is assumed"},
    {"findArtifactFromExecution", "a rehearsal knows no earlier executions"},
    {"savePipelinesFromArtifact", "no artifact is fetched"},
    {"importDeliveryConfig", "nothing is fetched"},
    {"jenkins", "no build is started; one that succeeds is assumed"},
    {"travis", "no build is started; one that succeeds is assumed"},
    {"wercker", "no build is started; one that succeeds is assumed"},
    {"concourse", "no build is started; one that succeeds is assumed"},
    {"googleCloudBuild", "no build is started; one that succeeds is assumed"},
    {"awsCodeBuild", "no build is started; one that succeeds is assumed"},
    {"script", "no script is run; one that succeeds is assumed"},
    {"runJob", "no job is run; one that succeeds is assumed"},
    {"runJobManifest", "no job is run; one that succeeds is assumed"},
    {"notifyDeployStarting", "the deployment monitor is not asked; that it lets the deployment go on is assumed"},
    {"evaluateDeploymentHealth", "the deployment monitor is not asked; that it lets the deployment go on is assumed"},
    {"notifyDeployCompleted", "the deployment monitor is not told"},
    {"kayentaCanary", "no metrics are compared; a canary that passes is assumed"},
    {"deployManifest", "no manifest is applied; that it becomes stable is assumed"},
    {"bakeManifest", "no manifest is rendered"},
};

static const struct {
    const char *answer;
    Status status;
} ANSWERS[] = {{"SUCCEEDED", STATUS_SUCCEEDED}, {"FAILED", STATUS_TERMINAL},
               {"TERMINAL", STATUS_TERMINAL},   {"FAILED_CONTINUE", STATUS_FAILED_CONTINUE},
               {"STOPPED", STATUS_STOPPED},     {"SKIPPED", STATUS_SKIPPED}};

typedef struct {
    char *name, *answer;
    gboolean used;
} Given;

typedef struct {
    char *stage, *ref_id, *type, *assumed;
    const char *because;
} Made;

struct Assumptions {
    GPtrArray *given; /* of Given */
    GPtrArray *made;  /* of Made */
    StageType replaced[G_N_ELEMENTS(OUTSIDE)];
    GPtrArray *types; /* of StageType, NULL at the end */
    StageTypes table;
};

static void given_free(gpointer data) {
    Given *given = data;
    g_free(given->name);
    g_free(given->answer);
    g_free(given);
}

static void made_free(gpointer data) {
    Made *made = data;
    g_free(made->stage);
    g_free(made->ref_id);
    g_free(made->type);
    g_free(made->assumed);
    g_free(made);
}

/* ---- what was given ---- */

gboolean assumptions_add(Assumptions *assumptions, const char *text, GError **error) {
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0') {
        error_set(error, ERR_INVALID, "assumption %s: expected NAME=ANSWER, a stage's name, refId or type and how it ends", text);
        return FALSE;
    }
    Given *given = g_new0(Given, 1);
    *given = (Given){g_strndup(text, (gsize)(equals - text)), g_strdup(equals + 1), FALSE};
    g_ptr_array_add(assumptions->given, given);
    return TRUE;
}

static gboolean is_named(const Given *given, const Stage *stage) {
    gboolean judgement = strcmp(stage->type, JUDGEMENT) == 0 &&
                         (g_ascii_strcasecmp(given->name, "judgement") == 0 || g_ascii_strcasecmp(given->name, "judgment") == 0);
    return judgement || g_strcmp0(given->name, stage->name) == 0 || g_strcmp0(given->name, stage->ref_id) == 0 ||
           strcmp(given->name, stage->type) == 0;
}

/* What was given of a stage, or of the one it belongs to; the last one counts. */
static const char *answer_of(Assumptions *assumptions, const Execution *execution, const Stage *stage) {
    for (const Stage *each = stage; each != NULL; each = stage_parent(execution, each))
        for (guint i = assumptions->given->len; i-- > 0;) {
            Given *given = g_ptr_array_index(assumptions->given, i);
            if (!is_named(given, each))
                continue;
            given->used = TRUE;
            return given->answer;
        }
    return NULL;
}

static const char *why_assumed(const char *type) {
    for (gsize i = 0; i < G_N_ELEMENTS(OUTSIDE); i++)
        if (strcmp(OUTSIDE[i].type, type) == 0)
            return OUTSIDE[i].because;
    return "its outside is not known";
}

static void note(Assumptions *assumptions, const Stage *stage, const char *alias, const char *assumed, gboolean as_given) {
    Made *made = g_new0(Made, 1);
    *made = (Made){g_strdup(stage->name), g_strdup(stage->ref_id), g_strdup(stage->type), g_strdup(assumed),
                   as_given ? "as given" : why_assumed(alias)};
    g_ptr_array_add(assumptions->made, made);
}

/* ---- the task of an assumed stage ---- */

static gboolean parse_answer(const char *answer, Status *status) {
    for (gsize i = 0; i < G_N_ELEMENTS(ANSWERS); i++)
        if (g_ascii_strcasecmp(ANSWERS[i].answer, answer) == 0) {
            *status = ANSWERS[i].status;
            return TRUE;
        }
    return FALSE;
}

static Status answer_as_assumed(TaskContext *context, GError **error) {
    Assumptions *assumptions = assumptions_of(context->services);
    const StageType *type = stage_type_of(context->settings, context->stage);
    const char *given = answer_of(assumptions, context->execution, context->stage);
    Status status = STATUS_SUCCEEDED;
    if (given != NULL && !parse_answer(given, &status)) {
        error_set(error, ERR_INVALID, "stage %s: assumption %s: expected SUCCEEDED, FAILED, FAILED_CONTINUE, STOPPED or SKIPPED",
                  context->stage->name, given);
        return STATUS_TERMINAL;
    }
    note(assumptions, context->stage, type->type, status_info(status)->name, given != NULL);
    g_autoptr(Json) outputs = type->dry_run_outputs != NULL ? type->dry_run_outputs(context->execution, context->stage) : NULL;
    if (outputs != NULL && status == STATUS_SUCCEEDED) {
        task_merge_context(context, json_root(outputs));
        task_merge_outputs(context, json_root(outputs));
    }
    if (status == STATUS_TERMINAL)
        error_set(error, ERR_REMOTE, "it is assumed to fail");
    return status;
}

static const TaskDefinition assumed_tasks[] = {{.name = "assumed", .run = answer_as_assumed, .no_io = TRUE}, {0}};

Json *assumptions_judge(Assumptions *assumptions, const Execution *execution, const Stage *stage) {
    const char *given = answer_of(assumptions, execution, stage);
    gboolean stops = given != NULL && (g_ascii_strcasecmp(given, "stop") == 0 || g_ascii_strcasecmp(given, "FAILED") == 0);
    gboolean chooses = given != NULL && !stops && g_ascii_strcasecmp(given, "continue") != 0 && g_ascii_strcasecmp(given, "SUCCEEDED") != 0;
    note(assumptions, stage, JUDGEMENT, given != NULL ? given : "continue", given != NULL);
    return json_pack("{s:s, s:s}", "judgmentStatus", stops ? "stop" : "continue", "judgmentInput", chooses ? given : "");
}

/* ---- the table of types ---- */

static StageType replaced_type(const StageType *known, const char *type) {
    StageType replaced = known != NULL ? *known : (StageType){.type = type, .label = type};
    replaced.tasks = assumed_tasks;
    replaced.build_tasks = NULL;
    replaced.closing_tasks = NULL;
    replaced.on_cancel = NULL;
    replaced.why_waiting = NULL;
    return replaced;
}

static const StageType *known_type(const char *type) {
    for (const StageType *const *known = stage_types.types; *known != NULL; known++)
        if (strcmp((*known)->type, type) == 0)
            return *known;
    return NULL;
}

static gboolean is_replaced(const char *type) {
    for (gsize i = 0; i < G_N_ELEMENTS(OUTSIDE); i++)
        if (strcmp(OUTSIDE[i].type, type) == 0)
            return strcmp(type, JUDGEMENT) != 0;
    return FALSE;
}

static void build_types(Assumptions *assumptions) {
    for (const StageType *const *known = stage_types.types; *known != NULL; known++)
        if (!is_replaced((*known)->type))
            g_ptr_array_add(assumptions->types, (gpointer)*known);
    for (gsize i = 0; i < G_N_ELEMENTS(OUTSIDE); i++) {
        if (!is_replaced(OUTSIDE[i].type))
            continue;
        assumptions->replaced[i] = replaced_type(known_type(OUTSIDE[i].type), OUTSIDE[i].type);
        g_ptr_array_add(assumptions->types, &assumptions->replaced[i]);
    }
    g_ptr_array_add(assumptions->types, NULL);
    assumptions->table.types = (const StageType *const *)assumptions->types->pdata;
}

Assumptions *assumptions_new(const char *const *given, GError **error) {
    Assumptions *assumptions = g_new0(Assumptions, 1);
    assumptions->given = g_ptr_array_new_with_free_func(given_free);
    assumptions->made = g_ptr_array_new_with_free_func(made_free);
    assumptions->types = g_ptr_array_new();
    build_types(assumptions);
    for (; given != NULL && *given != NULL; given++)
        if (!assumptions_add(assumptions, *given, error)) {
            assumptions_free(assumptions);
            return NULL;
        }
    return assumptions;
}

void assumptions_free(Assumptions *assumptions) {
    if (assumptions == NULL)
        return;
    g_ptr_array_unref(assumptions->given);
    g_ptr_array_unref(assumptions->made);
    g_ptr_array_unref(assumptions->types);
    g_free(assumptions);
}

const StageTypes *assumptions_types(Assumptions *assumptions) {
    return &assumptions->table;
}

Json *assumptions_made(const Assumptions *assumptions) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < assumptions->made->len; i++) {
        const Made *made = g_ptr_array_index(assumptions->made, i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "stage", made->stage);
        json_add_string(builder, "refId", made->ref_id);
        json_add_string(builder, "type", made->type);
        json_add_string(builder, "assumed", made->assumed);
        json_add_string(builder, "because", made->because);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

char **assumptions_unused(const Assumptions *assumptions) {
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < assumptions->given->len; i++) {
        const Given *given = g_ptr_array_index(assumptions->given, i);
        if (!given->used)
            g_ptr_array_add(names, g_strdup(given->name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
