/* What views of all clouds share: instances with all their health, counts, names (view_parts.h). Pure on a snapshot; any thread. */
#include "clouds/view_parts.h"
#include "clouds/naming.h"
#include <string.h>

/* ---- health ---- */

/* aws.md 3: of several load balancers' words the first of these that one says; Up when none does. */
static HealthState together(HealthState a, HealthState b) {
    static const HealthState order[] = {HEALTH_STARTING, HEALTH_DOWN, HEALTH_OUT_OF_SERVICE, HEALTH_DRAINING};
    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

/* Both name one list ("loadBalancers", "targetGroups"): its entries together. */
static Json *joined_detail(const Json *a, const Json *b) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(json_root(a)); json_next(&i);) {
        json_begin_array(builder, i.key);
        for (JsonIter own = json_iter(i.value); json_next(&own);)
            json_add_value(builder, NULL, own.value);
        for (JsonIter more = json_iter(json_get(json_root(b), i.key)); json_next(&more);)
            json_add_value(builder, NULL, more.value);
        json_end_array(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static Health *copy_health(const Health *health) {
    Health *copy = g_new0(Health, 1);
    *copy = (Health){g_strdup(health->type), health->platform, health->state, json_ref(health->detail)};
    return copy;
}

static gboolean add_reported(const InventoryObject *object, gpointer data) {
    GPtrArray *all = data;
    const Health *reported = object->record;
    for (guint i = 0; reported && i < all->len; i++) {
        Health *known = all->pdata[i];
        if (strcmp(known->type, reported->type))
            continue;
        Json *detail = joined_detail(known->detail, reported->detail);
        json_unref(known->detail);
        known->detail = detail;
        known->state = together(known->state, reported->state);
        return TRUE;
    }
    if (reported)
        g_ptr_array_add(all, copy_health(reported));
    return TRUE;
}

Instance *view_instance_record(const InventorySnapshot *snapshot, const InventoryObject *object) {
    const Instance *known = object->record;
    Instance *instance = g_new0(Instance, 1);
    *instance = (Instance){g_strdup(known->id),
                           g_strdup(known->zone),
                           g_strdup(known->server_group),
                           g_strdup(known->lifecycle_state),
                           known->launch_ms,
                           known->spot,
                           g_ptr_array_new_with_free_func((GDestroyNotify)health_free)};
    for (guint i = 0; known->health && i < known->health->len; i++)
        g_ptr_array_add(instance->health, copy_health(known->health->pdata[i]));
    g_autofree char *prefix = g_strconcat(known->id, "|", NULL);
    inventory_each_prefixed(snapshot, object->account, KIND_HEALTH, object->region, prefix, add_reported, instance->health);
    return instance;
}

void view_add_health(JsonBuilder *builder, const char *key, const Instance *instance) {
    json_begin_array(builder, key);
    for (guint i = 0; instance->health && i < instance->health->len; i++) {
        const Health *health = instance->health->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", health->type);
        json_add_string(builder, "state", health_state_name(health->state));
        json_add_string(builder, "instanceId", instance->id);
        json_add_members(builder, json_root(health->detail));
        json_end_object(builder);
    }
    json_end_array(builder);
}

GPtrArray *view_instances(const InventorySnapshot *snapshot, const ServerGroup *group) {
    GPtrArray *instances = g_ptr_array_new_with_free_func((GDestroyNotify)instance_free);
    for (char **id = group->instance_ids; *id; id++) {
        const InventoryObject *known = inventory_get(snapshot, group->account, KIND_INSTANCE, group->region, *id);
        if (known && known->record)
            g_ptr_array_add(instances, view_instance_record(snapshot, known));
    }
    return instances;
}

void view_add_instance_counts(JsonBuilder *builder, const GPtrArray *instances, gint64 now_ms) {
    static const struct {
        const char *key;
        HealthState state;
    } counted[] = {{"up", HEALTH_UP},
                   {"down", HEALTH_DOWN},
                   {"unknown", HEALTH_UNKNOWN},
                   {"starting", HEALTH_STARTING},
                   {"outOfService", HEALTH_OUT_OF_SERVICE}};
    gint64 counts[G_N_ELEMENTS(counted)] = {0};
    for (guint i = 0; i < instances->len; i++) {
        HealthState state = instance_health_state(instances->pdata[i], now_ms);
        for (guint c = 0; c < G_N_ELEMENTS(counted); c++) /* one that drains is on its way out of service */
            counts[c] += state == counted[c].state || (state == HEALTH_DRAINING && counted[c].state == HEALTH_OUT_OF_SERVICE);
    }
    json_begin_object(builder, "instanceCounts");
    json_add_int(builder, "total", instances->len);
    for (guint c = 0; c < G_N_ELEMENTS(counted); c++)
        json_add_int(builder, counted[c].key, counts[c]);
    json_end_object(builder);
}

void view_add_instance(JsonBuilder *builder, const Instance *instance, const char *cloud, gboolean summary, gint64 now_ms) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", instance->id);
    json_add_string(builder, "name", instance->id);
    json_add_string(builder, "availabilityZone", instance->zone);
    if (instance->launch_ms)
        json_add_int(builder, "launchTime", instance->launch_ms);
    json_add_string(builder, "healthState", health_state_name(instance_health_state(instance, now_ms)));
    view_add_health(builder, "health", instance);
    if (!summary) {
        json_add_string(builder, "instanceId", instance->id);
        json_add_string(builder, "zone", instance->zone);
        json_add_string(builder, "lifecycleState", instance->lifecycle_state);
        json_add_bool(builder, "isHealthy", instance_is_healthy(instance));
        json_add_string(builder, "capacityType", instance->spot ? "spot" : "on-demand");
        json_add_string(builder, "cloudProvider", cloud);
        json_add_string(builder, "providerType", cloud);
    }
    json_end_object(builder);
}

/* ---- names ---- */

void view_add_moniker(JsonBuilder *builder, const char *key, const char *name) {
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    json_begin_object(builder, key);
    json_add_string(builder, "app", moniker.app);
    json_add_string(builder, "cluster", moniker.cluster);
    json_add_string(builder, "stack", moniker.stack);
    json_add_string(builder, "detail", moniker.detail);
    if (moniker.sequence >= 0)
        json_add_int(builder, "sequence", moniker.sequence);
    json_end_object(builder);
}
