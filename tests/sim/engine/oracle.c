/* What must always hold, looked at from outside: in what the store has after each commit, as each task begins, at any time, and
 * at the end. */
#include "../slow.h"
#include "world.h"
#include <string.h>

/* ---- after a commit ---- */
static void check_ended_stage(World *world, Known *known, const Execution *before, const Execution *after, const Stage *stage) {
    Status expected = slow_stage_status(before, after, stage, NULL);
    const JsonValue *context = json_root(stage->context);
    gboolean bad_plan = json_get(context, "bad_after") || json_get(context, "bad_onFailure");
    world->counters->checked_ends++;
    if (stage->status == expected || known->interfered || bad_plan || slow_was_decided_by_one(before, after, stage))
        return;
    if ((stage->status == STATUS_CANCELED || expected == STATUS_CANCELED) && status_info(after->status)->complete)
        return; /* the execution ended in the same step, and cut it, or a child it did not wait for, short */
    world_fail(world, known, "stage %s ended %s instead of %s", stage->ref_id, status_info(stage->status)->name,
               status_info(expected)->name);
}

static char *task_key(const Stage *stage, const TaskState *task) {
    return g_strdup_printf("%s %u %s", stage->id, stage->attempt, task->name);
}

static void note_ended_tasks(Known *known, const Stage *stage) {
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (status_info(task->status)->complete)
            g_hash_table_add(known->ended, task_key(stage, task));
    }
}

/* ---- windows, read off the clock of their zone ---- */
#define WINDOW_ZONE "America/Los_Angeles"
#define WINDOW_SLACK_MS 60000 /* between the look at the clock and the commit */

static gint64 minute_of_day(const JsonValue *range, const char *hour, const char *minute) {
    return json_get_int(range, hour, 0) * 60 + json_get_int(range, minute, 0);
}

static gboolean is_open_at(const JsonValue *range, gint64 now_ms) {
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(WINDOW_ZONE);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(now_ms / 1000), local = g_date_time_to_timezone(utc, zone);
    gint64 from = minute_of_day(range, "startHour", "startMin"), to = minute_of_day(range, "endHour", "endMin");
    gint64 minute = g_date_time_get_hour(local) * 60 + g_date_time_get_minute(local);
    gboolean over_midnight = json_get_int(range, "startHour", 0) > json_get_int(range, "endHour", 0);
    return over_midnight ? minute >= from || minute <= to : minute >= from && minute <= to;
}

/* A window lets go while it is open; one with a jitter may let go later. */
static void check_window(World *world, const Known *known, const Stage *stage) {
    const JsonValue *window = json_get(json_root(stage->context), "restrictedExecutionWindow"), *range;
    gint64 now_ms = world_now_ms(world);
    range = json_at(json_get(window, "whitelist"), 0);
    if (strcmp(stage->type, "restrictExecutionDuringTimeWindow") != 0 || stage->status != STATUS_SUCCEEDED || known->interfered ||
        json_get(window, "jitter") || world->jumped_ms >= stage->start_ms)
        return;
    world->counters->checked_windows++;
    if (!is_open_at(range, now_ms) && !is_open_at(range, now_ms - WINDOW_SLACK_MS))
        world_fail(world, known, "stage %s was let go outside its window", stage->ref_id);
}

static void check_stages(World *world, Known *known, const Execution *before, const Execution *after) {
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(after->stages, i);
        const Stage *was = execution_stage(before, stage->id);
        Status previous = was ? was->status : STATUS_NOT_STARTED;
        note_ended_tasks(known, stage);
        if (stage->status != previous && status_info(stage->status)->complete) {
            check_ended_stage(world, known, before, after, stage);
            check_window(world, known, stage);
        }
        if (known->interfered)
            continue;
        if (previous == STATUS_NOT_STARTED && stage->status != previous && !slow_may_start(after, stage))
            world_fail(world, known, "stage %s began before its requisites were complete", stage->ref_id);
        if (status_info(previous)->complete && stage->status != previous)
            world_fail(world, known, "stage %s was complete and is %s", stage->ref_id, status_info(stage->status)->name);
    }
}

