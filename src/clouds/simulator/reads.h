/* Reading the simulated cloud: its agent, and the live reads of tasks (cloud.h). Any thread. */
#pragma once
#include "clouds/cloud.h"

gboolean simulator_agent(AgentContext *context, GError **error);
gboolean simulator_refresh_group(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel,
                                 GError **error);
gboolean simulator_refresh_image(Account *account, const char *region, const char *id_or_name, Inventory *inventory, Cancel *cancel,
                                 GError **error);
gboolean simulator_refresh_cluster(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                                   GError **error);
