/* Dry runs (engine.md 23): stages are planned as ever, and one task that does nothing stands for theirs. Part of the pure core, but for
 * the task, which only says what the stage would have put out. */
#include "engine/dry_run.h"
#include <string.h>

#define DRY_RUN_TASK "dry run"

static Status dry_run(TaskContext *context, GError **error) {
    (void)error;
    const StageType *type = stage_type_of(context->settings, context->stage);
    g_autoptr(Json) outputs = type && type->dry_run_outputs ? type->dry_run_outputs(context->execution, context->stage) : NULL;
    if (outputs) {
        task_merge_context(context, json_root(outputs));
        task_merge_outputs(context, json_root(outputs));
    }
    return STATUS_SUCCEEDED;
}

const TaskDefinition dry_run_tasks[] = {{.name = DRY_RUN_TASK, .run = dry_run, .implementing_class = "gennaker.dryRun", .no_io = TRUE},
                                        {.name = NULL}};

gboolean execution_is_dry_run(const Execution *execution) {
    return json_is_true(json_get(json_root(execution->trigger), "dryRun"));
}

gboolean dry_run_replaces(const StageType *type, const Execution *execution, const Stage *stage) {
    return execution_is_dry_run(execution) && !(type->dry_run_is_real && type->dry_run_is_real(execution, stage));
}

gboolean dry_run_was(const Stage *stage) {
    return stage->tasks->len > 0 && strcmp(((const TaskState *)g_ptr_array_index(stage->tasks, 0))->name, DRY_RUN_TASK) == 0;
}

gboolean dry_run_always_real(const Execution *execution, const Stage *stage) {
    (void)execution;
    (void)stage;
    return TRUE;
}
