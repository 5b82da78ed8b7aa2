/* The stages that talk to a deployment monitor (monitor.h): before the first step, after each one, at the end. They run in a worker. */
#include "stages/deploy/monitor/monitor.h"
#include "stages/deploy/stage_params.h"

#define FAILURES_KEY "deploymentMonitorHttpRetryCount"
#define TASK_TIMEOUT_MS ((gint64)MONITOR_MINUTES_MAX * 60000 + MONITOR_POLL_MS) /* the task watches its own time */

/* ---- who is asked, and how patiently ---- */

static gboolean find_monitor(TaskContext *context, Monitor *into, GError **error) {
    const JsonValue *chosen = json_get(deploy_context(context->stage), "deploymentMonitor");
    const char *id = json_get_string(chosen, "id");
    if (id == NULL) {
        error_set(error, ERR_INVALID, "%s: deploymentMonitor.id: required", context->stage->type);
        return FALSE;
    }
    g_autoptr(Config) config = services_config(context->services);
    if (!monitor_find(config, id, into, error))
        return FALSE;
    gint64 minutes = deploy_number(json_get(chosen, "maxAnalysisMinutesOverride"), 0);
    into->max_minutes = minutes > 0 ? MIN(minutes, MONITOR_MINUTES_MAX) : into->max_minutes;
    into->fail_on_error = deploy_flag(chosen, "failOnErrorOverride", into->fail_on_error);
    return TRUE;
}

static const char *name_of(const Monitor *monitor) {
    return monitor->name != NULL ? monitor->name : monitor->id;
}

/* It could not be asked, or said nothing that makes sense. */
static Status settle_error(TaskContext *context, const Monitor *monitor, const char *text, GError **error) {
    g_autofree char *why = g_strdup_printf("deployment monitor %s: %s", name_of(monitor), text);
    task_set_context_string(context, "deploymentMonitorError", why);
    if (!monitor->fail_on_error)
        return STATUS_SUCCEEDED;
    error_set(error, ERR_REMOTE, "%s", why);
    return STATUS_TERMINAL;
}

static Status again(TaskContext *context) {
    return task_again_at(context, context->now_ms + MONITOR_POLL_MS);
}

/* A call that failed: made again, a few times. */
static Status settle_call(TaskContext *context, const Monitor *monitor, GError *failed, GError **error) {
    gint64 failures = deploy_number(json_get(deploy_context(context->stage), FAILURES_KEY), 0) + 1;
    if (failures > MONITOR_HTTP_TRIES)
        return settle_error(context, monitor, failed->message, error);
    g_autoptr(Json) count = json_from_int(failures);
    task_set_context_json(context, FAILURES_KEY, count);
    task_progress(context, "deployment monitor %s: %s; try %" G_GINT64_FORMAT " of %d", name_of(monitor), failed->message, failures + 1,
                  MONITOR_HTTP_TRIES + 1);
    return again(context);
}

/* ---- asking ---- */

static Status obey(TaskContext *context, const Monitor *monitor, Directive directive, const char *reason, GError **error) {
    if (reason != NULL)
        task_set_context_string(context, "deploymentMonitorReason", reason);
    switch (directive) {
    case DIRECTIVE_WAIT:
        task_progress(context, "deployment monitor %s has not decided%s%s", name_of(monitor), reason != NULL ? ": " : "",
                      reason != NULL ? reason : "");
        return again(context);
    case DIRECTIVE_ABORT:
        error_set(error, ERR_FORBIDDEN, "deployment monitor %s aborts the deployment: %s", name_of(monitor),
                  reason != NULL ? reason : "it gives no reason");
        return STATUS_TERMINAL;
    case DIRECTIVE_COMPLETE: {
        g_autoptr(Json) whole = json_from_int(100);
        task_set_output_json(context, "skipToPercentage", whole);
        return STATUS_SUCCEEDED;
    }
    case DIRECTIVE_CONTINUE:
        break;
    }
    return STATUS_SUCCEEDED;
}

