/* Images, load balancers, target groups and firewalls of the world (world.h). Pure. */
#include "clouds/simulator/world_internal.h"
#include <string.h>

const char *const simulated_balancer_kinds[] = {[BALANCER_LOAD_BALANCER] = KIND_LOAD_BALANCER,
                                                [BALANCER_TARGET_GROUP] = KIND_TARGET_GROUP,
                                                [BALANCER_SECURITY_GROUP] = KIND_SECURITY_GROUP};

/* ---- images ---- */

void simulated_image_free(gpointer memory) {
    SimulatedImage *image = memory;
    g_free(image->id);
    g_free(image->name);
    g_free(image->owner);
    g_free(image->behaviour);
    g_free(image->bake);
    g_strfreev(image->regions);
    json_unref(image->tags);
    g_free(image);
}

static gboolean is_in_region(const SimulatedImage *image, const char *region) {
    return image->regions == NULL || region == NULL || g_strv_contains((const char *const *)image->regions, region);
}

/* Every account of a simulated cloud may launch every image: who owns one is only told. */
SimulatedImage *world_image(const SimulatedWorld *world, const char *account, const char *region, const char *name_or_id) {
    (void)account;
    for (guint i = world->images->len; i-- > 0;) {
        SimulatedImage *image = world->images->pdata[i];
        if (simulated_image_is_ready(image, world->now_ms) && is_in_region(image, region) &&
            (strcmp(image->id, name_or_id) == 0 || g_strcmp0(image->name, name_or_id) == 0))
            return image;
    }
    return NULL;
}

/* The same name gives the same id, so that a repeated bake, or a restart, finds what it made. */
static char *id_of_name(const char *name) {
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    return g_strdup_printf("img-%.12s", digest);
}

SimulatedImage *world_image_add(SimulatedWorld *world, const char *id, const char *name, const char *owner, const char *const *regions,
                                const JsonValue *tags, const char *behaviour, gint64 now_ms, GError **error) {
    SimulatedBehaviour checked;
    if (!simulated_behaviour_parse(behaviour, &checked, error)) {
        g_prefix_error(error, "image %s: ", name);
        return NULL;
    }
    if (world->images->len >= SIMULATED_IMAGES_MAX) {
        error_set(error, ERR_LIMIT, "image %s: the simulated cloud holds at most %d images", name, SIMULATED_IMAGES_MAX);
        return NULL;
    }
    SimulatedImage *image = g_new0(SimulatedImage, 1);
    image->id = id != NULL ? g_strdup(id) : id_of_name(name);
    image->name = g_strdup(name);
    image->owner = g_strdup(owner);
    image->regions = regions != NULL ? g_strdupv((char **)regions) : NULL;
    image->created_ms = now_ms;
    image->tags = json_merge(tags, NULL);
    image->behaviour = g_strdup(behaviour);
    image->changed = TRUE;
    g_ptr_array_add(world->images, image);
    world_changed(world);
    return image;
}

/* ---- bakes ---- */

gboolean simulated_image_is_ready(const SimulatedImage *image, gint64 now_ms) {
    return image->ready_ms <= now_ms;
}

void world_settle_images(SimulatedWorld *world, gint64 now_ms) {
    world->next_image_ms = -1;
    for (guint i = 0; i < world->images->len; i++) {
        gint64 ready_ms = ((const SimulatedImage *)world->images->pdata[i])->ready_ms;
        if (ready_ms > now_ms && (world->next_image_ms < 0 || ready_ms < world->next_image_ms))
            world->next_image_ms = ready_ms;
    }
}

SimulatedImage *world_image_of_bake(const SimulatedWorld *world, const char *bake) {
    for (guint i = world->images->len; i-- > 0;) {
        SimulatedImage *image = world->images->pdata[i];
        if (g_strcmp0(image->bake, bake) == 0)
            return image;
    }
    return NULL;
}

SimulatedImage *world_image_bake(SimulatedWorld *world, const char *bake, const char *name, const char *owner, const char *region,
                                 const JsonValue *tags, const char *behaviour, gint64 now_ms, GError **error) {
    SimulatedImage *image = world_image_of_bake(world, bake);
    if (image != NULL)
        return image;
    const char *const regions[] = {region, NULL};
    g_autofree char *seed = g_strjoin("/", name, region, NULL), *id = id_of_name(seed);
    image = world_image_add(world, id, name, owner, regions, tags, behaviour, now_ms, error);
    if (image == NULL)
        return NULL;
    image->bake = g_strdup(bake);
    image->ready_ms = now_ms + SIMULATED_BAKE_MS;
    world_settle_images(world, now_ms);
    return image;
}

