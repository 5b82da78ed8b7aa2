/* suspendAsgProcesses and resumeAsgProcesses (aws.md 7). Their failures are reported and do not fail the task. */
#include "clouds/aws/operations/operations.h"
#include <string.h>

typedef struct {
    char **processes;
} ProcessParams;
static const Param process_params[] = {
    {.name = "processes",
     .type = PARAM_STRINGS,
     .offset = offsetof(ProcessParams, processes),
     .required = TRUE,
     .help = "Scaling processes, in any case."},
    {0},
};

static const char *const PROCESSES[] = {"Launch",      "Terminate",   "AddToLoadBalancer", "AlarmNotification",
                                        "AZRebalance", "HealthCheck", "ReplaceUnhealthy",  "ScheduledActions"};

static const char *process_named(const char *text) {
    for (gsize i = 0; i < G_N_ELEMENTS(PROCESSES); i++)
        if (g_ascii_strcasecmp(PROCESSES[i], text) == 0)
            return PROCESSES[i];
    return NULL;
}

static void processes_validate(Operation *operation, GPtrArray *errors) {
    const ProcessParams *params = operation_params(operation);
    for (gsize i = 0; params->processes[i] != NULL; i++)
        if (process_named(params->processes[i]) == NULL)
            g_ptr_array_add(errors, g_strdup_printf("processes: %s is no scaling process", params->processes[i]));
}

static gboolean change_processes(Operation *operation, guint item, AwsCallId call, GError **error) {
    const ProcessParams *params = operation_params(operation);
    const char *name = operation_group_name(operation, item);
    g_autoptr(Json) asg = NULL;
    if (!operation_read_present(operation, operation_group_region(operation, item), name, &asg, error))
        return FALSE;
    if (asg == NULL)
        return TRUE;
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    for (guint i = 0; params->processes[i] != NULL; i++)
        aws_query_add(query, process_named(params->processes[i]), "ScalingProcesses.member.%u", i + 1);
    if (!aws_client_write(operation_client(operation), operation_group_region(operation, item), query, operation_cancel(operation), error))
        return FALSE;
    operation_line(operation, "%s processes of %s", call == AWS_SUSPEND_PROCESSES ? "Suspended" : "Resumed", name);
    return TRUE;
}

static gboolean suspend_act(Operation *operation, guint item, GError **error) {
    return change_processes(operation, item, AWS_SUSPEND_PROCESSES, error);
}

static gboolean resume_act(Operation *operation, guint item, GError **error) {
    return change_processes(operation, item, AWS_RESUME_PROCESSES, error);
}

const CloudOperation aws_suspend_processes = {
    .name = "suspendAsgProcesses",
    .aliases = (const char *const[]){"suspendAsgProcessesDescription", NULL},
    .help = "Suspends scaling processes of server groups.",
    .params = process_params,
    .params_size = sizeof(ProcessParams),
    .takes_server_groups = TRUE,
    .validate = processes_validate,
    .steps =
        (const OperationStep[]){
            {.name = "suspend processes",
             .count = operation_groups,
             .act = suspend_act,
             .repeat = REPEAT_IDEMPOTENT,
             .failure_is_reported_only = TRUE},
            {0},
        },
    .finish = operation_publish_groups,
};

const CloudOperation aws_resume_processes = {
    .name = "resumeAsgProcesses",
    .aliases = (const char *const[]){"resumeAsgProcessesDescription", NULL},
    .help = "Resumes scaling processes of server groups.",
    .params = process_params,
    .params_size = sizeof(ProcessParams),
    .takes_server_groups = TRUE,
    .validate = processes_validate,
    .steps =
        (const OperationStep[]){
            {.name = "resume processes",
             .count = operation_groups,
             .act = resume_act,
             .repeat = REPEAT_IDEMPOTENT,
             .failure_is_reported_only = TRUE},
            {0},
        },
    .finish = operation_publish_groups,
};
