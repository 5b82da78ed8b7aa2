/* resizeServerGroup (aws.md 7): sizes of groups, compared with what the request expects before anything is written. */
#include "clouds/aws/operations/operations.h"
#include "clouds/sizes.h"

typedef struct {
    Json *capacity, *constraints;
} ResizeParams;
static const Param resize_params[] = {
    {.name = "capacity",
     .type = PARAM_JSON,
     .offset = offsetof(ResizeParams, capacity),
     .help = "New sizes: {min, max, desired}, each optional."},
    {.name = "constraints",
     .type = PARAM_JSON,
     .offset = offsetof(ResizeParams, constraints),
     .help = "Refuse unless these hold: {capacity: {min, max, desired}}."},
    {0},
};

/* The three sizes and what AWS calls them. */
static const struct { const char *key, *parameter; } SIZES[] = {{"min", "MinSize"}, {"max", "MaxSize"}, {"desired", "DesiredCapacity"}};

/* Sizes may stand beside the group, as upstream's clients send them, or once for all. */
static Json *read_sizes(Operation *operation, guint item, GPtrArray *errors) {
    const ResizeParams *params = operation_params(operation);
    const JsonValue *own = json_get(json_at(json_get(operation_request(operation), "asgs"), item), "capacity");
    return sizes_read(own != NULL ? own : json_root(params->capacity), errors);
}

/* As validated. Caller unrefs. */
static Json *sizes_of(Operation *operation, guint item) {
    g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
    return read_sizes(operation, item, unused);
}

static void resize_validate(Operation *operation, GPtrArray *errors) {
    for (guint item = 0; item < operation_groups(operation); item++) {
        guint before = errors->len;
        g_autoptr(Json) sizes = read_sizes(operation, item, errors);
        const JsonValue *capacity = json_root(sizes);
        if (errors->len > before)
            continue;
        gint64 min = json_get_int(capacity, "min", 0), max = json_get_int(capacity, "max", G_MAXINT32);
        gint64 desired = json_get_int(capacity, "desired", min);
        if (min > max || desired > max)
            g_ptr_array_add(errors, g_strdup_printf("capacity: min %" G_GINT64_FORMAT ", desired %" G_GINT64_FORMAT
                                                    ", max %" G_GINT64_FORMAT " do not fit together",
                                                    min, desired, max));
    }
}

/* The group has just the sizes that are wanted. */
static gboolean has_sizes(const JsonValue *wanted, const XmlNode *group) {
    for (gsize i = 0; i < G_N_ELEMENTS(SIZES); i++) {
        const JsonValue *size = json_get(wanted, SIZES[i].key);
        if (size != NULL && json_int(size, -1) != aws_int(group, SIZES[i].parameter, -1))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_constraints(Operation *operation, guint item, const XmlNode *group, GError **error) {
    const ResizeParams *params = operation_params(operation);
    const JsonValue *expected = json_get(json_root(params->constraints), "capacity");
    for (gsize i = 0; i < G_N_ELEMENTS(SIZES); i++) {
        const JsonValue *value = json_get(expected, SIZES[i].key);
        gint64 now = aws_int(group, SIZES[i].parameter, -1);
        if (value == NULL || json_is_null(value) || json_int(value, -1) == now)
            continue;
        error_set(error, ERR_CONFLICT, "resize %s in %s (account %s): %s is %" G_GINT64_FORMAT ", expected %" G_GINT64_FORMAT,
                  operation_group_name(operation, item), operation_group_region(operation, item), operation_account(operation)->name,
                  SIZES[i].key, now, json_int(value, -1));
        return FALSE;
    }
    return TRUE;
}

static gboolean has_terminating_hook(Operation *operation, guint item, gboolean *has, GError **error) {
    const char *name = operation_group_name(operation, item);
    AwsReader reader = operation_reader(operation, operation_group_region(operation, item));
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_LIFECYCLE_HOOKS);
    g_autoptr(GPtrArray) hooks = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    if (!aws_read_documents(&reader, query, AWS_SHAPE_QUERY, hooks, error))
        return FALSE;
    for (guint i = 0; i < hooks->len; i++) {
        const char *transition = json_get_string(json_root(hooks->pdata[i]), "lifecycleTransition");
        *has = *has || g_strcmp0(transition, "autoscaling:EC2_INSTANCE_TERMINATING") == 0;
    }
    return TRUE;
}

/* A group that no load balancer watches and no hook holds back ends its instances at once when resized to nothing. */
static gboolean ends_at_once_when_emptied(Operation *operation, guint item, const XmlNode *group, gboolean *ends, GError **error) {
    g_autoptr(Json) sizes = sizes_of(operation, item);
    if (json_get_int(json_root(sizes), "desired", -1) != 0)
        return TRUE;
    g_auto(GStrv) balancers = aws_texts(group, "LoadBalancerNames", "member", NULL);
    g_auto(GStrv) targets = aws_texts(group, "TargetGroupARNs", "member", NULL);
    gboolean has_hook = FALSE;
    if (balancers[0] != NULL || targets[0] != NULL)
        return TRUE;
    if (!has_terminating_hook(operation, item, &has_hook, error))
        return FALSE;
    *ends = !has_hook;
    return TRUE;
}

static gboolean look_at_group(Operation *operation, guint item, GError **error) {
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, operation_group_region(operation, item), operation_group_name(operation, item), &document, &group,
                              error))
        return FALSE;
    if (group == NULL) {
        operation_line(operation, "%s does not exist in %s; nothing to resize", operation_group_name(operation, item),
                       operation_group_region(operation, item));
        return TRUE;
    }
    gboolean ends_at_once = FALSE;
    if (!ends_at_once_when_emptied(operation, item, group, &ends_at_once, error))
        return FALSE;
    g_auto(GStrv) instances = aws_texts(group, "Instances", "member", "InstanceId");
    g_autoptr(Json) ids = json_from_strings((const char *const *)instances);
    g_autoptr(Json) seen = json_pack("{s:b, s:j}", "exists", TRUE, "instances", ends_at_once ? ids : NULL);
    operation_group_fact_set(operation, "group", item, json_root(seen));
    return TRUE;
}

