/* What must always hold, looked at in the cloud itself and in what the store has, not in what stages say of it. */
#include "scene.h"
#include <string.h>

static gboolean is_of(const Scene *scene, const SimulatedGroup *group, guint cluster) {
    return strcmp(group->moniker.cluster, scene->cluster[cluster].name) == 0;
}

static gboolean is_enabled(const SimulatedGroup *group) {
    return !group->ending && !world_group_is_suspended(group, "AddToLoadBalancer");
}

static gboolean takes_traffic(const SimulatedInstance *instance, gint64 now_ms) {
    for (guint i = 0; instance->registrations && i < instance->registrations->len; i++) {
        HealthState state;
        if (simulated_registration_health(instance, g_ptr_array_index(instance->registrations, i), now_ms, &state) && state == HEALTH_UP)
            return TRUE;
    }
    return FALSE;
}

static gint64 count_healthy(const Scene *scene, SimulatedWorld *world, guint cluster, gint64 now_ms) {
    GPtrArray *groups = world_groups(world);
    gint64 n = 0;
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        for (guint k = 0; is_of(scene, group, cluster) && k < group->instances->len; k++)
            n += takes_traffic(g_ptr_array_index(group->instances, k), now_ms);
    }
    return n;
}

/* ---- as a deployment begins ---- */
static gint64 rounded_up(gint64 n, gint64 percent) {
    return (n * percent + 99) / 100;
}

static gboolean moves_capacity(const Deployment *deployment) {
    return deployment->strategy == BY_ROLLING || deployment->strategy == BY_MONITORED;
}

/* deploy-strategies.md 3: what is disabled was replaced by as much before. */
static gint64 promise_of(const Deployment *deployment) {
    gint64 before = deployment->healthy_before, size = deployment->size, part = deployment->first_percent;
    if (deployment->strategy == BY_NONE)
        return before;
    gint64 least = MIN(before, size);
    if (moves_capacity(deployment))
        least = MIN(least, before - rounded_up(before, part) + rounded_up(size, part));
    return MAX(least, 0);
}

static void remember_groups(Scene *scene, SimulatedWorld *world, Deployment *deployment) {
    GPtrArray *groups = world_groups(world);
    deployment->enabled_before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    deployment->disabled_before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    deployment->minimum_before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        if (group->ending || !is_of(scene, group, deployment->cluster))
            continue;
        g_hash_table_add(is_enabled(group) ? deployment->enabled_before : deployment->disabled_before, g_strdup(group->name));
        g_hash_table_insert(deployment->minimum_before, g_strdup(group->name), GINT_TO_POINTER((gint)group->capacity.min + 1));
    }
}

/* The newer one; of those whose size is copied the larger one, and of equal ones the older. */
static gboolean goes_before(const SimulatedGroup *a, const SimulatedGroup *b, gboolean by_size) {
    if (by_size && a->instances->len != b->instances->len)
        return a->instances->len > b->instances->len;
    return by_size ? a->created_ms < b->created_ms : a->created_ms > b->created_ms;
}

/* deploy-strategies.md 1: of those that are enabled, else of all. NULL: there is none. */
static const SimulatedGroup *source_of(const Scene *scene, SimulatedWorld *world, guint cluster, gboolean by_size) {
    GPtrArray *groups = world_groups(world);
    const SimulatedGroup *best = NULL;
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        if (group->ending || !is_of(scene, group, cluster))
            continue;
        gboolean better = best == NULL || (is_enabled(group) && !is_enabled(best)) ||
                          (is_enabled(group) == is_enabled(best) && goes_before(group, best, by_size));
        best = better ? group : best;
    }
    return best;
}

