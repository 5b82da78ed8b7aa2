/* enableServerGroup and disableServerGroup (aws.md 7): scaling processes, and registration with load balancers and target groups.
 *
 * First the groups are read; what is to be registered where becomes a list of facts, one outward write each. */
#include "clouds/aws/operations/operations.h"
#include <math.h>
#include <string.h>

#define REGISTRATION_BATCH 500 /* instances of one call */

typedef struct {
    gint64 percentage; /* -1: none given */
} TrafficParams;
static const Param disable_params[] = {
    {.name = "desiredPercentage",
     .type = PARAM_INT,
     .offset = offsetof(TrafficParams, percentage),
     .otherwise = "-1",
     .min = -1,
     .max = 100,
     .help = "Disable only this part of the instances, in percent."},
    {0},
};

static const char *const TRAFFIC_PROCESSES[] = {"Launch", "Terminate", "AddToLoadBalancer", NULL};

static gboolean is_partial(Operation *operation) {
    const TrafficParams *params = operation_params(operation);
    return params != NULL && params->percentage >= 0 && params->percentage < 100;
}

/* ---- looking at a group ---- */
static gboolean is_serving(const char *lifecycle) {
    return strcmp(lifecycle, "InService") == 0 || g_str_has_prefix(lifecycle, "Pending");
}

/* Ids of the members that are in service or about to be; strv. */
static GPtrArray *serving_instances(const XmlNode *group) {
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    const XmlNode *list = xml_get(group, "Instances");
    for (const XmlNode *member = xml_first(list, "member"); member != NULL; member = xml_next(member, "member")) {
        g_autofree char *lifecycle = xml_get_text(member, "LifecycleState");
        if (lifecycle != NULL && is_serving(lifecycle))
            g_ptr_array_add(ids, xml_get_text(member, "InstanceId"));
    }
    return ids;
}

/* Up without Down: still taking traffic, as far as the inventory knows. */
static gboolean is_eligible(const InventorySnapshot *snapshot, Operation *operation, const char *region, const char *id) {
    const InventoryObject *object = inventory_get(snapshot, operation_account(operation)->name, KIND_INSTANCE, region, id);
    const Instance *instance = object != NULL ? object->record : NULL;
    gboolean up = FALSE;
    for (guint i = 0; instance != NULL && i < instance->health->len; i++) {
        const Health *health = instance->health->pdata[i];
        if (health->state == HEALTH_DOWN)
            return FALSE;
        up = up || health->state == HEALTH_UP;
    }
    return up;
}

/* Keeps only those that a percentage asks for: ceil(total · pct / 100) less those that are out already (aws.md 7). */
static void keep_percentage(Operation *operation, const char *region, GPtrArray *ids, gint64 percentage) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    guint total = ids->len;
    for (guint i = 0; i < ids->len;)
        if (is_eligible(snapshot, operation, region, ids->pdata[i]))
            i++;
        else
            g_ptr_array_remove_index(ids, i);
    gint64 wanted = (gint64)ceil((double)total * (double)percentage / 100.0) - (gint64)(total - ids->len);
    guint count = (guint)CLAMP(wanted, 0, (gint64)ids->len);
    if (count < ids->len)
        g_ptr_array_remove_range(ids, count, ids->len - count);
}

/* One registration: {group, region, kind, target, instances}. */
static void add_registrations(JsonBuilder *builder, const char *region, const char *kind, char **targets, const GPtrArray *ids) {
    for (gsize t = 0; targets[t] != NULL; t++)
        for (guint from = 0; from < ids->len; from += REGISTRATION_BATCH) {
            json_begin_object(builder, NULL);
            json_add_string(builder, "region", region);
            json_add_string(builder, "kind", kind);
            json_add_string(builder, "target", targets[t]);
            json_begin_array(builder, "instances");
            for (guint i = from; i < MIN(from + REGISTRATION_BATCH, ids->len); i++)
                json_add_string(builder, NULL, ids->pdata[i]);
            json_end_array(builder);
            json_end_object(builder);
        }
}

/* Appends the registrations of a group to the fact "registrations". */
static void note_group(Operation *operation, guint item, const XmlNode *group) {
    const char *region = operation_group_region(operation, item);
    g_autoptr(GPtrArray) ids = serving_instances(group);
    if (is_partial(operation))
        keep_percentage(operation, region, ids, ((const TrafficParams *)operation_params(operation))->percentage);
    g_auto(GStrv) balancers = aws_texts(group, "LoadBalancerNames", "member", NULL);
    g_auto(GStrv) targets = aws_texts(group, "TargetGroupARNs", "member", NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(operation_fact(operation, "registrations")); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    add_registrations(builder, region, "classic", balancers, ids);
    add_registrations(builder, region, "target", targets, ids);
    json_end_array(builder);
    g_autoptr(Json) registrations = json_builder_end(builder);
    operation_fact_set(operation, "registrations", json_root(registrations));
    g_autoptr(Json) names = NULL;
    g_ptr_array_add(ids, NULL);
    names = json_from_strings((const char *const *)ids->pdata);
    operation_group_fact_set(operation, "instances", item, json_root(names));
}

static gboolean look_at_group(Operation *operation, guint item, GError **error) {
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, operation_group_region(operation, item), operation_group_name(operation, item), &document, &group,
                              error))
        return FALSE;
    g_autoptr(Json) exists = json_from_bool(group != NULL);
    operation_group_fact_set(operation, "exists", item, json_root(exists));
    if (group == NULL)
        operation_line(operation, "%s does not exist in %s; nothing to do", operation_group_name(operation, item),
                       operation_group_region(operation, item));
    else
        note_group(operation, item, group);
    return TRUE;
}

