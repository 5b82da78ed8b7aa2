/* Clusters (api.md 9). */
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

static Json *clusters_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) clusters = snapshot_clusters(snapshot, api_path(call, "application"), NULL, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const char *account = NULL;
    json_begin_object(builder, NULL);
    for (guint i = 0; i < clusters->len; i++) {
        const ClusterView *cluster = clusters->pdata[i];
        if (account == NULL || strcmp(account, cluster->account) != 0) {
            if (account != NULL)
                json_end_array(builder);
            account = cluster->account;
            json_begin_array(builder, account);
        }
        json_add_string(builder, NULL, cluster->name);
    }
    if (account != NULL)
        json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *clusters_of_account_get(ApiCall *call, GError **error) {
    const char *application = api_path(call, "application"), *account = api_path(call, "account");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) clusters = snapshot_clusters(snapshot, application, account, NULL);
    if (clusters->len == 0) {
        error_set(error, ERR_NOT_FOUND, "No clusters found for application %s and account %s", application, account);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < clusters->len; i++) {
        const ClusterView *cluster = clusters->pdata[i];
        g_auto(GStrv) balancers = snapshot_load_balancers(cluster->groups);
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", cluster->name);
        json_add_string(builder, "account", cluster->account);
        snapshot_add_moniker(builder, "moniker", &group_of(cluster->groups->pdata[0])->moniker);
        json_add_strings(builder, "loadBalancers", (const char *const *)balancers);
        json_begin_array(builder, "serverGroups");
        for (guint g = 0; g < cluster->groups->len; g++)
            json_add_string(builder, NULL, ((const InventoryObject *)cluster->groups->pdata[g])->id);
        json_end_array(builder);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- one cluster ---- */
/* What routes below a cluster share: the snapshot and the cluster of their path (of {provider} when it is in the path), if any. */
typedef struct {
    InventorySnapshot *snapshot;
    GPtrArray *clusters;
    const ClusterView *cluster; /* NULL: there is none */
} Found;

static void found_clear(Found *found) {
    g_clear_pointer(&found->clusters, g_ptr_array_unref);
    g_clear_pointer(&found->snapshot, inventory_snapshot_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

static Found find_cluster(const ApiCall *call, const char *provider) {
    Found found = {.snapshot = inventory_snapshot(clouds_inventory(call->services->clouds))};
    found.clusters = snapshot_clusters(found.snapshot, api_path(call, "application"), api_path(call, "account"), api_path(call, "cluster"));
    if (found.clusters->len > 0)
        found.cluster = found.clusters->pdata[0];
    if (found.cluster != NULL && provider != NULL && strcmp(found.cluster->cloud, provider) != 0)
        found.cluster = NULL;
    return found;
}

static gboolean is_named(char **names, const char *name) {
    return g_strv_contains((const char *const *)names, name);
}

typedef struct {
    const ApiCall *call;
    const Found *found;
    char **names;
    const char *region;
    JsonBuilder *builder;
} BalancerSearch;

static gboolean add_named_balancer(const InventoryObject *object, gpointer data) {
    BalancerSearch *search = data;
    if (is_named(search->names, object->id))
        snapshot_add_load_balancer(search->call->services->clouds, search->found->snapshot, object, search->call->now_ms, search->builder);
    return TRUE;
}

static void add_load_balancers(const ApiCall *call, const Found *found, JsonBuilder *builder, const char *key) {
    g_auto(GStrv) names = snapshot_load_balancers(found->cluster->groups);
    BalancerSearch search = {call, found, names, NULL, builder};
    json_begin_array(builder, key);
    if (names[0] != NULL)
        inventory_each(found->snapshot, found->cluster->account, KIND_LOAD_BALANCER, NULL, add_named_balancer, &search);
    json_end_array(builder);
}

static void add_groups(const ApiCall *call, const Found *found, const char *name, JsonBuilder *builder, const char *key) {
    json_begin_array(builder, key);
    for (guint i = 0; i < found->cluster->groups->len; i++) {
        const InventoryObject *object = found->cluster->groups->pdata[i];
        if (name == NULL || strcmp(object->id, name) == 0)
            snapshot_add_server_group(call->services->clouds, found->snapshot, object, VIEW_FULL, call->now_ms, builder);
    }
    json_end_array(builder);
}

static Json *cluster_json(const ApiCall *call, const Found *found) {
    const ClusterView *cluster = found->cluster;
    if (cluster == NULL)
        return json_empty_object();
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "accountName", cluster->account);
    json_add_string(builder, "application", ((const InventoryObject *)cluster->groups->pdata[0])->application);
    add_load_balancers(call, found, builder, "loadBalancers");
    snapshot_add_moniker(builder, "moniker", &group_of(cluster->groups->pdata[0])->moniker);
    json_add_string(builder, "name", cluster->name);
    add_groups(call, found, NULL, builder, "serverGroups");
    json_add_string(builder, "type", cluster->cloud);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *cluster_get(ApiCall *call, GError **error) {
    (void)error;
    g_auto(Found) found = find_cluster(call, NULL);
    return cluster_json(call, &found);
}

static Json *cluster_of_provider_get(ApiCall *call, GError **error) {
    (void)error;
    g_auto(Found) found = find_cluster(call, api_path(call, "provider"));
    return cluster_json(call, &found);
}

static Json *groups_json(const ApiCall *call, const Found *found, const char *name) {
    if (found->cluster == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_groups(call, found, name, builder, NULL);
    return json_builder_end(builder);
}

static Json *cluster_groups_get(ApiCall *call, GError **error) {
    (void)error;
    g_auto(Found) found = find_cluster(call, NULL);
    return groups_json(call, &found, NULL);
}

static Json *cluster_group_get(ApiCall *call, GError **error) {
    (void)error;
    g_auto(Found) found = find_cluster(call, NULL);
    return groups_json(call, &found, api_path(call, "name"));
}

static Json *cluster_balancers_get(ApiCall *call, GError **error) {
    (void)error;
    g_auto(Found) found = find_cluster(call, api_path(call, "provider"));
    if (found.cluster == NULL)
        return json_empty_array();
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_load_balancers(call, &found, builder, NULL);
    return json_builder_end(builder);
}

/* ---- one server group by what it is in its cluster ---- */
typedef struct {
    gboolean only_enabled, validate_oldest;
} TargetQuery;
static const Param target_query[] = {
    {.name = "onlyEnabled", .type = PARAM_BOOL, .offset = offsetof(TargetQuery, only_enabled), .help = "Disabled ones do not count."},
    {.name = "validateOldest",
     .type = PARAM_BOOL,
     .offset = offsetof(TargetQuery, validate_oldest),
     .otherwise = "true",
     .help = "OLDEST is not found when there is only one."},
    {0},
};

typedef enum { TARGET_CURRENT, TARGET_PREVIOUS, TARGET_OLDEST, TARGET_LARGEST, TARGET_FAIL, TARGET_UNKNOWN } Target;

/* Names with the words that older clients and the stages' forms use. */
static Target target_parse(const char *text) {
    static const struct {
        const char *name;
        Target target;
    } NAMES[] = {{"current", TARGET_CURRENT}, {"newest", TARGET_CURRENT},  {"previous", TARGET_PREVIOUS}, {"ancestor", TARGET_PREVIOUS},
                 {"oldest", TARGET_OLDEST},   {"largest", TARGET_LARGEST}, {"fail", TARGET_FAIL}};
    static const char *const SUFFIXES[] = {"_asg_dynamic", "_asg", ""};
    g_autofree char *lower = g_ascii_strdown(text, -1);
    for (gsize s = 0; s < G_N_ELEMENTS(SUFFIXES); s++)
        if (g_str_has_suffix(lower, SUFFIXES[s])) {
            lower[strlen(lower) - strlen(SUFFIXES[s])] = '\0';
            break;
        }
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (strcmp(NAMES[i].name, lower) == 0)
            return NAMES[i].target;
    return TARGET_UNKNOWN;
}

static gboolean in_scope(const ServerGroup *group, const char *scope) {
    return strcmp(group->region, scope) == 0 || is_named(group->zones, scope);
}

/* groups: oldest first. */
static const InventoryObject *pick(const GPtrArray *groups, Target target, gboolean validate_oldest) {
    guint n = groups->len;
    if (n == 0)
        return NULL;
    switch (target) {
    case TARGET_CURRENT:
        return groups->pdata[n - 1];
    case TARGET_PREVIOUS:
        return n > 1 ? groups->pdata[n - 2] : NULL;
    case TARGET_OLDEST:
        return n > 1 || !validate_oldest ? groups->pdata[0] : NULL;
    case TARGET_FAIL:
        return n == 1 ? groups->pdata[0] : NULL;
    case TARGET_LARGEST:
        break;
    case TARGET_UNKNOWN:
        return NULL;
    }
    const InventoryObject *largest = groups->pdata[n - 1];
    for (guint i = n - 1; i-- > 0;)
        if (g_strv_length(group_of(groups->pdata[i])->instance_ids) > g_strv_length(group_of(largest)->instance_ids))
            largest = groups->pdata[i];
    return largest;
}

static Json *target_get(ApiCall *call, GError **error) {
    const TargetQuery *query = call->query;
    const char *scope = api_path(call, "scope"), *name = api_path(call, "target");
    g_auto(Found) found = find_cluster(call, api_path(call, "provider"));
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    for (guint i = 0; found.cluster != NULL && i < found.cluster->groups->len; i++) {
        const ServerGroup *group = group_of(found.cluster->groups->pdata[i]);
        if (group->created_ms > 0 && in_scope(group, scope) && (!query->only_enabled || !group->disabled))
            g_ptr_array_add(groups, found.cluster->groups->pdata[i]);
    }
    const InventoryObject *object = pick(groups, target_parse(name), query->validate_oldest);
    const CloudViews *views = object != NULL ? snapshot_views(call->services->clouds, object->account) : NULL;
    if (views != NULL && views->server_group != NULL)
        return views->server_group(found.snapshot, object, FALSE, call->now_ms);
    error_set(error, ERR_NOT_FOUND, "unable to find %s in %s/%s/%s/%s", name, api_path(call, "provider"), api_path(call, "account"), scope,
              api_path(call, "cluster"));
    return NULL;
}

#define CLUSTER "/applications/{application}/clusters/{account}/{cluster}"

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications/{application}/clusters",
     .handler = clusters_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "Names of an application's clusters by account."},
    {.method = "GET",
     .path = "/applications/{application}/clusters/{account}",
     .handler = clusters_of_account_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "An application's clusters in an account."},
    {.method = "GET",
     .path = CLUSTER,
     .handler = cluster_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "One cluster with its server groups and load balancers; {} when there is none."},
    {.method = "GET",
     .path = CLUSTER "/{provider}",
     .handler = cluster_of_provider_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "One cluster of one cloud."},
    {.method = "GET",
     .path = CLUSTER "/serverGroups",
     .handler = cluster_groups_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "A cluster's server groups."},
    {.method = "GET",
     .path = CLUSTER "/serverGroups/{name}",
     .handler = cluster_group_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "A cluster's server groups of this name, one per region."},
    {.method = "GET",
     .path = CLUSTER "/{provider}/loadBalancers",
     .handler = cluster_balancers_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "Load balancers of a cluster."},
    {.method = "GET",
     .path = CLUSTER "/{provider}/{scope}/serverGroups/target/{target}",
     .handler = target_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = target_query,
     .query_size = sizeof(TargetQuery),
     .help = "The server group that is current, previous, oldest or largest of its cluster in a region or zone, or the only one (fail)."},
    {0},
};
const RouteTable cluster_routes = {"Clusters", routes};
