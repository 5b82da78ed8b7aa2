/* The table of AWS's operations and what they share. Steps run on the thread of their run; nothing here is kept between calls. */
#include "clouds/aws/operations/operations.h"

extern const CloudOperation aws_create_server_group, aws_enable_server_group, aws_disable_server_group, aws_destroy_server_group,
    aws_resize_server_group, aws_suspend_processes, aws_resume_processes, aws_upsert_server_group_tags, aws_delete_server_group_tags;
extern const CloudOperation aws_terminate_instances, aws_reboot_instances, aws_terminate_and_decrement, aws_detach_instances,
    aws_register_instances, aws_deregister_instances, aws_update_instances;
extern const CloudOperation aws_modify_group, aws_upsert_scheduled_actions, aws_upsert_scaling_policy, aws_delete_scaling_policy;
extern const CloudOperation aws_update_launch_template, aws_update_launch_configuration;
extern const CloudOperation aws_upsert_balancer, aws_delete_balancer;
extern const CloudOperation aws_upsert_security_group, aws_delete_security_group;
extern const CloudOperation aws_allow_launch, aws_upsert_image_tags, aws_delete_image, aws_delete_snapshot;

const CloudOperation *const aws_operations[] = {
    /* server groups */
    &aws_create_server_group,
    &aws_enable_server_group,
    &aws_disable_server_group,
    &aws_destroy_server_group,
    &aws_resize_server_group,
    &aws_suspend_processes,
    &aws_resume_processes,
    &aws_upsert_server_group_tags,
    &aws_delete_server_group_tags,
    &aws_modify_group,
    &aws_update_launch_template,
    &aws_update_launch_configuration,
    &aws_upsert_scheduled_actions,
    &aws_upsert_scaling_policy,
    &aws_delete_scaling_policy,

    /* instances */
    &aws_terminate_instances,
    &aws_reboot_instances,
    &aws_terminate_and_decrement,
    &aws_detach_instances,
    &aws_register_instances,
    &aws_deregister_instances,
    &aws_update_instances,

    /* load balancers and security groups */
    &aws_upsert_balancer,
    &aws_delete_balancer,
    &aws_upsert_security_group,
    &aws_delete_security_group,

    /* images */
    &aws_allow_launch,
    &aws_upsert_image_tags,
    &aws_delete_image,
    &aws_delete_snapshot,
    NULL,
};

AwsAccount *operation_aws(Operation *operation) {
    return aws_account(operation_account(operation));
}

AwsClient *operation_client(Operation *operation) {
    return operation_aws(operation)->client;
}

/* ---- groups ---- */
gboolean operation_read_group(Operation *operation, const char *region, const char *name, XmlDocument **document, const XmlNode **group,
                              GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_GROUPS);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupNames.member.1");
    *group = NULL;
    *document = aws_client_send(operation_client(operation), region, query, operation_cancel(operation), error);
    if (*document == NULL)
        return FALSE;
    const XmlNode *list = xml_get(aws_answer(*document, AWS_DESCRIBE_GROUPS), "AutoScalingGroups");
    for (const XmlNode *member = xml_first(list, "member"); member != NULL; member = xml_next(member, "member")) {
        g_autofree char *found = xml_get_text(member, "AutoScalingGroupName");
        if (g_strcmp0(found, name) == 0 && xml_get(member, "Status") == NULL)
            *group = member;
    }
    return TRUE;
}

AwsReader operation_reader(Operation *operation, const char *region) {
    return aws_reader(operation_account(operation), region, operation_inventory(operation), operation_cancel(operation));
}

gboolean operation_write(Operation *operation, const char *region, const AwsQuery *query, GError **error) {
    return aws_client_write(operation_client(operation), region, query, operation_cancel(operation), error);
}

gboolean operation_read_present(Operation *operation, const char *region, const char *name, Json **asg, GError **error) {
    AwsReader reader = operation_reader(operation, region);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) found = aws_group_read(&reader, name, &failed);
    *asg = NULL;
    if (found == NULL && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (found == NULL)
        operation_line(operation, "%s does not exist in %s; nothing to do", name, region);
    else if (aws_group_is_ending(json_root(found)))
        operation_line(operation, "%s in %s is being deleted; nothing to do", name, region);
    else
        *asg = g_steal_pointer(&found);
    return TRUE;
}

gboolean operation_is_busy(const GError *error) {
    return aws_error_is(error, "ScalingActivityInProgress") || aws_error_is(error, "ResourceContention") ||
           aws_error_is(error, "ResourceInUse");
}

void operation_forget_group(Operation *operation, const char *region, const char *name) {
    inventory_remove(operation_inventory(operation), operation_account(operation)->name, KIND_SERVER_GROUP, region, name,
                     operation_now_ms(operation));
}

void operation_forget_instances(Operation *operation, const char *region, const char *const *ids) {
    for (guint i = 0; ids[i] != NULL; i++)
        inventory_remove(operation_inventory(operation), operation_account(operation)->name, KIND_INSTANCE, region, ids[i],
                         operation_now_ms(operation));
}

void operation_publish_group(Operation *operation, const char *region, const char *name) {
    g_autoptr(GError) error = NULL;
    AwsReader reader = operation_reader(operation, region);
    if (!aws_group_refresh(&reader, name, TRUE, &error) && error_code(error) != ERR_NOT_FOUND)
        operation_line(operation, "%s in %s was changed, but reading it again failed: %s", name, region, error->message);
}

void operation_publish_groups(Operation *operation) {
    for (guint item = 0; item < operation_groups(operation); item++)
        operation_publish_group(operation, operation_group_region(operation, item), operation_group_name(operation, item));
}

/* ---- small readers ---- */
char **aws_texts(const XmlNode *node, const char *list, const char *item, const char *text_path) {
    g_autoptr(GPtrArray) texts = g_ptr_array_new();
    const XmlNode *container = xml_get(node, list);
    for (const XmlNode *i = xml_first(container, item); i != NULL; i = xml_next(i, item)) {
        char *text = text_path != NULL ? xml_get_text(i, text_path) : xml_text(i);
        if (text != NULL)
            g_ptr_array_add(texts, text);
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_steal(texts, NULL);
}

gint64 aws_int(const XmlNode *node, const char *path, gint64 otherwise) {
    g_autofree char *text = xml_get_text(node, path);
    gint64 number = 0;
    return text != NULL && g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL) ? number : otherwise;
}
