/* createServerGroup: what is taken over from the source group (aws.md 5.1, 8): sizes, subnets, block devices before the new group is
 * made; scaling policies with their alarms and scheduled actions after it.
 *
 * Facts: sourceFound, subnetOverride, capacity, sourceDevices; policies [doc], alarms [doc], actions [doc], policyArn.<n>. */
#include "base/clock.h"
#include "clouds/aws/block_devices.h"
#include "clouds/aws/operations/create.h"
#include "clouds/sizes.h"
#include <string.h>

#define SUBNET_OVERRIDE_TAG "SPINNAKER_SUBNET_ID_OVERRIDE"
#define TARGET_TRACKING_ALARM "TargetTracking-" /* AWS makes these itself */
#define ALARM_NAMES_PER_CALL 100

/* ---- reading as the source's account ---- */

/* NULL without *error: no source was named. *held is a reference to be given back. */
static gboolean source_reader(Operation *operation, AwsReader *reader, Account **held, GError **error) {
    const JsonValue *source = json_root(create_params(operation)->source);
    *held = clouds_account(operation_clouds(operation), json_get_string(source, "account"), error);
    if (*held == NULL)
        return FALSE;
    if ((*held)->cloud != operation_account(operation)->cloud) {
        error_set(error, ERR_INVALID, "source.account %s belongs to another cloud", (*held)->name);
        return FALSE;
    }
    *reader = aws_reader(*held, json_get_string(source, "region"), operation_inventory(operation), operation_cancel(operation));
    return TRUE;
}

static const char *source_name(Operation *operation) {
    const JsonValue *source = json_root(create_params(operation)->source);
    gboolean whole = json_get_string(source, "account") != NULL && json_get_string(source, "region") != NULL;
    return whole ? json_get_string(source, "asgName") : NULL;
}

/* ---- before the group is made ---- */

/* As requests have block devices; encrypted only where no snapshot decides it. */
static void add_device(JsonBuilder *builder, const JsonValue *device) {
    static const char *const same[] = {"volumeType", "snapshotId", "iops", "throughput", "deleteOnTermination", "kmsKeyId"};
    const JsonValue *ebs = json_get(device, "ebs");
    json_begin_object(builder, NULL);
    json_add_value(builder, "deviceName", json_get(device, "deviceName"));
    json_add_value(builder, "virtualName", json_get(device, "virtualName"));
    json_add_value(builder, "size", json_get(ebs, "volumeSize"));
    for (gsize i = 0; i < G_N_ELEMENTS(same); i++)
        json_add_value(builder, same[i], json_get(ebs, same[i]));
    if (json_get(ebs, "snapshotId") == NULL)
        json_add_value(builder, "encrypted", json_get(ebs, "encrypted"));
    json_end_object(builder);
}

static gboolean is_same_device(const JsonValue *a, const JsonValue *b) {
    static const char *const compared[] = {"deviceName", "virtualName", "size", "volumeType", "snapshotId"};
    for (gsize i = 0; i < G_N_ELEMENTS(compared); i++) {
        const JsonValue *left = json_get(a, compared[i]), *right = json_get(b, compared[i]);
        if ((left == NULL) != (right == NULL) || (left != NULL && !json_equal(left, right)))
            return FALSE;
    }
    return TRUE;
}

static gboolean are_same_devices(const JsonValue *a, const JsonValue *b) {
    if (json_length(a) != json_length(b))
        return FALSE;
    for (gsize i = 0; i < json_length(a); i++)
        if (!is_same_device(json_at(a, i), json_at(b, i)))
            return FALSE;
    return TRUE;
}

/* Sets "sourceDevices", unless the source has just what its type has by default and the new type is another. */
static void note_devices(Operation *operation, const AwsLaunchFields *fields) {
    const CreateParams *params = create_params(operation);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(fields->block_devices); json_next(&i);)
        add_device(builder, i.value);
    json_end_array(builder);
    g_autoptr(Json) devices = json_builder_end(builder);
    if (fields->instance_type != NULL && strcmp(fields->instance_type, params->instance_type) != 0) {
        g_autoptr(Json) built_in = create_default_devices(operation, fields->instance_type);
        if (are_same_devices(json_root(devices), json_root(built_in)))
            return;
    }
    operation_fact_set(operation, "sourceDevices", json_root(devices));
}

