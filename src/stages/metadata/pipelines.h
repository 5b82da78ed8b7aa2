/* Pipeline and strategy configurations (storage-and-config.md 1.3, 1.4; api.md 4): rules of saving, order of lists.
 * Store objects of kind "pipeline" and "strategy", id = their own, application in lower case. Any thread. */
#pragma once
#include "base/principal.h"
#include "store/objects.h"

#define PIPELINE_KIND "pipeline"
#define STRATEGY_KIND "strategy"

/* Saves one and returns it as stored (caller owns). ERR_INVALID with the reference's messages. */
Json *pipeline_save(Store *store, const char *kind, const JsonValue *pipeline, const Principal *principal, gboolean stale_check,
                    gint64 now_ms, GError **error);
/* By application and name (trimmed, case-insensitive). Unknown: TRUE. */
gboolean pipeline_delete(Store *store, const char *kind, const char *application, const char *name, GError **error);
/* Exact name in the application first, then id of any application. ERR_NOT_FOUND. Caller owns. */
Json *pipeline_find(Store *store, const char *kind, const char *application, const char *name_or_id, GError **error);
Json *pipeline_load(Store *store, const char *kind, const char *id, GError **error);
/* As lists show them: those with an index first, then by name; filtered by a part of the name; limited; numbered anew.
 * application NULL: all, unsorted. Caller owns. */
Json *pipelines_list(Store *store, const char *kind, const char *application, const char *name_filter, guint limit, GError **error);
/* {"<id>": n, …}. ERR_NOT_FOUND for unknown ids. */
gboolean pipelines_reorder(Store *store, const char *kind, const char *application, const JsonValue *ids_to_indices,
                           const Principal *principal, gint64 now_ms, GError **error);
