/* `cluster …`. */
#include "cli/client.h"
#include "cli/output.h"
#include <string.h>

static char *make_count(const JsonValue *cluster) {
    return g_strdup_printf("%" G_GSIZE_FORMAT, json_length(json_get(cluster, "serverGroups")));
}

static const Column list_columns[] = {
    {.title = "ACCOUNT", .path = "account"},
    {.title = "CLUSTER", .path = "name"},
    {.title = "SERVER GROUPS", .make = make_count},
    {.title = "LOAD BALANCERS", .path = "loadBalancers"},
    {0},
};

/* ---- server groups ---- */
static char *make_state(const JsonValue *group) {
    return g_strdup(json_get_bool(group, "disabled", FALSE) || json_get_bool(group, "isDisabled", FALSE) ? "disabled" : "enabled");
}

static char *make_instances(const JsonValue *group) {
    const JsonValue *counts = json_get(group, "instanceCounts");
    gint64 up = json_get_int(counts, "up", -1), total = json_get_int(counts, "total", (gint64)json_length(json_get(group, "instances")));
    return up >= 0 ? g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " up", up, total)
                   : g_strdup_printf("%" G_GINT64_FORMAT, total);
}

static char *make_capacity(const JsonValue *group) {
    const JsonValue *capacity = json_get(group, "capacity");
    return json_is_object(capacity)
               ? g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, json_get_int(capacity, "min", 0),
                                 json_get_int(capacity, "desired", 0), json_get_int(capacity, "max", 0))
               : NULL;
}

static char *make_created(const JsonValue *group) {
    return output_time(json_get_int(group, "createdTime", 0));
}

static const Column group_columns[] = {
    {.title = "SERVER GROUP", .path = "name"},
    {.title = "REGION", .path = "region"},
    {.title = "STATE", .make = make_state},
    {.title = "INSTANCES", .make = make_instances},
    {.title = "MIN/DESIRED/MAX", .make = make_capacity},
    {.title = "IMAGE", .path = "image.imageId"},
    {.title = "VERSION", .path = "buildInfo.version"},
    {.title = "CREATED", .make = make_created},
    {0},
};

/* ---- commands ---- */
static int run_list(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *application = invocation_argument(call, "APPLICATION");
    g_autoptr(Json) names = client != NULL ? client_get(client, error, "/applications/{}/clusters", application, NULL) : NULL;
    if (names == NULL)
        return 1;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(names)); json_next(&i);) {
        g_autoptr(Json) clusters = client_get(client, error, "/applications/{}/clusters/{}", application, i.key, NULL);
        if (clusters == NULL)
            return 1;
        for (JsonIter c = json_iter(json_root(clusters)); json_next(&c);)
            json_add_value(builder, NULL, c.value);
    }
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    return output_list(call, json_root(all), list_columns, error);
}

static gboolean contains(const JsonValue *names, const char *name) {
    for (JsonIter i = json_iter(names); json_next(&i);)
        if (g_strcmp0(json_string(i.value), name) == 0)
            return TRUE;
    return FALSE;
}

/* The only account that has a cluster of this name; caller frees. */
static char *find_account(Client *client, const char *application, const char *cluster, GError **error) {
    g_autoptr(Json) names = client_get(client, error, "/applications/{}/clusters", application, NULL);
    const char *found = NULL;
    if (names == NULL)
        return NULL;
    for (JsonIter i = json_iter(json_root(names)); json_next(&i);) {
        if (!contains(i.value, cluster))
            continue;
        if (found != NULL) {
            error_set(error, ERR_INVALID, "cluster %s is in accounts %s and %s: give --account", cluster, found, i.key);
            return NULL;
        }
        found = i.key;
    }
    if (found == NULL)
        error_set(error, ERR_NOT_FOUND, "application %s has no cluster %s", application, cluster);
    return g_strdup(found);
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *application = invocation_argument(call, "APPLICATION"), *cluster = invocation_argument(call, "CLUSTER");
    const char *given = invocation_option(call, "account");
    if (client == NULL)
        return 1;
    g_autofree char *account = given != NULL ? g_strdup(given) : find_account(client, application, cluster, error);
    if (account == NULL)
        return 1;
    g_autoptr(Json) one = client_get(client, error, "/applications/{}/clusters/{}/{}", application, account, cluster, NULL);
    if (one == NULL)
        return 1;
    if (json_length(json_root(one)) == 0) {
        error_set(error, ERR_NOT_FOUND, "application %s has no cluster %s in account %s", application, cluster, account);
        return 1;
    }
    return output_is_table(call) ? output_list(call, json_get(json_root(one), "serverGroups"), group_columns, error)
                                 : output_one(call, json_root(one), group_columns, error);
}

static const Option get_options[] = {{"account", 0, "ACCOUNT", FALSE, "In this account, when the name is in several"}, {0}};

const Command cluster_commands[] = {
    {.group = "cluster",
     .verb = "list",
     .arguments = "APPLICATION",
     .run = run_list,
     .help = "An application's clusters.",
     .example = "gennaker cluster list demo"},
    {.group = "cluster",
     .verb = "get",
     .arguments = "APPLICATION CLUSTER",
     .options = get_options,
     .run = run_get,
     .help = "A cluster's server groups.",
     .example = "gennaker cluster get demo demo-main --account production"},
    {0},
};
