/* upsertLoadBalancer: parameters, subnets and security groups, and the table of steps (balancer.h). */
#include "clouds/aws/operations/balancer.h"
#include "clouds/aws/operations/security_groups.h"
#include <string.h>

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(BalancerParams, member), __VA_ARGS__ }
#define NUMBER(key, member, words) FIELD(key, PARAM_INT, member, .otherwise = "-1", .help = words)
static const Param balancer_table[] = {
    FIELD("name", PARAM_STRING, name, .help = "Its name; absent: <clusterName>-frontend."),
    FIELD("clusterName", PARAM_STRING, cluster, .help = "The cluster it is for."),
    FIELD("region", PARAM_STRING, region, .help = "Its region; or the key of availabilityZones."),
    FIELD("availabilityZones", PARAM_JSON, zones, .help = "{region: [zones]}, one region."),
    FIELD("loadBalancerType", PARAM_STRING, type, .otherwise = "\"classic\"", .help = "classic, application or network."),
    FIELD("vpcId", PARAM_STRING, vpc, .help = "Its VPC; that of its subnets when absent."),
    FIELD("subnetType", PARAM_STRING, subnet_type, .help = "Purpose of its subnets: one per zone, that with most free addresses."),
    FIELD("subnetIds", PARAM_STRINGS, subnet_ids, .help = "Just these subnets."),
    FIELD("isInternal", PARAM_JSON, internal, .help = "Not reachable from outside; absent: as the subnets' purpose says."),
    FIELD("securityGroups", PARAM_STRINGS, security_groups, .help = "Names or ids of its security groups."),
    FIELD("listeners", PARAM_JSON, listeners,
          .help = "classic: [{externalProtocol, externalPort, internalProtocol, internalPort, sslCertificateId}]; else [{protocol, port, "
                  "certificates, sslPolicy, defaultActions, rules}]."),
    FIELD("targetGroups", PARAM_JSON, target_groups,
          .help = "application, network: [{name, protocol, port, targetType, healthCheckProtocol, healthCheckPath …, attributes}]."),
    FIELD("healthCheck", PARAM_STRING, health_check, .help = "classic: HTTP:7001/health."),
    NUMBER("healthInterval", health_interval_s, "classic: seconds between two checks."),
    NUMBER("healthTimeout", health_timeout_s, "classic: seconds a check may take."),
    NUMBER("unhealthyThreshold", unhealthy, "classic: checks until an instance is down."),
    NUMBER("healthyThreshold", healthy, "classic: checks until it is up."),
    NUMBER("idleTimeout", idle_s, "Seconds an idle connection stays open; classic, application."),
    FIELD("connectionDraining", PARAM_JSON, draining, .help = "classic: let connections end before an instance leaves."),
    NUMBER("deregistrationDelay", delay_s, "classic: seconds for that."),
    FIELD("crossZoneBalancing", PARAM_JSON, cross_zone, .aliases = (const char *const[]){"loadBalancingCrossZone", NULL},
          .help = "Spread over all zones; classic, network."),
    FIELD("deletionProtection", PARAM_JSON, deletion_protection, .help = "application, network: cannot be deleted."),
    FIELD("ipAddressType", PARAM_STRING, address_type, .help = "application, network: ipv4 or dualstack."),
    {0},
};

const BalancerParams *balancer_params(Operation *operation) {
    return operation_params(operation);
}

const char *balancer_region(Operation *operation) {
    const BalancerParams *params = balancer_params(operation);
    JsonIter zones = json_iter(json_root(params->zones));
    return json_next(&zones) ? zones.key : params->region;
}

const char *balancer_name(Operation *operation) {
    return operation_fact_string(operation, "name");
}

gboolean balancer_is_classic(Operation *operation) {
    return g_ascii_strcasecmp(balancer_params(operation)->type, "classic") == 0;
}

const JsonValue *balancer_before(Operation *operation) {
    return operation_fact(operation, "existing");
}

gboolean balancer_is_new(Operation *operation) {
    return balancer_before(operation) == NULL;
}

gboolean balancer_is_internal(Operation *operation) {
    const BalancerParams *params = balancer_params(operation);
    const JsonValue *given = json_root(params->internal);
    return json_is_true(given) || (given == NULL && params->subnet_type != NULL && strstr(params->subnet_type, "internal") != NULL);
}

AwsQuery *balancer_query(Operation *operation, AwsCallId call) {
    AwsQuery *query = aws_query_new(call);
    aws_query_about(query, balancer_name(operation));
    return query;
}

void balancer_add_list(AwsQuery *query, const JsonValue *texts, const char *key) {
    guint n = 0;
    for (JsonIter i = json_iter(texts); json_next(&i);)
        aws_query_add(query, json_string(i.value), "%s.member.%u", key, ++n);
}

gboolean balancer_write(Operation *operation, const AwsQuery *query, GError **error) {
    return operation_write(operation, balancer_region(operation), query, error);
}

