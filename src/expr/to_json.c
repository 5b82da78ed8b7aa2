/* Values as JSON: as the reference's object mapper writes results. */
#include "expr/class.h"
#include <math.h>

static gboolean write_value(ExprContext *context, JsonBuilder *builder, const char *key, const ExprValue *value);

static gboolean write_map(ExprContext *context, JsonBuilder *builder, const char *key, const ExprMap *map) {
    json_begin_object(builder, key);
    for (guint i = 0; i < map->count; i++) {
        const ExprValue *name = expr_java_text(context, map->keys[i]);
        if (!name || !write_value(context, builder, name->string.text, map->values[i]))
            return FALSE;
    }
    json_end_object(builder);
    return TRUE;
}

static gboolean write_bytes(JsonBuilder *builder, const char *key, const ExprItems *items) {
    g_autofree guchar *bytes = g_malloc(items->count + 1);
    for (guint i = 0; i < items->count; i++)
        bytes[i] = (guchar)items->at[i]->integer;
    g_autofree char *text = g_base64_encode(bytes, items->count);
    json_add_string(builder, key, text);
    return TRUE;
}

static gboolean write_items(ExprContext *context, JsonBuilder *builder, const char *key, const ExprItems *items) {
    if (items->element == 'B')
        return write_bytes(builder, key, items);
    if (items->element == 'C') {
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < items->count; i++)
            expr_append_unit(text, (gunichar2)items->at[i]->integer);
        json_add_string_len(builder, key, text->str, text->len);
        return TRUE;
    }
    json_begin_array(builder, key);
    for (guint i = 0; i < items->count; i++)
        if (!write_value(context, builder, NULL, items->at[i]))
            return FALSE;
    json_end_array(builder);
    return TRUE;
}

static void write_real(JsonBuilder *builder, const char *key, const ExprValue *value) {
    g_autoptr(GString) text = g_string_new(NULL);
    expr_append_real(text, value->real, value->type == EXPR_FLOAT);
    if (isfinite(value->real))
        json_add_double(builder, key, g_ascii_strtod(text->str, NULL)); /* a float by its own shortest digits */
    else
        json_add_string(builder, key, text->str);
}

static void write_big(JsonBuilder *builder, const char *key, const ExprValue *value) {
    gint64 number;
    if (expr_parse_integer(value->string.text, 10, G_MININT64, G_MAXINT64, &number))
        json_add_int(builder, key, number);
    else
        json_add_number_text(builder, key, value->string.text);
}

static gboolean write_object(ExprContext *context, JsonBuilder *builder, const char *key, const ExprValue *value) {
    const ExprObjectClass *foreign = value->object.foreign;
    if (foreign && foreign->to_json && !foreign->text) {
        g_autoptr(Json) json = foreign->to_json(value->object.instance);
        json_add_json(builder, key, json);
        return TRUE;
    }
    if (value->object.class == &expr_class_date) {
        json_add_int(builder, key, value->object.first);
        return TRUE;
    }
    const ExprValue *text = expr_java_text(context, value);
    if (text)
        json_add_string_len(builder, key, text->string.text, text->string.length);
    return text != NULL;
}

static gboolean write_container(ExprContext *context, JsonBuilder *builder, const char *key, const ExprValue *value) {
    if (!expr_enter(context))
        return FALSE;
    gboolean written;
    if (value->type == EXPR_MAP) {
        written = write_map(context, builder, key, expr_map(context, value));
    } else if (value->type == EXPR_ENTRY) {
        ExprMap single = {.count = 1, .keys = (const ExprValue **)&value->entry.key, .values = (const ExprValue **)&value->entry.value};
        written = write_map(context, builder, key, &single);
    } else {
        written = write_items(context, builder, key, expr_items(context, value));
    }
    context->depth--;
    return written;
}

/* A container that nobody has looked into is still the JSON it came from. */
static const JsonValue *untouched(const ExprValue *value) {
    if (expr_is_list(value))
        return value->items->json;
    return value->type == EXPR_MAP ? value->map->json : NULL;
}

/* What is written counts as memory of the evaluation: the same value may be in a result many times. */
static gboolean charge_json(ExprContext *context, const JsonValue *json) {
    context->memory += json_string_length(json);
    for (JsonIter i = json_iter(json); json_next(&i);)
        if (!charge_json(context, i.value))
            return FALSE;
    return expr_charge(context, 1);
}

static gboolean write_text(ExprContext *context, JsonBuilder *builder, const char *key, const ExprValue *text) {
    context->memory += text->string.length;
    if (!expr_charge_text(context, text->string.length))
        return FALSE;
    json_add_string_len(builder, key, text->string.text, text->string.length);
    return TRUE;
}

static gboolean write_value(ExprContext *context, JsonBuilder *builder, const char *key, const ExprValue *value) {
    if (!expr_charge(context, 1))
        return FALSE;
    const JsonValue *json = untouched(value);
    if (json) {
        if (!charge_json(context, json))
            return FALSE;
        json_add_value(builder, key, json);
        return TRUE;
    }
    switch (value->type) {
    case EXPR_NULL:
        json_add_null(builder, key);
        return TRUE;
    case EXPR_BOOL:
        json_add_bool(builder, key, value->boolean);
        return TRUE;
    case EXPR_INT:
    case EXPR_LONG:
        json_add_int(builder, key, value->integer);
        return TRUE;
    case EXPR_FLOAT:
    case EXPR_DOUBLE:
        write_real(builder, key, value);
        return TRUE;
    case EXPR_BIG:
        write_big(builder, key, value);
        return TRUE;
    case EXPR_STRING:
        return write_text(context, builder, key, value);
    case EXPR_CHAR:
    case EXPR_TYPE: {
        const ExprValue *text = expr_java_text(context, value);
        json_add_string(builder, key, text ? text->string.text : NULL);
        return text != NULL;
    }
    case EXPR_OBJECT:
        return write_object(context, builder, key, value);
    default:
        return write_container(context, builder, key, value);
    }
}

Json *expr_to_json(ExprContext *context, const ExprValue *value, GError **error) {
    JsonBuilder *builder = json_builder_new();
    Json *json = write_value(context, builder, NULL, value) ? json_builder_end(builder) : NULL;
    json_builder_free(builder);
    if (!json)
        error_set(error, context->exception == EXCEPTION_LIMIT ? ERR_LIMIT : ERR_INVALID, "%s",
                  context->message ? context->message : "the value cannot be written as JSON");
    return json;
}
