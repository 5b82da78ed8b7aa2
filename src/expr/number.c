/* Numbers as Java has them: 32- and 64-bit with wraparound, float, double, and whole numbers of any size (OpenSSL's). */
#include "expr/class.h"
#include <math.h>
#include <openssl/bn.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIGNUM, BN_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BN_CTX, BN_CTX_free)

gint64 expr_long_of_double(double number) {
    if (isnan(number))
        return 0;
    if (number >= 0x1p63)
        return G_MAXINT64;
    return number <= -0x1p63 ? G_MININT64 : (gint64)number;
}

double expr_number_as_double(const ExprValue *number) {
    switch (number->type) {
    case EXPR_FLOAT:
    case EXPR_DOUBLE:
        return number->real;
    case EXPR_BIG:
        return g_ascii_strtod(number->string.text, NULL);
    default:
        return (double)number->integer;
    }
}

static BIGNUM *big_of(const ExprValue *number) {
    BIGNUM *big = NULL;
    if (number->type == EXPR_BIG) {
        BN_dec2bn(&big, number->string.text);
        return big;
    }
    g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, number->integer);
    BN_dec2bn(&big, digits);
    return big;
}

gint64 expr_number_as_long(const ExprValue *number) {
    if (number->type == EXPR_FLOAT || number->type == EXPR_DOUBLE)
        return expr_long_of_double(number->real);
    if (number->type != EXPR_BIG)
        return number->integer;
    if (number->string.length > EXPR_BIG_DIGITS_MAX)
        return 0;
    g_autoptr(BIGNUM) big = big_of(number);
    const gboolean negative = big && BN_is_negative(big);
    if (!big || (BN_num_bits(big) > 64 && !BN_mask_bits(big, 64)))
        return 0;
    const guint64 low = BN_get_word(big);
    return (gint64)(negative ? 0 - low : low);
}

static const ExprValue *from_big(ExprContext *context, const BIGNUM *big) {
    char *digits = BN_bn2dec(big);
    const ExprValue *text = digits ? expr_text_copy(context, digits, strlen(digits)) : NULL;
    OPENSSL_free(digits);
    if (!text)
        return NULL;
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = EXPR_BIG;
    value->string = text->string;
    return value;
}

static const ExprValue *too_big(ExprContext *context) {
    return expr_raise(context, EXCEPTION_LIMIT, "The number has more than %d digits (EXPR_BIG_DIGITS_MAX)", EXPR_BIG_DIGITS_MAX);
}

static gboolean big_power(BIGNUM *result, const BIGNUM *base, const ExprValue *exponent, BN_CTX *scratch) {
    const gint64 n = exponent->type == EXPR_BIG ? G_MAXINT64 : exponent->integer;
    if (n < 0 || n > G_MAXINT32 || (BN_num_bits(base) > 1 && n * BN_num_bits(base) > EXPR_BIG_DIGITS_MAX * 4))
        return FALSE;
    g_autoptr(BIGNUM) power = BN_new();
    return power && BN_set_word(power, (BN_ULONG)n) && BN_exp(result, base, power, scratch);
}

static const ExprValue *big_arithmetic(ExprContext *context, Arithmetic operation, const ExprValue *a, const ExprValue *b) {
    if ((a->type == EXPR_BIG && a->string.length > EXPR_BIG_DIGITS_MAX) || (b->type == EXPR_BIG && b->string.length > EXPR_BIG_DIGITS_MAX))
        return too_big(context);
    if (!expr_charge(context, 1000))
        return NULL;
    g_autoptr(BIGNUM) left = big_of(a);
    g_autoptr(BIGNUM) right = big_of(b);
    g_autoptr(BIGNUM) result = BN_new();
    g_autoptr(BN_CTX) scratch = BN_CTX_new();
    if (!left || !right || !result || !scratch)
        return too_big(context);
    gboolean done = FALSE;
    switch (operation) {
    case ARITHMETIC_ADD:
        done = BN_add(result, left, right);
        break;
    case ARITHMETIC_SUBTRACT:
        done = BN_sub(result, left, right);
        break;
    case ARITHMETIC_MULTIPLY:
        done = BN_mul(result, left, right, scratch);
        break;
    case ARITHMETIC_POWER:
        done = big_power(result, left, b, scratch);
        break;
    case ARITHMETIC_DIVIDE:
    case ARITHMETIC_MODULUS:
        if (BN_is_zero(right))
            return expr_raise(context, EXCEPTION_ARITHMETIC, "BigInteger divide by zero");
        done = operation == ARITHMETIC_DIVIDE ? BN_div(result, NULL, left, right, scratch) : BN_div(NULL, result, left, right, scratch);
        break;
    }
    if (!done || BN_num_bits(result) > EXPR_BIG_DIGITS_MAX * 4)
        return too_big(context);
    return from_big(context, result);
}

static const ExprValue *real_arithmetic(ExprContext *context, Arithmetic operation, ExprType type, double a, double b) {
    switch (operation) {
    case ARITHMETIC_ADD:
        return expr_real(context, type, a + b);
    case ARITHMETIC_SUBTRACT:
        return expr_real(context, type, a - b);
    case ARITHMETIC_MULTIPLY:
        return expr_real(context, type, a * b);
    case ARITHMETIC_DIVIDE:
        return expr_real(context, type, a / b);
    case ARITHMETIC_MODULUS:
        return expr_real(context, type, fmod(a, b));
    case ARITHMETIC_POWER:
        return expr_real(context, EXPR_DOUBLE, pow(a, b));
    }
    return NULL;
}

static const ExprValue *wrapped(ExprContext *context, ExprType type, guint64 bits) {
    return expr_integer(context, type, type == EXPR_INT ? (gint32)(guint32)bits : (gint64)bits);
}