void watch_begin(Scene *scene, Deployment *deployment) {
    gint64 now_ms;
    deployment->alone = !scene->refuses;
    for (guint i = 0; i < scene->n; i++) {
        Deployment *other = &scene->deployment[i];
        if (other == deployment || other->cluster != deployment->cluster || other->id == NULL || other->over)
            continue;
        other->alone = deployment->alone = FALSE;
        scene->counters->side_by_side++;
    }
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    deployment->healthy_before = count_healthy(scene, world, deployment->cluster, now_ms);
    remember_groups(scene, world, deployment);
    const SimulatedGroup *source = source_of(scene, world, deployment->cluster, deployment->copies_size && !moves_capacity(deployment));
    if ((moves_capacity(deployment) || deployment->copies_size) && source) { /* the new group gets the size of the one that it replaces */
        deployment->size = source->capacity.desired;
        deployment->min = source->capacity.min;
    }
    simulator_leave(scene->room);
    deployment->promised = promise_of(deployment);
}

/* ---- after each event ---- */
static Deployment *owner_of(Scene *scene, const SimulatedGroup *group) {
    const char *number = json_get_string(json_root(group->tags), "deployment");
    return number ? &scene->deployment[g_ascii_strtoull(number, NULL, 10)] : NULL;
}

/* A group that was not there before belongs to a deployment, and no deployment makes two. */
static void check_new_group(Scene *scene, const char *name, const Deployment *owner) {
    g_hash_table_add(scene->present, g_strdup(name));
    if (owner == NULL)
        return; /* it was there from the beginning */
    scene->counters->checked_created++;
    GHashTableIter iter;
    gpointer number;
    g_hash_table_iter_init(&iter, scene->made);
    while (g_hash_table_iter_next(&iter, NULL, &number))
        if (GPOINTER_TO_UINT(number) == owner->number + 1)
            scene_fail(scene, owner, "group %s is the second one of its deployment", name);
    g_hash_table_insert(scene->made, g_strdup(name), GUINT_TO_POINTER(owner->number + 1));
}

static void check_healthy(Scene *scene, guint cluster, gint64 healthy) {
    ClusterSeen *seen = &scene->cluster[cluster];
    for (guint i = 0; i < scene->n; i++) {
        const Deployment *deployment = &scene->deployment[i];
        if (deployment->cluster != cluster || deployment->id == NULL || deployment->over || !deployment->alone || seen->killed)
            continue;
        scene->counters->checked_healthy++;
        if (healthy < deployment->promised)
            scene_fail(scene, deployment, "%" G_GINT64_FORMAT " healthy instances are left, %" G_GINT64_FORMAT " are promised", healthy,
                       deployment->promised);
    }
    if (seen->guarded && !seen->killed && seen->healthy > 0) {
        scene->counters->checked_guards++;
        if (healthy == 0)
            scene_fail(scene, NULL, "cluster %s is guarded, and nothing of it is left in traffic", seen->name);
    }
    seen->healthy = healthy;
}

static gboolean has_begun(const Stage *stage) {
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (strcmp(task->name, "createServerGroup") == 0)
            return task->status != STATUS_NOT_STARTED;
    }
    return FALSE;
}

static gboolean is_at_work(const Deployment *deployment) {
    if (deployment->last == NULL || status_info(deployment->last->status)->complete)
        return FALSE;
    for (guint i = 0; i < deployment->last->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(deployment->last->stages, i);
        if (strcmp(stage->type, "createServerGroup") == 0 && stage->status == STATUS_RUNNING && has_begun(stage))
            return TRUE;
    }
    return FALSE;
}

/* Deployments of one cluster take turns. */
static void check_turns(Scene *scene, guint cluster) {
    const Deployment *first = NULL;
    for (guint i = 0; i < scene->n; i++) {
        const Deployment *deployment = &scene->deployment[i];
        if (deployment->cluster != cluster || !is_at_work(deployment))
            continue;
        scene->counters->checked_turns++;
        if (first)
            scene_fail(scene, deployment, "it works on the cluster while deployment %u does", first->number);
        first = deployment;
    }
}

