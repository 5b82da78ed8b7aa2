/* Traffic guards (traffic_guard.h). The decision is pure; the check runs in a worker. */
#include "stages/deploy/traffic_guard.h"
#include "stages/deploy/settings.h"
#include "stages/metadata/applications.h"

/* ---- the rule ---- */

gboolean traffic_guard_all_pinned_alike(const GuardedGroup *going, guint count) {
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
    if (count > 1 && up_then > 0 && traffic_guard_all_pinned_alike(going, count))
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

/* ---- what is there ---- */

/* Every group of the cluster with its instances and health, live. */
static gboolean read_members(const GuardQuestion *question, const GPtrArray *groups, GError **error) {
    for (guint i = 0; i < groups->len; i++) {
        const InventoryObject *object = groups->pdata[i];
        g_autoptr(GError) failed = NULL;
        if (!clouds_refresh_server_group(question->services->clouds, question->account, object->region, object->id, question->cancel,
                                         &failed) &&
            error_code(failed) != ERR_NOT_FOUND) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean read_cluster(const GuardQuestion *question, const char *location, const char *cluster, GError **error) {
    Clouds *clouds = question->services->clouds;
    g_autoptr(GError) failed = NULL;
    if (!clouds_refresh_cluster(clouds, question->account, location, cluster, question->cancel, &failed) &&
        error_code(failed) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    g_autoptr(GPtrArray) known = clouds_cluster(snapshot, question->account, cluster, location);
    return read_members(question, known, error);
}

static gboolean is_up(const Instance *instance) {
    HealthInterest all = {0};
    return instance_counts_as_up(instance, &all);
}

static gint64 up_of(const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    gint64 up = 0;
    for (guint i = 0; i < instances->len; i++)
        up += is_up(instances->pdata[i]);
    return up;
}

static gboolean is_among(const GPtrArray *names, const char *location, const char *name) {
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const GroupName *one = names->pdata[i];
        if (strcmp(one->name, name) == 0 && strcmp(one->region, location) == 0)
            return TRUE;
    }
    return FALSE;
}

/* ---- the question ---- */

/* What the cluster would be left with. */
typedef struct {
    const char *location, *cluster;
    gint64 up_now, up_going;
    GArray *going;   /* of GuardedGroup */
    GString *others; /* names of what somebody else takes away */
} Outlook;

static void count_group(const GuardQuestion *question, const InventorySnapshot *snapshot, const ServerGroup *group, Outlook *outlook) {
    GuardedGroup one = {up_of(snapshot, group), group->capacity};
    outlook->up_now += one.up;
    gboolean own = is_among(question->names, outlook->location, group->name);
    if (!own && (one.up == 0 || !is_among(question->others, outlook->location, group->name)))
        return;
    outlook->up_going += one.up;
    g_array_append_val(outlook->going, one);
    if (!own)
        g_string_append_printf(outlook->others, "%s%s", outlook->others->len > 0 ? ", " : "", group->name);
}

static void refuse(const GuardQuestion *question, const Outlook *outlook, double ratio, GError **error) {
    gint64 left = outlook->up_now - outlook->up_going;
    g_autofree char *what = left > 0 ? g_strdup_printf("only %" G_GINT64_FORMAT " instances up (%.1f%%)", left,
                                                       100.0 * (double)left / (double)outlook->up_now)
                                     : g_strdup("no instances up");
    g_autofree char *together = outlook->others->len > 0
                                    ? g_strdup_printf(", together with %s, which another operation is taking away at this moment,",
                                                      outlook->others->str)
                                    : g_strdup("");
    error_set(error, ERR_FORBIDDEN,
              "This cluster ('%s' in %s/%s) has traffic guards enabled. %s of %s%s would leave the cluster with %s, and it may not fall to "
              "%.0f%%",
              outlook->cluster, question->account, outlook->location, question->operation,
              ((const GroupName *)question->names->pdata[0])->name, together, what, 100.0 * ratio);
}

static gboolean decide(const GuardQuestion *question, const Outlook *outlook, gboolean *pinned_alike, GError **error) {
    double ratio = deploy_settings(question->services).guard_min_ratio;
    const GuardedGroup *going = (const GuardedGroup *)(void *)outlook->going->data;
    guint count = outlook->going->len;
    gboolean alike = question->pinned_alike || (count > 1 && traffic_guard_all_pinned_alike(going, count));
    if (pinned_alike != NULL)
        *pinned_alike = alike;
    if (question->pinned_alike && outlook->up_now - outlook->up_going > 0)
        return TRUE;
    if (traffic_guard_decide(outlook->up_now, going, count, ratio) == GUARD_ALLOWS)
        return TRUE;
    refuse(question, outlook, ratio, error);
    return FALSE;
}

static gboolean decide_cluster(const GuardQuestion *question, const char *location, const char *cluster, gboolean *pinned_alike,
                               GError **error) {
    if (!read_cluster(question, location, cluster, error))
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(question->services->clouds));
    g_autoptr(GPtrArray) groups = clouds_cluster(snapshot, question->account, cluster, location);
    g_autoptr(GArray) going = g_array_new(FALSE, FALSE, sizeof(GuardedGroup));
    g_autoptr(GString) others = g_string_new(NULL);
    Outlook outlook = {location, cluster, 0, 0, going, others};
    for (guint i = 0; i < groups->len; i++)
        count_group(question, snapshot, ((const InventoryObject *)groups->pdata[i])->record, &outlook);
    return decide(question, &outlook, pinned_alike, error);
}

static const JsonValue *guards_of(const Json *application) {
    return json_get(json_root(application), "trafficGuards");
}

static Json *load_application(const GuardQuestion *question, const Moniker *moniker, GError **error) {
    const char *given = moniker->app != NULL ? moniker->app : question->application;
    if (given == NULL)
        return NULL;
    g_autofree char *name = g_ascii_strdown(given, -1);
    g_autoptr(GError) failed = NULL;
    Json *application = application_load(question->services->store, name, &failed);
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

/* Some of a group's instances: asked only when the last ones that are up are among them. */
static gboolean takes_last_instances(const GuardQuestion *question, const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    gint64 up_going = 0, up_staying = 0;
    for (guint i = 0; i < instances->len; i++) {
        const Instance *instance = instances->pdata[i];
        gboolean goes = g_strv_contains(question->instances, instance->id);
        up_going += goes && is_up(instance);
        up_staying += !goes && is_up(instance);
    }
    return up_going > 0 && up_staying == 0;
}

static gboolean refresh_first(const GuardQuestion *question, const GroupName *first, GError **error) {
    g_autoptr(GError) failed = NULL;
    if (clouds_refresh_server_group(question->services->clouds, question->account, first->region, first->name, question->cancel, &failed) ||
        error_code(failed) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean traffic_guard_ask(const GuardQuestion *question, gboolean *pinned_alike, GError **error) {
    if (pinned_alike != NULL)
        *pinned_alike = FALSE;
    if (question->names->len == 0)
        return TRUE;
    const GroupName *first = question->names->pdata[0];
    if (!refresh_first(question, first, error))
        return FALSE;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(question->services->clouds));
    const ServerGroup *group = first_known(snapshot, question->account, question->names);
    if (group == NULL || (question->instances != NULL && !takes_last_instances(question, snapshot, group)))
        return TRUE; /* it is gone already, or others stay */
    GError *unreadable = NULL;
    g_autoptr(Json) application = load_application(question, &group->moniker, &unreadable);
    if (unreadable != NULL) {
        g_propagate_error(error, unreadable);
        return FALSE;
    }
    if (application == NULL || !traffic_guard_names(guards_of(application), question->account, first->region, &group->moniker))
        return TRUE;
    const char *cluster = group->moniker.cluster != NULL ? group->moniker.cluster : group->name;
    return decide_cluster(question, first->region, cluster, pinned_alike, error);
}

gboolean traffic_guard_check(TaskContext *context, const char *account, const GPtrArray *names, const char *operation, GError **error) {
    GuardQuestion question = {.services = context->services,
                              .cancel = context->cancel,
                              .account = account,
                              .operation = operation,
                              .application = context->execution->application,
                              .names = names};
    return traffic_guard_ask(&question, NULL, error);
}
