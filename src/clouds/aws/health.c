/* What load balancers say of instances: one object per instance and load balancer or target group. */
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include <string.h>

/* "i-1|loadBalancer/web-elb": classic and target groups may share a name. */
static char *health_id(const char *instance, const char *kind, const char *name) {
    return g_strdup_printf("%s|%s/%s", instance, kind, name);
}

static void add_health(const AwsReader *reader, const char *id, const char *type, HealthState state, Json *detail, GPtrArray *objects) {
    Health *health = g_new0(Health, 1);
    health->type = g_strdup(type);
    health->state = state;
    health->detail = detail;
    aws_objects_add(objects, aws_object_new(reader, KIND_HEALTH, id), json_ref(detail), health, (GDestroyNotify)health_free);
}

/* ---- classic load balancers ---- */

static const struct {
    const char *start; /* of the description: with and without its final dot */
    HealthState state;
} CLASSIC_WORDS[] = {
    {"Instance registration is still in progress", HEALTH_STARTING},
    {"Instance is not currently registered with the LoadBalancer", HEALTH_OUT_OF_SERVICE},
};

static HealthState classic_state(const JsonValue *entry) {
    const char *description = json_get_string(entry, "description");
    if (!g_strcmp0(json_get_string(entry, "state"), "InService"))
        return HEALTH_UP;
    for (guint i = 0; description && i < G_N_ELEMENTS(CLASSIC_WORDS); i++)
        if (g_str_has_prefix(description, CLASSIC_WORDS[i].start))
            return CLASSIC_WORDS[i].state;
    return HEALTH_DOWN;
}

static Json *classic_detail(const char *name, const JsonValue *entry, HealthState state) {
    g_autoptr(Json)
        inner = json_pack("{s:s, s:v, s:v, s:v, s:v, s:s}", "loadBalancerName", name, "instanceId", json_get(entry, "instanceId"), "state",
                          json_get(entry, "state"), "reasonCode", json_get(entry, "reasonCode"), "description",
                          json_get(entry, "description"), "healthState", health_state_name(state));
    return json_pack("{s:[j]}", "loadBalancers", inner);
}

gboolean aws_health_read_classic(const AwsReader *reader, const char *name, GPtrArray *objects, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_CLASSIC_HEALTH);
    aws_query_about(query, name);
    aws_query_add(query, name, "LoadBalancerName");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++) {
        const JsonValue *entry = json_root(found->pdata[i]);
        const char *instance = json_get_string(entry, "instanceId");
        if (!instance)
            continue;
        g_autofree char *id = health_id(instance, "loadBalancer", name);
        HealthState state = classic_state(entry);
        add_health(reader, id, "LoadBalancer", state, classic_detail(name, entry, state), objects);
    }
    return TRUE;
}

/* ---- target groups ---- */

static const struct {
    const char *state;
    HealthState health;
} TARGET_STATES[] = {
    {"healthy", HEALTH_UP},
    {"initial", HEALTH_STARTING},
    {"unused", HEALTH_OUT_OF_SERVICE},
    {"draining", HEALTH_DRAINING},
};

static HealthState target_state(const char *state) {
    for (guint i = 0; state && i < G_N_ELEMENTS(TARGET_STATES); i++)
        if (!strcmp(TARGET_STATES[i].state, state))
            return TARGET_STATES[i].health;
    return HEALTH_DOWN;
}