static gboolean note_launch(Operation *operation, const AwsReader *reader, const JsonValue *asg, GError **error) {
    const CreateParams *params = create_params(operation);
    if (!params->copy_devices || params->use_image_devices || params->devices != NULL)
        return TRUE;
    g_autoptr(AwsLaunches) launches = aws_launches_new(reader);
    g_autoptr(GError) failed = NULL;
    const JsonValue *launch = aws_launch_of_group(reader, launches, asg, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    AwsLaunchFields fields;
    aws_launch_fields(launch, &fields);
    if (launch != NULL)
        note_devices(operation, &fields);
    g_strfreev(fields.security_groups);
    return TRUE;
}

static gboolean note_source(Operation *operation, const AwsReader *reader, const JsonValue *asg, GError **error) {
    const CreateParams *params = create_params(operation);
    g_autoptr(Json) found = json_from_bool(TRUE);
    operation_fact_set(operation, "sourceFound", json_root(found));
    const char *override = aws_tag(json_get(asg, "tags"), SUBNET_OVERRIDE_TAG);
    gboolean has_own = params->subnet_ids != NULL && params->subnet_ids[0] != NULL;
    if (override != NULL && *override != '\0' && params->copy_subnets && !has_own)
        operation_fact_set_string(operation, "subnetOverride", override);
    if (json_get_bool(json_root(params->source), "useSourceCapacity", FALSE)) {
        g_autoptr(Json) sizes = json_pack("{s:v, s:v, s:v}", "min", json_get(asg, "minSize"), "max", json_get(asg, "maxSize"), "desired",
                                          json_get(asg, "desiredCapacity"));
        operation_fact_set(operation, "capacity", json_root(sizes));
    }
    return note_launch(operation, reader, asg, error);
}

gboolean create_source_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    const char *name = source_name(operation);
    gboolean use_sizes = json_get_bool(json_root(params->source), "useSourceCapacity", FALSE);
    operation_fact_set_string(operation, "region", create_region(operation));
    if (params->capacity != NULL) {
        g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free); /* validation said it */
        g_autoptr(Json) sizes = sizes_read(json_root(params->capacity), unused);
        operation_fact_set(operation, "capacity", json_root(sizes));
    }
    if (name == NULL && use_sizes) {
        error_set(error, ERR_INVALID, "source.useSourceCapacity needs source.account, region and asgName");
        return FALSE;
    }
    if (name == NULL)
        return TRUE;
    AwsReader reader;
    g_autoptr(Account) held = NULL;
    if (!source_reader(operation, &reader, &held, error))
        return FALSE;
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) asg = aws_group_read(&reader, name, &failed);
    if (asg != NULL)
        return note_source(operation, &reader, json_root(asg), error);
    if (!aws_error_is_absent(failed) || use_sizes) {
        g_propagate_prefixed_error(error, g_steal_pointer(&failed), "the source's sizes cannot be copied: ");
        return FALSE;
    }
    operation_line(operation, "Source %s does not exist in %s; it is ignored", name, reader.region);
    return TRUE;
}

/* ---- after it is made: what there is to copy ---- */

guint create_copies(Operation *operation) {
    return create_params(operation)->copy_policies && operation_fact(operation, "sourceFound") != NULL ? 1 : 0;
}

static gboolean read_of_source(Operation *operation, const AwsReader *reader, AwsCallId call, GPtrArray *into, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, source_name(operation));
    aws_query_add(query, source_name(operation), "AutoScalingGroupName");
    return aws_read_documents(reader, query, AWS_SHAPE_QUERY, into, error);
}

static GPtrArray *alarm_names(const GPtrArray *policies) {
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < policies->len; i++)
        for (JsonIter a = json_iter(json_get(json_root(policies->pdata[i]), "alarms")); json_next(&a);) {
            const char *name = json_get_string(a.value, "alarmName");
            if (name != NULL && !g_str_has_prefix(name, TARGET_TRACKING_ALARM) &&
                !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, (gpointer)name);
        }
    return names;
}

static gboolean read_alarms(const AwsReader *reader, const GPtrArray *policies, GPtrArray *into, GError **error) {
    g_autoptr(GPtrArray) names = alarm_names(policies);
    for (guint from = 0; from < names->len; from += ALARM_NAMES_PER_CALL) {
        g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_ALARMS);
        for (guint i = from; i < MIN(names->len, from + ALARM_NAMES_PER_CALL); i++)
            aws_query_add(query, names->pdata[i], "AlarmNames.member.%u", i - from + 1);
        if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, into, error))
            return FALSE;
    }
    return TRUE;
}

static void note_documents(Operation *operation, const char *fact, const GPtrArray *documents) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < documents->len; i++)
        json_add_json(builder, NULL, documents->pdata[i]);
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    operation_fact_set(operation, fact, json_root(list));
}

gboolean create_read_copies_act(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader;
    g_autoptr(Account) held = NULL;
    g_autoptr(GPtrArray) policies = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(GPtrArray) alarms = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(GPtrArray) actions = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!source_reader(operation, &reader, &held, error) || !read_of_source(operation, &reader, AWS_DESCRIBE_POLICIES, policies, error) ||
        !read_alarms(&reader, policies, alarms, error) ||
        !read_of_source(operation, &reader, AWS_DESCRIBE_SCHEDULED_ACTIONS, actions, error))
        return FALSE;
    note_documents(operation, "policies", policies);
    note_documents(operation, "alarms", alarms);
    note_documents(operation, "actions", actions);
    return TRUE;
}

