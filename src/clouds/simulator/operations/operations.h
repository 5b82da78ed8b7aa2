/* What the operations of the simulated cloud share. They accept the descriptions that AWS's take (aws.md 5, 7-12), so that a twin of a
 * real cloud can use them. Steps run on the thread of their run; the world is changed under its lock, in one write per step and item. */
#pragma once
#include "clouds/cloud.h"
#include "clouds/simulator/room.h"

extern const CloudOperation *const simulator_operations[]; /* NULL-terminated */

SimulatorRoom *operation_room(Operation *operation);

/* A change of the world. FALSE with *error: nothing changed. */
typedef gboolean (*SimulatedChange)(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data,
                                    GError **error);
/* One outward write: meets faults, changes the world, is logged. what: name of the call; subject: what it is about. */
gboolean simulator_write(Operation *operation, const char *what, const char *region, const char *subject, guint item,
                         SimulatedChange change, gconstpointer data, GError **error);
/* The same with the item's group as subject; nothing happens when it does not exist, and a line says so. */
typedef gboolean (*SimulatedGroupChange)(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                                         GError **error);
gboolean simulator_write_group(Operation *operation, const char *what, guint item, SimulatedGroupChange change, GError **error);
