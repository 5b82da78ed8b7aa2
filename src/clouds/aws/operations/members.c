/* registerInstancesWithLoadBalancer, deregisterInstancesFromLoadBalancer (aws.md 9): with a server group its load balancers and target
 * groups, and only its members; else those that are named.
 *
 * Facts: registrations [{region, group, kind, name, arn, instances}]. */
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *region, *group;
    char **instances, **balancers, **target_groups;
} MemberParams;
static const Param member_params[] = {
    {.name = "region",
     .type = PARAM_STRING,
     .offset = offsetof(MemberParams, region),
     .required = TRUE,
     .help = "Region of the instances."},
    {.name = "instanceIds",
     .type = PARAM_STRINGS,
     .offset = offsetof(MemberParams, instances),
     .required = TRUE,
     .help = "Ids of the instances."},
    {.name = "asgName",
     .type = PARAM_STRING,
     .offset = offsetof(MemberParams, group),
     .aliases = (const char *const[]){"serverGroupName", NULL},
     .help = "Their server group: its load balancers and target groups are meant."},
    {.name = "loadBalancerNames",
     .type = PARAM_STRINGS,
     .offset = offsetof(MemberParams, balancers),
     .help = "Classic load balancers, without a server group."},
    {.name = "targetGroupNames",
     .type = PARAM_STRINGS,
     .offset = offsetof(MemberParams, target_groups),
     .help = "Target groups, without a server group."},
    {0},
};

static char **members_of(const JsonValue *asg, char *const *wanted) {
    g_auto(GStrv) ids = aws_group_instance_ids(asg);
    g_autoptr(GPtrArray) members = g_ptr_array_new();
    for (guint i = 0; wanted[i] != NULL; i++)
        if (g_strv_contains((const char *const *)ids, wanted[i]))
            g_ptr_array_add(members, g_strdup(wanted[i]));
    g_ptr_array_add(members, NULL);
    return (char **)g_ptr_array_steal(members, NULL);
}

static gboolean add_of_group(Operation *operation, JsonBuilder *builder, GError **error) {
    const MemberParams *params = operation_params(operation);
    g_autoptr(Json) asg = NULL;
    if (!operation_read_present(operation, params->region, params->group, &asg, error))
        return FALSE;
    g_auto(GStrv) members = asg != NULL ? members_of(json_root(asg), params->instances) : NULL;
    if (members != NULL)
        aws_registrations_add(builder, params->region, json_root(asg), (const char *const *)members);
    return TRUE;
}

static void add_registration(Operation *operation, JsonBuilder *builder, const char *kind, const char *name, const char *arn) {
    const MemberParams *params = operation_params(operation);
    json_begin_object(builder, NULL);
    json_add_string(builder, "region", params->region);
    json_add_string(builder, "group", "the request");
    json_add_string(builder, "kind", kind);
    json_add_string(builder, "name", name);
    json_add_string(builder, "arn", arn);
    json_add_strings(builder, "instances", (const char *const *)params->instances);
    json_end_object(builder);
}

/* Whether the one named exists; its ARN when it has one. Caller frees *arn. */
static gboolean look_up(Operation *operation, gboolean classic, const char *name, char **arn, GError **error) {
    const MemberParams *params = operation_params(operation);
    AwsReader reader = operation_reader(operation, params->region);
    g_autoptr(AwsQuery) query = aws_query_new(classic ? AWS_DESCRIBE_CLASSIC : AWS_DESCRIBE_TARGET_GROUPS);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    aws_query_about(query, name);
    aws_query_add(query, name, classic ? "LoadBalancerNames.member.1" : "Names.member.1");
    if (!aws_read_documents(&reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    *arn = found->len > 0 ? g_strdup(json_get_string(json_root(found->pdata[0]), "targetGroupArn")) : NULL;
    return TRUE;
}

static gboolean add_named(Operation *operation, gboolean classic, char *const *names, JsonBuilder *builder, GError **error) {
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        g_autofree char *arn = NULL;
        if (!look_up(operation, classic, names[i], &arn, error))
            return FALSE;
        add_registration(operation, builder, classic ? "classic" : "target", names[i], arn);
    }
    return TRUE;
}

static gboolean plan_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const MemberParams *params = operation_params(operation);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    gboolean done = params->group != NULL ? add_of_group(operation, builder, error)
                                          : add_named(operation, TRUE, params->balancers, builder, error) &&
                                                add_named(operation, FALSE, params->target_groups, builder, error);
    if (!done)
        return FALSE;
    json_end_array(builder);
    g_autoptr(Json) registrations = json_builder_end(builder);
    operation_fact_set(operation, "registrations", json_root(registrations));
    if (json_length(json_root(registrations)) == 0)
        operation_line(operation, "No load balancer or target group is concerned; nothing to do");
    return TRUE;
}

static guint registrations(Operation *operation) {
    return operation_fact_length(operation, "registrations");
}

static gboolean register_act(Operation *operation, guint item, GError **error) {
    return aws_register(operation, json_at(operation_fact(operation, "registrations"), item), error);
}

static gboolean deregister_act(Operation *operation, guint item, GError **error) {
    return aws_deregister(operation, json_at(operation_fact(operation, "registrations"), item), error);
}

static void publish(Operation *operation) {
    const MemberParams *params = operation_params(operation);
    if (params->group != NULL)
        operation_publish_group(operation, params->region, params->group);
}

const CloudOperation aws_register_instances = {
    .name = "registerInstancesWithLoadBalancer",
    .aliases = (const char *const[]){"registerInstancesWithLoadBalancerDescription", NULL},
    .help = "Registers instances with load balancers and target groups.",
    .params = member_params,
    .params_size = sizeof(MemberParams),
    .steps =
        (const OperationStep[]){
            {.name = "find load balancers", .act = plan_act, .repeat = REPEAT_READ},
            {.name = "register", .count = registrations, .act = register_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = publish,
};

const CloudOperation aws_deregister_instances = {
    .name = "deregisterInstancesFromLoadBalancer",
    .aliases = (const char *const[]){"deregisterInstancesFromLoadBalancerDescription", NULL},
    .help = "Deregisters instances from load balancers and target groups.",
    .params = member_params,
    .params_size = sizeof(MemberParams),
    .steps =
        (const OperationStep[]){
            {.name = "find load balancers", .act = plan_act, .repeat = REPEAT_READ},
            {.name = "deregister", .count = registrations, .act = deregister_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = publish,
};
