/* How results and evaluated expressions get into a stage. Part of the pure core.
 *
 * A stage is edited only when something really changes: a poll that brings nothing new must not cost a commit. */
#include "engine/expressions.h"
#include "engine/step.h"

static const char *const never_published[] = {"stageTimeoutMs", NULL};

/* base with set put over it, a null taking its key away (null members are never stored); NULL when that changes nothing. */
static Json *merged(const JsonValue *base, const JsonValue *set) {
    g_autoptr(GPtrArray) taken = g_ptr_array_new();
    gboolean any = FALSE;
    JsonIter iter = json_iter(set);
    while (json_next(&iter)) {
        const JsonValue *before = json_get(base, iter.key);
        if (!json_is_null(iter.value))
            any = any || !json_equal(before, iter.value);
        else if (before)
            g_ptr_array_add(taken, (gpointer)iter.key);
    }
    if (!any && taken->len == 0)
        return NULL;
    g_ptr_array_add(taken, NULL);
    g_autoptr(Json) kept = json_without(base, (const char *const *)taken->pdata);
    g_autoptr(Json) fresh = json_without_nulls(set);
    return json_merge(json_root(kept), json_root(fresh));
}

static gboolean has_any(const JsonValue *object, const char *const *keys) {
    for (; *keys; keys++)
        if (json_get(object, *keys))
            return TRUE;
    return FALSE;
}

void step_merge_context(Step *step, const char *stage_id, const Json *set, const GPtrArray *removed) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    if (removed && removed->len > 0) {
        g_autoptr(GPtrArray) keys = g_ptr_array_new();
        for (guint i = 0; i < removed->len; i++)
            g_ptr_array_add(keys, g_ptr_array_index(removed, i));
        g_ptr_array_add(keys, NULL);
        const char *const *list = (const char *const *)keys->pdata;
        if (has_any(json_root(stage->context), list)) {
            Stage *mine = step_edit(step, stage_id);
            stage_set_context(mine, json_without(json_root(mine->context), list));
            stage = mine;
        }
    }
    Json *fresh = set ? merged(json_root(stage->context), json_root(set)) : NULL;
    if (fresh)
        stage_set_context(step_edit(step, stage_id), fresh);
}

void step_merge_outputs(Step *step, const char *stage_id, const Json *set) {
    if (!set)
        return;
    const Stage *stage = execution_stage(step->execution, stage_id);
    g_autoptr(Json) publish = json_without(json_root(set), never_published);
    Json *fresh = merged(json_root(stage->outputs), json_root(publish));
    if (fresh)
        json_set(&step_edit(step, stage_id)->outputs, fresh);
}

/* A value replaces only the very text it was evaluated from: a key that was changed since (a user's patch) keeps its change. */
static void merge_evaluated(Step *step, const char *stage_id, const Json *evaluated, const Json *from) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    if (stage->context == from) {
        stage_set_context(step_edit(step, stage_id), json_ref((Json *)evaluated));
        return;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    JsonIter iter = json_iter(json_root(evaluated));
    while (json_next(&iter))
        if (json_equal(json_get(json_root(stage->context), iter.key), json_get(json_root(from), iter.key)))
            json_add_value(builder, iter.key, iter.value);
    json_end_object(builder);
    g_autoptr(Json) kept = json_builder_end(builder);
    step_merge_context(step, stage_id, kept, NULL);
}

gboolean step_outcome_fits(const Stage *stage, const RunOutcome *outcome, GError **error) {
    gsize bytes = json_memory(outcome->evaluated ? outcome->evaluated : stage->context) + json_memory(outcome->result.context) +
                  json_memory(stage->outputs) + json_memory(outcome->result.outputs);
    if (bytes <= STAGE_BYTES_MAX)
        return TRUE;
    error_set(error, ERR_LIMIT,
              "Stage \"%s\": its context and outputs would take %" G_GSIZE_FORMAT
              " bytes, more than %d (STAGE_BYTES_MAX); what the task brought "
              "is not taken",
              stage->name, bytes, STAGE_BYTES_MAX);
    return FALSE;
}

void step_merge_outcome(Step *step, const char *stage_id, const RunOutcome *outcome) {
    if (outcome->evaluated)
        merge_evaluated(step, stage_id, outcome->evaluated, outcome->evaluated_from);
    step_merge_context(step, stage_id, outcome->result.context, outcome->result.removed);
    step_merge_outputs(step, stage_id, outcome->result.outputs);
    gint64 scheduled = outcome->result.scheduled_ms;
    if (scheduled && scheduled != execution_stage(step->execution, stage_id)->scheduled_ms)
        step_edit(step, stage_id)->scheduled_ms = scheduled;
}

gboolean step_process_context(Step *step, const char *stage_id) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    if (stage->plain)
        return FALSE;
    const StageType *type = stage_type_of(step->settings, stage);
    gboolean needs_io = FALSE;
    if (!type || expressions_are_own(step->execution, type, step->settings))
        return FALSE;
    Json *processed = expressions_process(step->execution, stage, step->settings, FALSE, step->now_ms, &needs_io);
    if (processed && json_memory(processed) + json_memory(stage->outputs) > STAGE_BYTES_MAX) {
        step_note(step, "stage %s: its expressions are left as they are, their values would exceed %d bytes (STAGE_BYTES_MAX)", stage_id,
                  STAGE_BYTES_MAX);
        json_unref(processed);
    } else if (processed) {
        stage_set_context(step_edit(step, stage_id), processed);
    }
    return needs_io;
}
