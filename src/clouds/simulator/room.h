/* The simulated cloud of one registry: its world, the lock before it, and what makes its changes known. */
#pragma once
#include "clouds/cloud.h"
#include "clouds/simulator/world.h"

#define SIMULATOR_ID "simulator"

typedef struct SimulatorRoom SimulatorRoom;

/* The one of a registry, made at the first call; all accounts of the simulated cloud, and of its twins, live in one world. */
SimulatorRoom *simulator_room(Clouds *clouds);
/* Locks the world and lets it come to the time, which is told in *now_ms (NULL: not needed). Nothing outward, and no wait, under it. */
SimulatedWorld *simulator_enter(SimulatorRoom *room, gint64 *now_ms);
/* The same for who opens accounts: nothing is told, and no timer set, before somebody reads. */
SimulatedWorld *simulator_furnish_begin(SimulatorRoom *room, gint64 *now_ms);
/* Whether what is there is kept over restarts. TRUE: the world is one that was kept, or read the configuration before. Before anything else. */
gboolean simulator_keep(SimulatorRoom *room, gboolean keep, guint64 seed);
/* Makes known what changed, sees to it that the next change is told too, and unlocks. */
void simulator_leave(SimulatorRoom *room);
/* Puts all of an account's region into the inventory. */
void simulator_publish_all(SimulatorRoom *room, Account *account, const char *region);
/* Whether reads of the place are stale; the inventory then stays as it is. */
gboolean simulator_is_stale(SimulatorRoom *room, const char *account, const char *region);

/* ---- documents for the inventory (publish.c); under the lock ---- */
/* all: its instances too that look as they were last told. */
void simulator_put_group(Inventory *inventory, const Account *account, const SimulatedGroup *group, gboolean all, gint64 now_ms);
void simulator_put_balancer(Inventory *inventory, const Account *account, const SimulatedBalancer *balancer, gint64 now_ms);
void simulator_put_image(Inventory *inventory, const Account *account, const char *region, const SimulatedImage *image, gint64 now_ms);
void simulator_put_network(Inventory *inventory, const Account *account, const char *region, gint64 now_ms);
/* Zones of a region: north-a, north-b, north-c. Caller frees. */
char **simulator_zones(const char *region);