static void check_ended_execution(World *world, Known *known, const Execution *before, const Execution *after) {
    const StatusInfo *info = status_info(after->status);
    if (!info->complete || status_info(before->status)->complete)
        return;
    if (!slow_in(after->status, "SUCCEEDED TERMINAL CANCELED"))
        world_fail(world, known, "ended with a stage's status");
    if (known->interfered || after->canceled)
        return;
    Status expected = slow_execution_status(after);
    /* What was paused is let go when the execution ends, and may end TERMINAL in the same step. */
    gboolean first_canceled = after->status == STATUS_CANCELED && expected == STATUS_TERMINAL;
    if (after->status != expected && !first_canceled)
        world_fail(world, known, "ended %s instead of %s", info->name, status_info(expected)->name);
}

/* ---- what spans executions ---- */
static guint count_running(const World *world, guint config) {
    guint n = 0;
    for (guint i = 0; i < world->known->len; i++) {
        const Known *known = g_ptr_array_index(world->known, i);
        n += known->config == config && !known->deleted && known->last && known->last->status == STATUS_RUNNING;
    }
    return n;
}

/* One at a time, first come first served: nobody who was stored earlier and has never begun is passed. */
static void check_order(World *world, Known *known, const Execution *after) {
    if (world->limits[known->config] != 1 || !world->keeps[known->config])
        return;
    world->counters->checked_orders++;
    for (guint i = 0; i < world->known->len; i++) {
        const Known *other = g_ptr_array_index(world->known, i);
        if (other != known && other->config == known->config && !other->deleted && !other->interfered && other->last &&
            other->last->status == STATUS_NOT_STARTED && other->last->start_ms == 0 && other->last->key < after->key)
            world_fail(world, known, "began before execution %u, which came earlier", other->order);
    }
}

/* Restarting and resuming may go over a limit: whoever acts by hand means it. */
static void check_limits(World *world, Known *known, const Execution *before, const Execution *after) {
    gint64 limit = world->limits[known->config];
    if (limit == 0 || after->status != STATUS_RUNNING || before->status == STATUS_RUNNING)
        return;
    world->counters->checked_limits++;
    if (before->status == STATUS_PAUSED || known->interfered)
        return;
    guint running = 0;
    for (guint i = 0; i < world->known->len; i++) {
        const Known *other = g_ptr_array_index(world->known, i);
        gboolean counts = other->config == known->config && !other->deleted && other->last && other->last->status == STATUS_RUNNING;
        running += counts && (other == known || (other->last->paused == NULL && !other->interfered));
    }
    if (running > limit)
        world_fail(world, known, "runs as one of %u, the limit is %" G_GINT64_FORMAT, running, limit);
    check_order(world, known, after);
}

static void say_what_changed(World *world, const Known *known, const Execution *before, const Execution *after) {
    if (!world->trace)
        return;
    g_autoptr(GString) text = g_string_new(status_info(after->status)->name);
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(after->stages, i);
        const Stage *was = before ? execution_stage(before, stage->id) : NULL;
        if (!was || was->status != stage->status)
            g_string_append_printf(text, " %s=%s", stage->ref_id, status_info(stage->status)->name);
    }
    g_string_append_printf(text, "%s%s", after->pending ? " pending" : "", after->canceled ? " canceled" : "");
    world_say(world, "commit %u version %" G_GINT64_FORMAT ": %s", known->order, after->version, text->str);
}

void oracle_commit(World *world, Known *known) {
    Execution *after = world_load(world, known->id);
    if (after == NULL) {
        known->deleted = TRUE;
        return;
    }
    g_autoptr(Execution) before = known->last;
    known->last = after;
    known->interfered = known->interfered || after->canceled;
    say_what_changed(world, known, before, after);
    if (before == NULL) {
        world->counters->parked += after->status == STATUS_NOT_STARTED;
        if (status_info(after->status)->complete && after->status != STATUS_CANCELED && after->status != STATUS_TERMINAL)
            return;
        g_autoptr(Execution) nothing = execution_new(EXECUTION_PIPELINE);
        check_limits(world, known, nothing, after);
        for (guint i = 0; i < after->stages->len; i++)
            note_ended_tasks(known, g_ptr_array_index(after->stages, i));
        return;
    }
    world->counters->checked_commits++;
    if (after->version <= before->version)
        world_fail(world, known, "version %" G_GINT64_FORMAT " after %" G_GINT64_FORMAT, after->version, before->version);
    check_stages(world, known, before, after);
    check_ended_execution(world, known, before, after);
    check_limits(world, known, before, after);
}

