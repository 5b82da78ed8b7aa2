/* Networks, subnets, key pairs and instance types: what forms choose from (api.md 10). */
#include "api/internal.h"
#include "api/snapshot.h"
#include <string.h>

typedef Json *(*View)(const InventorySnapshot *snapshot, const InventoryObject *object);

/* How one of these kinds is shown. */
typedef struct {
    const char *kind;
    View (*view)(const CloudViews *views);
} Choice;

static View network_view(const CloudViews *views) {
    return views->network;
}
static View subnet_view(const CloudViews *views) {
    return views->subnet;
}
static View key_pair_view(const CloudViews *views) {
    return views->key_pair;
}
static View instance_type_view(const CloudViews *views) {
    return views->instance_type;
}
static const Choice NETWORKS = {KIND_NETWORK, network_view}, SUBNETS = {KIND_SUBNET, subnet_view},
                    KEY_PAIRS = {KIND_KEY_PAIR, key_pair_view}, INSTANCE_TYPES = {KIND_INSTANCE_TYPE, instance_type_view};

typedef struct {
    ApiCall *call;
    const InventorySnapshot *snapshot;
    const Choice *choice;
    const char *provider;
    JsonBuilder *builder;
} Listing;

static gboolean list_one(const InventoryObject *object, gpointer data) {
    Listing *listing = data;
    g_autoptr(Account) account = clouds_account(listing->call->services->clouds, object->account, NULL);
    if (account == NULL || strcmp(account->cloud->id, listing->provider) != 0)
        return TRUE;
    View view = listing->choice->view(account->cloud->views);
    if (view == NULL || !api_may(listing->call, MAY_READ, "account", object->account))
        return TRUE;
    g_autoptr(Json) json = view(listing->snapshot, object);
    json_add_json(listing->builder, NULL, json);
    return TRUE;
}

static void add_list(ApiCall *call, const InventorySnapshot *snapshot, const Choice *choice, const char *provider, JsonBuilder *builder,
                     const char *key) {
    Listing listing = {call, snapshot, choice, provider, builder};
    json_begin_array(builder, key);
    inventory_each(snapshot, NULL, choice->kind, NULL, list_one, &listing);
    json_end_array(builder);
}

static Json *list(ApiCall *call, const Choice *choice, const char *provider) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_list(call, snapshot, choice, provider, builder, NULL);
    return json_builder_end(builder);
}

#define ELASTIC "aws" /* the cloud that Gate means where it does not ask */

static Json *networks_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) accounts = clouds_accounts(call->services->clouds);
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < accounts->len; i++) {
        const char *provider = ((const Account *)accounts->pdata[i])->cloud->id;
        if (g_hash_table_add(done, (gpointer)provider))
            add_list(call, snapshot, &NETWORKS, provider, builder, provider);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *networks_of_cloud_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &NETWORKS, api_path(call, "provider"));
}

static Json *vpcs_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &NETWORKS, ELASTIC);
}

static Json *subnets_of_cloud_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &SUBNETS, api_path(call, "provider"));
}

static Json *subnets_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &SUBNETS, ELASTIC);
}

static Json *key_pairs_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &KEY_PAIRS, ELASTIC);
}

static Json *instance_types_get(ApiCall *call, GError **error) {
    (void)error;
    return list(call, &INSTANCE_TYPES, ELASTIC);
}

#define LIST_ROUTE(path_, handler_, help_)                                                                                                 \
    { .method = "GET", .path = path_, .handler = handler_, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN), .help = help_ }

static const Route routes[] = {
    LIST_ROUTE("/networks", networks_get, "Networks by cloud."),
    LIST_ROUTE("/networks/{provider}", networks_of_cloud_get, "Networks of a cloud."),
    LIST_ROUTE("/vpcs", vpcs_get, "Networks of AWS."),
    LIST_ROUTE("/subnets", subnets_get, "Subnets of AWS."),
    LIST_ROUTE("/subnets/{provider}", subnets_of_cloud_get, "Subnets of a cloud, with their purpose."),
    LIST_ROUTE("/keyPairs", key_pairs_get, "Key pairs of AWS."),
    LIST_ROUTE("/instanceTypes", instance_types_get, "Instance types of AWS by account and region."),
    {0},
};
const RouteTable network_routes = {"Networks", routes};
