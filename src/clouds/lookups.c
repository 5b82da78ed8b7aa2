/* Answers about accounts as store objects, one per account (lookups.h). Any thread. */
#include "clouds/lookups.h"
#include "base/log.h"
#include "store/objects.h"

#define LOOKUP_KIND "accountLookup"

static char *id_of(const Account *account) {
    return g_strdup_printf("%s|%s", account->cloud->id, account->name);
}

Json *clouds_lookup_recall(Clouds *clouds, const Account *account, const char *key, gint64 *age_ms) {
    g_autofree char *id = id_of(account);
    StoreObject object = {0};
    if (!store_object_load(clouds_store(clouds), LOOKUP_KIND, id, &object, NULL))
        return NULL;
    const JsonValue *body = json_root(object.body);
    gboolean same = g_strcmp0(json_get_string(body, "key"), key) == 0;
    Json *told = same && json_is_object(json_get(body, "told")) ? json_copy(json_get(body, "told")) : NULL;
    *age_ms = MAX(0, clouds_now_ms(clouds) - object.updated_ms);
    store_object_clear(&object);
    return told;
}

void clouds_lookup_remember(Clouds *clouds, const Account *account, const char *key, const JsonValue *told) {
    g_autofree char *id = id_of(account);
    g_autoptr(Json) body = json_pack("{s:s, s:v}", "key", key, "told", told);
    gint64 now_ms = clouds_now_ms(clouds);
    StoreObject object = {.kind = LOOKUP_KIND, .id = id, .version = 1, .created_ms = now_ms, .updated_ms = now_ms, .body = body};
    StoreUnit *unit = store_unit_new();
    g_autoptr(GError) error = NULL;
    store_object_save(unit, &object, -1, FALSE);
    if (!store_commit(clouds_store(clouds), unit, &error))
        log_warning("clouds", "what %s told about account %s was not written, it is asked again at the next start: %s", account->cloud->id,
                    account->name, error->message);
}
