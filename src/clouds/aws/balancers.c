/* Load balancers of both generations and target groups, and the health of what is registered with them.
 *
 * Listeners, rules and attributes take several calls per load balancer, so they are read when one is first seen and then every
 * DETAILS_MS; the lists and the health every time. */
#include "base/clock.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"

#define DETAILS_MS (2 * 60 * 1000)
#define DETAILS_KEY "details"

/* The record of both kinds: when the details were read. */
typedef struct {
    gint64 details_ms;
} Details;

typedef gboolean (*ReadDetails)(const AwsReader *reader, const JsonValue *raw, JsonBuilder *into, GError **error);

static GPtrArray *documents_new(void) {
    return g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
}

/* [{key, value}] as members of the open object. */
static void add_attributes(JsonBuilder *builder, const char *key, const GPtrArray *attributes) {
    json_begin_object(builder, key);
    for (guint i = 0; i < attributes->len; i++) {
        const JsonValue *entry = json_root(attributes->pdata[i]);
        const char *name = json_get_string(entry, "key");
        if (name)
            json_add_value(builder, name, json_get(entry, "value"));
    }
    json_end_object(builder);
}

static gboolean read_by_arn(const AwsReader *reader, AwsCallId call, const char *key, const char *arn, GPtrArray *into, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, arn);
    aws_query_add(query, arn, "%s", key);
    return aws_read_documents(reader, query, AWS_SHAPE_QUERY, into, error);
}

/* ---- details ---- */

static gboolean classic_details(const AwsReader *reader, const JsonValue *raw, JsonBuilder *into, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_CLASSIC_ATTRIBUTES);
    const char *name = json_get_string(raw, "loadBalancerName");
    aws_query_about(query, name);
    aws_query_add(query, name, "LoadBalancerName");
    g_autoptr(XmlDocument) answer = aws_client_send(reader->account->client, reader->region, query, reader->cancel, error);
    if (!answer)
        return FALSE;
    const XmlNode *attributes = xml_get(aws_answer(answer, AWS_DESCRIBE_CLASSIC_ATTRIBUTES), "LoadBalancerAttributes");
    if (attributes)
        aws_document_add_members(into, attributes, AWS_SHAPE_QUERY);
    return TRUE;
}

static gboolean add_listener(const AwsReader *reader, const JsonValue *listener, JsonBuilder *into, GError **error) {
    g_autoptr(GPtrArray) rules = documents_new();
    const char *arn = json_get_string(listener, "listenerArn"), *protocol = json_get_string(listener, "protocol");
    gboolean has_rules = protocol && g_str_has_prefix(protocol, "HTTP");
    if (has_rules && arn && !read_by_arn(reader, AWS_DESCRIBE_RULES, "ListenerArn", arn, rules, error))
        return FALSE;
    json_begin_object(into, NULL);
    json_add_members(into, listener);
    json_begin_array(into, "rules");
    for (guint i = 0; i < rules->len; i++)
        json_add_json(into, NULL, rules->pdata[i]);
    json_end_array(into);
    json_end_object(into);
    return TRUE;
}

static gboolean balancer_details(const AwsReader *reader, const JsonValue *raw, JsonBuilder *into, GError **error) {
    const char *arn = json_get_string(raw, "loadBalancerArn");
    g_autoptr(GPtrArray) listeners = documents_new(), attributes = documents_new();
    if (!arn)
        return TRUE;
    if (!read_by_arn(reader, AWS_DESCRIBE_LISTENERS, "LoadBalancerArn", arn, listeners, error) ||
        !read_by_arn(reader, AWS_DESCRIBE_BALANCER_ATTRIBUTES, "LoadBalancerArn", arn, attributes, error))
        return FALSE;
    gboolean done = TRUE;
    json_begin_array(into, "listeners");
    for (guint i = 0; i < listeners->len && done; i++)
        done = add_listener(reader, json_root(listeners->pdata[i]), into, error);
    json_end_array(into);
    add_attributes(into, "attributes", attributes);
    return done;
}

static gboolean target_group_details(const AwsReader *reader, const JsonValue *raw, JsonBuilder *into, GError **error) {
    const char *arn = json_get_string(raw, "targetGroupArn");
    g_autoptr(GPtrArray) attributes = documents_new();
    if (arn && !read_by_arn(reader, AWS_DESCRIBE_TARGET_GROUP_ATTRIBUTES, "TargetGroupArn", arn, attributes, error))
        return FALSE;
    add_attributes(into, "attributes", attributes);
    return TRUE;
}

gboolean aws_balancer_read(const AwsReader *reader, const char *name, gboolean classic, Json **document, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(classic ? AWS_DESCRIBE_CLASSIC : AWS_DESCRIBE_BALANCERS);
    g_autoptr(GPtrArray) found = documents_new();
    g_autoptr(GError) failed = NULL;
    aws_query_about(query, name);
    aws_query_add(query, name, classic ? "LoadBalancerNames.member.1" : "Names.member.1");
    *document = NULL;
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, &failed)) {
        if (aws_error_is_absent(failed))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (found->len == 0)
        return TRUE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const JsonValue *raw = json_root(found->pdata[0]);
    json_begin_object(builder, NULL);
    json_add_members(builder, raw);
    if (!(classic ? classic_details : balancer_details)(reader, raw, builder, error))
        return FALSE;
    json_end_object(builder);
    *document = json_builder_end(builder);
    return TRUE;
}

