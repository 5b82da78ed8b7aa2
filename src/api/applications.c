/* Applications: those that people saved, and those that only the clouds show. */
#include "stages/metadata/applications.h"
#include "api/history.h"
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

/* ---- attributes ---- */
/* "a,b" of a list; a text as it is. Caller frees; NULL when there is none. */
static char *joined(const JsonValue *value) {
    if (!json_is_array(value))
        return json_as_text(value);
    g_autoptr(GString) text = g_string_new(NULL);
    for (JsonIter i = json_iter(value); json_next(&i);)
        if (json_is_string(i.value))
            g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", json_string(i.value));
    return g_strdup(text->str);
}

/* Members of what is stored, as Gate shows them; accounts: what the clouds know, or NULL. */
static void add_attributes(JsonBuilder *builder, const char *name, const JsonValue *stored, const char *accounts) {
    for (JsonIter i = json_iter(stored); json_next(&i);)
        if (strcmp(i.key, "name") != 0 && strcmp(i.key, "cloudProviders") != 0 && (accounts == NULL || strcmp(i.key, "accounts") != 0))
            json_add_value(builder, i.key, i.value);
    g_autofree char *lower = g_utf8_strdown(name, -1);
    g_autofree char *providers = joined(json_get(stored, "cloudProviders"));
    json_add_string(builder, "name", lower);
    json_add_string(builder, "cloudProviders", providers);
    json_add_string(builder, "accounts", accounts);
}

/* ---- what the clouds know: accounts by application ---- */
static gboolean note_account(const InventoryObject *object, gpointer data) {
    GHashTable *accounts = data; /* application → GPtrArray of borrowed account names, each once */
    if (object->application == NULL)
        return TRUE;
    GPtrArray *names = g_hash_table_lookup(accounts, object->application);
    if (names == NULL) {
        names = g_ptr_array_new();
        g_hash_table_insert(accounts, object->application, names);
    }
    for (guint i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], object->account) == 0)
            return TRUE;
    g_ptr_array_add(names, object->account);
    return TRUE;
}

static GHashTable *accounts_by_application(const InventorySnapshot *snapshot) {
    GHashTable *accounts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
    inventory_each(snapshot, NULL, KIND_SERVER_GROUP, NULL, note_account, accounts);
    return accounts;
}

static gint compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *accounts_text(GHashTable *accounts, const char *application) {
    GPtrArray *names = g_hash_table_lookup(accounts, application);
    if (names == NULL)
        return NULL;
    g_ptr_array_sort(names, compare_names);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", (const char *)names->pdata[i]);
    return g_strdup(text->str);
}

/* ---- the list ---- */
typedef struct {
    char *account, *owner;
} ApplicationsQuery;
static const Param applications_query[] = {
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(ApplicationsQuery, account), .help = "Only those in this account."},
    {.name = "owner", .type = PARAM_STRING, .offset = offsetof(ApplicationsQuery, owner), .help = "Only those with this e-mail address."},
    {0},
};

typedef struct {
    ApiCall *call;
    const ApplicationsQuery *query;
    GHashTable *accounts, *listed;
    JsonBuilder *builder;
} Listing;

static gboolean has_account(const char *accounts, const char *wanted) {
    g_auto(GStrv) names = g_strsplit(accounts != NULL ? accounts : "", ",", -1);
    for (gsize i = 0; names[i] != NULL; i++)
        if (g_ascii_strcasecmp(g_strstrip(names[i]), wanted) == 0)
            return TRUE;
    return FALSE;
}

static void list_one(Listing *listing, const char *name, const JsonValue *stored) {
    const ApplicationsQuery *query = listing->query;
    g_autofree char *known = accounts_text(listing->accounts, name);
    g_autofree char *accounts = known != NULL ? g_strdup(known) : joined(json_get(stored, "accounts"));
    const char *email = json_get_string(stored, "email");
    if (query->account != NULL && !has_account(accounts, query->account))
        return;
    if (query->owner != NULL && (email == NULL || g_ascii_strcasecmp(email, query->owner) != 0))
        return;
    if (!api_may(listing->call, MAY_READ, "application", name))
        return;
    json_begin_object(listing->builder, NULL);
    add_attributes(listing->builder, name, stored, known);
    json_end_object(listing->builder);
}

static gboolean list_stored(const StoreObject *object, gpointer data) {
    Listing *listing = data;
    g_hash_table_add(listing->listed, g_strdup(object->id));
    list_one(listing, object->id, json_root(object->body));
    return TRUE;
}

