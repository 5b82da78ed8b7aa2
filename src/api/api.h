/* The HTTP API: router, errors, browser rules, permissions. */
#pragma once
#include "api/browser.h"
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
    /* For documentation; NULL-terminated, or NULL. */
    const Cloud *const *clouds;
    const ConfigSection *const *sections;
} ApiOptions;
/* Listens. services, auth and data outlive it. ERR_CONFLICT: the port is in use; ERR_INVALID: the address, bad patterns, sign-in needed. */
Api *api_start(const ApiOptions *options, GError **error);
guint16 api_port(const Api *api);
void api_stop(Api *api, gint64 grace_ms); /* requests in progress may end; waits at most grace */
void api_free(Api *api);
/* What of the configuration this room reads; NULL-terminated. */
extern const ConfigSection *const api_config_sections[];
/* Part of a reload: changes nothing on error. */
gboolean api_set_config(Api *api, Config *config, GError **error);
/* Calls options.reload: POST /admin/reload. */
gboolean api_reload(Api *api, GError **error);
/* The route tables as an OpenAPI document; caller owns. */
Json *openapi_document(void);
