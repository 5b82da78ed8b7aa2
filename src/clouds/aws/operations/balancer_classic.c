/* upsertLoadBalancer: classic load balancers (balancer.h). Facts besides: remove [listener], add [listener], refused. */
#include "clouds/aws/operations/balancer.h"
#include <string.h>

#define HEALTH_INTERVAL_S 10
#define HEALTH_TIMEOUT_S 5
#define UNHEALTHY_CHECKS 2
#define HEALTHY_CHECKS 10
#define IDLE_S 60
#define DRAINING_S 300

guint classic_count(Operation *operation) {
    return balancer_is_classic(operation) ? 1 : 0;
}

guint classic_create_count(Operation *operation) {
    return balancer_is_classic(operation) && balancer_is_new(operation) ? 1 : 0;
}

static AwsQuery *named_query(Operation *operation, AwsCallId call) {
    AwsQuery *query = balancer_query(operation, call);
    aws_query_add(query, balancer_name(operation), "LoadBalancerName");
    return query;
}

/* ---- listeners ---- */

/* As AWS describes them. */
static Json *wanted_listeners(Operation *operation) {
    static const char *const KEYS[][2] = {{"externalProtocol", "protocol"},
                                          {"externalPort", "loadBalancerPort"},
                                          {"internalProtocol", "instanceProtocol"},
                                          {"internalPort", "instancePort"},
                                          {"sslCertificateId", "sslcertificateId"}};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(balancer_params(operation)->listeners)); json_next(&i);) {
        json_begin_object(builder, NULL);
        for (gsize k = 0; k < G_N_ELEMENTS(KEYS); k++) {
            g_autofree char *text = json_as_text(json_get(i.value, KEYS[k][0]));
            if (text != NULL && *text != '\0')
                json_add_string(builder, KEYS[k][1], text);
        }
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *listeners_before(Operation *operation) {
    static const char *const KEYS[] = {"protocol", "loadBalancerPort", "instanceProtocol", "instancePort", "sslcertificateId"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(balancer_before(operation), "listenerDescriptions")); json_next(&i);) {
        const JsonValue *listener = json_get(i.value, "listener");
        if (json_get_int(listener, "loadBalancerPort", 0) == 0)
            continue;
        json_begin_object(builder, NULL);
        for (gsize k = 0; k < G_N_ELEMENTS(KEYS); k++) {
            g_autofree char *text = json_as_text(json_get(listener, KEYS[k]));
            if (text != NULL && *text != '\0')
                json_add_string(builder, KEYS[k], text);
        }
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean is_among(const JsonValue *list, const JsonValue *listener) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (json_equal(i.value, listener))
            return TRUE;
    return FALSE;
}

static void note_missing(Operation *operation, const char *fact, const Json *of, const Json *in) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(of)); json_next(&i);)
        if (!is_among(json_root(in), i.value))
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    operation_fact_set(operation, fact, json_root(list));
}

static void add_listeners(AwsQuery *query, const JsonValue *listeners) {
    static const char *const KEYS[][2] = {{"protocol", "Protocol"},
                                          {"loadBalancerPort", "LoadBalancerPort"},
                                          {"instanceProtocol", "InstanceProtocol"},
                                          {"instancePort", "InstancePort"},
                                          {"sslcertificateId", "SSLCertificateId"}};
    for (JsonIter i = json_iter(listeners); json_next(&i);)
        for (gsize k = 0; k < G_N_ELEMENTS(KEYS); k++)
            aws_query_add(query, json_get_string(i.value, KEYS[k][0]), "Listeners.member.%" G_GSIZE_FORMAT ".%s", i.index + 1, KEYS[k][1]);
}

/* ---- the load balancer ---- */

LookResult classic_create_look(Operation *operation, guint item, GError **error) {
    (void)item;
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autoptr(Json) there = NULL;
    if (!aws_balancer_read(&reader, balancer_name(operation), TRUE, &there, error))
        return LOOK_ERROR;
    return there != NULL ? LOOK_DONE : LOOK_NOT_DONE;
}

gboolean classic_create_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(Json) listeners = wanted_listeners(operation);
    const JsonValue *subnets = operation_fact(operation, "subnets");
    g_autoptr(AwsQuery) query = named_query(operation, AWS_CREATE_CLASSIC);
    add_listeners(query, json_root(listeners));
    if (json_length(subnets) > 0) {
        balancer_add_list(query, subnets, "Subnets");
        balancer_add_list(query, operation_fact(operation, "securityGroups"), "SecurityGroups");
        aws_query_add(query, balancer_is_internal(operation) ? "internal" : NULL, "Scheme");
    } else
        balancer_add_list(query, json_get(json_root(balancer_params(operation)->zones), balancer_region(operation)), "AvailabilityZones");
    operation_line(operation, "Creating classic load balancer %s in %s", balancer_name(operation), balancer_region(operation));
    return balancer_write(operation, query, error);
}

guint classic_groups_count(Operation *operation) {
    return classic_count(operation) && !balancer_is_new(operation) && json_get(balancer_before(operation), "vpcid") != NULL ? 1 : 0;
}

gboolean classic_groups_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const JsonValue *groups = operation_fact(operation, "securityGroups");
    if (json_length(groups) == 0) {
        error_set(error, ERR_INVALID, "load balancer %s in %s (account %s) is in a VPC: securityGroups: at least one is required",
                  balancer_name(operation), balancer_region(operation), operation_account(operation)->name);
        return FALSE;
    }
    g_autoptr(AwsQuery) query = named_query(operation, AWS_APPLY_CLASSIC_SECURITY_GROUPS);
    balancer_add_list(query, groups, "SecurityGroups");
    return balancer_write(operation, query, error);
}

