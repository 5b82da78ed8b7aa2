/* The binary operators. */
#include "expr/class.h"
#include "expr/operate.h"
#include <math.h>

static const ExprValue *unsupported(ExprContext *context, const char *operation, const ExprValue *a, const ExprValue *b) {
    return expr_raise(context, EXCEPTION_EVALUATION, "EL1030E: The operator '%s' is not supported between objects of type '%s' and '%s'",
                      operation, expr_class_name(a), expr_class_name(b));
}

/* ---- texts ---- */

/* A text beside another in a sum. */
static const ExprValue *addend(ExprContext *context, const ExprValue *value) {
    return expr_converts_to_text(value) ? expr_convert_to_text(context, value) : expr_java_text(context, value);
}

static const ExprValue *concatenate(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const ExprValue *left = addend(context, a), *right = left ? addend(context, b) : NULL;
    if (!right)
        return NULL;
    const gsize length = left->string.length + right->string.length;
    /* Counted in units only when the bytes do not already say that it is short enough. */
    if (length > EXPR_CONCATENATION_MAX && expr_text_units(left) + expr_text_units(right) > EXPR_CONCATENATION_MAX)
        return expr_raise(context, EXCEPTION_LIMIT,
                          "EL1078E: Concatenated string is too long, exceeding the threshold of '%d' characters (EXPR_CONCATENATION_MAX)",
                          EXPR_CONCATENATION_MAX);
    char *text = expr_new_text(context, length);
    if (!text)
        return NULL;
    memcpy(text, left->string.text, left->string.length);
    memcpy(text + left->string.length, right->string.text, right->string.length);
    return expr_text_value(context, text, length);
}

static const ExprValue *repeat(ExprContext *context, const ExprValue *text, gint64 times) {
    if (times < 0)
        return expr_raise(context, EXCEPTION_ARGUMENT, "count is negative: %" G_GINT64_FORMAT, times);
    const gsize units = expr_text_units(text);
    if (units && times > (gint64)(EXPR_REPETITION_MAX / units))
        return expr_raise(context, EXCEPTION_LIMIT,
                          "EL1076E: Repeated text is too long, exceeding the threshold of '%d' characters (EXPR_REPETITION_MAX)",
                          EXPR_REPETITION_MAX);
    if (!units)
        return text;
    const gsize length = text->string.length;
    char *repeated = expr_new_text(context, length * (gsize)times);
    if (!repeated)
        return NULL;
    for (gsize i = 0; i < (gsize)times; i++)
        memcpy(repeated + i * length, text->string.text, length);
    return expr_text_value(context, repeated, length * (gsize)times);
}

/* 'd' - 1 is 'c'. */
static const ExprValue *move_character(ExprContext *context, const ExprValue *text, gint64 by) {
    g_autoptr(GString) moved = g_string_new(NULL);
    expr_append_unit(moved, (gunichar2)(expr_text_unit(text, 0) - by));
    return expr_text_copy(context, moved->str, moved->len);
}

/* ---- arithmetic ---- */

static const ExprValue *add(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (expr_is_number(a) && expr_is_number(b))
        return expr_arithmetic(context, ARITHMETIC_ADD, a, b);
    if (a->type == EXPR_STRING || b->type == EXPR_STRING)
        return concatenate(context, a, b);
    return unsupported(context, "ADD", a, b);
}

static const ExprValue *subtract(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (expr_is_number(a) && expr_is_number(b))
        return expr_arithmetic(context, ARITHMETIC_SUBTRACT, a, b);
    if (a->type == EXPR_STRING && b->type == EXPR_INT && expr_text_units(a) == 1)
        return move_character(context, a, b->integer);
    return unsupported(context, "SUBTRACT", a, b);
}

static const ExprValue *multiply(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (expr_is_number(a) && expr_is_number(b))
        return expr_arithmetic(context, ARITHMETIC_MULTIPLY, a, b);
    if (a->type == EXPR_STRING && b->type == EXPR_INT)
        return repeat(context, a, b->integer);
    return unsupported(context, "MULTIPLY", a, b);
}

