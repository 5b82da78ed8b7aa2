/* The world of a registry, its lock, and its pulse: a timer for when something changes by itself, which is then made known.
 *
 * The lock is held for the moment of a change and for the writes into the inventory, which only queue; so what the inventory shows
 * comes in the order in which it happened. The only place where this cloud asks for the time. */
#include "clouds/simulator/room.h"
#include "base/log.h"
#include "clouds/documents.h"
#include <string.h>

#define ROOM_SEED 1
#define DOCUMENT "simulator"
#define SAVE_DELAY_MS 1000 /* changes of this long are written down together */

struct SimulatorRoom {
    Clouds *clouds;
    SimulatedWorld *world;
    GMutex lock;
    gint64 now_ms;
    guint64 timer;    /* 0: none */
    gint64 timer_ms;  /* when it is due */
    gboolean is_live; /* somebody reads: changes are told, timers are set */
    gboolean is_stopped;
    gboolean is_opened;   /* the configuration was read once */
    gboolean is_kept;     /* the world outlives the process */
    gboolean is_restored; /* it did */
    gboolean is_saving;
    gint64 saved_version; /* of the world */
};

/* ---- making known ---- */

static gboolean is_told(SimulatorRoom *room, const char *account, const char *region) {
    return world_stale_since_ms(room->world, account, region, room->now_ms) == 0;
}

static void tell_groups(SimulatorRoom *room, Inventory *inventory) {
    GPtrArray *groups = world_groups(room->world);
    for (guint i = 0; i < groups->len; i++) {
        SimulatedGroup *group = groups->pdata[i];
        if (!group->changed || !is_told(room, group->account, group->region))
            continue;
        g_autoptr(Account) account = clouds_account(room->clouds, group->account, NULL);
        if (account == NULL)
            continue; /* not opened yet: its first read tells */
        simulator_put_group(inventory, account, group, FALSE, room->now_ms);
        group->changed = FALSE;
    }
}

static void tell_balancers(SimulatorRoom *room, Inventory *inventory) {
    GPtrArray *balancers = world_balancers(room->world);
    for (guint i = 0; i < balancers->len; i++) {
        SimulatedBalancer *balancer = balancers->pdata[i];
        if (!balancer->changed || !is_told(room, balancer->account, balancer->region))
            continue;
        g_autoptr(Account) account = clouds_account(room->clouds, balancer->account, NULL);
        if (account == NULL)
            continue; /* not opened yet: its first read tells */
        simulator_put_balancer(inventory, account, balancer, room->now_ms);
        balancer->changed = FALSE;
    }
}

/* Every account of the simulated cloud sees every image. */
static void tell_image(SimulatorRoom *room, Inventory *inventory, const SimulatedImage *image) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(room->clouds);
    for (guint i = 0; i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        if (strcmp(account->cloud->id, SIMULATOR_ID) != 0 && g_strcmp0(image->owner, account->name) != 0)
            continue;
        for (char **region = account->regions; region != NULL && *region != NULL; region++)
            simulator_put_image(inventory, account, *region, image, room->now_ms);
    }
}

static void tell_images(SimulatorRoom *room, Inventory *inventory) {
    GPtrArray *images = world_images(room->world);
    for (guint i = 0; i < images->len; i++) {
        SimulatedImage *image = images->pdata[i];
        if (!image->changed || !simulated_image_is_ready(image, room->now_ms))
            continue;
        tell_image(room, inventory, image);
        image->changed = FALSE;
    }
}

/* An image is lost in all places at once. */
static void tell_lost_image(SimulatorRoom *room, Inventory *inventory, const char *id) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(room->clouds);
    for (guint i = 0; i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        for (char **region = account->regions; region != NULL && *region != NULL; region++)
            inventory_remove(inventory, account->name, KIND_IMAGE, *region, id, room->now_ms);
    }
}

