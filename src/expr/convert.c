/* Conversions between values: those that the reference makes by itself where a text, a boolean or a number is wanted, and
 * Java's toString. */
#include "expr/class.h"
#include <errno.h>
#include <math.h>

const char *expr_class_name(const ExprValue *value) {
    switch (value->type) {
    case EXPR_NULL:
        return "null";
    case EXPR_TYPE:
        return "java.lang.Class";
    case EXPR_OBJECT:
        return value->object.foreign ? value->object.foreign->name : value->object.class->name;
    default:
        return expr_class_of(value)->name;
    }
}

/* ---- text ---- */

gboolean expr_converts_to_text(const ExprValue *value) {
    switch (value->type) {
    case EXPR_NULL:
    case EXPR_MAP:
    case EXPR_ENTRY:
    case EXPR_TYPE:
        return FALSE;
    case EXPR_OBJECT:
        return value->object.class->is_text;
    default:
        return TRUE;
    }
}

static gboolean append_items(ExprContext *context, GString *into, const ExprValue *value) {
    if (!expr_enter(context))
        return FALSE;
    const ExprItems *items = expr_items(context, value);
    g_string_append_c(into, '[');
    for (guint i = 0; i < items->count; i++) {
        if (i)
            g_string_append(into, ", ");
        if (!expr_append_text(context, into, items->at[i]))
            return FALSE;
    }
    g_string_append_c(into, ']');
    context->depth--;
    return TRUE;
}

static gboolean append_entry(ExprContext *context, GString *into, const ExprValue *key, const ExprValue *value) {
    if (!expr_append_text(context, into, key))
        return FALSE;
    g_string_append_c(into, '=');
    return expr_append_text(context, into, value);
}

static gboolean append_map(ExprContext *context, GString *into, const ExprValue *value) {
    if (!expr_enter(context))
        return FALSE;
    const ExprMap *map = expr_map(context, value);
    g_string_append_c(into, '{');
    for (guint i = 0; i < map->count; i++) {
        if (i)
            g_string_append(into, ", ");
        if (!append_entry(context, into, map->keys[i], map->values[i]))
            return FALSE;
    }
    g_string_append_c(into, '}');
    context->depth--;
    return TRUE;
}

static void append_object(ExprContext *context, GString *into, const ExprValue *value) {
    if (value->object.foreign)
        g_string_append(into,
                        value->object.foreign->text ? value->object.foreign->text(value->object.instance) : value->object.foreign->name);
    else if (value->object.class->text)
        value->object.class->text(context, value, into);
    else
        g_string_append(into, value->object.class->name);
}

gboolean expr_append_text(ExprContext *context, GString *into, const ExprValue *value) {
    const gsize before = into->len;
    switch (value->type) {
    case EXPR_NULL:
        g_string_append(into, "null");
        break;
    case EXPR_BOOL:
        g_string_append(into, value->boolean ? "true" : "false");
        break;
    case EXPR_CHAR:
        expr_append_unit(into, (gunichar2)value->integer);
        break;
    case EXPR_INT:
    case EXPR_LONG:
        g_string_append_printf(into, "%" G_GINT64_FORMAT, value->integer);
        break;
    case EXPR_FLOAT:
    case EXPR_DOUBLE:
        expr_append_real(into, value->real, value->type == EXPR_FLOAT);
        break;
    case EXPR_BIG:
    case EXPR_STRING:
        g_string_append_len(into, value->string.text, (gssize)value->string.length);
        break;
    case EXPR_LIST:
    case EXPR_SET:
    case EXPR_COLLECTION:
    case EXPR_ARRAY:
        return append_items(context, into, value);
    case EXPR_MAP:
        return append_map(context, into, value);
    case EXPR_ENTRY:
        return append_entry(context, into, value->entry.key, value->entry.value);
    case EXPR_TYPE:
        g_string_append_printf(into, "class %s", value->class->name);
        break;
    case EXPR_OBJECT:
        append_object(context, into, value);
        break;
    }
    if (into->len > EXPR_TEXT_MAX) {
        expr_raise(context, EXCEPTION_LIMIT, "A text would have more than %d bytes (EXPR_TEXT_MAX)", EXPR_TEXT_MAX);
        return FALSE;
    }
    return expr_charge_text(context, into->len - before);
}

const ExprValue *expr_java_text(ExprContext *context, const ExprValue *value) {
    if (value->type == EXPR_STRING)
        return value;
    g_autoptr(GString) text = g_string_new(NULL);
    return expr_append_text(context, text, value) ? expr_text_copy(context, text->str, text->len) : NULL;
}

static gboolean append_joined(ExprContext *context, GString *into, const ExprValue *list) {
    if (!expr_enter(context))
        return FALSE;
    const ExprItems *items = expr_items(context, list);
    for (guint i = 0; i < items->count; i++) {
        const ExprValue *element = items->at[i];
        if (i)
            g_string_append_c(into, ',');
        if (expr_is_list(element)) {
            if (!append_joined(context, into, element))
                return FALSE;
            continue;
        }
        if (element->type != EXPR_NULL && !expr_converts_to_text(element)) {
            expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: Type conversion problem, cannot convert from %s to java.lang.String",
                       expr_class_name(element));
            return FALSE;
        }
        if (!expr_append_text(context, into, element))
            return FALSE;
    }
    context->depth--;
    return TRUE;
}

