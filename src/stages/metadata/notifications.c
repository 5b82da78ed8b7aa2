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

/* The pipeline's own entry that stands for the application's, or NULL. */
static const JsonValue *find_own(const JsonValue *own, const JsonValue *entry) {
    for (JsonIter i = json_iter(own); json_next(&i);)
        if (same(i.value, entry, "type") && (same(i.value, entry, "address") || same(i.value, entry, "publisherName")))
            return i.value;
    return NULL;
}

static gboolean waits_for(const JsonValue *entry, const char *event) {
    for (JsonIter i = json_iter(json_get(entry, "when")); json_next(&i);)
        if (g_strcmp0(json_string(i.value), event) == 0)
            return TRUE;
    return FALSE;
}

/* What the entry waits for of pipelines and the own one does not; NULL: nothing. */
static Json *when_left(const JsonValue *entry, const JsonValue *own) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    guint n = 0;
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(entry, "when")); json_next(&i);) {
        const char *event = json_string(i.value);
        if (event == NULL || !g_str_has_prefix(event, PIPELINE_EVENT) || (own != NULL && waits_for(own, event)))
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
        const JsonValue *standing = find_own(own, json_root(typed));
        g_autoptr(Json) when = when_left(json_root(typed), standing);
        if (when == NULL)
            continue;
        g_autoptr(Json) whole = standing != NULL ? json_with(json_root(typed), "when", json_root(when)) : g_steal_pointer(&typed);
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

Json *notifications_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    const char *name = json_get_string(pipeline, "application");
    g_autofree char *application = name != NULL ? g_ascii_strdown(name, -1) : NULL;
    StoreObject stored;
    (void)submission;
    if (application == NULL)
        return json_copy(pipeline);
    g_autoptr(GError) failure = NULL;
    if (!store_object_load(services->store, NOTIFICATION_KIND, application, &stored, &failure)) {
        if (error_code(failure) == ERR_NOT_FOUND)
            return json_copy(pipeline);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_autoptr(Json) all = merged(json_get(pipeline, "notifications"), json_root(stored.body));
    store_object_clear(&stored);
    return all != NULL ? json_with(pipeline, "notifications", json_root(all)) : json_copy(pipeline);
}