/* ---- as a task begins ---- */
void oracle_run(World *world, const Execution *snapshot, const Stage *stage, const TaskState *task) {
    Known *known = world_find(world, snapshot->id);
    world->counters->checked_runs++;
    world->counters->checked_acts++;
    if (known->last == NULL || known->last->version < snapshot->version)
        world_fail(world, known, "task %s of stage %s acts on what is not committed", task->name, stage->ref_id);
    g_autofree char *key = task_key(stage, task);
    /* By force: what has a worker already is told to give up, and may begin in between. */
    if (!known->forced && g_hash_table_contains(known->ended, key))
        world_fail(world, known, "task %s of stage %s is run though its end is committed", task->name, stage->ref_id);
    if (status_info(snapshot->status)->complete || snapshot->status == STATUS_PAUSED)
        world_fail(world, known, "stage %s is run in an execution that is %s", stage->ref_id, status_info(snapshot->status)->name);
    if (known->interfered)
        return;
    if (!slow_may_start(snapshot, stage))
        world_fail(world, known, "stage %s is run before its requisites", stage->ref_id);
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *earlier = g_ptr_array_index(stage->tasks, i);
        if (strcmp(earlier->id, task->id) == 0)
            break;
        if (!status_info(earlier->status)->complete)
            world_fail(world, known, "stage %s: task %s is run before %s", stage->ref_id, task->name, earlier->name);
    }
}

/* ---- at any time ---- */
void oracle_patch(World *world, const Known *known, const Stage *stage, gint64 value) {
    g_autoptr(Execution) stored = world_load(world, known->id);
    const Stage *patched = stored ? execution_stage(stored, stage->id) : NULL;
    if (patched == NULL)
        return; /* deleted, or planned anew */
    world->counters->checked_patches++;
    if (json_get_int(json_root(patched->context), "patched", 0) != value)
        world_fail(world, known, "the patch of stage %s was acknowledged and is lost", stage->ref_id);
}

void oracle_reason(World *world, const Known *known) {
    g_autoptr(Execution) execution = engine_load(world->engine, known->id, NULL);
    if (execution == NULL || status_info(execution->status)->complete)
        return;
    g_autoptr(Json) reasons = engine_why(world->engine, execution, world_now_ms(world));
    world->counters->checked_reasons++;
    gboolean any = FALSE;
    JsonIter iter = json_iter(json_root(reasons));
    while (json_next(&iter)) {
        const char *reason = json_get_string(iter.value, "reason");
        if (reason == NULL || *reason == '\0')
            world_fail(world, known, "something waits without a reason");
        any = TRUE;
    }
    if (!any)
        world_fail(world, known, "waits without a reason");
}

/* ---- when nothing is left to happen ---- */
/* Each stage that ran a pipeline well ran it once, and that one ended well. */
static void check_children(World *world, const Known *known, const Stage *stage) {
    const Known *child = NULL;
    if (strcmp(stage->type, "pipeline") != 0 || known->interfered || stage->status != STATUS_SUCCEEDED)
        return;
    world->counters->checked_children++;
    for (guint i = 0; i < world->known->len; i++) {
        const Known *each = g_ptr_array_index(world->known, i);
        if (each->parent != known || strcmp(each->stage_id, stage->id) != 0)
            continue;
        if (child)
            world_fail(world, each, "is the second one that stage %s started", stage->ref_id);
        child = each;
    }
    if (!child)
        world_fail(world, known, "stage %s ran no pipeline", stage->ref_id);
    gboolean waits = g_strcmp0(json_get_string(json_root(stage->context), "waitForCompletion"), "false") != 0;
    if (waits && !child->deleted && !child->interfered && child->last->status != STATUS_SUCCEEDED)
        world_fail(world, child, "ended badly, but stage %s of its parent did not", stage->ref_id);
}

void oracle_end(World *world) {
    for (guint i = 0; i < world->known->len; i++) {
        const Known *known = g_ptr_array_index(world->known, i);
        g_autoptr(Execution) stored = world_load(world, known->id);
        if (stored == NULL) {
            if (known->acknowledged && !known->deleted)
                world_fail(world, known, "execution %u was acknowledged and is lost", known->order);
            continue;
        }
        if (!execution_is_settled(stored) || !status_info(stored->status)->complete)
            world_fail(world, known, "execution %u is stuck (%u of its pipeline run)", known->order, count_running(world, known->config));
        for (guint k = 0; k < stored->stages->len; k++)
            check_children(world, known, g_ptr_array_index(stored->stages, k));
        if (known->canceled && !stored->canceled && !slow_in(stored->status, "SUCCEEDED TERMINAL CANCELED"))
            world_fail(world, known, "execution %u was cancelled and is not", known->order);
    }
}
