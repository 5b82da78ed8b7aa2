/* Who is told about an application's pipelines: kept here, sent elsewhere (storage-and-config.md 1.7; api.md 13). Store objects of
 * kind "notification", id = the application in lower case. */
#include "api/internal.h"
#include "stages/metadata/notifications.h"
#include "store/objects.h"
#include <string.h>

/* "application" or "global", else 404. */
static gboolean check_type(ApiCall *call, GError **error) {
    const char *type = api_path(call, "type");
    if (strcmp(type, "application") == 0 || strcmp(type, "global") == 0)
        return TRUE;
    error_set(error, ERR_NOT_FOUND, "Notification type %s not found", type);
    return FALSE;
}

static char *id_of(ApiCall *call) {
    return strcmp(api_path(call, "type"), "global") == 0 ? g_strdup(NOTIFICATION_GLOBAL_ID)
                                                         : g_utf8_strdown(api_path(call, "application"), -1);
}

/* NULL without error: there are none. Caller owns. */
static Json *load(ApiCall *call, const char *id, GError **error) {
    g_autoptr(GError) missing = NULL;
    StoreObject object = {0};
    if (!store_object_load(call->services->store, NOTIFICATION_KIND, id, &object, &missing)) {
        if (error_code(missing) != ERR_NOT_FOUND)
            g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

/* The application's own, each list followed by the global ones of its type. */
static Json *with_global(const JsonValue *own, const JsonValue *global) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(own); json_next(&i);) {
        const JsonValue *more = json_get(global, i.key);
        if (!json_is_array(i.value) || !json_is_array(more)) {
            json_add_value(builder, i.key, i.value);
            continue;
        }
        json_begin_array(builder, i.key);
        for (JsonIter entry = json_iter(i.value); json_next(&entry);)
            json_add_value(builder, NULL, entry.value);
        for (JsonIter entry = json_iter(more); json_next(&entry);)
            json_add_value(builder, NULL, entry.value);
        json_end_array(builder);
    }
    for (JsonIter i = json_iter(global); json_next(&i);)
        if (json_is_array(i.value) && json_get(own, i.key) == NULL)
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *notifications_get(ApiCall *call, GError **error) {
    g_autoptr(GError) failure = NULL;
    if (!check_type(call, error))
        return NULL;
    g_autofree char *id = id_of(call);
    g_autoptr(Json) own = load(call, id, &failure);
    g_autoptr(Json) global = failure == NULL && strcmp(id, NOTIFICATION_GLOBAL_ID) != 0 ? load(call, NOTIFICATION_GLOBAL_ID, &failure)
                                                                                        : NULL;
    if (failure == NULL)
        return with_global(json_root(own), json_root(global));
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

static gboolean may_change(ApiCall *call, GError **error) {
    if (!check_type(call, error))
        return FALSE;
    if (strcmp(api_path(call, "type"), "application") == 0 || call->principal->admin)
        return TRUE;
    error_set(error, ERR_FORBIDDEN, "notifications of all applications are changed by administrators");
    return FALSE;
}

static gboolean check_body(ApiCall *call, GError **error) {
    if (!json_is_object(call->body)) {
        error_set(error, ERR_INVALID, "notifications: the body is {\"email\": [{address, when: [\"pipeline.failed\"]}], …}");
        return FALSE;
    }
    for (JsonIter i = json_iter(call->body); json_next(&i);)
        for (JsonIter entry = json_iter(json_is_array(i.value) ? i.value : NULL); json_next(&entry);) {
            const JsonValue *when = json_get(entry.value, "when");
            if (json_is_object(entry.value) && (when == NULL || json_is_null(when) || json_is_array(when)))
                continue;
            error_set(error, ERR_INVALID, "notifications: %s[%" G_GSIZE_FORMAT "]: expected {address, when: [\"pipeline.failed\"]}", i.key,
                      entry.index);
            return FALSE;
        }
    return TRUE;
}

static Json *notifications_post(ApiCall *call, GError **error) {
    if (!may_change(call, error) || !check_body(call, error))
        return NULL;
    g_autofree char *id = id_of(call);
    gboolean global = strcmp(id, NOTIFICATION_GLOBAL_ID) == 0;
    g_autoptr(Json) own = json_pack("{s:s, s:i, s:s}", "application", global ? NOTIFICATION_GLOBAL_ID : api_path(call, "application"),
                                    "lastModified", call->now_ms, "lastModifiedBy", call->principal->user);
    g_autoptr(Json) body = json_merge(call->body, json_root(own));
    const StoreObject object = {.kind = NOTIFICATION_KIND,
                                .id = id,
                                .application = global ? NULL : id,
                                .created_ms = call->now_ms,
                                .updated_ms = call->now_ms,
                                .updated_by = call->principal->user,
                                .body = body};
    const StoreChange change = {NOTIFICATION_KIND, id, object.application, "SAVED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, -1, TRUE);
    store_unit_change(unit, &change);
    store_commit(call->services->store, unit, error);
    return NULL;
}

static Json *notifications_delete(ApiCall *call, GError **error) {
    if (!may_change(call, error))
        return NULL;
    g_autofree char *id = id_of(call);
    const StoreChange change = {NOTIFICATION_KIND, id, strcmp(id, NOTIFICATION_GLOBAL_ID) == 0 ? NULL : id, "DELETED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, NOTIFICATION_KIND, id, -1);
    store_unit_change(unit, &change);
    store_commit(call->services->store, unit, error);
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/notifications/{type}/{application}",
     .handler = notifications_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "Whom an application tells about its pipelines, and what all applications do: lists by type."},
    {.method = "POST",
     .path = "/notifications/{type}/{application}",
     .handler = notifications_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .help = "Replaces an application's notifications. Type \"global\": those of all, for administrators."},
    {.method = "DELETE",
     .path = "/notifications/{type}/{application}",
     .handler = notifications_delete,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .help = "Removes an application's notifications."},
    {0},
};
const RouteTable notification_config_routes = {"Notifications of applications", routes};
