/* GET /search (api.md 10). */
#include "api/internal.h"
#include "api/snapshot.h"
#include "stages/metadata/applications.h"
#include "stages/metadata/projects.h"
#include <string.h>

#define SHORTEST_QUERY 3
#define PAGE_SIZE_MAX 10000

typedef struct {
    char *q, **types, *platform, *account, *region;
    gint64 page_size, page;
    gboolean allow_short;
} SearchQuery;
static const Param search_query[] = {
    {.name = "q", .type = PARAM_STRING, .offset = offsetof(SearchQuery, q), .otherwise = "\"\"", .help = "Part of the name."},
    {.name = "type",
     .type = PARAM_STRINGS,
     .offset = offsetof(SearchQuery, types),
     .required = TRUE,
     .help = "applications, clusters, serverGroups, instances, loadBalancers, securityGroups, projects."},
    {.name = "platform", .type = PARAM_STRING, .offset = offsetof(SearchQuery, platform), .help = "Only of this cloud."},
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(SearchQuery, account), .help = "Only in this account."},
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(SearchQuery, region), .help = "Only in this region."},
    {.name = "pageSize",
     .type = PARAM_INT,
     .offset = offsetof(SearchQuery, page_size),
     .otherwise = "10000",
     .min = 1,
     .max = PAGE_SIZE_MAX,
     .help = "Results of a page."},
    {.name = "page",
     .type = PARAM_INT,
     .offset = offsetof(SearchQuery, page),
     .otherwise = "1",
     .min = 1,
     .max = G_MAXINT32,
     .help = "Which page, from 1."},
    {.name = "allowShortQuery",
     .type = PARAM_BOOL,
     .offset = offsetof(SearchQuery, allow_short),
     .help = "Also with fewer than 3 characters."},
    {0},
};

typedef struct {
    ApiCall *call;
    const SearchQuery *query;
    const InventorySnapshot *snapshot;
    const char *type;
    char *folded;         /* q */
    GHashTable *clusters; /* those told already */
    JsonBuilder *builder;
    gint64 matches;
} Search;

static gboolean contains(const Search *search, const char *text) {
    if (text == NULL)
        return FALSE;
    g_autofree char *folded = g_utf8_casefold(text, -1);
    return strstr(folded, search->folded) != NULL;
}

/* Opens a result; FALSE when it is not on the page. */
static gboolean begin_result(Search *search, const char *provider) {
    gint64 first = (search->query->page - 1) * search->query->page_size, number = search->matches++;
    if (number < first || number >= first + search->query->page_size)
        return FALSE;
    json_begin_object(search->builder, NULL);
    json_add_string(search->builder, "type", search->type);
    json_add_string(search->builder, "provider", provider);
    return TRUE;
}

/* ---- results by type ---- */
typedef void (*AddResult)(Search *search, const InventoryObject *object, const char *provider);

static void add_place(Search *search, const InventoryObject *object) {
    json_add_string(search->builder, "account", object->account);
    json_add_string(search->builder, "region", object->region);
    json_add_string(search->builder, "application", object->application);
}

static void add_cluster(Search *search, const InventoryObject *object, const char *provider) {
    g_autofree char *key = g_strdup_printf("%s:%s", object->account, object->cluster != NULL ? object->cluster : "");
    if (!contains(search, object->cluster) || !g_hash_table_add(search->clusters, g_steal_pointer(&key)) || !begin_result(search, provider))
        return;
    json_add_string(search->builder, "account", object->account);
    json_add_string(search->builder, "application", object->application);
    json_add_string(search->builder, "cluster", object->cluster);
    json_add_string(search->builder, "stack", group_of(object)->moniker.stack);
    json_end_object(search->builder);
}

static void add_server_group(Search *search, const InventoryObject *object, const char *provider) {
    if (!contains(search, object->id) || !begin_result(search, provider))
        return;
    const Moniker *moniker = &group_of(object)->moniker;
    add_place(search, object);
    json_add_string(search->builder, "cluster", object->cluster);
    json_add_string(search->builder, "serverGroup", object->id);
    json_add_string(search->builder, "stack", moniker->stack);
    json_add_string(search->builder, "detail", moniker->detail);
    if (moniker->sequence >= 0)
        json_add_int(search->builder, "sequence", moniker->sequence);
    json_end_object(search->builder);
}

static void add_instance(Search *search, const InventoryObject *object, const char *provider) {
    const Instance *instance = object->record;
    if (!(contains(search, object->id) || contains(search, instance->server_group)) || !begin_result(search, provider))
        return;
    add_place(search, object);
    json_add_string(search->builder, "instanceId", object->id);
    json_add_string(search->builder, "serverGroup", instance->server_group);
    if (instance->launch_ms > 0)
        json_add_int(search->builder, "launchTime", instance->launch_ms);
    json_end_object(search->builder);
}

static void add_load_balancer(Search *search, const InventoryObject *object, const char *provider) {
    if (!contains(search, object->id) || !begin_result(search, provider))
        return;
    add_place(search, object);
    json_add_string(search->builder, "loadBalancer", object->id);
    json_end_object(search->builder);
}

