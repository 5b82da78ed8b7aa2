/* The configuration of the simulated cloud: gennaker.simulator. */
#pragma once
#include "clouds/cloud.h"

typedef struct {
    gboolean enabled, keep_state;
    gint64 seed;
    Json *accounts, *images, *load_balancers, *target_groups, *security_groups, *server_groups, *faults;
} SimulatorConfig;
extern const ConfigSection *const simulator_config_sections[];
gboolean simulator_config_read(Config *config, SimulatorConfig *into, GError **error);
void simulator_config_clear(SimulatorConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SimulatorConfig, simulator_config_clear)

typedef struct {
    char *name, *environment, *type;
    char **regions;
    Json *permissions;
    struct {
        gint64 instances, server_groups;
    } quota;
} SimulatorAccountConfig;
extern const Param simulator_account_params[];
