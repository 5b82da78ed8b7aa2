/* upsertLoadBalancer: application and network load balancers and the target groups that belong to them (balancer.h, balancer_listeners.c for
 * what they listen on). Facts besides: arn, goneTargets [arn], blocking [listener arn], target.<n> (arn of the request's n-th). */
#include "clouds/aws/operations/balancer.h"
#include <string.h>

guint v2_count(Operation *operation) {
    return balancer_is_classic(operation) ? 0 : 1;
}

guint v2_create_count(Operation *operation) {
    return v2_count(operation);
}

static gboolean is_application(Operation *operation) {
    return g_ascii_strcasecmp(balancer_params(operation)->type, "application") == 0;
}

/* ---- the load balancer ---- */

LookResult v2_create_look(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *arn = json_get_string(balancer_before(operation), "loadBalancerArn");
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autoptr(Json) there = NULL;
    if (arn == NULL && !aws_balancer_read(&reader, balancer_name(operation), FALSE, &there, error))
        return LOOK_ERROR;
    arn = arn != NULL ? arn : json_get_string(json_root(there), "loadBalancerArn");
    if (arn == NULL)
        return LOOK_NOT_DONE;
    operation_fact_set_string(operation, "arn", arn);
    return LOOK_DONE;
}

gboolean v2_create_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const BalancerParams *params = balancer_params(operation);
    g_autofree char *type = g_ascii_strdown(params->type, -1);
    g_autoptr(AwsQuery) query = balancer_query(operation, AWS_CREATE_BALANCER);
    aws_query_add(query, balancer_name(operation), "Name");
    aws_query_add(query, type, "Type");
    balancer_add_list(query, operation_fact(operation, "subnets"), "Subnets");
    if (is_application(operation))
        balancer_add_list(query, operation_fact(operation, "securityGroups"), "SecurityGroups");
    aws_query_add(query, balancer_is_internal(operation) ? "internal" : "internet-facing", "Scheme");
    aws_query_add(query, balancer_is_internal(operation) ? "ipv4" : params->address_type, "IpAddressType");
    operation_line(operation, "Creating %s load balancer %s in %s", type, balancer_name(operation), balancer_region(operation));
    g_autoptr(XmlDocument)
        answer = aws_client_send(operation_client(operation), balancer_region(operation), query, operation_cancel(operation), error);
    if (answer == NULL)
        return FALSE;
    const XmlNode *made = xml_first(xml_get(aws_answer(answer, AWS_CREATE_BALANCER), "LoadBalancers"), "member");
    g_autofree char *arn = xml_get_text(made, "LoadBalancerArn");
    if (arn == NULL) {
        error_set(error, ERR_TIMEOUT, "CreateLoadBalancer %s in %s: the answer has no ARN", balancer_name(operation),
                  balancer_region(operation));
        return FALSE;
    }
    operation_fact_set_string(operation, "arn", arn);
    return TRUE;
}

static AwsQuery *arn_query(Operation *operation, AwsCallId call) {
    AwsQuery *query = balancer_query(operation, call);
    aws_query_add(query, operation_fact_string(operation, "arn"), "LoadBalancerArn");
    return query;
}

gboolean v2_groups_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const JsonValue *groups = operation_fact(operation, "securityGroups");
    if (balancer_is_new(operation) || !is_application(operation) || groups == NULL ||
        json_equal(groups, json_get(balancer_before(operation), "securityGroups")))
        return TRUE;
    if (json_length(groups) == 0) {
        error_set(error, ERR_INVALID, "load balancer %s in %s (account %s): securityGroups: at least one is required",
                  balancer_name(operation), balancer_region(operation), operation_account(operation)->name);
        return FALSE;
    }
    g_autoptr(AwsQuery) query = arn_query(operation, AWS_SET_SECURITY_GROUPS);
    balancer_add_list(query, groups, "SecurityGroups");
    return balancer_write(operation, query, error);
}

