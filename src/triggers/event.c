/* An event while it is handled: the envelope of triggers.md 1.2 with what is asked of it most. Pure. */
#include "base/ids.h"
#include "triggers/internal.h"
#include <string.h>

static char *delivery_key(const TriggerEvent *event, const char *type, const char *source) {
    if (event->delivery == NULL || *event->delivery == '\0')
        return NULL;
    return id_from_parts("delivery", type, source != NULL ? source : "", event->delivery, NULL);
}

static Json *with_id(const JsonValue *envelope, const char *id) {
    return json_with_string(envelope, "eventId", id);
}

Event *event_new(const TriggerEvent *given, gint64 now_ms, GError **error) {
    const JsonValue *details = json_get(given->envelope, "details");
    const char *type = json_get_string(details, "type"), *source = json_get_string(details, "source");
    if (type == NULL || *type == '\0') {
        error_set(error, ERR_INVALID, "an event needs details.type");
        return NULL;
    }
    if (given->id != NULL && (*given->id == '\0' || strlen(given->id) > TRIGGER_EVENT_ID_MAX)) {
        error_set(error, ERR_LIMIT, "an event's id has 1 to %d characters (TRIGGER_EVENT_ID_MAX)", TRIGGER_EVENT_ID_MAX);
        return NULL;
    }
    Event *event = g_new0(Event, 1);
    event->id = given->id != NULL ? g_strdup(given->id) : g_uuid_string_random();
    event->type = g_strdup(type);
    event->source = g_strdup(source);
    event->delivery = delivery_key(given, type, source);
    event->created_ms = given->created_ms > 0 ? given->created_ms : now_ms;
    event->envelope = with_id(given->envelope, event->id);
    return event;
}

Event *event_from_record(const TriggerEventRecord *record, GError **error) {
    g_autoptr(Json) envelope = record->body != NULL ? json_parse(record->body, -1, error) : json_empty_object();
    if (envelope == NULL)
        return NULL;
    Event *event = g_new0(Event, 1);
    event->id = g_strdup(record->id);
    event->type = g_strdup(record->type);
    event->source = g_strdup(record->source);
    event->delivery = g_strdup(record->delivery);
    event->number = record->number;
    event->created_ms = record->created_ms;
    event->envelope = g_steal_pointer(&envelope);
    return event;
}

void event_free(Event *event) {
    if (event == NULL)
        return;
    g_free(event->id);
    g_free(event->type);
    g_free(event->source);
    g_free(event->delivery);
    json_unref(event->envelope);
    g_free(event);
}

/* What a signature was made of is of no use any more, and what proves a sender is nobody's to read. */
char *event_text_to_keep(const Event *event) {
    static const char *const RAW[] = {"rawContent", NULL};
    static const char *const HEADERS[] = {"requestHeaders", NULL};
    g_autoptr(Json) without_raw = json_without(json_root(event->envelope), RAW);
    const JsonValue *details = json_get(json_root(without_raw), "details");
    g_autoptr(Json) without_headers = json_is_object(details) ? json_without(details, HEADERS) : json_empty_object();
    g_autoptr(Json) kept = json_with(json_root(without_raw), "details", json_root(without_headers));
    gsize length = 0;
    g_autofree char *text = json_write(json_root(kept), &length);
    return length <= TRIGGER_EVENT_KEPT_MAX ? g_steal_pointer(&text) : NULL;
}

const JsonValue *event_content(const Event *event) {
    return json_get(json_root(event->envelope), "content");
}

const JsonValue *event_payload(const Event *event) {
    return json_get(json_root(event->envelope), "payload");
}

const JsonValue *event_at(const Event *event, const char *path) {
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    const JsonValue *value = json_root(event->envelope);
    for (gsize i = 0; names[i] != NULL && value != NULL; i++)
        value = json_get(value, names[i]);
    return value;
}

const JsonValue *event_header_values(const Event *event, const char *name) {
    const JsonValue *headers = json_dig(json_root(event->envelope), "details", "requestHeaders", NULL);
    for (JsonIter i = json_iter(headers); json_next(&i);)
        if (i.key != NULL && g_ascii_strcasecmp(i.key, name) == 0)
            return i.value;
    return NULL;
}

const char *event_header(const Event *event, const char *name) {
    const JsonValue *values = event_header_values(event, name);
    return json_is_array(values) ? json_string(json_at(values, 0)) : json_string(values);
}
