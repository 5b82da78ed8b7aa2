/* Delivery configurations (storage-and-config.md 1.7 and 3): kept with their application, which takes them along when it is deleted. Nothing acts on
 * them: there is no managed delivery. Two kinds: "delivery", of Front50 (id: a UUID), and "deliveryConfig", submitted manifests (id: their name). Any
 * thread. */
#pragma once
#include "base/principal.h"
#include "stages/metadata/stored_documents.h"

#define DELIVERY_KIND "delivery"
#define DELIVERY_CONFIG_KIND "deliveryConfig"

/* Creates or replaces one; new_id: its id when it names none. It stays with its application. Returns it as stored; caller owns. ERR_INVALID. */
Json *delivery_save(Store *store, const JsonValue *delivery, const char *new_id, const Principal *principal, gint64 now_ms, GError **error);
gboolean delivery_delete(Store *store, const char *id, GError **error);
/* A manifest {name, application, serviceAccount, artifacts, environments}; one of the name is replaced if it is of the same application. Caller owns. */
Json *delivery_config_save(Store *store, const JsonValue *manifest, const Principal *principal, gint64 now_ms, GError **error);
