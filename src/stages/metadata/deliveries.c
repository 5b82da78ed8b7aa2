/* Delivery configurations (deliveries.h). */
#include "stages/metadata/deliveries.h"
#include <string.h>

typedef struct {
    const JsonValue *given;
    const char *what, *id, *application;
    gint64 now_ms;
} Saving;

static Json *replaced(const JsonValue *stored, gpointer data, GError **error) {
    const Saving *saving = data;
    const char *owner = json_get_string(stored, "application");
    if (owner != NULL && g_ascii_strcasecmp(owner, saving->application) != 0) {
        error_set(error, ERR_INVALID, "%s %s is of application %s, not of %s", saving->what, saving->id, owner, saving->application);
        return NULL;
    }
    g_autoptr(Json) own = json_pack("{s:i}", "createTs", json_get_int(stored, "createTs", saving->now_ms));
    return json_merge(saving->given, json_root(own));
}

static const char *text_of(const JsonValue *document, const char *key, const char *what, GError **error) {
    const char *text = json_get_string(document, key);
    if (text != NULL && strspn(text, " \t\r\n") < strlen(text))
        return text;
    error_set(error, ERR_INVALID, "%s: %s: required", what, key);
    return NULL;
}

Json *delivery_save(Store *store, const JsonValue *delivery, const char *new_id, const Principal *principal, gint64 now_ms,
                    GError **error) {
    const char *application = text_of(delivery, "application", "delivery config", error), *id = json_get_string(delivery, "id");
    if (application == NULL)
        return NULL;
    Saving saving = {delivery, "delivery config", id != NULL && *id != '\0' ? id : new_id, application, now_ms};
    const StoredDocument document = {
        .kind = DELIVERY_KIND, .id = saving.id, .what = "Delivery config", .user = principal->user, .now_ms = now_ms};
    return stored_document_change(store, &document, replaced, &saving, error);
}

gboolean delivery_delete(Store *store, const char *id, GError **error) {
    const StoredDocument document = {.kind = DELIVERY_KIND, .id = id, .what = "Delivery config"};
    return stored_document_delete(store, &document, error);
}

Json *delivery_config_save(Store *store, const JsonValue *manifest, const Principal *principal, gint64 now_ms, GError **error) {
    const char *name = text_of(manifest, "name", "delivery manifest", error);
    const char *application = name != NULL ? text_of(manifest, "application", "delivery manifest", error) : NULL;
    if (application == NULL)
        return NULL;
    Saving saving = {manifest, "delivery manifest", name, application, now_ms};
    const StoredDocument document = {
        .kind = DELIVERY_CONFIG_KIND, .id = name, .what = "Delivery config", .user = principal->user, .now_ms = now_ms};
    return stored_document_change(store, &document, replaced, &saving, error);
}