static void balancer_validate(Operation *operation, GPtrArray *errors) {
    static const char *const TYPES[] = {"classic", "application", "network", NULL};
    const BalancerParams *params = balancer_params(operation);
    g_autofree char *type = g_ascii_strdown(params->type, -1);
    if (!g_strv_contains(TYPES, type))
        g_ptr_array_add(errors, g_strdup_printf("loadBalancerType: %s is none of classic, application, network", params->type));
    if (params->name == NULL && params->cluster == NULL)
        g_ptr_array_add(errors, g_strdup("name: required"));
    if (json_length(json_root(params->zones)) > 1)
        g_ptr_array_add(errors, g_strdup("availabilityZones: one region in one operation"));
    if (balancer_region(operation) == NULL)
        g_ptr_array_add(errors, g_strdup("region (or availabilityZones): required"));
}

/* ---- where it is ---- */

static gboolean is_zone_wanted(Operation *operation, const char *zone) {
    const JsonValue *zones = json_get(json_root(balancer_params(operation)->zones), balancer_region(operation));
    for (JsonIter i = json_iter(zones); json_next(&i);)
        if (g_strcmp0(json_string(i.value), zone) == 0)
            return TRUE;
    return json_length(zones) == 0;
}

static gboolean is_subnet_wanted(Operation *operation, const JsonValue *subnet) {
    const BalancerParams *params = balancer_params(operation);
    const char *id = json_get_string(subnet, "subnetId");
    if (params->subnet_ids != NULL && params->subnet_ids[0] != NULL)
        return g_strv_contains((const char *const *)params->subnet_ids, id);
    g_autofree char *purpose = NULL;
    g_autofree char *target = NULL;
    return aws_subnet_purpose(subnet, &purpose, &target) && g_strcmp0(purpose, params->subnet_type) == 0 &&
           (target == NULL || strcmp(target, "elb") == 0) && is_zone_wanted(operation, json_get_string(subnet, "availabilityZone"));
}

static gint64 free_addresses(const JsonValue *subnet) {
    return json_get_int(subnet, "availableIpAddressCount", 0);
}

/* One per zone, that with most free addresses. */
static void keep_best(GHashTable *by_zone, const Json *subnet) {
    const char *zone = json_get_string(json_root(subnet), "availabilityZone");
    const Json *best = zone != NULL ? g_hash_table_lookup(by_zone, zone) : NULL;
    if (zone != NULL && (best == NULL || free_addresses(json_root(subnet)) > free_addresses(json_root(best))))
        g_hash_table_insert(by_zone, g_strdup(zone), json_ref((Json *)subnet));
}

static gint compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void note_subnets(Operation *operation, GHashTable *by_zone) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    GHashTableIter iter;
    gpointer subnet;
    const char *vpc = balancer_params(operation)->vpc;
    g_hash_table_iter_init(&iter, by_zone);
    while (g_hash_table_iter_next(&iter, NULL, &subnet)) {
        g_ptr_array_add(ids, (gpointer)json_get_string(json_root(subnet), "subnetId"));
        vpc = vpc != NULL ? vpc : json_get_string(json_root(subnet), "vpcId");
    }
    g_ptr_array_sort(ids, compare_texts);
    g_ptr_array_add(ids, NULL);
    g_autoptr(Json) list = json_from_strings((const char *const *)ids->pdata);
    operation_fact_set(operation, "subnets", json_root(list));
    if (vpc != NULL)
        operation_fact_set_string(operation, "vpc", vpc);
}

static gboolean find_subnets(Operation *operation, const AwsReader *reader, GError **error) {
    const BalancerParams *params = balancer_params(operation);
    g_autoptr(GHashTable) by_zone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_unref);
    gboolean asked = (params->subnet_type != NULL && *params->subnet_type != '\0') || params->subnet_ids != NULL;
    if (asked) {
        g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SUBNETS);
        g_autoptr(GPtrArray) subnets = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
        aws_query_about(query, params->subnet_type);
        if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, subnets, error))
            return FALSE;
        for (guint i = 0; i < subnets->len; i++)
            if (is_subnet_wanted(operation, json_root(subnets->pdata[i])))
                keep_best(by_zone, subnets->pdata[i]);
    }
    if (asked && g_hash_table_size(by_zone) == 0) {
        error_set(error, ERR_NOT_FOUND, "No suitable subnet was found for load balancer %s: purpose '%s' in %s (account %s)",
                  balancer_name(operation), params->subnet_type != NULL ? params->subnet_type : "by id", reader->region,
                  operation_account(operation)->name);
        return FALSE;
    }
    note_subnets(operation, by_zone);
    return TRUE;
}

