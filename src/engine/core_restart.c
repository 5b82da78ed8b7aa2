/* What users do to single stages: restart and patch. Part of the pure core. */
#include "engine/step.h"
#include <string.h>

#define RESTARTED_BY_CHILD_KEY "_skipPipelineRestart" /* the child restarted itself: its parent only watches it again */

/* ---- reset ---- */
static gboolean collect_children(const Stage *stage, gpointer data) {
    g_ptr_array_add(data, stage_ref((Stage *)stage));
    return FALSE;
}

static void remove_synthetics(Step *step, const Stage *stage) {
    g_autoptr(GPtrArray) family = g_ptr_array_new_with_free_func((GDestroyNotify)stage_unref);
    stage_walk_family(step->execution, stage, collect_children, family);
    for (guint i = 0; i < family->len; i++) {
        const Stage *each = g_ptr_array_index(family, i);
        if (strcmp(each->id, stage->id) == 0)
            continue;
        if (each->status == STATUS_RUNNING || each->status == STATUS_PAUSED)
            step_wake(step, each, TRUE);
        execution_remove_stage(step->execution, each);
    }
}

/* What a closing task bound would be found again before what the stage is about to make. */
static void forget_bound(Stage *stage) {
    static const char *const bound[] = {ARTIFACTS, RESOLVED_ARTIFACTS, NULL};
    if (!json_get(json_root(stage->context), RESOLVED_ARTIFACTS))
        return;
    stage_set_context(stage, json_without(json_root(stage->context), bound));
    json_set(&stage->outputs, json_without(json_root(stage->outputs), bound));
}

static void reset_context(Stage *stage, const StageType *type) {
    static const char *const of_engine[] = {"beforeStagePlanningFailed", "_progress", "cancelError", NULL};
    gboolean clear_outputs = FALSE;
    Json *own = type && type->on_restart ? type->on_restart(stage, &clear_outputs) : NULL;
    if (own)
        stage_set_context(stage, own);
    if (type && type->restart_drops)
        stage_set_context(stage, json_without(json_root(stage->context), type->restart_drops));
    stage_set_context(stage, json_without(json_root(stage->context), of_engine));
    if (type && type->closing_tasks)
        forget_bound(stage);
    if (clear_outputs)
        json_set(&stage->outputs, json_empty_object());
}

static void reset_stage(Step *step, const char *stage_id) {
    Stage *stage = step_edit(step, stage_id);
    stage->status = STATUS_NOT_STARTED;
    stage->start_ms = stage->end_ms = stage->scheduled_ms = 0;
    stage->attempt++;
    stage->preparing = FALSE;
    g_ptr_array_set_size(stage->tasks, 0);
    reset_context(stage, stage_type_of(step->settings, stage));
    remove_synthetics(step, stage);
    execution_reindex(step->execution);
}

/* The stage and all behind it, each once. */
static GPtrArray *stages_behind(Step *step, const Stage *stage) {
    GPtrArray *ids = g_ptr_array_new_with_free_func((GDestroyNotify)text_unref);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_ptr_array_add(ids, text_ref(stage->id));
    g_hash_table_add(seen, stage->id);
    for (guint i = 0; i < ids->len; i++) {
        StagePlaces down = stage_downstream(step->execution, execution_stage(step->execution, g_ptr_array_index(ids, i)));
        for (guint k = 0; k < down.n; k++) {
            const Stage *each = execution_stage_at(step->execution, down.at[k]);
            if (g_hash_table_add(seen, each->id))
                g_ptr_array_add(ids, text_ref(each->id));
        }
    }
    return ids;
}

/* ---- restart ---- */
static const JsonValue *preconditions_in(const JsonValue *stages, const char *ref_id) {
    JsonIter iter = json_iter(stages);
    while (json_next(&iter)) {
        const char *ref = json_get_string(iter.value, "refId");
        if (ref && strcmp(ref, ref_id) == 0)
            return json_get(iter.value, "preconditions");
    }
    return NULL;
}

/* A pipeline that was corrected since may bring new preconditions along; a stage that has none in it any more loses them. */
static void take_preconditions(Step *step, const JsonValue *pipeline) {
    static const char *const replaced[] = {"preconditions", NULL};
    const JsonValue *stages = json_get(pipeline, "stages");
    gboolean any = FALSE;
    JsonIter iter = json_iter(stages);
    while (json_next(&iter))
        any = any || g_strcmp0(json_get_string(iter.value, "type"), "checkPreconditions") == 0;
    for (guint i = 0; any && i < step->execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(step->execution, i);
        if (stage->parent_id || strcmp(stage->type, "checkPreconditions") != 0)
            continue;
        const JsonValue *fresh = preconditions_in(stages, stage->ref_id);
        Stage *mine = execution_edit_stage(step->execution, stage);
        stage_set_context(mine, fresh ? json_with(json_root(mine->context), "preconditions", fresh)
                                      : json_without(json_root(mine->context), replaced));
    }
}

