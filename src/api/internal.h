/* What the files of this room share about the running API. */
#pragma once
#include "api/answer.h"
#include "api/api.h"
#include "api/execution_lists.h"
#include "api/metrics.h"
#include "api/router.h"
#include "api/streams.h"
#include "api/waits.h"

struct Api {
    Services *services;
    Auth *auth;
    char *address;
    gint64 started_ms;
    gboolean (*reload)(gpointer data, GError **error);
    gpointer data;
    const Cloud *const *clouds;           /* or NULL */
    const ConfigSection *const *sections; /* or NULL */

    Router *router;
    Metrics *metrics;
    Waits *waits;
    Streams *streams;
    ListedTexts *texts;
    HttpServer *server;
    GMutex lock;
    BrowserRules *rules; /* under lock; swapped whole */
};

static inline ExecutionList *api_execution_list(const ApiCall *call, ExecutionListShape shape) {
    return execution_list_new(shape, call->services->store, call->api->texts);
}
