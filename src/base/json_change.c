/* Changed copies of documents. Pure functions on immutable documents, any thread; the caller owns what they return. */
#include "base/json_internal.h"

/* Gives the member of the result; both are present. */
typedef void (*AddBoth)(JsonBuilder *builder, const char *key, const JsonValue *base, const JsonValue *change);

static void add_change(JsonBuilder *builder, const char *key, const JsonValue *base, const JsonValue *change) {
    (void)base;
    json_add_value(builder, key, change);
}

static const JsonValue *find(const JsonKeyIndex *index, const char *key) {
    return json_key_index_find(index, key, strlen(key));
}

/* base's members in their order, changed ones at their place, new ones at the end, as one object. */
static void add_merged(JsonBuilder *builder, const char *key, const JsonValue *base, const JsonValue *changes, AddBoth add_both) {
    g_auto(JsonKeyIndex) in_base = json_key_index(base);
    g_auto(JsonKeyIndex) in_changes = json_key_index(changes);
    json_begin_object(builder, key);
    if (json_is_object(base))
        for (JsonIter i = json_iter(base); json_next(&i);) {
            const JsonValue *change = find(&in_changes, i.key);
            if (change == NULL)
                json_add_value(builder, i.key, i.value);
            else
                add_both(builder, i.key, i.value, change);
        }
    if (json_is_object(changes))
        for (JsonIter i = json_iter(changes); json_next(&i);)
            if (find(&in_base, i.key) == NULL)
                json_add_value(builder, i.key, i.value);
    json_end_object(builder);
}

static void add_deep(JsonBuilder *builder, const char *key, const JsonValue *base, const JsonValue *change) {
    if (json_is_object(base) && json_is_object(change))
        add_merged(builder, key, base, change, add_deep);
    else
        json_add_value(builder, key, change);
}

Json *json_merge(const JsonValue *base, const JsonValue *changes) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_merged(builder, NULL, base, changes, add_change);
    return json_builder_end(builder);
}

Json *json_merge_deep(const JsonValue *base, const JsonValue *changes) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_merged(builder, NULL, base, changes, add_deep);
    return json_builder_end(builder);
}

Json *json_with(const JsonValue *object, const char *key, const JsonValue *value) {
    g_autoptr(Json) change = json_pack("{s:v}", key, value);
    return json_merge(object, json_root(change));
}

Json *json_with_string(const JsonValue *object, const char *key, const char *text) {
    g_autoptr(Json) change = json_pack("{s:s}", key, text);
    return json_merge(object, json_root(change));
}

Json *json_without(const JsonValue *object, const char *const *keys) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    if (json_is_object(object))
        for (JsonIter i = json_iter(object); json_next(&i);)
            if (!g_strv_contains(keys, i.key))
                json_add_value(builder, i.key, i.value);
    json_end_object(builder);
    return json_builder_end(builder);
}

static void add_without_nulls(JsonBuilder *builder, const char *key, const JsonValue *value) {
    if (value != NULL && json_is_shared_root(value)) {
        json_add_value(builder, key, value); /* it has none */
    } else if (json_is_object(value)) {
        json_begin_object(builder, key);
        for (JsonIter i = json_iter(value); json_next(&i);)
            if (!json_is_null(i.value))
                add_without_nulls(builder, i.key, i.value);
        json_end_object(builder);
    } else if (json_is_array(value)) {
        json_begin_array(builder, key);
        for (JsonIter i = json_iter(value); json_next(&i);)
            add_without_nulls(builder, NULL, i.value);
        json_end_array(builder);
    } else {
        json_add_value(builder, key, value);
    }
}

Json *json_without_nulls(const JsonValue *value) {
    if (value != NULL && json_is_shared_root(value))
        return json_copy(value);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_without_nulls(builder, NULL, value);
    return json_builder_end(builder);
}

Json *json_shared(const JsonValue *value) {
    Json *json = json_without_nulls(value);
    if (json_is_shared_root(json->values) || json->memory < JSON_SHARED_MIN || json_length(json->values) == 0)
        return json;
    json->depth = json_depth(json->values);
    json->values->tag |= JSON_ROOT_SHARED; /* nobody else has it yet */
    return json;
}

Json *json_from_string(const char *text) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_string(builder, NULL, text);
    return json_builder_end(builder);
}

Json *json_from_strings(const char *const *texts) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_strings(builder, NULL, texts);
    return json_builder_end(builder);
}

Json *json_from_int(gint64 number) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_int(builder, NULL, number);
    return json_builder_end(builder);
}

Json *json_from_bool(gboolean value) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_bool(builder, NULL, value);
    return json_builder_end(builder);
}
