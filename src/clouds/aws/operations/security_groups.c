/* upsertSecurityGroup, deleteSecurityGroup (aws.md 12): the group is found or made, its inbound rules become those of the request.
 *
 * Facts: vpc, references [securityGroupIngress with groupId, userId or self], groupId, created, change {update, add, remove}. */
#include "clouds/aws/operations/security_groups.h"
#include "base/clock.h"

#define VISIBLE_TRIES 15 /* a new group shows late: 15 × 3 s */
#define VISIBLE_DELAY_MS 3000

typedef struct {
    char *name, *description, *vpc, *region;
    Json *groups, *ranges, *tags;
    gboolean append_only;
    char **regions;
} SecurityGroupParams;
static const Param upsert_params[] = {
    {.name = "name",
     .type = PARAM_STRING,
     .offset = offsetof(SecurityGroupParams, name),
     .required = TRUE,
     .aliases = (const char *const[]){"securityGroupName", NULL},
     .help = "Name of the group."},
    {.name = "description", .type = PARAM_STRING, .offset = offsetof(SecurityGroupParams, description), .help = "What it is for."},
    {.name = "vpcId", .type = PARAM_STRING, .offset = offsetof(SecurityGroupParams, vpc), .help = "Its VPC; absent: outside any."},
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(SecurityGroupParams, region), .required = TRUE, .help = "Its region."},
    {.name = "securityGroupIngress",
     .type = PARAM_JSON,
     .offset = offsetof(SecurityGroupParams, groups),
     .help = "Who may come in, by group: [{name or id, accountName, vpcId, startPort, endPort, ipProtocol, description}]."},
    {.name = "ipIngress",
     .type = PARAM_JSON,
     .offset = offsetof(SecurityGroupParams, ranges),
     .help = "… by address: [{cidr, startPort, endPort, ipProtocol, description}]."},
    {.name = "ingressAppendOnly",
     .type = PARAM_BOOL,
     .offset = offsetof(SecurityGroupParams, append_only),
     .help = "Keep rules that are not in the request."},
    {.name = "tags", .type = PARAM_JSON, .offset = offsetof(SecurityGroupParams, tags), .help = "{key: value}."},
    {0},
};

static const SecurityGroupParams *params_of(Operation *operation) {
    return operation_params(operation);
}

/* ---- the VPC: an id means one region's, elsewhere the one of the same name is meant ---- */

typedef struct {
    const char *id, *name;
} NetworkSearch;

static gboolean has_id(const InventoryObject *object, gpointer data) {
    NetworkSearch *search = data;
    if (g_strcmp0(object->id, search->id) == 0)
        search->name = aws_tag(json_get(json_root(object->document), "tags"), "Name");
    return search->name == NULL;
}

static gboolean has_name(const InventoryObject *object, gpointer data) {
    NetworkSearch *search = data;
    if (g_strcmp0(aws_tag(json_get(json_root(object->document), "tags"), "Name"), search->name) == 0)
        search->id = object->id;
    return search->id == NULL;
}

/* The request's VPC in a region; NULL: outside any. Caller frees. */
static char *vpc_in(Operation *operation, const char *region) {
    const char *asked = params_of(operation)->vpc, *account = operation_account(operation)->name;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    if (asked == NULL || *asked == '\0')
        return NULL;
    if (inventory_get(snapshot, account, KIND_NETWORK, region, asked) != NULL)
        return g_strdup(asked);
    NetworkSearch of = {asked, NULL}, here = {NULL, NULL};
    inventory_each(snapshot, account, KIND_NETWORK, NULL, has_id, &of);
    here.name = of.name;
    if (here.name != NULL)
        inventory_each(snapshot, account, KIND_NETWORK, region, has_name, &here);
    return g_strdup(here.id != NULL ? here.id : asked);
}

static AwsReader reader_of(Operation *operation) {
    return operation_reader(operation, params_of(operation)->region);
}

