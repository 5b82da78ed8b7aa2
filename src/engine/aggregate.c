/* What status follows from the statuses below: of a stage from its tasks and children, of an execution from its stages. Pure. */
#include "engine/step.h"

/* Both options are read like any key: an ancestor's output counts when the stage has no such key. failPipeline is compared
 * with the boolean true, so that any other value (the text "true" too) means "do not fail". */
Status stage_failure_status(const Execution *execution, const Stage *stage, Status otherwise) {
    if (json_is_true(stage_get(execution, stage, "continuePipeline")))
        return STATUS_FAILED_CONTINUE;
    const JsonValue *fail = stage_get(execution, stage, "failPipeline");
    return !fail || json_is_null(fail) || json_is_true(fail) ? otherwise : STATUS_STOPPED;
}

/* A set of statuses. */
typedef guint32 StatusSet;
#define IN_SET(status) ((StatusSet)1 << (status))

typedef struct {
    StatusSet all, after;
} ChildStatuses;

static gboolean add_child(const Stage *child, gpointer data) {
    ChildStatuses *statuses = data;
    statuses->all |= IN_SET(child->status);
    if (child->owner == OWNER_AFTER)
        statuses->after |= IN_SET(child->status);
    return FALSE;
}

Status stage_aggregate(const Execution *execution, const Stage *stage) {
    ChildStatuses statuses = {0};
    stage_walk_children(execution, stage, add_child, &statuses);
    for (guint i = 0; i < stage->tasks->len; i++)
        statuses.all |= IN_SET(((const TaskState *)g_ptr_array_index(stage->tasks, i))->status);
    if (json_is_true(json_get(json_root(stage->context), "beforeStagePlanningFailed")))
        statuses.all |= IN_SET(stage_failure_status(execution, stage, STATUS_TERMINAL));
    StatusSet all = statuses.all;
    if (!all)
        return STATUS_NOT_STARTED;
    if (all & IN_SET(STATUS_TERMINAL))
        return stage_failure_status(execution, stage, STATUS_TERMINAL);
    if (all & IN_SET(STATUS_STOPPED))
        return STATUS_STOPPED;
    if (all & IN_SET(STATUS_CANCELED))
        return STATUS_CANCELED;
    if (all & IN_SET(STATUS_FAILED_CONTINUE))
        return STATUS_FAILED_CONTINUE;
    if (!(all & ~(IN_SET(STATUS_SUCCEEDED) | IN_SET(STATUS_SKIPPED))))
        return STATUS_SUCCEEDED;
    if (statuses.after & IN_SET(STATUS_NOT_STARTED))
        return STATUS_RUNNING;
    return STATUS_TERMINAL;
}

/* Something else than the halted branch still runs or can still start. A paused stage will go on, so it counts. */
static gboolean other_branch_incomplete(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->parent_id)
            continue;
        if (stage->status == STATUS_RUNNING || stage->status == STATUS_PAUSED)
            return TRUE;
        if (stage->status == STATUS_NOT_STARTED && stage_upstream_complete(execution, stage))
            return TRUE;
    }
    return FALSE;
}

static gboolean stopped_branch_fails(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->status == STATUS_STOPPED && json_is_true(json_get(json_root(stage->context), "completeOtherBranchesThenFail")))
            return TRUE;
    }
    return FALSE;
}

gboolean execution_aggregate(const Execution *execution, Status *into) {
    const StatusSet passed = IN_SET(STATUS_SUCCEEDED) | IN_SET(STATUS_SKIPPED) | IN_SET(STATUS_FAILED_CONTINUE);
    StatusSet all = 0;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (!stage->parent_id)
            all |= IN_SET(stage->status);
    }
    *into = STATUS_SUCCEEDED;
    if (!(all & ~passed))
        return TRUE;
    if (all & IN_SET(STATUS_TERMINAL))
        *into = STATUS_TERMINAL;
    else if (all & IN_SET(STATUS_CANCELED))
        *into = STATUS_CANCELED;
    else if ((all & IN_SET(STATUS_STOPPED)) && !other_branch_incomplete(execution))
        *into = stopped_branch_fails(execution) ? STATUS_TERMINAL : STATUS_SUCCEEDED;
    else
        return FALSE;
    return TRUE;
}

gboolean stage_must_fail_for_expressions(const Stage *stage) {
    const JsonValue *context = json_root(stage->context);
    return json_is_true(json_get(context, "failOnFailedExpressions")) && json_length(json_get(context, "expressionEvaluationSummary")) > 0;
}
