/* What can be called on numbers, booleans and characters, and on their types. */
#include "expr/class.h"
#include <math.h>

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- values ---- */

static const ExprValue *int_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    if (self->type != EXPR_FLOAT && self->type != EXPR_DOUBLE)
        return expr_integer(context, EXPR_INT, (gint32)(guint32)(guint64)expr_number_as_long(self));
    return expr_integer(context, EXPR_INT, CLAMP(expr_number_as_long(self), G_MININT32, G_MAXINT32));
}

static const ExprValue *short_value(ARGUMENTS) {
    const ExprValue *whole = int_value(context, self, arguments, n);
    return expr_integer(context, EXPR_INT, (gint16)(guint16)(guint64)whole->integer);
}

static const ExprValue *byte_value(ARGUMENTS) {
    const ExprValue *whole = int_value(context, self, arguments, n);
    return expr_integer(context, EXPR_INT, (gint8)(guint8)(guint64)whole->integer);
}

static const ExprValue *long_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, expr_number_as_long(self));
}

static const ExprValue *float_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_real(context, EXPR_FLOAT, expr_number_as_double(self));
}

static const ExprValue *double_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_real(context, EXPR_DOUBLE, expr_number_as_double(self));
}

static const ExprValue *compare_to(ARGUMENTS) {
    UNUSED_N;
    return expr_int(context, expr_compare_numbers(self, arguments[0]));
}

static const ExprValue *is_nan(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(isnan(self->real));
}

static const ExprValue *is_infinite(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(!!isinf(self->real));
}

#define NUMBER_METHODS(letter)                                                                                                             \
    {"byteValue", "", byte_value}, {"shortValue", "", short_value}, {"intValue", "", int_value}, {"longValue", "", long_value},            \
        {"floatValue", "", float_value}, {"doubleValue", "", double_value}, {                                                              \
        "compareTo", letter, compare_to                                                                                                    \
    }

static const ExprMethod integer_methods[] = {NUMBER_METHODS("i"), {NULL, NULL, NULL}};
static const ExprMethod long_methods[] = {NUMBER_METHODS("l"), {NULL, NULL, NULL}};
static const ExprMethod double_methods[] = {
    NUMBER_METHODS("d"), {"isNaN", "", is_nan}, {"isInfinite", "", is_infinite}, {NULL, NULL, NULL}};
static const ExprMethod float_methods[] = {NUMBER_METHODS("f"), {"isNaN", "", is_nan}, {"isInfinite", "", is_infinite}, {NULL, NULL, NULL}};

/* ---- Integer and Long ---- */

static const ExprValue *number_format(ExprContext *context, const ExprValue *text) {
    return expr_raise(context, EXCEPTION_NUMBER_FORMAT, "For input string: \"%s\"", text->type == EXPR_STRING ? text->string.text : "null");
}

static const ExprValue *parse(ExprContext *context, ExprType type, const ExprValue *const *arguments, guint n) {
    gint64 number;
    const gint64 base = n == 2 ? arguments[1]->integer : 10;
    const gint64 min = type == EXPR_INT ? G_MININT32 : G_MININT64, max = type == EXPR_INT ? G_MAXINT32 : G_MAXINT64;
    if (arguments[0]->type == EXPR_NULL || base < 2 || base > 36 ||
        !expr_parse_integer(arguments[0]->string.text, (guint)base, min, max, &number))
        return number_format(context, arguments[0]);
    return expr_integer(context, type, number);
}

static const ExprValue *parse_int(ARGUMENTS) {
    (void)self;
    return parse(context, EXPR_INT, arguments, n);
}

static const ExprValue *parse_long(ARGUMENTS) {
    (void)self;
    return parse(context, EXPR_LONG, arguments, n);
}

static const ExprValue *parse_byte(ARGUMENTS) {
    (void)self;
    const ExprValue *number = parse(context, EXPR_INT, arguments, n);
    if (number && (number->integer < G_MININT8 || number->integer > G_MAXINT8))
        return expr_raise(context, EXCEPTION_NUMBER_FORMAT, "Value out of range. Value:\"%s\" Radix:10", arguments[0]->string.text);
    return number;
}

static const ExprValue *first_argument(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return arguments[0];
}

static const ExprValue *digits_of(ExprContext *context, guint64 number, guint base, gboolean negative) {
    char text[72];
    gsize at = sizeof text;
    text[--at] = '\0';
    do {
        text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % base];
        number /= base;
    } while (number);
    if (negative)
        text[--at] = '-';
    return expr_string(context, text + at);
}

