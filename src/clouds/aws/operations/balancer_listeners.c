/* upsertLoadBalancer: what application and network load balancers listen on, by port, and the rules of each (balancer.h).
 *
 * Facts besides: listeners [{port, arn}] (arn: it is there), oldRules [arn], newRules [{listener, rule}], unlisted [arn]. */
#include "clouds/aws/operations/balancer.h"
#include <string.h>

/* ---- actions and conditions ---- */

static const char *target_arn(Operation *operation, const char *name) {
    guint n = 0;
    for (JsonIter i = json_iter(json_root(balancer_params(operation)->target_groups)); json_next(&i); n++) {
        const char *one = json_get_string(i.value, "name");
        one = one != NULL ? one : json_get_string(i.value, "targetGroupName");
        if (g_strcmp0(one, name) == 0)
            return json_string(operation_group_fact(operation, "target", n));
    }
    return NULL;
}

/* Actions as AWS takes them; an action that names a target group of nobody is an error. */
static Json *actions_of(Operation *operation, const JsonValue *actions, GError **error) {
    static const char *const RENAMED[] = {"targetGroupName", "redirectActionConfig", "authenticateOidcActionConfig", NULL};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(actions); json_next(&i);) {
        const char *name = json_get_string(i.value, "targetGroupName"), *arn = name != NULL ? target_arn(operation, name) : NULL;
        if (name != NULL && arn == NULL) {
            error_set(error, ERR_INVALID, "load balancer %s: an action forwards to target group %s, which is not among targetGroups",
                      balancer_name(operation), name);
            return NULL;
        }
        g_autoptr(Json) rest = json_without(i.value, RENAMED);
        g_autoptr(Json)
            more = json_pack("{s:s, s:v, s:v}", "targetGroupArn", arn, "redirectConfig", json_get(i.value, "redirectActionConfig"),
                             "authenticateOidcConfig", json_get(i.value, "authenticateOidcActionConfig"));
        g_autoptr(Json) whole = json_merge(json_root(rest), json_root(more));
        json_add_json(builder, NULL, whole);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* What makes a rule what it is, in one text: priority, conditions, actions. Pure; caller frees. */
static char *rule_text(const JsonValue *priority, const JsonValue *conditions, const JsonValue *actions) {
    g_autofree char *number = json_as_text(priority);
    GString *text = g_string_new(number);
    for (JsonIter i = json_iter(conditions); json_next(&i);) {
        g_autofree char *values = json_write(json_get(i.value, "values"), NULL);
        g_string_append_printf(text, "|%s=%s", json_get_string(i.value, "field"), values);
    }
    for (JsonIter i = json_iter(actions); json_next(&i);) {
        const JsonValue *redirect = json_get(i.value, "redirectConfig");
        g_autofree char *where = json_as_text(json_get(redirect, "host")), *code = json_as_text(json_get(redirect, "statusCode"));
        g_string_append_printf(text, "|%s>%s%s%s", json_get_string(i.value, "type"),
                               json_get_string(i.value, "targetGroupArn") != NULL ? json_get_string(i.value, "targetGroupArn") : "",
                               where != NULL ? where : "", code != NULL ? code : "");
    }
    return g_string_free(text, FALSE);
}

static gboolean is_default(const JsonValue *rule) {
    return json_is_true(json_get(rule, "isDefault")) || json_is_true(json_get(rule, "default")) ||
           g_strcmp0(json_get_string(rule, "priority"), "default") == 0;
}

/* ---- listeners ---- */

static const JsonValue *wanted_listener(Operation *operation, guint item) {
    return json_at(json_root(balancer_params(operation)->listeners), item);
}

static const JsonValue *listener_on(const JsonValue *listeners, const char *port) {
    for (JsonIter i = json_iter(listeners); json_next(&i);) {
        g_autofree char *own = json_as_text(json_get(i.value, "port"));
        if (g_strcmp0(own, port) == 0)
            return i.value;
    }
    return NULL;
}

static gboolean read_now(Operation *operation, Json **document, GError **error) {
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    if (!aws_balancer_read(&reader, balancer_name(operation), FALSE, document, error))
        return FALSE;
    if (*document == NULL)
        error_set(error, ERR_NOT_FOUND, "load balancer %s in %s (account %s) is gone", balancer_name(operation), balancer_region(operation),
                  operation_account(operation)->name);
    return *document != NULL;
}

gboolean v2_plan_listeners_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(Json) now = NULL;
    if (!read_now(operation, &now, error))
        return FALSE;
    const JsonValue *there = json_get(json_root(now), "listeners"), *wanted = json_root(balancer_params(operation)->listeners);
    g_autoptr(JsonBuilder) listeners = json_builder_new();
    g_autoptr(JsonBuilder) unlisted = json_builder_new();
    json_begin_array(listeners, NULL);
    for (JsonIter i = json_iter(wanted); json_next(&i);) {
        g_autofree char *port = json_as_text(json_get(i.value, "port"));
        g_autoptr(Json) one = json_pack("{s:s, s:v}", "port", port, "arn", json_get(listener_on(there, port), "listenerArn"));
        json_add_json(listeners, NULL, one);
    }
    json_end_array(listeners);
    json_begin_array(unlisted, NULL);
    for (JsonIter i = json_iter(there); json_next(&i);) {
        g_autofree char *port = json_as_text(json_get(i.value, "port"));
        if (json_length(wanted) > 0 && listener_on(wanted, port) == NULL)
            json_add_value(unlisted, NULL, json_get(i.value, "listenerArn"));
    }
    json_end_array(unlisted);
    g_autoptr(Json) plan = json_builder_end(listeners);
    g_autoptr(Json) rest = json_builder_end(unlisted);
    operation_fact_set(operation, "listeners", json_root(plan));
    operation_fact_set(operation, "unlisted", json_root(rest));
    return TRUE;
}

