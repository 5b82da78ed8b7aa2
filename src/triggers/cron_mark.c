/* Up to where fires are done, as a document of the store. Any thread. */
#include "store/objects.h"
#include "triggers/cron_internal.h"

#define MARK_KIND "cronMark"
#define MARK_ID "scheduler"

gint64 cron_mark_load(Store *store) {
    StoreObject object = {0};
    if (!store_object_load(store, MARK_KIND, MARK_ID, &object, NULL))
        return 0;
    gint64 done_ms = json_get_int(json_root(object.body), "doneMs", 0);
    store_object_clear(&object);
    return done_ms;
}

gboolean cron_mark_save(Store *store, gint64 now_ms, gint64 done_ms, GError **error) {
    g_autoptr(Json) body = json_pack("{s:i}", "doneMs", done_ms);
    StoreObject object = {.kind = MARK_KIND, .id = MARK_ID, .created_ms = now_ms, .updated_ms = now_ms, .body = body};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, -1, FALSE);
    return store_commit(store, unit, error);
}
