/* Images that the simulated cloud makes by itself: a stand-in for a bakery (Cloud.bake). Any thread. */
#pragma once
#include "clouds/cloud.h"

Json *simulator_bake(Clouds *clouds, const char *region, const JsonValue *request, GError **error);
Json *simulator_bake_look(Clouds *clouds, const char *id, GError **error);
