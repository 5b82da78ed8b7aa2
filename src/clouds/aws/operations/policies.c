/* upsertScalingPolicy, deleteScalingPolicy (aws.md 8): scaling policies and the alarms that fire them.
 *
 * Facts: policyName, policyArn, alarmName; policy {arn}, alarms [names that nothing else uses]. */
#include "clouds/aws/operations/operations.h"

#define COOLDOWN_S 600
#define ALARM_PERIOD_S 300

typedef struct {
    char *region, *group, *name, *adjustment_type, *policy;
    Json *simple, *step, *tracking, *alarm, *magnitude, *warmup;
} PolicyParams;

#define PLACE_PARAMS                                                                                                                       \
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(PolicyParams, region), .required = TRUE, .help = "Region of the group."},  \
    {                                                                                                                                      \
        .name = "serverGroupName", .type = PARAM_STRING, .offset = offsetof(PolicyParams, group), .required = TRUE,                        \
        .aliases = (const char *const[]){"asgName", NULL}, .help = "The server group."                                                     \
    }
static const Param upsert_params[] = {
    PLACE_PARAMS,
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(PolicyParams, name), .help = "Name of the policy; made when absent."},
    {.name = "adjustmentType",
     .type = PARAM_STRING,
     .offset = offsetof(PolicyParams, adjustment_type),
     .otherwise = "\"ChangeInCapacity\"",
     .help = "ChangeInCapacity, ExactCapacity or PercentChangeInCapacity."},
    {.name = "minAdjustmentMagnitude",
     .type = PARAM_JSON,
     .offset = offsetof(PolicyParams, magnitude),
     .help = "How many instances a percentage changes at least."},
    {.name = "simple", .type = PARAM_JSON, .offset = offsetof(PolicyParams, simple), .help = "{cooldown, scalingAdjustment}."},
    {.name = "step",
     .type = PARAM_JSON,
     .offset = offsetof(PolicyParams, step),
     .help = "{stepAdjustments, estimatedInstanceWarmup, metricAggregationType}."},
    {.name = "targetTrackingConfiguration",
     .type = PARAM_JSON,
     .offset = offsetof(PolicyParams, tracking),
     .help = "{targetValue, predefinedMetricSpecification or customizedMetricSpecification, disableScaleIn}."},
    {.name = "estimatedInstanceWarmup", .type = PARAM_JSON, .offset = offsetof(PolicyParams, warmup), .help = "Seconds; target tracking."},
    {.name = "alarm",
     .type = PARAM_JSON,
     .offset = offsetof(PolicyParams, alarm),
     .help = "What fires the policy: {metricName, namespace, statistic, comparisonOperator, threshold, evaluationPeriods, period …}."},
    {0},
};

static void upsert_validate(Operation *operation, GPtrArray *errors) {
    const PolicyParams *params = operation_params(operation);
    const Json *const kinds_given[] = {params->simple, params->step, params->tracking};
    guint kinds = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds_given); i++)
        kinds += json_is_object(json_root(kinds_given[i])) ? 1 : 0;
    if (kinds != 1)
        g_ptr_array_add(errors, g_strdup("simple, step, targetTrackingConfiguration: exactly one of them is required"));
}

/* ---- the policy ---- */

static gboolean names_act(Operation *operation, guint item, GError **error) {
    (void)error;
    const PolicyParams *params = operation_params(operation);
    const JsonValue *alarm = json_root(params->alarm);
    g_autofree char *token = operation_token(operation, "policy", item);
    g_autofree char *policy = g_strdup_printf("%s-policy-%.12s", params->group, token);
    g_autofree char *made = g_strdup_printf("%s-alarm-%s-%.12s", params->group, json_get_string(alarm, "metricName"), token);
    const char *alarm_name = json_get_string(alarm, "name");
    operation_fact_set_string(operation, "policyName", params->name != NULL ? params->name : policy);
    if (json_is_object(alarm) && params->tracking == NULL)
        operation_fact_set_string(operation, "alarmName", alarm_name != NULL ? alarm_name : made);
    return TRUE;
}

static void add_number(AwsQuery *query, const JsonValue *value, gint64 otherwise, const char *name) {
    if (value != NULL && !json_is_null(value))
        aws_add_parameters(query, name, value);
    else if (otherwise >= 0)
        aws_query_add_int(query, otherwise, "%s", name);
}

