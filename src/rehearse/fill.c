/* From the inventory of the program into the world of the twins. Reads one snapshot; the world's lock is held meanwhile, nothing else. */
#include "clouds/simulator/room.h"
#include "rehearse/twins.h"
#include <string.h>

#define SETTLED_MS (3600 * G_GINT64_CONSTANT(1000)) /* instances were launched so long ago, whatever is known of them */

typedef struct {
    SimulatedWorld *world;
    const InventorySnapshot *snapshot;
    GHashTable *behaviours; /* id of an image of the simulated cloud → how its instances behave */
    gint64 now_ms;
} Filling;

/* ---- load balancers and images ---- */

static const struct {
    const char *kind;
    SimulatedBalancerKind balancer;
} BALANCERS[] = {{KIND_LOAD_BALANCER, BALANCER_LOAD_BALANCER},
                 {KIND_TARGET_GROUP, BALANCER_TARGET_GROUP},
                 {KIND_SECURITY_GROUP, BALANCER_SECURITY_GROUP}};

static gboolean fill_balancer(const InventoryObject *object, gpointer data) {
    const Filling *filling = data;
    for (gsize i = 0; i < G_N_ELEMENTS(BALANCERS); i++)
        if (strcmp(BALANCERS[i].kind, object->kind) == 0)
            world_balancer_put(filling->world, BALANCERS[i].balancer, object->account, object->region, object->id,
                               json_root(object->document), NULL);
    return TRUE;
}

static gboolean fill_image(const InventoryObject *object, gpointer data) {
    const Filling *filling = data;
    const Image *image = object->record;
    const char *const regions[] = {object->region, NULL};
    if (image != NULL && world_image(filling->world, object->account, object->region, image->id) == NULL)
        world_image_add(filling->world, image->id, image->name != NULL ? image->name : image->id, object->account, regions,
                        json_root(image->tags), g_hash_table_lookup(filling->behaviours, image->id), image->created_ms, NULL);
    return TRUE;
}

/* Of real images nobody knows how their instances will behave: well, it is assumed. Of simulated ones it is known. */
static GHashTable *known_behaviours(Clouds *real) {
    GHashTable *behaviours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (clouds_find(real, SIMULATOR_ID) == NULL)
        return behaviours;
    SimulatorRoom *room = simulator_room(real);
    GPtrArray *images = world_images(simulator_furnish_begin(room, NULL));
    for (guint i = 0; i < images->len; i++) {
        const SimulatedImage *image = images->pdata[i];
        if (image->behaviour != NULL)
            g_hash_table_insert(behaviours, g_strdup(image->id), g_strdup(image->behaviour));
    }
    simulator_leave(room);
    return behaviours;
}

/* ---- server groups ---- */

static gboolean has_healthy(const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    for (guint i = 0; i < instances->len; i++)
        if (instance_is_healthy(instances->pdata[i]))
            return TRUE;
    return instances->len == 0;
}

/* Its instances are launched before its processes are suspended, but never registered when it is disabled. */
static void fill_group_record(const Filling *filling, const ServerGroup *group) {
    static const char *const DISABLED[] = {"AddToLoadBalancer", NULL};
    gboolean sick = !group->disabled && !has_healthy(filling->snapshot, group);
    gint64 created_ms = group->created_ms > 0 ? MIN(group->created_ms, filling->now_ms) : filling->now_ms - SETTLED_MS;
    SimulatedGroupPlan plan = {
        .account = group->account,
        .region = group->region,
        .name = group->name,
        .image = group->image_id != NULL ? group->image_id : "unknown",
        .instance_type = group->instance_type,
        .network = group->vpc_id,
        .behaviour = sick ? "never healthy" : NULL,
        .capacity = group->capacity,
        .zones = (const char *const *)group->zones,
        .load_balancers = (const char *const *)group->load_balancers,
        .target_groups = (const char *const *)group->target_groups,
        .security_groups = (const char *const *)group->security_groups,
        .suspended = group->disabled ? DISABLED : NULL,
        .tags = json_root(group->tags),
    };
    SimulatedGroup *made = world_group_create(filling->world, &plan, created_ms, NULL);
    if (made != NULL && group->suspended_processes != NULL && group->suspended_processes[0] != NULL)
        world_group_suspend(filling->world, made, (const char *const *)group->suspended_processes, created_ms);
}

static gboolean fill_group(const InventoryObject *object, gpointer data) {
    if (object->record != NULL)
        fill_group_record(data, object->record);
    return TRUE;
}

void twins_fill(Clouds *twins, Clouds *real, gint64 now_ms) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(real));
    g_autoptr(GHashTable) behaviours = known_behaviours(real);
    SimulatorRoom *room = simulator_room(twins);
    SimulatedWorld *world = simulator_furnish_begin(room, NULL);
    Filling filling = {world, snapshot, behaviours, now_ms};
    world_set_lenient(world, TRUE); /* what was not read may be there all the same */
    for (gsize i = 0; i < G_N_ELEMENTS(BALANCERS); i++)
        inventory_each(snapshot, NULL, BALANCERS[i].kind, NULL, fill_balancer, &filling);
    inventory_each(snapshot, NULL, KIND_IMAGE, NULL, fill_image, &filling);
    inventory_each(snapshot, NULL, KIND_SERVER_GROUP, NULL, fill_group, &filling);
    simulator_leave(room);
}
