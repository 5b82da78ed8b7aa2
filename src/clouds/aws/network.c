/* Security groups, subnets, VPCs and key pairs: lists that are published as they are read. */
#include "clouds/aws/reader.h"
#include <string.h>

/* How one of these lists becomes objects. */
typedef struct {
    AwsCallId call;
    const char *kind;
    const char *id;    /* member that names the object */
    const char *named; /* member by which it belongs to an application; NULL: none */
} ListRule;

typedef struct {
    const AwsReader *reader;
    const ListRule *rule;
    GPtrArray *objects;
} ListRead;

static gboolean add_item(const XmlNode *item, gpointer data, GError **error) {
    (void)error;
    const ListRead *read = data;
    const ListRule *rule = read->rule;
    g_autoptr(Json) document = aws_document(item, AWS_SHAPE_EC2);
    const char *id = json_get_string(json_root(document), rule->id);
    if (!id)
        return TRUE;
    InventoryObject *object = aws_object_new(read->reader, rule->kind, id);
    const char *name = rule->named ? json_get_string(json_root(document), rule->named) : NULL;
    if (name)
        aws_object_set_names(object, name);
    aws_objects_add(read->objects, object, json_ref(document), NULL, NULL);
    return TRUE;
}

static gboolean run_list(AgentContext *context, const ListRule *rule, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(AwsQuery) query = aws_query_new(rule->call);
    g_autoptr(GPtrArray) objects = aws_objects_new();
    ListRead read = {&reader, rule, objects};
    if (!aws_client_list(reader.account->client, reader.region, query, reader.cancel, add_item, &read, error))
        return FALSE;
    aws_publish(&reader, rule->kind, objects);
    return TRUE;
}

gboolean aws_agent_security_groups(AgentContext *context, GError **error) {
    static const ListRule rule = {AWS_DESCRIBE_SECURITY_GROUPS, KIND_SECURITY_GROUP, "groupId", "groupName"};
    return run_list(context, &rule, error);
}

gboolean aws_agent_subnets(AgentContext *context, GError **error) {
    static const ListRule rule = {AWS_DESCRIBE_SUBNETS, KIND_SUBNET, "subnetId", NULL};
    return run_list(context, &rule, error);
}

gboolean aws_agent_networks(AgentContext *context, GError **error) {
    static const ListRule rule = {AWS_DESCRIBE_VPCS, KIND_NETWORK, "vpcId", NULL};
    return run_list(context, &rule, error);
}

gboolean aws_agent_key_pairs(AgentContext *context, GError **error) {
    static const ListRule rule = {AWS_DESCRIBE_KEY_PAIRS, KIND_KEY_PAIR, "keyName", NULL};
    return run_list(context, &rule, error);
}

/* ---- purposes ---- */

/* "core.internal.us-east-1" is the purpose "internal (core)". */
static char *purpose_of_name(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, ".", -1);
    if (g_strv_length(parts) != 3 || !*parts[0] || !*parts[1] || !*parts[2])
        return NULL;
    return g_strdup_printf("%s (%s)", parts[1], parts[0]);
}

gboolean aws_subnet_purpose(const JsonValue *subnet, char **purpose, char **target) {
    const JsonValue *tags = json_get(subnet, "tags");
    const char *metadata = aws_tag(tags, "immutable_metadata"), *name = NULL;
    *purpose = *target = NULL;
    if (metadata) {
        g_autoptr(Json) json = json_parse(metadata, -1, NULL);
        *purpose = g_strdup(json_get_string(json_root(json), "purpose"));
        *target = g_strdup(json_get_string(json_root(json), "target"));
        return json_is_object(json_root(json));
    }
    for (JsonIter i = json_iter(tags); json_next(&i) && !name;) {
        const char *key = json_get_string(i.value, "key");
        if (key && !g_ascii_strcasecmp(key, "Name"))
            name = json_get_string(i.value, "value");
    }
    *purpose = name ? purpose_of_name(name) : NULL;
    return TRUE;
}