static const ExprValue *divide(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    return expr_is_number(a) && expr_is_number(b) ? expr_arithmetic(context, ARITHMETIC_DIVIDE, a, b)
                                                  : unsupported(context, "DIVIDE", a, b);
}

static const ExprValue *modulus(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    return expr_is_number(a) && expr_is_number(b) ? expr_arithmetic(context, ARITHMETIC_MODULUS, a, b)
                                                  : unsupported(context, "MODULUS", a, b);
}

static const ExprValue *power(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    return expr_is_number(a) && expr_is_number(b) ? expr_arithmetic(context, ARITHMETIC_POWER, a, b) : unsupported(context, "POWER", a, b);
}

/* ---- relations ---- */

static const ExprValue *is_equal(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const gboolean same = expr_same(context, a, b);
    return context->failed ? NULL : expr_bool(same);
}

static const ExprValue *is_unequal(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const gboolean same = expr_same(context, a, b);
    return context->failed ? NULL : expr_bool(!same);
}

static gboolean is_nan(const ExprValue *value) {
    return (value->type == EXPR_FLOAT || value->type == EXPR_DOUBLE) && isnan(value->real);
}

#define RELATION(name, test)                                                                                                               \
    static const ExprValue *name(ExprContext *context, const ExprValue *a, const ExprValue *b) {                                           \
        int order;                                                                                                                         \
        if (!expr_compare(context, a, b, &order))                                                                                          \
            return NULL;                                                                                                                   \
        return expr_bool((test) && !is_nan(a) && !is_nan(b));                                                                              \
    }
RELATION(is_less, order < 0)
RELATION(is_less_or_equal, order <= 0)
RELATION(is_greater, order > 0)
RELATION(is_greater_or_equal, order >= 0)

static const ExprValue *is_between(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    const ExprItems *bounds = b->type == EXPR_LIST ? expr_items(context, b) : NULL;
    if (!bounds || bounds->count != 2)
        return expr_raise(context, EXCEPTION_EVALUATION,
                          "EL1052E: The right operand for the 'between' operator has to be a two-element list");
    int low, high;
    if (!expr_compare(context, a, bounds->at[0], &low) || !expr_compare(context, a, bounds->at[1], &high))
        return NULL;
    return expr_bool(low >= 0 && high <= 0);
}

static const ExprValue *does_match(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (a->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1050E: Unable to use null as the left operand of the operator 'matches'");
    if (b->type != EXPR_STRING)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1051E: Unable to use '%s' as the right operand of the operator 'matches'",
                          expr_class_name(b));
    const ExprValue *text = expr_convert_to_text(context, a);
    g_autoptr(ExprPattern) pattern = text ? expr_pattern_new(context, b) : NULL;
    const int matches = pattern ? expr_pattern_matches_whole(context, pattern, text) : -1;
    return matches < 0 ? NULL : expr_bool(matches);
}

static const ExprValue *is_instance(ExprContext *context, const ExprValue *a, const ExprValue *b) {
    if (b->type != EXPR_TYPE)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1031E: The right operand of 'instanceof' must be a type, not '%s'",
                          expr_class_name(b));
    if (a->type == EXPR_NULL)
        return expr_bool(FALSE);
    return expr_bool(expr_class_of(a) == b->class);
}

const ExprValue *expr_operate(ExprContext *context, TokenKind operation, const ExprValue *a, const ExprValue *b) {
    static const ExprValue *(*const operators[])(ExprContext *, const ExprValue *, const ExprValue *) = {
        [TOKEN_PLUS] = add,
        [TOKEN_MINUS] = subtract,
        [TOKEN_TIMES] = multiply,
        [TOKEN_DIVIDE] = divide,
        [TOKEN_MODULUS] = modulus,
        [TOKEN_POWER] = power,
        [TOKEN_EQ] = is_equal,
        [TOKEN_NE] = is_unequal,
        [TOKEN_LT] = is_less,
        [TOKEN_LE] = is_less_or_equal,
        [TOKEN_GT] = is_greater,
        [TOKEN_GE] = is_greater_or_equal,
        [TOKEN_BETWEEN] = is_between,
        [TOKEN_MATCHES] = does_match,
        [TOKEN_INSTANCEOF] = is_instance,
    };
    return operators[operation](context, a, b);
}
