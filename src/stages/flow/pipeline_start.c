/* Starting pipelines from stages (pipeline_start.h). */
#include "stages/flow/pipeline_start.h"
#include "artifacts/match.h"
#include "base/ids.h"
#include "stages/artifacts/artifacts.h"
#include <string.h>

#define CHILD_CANCELED_BY "parent pipeline"

/* ---- identity ---- */
/* The stage's start is a part of it, so that ids of one attempt sort where they belong and never change over a crash. */
char *pipeline_child_id(const TaskContext *context, const char *config_id, const char *key) {
    const Stage *stage = context->stage;
    g_autofree char *attempt = g_strdup_printf("%u", stage->attempt);
    g_autofree char *digits = id_from_parts(context->execution->id, stage->id, attempt, config_id, key ? key : "", NULL);
    return id_ulid_from(stage->start_ms, digits);
}

/* The parent's start is a part of it, so that a restarted parent starts its children again. */
static char *correlation_id(const TaskContext *context, const char *config_id, const char *key) {
    const Execution *parent = context->execution;
    g_autofree char *id = g_strdup_printf("%s_%s_%s_%" G_GINT64_FORMAT, parent->id, context->stage->id, config_id, parent->start_ms);
    return key ? g_strconcat(id, "_", key, NULL) : g_steal_pointer(&id);
}

/* As whom the child is started: the stage's user with the accounts of whoever that is. */
typedef struct {
    Principal principal;
    GPtrArray *accounts;
} ChildUser;

static void child_user_init(ChildUser *user, const TaskContext *context) {
    user->principal = services_principal(context->user);
    user->principal.anonymous = strcmp(context->user, "anonymous") == 0;
    user->accounts = g_ptr_array_new();
    for (JsonIter i = json_iter(stage_accounts(context->execution, context->stage)); json_next(&i);)
        if (json_string(i.value))
            g_ptr_array_add(user->accounts, (gpointer)json_string(i.value));
    g_ptr_array_add(user->accounts, NULL);
    user->principal.accounts = (const char *const *)user->accounts->pdata;
}

/* ---- the trigger ---- */
static Json *child_trigger(const TaskContext *context, const ChildStart *start, const Json *artifacts) {
    const char *config_id = json_get_string(start->config, "id");
    const JsonValue *expected = json_get(start->config, "expectedArtifacts");
    g_autofree char *correlation = correlation_id(context, config_id, start->key);
    g_autoptr(Json) parent = execution_to_shared_json(context->execution);
    g_autoptr(Json) expected_ids = artifacts_matching_ids(expected, json_root(artifacts));
    g_autoptr(Json) empty = json_empty_object();
    gboolean strategy = json_is_true(json_get(start->parameters, "strategy"));
    gboolean dry = json_is_true(json_get(json_root(context->execution->trigger), "dryRun"));
    return json_pack("{s:s, s:s, s:j, s:s, s:v, s:b, s:s, s:j, s:b}", "type", "pipeline", "user",
                     strcmp(context->user, "anonymous") == 0 ? NULL : context->user, "parentExecution", parent, "parentPipelineStageId",
                     context->stage->id, "parameters", start->parameters ? start->parameters : json_root(empty), "strategy", strategy,
                     "correlationId", correlation, "expectedArtifactIds", expected_ids, "dryRun", dry);
}

static Json *child_pipeline(const TaskContext *context, const ChildStart *start, const char *id) {
    g_autoptr(Json) artifacts = stage_visible_artifacts(context->execution, context->stage);
    g_autoptr(Json) trigger = child_trigger(context, start, artifacts);
    g_autoptr(Json) members = json_pack("{s:s, s:j, s:j, s:s}", "executionId", id, "trigger", trigger, "receivedArtifacts", artifacts,
                                        "origin", context->execution->origin);
    return json_merge(start->config, json_root(members));
}

/* ---- start, cancel ---- */
static gboolean exists(Engine *engine, const char *id, GError **error) {
    g_autoptr(GError) missing = NULL;
    g_autoptr(Execution) found = engine_load(engine, id, &missing);
    if (!found && error_code(missing) != ERR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&missing));
    return found != NULL;
}

char *pipeline_child_start(TaskContext *context, const ChildStart *start, GError **error) {
    Engine *engine = context->services->engine;
    g_autofree char *id = pipeline_child_id(context, json_get_string(start->config, "id"), start->key), *failed_id = NULL;
    g_autoptr(GError) failure = NULL;
    if (exists(engine, id, &failure))
        return g_steal_pointer(&id);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    ChildUser user;
    child_user_init(&user, context);
    g_autoptr(Json) pipeline = child_pipeline(context, start, id);
    char *started = engine_start_pipeline(engine, json_root(pipeline), start->config, &user.principal, &failed_id, &failure);
    g_ptr_array_unref(user.accounts);
    if (!started && failed_id)
        started = g_steal_pointer(&failed_id);
    else if (!started)
        g_propagate_error(error, g_steal_pointer(&failure));
    return started;
}

gboolean pipeline_child_cancel(TaskContext *context, const char *child_id, GError **error) {
    g_autoptr(GError) failure = NULL;
    if (engine_cancel(context->services->engine, child_id, CHILD_CANCELED_BY, NULL, &failure) || error_code(failure) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    g_prefix_error(error, "cancel child execution %s: ", child_id);
    return FALSE;
}

/* ---- what went wrong in it ---- */
static void add_error(JsonBuilder *builder, const Execution *child, const Stage *stage, const JsonValue *what) {
    g_autofree char *message = json_as_text(what);
    if (!message)
        return;
    g_autofree char *text = g_strdup_printf("Exception in child pipeline stage (%s: %s): %s", child->name ? child->name : "",
                                            stage->name ? stage->name : stage->type, message);
    json_add_string(builder, NULL, text);
}

static void add_stage_errors(JsonBuilder *builder, const Execution *child, const Stage *stage) {
    const JsonValue *context = json_root(stage->context), *details = json_dig(context, "exception", "details", NULL);
    const JsonValue *errors = json_get(details, "errors");
    if (details && json_length(errors) > 0) {
        for (JsonIter i = json_iter(errors); json_next(&i);)
            add_error(builder, child, stage, i.value);
    } else if (details) {
        add_error(builder, child, stage, json_get(details, "error"));
    } else {
        for (JsonIter i = json_iter(json_get(context, "kato.tasks")); json_next(&i);)
            if (json_is_true(json_dig(i.value, "status", "failed", NULL)))
                add_error(builder, child, stage, json_dig(i.value, "exception", "message", NULL));
    }
}

Json *pipeline_child_errors(const Execution *child) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < child->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(child->stages, i);
        if (stage->status == STATUS_TERMINAL)
            add_stage_errors(builder, child, stage);
    }
    if (child->stages->len == 0 && child->cancellation_reason) /* it failed before it had stages */
        json_add_string(builder, NULL, child->cancellation_reason);
    json_end_array(builder);
    return json_builder_end(builder);
}

Json *pipeline_child_source(const Execution *child) {
    for (guint i = 0; i < child->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(child->stages, i);
        if (status_info(stage->status)->halt)
            return json_pack("{s:s, s:s, s:s, s:i}", "executionId", child->id, "stageId", stage->id, "stageName", stage->name, "stageIndex",
                             (gint64)i);
    }
    return NULL;
}
