/* The world as a whole: its lists, its chance, and the passing of time (world.h). Pure; who shares it locks it. */
#include "clouds/naming.h"
#include "clouds/simulator/world_internal.h"

static void loss_free(gpointer memory) {
    SimulatedLoss *loss = memory;
    g_free(loss->account);
    g_free(loss->region);
    g_free(loss->id);
    g_free(loss);
}

static void make_lists(SimulatedWorld *world) {
    world->groups = g_ptr_array_new_with_free_func(simulated_group_free);
    world->balancers = g_ptr_array_new_with_free_func(simulated_balancer_free);
    world->images = g_ptr_array_new_with_free_func(simulated_image_free);
    world->faults = g_ptr_array_new_with_free_func((GDestroyNotify)simulated_fault_free);
    world->calls = g_ptr_array_new_with_free_func(simulated_call_free);
    world->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->instances = 0;
    world->next_image_ms = -1;
}

static void drop_lists(SimulatedWorld *world) {
    g_hash_table_unref(world->by_name);
    g_ptr_array_unref(world->groups);
    g_ptr_array_unref(world->balancers);
    g_ptr_array_unref(world->images);
    g_ptr_array_unref(world->faults);
    g_ptr_array_unref(world->calls);
}

SimulatedWorld *world_new(guint64 seed) {
    SimulatedWorld *world = g_new0(SimulatedWorld, 1);
    world->chance = seed;
    world->losses = g_ptr_array_new_with_free_func(loss_free);
    world->quotas = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    make_lists(world);
    return world;
}

void world_free(SimulatedWorld *world) {
    if (world == NULL)
        return;
    drop_lists(world);
    g_ptr_array_unref(world->losses);
    g_hash_table_unref(world->quotas);
    g_free(world);
}

static void lose_group(SimulatedWorld *world, const SimulatedGroup *group) {
    if (!group->ending)
        world_lose(world, KIND_SERVER_GROUP, group->account, group->region, group->name);
    for (guint i = 0; i < group->instances->len; i++)
        world_lose(world, KIND_INSTANCE, group->account, group->region, ((const SimulatedInstance *)group->instances->pdata[i])->id);
}

void world_clear(SimulatedWorld *world) {
    for (guint i = 0; i < world->groups->len; i++)
        lose_group(world, world->groups->pdata[i]);
    for (guint i = 0; i < world->balancers->len; i++) {
        const SimulatedBalancer *balancer = world->balancers->pdata[i];
        world_lose(world, simulated_balancer_kinds[balancer->kind], balancer->account, balancer->region, balancer->name);
    }
    drop_lists(world);
    make_lists(world);
    world_changed(world);
}

void world_set_lenient(SimulatedWorld *world, gboolean lenient) {
    world->lenient = lenient;
}

gboolean world_is_lenient(const SimulatedWorld *world) {
    return world->lenient;
}

void world_set_quota(SimulatedWorld *world, const char *account, gint64 instances, gint64 server_groups) {
    SimulatedQuota *quota = g_new0(SimulatedQuota, 1);
    *quota = (SimulatedQuota){instances, server_groups};
    g_hash_table_replace(world->quotas, g_strdup(account), quota);
}

/* splitmix64: small, and the same everywhere. */
guint64 world_random(SimulatedWorld *world) {
    guint64 z = world->chance += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

double world_chance(SimulatedWorld *world) {
    return (double)(world_random(world) >> 11) / (double)(G_GUINT64_CONSTANT(1) << 53);
}

GPtrArray *world_groups(const SimulatedWorld *world) {
    return world->groups;
}

GPtrArray *world_balancers(const SimulatedWorld *world) {
    return world->balancers;
}

GPtrArray *world_images(const SimulatedWorld *world) {
    return world->images;
}

gint64 world_version(const SimulatedWorld *world) {
    return world->version;
}

void world_changed(SimulatedWorld *world) {
    world->version++;
}

char *world_key(const char *account, const char *region, const char *name) {
    return g_strjoin("|", account, region, name, NULL);
}

char *world_new_id(SimulatedWorld *world, const char *prefix) {
    return g_strdup_printf("%s-%04" G_GINT64_MODIFIER "x%08x", prefix, ++world->last_id, (guint32)world_random(world));
}

char **world_strings(const char *const *texts) {
    return texts != NULL ? g_strdupv((char **)texts) : g_new0(char *, 1);
}

void world_lose(SimulatedWorld *world, const char *kind, const char *account, const char *region, const char *id) {
    SimulatedLoss *loss = g_new0(SimulatedLoss, 1);
    *loss = (SimulatedLoss){kind, g_strdup(account), g_strdup(region), g_strdup(id)};
    g_ptr_array_add(world->losses, loss);
}

GPtrArray *world_take_losses(SimulatedWorld *world) {
    GPtrArray *losses = world->losses;
    world->losses = g_ptr_array_new_with_free_func(loss_free);
    return losses;
}

/* ---- time ---- */

/* When reads of some place show what is again; -1: none does not. */
static gint64 next_end_of_stale(const SimulatedWorld *world) {
    gint64 next_ms = -1;
    for (guint i = 0; i < world->faults->len; i++) {
        const SimulatedFault *fault = world->faults->pdata[i];
        gint64 end_ms = fault->began_ms + fault->after_ms + fault->for_ms;
        if (fault->kind == FAULT_STALE && fault->for_ms >= 0 && end_ms > world->now_ms && (next_ms < 0 || end_ms < next_ms))
            next_ms = end_ms;
    }
    return next_ms;
}

gint64 world_next_change_ms(const SimulatedWorld *world) {
    gint64 next_ms = world->next_image_ms, stale_ms = next_end_of_stale(world);
    if (stale_ms >= 0 && (next_ms < 0 || stale_ms < next_ms))
        next_ms = stale_ms;
    for (guint i = 0; i < world->groups->len; i++) {
        gint64 own_ms = ((const SimulatedGroup *)world->groups->pdata[i])->next_ms;
        if (own_ms >= 0 && (next_ms < 0 || own_ms < next_ms))
            next_ms = own_ms;
    }
    return next_ms;
}

static void settle_due(SimulatedWorld *world, gint64 now_ms) {
    for (guint i = 0; i < world->groups->len;) {
        SimulatedGroup *group = world->groups->pdata[i];
        if (group->next_ms >= 0 && group->next_ms <= now_ms)
            world_group_settle(world, group, now_ms);
        if (!group->ending || group->instances->len > 0) {
            i++;
            continue;
        }
        g_autofree char *key = world_key(group->account, group->region, group->name);
        g_hash_table_remove(world->by_name, key);
        g_ptr_array_remove_index(world->groups, i);
    }
}

void world_advance(SimulatedWorld *world, gint64 now_ms) {
    for (;;) {
        gint64 next_ms = world_next_change_ms(world);
        if (next_ms < 0 || next_ms > now_ms)
            break;
        world->now_ms = MAX(world->now_ms, next_ms);
        settle_due(world, next_ms);
        world_settle_images(world, next_ms);
    }
    world->now_ms = MAX(world->now_ms, now_ms);
}
