/* createServerGroup: what is read before anything is written (aws.md 5.5-8): image, block devices, name. */
#include "clouds/aws/block_devices.h"
#include "clouds/aws/operations/create.h"
#include "clouds/aws/operations/images.h"
#include "clouds/naming.h"
#include <string.h>

/* ---- the image ---- */
/* The id that an earlier allowLaunch of this request found for the same image, or NULL. */
static const char *shared_image(Operation *operation) {
    const CreateParams *params = create_params(operation);
    const JsonValue *result = NULL;
    for (guint i = 0; (result = operation_earlier_result(operation, "allowLaunchDescription", i)) != NULL; i++) {
        gboolean same = g_strcmp0(json_get_string(result, "amiName"), params->image) == 0 ||
                        g_strcmp0(json_get_string(result, "amiId"), params->image) == 0;
        if (same && g_strcmp0(json_get_string(result, "region"), create_region(operation)) == 0)
            return json_get_string(result, "amiId");
    }
    return NULL;
}

static gboolean list_holds(const XmlNode *type, const char *list, const char *text) {
    g_auto(GStrv) texts = aws_texts(type, list, "item", NULL);
    return text == NULL || texts[0] == NULL || g_strv_contains((const char *const *)texts, text);
}

/* Virtualization and architecture must be supported by every type that AWS knows; one it does not know is not checked. */
static gboolean check_instance_type(Operation *operation, const char *type, const char *virtualization, const char *architecture,
                                    GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCE_TYPES);
    aws_query_about(query, type);
    aws_query_add_filter(query, "instance-type", type);
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return FALSE;
    const XmlNode *found = xml_first(xml_get(aws_answer(document, AWS_DESCRIBE_INSTANCE_TYPES), "instanceTypeSet"), "item");
    if (found == NULL)
        return TRUE;
    if (list_holds(found, "supportedVirtualizationTypes", virtualization) &&
        list_holds(found, "processorInfo/supportedArchitectures", architecture))
        return TRUE;
    error_set(error, ERR_INVALID, "image %s is %s for %s, which instance type %s does not support", create_params(operation)->image,
              virtualization, architecture, type);
    return FALSE;
}

static gboolean check_instance_types(Operation *operation, const XmlNode *image, GError **error) {
    const CreateParams *params = create_params(operation);
    g_autofree char *virtualization = xml_get_text(image, "virtualizationType");
    g_autofree char *architecture = xml_get_text(image, "architecture");
    if (!check_instance_type(operation, params->instance_type, virtualization, architecture, error))
        return FALSE;
    for (JsonIter i = json_iter(json_root(params->overrides)); json_next(&i);) {
        const char *type = json_get_string(i.value, "instanceType");
        if (type != NULL && !check_instance_type(operation, type, virtualization, architecture, error))
            return FALSE;
    }
    return TRUE;
}

Json *create_default_devices(Operation *operation, const char *instance_type) {
    const AwsSettings *settings = operation_aws(operation)->settings;
    g_autoptr(Json) built_in = json_pack("{s:s, s:i, s:s}", "deviceName", "/dev/sdb", "size", (gint64)20, "volumeType", "standard");
    const Json *unknown = settings->aws.unknown_block_device != NULL ? settings->aws.unknown_block_device : built_in;
    return aws_block_devices_of_type(instance_type, settings->aws.block_device_type,
                                     settings->unknown_device_is_none ? NULL : json_root(unknown));
}

/* Given ones, the image's, the source's, or those of the instance type. */
static Json *choose_devices(Operation *operation, const XmlNode *image) {
    const CreateParams *params = create_params(operation);
    const JsonValue *of_source = operation_fact(operation, "sourceDevices");
    if (params->use_image_devices)
        return aws_block_devices_of_image(image);
    if (params->devices != NULL)
        return json_ref(params->devices);
    return of_source != NULL ? json_copy(of_source) : create_default_devices(operation, params->instance_type);
}