/* ---- objects ---- */

/* One of the three lists. */
typedef struct {
    const AwsReader *reader;
    InventorySnapshot *snapshot;        /* what was known before */
    const char *kind, *name_key, *type; /* type: of load balancers without one of their own */
    ReadDetails read_details;
    GPtrArray *objects;
} BalancerList;

static char *object_id(const BalancerList *list, const char *name, const char *type) {
    for (guint i = 0; i < list->objects->len; i++)
        if (!g_strcmp0(((const InventoryObject *)list->objects->pdata[i])->id, name))
            return g_strdup_printf("%s:%s", name, type ? type : "other");
    return g_strdup(name);
}

/* The details in the open object: those of before while they are young enough. */
static gboolean add_details(const BalancerList *list, const JsonValue *raw, const char *id, JsonBuilder *into, gint64 *details_ms,
                            GError **error) {
    const AwsReader *reader = list->reader;
    const InventoryObject *before = inventory_get(list->snapshot, reader->account->base.name, list->kind, reader->region, id);
    const Details *details = before ? before->record : NULL;
    if (details && reader->began_ms - details->details_ms < DETAILS_MS) {
        *details_ms = details->details_ms;
        json_add_members(into, json_get(json_root(before->document), DETAILS_KEY));
        return TRUE;
    }
    *details_ms = reader->began_ms;
    return list->read_details(reader, raw, into, error);
}

static gboolean add_balancer(const BalancerList *list, const JsonValue *raw, GError **error) {
    const char *name = json_get_string(raw, list->name_key), *type = json_get_string(raw, "type");
    if (!name)
        return TRUE;
    g_autofree char *id = object_id(list, name, type);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    gint64 details_ms = 0;
    json_begin_object(builder, NULL);
    json_add_members(builder, raw);
    json_add_string(builder, "loadBalancerType", type ? type : list->type);
    json_begin_object(builder, DETAILS_KEY);
    g_autoptr(GError) failed = NULL;
    gboolean done = add_details(list, raw, id, builder, &details_ms, &failed);
    if (aws_error_is_absent(failed))
        return TRUE; /* deleted since it was listed */
    if (!done) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    json_end_object(builder);
    json_end_object(builder);
    Details *record = g_new0(Details, 1);
    record->details_ms = details_ms;
    InventoryObject *object = aws_object_new(list->reader, list->kind, id);
    aws_object_set_names(object, name);
    aws_objects_add(list->objects, object, json_builder_end(builder), record, g_free);
    return TRUE;
}

/* Lists all and adds an object for each; found: their documents. */
static gboolean read_list(const BalancerList *list, AwsCallId call, GPtrArray *found, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    if (!aws_read_documents(list->reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        if (!add_balancer(list, json_root(found->pdata[i]), error))
            return FALSE;
    return TRUE;
}

static gboolean read_health(const AwsReader *reader, const GPtrArray *classic, const GPtrArray *groups, GPtrArray *health, GError **error) {
    for (guint i = 0; i < classic->len; i++) {
        const JsonValue *raw = json_root(classic->pdata[i]);
        g_autoptr(GError) failed = NULL;
        if (!json_length(json_get(raw, "instances")))
            continue;
        if (aws_health_read_classic(reader, json_get_string(raw, "loadBalancerName"), health, &failed) || aws_error_is_absent(failed))
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    for (guint i = 0; i < groups->len; i++) {
        const JsonValue *raw = json_root(groups->pdata[i]);
        const char *arn = json_get_string(raw, "targetGroupArn"), *name = json_get_string(raw, "targetGroupName");
        g_autoptr(GError) failed = NULL;
        if (!arn || !name || aws_health_read_targets(reader, name, arn, health, &failed) || aws_error_is_absent(failed))
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

gboolean aws_agent_balancers(AgentContext *context, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(context->inventory);
    g_autoptr(GPtrArray) balancers = aws_objects_new(), groups = aws_objects_new(), health = aws_objects_new();
    g_autoptr(GPtrArray) classic_found = documents_new(), v2_found = documents_new(), groups_found = documents_new();
    BalancerList classic = {&reader, snapshot, KIND_LOAD_BALANCER, "loadBalancerName", "classic", classic_details, balancers};
    BalancerList v2 = {&reader, snapshot, KIND_LOAD_BALANCER, "loadBalancerName", NULL, balancer_details, balancers};
    BalancerList targets = {&reader, snapshot, KIND_TARGET_GROUP, "targetGroupName", NULL, target_group_details, groups};
    if (!read_list(&classic, AWS_DESCRIBE_CLASSIC, classic_found, error) || !read_list(&v2, AWS_DESCRIBE_BALANCERS, v2_found, error) ||
        !read_list(&targets, AWS_DESCRIBE_TARGET_GROUPS, groups_found, error) ||
        !read_health(&reader, classic_found, groups_found, health, error))
        return FALSE;
    aws_publish(&reader, KIND_LOAD_BALANCER, balancers);
    aws_publish(&reader, KIND_TARGET_GROUP, groups);
    aws_publish(&reader, KIND_HEALTH, health);
    return TRUE;
}