static const char *group_name(Operation *operation) {
    return operation_fact_string(operation, "name");
}

/* Dimensions that name the source name the new group. Prefix: "Dimensions" or the path to it. */
static void add_dimensions(Operation *operation, AwsQuery *query, const char *prefix, const JsonValue *dimensions) {
    for (JsonIter i = json_iter(dimensions); json_next(&i);) {
        const char *name = json_get_string(i.value, "name"), *value = json_get_string(i.value, "value");
        gboolean is_group = g_strcmp0(name, "AutoScalingGroupName") == 0 && g_strcmp0(value, source_name(operation)) == 0;
        aws_query_add(query, name, "%s.member.%" G_GSIZE_FORMAT ".Name", prefix, i.index + 1);
        aws_query_add(query, is_group ? group_name(operation) : value, "%s.member.%" G_GSIZE_FORMAT ".Value", prefix, i.index + 1);
    }
}

/* ---- policies ---- */

guint create_policies_count(Operation *operation) {
    return operation_fact_length(operation, "policies");
}

static const JsonValue *alarm_of(Operation *operation, const JsonValue *policy) {
    const char *wanted = json_get_string(json_at(json_get(policy, "alarms"), 0), "alarmName");
    for (JsonIter i = json_iter(operation_fact(operation, "alarms")); json_next(&i);)
        if (wanted != NULL && g_strcmp0(json_get_string(i.value, "alarmName"), wanted) == 0)
            return i.value;
    return NULL;
}

/* aws.md 8: the source's name in it replaced; else made from its first alarm. The same in every repeat. */
static char *policy_name(Operation *operation, const JsonValue *policy, guint item) {
    const char *name = json_get_string(policy, "policyName"), *source = source_name(operation);
    if (name != NULL && strstr(name, source) != NULL) {
        GString *renamed = g_string_new(name);
        g_string_replace(renamed, source, group_name(operation), 0);
        return g_string_free(renamed, FALSE);
    }
    const JsonValue *alarm = alarm_of(operation, policy);
    g_autofree char *token = operation_token(operation, "copy scaling policy", item);
    if (alarm == NULL)
        return g_strdup_printf("%s-no-alarm-%.12s", name != NULL ? name : group_name(operation), token);
    g_autofree char *threshold = json_as_text(json_get(alarm, "threshold"));
    char *made = g_strdup_printf("%s-%s-%s-%s-%s-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, group_name(operation),
                                 json_get_string(alarm, "namespace"), json_get_string(alarm, "metricName"),
                                 json_get_string(alarm, "comparisonOperator"), threshold, json_get_int(alarm, "evaluationPeriods", 0),
                                 json_get_int(alarm, "period", 0), operation_started_ms(operation) + item);
    return g_strdelimit(made, ":", '-');
}

