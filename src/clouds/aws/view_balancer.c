/* Load balancers of both generations as served, with their target groups and the server groups behind them. */
#include "clouds/aws/views.h"
#include <string.h>

/* ---- the groups behind it ---- */

typedef struct {
    const InventorySnapshot *snapshot;
    const InventoryObject *at; /* load balancer or target group */
    gint64 now_ms;
    JsonBuilder *builder;
} Registered;

static void add_member(const Registered *registered, const char *id) {
    const InventoryObject *at = registered->at;
    const InventoryObject *known = inventory_get(registered->snapshot, at->account, KIND_INSTANCE, at->region, id);
    const char *kind = !strcmp(at->kind, KIND_TARGET_GROUP) ? "targetGroup" : "loadBalancer";
    g_autofree char *health_id = g_strdup_printf("%s|%s/%s", id, kind, at->id);
    const InventoryObject *reported = inventory_get(registered->snapshot, at->account, KIND_HEALTH, at->region, health_id);
    const Health *health = reported ? reported->record : NULL;
    JsonBuilder *builder = registered->builder;
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id);
    json_add_string(builder, "name", id);
    json_add_string(builder, "zone", known && known->record ? ((const Instance *)known->record)->zone : NULL);
    json_begin_object(builder, "health");
    json_add_string(builder, "state", health ? health_state_name(health->state) : NULL);
    json_add_string(builder, "type", health ? health->type : NULL);
    if (health)
        json_add_members(builder, json_at(json_get(json_root(health->detail), *kind == 't' ? "targetGroups" : "loadBalancers"), 0));
    json_end_object(builder);
    json_end_object(builder);
}

/* An instance that the group has and the load balancer does not know counts as detached. */
static gboolean is_reported(const Registered *registered, const char *id) {
    const InventoryObject *at = registered->at;
    const char *kind = !strcmp(at->kind, KIND_TARGET_GROUP) ? "targetGroup" : "loadBalancer";
    g_autofree char *health_id = g_strdup_printf("%s|%s/%s", id, kind, at->id);
    return inventory_get(registered->snapshot, at->account, KIND_HEALTH, at->region, health_id) != NULL;
}

static gboolean add_group(const InventoryObject *object, gpointer data) {
    const Registered *registered = data;
    const ServerGroup *group = object->record;
    gboolean is_target = !strcmp(registered->at->kind, KIND_TARGET_GROUP);
    char **names = group ? (is_target ? group->target_groups : group->load_balancers) : NULL;
    if (!names || !g_strv_contains((const char *const *)names, registered->at->id))
        return TRUE;
    JsonBuilder *builder = registered->builder;
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", group->name);
    json_add_string(builder, "account", group->account);
    json_add_string(builder, "region", group->region);
    json_add_string(builder, "cloudProvider", "aws");
    json_add_bool(builder, "isDisabled", group->disabled);
    json_begin_array(builder, "detachedInstances");
    for (char **id = group->instance_ids; *id; id++)
        if (!is_reported(registered, *id))
            json_add_string(builder, NULL, *id);
    json_end_array(builder);
    json_begin_array(builder, "instances");
    for (char **id = group->instance_ids; *id; id++)
        if (is_reported(registered, *id))
            add_member(registered, *id);
    json_end_array(builder);
    json_end_object(builder);
    return TRUE;
}

void aws_view_add_registered(JsonBuilder *builder, const InventorySnapshot *snapshot, const InventoryObject *at, gint64 now_ms) {
    Registered registered = {snapshot, at, now_ms, builder};
    inventory_each(snapshot, at->account, KIND_SERVER_GROUP, at->region, add_group, &registered);
}

/* ---- target groups ---- */

typedef struct {
    const InventorySnapshot *snapshot;
    const char *balancer_arn;
    gint64 now_ms;
    JsonBuilder *builder;
    GPtrArray *groups; /* of InventoryObject, borrowed: target groups of the load balancer */
} Targets;

static gboolean is_behind(const JsonValue *target_group, const char *arn) {
    for (JsonIter i = json_iter(json_get(target_group, "loadBalancerArns")); json_next(&i);)
        if (arn && !g_strcmp0(json_string(i.value), arn))
            return TRUE;
    return FALSE;
}

static gboolean note_target_group(const InventoryObject *object, gpointer data) {
    Targets *targets = data;
    if (is_behind(json_root(object->document), targets->balancer_arn))
        g_ptr_array_add(targets->groups, (gpointer)object);
    return TRUE;
}