/* With constraints, read right before the write: what was expected has to be true then. */
static LookResult resize_look(Operation *operation, guint item, GError **error) {
    const ResizeParams *params = operation_params(operation);
    g_autoptr(Json) sizes = sizes_of(operation, item);
    if (operation_group_fact(operation, "group", item) == NULL || json_length(json_root(sizes)) == 0)
        return LOOK_SKIP;
    if (json_length(json_get(json_root(params->constraints), "capacity")) == 0)
        return LOOK_NOT_DONE;
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!operation_read_group(operation, operation_group_region(operation, item), operation_group_name(operation, item), &document, &group,
                              error))
        return LOOK_ERROR;
    if (group == NULL)
        return LOOK_SKIP;
    if (has_sizes(json_root(sizes), group))
        return LOOK_DONE;
    return check_constraints(operation, item, group, error) ? LOOK_NOT_DONE : LOOK_FOREIGN;
}

static gboolean resize_act(Operation *operation, guint item, GError **error) {
    g_autoptr(Json) wanted = sizes_of(operation, item);
    const JsonValue *capacity = json_root(wanted);
    const char *name = operation_group_name(operation, item);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_UPDATE_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "AutoScalingGroupName");
    for (gsize i = 0; i < G_N_ELEMENTS(SIZES); i++)
        if (json_is_number(json_get(capacity, SIZES[i].key)))
            aws_query_add_int(query, json_get_int(capacity, SIZES[i].key, 0), "%s", SIZES[i].parameter);
    g_autofree char *sizes = json_write(capacity, NULL);
    operation_line(operation, "Resizing %s in %s to %s", name, operation_group_region(operation, item), sizes);
    const char *region = operation_group_region(operation, item);
    if (!operation_write(operation, region, query, error))
        return FALSE;
    operation_publish_group(operation, region, name);
    return TRUE;
}

const CloudOperation aws_resize_server_group = {
    .name = "resizeServerGroup",
    .aliases = (const char *const[]){"resizeAsgDescription", NULL},
    .help = "Changes the sizes of server groups.",
    .params = resize_params,
    .params_size = sizeof(ResizeParams),
    .takes_server_groups = TRUE,
    .validate = resize_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look at the groups", .count = operation_groups, .act = look_at_group, .repeat = REPEAT_READ},
            {.name = "resize",
             .count = operation_groups,
             .look = resize_look,
             .act = resize_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {.name = "list instances", .act = operation_plan_termination, .repeat = REPEAT_READ},
            {.name = "terminate instances",
             .count = operation_termination_count,
             .act = operation_termination_act,
             .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = operation_publish_groups,
};