guint v2_listeners_count(Operation *operation) {
    return operation_fact_length(operation, "listeners");
}

/* A second listener on the port is refused by AWS: the first is ours. */
gboolean v2_listener_act(Operation *operation, guint item, GError **error) {
    const JsonValue *wanted = wanted_listener(operation, item);
    const char *arn = json_get_string(json_at(operation_fact(operation, "listeners"), item), "arn");
    g_autofree char *port = json_as_text(json_get(wanted, "port"));
    g_autoptr(Json) actions = actions_of(operation, json_get(wanted, "defaultActions"), error);
    if (actions == NULL)
        return FALSE;
    g_autoptr(AwsQuery) query = balancer_query(operation, arn != NULL ? AWS_MODIFY_LISTENER : AWS_CREATE_LISTENER);
    aws_query_add(query, arn, "ListenerArn");
    aws_query_add(query, arn == NULL ? operation_fact_string(operation, "arn") : NULL, "LoadBalancerArn");
    aws_query_add(query, port, "Port");
    aws_query_add(query, json_get_string(wanted, "protocol"), "Protocol");
    aws_query_add(query, json_get_string(wanted, "sslPolicy"), "SslPolicy");
    if (json_length(json_get(wanted, "certificates")) > 0)
        aws_add_parameters(query, "Certificates", json_get(wanted, "certificates"));
    aws_add_parameters(query, "DefaultActions", json_root(actions));
    operation_line(operation, "%s the listener on port %s of %s", arn != NULL ? "Changing" : "Creating", port, balancer_name(operation));
    g_autoptr(GError) failed = NULL;
    if (balancer_write(operation, query, &failed) || aws_error_is_duplicate(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

guint v2_unlisted_count(Operation *operation) {
    return operation_fact_length(operation, "unlisted");
}

static gboolean delete_listed(Operation *operation, const char *fact, guint item, AwsCallId call, const char *key, GError **error) {
    const char *arn = json_string(json_at(operation_fact(operation, fact), item));
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, arn);
    aws_query_add(query, arn, "%s", key);
    g_autoptr(GError) failed = NULL;
    if (balancer_write(operation, query, &failed) || aws_error_is_absent(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean v2_unlisted_act(Operation *operation, guint item, GError **error) {
    return delete_listed(operation, "unlisted", item, AWS_DELETE_LISTENER, "ListenerArn", error);
}

/* ---- rules ---- */

/* Texts of the rules that are no defaults, in any order. */
static GPtrArray *texts_of(const JsonValue *rules) {
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    for (JsonIter i = json_iter(rules); json_next(&i);)
        if (!is_default(i.value))
            g_ptr_array_add(texts, rule_text(json_get(i.value, "priority"), json_get(i.value, "conditions"), json_get(i.value, "actions")));
    return texts;
}

static gboolean are_same(const GPtrArray *a, const GPtrArray *b) {
    for (guint i = 0; i < a->len; i++)
        if (!g_ptr_array_find_with_equal_func((GPtrArray *)b, a->pdata[i], g_str_equal, NULL))
            return FALSE;
    return a->len == b->len;
}

/* The rules of the request with their actions as AWS takes them; NULL with error. */
static Json *wanted_rules(Operation *operation, const JsonValue *listener, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(listener, "rules")); json_next(&i);) {
        if (is_default(i.value))
            continue;
        g_autoptr(Json) actions = actions_of(operation, json_get(i.value, "actions"), error);
        if (actions == NULL)
            return NULL;
        g_autoptr(Json) rule = json_pack("{s:v, s:v, s:j}", "priority", json_get(i.value, "priority"), "conditions",
                                         json_get(i.value, "conditions"), "actions", actions);
        json_add_json(builder, NULL, rule);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* Rules that differ are all made anew. */
static gboolean plan_listener(Operation *operation, const JsonValue *wanted, const JsonValue *there, JsonBuilder *old, JsonBuilder *fresh,
                              GError **error) {
    g_autoptr(Json) rules = wanted_rules(operation, wanted, error);
    if (rules == NULL)
        return FALSE;
    g_autoptr(GPtrArray) now = texts_of(json_get(there, "rules"));
    g_autoptr(GPtrArray) then = texts_of(json_root(rules));
    if (are_same(now, then))
        return TRUE;
    for (JsonIter i = json_iter(json_get(there, "rules")); json_next(&i);)
        if (!is_default(i.value))
            json_add_value(old, NULL, json_get(i.value, "ruleArn"));
    for (JsonIter i = json_iter(json_root(rules)); json_next(&i);) {
        g_autoptr(Json) one = json_pack("{s:v, s:v}", "listener", json_get(there, "listenerArn"), "rule", i.value);
        json_add_json(fresh, NULL, one);
    }
    return TRUE;
}

gboolean v2_plan_rules_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(Json) now = NULL;
    if (!read_now(operation, &now, error))
        return FALSE;
    g_autoptr(JsonBuilder) old = json_builder_new();
    g_autoptr(JsonBuilder) fresh = json_builder_new();
    json_begin_array(old, NULL);
    json_begin_array(fresh, NULL);
    for (JsonIter i = json_iter(json_root(balancer_params(operation)->listeners)); json_next(&i);) {
        g_autofree char *port = json_as_text(json_get(i.value, "port"));
        if (!plan_listener(operation, i.value, listener_on(json_get(json_root(now), "listeners"), port), old, fresh, error))
            return FALSE;
    }
    json_end_array(old);
    json_end_array(fresh);
    g_autoptr(Json) gone = json_builder_end(old);
    g_autoptr(Json) made = json_builder_end(fresh);
    operation_fact_set(operation, "oldRules", json_root(gone));
    operation_fact_set(operation, "newRules", json_root(made));
    return TRUE;
}

guint v2_old_rules_count(Operation *operation) {
    return operation_fact_length(operation, "oldRules");
}

gboolean v2_old_rule_act(Operation *operation, guint item, GError **error) {
    return delete_listed(operation, "oldRules", item, AWS_DELETE_RULE, "RuleArn", error);
}

guint v2_new_rules_count(Operation *operation) {
    return operation_fact_length(operation, "newRules");
}

gboolean v2_new_rule_act(Operation *operation, guint item, GError **error) {
    const JsonValue *entry = json_at(operation_fact(operation, "newRules"), item), *rule = json_get(entry, "rule");
    g_autofree char *priority = json_as_text(json_get(rule, "priority"));
    g_autoptr(AwsQuery) query = balancer_query(operation, AWS_CREATE_RULE);
    aws_query_add(query, json_get_string(entry, "listener"), "ListenerArn");
    aws_query_add(query, priority, "Priority");
    aws_add_parameters(query, "Conditions", json_get(rule, "conditions"));
    aws_add_parameters(query, "Actions", json_get(rule, "actions"));
    g_autoptr(GError) failed = NULL;
    if (balancer_write(operation, query, &failed) || aws_error_is(failed, "PriorityInUse"))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}
