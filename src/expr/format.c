/* Java's Formatter, as T(String).format and formatted() use it: %[n$][flags][width][.precision]conversion. */
#include "expr/class.h"
#include <math.h>

#define DEFAULT_PRECISION 6

typedef struct {
    gint64 index; /* 0: the next one; -1: the same again */
    gboolean left, plus, space, zero, group, parenthesis, alternate;
    gint64 width, precision; /* -1: not given */
    char conversion;
} Directive;

static const ExprValue *wrong(ExprContext *context, const char *what, char conversion, const ExprValue *value) {
    return expr_raise(context, EXCEPTION_ARGUMENT, "%s: %%%c%s%s", what, conversion, value ? " with " : "",
                      value ? expr_class_name(value) : "");
}

/* ---- reading a directive ---- */

static gint64 read_number(const char **at) {
    gint64 number = 0;
    for (; g_ascii_isdigit(**at); (*at)++)
        number = MIN(number * 10 + (**at - '0'), G_MAXINT32);
    return number;
}

static gboolean read_flag(Directive *directive, char flag) {
    switch (flag) {
    case '-':
        return directive->left = TRUE;
    case '+':
        return directive->plus = TRUE;
    case ' ':
        return directive->space = TRUE;
    case '0':
        return directive->zero = TRUE;
    case ',':
        return directive->group = TRUE;
    case '(':
        return directive->parenthesis = TRUE;
    case '#':
        return directive->alternate = TRUE;
    default:
        return FALSE;
    }
}

/* *at stands after the %. FALSE when there is no conversion. */
static gboolean read_directive(const char **at, Directive *into) {
    *into = (Directive){.width = -1, .precision = -1};
    const char *start = *at;
    if (**at == '<') {
        into->index = -1;
        (*at)++;
    } else if (g_ascii_isdigit(**at) && **at != '0') {
        into->index = read_number(at);
        if (**at == '$') {
            (*at)++;
        } else { /* it was the width */
            into->index = 0;
            *at = start;
        }
    }
    while (read_flag(into, **at))
        (*at)++;
    if (g_ascii_isdigit(**at))
        into->width = read_number(at);
    if (**at == '.') {
        (*at)++;
        if (!g_ascii_isdigit(**at))
            return FALSE;
        into->precision = read_number(at);
    }
    into->conversion = **at;
    if (!g_ascii_isalpha(**at) && **at != '%')
        return FALSE;
    (*at)++;
    return TRUE;
}

/* ---- numbers ---- */

/* Puts sign, grouping, zeros and parentheses around the digits of a number's absolute value. */
static void append_signed(GString *into, const Directive *directive, gboolean negative, const char *digits) {
    g_autoptr(GString) number = g_string_new(NULL);
    const gsize whole = strcspn(digits, ".eE");
    for (gsize i = 0; digits[i]; i++) {
        if (directive->group && i > 0 && i < whole && (whole - i) % 3 == 0)
            g_string_append_c(number, ',');
        g_string_append_c(number, digits[i]);
    }
    const char *before = negative ? (directive->parenthesis ? "(" : "-") : directive->plus ? "+" : directive->space ? " " : "";
    const char *after = negative && directive->parenthesis ? ")" : "";
    g_string_append(into, before);
    const gsize length = strlen(before) + number->len + strlen(after);
    for (gsize i = length; directive->zero && directive->width > 0 && i < (gsize)directive->width; i++)
        g_string_append_c(into, '0');
    g_string_append_printf(into, "%s%s", number->str, after);
}

static gboolean is_whole(const ExprValue *value) {
    return value->type == EXPR_INT || value->type == EXPR_LONG || value->type == EXPR_BIG;
}

static gboolean append_whole(ExprContext *context, GString *into, const Directive *directive, const ExprValue *value) {
    g_autoptr(GString) digits = g_string_new(NULL);
    if (!expr_append_text(context, digits, value))
        return FALSE;
    const gboolean negative = digits->str[0] == '-';
    append_signed(into, directive, negative, digits->str + negative);
    return TRUE;
}

static gboolean append_bits(GString *into, const Directive *directive, const ExprValue *value, gboolean hex) {
    const guint64 bits = value->type == EXPR_INT ? (guint32)value->integer : (guint64)value->integer;
    g_autofree char *digits = hex ? g_strdup_printf("%" G_GINT64_MODIFIER "x", bits) : g_strdup_printf("%" G_GINT64_MODIFIER "o", bits);
    const char *prefix = !directive->alternate ? "" : hex ? "0x" : "0";
    g_string_append(into, prefix);
    for (gsize i = strlen(digits) + strlen(prefix); directive->zero && directive->width > 0 && i < (gsize)directive->width; i++)
        g_string_append_c(into, '0');
    g_string_append(into, digits);
    return TRUE;
}

