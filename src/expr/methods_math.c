/* The functions of java.lang.Math. */
#include "expr/class.h"
#include <math.h>

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED ((void)self, (void)n)

/* ---- of doubles ---- */

static double rint_even(double x) {
    return nearbyint(x);
}

static double sign(double x) {
    return isnan(x) || x == 0 ? x : copysign(1, x);
}

static double to_degrees(double x) {
    return x * (180.0 / G_PI);
}

static double to_radians(double x) {
    return x * (G_PI / 180.0);
}

#define OF_ONE(name, function)                                                                                                             \
    static const ExprValue *name(ARGUMENTS) {                                                                                              \
        UNUSED;                                                                                                                            \
        return expr_double(context, function(arguments[0]->real));                                                                         \
    }
OF_ONE(math_floor, floor)
OF_ONE(math_ceil, ceil)
OF_ONE(math_rint, rint_even)
OF_ONE(math_sqrt, sqrt)
OF_ONE(math_cbrt, cbrt)
OF_ONE(math_exp, exp)
OF_ONE(math_expm1, expm1)
OF_ONE(math_log, log)
OF_ONE(math_log10, log10)
OF_ONE(math_log1p, log1p)
OF_ONE(math_sin, sin)
OF_ONE(math_cos, cos)
OF_ONE(math_tan, tan)
OF_ONE(math_asin, asin)
OF_ONE(math_acos, acos)
OF_ONE(math_atan, atan)
OF_ONE(math_sinh, sinh)
OF_ONE(math_cosh, cosh)
OF_ONE(math_tanh, tanh)
OF_ONE(math_signum, sign)
OF_ONE(math_to_degrees, to_degrees)
OF_ONE(math_to_radians, to_radians)
OF_ONE(math_abs_real, fabs)

static const ExprValue *math_pow(ARGUMENTS) {
    UNUSED;
    return expr_double(context, pow(arguments[0]->real, arguments[1]->real));
}

static const ExprValue *math_atan2(ARGUMENTS) {
    UNUSED;
    return expr_double(context, atan2(arguments[0]->real, arguments[1]->real));
}

static const ExprValue *math_hypot(ARGUMENTS) {
    UNUSED;
    return expr_double(context, hypot(arguments[0]->real, arguments[1]->real));
}

/* floor(x + 1/2), without the rounding of the sum. */
static double rounded(double x) {
    const double below = floor(x);
    return x - below >= 0.5 ? below + 1 : below;
}

static const ExprValue *math_round(ARGUMENTS) {
    UNUSED;
    return expr_integer(context, EXPR_LONG, expr_long_of_double(rounded(arguments[0]->real)));
}

static const ExprValue *math_round_float(ARGUMENTS) {
    UNUSED;
    return expr_integer(context, EXPR_INT, CLAMP(expr_long_of_double(rounded(arguments[0]->real)), G_MININT32, G_MAXINT32));
}

static const ExprValue *math_random(ARGUMENTS) {
    UNUSED;
    (void)arguments;
    return expr_double(context, (double)(context->options->random >> 11) * 0x1p-53);
}

/* ---- of whole numbers ---- */

static const ExprValue *whole(ExprContext *context, ExprType type, gint64 number) {
    return expr_integer(context, type, type == EXPR_INT ? (gint32)(guint32)(guint64)number : number);
}

static const ExprValue *math_abs(ARGUMENTS) {
    UNUSED;
    const gint64 number = arguments[0]->integer;
    return whole(context, arguments[0]->type, number < 0 ? (gint64)(0 - (guint64)number) : number);
}

static const ExprValue *math_abs_float(ARGUMENTS) {
    UNUSED;
    return expr_real(context, EXPR_FLOAT, fabs(arguments[0]->real));
}

static const ExprValue *math_signum_float(ARGUMENTS) {
    UNUSED;
    return expr_real(context, EXPR_FLOAT, sign(arguments[0]->real));
}

static const ExprValue *extreme(const ExprValue *a, const ExprValue *b, gboolean largest) {
    const gboolean real = a->type == EXPR_DOUBLE || a->type == EXPR_FLOAT;
    if (real && (isnan(a->real) || isnan(b->real)))
        return isnan(a->real) ? a : b;
    if (real && a->real == 0 && b->real == 0)
        return (signbit(a->real) != 0) == largest ? b : a;
    return (expr_compare_numbers(a, b) >= 0) == largest ? a : b;
}

static const ExprValue *math_max(ARGUMENTS) {
    UNUSED;
    (void)context;
    return extreme(arguments[0], arguments[1], TRUE);
}

static const ExprValue *math_min(ARGUMENTS) {
    UNUSED;
    (void)context;
    return extreme(arguments[0], arguments[1], FALSE);
}

static const ExprValue *overflow(ExprContext *context, ExprType type) {
    return expr_raise(context, EXCEPTION_ARITHMETIC, "%s overflow", type == EXPR_INT ? "integer" : "long");
}