const ExprValue *expr_convert_to_text(ExprContext *context, const ExprValue *value) {
    if (value->type == EXPR_NULL || value->type == EXPR_STRING)
        return value;
    if (!expr_converts_to_text(value))
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: Type conversion problem, cannot convert from %s to java.lang.String",
                          expr_class_name(value));
    if (!expr_is_list(value))
        return expr_java_text(context, value);
    g_autoptr(GString) text = g_string_new(NULL);
    return append_joined(context, text, value) ? expr_text_copy(context, text->str, text->len) : NULL;
}

const char *expr_text(ExprContext *context, const ExprValue *value) {
    const ExprValue *text = expr_convert_to_text(context, value);
    return text && text->type == EXPR_STRING ? text->string.text : NULL;
}

/* ---- booleans ---- */

static gboolean is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (g_ascii_strcasecmp(text, *words) == 0)
            return TRUE;
    return FALSE;
}

int expr_convert_to_boolean(ExprContext *context, const ExprValue *value) {
    static const char *const yes[] = {"true", "on", "yes", "1", NULL};
    static const char *const no[] = {"false", "off", "no", "0", NULL};
    if (value->type == EXPR_BOOL)
        return value->boolean;
    if (value->type == EXPR_STRING) {
        g_autofree char *word = g_strstrip(g_strndup(value->string.text, MIN(value->string.length, 100)));
        if (is_one_of(word, yes))
            return 1;
        if (is_one_of(word, no))
            return 0;
    }
    expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: Type conversion problem, cannot convert from %s to java.lang.Boolean",
               expr_class_name(value));
    return -1;
}

/* ---- numbers ---- */

gboolean expr_parse_integer(const char *text, guint base, gint64 min, gint64 max, gint64 *into) {
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (base < 2 || base > 36 || !g_ascii_isalnum(*digits))
        return FALSE;
    char *end;
    errno = 0;
    const gint64 number = g_ascii_strtoll(text, &end, base);
    /* strtoll takes a 0x in base 16, Java does not. */
    if (errno || *end || number < min || number > max || (base == 16 && (digits[1] == 'x' || digits[1] == 'X')))
        return FALSE;
    *into = number;
    return TRUE;
}

gboolean expr_parse_real(const char *text, double *into) {
    g_autofree char *number = g_strstrip(g_strdup(text));
    gsize length = strlen(number);
    const gboolean has_suffix = length > 1 && strchr("fFdD", number[length - 1]) && !strpbrk(number, "xX");
    if (has_suffix)
        number[--length] = '\0';
    const char *digits = *number == '-' || *number == '+' ? number + 1 : number;
    const gboolean named = !has_suffix && (strcmp(digits, "NaN") == 0 || strcmp(digits, "Infinity") == 0);
    if (!named && !g_ascii_isdigit(*digits) && *digits != '.')
        return FALSE;
    char *end;
    *into = g_ascii_strtod(number, &end);
    return end != number && *end == '\0' && (!strpbrk(number, "xX") || strpbrk(number, "pP"));
}

static const ExprValue *number_of_text(ExprContext *context, const ExprValue *text, ExprType type) {
    const gint64 min = type == EXPR_INT ? G_MININT32 : G_MININT64, max = type == EXPR_INT ? G_MAXINT32 : G_MAXINT64;
    g_autofree char *digits = g_strndup(text->string.text, MIN(text->string.length, 1000));
    if (type == EXPR_FLOAT || type == EXPR_DOUBLE) {
        double real;
        if (expr_parse_real(digits, &real))
            return expr_real(context, type, real);
    } else {
        g_strstrip(digits);
        const gboolean hex = g_ascii_strncasecmp(digits, "0x", 2) == 0;
        gint64 number;
        if (hex ? g_ascii_isxdigit(digits[2]) && expr_parse_integer(digits + 2, 16, min, max, &number)
                : expr_parse_integer(digits, 10, min, max, &number))
            return expr_integer(context, type, number);
    }
    return expr_raise(context, EXCEPTION_EVALUATION,
                      "EL1001E: Type conversion problem, cannot convert from java.lang.String to a number: \"%s\"", digits);
}

const ExprValue *expr_convert_to_number(ExprContext *context, const ExprValue *value, ExprType type) {
    if (value->type == type)
        return value;
    if (value->type == EXPR_STRING)
        return number_of_text(context, value, type);
    if (value->type != EXPR_CHAR && !expr_is_number(value))
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: Type conversion problem, cannot convert from %s to a number",
                          expr_class_name(value));
    if (type == EXPR_FLOAT || type == EXPR_DOUBLE)
        return expr_real(context, type, expr_number_as_double(value));
    const gint64 number = expr_number_as_long(value);
    if (type == EXPR_INT && (number < G_MININT32 || number > G_MAXINT32))
        return expr_raise(context, EXCEPTION_ARGUMENT, "Could not convert number [%" G_GINT64_FORMAT "] to java.lang.Integer: overflow",
                          number);
    return expr_integer(context, type, number);
}
