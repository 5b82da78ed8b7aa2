/* Documents of further kinds (stored_documents.h). A change is conditional on the version it was made from, so that no lock is needed. */
#include "stages/metadata/stored_documents.h"

#define CHANGES_TRIED 10

Json *stored_document_load(Store *store, const StoredDocument *document, GError **error) {
    g_autoptr(GError) wrong = NULL;
    StoreObject object = {0};
    if (!store_object_load(store, document->kind, document->id, &object, &wrong)) {
        if (error_code(wrong) == ERR_NOT_FOUND)
            error_set(error, ERR_NOT_FOUND, "%s not found (id: %s)", document->what, document->id);
        else
            g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

static gboolean add_each(const StoreObject *object, gpointer data) {
    json_add_json(data, NULL, object->body);
    return TRUE;
}

Json *stored_documents_list(Store *store, const char *kind, const char *application, GError **error) {
    g_autofree char *lower = application != NULL ? g_utf8_strdown(application, -1) : NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (!store_objects_each(store, kind, lower, NULL, add_each, builder, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean commit(Store *store, const StoredDocument *document, const Json *body, gint64 version, GError **error) {
    const char *application = json_get_string(json_root(body), "application");
    g_autofree char *lower = application != NULL ? g_utf8_strdown(application, -1) : NULL;
    const StoreObject object = {.kind = document->kind,
                                .id = document->id,
                                .application = lower,
                                .name = json_get_string(json_root(body), "name"),
                                .created_ms = document->now_ms,
                                .updated_ms = document->now_ms,
                                .updated_by = document->user,
                                .body = (Json *)body};
    const StoreChange change = {document->kind, document->id, lower, "SAVED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, version, TRUE);
    store_unit_change(unit, &change);
    return store_commit(store, unit, error);
}

static Json *change_once(Store *store, const StoredDocument *document, DocumentChange change, gpointer data, GError **error) {
    g_autoptr(GError) wrong = NULL;
    StoreObject object = {0};
    gboolean known = store_object_load(store, document->kind, document->id, &object, &wrong);
    if (!known && error_code(wrong) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    const gint64 version = known ? object.version : 0;
    g_autoptr(Json) stored = known ? json_ref(object.body) : NULL;
    store_object_clear(&object);
    g_autoptr(Json) next = change(json_root(stored), data, error);
    if (next == NULL)
        return NULL;
    g_autoptr(Json)
        own = json_pack("{s:s, s:i, s:s}", "id", document->id, "lastModified", document->now_ms, "lastModifiedBy", document->user);
    g_autoptr(Json) body = json_merge(json_root(next), json_root(own));
    return commit(store, document, body, version, error) ? g_steal_pointer(&body) : NULL;
}

Json *stored_document_change(Store *store, const StoredDocument *document, DocumentChange change, gpointer data, GError **error) {
    for (int tries = 1;; tries++) {
        g_autoptr(GError) wrong = NULL;
        Json *body = change_once(store, document, change, data, &wrong);
        if (body != NULL)
            return body;
        if (error_code(wrong) == ERR_CONFLICT && tries < CHANGES_TRIED)
            continue;
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
}

gboolean stored_document_delete(Store *store, const StoredDocument *document, GError **error) {
    const StoreChange change = {document->kind, document->id, NULL, "DELETED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, document->kind, document->id, -1);
    store_unit_change(unit, &change);
    return store_commit(store, unit, error);
}
