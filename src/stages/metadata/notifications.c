/* Notifications of applications meet their pipelines (notifications.h, engine.md 19.2). */
#include "stages/metadata/notifications.h"
#include "stages/services.h"
#include "store/objects.h"
#include <string.h>

#define PIPELINE_EVENT "pipeline."

static gboolean same(const JsonValue *a, const JsonValue *b, const char *key) {
    const char *left = json_get_string(a, key), *right = json_get_string(b, key);
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

static gboolean same_receiver(const JsonValue *own, const JsonValue *entry) {
    return same(own, entry, "type") && (same(own, entry, "address") || same(own, entry, "publisherName"));
}

/* Whether the list has an entry of its own for the receiver. */
static gboolean has_own(const JsonValue *list, const JsonValue *entry) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (same_receiver(i.value, entry))
            return TRUE;
    return FALSE;
}

static gboolean waits_for(const JsonValue *entry, const char *event) {
    for (JsonIter i = json_iter(json_get(entry, "when")); json_next(&i);)
        if (g_strcmp0(json_string(i.value), event) == 0)
            return TRUE;
    return FALSE;
}

/* All entries of the list for the same receiver count: the application's may have joined before. */
static gboolean own_waits_for(const JsonValue *list, const JsonValue *entry, const char *event) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (same_receiver(i.value, entry) && waits_for(i.value, event))
            return TRUE;
    return FALSE;
}

/* What the entry waits for of pipelines and those of the list for its receiver do not; NULL: nothing. */
static Json *when_left(const JsonValue *entry, const JsonValue *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    guint n = 0;
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(entry, "when")); json_next(&i);) {
        const char *event = json_string(i.value);
        if (event == NULL || !g_str_has_prefix(event, PIPELINE_EVENT) || own_waits_for(list, entry, event))
            continue;
        json_add_string(builder, NULL, event);
        n++;
    }
    json_end_array(builder);
    return n > 0 ? json_builder_end(builder) : NULL;
}

/* Appends the entries of one type; whether there were any. */
static gboolean add_entries(JsonBuilder *builder, const char *type, const JsonValue *entries, const JsonValue *own) {
    gboolean any = FALSE;
    for (JsonIter i = json_iter(entries); json_is_array(entries) && json_next(&i);) {
        g_autoptr(Json) typed = json_get(i.value, "type") != NULL ? json_copy(i.value) : json_with_string(i.value, "type", type);
        g_autoptr(Json) when = when_left(json_root(typed), own);
        if (when == NULL)
            continue;
        g_autoptr(Json) whole = has_own(own, json_root(typed)) ? json_with(json_root(typed), "when", json_root(when))
                                                               : g_steal_pointer(&typed);
        json_add_json(builder, NULL, whole);
        any = TRUE;
    }
    return any;
}

static Json *merged(const JsonValue *own, const JsonValue *application) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    gboolean any = FALSE;
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(own); json_is_array(own) && json_next(&i);)
        json_add_value(builder, NULL, i.value);
    for (JsonIter i = json_iter(application); json_next(&i);)
        any = add_entries(builder, i.key, i.value, own) || any;
    json_end_array(builder);
    return any ? json_builder_end(builder) : NULL;
}

/* One stored list after the other. *own becomes what it is with its entries. */
static gboolean add_stored(Store *store, const char *id, Json **own, gboolean *any, GError **error) {
    g_autoptr(GError) failure = NULL;
    StoreObject stored;
    if (!store_object_load(store, NOTIFICATION_KIND, id, &stored, &failure)) {
        if (error_code(failure) == ERR_NOT_FOUND)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    Json *all = merged(json_root(*own), json_root(stored.body));
    store_object_clear(&stored);
    if (all == NULL)
        return TRUE;
    json_unref(*own);
    *own = all;
    *any = TRUE;
    return TRUE;
}

Json *notifications_with_application(Store *store, const char *application, const JsonValue *own, GError **error) {
    g_autofree char *id = g_ascii_strdown(application, -1);
    g_autoptr(Json) all = own != NULL ? json_copy(own) : json_empty_array();
    gboolean any = FALSE;
    if (!add_stored(store, id, &all, &any, error) || !add_stored(store, NOTIFICATION_GLOBAL_ID, &all, &any, error))
        return NULL;
    return any ? g_steal_pointer(&all) : NULL;
}

Json *notifications_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    const char *application = json_get_string(pipeline, "application");
    (void)submission;
    if (application == NULL)
        return NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) all = notifications_with_application(services->store, application, json_get(pipeline, "notifications"), &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return all != NULL ? json_with(pipeline, "notifications", json_root(all)) : NULL;
}
