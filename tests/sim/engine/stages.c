/* Stage types whose tasks answer what their scripts say (a letter per run, the last one repeated), beside real ones. */
#include "world.h"
#include <string.h>

extern const StageType stage_wait;

static char next_letter(World *world, const Execution *execution, const Stage *stage, const TaskState *task) {
    const char *script = task ? json_get_string(json_get(json_root(stage->context), "tasks"), task->name) : NULL;
    if (script == NULL)
        return world_chance(world, 20) ? 'R' : world_chance(world, 5) ? 'E' : 'S';
    g_autofree char *key = g_strdup_printf("%s %s %s", execution->id, stage->ref_id, task->name);
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(world->scripts, key));
    g_hash_table_insert(world->scripts, g_steal_pointer(&key), GUINT_TO_POINTER(at + 1));
    return script[MIN(at, strlen(script) - 1)];
}

static const struct {
    char letter;
    Status status;
} ANSWERS[] = {{'S', STATUS_SUCCEEDED},       {'R', STATUS_RUNNING}, {'T', STATUS_TERMINAL}, {'K', STATUS_SKIPPED},
               {'F', STATUS_FAILED_CONTINUE}, {'P', STATUS_STOPPED}, {'C', STATUS_CANCELED}, {'D', STATUS_REDIRECT}};

static Status answer(TaskContext *context, World *world, char letter, GError **error) {
    if (world->crashed || (cancel_is_set(context->cancel) && world_chance(world, 70))) {
        error_set(error, ERR_CANCELLED, "told to give up");
        return STATUS_RUNNING;
    }
    if (letter == 'E' || letter == 'U') {
        error_set(error, letter == 'E' ? ERR_INVALID : ERR_UNAVAILABLE, letter == 'E' ? "refused" : "not now");
        return STATUS_RUNNING;
    }
    g_autoptr(Json) seen = json_from_int(world->events);
    if (world_chance(world, 30))
        task_set_context_json(context, "seen", seen);
    if (world_chance(world, 20))
        task_set_output_json(context, "out", seen);
    if (letter == 'R' && world_chance(world, 30))
        return task_again_at(context, context->now_ms + world_between(world, 0, 100000));
    for (gsize i = 0; i < G_N_ELEMENTS(ANSWERS); i++)
        if (ANSWERS[i].letter == letter)
            return ANSWERS[i].status;
    g_assert_not_reached();
}

static Status run_scripted(TaskContext *context, GError **error) {
    World *world = (World *)context->services;
    if (!world->crashed)
        oracle_run(world, context->execution, context->stage, context->task);
    world->counters->tasks++;
    world->counters->tasks_again += context->runs > 0;
    return answer(context, world, next_letter(world, context->execution, context->stage, context->task), error);
}

/* Preparing, cancelling, timing out: no script. */
static Status run_other(TaskContext *context, GError **error) {
    World *world = (World *)context->services;
    return answer(context, world, next_letter(world, context->execution, context->stage, NULL), error);
}

static gint64 poll_after(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms) {
    (void)execution, (void)now_ms;
    return (gint64)(g_str_hash(stage->ref_id) % 5000) + (gint64)strlen(task->name);
}

static const TaskDefinition tasks[] = {
    {.name = "one", .run = run_scripted, .no_io = TRUE},
    {.name = "two", .run = run_scripted, .poll_after = poll_after, .timeout_ms = 3600 * 1000},
    {.name = "three", .run = run_scripted, .on_cancel = run_other, .backoff_ms = 500},
    {.name = "first", .run = run_scripted, .loop_start = TRUE},
    {.name = "last", .run = run_scripted, .loop_end = TRUE},
    {.name = NULL},
};

static void build(const Execution *execution, const Stage *stage, GPtrArray *list, GError **error) {
    (void)execution;
    JsonIter iter = json_iter(json_get(json_root(stage->context), "tasks"));
    while (json_next(&iter))
        for (const TaskDefinition *each = tasks; each->name; each++)
            if (iter.key && strcmp(each->name, iter.key) == 0)
                g_ptr_array_add(list, (gpointer)each);
    if (json_is_true(json_get(json_root(stage->context), "badTasks")))
        error_set(error, ERR_INVALID, "no tasks can be made");
}

static void plan(const Stage *stage, const char *key, StagePlan *into, GError **error) {
    const JsonValue *context = json_root(stage->context);
    PlannedStage *previous = NULL;
    JsonIter iter = json_iter(json_get(context, key));
    while (json_next(&iter)) {
        PlannedStage *planned = plan_add(into, json_get_string(iter.value, "type"), json_get_string(iter.value, "name"), iter.value);
        if (json_is_true(json_get(iter.value, "chained")) && previous)
            plan_depends(planned, previous);
        previous = planned;
    }
    g_autofree char *bad = g_strconcat("bad_", key, NULL);
    if (json_is_true(json_get(context, bad)))
        error_set(error, ERR_INVALID, "%s cannot be planned", key);
}

static void plan_before(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    plan(stage, "before", into, error);
}

static void plan_after(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    plan(stage, "after", into, error);
}

static void plan_on_failure(const Execution *execution, const Stage *stage, StagePlan *into, GError **error) {
    (void)execution;
    plan(stage, "onFailure", into, error);
}

static gboolean can_skip(const Execution *execution, const Stage *stage) {
    (void)execution;
    return json_is_true(json_get(json_root(stage->context), "skippable"));
}

#define SCRIPTED(name, ...)                                                                                                                \
    static const StageType name = {.type = #name,                                                                                          \
                                   .tasks = tasks,                                                                                         \
                                   .build_tasks = build,                                                                                   \
                                   .plan_before = plan_before,                                                                             \
                                   .plan_after = plan_after,                                                                               \
                                   .plan_on_failure = plan_on_failure,                                                                     \
                                   .can_skip = can_skip,                                                                                   \
                                   __VA_ARGS__}
SCRIPTED(plain, .help = "does what its context says");
SCRIPTED(prepared, .prepare = run_other);
SCRIPTED(cancellable, .on_cancel = run_other);
SCRIPTED(both, .prepare = run_other, .on_cancel = run_other);

static const StageType *const list[] = {&plain, &prepared, &cancellable, &both, &stage_wait, NULL};
const StageTypes sim_stage_types = {list};
