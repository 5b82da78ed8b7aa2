/* Instances: from launch to end, and what load balancers say of them (world.h). Pure. */
#include "clouds/simulator/world_internal.h"
#include <string.h>

/* ---- making and freeing ---- */

static void registration_free(gpointer memory) {
    SimulatedRegistration *registration = memory;
    g_free(registration->name);
    g_free(registration);
}

SimulatedInstance *simulated_instance_new(void) {
    SimulatedInstance *instance = g_new0(SimulatedInstance, 1);
    instance->registrations = g_ptr_array_new_with_free_func(registration_free);
    return instance;
}

void simulated_instance_free(gpointer memory) {
    SimulatedInstance *instance = memory;
    g_free(instance->id);
    g_free(instance->zone);
    g_ptr_array_unref(instance->registrations);
    g_free(instance);
}

static SimulatedRegistration *find_registration(const SimulatedInstance *instance, const char *name, gboolean is_target) {
    for (guint i = 0; i < instance->registrations->len; i++) {
        SimulatedRegistration *registration = instance->registrations->pdata[i];
        if (registration->is_target == is_target && strcmp(registration->name, name) == 0)
            return registration;
    }
    return NULL;
}

SimulatedRegistration *simulated_registration_add(SimulatedInstance *instance, const char *name, gboolean is_target, gint64 since_ms) {
    SimulatedRegistration *registration = find_registration(instance, name, is_target);
    if (registration != NULL && registration->draining_ms == 0)
        return registration;
    if (registration == NULL) {
        registration = g_new0(SimulatedRegistration, 1);
        registration->name = g_strdup(name);
        registration->is_target = is_target;
        g_ptr_array_add(instance->registrations, registration);
    }
    registration->since_ms = since_ms;
    registration->draining_ms = 0;
    return registration;
}

SimulatedInstance *world_instance_launch(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms) {
    SimulatedInstance *instance = simulated_instance_new();
    const SimulatedBehaviour *behaviour = &group->behaviour;
    gint64 boot_ms = behaviour->boot_ms >= 0 ? behaviour->boot_ms : SIMULATED_BOOT_MS;
    guint zones = g_strv_length(group->zones);
    instance->id = world_new_id(world, "i");
    instance->zone = g_strdup(zones > 0 ? group->zones[world->last_id % zones] : group->region);
    instance->launch_ms = now_ms;
    instance->healthy_ms = behaviour->never_healthy ? G_MAXINT64 : now_ms + boot_ms;
    instance->crash_ms = behaviour->crash_ms >= 0 ? now_ms + MAX(behaviour->crash_ms, 1) : 0;
    instance->error_rate = behaviour->error_rate;
    g_ptr_array_add(group->instances, instance);
    world->instances++;
    if (!world_group_is_suspended(group, "AddToLoadBalancer"))
        world_instance_register(world, group, instance, NULL, now_ms);
    return instance;
}

/* ---- looking ---- */

SimulatedInstance *world_instance(const SimulatedWorld *world, const char *account, const char *region, const char *id,
                                  SimulatedGroup **of_group) {
    for (guint g = 0; g < world->groups->len; g++) {
        SimulatedGroup *group = world->groups->pdata[g];
        if (strcmp(group->account, account) != 0 || (region != NULL && strcmp(group->region, region) != 0))
            continue;
        for (guint i = 0; i < group->instances->len; i++) {
            SimulatedInstance *instance = group->instances->pdata[i];
            if (strcmp(instance->id, id) != 0)
                continue;
            *of_group = group;
            return instance;
        }
    }
    return NULL;
}

gboolean simulated_is_dead(const SimulatedInstance *instance, gint64 now_ms) {
    return instance->crash_ms > 0 && now_ms >= instance->crash_ms;
}

gboolean simulated_passes(const SimulatedInstance *instance, gint64 now_ms) {
    return now_ms >= instance->healthy_ms && !simulated_is_dead(instance, now_ms) && instance->terminate_ms == 0;
}

const char *simulated_lifecycle(const SimulatedInstance *instance, gint64 now_ms) {
    if (instance->terminate_ms > 0)
        return "Terminating";
    return now_ms < instance->launch_ms + MIN(SIMULATED_PENDING_MS, MAX(instance->healthy_ms - instance->launch_ms, 0)) ? "Pending"
                                                                                                                        : "InService";
}

/* When the verdict on an instance that never gets well changes from "starting" to "down". */
static gint64 verdict_ms(const SimulatedInstance *instance, const SimulatedRegistration *registration) {
    return MAX(registration->since_ms, instance->launch_ms + SIMULATED_BOOT_MS) + SIMULATED_CHECK_MS;
}

/* When it is first called up. */
static gint64 up_ms(const SimulatedInstance *instance, const SimulatedRegistration *registration) {
    return MAX(instance->healthy_ms, registration->since_ms + SIMULATED_CHECK_MS);
}

gboolean simulated_registration_health(const SimulatedInstance *instance, const SimulatedRegistration *registration, gint64 now_ms,
                                       HealthState *state) {
    if (registration->draining_ms > 0) {
        *state = HEALTH_DRAINING;
        return now_ms < registration->draining_ms + SIMULATED_DRAIN_MS && !simulated_is_dead(instance, now_ms);
    }
    if (simulated_is_dead(instance, now_ms))
        *state = HEALTH_DOWN;
    else if (instance->healthy_ms == G_MAXINT64)
        *state = now_ms < verdict_ms(instance, registration) ? HEALTH_STARTING : HEALTH_DOWN;
    else
        *state = now_ms < up_ms(instance, registration) ? HEALTH_STARTING : HEALTH_UP;
    return TRUE;
}