static void add_security_group(Search *search, const InventoryObject *object, const char *provider) {
    const CloudViews *views = snapshot_views(search->call->services->clouds, object->account);
    if (views == NULL || views->security_group == NULL)
        return;
    g_autoptr(Json) view = views->security_group(search->snapshot, object);
    const char *name = json_get_string(json_root(view), "name");
    if (!(contains(search, name) || contains(search, object->id)) || !begin_result(search, provider))
        return;
    add_place(search, object);
    json_add_string(search->builder, "id", object->id);
    json_add_string(search->builder, "name", name);
    json_add_value(search->builder, "vpcId", json_get(json_root(view), "vpcId"));
    json_end_object(search->builder);
}

static const struct {
    const char *type, *kind;
    AddResult add;
} KINDS[] = {
    {"clusters", KIND_SERVER_GROUP, add_cluster},
    {"serverGroups", KIND_SERVER_GROUP, add_server_group},
    {"instances", KIND_INSTANCE, add_instance},
    {"loadBalancers", KIND_LOAD_BALANCER, add_load_balancer},
    {"securityGroups", KIND_SECURITY_GROUP, add_security_group},
};

typedef struct {
    Search *search;
    AddResult add;
} Visit;

static gboolean visit(const InventoryObject *object, gpointer data) {
    const Visit *v = data;
    g_autoptr(Account) account = clouds_account(v->search->call->services->clouds, object->account, NULL);
    const char *platform = v->search->query->platform;
    if (account == NULL || (platform != NULL && strcmp(platform, account->cloud->id) != 0))
        return TRUE;
    if (api_may(v->search->call, MAY_READ, "account", object->account))
        v->add(v->search, object, account->cloud->id);
    return TRUE;
}

static gboolean add_application(const StoreObject *object, gpointer data) {
    Search *search = data;
    if (!contains(search, object->id) || !api_may(search->call, MAY_READ, "application", object->id))
        return TRUE;
    if (begin_result(search, "gennaker")) {
        json_add_string(search->builder, "application", object->id);
        json_add_value(search->builder, "email", json_get(json_root(object->body), "email"));
        json_end_object(search->builder);
    }
    return TRUE;
}

static gboolean project_contains(const Search *search, const JsonValue *project) {
    const char *name = json_get_string(project, "name");
    if (name != NULL && contains(search, name))
        return TRUE;
    for (JsonIter i = json_iter(json_dig(project, "config", "applications", NULL)); json_next(&i);)
        if (json_is_string(i.value) && contains(search, json_string(i.value)))
            return TRUE;
    return FALSE;
}

static gboolean add_project(const StoreObject *object, gpointer data) {
    Search *search = data;
    const JsonValue *project = json_root(object->body);
    if (project_contains(search, project) && begin_result(search, "gennaker")) {
        json_add_string(search->builder, "id", object->id);
        json_add_value(search->builder, "name", json_get(project, "name"));
        json_add_value(search->builder, "config", json_get(project, "config"));
        json_end_object(search->builder);
    }
    return TRUE;
}

static gboolean search_type(Search *search, GError **error) {
    if (strcmp(search->type, "projects") == 0)
        return store_objects_each(search->call->services->store, PROJECT_KIND, NULL, NULL, add_project, search, error);
    if (strcmp(search->type, "applications") == 0)
        return store_objects_each(search->call->services->store, APPLICATION_KIND, NULL, NULL, add_application, search, error);
    for (gsize i = 0; i < G_N_ELEMENTS(KINDS); i++) {
        Visit v = {search, KINDS[i].add};
        if (strcmp(KINDS[i].type, search->type) == 0)
            inventory_each(search->snapshot, search->query->account, KINDS[i].kind, search->query->region, visit, &v);
    }
    return TRUE; /* a type nobody has finds nothing */
}

static Json *search_get(ApiCall *call, GError **error) {
    const SearchQuery *query = call->query;
    if (g_utf8_strlen(query->q, -1) < SHORTEST_QUERY && !query->allow_short)
        return json_empty_array();
    g_autofree char *folded = g_utf8_casefold(query->q, -1);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GHashTable) clusters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Search search = {.call = call, .query = query, .snapshot = snapshot, .folded = folded, .clusters = clusters, .builder = builder};
    json_begin_array(builder, NULL);
    for (gsize i = 0; query->types[i] != NULL; i++) {
        search.type = query->types[i];
        if (!search_type(&search, error))
            return NULL;
    }
    json_end_array(builder);
    g_autoptr(Json) results = json_builder_end(builder);
    return json_pack("[{s:i, s:i, s:s, s:s, s:i, s:j}]", "pageNumber", query->page, "pageSize", query->page_size, "platform",
                     query->platform != NULL ? query->platform : "", "query", query->q, "totalMatches", search.matches, "results", results);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/search",
     .handler = search_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = search_query,
     .query_size = sizeof(SearchQuery),
     .help = "Finds things by a part of their name: a list with one result set."},
    {0},
};
const RouteTable search_routes = {"Search", routes};
