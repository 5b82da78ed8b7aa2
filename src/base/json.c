/* Parsing, reading, comparing and writing of JSON documents. Pure functions on immutable documents, any thread.
 * Building is in json_build.c, changed copies in json_change.c. */
#include "base/json_internal.h"
#include <math.h>

/* Texts above this size are counted before they are parsed, so that a hostile one cannot make the parser allocate gigabytes. */
#define COUNT_BEFORE_PARSING (1024 * 1024)

static void *alloc_new(void *context, size_t size) {
    (void)context;
    return g_try_malloc(size);
}

static void *alloc_resize(void *context, void *memory, size_t old_size, size_t size) {
    (void)context;
    (void)old_size;
    return g_try_realloc(memory, size);
}

static void alloc_free(void *context, void *memory) {
    (void)context;
    g_free(memory);
}

static const yyjson_alc glib_memory = {alloc_new, alloc_resize, alloc_free, NULL};

Json *json_block_new(gsize values, gsize text_bytes) {
    const gsize memory = sizeof(Json) + values * sizeof(yyjson_val) + text_bytes;
    Json *json = g_malloc(memory);
    g_atomic_ref_count_init(&json->references);
    json->block = json->memory = memory;
    json->depth = 0;
    json->linking = FALSE;
    return json;
}

guint json_depth(const JsonValue *value) {
    const gsize length = json_flat_length(value);
    const yyjson_val *ends[JSON_DEPTH_MAX + 1];
    guint open = 0, deepest = 0;
    for (const yyjson_val *at = value; at < value + length; at++) {
        while (open > 0 && at >= ends[open - 1])
            open--;
        if (json_is_link(at))
            deepest = MAX(deepest, open + json_link_target(at)->depth);
        if (!unsafe_yyjson_is_ctn(json_raw(at)))
            continue;
        if (open == JSON_DEPTH_MAX)
            return JSON_DEPTH_MAX + 1;
        ends[open++] = at + json_flat_length(at);
        deepest = MAX(deepest, open);
    }
    return deepest;
}

/* ---- parsing ---- */

/* Values that the text may hold: one, and one more for each separator or opening bracket outside of strings. */
static gsize count_values(const char *text, gsize length) {
    gsize count = 1;
    gboolean quoted = FALSE;
    for (gsize i = 0; i < length; i++) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = FALSE;
        } else if (c == '"') {
            quoted = TRUE;
        } else if (c == ',' || c == ':' || c == '[' || c == '{') {
            count++;
        }
    }
    return count;
}

static gboolean size_is_allowed(const char *text, gsize length, gsize max_bytes, GError **error) {
    if (length > max_bytes) {
        error_set(error, ERR_LIMIT,
                  "JSON text of %" G_GSIZE_FORMAT " bytes is longer than the %" G_GSIZE_FORMAT " bytes that are allowed here", length,
                  max_bytes);
        return FALSE;
    }
    if (length > COUNT_BEFORE_PARSING && count_values(text, length) > JSON_VALUES_MAX) {
        error_set(error, ERR_LIMIT, "JSON text has more than %d values (JSON_VALUES_MAX)", JSON_VALUES_MAX);
        return FALSE;
    }
    return TRUE;
}

static void set_parse_error(GError **error, const char *text, gsize length, const yyjson_read_err *problem) {
    if (problem->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        error_set(error, ERR_LIMIT, "not enough memory for JSON text of %" G_GSIZE_FORMAT " bytes", length);
        return;
    }
    size_t line = 1, column = 1, character = 0;
    yyjson_locate_pos(text, length, MIN(problem->pos, length), &line, &column, &character);
    error_set(error, ERR_INVALID, "not JSON: %s at line %zu, column %zu", problem->msg, line, column);
}

static void add_deduplicated(JsonBuilder *builder, const char *key, const JsonValue *value) {
    if (!unsafe_yyjson_is_ctn(json_raw(value))) {
        json_add_value(builder, key, value);
        return;
    }
    const gboolean object = unsafe_yyjson_is_obj(json_raw(value));
    (object ? json_begin_object : json_begin_array)(builder, key);
    for (JsonIter i = json_iter(value); json_next(&i);)
        add_deduplicated(builder, i.key, i.value);
    (object ? json_end_object : json_end_array)(builder);
}

