/* terminateInstances, rebootInstances, terminateInstanceAndDecrement, detachInstances (aws.md 9). */
#include "base/clock.h"
#include "clouds/aws/operations/operations.h"
#include <string.h>

#define DETACH_BATCH 20

typedef struct {
    char *region, *group, *instance;
    char **instances;
    gboolean decrement, terminate, adjust_min, set_max;
} InstanceParams;

#define REGION                                                                                                                             \
    {                                                                                                                                      \
        .name = "region", .type = PARAM_STRING, .offset = offsetof(InstanceParams, region), .required = TRUE,                              \
        .help = "Region of the instances."                                                                                                 \
    }
#define INSTANCES                                                                                                                          \
    {                                                                                                                                      \
        .name = "instanceIds", .type = PARAM_STRINGS, .offset = offsetof(InstanceParams, instances), .required = TRUE,                     \
        .help = "Ids of the instances."                                                                                                    \
    }
#define GROUP                                                                                                                              \
    {                                                                                                                                      \
        .name = "asgName", .type = PARAM_STRING, .offset = offsetof(InstanceParams, group), .required = TRUE,                              \
        .aliases = (const char *const[]){"serverGroupName", NULL}, .help = "Their server group."                                           \
    }
#define ADJUST_MIN                                                                                                                         \
    {                                                                                                                                      \
        .name = "adjustMinIfNecessary", .type = PARAM_BOOL, .offset = offsetof(InstanceParams, adjust_min),                                \
        .help = "Lower the group's minimum when it would stand in the way."                                                                \
    }

static const Param plain_params[] = {REGION, INSTANCES, {0}};
static const Param decrement_params[] = {
    REGION,
    GROUP,
    ADJUST_MIN,
    {.name = "instance",
     .type = PARAM_STRING,
     .offset = offsetof(InstanceParams, instance),
     .required = TRUE,
     .aliases = (const char *const[]){"instanceId", NULL},
     .help = "Id of the instance."},
    {.name = "setMaxToNewDesired",
     .type = PARAM_BOOL,
     .offset = offsetof(InstanceParams, set_max),
     .help = "Lower the group's maximum to the new size."},
    {0},
};
static const Param detach_params[] = {
    REGION,
    GROUP,
    INSTANCES,
    ADJUST_MIN,
    {.name = "decrementDesiredCapacity",
     .type = PARAM_BOOL,
     .offset = offsetof(InstanceParams, decrement),
     .help = "Make the group smaller; else it launches others."},
    {.name = "terminateDetachedInstances",
     .type = PARAM_BOOL,
     .offset = offsetof(InstanceParams, terminate),
     .help = "Terminate them after they are detached."},
    {0},
};

/* ---- one call for all ---- */
static guint termination_batches(Operation *operation) {
    const InstanceParams *params = operation_params(operation);
    return (g_strv_length(params->instances) + AWS_TERMINATE_BATCH - 1) / AWS_TERMINATE_BATCH;
}

static gboolean terminate_act(Operation *operation, guint batch, GError **error) {
    const InstanceParams *params = operation_params(operation);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = batch * AWS_TERMINATE_BATCH; params->instances[i] != NULL && ids->len < AWS_TERMINATE_BATCH; i++)
        g_ptr_array_add(ids, params->instances[i]);
    g_ptr_array_add(ids, NULL);
    return operation_terminate(operation, params->region, (const char *const *)ids->pdata, error);
}

/* A reboot that is asked for while one is under way is the same reboot. */
static gboolean reboot_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_autofree char *all = g_strjoinv(", ", params->instances);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_REBOOT_INSTANCES);
    aws_query_about(query, all);
    aws_query_add_list(query, (const char *const *)params->instances, "InstanceId");
    operation_line(operation, "Rebooting %s", all);
    return operation_write(operation, params->region, query, error);
}

/* ---- members of a group ---- */
static void publish_group(Operation *operation) {
    const InstanceParams *params = operation_params(operation);
    operation_publish_group(operation, params->region, params->group);
}

