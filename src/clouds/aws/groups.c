/* Server groups: Auto Scaling groups with what they launch, their scaling policies and scheduled actions. */
#include "base/log.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include "clouds/naming.h"
#include <string.h>

gboolean aws_groups_read(const AwsReader *reader, const char *const *names, GPtrArray *into, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_GROUPS);
    aws_query_add_list(query, names, "AutoScalingGroupNames.member");
    aws_query_about(query, names && names[0] && !names[1] ? names[0] : NULL);
    return aws_read_documents(reader, query, AWS_SHAPE_QUERY, into, error);
}

Json *aws_group_read(const AwsReader *reader, const char *name, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_groups_read(reader, (const char *const[]){name, NULL}, found, error))
        return NULL;
    for (guint i = 0; i < found->len; i++)
        if (!g_strcmp0(json_get_string(json_root(found->pdata[i]), "autoScalingGroupName"), name))
            return json_ref(found->pdata[i]);
    error_set(error, ERR_NOT_FOUND, "Auto Scaling group %s in %s (account %s) does not exist", name, reader->region,
              reader->account->base.name);
    return NULL;
}

gboolean aws_group_is_ending(const JsonValue *asg) {
    const char *status = json_get_string(asg, "status");
    return status && *status;
}

char **aws_group_instance_ids(const JsonValue *asg) {
    return aws_member_strings(json_get(asg, "instances"), "instanceId");
}

/* arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/NAME/ID */
char **aws_target_group_names(const JsonValue *arns) {
    GPtrArray *names = g_ptr_array_new();
    for (JsonIter i = json_iter(arns); json_next(&i);) {
        g_auto(GStrv) parts = g_strsplit(json_string(i.value) ? json_string(i.value) : "", "/", 3);
        if (parts[0] && parts[1])
            g_ptr_array_add(names, g_strdup(parts[1]));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* ---- the record ---- */

/* FALSE: subnets in more than one VPC. *vpc stays NULL when there are no subnets, or none that is known. */
static gboolean find_vpc(const AwsReader *reader, const InventorySnapshot *snapshot, const JsonValue *asg, char **vpc) {
    const char *identifier = json_get_string(asg, "vpczoneIdentifier");
    g_auto(GStrv) ids = g_strsplit(identifier ? identifier : "", ",", -1);
    for (guint i = 0; ids[i]; i++) {
        const InventoryObject *subnet = inventory_get(snapshot, reader->account->base.name, KIND_SUBNET, reader->region,
                                                      g_strstrip(ids[i]));
        const char *own = subnet ? json_get_string(json_root(subnet->document), "vpcId") : NULL;
        if (own && *vpc && strcmp(own, *vpc))
            return FALSE;
        if (own && !*vpc)
            *vpc = g_strdup(own);
    }
    return TRUE;
}

static Capacity capacity_of(const JsonValue *asg) {
    return (Capacity){json_get_int(asg, "minSize", -1), json_get_int(asg, "maxSize", -1), json_get_int(asg, "desiredCapacity", -1)};
}

static void set_launch(ServerGroup *group, const JsonValue *asg, const JsonValue *launch) {
    const JsonValue *template = aws_group_template(asg);
    AwsLaunchFields fields;
    aws_launch_fields(launch, &fields);
    group->launch_is_template = template != NULL;
    group->launch_name = g_strdup(template ? json_get_string(template, "launchTemplateName")
                                           : json_get_string(asg, "launchConfigurationName"));
    group->image_id = g_strdup(fields.image_id);
    group->instance_type = g_strdup(fields.instance_type);
    group->security_groups = fields.security_groups;
    const char *type = json_string(json_dig(launch, "launchTemplateData", "instanceMarketOptions", "marketType", NULL));
    group->spot = fields.spot_price || !g_strcmp0(type, "spot");
}

static ServerGroup *new_record(const AwsReader *reader, const InventorySnapshot *snapshot, Json *document, const JsonValue *launch,
                               char *vpc_id) {
    const JsonValue *asg = json_root(document);
    ServerGroup *group = g_new0(ServerGroup, 1);
    group->name = g_strdup(json_get_string(asg, "autoScalingGroupName"));
    group->account = g_strdup(reader->account->base.name);
    group->region = g_strdup(reader->region);
    group->cloud = g_strdup("aws");
    group->vpc_id = vpc_id;
    naming_parse(group->name, &group->moniker);
    group->created_ms = json_get_int(asg, "createdTime", 0);
    group->capacity = capacity_of(asg);
    group->zones = aws_strings(json_get(asg, "availabilityZones"));
    group->load_balancers = aws_strings(json_get(asg, "loadBalancerNames"));
    group->target_groups = aws_target_group_names(json_get(asg, "targetGroupARNs"));
    group->suspended_processes = aws_member_strings(json_get(asg, "suspendedProcesses"), "processName");
    group->disabled = g_strv_contains((const char *const *)group->suspended_processes, "AddToLoadBalancer");
    group->instance_ids = aws_group_instance_ids(asg);
    group->tags = aws_tags_object(json_get(asg, "tags"));
    group->raw = json_ref(document);
    set_launch(group, asg, launch);
    const InventoryObject *image = group->image_id ? inventory_get(snapshot, group->account, KIND_IMAGE, group->region, group->image_id)
                                                   : NULL;
    group->image_name = image && image->record ? g_strdup(((const Image *)image->record)->name) : NULL;
    return group;
}

static void add_extra(JsonBuilder *builder, const char *key, GHashTable *by_name, const char *name) {
    const GPtrArray *list = by_name ? g_hash_table_lookup(by_name, name) : NULL;
    json_begin_array(builder, key);
    for (guint i = 0; list && i < list->len; i++)
        json_add_json(builder, NULL, list->pdata[i]);
    json_end_array(builder);
}

/* The group as AWS describes it, with its scaling policies and scheduled actions. */
static Json *group_document(const Json *asg, const AwsGroupExtras *extras, const char *name) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_members(builder, json_root(asg));
    add_extra(builder, "scalingPolicies", extras ? extras->policies : NULL, name);
    add_extra(builder, "scheduledActions", extras ? extras->actions : NULL, name);
    json_end_object(builder);
    return json_builder_end(builder);
}

void aws_group_add(const AwsReader *reader, const Json *asg, const JsonValue *launch, const AwsGroupExtras *extras, GPtrArray *objects) {
    const char *name = json_get_string(json_root(asg), "autoScalingGroupName");
    if (!name || aws_group_is_ending(json_root(asg)))
        return;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    g_autofree char *vpc = NULL;
    if (!find_vpc(reader, snapshot, json_root(asg), &vpc)) {
        log_error("aws", "Auto Scaling group %s in %s (account %s) is left out: its subnets are in more than one VPC", name, reader->region,
                  reader->account->base.name);
        return;
    }
    Json *document = group_document(asg, extras, name);
    ServerGroup *group = new_record(reader, snapshot, document, launch, g_steal_pointer(&vpc));
    InventoryObject *object = aws_object_new(reader, KIND_SERVER_GROUP, name);
    object->application = group->moniker.app ? g_ascii_strdown(group->moniker.app, -1) : NULL;
    object->cluster = g_strdup(group->moniker.cluster);
    aws_objects_add(objects, object, document, group, (GDestroyNotify)server_group_free);
}

/* ---- the agent ---- */

static void free_array(gpointer data) {
    g_ptr_array_unref(data);
}

/* A list of documents by the group they name. NULL with *error. */
static GHashTable *read_by_group(const AwsReader *reader, AwsCallId call, const char *group, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, group);
    aws_query_add(query, group, "AutoScalingGroupName");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, error))
        return NULL;
    GHashTable *by_group = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_array);
    for (guint i = 0; i < found->len; i++) {
        const char *name = json_get_string(json_root(found->pdata[i]), "autoScalingGroupName");
        GPtrArray *list = name ? g_hash_table_lookup(by_group, name) : NULL;
        if (name && !list) {
            list = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
            g_hash_table_insert(by_group, g_strdup(name), list);
        }
        if (list)
            g_ptr_array_add(list, json_ref(found->pdata[i]));
    }
    return by_group;
}

static gboolean read_extras(const AwsReader *reader, const char *group, AwsGroupExtras *extras, GError **error) {
    extras->policies = read_by_group(reader, AWS_DESCRIBE_POLICIES, group, error);
    extras->actions = extras->policies ? read_by_group(reader, AWS_DESCRIBE_SCHEDULED_ACTIONS, group, error) : NULL;
    return extras->actions != NULL;
}

