/* upsertServerGroupTags and deleteAsgTags (aws.md 7). */
#include "clouds/aws/operations/operations.h"

typedef struct {
    Json *tags;
    char **keys;
} TagParams;
static const Param upsert_params[] = {
    {.name = "tags",
     .type = PARAM_JSON,
     .offset = offsetof(TagParams, tags),
     .required = TRUE,
     .help = "Tags to set: {key: value}; instances get them at launch."},
    {0},
};
static const Param delete_params[] = {
    {.name = "tagKeys",
     .type = PARAM_STRINGS,
     .offset = offsetof(TagParams, keys),
     .required = TRUE,
     .help = "Keys of the tags to remove."},
    {0},
};

static void add_tag(AwsQuery *query, guint n, const char *group, const char *key, const char *value) {
    aws_query_add(query, group, "Tags.member.%u.ResourceId", n);
    aws_query_add(query, "auto-scaling-group", "Tags.member.%u.ResourceType", n);
    aws_query_add(query, key, "Tags.member.%u.Key", n);
    if (value != NULL) {
        aws_query_add(query, value, "Tags.member.%u.Value", n);
        aws_query_add_bool(query, TRUE, "Tags.member.%u.PropagateAtLaunch", n);
    }
}

static gboolean upsert_act(Operation *operation, guint item, GError **error) {
    const TagParams *params = operation_params(operation);
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_GROUP_TAGS);
    aws_query_about(query, name);
    guint n = 0;
    for (JsonIter i = json_iter(json_root(params->tags)); json_next(&i);) {
        g_autofree char *value = json_as_text(i.value);
        add_tag(query, ++n, name, i.key, value != NULL ? value : "");
    }
    operation_line(operation, "Setting %u tags of %s", n, name);
    return n == 0 || aws_client_write(operation_client(operation), operation_group_region(operation, item), query,
                                      operation_cancel(operation), error);
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const TagParams *params = operation_params(operation);
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_GROUP_TAGS);
    aws_query_about(query, name);
    for (guint i = 0; params->keys[i] != NULL; i++)
        add_tag(query, i + 1, name, params->keys[i], NULL);
    operation_line(operation, "Removing tags of %s", name);
    return aws_client_write(operation_client(operation), operation_group_region(operation, item), query, operation_cancel(operation),
                            error);
}

const CloudOperation aws_upsert_server_group_tags = {
    .name = "upsertServerGroupTags",
    .aliases = (const char *const[]){"upsertAsgTagsDescription", NULL},
    .help = "Sets tags of server groups.",
    .params = upsert_params,
    .params_size = sizeof(TagParams),
    .takes_server_groups = TRUE,
    .steps = (const OperationStep[]){{.name = "set tags", .count = operation_groups, .act = upsert_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
    .finish = operation_publish_groups,
};

const CloudOperation aws_delete_server_group_tags = {
    .name = "deleteServerGroupTags",
    .aliases = (const char *const[]){"deleteAsgTagsDescription", NULL},
    .help = "Removes tags of server groups.",
    .params = delete_params,
    .params_size = sizeof(TagParams),
    .takes_server_groups = TRUE,
    .steps = (const OperationStep[]){{.name = "remove tags", .count = operation_groups, .act = delete_act, .repeat = REPEAT_IDEMPOTENT},
                                     {0}},
    .finish = operation_publish_groups,
};