static const ExprValue *checked(ExprContext *context, ExprType type, gboolean overflows, gint64 number) {
    if (overflows || (type == EXPR_INT && (number < G_MININT32 || number > G_MAXINT32)))
        return overflow(context, type);
    return expr_integer(context, type, number);
}

static const ExprValue *math_add_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_add_overflow(arguments[0]->integer, arguments[1]->integer, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_subtract_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_sub_overflow(arguments[0]->integer, arguments[1]->integer, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_multiply_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_mul_overflow(arguments[0]->integer, arguments[1]->integer, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_negate_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_sub_overflow((gint64)0, arguments[0]->integer, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_increment_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_add_overflow(arguments[0]->integer, (gint64)1, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_decrement_exact(ARGUMENTS) {
    UNUSED;
    gint64 number;
    const gboolean overflows = __builtin_sub_overflow(arguments[0]->integer, (gint64)1, &number);
    return checked(context, arguments[0]->type, overflows, number);
}

static const ExprValue *math_to_int_exact(ARGUMENTS) {
    UNUSED;
    return checked(context, EXPR_INT, FALSE, arguments[0]->integer);
}

static const ExprValue *math_floor_div(ARGUMENTS) {
    UNUSED;
    const gint64 a = arguments[0]->integer, b = arguments[1]->integer;
    if (b == 0)
        return expr_raise(context, EXCEPTION_ARITHMETIC, "/ by zero");
    if (b == -1)
        return whole(context, arguments[0]->type, (gint64)(0 - (guint64)a));
    return expr_integer(context, arguments[0]->type, a / b - (a % b != 0 && (a < 0) != (b < 0)));
}

static const ExprValue *math_floor_mod(ARGUMENTS) {
    UNUSED;
    const gint64 a = arguments[0]->integer, b = arguments[1]->integer;
    if (b == 0)
        return expr_raise(context, EXCEPTION_ARITHMETIC, "/ by zero");
    const gint64 rest = b == -1 ? 0 : a % b;
    return expr_integer(context, arguments[1]->type, rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

static const ExprMethod statics[] = {
    {"abs", "i", math_abs},
    {"abs", "l", math_abs},
    {"abs", "f", math_abs_float},
    {"abs", "d", math_abs_real},
    {"acos", "d", math_acos},
    {"addExact", "ii", math_add_exact},
    {"addExact", "ll", math_add_exact},
    {"asin", "d", math_asin},
    {"atan", "d", math_atan},
    {"atan2", "dd", math_atan2},
    {"cbrt", "d", math_cbrt},
    {"ceil", "d", math_ceil},
    {"cos", "d", math_cos},
    {"cosh", "d", math_cosh},
    {"decrementExact", "i", math_decrement_exact},
    {"decrementExact", "l", math_decrement_exact},
    {"exp", "d", math_exp},
    {"expm1", "d", math_expm1},
    {"floor", "d", math_floor},
    {"floorDiv", "ii", math_floor_div},
    {"floorDiv", "li", math_floor_div},
    {"floorDiv", "ll", math_floor_div},
    {"floorMod", "ii", math_floor_mod},
    {"floorMod", "li", math_floor_mod},
    {"floorMod", "ll", math_floor_mod},
    {"hypot", "dd", math_hypot},
    {"incrementExact", "i", math_increment_exact},
    {"incrementExact", "l", math_increment_exact},
    {"log", "d", math_log},
    {"log10", "d", math_log10},
    {"log1p", "d", math_log1p},
    {"max", "ii", math_max},
    {"max", "ll", math_max},
    {"max", "ff", math_max},
    {"max", "dd", math_max},
    {"min", "ii", math_min},
    {"min", "ll", math_min},
    {"min", "ff", math_min},
    {"min", "dd", math_min},
    {"multiplyExact", "ii", math_multiply_exact},
    {"multiplyExact", "li", math_multiply_exact},
    {"multiplyExact", "ll", math_multiply_exact},
    {"negateExact", "i", math_negate_exact},
    {"negateExact", "l", math_negate_exact},
    {"pow", "dd", math_pow},
    {"random", "", math_random},
    {"rint", "d", math_rint},
    {"round", "f", math_round_float},
    {"round", "d", math_round},
    {"signum", "f", math_signum_float},
    {"signum", "d", math_signum},
    {"sin", "d", math_sin},
    {"sinh", "d", math_sinh},
    {"sqrt", "d", math_sqrt},
    {"subtractExact", "ii", math_subtract_exact},
    {"subtractExact", "ll", math_subtract_exact},
    {"tan", "d", math_tan},
    {"tanh", "d", math_tanh},
    {"toDegrees", "d", math_to_degrees},
    {"toIntExact", "l", math_to_int_exact},
    {"toRadians", "d", math_to_radians},
    {NULL, NULL, NULL},
};

const ExprClass expr_class_math = {.name = "java.lang.Math", .nameable = TRUE, .statics = statics, .parent = &expr_class_object};
