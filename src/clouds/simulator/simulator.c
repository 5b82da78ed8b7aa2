/* The table of the cloud "simulator": a cloud in memory with time, health and faults. */
#include "clouds/simulator/simulator.h"
#include "clouds/simulator/accounts.h"
#include "clouds/simulator/bakes.h"
#include "clouds/simulator/operations/operations.h"
#include "clouds/simulator/reads.h"
#include "clouds/simulator/settings.h"
#include "clouds/simulator/views.h"

#define POLL_MS (10 * 60 * 1000) /* changes are told as they happen; this is only so that the age shows */

#define KINDS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const InventoryAgent agents[] = {
    {"SimulatedCloudAgent",
     KINDS(KIND_SERVER_GROUP, KIND_INSTANCE, KIND_LOAD_BALANCER, KIND_TARGET_GROUP, KIND_SECURITY_GROUP, KIND_IMAGE, KIND_NETWORK,
           KIND_SUBNET),
     POLL_MS, simulator_agent},
    {0},
};

const Cloud cloud_simulator = {
    .id = "simulator",
    .platform_health = "Simulator",
    .image_key = "imageId",
    .snapshots_source_capacity = TRUE,
    .sections = simulator_config_sections,
    .open = simulator_accounts_open,
    .account_free = simulator_account_free,
    .agents = agents,
    .operations = simulator_operations,
    .views = &simulator_views,
    .refresh_server_group = simulator_refresh_group,
    .refresh_image = simulator_refresh_image,
    .refresh_cluster = simulator_refresh_cluster,
    .bake = simulator_bake,
    .bake_look = simulator_bake_look,
};