gboolean v2_address_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *wanted = balancer_params(operation)->address_type, *there = json_get_string(balancer_before(operation), "ipAddressType");
    if (balancer_is_new(operation) || wanted == NULL || there == NULL || strcmp(wanted, there) == 0 || balancer_is_internal(operation))
        return TRUE;
    g_autoptr(AwsQuery) query = arn_query(operation, AWS_SET_ADDRESS_TYPE);
    aws_query_add(query, wanted, "IpAddressType");
    return balancer_write(operation, query, error);
}

/* Adds an attribute that is given and differs. */
static void add_attribute(Operation *operation, AwsQuery *query, const char *key, char *wanted, guint *n) {
    g_autofree char *value = wanted;
    const char *there = json_get_string(json_get(balancer_before(operation), "attributes"), key);
    if (value == NULL || g_strcmp0(there, value) == 0)
        return;
    (*n)++;
    aws_query_add(query, key, "Attributes.member.%u.Key", *n);
    aws_query_add(query, value, "Attributes.member.%u.Value", *n);
}

gboolean v2_attributes_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const BalancerParams *params = balancer_params(operation);
    guint n = 0;
    g_autoptr(AwsQuery) query = arn_query(operation, AWS_MODIFY_BALANCER_ATTRIBUTES);
    if (is_application(operation) && params->idle_s >= 0)
        add_attribute(operation, query, "idle_timeout.timeout_seconds", g_strdup_printf("%" G_GINT64_FORMAT, params->idle_s), &n);
    if (!is_application(operation))
        add_attribute(operation, query, "load_balancing.cross_zone.enabled", json_as_text(json_root(params->cross_zone)), &n);
    add_attribute(operation, query, "deletion_protection.enabled", json_as_text(json_root(params->deletion_protection)), &n);
    return n == 0 || balancer_write(operation, query, error);
}

/* ---- target groups ---- */

static const JsonValue *wanted_target(Operation *operation, guint item) {
    return json_at(json_root(balancer_params(operation)->target_groups), item);
}

guint v2_targets_count(Operation *operation) {
    return balancer_is_classic(operation) ? 0 : (guint)json_length(json_root(balancer_params(operation)->target_groups));
}

/* Name, port and protocol say which it is. */
static gboolean is_same_target(const JsonValue *wanted, const JsonValue *there) {
    g_autofree char *wanted_port = json_as_text(json_get(wanted, "port")), *port = json_as_text(json_get(there, "port"));
    const char *wanted_name = json_get_string(wanted, "name");
    wanted_name = wanted_name != NULL ? wanted_name : json_get_string(wanted, "targetGroupName");
    return g_strcmp0(wanted_name, json_get_string(there, "targetGroupName")) == 0 && g_strcmp0(wanted_port, port) == 0 &&
           g_strcmp0(json_get_string(wanted, "protocol"), json_get_string(there, "protocol")) == 0;
}

static gboolean is_wanted(Operation *operation, const JsonValue *there) {
    for (JsonIter i = json_iter(json_root(balancer_params(operation)->target_groups)); json_next(&i);)
        if (is_same_target(i.value, there))
            return TRUE;
    return FALSE;
}

/* Does an action or rule of the listener send to one of these? */
static gboolean sends_to(const JsonValue *listener, const JsonValue *arns) {
    g_autofree char *text = json_write(listener, NULL);
    for (JsonIter i = json_iter(arns); json_next(&i);)
        if (strstr(text, json_string(i.value)) != NULL)
            return TRUE;
    return FALSE;
}

static void note_blocking(Operation *operation, const JsonValue *gone) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(balancer_before(operation), "listeners")); json_next(&i);)
        if (sends_to(i.value, gone))
            json_add_value(builder, NULL, json_get(i.value, "listenerArn"));
    json_end_array(builder);
    g_autoptr(Json) blocking = json_builder_end(builder);
    operation_fact_set(operation, "blocking", json_root(blocking));
}