/* A copy through the builder, which keeps the last of equal keys; it takes only values that are ours already. */
static Json *copy_without_duplicates(const JsonValue *value) {
    g_autoptr(Json) copy = json_copy(value);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_deduplicated(builder, NULL, json_root(copy));
    return json_builder_end(builder);
}

/* A key is handed around as a C string, which such a character would cut short. */
static gboolean key_contains_nul(const char *text, gsize length, const JsonValue *root) {
    if (memmem(text, length, "\\u0000", 6) == NULL)
        return FALSE;
    const gsize values = json_flat_length(root);
    for (gsize i = 0; i < values; i++) {
        if (!unsafe_yyjson_is_obj(json_raw(root + i)))
            continue;
        for (JsonIter member = json_iter(root + i); json_next(&member);)
            if (strlen(member.key) != unsafe_yyjson_get_len(json_raw(member.value - 1)))
                return TRUE;
    }
    return FALSE;
}

static Json *parse(const char *text, gssize given_length, gsize max_bytes, guint max_depth, GError **error) {
    const gsize length = given_length < 0 ? strlen(text) : (gsize)given_length;
    if (!size_is_allowed(text, length, max_bytes, error))
        return NULL;
    yyjson_read_err problem = {0};
    yyjson_doc *document = yyjson_read_opts((char *)text, length, YYJSON_READ_BIGNUM_AS_RAW, &glib_memory, &problem);
    if (document == NULL) {
        set_parse_error(error, text, length, &problem);
        return NULL;
    }
    const JsonValue *root = yyjson_doc_get_root(document);
    Json *json = NULL;
    if (json_depth(root) > max_depth)
        error_set(error, ERR_LIMIT, "JSON is nested more than %u levels deep", max_depth);
    else if (key_contains_nul(text, length, root))
        error_set(error, ERR_INVALID, "JSON has an object with a key that contains the character \\u0000");
    else if (json_has_duplicate_keys(root))
        json = copy_without_duplicates(root);
    else
        json = json_copy(root);
    yyjson_doc_free(document);
    return json;
}

Json *json_parse(const char *text, gssize length, GError **error) {
    return parse(text, length, JSON_TEXT_MAX, JSON_DEPTH_MAX, error);
}

Json *json_parse_limited(const char *text, gssize length, gsize max_bytes, GError **error) {
    return parse(text, length, max_bytes, JSON_DEPTH_INPUT_MAX, error);
}

Json *json_parse_stored(const char *text, GError **error) {
    return parse(text, -1, JSON_STORED_TEXT_MAX, JSON_DEPTH_MAX, error);
}

/* ---- documents ---- */

Json *json_ref(Json *json) {
    if (json != NULL)
        g_atomic_ref_count_inc(&json->references);
    return json;
}

void json_unref(Json *json) {
    if (json == NULL || !g_atomic_ref_count_dec(&json->references))
        return;
    if (json->linking)
        json_links_unref(json->values, json_flat_length(json->values));
    g_free(json);
}

const JsonValue *json_root(const Json *json) {
    return json == NULL ? NULL : json->values;
}

gsize json_memory(const Json *json) {
    return json == NULL ? 0 : json->memory;
}

gsize json_memory_own(const Json *json) {
    if (json == NULL || !json->linking)
        return json == NULL ? 0 : json->block;
    gsize bytes = json->block;
    const gsize length = json_flat_length(json->values);
    for (gsize i = 0; i < length; i++)
        if (json_is_link(json->values + i))
            bytes += json_link_target(json->values + i)->block;
    return bytes;
}

gsize json_position(const Json *json, const JsonValue *value) {
    if (json == NULL || value < json->values || value >= json->values + json_flat_length(json->values))
        return JSON_NO_POSITION;
    return (gsize)(value - json->values);
}

