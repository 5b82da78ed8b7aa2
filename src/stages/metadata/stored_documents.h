/* What documents of the store beside applications, pipelines and projects have in common: plugins, delivery configurations, canary configurations,
 * snapshots. A store object of the kind, with lastModified and lastModifiedBy. Any thread. */
#pragma once
#include "base/error.h"
#include "store/objects.h"

typedef struct {
    const char *kind, *id;
    const char *what; /* "Plugin": begins messages */
    const char *user;
    gint64 now_ms;
} StoredDocument;

/* Caller owns. ERR_NOT_FOUND "<what> not found (id: …)". */
Json *stored_document_load(Store *store, const StoredDocument *document, GError **error);
/* All of a kind, of an application (any case) when it is not NULL, as a list; caller owns. */
Json *stored_documents_list(Store *store, const char *kind, const char *application, GError **error);

/* What the document becomes; stored is NULL when it is new. NULL with *error: nothing is changed. Caller owns; may be called more than once. */
typedef Json *(*DocumentChange)(const JsonValue *stored, gpointer data, GError **error);
/* Changes one and returns it as stored (caller owns); its members application and name become the object's. ERR_CONFLICT when others change it all
 * the time. */
Json *stored_document_change(Store *store, const StoredDocument *document, DocumentChange change, gpointer data, GError **error);
/* An unknown one is fine. */
gboolean stored_document_delete(Store *store, const StoredDocument *document, GError **error);
