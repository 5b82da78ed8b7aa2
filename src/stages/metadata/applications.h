/* Applications as people keep them (storage-and-config.md 1.2): rules of saving, and the shapes they are stored in.
 * A store object of kind "application", id = the name in lower case, body = its flat attributes. Any thread. */
#pragma once
#include "base/principal.h"
#include "store/objects.h"

#define APPLICATION_KIND "application"

/* Creates or updates: members missing in the request keep their stored values. attributes must have a name. ERR_INVALID with
 * every rule that is broken. */
gboolean application_save(Store *store, const JsonValue *attributes, const Principal *principal, gint64 now_ms, GError **error);
/* Deletes the application with its pipelines, strategies, notifications and delivery configurations, in one unit; projects forget it. An unknown one is fine. */
gboolean application_delete(Store *store, const char *name, gint64 now_ms, GError **error);
/* The stored attributes; caller owns. ERR_NOT_FOUND. */
Json *application_load(Store *store, const char *name, GError **error);