/* "arn:…:loadbalancer/app/NAME/ID" */
static void add_balancer_names(JsonBuilder *builder, const JsonValue *arns) {
    json_begin_array(builder, "loadBalancerNames");
    for (JsonIter i = json_iter(arns); json_next(&i);) {
        g_auto(GStrv) parts = g_strsplit(json_string(i.value) ? json_string(i.value) : "", "/", 4);
        if (g_strv_length(parts) == 4)
            json_add_string(builder, NULL, parts[2]);
    }
    json_end_array(builder);
}

static void add_target_group(const Targets *targets, const InventoryObject *object) {
    static const char *const same[] = {"protocol",
                                       "port",
                                       "targetType",
                                       "vpcId",
                                       "targetGroupArn",
                                       "healthCheckProtocol",
                                       "healthCheckPort",
                                       "healthCheckPath",
                                       "healthCheckIntervalSeconds",
                                       "healthCheckTimeoutSeconds",
                                       "healthyThresholdCount",
                                       "unhealthyThresholdCount",
                                       "matcher"};
    const JsonValue *raw = json_root(object->document);
    JsonBuilder *builder = targets->builder;
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", object->id);
    json_add_string(builder, "targetGroupName", object->id);
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
    json_add_string(builder, "type", "aws");
    json_add_string(builder, "cloudProvider", "aws");
    for (guint i = 0; i < G_N_ELEMENTS(same); i++)
        json_add_value(builder, same[i], json_get(raw, same[i]));
    json_add_value(builder, "attributes", json_dig(raw, "details", "attributes", NULL));
    add_balancer_names(builder, json_get(raw, "loadBalancerArns"));
    json_begin_array(builder, "serverGroups");
    aws_view_add_registered(builder, targets->snapshot, object, targets->now_ms);
    json_end_array(builder);
    json_end_object(builder);
}

/* ---- listeners ---- */

static const char *target_group_name(const Targets *targets, const char *arn) {
    for (guint i = 0; i < targets->groups->len; i++) {
        const InventoryObject *group = targets->groups->pdata[i];
        if (!g_strcmp0(json_get_string(json_root(group->document), "targetGroupArn"), arn))
            return group->id;
    }
    return NULL;
}

/* ARNs of target groups are replaced by names. */
static void add_actions(const Targets *targets, const char *key, const JsonValue *actions) {
    static const char *const arn_key[] = {"targetGroupArn", NULL};
    json_begin_array(targets->builder, key);
    for (JsonIter i = json_iter(actions); json_next(&i);) {
        g_autoptr(Json) rest = json_without(i.value, arn_key);
        json_begin_object(targets->builder, NULL);
        json_add_members(targets->builder, json_root(rest));
        json_add_string(targets->builder, "targetGroupName", target_group_name(targets, json_get_string(i.value, "targetGroupArn")));
        json_end_object(targets->builder);
    }
    json_end_array(targets->builder);
}

static void add_rules(const Targets *targets, const JsonValue *rules) {
    static const char *const replaced[] = {"actions", NULL};
    json_begin_array(targets->builder, "rules");
    for (JsonIter i = json_iter(rules); json_next(&i);) {
        g_autoptr(Json) rest = json_without(i.value, replaced);
        json_begin_object(targets->builder, NULL);
        json_add_members(targets->builder, json_root(rest));
        add_actions(targets, "actions", json_get(i.value, "actions"));
        json_end_object(targets->builder);
    }
    json_end_array(targets->builder);
}

static void add_listeners(const Targets *targets, const JsonValue *listeners) {
    static const char *const replaced[] = {"defaultActions", "rules", NULL};
    json_begin_array(targets->builder, "listeners");
    for (JsonIter i = json_iter(listeners); json_next(&i);) {
        g_autoptr(Json) rest = json_without(i.value, replaced);
        json_begin_object(targets->builder, NULL);
        json_add_members(targets->builder, json_root(rest));
        add_actions(targets, "defaultActions", json_get(i.value, "defaultActions"));
        add_rules(targets, json_get(i.value, "rules"));
        json_end_object(targets->builder);
    }
    json_end_array(targets->builder);
}

/* ---- whole load balancers ---- */

static void add_common(JsonBuilder *builder, const InventoryObject *object, const JsonValue *raw) {
    const JsonValue *vpc = json_get(raw, "vpcid");
    json_add_string(builder, "name", json_get_string(raw, "loadBalancerName"));
    json_add_string(builder, "loadBalancerName", json_get_string(raw, "loadBalancerName"));
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
    json_add_string(builder, "type", "aws");
    json_add_string(builder, "cloudProvider", "aws");
    json_add_value(builder, "vpcId", vpc ? vpc : json_get(raw, "vpcId"));
    json_add_value(builder, "loadBalancerType", json_get(raw, "loadBalancerType"));
    json_add_value(builder, "scheme", json_get(raw, "scheme"));
    json_add_value(builder, "dnsname", json_get(raw, "dnsname"));
    json_add_value(builder, "DNSName", json_get(raw, "dnsname"));
    json_add_value(builder, "createdTime", json_get(raw, "createdTime"));
    json_add_value(builder, "securityGroups", json_get(raw, "securityGroups"));
    view_add_moniker(builder, "moniker", json_get_string(raw, "loadBalancerName"));
}