static void upsert_validate(Operation *operation, GPtrArray *errors) {
    for (JsonIter i = json_iter(json_root(params_of(operation)->ranges)); json_next(&i);)
        if (json_get_string(i.value, "cidr") == NULL)
            g_ptr_array_add(errors, g_strdup_printf("ipIngress[%" G_GSIZE_FORMAT "].cidr: required", i.index));
    for (JsonIter i = json_iter(json_root(params_of(operation)->groups)); json_next(&i);)
        if (json_get_string(i.value, "name") == NULL && json_get_string(i.value, "id") == NULL)
            g_ptr_array_add(errors, g_strdup_printf("securityGroupIngress[%" G_GSIZE_FORMAT "]: name or id: required", i.index));
}

/* ---- groups that the rules name ---- */

/* As the account that it belongs to. *account is a reference to be given back. */
static gboolean reader_for(Operation *operation, const JsonValue *reference, Account **account, AwsReader *reader, GError **error) {
    const char *name = json_get_string(reference, "accountName"), *id = json_get_string(reference, "accountId");
    *account = NULL;
    if (name != NULL)
        *account = clouds_account(operation_clouds(operation), name, error);
    else if (id != NULL)
        *account = aws_account_by_id(operation_clouds(operation), id);
    if (name != NULL && *account == NULL)
        return FALSE;
    Account *own = *account != NULL && (*account)->cloud == operation_account(operation)->cloud ? *account : operation_account(operation);
    *reader = aws_reader(own, params_of(operation)->region, operation_inventory(operation), operation_cancel(operation));
    return TRUE;
}

static gboolean is_self(Operation *operation, const JsonValue *reference, const AwsReader *reader, const char *vpc) {
    const SecurityGroupParams *params = params_of(operation);
    return g_strcmp0(json_get_string(reference, "name"), params->name) == 0 && &reader->account->base == operation_account(operation) &&
           g_strcmp0(vpc, operation_fact_string(operation, "vpc")) == 0;
}

/* Adds the reference with its groupId; a name that is unknown is added to missing. */
static gboolean resolve(Operation *operation, const JsonValue *reference, JsonBuilder *builder, GString *missing, GError **error) {
    const char *id = json_get_string(reference, "id"), *name = json_get_string(reference, "name");
    const char *vpc = json_get_string(reference, "vpcId");
    vpc = vpc != NULL ? vpc : operation_fact_string(operation, "vpc");
    g_autoptr(Account) account = NULL;
    AwsReader reader;
    if (!reader_for(operation, reference, &account, &reader, error))
        return FALSE;
    g_autoptr(Json) group = NULL;
    if (id == NULL && !aws_security_group_read(&reader, name, vpc, &group, error))
        return FALSE;
    id = id != NULL ? id : json_get_string(json_root(group), "groupId");
    gboolean self = id == NULL && is_self(operation, reference, &reader, vpc);
    if (id == NULL && !self)
        g_string_append_printf(missing, "%s%s", missing->len > 0 ? "," : "", name);
    g_autoptr(Json) more = json_pack("{s:s, s:s, s:b}", "groupId", id, "userId", reader.account->account_id, "self", self);
    g_autoptr(Json) whole = json_merge(reference, json_root(more));
    json_add_json(builder, NULL, whole);
    return TRUE;
}

static gboolean resolve_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const SecurityGroupParams *params = params_of(operation);
    g_autofree char *own_vpc = vpc_in(operation, params->region);
    if (own_vpc != NULL)
        operation_fact_set_string(operation, "vpc", own_vpc);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GString) missing = g_string_new(NULL);
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(params->groups)); json_next(&i);)
        if (!resolve(operation, i.value, builder, missing, error))
            return FALSE;
    json_end_array(builder);
    g_autoptr(Json) references = json_builder_end(builder);
    if (missing->len > 0) {
        error_set(error, ERR_NOT_FOUND, "security group %s in %s (account %s): its rules name groups that do not exist: %s", params->name,
                  params->region, operation_account(operation)->name, missing->str);
        return FALSE;
    }
    operation_fact_set(operation, "references", json_root(references));
    return TRUE;
}

/* ---- the group ---- */

static LookResult group_look(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader = reader_of(operation);
    g_autoptr(Json) group = NULL;
    if (!aws_security_group_read(&reader, params_of(operation)->name, operation_fact_string(operation, "vpc"), &group, error))
        return LOOK_ERROR;
    const char *id = json_get_string(json_root(group), "groupId");
    if (id == NULL)
        return LOOK_NOT_DONE;
    operation_fact_set_string(operation, "groupId", id);
    return LOOK_DONE;
}

