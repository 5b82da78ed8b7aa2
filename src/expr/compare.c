/* Equality and order: Java's equals and hashCode, the operator ==, and what < and between compare. */
#include "expr/class.h"
#include <math.h>

int expr_compare_text(const ExprValue *a, const ExprValue *b) {
    const unsigned char *left = (const unsigned char *)a->string.text, *right = (const unsigned char *)b->string.text;
    const gsize common = MIN(a->string.length, b->string.length);
    gsize at = 0;
    while (at < common && left[at] == right[at])
        at++;
    if (at == common)
        return (a->string.length > common) - (b->string.length > common);
    /* Bytes order as code points do; units differ from that only for pairs (lead byte F0…) against U+E000…U+FFFF (EE, EF). */
    const gboolean left_pair = left[at] >= 0xF0, right_pair = right[at] >= 0xF0;
    if (left_pair != right_pair && MIN(left[at], right[at]) >= 0xEE)
        return left_pair ? -1 : 1;
    return left[at] < right[at] ? -1 : 1;
}

static gboolean is_text(const ExprValue *value) {
    return value->type == EXPR_STRING || (value->type == EXPR_OBJECT && value->object.foreign && value->object.foreign->text);
}

static gboolean equal_items(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const ExprItems *left = expr_items(context, a), *right = expr_items(context, b);
    if (left->count != right->count)
        return FALSE;
    for (guint i = 0; i < left->count; i++)
        if (!expr_equals(context, left->at[i], right->at[i]))
            return FALSE;
    return TRUE;
}

static gboolean equal_sets(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const ExprItems *left = expr_items(context, a), *right = expr_items(context, b);
    if (left->count != right->count)
        return FALSE;
    for (guint i = 0; i < left->count; i++) {
        gboolean found = FALSE;
        for (guint j = 0; j < right->count && !found; j++)
            found = expr_equals(context, left->at[i], right->at[j]);
        if (!found)
            return FALSE;
    }
    return TRUE;
}

static gboolean equal_maps(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const ExprMap *left = expr_map(context, a);
    ExprMap *right = expr_map(context, b);
    if (left->count != right->count)
        return FALSE;
    for (guint i = 0; i < left->count; i++) {
        const ExprValue *value = expr_map_find(context, right, left->keys[i]);
        if (!value || !expr_equals(context, left->values[i], value))
            return FALSE;
    }
    return TRUE;
}

static gboolean equal_objects(const ExprValue *a, const ExprValue *b) {
    return a->object.class == b->object.class && a->object.foreign == b->object.foreign && a->object.first == b->object.first &&
           a->object.second == b->object.second;
}

static gboolean equal_containers(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (!expr_enter(context))
        return FALSE;
    gboolean equal;
    if (a->type == EXPR_MAP)
        equal = a->map == b->map || equal_maps(context, a, b);
    else if (a->type == EXPR_ENTRY)
        equal = expr_equals(context, a->entry.key, b->entry.key) && expr_equals(context, a->entry.value, b->entry.value);
    else
        equal = a->type == EXPR_SET ? equal_sets(context, a, b) : equal_items(context, a, b);
    context->depth--;
    return equal;
}

gboolean expr_equals(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (a == b)
        return TRUE;
    if (a->type != b->type || !expr_charge(context, 1))
        return FALSE;
    switch (a->type) {
    case EXPR_NULL:
        return TRUE;
    case EXPR_BOOL:
        return a->boolean == b->boolean;
    case EXPR_CHAR:
    case EXPR_INT:
    case EXPR_LONG:
        return a->integer == b->integer;
    case EXPR_FLOAT:
    case EXPR_DOUBLE:
        return expr_compare_numbers(a, b) == 0;
    case EXPR_BIG:
    case EXPR_STRING:
        return expr_charge_text(context, a->string.length) && a->string.length == b->string.length &&
               memcmp(a->string.text, b->string.text, a->string.length) == 0;
    case EXPR_COLLECTION: /* has no equality of its own */
        return a->items == b->items;
    case EXPR_TYPE:
        return a->class == b->class;
    case EXPR_OBJECT:
        return equal_objects(a, b);
    case EXPR_LIST:
    case EXPR_SET:
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_ENTRY:
        return equal_containers(context, a, b);
    }
    return FALSE;
}

const ExprValue *expr_map_find(ExprContext *context, ExprMap *map, const ExprValue *key) {
    if (key->type == EXPR_STRING)
        return expr_map_find_text(context, map, key->string.text, key->string.length);
    expr_map(context, &(const ExprValue){.type = EXPR_MAP, .map = map});
    for (guint i = 0; i < map->count && expr_charge(context, 1); i++)
        if (expr_equals(context, map->keys[i], key))
            return map->values[i];
    return NULL;
}

