/* The functions about executions: #stage, #judgment and their like. Pure. The table that other rooms may add to is set up
 * before threads start. */
#include "engine/expression_root.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include <string.h>

static const Stage *find_named(const Execution *execution, const char *name_or_id) {
    for (guint i = 0; name_or_id && i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (strcmp(stage->name, name_or_id) == 0 || strcmp(stage->id, name_or_id) == 0)
            return stage;
    }
    return NULL;
}

static const ExprValue *call_stage(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    ExpressionRoot *root = data;
    const char *name = expr_text(context, arguments[0]);
    const Stage *stage = find_named(root->execution, name);
    if (stage)
        return expression_stage(context, root, stage);
    error_set(error, ERR_INVALID, "Unable to locate [%s] using #stage(%s) in execution %s", name ? name : "null", name ? name : "null",
              root->execution->id);
    return NULL;
}

static const ExprValue *call_stage_by_ref(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    ExpressionRoot *root = data;
    const char *ref = expr_text(context, arguments[0]);
    const Stage *stage = execution_stage_by_ref(root->execution, ref);
    if (stage)
        return expression_stage(context, root, stage);
    error_set(error, ERR_INVALID, "Unable to locate [%s] using #stageByRefId(%s) in execution %s", ref ? ref : "null", ref ? ref : "null",
              root->execution->id);
    return NULL;
}

static const ExprValue *call_stage_exists(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    (void)error;
    return expr_bool(find_named(((ExpressionRoot *)data)->execution, expr_text(context, arguments[0])) != NULL);
}

static const ExprValue *call_current_stage(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data,
                                           GError **error) {
    (void)arguments;
    (void)n;
    ExpressionRoot *root = data;
    if (root->stage)
        return expression_stage(context, root, root->stage);
    error_set(error, ERR_INVALID, "No stage is running where #currentStage() was called");
    return NULL;
}

static const ExprValue *call_current_user(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)arguments;
    (void)n;
    (void)error;
    const ExpressionRoot *root = data;
    const char *user = root->stage ? stage_user(root->execution, root->stage)
                                   : json_get_string(json_root(root->execution->authentication), "user");
    return expr_string(context, user ? user : "anonymous");
}

static const ExprValue *call_judgment(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    const Execution *execution = ((ExpressionRoot *)data)->execution;
    const char *name = expr_text(context, arguments[0]);
    for (guint i = 0; name && i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        const JsonValue *input = json_get(json_root(stage->context), "judgmentInput");
        if (strcmp(stage->type, "manualJudgment") == 0 && strcmp(stage->name, name) == 0 && input && !json_is_null(input))
            return expr_json(context, input);
    }
    error_set(error, ERR_INVALID, "Unable to locate manual Judgment stage [%s] using #judgment(%s) in execution %s", name ? name : "null",
              name ? name : "null", execution->id);
    return NULL;
}

/* ---- deployed server groups ---- */
static gboolean is_deployment(const Stage *stage) {
    static const char *const types[] = {"deploy", "createServerGroup", "cloneServerGroup", "rollingPush", NULL};
    return stage->status == STATUS_SUCCEEDED && g_strv_contains(types, stage->type) &&
           json_is_object(json_get(json_root(stage->context), "deploy.server.groups"));
}

static gboolean is_wanted(ExprContext *context, const Stage *stage, const ExprValue *const *arguments, guint n) {
    for (guint i = 0; i < n; i++) {
        const char *wanted = expr_text(context, arguments[i]);
        if (wanted && (strcmp(wanted, stage->name) == 0 || strcmp(wanted, stage->id) == 0))
            return TRUE;
    }
    return n == 0;
}

static const char *region_of(const JsonValue *context) {
    const char *region = json_get_string(context, "region");
    JsonIter zones = json_iter(json_get(context, "availabilityZones"));
    return region ? region : json_next(&zones) ? zones.key : NULL;
}

