/* What the configuration says is in the simulated cloud from the start. */
#pragma once
#include "clouds/simulator/settings.h"
#include "clouds/simulator/world.h"

/* Adds what is not there yet, and nothing twice; faults are replaced. ERR_INVALID names the first thing that cannot be. accounts: of
 * Account. */
gboolean simulator_furnish(SimulatedWorld *world, const SimulatorConfig *settings, const GPtrArray *accounts, gint64 now_ms,
                           GError **error);