/* A zero and the first `keep` digits, rounded half up, filled up with zeros; a carry turns the zero into a one. */
static GString *rounded_digits(const char *digits, gint64 keep) {
    GString *text = g_string_new("0");
    g_string_append(text, digits);
    const gboolean up = keep >= 0 && keep < (gint64)strlen(digits) && digits[keep] >= '5';
    g_string_truncate(text, MIN(text->len, (gsize)(MAX(keep, 0) + 1)));
    while ((gint64)text->len < keep + 1)
        g_string_append_c(text, '0');
    for (gsize i = text->len; up && i-- > 0;) {
        if (text->str[i]++ != '9')
            break;
        text->str[i] = '0';
    }
    return text;
}

/* "12.50" from the shortest digits of the number, as Java does: 1.005 with two places is 1.01. */
static char *fixed_text(double number, gint64 precision) {
    char digits[EXPR_REAL_DIGITS] = "";
    const int exponent = number == 0 ? 0 : expr_shortest_digits(number, FALSE, digits);
    g_autoptr(GString) text = rounded_digits(digits, exponent + 1 + precision);
    while ((gint64)text->len < precision + 1)
        g_string_prepend_c(text, '0');
    if (precision > 0)
        g_string_insert_c(text, (gssize)text->len - precision, '.');
    while (text->str[0] == '0' && g_ascii_isdigit(text->str[1]))
        g_string_erase(text, 0, 1);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* "1.250000e+01" */
static char *scientific_text(double number, gint64 precision) {
    char digits[EXPR_REAL_DIGITS] = "";
    int exponent = number == 0 ? 0 : expr_shortest_digits(number, FALSE, digits);
    g_autoptr(GString) text = rounded_digits(digits, precision + 1);
    if (text->str[0] == '0')
        g_string_erase(text, 0, 1);
    else
        exponent++;
    g_string_truncate(text, (gsize)precision + 1);
    if (precision > 0)
        g_string_insert_c(text, 1, '.');
    g_string_append_printf(text, "e%c%02d", exponent < 0 ? '-' : '+', ABS(exponent));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean append_real(ExprContext *context, GString *into, const Directive *directive, const ExprValue *value) {
    const double number = fabs(value->real);
    if (!isfinite(value->real)) {
        Directive plain = *directive;
        plain.zero = plain.group = FALSE;
        append_signed(into, &plain, !isnan(value->real) && value->real < 0, isnan(value->real) ? "NaN" : "Infinity");
        return TRUE;
    }
    gint64 precision = directive->precision < 0 ? DEFAULT_PRECISION : directive->precision;
    if (precision > EXPR_PATTERN_MAX) {
        expr_raise(context, EXCEPTION_LIMIT, "A number may be written with at most %d decimal places", EXPR_PATTERN_MAX);
        return FALSE;
    }
    gboolean scientific = directive->conversion == 'e';
    if (directive->conversion == 'g') {
        precision = MAX(precision, 1);
        g_autofree char *rounded = scientific_text(number, precision - 1);
        const double shown = g_ascii_strtod(rounded, NULL);
        scientific = shown != 0 && (shown < 1e-4 || shown >= pow(10, (double)precision));
        const gint64 whole = shown == 0 ? 1 : g_ascii_strtoll(strchr(rounded, 'e') + 1, NULL, 10) + 1;
        precision = scientific ? precision - 1 : MAX(precision - whole, 0);
    }
    g_autofree char *digits = scientific ? scientific_text(number, precision) : fixed_text(number, precision);
    append_signed(into, directive, signbit(value->real) != 0, digits);
    return TRUE;
}

/* ---- other values ---- */

static gboolean append_character(GString *into, const ExprValue *value) {
    if (value->type == EXPR_CHAR)
        expr_append_unit(into, (gunichar2)value->integer);
    else if (value->type == EXPR_INT && value->integer >= 0 && value->integer <= 0x10FFFF)
        g_string_append_unichar(into, g_unichar_validate((gunichar)value->integer) ? (gunichar)value->integer : 0xFFFD);
    else
        return FALSE;
    return TRUE;
}

static gboolean append_general(ExprContext *context, GString *into, const Directive *directive, const ExprValue *value) {
    g_autoptr(GString) text = g_string_new(NULL);
    if (directive->conversion == 'b')
        g_string_append(text, value->type == EXPR_BOOL ? (value->boolean ? "true" : "false") : value->type == EXPR_NULL ? "false" : "true");
    else if (directive->conversion == 'h' && value->type != EXPR_NULL)
        g_string_append_printf(text, "%x", (guint)expr_hash(context, value));
    else if (!expr_append_text(context, text, value))
        return FALSE;
    const char *end = text->str + text->len;
    if (directive->precision >= 0 && directive->precision < g_utf8_strlen(text->str, (gssize)text->len))
        end = g_utf8_offset_to_pointer(text->str, directive->precision);
    g_string_append_len(into, text->str, end - text->str);
    return TRUE;
}

/* The value as the conversion (in lower case) writes it, before it is padded. FALSE after raising. */
static gboolean append_value(ExprContext *context, GString *into, const Directive *directive, const ExprValue *value) {
    const char conversion = directive->conversion;
    if (strchr("bsh", conversion) || (value->type == EXPR_NULL && strchr("cdoxefg", conversion)))
        return append_general(context, into, directive, value);
    if (conversion == 'c' && append_character(into, value))
        return TRUE;
    if (conversion == 'd' && is_whole(value))
        return append_whole(context, into, directive, value);
    if ((conversion == 'x' || conversion == 'o') && (value->type == EXPR_INT || value->type == EXPR_LONG))
        return append_bits(into, directive, value, conversion == 'x');
    if (strchr("efg", conversion) && (value->type == EXPR_DOUBLE || value->type == EXPR_FLOAT))
        return append_real(context, into, directive, value);
    wrong(context, "IllegalFormatConversion", conversion, value);
    return FALSE;
}

static gboolean append_padded(ExprContext *context, GString *into, const Directive *directive, const GString *text) {
    const glong length = g_utf8_strlen(text->str, (gssize)text->len);
    const gint64 padding = directive->width > length ? directive->width - length : 0;
    if (padding > EXPR_TEXT_MAX || into->len + text->len > EXPR_TEXT_MAX) {
        expr_raise(context, EXCEPTION_LIMIT, "The text would have more than %d bytes (EXPR_TEXT_MAX)", EXPR_TEXT_MAX);
        return FALSE;
    }
    for (gint64 i = 0; !directive->left && i < padding; i++)
        g_string_append_c(into, ' ');
    g_string_append_len(into, text->str, (gssize)text->len);
    for (gint64 i = 0; directive->left && i < padding; i++)
        g_string_append_c(into, ' ');
    return expr_charge_text(context, (gsize)padding + text->len);
}

/* Which argument a directive means; NULL after raising. */
static const ExprValue *argument_of(ExprContext *context, const Directive *directive, const ExprValue *const *arguments, guint n,
                                    gint64 *next, gint64 *last) {
    if (directive->index > 0)
        *last = directive->index;
    else if (directive->index == 0)
        *last = ++*next;
    if (*last < 1 || *last > n)
        return wrong(context, "MissingFormatArgument", directive->conversion, NULL);
    return arguments[*last - 1];
}

static gboolean append_directive(ExprContext *context, GString *into, Directive *directive, const ExprValue *value) {
    const gboolean upper = g_ascii_isupper(directive->conversion);
    if ((upper && !strchr("BHSCXEG", directive->conversion)) || !strchr("bhscdoxefg", g_ascii_tolower(directive->conversion)))
        return wrong(context, "UnknownFormatConversion", directive->conversion, NULL), FALSE;
    if ((directive->left && directive->zero) || ((directive->left || directive->zero) && directive->width < 0))
        return wrong(context, "IllegalFormatFlags", directive->conversion, NULL), FALSE;
    if (directive->width > EXPR_TEXT_MAX)
        return expr_raise(context, EXCEPTION_LIMIT, "The text would have more than %d bytes (EXPR_TEXT_MAX)", EXPR_TEXT_MAX), FALSE;
    directive->conversion = g_ascii_tolower(directive->conversion);
    g_autoptr(GString) text = g_string_new(NULL);
    if (!append_value(context, text, directive, value))
        return FALSE;
    if (upper) {
        g_autofree char *loud = g_utf8_strup(text->str, (gssize)text->len);
        g_string_assign(text, loud);
    }
    return append_padded(context, into, directive, text);
}

static gboolean append_all(ExprContext *context, GString *into, const char *at, const ExprValue *const *arguments, guint n) {
    gint64 next = 0, last = 0;
    while (*at) {
        if (*at != '%') {
            g_string_append_c(into, *at++);
            continue;
        }
        at++;
        Directive directive;
        if (!read_directive(&at, &directive))
            return wrong(context, "UnknownFormatConversion", *at ? *at : '%', NULL), FALSE;
        if (directive.conversion == '%' || directive.conversion == 'n') {
            g_autoptr(GString) text = g_string_new(directive.conversion == 'n' ? "\n" : "%");
            if (!append_padded(context, into, &directive, text))
                return FALSE;
            continue;
        }
        const ExprValue *value = argument_of(context, &directive, arguments, n, &next, &last);
        if (!value || !append_directive(context, into, &directive, value))
            return FALSE;
    }
    return TRUE;
}

const ExprValue *expr_format(ExprContext *context, const ExprValue *format, const ExprValue *const *arguments, guint n) {
    g_autoptr(GString) text = g_string_new(NULL);
    return append_all(context, text, format->string.text, arguments, n) ? expr_text_copy(context, text->str, text->len) : NULL;
}
