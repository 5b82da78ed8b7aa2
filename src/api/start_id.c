/* Ids of starts (start_id.h). Reader threads. */
#include "api/start_id.h"
#include "base/ids.h"
#include "engine/engine.h"
#include <string.h>

/* The time in ids that are made of what the caller said, which has to be the same at a repeat. */
#define NAMED_START_MS G_GINT64_CONSTANT(1577836800000) /* 2020 began */

gboolean start_check_key(const ApiCall *call, GError **error) {
    const char *key = http_exchange_header(call->exchange, IDEMPOTENCY_HEADER);
    if (key == NULL || (*key != '\0' && strlen(key) <= IDEMPOTENCY_KEY_MAX))
        return TRUE;
    error_set(error, ERR_INVALID, "the header " IDEMPOTENCY_HEADER " has 1 to %d bytes (IDEMPOTENCY_KEY_MAX), not %zu", IDEMPOTENCY_KEY_MAX,
              strlen(key));
    return FALSE;
}

static char *digits_of(const ApiCall *call, const char *what, const char *name) {
    return id_from_parts(what, name, call->principal->user, http_exchange_path(call->exchange), NULL);
}

char *start_execution_id(const ApiCall *call, const JsonValue *body, const JsonValue *trigger, const char *event_id) {
    const char *given = json_get_string(body, "executionId");
    if (given == NULL)
        given = json_get_string(trigger, "executionId");
    if (given != NULL)
        return g_strdup(given);
    const char *key = http_exchange_header(call->exchange, IDEMPOTENCY_HEADER);
    if (key == NULL && event_id == NULL)
        return NULL;
    g_autofree char *digits = key != NULL ? digits_of(call, "start by key", key) : digits_of(call, "start by event", event_id);
    return id_ulid_from(NAMED_START_MS, digits);
}

Json *start_with_digest(const ApiCall *call, const JsonValue *trigger) {
    gboolean fits = trigger == NULL || json_is_null(trigger) || json_is_object(trigger);
    if (http_exchange_header(call->exchange, IDEMPOTENCY_HEADER) == NULL || !fits)
        return NULL;
    gsize length = 0;
    g_autofree char *text = json_write(call->body, &length);
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);
    return json_with_string(trigger, REQUEST_DIGEST_KEY, digest);
}

char *start_event_id(const ApiCall *call) {
    const char *key = http_exchange_header(call->exchange, IDEMPOTENCY_HEADER);
    if (key == NULL)
        return g_uuid_string_random();
    g_autofree char *digits = digits_of(call, "event by key", key);
    return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16, digits + 20);
}
