/* JSON documents: the only user of yyjson.
 *
 * A Json is an immutable, reference-counted document in one allocation; any thread may read it. A JsonValue is a place
 * inside one: it stays valid as long as somebody holds a reference on its Json. New documents are made by parsing, by
 * a JsonBuilder, or by the functions at the end, which build changed copies.
 *
 * Rules: depth at most JSON_DEPTH_MAX; of two equal keys the last wins; key order and unknown keys are kept; whole
 * numbers beyond a gint64 keep their text; keys do not contain NUL characters.
 */
#pragma once
#include <glib.h>

#define JSON_DEPTH_MAX 512
#define JSON_DEPTH_INPUT_MAX 448          /* of json_parse_limited: what arrives is wrapped before it is stored and must still fit */
#define JSON_VALUES_MAX (8 * 1024 * 1024) /* keys, scalars and containers of one document; each takes 16 bytes */
#define JSON_TEXT_MAX (64 * 1024 * 1024)  /* bytes of one document, unless a caller names a smaller limit */

typedef struct Json Json;
typedef struct yyjson_val JsonValue;
typedef enum { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_BIG_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;

/* Parses UTF-8 text. ERR_INVALID with line and column, ERR_LIMIT for depth or size. length -1: NUL-terminated. */
Json *json_parse(const char *text, gssize length, GError **error);
/* For what comes from outside: at most max_bytes and JSON_DEPTH_INPUT_MAX levels. */
Json *json_parse_limited(const char *text, gssize length, gsize max_bytes, GError **error);
/* For what this program wrote down: a text may be larger than the document it was written from was allowed to be. */
Json *json_parse_stored(const char *text, GError **error);
#define JSON_STORED_TEXT_MAX (512 * 1024 * 1024)

Json *json_ref(Json *json);  /* NULL-safe, any thread */
void json_unref(Json *json); /* NULL-safe, any thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_unref)

const JsonValue *json_root(const Json *json); /* NULL for a NULL json */
gsize json_memory(const Json *json);          /* bytes it occupies, shared documents in it counted whole: for limits */
gsize json_memory_own(const Json *json);      /* shared documents counted without what they share: for budgets of what is kept */
/* The number of a value in the order of the text, keys counted: the root is 0. JSON_NO_POSITION when it is not of this document. */
#define JSON_NO_POSITION G_MAXSIZE
gsize json_position(const Json *json, const JsonValue *value);
Json *json_copy(const JsonValue *value); /* a document of its own from a place in another; caller owns */
Json *json_empty_object(void);           /* a shared "{}"; caller owns a reference */
Json *json_empty_array(void);

/* Reading. All accept NULL (absent). */
JsonType json_type(const JsonValue *value);
gboolean json_is_object(const JsonValue *value);
gboolean json_is_array(const JsonValue *value);
gboolean json_is_string(const JsonValue *value);
gboolean json_is_number(const JsonValue *value);
gboolean json_is_null(const JsonValue *value);   /* present and null */
gboolean json_is_true(const JsonValue *value);   /* present and boolean true */
gboolean json_is_false(const JsonValue *value);  /* present and boolean false */
const char *json_string(const JsonValue *value); /* NULL unless a string */
gsize json_string_length(const JsonValue *value);
gint64 json_int(const JsonValue *value, gint64 otherwise); /* whole numbers and doubles without fraction that fit */
double json_double(const JsonValue *value, double otherwise);
const char *json_big_number(const JsonValue *value); /* text of a number that neither gint64 nor double holds, or NULL */
gsize json_length(const JsonValue *value);           /* members or elements, 0 for anything else */

const JsonValue *json_get(const JsonValue *object, const char *key);
const JsonValue *json_at(const JsonValue *array, gsize index);
/* Members one below the other: json_dig(v, "moniker", "cluster", NULL). */
const JsonValue *json_dig(const JsonValue *value, ...) G_GNUC_NULL_TERMINATED;
const char *json_get_string(const JsonValue *object, const char *key); /* NULL unless a string */
gint64 json_get_int(const JsonValue *object, const char *key, gint64 otherwise);
gboolean json_get_bool(const JsonValue *object, const char *key, gboolean otherwise); /* booleans only */
/* Text of a string, number or boolean ("12", "true"), NULL for anything else; caller frees. */
char *json_as_text(const JsonValue *value);

/* for (JsonIter i = json_iter(v); json_next(&i);) … i.key (NULL in arrays), i.value. An earlier duplicate key is skipped. */
typedef struct {
    const char *key;
    const JsonValue *value;
    gsize index;
    const JsonValue *container;
    const JsonValue *cursor;
    gsize left;
} JsonIter;
JsonIter json_iter(const JsonValue *container);
gboolean json_next(JsonIter *iter);

/* Same content: objects in any key order, numbers by value. */
gboolean json_equal(const JsonValue *a, const JsonValue *b);

/* Text of a value, NUL-terminated; caller frees with g_free. length may be NULL. NULL value gives "null". */
char *json_write(const JsonValue *value, gsize *length);
char *json_write_pretty(const JsonValue *value, gsize *length);

/* A document that is large and part of many: what is built with it holds a reference instead of a copy, and reads and writes as though
 * it were copied. Null members are dropped (engine.md 1); small ones are not worth it and are copied. Caller owns. */
#define JSON_SHARED_MIN 4096 /* bytes of memory */
Json *json_shared(const JsonValue *value);

/* ---- building --------------------------------------------------------------------------------------------------
 * Values are appended to the innermost open container. `key` is NULL inside arrays (and for the root). A NULL text or
 * value appends nothing when a key is given: absent stays absent; use json_add_null for null.
 */
typedef struct JsonBuilder JsonBuilder;
JsonBuilder *json_builder_new(void);
void json_builder_free(JsonBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonBuilder, json_builder_free)
void json_begin_object(JsonBuilder *builder, const char *key);
void json_end_object(JsonBuilder *builder);
void json_begin_array(JsonBuilder *builder, const char *key);
void json_end_array(JsonBuilder *builder);
void json_add_string(JsonBuilder *builder, const char *key, const char *text);
void json_add_string_len(JsonBuilder *builder, const char *key, const char *text, gsize length);
void json_add_int(JsonBuilder *builder, const char *key, gint64 number);
void json_add_double(JsonBuilder *builder, const char *key, double number);
void json_add_number_text(JsonBuilder *builder, const char *key, const char *text); /* a number as it is written */
void json_add_bool(JsonBuilder *builder, const char *key, gboolean value);
void json_add_null(JsonBuilder *builder, const char *key);
void json_add_value(JsonBuilder *builder, const char *key, const JsonValue *value);     /* copied */
void json_add_json(JsonBuilder *builder, const char *key, const Json *json);            /* copied */
void json_add_strings(JsonBuilder *builder, const char *key, const char *const *texts); /* an array, NULL: nothing */
void json_add_members(JsonBuilder *builder, const JsonValue *object);                   /* every member of it, in the open object */
/* Finishes the document (all containers closed) and empties the builder, which can be used again. Caller owns. */
Json *json_builder_end(JsonBuilder *builder);
/* The same, but only its text, as of json_write. */
char *json_builder_write(JsonBuilder *builder, gsize *length);

/* ---- changed copies (caller owns) ------------------------------------------------------------------------------ */
/* base with every member of changes put over it, one level deep. NULL base or changes count as {}. */
Json *json_merge(const JsonValue *base, const JsonValue *changes);
/* Like json_merge, but objects are merged into objects at every depth; arrays and scalars are replaced. */
Json *json_merge_deep(const JsonValue *base, const JsonValue *changes);
/* One member set; a NULL value or text changes nothing. */
Json *json_with(const JsonValue *object, const char *key, const JsonValue *value);
Json *json_with_string(const JsonValue *object, const char *key, const char *text);
Json *json_without(const JsonValue *object, const char *const *keys); /* NULL-terminated */
Json *json_without_nulls(const JsonValue *value);                     /* null members of objects dropped at every depth (engine.md 1) */
Json *json_from_string(const char *text);
Json *json_from_strings(const char *const *texts);
Json *json_from_int(gint64 number);
Json *json_from_bool(gboolean value);
/* {"k": v, …} from a small format: json_pack("{s:s, s:i, s:b, s:v, s:n}", "a", "text", "b", (gint64)1, …);
 * s string (NULL drops the member), i gint64, d double, b gboolean, v const JsonValue * (NULL drops), j Json * (borrowed),
 * n null, [ ] { } nest. The format is a programmer's constant: a mistake in it aborts. */
Json *json_pack(const char *format, ...);