void watch_clouds(Scene *scene) {
    gint64 now_ms, healthy[CLUSTERS_MAX] = {0};
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    GPtrArray *groups = world_groups(world);
    for (guint i = 0; i < scene->clusters; i++)
        healthy[i] = count_healthy(scene, world, i, now_ms);
    g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(g_free), owners = g_ptr_array_new();
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        if (g_hash_table_contains(scene->present, group->name))
            continue;
        g_ptr_array_add(fresh, g_strdup(group->name));
        g_ptr_array_add(owners, owner_of(scene, group));
    }
    simulator_leave(scene->room); /* before anything can fail: a failure looks into the room itself */
    for (guint i = 0; i < fresh->len; i++)
        check_new_group(scene, g_ptr_array_index(fresh, i), g_ptr_array_index(owners, i));
    for (guint i = 0; i < scene->clusters; i++) {
        check_healthy(scene, i, healthy[i]);
        check_turns(scene, i);
    }
}

/* ---- as a deployment ends ---- */
typedef struct {
    Scene *scene;
    const Deployment *deployment;
    SimulatedWorld *world;
    const SimulatedGroup *own; /* or NULL */
    guint enabled, left;
} Ending;

static const SimulatedGroup *find_own(const Ending *ending) {
    GPtrArray *groups = world_groups(ending->world);
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        if (!group->ending && owner_of(ending->scene, group) == ending->deployment)
            return group;
    }
    return NULL;
}

static void count_groups(Ending *ending) {
    GPtrArray *groups = world_groups(ending->world);
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        if (group->ending || !is_of(ending->scene, group, ending->deployment->cluster))
            continue;
        ending->left++;
        ending->enabled += is_enabled(group) ? 1 : 0;
    }
}

/* The source: the newest of those that were enabled; of rolling ones only it leaves traffic. */
static guint promised_enabled(const Deployment *deployment) {
    guint before = g_hash_table_size(deployment->enabled_before);
    switch (deployment->strategy) {
    case BY_NONE:
        return before + 1;
    case BY_ROLLING:
    case BY_MONITORED:
        return MAX(before, 1);
    case BY_REDBLACK:
    case BY_HIGHLANDER:
    case STRATEGIES:
        break;
    }
    return 1;
}

static void check_enabled(const Ending *ending) {
    guint promised = promised_enabled(ending->deployment);
    ending->scene->counters->checked_enabled++;
    if (ending->own == NULL || !is_enabled(ending->own))
        scene_fail(ending->scene, ending->deployment, "it succeeded, and its group is not there, or disabled");
    if (ending->enabled != promised)
        scene_fail(ending->scene, ending->deployment, "%u groups are enabled at the end, %u are promised", ending->enabled, promised);
    if (ending->deployment->strategy == BY_HIGHLANDER && ending->left != 1)
        scene_fail(ending->scene, ending->deployment, "%u groups are left, there can be only one", ending->left);
}

/* Nobody's minimum stays pinned; what was scaled down has none. */
static void check_minimum(const Ending *ending) {
    Scene *scene = ending->scene;
    const Deployment *deployment = ending->deployment;
    GHashTableIter iter;
    gpointer name, minimum;
    scene->counters->checked_minimum++;
    if (ending->own && deployment->last->status == STATUS_SUCCEEDED && ending->own->capacity.min != deployment->min)
        scene_fail(scene, deployment, "the minimum of %s is %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " was asked for", ending->own->name,
                   ending->own->capacity.min, deployment->min);
    g_hash_table_iter_init(&iter, deployment->minimum_before);
    while (g_hash_table_iter_next(&iter, &name, &minimum)) {
        const SimulatedGroup *group = world_group(ending->world, ACCOUNT, REGION, name);
        gint64 before = GPOINTER_TO_INT(minimum) - 1;
        gboolean scaled = deployment->scales_down && group && group->capacity.max == 0;
        if (group && !group->ending && !scaled && group->capacity.min != before)
            scene_fail(scene, deployment, "the minimum of %s was %" G_GINT64_FORMAT " and is %" G_GINT64_FORMAT, group->name, before,
                       group->capacity.min);
    }
}

