/* Accounts of the simulated cloud, and of the twins of real ones. */
#pragma once
#include "clouds/simulator/room.h"

typedef struct {
    Account base;
    SimulatorRoom *room; /* lives as long as the registry, as does all work with the account */
} SimulatorAccount;

/* Takes nothing; copies what it keeps. regions NULL or empty: any region will do. */
Account *simulator_account_new(SimulatorRoom *room, const Cloud *cloud, const char *name, const char *environment, const char *type,
                               const char *const *regions, const Json *permissions);
SimulatorRoom *simulator_account_room(Account *account);
void simulator_account_free(Account *account);
/* All accounts of the configuration; the world gets what the configuration says is there. */
GPtrArray *simulator_accounts_open(Config *config, Clouds *clouds, GPtrArray *problems);
