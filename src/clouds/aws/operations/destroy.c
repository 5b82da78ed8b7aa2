/* destroyServerGroup: the group, what it was launched from, its instances (aws.md 7). */
#include "clouds/aws/operations/operations.h"
#include <string.h>

/* ---- what there is ---- */

typedef struct {
    const char *name, *template;
    gboolean used;
} OtherUser;

static gboolean uses_template(const InventoryObject *object, gpointer data) {
    OtherUser *other = data;
    const ServerGroup *group = object->record;
    if (group && group->launch_is_template && !g_strcmp0(group->launch_name, other->template) && strcmp(group->name, other->name))
        other->used = TRUE;
    return !other->used;
}

/* A template that other groups launch from stays. */
static gboolean is_used_elsewhere(Operation *operation, const char *region, const char *name, const char *template) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    OtherUser other = {name, template, FALSE};
    inventory_each(snapshot, operation_account(operation)->name, KIND_SERVER_GROUP, region, uses_template, &other);
    return other.used;
}

static gboolean read_group(Operation *operation, guint item, GError **error) {
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    AwsReader reader = operation_reader(operation, region);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) asg = aws_group_read(&reader, name, &failed);
    if (!asg && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (!asg)
        operation_line(operation, "%s in %s does not exist; nothing to destroy", name, region);
    const JsonValue *template = aws_group_template(json_root(asg));
    const char *template_name = json_get_string(template, "launchTemplateName");
    gboolean keeps = template_name && is_used_elsewhere(operation, region, name, template_name);
    if (keeps)
        operation_line(operation, "Launch template %s stays: other server groups use it", template_name);
    g_auto(GStrv) instances = aws_group_instance_ids(json_root(asg));
    g_autoptr(Json) ids = json_from_strings((const char *const *)instances);
    g_autoptr(Json) fact = json_pack("{s:b, s:v, s:v, s:v, s:j}", "present", asg != NULL, "templateId",
                                     keeps ? NULL : json_get(template, "launchTemplateId"), "templateName",
                                     keeps ? NULL : json_get(template, "launchTemplateName"), "configuration",
                                     json_get(json_root(asg), "launchConfigurationName"), "instances", ids);
    operation_group_fact_set(operation, "group", item, json_root(fact));
    return TRUE;
}

/* ---- the group ---- */

static LookResult look_group(Operation *operation, guint item, GError **error) {
    if (!json_get_bool(operation_group_fact(operation, "group", item), "present", FALSE))
        return LOOK_SKIP;
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    AwsReader reader = operation_reader(operation, region);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) asg = aws_group_read(&reader, name, &failed);
    if (aws_error_is_absent(failed) || (asg && aws_group_is_ending(json_root(asg)))) {
        operation_forget_group(operation, region, name);
        return LOOK_DONE;
    }
    if (asg)
        return LOOK_NOT_DONE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return LOOK_ERROR;
}

static gboolean delete_group(Operation *operation, guint item, GError **error) {
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    operation_line(operation, "Deleting Auto Scaling group %s in %s", name, region);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    aws_query_add_bool(query, TRUE, "ForceDelete");
    g_autoptr(GError) failed = NULL;
    if (!operation_write(operation, region, query, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    operation_forget_group(operation, region, name);
    return TRUE;
}

/* ---- what it was launched from ---- */

static gboolean delete_launch(Operation *operation, guint item, GError **error) {
    const JsonValue *fact = operation_group_fact(operation, "group", item);
    const char *id = json_get_string(fact, "templateId"), *configuration = json_get_string(fact, "configuration");
    const char *name = id ? json_get_string(fact, "templateName") : configuration;
    if (!name)
        return TRUE;
    operation_line(operation, "Deleting launch %s %s", id ? "template" : "configuration", name);
    g_autoptr(AwsQuery) query = aws_query_new(id ? AWS_DELETE_TEMPLATE : AWS_DELETE_LAUNCH_CONFIGURATION);
    aws_query_about(query, name);
    aws_query_add(query, id, "LaunchTemplateId");
    aws_query_add(query, id ? NULL : configuration, "LaunchConfigurationName");
    g_autoptr(GError) failed = NULL;
    const char *region = operation_group_region(operation, item);
    if (!operation_write(operation, region, query, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

static const OperationStep steps[] = {
    {.name = "read server group", .count = operation_groups, .act = read_group, .repeat = REPEAT_READ},
    {.name = "delete Auto Scaling group",
     .count = operation_groups,
     .look = look_group,
     .act = delete_group,
     .repeat = REPEAT_LOOK,
     .settle_ms = AWS_SETTLE_MS,
     .tries = 10,
     .try_delay_ms = 1000,
     .retry_on = operation_is_busy},
    {.name = "delete launch template or configuration",
     .count = operation_groups,
     .act = delete_launch,
     .repeat = REPEAT_IDEMPOTENT,
     .tries = 5,
     .try_delay_ms = 1000,
     .try_doubling = TRUE,
     .retry_on = operation_is_busy},
    {.name = "list instances", .act = operation_plan_termination, .repeat = REPEAT_READ},
    {.name = "terminate instances",
     .count = operation_termination_count,
     .act = operation_termination_act,
     .repeat = REPEAT_IDEMPOTENT,
     .failure_is_reported_only = TRUE},
    {0},
};

const CloudOperation aws_destroy_server_group = {
    .name = "destroyServerGroup",
    .aliases = (const char *const[]){"destroyAsgDescription", NULL},
    .help = "Deletes server groups with their launch templates or configurations, and terminates their instances.",
    .takes_server_groups = TRUE,
    .steps = steps,
};
