/* `dependsOnExecution`: waits for another execution (stages.md 2.8). Runs on I/O workers. */
#include "stages/stages.h"

#define DEPENDS_TIMEOUT_MS (2 * 3600 * 1000)
#define DEPENDS_POLL_MS 10000

typedef struct {
    char *type, *id;
} DependsParams;

static const Param depends_params[] = {
    {.name = "executionType",
     .type = PARAM_STRING,
     .offset = offsetof(DependsParams, type),
     .required = TRUE,
     .help = "pipeline or orchestration."},
    {.name = "executionId",
     .type = PARAM_STRING,
     .offset = offsetof(DependsParams, id),
     .required = TRUE,
     .help = "Which execution to wait for."},
    {0},
};

static Status give_up(TaskContext *context, const char *key, const char *text, Status status) {
    task_set_context_string(context, key, text);
    return status;
}

static Status depends_run(TaskContext *context, GError **error) {
    const DependsParams *params = context->params;
    g_autoptr(GError) problem = NULL;
    g_autoptr(Execution) other = engine_load(context->services->engine, params->id, &problem);
    if (problem != NULL && error_code(problem) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return STATUS_TERMINAL;
    }
    g_autofree char *wanted = g_ascii_strup(params->type, -1);
    if (other == NULL || g_strcmp0(execution_type_name(other->type), wanted) != 0) {
        g_autofree char *text = g_strdup_printf("Execution (type %s, id %s) not found.", params->type, params->id);
        return give_up(context, "error", text, STATUS_TERMINAL);
    }
    if (other->status == STATUS_SUCCEEDED || other->status == STATUS_STOPPED || other->status == STATUS_SKIPPED)
        return STATUS_SUCCEEDED;
    if (!status_info(other->status)->complete)
        return STATUS_RUNNING;
    g_autofree char *text = g_strdup_printf("Depended on execution %s, which ended %s", params->id, status_info(other->status)->name);
    return give_up(context, "reason", text, STATUS_CANCELED);
}

static char *depends_why(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution, (void)now_ms;
    const char *id = json_get_string(json_root(stage->context), "executionId");
    return g_strdup_printf("waits for execution %s to end", id != NULL ? id : "-");
}

const StageType stage_depends_on_execution = {
    .type = "dependsOnExecution",
    .label = "Depends On Execution",
    .help = "Waits until another execution has ended well.",
    .params = depends_params,
    .params_size = sizeof(DependsParams),
    .tasks = (const TaskDefinition[]){{.name = "dependsOnExecution",
                                       .run = depends_run,
                                       .timeout_ms = DEPENDS_TIMEOUT_MS,
                                       .backoff_ms = DEPENDS_POLL_MS,
                                       .overridable_timeout = TRUE},
                                      {0}},
    .why_waiting = depends_why,
};