static gboolean create_act(Operation *operation, guint item, GError **error) {
    const SecurityGroupParams *params = params_of(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_SECURITY_GROUP);
    aws_query_about(query, params->name);
    aws_query_add(query, params->name, "GroupName");
    aws_query_add(query, params->description != NULL && *params->description != '\0' ? params->description : params->name,
                  "GroupDescription");
    aws_query_add(query, operation_fact_string(operation, "vpc"), "VpcId");
    operation_line(operation, "Creating security group %s in %s", params->name, params->region);
    g_autoptr(GError) failed = NULL;
    g_autoptr(XmlDocument)
        answer = aws_client_send(operation_client(operation), params->region, query, operation_cancel(operation), &failed);
    if (answer == NULL && aws_error_is_duplicate(failed) && group_look(operation, item, NULL) == LOOK_DONE)
        return TRUE;
    if (answer == NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autofree char *id = xml_get_text(aws_answer(answer, AWS_CREATE_SECURITY_GROUP), "groupId");
    if (id == NULL) {
        error_set(error, ERR_TIMEOUT, "CreateSecurityGroup %s in %s: the answer has no id", params->name, params->region);
        return FALSE;
    }
    g_autoptr(Json) created = json_from_bool(TRUE);
    operation_fact_set_string(operation, "groupId", id);
    operation_fact_set(operation, "created", json_root(created));
    return TRUE;
}

/* ---- its rules ---- */

/* The references with the new group's own id where they mean itself. */
static Json *references_of(Operation *operation) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(operation_fact(operation, "references")); json_next(&i);) {
        g_autoptr(Json) self = json_is_true(json_get(i.value, "self"))
                                   ? json_with_string(i.value, "groupId", operation_fact_string(operation, "groupId"))
                                   : json_copy(i.value);
        json_add_json(builder, NULL, self);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean compare_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const SecurityGroupParams *params = params_of(operation);
    AwsReader reader = reader_of(operation);
    g_autoptr(Json) group = NULL;
    if (!aws_security_group_read_id(&reader, operation_fact_string(operation, "groupId"), &group, error))
        return FALSE;
    if (group == NULL) {
        error_set(error, ERR_NOT_FOUND, "security group %s (%s) in %s (account %s) does not show yet", params->name,
                  operation_fact_string(operation, "groupId"), params->region, operation_account(operation)->name);
        return FALSE;
    }
    g_autoptr(Json) references = references_of(operation);
    g_autoptr(Json) there = aws_rules_of(json_root(group));
    g_autoptr(Json) wanted = aws_rules_wanted(json_root(references), json_root(params->ranges));
    g_autoptr(Json) change = aws_rules_difference(json_root(there), json_root(wanted), params->append_only);
    operation_fact_set(operation, "change", json_root(change));
    return TRUE;
}

/* One rule of the change per call, so that an error names it and a repeat changes nothing. */
static AwsQuery *rule_query(Operation *operation, AwsCallId call, const JsonValue *rule) {
    AwsQuery *query = aws_query_new(call);
    g_autofree char *text = json_write(rule, NULL);
    const char *group = json_get_string(rule, "groupId"), *description = json_get_string(rule, "description");
    const char *cidr = json_get_string(rule, "cidr"), *cidr6 = json_get_string(rule, "cidr6");
    const char *list = group != NULL ? "Groups" : cidr6 != NULL ? "Ipv6Ranges" : "IpRanges";
    aws_query_about(query, text);
    aws_query_add(query, operation_fact_string(operation, "groupId"), "GroupId");
    aws_query_add(query, json_get_string(rule, "protocol"), "IpPermissions.1.IpProtocol");
    if (json_get(rule, "fromPort") != NULL) {
        aws_query_add_int(query, json_get_int(rule, "fromPort", -1), "IpPermissions.1.FromPort");
        aws_query_add_int(query, json_get_int(rule, "toPort", -1), "IpPermissions.1.ToPort");
    }
    aws_query_add(query, cidr, "IpPermissions.1.IpRanges.1.CidrIp");
    aws_query_add(query, cidr6, "IpPermissions.1.Ipv6Ranges.1.CidrIpv6");
    aws_query_add(query, group, "IpPermissions.1.Groups.1.GroupId");
    aws_query_add(query, group != NULL ? json_get_string(rule, "userId") : NULL, "IpPermissions.1.Groups.1.UserId");
    aws_query_add(query, call != AWS_REVOKE_INGRESS ? description : NULL, "IpPermissions.1.%s.1.Description", list);
    return query;
}

