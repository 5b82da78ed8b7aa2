/* One evaluation, for the files of this room: its memory, its limits, how it fails, and what values look like inside.
 *
 * Functions that answer with a value answer NULL after expr_raise; the first failure stays. Memory is an arena: nothing is
 * freed before the evaluation ends. Whoever loops over elements or text pays with expr_charge, so that the number of steps
 * bounds the time whatever an expression does. */
#pragma once
#include "expr/expr.h"
#include <string.h>

/* Why an expression failed: the class name that the reference would show. */
typedef enum {
    EXCEPTION_EVALUATION,
    EXCEPTION_SYNTAX,
    EXCEPTION_TEMPLATE,
    EXCEPTION_NUMBER_FORMAT,
    EXCEPTION_ARITHMETIC,
    EXCEPTION_STRING_INDEX,
    EXCEPTION_ARGUMENT,
    EXCEPTION_NULL_POINTER,
    EXCEPTION_UNSUPPORTED,
    EXCEPTION_PATTERN,
    EXCEPTION_DATE_TIME,
    EXCEPTION_FUNCTION,
    EXCEPTION_LIMIT,
} ExprException;

typedef struct {
    const ExprValue **at;
    guint count, capacity;
    char element;          /* of an array: 'I' int, 'J' long, 'D' double, 'B' byte, 'C' char, 'Z' boolean, 'L' objects */
    gboolean fixed;        /* a literal list: may not be changed */
    const JsonValue *json; /* not yet read elements; NULL once they are in `at` */
} ExprItems;

typedef struct {
    const ExprValue **keys, **values;
    guint count, capacity;
    gboolean fixed;
    gboolean is_root;      /* names are looked up with the caller as well */
    const JsonValue *json; /* not yet read members */
} ExprMap;

struct ExprValue {
    ExprType type;
    union {
        gboolean boolean;
        gint64 integer; /* EXPR_CHAR, EXPR_INT, EXPR_LONG */
        double real;    /* EXPR_FLOAT, EXPR_DOUBLE */
        struct {
            const char *text; /* UTF-8, ended by NUL; EXPR_BIG: decimal digits */
            gsize length;
        } string;
        ExprItems *items; /* EXPR_LIST, EXPR_SET, EXPR_COLLECTION, EXPR_ARRAY */
        ExprMap *map;
        struct {
            const ExprValue *key, *value;
        } entry;
        const ExprClass *class; /* EXPR_TYPE */
        struct {
            const ExprClass *class;
            const ExprObjectClass *foreign; /* of another room, or NULL */
            union {
                gconstpointer instance;
                gint64 first;
            };
            gint64 second;
        } object;
    };
};

#define EXPR_FIRST_CHUNK 4096

struct ExprContext {
    const ExprOptions *options;
    GPtrArray *chunks; /* NULL until the first ones are needed */
    char *free;
    gsize free_bytes, memory;
    guint64 steps, steps_max;
    guint depth;
    GPtrArray *kept; /* of Json; NULL: none */
    const ExprValue *root;
    ExprMap *variables; /* #name = value */
    gboolean failed, needs_io;
    const char *source; /* the expression that is being evaluated */
    guint trace_depth;
    gboolean trace_told;                       /* where it failed is in the trace */
    _Alignas(16) char first[EXPR_FIRST_CHUNK]; /* most evaluations need no other memory */
    ExprException exception;
    char *message;
};

void expr_context_init(ExprContext *context, const ExprOptions *options);
void expr_context_clear(ExprContext *context);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExprContext, expr_context_clear)

/* Never NULL; zeroed. What exceeds EXPR_MEMORY_MAX is noticed by the next expr_charge, so large requests go through
 * expr_new_text or are bounded by steps. */
void *expr_alloc(ExprContext *context, gsize bytes);
#define EXPR_NEW(context, Type) ((Type *)expr_alloc((context), sizeof(Type)))
/* Room for a text of so many bytes and its NUL; NULL after raising when it is longer than EXPR_TEXT_MAX. */
char *expr_new_text(ExprContext *context, gsize length);
/* FALSE after raising when the steps or the memory of this evaluation are used up. */
gboolean expr_charge(ExprContext *context, guint64 steps);
gboolean expr_charge_text(ExprContext *context, gsize bytes);
/* Enters one more level of nesting; FALSE after raising at EXPR_DEPTH_MAX. Leave with context->depth--. */
gboolean expr_enter(ExprContext *context);

/* Notes the failure and answers NULL. */
const ExprValue *expr_raise(ExprContext *context, ExprException exception, const char *format, ...) G_GNUC_PRINTF(3, 4);
const char *expr_exception_name(ExprException exception);

const ExprValue *expr_value_new(ExprContext *context, ExprType type);
const ExprValue *expr_integer(ExprContext *context, ExprType type, gint64 value);
const ExprValue *expr_real(ExprContext *context, ExprType type, double value);
const ExprValue *expr_text_value(ExprContext *context, const char *text, gsize length); /* borrowed, NUL-terminated */
const ExprValue *expr_text_copy(ExprContext *context, const char *text, gsize length);
const ExprValue *expr_text_take(ExprContext *context, GString *text); /* copies and frees it */
const ExprValue *expr_new_object(ExprContext *context, const ExprClass *class, gint64 first, gint64 second);

ExprItems *expr_items_new(ExprContext *context, guint capacity);
void expr_items_add(ExprContext *context, ExprItems *items, const ExprValue *value);
const ExprValue *expr_items_value(ExprContext *context, ExprType type, ExprItems *items);
/* The elements, read from JSON if need be. */
ExprItems *expr_items(ExprContext *context, const ExprValue *value);
ExprMap *expr_map_new(ExprContext *context, guint capacity);
/* For a key that the map does not have. */
void expr_map_append(ExprContext *context, ExprMap *map, const ExprValue *key, const ExprValue *value);
void expr_map_put(ExprContext *context, ExprMap *map, const ExprValue *key, const ExprValue *value);
void expr_map_remove_at(ExprMap *map, guint index);
const ExprValue *expr_map_value(ExprContext *context, ExprMap *map);
ExprMap *expr_map(ExprContext *context, const ExprValue *value);
/* NULL when absent (without failure). For the root map the caller is asked too. */
const ExprValue *expr_map_find(ExprContext *context, ExprMap *map, const ExprValue *key);
const ExprValue *expr_map_find_text(ExprContext *context, ExprMap *map, const char *key, gsize length);

static inline gboolean expr_is_list(const ExprValue *value) {
    return value->type >= EXPR_LIST && value->type <= EXPR_ARRAY;
}
static inline gboolean expr_is_number(const ExprValue *value) {
    return value->type >= EXPR_INT && value->type <= EXPR_BIG;
}