/* ---- writing ---- */
static LookResult skip_absent(Operation *operation, guint item, GError **error) {
    (void)error;
    return json_is_true(operation_group_fact(operation, "exists", item)) ? LOOK_NOT_DONE : LOOK_SKIP;
}

static gboolean change_traffic_processes(Operation *operation, guint item, AwsCallId call, GError **error) {
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    for (guint i = 0; TRAFFIC_PROCESSES[i] != NULL; i++)
        aws_query_add(query, TRAFFIC_PROCESSES[i], "ScalingProcesses.member.%u", i + 1);
    return aws_client_write(operation_client(operation), operation_group_region(operation, item), query, operation_cancel(operation),
                            error);
}

static gboolean resume_act(Operation *operation, guint item, GError **error) {
    operation_line(operation, "Resuming Launch, Terminate and AddToLoadBalancer of %s", operation_group_name(operation, item));
    return change_traffic_processes(operation, item, AWS_RESUME_PROCESSES, error);
}

static gboolean suspend_act(Operation *operation, guint item, GError **error) {
    operation_line(operation, "Suspending Launch, Terminate and AddToLoadBalancer of %s", operation_group_name(operation, item));
    return change_traffic_processes(operation, item, AWS_SUSPEND_PROCESSES, error);
}

/* Percentages leave the processes running (aws.md 16.7). */
static guint groups_unless_partial(Operation *operation) {
    return is_partial(operation) ? 0 : operation_groups(operation);
}

static guint registrations(Operation *operation) {
    return operation_fact_length(operation, "registrations");
}

typedef struct {
    AwsCallId classic, target;
    const char *verb;
} Registration;
static const Registration REGISTER = {AWS_REGISTER_CLASSIC, AWS_REGISTER_TARGETS, "Registering"};
static const Registration DEREGISTER = {AWS_DEREGISTER_CLASSIC, AWS_DEREGISTER_TARGETS, "Deregistering"};

static gboolean change_registration(Operation *operation, guint item, const Registration *registration, GError **error) {
    const JsonValue *entry = json_at(operation_fact(operation, "registrations"), item);
    const JsonValue *instances = json_get(entry, "instances");
    const char *target = json_get_string(entry, "target");
    gboolean classic = strcmp(json_get_string(entry, "kind"), "classic") == 0;
    g_autoptr(AwsQuery) query = aws_query_new(classic ? registration->classic : registration->target);
    aws_query_about(query, target);
    aws_query_add(query, target, classic ? "LoadBalancerName" : "TargetGroupArn");
    for (guint i = 0; i < json_length(instances); i++) {
        const char *id = json_string(json_at(instances, i));
        if (classic)
            aws_query_add(query, id, "Instances.member.%u.InstanceId", i + 1);
        else
            aws_query_add(query, id, "Targets.member.%u.Id", i + 1);
    }
    operation_line(operation, "%s %" G_GSIZE_FORMAT " instances: %s", registration->verb, json_length(instances), target);
    return aws_client_write(operation_client(operation), json_get_string(entry, "region"), query, operation_cancel(operation), error);
}

static gboolean register_act(Operation *operation, guint item, GError **error) {
    return change_registration(operation, item, &REGISTER, error);
}

/* A load balancer that is gone takes no traffic either. */
static gboolean deregister_act(Operation *operation, guint item, GError **error) {
    g_autoptr(GError) failed = NULL;
    if (change_registration(operation, item, &DEREGISTER, &failed))
        return TRUE;
    if (aws_error_is_absent(failed)) {
        operation_line(operation, "%s; there is nothing to deregister from", failed->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* Which instances a percentage chose: the wait after it looks at exactly these. */
static void disable_finish(Operation *operation) {
    if (is_partial(operation)) {
        g_autoptr(JsonBuilder) builder = json_builder_new();
        json_begin_array(builder, NULL);
        for (guint item = 0; item < operation_groups(operation); item++)
            for (JsonIter i = json_iter(operation_group_fact(operation, "instances", item)); json_next(&i);)
                json_add_value(builder, NULL, i.value);
        json_end_array(builder);
        g_autoptr(Json) chosen = json_builder_end(builder);
        operation_result_set(operation, "instanceIdsToDisable", json_root(chosen));
    }
    operation_publish_groups(operation);
}

const CloudOperation aws_enable_server_group = {
    .name = "enableServerGroup",
    .aliases = (const char *const[]){"enableAsgDescription", NULL},
    .help = "Lets server groups take traffic.",
    .takes_server_groups = TRUE,
    .steps =
        (const OperationStep[]){
            {.name = "look at the groups",
             .count = operation_groups,
             .act = look_at_group,
             .repeat = REPEAT_READ,
             .tries = AWS_TRIES_GROUP},
            {.name = "resume processes", .count = operation_groups, .look = skip_absent, .act = resume_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "register instances", .count = registrations, .act = register_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = operation_publish_groups,
};

const CloudOperation aws_disable_server_group = {
    .name = "disableServerGroup",
    .aliases = (const char *const[]){"disableAsgDescription", NULL},
    .help = "Takes traffic away from server groups, or from a part of their instances.",
    .params = disable_params,
    .params_size = sizeof(TrafficParams),
    .takes_server_groups = TRUE,
    .steps =
        (const OperationStep[]){
            {.name = "look at the groups",
             .count = operation_groups,
             .act = look_at_group,
             .repeat = REPEAT_READ,
             .tries = AWS_TRIES_GROUP},
            {.name = "suspend processes",
             .count = groups_unless_partial,
             .look = skip_absent,
             .act = suspend_act,
             .repeat = REPEAT_IDEMPOTENT},
            {.name = "deregister instances", .count = registrations, .act = deregister_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = disable_finish,
};
