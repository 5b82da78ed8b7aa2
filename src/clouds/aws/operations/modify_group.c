/* modifyAsg (aws.md 7): settings of server groups that are no sizes.
 *
 * Facts: group.<n> {metrics: [those that are collected]}. */
#include "clouds/aws/operations/operations.h"

typedef struct {
    Json *cooldown, *grace, *rebalance;
    char *health_check;
    char **termination_policies, **metrics;
} ModifyParams;
static const Param modify_params[] = {
    {.name = "cooldown", .type = PARAM_JSON, .offset = offsetof(ModifyParams, cooldown), .help = "Seconds between two scaling activities."},
    {.name = "healthCheckGracePeriod",
     .type = PARAM_JSON,
     .offset = offsetof(ModifyParams, grace),
     .help = "Seconds after a launch in which health does not count."},
    {.name = "healthCheckType", .type = PARAM_STRING, .offset = offsetof(ModifyParams, health_check), .help = "EC2 or ELB."},
    {.name = "terminationPolicies",
     .type = PARAM_STRINGS,
     .offset = offsetof(ModifyParams, termination_policies),
     .help = "Which instances go first."},
    {.name = "capacityRebalance",
     .type = PARAM_JSON,
     .offset = offsetof(ModifyParams, rebalance),
     .help = "Replace spot instances before they are interrupted."},
    {.name = "enabledMetrics",
     .type = PARAM_STRINGS,
     .offset = offsetof(ModifyParams, metrics),
     .help = "Metrics of the group that are collected; others no longer."},
    {0},
};

static gboolean read_act(Operation *operation, guint item, GError **error) {
    g_autoptr(Json) asg = NULL;
    if (!operation_read_present(operation, operation_group_region(operation, item), operation_group_name(operation, item), &asg, error))
        return FALSE;
    if (asg == NULL)
        return TRUE;
    g_auto(GStrv) metrics = aws_member_strings(json_get(json_root(asg), "enabledMetrics"), "metric");
    g_autoptr(Json) names = json_from_strings((const char *const *)metrics);
    g_autoptr(Json) fact = json_pack("{s:j}", "metrics", names);
    operation_group_fact_set(operation, "group", item, json_root(fact));
    return TRUE;
}

static LookResult present_look(Operation *operation, guint item, GError **error) {
    (void)error;
    return operation_group_fact(operation, "group", item) != NULL ? LOOK_NOT_DONE : LOOK_SKIP;
}

static gboolean update_act(Operation *operation, guint item, GError **error) {
    static const char *const KEYS[] = {"healthCheckGracePeriod", "healthCheckType", "terminationPolicies", "capacityRebalance", NULL};
    const char *name = operation_group_name(operation, item);
    const JsonValue *request = operation_request(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_UPDATE_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_add_member_parameters(query, request, KEYS);
    if (json_get(request, "cooldown") != NULL && !json_is_null(json_get(request, "cooldown")))
        aws_add_parameters(query, "DefaultCooldown", json_get(request, "cooldown"));
    operation_line(operation, "Changing settings of %s in %s", name, operation_group_region(operation, item));
    return operation_write(operation, operation_group_region(operation, item), query, error);
}

/* Metrics that are in one list and not in the other. */
static GPtrArray *missing_in(char *const *wanted, char *const *there) {
    GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; wanted[i] != NULL; i++)
        if (!g_strv_contains((const char *const *)there, wanted[i]))
            g_ptr_array_add(missing, g_strdup(wanted[i]));
    return missing;
}

static gboolean change_metrics(Operation *operation, guint item, gboolean enables, GError **error) {
    const ModifyParams *params = operation_params(operation);
    const JsonValue *group = operation_group_fact(operation, "group", item);
    if (group == NULL || params->metrics == NULL)
        return TRUE;
    g_auto(GStrv) there = aws_strings(json_get(group, "metrics"));
    g_autoptr(GPtrArray) names = enables ? missing_in(params->metrics, there) : missing_in(there, params->metrics);
    if (names->len == 0)
        return TRUE;
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(enables ? AWS_ENABLE_METRICS : AWS_DISABLE_METRICS);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_query_add(query, enables ? "1Minute" : NULL, "Granularity");
    for (guint i = 0; i < names->len; i++)
        aws_query_add(query, names->pdata[i], "Metrics.member.%u", i + 1);
    operation_line(operation, "%s %u metrics of %s", enables ? "Collecting" : "No longer collecting", names->len, name);
    return operation_write(operation, operation_group_region(operation, item), query, error);
}

static gboolean enable_metrics_act(Operation *operation, guint item, GError **error) {
    return change_metrics(operation, item, TRUE, error);
}

static gboolean disable_metrics_act(Operation *operation, guint item, GError **error) {
    return change_metrics(operation, item, FALSE, error);
}

const CloudOperation aws_modify_group = {
    .name = "modifyAsg",
    .aliases = (const char *const[]){"modifyAsgDescription", NULL},
    .help = "Changes settings of server groups: cooldown, health checks, termination policies, metrics.",
    .params = modify_params,
    .params_size = sizeof(ModifyParams),
    .takes_server_groups = TRUE,
    .steps =
        (const OperationStep[]){
            {.name = "look at the groups", .count = operation_groups, .act = read_act, .repeat = REPEAT_READ},
            {.name = "change settings",
             .count = operation_groups,
             .look = present_look,
             .act = update_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {.name = "enable metrics", .count = operation_groups, .act = enable_metrics_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "disable metrics", .count = operation_groups, .act = disable_metrics_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = operation_publish_groups,
};