static gboolean read_group(Operation *operation, XmlDocument **document, const XmlNode **group, GError **error) {
    const InstanceParams *params = operation_params(operation);
    return operation_read_group(operation, params->region, params->group, document, group, error);
}

static gboolean is_member(const XmlNode *group, const char *id, gboolean only_attached) {
    const XmlNode *list = xml_get(group, "Instances");
    for (const XmlNode *member = xml_first(list, "member"); member != NULL; member = xml_next(member, "member")) {
        g_autofree char *found = xml_get_text(member, "InstanceId");
        g_autofree char *state = xml_get_text(member, "LifecycleState");
        if (g_strcmp0(found, id) == 0)
            return !only_attached || g_strcmp0(state, "InService") == 0 || g_strcmp0(state, "Standby") == 0;
    }
    return FALSE;
}

/* Facts: minimum to set first, members to act on (only_attached: those in service or standby), classic load balancers, new desired size. */
static gboolean note_members(Operation *operation, const XmlNode *group, char *const *ids, gboolean only_attached, gboolean decrements,
                             GError **error) {
    const InstanceParams *params = operation_params(operation);
    gint64 min = aws_int(group, "MinSize", 0), desired = aws_int(group, "DesiredCapacity", 0);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    gint64 count = 0;
    json_begin_array(builder, NULL);
    for (gsize i = 0; ids[i] != NULL; i++)
        if (is_member(group, ids[i], only_attached)) {
            json_add_string(builder, NULL, ids[i]);
            count++;
        }
    json_end_array(builder);
    g_autoptr(Json) members = json_builder_end(builder);
    operation_fact_set(operation, "members", json_root(members));
    if (decrements && desired - count < min) {
        if (!params->adjust_min) {
            error_set(error, ERR_CONFLICT,
                      "%s in %s (account %s): its minimum is %" G_GINT64_FORMAT ", so it cannot shrink from %" G_GINT64_FORMAT
                      " by %" G_GINT64_FORMAT "; adjustMinIfNecessary would lower the minimum",
                      params->group, params->region, operation_account(operation)->name, min, desired, count);
            return FALSE;
        }
        g_autoptr(Json) lower = json_from_int(MAX(0, desired - count));
        operation_fact_set(operation, "minimum", json_root(lower));
    }
    g_autoptr(Json) size = json_from_int(MAX(0, desired - count));
    operation_fact_set(operation, "desired", json_root(size));
    g_auto(GStrv) balancers = aws_texts(group, "LoadBalancerNames", "member", NULL);
    g_autoptr(Json) names = json_from_strings((const char *const *)balancers);
    operation_fact_set(operation, "loadBalancers", json_root(names));
    return TRUE;
}

static gboolean absent_group(Operation *operation, GError **error) {
    const InstanceParams *params = operation_params(operation);
    error_set(error, ERR_NOT_FOUND, "server group %s does not exist in %s (account %s)", params->group, params->region,
              operation_account(operation)->name);
    return FALSE;
}

static guint minimum_changes(Operation *operation) {
    return operation_fact(operation, "minimum") != NULL ? 1 : 0;
}

static gboolean update_size(Operation *operation, const char *parameter, gint64 size, GError **error) {
    const InstanceParams *params = operation_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_UPDATE_GROUP);
    aws_query_about(query, params->group);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    aws_query_add_int(query, size, "%s", parameter);
    operation_line(operation, "Setting %s of %s to %" G_GINT64_FORMAT, parameter, params->group, size);
    return aws_client_write(operation_client(operation), params->region, query, operation_cancel(operation), error);
}

static gboolean minimum_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return update_size(operation, "MinSize", json_int(operation_fact(operation, "minimum"), 0), error);
}