static void consider(gint64 candidate_ms, gint64 now_ms, gint64 *next_ms) {
    if (candidate_ms > now_ms && candidate_ms != G_MAXINT64 && (*next_ms < 0 || candidate_ms < *next_ms))
        *next_ms = candidate_ms;
}

gint64 simulated_instance_next_ms(const SimulatedInstance *instance, gint64 now_ms) {
    gint64 next_ms = -1;
    consider(instance->launch_ms + SIMULATED_PENDING_MS, now_ms, &next_ms);
    consider(instance->healthy_ms, now_ms, &next_ms);
    consider(instance->crash_ms, now_ms, &next_ms);
    if (instance->crash_ms > 0)
        consider(instance->crash_ms + SIMULATED_DETECTION_MS, now_ms, &next_ms);
    consider(instance->gone_ms, now_ms, &next_ms);
    for (guint i = 0; i < instance->registrations->len; i++) {
        const SimulatedRegistration *registration = instance->registrations->pdata[i];
        if (registration->draining_ms > 0)
            consider(registration->draining_ms + SIMULATED_DRAIN_MS, now_ms, &next_ms);
        else
            consider(instance->healthy_ms == G_MAXINT64 ? verdict_ms(instance, registration) : up_ms(instance, registration), now_ms,
                     &next_ms);
    }
    return next_ms;
}

/* ---- traffic ---- */

void world_instance_register(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, const char *name, gint64 now_ms) {
    if (instance->terminate_ms > 0)
        return;
    if (name != NULL) {
        gboolean is_target = world_balancer(world, BALANCER_TARGET_GROUP, group->account, group->region, name) != NULL;
        simulated_registration_add(instance, name, is_target, now_ms);
    } else {
        instance->out = FALSE;
        for (char **balancer = group->load_balancers; *balancer != NULL; balancer++)
            simulated_registration_add(instance, *balancer, FALSE, now_ms);
        for (char **target = group->target_groups; *target != NULL; target++)
            simulated_registration_add(instance, *target, TRUE, now_ms);
    }
    world_group_touch(world, group, now_ms);
}

void world_instance_deregister(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, const char *name, gint64 now_ms) {
    if (name == NULL)
        instance->out = TRUE;
    for (guint i = 0; i < instance->registrations->len; i++) {
        SimulatedRegistration *registration = instance->registrations->pdata[i];
        if (registration->draining_ms == 0 && (name == NULL || strcmp(registration->name, name) == 0))
            registration->draining_ms = now_ms;
    }
    world_group_touch(world, group, now_ms);
}

/* ---- ends ---- */

void world_instance_terminate(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms) {
    if (instance->terminate_ms > 0)
        return;
    gboolean drains = FALSE;
    for (guint i = 0; i < instance->registrations->len; i++) {
        SimulatedRegistration *registration = instance->registrations->pdata[i];
        drains = drains || (registration->draining_ms == 0 && !simulated_is_dead(instance, now_ms));
        if (registration->draining_ms == 0)
            registration->draining_ms = now_ms;
    }
    instance->terminate_ms = now_ms;
    instance->gone_ms = now_ms + (drains ? SIMULATED_DRAIN_MS : 0) + SIMULATED_SHUTDOWN_MS;
    world_group_touch(world, group, now_ms);
}

void world_instance_reboot(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms) {
    if (instance->terminate_ms > 0 || simulated_is_dead(instance, now_ms))
        return;
    if (instance->healthy_ms != G_MAXINT64)
        instance->healthy_ms = MAX(instance->healthy_ms, now_ms + SIMULATED_REBOOT_MS);
    world_group_touch(world, group, now_ms);
}

void world_instance_kill(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms) {
    if (instance->terminate_ms == 0 && !simulated_is_dead(instance, now_ms))
        instance->crash_ms = now_ms;
    world_group_touch(world, group, now_ms);
}

void world_instance_detach(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms) {
    world_lose(world, KIND_INSTANCE, group->account, group->region, instance->id);
    g_ptr_array_remove(group->instances, instance);
    world->instances--;
    world_group_touch(world, group, now_ms);
}

void world_lose_instance(SimulatedWorld *world, const char *account, const char *region, gint64 now_ms) {
    SimulatedGroup *chosen_group = NULL;
    SimulatedInstance *chosen = NULL;
    guint64 living = 0;
    for (guint g = 0; g < world->groups->len; g++) {
        SimulatedGroup *group = world->groups->pdata[g];
        if ((account != NULL && strcmp(group->account, account) != 0) || (region != NULL && strcmp(group->region, region) != 0))
            continue;
        for (guint i = 0; i < group->instances->len; i++) {
            SimulatedInstance *instance = group->instances->pdata[i];
            if (instance->terminate_ms > 0 || simulated_is_dead(instance, now_ms) || world_random(world) % ++living != 0)
                continue;
            chosen = instance;
            chosen_group = group;
        }
    }
    if (chosen != NULL)
        world_instance_kill(world, chosen_group, chosen, now_ms);
}
