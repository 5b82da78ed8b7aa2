/* The scheduler of inventory agents, private to this room: account × region × agent, each read at its own pace. */
#pragma once
#include "clouds/cloud.h"

typedef struct Agents Agents;

#define AGENT_THREADS 8
#define AGENT_THREADS_PER_ACCOUNT 4 /* one for an account whose last read failed */
#define AGENT_POLL_MS 30000         /* agents with this default follow gennaker.inventory.pollSeconds */
#define AGENT_BACKOFF_MAX_MS 300000 /* between two reads of an agent that fails */

typedef struct {
    gint64 poll_ms;
} InventorySettings;
extern const ConfigSection inventory_config_section;

/* The pace of reads goes by the clock of the machine, as what they read does; what they say of it carries the runtime's time. */
Agents *agents_new(Inventory *inventory, Runtime *runtime);
/* The accounts from now on: new ones are read at once, those that are gone are forgotten. accounts: of Account. poll_ms: for agents
 * of the default pace. */
void agents_set_accounts(Agents *agents, const GPtrArray *accounts, gint64 poll_ms);
void agents_start(Agents *agents);
void agents_read_now(Agents *agents, const char *account); /* NULL: all */
void agents_read_all(Agents *agents);                      /* each once, here and now; without started threads */
void agents_stop(Agents *agents);                          /* ends reads at once and joins the threads */
void agents_free(Agents *agents);
