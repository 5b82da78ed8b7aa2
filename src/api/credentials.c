/* Accounts as Gate calls them: credentials (api.md 2), with the age and the last error of what is known about each. */
#include "api/internal.h"
#include <string.h>

#define INVENTORY_ERRORS_MAX 10 /* told per account */

typedef struct {
    JsonBuilder *builder;
    gint64 oldest_ms, now_ms;
    guint errors, unread;
} Ages;

/* The age is that of server groups: other kinds are read as seldom as they change. */
static gboolean add_error(const InventoryLeaf *leaf, gpointer data) {
    Ages *ages = data;
    gboolean counts = strcmp(leaf->kind, KIND_SERVER_GROUP) == 0;
    if (leaf->read_ms == 0)
        ages->unread++;
    else if (counts && (ages->oldest_ms == 0 || leaf->read_ms < ages->oldest_ms))
        ages->oldest_ms = leaf->read_ms;
    if (leaf->error_ms == 0 || ages->errors++ >= INVENTORY_ERRORS_MAX)
        return TRUE;
    json_begin_object(ages->builder, NULL);
    json_add_string(ages->builder, "region", leaf->region);
    json_add_string(ages->builder, "kind", leaf->kind);
    json_add_string(ages->builder, "message", leaf->error);
    json_add_int(ages->builder, "time", leaf->error_ms);
    json_end_object(ages->builder);
    return TRUE;
}

/* inventory: {oldestRead, ageMs, unread, errors}; what was never read is counted apart. */
static void add_inventory(JsonBuilder *builder, const InventorySnapshot *snapshot, const char *account, gint64 now_ms) {
    Ages ages = {.builder = builder, .now_ms = now_ms};
    json_begin_object(builder, "inventory");
    json_begin_array(builder, "errors");
    inventory_leaves(snapshot, account, add_error, &ages);
    json_end_array(builder);
    if (ages.oldest_ms > 0) {
        json_add_int(builder, "oldestRead", ages.oldest_ms);
        json_add_int(builder, "ageMs", MAX(now_ms - ages.oldest_ms, 0));
    }
    json_add_int(builder, "unread", ages.unread);
    json_end_object(builder);
}

typedef struct {
    ApiCall *call;
    const InventorySnapshot *snapshot;
    JsonBuilder *builder;
} Listing;

static void add_details(Listing *listing, const Account *account) {
    static const char *const OWN[] = {"name",        "type",        "authorized",     "cloudProvider", "accountType",
                                      "environment", "permissions", "primaryAccount", "inventory",     NULL};
    JsonBuilder *builder = listing->builder;
    for (JsonIter i = json_iter(json_root(account->details)); json_next(&i);)
        if (!g_strv_contains(OWN, i.key))
            json_add_value(builder, i.key, i.value);
    json_add_string(builder, "cloudProvider", account->cloud->id);
    json_add_string(builder, "accountType", account->type != NULL ? account->type : account->name);
    json_add_string(builder, "environment", account->environment != NULL ? account->environment : account->name);
    json_add_bool(builder, "primaryAccount", FALSE);
    if (json_get(json_root(account->details), "challengeDestructiveActions") == NULL)
        json_add_bool(builder, "challengeDestructiveActions", FALSE);
    if (json_get(json_root(account->details), "regions") == NULL) {
        json_begin_array(builder, "regions");
        for (gsize i = 0; account->regions != NULL && account->regions[i] != NULL; i++) {
            json_begin_object(builder, NULL);
            json_add_string(builder, "name", account->regions[i]);
            json_end_object(builder);
        }
        json_end_array(builder);
    }
    add_inventory(builder, listing->snapshot, account->name, listing->call->now_ms);
}

static void add_account(Listing *listing, const Account *account, gboolean expand) {
    JsonBuilder *builder = listing->builder;
    const JsonValue *details = json_root(account->details);
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", account->name);
    json_add_string(builder, "type", account->cloud->id);
    json_add_bool(builder, "authorized", api_may(listing->call, MAY_READ, "account", account->name));
    json_add_json(builder, "permissions", account->permissions);
    if (expand)
        add_details(listing, account);
    else
        json_add_value(builder, "accountId", json_get(details, "accountId"));
    if (!expand || json_get(details, "requiredGroupMembership") == NULL) {
        json_begin_array(builder, "requiredGroupMembership");
        json_end_array(builder);
    }
    json_end_object(builder);
}

