/* Server groups: what they hold, and how they heal themselves (world.h). Pure. */
#include "clouds/naming.h"
#include "clouds/simulator/world_internal.h"
#include <string.h>

void simulated_group_free(gpointer memory) {
    SimulatedGroup *group = memory;
    char *const texts[] = {group->account,    group->region,        group->name,    group->token,  group->image_id,
                           group->image_name, group->instance_type, group->network, group->problem};
    char **const lists[] = {group->zones, group->load_balancers, group->target_groups, group->security_groups, group->suspended};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        g_strfreev(lists[i]);
    moniker_clear(&group->moniker);
    json_unref(group->tags);
    g_ptr_array_unref(group->policies);
    g_ptr_array_unref(group->actions);
    g_ptr_array_unref(group->instances);
    g_free(group);
}

SimulatedGroup *world_group(const SimulatedWorld *world, const char *account, const char *region, const char *name) {
    if (account == NULL || region == NULL || name == NULL)
        return NULL;
    g_autofree char *key = world_key(account, region, name);
    SimulatedGroup *group = g_hash_table_lookup(world->by_name, key);
    return group != NULL && !group->ending ? group : NULL;
}

gboolean world_group_is_suspended(const SimulatedGroup *group, const char *process) {
    return g_strv_contains((const char *const *)group->suspended, process);
}

guint world_account_instances(const SimulatedWorld *world, const char *account) {
    guint count = 0;
    for (guint i = 0; i < world->groups->len; i++) {
        const SimulatedGroup *group = world->groups->pdata[i];
        if (strcmp(group->account, account) == 0)
            count += group->instances->len;
    }
    return count;
}

/* ---- healing ---- */

static void remove_gone(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    for (guint i = 0; i < group->instances->len;) {
        const SimulatedInstance *instance = group->instances->pdata[i];
        if (instance->gone_ms == 0 || instance->gone_ms > now_ms) {
            i++;
            continue;
        }
        world_lose(world, KIND_INSTANCE, group->account, group->region, instance->id);
        g_ptr_array_remove_index(group->instances, i);
        world->instances--;
    }
}

static gboolean heals(const SimulatedGroup *group) {
    return !world_group_is_suspended(group, "Terminate") && !world_group_is_suspended(group, "HealthCheck") &&
           !world_group_is_suspended(group, "ReplaceUnhealthy");
}

static void end_dead(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    for (guint i = 0; heals(group) && i < group->instances->len; i++) {
        SimulatedInstance *instance = group->instances->pdata[i];
        if (instance->terminate_ms == 0 && instance->crash_ms > 0 && now_ms >= instance->crash_ms + SIMULATED_DETECTION_MS)
            world_instance_terminate(world, group, instance, now_ms);
    }
}

static gint64 count_members(const SimulatedGroup *group) {
    gint64 count = 0;
    for (guint i = 0; i < group->instances->len; i++)
        count += ((const SimulatedInstance *)group->instances->pdata[i])->terminate_ms == 0;
    return count;
}

/* Why nothing more can be launched; NULL: it can. */
static const char *launch_problem(const SimulatedWorld *world, const SimulatedGroup *group) {
    const SimulatedQuota *quota = g_hash_table_lookup(world->quotas, group->account);
    if (quota != NULL && quota->instances > 0 && world_account_instances(world, group->account) >= (guint64)quota->instances)
        return "the account's quota of instances is used up";
    return world->instances >= SIMULATED_INSTANCES_MAX ? "the simulated cloud is full" : NULL;
}

static void set_problem(SimulatedGroup *group, const char *problem, gint64 now_ms) {
    g_free(group->problem);
    group->problem = g_strdup(problem);
    group->retry_ms = problem != NULL ? now_ms + SIMULATED_RETRY_MS : 0;
}

static void launch_missing(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    const char *problem = NULL;
    for (gint64 members = count_members(group); members < group->capacity.desired && problem == NULL; members++) {
        problem = launch_problem(world, group);
        if (problem == NULL)
            world_instance_launch(world, group, now_ms);
    }
    set_problem(group, problem, now_ms);
}