/* One instance may be a target on several ports: the worst counts, in the order of aws.md 3. */
static HealthState worse(HealthState a, HealthState b) {
    static const HealthState order[] = {HEALTH_STARTING, HEALTH_DOWN, HEALTH_OUT_OF_SERVICE, HEALTH_DRAINING};
    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

static Json *target_detail(const char *name, const JsonValue *entry, HealthState state) {
    const JsonValue *target = json_get(entry, "target"), *health = json_get(entry, "targetHealth");
    g_autoptr(Json)
        inner = json_pack("{s:s, s:v, s:v, s:v, s:v, s:v, s:s}", "targetGroupName", name, "instanceId", json_get(target, "id"), "port",
                          json_get(target, "port"), "state", json_get(health, "state"), "reasonCode", json_get(health, "reason"),
                          "description", json_get(health, "description"), "healthState", health_state_name(state));
    return json_pack("{s:[j]}", "targetGroups", inner);
}

static InventoryObject *find_object(const GPtrArray *objects, const char *id) {
    for (guint i = objects->len; i-- > 0;)
        if (!strcmp(((InventoryObject *)objects->pdata[i])->id, id))
            return objects->pdata[i];
    return NULL;
}

static void add_target(const AwsReader *reader, const char *name, const JsonValue *entry, GPtrArray *objects) {
    const char *target = json_string(json_dig(entry, "target", "id", NULL));
    if (!target || !g_str_has_prefix(target, "i-"))
        return;
    g_autofree char *id = health_id(target, "targetGroup", name);
    HealthState state = target_state(json_string(json_dig(entry, "targetHealth", "state", NULL)));
    InventoryObject *before = find_object(objects, id);
    if (before) { /* not published yet: it is still ours to change */
        Health *health = (Health *)before->record;
        health->state = worse(health->state, state);
        return;
    }
    add_health(reader, id, "TargetGroup", state, target_detail(name, entry, state), objects);
}

gboolean aws_health_read_targets(const AwsReader *reader, const char *name, const char *arn, GPtrArray *objects, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TARGET_HEALTH);
    aws_query_about(query, name);
    aws_query_add(query, arn, "TargetGroupArn");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), own = aws_objects_new();
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        add_target(reader, name, json_root(found->pdata[i]), own);
    for (guint i = 0; i < own->len; i++)
        g_ptr_array_add(objects, inventory_object_ref(own->pdata[i]));
    return TRUE;
}

/* ---- one group ---- */

/* A load balancer that was deleted says nothing; that is no failure of the read. */
static gboolean read_group(const AwsReader *reader, const JsonValue *asg, GPtrArray *objects, GError **error) {
    g_auto(GStrv) names = aws_target_group_names(json_get(asg, "targetGroupARNs"));
    g_auto(GStrv) classic = aws_strings(json_get(asg, "loadBalancerNames")), arns = aws_strings(json_get(asg, "targetGroupARNs"));
    for (guint i = 0; classic[i]; i++) {
        g_autoptr(GError) failed = NULL;
        if (aws_health_read_classic(reader, classic[i], objects, &failed) || aws_error_is_absent(failed))
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    for (guint i = 0; arns[i] && names[i]; i++) {
        g_autoptr(GError) failed = NULL;
        if (aws_health_read_targets(reader, names[i], arns[i], objects, &failed) || aws_error_is_absent(failed))
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

typedef struct {
    const AwsReader *reader;
    GHashTable *seen; /* ids that the read saw */
    const JsonValue *asg;
} Stale;

/* Of a load balancer or target group that was read just now. */
static gboolean was_read(const Stale *stale, const char *id) {
    const char *name = strrchr(id, '/');
    g_auto(GStrv) groups = aws_target_group_names(json_get(stale->asg, "targetGroupARNs"));
    g_auto(GStrv) classic = aws_strings(json_get(stale->asg, "loadBalancerNames"));
    if (!name)
        return FALSE;
    return g_strv_contains((const char *const *)(strstr(id, "|targetGroup/") ? groups : classic), name + 1);
}

static gboolean remove_stale(const InventoryObject *object, gpointer data) {
    const Stale *stale = data;
    if (!g_hash_table_contains(stale->seen, object->id) && was_read(stale, object->id))
        inventory_remove(stale->reader->inventory, object->account, KIND_HEALTH, object->region, object->id, stale->reader->began_ms);
    return TRUE;
}

gboolean aws_health_refresh(const AwsReader *reader, const JsonValue *asg, GError **error) {
    g_autoptr(GPtrArray) objects = aws_objects_new();
    if (!read_group(reader, asg, objects, error))
        return FALSE;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < objects->len; i++) {
        g_hash_table_add(seen, ((InventoryObject *)objects->pdata[i])->id);
        inventory_put(reader->inventory, objects->pdata[i]);
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    Stale stale = {reader, seen, asg};
    g_auto(GStrv) ids = aws_group_instance_ids(asg);
    for (guint i = 0; ids[i]; i++) {
        g_autofree char *prefix = g_strconcat(ids[i], "|", NULL);
        inventory_each_prefixed(snapshot, reader->account->base.name, KIND_HEALTH, reader->region, prefix, remove_stale, &stale);
    }
    return TRUE;
}
