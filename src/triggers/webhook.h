/* Webhooks: what senders post, as events (triggers.md 6.4, 6.5, 11). */
#pragma once
#include "triggers/triggers.h"

#define WEBHOOK_NAME_MAX 256       /* bytes of a type or source */
#define WEBHOOK_HEADERS_MAX 100    /* headers of one request that are kept */
#define WEBHOOK_ARTIFACTS_MAX 5000 /* artifacts extracted from one body */
#define WEBHOOKS_PER_SECOND 50     /* of one type and source, for long */
#define WEBHOOKS_BURST 500         /* … and at once */
#define WEBHOOK_SOURCES_MAX 1000   /* sources whose rate is counted one by one; more share one */

typedef struct {
    const char *type, *source; /* source NULL: the body's member source */
    const JsonValue *headers;  /* {name: [values] or value}, or NULL */
    const JsonValue *body;     /* NULL: empty */
    const char *raw;           /* the bytes that came, or NULL */
    const char *template;      /* Jinja text that makes artifacts of the body (triggers.md 11.3), or NULL */
} WebhookRequest;

/* The event that a request stands for, as an envelope; NULL without error when it is none (a ping). ERR_INVALID. Pure; caller owns. */
Json *webhook_envelope(const WebhookRequest *request, GError **error);
/* What the sender repeats when it sends the same event again, or NULL; borrowed from the headers. */
const char *webhook_delivery(const JsonValue *headers);

/* Posts it. The event's id (caller frees), or NULL without error for what is not processed. ERR_INVALID; ERR_LIMIT: too many of one source;
 * ERR_UNAVAILABLE. */
char *triggers_post_webhook(Triggers *triggers, const WebhookRequest *request, GError **error);