gboolean classic_plan_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    g_autoptr(Json) wanted = wanted_listeners(operation);
    g_autoptr(Json) before = listeners_before(operation);
    if (balancer_is_new(operation) || json_length(json_root(wanted)) == 0)
        return TRUE;
    note_missing(operation, "remove", before, wanted);
    note_missing(operation, "add", wanted, before);
    return TRUE;
}

guint classic_remove_count(Operation *operation) {
    return operation_fact_length(operation, "remove");
}

gboolean classic_remove_act(Operation *operation, guint item, GError **error) {
    const char *port = json_get_string(json_at(operation_fact(operation, "remove"), item), "loadBalancerPort");
    g_autoptr(AwsQuery) query = named_query(operation, AWS_DELETE_CLASSIC_LISTENERS);
    aws_query_add(query, port, "LoadBalancerPorts.member.1");
    operation_line(operation, "Deleting the listener on port %s of %s", port, balancer_name(operation));
    return balancer_write(operation, query, error);
}

guint classic_add_count(Operation *operation) {
    return operation_fact_length(operation, "add") > 0 ? 1 : 0;
}

/* A refusal is noted: first the listeners that were there have to come back. */
gboolean classic_add_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(AwsQuery) query = named_query(operation, AWS_CREATE_CLASSIC_LISTENERS);
    add_listeners(query, operation_fact(operation, "add"));
    g_autoptr(GError) failed = NULL;
    if (balancer_write(operation, query, &failed))
        return TRUE;
    if (error_code(failed) == ERR_UNAVAILABLE || error_code(failed) == ERR_TIMEOUT || error_code(failed) == ERR_CANCELLED) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    operation_fact_set_string(operation, "refused", failed->message);
    return TRUE;
}

guint classic_restore_count(Operation *operation) {
    return operation_fact(operation, "refused") != NULL ? 1 : 0;
}

gboolean classic_restore_act(Operation *operation, guint item, GError **error) {
    (void)item;
    if (classic_remove_count(operation) == 0)
        return TRUE;
    g_autoptr(AwsQuery) query = named_query(operation, AWS_CREATE_CLASSIC_LISTENERS);
    add_listeners(query, operation_fact(operation, "remove"));
    return balancer_write(operation, query, error);
}

gboolean classic_refuse_act(Operation *operation, guint item, GError **error) {
    (void)item;
    error_set(error, ERR_REMOTE, "%s; the listeners of %s are as they were", operation_fact_string(operation, "refused"),
              balancer_name(operation));
    return FALSE;
}

/* ---- health check and attributes ---- */

/* The given number, else what there is, else the default. */
static gint64 either(gint64 given, const JsonValue *before, const char *key, gint64 otherwise) {
    return given >= 0 ? given : json_get_int(before, key, otherwise);
}

gboolean classic_health_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const BalancerParams *params = balancer_params(operation);
    const JsonValue *before = json_get(balancer_before(operation), "healthCheck");
    const char *target = params->health_check != NULL ? params->health_check : json_get_string(before, "target");
    if (target == NULL || *target == '\0')
        return TRUE;
    g_autoptr(AwsQuery) query = named_query(operation, AWS_CONFIGURE_CLASSIC_HEALTH);
    aws_query_add(query, target, "HealthCheck.Target");
    aws_query_add_int(query, either(params->health_interval_s, before, "interval", HEALTH_INTERVAL_S), "HealthCheck.Interval");
    aws_query_add_int(query, either(params->health_timeout_s, before, "timeout", HEALTH_TIMEOUT_S), "HealthCheck.Timeout");
    aws_query_add_int(query, either(params->unhealthy, before, "unhealthyThreshold", UNHEALTHY_CHECKS), "HealthCheck.UnhealthyThreshold");
    aws_query_add_int(query, either(params->healthy, before, "healthyThreshold", HEALTHY_CHECKS), "HealthCheck.HealthyThreshold");
    return balancer_write(operation, query, error);
}

static gboolean flag_of(const Json *given, const JsonValue *before, gboolean otherwise) {
    if (given != NULL)
        return json_is_true(json_root(given));
    return before != NULL ? json_is_true(before) : otherwise;
}

gboolean classic_attributes_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const BalancerParams *params = balancer_params(operation);
    const JsonValue *before = balancer_before(operation);
    gboolean asked = params->cross_zone != NULL || params->draining != NULL || params->idle_s >= 0 || params->delay_s >= 0;
    if (!balancer_is_new(operation) && !asked)
        return TRUE;
    gboolean drains = flag_of(params->draining, json_dig(before, "connectionDraining", "enabled", NULL), FALSE);
    g_autoptr(AwsQuery) query = named_query(operation, AWS_MODIFY_CLASSIC_ATTRIBUTES);
    aws_query_add_bool(query, flag_of(params->cross_zone, json_dig(before, "crossZoneLoadBalancing", "enabled", NULL), TRUE),
                       "LoadBalancerAttributes.CrossZoneLoadBalancing.Enabled");
    aws_query_add_bool(query, drains, "LoadBalancerAttributes.ConnectionDraining.Enabled");
    if (drains)
        aws_query_add_int(query, either(params->delay_s, json_get(before, "connectionDraining"), "timeout", DRAINING_S),
                          "LoadBalancerAttributes.ConnectionDraining.Timeout");
    aws_query_add_int(query, either(params->idle_s, json_get(before, "connectionSettings"), "idleTimeout", IDLE_S),
                      "LoadBalancerAttributes.ConnectionSettings.IdleTimeout");
    return balancer_write(operation, query, error);
}
