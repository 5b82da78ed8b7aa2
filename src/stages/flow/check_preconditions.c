/* `checkPreconditions`: one child per precondition, in parallel (stages.md 2.4). The kinds of preconditions are a table. */
#include "engine/expressions.h"
#include "stages/deploy/cluster_claim.h"
#include "stages/deploy/live.h"
#include <string.h>

#define CLUSTER_SIZE_TIMEOUT_MS 30000
#define CLUSTER_SIZE_BACKOFF_MS 5000

typedef struct {
    const char *type;
    Status (*run)(TaskContext *context, const JsonValue *settings, GError **error);
} Precondition;

/* ---- expression ---- */
static Status check_expression(TaskContext *context, const JsonValue *settings, GError **error) {
    (void)error;
    g_autofree char *given = json_as_text(json_get(settings, "expression"));
    g_autofree char *wrapped = g_strdup_printf("${%s}", given != NULL ? given : "false");
    g_autoptr(Json) value = json_from_string(wrapped);
    Json *failures = NULL;
    g_autoptr(Json) result = expressions_evaluate(context->execution, context->stage, json_root(value), NULL, context->settings, TRUE,
                                                  context->now_ms, &failures);
    g_autofree char *text = json_as_text(json_root(result));
    g_autoptr(Json) noted = json_with_string(settings, "expressionResult", text != NULL ? text : "null");
    task_set_context_json(context, "context", noted);
    if (failures != NULL) {
        task_set_context_json(context, "expressionEvaluationSummary", failures);
        json_unref(failures);
        return STATUS_TERMINAL;
    }
    return text != NULL && g_ascii_strcasecmp(text, "true") == 0 ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- status of another stage ---- */
static Status check_stage_status(TaskContext *context, const JsonValue *settings, GError **error) {
    const char *name = json_get_string(settings, "stageName"), *wanted = json_get_string(settings, "stageStatus");
    if (name == NULL || wanted == NULL) {
        error_set(error, ERR_INVALID, "precondition stageStatus: stageName and stageStatus are required");
        return STATUS_TERMINAL;
    }
    for (guint i = 0; i < context->execution->stages->len; i++) {
        const Stage *stage = context->execution->stages->pdata[i];
        if (strcmp(stage->name, name) != 0)
            continue;
        const char *status = status_info(stage->status)->name;
        if (strcmp(status, wanted) == 0)
            return STATUS_SUCCEEDED;
        error_set(error, ERR_CONFLICT, "The status of stage %s was asserted to be %s, but was actually %s", name, wanted, status);
        return STATUS_TERMINAL;
    }
    error_set(error, ERR_INVALID, "Failed to find stage %s in execution. Please specify a valid stage name", name);
    return STATUS_TERMINAL;
}

/* ---- size of a cluster ---- */
static gboolean compare(gint64 actual, const char *comparison, gint64 expected, gboolean *holds) {
    const struct {
        const char *sign;
        gboolean holds;
    } table[] = {{"<", actual < expected},
                 {"<=", actual <= expected},
                 {"==", actual == expected},
                 {">=", actual >= expected},
                 {">", actual > expected}};
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        if (strcmp(table[i].sign, comparison) == 0) {
            *holds = table[i].holds;
            return TRUE;
        }
    return FALSE;
}

/* How many server groups there are right now; -1 with error. */
static gint64 groups_in(TaskContext *context, const JsonValue *settings, const char *region, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray) groups = live_read_cluster(context, json_get_string(settings, "credentials"), region,
                                                    json_get_string(settings, "cluster"), &snapshot, error);
    if (groups == NULL)
        return -1;
    gboolean only_enabled = deploy_flag(settings, "onlyEnabledServerGroups", FALSE);
    gint64 count = 0;
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        count += !only_enabled || !group->disabled;
    }
    return count;
}

static Status check_cluster_size(TaskContext *context, const JsonValue *settings, GError **error) {
    const char *comparison = json_get_string(settings, "comparison");
    const JsonValue *regions = json_get(settings, "regions");
    gint64 expected = deploy_number(json_get(settings, "expected"), 1);
    if (json_get_string(settings, "cluster") == NULL || json_get_string(settings, "credentials") == NULL || json_length(regions) == 0) {
        error_set(error, ERR_INVALID, "precondition clusterSize: cluster, credentials and regions are required");
        return STATUS_TERMINAL;
    }
    g_autoptr(GString) wrong = g_string_new(NULL);
    for (JsonIter i = json_iter(regions); json_next(&i);) {
        gboolean holds = FALSE;
        gint64 actual = groups_in(context, settings, json_string(i.value), error);
        if (actual < 0)
            return STATUS_TERMINAL;
        if (!compare(actual, comparison != NULL ? comparison : "==", expected, &holds)) {
            error_set(error, ERR_INVALID, "precondition clusterSize: comparison %s is none of <, <=, ==, >=, >", comparison);
            return STATUS_TERMINAL;
        }
        if (!holds)
            g_string_append_printf(wrong, "%s%s has %" G_GINT64_FORMAT, wrong->len > 0 ? ", " : "", json_string(i.value), actual);
    }
    if (wrong->len == 0)
        return STATUS_SUCCEEDED;
    if (context->now_ms - context->task->start_ms < CLUSTER_SIZE_TIMEOUT_MS)
        return task_again_at(context, context->now_ms + CLUSTER_SIZE_BACKOFF_MS);
    error_set(error, ERR_CONFLICT, "expected %s %" G_GINT64_FORMAT " %s server groups of %s, but: %s",
              comparison != NULL ? comparison : "==", expected, deploy_flag(settings, "onlyEnabledServerGroups", FALSE) ? "enabled" : "",
              json_get_string(settings, "cluster"), wrong->str);
    return STATUS_TERMINAL;
}

