/* Traffic guards (traffic_guard.h). The decision is pure; the check runs in a worker. */
#include "stages/deploy/traffic_guard.h"
#include "stages/deploy/settings.h"
#include "stages/metadata/applications.h"

/* ---- the rule ---- */

static gboolean all_pinned_alike(const GuardedGroup *going, guint count) {
    for (guint i = 0; i < count; i++)
        if (!capacity_is_pinned(&going[i].capacity) || going[i].capacity.desired != going[0].capacity.desired)
            return FALSE;
    return TRUE;
}

GuardAnswer traffic_guard_decide(gint64 up_now, const GuardedGroup *going, guint count, double min_ratio) {
    gint64 up_then = up_now;
    for (guint i = 0; i < count; i++)
        up_then -= going[i].up;
    if (up_now <= 0)
        return GUARD_ALLOWS;
    if (count > 1 && up_then > 0 && all_pinned_alike(going, count))
        return GUARD_ALLOWS;
    return (double)up_then / (double)up_now <= min_ratio ? GUARD_REFUSES : GUARD_ALLOWS;
}

static gboolean member_matches(const JsonValue *guard, const char *key, const char *value) {
    const char *wanted = json_get_string(guard, key);
    wanted = wanted != NULL ? wanted : "";
    return strcmp(wanted, "*") == 0 || strcmp(wanted, value != NULL ? value : "") == 0;
}

gboolean traffic_guard_names(const JsonValue *guards, const char *account, const char *location, const Moniker *moniker) {
    for (JsonIter i = json_iter(guards); json_next(&i);)
        if (!json_is_false(json_get(i.value, "enabled")) && member_matches(i.value, "account", account) &&
            member_matches(i.value, "location", location) && member_matches(i.value, "stack", moniker->stack) &&
            member_matches(i.value, "detail", moniker->detail))
            return TRUE;
    return FALSE;
}

/* ---- the check ---- */

/* Every group of the cluster with its instances and health, live. */
static gboolean read_members(TaskContext *context, const char *account, const GPtrArray *groups, GError **error) {
    for (guint i = 0; i < groups->len; i++) {
        const InventoryObject *object = groups->pdata[i];
        GroupName name = {object->region, object->id};
        g_autoptr(GError) failed = NULL;
        if (live_read_group(context, account, &name, &failed) == GROUP_UNREADABLE) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

static gint64 up_of(const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    HealthInterest all = {0};
    gint64 up = 0;
    for (guint i = 0; i < instances->len; i++)
        up += instance_counts_as_up(instances->pdata[i], &all);
    return up;
}

static gboolean is_among(const GPtrArray *names, const char *name) {
    for (guint i = 0; i < names->len; i++)
        if (strcmp(((const GroupName *)names->pdata[i])->name, name) == 0)
            return TRUE;
    return FALSE;
}

static gboolean decide_cluster(TaskContext *context, const char *account, const char *location, const char *cluster, const GPtrArray *names,
                               const char *operation, GError **error) {
    g_autoptr(InventorySnapshot) before = NULL;
    g_autoptr(GPtrArray) known = live_read_cluster(context, account, location, cluster, &before, error);
    if (known == NULL || !read_members(context, account, known, error))
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    g_autoptr(GPtrArray) groups = clouds_cluster(snapshot, account, cluster, location);
    g_autoptr(GArray) going = g_array_new(FALSE, FALSE, sizeof(GuardedGroup));
    gint64 up_now = 0, up_going = 0;
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        GuardedGroup one = {up_of(snapshot, group), group->capacity};
        up_now += one.up;
        if (!is_among(names, group->name))
            continue;
        up_going += one.up;
        g_array_append_val(going, one);
    }
    double ratio = deploy_settings(context->services).guard_min_ratio;
    if (traffic_guard_decide(up_now, (const GuardedGroup *)(void *)going->data, going->len, ratio) == GUARD_ALLOWS)
        return TRUE;
    gint64 left = up_now - up_going;
    g_autofree char *what = left > 0 ? g_strdup_printf("only %" G_GINT64_FORMAT " instances up (%.1f%%)", left,
                                                       100.0 * (double)left / (double)up_now)
                                     : g_strdup("no instances up");
    error_set(
        error, ERR_FORBIDDEN,
        "This cluster ('%s' in %s/%s) has traffic guards enabled. %s of %s would leave the cluster with %s, and it may not fall to %.0f%%",
        cluster, account, location, operation, ((const GroupName *)names->pdata[0])->name, what, 100.0 * ratio);
    return FALSE;
}

static const JsonValue *guards_of(const Json *application) {
    return json_get(json_root(application), "trafficGuards");
}

static Json *load_application(TaskContext *context, const Moniker *moniker, GError **error) {
    g_autofree char *name = g_ascii_strdown(moniker->app != NULL ? moniker->app : context->execution->application, -1);
    g_autoptr(GError) failed = NULL;
    Json *application = application_load(context->services->store, name, &failed);
    if (application == NULL && error_code(failed) != ERR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&failed));
    return application;
}

/* The group that stands for the cluster of all of them. */
static const ServerGroup *first_known(const InventorySnapshot *snapshot, const char *account, const GPtrArray *names) {
    for (guint i = 0; i < names->len; i++) {
        const GroupName *name = names->pdata[i];
        const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
        if (group != NULL)
            return group;
    }
    return NULL;
}

gboolean traffic_guard_check(TaskContext *context, const char *account, const GPtrArray *names, const char *operation, GError **error) {
    if (names->len == 0)
        return TRUE;
    const GroupName *first = names->pdata[0];
    g_autoptr(GError) failed = NULL;
    if (live_read_group(context, account, first, &failed) == GROUP_UNREADABLE) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = first_known(snapshot, account, names);
    if (group == NULL)
        return TRUE; /* it is gone already: nothing can be taken away */
    GError *unreadable = NULL;
    g_autoptr(Json) application = load_application(context, &group->moniker, &unreadable);
    if (unreadable != NULL) {
        g_propagate_error(error, unreadable);
        return FALSE;
    }
    if (application == NULL || !traffic_guard_names(guards_of(application), account, first->region, &group->moniker))
        return TRUE;
    const char *cluster = group->moniker.cluster != NULL ? group->moniker.cluster : group->name;
    return decide_cluster(context, account, first->region, cluster, names, operation, error);
}
