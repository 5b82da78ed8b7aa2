/* The world as the configuration wants it: images, load balancers, server groups, faults (furnish.h). Pure; under the room's lock. */
#include "clouds/simulator/furnish.h"
#include "clouds/simulator/room.h"
#include <string.h>

#define DEFAULT_IMAGES "[{\"package\": \"sample\", \"version\": \"1.0.0\"}]"
#define DEFAULT_BALANCERS "[{\"name\": \"frontend\"}]"
#define DEFAULT_TARGETS "[{\"name\": \"frontend-targets\"}]"
#define DEFAULT_FIREWALLS "[{\"name\": \"default\"}]"
#define DEFAULT_TYPE "small"

typedef struct {
    SimulatedWorld *world;
    const GPtrArray *accounts;
    gint64 now_ms;
} Furnishing;

typedef gboolean (*PlaceVisit)(const Furnishing *furnishing, const JsonValue *thing, const char *account, const char *region,
                               gconstpointer data, GError **error);

static gboolean lists(const JsonValue *names, const char *name) {
    if (!json_is_array(names))
        return !json_is_string(names) || strcmp(json_string(names), name) == 0;
    for (JsonIter i = json_iter(names); json_next(&i);)
        if (g_strcmp0(json_string(i.value), name) == 0)
            return TRUE;
    return FALSE;
}

/* In each place that a thing names: accounts × regions. */
static gboolean each_place(const Furnishing *furnishing, const JsonValue *thing, PlaceVisit visit, gconstpointer data, GError **error) {
    for (guint i = 0; i < furnishing->accounts->len; i++) {
        const Account *account = furnishing->accounts->pdata[i];
        if (!lists(json_get(thing, "accounts"), account->name))
            continue;
        for (char **region = account->regions; *region != NULL; region++)
            if (lists(json_get(thing, "regions"), *region) && !visit(furnishing, thing, account->name, *region, data, error))
                return FALSE;
    }
    return TRUE;
}

/* The list that is configured, or the usual one. Caller unrefs. */
static Json *list_or(const Json *configured, const char *otherwise) {
    return configured != NULL ? json_ref((Json *)configured) : json_parse(otherwise, -1, NULL);
}