gboolean expr_same(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (expr_is_number(a) && expr_is_number(b)) {
        if ((a->type == EXPR_DOUBLE || a->type == EXPR_FLOAT) && isnan(a->real))
            return FALSE;
        return expr_compare_numbers(a, b) == 0;
    }
    if (is_text(a) && is_text(b)) {
        const ExprValue *left = expr_java_text(context, a), *right = left ? expr_java_text(context, b) : NULL;
        return left && right && expr_equals(context, left, right);
    }
    return expr_equals(context, a, b);
}

static gboolean not_comparable(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    expr_raise(context, EXCEPTION_EVALUATION, "EL1013E: Cannot compare instances of %s and %s", expr_class_name(a), expr_class_name(b));
    return FALSE;
}

static int order(gint64 a, gint64 b) {
    return (a > b) - (a < b);
}

gboolean expr_compare(ExprContext *context, const ExprValue *a, const ExprValue *b, int *result) {
    *result = 0;
    if (a->type == EXPR_NULL || b->type == EXPR_NULL) {
        *result = (b->type == EXPR_NULL) - (a->type == EXPR_NULL);
        return TRUE;
    }
    if (expr_is_number(a) && expr_is_number(b)) {
        *result = expr_compare_numbers(a, b);
        return TRUE;
    }
    if (is_text(a) && is_text(b)) {
        const ExprValue *left = expr_java_text(context, a), *right = left ? expr_java_text(context, b) : NULL;
        if (!right || !expr_charge_text(context, left->string.length))
            return FALSE;
        *result = expr_compare_text(left, right);
        return TRUE;
    }
    if (a->type != b->type)
        return not_comparable(context, a, b);
    switch (a->type) {
    case EXPR_BOOL:
        *result = order(a->boolean, b->boolean);
        return TRUE;
    case EXPR_CHAR:
        *result = order(a->integer, b->integer);
        return TRUE;
    case EXPR_OBJECT:
        if (a->object.class != b->object.class || !a->object.class->comparable)
            return not_comparable(context, a, b);
        *result = order(a->object.first, b->object.first);
        if (*result == 0)
            *result = order(a->object.second, b->object.second);
        return TRUE;
    default:
        return not_comparable(context, a, b);
    }
}

/* ---- hashCode ---- */

static gint32 fold(gint64 bits) {
    return (gint32)(guint32)((guint64)bits ^ ((guint64)bits >> 32));
}

static gint32 hash_text(const ExprValue *text) {
    guint32 hash = 0;
    const char *end = text->string.text + text->string.length;
    for (const char *at = text->string.text; at < end; at = g_utf8_next_char(at)) {
        const gunichar character = g_utf8_get_char(at);
        if (character >= 0x10000)
            hash = hash * 31 + (0xD800 + ((character - 0x10000) >> 10));
        hash = hash * 31 + (character < 0x10000 ? character : 0xDC00 + ((character - 0x10000) & 0x3FF));
    }
    return (gint32)hash;
}

static gint64 real_bits(double number) {
    gint64 bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static gint32 hash_container(ExprContext *context, const ExprValue *value) {
    if (!expr_enter(context))
        return 0;
    guint32 hash = value->type == EXPR_LIST ? 1 : 0;
    if (value->type == EXPR_MAP) {
        const ExprMap *map = expr_map(context, value);
        for (guint i = 0; i < map->count; i++)
            hash += (guint32)expr_hash(context, map->keys[i]) ^ (guint32)expr_hash(context, map->values[i]);
    } else {
        const ExprItems *items = expr_items(context, value);
        for (guint i = 0; i < items->count; i++)
            hash = (value->type == EXPR_LIST ? hash * 31 : hash) + (guint32)expr_hash(context, items->at[i]);
    }
    context->depth--;
    return (gint32)hash;
}

gint32 expr_hash(ExprContext *context, const ExprValue *value) {
    if (!expr_charge(context, 1))
        return 0;
    switch (value->type) {
    case EXPR_BOOL:
        return value->boolean ? 1231 : 1237;
    case EXPR_CHAR:
    case EXPR_INT:
        return (gint32)value->integer;
    case EXPR_LONG:
        return fold(value->integer);
    case EXPR_DOUBLE:
        return fold(real_bits(value->real));
    case EXPR_FLOAT: {
        const float number = (float)value->real;
        gint32 bits;
        memcpy(&bits, &number, sizeof bits);
        return bits;
    }
    case EXPR_STRING:
    case EXPR_BIG:
        return expr_charge_text(context, value->string.length) ? hash_text(value) : 0;
    case EXPR_LIST:
    case EXPR_SET:
    case EXPR_MAP:
        return hash_container(context, value);
    case EXPR_ENTRY:
        return expr_hash(context, value->entry.key) ^ expr_hash(context, value->entry.value);
    case EXPR_OBJECT:
        return fold(value->object.first ^ value->object.second);
    default:
        return 0;
    }
}
