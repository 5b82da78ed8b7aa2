/* JSON of the simulated cloud as Gate serves it (api.md 9, 10). Pure on a snapshot; any thread. */
#pragma once
#include "clouds/cloud.h"

extern const CloudViews simulator_views;
