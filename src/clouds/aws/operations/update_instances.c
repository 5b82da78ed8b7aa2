/* updateInstances (aws.md 9): the security groups of a server group's running instances.
 *
 * Facts: ids [security group], changes [{instance, groups}]. */
#include "clouds/aws/operations/security_groups.h"

typedef struct {
    char *region, *group;
    char **security_groups;
    gboolean append_only;
} UpdateParams;
static const Param update_params[] = {
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(UpdateParams, region), .required = TRUE, .help = "Region of the group."},
    {.name = "serverGroupName",
     .type = PARAM_STRING,
     .offset = offsetof(UpdateParams, group),
     .required = TRUE,
     .aliases = (const char *const[]){"asgName", NULL},
     .help = "The server group."},
    {.name = "securityGroups",
     .type = PARAM_STRINGS,
     .offset = offsetof(UpdateParams, security_groups),
     .required = TRUE,
     .help = "Names or ids of security groups."},
    {.name = "securityGroupsAppendOnly",
     .type = PARAM_BOOL,
     .offset = offsetof(UpdateParams, append_only),
     .help = "Add them to those that each instance has."},
    {0},
};

/* Instances are in a reservation each, or several in one. */
static void add_change(const UpdateParams *params, const JsonValue *instance, char *const *ids, JsonBuilder *builder) {
    g_auto(GStrv) there = aws_member_strings(json_get(instance, "securityGroups"), "groupId");
    json_begin_object(builder, NULL);
    json_add_value(builder, "instance", json_get(instance, "instanceId"));
    json_begin_array(builder, "groups");
    for (guint i = 0; params->append_only && there[i] != NULL; i++)
        json_add_string(builder, NULL, there[i]);
    for (guint i = 0; ids[i] != NULL; i++)
        if (!params->append_only || !g_strv_contains((const char *const *)there, ids[i]))
            json_add_string(builder, NULL, ids[i]);
    json_end_array(builder);
    json_end_object(builder);
}

static gboolean note_changes(Operation *operation, const AwsReader *reader, const GPtrArray *instances, GError **error) {
    const UpdateParams *params = operation_params(operation);
    const char *vpc = instances->len > 0 ? json_get_string(json_root(instances->pdata[0]), "vpcId") : NULL;
    g_auto(GStrv) ids = aws_security_group_ids(reader, params->security_groups, vpc, error);
    if (ids == NULL)
        return FALSE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; vpc != NULL && i < instances->len; i++)
        add_change(params, json_root(instances->pdata[i]), ids, builder);
    json_end_array(builder);
    g_autoptr(Json) changes = json_builder_end(builder);
    operation_fact_set(operation, "changes", json_root(changes));
    if (vpc == NULL)
        operation_line(operation, "%s has no instances in a VPC; nothing to change", params->group);
    return TRUE;
}

static gboolean read_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const UpdateParams *params = operation_params(operation);
    AwsReader reader = operation_reader(operation, params->region);
    g_autoptr(Json) asg = NULL;
    g_autoptr(GPtrArray) instances = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!operation_read_present(operation, params->region, params->group, &asg, error))
        return FALSE;
    g_auto(GStrv) members = asg != NULL ? aws_group_instance_ids(json_root(asg)) : g_new0(char *, 1);
    if (members[0] == NULL)
        return TRUE;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
    aws_query_about(query, params->group);
    aws_query_add_filter(query, "tag:aws:autoscaling:groupName", params->group);
    return aws_instances_read(&reader, query, instances, error) && note_changes(operation, &reader, instances, error);
}

static guint changes_count(Operation *operation) {
    return operation_fact_length(operation, "changes");
}

/* One that ended meanwhile is fine. */
static gboolean change_act(Operation *operation, guint item, GError **error) {
    const UpdateParams *params = operation_params(operation);
    const JsonValue *change = json_at(operation_fact(operation, "changes"), item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_MODIFY_INSTANCE);
    aws_query_about(query, json_get_string(change, "instance"));
    aws_query_add(query, json_get_string(change, "instance"), "InstanceId");
    for (JsonIter i = json_iter(json_get(change, "groups")); json_next(&i);)
        aws_query_add(query, json_string(i.value), "GroupId.%" G_GSIZE_FORMAT, i.index + 1);
    operation_line(operation, "Changing security groups of %s", json_get_string(change, "instance"));
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params->region, query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static void update_finish(Operation *operation) {
    const UpdateParams *params = operation_params(operation);
    operation_publish_group(operation, params->region, params->group);
}

const CloudOperation aws_update_instances = {
    .name = "updateInstances",
    .aliases = (const char *const[]){"updateInstancesDescription", NULL},
    .help = "Changes the security groups of a server group's running instances.",
    .params = update_params,
    .params_size = sizeof(UpdateParams),
    .steps =
        (const OperationStep[]){
            {.name = "look at the instances", .act = read_act, .repeat = REPEAT_READ},
            {.name = "change security groups", .count = changes_count, .act = change_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = update_finish,
};
