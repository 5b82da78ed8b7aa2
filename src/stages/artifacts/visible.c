/* Which artifacts stages and executions have (artifacts.h). Pure, but for expressions with I/O in a task's input. */
#include "engine/expressions.h"
#include "engine/graph.h"
#include "stages/artifacts/artifacts.h"
#include <string.h>

Json *stage_visible_artifacts(const Execution *execution, const Stage *stage) {
    g_autoptr(GPtrArray) lists = stage_get_all(execution, stage, ARTIFACTS);
    g_autoptr(ArtifactList) all = artifact_list_new(FALSE);
    for (guint i = 0; i < lists->len; i++)
        artifact_list_add_all(all, lists->pdata[i]);
    return artifact_list_json(all);
}

/* ---- bound ones ---- */
static const JsonValue *find_resolved(const Execution *execution, const Stage *stage, const char *id) {
    g_autoptr(GPtrArray) lists = stage_get_all(execution, stage, RESOLVED_ARTIFACTS);
    for (guint i = 0; i < lists->len; i++)
        for (JsonIter e = json_iter(json_is_array(lists->pdata[i]) ? lists->pdata[i] : NULL); json_next(&e);)
            if (g_strcmp0(json_get_string(e.value, "id"), id) == 0)
                return e.value;
    return NULL;
}

static gboolean is_given(const char *text) {
    return text != NULL && *text != '\0';
}

Json *stage_bound_artifact(const Execution *execution, const Stage *stage, const char *id) {
    const JsonValue *resolved = find_resolved(execution, stage, id);
    ExpectedArtifact view = expected_artifact_view(resolved);
    if (view.bound == NULL)
        return NULL;
    g_autoptr(Json) bound = artifact_canonical(view.bound);
    if (is_given(json_get_string(json_root(bound), "artifactAccount")))
        return g_steal_pointer(&bound);
    return json_with_string(json_root(bound), "artifactAccount", json_get_string(view.match, "artifactAccount"));
}

Json *task_artifact_input(TaskContext *context, const ArtifactInput *input, GError **error) {
    g_autoptr(Json) artifact = NULL;
    if (is_given(input->id))
        artifact = stage_bound_artifact(context->execution, context->stage, input->id);
    else if (json_is_object(input->artifact))
        artifact = artifact_canonical(input->artifact);
    if (artifact == NULL && is_given(input->id)) {
        error_set(error, ERR_INVALID, "%s: no expected artifact with id \"%s\" is bound in execution %s as stage \"%s\" sees it",
                  input->input, input->id, context->execution->id, context->stage->name);
        return NULL;
    }
    if (artifact == NULL) {
        error_set(error, ERR_INVALID, "%s: neither the id of an expected artifact nor an artifact is given", input->input);
        return NULL;
    }
    g_autoptr(Json) evaluated = expressions_evaluate(context->execution, context->stage, json_root(artifact), NULL, context->settings, TRUE,
                                                     context->now_ms, NULL);
    if (is_given(input->account))
        return json_with_string(json_root(evaluated), "artifactAccount", input->account);
    return g_steal_pointer(&evaluated);
}

/* ---- executions ---- */
Json *execution_artifacts(const Execution *execution, const char *without_ref) {
    g_autoptr(GPtrArray) stages = execution_topological(execution);
    g_autoptr(ArtifactList) all = artifact_list_new(FALSE);
    for (guint i = stages->len; i-- > 0;) {
        const Stage *stage = stages->pdata[i];
        const JsonValue *made = json_get(json_root(stage->outputs), ARTIFACTS);
        if (without_ref != NULL && strcmp(stage->ref_id, without_ref) == 0)
            continue;
        for (gsize n = json_is_array(made) ? json_length(made) : 0; n-- > 0;)
            artifact_list_add(all, json_at(made, n));
    }
    artifact_list_add_all(all, json_get(json_root(execution->trigger), ARTIFACTS));
    return artifact_list_json(all);
}