static void note_restart(Step *step, const char *stage_id, const char *user) {
    static const char *const exception[] = {"exception", NULL};
    Stage *stage = step_edit(step, stage_id);
    g_autoptr(Json) details = json_pack("{s:{s:s, s:i, s:v}}", "restartDetails", "restartedBy", user ? user : "anonymous", "restartTime",
                                        step->now_ms, "previousException", json_get(json_root(stage->context), "exception"));
    g_autoptr(Json) without = json_without(json_root(stage->context), exception);
    stage_set_context(stage, json_merge(json_root(without), json_root(details)));
}

static void restart_parent(Step *step, const char *user) {
    const Execution *execution = step->execution;
    if (!execution->parent_id || !execution->parent_stage_id)
        return;
    Message *message = message_new(MESSAGE_RESTART_STAGE);
    message->stage_id = text_new(execution->parent_stage_id);
    message->user = text_new(user);
    message->body = json_pack("{s:b}", RESTARTED_BY_CHILD_KEY, TRUE);
    Effect effect = {.kind = EFFECT_SEND, .recipient = text_ref(execution->parent_id), .message = message};
    g_array_append_val(step->effects->list, effect);
}

/* Stages of other branches that a cancellation kept from beginning: nothing else would ever start them. */
static void start_what_never_began(Step *step, const char *restarted_id) {
    for (guint i = 0; i < step->execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(step->execution, i);
        if (!stage->parent_id && stage->status == STATUS_NOT_STARTED && strcmp(stage->id, restarted_id) != 0 &&
            stage_upstream_complete(step->execution, stage))
            step_push_stage(step, MESSAGE_START_STAGE, stage);
    }
}

void step_restart(Step *step, const char *stage_id, const char *user, const JsonValue *body) {
    const Stage *top = stage_top_level(step->execution, execution_stage(step->execution, stage_id));
    g_autoptr(GPtrArray) ids = stages_behind(step, top);
    const char *top_id = g_ptr_array_index(ids, 0);
    note_restart(step, top_id, user);
    if (json_get_bool(body, RESTARTED_BY_CHILD_KEY, FALSE)) {
        g_autoptr(Json) yes = json_from_bool(TRUE);
        Stage *mine = step_edit(step, top_id);
        stage_set_context(mine, json_with(json_root(mine->context), RESTARTED_BY_CHILD_KEY, json_root(yes)));
    }
    take_preconditions(step, body);
    for (guint i = 0; i < ids->len; i++)
        if (status_info(execution_stage(step->execution, g_ptr_array_index(ids, i))->status)->complete)
            reset_stage(step, g_ptr_array_index(ids, i));
    step_set_execution_status(step, STATUS_RUNNING);
    step_resume_stages(step); /* of an execution that was paused */
    step_push_stage_id(step, MESSAGE_START_STAGE, top_id);
    start_what_never_began(step, top_id);
    restart_parent(step, user);
}

static gboolean is_at_work(const Stage *stage, gpointer data) {
    (void)data;
    return stage->canceling || stage->status == STATUS_RUNNING || stage->status == STATUS_PAUSED;
}

/* Whether some stage's cancel routine is still at work, or a stage that was planned around one of those that begin anew: what is told to
 * give up cleans up first, and must not meet what a restart begins. */
static gboolean is_cleaning_up(Step *step, const Stage *top) {
    const Execution *execution = step->execution;
    for (guint i = 0; i < execution->stages->len; i++)
        if (execution_stage_at(execution, i)->canceling)
            return TRUE;
    g_autoptr(GPtrArray) ids = stages_behind(step, top);
    for (guint i = 0; i < ids->len; i++) {
        const Stage *stage = execution_stage(execution, g_ptr_array_index(ids, i));
        if (status_info(stage->status)->complete && stage_walk_family(execution, stage, is_at_work, NULL))
            return TRUE;
    }
    return FALSE;
}

