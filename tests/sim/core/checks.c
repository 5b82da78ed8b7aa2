/* What must hold after every commit and at every run, and an aggregation that is as slow and plain as the rules are written. */
#include "../slow.h"
#include "engine/why.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_fail(const SimWorld *world, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "seed %" G_GUINT64_FORMAT ", event %u: execution %s (%s)\n", world->seed, world->events, text,
            status_info(world->current->status)->name);
    slow_print_stages(world->current);
    for (guint i = 0; i < world->runs->len; i++) {
        const SimRun *run = g_ptr_array_index(world->runs, i);
        fprintf(stderr, "  run %d of %s task %s %s\n", run->kind, run->stage_id, run->task_id ? run->task_id : "-",
                run->in_flight ? "in flight" : "asleep");
    }
    exit(1);
}

static const char *ref_of(const Execution *execution, const char *stage_id) {
    const Stage *stage = stage_id ? execution_stage(execution, stage_id) : NULL;
    return stage ? stage->ref_id : "-";
}

void sim_print_step(const SimWorld *world, const Message *message, const Execution *draft, const Effects *effects) {
    fprintf(stderr, "%u %s %s %s\n", world->events, message_kind_name(message->kind), ref_of(draft, message->stage_id),
            message->task_id ? message->task_id : "");
    for (guint i = 0; i < draft->drafts->len; i++) {
        const Stage *stage = g_ptr_array_index(draft->drafts, i);
        const Stage *was = execution_stage(world->current, stage->id);
        fprintf(stderr, "    stage %s: %s -> %s\n", stage->ref_id, was ? status_info(was->status)->name : "none",
                status_info(stage->status)->name);
    }
    for (guint i = 0; i < effects->list->len; i++) {
        const Effect *effect = &g_array_index(effects->list, Effect, i);
        fprintf(stderr, "    effect %d run %d of %s\n", effect->kind, effect->run, ref_of(draft, effect->stage_id));
    }
    for (guint i = 0; i < effects->notes->len; i++)
        fprintf(stderr, "    note %s\n", (char *)g_ptr_array_index(effects->notes, i));
    fprintf(stderr, "    execution %s%s\n", status_info(draft->status)->name, draft->canceled ? " canceled" : "");
}

/* ---- after a commit ---- */
static void check_completed_stage(SimWorld *world, const Execution *before, const Execution *after, const Stage *stage) {
    Status expected = slow_stage_status(before, after, stage, NULL);
    const JsonValue *context = json_root(stage->context);
    gboolean bad_plan = json_get(context, "bad_after") || json_get(context, "bad_onFailure") || strcmp(stage->type, "unknown") == 0;
    if (stage->status == expected || world->user_acted || bad_plan || slow_was_decided_by_one(before, after, stage))
        return;
    if ((stage->status == STATUS_CANCELED || expected == STATUS_CANCELED) && status_info(after->status)->complete)
        return; /* the execution ended in the same step, and cut it, or a child it did not wait for, short */
    sim_fail(world, "stage %s ended %s instead of %s", stage->ref_id, status_info(stage->status)->name, status_info(expected)->name);
}

static void note_finished_tasks(SimWorld *world, const Stage *stage) {
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (status_info(task->status)->complete)
            g_hash_table_add(world->finished, g_strdup_printf("%s %u %s", stage->id, stage->attempt, task->name));
    }
}

/* Everything that is not done says why (a part of the commits: each sentence is made anew). */
static void check_why(const SimWorld *world, const Execution *execution) {
    const WhyFacts facts = {.settings = world->settings, .now_ms = 1};
    /* One that ended without a stage says that it had none. */
    gboolean empty = execution->status == STATUS_TERMINAL && execution->stages->len == 0 && !execution->canceled;
    guint sentences = 0, expected = execution_is_settled(execution) && !empty ? 0 : 1;
    g_autoptr(Json) why = why_explain(execution, &facts);
    for (JsonIter i = json_iter(json_root(why)); json_next(&i); sentences++)
        if (!json_get_string(i.value, "rule") || strlen(json_get_string(i.value, "reason")) < 5)
            sim_fail(world, "sentence %u about why it waits is empty", sentences);
    for (guint i = 0; expected && i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        gboolean done = status_info(stage->status)->complete;
        expected += !done || stage->canceling;
        for (guint k = 0; !done && k < stage->tasks->len; k++)
            expected += !status_info(((const TaskState *)g_ptr_array_index(stage->tasks, k))->status)->complete;
    }
    if (sentences != expected)
        sim_fail(world, "%u sentences about why it waits instead of %u", sentences, expected);
}

