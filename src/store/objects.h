/* Named JSON documents with versions and history: applications, pipelines, strategies, notifications, projects, and what
 * other rooms keep for themselves (bakes, inventory marks). Reads of hot kinds come from an in-memory index that the commits
 * keep true (names, ids, applications); bodies are cached as immutable Json. */
#pragma once
#include "store/store.h"

typedef struct {
    const char *kind; /* "pipeline" … */
    const char *id;
    const char *application; /* lower case, or NULL */
    const char *name;        /* or NULL */
    gint64 version;          /* 1, 2, … */
    gint64 created_ms, updated_ms;
    const char *updated_by;
    Json *body; /* borrowed in callbacks */
} StoreObject;

#define OBJECT_HISTORY_MAX 200
#define OBJECT_CACHE_BYTES (32 * 1024 * 1024) /* parsed bodies kept, least recently used go first */
/* Saves. expected_version: 0 must not exist yet, -1 any, else the version that is replaced (ERR_CONFLICT). keep_history
 * keeps the replaced document (newest OBJECT_HISTORY_MAX). object's version is not read; created_ms counts only when it is new. */
void store_object_save(StoreUnit *unit, const StoreObject *object, gint64 expected_version, gboolean keep_history);
/* With its history. ERR_CONFLICT when it does not exist (expected_version -1: no error) or has another version. */
void store_object_delete(StoreUnit *unit, const char *kind, const char *id, gint64 expected_version);

/* A copy that the caller clears; FALSE with ERR_NOT_FOUND. */
gboolean store_object_load(Store *store, const char *kind, const char *id, StoreObject *into, GError **error);
void store_object_clear(StoreObject *object);
typedef gboolean (*ObjectEach)(const StoreObject *object, gpointer data);
/* application, name: NULL for any. Ordered by (application, name, id). */
gboolean store_objects_each(Store *store, const char *kind, const char *application, const char *name, ObjectEach each, gpointer data,
                            GError **error);
/* The same without bodies (NULL): what is known without a look into the database. */
void store_object_names_each(Store *store, const char *kind, const char *application, ObjectEach each, gpointer data);
/* Newest first; includes the current one. */
gboolean store_object_history(Store *store, const char *kind, const char *id, guint limit, ObjectEach each, gpointer data, GError **error);