static void end_surplus(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    gint64 surplus = count_members(group) - group->capacity.desired;
    for (guint i = 0; i < group->instances->len && surplus > 0; i++) {
        SimulatedInstance *instance = group->instances->pdata[i];
        if (instance->terminate_ms > 0)
            continue;
        world_instance_terminate(world, group, instance, now_ms);
        surplus--;
    }
}

static gint64 next_change(const SimulatedGroup *group, gint64 now_ms) {
    gint64 next_ms = group->retry_ms > now_ms ? group->retry_ms : -1;
    for (guint i = 0; i < group->instances->len; i++) {
        gint64 own_ms = simulated_instance_next_ms(group->instances->pdata[i], now_ms);
        if (own_ms >= 0 && (next_ms < 0 || own_ms < next_ms))
            next_ms = own_ms;
    }
    return next_ms;
}

void world_group_settle(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    remove_gone(world, group, now_ms);
    end_dead(world, group, now_ms);
    if (!group->ending && !world_group_is_suspended(group, "Launch"))
        launch_missing(world, group, now_ms);
    if (!group->ending && !world_group_is_suspended(group, "Terminate"))
        end_surplus(world, group, now_ms);
    group->next_ms = next_change(group, now_ms);
    group->changed = TRUE;
}

void world_group_touch(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    group->next_ms = now_ms; /* the next world_advance settles it, before anything else is seen */
    group->changed = TRUE;
    world_changed(world);
}

/* ---- creating ---- */

static gboolean check_sizes(const SimulatedGroupPlan *plan, GError **error) {
    const Capacity *capacity = &plan->capacity;
    if (capacity->min >= 0 && capacity->min <= capacity->desired && capacity->desired <= capacity->max &&
        capacity->max <= SIMULATED_GROUP_SIZE_MAX)
        return TRUE;
    error_set(error, ERR_INVALID,
              "create server group %s in %s (account %s): min %" G_GINT64_FORMAT ", desired %" G_GINT64_FORMAT ", max %" G_GINT64_FORMAT
              " do not fit together (at most %d)",
              plan->name, plan->region, plan->account, capacity->min, capacity->desired, capacity->max, SIMULATED_GROUP_SIZE_MAX);
    return FALSE;
}

static gboolean check_quota(const SimulatedWorld *world, const SimulatedGroupPlan *plan, GError **error) {
    const SimulatedQuota *quota = g_hash_table_lookup(world->quotas, plan->account);
    gint64 most = quota != NULL && quota->server_groups > 0 ? quota->server_groups : SIMULATED_GROUPS_MAX, have = 0;
    for (guint i = 0; i < world->groups->len; i++)
        have += strcmp(((const SimulatedGroup *)world->groups->pdata[i])->account, plan->account) == 0;
    if (have < most && world->groups->len < SIMULATED_GROUPS_MAX)
        return TRUE;
    error_set(error, ERR_LIMIT,
              "create server group %s in %s (account %s): the account has %" G_GINT64_FORMAT " of at most %" G_GINT64_FORMAT
              " server groups",
              plan->name, plan->region, plan->account, have, most);
    return FALSE;
}

