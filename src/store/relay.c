/* Changes as texts for other replicas, and what becomes of those that come from them. On the committer's thread and the lease's. */
#include "store/internal.h"
#include "store/replicas.h"
#include <string.h>

static void item_write(JsonBuilder *builder, const StoreChange *change, gboolean document, gboolean with_detail) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "kind", change->kind);
    json_add_string(builder, "id", change->id);
    if (document) {
        json_add_bool(builder, "document", TRUE);
    } else {
        json_add_string(builder, "application", change->application);
        json_add_string(builder, "status", change->status);
        json_add_int(builder, "version", change->version);
        if (with_detail)
            json_add_string(builder, "detail", change->detail);
    }
    json_end_object(builder);
}

static char *item_text(const StoreChange *change, gboolean document, gboolean with_detail) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    item_write(builder, change, document, with_detail);
    return json_builder_write(builder, NULL);
}

char *relay_item(const ChangeRecord *record, gboolean document) {
    StoreChange change = change_record_view(record);
    g_autofree char *whole = item_text(&change, document, TRUE);
    if (strlen(whole) <= REPLICA_TEXT_MAX)
        return g_steal_pointer(&whole);
    g_autofree char *short_one = item_text(&change, document, FALSE);
    return strlen(short_one) <= REPLICA_TEXT_MAX ? g_steal_pointer(&short_one) : g_strdup(RELAY_EVERYTHING);
}

char *relay_pack(GQueue *items, gint64 from) {
    GString *text = g_string_new(NULL);
    g_string_printf(text, "{\"from\":%" G_GINT64_FORMAT ",\"changes\":[", from);
    for (gboolean first = TRUE; items->length > 0; first = FALSE) {
        const char *next = g_queue_peek_head(items);
        if (!first && text->len + strlen(next) + 3 > STORE_TELL_MAX)
            break;
        g_autofree char *item = g_queue_pop_head(items);
        g_string_append_printf(text, "%s%s", first ? "" : ",", item);
    }
    g_string_append(text, "]}");
    return g_string_free(text, FALSE);
}

gboolean relay_apply(Store *store, StoreConnection *connection, const JsonValue *item, GError **error) {
    const char *kind = json_get_string(item, "kind"), *id = json_get_string(item, "id");
    if (kind == NULL || id == NULL)
        return object_index_refresh(store, connection, error);
    if (json_is_true(json_get(item, "document")))
        return object_index_refresh_one(store, connection, kind, id, error);
    StoreChange change = {.kind = kind,
                          .id = id,
                          .application = json_get_string(item, "application"),
                          .status = json_get_string(item, "status"),
                          .version = json_get_int(item, "version", 0),
                          .detail = json_get_string(item, "detail")};
    changes_publish(store->changes, change_record_new(&change));
    return TRUE;
}
