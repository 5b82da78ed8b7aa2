/* upsertAsgScheduledActions (aws.md 8): the scheduled actions of server groups become those of the request. One with the same recurrence is
 * updated, others are deleted.
 *
 * Facts: puts [{group, region, name, action}], deletes [{group, region, name}]. */
#include "clouds/aws/operations/operations.h"

typedef struct {
    Json *actions;
} ScheduledParams;
static const Param scheduled_params[] = {
    {.name = "scheduledActions",
     .type = PARAM_JSON,
     .offset = offsetof(ScheduledParams, actions),
     .required = TRUE,
     .help = "All that there are to be: [{recurrence, minSize, maxSize, desiredCapacity}]; others are deleted."},
    {0},
};

static void scheduled_validate(Operation *operation, GPtrArray *errors) {
    const ScheduledParams *params = operation_params(operation);
    if (!json_is_array(json_root(params->actions)))
        g_ptr_array_add(errors, g_strdup("scheduledActions: expected a list of {recurrence, minSize, maxSize, desiredCapacity}"));
    for (JsonIter i = json_iter(json_root(params->actions)); json_next(&i);)
        if (json_get_string(i.value, "recurrence") == NULL)
            g_ptr_array_add(errors,
                            g_strdup_printf("scheduledActions[%" G_GSIZE_FORMAT "].recurrence: required, a cron expression", i.index));
}

static const JsonValue *with_recurrence(const JsonValue *actions, const char *recurrence) {
    for (JsonIter i = json_iter(actions); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "recurrence"), recurrence) == 0)
            return i.value;
    return NULL;
}

typedef struct {
    JsonBuilder *puts, *deletes;
} Plan;

static void plan_group(Operation *operation, guint item, const GPtrArray *there, Plan *plan) {
    const ScheduledParams *params = operation_params(operation);
    const char *group = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < there->len; i++)
        json_add_json(builder, NULL, there->pdata[i]);
    json_end_array(builder);
    g_autoptr(Json) known = json_builder_end(builder);
    for (JsonIter i = json_iter(json_root(params->actions)); json_next(&i);) {
        const JsonValue *same = with_recurrence(json_root(known), json_get_string(i.value, "recurrence"));
        g_autofree char *token = operation_token(operation, group, (guint)i.index);
        g_autofree char *fresh = g_strdup_printf("%s-%.12s", group, token);
        const char *name = json_get_string(same, "scheduledActionName");
        g_autoptr(Json) put = json_pack("{s:s, s:s, s:s, s:v}", "group", group, "region", region, "name", name != NULL ? name : fresh,
                                        "action", i.value);
        json_add_json(plan->puts, NULL, put);
    }
    for (JsonIter i = json_iter(json_root(known)); json_next(&i);) {
        if (with_recurrence(json_root(params->actions), json_get_string(i.value, "recurrence")) != NULL)
            continue;
        g_autoptr(Json)
            gone = json_pack("{s:s, s:s, s:v}", "group", group, "region", region, "name", json_get(i.value, "scheduledActionName"));
        json_add_json(plan->deletes, NULL, gone);
    }
}

static gboolean plan_groups(Operation *operation, Plan *plan, GError **error) {
    for (guint item = 0; item < operation_groups(operation); item++) {
        AwsReader reader = operation_reader(operation, operation_group_region(operation, item));
        g_autoptr(GPtrArray) there = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
        g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SCHEDULED_ACTIONS);
        aws_query_about(query, operation_group_name(operation, item));
        aws_query_add(query, operation_group_name(operation, item), "AutoScalingGroupName");
        if (!aws_read_documents(&reader, query, AWS_SHAPE_QUERY, there, error))
            return FALSE;
        plan_group(operation, item, there, plan);
    }
    return TRUE;
}

static gboolean plan_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(JsonBuilder) puts = json_builder_new();
    g_autoptr(JsonBuilder) deletes = json_builder_new();
    Plan plan = {puts, deletes};
    json_begin_array(puts, NULL);
    json_begin_array(deletes, NULL);
    if (!plan_groups(operation, &plan, error))
        return FALSE;
    json_end_array(puts);
    json_end_array(deletes);
    g_autoptr(Json) wanted = json_builder_end(puts);
    g_autoptr(Json) unwanted = json_builder_end(deletes);
    operation_fact_set(operation, "puts", json_root(wanted));
    operation_fact_set(operation, "deletes", json_root(unwanted));
    return TRUE;
}

static AwsQuery *query_of(AwsCallId call, const JsonValue *entry) {
    AwsQuery *query = aws_query_new(call);
    aws_query_about(query, json_get_string(entry, "name"));
    aws_query_add(query, json_get_string(entry, "group"), "AutoScalingGroupName");
    aws_query_add(query, json_get_string(entry, "name"), "ScheduledActionName");
    return query;
}

static guint puts_count(Operation *operation) {
    return operation_fact_length(operation, "puts");
}

static gboolean put_act(Operation *operation, guint item, GError **error) {
    static const char *const KEYS[] = {"recurrence", "minSize", "maxSize", "desiredCapacity", "timeZone", NULL};
    const JsonValue *entry = json_at(operation_fact(operation, "puts"), item);
    g_autoptr(AwsQuery) query = query_of(AWS_PUT_SCHEDULED_ACTION, entry);
    aws_add_member_parameters(query, json_get(entry, "action"), KEYS);
    operation_line(operation, "Setting scheduled action %s (%s)", json_get_string(entry, "name"),
                   json_get_string(json_get(entry, "action"), "recurrence"));
    return operation_write(operation, json_get_string(entry, "region"), query, error);
}

static guint deletes_count(Operation *operation) {
    return operation_fact_length(operation, "deletes");
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const JsonValue *entry = json_at(operation_fact(operation, "deletes"), item);
    g_autoptr(AwsQuery) query = query_of(AWS_DELETE_SCHEDULED_ACTION, entry);
    operation_line(operation, "Deleting scheduled action %s", json_get_string(entry, "name"));
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, json_get_string(entry, "region"), query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

const CloudOperation aws_upsert_scheduled_actions = {
    .name = "upsertAsgScheduledActions",
    .aliases = (const char *const[]){"upsertAsgScheduledActionsDescription", NULL},
    .help = "Sets the scheduled actions of server groups.",
    .params = scheduled_params,
    .params_size = sizeof(ScheduledParams),
    .takes_server_groups = TRUE,
    .validate = scheduled_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look at scheduled actions", .act = plan_act, .repeat = REPEAT_READ},
            {.name = "set scheduled actions", .count = puts_count, .act = put_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "delete scheduled actions", .count = deletes_count, .act = delete_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = operation_publish_groups,
};