typedef struct {
    gboolean expand, left_out;
} ExpandQuery;
static const Param expand_query[] = {
    {.name = "expand", .type = PARAM_BOOL, .offset = offsetof(ExpandQuery, expand), .help = "With all details."},
    {.name = "leftOut",
     .type = PARAM_BOOL,
     .offset = offsetof(ExpandQuery, left_out),
     .help = "Also accounts of the configuration that are not used, each with the reason as leftOut."},
    {0},
};

/* Accounts that the configuration names and that could not be used. */
static void add_left_out(Listing *listing) {
    g_autoptr(GPtrArray) problems = clouds_problems(listing->call->services->clouds);
    JsonBuilder *builder = listing->builder;
    for (guint i = 0; i < problems->len; i++) {
        const AccountProblem *problem = problems->pdata[i];
        if (!problem->left_out || !api_may(listing->call, MAY_READ, "account", problem->account))
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", problem->account != NULL ? problem->account : problem->cloud->id);
        json_add_string(builder, "type", problem->cloud->id);
        json_add_string(builder, "cloudProvider", problem->cloud->id);
        json_add_bool(builder, "authorized", FALSE);
        json_add_string(builder, "leftOut", problem->text);
        json_end_object(builder);
    }
}

static gint compare_accounts(gconstpointer a, gconstpointer b) {
    return strcmp((*(const Account *const *)a)->name, (*(const Account *const *)b)->name);
}

static Json *credentials_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) accounts = clouds_accounts(call->services->clouds);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, snapshot, builder};
    g_ptr_array_sort(accounts, compare_accounts);
    json_begin_array(builder, NULL);
    for (guint i = 0; i < accounts->len; i++)
        add_account(&listing, accounts->pdata[i], ((const ExpandQuery *)call->query)->expand);
    if (((const ExpandQuery *)call->query)->left_out)
        add_left_out(&listing);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* An unknown account is an empty answer, not an error: clients rely on it. */
static Json *credential_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(Account) account = clouds_account(call->services->clouds, api_path(call, "account"), NULL);
    if (account == NULL)
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, snapshot, builder};
    add_account(&listing, account, TRUE);
    return json_builder_end(builder);
}

/* ---- the inventory of an account ---- */
static gboolean add_leaf(const InventoryLeaf *leaf, gpointer data) {
    JsonBuilder *builder = data;
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", leaf->account);
    json_add_string(builder, "region", leaf->region);
    json_add_string(builder, "kind", leaf->kind);
    json_add_int(builder, "objects", leaf->objects);
    if (leaf->read_ms > 0)
        json_add_int(builder, "read", leaf->read_ms);
    if (leaf->error_ms > 0) {
        json_add_int(builder, "errorTime", leaf->error_ms);
        json_add_string(builder, "error", leaf->error);
    }
    json_end_object(builder);
    return TRUE;
}

static Json *inventory_get_route(ApiCall *call, GError **error) {
    g_autoptr(Account) account = clouds_account(call->services->clouds, api_path(call, "account"), error);
    if (account == NULL)
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    inventory_leaves(snapshot, account->name, add_leaf, builder);
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *inventory_read_post(ApiCall *call, GError **error) {
    g_autoptr(Account) account = clouds_account(call->services->clouds, api_path(call, "account"), error);
    if (account != NULL)
        clouds_read_now(call->services->clouds, account->name);
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/credentials",
     .handler = credentials_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = expand_query,
     .query_size = sizeof(ExpandQuery),
     .help = "All accounts."},
    {.method = "GET",
     .path = "/credentials/{account}",
     .handler = credential_get,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .help = "One account with all details, and what is known of its inventory; an unknown one is an empty answer."},
    {.method = "GET",
     .path = "/credentials/{account}/inventory",
     .handler = inventory_get_route,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .help = "What is read of an account, per region and kind: when it was read last, how many objects, the last error."},
    {.method = "POST",
     .path = "/credentials/{account}/inventory/read",
     .handler = inventory_read_post,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_READ),
     .body = BODY_OPTIONAL_JSON,
     .success = 202,
     .help = "Reads the account's inventory now, without waiting for its turn."},
    {0},
};
const RouteTable credential_routes = {"Accounts", routes};
