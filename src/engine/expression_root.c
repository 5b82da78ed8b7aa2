/* The root of an evaluation, and the execution, stages and statuses as objects of the expression language. Pure. */
#include "engine/expression_root.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include <string.h>

/* ---- status ---- */
static const ExprValue *status_get(ExprContext *context, gconstpointer instance, const char *property, GError **error) {
    (void)context;
    (void)error;
    const StatusInfo *info = instance;
    const struct {
        const char *name;
        gboolean value;
    } properties[] = {
        {"complete", info->complete},
        {"halt", info->halt},
        {"successful", info->success},
        {"failure", info->failure},
        {"skipped", strcmp(info->name, "SKIPPED") == 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        if (strcmp(properties[i].name, property) == 0)
            return expr_bool(properties[i].value);
    return NULL;
}

static const char *status_text(gconstpointer instance) {
    return ((const StatusInfo *)instance)->name;
}

static Json *status_json(gconstpointer instance) {
    return json_from_string(status_text(instance));
}

static const ExprObjectClass status_class = {"ExecutionStatus", status_get, status_json, status_text};

static const ExprValue *status_value(ExprContext *context, Status status) {
    return expr_object(context, &status_class, status_info(status));
}

/* ---- stage ---- */
/* Its own keys, and below them what its ancestors put out, nearest first. */
static gboolean put_below(const Stage *ancestor, gpointer data) {
    Json **all = data;
    if (json_length(json_root(ancestor->outputs)) == 0)
        return FALSE;
    Json *merged = json_merge(json_root(ancestor->outputs), json_root(*all));
    json_unref(*all);
    *all = merged;
    return FALSE;
}

static const ExprValue *stage_context(ExprContext *context, const StageHandle *handle) {
    Json *all = json_ref(handle->stage->context);
    const Stage *self = handle->stage;
    g_autoptr(GPtrArray) ancestors = stage_ancestors(handle->root->execution, self);
    for (guint i = 0; i < ancestors->len; i++)
        if (g_ptr_array_index(ancestors, i) != self)
            put_below(g_ptr_array_index(ancestors, i), &all);
    return expr_json(context, expr_keep(context, all));
}

static const ExprValue *time_or_null(ExprContext *context, gint64 ms) {
    return ms ? expr_int(context, ms) : expr_null();
}

static const ExprValue *stage_property(ExprContext *context, gconstpointer instance, const char *property, GError **error) {
    (void)error;
    const StageHandle *handle = instance;
    const Stage *stage = handle->stage;
    if (strcmp(property, "status") == 0)
        return status_value(context, stage->status);
    if (strcmp(property, "context") == 0)
        return stage_context(context, handle);
    if (strcmp(property, "outputs") == 0)
        return expr_json(context, json_root(stage->outputs));
    if (strcmp(property, "hasSucceeded") == 0)
        return expr_bool(stage->status == STATUS_SUCCEEDED);
    if (strcmp(property, "hasFailed") == 0)
        return expr_bool(stage->status == STATUS_TERMINAL);
    if (strcmp(property, "parent") == 0 || strcmp(property, "topLevelStage") == 0) {
        const Stage *other = *property == 'p' ? stage_parent(handle->root->execution, stage)
                                              : stage_top_level(handle->root->execution, stage);
        return other ? expression_stage(context, handle->root, other) : expr_null();
    }
    const struct {
        const char *name;
        gint64 ms;
    } times[] = {{"startTime", stage->start_ms},
                 {"endTime", stage->end_ms},
                 {"startTimeExpiry", stage->start_expiry_ms},
                 {"scheduledTime", stage->scheduled_ms}};
    for (guint i = 0; i < G_N_ELEMENTS(times); i++)
        if (strcmp(times[i].name, property) == 0)
            return time_or_null(context, times[i].ms);
    if (strcmp(property, "syntheticStageOwner") == 0) /* of a type that the reference does not let through, like those below */
        return NULL;
    const JsonValue *value = json_get(expr_keep(context, stage_to_json(stage)), property);
    if (value)
        return expr_json(context, value);
    return strcmp(property, "parentStageId") == 0 || strcmp(property, "lastModified") == 0 ? expr_null() : NULL;
}

static Json *stage_json(gconstpointer instance) {
    return stage_to_json(((const StageHandle *)instance)->stage);
}

static const ExprObjectClass stage_class = {"StageExecutionImpl", stage_property, stage_json, NULL};

const ExprValue *expression_stage(ExprContext *context, ExpressionRoot *root, const Stage *stage) {
    guint n = root->execution->stages->len;
    if (!root->handles) {
        root->handles = g_new(StageHandle, n);
        for (guint i = 0; i < n; i++)
            root->handles[i] = (StageHandle){root, execution_stage_at(root->execution, i)};
    }
    return expr_object(context, &stage_class, &root->handles[stage_place(root->execution, stage)]);
}

/* ---- execution ---- */
static const ExprValue *all_stages(ExprContext *context, ExpressionRoot *root) {
    guint n = root->execution->stages->len;
    g_autofree const ExprValue **values = g_new(const ExprValue *, n + 1);
    for (guint i = 0; i < n; i++)
        values[i] = expression_stage(context, root, execution_stage_at(root->execution, i));
    return expr_list(context, values, n);
}

static const ExprValue *execution_property(ExprContext *context, gconstpointer instance, const char *property, GError **error) {
    (void)error;
    static const char *const nullable[] = {"name",
                                           "startTime",
                                           "endTime",
                                           "canceledBy",
                                           "cancellationReason",
                                           "paused",
                                           "description",
                                           "pipelineConfigId",
                                           "authentication",
                                           "notifications",
                                           "initialConfig",
                                           "templateVariables",
                                           "spelEvaluator",
                                           NULL};
    ExpressionRoot *root = (ExpressionRoot *)instance;
    const Execution *execution = root->execution;
    if (strcmp(property, "status") == 0)
        return status_value(context, execution->status);
    if (strcmp(property, "stages") == 0)
        return all_stages(context, root);
    if (strcmp(property, "trigger") == 0)
        return expr_json(context, json_root(execution->trigger));
    if (strcmp(property, "context") == 0)
        return expr_json(context, expr_keep(context, execution_outputs(execution)));
    if (strcmp(property, "type") == 0 || strcmp(property, "source") == 0)
        return NULL;
    const JsonValue *value = json_get(expr_keep(context, execution_members_to_json(execution)), property);
    if (value)
        return expr_json(context, value);
    return g_strv_contains(nullable, property) ? expr_null() : NULL;
}

static Json *execution_json(gconstpointer instance) {
    return execution_to_json(((const ExpressionRoot *)instance)->execution, TRUE);
}

static const ExprObjectClass execution_class = {"PipelineExecutionImpl", execution_property, execution_json, NULL};

const ExprValue *expression_execution(ExprContext *context, ExpressionRoot *root) {
    return expr_object(context, &execution_class, root);
}

/* ---- the root ---- */
static const JsonValue *keep_document(ExpressionRoot *root, Json *json) {
    g_ptr_array_add(root->documents, json);
    return json_root(json);
}

static const JsonValue *parameters_of(ExpressionRoot *root) {
    const JsonValue *given = json_get(json_root(root->execution->trigger), "parameters");
    if (json_length(given) > 0)
        return given;
    const JsonValue *own = root->stage ? json_get(json_root(root->stage->context), "parameters") : NULL;
    return own ? own : keep_document(root, json_empty_object());
}

/* The first entry of a feature branch, else the first. */
static const JsonValue *scm_info_of(ExpressionRoot *root) {
    const JsonValue *build = root->stage ? json_get(json_root(root->stage->context), "buildInfo") : NULL;
    if (!json_is_array(json_get(build, "scm")))
        build = json_get(json_root(root->execution->trigger), "buildInfo");
    const JsonValue *entries = json_get(build, "scm");
    JsonIter iter = json_iter(entries);
    while (json_next(&iter)) {
        const char *branch = json_get_string(iter.value, "branch");
        if (branch && strcmp(branch, "master") != 0 && strcmp(branch, "develop") != 0)
            return iter.value;
    }
    return json_at(entries, 0);
}

static const JsonValue *root_lookup(const char *name, gpointer data) {
    ExpressionRoot *root = data;
    const JsonValue *first = json_get(root->names, name);
    if (first)
        return first;
    gboolean pipeline = root->execution->type == EXECUTION_PIPELINE;
    if (pipeline && strcmp(name, "trigger") == 0)
        return json_root(root->execution->trigger);
    if (!root->stage)
        return NULL;
    if (strcmp(name, "parameters") == 0)
        return parameters_of(root);
    if (strcmp(name, "scmInfo") == 0)
        return scm_info_of(root);
    if (strcmp(name, "templateVariables") == 0 && root->execution->template_variables)
        return json_root(root->execution->template_variables);
    return stage_get(root->execution, root->stage, name);
}

static const ExprValue *root_resolve(ExprContext *context, const char *name, gpointer data, GError **error) {
    (void)error;
    ExpressionRoot *root = data;
    if (strcmp(name, "execution") != 0 || root->execution->type != EXECUTION_PIPELINE)
        return NULL;
    return expression_execution(context, root);
}

void expression_root_init(ExpressionRoot *root, const Execution *execution, const Stage *stage, const JsonValue *names,
                          const EngineSettings *settings, gboolean allow_io, gint64 now_ms) {
    *root = (ExpressionRoot){
        .execution = execution,
        .stage = stage,
        .names = names,
        .settings = settings,
        .documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref),
        .options =
            {
                .lookup = root_lookup,
                .resolve = root_resolve,
                .data = root,
                .functions = expressions_functions(),
                .allow_io = allow_io,
                .now_ms = now_ms,
                .random = g_str_hash(stage ? stage->id : execution->id) ^ (guint64)now_ms,
            },
    };
}

void expression_root_clear(ExpressionRoot *root) {
    g_ptr_array_unref(root->documents);
    g_free(root->handles);
}
