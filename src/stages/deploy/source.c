/* determineSourceServerGroup: the deployment's turn at the cluster, and what it replaces, or copies its size from (deploy-strategies.md 1).
 * Runs in a worker. */
#include "stages/deploy/cluster_claim.h"
#include "stages/deploy/deployment.h"
#include "stages/deploy/replaced.h"

#define MISSES_KEY "consecutiveNotFound"
#define MISSES_MAX 3
#define SOURCE_TIMEOUT_MS 600000                           /* for looking */
#define CLAIM_TIMEOUT_MS (12 * G_GINT64_CONSTANT(3600000)) /* for its turn */

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

/* For a rollback: what is replaced, as it is now. A source from elsewhere is copied and not replaced. */
static void remember_replaced(TaskContext *context, const JsonValue *source) {
    g_autofree char *location = deploy_location(context->execution, context->stage);
    g_autofree char *cluster = deploy_cluster(context->execution, context->stage);
    GroupName name = {(char *)json_get_string(source, "region"), (char *)json_get_string(source, "serverGroupName")};
    const char *account = json_get_string(source, "account");
    gboolean here = g_strcmp0(name.region, location) == 0 && g_strcmp0(account, deploy_account(context->execution, context->stage)) == 0;
    if (name.name == NULL || !here || live_read_group(context, account, &name, NULL) != GROUP_SEEN)
        return;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name.region, name.name);
    gboolean same = group != NULL && g_strcmp0(group->moniker.cluster, cluster) == 0;
    g_autoptr(Json) facts = same ? replaced_facts(group) : NULL;
    if (facts != NULL)
        task_set_context_json(context, REPLACED_KEY, facts);
}

static Status find_and_record(TaskContext *context, const char *location, gint64 since_ms, GError **error) {
    gboolean use_capacity = deploy_flag(deploy_context(context->stage), "useSourceCapacity", FALSE);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) source = given_source(context, use_capacity);
    if (source == NULL)
        source = find_source(context, location, use_capacity, &failed);
    if (source == NULL && error_is_passing(failed) && context->now_ms - since_ms > SOURCE_TIMEOUT_MS) {
        error_set(error, ERR_REMOTE, "%s: could not find out what is there for %d minutes: %s", context->stage->type,
                  SOURCE_TIMEOUT_MS / 60000, failed->message);
        return STATUS_TERMINAL;
    }
    if (source == NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return STATUS_TERMINAL;
    }
    if (use_capacity && json_length(json_root(source)) == 0)
        return settle_missing(context, error);
    task_set_context_json(context, "source", source);
    remember_replaced(context, json_root(source));
    return STATUS_SUCCEEDED;
}

static Status determine_source(TaskContext *context, GError **error) {
    g_autofree char *location = deploy_location(context->execution, context->stage);
    gint64 since_ms = 0;
    if (deploy_account(context->execution, context->stage) == NULL || location == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials and region (or availabilityZones): required", context->stage->type);
        return STATUS_TERMINAL;
    }
    ClaimAnswer turn = cluster_claim(context, context->stage, &since_ms, error);
    if (turn == CLAIM_WAITS)
        return STATUS_RUNNING;
    return turn == CLAIM_HELD ? find_and_record(context, location, since_ms, error) : STATUS_TERMINAL;
}

const TaskDefinition task_determine_source = {.name = "determineSourceServerGroup",
                                              .run = determine_source,
                                              .timeout_ms = CLAIM_TIMEOUT_MS,
                                              .backoff_ms = 5000,
                                              .account = deploy_account};
