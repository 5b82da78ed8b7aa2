/* destroyServerGroup (aws.md 7): the group, then what launched it, then instances that are left. Absent groups are fine. */
#include "clouds/aws/operations/operations.h"
#include <string.h>

#define TERMINATE_BATCH 100

/* {exists, template, configuration, instances}: read before the group is gone. */
static gboolean look_at_group(Operation *operation, guint item, GError **error) {
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, operation_group_region(operation, item), operation_group_name(operation, item), &document, &group,
                              error))
        return FALSE;
    if (group == NULL) {
        operation_line(operation, "%s does not exist in %s; nothing to destroy", operation_group_name(operation, item),
                       operation_group_region(operation, item));
        return TRUE;
    }
    g_autofree char *plain = xml_get_text(group, "LaunchTemplate/LaunchTemplateId");
    g_autofree char *mixed = xml_get_text(group, "MixedInstancesPolicy/LaunchTemplate/LaunchTemplateSpecification/LaunchTemplateId");
    g_autofree char *configuration = xml_get_text(group, "LaunchConfigurationName");
    g_auto(GStrv) instances = aws_texts(group, "Instances", "member", "InstanceId");
    g_autoptr(Json) ids = json_from_strings((const char *const *)instances);
    g_autoptr(Json)
        seen = json_pack("{s:s, s:s, s:j}", "template", plain != NULL ? plain : mixed, "configuration", configuration, "instances", ids);
    operation_group_fact_set(operation, "group", item, json_root(seen));
    return TRUE;
}

static LookResult delete_look(Operation *operation, guint item, GError **error) {
    if (operation_group_fact(operation, "group", item) == NULL)
        return LOOK_SKIP;
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, operation_group_region(operation, item), operation_group_name(operation, item), &document, &group,
                              error))
        return LOOK_ERROR;
    return group != NULL ? LOOK_NOT_DONE : LOOK_DONE;
}

static gboolean tolerate_absent(Operation *operation, gboolean done, GError *failed, GError **error) {
    if (done)
        return TRUE;
    if (aws_error_is_absent(failed)) {
        operation_line(operation, "%s: it is gone already", failed->message);
        g_error_free(failed);
        return TRUE;
    }
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_query_add_bool(query, TRUE, "ForceDelete");
    operation_line(operation, "Destroying %s in %s", name, operation_group_region(operation, item));
    GError *failed = NULL;
    gboolean done = aws_client_write(operation_client(operation), operation_group_region(operation, item), query,
                                     operation_cancel(operation), &failed);
    return tolerate_absent(operation, done, failed, error);
}

static LookResult launch_look(Operation *operation, guint item, GError **error) {
    (void)error;
    const JsonValue *group = operation_group_fact(operation, "group", item);
    gboolean known = json_get_string(group, "template") != NULL || json_get_string(group, "configuration") != NULL;
    return known ? LOOK_NOT_DONE : LOOK_SKIP;
}

static gboolean launch_act(Operation *operation, guint item, GError **error) {
    const JsonValue *group = operation_group_fact(operation, "group", item);
    const char *template_id = json_get_string(group, "template"), *configuration = json_get_string(group, "configuration");
    g_autoptr(AwsQuery) query = aws_query_new(template_id != NULL ? AWS_DELETE_TEMPLATE : AWS_DELETE_LAUNCH_CONFIGURATION);
    aws_query_about(query, template_id != NULL ? template_id : configuration);
    if (template_id != NULL)
        aws_query_add(query, template_id, "LaunchTemplateId");
    else
        aws_query_add(query, configuration, "LaunchConfigurationName");
    GError *failed = NULL;
    gboolean done = aws_client_write(operation_client(operation), operation_group_region(operation, item), query,
                                     operation_cancel(operation), &failed);
    return tolerate_absent(operation, done, failed, error);
}

/* Batches of all groups, one after the other: which group and from where. */
static guint batches_of(Operation *operation, guint item) {
    return (guint)(json_length(json_get(operation_group_fact(operation, "group", item), "instances")) + TERMINATE_BATCH - 1) /
           TERMINATE_BATCH;
}

static guint batches(Operation *operation) {
    guint all = 0;
    for (guint item = 0; item < operation_groups(operation); item++)
        all += batches_of(operation, item);
    return all;
}

static gboolean terminate_act(Operation *operation, guint batch, GError **error) {
    guint item = 0;
    for (; batch >= batches_of(operation, item); item++)
        batch -= batches_of(operation, item);
    const JsonValue *instances = json_get(operation_group_fact(operation, "group", item), "instances");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_TERMINATE_INSTANCES);
    aws_query_about(query, operation_group_name(operation, item));
    for (guint i = 0; i < TERMINATE_BATCH && batch * TERMINATE_BATCH + i < json_length(instances); i++)
        aws_query_add(query, json_string(json_at(instances, batch * TERMINATE_BATCH + i)), "InstanceId.%u", i + 1);
    return aws_client_write(operation_client(operation), operation_group_region(operation, item), query, operation_cancel(operation),
                            error);
}

/* A launch configuration in use, or a template of a group that is being deleted, goes a moment later. */
static gboolean in_use_still(const GError *error) {
    return aws_error_is(error, "ResourceInUse") || aws_error_is(error, "ResourceInUseFault");
}

static gboolean being_scaled(const GError *error) {
    return aws_error_is(error, "ScalingActivityInProgress") || in_use_still(error);
}

const CloudOperation aws_destroy_server_group = {
    .name = "destroyServerGroup",
    .aliases = (const char *const[]){"destroyAsgDescription", NULL},
    .help = "Destroys server groups with their instances and what launched them.",
    .takes_server_groups = TRUE,
    .steps =
        (const OperationStep[]){
            {.name = "look at the groups", .count = operation_groups, .act = look_at_group, .repeat = REPEAT_READ},
            {.name = "delete the group",
             .count = operation_groups,
             .look = delete_look,
             .act = delete_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = 2000,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = being_scaled},
            {.name = "delete what launched it",
             .count = operation_groups,
             .look = launch_look,
             .act = launch_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = 5,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .try_doubling = TRUE,
             .retry_on = in_use_still},
            {.name = "terminate instances",
             .count = batches,
             .act = terminate_act,
             .repeat = REPEAT_IDEMPOTENT,
             .failure_is_reported_only = TRUE},
            {0},
        },
    .finish = operation_publish_groups,
};