static void add_target_tracking(Operation *operation, AwsQuery *query, const JsonValue *tracking) {
    static const char *const plain[] = {"predefinedMetricSpecification", "targetValue", "disableScaleIn", NULL};
    static const char *const metric[] = {"metricName", "namespace", "statistic", "unit", NULL};
    const JsonValue *custom = json_get(tracking, "customizedMetricSpecification");
    for (gsize i = 0; plain[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("TargetTrackingConfiguration.%c%s", g_ascii_toupper(plain[i][0]), plain[i] + 1);
        if (json_get(tracking, plain[i]) != NULL)
            aws_add_parameters(query, name, json_get(tracking, plain[i]));
    }
    for (gsize i = 0; custom != NULL && metric[i] != NULL; i++)
        aws_query_add(query, json_get_string(custom, metric[i]), "TargetTrackingConfiguration.CustomizedMetricSpecification.%c%s",
                      g_ascii_toupper(metric[i][0]), metric[i] + 1);
    add_dimensions(operation, query, "TargetTrackingConfiguration.CustomizedMetricSpecification.Dimensions",
                   json_get(custom, "dimensions"));
}

gboolean create_policy_act(Operation *operation, guint item, GError **error) {
    static const char *const keys[] = {
        "policyType", "adjustmentType",        "minAdjustmentStep",       "minAdjustmentMagnitude", "scalingAdjustment",
        "cooldown",   "metricAggregationType", "estimatedInstanceWarmup", "stepAdjustments",        NULL};
    const JsonValue *policy = json_at(operation_fact(operation, "policies"), item);
    g_autofree char *name = policy_name(operation, policy, item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_POLICY);
    aws_query_about(query, name);
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add(query, name, "PolicyName");
    aws_add_member_parameters(query, policy, keys);
    add_target_tracking(operation, query, json_get(policy, "targetTrackingConfiguration"));
    operation_line(operation, "Copying scaling policy %s", name);
    g_autoptr(XmlDocument)
        answer = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (answer == NULL)
        return FALSE;
    g_autofree char *arn = xml_get_text(aws_answer(answer, AWS_PUT_POLICY), "PolicyARN");
    g_autoptr(Json) fact = json_from_string(arn != NULL ? arn : "");
    operation_group_fact_set(operation, "policyArn", item, json_root(fact));
    return TRUE;
}

/* ---- alarms ---- */

guint create_alarms_count(Operation *operation) {
    return operation_fact_length(operation, "alarms");
}

/* What an action of the source becomes: a policy's copy, itself, or NULL: it belongs to another region or account. */
static const char *copied_action(Operation *operation, const char *arn) {
    for (guint i = 0; i < create_policies_count(operation); i++)
        if (g_strcmp0(json_get_string(json_at(operation_fact(operation, "policies"), i), "policyARN"), arn) == 0)
            return json_string(operation_group_fact(operation, "policyArn", i));
    g_auto(GStrv) parts = g_strsplit(arn, ":", 6);
    if (g_strv_length(parts) < 5)
        return NULL;
    gboolean here = strcmp(parts[3], create_region(operation)) == 0 && g_strcmp0(parts[4], operation_aws(operation)->account_id) == 0;
    return here ? arn : NULL;
}

static void add_actions(Operation *operation, AwsQuery *query, const char *name, const JsonValue *actions) {
    guint n = 0;
    for (JsonIter i = json_iter(actions); json_next(&i);) {
        const char *arn = json_string(i.value) != NULL ? copied_action(operation, json_string(i.value)) : NULL;
        if (arn != NULL && *arn != '\0')
            aws_query_add(query, arn, "%s.member.%u", name, ++n);
    }
}

gboolean create_alarm_act(Operation *operation, guint item, GError **error) {
    static const char *const keys[] = {"alarmDescription",
                                       "actionsEnabled",
                                       "metricName",
                                       "namespace",
                                       "statistic",
                                       "extendedStatistic",
                                       "period",
                                       "unit",
                                       "evaluationPeriods",
                                       "datapointsToAlarm",
                                       "threshold",
                                       "comparisonOperator",
                                       "treatMissingData",
                                       NULL};
    const JsonValue *alarm = json_at(operation_fact(operation, "alarms"), item);
    g_autofree char *token = operation_token(operation, "copy alarm", item);
    g_autofree char *name = g_strdup_printf("%s-alarm-%.12s", group_name(operation), token);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_ALARM);
    aws_query_about(query, name);
    aws_query_add(query, name, "AlarmName");
    aws_add_member_parameters(query, alarm, keys);
    add_dimensions(operation, query, "Dimensions", json_get(alarm, "dimensions"));
    add_actions(operation, query, "AlarmActions", json_get(alarm, "alarmActions"));
    add_actions(operation, query, "OKActions", json_get(alarm, "okactions"));
    add_actions(operation, query, "InsufficientDataActions", json_get(alarm, "insufficientDataActions"));
    operation_line(operation, "Copying alarm %s as %s", json_get_string(alarm, "alarmName"), name);
    return operation_write(operation, create_region(operation), query, error);
}

/* ---- scheduled actions ---- */

guint create_actions_count(Operation *operation) {
    return operation_fact_length(operation, "actions");
}

static void add_time(AwsQuery *query, const JsonValue *time_ms, gint64 now_ms, const char *name) {
    if (!json_is_number(time_ms) || json_int(time_ms, 0) <= now_ms)
        return; /* AWS refuses times that are past */
    g_autofree char *text = clock_iso8601(json_int(time_ms, 0));
    aws_query_add(query, text, "%s", name);
}

gboolean create_scheduled_act(Operation *operation, guint item, GError **error) {
    static const char *const keys[] = {"recurrence", "minSize", "maxSize", "desiredCapacity", "timeZone", NULL};
    const JsonValue *action = json_at(operation_fact(operation, "actions"), item);
    g_autofree char *token = operation_token(operation, "copy scheduled action", item);
    g_autofree char *name = g_strdup_printf("%s-schedule-%.12s", group_name(operation), token);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_PUT_SCHEDULED_ACTION);
    aws_query_about(query, name);
    aws_query_add(query, group_name(operation), "AutoScalingGroupName");
    aws_query_add(query, name, "ScheduledActionName");
    aws_add_member_parameters(query, action, keys);
    add_time(query, json_get(action, "startTime"), operation_now_ms(operation), "StartTime");
    add_time(query, json_get(action, "endTime"), operation_now_ms(operation), "EndTime");
    operation_line(operation, "Copying scheduled action %s", name);
    return operation_write(operation, create_region(operation), query, error);
}
