/* Projects (api.md 11). They are changed by tasks only. */
#include "stages/metadata/projects.h"
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

static gboolean add_project(const StoreObject *object, gpointer data) {
    json_add_json(data, NULL, object->body);
    return TRUE;
}

static Json *projects_get(ApiCall *call, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (!store_objects_each(call->services->store, PROJECT_KIND, NULL, NULL, add_project, builder, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *project_get(ApiCall *call, GError **error) {
    return project_find(call->services->store, api_path(call, "project"), error);
}

/* ---- executions ---- */
typedef struct {
    gint64 limit;
    char **statuses;
} PipelinesQuery;
static const Param pipelines_query[] = {
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(PipelinesQuery, limit),
     .otherwise = "5",
     .min = 0,
     .max = EXECUTIONS_PER_CONFIG_MAX,
     .help = "At most so many per pipeline."},
    {.name = "statuses", .type = PARAM_STRINGS, .offset = offsetof(PipelinesQuery, statuses), .help = "Only those in one of these states."},
    {0},
};

/* Pipelines of applications that the caller may not read are left out. */
static gboolean add_executions(ApiCall *call, const JsonValue *project, ExecutionList *list, GError **error) {
    const PipelinesQuery *query = call->query;
    for (JsonIter i = json_iter(json_dig(project, "config", "pipelineConfigs", NULL)); json_next(&i);) {
        const char *id = json_get_string(i.value, "pipelineConfigId"), *application = json_get_string(i.value, "application");
        if (id == NULL || (application != NULL && !api_may(call, MAY_READ, "application", application)))
            continue;
        if (!execution_list_add_config(list, id, (guint)query->limit, (const char *const *)query->statuses, call->now_ms, error))
            return FALSE;
    }
    return TRUE;
}

static Json *pipelines_get(ApiCall *call, GError **error) {
    g_autoptr(GError) missing = NULL;
    if (!execution_statuses_check(((const PipelinesQuery *)call->query)->statuses, error))
        return NULL;
    g_autoptr(Json) project = project_find(call->services->store, api_path(call, "project"), &missing);
    if (project == NULL && error_code(missing) == ERR_NOT_FOUND)
        return json_empty_array();
    if (project == NULL) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    g_autoptr(ExecutionList) list = api_execution_list(call, LIST_EXPANDED);
    if (!add_executions(call, json_root(project), list, error))
        return NULL;
    execution_list_sort_oldest_first(list);
    api_answer_text(call, 200, JSON_CONTENT_TYPE, execution_list_text(list, 0, 0));
    return NULL;
}

/* ---- clusters ---- */
typedef struct {
    gint64 total, by_state[HEALTH_DRAINING + 1], last_push_ms;
} Counts;

static void count_group(const ApiCall *call, const InventorySnapshot *snapshot, const ServerGroup *group, Counts *counts) {
    for (gsize i = 0; group->instance_ids[i] != NULL; i++) {
        const InventoryObject *object = inventory_get(snapshot, group->account, KIND_INSTANCE, group->region, group->instance_ids[i]);
        counts->total++;
        counts->by_state[object != NULL ? instance_health_state(object->record, call->now_ms) : HEALTH_UNKNOWN]++;
    }
    counts->last_push_ms = MAX(counts->last_push_ms, group->created_ms);
}

static void add_up(Counts *sum, const Counts *counts) {
    sum->total += counts->total;
    for (gsize s = 0; s < G_N_ELEMENTS(sum->by_state); s++)
        sum->by_state[s] += counts->by_state[s];
    sum->last_push_ms = MAX(sum->last_push_ms, counts->last_push_ms);
}

static void write_counts(JsonBuilder *builder, const Counts *counts) {
    json_begin_object(builder, "instanceCounts");
    json_add_int(builder, "total", counts->total);
    json_add_int(builder, "up", counts->by_state[HEALTH_UP]);
    json_add_int(builder, "down", counts->by_state[HEALTH_DOWN]);
    json_add_int(builder, "unknown", counts->by_state[HEALTH_UNKNOWN] + counts->by_state[HEALTH_DRAINING]);
    json_add_int(builder, "outOfService", counts->by_state[HEALTH_OUT_OF_SERVICE]);
    json_add_int(builder, "starting", counts->by_state[HEALTH_STARTING]);
    json_end_object(builder);
}

static void write_last_push(JsonBuilder *builder, const Counts *counts) {
    if (counts->last_push_ms > 0)
        json_add_int(builder, "lastPush", counts->last_push_ms);
}

/* "*" fits anything, nothing fits nothing. */
static gboolean fits(const char *wanted, const char *part) {
    if (wanted != NULL && strcmp(wanted, "*") == 0)
        return TRUE;
    return strcmp(wanted != NULL ? wanted : "", part != NULL ? part : "") == 0;
}

static gboolean group_fits(const JsonValue *cluster, const ServerGroup *group) {
    return !group->disabled && g_strcmp0(json_get_string(cluster, "account"), group->account) == 0 &&
           fits(json_get_string(cluster, "stack"), group->moniker.stack) && fits(json_get_string(cluster, "detail"), group->moniker.detail);
}

/* Counts of one application by region; caller unrefs. */
static GHashTable *count_regions(const ApiCall *call, const InventorySnapshot *snapshot, const JsonValue *cluster,
                                 const char *application) {
    GHashTable *regions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_autofree char *lower = g_utf8_strdown(application, -1);
    g_autoptr(GPtrArray) views = snapshot_clusters(snapshot, lower, json_get_string(cluster, "account"), NULL);
    for (guint v = 0; v < views->len; v++) {
        const ClusterView *view = views->pdata[v];
        for (guint g = 0; g < view->groups->len; g++) {
            const ServerGroup *group = group_of(view->groups->pdata[g]);
            if (!group_fits(cluster, group))
                continue;
            Counts *counts = g_hash_table_lookup(regions, group->region);
            if (counts == NULL)
                g_hash_table_insert(regions, group->region, counts = g_new0(Counts, 1));
            count_group(call, snapshot, group, counts);
        }
    }
    return regions;
}

static void add_application(const ApiCall *call, const InventorySnapshot *snapshot, const JsonValue *cluster, const char *application,
                            Counts *sum, JsonBuilder *builder) {
    g_autoptr(GHashTable) regions = count_regions(call, snapshot, cluster, application);
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(regions), (GCompareFunc)strcmp);
    Counts own = {0};
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", application);
    json_begin_array(builder, "clusters");
    for (const GList *name = names; name != NULL; name = name->next) {
        const Counts *counts = g_hash_table_lookup(regions, name->data);
        json_begin_object(builder, NULL);
        json_add_string(builder, "region", name->data);
        write_last_push(builder, counts);
        write_counts(builder, counts);
        json_begin_array(builder, "builds");
        json_end_array(builder);
        json_end_object(builder);
        add_up(&own, counts);
    }
    json_end_array(builder);
    write_last_push(builder, &own);
    json_end_object(builder);
    add_up(sum, &own);
}

static void add_cluster(const ApiCall *call, const InventorySnapshot *snapshot, const JsonValue *project, const JsonValue *cluster,
                        JsonBuilder *builder) {
    const JsonValue *own = json_get(cluster, "applications");
    const JsonValue *applications = json_length(own) > 0 ? own : json_dig(project, "config", "applications", NULL);
    Counts sum = {0};
    json_begin_object(builder, NULL);
    json_add_value(builder, "account", json_get(cluster, "account"));
    json_add_value(builder, "stack", json_get(cluster, "stack"));
    json_add_value(builder, "detail", json_get(cluster, "detail"));
    json_begin_array(builder, "applications");
    for (JsonIter i = json_iter(json_is_array(applications) ? applications : NULL); json_next(&i);)
        if (json_is_string(i.value) && api_may(call, MAY_READ, "application", json_string(i.value)))
            add_application(call, snapshot, cluster, json_string(i.value), &sum, builder);
    json_end_array(builder);
    write_counts(builder, &sum);
    json_end_object(builder);
}

static Json *clusters_get(ApiCall *call, GError **error) {
    g_autoptr(Json) project = project_find(call->services->store, api_path(call, "project"), error);
    if (project == NULL)
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_dig(json_root(project), "config", "clusters", NULL)); json_next(&i);)
        if (json_get_string(i.value, "account") != NULL)
            add_cluster(call, snapshot, json_root(project), i.value, builder);
    json_end_array(builder);
    return json_builder_end(builder);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/projects",
     .handler = projects_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "All projects. They are changed by POST /tasks (upsertProject, deleteProject)."},
    {.method = "GET",
     .path = "/projects/{project}",
     .handler = project_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "One project, by its name (any case) or its id."},
    {.method = "GET",
     .path = "/projects/{project}/clusters",
     .handler = clusters_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Instances in the clusters of a project, by application and region."},
    {.method = "GET",
     .path = "/projects/{project}/pipelines",
     .handler = pipelines_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = pipelines_query,
     .query_size = sizeof(PipelinesQuery),
     .help = "Executions of the pipelines of a project; of an unknown project none."},
    {0},
};
const RouteTable project_routes = {"Projects", routes};