static Status check_nothing(TaskContext *context, const JsonValue *settings, GError **error) {
    (void)context, (void)settings, (void)error;
    return STATUS_SUCCEEDED;
}

static const Precondition PRECONDITIONS[] = {
    {"expression", check_expression},
    {"stageStatus", check_stage_status},
    {"clusterSize", check_cluster_size},
    {"noop", check_nothing},
};

static const Precondition *precondition_named(const char *type) {
    for (gsize i = 0; type != NULL && i < G_N_ELEMENTS(PRECONDITIONS); i++)
        if (strcmp(PRECONDITIONS[i].type, type) == 0)
            return &PRECONDITIONS[i];
    return NULL;
}

static const char *own_type(const Stage *stage) {
    return json_get_string(json_root(stage->context), "preconditionType");
}

/* What a deployment asks before it begins is about the cluster as it is when its turn has come. */
static Status precondition_run(TaskContext *context, GError **error) {
    const Stage *deployment = cluster_claim_deployment(context->execution, context->stage);
    gint64 since_ms = 0;
    ClaimAnswer turn = deployment != NULL ? cluster_claim(context, deployment, &since_ms, error) : CLAIM_HELD;
    if (turn == CLAIM_WAITS)
        return task_again_at(context, context->now_ms + CLUSTER_CLAIM_POLL_MS);
    if (turn == CLAIM_FAILED)
        return STATUS_TERMINAL;
    const Precondition *precondition = precondition_named(own_type(context->stage));
    return precondition->run(context, json_get(json_root(context->stage->context), "context"), error);
}

/* ---- planning ---- */
/* Where a strategy is to act, as the parent's keys say it; an empty object in every other execution. */
static Json *of_strategy(const Execution *execution) {
    const JsonValue *parameters = deploy_strategy_parameters(execution);
    g_auto(GStrv) locations = deploy_locations_in(parameters);
    g_autoptr(Json) regions = locations[0] != NULL ? json_from_strings((const char *const *)locations) : NULL;
    return json_pack("{s:v, s:v, s:v}", "cluster", json_get(parameters, "cluster"), "credentials", json_get(parameters, "credentials"),
                     "regions", json_root(regions));
}

/* The entry's context, with cluster, regions and credentials of the parent where it has none. */
static Json *child_settings(const JsonValue *parent, const JsonValue *entry) {
    static const char *const COPIED[] = {"cluster", "regions", "credentials"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const JsonValue *own = json_get(entry, "context");
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(own); json_next(&i);)
        json_add_value(builder, i.key, i.value);
    for (gsize i = 0; i < G_N_ELEMENTS(COPIED); i++)
        if (json_get(own, COPIED[i]) == NULL)
            json_add_value(builder, COPIED[i], json_get(parent, COPIED[i]));
    json_end_object(builder);
    return json_builder_end(builder);
}

static void plan_checks(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    const JsonValue *context = json_root(stage->context), *preconditions = json_get(context, "preconditions");
    if (own_type(stage) != NULL)
        return;
    if (!json_is_array(preconditions)) {
        error_set(error, ERR_INVALID, "preconditions: required, a list of {type, context}");
        return;
    }
    g_autoptr(Json) shared = json_without(context, (const char *const[]){"preconditions", NULL});
    g_autoptr(Json) strategy = of_strategy(execution);
    g_autoptr(Json) given = json_merge(json_root(strategy), context);
    for (JsonIter i = json_iter(preconditions); json_next(&i);) {
        const char *type = json_get_string(i.value, "type");
        g_autoptr(Json) settings = child_settings(json_root(given), i.value);
        g_autoptr(Json) overlaid = json_merge(json_root(shared), i.value);
        g_autoptr(Json) typed = json_with_string(json_root(overlaid), "preconditionType", type != NULL ? type : "");
        g_autoptr(Json) whole = json_with(json_root(typed), "context", json_root(settings));
        g_autofree char *name = g_strdup_printf("Check precondition (%s)", type != NULL ? type : "");
        plan_add(plan, "checkPreconditions", name, json_root(whole));
    }
}

static void check_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)execution;
    static const TaskDefinition TASK = {.name = "checkPrecondition", .run = precondition_run};
    const char *type = own_type(stage);
    if (type == NULL)
        return;
    if (precondition_named(type) == NULL)
        error_set(error, ERR_INVALID, "no precondition of type %s", type);
    else
        g_ptr_array_add(tasks, (gpointer)&TASK);
}

/* Only what looks at nothing outside. */
static gboolean is_real_in_dry_run(const Execution *execution, const Stage *stage) {
    (void)execution;
    const JsonValue *context = json_root(stage->context);
    const char *own = json_get_string(context, "preconditionType");
    for (JsonIter i = json_iter(json_get(context, "preconditions")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "type"), "expression") != 0)
            return FALSE;
    return own == NULL || strcmp(own, "expression") == 0;
}

const StageType stage_check_preconditions = {
    .type = "checkPreconditions",
    .label = "Check Preconditions",
    .help = "Goes on only when all of its conditions hold.",
    .build_tasks = check_tasks,
    .plan_before = plan_checks,
    .dry_run_is_real = is_real_in_dry_run,
};
