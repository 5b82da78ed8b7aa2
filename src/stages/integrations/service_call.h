/* Calls of a service that the configuration names by its base URL (Jira, Gremlin): JSON out, JSON back. Any thread. */
#pragma once
#include "net/http_client.h"
#include "stages/services.h"

#define SERVICE_ANSWER_MAX (1024 * 1024) /* bytes of an answer */
#define SERVICE_REFUSAL_MAX 500          /* bytes of what a refusal says, in a message */

typedef struct {
    const char *service;       /* "Jira": begins each message */
    const char *method;        /* "GET" */
    const char *base;          /* "https://jira.example.com", with or without a slash at its end */
    const char *path;          /* "/rest/api/2/issue/", escaped */
    const char *authorization; /* header, or NULL */
    const char *key;           /* Idempotency-Key, or NULL */
    const JsonValue *body;     /* or NULL */
    gint64 timeout_ms;         /* 0: HTTP_TIMEOUT_MS */
} ServiceCall;

/* TRUE for any answer. Errors as of http_call, beginning with the service's name. */
gboolean service_call(HttpClient *client, const ServiceCall *call, Cancel *cancel, HttpResponse *response, GError **error);
/* The answer as JSON, NULL when it is none; caller owns. */
Json *service_answer(const HttpResponse *response);
/* What an answer of 400 and above means: ERR_UNAVAILABLE for 429 (nothing was done), ERR_TIMEOUT for 5xx (nobody knows), ERR_REMOTE for the
 * rest, with what the service said; `keys` names the setting that 401 and 403 are about. */
void service_refused(const ServiceCall *call, const char *keys, const HttpResponse *response, GError **error);
