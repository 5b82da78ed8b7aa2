/* Members of objects by key: look-up in large objects and the search for equal keys. Sorting (not hashing) keeps the worst
 * case of hostile keys at n log n. Pure functions, any thread. */
#include "base/json_internal.h"
#include <stdlib.h>

static int compare_keys(const JsonKey *a, const JsonKey *b) {
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->text, b->text, a->length);
}

static int compare_entries(const void *left, const void *right) {
    const JsonKey *a = left, *b = right;
    const int order = compare_keys(a, b);
    if (order != 0)
        return order;
    return a->position < b->position ? -1 : a->position > b->position;
}

void json_keys_sort(JsonKey *keys, gsize count) {
    qsort(keys, count, sizeof *keys, compare_entries);
}

gboolean json_keys_equal(const JsonKey *a, const JsonKey *b) {
    return compare_keys(a, b) == 0;
}

static JsonKey *collect(const JsonValue *object, gsize count) {
    JsonKey *keys = g_new(JsonKey, count);
    yyjson_val *member = unsafe_yyjson_get_first(json_raw(object));
    for (gsize i = 0; i < count; i++, member = unsafe_yyjson_get_next(member + 1))
        keys[i] = (JsonKey){member->uni.str, unsafe_yyjson_get_len(member), i, json_follow(member + 1)};
    return keys;
}

JsonKeyIndex json_key_index(const JsonValue *object) {
    if (!json_is_object(object))
        return (JsonKeyIndex){NULL, NULL, 0};
    JsonKeyIndex index = {object, NULL, json_length(object)};
    if (index.count > JSON_KEYS_LINEAR_MAX) {
        index.sorted = collect(object, index.count);
        json_keys_sort(index.sorted, index.count);
    }
    return index;
}

static int compare_sought(const void *sought, const void *entry) {
    return compare_keys(sought, entry);
}

const JsonValue *json_key_index_find(const JsonKeyIndex *index, const char *key, gsize length) {
    if (index->sorted == NULL)
        return json_follow(yyjson_obj_getn(json_raw(index->object), key, length));
    const JsonKey sought = {key, length, 0, NULL};
    const JsonKey *found = bsearch(&sought, index->sorted, index->count, sizeof sought, compare_sought);
    return found == NULL ? NULL : found->value;
}

void json_key_index_clear(JsonKeyIndex *index) {
    g_clear_pointer(&index->sorted, g_free);
}

static gboolean object_has_duplicates(const JsonValue *object) {
    const gsize count = json_length(object);
    if (count < 2)
        return FALSE;
    if (count > JSON_KEYS_LINEAR_MAX) {
        g_autofree JsonKey *keys = collect(object, count);
        json_keys_sort(keys, count);
        for (gsize i = 1; i < count; i++)
            if (json_keys_equal(&keys[i - 1], &keys[i]))
                return TRUE;
        return FALSE;
    }
    const yyjson_val *seen[JSON_KEYS_LINEAR_MAX];
    yyjson_val *member = unsafe_yyjson_get_first(json_raw(object));
    for (gsize i = 0; i < count; i++, member = unsafe_yyjson_get_next(member + 1)) {
        for (gsize j = 0; j < i; j++)
            if (seen[j]->tag >> YYJSON_TAG_BIT == member->tag >> YYJSON_TAG_BIT &&
                memcmp(seen[j]->uni.str, member->uni.str, unsafe_yyjson_get_len(member)) == 0)
                return TRUE;
        seen[i] = member;
    }
    return FALSE;
}

gboolean json_has_duplicate_keys(const JsonValue *value) {
    const gsize length = json_flat_length(value);
    for (gsize i = 0; i < length; i++)
        if (unsafe_yyjson_is_obj(json_raw(value + i)) && object_has_duplicates(value + i))
            return TRUE;
    return FALSE;
}
