/* Events of executions, stages and tasks: what changed between two snapshots. Pure. */
#include "notify/events.h"
#include "engine/graph.h"
#include <string.h>

typedef struct {
    const Execution *execution;
    const EventSettings *settings;
    gint64 now_ms;
    GPtrArray *events; /* of Json */
    Json *full;        /* the execution as JSON, made once */
} Making;

static const JsonValue *full_execution(Making *making) {
    if (!making->full)
        making->full = execution_to_json(making->execution, TRUE);
    return json_root(making->full);
}

static void begin_event(const Making *making, JsonBuilder *builder, const char *level, const char *phase) {
    const Execution *execution = making->execution;
    g_autofree char *type = g_strdup_printf("orca:%s:%s", level, phase);
    g_autofree char *created = g_strdup_printf("%" G_GINT64_FORMAT, making->now_ms);
    json_begin_object(builder, NULL);
    json_begin_object(builder, "details");
    json_add_string(builder, "source", "orca");
    json_add_string(builder, "type", type);
    json_add_string(builder, "application", execution->application);
    json_add_string(builder, "created", created);
    json_end_object(builder);
    json_begin_object(builder, "content");
}

static void end_event(Making *making, JsonBuilder *builder) {
    g_autofree char *id = g_strdup_printf("%s-%" G_GINT64_FORMAT "-%u", making->execution->id, making->execution->version + 1,
                                          making->events->len);
    json_end_object(builder);
    json_add_string(builder, "eventId", id);
    json_end_object(builder);
    g_ptr_array_add(making->events, json_builder_end(builder));
}

/* ---- the execution ---- */
static void add_execution_event(Making *making, const char *phase) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_event(making, builder, making->execution->type == EXECUTION_PIPELINE ? "pipeline" : "orchestration", phase);
    json_add_value(builder, "execution", full_execution(making));
    json_add_string(builder, "executionId", making->execution->id);
    end_event(making, builder);
}

/* ---- stages and tasks ---- */
static void add_time(JsonBuilder *builder, const char *key, gint64 ms) {
    if (ms)
        json_add_int(builder, key, ms);
}

static void add_stage_event(Making *making, const Stage *stage, const TaskState *task, const char *phase) {
    const Execution *execution = making->execution;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_event(making, builder, task ? "task" : "stage", phase);
    json_add_bool(builder, "standalone", execution->type == EXECUTION_ORCHESTRATION);
    json_add_bool(builder, "canceled", execution->canceled);
    json_add_value(builder, "context", json_root(stage->context));
    add_time(builder, "startTime", task ? task->start_ms : stage->start_ms);
    add_time(builder, "endTime", task ? task->end_ms : stage->end_ms);
    json_add_string(builder, "executionId", execution->id);
    json_add_string(builder, "stageId", stage->id);
    json_add_bool(builder, "isSynthetic", stage->owner != OWNER_NONE);
    json_add_string(builder, "name", stage->name);
    if (task) {
        g_autofree char *name = g_strdup_printf("%s.%s", stage->type, task->name);
        json_add_string(builder, "taskName", name);
    }
    if (!task || making->settings->full_execution)
        json_add_value(builder, "execution", full_execution(making));
    end_event(making, builder);
}

void events_find_change(Status was, gint64 was_start_ms, Status now, gint64 now_start_ms, gboolean *started, gboolean *ended) {
    *started = now_start_ms && now_start_ms != was_start_ms && now != STATUS_NOT_STARTED;
    *ended = status_info(now)->complete && (!status_info(was)->complete || *started);
}

const char *events_stage_phase(Status status) {
    return status == STATUS_SUCCEEDED ? "complete" : status == STATUS_SKIPPED ? "skipped" : "failed";
}

static void add_stage_events(Making *making, const Stage *before, const Stage *stage) {
    gboolean started, ended;
    events_find_change(before ? before->status : STATUS_NOT_STARTED, before ? before->start_ms : 0, stage->status, stage->start_ms,
                       &started, &ended);
    if (started && stage->status != STATUS_SKIPPED)
        add_stage_event(making, stage, NULL, "starting");
    for (guint i = 0; !making->settings->ignore_tasks && i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        const TaskState *was = before ? stage_task(before, task->id) : NULL;
        gboolean task_started, task_ended;
        events_find_change(was ? was->status : STATUS_NOT_STARTED, was ? was->start_ms : 0, task->status, task->start_ms, &task_started,
                           &task_ended);
        if (task_started)
            add_stage_event(making, stage, task, "starting");
        if (task_ended)
            add_stage_event(making, stage, task, status_info(task->status)->success ? "complete" : "failed");
    }
    if (ended)
        add_stage_event(making, stage, NULL, events_stage_phase(stage->status));
}

GPtrArray *events_between(const Execution *before, const Execution *after, const EventSettings *settings, gint64 now_ms) {
    Making making = {after, settings, now_ms, g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), NULL};
    gboolean started, ended;
    events_find_change(before ? before->status : STATUS_NOT_STARTED, before ? before->start_ms : 0, after->status, after->start_ms,
                       &started, &ended);
    if (started)
        add_execution_event(&making, "starting");
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *stage = execution_stage_at(after, i);
        const Stage *was = before ? execution_stage(before, stage->id) : NULL;
        if (stage != was)
            add_stage_events(&making, was, stage);
    }
    if (ended)
        add_execution_event(&making, status_info(after->status)->success ? "complete" : "failed");
    json_unref(making.full);
    return making.events;
}
