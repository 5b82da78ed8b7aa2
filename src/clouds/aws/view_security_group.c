/* Security groups as served: rules by range and by group. */
#include "clouds/aws/views.h"
#include <string.h>

static void begin_rule(JsonBuilder *builder, const JsonValue *permission) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "protocol", json_get_string(permission, "ipProtocol"));
    json_begin_array(builder, "portRanges");
    if (json_get(permission, "fromPort")) {
        json_begin_object(builder, NULL);
        json_add_value(builder, "startPort", json_get(permission, "fromPort"));
        json_add_value(builder, "endPort", json_get(permission, "toPort"));
        json_end_object(builder);
    }
    json_end_array(builder);
}

/* "10.0.0.0/8" is ip 10.0.0.0 and cidr /8. */
static void add_range(JsonBuilder *builder, const JsonValue *permission, const JsonValue *range, const char *key) {
    const char *cidr = json_get_string(range, key), *slash = cidr ? strchr(cidr, '/') : NULL;
    if (!cidr)
        return;
    begin_rule(builder, permission);
    json_begin_object(builder, "range");
    json_add_string_len(builder, "ip", cidr, slash ? (gsize)(slash - cidr) : strlen(cidr));
    json_add_string(builder, "cidr", slash ? slash : "");
    json_end_object(builder);
    json_add_value(builder, "description", json_get(range, "description"));
    json_end_object(builder);
}

static void add_group(JsonBuilder *builder, const InventorySnapshot *snapshot, const InventoryObject *object, const JsonValue *permission,
                      const JsonValue *pair) {
    const char *id = json_get_string(pair, "groupId");
    const InventoryObject *known = id ? inventory_get(snapshot, object->account, KIND_SECURITY_GROUP, object->region, id) : NULL;
    const JsonValue *raw = known ? json_root(known->document) : NULL;
    begin_rule(builder, permission);
    json_begin_object(builder, "securityGroup");
    json_add_string(builder, "id", id);
    json_add_value(builder, "name", raw ? json_get(raw, "groupName") : json_get(pair, "groupName"));
    json_add_string(builder, "accountName", known ? object->account : NULL);
    json_add_value(builder, "accountId", json_get(pair, "userId"));
    json_add_string(builder, "region", object->region);
    json_add_value(builder, "vpcId", raw ? json_get(raw, "vpcId") : json_get(pair, "vpcId"));
    json_end_object(builder);
    json_add_value(builder, "description", json_get(pair, "description"));
    json_end_object(builder);
}

static void add_rules(JsonBuilder *builder, const char *key, const InventorySnapshot *snapshot, const InventoryObject *object,
                      const JsonValue *permissions) {
    json_begin_array(builder, key);
    for (JsonIter i = json_iter(permissions); json_next(&i);) {
        for (JsonIter range = json_iter(json_get(i.value, "ipRanges")); json_next(&range);)
            add_range(builder, i.value, range.value, "cidrIp");
        for (JsonIter range = json_iter(json_get(i.value, "ipv6Ranges")); json_next(&range);)
            add_range(builder, i.value, range.value, "cidrIpv6");
        for (JsonIter pair = json_iter(json_get(i.value, "groups")); json_next(&pair);)
            add_group(builder, snapshot, object, i.value, pair.value);
    }
    json_end_array(builder);
}

Json *aws_view_security_group(const InventorySnapshot *snapshot, const InventoryObject *object) {
    const JsonValue *raw = json_root(object->document);
    const char *name = json_get_string(raw, "groupName");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", object->id);
    json_add_string(builder, "name", name);
    json_add_string(builder, "type", "aws");
    json_add_string(builder, "cloudProvider", "aws");
    json_add_value(builder, "vpcId", json_get(raw, "vpcId"));
    json_add_value(builder, "description", json_get(raw, "description"));
    json_add_string(builder, "application", object->application);
    json_add_string(builder, "accountName", object->account);
    json_add_value(builder, "accountId", json_get(raw, "ownerId"));
    json_add_string(builder, "region", object->region);
    add_rules(builder, "inboundRules", snapshot, object, json_get(raw, "ipPermissions"));
    add_rules(builder, "outboundRules", snapshot, object, json_get(raw, "ipPermissionsEgress"));
    json_add_value(builder, "tags", json_get(raw, "tags"));
    view_add_moniker(builder, "moniker", name ? name : object->id);
    json_end_object(builder);
    return json_builder_end(builder);
}
