/* Values: making them, and containers that read their JSON when somebody looks inside.
 *
 * A container made from JSON reads one level at a time and keeps what it read, so that the same element is the same value
 * each time: what an expression changes in a list it sees again. */
#include "expr/class.h"

static const ExprValue null_value = {.type = EXPR_NULL};
static const ExprValue false_value = {.type = EXPR_BOOL, .boolean = FALSE};
static const ExprValue true_value = {.type = EXPR_BOOL, .boolean = TRUE};

const ExprValue *expr_null(void) {
    return &null_value;
}

const ExprValue *expr_bool(gboolean value) {
    return value ? &true_value : &false_value;
}

static ExprValue *new_value(ExprContext *context, ExprType type) {
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = type;
    return value;
}

const ExprValue *expr_integer(ExprContext *context, ExprType type, gint64 number) {
    ExprValue *value = new_value(context, type);
    value->integer = number;
    return value;
}

const ExprValue *expr_int(ExprContext *context, gint64 number) {
    return expr_integer(context, number >= G_MININT32 && number <= G_MAXINT32 ? EXPR_INT : EXPR_LONG, number);
}

const ExprValue *expr_real(ExprContext *context, ExprType type, double number) {
    ExprValue *value = new_value(context, type);
    value->real = type == EXPR_FLOAT ? (double)(float)number : number;
    return value;
}

const ExprValue *expr_double(ExprContext *context, double number) {
    return expr_real(context, EXPR_DOUBLE, number);
}

const ExprValue *expr_text_value(ExprContext *context, const char *text, gsize length) {
    ExprValue *value = new_value(context, EXPR_STRING);
    value->string.text = text;
    value->string.length = length;
    return value;
}

const ExprValue *expr_text_copy(ExprContext *context, const char *text, gsize length) {
    char *copy = expr_new_text(context, length);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    return expr_text_value(context, copy, length);
}

const ExprValue *expr_text_take(ExprContext *context, GString *text) {
    const ExprValue *value = expr_text_copy(context, text->str, text->len);
    g_string_free(text, TRUE);
    return value;
}

const ExprValue *expr_string(ExprContext *context, const char *text) {
    return text ? expr_text_copy(context, text, strlen(text)) : &null_value;
}

const ExprValue *expr_json(ExprContext *context, const JsonValue *json) {
    switch (json_type(json)) {
    case JSON_BOOL:
        return expr_bool(json_is_true(json));
    case JSON_INT:
        return expr_int(context, json_int(json, 0));
    case JSON_DOUBLE:
        return expr_double(context, json_double(json, 0));
    case JSON_BIG_NUMBER: {
        if (strpbrk(json_big_number(json), ".eE")) /* beyond a double, not beyond a long */
            return expr_double(context, json_double(json, 0));
        ExprValue *value = new_value(context, EXPR_BIG);
        value->string.text = json_big_number(json);
        value->string.length = strlen(value->string.text);
        return value;
    }
    case JSON_STRING:
        return expr_text_value(context, json_string(json), json_string_length(json));
    case JSON_ARRAY: {
        ExprItems *items = expr_items_new(context, 0);
        items->json = json;
        return expr_items_value(context, EXPR_LIST, items);
    }
    case JSON_OBJECT: {
        ExprMap *map = expr_map_new(context, 0);
        map->json = json;
        return expr_map_value(context, map);
    }
    case JSON_ABSENT:
    case JSON_NULL:
        break;
    }
    return &null_value;
}

const JsonValue *expr_keep(ExprContext *context, Json *json) {
    if (!json)
        return NULL;
    if (!context->kept)
        context->kept = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_ptr_array_add(context->kept, json);
    context->memory += json_memory(json);
    return json_root(json);
}

/* ---- lists ---- */

ExprItems *expr_items_new(ExprContext *context, guint capacity) {
    ExprItems *items = EXPR_NEW(context, ExprItems);
    items->element = 'L';
    items->capacity = capacity;
    if (capacity)
        items->at = expr_alloc(context, sizeof(ExprValue *) * capacity);
    return items;
}

void expr_items_add(ExprContext *context, ExprItems *items, const ExprValue *value) {
    if (items->count == items->capacity) {
        const guint capacity = MAX(8, items->capacity * 2);
        const ExprValue **at = expr_alloc(context, sizeof(ExprValue *) * capacity);
        if (items->count)
            memcpy(at, items->at, sizeof(ExprValue *) * items->count);
        items->at = at;
        items->capacity = capacity;
    }
    items->at[items->count++] = value;
}

const ExprValue *expr_items_value(ExprContext *context, ExprType type, ExprItems *items) {
    ExprValue *value = new_value(context, type);
    value->items = items;
    return value;
}

const ExprValue *expr_list(ExprContext *context, const ExprValue *const *elements, guint n) {
    ExprItems *items = expr_items_new(context, n);
    for (guint i = 0; i < n; i++)
        expr_items_add(context, items, elements[i]);
    return expr_items_value(context, EXPR_LIST, items);
}

ExprItems *expr_items(ExprContext *context, const ExprValue *value) {
    ExprItems *items = value->items;
    const JsonValue *json = items->json;
    if (!json)
        return items;
    items->json = NULL;
    items->capacity = (guint)json_length(json);
    items->at = expr_alloc(context, sizeof(ExprValue *) * MAX(1, items->capacity));
    for (JsonIter i = json_iter(json); json_next(&i);)
        expr_items_add(context, items, expr_json(context, i.value));
    return items;
}

