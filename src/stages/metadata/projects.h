/* Projects: applications, clusters and pipelines that are looked at together (storage-and-config.md 1.6). Store objects of kind
 * "project", id = their own. Any thread. */
#pragma once
#include "base/principal.h"
#include "store/objects.h"

#define PROJECT_KIND "project"

/* Creates (without id) or updates one and returns it as stored (caller owns). ERR_INVALID: no name, a name that is taken, config of
 * another shape. */
Json *project_save(Store *store, const JsonValue *project, const Principal *principal, gint64 now_ms, GError **error);
/* An unknown one is fine. */
gboolean project_delete(Store *store, const char *id, GError **error);
/* By name (any case), then by id. ERR_NOT_FOUND. Caller owns. */
Json *project_find(Store *store, const char *name_or_id, GError **error);
/* Adds to a unit what becomes of projects when an application goes: it is taken out of them; one that is left without any goes too. */
gboolean projects_forget_application(Store *store, StoreUnit *unit, const char *application, gint64 now_ms, GError **error);
