/* What the configuration says is in the simulated cloud from the start. */
#pragma once
#include "clouds/simulator/settings.h"
#include "clouds/simulator/world.h"

/* Adds what is not there yet, and nothing twice; faults are replaced. is_restored: the world lives on, so server groups that are
 * not there were taken away and stay away. ERR_INVALID names the first thing that cannot be. accounts: of
 * Account. */
gboolean simulator_furnish(SimulatedWorld *world, const SimulatorConfig *settings, const GPtrArray *accounts, gboolean is_restored,
                           gint64 now_ms, GError **error);