static Status ask(TaskContext *context, const char *path, GError **error) {
    g_auto(Monitor) monitor = {0};
    g_autoptr(GError) failed = NULL;
    if (!find_monitor(context, &monitor, error))
        return STATUS_TERMINAL;
    if (context->now_ms - context->task->start_ms > monitor.max_minutes * 60000) {
        g_autofree char *late = g_strdup_printf("did not decide within %" G_GINT64_FORMAT " minutes", monitor.max_minutes);
        return settle_error(context, &monitor, late, error);
    }
    g_autoptr(Json) request = monitor_request(context->execution, context->stage);
    g_autoptr(Json) answer = monitor_call(context, &monitor, path, request, &failed);
    if (answer == NULL && error_code(failed) == ERR_CANCELLED) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return STATUS_TERMINAL;
    }
    if (answer == NULL)
        return settle_call(context, &monitor, failed, error);
    Directive directive;
    g_autofree char *reason = NULL;
    task_remove_context(context, FAILURES_KEY);
    if (!monitor_answer_read(json_root(answer), &directive, &reason, &failed))
        return settle_error(context, &monitor, failed->message, error);
    return obey(context, &monitor, directive, reason, error);
}

static Status starting(TaskContext *context, GError **error) {
    return ask(context, "deployment/starting", error);
}

static Status evaluate(TaskContext *context, GError **error) {
    return ask(context, "deployment/evaluateHealth", error);
}

/* ---- the end ---- */

static const char *status_word(gboolean failed) {
    return failed ? "failure" : "success";
}

/* How the rollback beside it ended; NULL: there was none. */
static const char *rollback_status(const Execution *execution, const Stage *stage) {
    const Stage *parent = stage_parent(execution, stage);
    g_autoptr(GPtrArray) children = parent != NULL ? stage_synthetics(execution, parent, OWNER_AFTER) : NULL;
    for (guint i = 0; children != NULL && i < children->len; i++) {
        const Stage *child = children->pdata[i];
        if (strcmp(child->type, "rollbackCluster") == 0)
            return status_word(!status_info(child->status)->success);
    }
    return NULL;
}

static Status completed(TaskContext *context, GError **error) {
    g_auto(Monitor) monitor = {0};
    g_autoptr(GError) failed = NULL;
    if (!find_monitor(context, &monitor, error))
        return STATUS_TERMINAL;
    gboolean bad = deploy_flag(deploy_context(context->stage), "hasDeploymentFailed", FALSE);
    g_autoptr(Json) common = monitor_request(context->execution, context->stage);
    g_autoptr(Json)
        end = json_pack("{s:s, s:s}", "status", status_word(bad), "rollback", rollback_status(context->execution, context->stage));
    g_autoptr(Json) request = json_merge(json_root(common), json_root(end));
    g_autoptr(Json) answer = monitor_call(context, &monitor, "deployment/completed", request, &failed);
    monitor.fail_on_error = FALSE; /* the deployment is over: nobody gains by its failure */
    return answer != NULL ? STATUS_SUCCEEDED : settle_call(context, &monitor, failed, error);
}

/* ---- the stage types ---- */

static const Param monitor_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_PARAM("region", PARAM_STRING, region, .help = "Where."),
    DEPLOY_PARAM("deploymentMonitor", PARAM_JSON, deployment_monitor,
                 .help = "{id, parameters, failOnErrorOverride, maxAnalysisMinutesOverride}: which monitor, and what it is told."),
    {0},
};

#define MONITOR_STAGE(variable, stage_type, stage_label, stage_help, task_name, function)                                                  \
    const StageType variable = {                                                                                                           \
        .type = (stage_type),                                                                                                              \
        .label = (stage_label),                                                                                                            \
        .help = (stage_help),                                                                                                              \
        .params = monitor_params,                                                                                                          \
        .params_size = sizeof(DeployParams),                                                                                               \
        .tasks = (const TaskDefinition[]){{.name = (task_name),                                                                            \
                                           .run = (function),                                                                              \
                                           .timeout_ms = TASK_TIMEOUT_MS,                                                                  \
                                           .backoff_ms = MONITOR_POLL_MS},                                                                 \
                                          {0}},                                                                                            \
    }
MONITOR_STAGE(stage_notify_deploy_starting, STAGE_MONITOR_STARTING, "Notify monitored deploy starting",
              "Tells a deployment monitor that a deployment begins; a part of the strategy monitored.", "notifyDeployStarting", starting);
MONITOR_STAGE(stage_evaluate_deployment_health, STAGE_MONITOR_EVALUATE, "Evaluate health of deployed instances",
              "Asks a deployment monitor whether a deployment may go on; a part of the strategy monitored.", "evaluateDeploymentHealth",
              evaluate);
MONITOR_STAGE(stage_notify_deploy_completed, STAGE_MONITOR_COMPLETED, "Notify monitored deploy complete",
              "Tells a deployment monitor how a deployment ended; a part of the strategy monitored.", "notifyDeployCompleted", completed);
