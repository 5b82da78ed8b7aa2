/* What the files of base/json share: the layout of a document. Nothing outside src/base/json*.c includes this.
 *
 * A document is one block: this header, its values in yyjson's immutable layout (a container is followed by its members;
 * uni.ofs of a container is the distance in bytes to the value after it), then the bytes of all its strings, each ended by
 * NUL. No document holds two equal keys in one object, and none is deeper than JSON_DEPTH_MAX: both are made true where
 * documents are made (json_parse, json_end_object, the builder), so readers need not care.
 *
 * A shared document (json_shared) has JSON_ROOT_SHARED in the tag of its root. Where it is added to another, a link stands in its place: a
 * value of no type with a reference on the Json. Readers are given the root behind a link (json_follow), never the link. */
#pragma once
#include "base/error.h"
#include "base/json.h"
#include <string.h>
#include <yyjson.h>

struct Json {
    gatomicrefcount references;
    gsize block;      /* bytes of it */
    gsize memory;     /* the same with what links lead to */
    guint depth;      /* of a shared document; else 0 */
    gboolean linking; /* it holds links */
    yyjson_val values[];
};

/* An empty document with room for this much; the caller fills json->values. */
Json *json_block_new(gsize values, gsize text_bytes);

static inline yyjson_val *json_raw(const JsonValue *value) {
    return (yyjson_val *)value;
}

/* Values in the subtree, the value itself included. */
static inline gsize json_flat_length(const JsonValue *value) {
    return unsafe_yyjson_is_ctn(json_raw(value)) ? value->uni.ofs / sizeof(yyjson_val) : 1;
}

static inline gboolean json_has_text(const JsonValue *value) {
    const yyjson_type type = unsafe_yyjson_get_type(json_raw(value));
    return type == YYJSON_TYPE_STR || type == YYJSON_TYPE_RAW;
}

static inline guint64 json_tag(yyjson_type type, yyjson_subtype subtype, gsize length) {
    return (guint64)length << YYJSON_TAG_BIT | type | subtype;
}

/* ---- links ---- */
#define JSON_ROOT_SHARED 0x20u /* yyjson uses the five bits below */

static inline gboolean json_is_link(const JsonValue *value) {
    return unsafe_yyjson_get_type(json_raw(value)) == YYJSON_TYPE_NONE;
}

static inline Json *json_link_target(const JsonValue *link) {
    return link->uni.ptr;
}

static inline const JsonValue *json_follow(const JsonValue *value) {
    return value != NULL && json_is_link(value) ? json_link_target(value)->values : value;
}

static inline gboolean json_is_shared_root(const JsonValue *value) {
    return (value->tag & JSON_ROOT_SHARED) != 0;
}

static inline Json *json_of_shared_root(const JsonValue *root) {
    return (Json *)((char *)json_raw(root) - offsetof(Json, values));
}

/* Takes a reference for each link among the values; whether there are any. */
gboolean json_links_ref(const yyjson_val *values, gsize n);
void json_links_unref(const yyjson_val *values, gsize n);
gboolean json_has_links(const yyjson_val *values, gsize n);
void json_note_links(Json *json, gsize n); /* of a document whose values are complete: n of them */

/* Levels of containers in the subtree: 0 for a scalar. Does not recurse. */
guint json_depth(const JsonValue *value);

/* ---- json_keys.c: finding members of large objects ---- */

/* Objects up to this size are searched and compared member by member. */
#define JSON_KEYS_LINEAR_MAX 16

typedef struct {
    const char *text;
    gsize length;
    gsize position; /* index of the member */
    const JsonValue *value;
} JsonKey;

typedef struct {
    const JsonValue *object; /* NULL: no members */
    JsonKey *sorted;         /* NULL for small objects */
    gsize count;
} JsonKeyIndex;

JsonKeyIndex json_key_index(const JsonValue *object);
const JsonValue *json_key_index_find(const JsonKeyIndex *index, const char *key, gsize length);
void json_key_index_clear(JsonKeyIndex *index);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JsonKeyIndex, json_key_index_clear)

/* Sorts by key, equal keys by position. */
void json_keys_sort(JsonKey *keys, gsize count);
gboolean json_keys_equal(const JsonKey *a, const JsonKey *b);
/* Whether any object in the subtree has a key twice. */
gboolean json_has_duplicate_keys(const JsonValue *value);
