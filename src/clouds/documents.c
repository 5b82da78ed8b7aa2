/* Documents of clouds (documents.h): store objects of a kind of their own. */
#include "clouds/documents.h"
#include "store/objects.h"

#define DOCUMENT_KIND "cloudDocument"

Json *clouds_document_load(Clouds *clouds, const char *name) {
    StoreObject kept = {0};
    if (clouds_store(clouds) == NULL || !store_object_load(clouds_store(clouds), DOCUMENT_KIND, name, &kept, NULL))
        return NULL;
    Json *document = json_ref(kept.body);
    store_object_clear(&kept);
    return document;
}

gboolean clouds_document_save(Clouds *clouds, const char *name, Json *document, GError **error) {
    StoreUnit *unit = store_unit_new();
    gint64 now_ms = clouds_now_ms(clouds);
    StoreObject kept = {.kind = DOCUMENT_KIND, .id = name, .created_ms = now_ms, .updated_ms = now_ms, .body = document};
    store_object_save(unit, &kept, -1, FALSE);
    return runtime_commit_and_wait(clouds_runtime(clouds), unit, error);
}
