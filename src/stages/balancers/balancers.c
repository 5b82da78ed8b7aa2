/* Load balancers and security groups (stages.md 12). Each stage is one operation per region, or per load balancer. Run in a worker. */
#include "stages/operation_stage.h"

typedef struct {
    char *credentials, *provider, *region, *name, *vpc, *type, *description;
    char **regions;
    Json *balancers, *listeners, *target_groups, *security_groups, *zones, *groups, *ranges;
    gboolean append_only;
} BalancerParams;
#define BALANCER_PARAM(key, kind, member, ...)                                                                                             \
    { .name = (key), .type = (kind), .offset = offsetof(BalancerParams, member), __VA_ARGS__ }
#define ACCOUNT_PARAMS                                                                                                                     \
    BALANCER_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),                            \
        BALANCER_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent.")
#define STAGE_OF(id, type_name, other_names, label_text, help_text, task_name, monitor)                                                    \
    const StageType stage_##id = {                                                                                                         \
        .type = (type_name),                                                                                                               \
        .aliases = (other_names),                                                                                                          \
        .label = (label_text),                                                                                                             \
        .help = (help_text),                                                                                                               \
        .params = id##_params,                                                                                                             \
        .params_size = sizeof(BalancerParams),                                                                                             \
        .restart_drops = cloud_operation_restart_drops,                                                                                    \
        .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK(task_name, id##_run), monitor, {0}},                                        \
    }
#define ALIASES(...)                                                                                                                       \
    (const char *const[]) {                                                                                                                \
        __VA_ARGS__, NULL                                                                                                                  \
    }

/* ---- upsertLoadBalancer, upsertLoadBalancers ---- */

/* What the load balancer is called outside, for stages behind this one. */
static Status note_address(TaskContext *context, GError **error) {
    (void)error;
    for (JsonIter i = json_iter(cloud_operation_result(context->stage, "loadBalancers")); json_next(&i);)
        if (json_get_string(i.value, "dnsName") != NULL) {
            task_set_context(context, "dnsName", json_get(i.value, "dnsName"));
            task_set_output(context, "dnsName", json_get(i.value, "dnsName"));
            return STATUS_SUCCEEDED;
        }
    return STATUS_SUCCEEDED;
}
#define UPSERT_TASKS                                                                                                                       \
    CLOUD_OPERATION_MONITOR("monitorUpsert"), {                                                                                            \
        .name = "extrapolateUpsertResult", .run = note_address, .no_io = TRUE                                                              \
    }

static const OperationStage upsert_balancer_operation = {.operation = "upsertLoadBalancer", .per_region = TRUE};
OPERATION_STAGE_RUN(upsert_balancer)

static const Param upsert_balancer_params[] = {
    ACCOUNT_PARAMS,
    BALANCER_PARAM("name", PARAM_STRING, name, .help = "Name of the load balancer."),
    BALANCER_PARAM("loadBalancerType", PARAM_STRING, type, .help = "classic (default), application or network."),
    BALANCER_PARAM("region", PARAM_STRING, region, .help = "Where; or the keys of availabilityZones."),
    BALANCER_PARAM("availabilityZones", PARAM_JSON, zones, .help = "{region: [zones]}."),
    BALANCER_PARAM("vpcId", PARAM_STRING, vpc, .help = "Its VPC."),
    BALANCER_PARAM("securityGroups", PARAM_JSON, security_groups, .help = "Names of its security groups."),
    BALANCER_PARAM("listeners", PARAM_JSON, listeners, .help = "What it listens on."),
    BALANCER_PARAM("targetGroups", PARAM_JSON, target_groups, .help = "application, network: the target groups that belong to it."),
    {0},
};
STAGE_OF(upsert_balancer, "upsertLoadBalancer", ALIASES("upsertAmazonLoadBalancer"), "Upsert load balancer",
         "Makes a load balancer, or changes one.", "upsertLoadBalancer", UPSERT_TASKS);

/* One entry of the list, with the account that the stage gives where it has none. */
static gboolean add_entry(TaskContext *context, const JsonValue *entry, JsonBuilder *builder, char **account, GError **error) {
    const char *own = json_get_string(entry, "credentials");
    own = own != NULL ? own : json_get_string(entry, "account");
    own = own != NULL ? own : deploy_account(context->execution, context->stage);
    if (own == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials: required, the name of an account", context->stage->type);
        return FALSE;
    }
    if (*account != NULL && strcmp(*account, own) != 0) {
        error_set(error, ERR_INVALID, "%s: load balancers of accounts %s and %s: use a stage for each account", context->stage->type,
                  *account, own);
        return FALSE;
    }
    if (*account == NULL)
        *account = g_strdup(own);
    g_autoptr(Json) whole = json_with_string(entry, "credentials", own);
    json_begin_object(builder, NULL);
    json_add_json(builder, "upsertLoadBalancer", whole);
    json_end_object(builder);
    return TRUE;
}