static void tell_losses(SimulatorRoom *room, Inventory *inventory) {
    g_autoptr(GPtrArray) losses = world_take_losses(room->world);
    for (guint i = 0; i < losses->len; i++) {
        const SimulatedLoss *loss = losses->pdata[i];
        if (loss->account == NULL)
            tell_lost_image(room, inventory, loss->id);
        else if (!is_told(room, loss->account, loss->region))
            world_lose(room->world, loss->kind, loss->account, loss->region, loss->id); /* later */
        else
            inventory_remove(inventory, loss->account, loss->kind, loss->region, loss->id, room->now_ms);
    }
}

static void tell_changes(SimulatorRoom *room) {
    Inventory *inventory = clouds_inventory(room->clouds);
    tell_losses(room, inventory);
    tell_balancers(room, inventory);
    tell_images(room, inventory);
    tell_groups(room, inventory);
}

/* ---- keeping it ---- */

/* Not under the lock: a commit may take a while. */
static void save(SimulatorRoom *room) {
    g_mutex_lock(&room->lock);
    gint64 version = world_version(room->world);
    g_autoptr(Json) state = version != room->saved_version ? world_state(room->world) : NULL;
    room->saved_version = version;
    room->is_saving = FALSE;
    g_mutex_unlock(&room->lock);
    g_autoptr(GError) error = NULL;
    if (state != NULL && !clouds_document_save(room->clouds, DOCUMENT, state, &error))
        log_warning("simulator", "what runs in the simulated cloud was not written down: %s", error->message);
}

static gboolean save_work(gpointer data) {
    save(data);
    return TRUE;
}

static void save_is_due(gpointer data) {
    SimulatorRoom *room = data;
    Runtime *runtime = clouds_runtime(room->clouds);
    runtime->run(runtime, LANE_IO, NULL, save_work, room);
}

static void save_soon(SimulatorRoom *room) {
    Runtime *runtime = clouds_runtime(room->clouds);
    if (!room->is_kept || room->is_saving || world_version(room->world) == room->saved_version)
        return;
    room->is_saving = TRUE;
    runtime->at(runtime, room->now_ms + SAVE_DELAY_MS, save_is_due, room);
}

static void restore(SimulatorRoom *room) {
    g_autoptr(Json) state = clouds_document_load(room->clouds, DOCUMENT);
    g_autoptr(GError) error = NULL;
    room->is_restored = state != NULL && world_restore(room->world, json_root(state), &error);
    if (error != NULL)
        log_warning("simulator", "what ran in the simulated cloud is lost: %s", error->message);
    room->saved_version = room->is_restored ? world_version(room->world) : -1;
}

gboolean simulator_keep(SimulatorRoom *room, gboolean keep, guint64 seed) {
    g_mutex_lock(&room->lock);
    room->is_kept = keep;
    gboolean lived = room->is_opened;
    if (!room->is_opened) {
        world_free(room->world);
        room->world = world_new(seed);
        if (keep)
            restore(room);
    }
    room->is_opened = TRUE;
    gboolean restored = room->is_restored || lived;
    g_mutex_unlock(&room->lock);
    return restored;
}

/* ---- the pulse ---- */

static gboolean beat(gpointer data) {
    simulator_enter(data, NULL);
    simulator_leave(data);
    return TRUE;
}

static void beat_is_due(gpointer data) {
    SimulatorRoom *room = data;
    Runtime *runtime = clouds_runtime(room->clouds);
    g_mutex_lock(&room->lock);
    room->timer = 0;
    gboolean goes_on = !room->is_stopped;
    g_mutex_unlock(&room->lock);
    if (goes_on)
        runtime->run(runtime, LANE_STEP, NULL, beat, room);
}

static void forget_timer(SimulatorRoom *room) {
    Runtime *runtime = clouds_runtime(room->clouds);
    if (room->timer != 0)
        runtime->forget(runtime, room->timer); /* one that is due already finds that there is nothing to do */
    room->timer = 0;
}

