/* deleteLoadBalancer (aws.md 11): the load balancer; of application and network ones their listeners and target groups too.
 *
 * Facts: present, arn, listeners [arn], targets [arn]. */
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *name, *type;
    char **regions;
} DeleteParams;
static const Param delete_params[] = {
    {.name = "loadBalancerName",
     .type = PARAM_STRING,
     .offset = offsetof(DeleteParams, name),
     .required = TRUE,
     .aliases = (const char *const[]){"name", NULL},
     .help = "Its name."},
    {.name = "loadBalancerType",
     .type = PARAM_STRING,
     .offset = offsetof(DeleteParams, type),
     .otherwise = "\"classic\"",
     .help = "classic, application or network."},
    {.name = "regions",
     .type = PARAM_STRINGS,
     .offset = offsetof(DeleteParams, regions),
     .required = TRUE,
     .aliases = (const char *const[]){"region", NULL},
     .help = "Its region: one in one operation."},
    {0},
};

static const DeleteParams *params_of(Operation *operation) {
    return operation_params(operation);
}

static const char *region_of(Operation *operation) {
    return params_of(operation)->regions[0];
}

static gboolean is_classic(Operation *operation) {
    return g_ascii_strcasecmp(params_of(operation)->type, "classic") == 0;
}

static void delete_validate(Operation *operation, GPtrArray *errors) {
    if (g_strv_length(params_of(operation)->regions) != 1)
        g_ptr_array_add(errors, g_strdup("regions: one region in one operation"));
}

static gboolean note_targets(Operation *operation, const AwsReader *reader, const char *arn, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TARGET_GROUPS);
    g_autoptr(GError) failed = NULL;
    aws_query_about(query, params_of(operation)->name);
    aws_query_add(query, arn, "LoadBalancerArn");
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < found->len; i++)
        json_add_value(builder, NULL, json_get(json_root(found->pdata[i]), "targetGroupArn"));
    json_end_array(builder);
    g_autoptr(Json) targets = json_builder_end(builder);
    operation_fact_set(operation, "targets", json_root(targets));
    return TRUE;
}

static gboolean look_act(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader = operation_reader(operation, region_of(operation));
    g_autoptr(Json) there = NULL;
    if (!aws_balancer_read(&reader, params_of(operation)->name, is_classic(operation), &there, error))
        return FALSE;
    if (there == NULL) {
        operation_line(operation, "%s does not exist in %s; nothing to delete", params_of(operation)->name, region_of(operation));
        return TRUE;
    }
    const JsonValue *document = json_root(there);
    if (g_strcmp0(json_get_string(json_get(document, "attributes"), "deletion_protection.enabled"), "true") == 0) {
        error_set(error, ERR_CONFLICT,
                  "load balancer %s in %s (account %s) is protected from deletion: switch deletionProtection off first",
                  params_of(operation)->name, region_of(operation), operation_account(operation)->name);
        return FALSE;
    }
    g_auto(GStrv) listeners = aws_member_strings(json_get(document, "listeners"), "listenerArn");
    g_autoptr(Json) list = json_from_strings((const char *const *)listeners);
    g_autoptr(Json) present = json_from_bool(TRUE);
    operation_fact_set(operation, "present", json_root(present));
    if (is_classic(operation))
        return TRUE;
    operation_fact_set(operation, "listeners", json_root(list));
    operation_fact_set(operation, "arn", json_get(document, "loadBalancerArn"));
    return note_targets(operation, &reader, json_get_string(document, "loadBalancerArn"), error);
}

static gboolean delete_one(Operation *operation, AwsCallId call, const char *key, const char *value, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, value);
    aws_query_add(query, value, "%s", key);
    operation_line(operation, "%s %s", aws_call(call)->action, value);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, region_of(operation), query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static guint listeners_count(Operation *operation) {
    return operation_fact_length(operation, "listeners");
}

static gboolean listener_act(Operation *operation, guint item, GError **error) {
    return delete_one(operation, AWS_DELETE_LISTENER, "ListenerArn", json_string(json_at(operation_fact(operation, "listeners"), item)),
                      error);
}

static guint targets_count(Operation *operation) {
    return operation_fact_length(operation, "targets");
}

static gboolean target_act(Operation *operation, guint item, GError **error) {
    return delete_one(operation, AWS_DELETE_TARGET_GROUP, "TargetGroupArn",
                      json_string(json_at(operation_fact(operation, "targets"), item)), error);
}

static guint present_count(Operation *operation) {
    return operation_fact(operation, "present") != NULL ? 1 : 0;
}

static gboolean balancer_act(Operation *operation, guint item, GError **error) {
    (void)item;
    if (is_classic(operation))
        return delete_one(operation, AWS_DELETE_CLASSIC, "LoadBalancerName", params_of(operation)->name, error);
    return delete_one(operation, AWS_DELETE_BALANCER, "LoadBalancerArn", operation_fact_string(operation, "arn"), error);
}

static void delete_finish(Operation *operation) {
    clouds_read_now(operation_clouds(operation), operation_account(operation)->name);
}

const CloudOperation aws_delete_balancer = {
    .name = "deleteLoadBalancer",
    .aliases = (const char *const[]){"deleteAmazonLoadBalancerDescription", NULL},
    .help = "Deletes a load balancer, with its listeners and target groups.",
    .params = delete_params,
    .params_size = sizeof(DeleteParams),
    .validate = delete_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look", .act = look_act, .repeat = REPEAT_READ},
            {.name = "delete listeners", .count = listeners_count, .act = listener_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "delete target groups", .count = targets_count, .act = target_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "delete load balancer", .count = present_count, .act = balancer_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = delete_finish,
};