gboolean create_image_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    const char *shared = shared_image(operation);
    const char *region = create_region(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *image = NULL;
    if (!aws_image_find(operation, operation_aws(operation), region, shared != NULL ? shared : params->image,
                        AWS_IMAGE_OWN | AWS_IMAGE_ANYBODYS, &document, &image, error))
        return FALSE;
    if (image == NULL) {
        error_set(error, ERR_NOT_FOUND, "unable to resolve AMI imageId from %s in %s (account %s)", params->image, region,
                  operation_account(operation)->name);
        return FALSE;
    }
    if (!check_instance_types(operation, image, error))
        return FALSE;
    g_autofree char *id = xml_get_text(image, "imageId");
    g_autofree char *name = xml_get_text(image, "name");
    g_autoptr(Json) fact = json_pack("{s:s, s:s}", "id", id, "name", name);
    g_autoptr(Json) devices = choose_devices(operation, image);
    operation_fact_set(operation, "image", json_root(fact));
    operation_fact_set(operation, "devices", json_root(devices));
    operation_line(operation, "Image %s is %s", params->image, id);
    return TRUE;
}

/* ---- the name ---- */
static void note_name(const InventoryObject *object, GArray *groups) {
    const ServerGroup *group = object->record;
    NamedGroup named = {group->name, group->created_ms};
    g_array_append_val(groups, named);
}

static gboolean is_taken(Operation *operation, const char *name, gboolean *taken, GError **error) {
    g_autoptr(XmlDocument) document = NULL;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_GROUPS);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupNames.member.1");
    document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return FALSE;
    /* A group that is being deleted still holds its name. */
    *taken = xml_first(xml_get(aws_answer(document, AWS_DESCRIBE_GROUPS), "AutoScalingGroups"), "member") != NULL;
    return TRUE;
}

/* The fixed sequence, or the next free name, checked live. */
static char *free_name(Operation *operation, const char *cluster, const GArray *groups, GError **error) {
    const CreateParams *params = create_params(operation);
    if (params->sequence >= 0)
        return naming_server_group(cluster, params->sequence, error);
    gboolean taken = FALSE;
    if (params->ignore_sequence) {
        if (!is_taken(operation, cluster, &taken, error))
            return NULL;
        if (!taken)
            return g_strdup(cluster);
    }
    for (guint tried = 0; tried < NAMING_CANDIDATES_MAX; tried++) {
        g_autofree char *name = naming_next(cluster, (const NamedGroup *)(const void *)groups->data, groups->len, tried, error);
        if (name == NULL || !is_taken(operation, name, &taken, error))
            return NULL;
        if (!taken)
            return g_steal_pointer(&name);
        operation_line(operation, "%s exists already", name);
    }
    error_set(error, ERR_CONFLICT, "no free name for cluster %s in %s (account %s): %d candidates exist", cluster, create_region(operation),
              operation_account(operation)->name, NAMING_CANDIDATES_MAX);
    return NULL;
}

/* The newest group of the cluster, which the new one follows. */
static void note_ancestor(Operation *operation, const GArray *groups) {
    const NamedGroup *newest = NULL;
    for (guint i = 0; i < groups->len; i++) {
        const NamedGroup *group = &g_array_index(groups, NamedGroup, i);
        if (newest == NULL || group->created_ms > newest->created_ms)
            newest = group;
    }
    if (newest != NULL)
        operation_fact_set_string(operation, "ancestor", newest->name);
}

/* The name of what launches it carries the time the operation began, in local time as upstream writes it. */
static void note_launch_name(Operation *operation, const char *name) {
    g_autoptr(GDateTime) began = g_date_time_new_from_unix_local(operation_started_ms(operation) / 1000);
    g_autofree char *time = g_date_time_format(began, "%m%d%Y%H%M%S");
    g_autofree char *launch = g_strdup_printf("%s-%s", name, time);
    operation_fact_set_string(operation, "launchName", launch);
}

gboolean create_name_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autofree char *cluster = create_cluster(operation);
    const char *region = create_region(operation);
    if (!clouds_refresh_cluster(operation_clouds(operation), operation_account(operation)->name, region, cluster,
                                operation_cancel(operation), error))
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    g_autoptr(GPtrArray) objects = clouds_cluster(snapshot, operation_account(operation)->name, cluster, region);
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(NamedGroup));
    for (guint i = 0; i < objects->len; i++)
        note_name(objects->pdata[i], groups);
    g_autofree char *name = free_name(operation, cluster, groups, error);
    if (name == NULL)
        return FALSE;
    operation_fact_set_string(operation, "name", name);
    note_ancestor(operation, groups);
    note_launch_name(operation, name);
    operation_line(operation, "The server group will be %s in %s", name, region);
    return TRUE;
}