/* yyjson keeps whole numbers up to 2^64-1; ours beyond 2^63-1 are texts like all big numbers. */
static gboolean is_big_unsigned(const JsonValue *value) {
    return unsafe_yyjson_get_tag(json_raw(value)) == (YYJSON_TYPE_NUM | YYJSON_SUBTYPE_UINT) && value->uni.u64 > G_MAXINT64;
}

#define BIG_UNSIGNED_TEXT_MAX 21 /* digits of 2^64-1 and NUL */

static gsize text_bytes_of(const JsonValue *value, gsize length) {
    gsize bytes = 0;
    for (gsize i = 0; i < length; i++) {
        if (json_has_text(value + i))
            bytes += unsafe_yyjson_get_len(json_raw(value + i)) + 1;
        else if (is_big_unsigned(value + i))
            bytes += BIG_UNSIGNED_TEXT_MAX;
    }
    return bytes;
}

Json *json_copy(const JsonValue *value) {
    static const yyjson_val null_value = {YYJSON_TYPE_NULL, {0}};
    if (value == NULL)
        value = &null_value;
    if (json_is_shared_root(value))
        return json_ref(json_of_shared_root(value));
    const gsize length = json_flat_length(value);
    Json *json = json_block_new(length, text_bytes_of(value, length));
    char *text = (char *)(json->values + length);
    for (gsize i = 0; i < length; i++) {
        const yyjson_val *from = value + i;
        yyjson_val *to = json->values + i;
        *to = *from;
        if (json_has_text(from)) {
            const gsize bytes = unsafe_yyjson_get_len(json_raw(from));
            memcpy(text, from->uni.str, bytes);
            text[bytes] = '\0';
            to->uni.str = text;
            text += bytes + 1;
        } else if (is_big_unsigned(from)) {
            const int digits = g_snprintf(text, BIG_UNSIGNED_TEXT_MAX, "%" G_GUINT64_FORMAT, from->uni.u64);
            to->tag = json_tag(YYJSON_TYPE_RAW, YYJSON_SUBTYPE_NONE, (gsize)digits);
            to->uni.str = text;
            text += BIG_UNSIGNED_TEXT_MAX;
        }
    }
    if (json_links_ref(json->values, length))
        json_note_links(json, length);
    return json;
}

static Json *shared_empty(gsize *once, const char *text) {
    if (g_once_init_enter(once))
        g_once_init_leave(once, (gsize)json_parse(text, -1, NULL));
    return json_ref((Json *)*once);
}

Json *json_empty_object(void) {
    static gsize shared;
    return shared_empty(&shared, "{}");
}

Json *json_empty_array(void) {
    static gsize shared;
    return shared_empty(&shared, "[]");
}

/* ---- reading ---- */