static const ExprValue *integer_to_string(ARGUMENTS) {
    (void)self;
    const gint64 number = arguments[0]->integer;
    const gint64 given = n == 2 ? arguments[1]->integer : 10;
    const guint base = given < 2 || given > 36 ? 10 : (guint)given;
    return digits_of(context, number < 0 ? 0 - (guint64)number : (guint64)number, base, number < 0);
}

/* As if without sign. */
static guint64 bits_of(const ExprValue *number) {
    return number->type == EXPR_INT ? (guint32)number->integer : (guint64)number->integer;
}

static const ExprValue *to_binary(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return digits_of(context, bits_of(arguments[0]), 2, FALSE);
}

static const ExprValue *to_octal(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return digits_of(context, bits_of(arguments[0]), 8, FALSE);
}

static const ExprValue *to_hex(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return digits_of(context, bits_of(arguments[0]), 16, FALSE);
}

static const ExprValue *compare(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_int(context, expr_compare_numbers(arguments[0], arguments[1]));
}

static const ExprValue *larger(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_compare_numbers(arguments[0], arguments[1]) >= 0 ? arguments[0] : arguments[1];
}

static const ExprValue *smaller(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_compare_numbers(arguments[0], arguments[1]) <= 0 ? arguments[0] : arguments[1];
}

static const ExprValue *sum(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_arithmetic(context, ARITHMETIC_ADD, arguments[0], arguments[1]);
}

static const ExprValue *signum(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_int(context, (arguments[0]->integer > 0) - (arguments[0]->integer < 0));
}

static const ExprValue *bit_count(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_int(context, __builtin_popcountll(bits_of(arguments[0])));
}

static const ExprValue *reverse_bits(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    const ExprType type = arguments[0]->type;
    const guint width = type == EXPR_INT ? 32 : 64;
    guint64 bits = bits_of(arguments[0]), reversed = 0;
    for (guint i = 0; i < width; i++, bits >>= 1)
        reversed = reversed << 1 | (bits & 1);
    return expr_integer(context, type, type == EXPR_INT ? (gint32)(guint32)reversed : (gint64)reversed);
}

static const ExprMethod integer_statics[] = {
    {"bitCount", "i", bit_count},
    {"compare", "ii", compare},
    {"max", "ii", larger},
    {"min", "ii", smaller},
    {"parseInt", "s", parse_int},
    {"parseInt", "si", parse_int},
    {"reverse", "i", reverse_bits},
    {"signum", "i", signum},
    {"sum", "ii", sum},
    {"toBinaryString", "i", to_binary},
    {"toHexString", "i", to_hex},
    {"toOctalString", "i", to_octal},
    {"toString", "i", integer_to_string},
    {"toString", "ii", integer_to_string},
    {"valueOf", "i", first_argument},
    {"valueOf", "s", parse_int},
    {"valueOf", "si", parse_int},
    {NULL, NULL, NULL},
};

static const ExprMethod long_statics[] = {
    {"bitCount", "l", bit_count},
    {"compare", "ll", compare},
    {"max", "ll", larger},
    {"min", "ll", smaller},
    {"parseLong", "s", parse_long},
    {"parseLong", "si", parse_long},
    {"reverse", "l", reverse_bits},
    {"signum", "l", signum},
    {"sum", "ll", sum},
    {"toBinaryString", "l", to_binary},
    {"toHexString", "l", to_hex},
    {"toOctalString", "l", to_octal},
    {"toString", "l", integer_to_string},
    {"toString", "li", integer_to_string},
    {"valueOf", "l", first_argument},
    {"valueOf", "s", parse_long},
    {"valueOf", "si", parse_long},
    {NULL, NULL, NULL},
};

static const ExprMethod integer_constructors[] = {{"new", "i", first_argument}, {"new", "s", parse_int}, {NULL, NULL, NULL}};
static const ExprMethod long_constructors[] = {{"new", "l", first_argument}, {"new", "s", parse_long}, {NULL, NULL, NULL}};

static const ExprMethod byte_statics[] = {{"parseByte", "s", parse_byte},
                                          {"parseByte", "si", parse_byte},
                                          {"valueOf", "s", parse_byte},
                                          {"valueOf", "si", parse_byte},
                                          {NULL, NULL, NULL}};

/* ---- Double ---- */