/* ---- terminateInstanceAndDecrement ---- */
static gboolean decrement_read(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!read_group(operation, &document, &group, error))
        return FALSE;
    if (group == NULL)
        return absent_group(operation, error);
    if (!is_member(group, params->instance, FALSE)) {
        error_set(error, ERR_INVALID, "instance %s is not in server group %s in %s (account %s)", params->instance, params->group,
                  params->region, operation_account(operation)->name);
        return FALSE;
    }
    char *ids[] = {params->instance, NULL};
    return note_members(operation, group, ids, FALSE, TRUE, error);
}

static guint balancers(Operation *operation) {
    return operation_fact_length(operation, "loadBalancers");
}

static gboolean deregister_act(Operation *operation, guint item, GError **error) {
    const InstanceParams *params = operation_params(operation);
    const char *balancer = json_string(json_at(operation_fact(operation, "loadBalancers"), item));
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DEREGISTER_CLASSIC);
    aws_query_about(query, balancer);
    aws_query_add(query, balancer, "LoadBalancerName");
    aws_query_add(query, params->instance, "Instances.member.1.InstanceId");
    return aws_client_write(operation_client(operation), params->region, query, operation_cancel(operation), error);
}

static LookResult gone_look(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!read_group(operation, &document, &group, error))
        return LOOK_ERROR;
    const XmlNode *list = xml_get(group, "Instances");
    for (const XmlNode *member = xml_first(list, "member"); member != NULL; member = xml_next(member, "member")) {
        g_autofree char *id = xml_get_text(member, "InstanceId");
        g_autofree char *state = xml_get_text(member, "LifecycleState");
        if (g_strcmp0(id, params->instance) == 0)
            return state != NULL && g_str_has_prefix(state, "Terminat") ? LOOK_DONE : LOOK_NOT_DONE;
    }
    return LOOK_DONE;
}

static gboolean decrement_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_TERMINATE_IN_GROUP);
    aws_query_about(query, params->instance);
    aws_query_add(query, params->instance, "InstanceId");
    aws_query_add_bool(query, TRUE, "ShouldDecrementDesiredCapacity");
    operation_line(operation, "Terminating %s and making %s smaller by one", params->instance, params->group);
    return aws_client_write(operation_client(operation), params->region, query, operation_cancel(operation), error);
}

static guint maximum_changes(Operation *operation) {
    const InstanceParams *params = operation_params(operation);
    return params->set_max ? 1 : 0;
}

static gboolean maximum_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return update_size(operation, "MaxSize", json_int(operation_fact(operation, "desired"), 0), error);
}

static void decrement_finish(Operation *operation) {
    const InstanceParams *params = operation_params(operation);
    operation_forget_instances(operation, params->region, (const char *const[]){params->instance, NULL});
    publish_group(operation);
}

/* ---- detachInstances ---- */
static gboolean detach_read(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!read_group(operation, &document, &group, error))
        return FALSE;
    if (group == NULL)
        return absent_group(operation, error);
    return note_members(operation, group, params->instances, TRUE, params->decrement, error);
}

static guint has_members(Operation *operation) {
    return operation_fact_length(operation, "members") > 0 ? 1 : 0;
}

/* Marks them, so that they are found should the termination after it never happen. */
static gboolean mark_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    const JsonValue *members = operation_fact(operation, "members");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_TAGS);
    aws_query_about(query, params->group);
    for (guint i = 0; i < json_length(members); i++)
        aws_query_add(query, json_string(json_at(members, i)), "ResourceId.%u", i + 1);
    aws_query_add(query, "spinnaker:Detached", "Tag.1.Key");
    aws_query_add(query, params->group, "Tag.1.Value");
    if (params->terminate) {
        aws_query_add(query, "spinnaker:PendingTermination", "Tag.2.Key");
        aws_query_add_int(query, operation_started_ms(operation), "Tag.2.Value");
    }
    return aws_client_write(operation_client(operation), params->region, query, operation_cancel(operation), error);
}

static guint detach_batches(Operation *operation) {
    return (operation_fact_length(operation, "members") + DETACH_BATCH - 1) / DETACH_BATCH;
}