static void add_deployments(const JsonValue *context, JsonBuilder *builder) {
    json_begin_array(builder, "deployments");
    JsonIter tasks = json_iter(json_get(context, "kato.tasks"));
    while (json_next(&tasks)) {
        JsonIter results = json_iter(json_get(tasks.value, "resultObjects"));
        while (json_next(&results)) {
            JsonIter deployments = json_iter(json_get(results.value, "deployments"));
            while (json_next(&deployments))
                json_add_value(builder, NULL, deployments.value);
        }
    }
    json_end_array(builder);
}

static void add_server_group(const Stage *stage, JsonBuilder *builder) {
    const JsonValue *context = json_root(stage->context);
    const char *region = region_of(context);
    if (!region)
        return;
    const char *account = json_get_string(context, "account");
    g_autoptr(Json) entry = json_pack("{s:s, s:v, s:s, s:s}", "account", account ? account : json_get_string(context, "credentials"),
                                      "capacity", json_get(context, "capacity"), "parentStage", stage->parent_id, "region", region);
    JsonIter details = json_iter(json_get(context, "deploymentDetails"));
    while (json_next(&details)) {
        const char *of = json_get_string(details.value, "region");
        if (!of || strcmp(of, region) != 0)
            continue;
        Json *merged = json_merge(json_root(entry), details.value);
        json_unref(entry);
        entry = merged;
    }
    json_begin_object(builder, NULL);
    json_add_members(builder, json_root(entry));
    json_add_value(builder, "serverGroup", json_at(json_dig(context, "deploy.server.groups", region, NULL), 0));
    add_deployments(context, builder);
    json_end_object(builder);
}

static const ExprValue *call_deployed(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)error;
    const Execution *execution = ((ExpressionRoot *)data)->execution;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (is_deployment(stage) && is_wanted(context, stage, arguments, n))
            add_server_group(stage, builder);
    }
    json_end_array(builder);
    return expr_json(context, expr_keep(context, json_builder_end(builder)));
}

/* ---- artifacts of the trigger ---- */
static const ExprValue *find_artifact(ExprContext *context, const ExprValue *wanted, const char *key, const Execution *execution,
                                      GError **error) {
    const char *text = expr_text(context, wanted);
    JsonIter iter = json_iter(json_get(json_root(execution->trigger), "resolvedExpectedArtifacts"));
    while (json_next(&iter)) {
        const JsonValue *bound = json_get(iter.value, "boundArtifact");
        if (text && g_strcmp0(json_get_string(bound, key), text) == 0)
            return expr_json(context, bound);
    }
    error_set(error, ERR_INVALID, "No artifact of the trigger has the %s [%s] in execution %s", key, text ? text : "null", execution->id);
    return NULL;
}

static const ExprValue *call_artifact(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    return find_artifact(context, arguments[0], "name", ((ExpressionRoot *)data)->execution, error);
}

static const ExprValue *call_artifact_by_type(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data,
                                              GError **error) {
    (void)n;
    return find_artifact(context, arguments[0], "type", ((ExpressionRoot *)data)->execution, error);
}

/* ---- what stages of other clouds left behind ---- */
static const JsonValue *manifest_of_kind(const Execution *execution, const char *stage_name, const char *kind) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (strcmp(stage->type, "deployManifest") != 0 || stage->status != STATUS_SUCCEEDED || strcmp(stage->name, stage_name) != 0)
            continue;
        JsonIter manifests = json_iter(json_get(json_root(stage->context), "outputs.manifests"));
        while (json_next(&manifests))
            if (g_strcmp0(json_get_string(manifests.value, "kind"), kind) == 0)
                return manifests.value;
        return NULL;
    }
    return NULL;
}

static const ExprValue *call_manifest_label(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data,
                                            GError **error) {
    (void)n;
    static const char *const kinds[] = {"Deployment", "ReplicaSet", NULL};
    const char *stage = expr_text(context, arguments[0]), *kind = expr_text(context, arguments[1]),
               *label = expr_text(context, arguments[2]);
    const JsonValue *value = NULL;
    if (stage && kind && label && g_strv_contains(kinds, kind)) {
        const JsonValue *manifest = manifest_of_kind(((ExpressionRoot *)data)->execution, stage, kind);
        value = json_get(json_dig(manifest, "spec", "template", "metadata", "labels", NULL), label);
    }
    if (value)
        return expr_json(context, value);
    error_set(error, ERR_INVALID, "No label [%s] on a %s (Deployment or ReplicaSet) that a deployManifest stage [%s] deployed",
              label ? label : "null", kind ? kind : "null", stage ? stage : "null");
    return NULL;
}

