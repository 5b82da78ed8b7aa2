/* determineSourceServerGroup: what a deployment replaces, or copies its size from (deploy-strategies.md 1). Runs in a worker. */
#include "stages/deploy/deployment.h"

#define MISSES_KEY "consecutiveNotFound"
#define MISSES_MAX 3
#define SOURCE_TIMEOUT_MS 600000

static gint creation_order(const ServerGroup *a, const ServerGroup *b) {
    return a->created_ms < b->created_ms ? -1 : a->created_ms > b->created_ms;
}

/* The last one wins: the newest; with its size to copy the largest, among equals the oldest. */
static gboolean is_better(const ServerGroup *group, const ServerGroup *best, gboolean by_size) {
    if (best == NULL)
        return TRUE;
    guint size = g_strv_length(group->instance_ids), best_size = g_strv_length(best->instance_ids);
    if (by_size && size != best_size)
        return size > best_size;
    return by_size ? creation_order(group, best) < 0 : creation_order(group, best) >= 0;
}

const ServerGroup *source_choose(const GPtrArray *groups, gboolean by_size) {
    gboolean any_enabled = FALSE;
    for (guint i = 0; i < groups->len; i++)
        any_enabled |= !((const ServerGroup *)((const InventoryObject *)groups->pdata[i])->record)->disabled;
    const ServerGroup *best = NULL;
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        if ((!any_enabled || !group->disabled) && is_better(group, best, by_size))
            best = group;
    }
    return best;
}

static Json *source_json(const char *account, const char *region, const char *name, gboolean use_capacity) {
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "asgName", name, "serverGroupName", name, "account", account, "region", region,
                     "useSourceCapacity", use_capacity);
}

/* A source that the context names as it is; NULL when it names none. */
static Json *given_source(const TaskContext *context, gboolean use_capacity) {
    const JsonValue *source = json_get(deploy_context(context->stage), "source");
    const char *name = json_get_string(source, "serverGroupName"), *account = json_get_string(source, "account");
    const char *region = json_get_string(source, "region");
    g_autofree char *location = deploy_location(context->execution, context->stage);
    name = name != NULL ? name : json_get_string(source, "asgName");
    if (name == NULL)
        return NULL;
    g_autoptr(Json) whole = source_json(account != NULL ? account : deploy_account(context->execution, context->stage),
                                        region != NULL ? region : location, name, use_capacity);
    return json_merge(source, json_root(whole));
}

/* The source's cluster and account may be others than those deployed to. */
static Json *find_source(TaskContext *context, const char *location, gboolean use_capacity, GError **error) {
    const JsonValue *own = deploy_context(context->stage), *source = json_get(own, "source");
    const char *target = json_get_string(own, "target"), *account = json_get_string(source, "account");
    const char *cluster_name = json_get_string(source, "clusterName");
    g_autofree char *own_cluster = deploy_cluster(context->execution, context->stage);
    const char *cluster = cluster_name != NULL ? cluster_name : own_cluster;
    account = account != NULL ? account : deploy_account(context->execution, context->stage);
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray) groups = live_read_cluster(context, account, location, cluster, &snapshot, error);
    if (groups == NULL)
        return NULL;
    const ServerGroup *group = target != NULL ? target_choose(groups, target, cluster, location, NULL)
                                              : source_choose(groups, use_capacity);
    return group != NULL ? source_json(account, location, group->name, use_capacity) : json_empty_object();
}

/* Nothing to copy the size from: looked for three times, then the size given is taken, if that is allowed. */
static Status settle_missing(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    gint64 misses = deploy_number(json_get(own, MISSES_KEY), 0) + 1;
    Capacity capacity;
    g_autoptr(Json) count = json_from_int(misses);
    task_set_context_json(context, MISSES_KEY, count);
    if (misses < MISSES_MAX)
        return STATUS_RUNNING;
    if (deploy_flag(own, "preferSourceCapacity", FALSE) && deploy_capacity(json_get(own, "capacity"), &capacity)) {
        g_autoptr(Json) none = json_empty_object();
        g_autoptr(Json) off = json_from_bool(FALSE);
        task_set_context_json(context, "source", none);
        task_set_context_json(context, "useSourceCapacity", off);
        return STATUS_SUCCEEDED;
    }
    error_set(
        error, ERR_NOT_FOUND,
        "Cluster is configured to copy capacity from the current server group, but no server group of it was found: deploy once with a "
        "capacity of its own, or set preferSourceCapacity with capacity");
    return STATUS_TERMINAL;
}

static Status determine_source(TaskContext *context, GError **error) {
    g_autofree char *location = deploy_location(context->execution, context->stage);
    gboolean use_capacity = deploy_flag(deploy_context(context->stage), "useSourceCapacity", FALSE);
    if (deploy_account(context->execution, context->stage) == NULL || location == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials and region (or availabilityZones): required", context->stage->type);
        return STATUS_TERMINAL;
    }
    g_autoptr(Json) source = given_source(context, use_capacity);
    if (source == NULL)
        source = find_source(context, location, use_capacity, error);
    if (source == NULL)
        return STATUS_TERMINAL;
    if (use_capacity && json_length(json_root(source)) == 0)
        return settle_missing(context, error);
    task_set_context_json(context, "source", source);
    return STATUS_SUCCEEDED;
}

const TaskDefinition task_determine_source = {.name = "determineSourceServerGroup",
                                              .run = determine_source,
                                              .timeout_ms = SOURCE_TIMEOUT_MS,
                                              .backoff_ms = 5000,
                                              .account = deploy_account};
