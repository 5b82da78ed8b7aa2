/* A stage type that does what its context says: for tests of the core, where no task really runs.
 *   tasks      {name of a task below: script}   what the stage runs; the script is the driver's business
 *   before, after, onFailure                    lists of synthetic stages {type, name, chained, …their own context}
 *   badTasks, bad_before, bad_after, bad_onFailure   true: that cannot be planned
 *   skippable  true: may be skipped by hand */
#pragma once
#include "engine/core.h"
#include <string.h>

/* What tasks do when they are really run, and what preparing, cancelling and timing out do: a simulation brings its own. */
#ifndef SCRIPTED_RUN
#define SCRIPTED_RUN scripted_run
#define SCRIPTED_OTHER scripted_run
static Status scripted_run(TaskContext *context, GError **error) {
    (void)context;
    (void)error;
    return STATUS_SUCCEEDED;
}
#endif

static gint64 scripted_poll(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms) {
    (void)execution;
    (void)now_ms;
    return (gint64)(g_str_hash(stage->ref_id) % 5000) + (gint64)strlen(task->name);
}

static const TaskDefinition scripted_tasks[] = {
    {.name = "one", .run = SCRIPTED_RUN, .no_io = TRUE},
    {.name = "two", .run = SCRIPTED_RUN, .poll_after = scripted_poll, .timeout_ms = 3600 * 1000},
    {.name = "three", .run = SCRIPTED_RUN, .on_cancel = SCRIPTED_OTHER, .backoff_ms = 500},
    {.name = "first", .run = SCRIPTED_RUN, .loop_start = TRUE},
    {.name = "last", .run = SCRIPTED_RUN, .loop_end = TRUE},
    {.name = "overridable", .run = SCRIPTED_RUN, .timeout_ms = 60 * 1000, .overridable_timeout = TRUE},
    {.name = "told", .run = SCRIPTED_RUN, .timeout_ms = 60 * 1000, .on_timeout = SCRIPTED_OTHER},
    {.name = NULL},
};

static void scripted_build(const Execution *execution, const Stage *stage, GPtrArray *list, GError **error) {
    (void)execution;
    JsonIter iter = json_iter(json_get(json_root(stage->context), "tasks"));
    while (json_next(&iter))
        for (const TaskDefinition *each = scripted_tasks; each->name; each++)
            if (iter.key && strcmp(each->name, iter.key) == 0)
                g_ptr_array_add(list, (gpointer)each);
    if (json_is_true(json_get(json_root(stage->context), "badTasks")))
        error_set(error, ERR_INVALID, "no tasks can be made");
}

static void scripted_plan(const Stage *stage, const char *key, StagePlan *plan, GError **error) {
    const JsonValue *context = json_root(stage->context);
    PlannedStage *previous = NULL;
    JsonIter iter = json_iter(json_get(context, key));
    while (json_next(&iter)) {
        PlannedStage *planned = plan_add(plan, json_get_string(iter.value, "type"), json_get_string(iter.value, "name"), iter.value);
        if (json_is_true(json_get(iter.value, "chained")) && previous)
            plan_depends(planned, previous);
        previous = planned;
    }
    g_autofree char *bad = g_strconcat("bad_", key, NULL);
    if (json_is_true(json_get(context, bad)))
        error_set(error, ERR_INVALID, "%s cannot be planned", key);
}

static void scripted_before(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    scripted_plan(stage, "before", into, error);
}

static void scripted_after(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    scripted_plan(stage, "after", into, error);
}

static void scripted_on_failure(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    scripted_plan(stage, "onFailure", into, error);
}

static gboolean scripted_can_skip(const Execution *execution, const Stage *stage) {
    (void)execution;
    return json_is_true(json_get(json_root(stage->context), "skippable"));
}

#define SCRIPTED_TYPE(name, ...)                                                                                                           \
    static const StageType name = {.type = #name,                                                                                          \
                                   .tasks = scripted_tasks,                                                                                \
                                   .build_tasks = scripted_build,                                                                          \
                                   .plan_before = scripted_before,                                                                         \
                                   .plan_after = scripted_after,                                                                           \
                                   .plan_on_failure = scripted_on_failure,                                                                 \
                                   .can_skip = scripted_can_skip,                                                                          \
                                   __VA_ARGS__}
SCRIPTED_TYPE(plain, .help = "does what its context says");
SCRIPTED_TYPE(prepared, .prepare = SCRIPTED_OTHER);
SCRIPTED_TYPE(cancellable, .on_cancel = SCRIPTED_OTHER);
SCRIPTED_TYPE(both, .prepare = SCRIPTED_OTHER, .on_cancel = SCRIPTED_OTHER);
static const StageType *const scripted_list[] = {&plain, &prepared, &cancellable, &both, NULL};
static const StageTypes scripted_types = {scripted_list};
