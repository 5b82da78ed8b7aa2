/* Instances with the platform's own health: whether they run. */
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include <string.h>

#define GROUP_TAG "aws:autoscaling:groupName"

/* ---- reading ---- */

static gboolean add_reservation(const XmlNode *reservation, gpointer data, GError **error) {
    (void)error;
    const XmlNode *list = xml_get(reservation, "instancesSet");
    for (const XmlNode *i = xml_first(list, "item"); i; i = xml_next(i, "item"))
        g_ptr_array_add(data, aws_document(i, AWS_SHAPE_EC2));
    return TRUE;
}

gboolean aws_instances_read(const AwsReader *reader, const AwsQuery *query, GPtrArray *into, GError **error) {
    return aws_client_list(reader->account->client, reader->region, query, reader->cancel, add_reservation, into, error);
}

/* ---- the record ---- */

static const char *state_of(const JsonValue *instance) {
    return json_get_string(json_get(instance, "state"), "name");
}

static gboolean is_gone(const char *state) {
    return !state || !strcmp(state, "terminated") || !strcmp(state, "shutting-down");
}

/* aws.md 3 Health: the platform never says Up. */
static Health *platform_health(const JsonValue *instance) {
    Health *health = g_new0(Health, 1);
    health->type = g_strdup("Amazon");
    health->platform = TRUE;
    health->state = !g_strcmp0(state_of(instance), "running") ? HEALTH_UNKNOWN : HEALTH_DOWN;
    health->detail = json_pack("{s:s, s:s}", "healthClass", "platform", "description",
                               json_string(json_dig(instance, "stateReason", "message", NULL)));
    return health;
}

void aws_instance_add(const AwsReader *reader, const Json *document, GHashTable *lifecycle, GPtrArray *objects) {
    const JsonValue *raw = json_root(document);
    const char *id = json_get_string(raw, "instanceId");
    if (!id || is_gone(state_of(raw)))
        return;
    Instance *instance = g_new0(Instance, 1);
    instance->id = g_strdup(id);
    instance->zone = g_strdup(json_string(json_dig(raw, "placement", "availabilityZone", NULL)));
    instance->server_group = g_strdup(aws_tag(json_get(raw, "tags"), GROUP_TAG));
    instance->lifecycle_state = g_strdup(lifecycle ? g_hash_table_lookup(lifecycle, id) : NULL);
    instance->launch_ms = json_get_int(raw, "launchTime", 0);
    instance->spot = !g_strcmp0(json_get_string(raw, "instanceLifecycle"), "spot");
    instance->health = g_ptr_array_new_with_free_func((GDestroyNotify)health_free);
    g_ptr_array_add(instance->health, platform_health(raw));
    InventoryObject *object = aws_object_new(reader, KIND_INSTANCE, id);
    if (instance->server_group)
        aws_object_set_names(object, instance->server_group);
    aws_objects_add(objects, object, json_ref((Json *)document), instance, (GDestroyNotify)instance_free);
}

/* ---- the agent ---- */

static void add_lifecycle(GHashTable *states, const JsonValue *asg) {
    for (JsonIter i = json_iter(json_get(asg, "instances")); json_next(&i);) {
        const char *id = json_get_string(i.value, "instanceId"), *state = json_get_string(i.value, "lifecycleState");
        if (id && state)
            g_hash_table_insert(states, g_strdup(id), g_strdup(state));
    }
}

static gboolean visit_group(const InventoryObject *object, gpointer data) {
    add_lifecycle(data, json_root(object->document));
    return TRUE;
}

static GHashTable *new_states(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

gboolean aws_agent_instances(AgentContext *context, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), objects = aws_objects_new();
    if (!aws_instances_read(&reader, query, found, error))
        return FALSE;
    g_autoptr(GHashTable) states = new_states();
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(context->inventory);
    inventory_each(snapshot, context->account->name, KIND_SERVER_GROUP, context->region, visit_group, states);
    for (guint i = 0; i < found->len; i++)
        aws_instance_add(&reader, found->pdata[i], states, objects);
    aws_publish(&reader, KIND_INSTANCE, objects);
    return TRUE;
}

/* ---- the instances of one group ---- */

/* By filter, which passes over ids that are unknown by now. */
static gboolean read_some(const AwsReader *reader, const char *const *ids, guint n, GPtrArray *found, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
    g_autoptr(GPtrArray) some = g_ptr_array_new();
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(some, (gpointer)ids[i]);
    g_ptr_array_add(some, NULL);
    aws_query_add_filter_list(query, "instance-id", (const char *const *)some->pdata);
    return aws_instances_read(reader, query, found, error);
}

static gboolean holds(const GPtrArray *objects, const char *id) {
    for (guint i = 0; i < objects->len; i++)
        if (!strcmp(((const InventoryObject *)objects->pdata[i])->id, id))
            return TRUE;
    return FALSE;
}

gboolean aws_instances_refresh(const AwsReader *reader, const char *const *ids, const JsonValue *asg, GError **error) {
    guint n = g_strv_length((char **)ids);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), objects = aws_objects_new();
    for (guint from = 0; from < n; from += AWS_NAMES_PER_CALL)
        if (!read_some(reader, ids + from, MIN(n - from, AWS_NAMES_PER_CALL), found, error))
            return FALSE;
    g_autoptr(GHashTable) states = new_states();
    add_lifecycle(states, asg);
    for (guint i = 0; i < found->len; i++)
        aws_instance_add(reader, found->pdata[i], states, objects);
    for (guint i = 0; i < objects->len; i++)
        inventory_put(reader->inventory, objects->pdata[i]);
    for (guint i = 0; i < n; i++)
        if (!holds(objects, ids[i]))
            inventory_remove(reader->inventory, reader->account->base.name, KIND_INSTANCE, reader->region, ids[i], reader->began_ms);
    return TRUE;
}