gboolean v2_plan_targets_act(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autoptr(GPtrArray) there = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(AwsQuery) query = arn_query(operation, AWS_DESCRIBE_TARGET_GROUPS);
    g_autoptr(GError) failed = NULL;
    if (!aws_read_documents(&reader, query, AWS_SHAPE_QUERY, there, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < there->len; i++)
        if (!is_wanted(operation, json_root(there->pdata[i])))
            json_add_value(builder, NULL, json_get(json_root(there->pdata[i]), "targetGroupArn"));
    json_end_array(builder);
    g_autoptr(Json) gone = json_builder_end(builder);
    operation_fact_set(operation, "goneTargets", json_root(gone));
    note_blocking(operation, json_root(gone));
    return TRUE;
}

guint v2_blocking_count(Operation *operation) {
    return operation_fact_length(operation, "blocking");
}

/* Deletes what an ARN of a list fact names; what is gone is fine. */
static gboolean delete_listed(Operation *operation, const char *fact, guint item, AwsCallId call, const char *key, GError **error) {
    const char *arn = json_string(json_at(operation_fact(operation, fact), item));
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, arn);
    aws_query_add(query, arn, "%s", key);
    operation_line(operation, "%s %s", aws_call(call)->action, arn);
    g_autoptr(GError) failed = NULL;
    if (balancer_write(operation, query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean v2_blocking_act(Operation *operation, guint item, GError **error) {
    return delete_listed(operation, "blocking", item, AWS_DELETE_LISTENER, "ListenerArn", error);
}

guint v2_gone_targets_count(Operation *operation) {
    return operation_fact_length(operation, "goneTargets");
}

gboolean v2_gone_targets_act(Operation *operation, guint item, GError **error) {
    return delete_listed(operation, "goneTargets", item, AWS_DELETE_TARGET_GROUP, "TargetGroupArn", error);
}

/* ---- those of the request ---- */

static const char *target_name(Operation *operation, guint item) {
    const JsonValue *target = wanted_target(operation, item);
    const char *name = json_get_string(target, "name");
    return name != NULL ? name : json_get_string(target, "targetGroupName");
}

LookResult v2_target_create_look(Operation *operation, guint item, GError **error) {
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autoptr(GPtrArray) there = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TARGET_GROUPS);
    g_autoptr(GError) failed = NULL;
    aws_query_about(query, target_name(operation, item));
    aws_query_add(query, target_name(operation, item), "Names.member.1");
    if (!aws_read_documents(&reader, query, AWS_SHAPE_QUERY, there, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return LOOK_ERROR;
    }
    if (there->len == 0)
        return LOOK_NOT_DONE;
    const JsonValue *found = json_root(there->pdata[0]);
    if (!is_same_target(wanted_target(operation, item), found)) {
        error_set(error, ERR_CONFLICT, "target group %s exists in %s (account %s) with another port or protocol (%s %" G_GINT64_FORMAT ")",
                  target_name(operation, item), balancer_region(operation), operation_account(operation)->name,
                  json_get_string(found, "protocol"), json_get_int(found, "port", 0));
        return LOOK_FOREIGN;
    }
    operation_group_fact_set(operation, "target", item, json_get(found, "targetGroupArn"));
    return LOOK_DONE;
}

/* What network load balancers cannot have is left out of the check. */
static void add_check(Operation *operation, AwsQuery *query, const JsonValue *target) {
    static const struct {
        const char *key, *parameter, *otherwise;
        gboolean only_http, never_network;
    } CHECKS[] = {{"healthCheckProtocol", "HealthCheckProtocol", NULL, FALSE, FALSE},
                  {"healthCheckPort", "HealthCheckPort", NULL, FALSE, FALSE},
                  {"healthCheckPath", "HealthCheckPath", NULL, TRUE, FALSE},
                  {"healthCheckInterval", "HealthCheckIntervalSeconds", "10", FALSE, FALSE},
                  {"healthCheckTimeout", "HealthCheckTimeoutSeconds", "5", FALSE, TRUE},
                  {"healthyThreshold", "HealthyThresholdCount", "10", FALSE, FALSE},
                  {"healthCheckMatcher", "Matcher.HttpCode", "200-299", TRUE, TRUE}};
    gboolean network = !is_application(operation);
    const char *protocol = json_get_string(target, "healthCheckProtocol");
    gboolean http = protocol != NULL && g_str_has_prefix(protocol, "HTTP");
    for (gsize i = 0; i < G_N_ELEMENTS(CHECKS); i++) {
        g_autofree char *text = json_as_text(json_get(target, CHECKS[i].key));
        if ((CHECKS[i].only_http && !http) || (CHECKS[i].never_network && network))
            continue;
        aws_query_add(query, text != NULL && *text != '\0' ? text : CHECKS[i].otherwise, "%s", CHECKS[i].parameter);
    }
    g_autofree char *healthy = json_as_text(json_get(target, "healthyThreshold"));
    g_autofree char *unhealthy = json_as_text(json_get(target, "unhealthyThreshold"));
    const char *count = unhealthy != NULL ? unhealthy : "2", *both = healthy != NULL ? healthy : "10";
    aws_query_add(query, network ? both : count, "UnhealthyThresholdCount");
}

gboolean v2_target_create_act(Operation *operation, guint item, GError **error) {
    const JsonValue *target = wanted_target(operation, item);
    g_autofree char *port = json_as_text(json_get(target, "port"));
    const char *kind = json_get_string(target, "targetType");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_TARGET_GROUP);
    aws_query_about(query, target_name(operation, item));
    aws_query_add(query, target_name(operation, item), "Name");
    aws_query_add(query, json_get_string(target, "protocol"), "Protocol");
    aws_query_add(query, port, "Port");
    aws_query_add(query, operation_fact_string(operation, "vpc"), "VpcId");
    aws_query_add(query, kind != NULL ? kind : "instance", "TargetType");
    add_check(operation, query, target);
    operation_line(operation, "Creating target group %s", target_name(operation, item));
    g_autoptr(XmlDocument)
        answer = aws_client_send(operation_client(operation), balancer_region(operation), query, operation_cancel(operation), error);
    if (answer == NULL)
        return FALSE;
    const XmlNode *made = xml_first(xml_get(aws_answer(answer, AWS_CREATE_TARGET_GROUP), "TargetGroups"), "member");
    g_autofree char *arn = xml_get_text(made, "TargetGroupArn");
    g_autoptr(Json) fact = json_from_string(arn != NULL ? arn : "");
    operation_group_fact_set(operation, "target", item, json_root(fact));
    return TRUE;
}

static AwsQuery *target_query(Operation *operation, guint item, AwsCallId call) {
    AwsQuery *query = aws_query_new(call);
    aws_query_about(query, target_name(operation, item));
    aws_query_add(query, json_string(operation_group_fact(operation, "target", item)), "TargetGroupArn");
    return query;
}

gboolean v2_target_modify_act(Operation *operation, guint item, GError **error) {
    g_autoptr(AwsQuery) query = target_query(operation, item, AWS_MODIFY_TARGET_GROUP);
    add_check(operation, query, wanted_target(operation, item));
    return balancer_write(operation, query, error);
}

gboolean v2_target_attributes_act(Operation *operation, guint item, GError **error) {
    static const struct {
        const char *key, *attribute;
        gboolean only_application;
    } ATTRIBUTES[] = {{"deregistrationDelay", "deregistration_delay.timeout_seconds", FALSE},
                      {"stickinessEnabled", "stickiness.enabled", FALSE},
                      {"stickinessType", "stickiness.type", FALSE},
                      {"stickinessDuration", "stickiness.lb_cookie.duration_seconds", TRUE}};
    const JsonValue *given = json_get(wanted_target(operation, item), "attributes");
    g_autoptr(AwsQuery) query = target_query(operation, item, AWS_MODIFY_TARGET_GROUP_ATTRIBUTES);
    guint n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(ATTRIBUTES); i++) {
        g_autofree char *text = json_as_text(json_get(given, ATTRIBUTES[i].key));
        if (text == NULL || (ATTRIBUTES[i].only_application && !is_application(operation)))
            continue;
        n++;
        aws_query_add(query, ATTRIBUTES[i].attribute, "Attributes.member.%u.Key", n);
        aws_query_add(query, text, "Attributes.member.%u.Value", n);
    }
    return n == 0 || balancer_write(operation, query, error);
}