static gboolean change_rule(Operation *operation, AwsCallId call, const char *list, const char *tolerated, guint item, GError **error) {
    const JsonValue *rule = json_at(json_get(operation_fact(operation, "change"), list), item);
    g_autoptr(AwsQuery) query = rule_query(operation, call, rule);
    operation_line(operation, "%s %s: %s", params_of(operation)->name, list, aws_query_resource(query));
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params_of(operation)->region, query, &failed) || aws_error_is(failed, tolerated))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static guint changes(Operation *operation, const char *list) {
    return (guint)json_length(json_get(operation_fact(operation, "change"), list));
}

static guint update_count(Operation *operation) {
    return changes(operation, "update");
}

static guint add_count(Operation *operation) {
    return changes(operation, "add");
}

static guint remove_count(Operation *operation) {
    return changes(operation, "remove");
}

static gboolean update_act(Operation *operation, guint item, GError **error) {
    return change_rule(operation, AWS_UPDATE_INGRESS_DESCRIPTIONS, "update", "InvalidPermission.NotFound", item, error);
}

static gboolean add_act(Operation *operation, guint item, GError **error) {
    return change_rule(operation, AWS_AUTHORIZE_INGRESS, "add", "InvalidPermission.Duplicate", item, error);
}

static gboolean remove_act(Operation *operation, guint item, GError **error) {
    return change_rule(operation, AWS_REVOKE_INGRESS, "remove", "InvalidPermission.NotFound", item, error);
}

/* ---- its tags ---- */

static guint tag_count(Operation *operation) {
    gboolean changed = update_count(operation) + add_count(operation) + remove_count(operation) > 0;
    return changed || operation_fact(operation, "created") != NULL ? 1 : 0;
}

static gboolean tag_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const SecurityGroupParams *params = params_of(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_TAGS);
    aws_query_about(query, params->name);
    aws_query_add(query, operation_fact_string(operation, "groupId"), "ResourceId.1");
    aws_query_add(query, "Name", "Tag.1.Key");
    aws_query_add(query, params->name, "Tag.1.Value");
    guint n = 1;
    for (JsonIter i = json_iter(json_root(params->tags)); json_next(&i);) {
        g_autofree char *value = json_as_text(i.value);
        aws_query_add(query, i.key, "Tag.%u.Key", ++n);
        aws_query_add(query, value != NULL ? value : "", "Tag.%u.Value", n);
    }
    return operation_write(operation, params->region, query, error);
}

static void upsert_finish(Operation *operation) {
    const SecurityGroupParams *params = params_of(operation);
    const char *id = operation_fact_string(operation, "groupId");
    AwsReader reader = reader_of(operation);
    g_autoptr(Json) made = json_pack("{s:{s:s, s:s, s:s}}", params->region, "name", params->name, "id", id, "vpcId",
                                     operation_fact_string(operation, "vpc"));
    operation_result_set(operation, "securityGroups", json_root(made));
    aws_security_group_publish(&reader, id);
}