static Json *applications_get(ApiCall *call, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GHashTable) accounts = accounts_by_application(snapshot);
    g_autoptr(GHashTable) listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, call->query, accounts, listed, builder};
    json_begin_array(builder, NULL);
    if (!store_objects_each(call->services->store, APPLICATION_KIND, NULL, NULL, list_stored, &listing, error))
        return NULL;
    g_auto(GStrv) seen = inventory_applications(snapshot);
    for (gsize i = 0; seen[i] != NULL; i++)
        if (!g_hash_table_contains(listed, seen[i]))
            list_one(&listing, seen[i], NULL);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- one ---- */
typedef struct {
    gboolean expand;
} ExpandQuery;
static const Param expand_query[] = {
    {.name = "expand",
     .type = PARAM_BOOL,
     .offset = offsetof(ExpandQuery, expand),
     .otherwise = "true",
     .help = "Whether its clusters are told too."},
    {0},
};

static void add_cluster(JsonBuilder *builder, const ClusterView *cluster) {
    g_auto(GStrv) balancers = snapshot_load_balancers(cluster->groups);
    json_begin_object(builder, NULL);
    json_add_strings(builder, "loadBalancers", (const char *const *)balancers);
    json_add_string(builder, "name", cluster->name);
    json_add_string(builder, "provider", cluster->cloud);
    json_begin_array(builder, "serverGroups");
    for (guint i = 0; i < cluster->groups->len; i++)
        json_add_string(builder, NULL, ((const InventoryObject *)cluster->groups->pdata[i])->id);
    json_end_array(builder);
    json_end_object(builder);
}

/* Clusters come sorted by account. */
static void add_clusters(JsonBuilder *builder, const GPtrArray *clusters) {
    const char *account = NULL;
    json_begin_object(builder, "clusters");
    for (guint i = 0; i < clusters->len; i++) {
        const ClusterView *cluster = clusters->pdata[i];
        if (account == NULL || strcmp(account, cluster->account) != 0) {
            if (account != NULL)
                json_end_array(builder);
            account = cluster->account;
            json_begin_array(builder, account);
        }
        add_cluster(builder, cluster);
    }
    if (account != NULL)
        json_end_array(builder);
    json_end_object(builder);
}

/* Comma-joined accounts of an application's clusters, or NULL. */
static char *accounts_of(const GPtrArray *clusters) {
    g_autoptr(GString) text = g_string_new(NULL);
    const char *last = NULL;
    for (guint i = 0; i < clusters->len; i++) {
        const char *account = ((const ClusterView *)clusters->pdata[i])->account;
        if (last == NULL || strcmp(last, account) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", account);
        last = account;
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

static Json *application_json(const char *name, const JsonValue *stored, const GPtrArray *clusters, gboolean expand) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *lower = g_utf8_strdown(name, -1);
    g_autofree char *accounts = accounts_of(clusters);
    json_begin_object(builder, NULL);
    json_begin_object(builder, "attributes");
    add_attributes(builder, lower, stored, accounts);
    if (json_get(stored, "trafficGuards") == NULL) {
        json_begin_array(builder, "trafficGuards");
        json_end_array(builder);
    }
    json_end_object(builder);
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    add_clusters(builder, expand ? clusters : none);
    json_add_string(builder, "name", lower);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *application_get(ApiCall *call, GError **error) {
    const char *name = api_path(call, "application");
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) stored = application_load(call->services->store, name, &missing);
    if (stored == NULL && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) clusters = snapshot_clusters(snapshot, name, NULL, NULL);
    if (stored != NULL || clusters->len > 0)
        return application_json(name, json_root(stored), clusters, ((const ExpandQuery *)call->query)->expand);
    error_set(error, ERR_NOT_FOUND, "Application not found (id: %s)", name);
    return NULL;
}

/* ---- history ---- */
static Json *history_get(ApiCall *call, GError **error) {
    g_autofree char *id = g_utf8_strdown(api_path(call, "application"), -1);
    return history_list(call, APPLICATION_KIND, id, error);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications",
     .handler = applications_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = applications_query,
     .query_size = sizeof(ApplicationsQuery),
     .help = "All applications, as flat attributes."},
    {.method = "GET",
     .path = "/applications/{application}",
     .handler = application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = expand_query,
     .query_size = sizeof(ExpandQuery),
     .help = "One application: {name, attributes, clusters by account}. Applications are changed by POST /tasks."},
    {.method = "GET",
     .path = "/applications/{application}/history",
     .handler = history_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     HISTORY_QUERY,
     .help = "Versions of its attributes, newest first."},
    {0},
};
const RouteTable application_routes = {"Applications", routes};
