/* Requests: checked, and one document made for each address. Pure. */
#include "notify/request.h"
#include "engine/graph.h"
#include <string.h>

/* ---- addresses ---- */
static gboolean add_addresses(GPtrArray *into, const JsonValue *value, const char *key, GError **error) {
    if (value == NULL || json_is_null(value))
        return TRUE;
    if (json_is_string(value)) {
        g_ptr_array_add(into, g_strdup(json_string(value)));
        return TRUE;
    }
    for (JsonIter i = json_iter(value); json_is_array(value) && json_next(&i);) {
        const char *text = json_string(i.value);
        if (text == NULL && !json_is_null(i.value)) {
            error_set(error, ERR_INVALID, "%s[%" G_GSIZE_FORMAT "]: expected an address", key, i.index);
            return FALSE;
        }
        if (text != NULL && *text != '\0')
            g_ptr_array_add(into, g_strdup(text));
    }
    if (json_is_array(value))
        return TRUE;
    error_set(error, ERR_INVALID, "%s: expected a list of addresses", key);
    return FALSE;
}

static gboolean read_addresses(const JsonValue *request, GPtrArray *to, GPtrArray *cc, GError **error) {
    if (!add_addresses(to, json_get(request, "to"), "to", error) || !add_addresses(cc, json_get(request, "cc"), "cc", error))
        return FALSE;
    if (to->len == 0)
        error_set(error, ERR_INVALID, "to: expected a list of addresses");
    else if (to->len + cc->len > NOTIFICATION_ADDRESSES_MAX)
        error_set(error, ERR_LIMIT, "to, cc: at most %d addresses (NOTIFICATION_ADDRESSES_MAX)", NOTIFICATION_ADDRESSES_MAX);
    return to->len > 0 && to->len + cc->len <= NOTIFICATION_ADDRESSES_MAX;
}

/* ---- the request ---- */
/* What messages need of the execution that some send whole. */
static Json *shortened(const JsonValue *request) {
    const JsonValue *context = json_get(request, "additionalContext"), *execution = json_get(context, "execution");
    static const char *const LONG[] = {"stages", "initialConfig", "notifications", "authentication", NULL};
    if (!json_is_object(execution))
        return json_copy(request);
    g_autoptr(Json) part = json_without(execution, LONG);
    g_autoptr(Json) with = json_with(context, "execution", json_root(part));
    return json_with(request, "additionalContext", json_root(with));
}

static gboolean check(const Senders *senders, const JsonValue *request, GError **error) {
    const char *name = json_get_string(request, "notificationType");
    const NotificationType *type = notification_type_find(name);
    if (!json_is_object(request) || name == NULL) {
        error_set(error, ERR_INVALID, "notificationType: required; the body is {notificationType: \"SLACK\", to: [\"#deployments\"], …}");
        return FALSE;
    }
    if (!senders_can(senders, name, error))
        return FALSE;
    if (type->request_name == NULL) {
        error_set(error, ERR_INVALID, "notificationType %s: such notifications are made of events of executions only", type->name);
        return FALSE;
    }
    return TRUE;
}

static Json *document_for(const char *key, const NotificationType *type, const JsonValue *request, GPtrArray *to, GPtrArray *cc,
                          guint number, gint64 now_ms) {
    g_autofree char *own = g_strdup_printf("%s-%u", key, number);
    const char *only[] = {to->len > 0 ? to->pdata[number] : NULL, NULL};
    g_autoptr(GPtrArray) all = g_ptr_array_new(), copies = g_ptr_array_new();
    for (guint i = 0; type->together && i < to->len; i++)
        g_ptr_array_add(all, to->pdata[i]);
    for (guint i = 0; type->together && i < cc->len; i++)
        g_ptr_array_add(copies, cc->pdata[i]);
    g_ptr_array_add(all, NULL);
    g_ptr_array_add(copies, NULL);
    return notification_of_request(own, type->name, request, type->together ? (const char *const *)all->pdata : only,
                                   (const char *const *)copies->pdata, now_ms);
}

GPtrArray *request_documents(const Senders *senders, const JsonValue *request, const char *key, gint64 now_ms, GError **error) {
    g_autoptr(GPtrArray) to = g_ptr_array_new_with_free_func(g_free), cc = g_ptr_array_new_with_free_func(g_free);
    if (!check(senders, request, error) || !read_addresses(request, to, cc, error))
        return NULL;
    const NotificationType *type = notification_type_find(json_get_string(request, "notificationType"));
    g_autoptr(Json) kept = shortened(request);
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    for (guint i = 0; i < (type->together ? 1 : to->len); i++) {
        Json *document = document_for(key, type, json_root(kept), to, cc, i, now_ms);
        g_ptr_array_add(documents, document);
        gsize length = 0;
        g_free(json_write(json_root(document), &length));
        if (length > NOTIFICATION_BYTES_MAX) {
            error_set(error, ERR_LIMIT, "a notification has at most %d bytes (NOTIFICATION_BYTES_MAX)", NOTIFICATION_BYTES_MAX);
            return NULL;
        }
        g_auto(Notification) opened = {0};
        g_auto(NotificationCall) call = {0};
        notification_open(&opened, json_root(document), senders_base_url(senders));
        if (!notification_build(senders, type, &opened, &call, error)) /* what can never be sent is said at once */
            return NULL;
    }
    return g_steal_pointer(&documents);
}

/* ---- what can be said of kinds ---- */
Json *request_types(const Senders *senders) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (gsize i = 0; notification_types[i] != NULL; i++) {
        const NotificationType *type = notification_types[i];
        g_autoptr(GError) reason = NULL;
        gboolean enabled = senders_can(senders, type->name, &reason);
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", type->name);
        json_add_string(builder, "requestType", type->request_name);
        json_add_string(builder, "label", type->label);
        json_add_string(builder, "help", type->help);
        json_add_string(builder, "address", type->address_help);
        json_add_string(builder, "example", type->example);
        if (type->params != NULL)
            params_describe(type->params, builder, "parameters");
        json_add_bool(builder, "enabled", enabled);
        json_add_string(builder, "reason", enabled ? NULL : reason->message);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static void add_unsent(JsonBuilder *builder, GHashTable *seen, const Senders *senders, const JsonValue *list) {
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        const char *type = json_get_string(i.value, "type");
        g_autoptr(GError) reason = NULL;
        if (type == NULL || senders_can(senders, type, &reason) || !g_hash_table_add(seen, (gpointer)type))
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", type);
        json_add_string(builder, "reason", reason->message);
        json_end_object(builder);
    }
}

Json *request_unsent(const Senders *senders, const Execution *execution) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    add_unsent(builder, seen, senders, json_root(execution->notifications));
    for (guint i = 0; i < execution->stages->len; i++)
        add_unsent(builder, seen, senders, json_get(json_root(execution_stage_at(execution, i)->context), "notifications"));
    json_end_array(builder);
    return json_builder_end(builder);
}