static void clear_extras(AwsGroupExtras *extras) {
    g_clear_pointer(&extras->policies, g_hash_table_unref);
    g_clear_pointer(&extras->actions, g_hash_table_unref);
}

/* Every group, with its launch data looked up. */
static gboolean add_groups(const AwsReader *reader, GPtrArray *groups, AwsLaunches *launches, const AwsGroupExtras *extras,
                           GPtrArray *objects, GError **error) {
    for (guint i = 0; i < groups->len; i++) {
        g_autoptr(GError) failed = NULL;
        const JsonValue *launch = aws_launch_of_group(reader, launches, json_root(groups->pdata[i]), &failed);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        aws_group_add(reader, groups->pdata[i], launch, extras, objects);
    }
    return TRUE;
}

gboolean aws_agent_groups(AgentContext *context, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), objects = aws_objects_new();
    if (!aws_groups_read(&reader, NULL, groups, error))
        return FALSE;
    g_autoptr(AwsLaunches) launches = aws_launches_read(&reader, error); /* after the groups: what they use is there */
    AwsGroupExtras extras = {0};
    gboolean done = launches && read_extras(&reader, NULL, &extras, error) &&
                    add_groups(&reader, groups, launches, &extras, objects, error);
    clear_extras(&extras);
    if (!done)
        return FALSE;
    aws_launches_publish(&reader, launches);
    aws_publish(&reader, KIND_SERVER_GROUP, objects);
    return TRUE;
}

/* ---- one group ---- */

/* Only what is known is removed: a name that AWS does not show yet must not be remembered as gone. */
static void remove_group(const AwsReader *reader, const char *name) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    if (inventory_get(snapshot, reader->account->base.name, KIND_SERVER_GROUP, reader->region, name))
        inventory_remove(reader->inventory, reader->account->base.name, KIND_SERVER_GROUP, reader->region, name, reader->began_ms);
}

static gboolean publish_group(const AwsReader *reader, const Json *asg, GError **error) {
    const char *name = json_get_string(json_root(asg), "autoScalingGroupName");
    g_autoptr(AwsLaunches) launches = aws_launches_new(reader);
    g_autoptr(GPtrArray) groups = g_ptr_array_new(), objects = aws_objects_new();
    g_ptr_array_add(groups, (gpointer)asg);
    AwsGroupExtras extras = {0};
    gboolean done = read_extras(reader, name, &extras, error) && add_groups(reader, groups, launches, &extras, objects, error);
    clear_extras(&extras);
    if (!done)
        return FALSE;
    aws_launches_put(reader, launches);
    for (guint i = 0; i < objects->len; i++)
        inventory_put(reader->inventory, objects->pdata[i]);
    if (!objects->len)
        remove_group(reader, name);
    return TRUE;
}

gboolean aws_group_is_fresh(const AwsReader *reader, const char *name) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    const InventoryObject *known = inventory_get(snapshot, reader->account->base.name, KIND_SERVER_GROUP, reader->region, name);
    return known && known->written && known->seen_ms + INVENTORY_SETTLE_MS > reader->began_ms;
}

static void set_absent(const AwsReader *reader, const char *name, GError *failed, GError **error) {
    if (aws_error_is_absent(failed) && aws_group_is_fresh(reader, name)) {
        error_set(error, ERR_UNAVAILABLE, "%s, or is not visible yet", failed->message);
        g_error_free(failed);
        return;
    }
    if (aws_error_is_absent(failed))
        remove_group(reader, name);
    g_propagate_error(error, failed);
}

gboolean aws_group_refresh(const AwsReader *reader, const char *name, gboolean with_instances, GError **error) {
    GError *failed = NULL;
    g_autoptr(Json) asg = aws_group_read(reader, name, &failed);
    if (!asg) {
        set_absent(reader, name, failed, error);
        return FALSE;
    }
    if (!publish_group(reader, asg, error))
        return FALSE;
    if (aws_group_is_ending(json_root(asg))) {
        error_set(error, ERR_NOT_FOUND, "Auto Scaling group %s in %s (account %s) is being deleted", name, reader->region,
                  reader->account->base.name);
        return FALSE;
    }
    if (!with_instances)
        return TRUE;
    g_auto(GStrv) ids = aws_group_instance_ids(json_root(asg));
    return aws_instances_refresh(reader, (const char *const *)ids, json_root(asg), error) &&
           aws_health_refresh(reader, json_root(asg), error);
}
