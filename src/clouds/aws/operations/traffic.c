/* enableServerGroup and disableServerGroup: whether a group's instances get traffic (aws.md 7).
 *
 * A full disable suspends AddToLoadBalancer, which is what makes a group "disabled"; a partial one only deregisters. */
#include "clouds/traffic.h"
#include "clouds/aws/operations/operations.h"
#include <string.h>

typedef struct {
    gint64 percentage; /* -1: not given */
} TrafficParams;
static const Param params[] = {
    {.name = "desiredPercentage",
     .type = PARAM_INT,
     .offset = offsetof(TrafficParams, percentage),
     .otherwise = "-1",
     .min = -1,
     .max = 100,
     .help = "How much of the group is to be without traffic when done; absent or 100: all of it."},
    {0},
};
static const char *const PROCESSES[] = {"Launch", "Terminate", "AddToLoadBalancer", NULL};

static gboolean is_partial(Operation *operation) {
    const TrafficParams *asked = operation_params(operation);
    return asked->percentage >= 0 && asked->percentage < 100;
}

/* ---- which instances ---- */

/* Members that can serve, in the group's order. */
static char **serving_members(const JsonValue *asg) {
    GPtrArray *ids = g_ptr_array_new();
    for (JsonIter i = json_iter(json_get(asg, "instances")); json_next(&i);)
        if (traffic_is_serving_state(json_get_string(i.value, "lifecycleState")))
            g_ptr_array_add(ids, g_strdup(json_get_string(i.value, "instanceId")));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(ids, FALSE);
}

/* Caller frees. */
static char **part_of_group(Operation *operation, const char *region, const char *name, gint64 percentage) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    const ServerGroup *group = clouds_server_group(snapshot, operation_account(operation)->name, region, name);
    guint total = 0;
    char **part = traffic_part_to_disable(snapshot, group, percentage, &total);
    operation_line(operation, "%s: %" G_GINT64_FORMAT " %% of %u instances: %u more go out of service", name, percentage, total,
                   g_strv_length(part));
    return part;
}

/* Running or pending ones only: others are refused by load balancers. */
static gboolean keep_running(const AwsReader *reader, char **ids, GPtrArray *running, GError **error) {
    for (guint from = 0, n = g_strv_length(ids); from < n; from += AWS_NAMES_PER_CALL) {
        g_autoptr(GPtrArray) some = g_ptr_array_new(), found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
        for (guint i = from; i < MIN(n, from + AWS_NAMES_PER_CALL); i++)
            g_ptr_array_add(some, ids[i]);
        g_ptr_array_add(some, NULL);
        g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
        aws_query_add_filter_list(query, "instance-id", (const char *const *)some->pdata);
        aws_query_add_filter_list(query, "instance-state-name", (const char *const[]){"running", "pending", NULL});
        if (!aws_instances_read(reader, query, found, error))
            return FALSE;
        for (guint i = 0; i < found->len; i++)
            g_ptr_array_add(running, g_strdup(json_get_string(json_root(found->pdata[i]), "instanceId")));
    }
    g_ptr_array_add(running, NULL);
    return TRUE;
}

/* ---- plans: facts before the first write ---- */

static void set_group_fact(Operation *operation, guint item, const JsonValue *asg, const char *const *instances) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (asg)
        aws_registrations_add(builder, operation_group_region(operation, item), asg, instances);
    json_end_array(builder);
    g_autoptr(Json) registrations = json_builder_end(builder), ids = json_from_strings(instances);
    g_autoptr(Json) fact = json_pack("{s:b, s:j, s:j}", "present", asg != NULL, "registrations", registrations, "instances", ids);
    operation_group_fact_set(operation, "group", item, json_root(fact));
}

static gboolean plan_enable(Operation *operation, guint item, GError **error) {
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    AwsReader reader = operation_reader(operation, region);
    g_autoptr(Json) asg = NULL;
    if (!operation_read_present(operation, region, name, &asg, error))
        return FALSE;
    g_auto(GStrv) members = serving_members(json_root(asg));
    g_autoptr(GPtrArray) running = g_ptr_array_new_with_free_func(g_free);
    if (!keep_running(&reader, members, running, error))
        return FALSE;
    set_group_fact(operation, item, json_root(asg), (const char *const *)running->pdata);
    return TRUE;
}

static gboolean plan_disable(Operation *operation, guint item, GError **error) {
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    const TrafficParams *asked = operation_params(operation);
    g_autoptr(Json) asg = NULL;
    if (!operation_read_present(operation, region, name, &asg, error))
        return FALSE;
    if (asg && is_partial(operation))
        operation_publish_group(operation, region, name); /* the choice is made from the instances' health of now */
    g_auto(GStrv) chosen = asg && is_partial(operation) ? part_of_group(operation, region, name, asked->percentage)
                                                        : aws_group_instance_ids(json_root(asg));
    set_group_fact(operation, item, json_root(asg), (const char *const *)chosen);
    return TRUE;
}