static gboolean look_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const BalancerParams *params = balancer_params(operation);
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autofree char *made = g_strconcat(params->cluster != NULL ? params->cluster : "", "-frontend", NULL);
    g_autoptr(Json) existing = NULL;
    operation_fact_set_string(operation, "name", params->name != NULL ? params->name : made);
    if (!aws_balancer_read(&reader, balancer_name(operation), balancer_is_classic(operation), &existing, error) ||
        !find_subnets(operation, &reader, error))
        return FALSE;
    const char *vpc = json_get_string(json_root(existing), "vpcid");
    vpc = vpc != NULL ? vpc : json_get_string(json_root(existing), "vpcId");
    vpc = vpc != NULL ? vpc : operation_fact_string(operation, "vpc");
    g_auto(GStrv) ids = aws_security_group_ids(&reader, params->security_groups, vpc, error);
    if (ids == NULL)
        return FALSE;
    if (params->security_groups != NULL) {
        g_autoptr(Json) list = json_from_strings((const char *const *)ids);
        operation_fact_set(operation, "securityGroups", json_root(list));
    }
    if (existing != NULL)
        operation_fact_set(operation, "existing", json_root(existing));
    return TRUE;
}

static void balancer_finish(Operation *operation) {
    AwsReader reader = operation_reader(operation, balancer_region(operation));
    g_autoptr(Json) document = NULL;
    if (aws_balancer_read(&reader, balancer_name(operation), balancer_is_classic(operation), &document, NULL) && document != NULL) {
        const JsonValue *address = json_get(json_root(document), "dnsname");
        g_autoptr(Json) made = json_pack("{s:{s:s, s:v}}", reader.region, "name", balancer_name(operation), "dnsName", address);
        operation_result_set(operation, "loadBalancers", json_root(made));
    }
    clouds_read_now(operation_clouds(operation), operation_account(operation)->name);
}

#define STEP(title, items, action, harmless)                                                                                               \
    { .name = (title), .count = (items), .act = (action), .repeat = (harmless) }
const CloudOperation aws_upsert_balancer = {
    .name = "upsertLoadBalancer",
    .aliases = (const char *const[]){"upsertAmazonLoadBalancerDescription", "upsertAmazonLoadBalancerV2Description", NULL},
    .help = "Makes a load balancer, or changes one.",
    .params = balancer_table,
    .params_size = sizeof(BalancerParams),
    .validate = balancer_validate,
    .steps =
        (const OperationStep[]){
            {.name = "look", .act = look_act, .repeat = REPEAT_READ},

            {.name = "create classic load balancer",
             .count = classic_create_count,
             .look = classic_create_look,
             .act = classic_create_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS},
            STEP("apply security groups", classic_groups_count, classic_groups_act, REPEAT_IDEMPOTENT),
            STEP("compare listeners", classic_count, classic_plan_act, REPEAT_READ),
            STEP("delete listeners", classic_remove_count, classic_remove_act, REPEAT_IDEMPOTENT),
            STEP("create listeners", classic_add_count, classic_add_act, REPEAT_IDEMPOTENT),
            STEP("create listeners again as they were", classic_restore_count, classic_restore_act, REPEAT_IDEMPOTENT),
            STEP("say why", classic_restore_count, classic_refuse_act, REPEAT_READ),
            STEP("configure health check", classic_count, classic_health_act, REPEAT_IDEMPOTENT),
            STEP("set attributes of classic", classic_count, classic_attributes_act, REPEAT_IDEMPOTENT),

            {.name = "create load balancer",
             .count = v2_create_count,
             .look = v2_create_look,
             .act = v2_create_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS},
            STEP("set security groups", v2_count, v2_groups_act, REPEAT_IDEMPOTENT),
            STEP("set address type", v2_count, v2_address_act, REPEAT_IDEMPOTENT),
            STEP("set attributes", v2_count, v2_attributes_act, REPEAT_IDEMPOTENT),
            STEP("compare target groups", v2_count, v2_plan_targets_act, REPEAT_READ),
            STEP("delete listeners of target groups that go", v2_blocking_count, v2_blocking_act, REPEAT_IDEMPOTENT),
            STEP("delete target groups", v2_gone_targets_count, v2_gone_targets_act, REPEAT_IDEMPOTENT),
            {.name = "create target groups",
             .count = v2_targets_count,
             .look = v2_target_create_look,
             .act = v2_target_create_act,
             .repeat = REPEAT_LOOK,
             .settle_ms = AWS_SETTLE_MS},
            STEP("set health checks of target groups", v2_targets_count, v2_target_modify_act, REPEAT_IDEMPOTENT),
            STEP("set attributes of target groups", v2_targets_count, v2_target_attributes_act, REPEAT_IDEMPOTENT),
            STEP("compare listeners of it", v2_count, v2_plan_listeners_act, REPEAT_READ),
            STEP("create or modify listeners", v2_listeners_count, v2_listener_act, REPEAT_IDEMPOTENT),
            STEP("compare rules", v2_count, v2_plan_rules_act, REPEAT_READ),
            STEP("delete rules", v2_old_rules_count, v2_old_rule_act, REPEAT_IDEMPOTENT),
            STEP("create rules", v2_new_rules_count, v2_new_rule_act, REPEAT_IDEMPOTENT),
            STEP("delete listeners that are not listed", v2_unlisted_count, v2_unlisted_act, REPEAT_IDEMPOTENT),
            {0},
        },
    .finish = balancer_finish,
};