const CloudOperation aws_upsert_security_group = {
    .name = "upsertSecurityGroup",
    .aliases = (const char *const[]){"upsertSecurityGroupDescription", NULL},
    .help = "Makes a security group, or changes its inbound rules.",
    .params = upsert_params,
    .params_size = sizeof(SecurityGroupParams),
    .validate = upsert_validate,
    .steps =
        (const OperationStep[]){
            {.name = "find groups that rules name", .act = resolve_act, .repeat = REPEAT_READ},
            {.name = "create security group", .look = group_look, .act = create_act, .repeat = REPEAT_LOOK, .settle_ms = AWS_SETTLE_MS},
            {.name = "compare rules",
             .act = compare_act,
             .repeat = REPEAT_READ,
             .tries = VISIBLE_TRIES,
             .try_delay_ms = VISIBLE_DELAY_MS,
             .retry_on = aws_error_is_absent},
            {.name = "change descriptions of rules", .count = update_count, .act = update_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "add rules", .count = add_count, .act = add_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "remove rules", .count = remove_count, .act = remove_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "set tags", .count = tag_count, .act = tag_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
    .finish = upsert_finish,
};

/* ---- deleteSecurityGroup ---- */

static const Param delete_params[] = {
    {.name = "securityGroupName",
     .type = PARAM_STRING,
     .offset = offsetof(SecurityGroupParams, name),
     .required = TRUE,
     .help = "Name of the group."},
    {.name = "regions",
     .type = PARAM_STRINGS,
     .offset = offsetof(SecurityGroupParams, regions),
     .required = TRUE,
     .aliases = (const char *const[]){"region", NULL},
     .help = "Where."},
    {.name = "vpcId", .type = PARAM_STRING, .offset = offsetof(SecurityGroupParams, vpc), .help = "Its VPC; absent: outside any."},
    {0},
};

static guint regions_count(Operation *operation) {
    return g_strv_length(params_of(operation)->regions);
}

static gboolean find_act(Operation *operation, guint item, GError **error) {
    const SecurityGroupParams *params = params_of(operation);
    AwsReader reader = operation_reader(operation, params->regions[item]);
    g_autofree char *vpc = vpc_in(operation, params->regions[item]);
    g_autoptr(Json) group = NULL;
    if (!aws_security_group_read(&reader, params->name, vpc, &group, error))
        return FALSE;
    if (group == NULL)
        operation_line(operation, "%s does not exist in %s; nothing to delete", params->name, params->regions[item]);
    else
        operation_group_fact_set(operation, "groupId", item, json_get(json_root(group), "groupId"));
    return TRUE;
}

static LookResult present_look(Operation *operation, guint item, GError **error) {
    (void)error;
    return operation_group_fact(operation, "groupId", item) != NULL ? LOOK_NOT_DONE : LOOK_SKIP;
}

/* Names of the groups whose rules refer to this one. Caller frees. */
static char *referring(Operation *operation, const char *region, const char *id) {
    AwsReader reader = operation_reader(operation, region);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SECURITY_GROUPS);
    aws_query_about(query, id);
    aws_query_add_filter(query, "ip-permission.group-id", id);
    g_autoptr(GString) names = g_string_new(NULL);
    if (!aws_read_documents(&reader, query, AWS_SHAPE_EC2, found, NULL))
        return g_strdup("dependencies that could not be read");
    for (guint i = 0; i < found->len; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", json_get_string(json_root(found->pdata[i]), "groupName"));
    return names->len > 0 ? g_strdup(names->str) : g_strdup("unknown dependencies (instances, load balancers, network interfaces)");
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const SecurityGroupParams *params = params_of(operation);
    const char *region = params->regions[item], *id = json_string(operation_group_fact(operation, "groupId", item));
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DELETE_SECURITY_GROUP);
    aws_query_about(query, params->name);
    aws_query_add(query, id, "GroupId");
    operation_line(operation, "Deleting security group %s (%s) in %s", params->name, id, region);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, region, query, &failed) || aws_error_is_absent(failed)) {
        inventory_remove(operation_inventory(operation), operation_account(operation)->name, KIND_SECURITY_GROUP, region, id,
                         operation_now_ms(operation));
        return TRUE;
    }
    if (!aws_error_is(failed, "DependencyViolation")) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autofree char *names = referring(operation, region, id);
    error_set(error, ERR_CONFLICT, "%s; it is in use by %s (DependencyViolation)", failed->message, names);
    return FALSE;
}

const CloudOperation aws_delete_security_group = {
    .name = "deleteSecurityGroup",
    .aliases = (const char *const[]){"deleteSecurityGroupDescription", NULL},
    .help = "Deletes a security group.",
    .params = delete_params,
    .params_size = sizeof(SecurityGroupParams),
    .steps =
        (const OperationStep[]){
            {.name = "find the group", .count = regions_count, .act = find_act, .repeat = REPEAT_READ},
            {.name = "delete", .count = regions_count, .look = present_look, .act = delete_act, .repeat = REPEAT_IDEMPOTENT},
            {0},
        },
};