static gboolean check_balancers(SimulatedWorld *world, const SimulatedGroupPlan *plan, SimulatedBalancerKind kind, const char *const *names,
                                const char *what, GError **error) {
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        if (world_balancer(world, kind, plan->account, plan->region, names[i]) != NULL)
            continue;
        if (world->lenient && world_balancer_put(world, kind, plan->account, plan->region, names[i], NULL, error) != NULL)
            continue;
        error_set(error, ERR_NOT_FOUND, "create server group %s in %s (account %s): there is no %s %s", plan->name, plan->region,
                  plan->account, what, names[i]);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_plan(SimulatedWorld *world, const SimulatedGroupPlan *plan, GError **error) {
    g_autofree char *key = world_key(plan->account, plan->region, plan->name);
    if (g_hash_table_contains(world->by_name, key)) {
        error_set(error, ERR_CONFLICT, "create server group %s in %s (account %s): the name is taken", plan->name, plan->region,
                  plan->account);
        return FALSE;
    }
    return check_sizes(plan, error) && check_quota(world, plan, error) &&
           check_balancers(world, plan, BALANCER_LOAD_BALANCER, plan->load_balancers, "load balancer", error) &&
           check_balancers(world, plan, BALANCER_TARGET_GROUP, plan->target_groups, "target group", error) &&
           check_balancers(world, plan, BALANCER_SECURITY_GROUP, plan->security_groups, "security group", error);
}

/* The image, made up in a lenient world. NULL with *error. */
static SimulatedImage *image_for(SimulatedWorld *world, const SimulatedGroup *group, const char *image, gint64 now_ms, GError **error) {
    SimulatedImage *found = image != NULL ? world_image(world, group->account, group->region, image) : NULL;
    if (found == NULL && image != NULL && world->lenient)
        return world_image_add(world, image, image, NULL, NULL, NULL, NULL, now_ms, error);
    if (found == NULL)
        error_set(error, ERR_NOT_FOUND, "server group %s in %s (account %s): there is no image %s", group->name, group->region,
                  group->account, image != NULL ? image : "(none named)");
    return found;
}

static gboolean set_image(SimulatedGroup *group, const SimulatedImage *image, const char *behaviour, GError **error) {
    if (!simulated_behaviour_parse(behaviour != NULL ? behaviour : image->behaviour, &group->behaviour, error))
        return FALSE;
    g_free(group->image_id);
    g_free(group->image_name);
    group->image_id = g_strdup(image->id);
    group->image_name = g_strdup(image->name);
    return TRUE;
}

SimulatedGroup *simulated_group_new(void) {
    SimulatedGroup *group = g_new0(SimulatedGroup, 1);
    group->policies = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    group->actions = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    group->instances = g_ptr_array_new_with_free_func(simulated_instance_free);
    group->behaviour = simulated_behaviour_usual;
    return group;
}

static SimulatedGroup *new_group(const SimulatedGroupPlan *plan, gint64 now_ms) {
    SimulatedGroup *group = simulated_group_new();
    group->account = g_strdup(plan->account);
    group->region = g_strdup(plan->region);
    group->name = g_strdup(plan->name);
    group->token = g_strdup(plan->token);
    naming_parse(plan->name, &group->moniker);
    group->created_ms = now_ms;
    group->capacity = plan->capacity;
    group->zones = world_strings(plan->zones);
    group->load_balancers = world_strings(plan->load_balancers);
    group->target_groups = world_strings(plan->target_groups);
    group->security_groups = world_strings(plan->security_groups);
    group->suspended = world_strings(plan->suspended);
    group->instance_type = g_strdup(plan->instance_type);
    group->network = g_strdup(plan->network);
    group->tags = json_merge(plan->tags, NULL);
    return group;
}

void world_group_insert(SimulatedWorld *world, SimulatedGroup *group) {
    g_hash_table_insert(world->by_name, world_key(group->account, group->region, group->name), group);
    g_ptr_array_add(world->groups, group);
}

SimulatedGroup *world_group_create(SimulatedWorld *world, const SimulatedGroupPlan *plan, gint64 now_ms, GError **error) {
    if (!check_plan(world, plan, error))
        return NULL;
    SimulatedGroup *group = new_group(plan, now_ms);
    const SimulatedImage *image = image_for(world, group, plan->image, now_ms, error);
    if (image == NULL || !set_image(group, image, plan->behaviour, error)) {
        simulated_group_free(group);
        return NULL;
    }
    world_group_insert(world, group);
    world_group_settle(world, group, now_ms);
    world_changed(world);
    return group;
}

/* ---- changing ---- */

gboolean world_group_resize(SimulatedWorld *world, SimulatedGroup *group, Capacity wanted, gint64 now_ms, GError **error) {
    Capacity size = group->capacity;
    size.min = wanted.min >= 0 ? wanted.min : size.min;
    size.max = wanted.max >= 0 ? wanted.max : size.max;
    size.desired = wanted.desired >= 0 ? wanted.desired : CLAMP(size.desired, size.min, MAX(size.max, size.min));
    if (size.min > size.max || size.desired < size.min || size.desired > size.max || size.max > SIMULATED_GROUP_SIZE_MAX) {
        error_set(error, ERR_INVALID,
                  "resize %s in %s (account %s): min %" G_GINT64_FORMAT ", desired %" G_GINT64_FORMAT ", max %" G_GINT64_FORMAT
                  " do not fit together (at most %d)",
                  group->name, group->region, group->account, size.min, size.desired, size.max, SIMULATED_GROUP_SIZE_MAX);
        return FALSE;
    }
    group->capacity = size;
    world_group_touch(world, group, now_ms);
    return TRUE;
}

static void set_suspended(SimulatedWorld *world, SimulatedGroup *group, GPtrArray *processes, gint64 now_ms) {
    g_ptr_array_add(processes, NULL);
    g_strfreev(group->suspended);
    group->suspended = (char **)g_ptr_array_free(processes, FALSE);
    world_group_touch(world, group, now_ms);
}

void world_group_suspend(SimulatedWorld *world, SimulatedGroup *group, const char *const *processes, gint64 now_ms) {
    GPtrArray *all = g_ptr_array_new();
    for (char **process = group->suspended; *process != NULL; process++)
        g_ptr_array_add(all, g_strdup(*process));
    for (guint i = 0; processes[i] != NULL; i++)
        if (!world_group_is_suspended(group, processes[i]))
            g_ptr_array_add(all, g_strdup(processes[i]));
    set_suspended(world, group, all, now_ms);
}

void world_group_resume(SimulatedWorld *world, SimulatedGroup *group, const char *const *processes, gint64 now_ms) {
    GPtrArray *left = g_ptr_array_new();
    for (char **process = group->suspended; *process != NULL; process++)
        if (!g_strv_contains(processes, *process))
            g_ptr_array_add(left, g_strdup(*process));
    set_suspended(world, group, left, now_ms);
}

void world_group_destroy(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    for (guint i = 0; i < group->instances->len; i++)
        world_instance_terminate(world, group, group->instances->pdata[i], now_ms);
    world_lose(world, KIND_SERVER_GROUP, group->account, group->region, group->name);
    group->ending = TRUE;
    world_group_touch(world, group, now_ms);
}

void world_group_tag(SimulatedWorld *world, SimulatedGroup *group, const JsonValue *tags, gint64 now_ms) {
    g_autoptr(Json) merged = json_merge(json_root(group->tags), tags);
    json_unref(group->tags);
    group->tags = json_without_nulls(json_root(merged));
    world_group_touch(world, group, now_ms);
}

gboolean world_group_launch(SimulatedWorld *world, SimulatedGroup *group, const char *image, const char *instance_type, gint64 now_ms,
                            GError **error) {
    const SimulatedImage *found = image != NULL ? image_for(world, group, image, now_ms, error) : NULL;
    if (image != NULL && (found == NULL || !set_image(group, found, NULL, error)))
        return FALSE;
    if (instance_type != NULL) {
        g_free(group->instance_type);
        group->instance_type = g_strdup(instance_type);
    }
    world_group_touch(world, group, now_ms);
    return TRUE;
}

char *world_next_name(const SimulatedWorld *world, const char *account, const char *region, const char *cluster, GError **error) {
    g_autoptr(GArray) known = g_array_new(FALSE, FALSE, sizeof(NamedGroup));
    for (guint i = 0; i < world->groups->len; i++) {
        const SimulatedGroup *group = world->groups->pdata[i];
        if (strcmp(group->account, account) != 0 || strcmp(group->region, region) != 0 || g_strcmp0(group->moniker.cluster, cluster) != 0)
            continue;
        NamedGroup named = {group->name, group->created_ms};
        g_array_append_val(known, named);
    }
    return naming_next(cluster, (const NamedGroup *)(gpointer)known->data, known->len, 0, error);
}
