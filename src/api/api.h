/* The HTTP API: router, errors, browser rules, permissions. */
#pragma once
#include "api/route.h"

typedef struct {
    Services *services;
    Auth *auth;
    const char *address; /* where to listen */
    guint16 port;
    gint64 started_ms;
    /* Reads the configuration again, checks everything, swaps, or changes nothing and says why. */
    gboolean (*reload)(gpointer data, GError **error);
    gpointer data;
} ApiOptions;
Api *api_start(const ApiOptions *options, GError **error);
guint16 api_port(const Api *api);
void api_stop(Api *api, gint64 grace_ms);
void api_free(Api *api);
Auth *api_auth(Api *api);
gboolean api_reload(Api *api, GError **error);
