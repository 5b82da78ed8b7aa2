/* Which id the execution of a start gets, so that a start that is repeated finds the first (engine.md 1). */
#pragma once
#include "api/route.h"

#define IDEMPOTENCY_HEADER "Idempotency-Key"
#define IDEMPOTENCY_KEY_MAX 255 /* bytes */
/* For the help of the routes that take it. */
#define START_ID_HELP                                                                                                                      \
    " A repeat with the same executionId, or with the same header Idempotency-Key by the same user on the same path, starts nothing and "  \
    "answers with the first; another body under a known key is answered 409."

/* FALSE with ERR_INVALID when the header is not 1 to IDEMPOTENCY_KEY_MAX bytes. */
gboolean start_check_key(const ApiCall *call, GError **error);
/* The executionId that body or trigger name, else one that is made of the header, the user and the path, else one of the event that the
 * caller named (or NULL) and these; NULL when the caller gave none of them. Caller frees. */
char *start_execution_id(const ApiCall *call, const JsonValue *body, const JsonValue *trigger, const char *event_id);
/* The trigger with a digest of the request where it has a key, by which another request under the same key is told from a repeat; NULL:
 * it stays as it is. Caller owns. */
Json *start_with_digest(const ApiCall *call, const JsonValue *trigger);
/* The event of a start whose trigger names none: the same for the same header, user and path. Caller frees. */
char *start_event_id(const ApiCall *call);
