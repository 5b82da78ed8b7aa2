/* Statuses as slow and plain as the rules are written (engine.md 2 and 9), from the text, not from the engine. */
#include "slow.h"
#include <stdio.h>
#include <string.h>

gboolean slow_in(Status status, const char *names) {
    g_auto(GStrv) list = g_strsplit(names, " ", -1);
    return g_strv_contains((const char *const *)list, status_info(status)->name);
}

static gboolean has(const GArray *statuses, Status status) {
    for (guint i = 0; i < statuses->len; i++)
        if (g_array_index(statuses, Status, i) == status)
            return TRUE;
    return FALSE;
}

/* The simulated stages put nothing with these names into their outputs, so their own context decides. */
static Status slow_failure(const Stage *stage) {
    const JsonValue *context = json_root(stage->context);
    if (json_is_true(json_get(context, "continuePipeline")))
        return STATUS_FAILED_CONTINUE;
    const JsonValue *fail = json_get(context, "failPipeline");
    return !fail || json_is_true(fail) ? STATUS_TERMINAL : STATUS_STOPPED;
}

/* Of the children that ended in this very step only `decider` counts with its new status; NULL: all do. */
Status slow_stage_status(const Execution *before, const Execution *execution, const Stage *stage, const Stage *decider) {
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Status));
    gboolean after_waits = FALSE;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *child = g_ptr_array_index(execution->stages, i);
        if (!child->parent_id || strcmp(child->parent_id, stage->id) != 0)
            continue;
        const Stage *was = execution_stage(before, child->id);
        Status status = !decider || child == decider ? child->status : was ? was->status : STATUS_RUNNING;
        g_array_append_val(all, status);
        after_waits = after_waits || (child->owner == OWNER_AFTER && child->status == STATUS_NOT_STARTED);
    }
    for (guint i = 0; i < stage->tasks->len; i++)
        g_array_append_val(all, ((const TaskState *)g_ptr_array_index(stage->tasks, i))->status);
    if (json_get(json_root(stage->context), "beforeStagePlanningFailed")) {
        Status failure = slow_failure(stage);
        g_array_append_val(all, failure);
    }
    if (all->len == 0)
        return STATUS_SKIPPED;
    if (has(all, STATUS_TERMINAL))
        return slow_failure(stage);
    if (has(all, STATUS_STOPPED))
        return STATUS_STOPPED;
    if (has(all, STATUS_CANCELED))
        return STATUS_CANCELED;
    if (has(all, STATUS_FAILED_CONTINUE))
        return STATUS_FAILED_CONTINUE;
    for (guint i = 0; i < all->len; i++)
        if (!slow_in(g_array_index(all, Status, i), "SUCCEEDED SKIPPED"))
            return after_waits ? STATUS_RUNNING : STATUS_TERMINAL;
    return STATUS_SUCCEEDED;
}

static const Stage *slow_find(const Execution *execution, const char *ref_id) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (strcmp(stage->ref_id, ref_id) == 0)
            return stage;
    }
    return NULL;
}

gboolean slow_may_start(const Execution *execution, const Stage *stage) {
    for (char **ref = stage->requisites; *ref; ref++)
        if (!slow_in(slow_find(execution, *ref)->status, "SUCCEEDED FAILED_CONTINUE SKIPPED"))
            return FALSE;
    return TRUE;
}

Status slow_execution_status(const Execution *execution) {
    gboolean all_good = TRUE, terminal = FALSE, canceled = FALSE, stopped = FALSE, fails = FALSE;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        fails = fails ||
                (stage->status == STATUS_STOPPED && json_is_true(json_get(json_root(stage->context), "completeOtherBranchesThenFail")));
        if (stage->parent_id)
            continue;
        all_good = all_good && slow_in(stage->status, "SUCCEEDED SKIPPED FAILED_CONTINUE");
        terminal = terminal || stage->status == STATUS_TERMINAL;
        canceled = canceled || stage->status == STATUS_CANCELED;
        stopped = stopped || stage->status == STATUS_STOPPED;
    }
    if (execution->stages->len == 0)
        return STATUS_TERMINAL;
    if (all_good)
        return STATUS_SUCCEEDED;
    if (terminal)
        return STATUS_TERMINAL;
    if (canceled)
        return STATUS_CANCELED;
    return stopped ? (fails ? STATUS_TERMINAL : STATUS_SUCCEEDED) : STATUS_RUNNING;
}

/* A step may end several children of a stage; which of them decided about it depends on their order inside the step. */
gboolean slow_was_decided_by_one(const Execution *before, const Execution *after, const Stage *stage) {
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *child = g_ptr_array_index(after->stages, i);
        if (child->parent_id && strcmp(child->parent_id, stage->id) == 0 && slow_stage_status(before, after, stage, child) == stage->status)
            return TRUE;
    }
    return FALSE;
}

void slow_print_stages(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        fprintf(stderr, "    %s %s attempt %u%s%s:", stage->ref_id, status_info(stage->status)->name, stage->attempt,
                stage->preparing ? " preparing" : "", stage->canceling ? " canceling" : "");
        for (guint k = 0; k < stage->tasks->len; k++) {
            const TaskState *task = g_ptr_array_index(stage->tasks, k);
            fprintf(stderr, " %s=%s", task->name, status_info(task->status)->name);
        }
        fprintf(stderr, " <-");
        for (char **ref = stage->requisites; *ref; ref++)
            fprintf(stderr, " %s", *ref);
        fputc('\n', stderr);
    }
}