/* ---- maps ---- */

ExprMap *expr_map_new(ExprContext *context, guint capacity) {
    ExprMap *map = EXPR_NEW(context, ExprMap);
    map->capacity = capacity;
    if (capacity) {
        map->keys = expr_alloc(context, sizeof(ExprValue *) * capacity);
        map->values = expr_alloc(context, sizeof(ExprValue *) * capacity);
    }
    return map;
}

const ExprValue *expr_map_value(ExprContext *context, ExprMap *map) {
    ExprValue *value = new_value(context, EXPR_MAP);
    value->map = map;
    return value;
}

void expr_map_append(ExprContext *context, ExprMap *map, const ExprValue *key, const ExprValue *value) {
    if (map->count == map->capacity) {
        const guint capacity = MAX(8, map->capacity * 2);
        const ExprValue **keys = expr_alloc(context, sizeof(ExprValue *) * capacity);
        const ExprValue **values = expr_alloc(context, sizeof(ExprValue *) * capacity);
        if (map->count) {
            memcpy(keys, map->keys, sizeof(ExprValue *) * map->count);
            memcpy(values, map->values, sizeof(ExprValue *) * map->count);
        }
        map->keys = keys;
        map->values = values;
        map->capacity = capacity;
    }
    map->keys[map->count] = key;
    map->values[map->count++] = value;
}

static void read_root(ExprContext *context, ExprMap *map) {
    if (!context->options->root_names)
        return;
    for (const char *const *name = context->options->root_names; *name; name++)
        expr_map_find_text(context, map, *name, strlen(*name));
}

ExprMap *expr_map(ExprContext *context, const ExprValue *value) {
    ExprMap *map = value->map;
    const JsonValue *json = map->json;
    if (map->is_root)
        read_root(context, map);
    if (!json)
        return map;
    map->json = NULL;
    const guint n = (guint)json_length(json);
    map->capacity = n;
    map->keys = expr_alloc(context, sizeof(ExprValue *) * MAX(1, n));
    map->values = expr_alloc(context, sizeof(ExprValue *) * MAX(1, n));
    for (JsonIter i = json_iter(json); json_next(&i);)
        expr_map_append(context, map, expr_text_value(context, i.key, strlen(i.key)), expr_json(context, i.value));
    return map;
}

static gboolean is_key(const ExprValue *key, const char *text, gsize length) {
    return key->type == EXPR_STRING && key->string.length == length && memcmp(key->string.text, text, length) == 0;
}

/* What the caller has under this name at the root, kept in the map once found. */
static const ExprValue *ask_caller(ExprContext *context, ExprMap *map, const char *name, gsize length) {
    const ExprOptions *options = context->options;
    const ExprValue *value = NULL;
    g_autoptr(GError) error = NULL;
    if (options->resolve)
        value = options->resolve(context, name, options->data, &error);
    if (error)
        return expr_raise(context, EXCEPTION_FUNCTION, "%s", error->message);
    if (!value && options->lookup) {
        const JsonValue *json = options->lookup(name, options->data);
        value = json ? expr_json(context, json) : NULL;
    }
    if (value) {
        const ExprValue *key = expr_text_copy(context, name, length);
        if (!key)
            return NULL;
        expr_map_append(context, map, key, value);
    }
    return value;
}

const ExprValue *expr_map_find_text(ExprContext *context, ExprMap *map, const char *key, gsize length) {
    if (map->json && !expr_charge(context, 1 + json_length(map->json) / 16))
        return NULL;
    if (map->json)
        expr_map(context, &(const ExprValue){.type = EXPR_MAP, .map = map});
    if (!expr_charge(context, map->count / 64))
        return NULL;
    for (guint i = 0; i < map->count; i++)
        if (is_key(map->keys[i], key, length))
            return map->values[i];
    return map->is_root && memchr(key, '\0', length) == NULL ? ask_caller(context, map, key, length) : NULL;
}

void expr_map_remove_at(ExprMap *map, guint index) {
    map->count--;
    memmove(map->keys + index, map->keys + index + 1, sizeof(ExprValue *) * (map->count - index));
    memmove(map->values + index, map->values + index + 1, sizeof(ExprValue *) * (map->count - index));
}

/* ---- objects ---- */

const ExprValue *expr_new_object(ExprContext *context, const ExprClass *class, gint64 first, gint64 second) {
    ExprValue *value = new_value(context, EXPR_OBJECT);
    value->object.class = class;
    value->object.first = first;
    value->object.second = second;
    return value;
}

const ExprValue *expr_object(ExprContext *context, const ExprObjectClass *class, gconstpointer instance) {
    if (!instance)
        return &null_value;
    ExprValue *value = new_value(context, EXPR_OBJECT);
    value->object.class = class->text ? expr_class_foreign_text() : expr_class_foreign();
    value->object.foreign = class;
    value->object.instance = instance;
    return value;
}

ExprType expr_type(const ExprValue *value) {
    return value->type;
}

gboolean expr_is_null(const ExprValue *value) {
    return value->type == EXPR_NULL;
}