static gboolean is_gone(const Ending *ending, const char *name) {
    const SimulatedGroup *group = world_group(ending->world, ACCOUNT, REGION, name);
    return group == NULL || group->ending;
}

/* Destroyed is only what the strategy selects: all others by highlander, disabled ones by a red/black that keeps some; a monitored one
 * selects when the old one is disabled already. */
static void check_destroyed(const Ending *ending) {
    const Deployment *deployment = ending->deployment;
    gboolean shrinks = (deployment->strategy == BY_REDBLACK || deployment->strategy == BY_MONITORED) && deployment->keeps > 0;
    GHashTableIter iter;
    gpointer name;
    if (deployment->strategy == BY_HIGHLANDER)
        return;
    ending->scene->counters->checked_destroyed++;
    g_hash_table_iter_init(&iter, deployment->enabled_before);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!(shrinks && deployment->strategy == BY_MONITORED) && is_gone(ending, name))
            scene_fail(ending->scene, deployment, "group %s was in traffic and is gone", (const char *)name);
    g_hash_table_iter_init(&iter, deployment->disabled_before);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!shrinks && is_gone(ending, name))
            scene_fail(ending->scene, deployment, "group %s was set aside and is gone", (const char *)name);
}

/* After a bad image everything serves as before. */
static void check_old_version(const Ending *ending) {
    GHashTableIter iter;
    gpointer name;
    ending->scene->counters->checked_old_version++;
    g_hash_table_iter_init(&iter, ending->deployment->enabled_before);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        const SimulatedGroup *group = world_group(ending->world, ACCOUNT, REGION, name);
        if (group == NULL || !is_enabled(group))
            scene_fail(ending->scene, ending->deployment, "it failed, and %s is out of traffic", (const char *)name);
    }
    /* A new group is left when it may be all that serves. */
    gboolean destroys = ending->deployment->rolls_back && ending->deployment->destroys_latest &&
                        ending->deployment->strategy != BY_MONITORED;
    if (destroys && g_hash_table_size(ending->deployment->enabled_before) > 0 && ending->own)
        scene_fail(ending->scene, ending->deployment, "it failed, and its group %s is left", ending->own->name);
}

void watch_end(Scene *scene, Deployment *deployment) {
    gint64 now_ms;
    if (!deployment->alone || scene->cluster[deployment->cluster].killed)
        return;
    gboolean good = deployment->last->status == STATUS_SUCCEEDED;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    Ending ending = {.scene = scene, .deployment = deployment, .world = world};
    ending.own = find_own(&ending);
    count_groups(&ending);
    simulator_leave(scene->room); /* one thread: nothing happens while it is looked at */
    scene->counters->checked_ends++;
    /* A rolling one is refused while more than one group takes traffic (maxInitialAsgs). */
    gboolean refused = moves_capacity(deployment) && g_hash_table_size(deployment->enabled_before) > 1;
    if (good == (deployment->bad_image || refused))
        scene_fail(scene, deployment, good ? "it succeeded with an image that is never healthy" : "it failed, and nothing was wrong");
    if (good)
        check_enabled(&ending);
    else
        check_old_version(&ending);
    check_minimum(&ending);
    check_destroyed(&ending);
}

/* ---- when nothing is left to happen ---- */
/* Each group that was made is named in the execution that made it. */
void watch_over(Scene *scene) {
    GHashTableIter iter;
    gpointer name, number;
    g_hash_table_iter_init(&iter, scene->made);
    while (g_hash_table_iter_next(&iter, &name, &number)) {
        const Deployment *owner = &scene->deployment[GPOINTER_TO_UINT(number) - 1];
        g_autoptr(Json) whole = execution_to_json(owner->last, TRUE);
        g_autofree char *text = json_write(json_root(whole), NULL);
        if (!owner->last->canceled && strstr(text, name) == NULL)
            scene_fail(scene, owner, "it made %s and does not know it", (const char *)name);
    }
}
