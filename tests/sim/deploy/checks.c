/* What a deployment promises, checked while it runs and at its end. */
#include "deploy.h"

#define ACCOUNT "prod"
#define REGION "north"
#define CLUSTER "shop-main"

static gboolean is_up(const Instance *instance) {
    gboolean up = FALSE;
    for (guint i = 0; instance->health != NULL && i < instance->health->len; i++) {
        const Health *health = instance->health->pdata[i];
        if (!health->platform && health->state != HEALTH_UP)
            return FALSE;
        up = up || (!health->platform && health->state == HEALTH_UP);
    }
    return up;
}

static gint64 up_of(const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    gint64 up = 0;
    for (guint i = 0; i < instances->len; i++)
        up += is_up(instances->pdata[i]);
    return up;
}

static gint64 up_now(Clouds *clouds) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    g_autoptr(GPtrArray) groups = clouds_cluster(snapshot, ACCOUNT, CLUSTER, REGION);
    gint64 up = 0;
    for (guint i = 0; i < groups->len; i++)
        up += up_of(snapshot, ((const InventoryObject *)groups->pdata[i])->record);
    return up;
}

/* ---- while it runs ---- */

static gint64 now_of(const DeployWatch *watch) {
    Runtime *runtime = clouds_runtime(watch->clouds);
    return runtime->now_ms(runtime);
}

/* Counts from when what runs at the beginning has booted. */
static void look(DeployWatch *watch) {
    watch->booted = watch->booted || watch->last_up >= watch->made->old_size;
    if (!watch->booted)
        return;
    watch->looks++;
    if (watch->last_up < watch->least_up) {
        watch->least_up = watch->last_up;
        watch->least_at_ms = watch->last_ms;
    }
}

void deploy_watch_begin(DeployWatch *watch) {
    watch->last_ms = now_of(watch);
    watch->last_up = up_now(watch->clouds);
    watch->least_up = G_MAXINT64;
}

void deploy_watch_changed(const char *account, const char *kind, const char *region, const char *id, gpointer data) {
    (void)account, (void)kind, (void)region, (void)id;
    DeployWatch *watch = data;
    gint64 now_ms = now_of(watch);
    if (now_ms != watch->last_ms)
        look(watch);
    watch->last_ms = now_ms;
    watch->last_up = up_now(watch->clouds);
}

/* ---- at the end ---- */

static const ServerGroup *find(const GPtrArray *groups, const char *name) {
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        if (strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}

static guint enabled_in(const GPtrArray *groups) {
    guint enabled = 0;
    for (guint i = 0; i < groups->len; i++)
        enabled += !((const ServerGroup *)((const InventoryObject *)groups->pdata[i])->record)->disabled;
    return enabled;
}

static gboolean scales_down(const DeployCase *made) {
    return strstr(made->pipeline, "\"scaleDown\":true") != NULL;
}

static char *check_success(const DeployWatch *watch, const InventorySnapshot *snapshot, const GPtrArray *groups) {
    const DeployCase *made = watch->made;
    const ServerGroup *old = find(groups, "shop-main-v000"), *newest = ((const InventoryObject *)groups->pdata[groups->len - 1])->record;
    gint64 up = up_of(snapshot, newest);
    if (made->is_exclusive && enabled_in(groups) != 1)
        return g_strdup_printf("%u server groups are enabled at the end", enabled_in(groups));
    if (newest->disabled || newest == old)
        return g_strdup_printf("the newest server group, %s, does not serve", newest->name);
    if (up < made->new_size)
        return g_strdup_printf("%d of %d instances of %s are up", (int)up, (int)made->new_size, newest->name);
    if (strcmp(made->strategy, "highlander") == 0 && groups->len != 1)
        return g_strdup_printf("%u server groups are left by highlander", groups->len);
    if (old != NULL && !scales_down(made) && old->capacity.desired != made->old_size)
        return g_strdup_printf("the old server group has size %d, had %d", (int)old->capacity.desired, (int)made->old_size);
    return NULL;
}

/* Nothing stays pinned. */
static char *check_minimums(const DeployCase *made, const Execution *execution, const GPtrArray *groups) {
    const ServerGroup *old = find(groups, "shop-main-v000"), *newest = ((const InventoryObject *)groups->pdata[groups->len - 1])->record;
    if (!made->is_calm)
        return NULL;
    if (old != NULL && !scales_down(made) && old->capacity.min != OLD_MIN)
        return g_strdup_printf("the old server group has minimum %d, had %d", (int)old->capacity.min, OLD_MIN);
    if (execution->status == STATUS_SUCCEEDED && newest->capacity.min != made->new_min)
        return g_strdup_printf("%s has minimum %d, was to have %d", newest->name, (int)newest->capacity.min, (int)made->new_min);
    return NULL;
}

static char *check_end(DeployWatch *watch, const Execution *execution) {
    const DeployCase *made = watch->made;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(watch->clouds));
    g_autoptr(GPtrArray) groups = clouds_cluster(snapshot, ACCOUNT, CLUSTER, REGION);
    g_autoptr(GPtrArray) others = clouds_cluster(snapshot, ACCOUNT, "shop-main-other", REGION);
    const ServerGroup *other = find(others, "shop-main-other-v000");
    gint64 up = up_now(watch->clouds);
    if (!status_info(execution->status)->complete)
        return g_strdup_printf("it did not end: %s", status_info(execution->status)->name);
    if (other == NULL || other->disabled || other->capacity.desired != 2 || others->len != 1)
        return g_strdup("another cluster was changed");
    watch->last_up = up;
    look(watch);
    if (!watch->booted)
        return g_strdup("what ran at the beginning never came up");
    if (watch->least_up < made->promise)
        return g_strdup_printf("only %d instances were up after %d s, promised are %d", (int)watch->least_up,
                               (int)((watch->least_at_ms - execution->start_ms) / 1000), (int)made->promise);
    if (up < made->promise)
        return g_strdup_printf("only %d instances are up at the end, promised are %d", (int)up, (int)made->promise);
    char *broken = execution->status == STATUS_SUCCEEDED ? check_success(watch, snapshot, groups) : NULL;
    return broken != NULL ? broken : check_minimums(made, execution, groups);
}

char *deploy_check(DeployWatch *watch, const Execution *execution, DeployCounts *counts) {
    *(execution->status == STATUS_SUCCEEDED ? &counts->succeeded : &counts->failed) += 1;
    counts->faulty += watch->made->faulty ? 1 : 0;
    counts->doubled += watch->made->doubled ? 1 : 0;
    counts->looks += watch->looks;
    char *broken = check_end(watch, execution);
    if (broken == NULL)
        return NULL;
    char *text = g_strdup_printf("%s (%s, %s)", broken, watch->made->strategy, status_info(execution->status)->name);
    g_free(broken);
    return text;
}
