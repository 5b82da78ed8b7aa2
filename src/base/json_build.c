/* Building documents: values and texts are appended to two growing buffers in the layout that the finished document has, so
 * that a copied subtree is two memcpy and the end is one allocation. A builder belongs to one thread. */
#include "base/json_internal.h"
#include "base/log.h"
#include <math.h>

struct JsonBuilder {
    yyjson_val *values; /* of texts, uni.u64 is the offset in texts until json_builder_end */
    gsize count, capacity;
    GString *texts;
    gsize open[JSON_DEPTH_MAX]; /* indexes of the open containers */
    guint depth;
    gboolean linking;  /* links are among the values, each with a reference */
    JsonBuilder *next; /* among the spare ones */
};

#define FIRST_CAPACITY 64
#define SPARES_MAX 4          /* builders a thread keeps for the next document: making one costs as much as a small document */
#define SPARE_VALUES_MAX 1024 /* one with larger buffers is freed */
#define SPARE_TEXT_MAX (32 * 1024)
#define TOO_DEEP_TEXT "(left out: nested deeper than 512 levels)"
G_STATIC_ASSERT(JSON_DEPTH_MAX == 512);

typedef struct {
    JsonBuilder *first;
    guint n;
} Spares;

static void drop_links(JsonBuilder *builder) {
    if (builder->linking)
        json_links_unref(builder->values, builder->count);
    builder->linking = FALSE;
}

static void builder_destroy(JsonBuilder *builder) {
    g_free(builder->values);
    g_string_free(builder->texts, TRUE);
    g_free(builder);
}

static void spares_free(gpointer data) {
    Spares *spares = data;
    for (JsonBuilder *builder = spares->first, *next; builder != NULL; builder = next) {
        next = builder->next;
        builder_destroy(builder);
    }
    g_free(spares);
}

static GPrivate thread_spares = G_PRIVATE_INIT(spares_free);

static JsonBuilder *take_spare(void) {
    Spares *spares = g_private_get(&thread_spares);
    JsonBuilder *builder = spares != NULL ? spares->first : NULL;
    if (builder == NULL)
        return NULL;
    spares->first = builder->next;
    spares->n--;
    builder->count = builder->depth = 0;
    g_string_truncate(builder->texts, 0);
    return builder;
}

static gboolean keep_spare(JsonBuilder *builder) {
    Spares *spares = g_private_get(&thread_spares);
    if (spares == NULL) {
        spares = g_new0(Spares, 1);
        g_private_set(&thread_spares, spares);
    }
    if (spares->n == SPARES_MAX || builder->capacity > SPARE_VALUES_MAX || builder->texts->allocated_len > SPARE_TEXT_MAX)
        return FALSE;
    builder->next = spares->first;
    spares->first = builder;
    spares->n++;
    return TRUE;
}

JsonBuilder *json_builder_new(void) {
    JsonBuilder *builder = take_spare();
    if (builder != NULL)
        return builder;
    builder = g_new(JsonBuilder, 1);
    builder->count = 0;
    builder->depth = 0;
    builder->linking = FALSE;
    builder->capacity = FIRST_CAPACITY;
    builder->values = g_new(yyjson_val, FIRST_CAPACITY);
    builder->texts = g_string_sized_new(FIRST_CAPACITY * 8);
    return builder;
}

void json_builder_free(JsonBuilder *builder) {
    if (builder == NULL)
        return;
    drop_links(builder);
    if (!keep_spare(builder))
        builder_destroy(builder);
}

/* Room for n more values, which the caller fills. */
static yyjson_val *grow(JsonBuilder *builder, gsize n) {
    if (builder->capacity - builder->count < n) {
        builder->capacity = MAX(builder->capacity * 2, builder->count + n);
        builder->values = g_renew(yyjson_val, builder->values, builder->capacity);
    }
    yyjson_val *first = builder->values + builder->count;
    builder->count += n;
    return first;
}

static yyjson_val *innermost(JsonBuilder *builder) {
    return builder->depth == 0 ? NULL : &builder->values[builder->open[builder->depth - 1]];
}

static void append_text_value(JsonBuilder *builder, yyjson_type type, const char *text, gsize length) {
    *grow(builder, 1) = (yyjson_val){json_tag(type, YYJSON_SUBTYPE_NONE, length), {.u64 = builder->texts->len}};
    g_string_append_len(builder->texts, text, (gssize)length);
    g_string_append_c(builder->texts, '\0');
}