static void set_timer(SimulatorRoom *room) {
    Runtime *runtime = clouds_runtime(room->clouds);
    gint64 next_ms = world_next_change_ms(room->world);
    if (room->is_stopped || (room->timer != 0 && room->timer_ms == next_ms))
        return;
    forget_timer(room);
    room->timer_ms = next_ms;
    if (next_ms >= 0)
        room->timer = runtime->at(runtime, next_ms, beat_is_due, room);
}

/* ---- entering and leaving ---- */

static SimulatedWorld *enter(SimulatorRoom *room, gint64 *now_ms) {
    g_mutex_lock(&room->lock);
    room->now_ms = MAX(clouds_now_ms(room->clouds), room->now_ms);
    world_advance(room->world, room->now_ms);
    if (now_ms != NULL)
        *now_ms = room->now_ms;
    return room->world;
}

SimulatedWorld *simulator_furnish_begin(SimulatorRoom *room, gint64 *now_ms) {
    return enter(room, now_ms);
}

SimulatedWorld *simulator_enter(SimulatorRoom *room, gint64 *now_ms) {
    SimulatedWorld *world = enter(room, now_ms);
    room->is_live = TRUE;
    return world;
}

void simulator_leave(SimulatorRoom *room) {
    world_advance(room->world, room->now_ms); /* what was asked for begins at once */
    if (room->is_live && !room->is_stopped) {
        tell_changes(room);
        set_timer(room);
        save_soon(room);
    }
    g_mutex_unlock(&room->lock);
}

gboolean simulator_is_stale(SimulatorRoom *room, const char *account, const char *region) {
    simulator_enter(room, NULL);
    gboolean stale = !is_told(room, account, region);
    simulator_leave(room);
    return stale;
}

void simulator_publish_all(SimulatorRoom *room, Account *account, const char *region) {
    Inventory *inventory = clouds_inventory(room->clouds);
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    GPtrArray *groups = world_groups(world), *balancers = world_balancers(world), *images = world_images(world);
    for (guint i = 0; i < groups->len; i++) {
        SimulatedGroup *group = groups->pdata[i];
        if (strcmp(group->account, account->name) == 0 && strcmp(group->region, region) == 0)
            simulator_put_group(inventory, account, group, TRUE, now_ms);
    }
    for (guint i = 0; i < balancers->len; i++) {
        SimulatedBalancer *balancer = balancers->pdata[i];
        if (strcmp(balancer->account, account->name) == 0 && strcmp(balancer->region, region) == 0)
            simulator_put_balancer(inventory, account, balancer, now_ms);
    }
    for (guint i = 0; i < images->len; i++)
        if (simulated_image_is_ready(images->pdata[i], now_ms))
            simulator_put_image(inventory, account, region, images->pdata[i], now_ms);
    simulator_put_network(inventory, account, region, now_ms);
    simulator_leave(room);
}

/* ---- life ---- */

static gpointer room_new(Clouds *clouds) {
    SimulatorRoom *room = g_new0(SimulatorRoom, 1);
    room->clouds = clouds;
    room->world = world_new(ROOM_SEED);
    g_mutex_init(&room->lock);
    return room;
}

static void room_stop(gpointer memory) {
    SimulatorRoom *room = memory;
    g_mutex_lock(&room->lock);
    room->is_stopped = TRUE;
    forget_timer(room);
    gboolean is_kept = room->is_kept;
    g_mutex_unlock(&room->lock);
    if (is_kept)
        save(room);
}

static void room_free(gpointer memory) {
    SimulatorRoom *room = memory;
    world_free(room->world);
    g_mutex_clear(&room->lock);
    g_free(room);
}

SimulatorRoom *simulator_room(Clouds *clouds) {
    static const CloudsKept how = {room_new, room_stop, room_free};
    return clouds_keep(clouds, SIMULATOR_ID, &how);
}