static LookResult detached_look(Operation *operation, guint batch, GError **error) {
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *group = NULL;
    if (!read_group(operation, &document, &group, error))
        return LOOK_ERROR;
    const JsonValue *members = operation_fact(operation, "members");
    for (guint i = batch * DETACH_BATCH; i < MIN((batch + 1) * DETACH_BATCH, json_length(members)); i++)
        if (is_member(group, json_string(json_at(members, i)), TRUE))
            return LOOK_NOT_DONE;
    return LOOK_DONE;
}

static gboolean detach_act(Operation *operation, guint batch, GError **error) {
    const InstanceParams *params = operation_params(operation);
    const JsonValue *members = operation_fact(operation, "members");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DETACH_INSTANCES);
    aws_query_about(query, params->group);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    aws_query_add_bool(query, params->decrement, "ShouldDecrementDesiredCapacity");
    for (guint i = batch * DETACH_BATCH, n = 1; i < MIN((batch + 1) * DETACH_BATCH, json_length(members)); i++, n++)
        aws_query_add(query, json_string(json_at(members, i)), "InstanceIds.member.%u", n);
    operation_line(operation, "Detaching instances from %s", params->group);
    return aws_client_write(operation_client(operation), params->region, query, operation_cancel(operation), error);
}

static guint detached_to_terminate(Operation *operation) {
    const InstanceParams *params = operation_params(operation);
    return params->terminate ? has_members(operation) : 0;
}

static gboolean terminate_detached_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const InstanceParams *params = operation_params(operation);
    g_auto(GStrv) ids = aws_strings(operation_fact(operation, "members"));
    return operation_terminate(operation, params->region, (const char *const *)ids, error);
}

/* ---- the table's entries ---- */
const CloudOperation aws_terminate_instances = {
    .name = "terminateInstances",
    .aliases = (const char *const[]){"terminateInstancesDescription", NULL},
    .help = "Terminates instances.",
    .params = plain_params,
    .params_size = sizeof(InstanceParams),
    .steps =
        (const OperationStep[]){
            {.name = "terminate instances", .count = termination_batches, .act = terminate_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
};

const CloudOperation aws_reboot_instances = {
    .name = "rebootInstances",
    .aliases = (const char *const[]){"rebootInstancesDescription", NULL},
    .help = "Reboots instances.",
    .params = plain_params,
    .params_size = sizeof(InstanceParams),
    .steps = (const OperationStep[]){{.name = "reboot instances", .act = reboot_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
};

const CloudOperation aws_terminate_and_decrement = {
    .name = "terminateInstanceAndDecrement",
    .aliases = (const char *const[]){"terminateInstanceAndDecrementAsgDescription", NULL},
    .help = "Terminates an instance and makes its server group smaller by one.",
    .params = decrement_params,
    .params_size = sizeof(InstanceParams),
    .steps =
        (const OperationStep[]){
            {.name = "look at the group", .act = decrement_read, .repeat = REPEAT_READ},
            {.name = "lower the minimum", .count = minimum_changes, .act = minimum_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "deregister from load balancers", .count = balancers, .act = deregister_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "terminate and decrement",
             .look = gone_look,
             .act = decrement_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS,
             .tries = 5,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {.name = "lower the maximum", .count = maximum_changes, .act = maximum_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = decrement_finish,
};

const CloudOperation aws_detach_instances = {
    .name = "detachInstances",
    .aliases = (const char *const[]){"detachInstancesDescription", NULL},
    .help = "Takes instances out of their server group.",
    .params = detach_params,
    .params_size = sizeof(InstanceParams),
    .steps =
        (const OperationStep[]){
            {.name = "look at the group", .act = detach_read, .repeat = REPEAT_READ},
            {.name = "lower the minimum", .count = minimum_changes, .act = minimum_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "mark instances", .count = has_members, .act = mark_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "detach instances",
             .count = detach_batches,
             .look = detached_look,
             .act = detach_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS,
             .tries = 5,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {.name = "terminate detached instances",
             .count = detached_to_terminate,
             .act = terminate_detached_act,
             .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = publish_group,
};