void world_image_remove(SimulatedWorld *world, const char *name_or_id) {
    for (guint i = world->images->len; i-- > 0;) {
        const SimulatedImage *image = world->images->pdata[i];
        if (strcmp(image->id, name_or_id) != 0 && g_strcmp0(image->name, name_or_id) != 0)
            continue;
        world_lose(world, KIND_IMAGE, NULL, NULL, image->id);
        g_ptr_array_remove_index(world->images, i);
        world_changed(world);
    }
}

void world_image_tag(SimulatedWorld *world, SimulatedImage *image, const JsonValue *tags) {
    g_autoptr(Json) merged = json_merge(json_root(image->tags), tags);
    json_unref(image->tags);
    image->tags = json_without_nulls(json_root(merged));
    image->changed = TRUE;
    world_changed(world);
}

/* ---- load balancers, target groups, firewalls ---- */

void simulated_balancer_free(gpointer memory) {
    SimulatedBalancer *balancer = memory;
    g_free(balancer->account);
    g_free(balancer->region);
    g_free(balancer->name);
    json_unref(balancer->description);
    g_free(balancer);
}

static gboolean find(const SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region, const char *name,
                     guint *place) {
    for (guint i = 0; name != NULL && i < world->balancers->len; i++) {
        const SimulatedBalancer *balancer = world->balancers->pdata[i];
        *place = i;
        if (balancer->kind == kind && strcmp(balancer->name, name) == 0 && g_strcmp0(balancer->region, region) == 0 &&
            g_strcmp0(balancer->account, account) == 0)
            return TRUE;
    }
    return FALSE;
}

SimulatedBalancer *world_balancer(const SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region,
                                  const char *name) {
    guint place = 0;
    return find(world, kind, account, region, name, &place) ? world->balancers->pdata[place] : NULL;
}

SimulatedBalancer *world_balancer_put(SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region,
                                      const char *name, const JsonValue *description, GError **error) {
    SimulatedBalancer *balancer = world_balancer(world, kind, account, region, name);
    if (balancer == NULL && world->balancers->len >= SIMULATED_BALANCERS_MAX) {
        error_set(error, ERR_LIMIT, "%s in %s (account %s): the simulated cloud holds at most %d load balancers and firewalls", name,
                  region, account, SIMULATED_BALANCERS_MAX);
        return NULL;
    }
    if (balancer == NULL) {
        balancer = g_new0(SimulatedBalancer, 1);
        *balancer = (SimulatedBalancer){.kind = kind, .account = g_strdup(account), .region = g_strdup(region), .name = g_strdup(name)};
        g_ptr_array_add(world->balancers, balancer);
    }
    json_unref(balancer->description);
    balancer->description = json_merge(description, NULL);
    balancer->changed = TRUE;
    world_changed(world);
    return balancer;
}

static void forget_registrations(SimulatedWorld *world, SimulatedGroup *group, const char *name, gboolean is_target, gint64 now_ms) {
    for (guint i = 0; i < group->instances->len; i++) {
        GPtrArray *registrations = ((SimulatedInstance *)group->instances->pdata[i])->registrations;
        for (guint r = registrations->len; r-- > 0;) {
            const SimulatedRegistration *registration = registrations->pdata[r];
            if (registration->is_target == is_target && strcmp(registration->name, name) == 0)
                g_ptr_array_remove_index(registrations, r);
        }
    }
    world_group_touch(world, group, now_ms);
}

gboolean world_balancer_remove(SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region, const char *name,
                               gint64 now_ms, GError **error) {
    guint place = 0;
    if (!find(world, kind, account, region, name, &place)) {
        error_set(error, ERR_NOT_FOUND, "%s in %s (account %s): no such one of %s", name, region, account, simulated_balancer_kinds[kind]);
        return FALSE;
    }
    for (guint i = 0; kind != BALANCER_SECURITY_GROUP && i < world->groups->len; i++) {
        SimulatedGroup *group = world->groups->pdata[i];
        if (strcmp(group->account, account) == 0 && strcmp(group->region, region) == 0)
            forget_registrations(world, group, name, kind == BALANCER_TARGET_GROUP, now_ms);
    }
    world_lose(world, simulated_balancer_kinds[kind], account, region, name);
    g_ptr_array_remove_index(world->balancers, place);
    world_changed(world);
    return TRUE;
}
