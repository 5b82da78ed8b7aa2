/* The simulated cloud as the rest of the program sees it. */
#pragma once
#include "clouds/cloud.h"

extern const Cloud cloud_simulator;
