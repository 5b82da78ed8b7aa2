/* What stages reach beyond the engine. Filled once by the server (src/cli/composition.c); only the
 * configuration changes afterwards. */
#pragma once
#include "base/config.h"
#include "clouds/cloud.h"
#include "engine/engine.h"
#include "net/http_client.h"
#include "store/store.h"

typedef struct Bakery Bakery;       /* bake/bakery.h */
typedef struct Triggers Triggers;   /* triggers/triggers.h */
typedef struct Retention Retention; /* engine/retention.h */
typedef struct Cron Cron;           /* triggers/cron.h */

struct Services {
    Store *store;
    Engine *engine;
    Clouds *clouds;
    HttpClient *http;
    Bakery *bakery;
    Triggers *triggers;
    Cron *cron;
    Retention *retention;
    GMutex lock;    /* of config */
    Config *config; /* swapped on reload: read through services_config() */
};
/* The configuration now; caller owns a reference. */
Config *services_config(Services *services);
void services_set_config(Services *services, Config *config); /* takes a reference of its own */
