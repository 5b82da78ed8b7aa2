/* `evaluateArtifacts`: artifacts whose contents are written in the pipeline (stages.md 2.6). With expressions of version 4 it evaluates them
 * itself, one after the other, so that later ones may use earlier ones by name; with older versions the engine has done it. */
#include "engine/expressions.h"
#include "stages/artifacts/artifacts.h"
#include "stages/stages.h"
#include <string.h>

#define CONTENTS "artifactContents"
#define SUMMARY "expressionEvaluationSummary"
#define CONTENTS_BYTES_MAX (8 * 1024 * 1024) /* of all artifacts of one stage, evaluated */

typedef struct {
    Json *contents, *expected;
} EvaluateParams;
static const Param evaluate_params[] = {
    {.name = CONTENTS,
     .type = PARAM_JSON,
     .offset = offsetof(EvaluateParams, contents),
     .required = TRUE,
     .help = "Artifacts: a list of {id, name, contents}."},
    {.name = EXPECTED_ARTIFACTS,
     .type = PARAM_JSON,
     .offset = offsetof(EvaluateParams, expected),
     .help = "Artifacts that the stage produces for later stages: a list of expected artifacts."},
    {0},
};

extern const StageType stage_evaluate_artifacts;

typedef struct {
    TaskContext *context;
    gboolean own;          /* contents are not evaluated yet */
    JsonBuilder *produced; /* an open array */
    Json *known;           /* names so far */
    Json *summary;         /* of expressions that failed, or NULL */
    gsize bytes;
} Evaluating;

/* The contents as they are now; caller owns. */
static Json *evaluate(Evaluating *evaluating, const JsonValue *contents) {
    const TaskContext *context = evaluating->context;
    if (!evaluating->own)
        return json_copy(contents);
    Json *failures = NULL;
    Json *result = expressions_evaluate(context->execution, context->stage, contents, json_root(evaluating->known), context->settings, TRUE,
                                        context->now_ms, &failures);
    if (failures != NULL) {
        Json *merged = json_merge(json_root(evaluating->summary), json_root(failures));
        json_unref(evaluating->summary);
        json_unref(failures);
        evaluating->summary = merged;
    }
    return result;
}

static gboolean produce(Evaluating *evaluating, const char *name, const JsonValue *contents, GError **error) {
    g_autofree char *plain = json_as_text(contents);
    g_autofree char *text = plain != NULL ? g_steal_pointer(&plain) : json_write(contents, NULL);
    gsize length = strlen(text);
    if (length == 0 || json_is_null(contents))
        return TRUE;
    evaluating->bytes += length;
    if (evaluating->bytes > CONTENTS_BYTES_MAX) {
        error_set(error, ERR_LIMIT, "evaluateArtifacts: the contents are more than %d bytes (CONTENTS_BYTES_MAX)", CONTENTS_BYTES_MAX);
        return FALSE;
    }
    g_autofree char *base64 = g_base64_encode((const guchar *)text, length);
    g_autoptr(Json) artifact = json_pack("{s:s, s:s, s:s, s:s}", "type", "embedded/base64", "name", name, "reference", base64,
                                         "artifactAccount", "embedded-artifact");
    g_autoptr(Json) canonical = artifact_canonical(json_root(artifact));
    json_add_json(evaluating->produced, NULL, canonical);
    return TRUE;
}

static gboolean evaluate_one(Evaluating *evaluating, const JsonValue *entry, GError **error) {
    const JsonValue *contents = json_get(entry, "contents");
    const char *name = json_get_string(entry, "name");
    if (contents == NULL || json_is_null(contents))
        return TRUE;
    g_autoptr(Json) result = evaluate(evaluating, contents);
    if (name != NULL) {
        Json *more = json_with(json_root(evaluating->known), name, json_root(result));
        json_unref(evaluating->known);
        evaluating->known = more;
    }
    return produce(evaluating, name, json_root(result), error);
}

static void finish(Evaluating *evaluating, const Json *expected) {
    json_end_array(evaluating->produced);
    if (evaluating->own && expected != NULL) {
        g_autoptr(Json) evaluated = evaluate(evaluating, json_root(expected));
        task_set_context_json(evaluating->context, EXPECTED_ARTIFACTS, evaluated);
    }
    g_autoptr(Json) artifacts = json_builder_end(evaluating->produced);
    task_set_output_json(evaluating->context, ARTIFACTS, artifacts);
    if (evaluating->summary != NULL)
        task_set_context_json(evaluating->context, SUMMARY, evaluating->summary);
    else if (evaluating->own)
        task_remove_context(evaluating->context, SUMMARY);
}

static Status evaluate_run(TaskContext *context, GError **error) {
    const EvaluateParams *params = context->params;
    if (!json_is_array(json_root(params->contents))) {
        error_set(error, ERR_INVALID, CONTENTS ": expected a list of {id, name, contents}");
        return STATUS_TERMINAL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Evaluating evaluating = {.context = context,
                             .own = expressions_are_own(context->execution, &stage_evaluate_artifacts, context->settings),
                             .produced = builder,
                             .known = json_empty_object()};
    json_begin_array(builder, NULL);
    gboolean done = TRUE;
    for (JsonIter i = json_iter(json_root(params->contents)); done && json_next(&i);)
        done = evaluate_one(&evaluating, i.value, error);
    if (done)
        finish(&evaluating, params->expected);
    json_unref(evaluating.known);
    json_unref(evaluating.summary);
    return done ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* What was made the last time is made anew. */
static Json *evaluate_restart(const Stage *stage, gboolean *clear_outputs) {
    static const char *const made[] = {ARTIFACTS, RESOLVED_ARTIFACTS, SUMMARY, NULL};
    *clear_outputs = TRUE;
    return json_without(json_root(stage->context), made);
}

const StageType stage_evaluate_artifacts = {
    .type = "evaluateArtifacts",
    .label = "Evaluate Artifacts",
    .help = "Makes artifacts of texts in the pipeline, their expressions evaluated.",
    .params = evaluate_params,
    .params_size = sizeof(EvaluateParams),
    .tasks = (const TaskDefinition[]){{.name = "evaluateArtifacts", .run = evaluate_run},
                                      {.name = "bindArtifacts", .run = task_bind_produced_artifacts, .no_io = TRUE},
                                      {0}},
    .on_restart = evaluate_restart,
    .own_expressions = TRUE,
};
