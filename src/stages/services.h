/* What stages reach beyond the engine. Filled once by the server (src/cli/composition.c); only the
 * configuration changes afterwards. */
#pragma once
#include "base/config.h"
#include "base/principal.h"
#include "clouds/cloud.h"
#include "engine/engine.h"
#include "net/http_client.h"
#include "store/store.h"

typedef struct Bakery Bakery;       /* bake/bakery.h */
typedef struct Triggers Triggers;   /* triggers/triggers.h */
typedef struct Retention Retention; /* engine/retention.h */
typedef struct Cron Cron;           /* triggers/cron.h */
typedef struct Notify Notify;       /* notify/notify.h */

struct Services {
    Store *store;
    Engine *engine;
    Clouds *clouds;
    HttpClient *http;
    Bakery *bakery;
    Triggers *triggers;
    Cron *cron;
    Retention *retention;
    /* Somebody by his name, with his roles as they are now; the caller frees with services_principal_free. NULL: there is no sign-in. */
    Principal *(*principal_of)(const char *user, gpointer data);
    gpointer principal_data;
    Notify *notify;
    /* notify_request for stages: stores a request of the shape of POST /notifications ({notificationType: "PAGER_DUTY", to: […], …}); it is sent
     * soon, at least once. key: 32 hex digits of id_from_parts, the same for a repeat. ERR_INVALID, ERR_LIMIT. NULL: nobody can be told. */
    gboolean (*tell)(Notify *notify, const JsonValue *request, const char *key, gint64 now_ms, GError **error);
    GMutex lock;    /* of config */
    Config *config; /* swapped on reload: read through services_config() */
};
/* The configuration now; caller owns a reference. */
Config *services_config(Services *services);
void services_set_config(Services *services, Config *config); /* takes a reference of its own */
/* Somebody by his name (NULL: anonymous), with his roles; free with services_principal_free. */
Principal *services_principal_of(Services *services, const char *user);
void services_principal_free(Principal *principal); /* NULL-safe */