/* NUL is a character like any other in JSON, but not for g_utf8_validate. */
static gboolean is_utf8(const char *text, gsize length) {
    const char *end = text + length;
    for (const char *stop; !g_utf8_validate_len(text, (gsize)(end - text), &stop); text = stop + 1)
        if (stop >= end || *stop != '\0')
            return FALSE;
    return TRUE;
}

static void append_string(JsonBuilder *builder, const char *text, gsize length) {
    if (is_utf8(text, length)) {
        append_text_value(builder, YYJSON_TYPE_STR, text, length);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    append_text_value(builder, YYJSON_TYPE_STR, valid, strlen(valid));
}

/* What must hold before any value: a key in objects, none elsewhere. Misuse is a mistake in this program. */
static void begin_value(JsonBuilder *builder, const char *key) {
    yyjson_val *container = innermost(builder);
    if (container == NULL) {
        if (builder->count != 0 || key != NULL)
            g_error("JSON builder: %s outside of an object", key == NULL ? "a second root" : key);
        return;
    }
    const gboolean object = unsafe_yyjson_is_obj(container);
    if (object != (key != NULL))
        g_error("JSON builder: %s", object ? "a member without a key" : "a key inside an array");
    unsafe_yyjson_inc_len(container);
    if (object)
        append_string(builder, key, strlen(key));
}

static void begin_container(JsonBuilder *builder, const char *key, yyjson_type type) {
    if (builder->depth == JSON_DEPTH_MAX)
        g_error("JSON builder: more than JSON_DEPTH_MAX open containers");
    begin_value(builder, key);
    builder->open[builder->depth++] = builder->count;
    *grow(builder, 1) = (yyjson_val){json_tag(type, YYJSON_SUBTYPE_NONE, 0), {.u64 = 0}};
}

static void end_container(JsonBuilder *builder, yyjson_type type) {
    yyjson_val *container = innermost(builder);
    if (container == NULL || unsafe_yyjson_get_type(container) != type)
        g_error("JSON builder: end without begin");
    builder->depth--;
    container->uni.ofs = (gsize)(builder->values + builder->count - container) * sizeof(yyjson_val);
}

/* ---- equal keys: the last one wins ---- */

static JsonKey *collect_keys(JsonBuilder *builder, gsize first, gsize count) {
    JsonKey *keys = g_new(JsonKey, count);
    yyjson_val *member = builder->values + first;
    for (gsize i = 0; i < count; i++, member = unsafe_yyjson_get_next(member + 1))
        keys[i] = (JsonKey){builder->texts->str + member->uni.u64, unsafe_yyjson_get_len(member), i, member};
    return keys;
}

/* Marks members that a later one replaces; returns how many. */
static gsize mark_replaced(JsonKey *keys, gsize count, gboolean *replaced) {
    gsize found = 0;
    json_keys_sort(keys, count);
    for (gsize i = 1; i < count; i++) {
        if (!json_keys_equal(&keys[i - 1], &keys[i]))
            continue;
        replaced[keys[i - 1].position] = TRUE;
        found++;
    }
    return found;
}

static gboolean small_object_has_equal_keys(JsonBuilder *builder, gsize first, gsize count) {
    const yyjson_val *seen[JSON_KEYS_LINEAR_MAX];
    yyjson_val *member = builder->values + first;
    for (gsize i = 0; i < count; i++, member = unsafe_yyjson_get_next(member + 1)) {
        const char *key = builder->texts->str + member->uni.u64;
        for (gsize j = 0; j < i; j++)
            if (seen[j]->tag >> YYJSON_TAG_BIT == member->tag >> YYJSON_TAG_BIT &&
                memcmp(builder->texts->str + seen[j]->uni.u64, key, unsafe_yyjson_get_len(member)) == 0)
                return TRUE;
        seen[i] = member;
    }
    return FALSE;
}

static void drop_replaced_members(JsonBuilder *builder, gsize object) {
    const gsize first = object + 1, count = unsafe_yyjson_get_len(&builder->values[object]);
    if (count < 2 || (count <= JSON_KEYS_LINEAR_MAX && !small_object_has_equal_keys(builder, first, count)))
        return;
    g_autofree JsonKey *keys = collect_keys(builder, first, count);
    g_autofree gboolean *replaced = g_new0(gboolean, count);
    const gsize dropped = mark_replaced(keys, count, replaced);
    if (dropped == 0)
        return;
    yyjson_val *from = builder->values + first, *to = from;
    for (gsize i = 0; i < count; i++) {
        yyjson_val *next = unsafe_yyjson_get_next(from + 1);
        const gsize length = (gsize)(next - from);
        if (!replaced[i]) {
            memmove(to, from, length * sizeof *to);
            to += length;
        } else if (builder->linking) {
            json_links_unref(from, length);
        }
        from = next;
    }
    builder->count = (gsize)(to - builder->values);
    unsafe_yyjson_set_len(&builder->values[object], count - dropped);
}

void json_begin_object(JsonBuilder *builder, const char *key) {
    begin_container(builder, key, YYJSON_TYPE_OBJ);
}

void json_end_object(JsonBuilder *builder) {
    yyjson_val *object = innermost(builder);
    if (object != NULL && unsafe_yyjson_is_obj(object))
        drop_replaced_members(builder, builder->open[builder->depth - 1]);
    end_container(builder, YYJSON_TYPE_OBJ);
}

void json_begin_array(JsonBuilder *builder, const char *key) {
    begin_container(builder, key, YYJSON_TYPE_ARR);
}

void json_end_array(JsonBuilder *builder) {
    end_container(builder, YYJSON_TYPE_ARR);
}

/* ---- scalars ---- */

static void add_scalar(JsonBuilder *builder, const char *key, yyjson_val value) {
    begin_value(builder, key);
    *grow(builder, 1) = value;
}

/* Whether an absent value is left out; in arrays and as the root it becomes null. */
static gboolean leave_out(JsonBuilder *builder, const char *key, const void *value) {
    if (value != NULL)
        return FALSE;
    if (key == NULL)
        json_add_null(builder, NULL);
    return TRUE;
}

void json_add_string_len(JsonBuilder *builder, const char *key, const char *text, gsize length) {
    if (leave_out(builder, key, text))
        return;
    begin_value(builder, key);
    append_string(builder, text, length);
}

void json_add_string(JsonBuilder *builder, const char *key, const char *text) {
    json_add_string_len(builder, key, text, text == NULL ? 0 : strlen(text));
}

void json_add_int(JsonBuilder *builder, const char *key, gint64 number) {
    const yyjson_subtype subtype = number < 0 ? YYJSON_SUBTYPE_SINT : YYJSON_SUBTYPE_UINT;
    add_scalar(builder, key, (yyjson_val){json_tag(YYJSON_TYPE_NUM, subtype, 0), {.i64 = number}});
}

void json_add_double(JsonBuilder *builder, const char *key, double number) {
    if (isfinite(number))
        add_scalar(builder, key, (yyjson_val){json_tag(YYJSON_TYPE_NUM, YYJSON_SUBTYPE_REAL, 0), {.f64 = number}});
    else
        json_add_null(builder, key);
}

void json_add_number_text(JsonBuilder *builder, const char *key, const char *text) {
    if (leave_out(builder, key, text))
        return;
    g_autoptr(Json) number = json_parse(text, -1, NULL);
    if (!json_is_number(json_root(number)))
        g_error("JSON builder: \"%s\" is not a number", text);
    json_add_value(builder, key, json_root(number));
}

void json_add_bool(JsonBuilder *builder, const char *key, gboolean value) {
    add_scalar(builder, key, (yyjson_val){json_tag(YYJSON_TYPE_BOOL, value ? YYJSON_SUBTYPE_TRUE : YYJSON_SUBTYPE_FALSE, 0), {.u64 = 0}});
}

void json_add_null(JsonBuilder *builder, const char *key) {
    add_scalar(builder, key, (yyjson_val){json_tag(YYJSON_TYPE_NULL, YYJSON_SUBTYPE_NONE, 0), {.u64 = 0}});
}

/* ---- copies ---- */

static void append_link(JsonBuilder *builder, const JsonValue *root) {
    *grow(builder, 1) = (yyjson_val){json_tag(YYJSON_TYPE_NONE, YYJSON_SUBTYPE_NONE, 0), {.ptr = json_ref(json_of_shared_root(root))}};
    builder->linking = TRUE;
}

static void append_subtree(JsonBuilder *builder, const JsonValue *value) {
    const gsize length = json_flat_length(value);
    yyjson_val *to = grow(builder, length);
    memcpy(to, value, length * sizeof *to);
    for (gsize i = 0; i < length; i++) {
        if (!json_has_text(&to[i]))
            continue;
        const char *text = to[i].uni.str;
        to[i].uni.u64 = builder->texts->len;
        g_string_append_len(builder->texts, text, (gssize)unsafe_yyjson_get_len(&to[i]) + 1);
    }
    to->tag &= ~(guint64)JSON_ROOT_SHARED; /* of a root that becomes another's */
    builder->linking = json_links_ref(to, length) || builder->linking;
}

/* A value that does not fit below the open containers: what lies too deep is replaced by a text that says so. */
static void add_cut(JsonBuilder *builder, const char *key, const JsonValue *value) {
    if (!unsafe_yyjson_is_ctn(json_raw(value))) {
        json_add_value(builder, key, value);
    } else if (builder->depth == JSON_DEPTH_MAX) {
        json_add_string(builder, key, TOO_DEEP_TEXT);
    } else {
        const gboolean object = json_is_object(value);
        begin_container(builder, key, object ? YYJSON_TYPE_OBJ : YYJSON_TYPE_ARR);
        for (JsonIter i = json_iter(value); json_next(&i);)
            add_cut(builder, i.key, i.value);
        end_container(builder, object ? YYJSON_TYPE_OBJ : YYJSON_TYPE_ARR);
    }
}

void json_add_value(JsonBuilder *builder, const char *key, const JsonValue *value) {
    if (leave_out(builder, key, value))
        return;
    const gsize room = JSON_DEPTH_MAX - builder->depth, length = json_flat_length(value);
    const gboolean shared = json_is_shared_root(value) && builder->depth > 0;
    if ((length > room || json_has_links(value, length)) && json_depth(value) > room) {
        log_warning("base", "a JSON document grew deeper than %d levels; what lies deeper was left out", JSON_DEPTH_MAX);
        add_cut(builder, key, value);
        return;
    }
    begin_value(builder, key);
    if (shared)
        append_link(builder, value);
    else
        append_subtree(builder, value);
}

void json_add_json(JsonBuilder *builder, const char *key, const Json *json) {
    json_add_value(builder, key, json_root(json));
}

void json_add_strings(JsonBuilder *builder, const char *key, const char *const *texts) {
    if (leave_out(builder, key, texts))
        return;
    json_begin_array(builder, key);
    for (; *texts != NULL; texts++)
        json_add_string(builder, NULL, *texts);
    json_end_array(builder);
}

void json_add_members(JsonBuilder *builder, const JsonValue *object) {
    for (JsonIter i = json_iter(object); json_next(&i);)
        json_add_value(builder, i.key, i.value);
}

static void complete(JsonBuilder *builder) {
    if (builder->depth != 0)
        g_error("JSON builder: end with %u open containers", builder->depth);
    if (builder->count == 0)
        json_add_null(builder, NULL);
}

char *json_builder_write(JsonBuilder *builder, gsize *length) {
    complete(builder);
    for (gsize i = 0; i < builder->count; i++)
        if (json_has_text(&builder->values[i]))
            builder->values[i].uni.str = builder->texts->str + builder->values[i].uni.u64;
    char *text = json_write(builder->values, length);
    drop_links(builder);
    builder->count = 0;
    g_string_truncate(builder->texts, 0);
    return text;
}

Json *json_builder_end(JsonBuilder *builder) {
    complete(builder);
    Json *json = json_block_new(builder->count, builder->texts->len);
    char *texts = (char *)(json->values + builder->count);
    memcpy(json->values, builder->values, builder->count * sizeof *builder->values);
    memcpy(texts, builder->texts->str, builder->texts->len);
    for (gsize i = 0; i < builder->count; i++)
        if (json_has_text(&json->values[i]))
            json->values[i].uni.str = texts + json->values[i].uni.u64;
    if (builder->linking)
        json_note_links(json, builder->count); /* which has the references now */
    builder->linking = FALSE;
    builder->count = 0;
    g_string_truncate(builder->texts, 0);
    return json;
}