static const ExprValue *call_service_key(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    (void)error;
    const Execution *execution = ((ExpressionRoot *)data)->execution;
    const char *wanted = expr_text(context, arguments[0]);
    for (guint i = 0; wanted && i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        const gboolean named = strcmp(stage->name, wanted) == 0 || strcmp(stage->id, wanted) == 0;
        if (!named || strcmp(stage->type, "createServiceKey") != 0 || stage->status != STATUS_SUCCEEDED)
            continue;
        const JsonValue *task = json_at(json_get(json_root(stage->context), "kato.tasks"), 0);
        const JsonValue *key = json_get(json_at(json_get(task, "resultObjects"), 0), "serviceKey");
        if (key)
            return expr_json(context, key);
    }
    return expr_json(context, expr_keep(context, json_empty_object()));
}

const ExprFunction expression_functions[] = {
    {"stage", EXPR_PURE, 1, 1, call_stage, "The first stage with this name or id.", .hidden_execution = TRUE},
    {"stageByRefId", EXPR_PURE, 1, 1, call_stage_by_ref, "The stage with this refId.", .hidden_execution = TRUE},
    {"stageExists", EXPR_PURE, 1, 1, call_stage_exists, "Whether there is a stage with this name or id.", .hidden_execution = TRUE},
    {"currentStage", EXPR_PURE, 0, 0, call_current_stage, "The stage whose expression this is.", .hidden_execution = TRUE},
    {"currentUser", EXPR_PURE, 0, 0, call_current_user, "The user the stage runs as."},
    {"judgment", EXPR_PURE, 1, 1, call_judgment, "What was chosen in the manual judgment of this name.", .hidden_execution = TRUE},
    {"judgement", EXPR_PURE, 1, 1, call_judgment, "What was chosen in the manual judgment of this name.", .hidden_execution = TRUE},
    {"deployedServerGroups", EXPR_PURE, 0, EXPR_ANY_NUMBER, call_deployed,
     "Server groups that stages of these names or ids (without any: all) deployed.", .hidden_execution = TRUE},
    {"triggerResolvedArtifact", EXPR_PURE, 1, 1, call_artifact,
     "The artifact of this name that the trigger's expected artifacts were bound to.", .hidden_execution = TRUE},
    {"triggerResolvedArtifactByType", EXPR_PURE, 1, 1, call_artifact_by_type,
     "The first artifact of this type that the trigger's expected artifacts were bound to.", .hidden_execution = TRUE},
    {"manifestLabelValue", EXPR_PURE, 3, 3, call_manifest_label,
     "A pod label of the manifest of this kind that the deployManifest stage of this name deployed.", .hidden_execution = TRUE},
    {"cfServiceKey", EXPR_PURE, 1, 1, call_service_key, "The service key that a createServiceKey stage made.", .hidden_execution = TRUE},
    {.name = NULL},
};

/* ---- the table ---- */
static GArray *table; /* of ExprFunction; zero-terminated */

static GArray *table_of_engine(void) {
    GArray *functions = g_array_new(TRUE, TRUE, sizeof(ExprFunction));
    for (const ExprFunction *each = expression_functions; each->name; each++)
        g_array_append_vals(functions, each, 1);
    return functions;
}

void expressions_add_functions(const ExprFunction *functions) {
    if (!table)
        table = table_of_engine();
    for (; functions->name; functions++)
        g_array_append_vals(table, functions, 1);
}

const ExprFunction *expressions_functions(void) {
    return table ? (const ExprFunction *)(const void *)table->data : expression_functions;
}

const Execution *expressions_execution(gpointer data) {
    return ((const ExpressionRoot *)data)->execution;
}

const Stage *expressions_stage(gpointer data) {
    return ((const ExpressionRoot *)data)->stage;
}