void sim_check_commit(SimWorld *world, const Execution *before, const Execution *after) {
    if (world->events % 16 == 0)
        check_why(world, after);
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(after->stages, i);
        const Stage *was = execution_stage(before, stage->id);
        Status previous = was ? was->status : STATUS_NOT_STARTED;
        note_finished_tasks(world, stage);
        if (stage->status != previous && status_info(stage->status)->complete)
            check_completed_stage(world, before, after, stage);
        if (previous == STATUS_NOT_STARTED && stage->status != previous && !slow_may_start(after, stage) && !world->user_acted)
            sim_fail(world, "stage %s began before its requisites were complete", stage->ref_id);
        if (status_info(previous)->complete && stage->status != previous && !world->user_acted)
            sim_fail(world, "stage %s was complete and is %s", stage->ref_id, status_info(stage->status)->name);
    }
    const StatusInfo *info = status_info(after->status);
    if (info->complete && !status_info(before->status)->complete && !world->user_acted) {
        Status expected = slow_execution_status(after);
        /* What was paused is let go when the execution ends, and may end TERMINAL in the same step. */
        gboolean first_canceled = after->status == STATUS_CANCELED && expected == STATUS_TERMINAL && before->status == STATUS_PAUSED;
        if (after->status != expected && !first_canceled)
            sim_fail(world, "ended instead of %s", status_info(expected)->name);
    }
    if (info->complete && after->status != STATUS_SUCCEEDED && after->status != STATUS_TERMINAL && after->status != STATUS_CANCELED)
        sim_fail(world, "ended with a stage's status");
}

/* ---- at a run ---- */
void sim_check_run(SimWorld *world, const SimRun *run) {
    const Execution *execution = world->current;
    const Stage *stage = execution_stage(execution, run->stage_id);
    if (run->kind != RUN_TASK)
        return;
    g_autofree char *key = g_strdup_printf("%s %u %s", stage->id, stage->attempt, stage_task(stage, run->task_id)->name);
    if (g_hash_table_contains(world->finished, key))
        sim_fail(world, "task %s is run though its end is committed", key);
    if (status_info(execution->status)->complete || execution->canceled || execution->status == STATUS_PAUSED)
        sim_fail(world, "stage %s is run", stage->ref_id);
    if (!slow_may_start(execution, stage) && !world->user_acted)
        sim_fail(world, "stage %s is run before its requisites", stage->ref_id);
    for (guint i = 0; i < execution->stages->len && !world->user_acted; i++) {
        const Stage *child = g_ptr_array_index(execution->stages, i);
        if (child->owner == OWNER_BEFORE && strcmp(child->parent_id, stage->id) == 0 &&
            !slow_in(child->status, "SUCCEEDED FAILED_CONTINUE SKIPPED"))
            sim_fail(world, "stage %s is run before its before-stage %s", stage->ref_id, child->ref_id);
    }
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (strcmp(task->id, run->task_id) == 0)
            break;
        if (!status_info(task->status)->complete)
            sim_fail(world, "stage %s: task %s is run before %s", stage->ref_id, run->task_id, task->name);
    }
}

/* ---- at any time: whatever is not at rest has somebody who will go on with it ---- */
static gboolean is_expected(const SimWorld *world, const Stage *stage) {
    for (guint i = 0; i < world->runs->len; i++)
        if (strcmp(((const SimRun *)g_ptr_array_index(world->runs, i))->stage_id, stage->id) == 0)
            return TRUE;
    for (GList *each = world->mailbox.head; each; each = each->next) {
        const Message *message = each->data;
        if ((message->stage_id && strcmp(message->stage_id, stage->id) == 0) || message->kind == MESSAGE_RECOVER_EXECUTION)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_active_child(const Execution *execution, const Stage *stage) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *child = g_ptr_array_index(execution->stages, i);
        if (child->parent_id && strcmp(child->parent_id, stage->id) == 0 &&
            (child->status == STATUS_RUNNING || child->status == STATUS_PAUSED))
            return TRUE;
    }
    return FALSE;
}

void sim_check_waiting(SimWorld *world) {
    const Execution *execution = world->current;
    if (execution->pending)
        return; /* the rest of a full step comes first */
    gboolean active = execution->status != STATUS_RUNNING;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->canceling && !is_expected(world, stage))
            sim_fail(world, "nobody ends the cancel routine of stage %s", stage->ref_id);
        if (stage->status == STATUS_PAUSED)
            active = TRUE;
        if (stage->status != STATUS_RUNNING)
            continue;
        active = TRUE;
        if (!is_expected(world, stage) && !has_active_child(execution, stage))
            sim_fail(world, "nobody goes on with stage %s", stage->ref_id);
    }
    if (!active && execution->stages->len > 0)
        sim_fail(world, "is RUNNING, but no stage is");
}
