/* Why something waits, in one sentence each. Any thread; reads a snapshot and the actor's list of runs. */
#include "base/clock.h"
#include "engine/graph.h"
#include "engine/runner.h"

typedef struct {
    Engine *engine;
    const Execution *execution;
    Actor *actor; /* or NULL: at rest */
    EngineSettings *settings;
    JsonBuilder *builder;
    gint64 now_ms;
} Why;

static void add(const Why *why, const Stage *stage, const TaskState *task, gint64 since_ms, const char *reason) {
    json_begin_object(why->builder, NULL);
    json_add_string(why->builder, "stageId", stage ? stage->id : NULL);
    json_add_string(why->builder, "taskId", task ? task->id : NULL);
    if (since_ms)
        json_add_int(why->builder, "since", since_ms);
    json_add_string(why->builder, "reason", reason);
    json_end_object(why->builder);
}

/* What the stage's run does; the texts say it to the person who waits. */
static char *describe_run(const Why *why, const Stage *stage, gint64 *since_ms) {
    char *text = NULL;
    if (!why->actor)
        return NULL;
    g_mutex_lock(&why->actor->lock);
    for (guint i = 0; i < why->actor->runs->len && !text; i++) {
        const Run *run = g_ptr_array_index(why->actor->runs, i);
        if (run->attempt != stage->attempt || !g_str_equal(run->stage_id, stage->id))
            continue;
        *since_ms = run->since_ms;
        g_autofree char *left = clock_duration_text(MAX(run->at_ms - why->now_ms, 0));
        text = run->state == RUN_ASLEEP ? g_strdup_printf("waits to be looked at again, in %s", left) : g_strdup("a worker is at it");
    }
    g_mutex_unlock(&why->actor->lock);
    return text;
}

static void why_running(const Why *why, const Stage *stage) {
    const StageType *type = stage_type_of(why->settings, stage);
    gint64 since = stage->start_ms;
    g_autofree char *run = describe_run(why, stage, &since);
    const TaskState *running = NULL;
    for (guint i = 0; i < stage->tasks->len && !running; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        running = task->status == STATUS_RUNNING ? task : NULL;
    }
    g_autofree char *own = running && type && type->why_waiting ? type->why_waiting(why->execution, stage, why->now_ms) : NULL;
    const char *progress = json_get_string(json_root(stage->context), "_progress");
    g_autoptr(GString) text = g_string_new(NULL);
    if (stage->preparing)
        g_string_append(text, "what it needs is being looked up");
    else if (!running)
        g_string_append(text, "the stages inside it are not done");
    else
        g_string_append_printf(text, "task %s", running->name);
    if (own || progress)
        g_string_append_printf(text, ": %s", own ? own : progress);
    if (run && (running || stage->preparing))
        g_string_append_printf(text, " (%s)", run);
    add(why, stage, running, since, text->str);
}

static void why_not_started(const Why *why, const Stage *stage) {
    StagePlaces up = stage_upstream(why->execution, stage);
    g_autoptr(GString) text = g_string_new(NULL);
    if (!stage_upstream_complete(why->execution, stage) && stage_upstream_failed(why->execution, stage)) {
        add(why, stage, NULL, 0, "it will not start: a stage before it did not succeed");
        return;
    }
    for (guint i = 0; i < up.n; i++) {
        const Stage *before = execution_stage_at(why->execution, up.at[i]);
        if (!status_info(before->status)->complete)
            g_string_append_printf(text, "%s\"%s\" (%s)", text->len ? ", " : "waits for ", before->name, status_info(before->status)->name);
    }
    if (!text->len)
        g_string_append(text, "waits for the stage around it");
    add(why, stage, NULL, 0, text->str);
}

static void why_execution(const Why *why) {
    const Execution *execution = why->execution;
    if (execution->status == STATUS_PAUSED) {
        const char *by = json_get_string(json_root(execution->paused), "pausedBy");
        g_autofree char *text = g_strdup_printf("paused by %s; it goes on when somebody resumes it", by ? by : "somebody");
        add(why, NULL, NULL, json_get_int(json_root(execution->paused), "pauseTime", 0), text);
    } else if (execution->status == STATUS_NOT_STARTED && execution_has_limit(execution)) {
        add(why, NULL, NULL, execution->build_ms,
            "other executions of this pipeline run, and it is limited to a number at a time; it starts when its turn comes");
    } else if (execution->status == STATUS_NOT_STARTED) {
        add(why, NULL, NULL, execution->build_ms, "it is about to start");
    } else if (execution->canceled && !status_info(execution->status)->complete) {
        add(why, NULL, NULL, 0, "it was cancelled; its tasks are giving up");
    }
}

Json *engine_why(Engine *engine, const Execution *execution, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Why why = {engine, execution, engine_find_actor(engine, execution->id), engine_settings(engine), builder, now_ms};
    json_begin_array(builder, NULL);
    why_execution(&why);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->status == STATUS_RUNNING)
            why_running(&why, stage);
        else if (stage->status == STATUS_PAUSED)
            add(&why, stage, NULL, 0, "paused with its execution");
        else if (stage->status == STATUS_NOT_STARTED && !status_info(execution->status)->complete)
            why_not_started(&why, stage);
        else if (stage->canceling)
            add(&why, stage, NULL, stage->end_ms, "its cancel routine cleans up");
    }
    json_end_array(builder);
    if (why.actor)
        actor_unref(why.actor);
    engine_settings_unref(why.settings);
    return json_builder_end(builder);
}