/* ---- processes ---- */

static gboolean is_present(Operation *operation, guint item) {
    return json_get_bool(operation_group_fact(operation, "group", item), "present", FALSE);
}

static gboolean change_processes(Operation *operation, guint item, AwsCallId call, GError **error) {
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    if (!is_present(operation, item))
        return TRUE;
    operation_line(operation, "%s Launch, Terminate and AddToLoadBalancer of %s in %s",
                   call == AWS_SUSPEND_PROCESSES ? "Suspending" : "Resuming", name, region);
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_query_add_list(query, PROCESSES, "ScalingProcesses.member");
    if (!operation_write(operation, region, query, error))
        return FALSE;
    operation_publish_group(operation, region, name);
    return TRUE;
}

static gboolean resume(Operation *operation, guint item, GError **error) {
    return change_processes(operation, item, AWS_RESUME_PROCESSES, error);
}

static gboolean suspend(Operation *operation, guint item, GError **error) {
    return is_partial(operation) || change_processes(operation, item, AWS_SUSPEND_PROCESSES, error);
}

static guint count_suspensions(Operation *operation) {
    return is_partial(operation) ? 0 : operation_groups(operation);
}

/* ---- load balancers: the registrations of all groups, one after the other ---- */

static const JsonValue *registration_at(Operation *operation, guint index) {
    for (guint i = 0; i < operation_groups(operation); i++) {
        const JsonValue *list = json_get(operation_group_fact(operation, "group", i), "registrations");
        guint length = (guint)json_length(list);
        if (index < length)
            return json_at(list, index);
        index -= length;
    }
    return NULL;
}

static guint count_registrations(Operation *operation) {
    guint count = 0;
    for (guint i = 0; i < operation_groups(operation); i++)
        count += (guint)json_length(json_get(operation_group_fact(operation, "group", i), "registrations"));
    return count;
}

static gboolean register_one(Operation *operation, guint item, GError **error) {
    return aws_register(operation, registration_at(operation, item), error);
}

static gboolean deregister_one(Operation *operation, guint item, GError **error) {
    return aws_deregister(operation, registration_at(operation, item), error);
}

/* ---- results ---- */

static void publish_all(Operation *operation) {
    for (guint i = 0; i < operation_groups(operation); i++)
        if (is_present(operation, i))
            operation_publish_group(operation, operation_group_region(operation, i), operation_group_name(operation, i));
}

static void finish_disable(Operation *operation) {
    publish_all(operation);
    if (!is_partial(operation))
        return;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < operation_groups(operation); i++)
        for (JsonIter id = json_iter(json_get(operation_group_fact(operation, "group", i), "instances")); json_next(&id);)
            json_add_value(builder, NULL, id.value);
    json_end_array(builder);
    g_autoptr(Json) ids = json_builder_end(builder);
    operation_result_set(operation, "instanceIdsToDisable", json_root(ids));
}

static const OperationStep enable_steps[] = {
    {.name = "read server group", .count = operation_groups, .act = plan_enable, .repeat = REPEAT_READ},
    {.name = "resume processes",
     .count = operation_groups,
     .act = resume,
     .repeat = REPEAT_IDEMPOTENT,
     .tries = 5,
     .try_delay_ms = 1000,
     .retry_on = operation_is_busy},
    {.name = "register instances", .count = count_registrations, .act = register_one, .repeat = REPEAT_IDEMPOTENT},
    {0},
};

static const OperationStep disable_steps[] = {
    {.name = "read server group", .count = operation_groups, .act = plan_disable, .repeat = REPEAT_READ},
    {.name = "suspend processes",
     .count = count_suspensions,
     .act = suspend,
     .repeat = REPEAT_IDEMPOTENT,
     .tries = 5,
     .try_delay_ms = 1000,
     .retry_on = operation_is_busy},
    {.name = "deregister instances", .count = count_registrations, .act = deregister_one, .repeat = REPEAT_IDEMPOTENT},
    {0},
};

const CloudOperation aws_enable_server_group = {
    .name = "enableServerGroup",
    .aliases = (const char *const[]){"enableAsgDescription", NULL},
    .help = "Lets server groups launch and get traffic again.",
    .takes_server_groups = TRUE,
    .steps = enable_steps,
    .finish = publish_all,
};

const CloudOperation aws_disable_server_group = {
    .name = "disableServerGroup",
    .aliases = (const char *const[]){"disableAsgDescription", NULL},
    .help = "Takes server groups, or a part of their instances, out of traffic.",
    .takes_server_groups = TRUE,
    .params = params,
    .params_size = sizeof(TrafficParams),
    .steps = disable_steps,
    .finish = finish_disable,
};
