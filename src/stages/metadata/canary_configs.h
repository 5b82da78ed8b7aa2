/* Canary configurations as they are stored (canary.md 1): rules of saving, and how one is found by its name. Store objects of kind "canaryConfig",
 * id = their own. Any thread. */
#pragma once
#include "base/principal.h"
#include "stages/metadata/stored_documents.h"

#define CANARY_CONFIG_KIND "canaryConfig"
#define CANARY_METRICS_MAX 10000

/* Creates one (under its id or a new one) or, with an id, replaces that one. Returns it as stored; caller owns. ERR_INVALID says what is wrong,
 * that it exists, or that it does not. */
Json *canary_config_create(Store *store, const JsonValue *config, const Principal *principal, gint64 now_ms, GError **error);
Json *canary_config_update(Store *store, const char *id, const JsonValue *config, const Principal *principal, gint64 now_ms,
                           GError **error);
Json *canary_config_load(Store *store, const char *id, GError **error);      /* caller owns; ERR_NOT_FOUND */
gboolean canary_config_delete(Store *store, const char *id, GError **error); /* ERR_NOT_FOUND */
/* [{id, name, updatedTimestamp, updatedTimestampIso, applications}], of those that list the application, when one is given. Caller owns. */
Json *canary_configs_list(Store *store, const char *application, GError **error);
/* The id of the first that has the name and lists the application; NULL without *error: none. Caller frees. */
char *canary_config_id(Store *store, const char *name, const char *application, GError **error);