static Status upsert_balancers_run(TaskContext *context, GError **error) {
    const JsonValue *list = json_get(deploy_context(context->stage), "loadBalancers");
    g_autofree char *account = NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (json_length(list) == 0) {
        error_set(error, ERR_INVALID, "%s: loadBalancers: required, a list of descriptions", context->stage->type);
        return STATUS_TERMINAL;
    }
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!add_entry(context, i.value, builder, &account, error))
            return STATUS_TERMINAL;
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    return cloud_operation_start(context, account, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static const Param upsert_balancers_params[] = {
    ACCOUNT_PARAMS,
    BALANCER_PARAM("loadBalancers", PARAM_JSON, balancers, .help = "Descriptions as of upsertLoadBalancer."),
    {0},
};
STAGE_OF(upsert_balancers, "upsertLoadBalancers", NULL, "Upsert load balancers", "Makes or changes several load balancers.",
         "upsertLoadBalancer", UPSERT_TASKS);

/* ---- deleteLoadBalancer ---- */

static const OperationStage delete_balancer_operation = {.operation = "deleteLoadBalancer", .per_region = TRUE};
OPERATION_STAGE_RUN(delete_balancer)
static const Param delete_balancer_params[] = {
    ACCOUNT_PARAMS,
    BALANCER_PARAM("loadBalancerName", PARAM_STRING, name, .required = TRUE, .help = "Name of the load balancer."),
    BALANCER_PARAM("loadBalancerType", PARAM_STRING, type, .help = "classic (default), application or network."),
    BALANCER_PARAM("regions", PARAM_STRINGS, regions, .help = "Where."),
    {0},
};
STAGE_OF(delete_balancer, "deleteLoadBalancer", ALIASES("deleteAmazonLoadBalancer"), "Delete load balancer", "Deletes a load balancer.",
         "deleteLoadBalancer", CLOUD_OPERATION_MONITOR("monitorDelete"));

/* ---- security groups ---- */

static const OperationStage upsert_firewall_operation = {.operation = "upsertSecurityGroup", .per_region = TRUE};
OPERATION_STAGE_RUN(upsert_firewall)
static const Param upsert_firewall_params[] = {
    ACCOUNT_PARAMS,
    BALANCER_PARAM("name", PARAM_STRING, name, .help = "Name of the security group; securityGroupName is taken as well."),
    BALANCER_PARAM("description", PARAM_STRING, description, .help = "What it is for."),
    BALANCER_PARAM("vpcId", PARAM_STRING, vpc, .help = "Its VPC."),
    BALANCER_PARAM("regions", PARAM_STRINGS, regions, .help = "Where."),
    BALANCER_PARAM("securityGroupIngress", PARAM_JSON, groups, .help = "Who may come in, by group."),
    BALANCER_PARAM("ipIngress", PARAM_JSON, ranges, .help = "… by address."),
    BALANCER_PARAM("ingressAppendOnly", PARAM_BOOL, append_only, .help = "Keep rules that are not listed."),
    {0},
};
STAGE_OF(upsert_firewall, "upsertSecurityGroup", NULL, "Upsert security group", "Makes a security group, or changes its rules.",
         "upsertSecurityGroup", CLOUD_OPERATION_MONITOR("monitorUpsert"));

static const OperationStage delete_firewall_operation = {.operation = "deleteSecurityGroup", .per_region = TRUE};
OPERATION_STAGE_RUN(delete_firewall)
static const Param delete_firewall_params[] = {
    ACCOUNT_PARAMS,
    BALANCER_PARAM("securityGroupName", PARAM_STRING, name, .required = TRUE, .help = "Name of the security group."),
    BALANCER_PARAM("vpcId", PARAM_STRING, vpc, .help = "Its VPC."),
    BALANCER_PARAM("regions", PARAM_STRINGS, regions, .help = "Where."),
    {0},
};
STAGE_OF(delete_firewall, "deleteSecurityGroup", NULL, "Delete security group", "Deletes a security group.", "deleteSecurityGroup",
         CLOUD_OPERATION_MONITOR("monitorDelete"));