void handle_restart_stage(Step *step, const Message *message) {
    Execution *execution = step->execution;
    const Stage *stage = execution_stage(execution, message->stage_id);
    if (!stage) {
        step_refuse(step, ERR_NOT_FOUND, "Stage %s does not exist in execution %s", message->stage_id, execution->id);
        return;
    }
    const Stage *top = stage_top_level(execution, stage);
    if (execution->status == STATUS_NOT_STARTED || (!status_info(top->status)->complete && top->status != STATUS_NOT_STARTED)) {
        step_refuse(step, ERR_CONFLICT, "Stage %s of execution %s cannot be restarted: the execution is %s, the stage %s", top->name,
                    execution->id, status_info(execution->status)->name, status_info(top->status)->name);
    } else if (!stage_upstream_complete(execution, top)) {
        step_refuse(step, ERR_CONFLICT,
                    "Stage %s of execution %s cannot be restarted: a stage before it has not succeeded; restart that one", top->name,
                    execution->id);
    } else if (is_cleaning_up(step, top)) {
        step_refuse(step, ERR_CONFLICT, "Stage %s of execution %s is still cleaning up after its end; restart it when that is done",
                    top->name, execution->id);
    } else if (json_get_bool(json_root(message->body), RESTARTED_BY_CHILD_KEY, FALSE) && !status_info(execution->status)->complete) {
        return; /* it still watches the child */
    } else if (message->park) {
        execution->status = STATUS_NOT_STARTED;
        execution->canceled = FALSE; /* or its turn would never begin it */
        json_set(&execution->parked_restart,
                 json_pack("{s:s, s:s, s:j, s:i}", "stageId", top->id, "user", message->user, "body", message->body, "time", step->now_ms));
        execution_touch(execution);
    } else {
        step_restart(step, top->id, message->user, json_root(message->body));
    }
}

/* ---- patch ---- */
/* What a stage came to, and by whose word: nobody changes it once the stage has ended. */
static const char *const outcome_keys[] = {"exception", "judgmentStatus", "judgmentInput", "manualSkip", NULL};

static const char *changed_outcome(const Stage *stage, const JsonValue *changes) {
    for (guint i = 0; outcome_keys[i] && status_info(stage->status)->complete; i++)
        if (json_get(changes, outcome_keys[i]))
            return outcome_keys[i];
    return NULL;
}

/* Whether the changes may be made; else the message is refused. */
static gboolean may_patch(Step *step, const Stage *stage, const Message *message) {
    const JsonValue *changes = json_root(message->body);
    const char *outcome = changed_outcome(stage, changes);
    const StageType *type = stage_type_of(step->settings, stage);
    g_autoptr(GError) wrong = NULL;
    if (outcome)
        step_refuse(step, ERR_CONFLICT,
                    "Stage %s of execution %s has ended (%s): its %s cannot be changed any more; restart the stage instead", stage->name,
                    step->execution->id, status_info(stage->status)->name, outcome);
    else if (json_memory(stage->context) + json_memory(stage->outputs) + json_memory(message->body) > STAGE_BYTES_MAX)
        step_refuse(step, ERR_LIMIT, "Stage %s would be larger than %d bytes (STAGE_BYTES_MAX)", stage->name, STAGE_BYTES_MAX);
    else if (json_is_true(json_get(changes, "manualSkip")) && !(type && type->can_skip && type->can_skip(step->execution, stage)))
        step_refuse(step, ERR_INVALID, "Cannot manually skip stage.");
    else if (type && type->check_patch && !type->check_patch(stage, changes, &wrong))
        step_refuse(step, error_code(wrong), "Stage %s: %s", stage->name, wrong->message);
    else
        return TRUE;
    return FALSE;
}

void handle_patch_stage(Step *step, const Message *message) {
    const Stage *stage = execution_stage(step->execution, message->stage_id);
    const JsonValue *changes = json_root(message->body);
    if (!stage) {
        step_refuse(step, ERR_NOT_FOUND, "Stage %s does not exist in execution %s", message->stage_id, step->execution->id);
        return;
    }
    if (!json_is_object(changes)) {
        step_refuse(step, ERR_INVALID, "What is to be changed of stage %s has to be an object", stage->name);
        return;
    }
    if (!may_patch(step, stage, message))
        return;
    const char *user = message->user ? message->user : "anonymous";
    if (status_info(stage->status)->complete) { /* whose word it ended by, and as whom others run, stays */
        step_note(step, "stage %s: its context was changed by %s after its end", stage->id, user);
        step_merge_context(step, message->stage_id, message->body, NULL);
        return;
    }
    g_autoptr(Json) by = json_from_string(user);
    g_autoptr(Json) all = json_with(changes, "lastModifiedBy", json_root(by));
    step_merge_context(step, message->stage_id, all, NULL);
    Stage *mine = step_edit(step, message->stage_id);
    json_set(&mine->last_modified,
             json_pack("{s:s, s:j, s:i}", "user", user, "allowedAccounts", message->accounts, "lastModifiedTime", step->now_ms));
    step_wake(step, mine, FALSE);
}