static void add_kind(const PolicyParams *params, AwsQuery *query) {
    static const char *const STEP[] = {"stepAdjustments", "estimatedInstanceWarmup", "metricAggregationType", NULL};
    const JsonValue *simple = json_root(params->simple);
    if (params->tracking != NULL) {
        aws_query_add(query, "TargetTrackingScaling", "PolicyType");
        aws_add_parameters(query, "TargetTrackingConfiguration", json_root(params->tracking));
        add_number(query, json_root(params->warmup), -1, "EstimatedInstanceWarmup");
        return;
    }
    aws_query_add(query, params->step != NULL ? "StepScaling" : "SimpleScaling", "PolicyType");
    aws_query_add(query, params->adjustment_type, "AdjustmentType");
    add_number(query, json_root(params->magnitude), -1, "MinAdjustmentMagnitude");
    if (params->step != NULL) {
        aws_add_member_parameters(query, json_root(params->step), STEP);
        return;
    }
    add_number(query, json_get(simple, "cooldown"), COOLDOWN_S, "Cooldown");
    add_number(query, json_get(simple, "scalingAdjustment"), -1, "ScalingAdjustment");
}

static gboolean put_policy_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const PolicyParams *params = operation_params(operation);
    const char *name = operation_fact_string(operation, "policyName");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_POLICY);
    aws_query_about(query, name);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    aws_query_add(query, name, "PolicyName");
    add_kind(params, query);
    operation_line(operation, "Setting scaling policy %s of %s", name, params->group);
    return operation_write(operation, params->region, query, error);
}

/* The policies of the group. */
static gboolean read_policies(Operation *operation, GPtrArray *found, GError **error) {
    const PolicyParams *params = operation_params(operation);
    AwsReader reader = operation_reader(operation, params->region);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_POLICIES);
    aws_query_about(query, params->group);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    return aws_read_documents(&reader, query, AWS_SHAPE_QUERY, found, error);
}

static const JsonValue *policy_named(const GPtrArray *policies, const char *name) {
    for (guint i = 0; i < policies->len; i++)
        if (g_strcmp0(json_get_string(json_root(policies->pdata[i]), "policyName"), name) == 0)
            return json_root(policies->pdata[i]);
    return NULL;
}

/* The alarm needs the policy's ARN, also when the answer that told it was lost. */
static gboolean read_arn_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const PolicyParams *params = operation_params(operation);
    const char *name = operation_fact_string(operation, "policyName");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!read_policies(operation, found, error))
        return FALSE;
    const char *arn = json_get_string(policy_named(found, name), "policyARN");
    if (arn != NULL)
        operation_fact_set_string(operation, "policyArn", arn);
    else
        error_set(error, ERR_NOT_FOUND, "scaling policy %s of %s in %s (account %s) does not show yet", name, params->group, params->region,
                  operation_account(operation)->name);
    return arn != NULL;
}

/* ---- its alarm ---- */

static guint alarm_count(Operation *operation) {
    return operation_fact(operation, "alarmName") != NULL ? 1 : 0;
}

static void add_arns(AwsQuery *query, const JsonValue *arns, const char *own, const char *name) {
    guint n = 0;
    for (JsonIter i = json_iter(arns); json_next(&i);)
        if (g_strcmp0(json_string(i.value), own) != 0)
            aws_query_add(query, json_string(i.value), "%s.member.%u", name, ++n);
    aws_query_add(query, own, "%s.member.%u", name, n + 1);
}

static gboolean put_alarm_act(Operation *operation, guint item, GError **error) {
    (void)item;
    static const char *const KEYS[] = {"alarmDescription",
                                       "comparisonOperator",
                                       "dimensions",
                                       "evaluationPeriods",
                                       "threshold",
                                       "namespace",
                                       "metricName",
                                       "statistic",
                                       "unit",
                                       NULL};
    const PolicyParams *params = operation_params(operation);
    const JsonValue *alarm = json_root(params->alarm);
    const char *name = operation_fact_string(operation, "alarmName");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_ALARM);
    aws_query_about(query, name);
    aws_query_add(query, name, "AlarmName");
    aws_add_member_parameters(query, alarm, KEYS);
    add_number(query, json_get(alarm, "period"), ALARM_PERIOD_S, "Period");
    aws_query_add_bool(query, json_get_bool(alarm, "actionsEnabled", TRUE), "ActionsEnabled");
    add_arns(query, json_get(alarm, "alarmActionArns"), operation_fact_string(operation, "policyArn"), "AlarmActions");
    add_arns(query, json_get(alarm, "okActionArns"), NULL, "OKActions");
    add_arns(query, json_get(alarm, "insufficientDataActionArns"), NULL, "InsufficientDataActions");
    operation_line(operation, "Setting alarm %s", name);
    return operation_write(operation, params->region, query, error);
}

static void upsert_finish(Operation *operation) {
    static const char *const RESULTS[] = {"policyName", "policyArn", "alarmName"};
    const PolicyParams *params = operation_params(operation);
    for (gsize i = 0; i < G_N_ELEMENTS(RESULTS); i++)
        if (operation_fact(operation, RESULTS[i]) != NULL)
            operation_result_set(operation, RESULTS[i], operation_fact(operation, RESULTS[i]));
    operation_publish_group(operation, params->region, params->group);
}

