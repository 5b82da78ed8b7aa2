/* Classes: what can be called on a value, as tables. Only what a table lists exists; there is no way to anything else.
 *
 * A row's parameters are one letter each; a * after the last one stands for any number of it. The call gets its arguments
 * converted to what the letters say:
 *   s String    q text (CharSequence)  c char   i int   l long   f float   d double   b boolean   o anything
 *   L list or other collection         I the same, nothing converted       M map      h char[]    y byte[]
 *   D LocalDate   T LocalDateTime   P Instant   U ChronoUnit   J Date   A temporal (D, T or P)    u UUID   W DayOfWeek
 * Objects (s, q, L …) may be null, primitives (c i l f d b) never are. */
#pragma once
#include "expr/evaluation.h"

typedef const ExprValue *(*ExprCall)(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n);
typedef struct {
    const char *name;
    const char *parameters;
    ExprCall call;
} ExprMethod;

struct ExprClass {
    const char *name;                                                         /* "java.lang.String" */
    gboolean nameable;                                                        /* T(name) and new name are allowed */
    const ExprMethod *methods, *statics, *constructors;                       /* each ends with an entry without name, or NULL */
    const ExprClass *parent;                                                  /* whose methods it has too */
    void (*text)(ExprContext *context, const ExprValue *self, GString *into); /* of objects: toString */
    gboolean is_text;                                                         /* its text is what it converts to where a text is wanted */
    gboolean comparable;                                                      /* with its own kind, by first, then second */
};

const ExprClass *expr_class_of(const ExprValue *value);
/* By the name in T(…): with package, or without for java.lang. NULL when it is not an allowed type. */
const ExprClass *expr_class_find(const char *name);
const ExprClass *expr_class_foreign(void);
const ExprClass *expr_class_foreign_text(void);

extern const ExprClass expr_class_object, expr_class_string, expr_class_list, expr_class_set, expr_class_collection, expr_class_array,
    expr_class_map, expr_class_entry, expr_class_integer, expr_class_long, expr_class_float, expr_class_double, expr_class_big,
    expr_class_boolean, expr_class_character, expr_class_byte, expr_class_type, expr_class_math, expr_class_url_encoder, expr_class_uuid,
    expr_class_random, expr_class_local_date, expr_class_local_date_time, expr_class_instant, expr_class_chrono_unit,
    expr_class_day_of_week, expr_class_date, expr_class_date_format, expr_class_adjusters;

/* Calls the best fitting row of the class and its parents. static_call: statics instead of methods. */
const ExprValue *expr_call_method(ExprContext *context, const ExprValue *self, const char *name, const ExprValue *const *arguments,
                                  guint n);
const ExprValue *expr_call_constructor(ExprContext *context, const ExprClass *class, const ExprValue *const *arguments, guint n);
/* Whether a method without parameters of this name exists. */
gboolean expr_has_getter(const ExprValue *self, const char *name);

/* ---- convert.c: as the reference's conversion service and as Java's toString ---- */
/* "java.lang.String": for messages. */
const char *expr_class_name(const ExprValue *value);
/* String that v is converted to in a composite or for a String parameter; raises for what has none. null gives null. */
const ExprValue *expr_convert_to_text(ExprContext *context, const ExprValue *value);
gboolean expr_converts_to_text(const ExprValue *value);
/* Java's toString, appended. FALSE after raising. */
gboolean expr_append_text(ExprContext *context, GString *into, const ExprValue *value);
const ExprValue *expr_java_text(ExprContext *context, const ExprValue *value);
/* 1, 0, or -1 after raising: what is no boolean. */
int expr_convert_to_boolean(ExprContext *context, const ExprValue *value);
/* To EXPR_INT, EXPR_LONG, EXPR_FLOAT or EXPR_DOUBLE from numbers, characters and texts; raises for others. */
const ExprValue *expr_convert_to_number(ExprContext *context, const ExprValue *value, ExprType type);
/* Java's parse: optional sign and digits in the base; FALSE when it is none or not within the limits. */
gboolean expr_parse_integer(const char *text, guint base, gint64 min, gint64 max, gint64 *into);
gboolean expr_parse_real(const char *text, double *into);

/* ---- compare.c ---- */
gboolean expr_equals(ExprContext *context, const ExprValue *a, const ExprValue *b); /* Java's equals */
gboolean expr_same(ExprContext *context, const ExprValue *a, const ExprValue *b);   /* the operator == */
/* <0, 0, >0 into *result; FALSE after raising: not comparable. */
gboolean expr_compare(ExprContext *context, const ExprValue *a, const ExprValue *b, int *result);
int expr_compare_text(const ExprValue *a, const ExprValue *b); /* by UTF-16 units */
gint32 expr_hash(ExprContext *context, const ExprValue *value);

/* ---- number.c ---- */
typedef enum {
    ARITHMETIC_ADD,
    ARITHMETIC_SUBTRACT,
    ARITHMETIC_MULTIPLY,
    ARITHMETIC_DIVIDE,
    ARITHMETIC_MODULUS,
    ARITHMETIC_POWER
} Arithmetic;
/* Of two numbers; raises for division by zero and for results beyond BIG_DIGITS_MAX. */
const ExprValue *expr_arithmetic(ExprContext *context, Arithmetic operation, const ExprValue *a, const ExprValue *b);
const ExprValue *expr_negate(ExprContext *context, const ExprValue *number);
int expr_compare_numbers(const ExprValue *a, const ExprValue *b);
double expr_number_as_double(const ExprValue *number);
gint64 expr_number_as_long(const ExprValue *number); /* as Java's longValue */
gint64 expr_long_of_double(double number);           /* as Java's cast */
/* The fewest digits of a positive number that read back as the same number; returns the exponent of the first one. */
#define EXPR_REAL_DIGITS 32
int expr_shortest_digits(double number, gboolean is_float, char digits[static EXPR_REAL_DIGITS]);
/* As Double.toString and Float.toString write it. */
void expr_append_real(GString *into, double number, gboolean is_float);
#define EXPR_BIG_DIGITS_MAX 10000

/* ---- text.c: texts are UTF-8 here and counted in UTF-16 units outside ---- */
gsize expr_text_units(const ExprValue *text);
/* Byte offset of a unit (between the halves of a pair: of the next character). */
gsize expr_text_offset(const ExprValue *text, gsize unit);
gunichar2 expr_text_unit(const ExprValue *text, gsize unit);
gsize expr_text_units_before(const ExprValue *text, gsize offset);
void expr_append_unit(GString *into, gunichar2 unit); /* a lone half becomes U+FFFD */

/* ---- regex.c ---- */
typedef struct ExprPattern ExprPattern;
/* NULL after raising. */
ExprPattern *expr_pattern_new(ExprContext *context, const ExprValue *pattern);
void expr_pattern_free(ExprPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExprPattern, expr_pattern_free)
/* 1 match, 0 none, -1 after raising (too much work). */
int expr_pattern_matches_whole(ExprContext *context, ExprPattern *pattern, const ExprValue *text);
const ExprValue *expr_pattern_replace(ExprContext *context, ExprPattern *pattern, const ExprValue *text, const ExprValue *replacement,
                                      gboolean all);
const ExprValue *expr_pattern_split(ExprContext *context, ExprPattern *pattern, const ExprValue *text, gint64 limit);

/* ---- format.c: Java's Formatter ---- */
const ExprValue *expr_format(ExprContext *context, const ExprValue *format, const ExprValue *const *arguments, guint n);