JsonType json_type(const JsonValue *value) {
    if (value == NULL)
        return JSON_ABSENT;
    switch (unsafe_yyjson_get_type(json_raw(value))) {
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_NUM:
        return unsafe_yyjson_is_real(json_raw(value)) ? JSON_DOUBLE : JSON_INT;
    case YYJSON_TYPE_RAW:
        return JSON_BIG_NUMBER;
    case YYJSON_TYPE_STR:
        return JSON_STRING;
    case YYJSON_TYPE_ARR:
        return JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

gboolean json_is_object(const JsonValue *value) {
    return json_type(value) == JSON_OBJECT;
}

gboolean json_is_array(const JsonValue *value) {
    return json_type(value) == JSON_ARRAY;
}

gboolean json_is_string(const JsonValue *value) {
    return json_type(value) == JSON_STRING;
}

gboolean json_is_number(const JsonValue *value) {
    const JsonType type = json_type(value);
    return type == JSON_INT || type == JSON_DOUBLE || type == JSON_BIG_NUMBER;
}

gboolean json_is_null(const JsonValue *value) {
    return json_type(value) == JSON_NULL;
}

gboolean json_is_true(const JsonValue *value) {
    return yyjson_is_true(json_raw(value));
}

gboolean json_is_false(const JsonValue *value) {
    return yyjson_is_false(json_raw(value));
}

const char *json_string(const JsonValue *value) {
    return json_is_string(value) ? value->uni.str : NULL;
}

gsize json_string_length(const JsonValue *value) {
    return json_is_string(value) ? unsafe_yyjson_get_len(json_raw(value)) : 0;
}

gint64 json_int(const JsonValue *value, gint64 otherwise) {
    switch (json_type(value)) {
    case JSON_INT:
        return value->uni.i64;
    case JSON_DOUBLE: {
        const double number = value->uni.f64;
        /* -2^63 fits exactly, 2^63 does not */
        if (number >= -0x1p63 && number < 0x1p63 && trunc(number) == number)
            return (gint64)number;
        return otherwise;
    }
    default:
        return otherwise;
    }
}

double json_double(const JsonValue *value, double otherwise) {
    switch (json_type(value)) {
    case JSON_INT:
        return (double)value->uni.i64;
    case JSON_DOUBLE:
        return value->uni.f64;
    case JSON_BIG_NUMBER:
        return g_ascii_strtod(value->uni.str, NULL);
    default:
        return otherwise;
    }
}

const char *json_big_number(const JsonValue *value) {
    return json_type(value) == JSON_BIG_NUMBER ? value->uni.str : NULL;
}

gsize json_length(const JsonValue *value) {
    return yyjson_is_ctn(json_raw(value)) ? unsafe_yyjson_get_len(json_raw(value)) : 0;
}

const JsonValue *json_get(const JsonValue *object, const char *key) {
    return json_follow(yyjson_obj_get(json_raw(object), key));
}

const JsonValue *json_at(const JsonValue *array, gsize index) {
    return json_follow(yyjson_arr_get(json_raw(array), index));
}

const JsonValue *json_dig(const JsonValue *value, ...) {
    va_list keys;
    va_start(keys, value);
    for (const char *key; value != NULL && (key = va_arg(keys, const char *)) != NULL;)
        value = json_get(value, key);
    va_end(keys);
    return value;
}

const char *json_get_string(const JsonValue *object, const char *key) {
    return json_string(json_get(object, key));
}

gint64 json_get_int(const JsonValue *object, const char *key, gint64 otherwise) {
    return json_int(json_get(object, key), otherwise);
}

gboolean json_get_bool(const JsonValue *object, const char *key, gboolean otherwise) {
    const JsonValue *value = json_get(object, key);
    return json_type(value) == JSON_BOOL ? json_is_true(value) : otherwise;
}

char *json_as_text(const JsonValue *value) {
    switch (json_type(value)) {
    case JSON_STRING:
        return g_strdup(json_string(value));
    case JSON_BOOL:
    case JSON_INT:
    case JSON_DOUBLE:
    case JSON_BIG_NUMBER:
        return json_write(value, NULL);
    default:
        return NULL;
    }
}

JsonIter json_iter(const JsonValue *container) {
    JsonIter iter = {.container = container, .left = json_length(container), .index = G_MAXSIZE};
    if (iter.left > 0)
        iter.cursor = unsafe_yyjson_get_first(json_raw(container));
    return iter;
}

gboolean json_next(JsonIter *iter) {
    if (iter->left == 0)
        return FALSE;
    iter->left--;
    iter->index++;
    iter->value = iter->cursor;
    if (unsafe_yyjson_is_obj(json_raw(iter->container))) {
        iter->key = iter->cursor->uni.str;
        iter->value++;
    }
    iter->cursor = unsafe_yyjson_get_next(json_raw(iter->value));
    iter->value = json_follow(iter->value);
    return TRUE;
}

/* ---- comparing ---- */

static gboolean numbers_equal(const JsonValue *a, const JsonValue *b) {
    const JsonType left = json_type(a), right = json_type(b);
    if (left == JSON_INT && right == JSON_INT)
        return a->uni.i64 == b->uni.i64;
    if (left == JSON_BIG_NUMBER && right == JSON_BIG_NUMBER)
        return strcmp(a->uni.str, b->uni.str) == 0;
    if (left == JSON_BIG_NUMBER || right == JSON_BIG_NUMBER)
        return FALSE;
    if (left == JSON_DOUBLE && right == JSON_DOUBLE)
        return a->uni.f64 == b->uni.f64;
    /* one whole, one not: equal only when the double is exactly that whole number */
    const JsonValue *whole = left == JSON_INT ? a : b, *other = left == JSON_INT ? b : a;
    return json_int(other, ~whole->uni.i64) == whole->uni.i64;
}

static gboolean strings_equal(const JsonValue *a, const JsonValue *b) {
    const gsize length = json_string_length(a);
    return length == json_string_length(b) && memcmp(a->uni.str, b->uni.str, length) == 0;
}

static gboolean arrays_equal(const JsonValue *a, const JsonValue *b) {
    JsonIter left = json_iter(a), right = json_iter(b);
    while (json_next(&left) && json_next(&right))
        if (!json_equal(left.value, right.value))
            return FALSE;
    return TRUE;
}

static gboolean objects_equal(const JsonValue *a, const JsonValue *b) {
    g_auto(JsonKeyIndex) index = json_key_index(b);
    for (JsonIter i = json_iter(a); json_next(&i);) {
        const JsonValue *other = json_key_index_find(&index, i.key, strlen(i.key));
        if (other == NULL || !json_equal(i.value, other))
            return FALSE;
    }
    return TRUE;
}

gboolean json_equal(const JsonValue *a, const JsonValue *b) {
    if (a == NULL || b == NULL || (a == b && json_is_shared_root(a)))
        return a == b;
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    const JsonType type = json_type(a);
    if (type != json_type(b) || json_length(a) != json_length(b))
        return FALSE;
    switch (type) {
    case JSON_BOOL:
        return json_is_true(a) == json_is_true(b);
    case JSON_STRING:
        return strings_equal(a, b);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_equal(a, b);
    default:
        return TRUE;
    }
}

/* ---- writing ---- */

static char *write_text(const JsonValue *value, yyjson_write_flag flags, gsize *length);

/* Texts of shared documents are written into their places as they are. */
static char *write_linking(const JsonValue *value, gsize n, gsize *written) {
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autofree yyjson_val *values = g_memdup2(value, n * sizeof *values);
    for (gsize i = 0; i < n; i++) {
        if (!json_is_link(&values[i]))
            continue;
        gsize length = 0;
        char *text = write_text(json_link_target(&values[i])->values, YYJSON_WRITE_NOFLAG, &length);
        g_ptr_array_add(texts, text);
        values[i] = (yyjson_val){json_tag(YYJSON_TYPE_RAW, YYJSON_SUBTYPE_NONE, length), {.str = text}};
    }
    return yyjson_val_write_opts(values, YYJSON_WRITE_NOFLAG, &glib_memory, written, NULL);
}

/* Indentation goes through all levels, so all of it has to be at hand. */
static char *write_linking_pretty(const JsonValue *value, gsize n, yyjson_write_flag flags, gsize *written) {
    g_autofree char *text = write_linking(value, n, NULL);
    g_autoptr(Json) whole = json_parse_stored(text, NULL);
    return whole == NULL ? NULL : yyjson_val_write_opts(whole->values, flags, &glib_memory, written, NULL);
}

static char *write_value(const JsonValue *value, yyjson_write_flag flags, gsize *written) {
    const gsize n = json_flat_length(value);
    if (!json_has_links(value, n))
        return yyjson_val_write_opts(json_raw(value), flags, &glib_memory, written, NULL);
    return flags == YYJSON_WRITE_NOFLAG ? write_linking(value, n, written) : write_linking_pretty(value, n, flags, written);
}

static char *write_text(const JsonValue *value, yyjson_write_flag flags, gsize *length) {
    gsize written = 0;
    char *text = value == NULL ? NULL : write_value(value, flags, &written);
    if (value == NULL) {
        text = g_strdup("null");
        written = strlen(text);
    }
    if (text == NULL) /* documents hold nothing that cannot be written, so memory ran out */
        g_error("not enough memory to write JSON");
    if (length != NULL)
        *length = written;
    return text;
}

char *json_write(const JsonValue *value, gsize *length) {
    return write_text(value, YYJSON_WRITE_NOFLAG, length);
}

char *json_write_pretty(const JsonValue *value, gsize *length) {
    return write_text(value, YYJSON_WRITE_PRETTY_TWO_SPACES, length);
}
