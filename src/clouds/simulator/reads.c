/* Reads of the simulated cloud (reads.h). What they find is told by the room itself; a read sees to it that nothing is left out, and
 * meets the same faults as other calls, under the name "read". */
#include "clouds/simulator/reads.h"
#include "clouds/simulator/accounts.h"
#include <string.h>

#define READ "read"

/* ---- faults ---- */

static gboolean meets_fault(SimulatorRoom *room, const Account *account, const char *region, const char *subject, GError **error) {
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    SimulatedFaultKind fault = world_fault_strike(world, READ, account->name, region, now_ms);
    if (fault == FAULT_LOSE_INSTANCE)
        world_lose_instance(world, account->name, region, now_ms);
    simulator_leave(room);
    if (fault == FAULT_THROTTLE)
        error_set(error, ERR_UNAVAILABLE, "read %s in %s (account %s): rate exceeded", subject, region, account->name);
    else if (fault == FAULT_TIMEOUT_AFTER)
        error_set(error, ERR_TIMEOUT, "read %s in %s (account %s): no answer", subject, region, account->name);
    else if (fault == FAULT_REFUSE)
        error_set(error, ERR_REMOTE, "read %s in %s (account %s): refused", subject, region, account->name);
    else
        return FALSE;
    return TRUE;
}

/* ---- the agent: everything, and nothing that is not there ---- */

typedef struct {
    const SimulatedWorld *world;
    GPtrArray *there;
} Sighting;

static gboolean is_there(const SimulatedWorld *world, const InventoryObject *object) {
    SimulatedGroup *group = NULL;
    if (strcmp(object->kind, KIND_SERVER_GROUP) == 0)
        return world_group(world, object->account, object->region, object->id) != NULL;
    if (strcmp(object->kind, KIND_INSTANCE) == 0)
        return world_instance(world, object->account, object->region, object->id, &group) != NULL;
    if (strcmp(object->kind, KIND_IMAGE) == 0)
        return world_image(world, object->account, object->region, object->id) != NULL;
    for (guint kind = 0; kind <= BALANCER_SECURITY_GROUP; kind++)
        if (strcmp(object->kind, simulated_balancer_kinds[kind]) == 0)
            return world_balancer(world, kind, object->account, object->region, object->id) != NULL;
    return TRUE; /* networks and subnets */
}

static gboolean keep_if_there(const InventoryObject *object, gpointer data) {
    Sighting *sighting = data;
    if (is_there(sighting->world, object))
        g_ptr_array_add(sighting->there, inventory_object_ref((InventoryObject *)object));
    return TRUE;
}

/* What was remembered from an earlier run of this program, and is not there, goes. */
static void replace_leaves(SimulatorRoom *room, AgentContext *context) {
    static const char *const KINDS[] = {KIND_SERVER_GROUP,   KIND_INSTANCE, KIND_LOAD_BALANCER, KIND_TARGET_GROUP,
                                        KIND_SECURITY_GROUP, KIND_IMAGE,    KIND_NETWORK,       KIND_SUBNET};
    const char *account = context->account->name;
    gint64 now_ms = 0;
    const SimulatedWorld *world = simulator_enter(room, &now_ms);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(context->inventory);
    for (gsize i = 0; i < G_N_ELEMENTS(KINDS); i++) {
        g_autoptr(GPtrArray) there = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
        Sighting sighting = {world, there};
        inventory_each(snapshot, account, KINDS[i], context->region, keep_if_there, &sighting);
        inventory_replace(context->inventory, account, KINDS[i], context->region, there, now_ms);
    }
    simulator_leave(room);
}

gboolean simulator_agent(AgentContext *context, GError **error) {
    SimulatorRoom *room = simulator_account_room(context->account);
    if (meets_fault(room, context->account, context->region, "all", error))
        return FALSE;
    simulator_publish_all(room, context->account, context->region);
    replace_leaves(room, context);
    return TRUE;
}

/* ---- live reads ---- */

static gboolean is_known(Inventory *inventory, const Account *account, const char *region, const char *name) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(inventory);
    return inventory_get(snapshot, account->name, KIND_SERVER_GROUP, region, name) != NULL;
}

gboolean simulator_refresh_group(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel,
                                 GError **error) {
    (void)cancel;
    SimulatorRoom *room = simulator_account_room(account);
    if (meets_fault(room, account, region, name, error))
        return FALSE;
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    SimulatedGroup *group = world_group(world, account->name, region, name);
    gboolean stale = world_stale_since_ms(world, account->name, region, now_ms) > 0;
    if (group != NULL && !stale)
        simulator_put_group(inventory, account, group, FALSE, now_ms);
    if (group == NULL && !stale)
        inventory_remove(inventory, account->name, KIND_SERVER_GROUP, region, name, now_ms);
    simulator_leave(room);
    if (stale ? is_known(inventory, account, region, name) : group != NULL)
        return TRUE;
    error_set(error, ERR_NOT_FOUND, "server group %s in %s (account %s) does not exist", name, region, account->name);
    return FALSE;
}

gboolean simulator_refresh_image(Account *account, const char *region, const char *id_or_name, Inventory *inventory, Cancel *cancel,
                                 GError **error) {
    (void)cancel;
    SimulatorRoom *room = simulator_account_room(account);
    if (meets_fault(room, account, region, id_or_name, error))
        return FALSE;
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    const SimulatedImage *image = world_image(world, account->name, region, id_or_name);
    if (image != NULL)
        simulator_put_image(inventory, account, region, image, now_ms);
    simulator_leave(room);
    if (image == NULL)
        error_set(error, ERR_NOT_FOUND, "image %s in %s (account %s) does not exist", id_or_name, region, account->name);
    return image != NULL;
}

gboolean simulator_refresh_cluster(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                                   GError **error) {
    (void)cancel;
    SimulatorRoom *room = simulator_account_room(account);
    if (meets_fault(room, account, region, cluster, error))
        return FALSE;
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    GPtrArray *groups = world_groups(world);
    gboolean stale = world_stale_since_ms(world, account->name, region, now_ms) > 0;
    for (guint i = 0; !stale && i < groups->len; i++) {
        const SimulatedGroup *group = groups->pdata[i];
        if (strcmp(group->account, account->name) == 0 && strcmp(group->region, region) == 0 &&
            g_strcmp0(group->moniker.cluster, cluster) == 0)
            simulator_put_group(inventory, account, group, FALSE, now_ms);
    }
    simulator_leave(room);
    return TRUE;
}