static char **strings_of(const JsonValue *list) {
    GPtrArray *texts = g_ptr_array_new();
    if (json_is_string(list))
        g_ptr_array_add(texts, g_strdup(json_string(list)));
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(texts, g_strdup(json_string(i.value)));
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

/* ---- images ---- */

static gboolean add_image(const Furnishing *furnishing, const JsonValue *thing, GError **error) {
    const char *given = json_get_string(thing, "name"), *package = json_get_string(thing, "package");
    g_autofree char *version = json_as_text(json_get(thing, "version"));
    g_autofree char *name = given != NULL ? g_strdup(given) : g_strjoin("-", package, version, NULL);
    if (name == NULL || *name == '\0') {
        error_set(error, ERR_INVALID, "images: name, or package and version: required");
        return FALSE;
    }
    if (world_image(furnishing->world, NULL, NULL, name) != NULL)
        return TRUE;
    g_autofree char *appversion = package != NULL && version != NULL ? g_strdup_printf("%s-%s-h1.0000000", package, version) : NULL;
    g_autoptr(Json) made = json_pack("{s:s}", "appversion", appversion);
    g_autoptr(Json) tags = json_merge(json_root(made), json_get(thing, "tags"));
    g_auto(GStrv) regions = json_get(thing, "regions") != NULL ? strings_of(json_get(thing, "regions")) : NULL;
    return world_image_add(furnishing->world, NULL, name, json_get_string(thing, "account"), (const char *const *)regions, json_root(tags),
                           json_get_string(thing, "behaviour"), furnishing->now_ms, error) != NULL;
}

static gboolean add_images(const Furnishing *furnishing, const JsonValue *images, GError **error) {
    for (JsonIter i = json_iter(images); json_next(&i);)
        if (!add_image(furnishing, i.value, error))
            return FALSE;
    return TRUE;
}

/* ---- load balancers, target groups, firewalls ---- */

static gboolean add_thing(const Furnishing *furnishing, const JsonValue *thing, const char *account, const char *region, gconstpointer data,
                          GError **error) {
    SimulatedBalancerKind kind = *(const SimulatedBalancerKind *)data;
    const char *name = json_get_string(thing, "name");
    if (name == NULL || *name == '\0') {
        error_set(error, ERR_INVALID, "%s: name: required", simulated_balancer_kinds[kind]);
        return FALSE;
    }
    if (world_balancer(furnishing->world, kind, account, region, name) != NULL)
        return TRUE;
    static const char *const PLACE_KEYS[] = {"accounts", "regions", NULL};
    g_autoptr(Json) description = json_without(thing, PLACE_KEYS);
    return world_balancer_put(furnishing->world, kind, account, region, name, json_root(description), error) != NULL;
}

static gboolean add_things(const Furnishing *furnishing, SimulatedBalancerKind kind, const JsonValue *things, GError **error) {
    for (JsonIter i = json_iter(things); json_next(&i);)
        if (!each_place(furnishing, i.value, add_thing, &kind, error))
            return FALSE;
    return TRUE;
}

/* ---- server groups ---- */

static gboolean add_group(const Furnishing *furnishing, const JsonValue *thing, const char *account, const char *region, gconstpointer data,
                          GError **error) {
    (void)data;
    const char *name = json_get_string(thing, "name");
    gint64 size = json_get_int(thing, "size", 1);
    if (name == NULL) {
        error_set(error, ERR_INVALID, "serverGroups: name: required");
        return FALSE;
    }
    if (world_group(furnishing->world, account, region, name) != NULL)
        return TRUE;
    g_auto(GStrv) zones = simulator_zones(region), balancers = strings_of(json_get(thing, "loadBalancers")),
                  targets = strings_of(json_get(thing, "targetGroups")), firewalls = strings_of(json_get(thing, "securityGroups"));
    SimulatedGroupPlan plan = {
        .account = account,
        .region = region,
        .name = name,
        .image = json_get_string(thing, "image"),
        .instance_type = DEFAULT_TYPE,
        .capacity = {size, size, size},
        .zones = (const char *const *)zones,
        .load_balancers = (const char *const *)balancers,
        .target_groups = (const char *const *)targets,
        .security_groups = (const char *const *)firewalls,
    };
    return world_group_create(furnishing->world, &plan, furnishing->now_ms, error) != NULL;
}

static gboolean add_groups(const Furnishing *furnishing, const JsonValue *groups, GError **error) {
    for (JsonIter i = json_iter(groups); json_next(&i);)
        if (!each_place(furnishing, i.value, add_group, NULL, error))
            return FALSE;
    return TRUE;
}

/* ---- faults ---- */

static gboolean add_faults(const Furnishing *furnishing, const JsonValue *faults, GError **error) {
    world_faults_clear(furnishing->world);
    for (JsonIter i = json_iter(faults); json_next(&i);) {
        SimulatedFault *fault = simulated_fault_read(i.value, error);
        if (fault == NULL || !world_fault_add(furnishing->world, fault, furnishing->now_ms, error))
            return FALSE;
    }
    return TRUE;
}

gboolean simulator_furnish(SimulatedWorld *world, const SimulatorConfig *settings, const GPtrArray *accounts, gboolean is_restored,
                           gint64 now_ms, GError **error) {
    const Furnishing furnishing = {world, accounts, now_ms};
    g_autoptr(Json) images = list_or(settings->images, DEFAULT_IMAGES), balancers = list_or(settings->load_balancers, DEFAULT_BALANCERS),
                    targets = list_or(settings->target_groups, DEFAULT_TARGETS),
                    firewalls = list_or(settings->security_groups, DEFAULT_FIREWALLS);
    return add_images(&furnishing, json_root(images), error) &&
           add_things(&furnishing, BALANCER_LOAD_BALANCER, json_root(balancers), error) &&
           add_things(&furnishing, BALANCER_TARGET_GROUP, json_root(targets), error) &&
           add_things(&furnishing, BALANCER_SECURITY_GROUP, json_root(firewalls), error) &&
           (is_restored || add_groups(&furnishing, json_root(settings->server_groups), error)) &&
           add_faults(&furnishing, json_root(settings->faults), error);
}
