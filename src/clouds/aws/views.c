/* The table of AWS's views, and the small ones: networks, subnets, key pairs, instance types. */
#include "clouds/aws/views.h"
#include "clouds/aws/reader.h"
#include "clouds/image_search.h"

#define MIB_PER_GIB 1024.0

static void begin(JsonBuilder *builder, const InventoryObject *object) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "cloudProvider", "aws");
    json_add_string(builder, "type", "aws");
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
}

static Json *end(JsonBuilder *builder) {
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *view_network(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    const JsonValue *raw = json_root(object->document);
    const char *name = aws_tag(json_get(raw, "tags"), "Name");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "id", object->id);
    if (name)
        json_add_string(builder, "name", name);
    else
        json_add_null(builder, "name");
    json_add_bool(builder, "deprecated", FALSE);
    json_add_bool(builder, "isDefault", json_get_bool(raw, "isDefault", FALSE));
    json_add_value(builder, "cidrBlock", json_get(raw, "cidrBlock"));
    return end(builder);
}

static Json *view_subnet(const InventorySnapshot *snapshot, const InventoryObject *object) {
    static const char *const same[] = {"state", "vpcId", "cidrBlock", "availableIpAddressCount", "availabilityZone"};
    (void)snapshot;
    const JsonValue *raw = json_root(object->document);
    g_autofree char *purpose = NULL, *target = NULL;
    aws_subnet_purpose(raw, &purpose, &target);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "id", object->id);
    for (guint i = 0; i < G_N_ELEMENTS(same); i++)
        json_add_value(builder, same[i], json_get(raw, same[i]));
    json_add_value(builder, "accountId", json_get(raw, "ownerId"));
    json_add_string(builder, "purpose", purpose);
    json_add_string(builder, "target", target);
    json_add_bool(builder, "deprecated", FALSE);
    return end(builder);
}

static Json *view_key_pair(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "keyName", object->id);
    json_add_value(builder, "keyFingerprint", json_get(json_root(object->document), "keyFingerprint"));
    return end(builder);
}

static Json *view_instance_type(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    const JsonValue *raw = json_root(object->document);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "name", object->id);
    json_add_value(builder, "defaultVCpus", json_get(raw, "vCpuInfo"));
    json_add_double(builder, "memoryInGiB", json_double(json_get(raw, "memoryInMiB"), 0) / MIB_PER_GIB);
    json_add_value(builder, "supportedVirtualizationTypes", json_get(raw, "supportedVirtualizationTypes"));
    json_add_value(builder, "supportedArchitectures", json_get(raw, "supportedArchitectures"));
    json_add_bool(builder, "burstablePerformanceSupported", json_get_bool(raw, "burstablePerformanceSupported", FALSE));
    return end(builder);
}

const CloudViews aws_views = {
    .server_group = aws_view_server_group,
    .instance = aws_view_instance,
    .load_balancer = aws_view_load_balancer,
    .security_group = aws_view_security_group,
    .network = view_network,
    .subnet = view_subnet,
    .key_pair = view_key_pair,
    .instance_type = view_instance_type,
    .image = view_image,
    .images_find = aws_view_images_find,
};