static const ExprValue *integer_power(ExprContext *context, ExprType type, gint64 a, gint64 b) {
    const double power = pow((double)a, (double)b);
    if (type == EXPR_LONG || power > G_MAXINT32)
        return expr_integer(context, EXPR_LONG, expr_long_of_double(power));
    return expr_integer(context, EXPR_INT, power < G_MININT32 ? G_MININT32 : (gint64)power);
}

static const ExprValue *integer_arithmetic(ExprContext *context, Arithmetic operation, ExprType type, gint64 a, gint64 b) {
    switch (operation) {
    case ARITHMETIC_ADD:
        return wrapped(context, type, (guint64)a + (guint64)b);
    case ARITHMETIC_SUBTRACT:
        return wrapped(context, type, (guint64)a - (guint64)b);
    case ARITHMETIC_MULTIPLY:
        return wrapped(context, type, (guint64)a * (guint64)b);
    case ARITHMETIC_POWER:
        return integer_power(context, type, a, b);
    case ARITHMETIC_DIVIDE:
    case ARITHMETIC_MODULUS:
        if (b == 0)
            return expr_raise(context, EXCEPTION_ARITHMETIC, "/ by zero");
        if (b == -1) /* the one case that overflows */
            return operation == ARITHMETIC_DIVIDE ? wrapped(context, type, 0 - (guint64)a) : expr_integer(context, type, 0);
        return expr_integer(context, type, operation == ARITHMETIC_DIVIDE ? a / b : a % b);
    }
    return NULL;
}

static ExprType wider(const ExprValue *a, const ExprValue *b) {
    static const ExprType order[] = {EXPR_DOUBLE, EXPR_FLOAT, EXPR_BIG, EXPR_LONG};
    for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
        if (a->type == order[i] || b->type == order[i])
            return order[i];
    return EXPR_INT;
}

const ExprValue *expr_arithmetic(ExprContext *context, Arithmetic operation, const ExprValue *a, const ExprValue *b) {
    const ExprType type = wider(a, b);
    if (type == EXPR_DOUBLE || type == EXPR_FLOAT)
        return real_arithmetic(context, operation, type, expr_number_as_double(a), expr_number_as_double(b));
    if (type == EXPR_BIG)
        return big_arithmetic(context, operation, a, b);
    return integer_arithmetic(context, operation, type, a->integer, b->integer);
}

const ExprValue *expr_negate(ExprContext *context, const ExprValue *number) {
    if (number->type == EXPR_FLOAT || number->type == EXPR_DOUBLE)
        return expr_real(context, number->type, -number->real);
    const ExprValue *zero = expr_integer(context, number->type == EXPR_LONG ? EXPR_LONG : EXPR_INT, 0);
    return expr_arithmetic(context, ARITHMETIC_SUBTRACT, zero, number);
}

static int compare_big(const ExprValue *a, const ExprValue *b) {
    g_autoptr(BIGNUM) left = big_of(a);
    g_autoptr(BIGNUM) right = big_of(b);
    return left && right ? BN_cmp(left, right) : 0;
}

int expr_compare_numbers(const ExprValue *a, const ExprValue *b) {
    const ExprType type = wider(a, b);
    if (type == EXPR_BIG && (a->type != EXPR_BIG || a->string.length <= EXPR_BIG_DIGITS_MAX) &&
        (b->type != EXPR_BIG || b->string.length <= EXPR_BIG_DIGITS_MAX))
        return compare_big(a, b);
    if (type == EXPR_INT || type == EXPR_LONG)
        return (a->integer > b->integer) - (a->integer < b->integer);
    const double left = expr_number_as_double(a), right = expr_number_as_double(b);
    if (isnan(left) || isnan(right)) /* Double.compare: NaN is equal to itself and greater than all else */
        return !!isnan(left) - !!isnan(right);
    return (left > right) - (left < right);
}

/* ---- text ---- */

int expr_shortest_digits(double number, gboolean is_float, char digits[static EXPR_REAL_DIGITS]) {
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];
    for (int precision = 0; precision < 17; precision++) {
        char format[8];
        g_snprintf(format, sizeof format, "%%.%de", precision);
        g_ascii_formatd(buffer, sizeof buffer, format, number);
        const double back = g_ascii_strtod(buffer, NULL);
        if (is_float ? (float)back == (float)number : back == number)
            break;
    }
    char *exponent = strchr(buffer, 'e');
    gsize n = 0;
    for (const char *at = buffer; at < exponent; at++)
        if (g_ascii_isdigit(*at))
            digits[n++] = *at;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return (int)g_ascii_strtoll(exponent + 1, NULL, 10);
}

void expr_append_real(GString *into, double number, gboolean is_float) {
    if (isnan(number)) {
        g_string_append(into, "NaN");
        return;
    }
    if (signbit(number))
        g_string_append_c(into, '-');
    number = fabs(number);
    if (isinf(number) || number == 0) {
        g_string_append(into, isinf(number) ? "Infinity" : "0.0");
        return;
    }
    char digits[EXPR_REAL_DIGITS];
    int exponent = expr_shortest_digits(number, is_float, digits);
    const int count = (int)strlen(digits);
    const gboolean scientific = number < 1e-3 || number >= 1e7;
    const int point = scientific ? 1 : exponent + 1; /* digits before the point */
    if (point <= 0) {
        g_string_append(into, "0.");
        for (int i = point; i < 0; i++)
            g_string_append_c(into, '0');
        g_string_append(into, digits);
    } else {
        for (int i = 0; i < point; i++)
            g_string_append_c(into, i < count ? digits[i] : '0');
        g_string_append_c(into, '.');
        g_string_append(into, count > point ? digits + point : "0");
    }
    if (scientific)
        g_string_append_printf(into, "E%d", exponent);
}