static const ExprValue *parse_double(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    double number;
    if (arguments[0]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The text of the number is null");
    return expr_parse_real(arguments[0]->string.text, &number) ? expr_double(context, number) : number_format(context, arguments[0]);
}

static const ExprValue *double_to_string(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_java_text(context, arguments[0]);
}

static const ExprValue *double_is_nan(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(isnan(arguments[0]->real));
}

static const ExprValue *double_is_infinite(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(!!isinf(arguments[0]->real));
}

static const ExprValue *double_is_finite(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(!!isfinite(arguments[0]->real));
}

static const ExprMethod double_statics[] = {
    {"compare", "dd", compare},
    {"isFinite", "d", double_is_finite},
    {"isInfinite", "d", double_is_infinite},
    {"isNaN", "d", double_is_nan},
    {"max", "dd", larger},
    {"min", "dd", smaller},
    {"parseDouble", "s", parse_double},
    {"sum", "dd", sum},
    {"toString", "d", double_to_string},
    {"valueOf", "s", parse_double},
    {"valueOf", "d", first_argument},
    {NULL, NULL, NULL},
};

static const ExprMethod double_constructors[] = {{"new", "d", first_argument}, {"new", "s", parse_double}, {NULL, NULL, NULL}};

/* ---- Boolean and Character ---- */

static const ExprValue *parse_boolean(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(arguments[0]->type == EXPR_STRING && g_ascii_strcasecmp(arguments[0]->string.text, "true") == 0);
}

static const ExprValue *logical_and(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(arguments[0]->boolean && arguments[1]->boolean);
}

static const ExprValue *logical_or(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(arguments[0]->boolean || arguments[1]->boolean);
}

static const ExprValue *logical_xor(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    (void)self;
    return expr_bool(arguments[0]->boolean != arguments[1]->boolean);
}

static const ExprValue *boolean_to_string(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_java_text(context, arguments[0]);
}

static const ExprValue *boolean_compare(ARGUMENTS) {
    const gboolean a = n == 2 ? arguments[0]->boolean : self->boolean, b = arguments[n - 1]->boolean;
    return expr_int(context, a - b);
}

static const ExprValue *boolean_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return self;
}

static const ExprMethod boolean_methods[] = {{"booleanValue", "", boolean_value}, {"compareTo", "b", boolean_compare}, {NULL, NULL, NULL}};
static const ExprMethod boolean_statics[] = {
    {"compare", "bb", boolean_compare}, {"logicalAnd", "bb", logical_and},    {"logicalOr", "bb", logical_or},
    {"logicalXor", "bb", logical_xor},  {"parseBoolean", "s", parse_boolean}, {"toString", "b", boolean_to_string},
    {"valueOf", "b", first_argument},   {"valueOf", "s", parse_boolean},      {NULL, NULL, NULL},
};
static const ExprMethod boolean_constructors[] = {{"new", "b", first_argument}, {"new", "s", parse_boolean}, {NULL, NULL, NULL}};

static const ExprValue *character_compare_to(ARGUMENTS) {
    UNUSED_N;
    return expr_int(context, self->integer - arguments[0]->integer);
}

static const ExprMethod character_methods[] = {{"compareTo", "c", character_compare_to}, {NULL, NULL, NULL}};

const ExprClass expr_class_integer = {.name = "java.lang.Integer",
                                      .nameable = TRUE,
                                      .methods = integer_methods,
                                      .statics = integer_statics,
                                      .constructors = integer_constructors,
                                      .parent = &expr_class_object};
const ExprClass expr_class_long = {.name = "java.lang.Long",
                                   .nameable = TRUE,
                                   .methods = long_methods,
                                   .statics = long_statics,
                                   .constructors = long_constructors,
                                   .parent = &expr_class_object};
const ExprClass expr_class_double = {.name = "java.lang.Double",
                                     .nameable = TRUE,
                                     .methods = double_methods,
                                     .statics = double_statics,
                                     .constructors = double_constructors,
                                     .parent = &expr_class_object};
const ExprClass expr_class_byte = {.name = "java.lang.Byte", .nameable = TRUE, .statics = byte_statics, .parent = &expr_class_object};
const ExprClass expr_class_float = {.name = "java.lang.Float", .methods = float_methods, .parent = &expr_class_object};
const ExprClass expr_class_big = {.name = "java.math.BigInteger", .methods = long_methods, .parent = &expr_class_object};
const ExprClass expr_class_boolean = {.name = "java.lang.Boolean",
                                      .nameable = TRUE,
                                      .methods = boolean_methods,
                                      .statics = boolean_statics,
                                      .constructors = boolean_constructors,
                                      .parent = &expr_class_object};
const ExprClass expr_class_character = {.name = "java.lang.Character", .methods = character_methods, .parent = &expr_class_object};