static void add_classic(JsonBuilder *builder, const JsonValue *raw) {
    const JsonValue *details = json_get(raw, "details");
    json_add_value(builder, "subnets", json_get(raw, "subnets"));
    json_add_value(builder, "availabilityZones", json_get(raw, "availabilityZones"));
    json_add_value(builder, "healthCheck", json_get(raw, "healthCheck"));
    json_add_value(builder, "listenerDescriptions", json_get(raw, "listenerDescriptions"));
    json_begin_array(builder, "listeners");
    for (JsonIter i = json_iter(json_get(raw, "listenerDescriptions")); json_next(&i);)
        json_add_value(builder, NULL, json_get(i.value, "listener"));
    json_end_array(builder);
    json_add_value(builder, "idleTimeout", json_dig(details, "connectionSettings", "idleTimeout", NULL));
    json_add_bool(builder, "loadBalancingCrossZone", json_is_true(json_dig(details, "crossZoneLoadBalancing", "enabled", NULL)));
    json_add_bool(builder, "connectionDraining", json_is_true(json_dig(details, "connectionDraining", "enabled", NULL)));
    static const char *const ours[] = {"details", "loadBalancerType", NULL};
    g_autoptr(Json) elb = json_without(raw, ours);
    json_add_json(builder, "elb", elb);
}

static gboolean is_on(const JsonValue *attributes, const char *key) {
    return !g_strcmp0(json_get_string(attributes, key), "true");
}

static void add_v2(const Targets *targets, const JsonValue *raw) {
    JsonBuilder *builder = targets->builder;
    const JsonValue *details = json_get(raw, "details"), *attributes = json_get(details, "attributes");
    const char *idle = json_get_string(attributes, "idle_timeout.timeout_seconds");
    json_add_value(builder, "loadBalancerArn", json_get(raw, "loadBalancerArn"));
    json_add_value(builder, "ipAddressType", json_get(raw, "ipAddressType"));
    json_add_value(builder, "state", json_get(raw, "state"));
    json_begin_array(builder, "subnets");
    for (JsonIter i = json_iter(json_get(raw, "availabilityZones")); json_next(&i);)
        json_add_string(builder, NULL, json_get_string(i.value, "subnetId") ? json_get_string(i.value, "subnetId") : "");
    json_end_array(builder);
    json_begin_array(builder, "availabilityZones");
    for (JsonIter i = json_iter(json_get(raw, "availabilityZones")); json_next(&i);)
        json_add_string(builder, NULL, json_get_string(i.value, "zoneName") ? json_get_string(i.value, "zoneName") : "");
    json_end_array(builder);
    add_listeners(targets, json_get(details, "listeners"));
    if (idle)
        json_add_int(builder, "idleTimeout", g_ascii_strtoll(idle, NULL, 10));
    json_add_bool(builder, "deletionProtection", is_on(attributes, "deletion_protection.enabled"));
    json_add_bool(builder, "loadBalancingCrossZone", is_on(attributes, "load_balancing.cross_zone.enabled"));
    json_begin_array(builder, "targetGroups");
    for (guint i = 0; i < targets->groups->len; i++)
        add_target_group(targets, targets->groups->pdata[i]);
    json_end_array(builder);
}

Json *aws_view_load_balancer(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms) {
    const JsonValue *raw = json_root(object->document);
    gboolean is_classic = !g_strcmp0(json_get_string(raw, "loadBalancerType"), "classic");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    Targets targets = {snapshot, json_get_string(raw, "loadBalancerArn"), now_ms, builder, groups};
    inventory_each(snapshot, object->account, KIND_TARGET_GROUP, object->region, note_target_group, &targets);
    json_begin_object(builder, NULL);
    add_common(builder, object, raw);
    if (is_classic)
        add_classic(builder, raw);
    else
        add_v2(&targets, raw);
    json_begin_array(builder, "serverGroups");
    if (is_classic)
        aws_view_add_registered(builder, snapshot, object, now_ms);
    for (guint i = 0; !is_classic && i < groups->len; i++)
        aws_view_add_registered(builder, snapshot, groups->pdata[i], now_ms);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}
