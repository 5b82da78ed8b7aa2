/* Stage types whose tasks answer what their scripts say (a letter per run, the last one repeated), beside real ones. */
#include "stages/metadata/templates.h"
#include "world.h"
#include <string.h>

static Status run_scripted(TaskContext *context, GError **error);
static Status run_other(TaskContext *context, GError **error);
#define SCRIPTED_RUN run_scripted
#define SCRIPTED_OTHER run_other
#include "engine_scripted.h"

extern const StageType stage_wait, stage_pipeline;

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

static const StageType *const list[] = {&plain, &prepared, &cancellable, &both, &stage_wait, &stage_pipeline, NULL};
const StageTypes sim_stage_types = {list};

const SubmissionStep sim_submission_steps[] = {{"templates", template_submission_step}, {NULL, NULL}};