const CloudOperation aws_upsert_scaling_policy = {
    .name = "upsertScalingPolicy",
    .aliases = (const char *const[]){"upsertScalingPolicyDescription", NULL},
    .help = "Sets a scaling policy of a server group, with the alarm that fires it.",
    .params = upsert_params,
    .params_size = sizeof(PolicyParams),
    .validate = upsert_validate,
    .steps =
        (const OperationStep[]){
            {.name = "choose names", .act = names_act, .repeat = REPEAT_READ},
            {.name = "set policy", .act = put_policy_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "read policy",
             .act = read_arn_act,
             .repeat = REPEAT_READ,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = aws_error_is_absent},
            {.name = "set alarm", .count = alarm_count, .act = put_alarm_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = upsert_finish,
};

/* ---- deleteScalingPolicy ---- */

static const Param delete_params[] = {
    PLACE_PARAMS,
    {.name = "policyName",
     .type = PARAM_STRING,
     .offset = offsetof(PolicyParams, policy),
     .required = TRUE,
     .aliases = (const char *const[]){"name", NULL},
     .help = "Name of the policy."},
    {0},
};

static gboolean fires_only(const JsonValue *actions, const char *arn) {
    for (JsonIter i = json_iter(actions); json_next(&i);)
        if (g_strcmp0(json_string(i.value), arn) != 0)
            return FALSE;
    return TRUE;
}

/* Alarms that fire the policy and do nothing else. */
static gboolean note_alarms(Operation *operation, const AwsReader *reader, const JsonValue *policy, GError **error) {
    const char *arn = json_get_string(policy, "policyARN");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_ALARMS);
    aws_query_about(query, arn);
    aws_query_add(query, arn, "ActionPrefix");
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < found->len; i++) {
        const JsonValue *alarm = json_root(found->pdata[i]);
        if (fires_only(json_get(alarm, "alarmActions"), arn) && json_length(json_get(alarm, "okactions")) == 0 &&
            json_length(json_get(alarm, "insufficientDataActions")) == 0)
            json_add_value(builder, NULL, json_get(alarm, "alarmName"));
    }
    json_end_array(builder);
    g_autoptr(Json) alarms = json_builder_end(builder);
    operation_fact_set(operation, "alarms", json_root(alarms));
    return TRUE;
}

static gboolean find_policy_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const PolicyParams *params = operation_params(operation);
    AwsReader reader = operation_reader(operation, params->region);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!read_policies(operation, found, error))
        return FALSE;
    const JsonValue *policy = policy_named(found, params->policy);
    if (policy != NULL) {
        operation_fact_set_string(operation, "policy", params->policy);
        return note_alarms(operation, &reader, policy, error);
    }
    operation_line(operation, "%s has no scaling policy %s; nothing to delete", params->group, params->policy);
    return TRUE;
}

static guint policy_count(Operation *operation) {
    return operation_fact(operation, "policy") != NULL ? 1 : 0;
}

static gboolean delete_policy_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const PolicyParams *params = operation_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_POLICY);
    aws_query_about(query, params->policy);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    aws_query_add(query, params->policy, "PolicyName");
    operation_line(operation, "Deleting scaling policy %s of %s", params->policy, params->group);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params->region, query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static guint alarms_count(Operation *operation) {
    return operation_fact_length(operation, "alarms");
}

static gboolean delete_alarm_act(Operation *operation, guint item, GError **error) {
    const PolicyParams *params = operation_params(operation);
    const char *name = json_string(json_at(operation_fact(operation, "alarms"), item));
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_ALARMS);
    aws_query_about(query, name);
    aws_query_add(query, name, "AlarmNames.member.1");
    operation_line(operation, "Deleting alarm %s, which fired nothing else", name);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params->region, query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static void delete_finish(Operation *operation) {
    const PolicyParams *params = operation_params(operation);
    operation_publish_group(operation, params->region, params->group);
}

const CloudOperation aws_delete_scaling_policy = {
    .name = "deleteScalingPolicy",
    .aliases = (const char *const[]){"deleteScalingPolicyDescription", NULL},
    .help = "Deletes a scaling policy of a server group, with alarms that nothing else uses.",
    .params = delete_params,
    .params_size = sizeof(PolicyParams),
    .steps =
        (const OperationStep[]){
            {.name = "find the policy", .act = find_policy_act, .repeat = REPEAT_READ},
            {.name = "delete the policy", .count = policy_count, .act = delete_policy_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "delete its alarms", .count = alarms_count, .act = delete_alarm_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = delete_finish,
};
