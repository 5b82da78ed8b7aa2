/* Values of the expression language, as functions and the engine make and read them. They live as long as the evaluation
 * (ExprContext) that made them; they are never freed one by one. */
#pragma once
#include "base/json.h"
#include <glib.h>

typedef struct ExprContext ExprContext; /* one evaluation: its memory and its limits; not shared between threads */
typedef struct ExprValue ExprValue;
typedef struct ExprClass ExprClass;

typedef enum {
    EXPR_NULL,
    EXPR_BOOL,
    EXPR_CHAR, /* one UTF-16 unit: not a text for == */
    EXPR_INT,
    EXPR_LONG,
    EXPR_FLOAT,
    EXPR_DOUBLE,
    EXPR_BIG, /* whole number beyond 64 bits */
    EXPR_STRING,
    EXPR_LIST,
    EXPR_SET,
    EXPR_COLLECTION, /* values() of a map */
    EXPR_ARRAY,
    EXPR_MAP,
    EXPR_ENTRY,  /* of a map */
    EXPR_TYPE,   /* T(…) */
    EXPR_OBJECT, /* anything with a class: execution, stage, status, date … */
} ExprType;

/* An object's class, for the objects a room hands in. Properties are read one at a time, so that nothing is built that
 * nobody asks for. All functions get the instance given to expr_object. */
typedef struct {
    const char *name; /* as messages show it: "PipelineExecutionImpl" */
    /* NULL without *error: no such property. The first letter comes in lower case. */
    const ExprValue *(*get)(ExprContext *context, gconstpointer instance, const char *property, GError **error);
    /* What it is in JSON; caller owns. */
    Json *(*to_json)(gconstpointer instance);
    /* The text of an enumeration's value, borrowed: it then equals and joins texts and is one in JSON. NULL: not a text. */
    const char *(*text)(gconstpointer instance);
} ExprObjectClass;

const ExprValue *expr_null(void);
const ExprValue *expr_bool(gboolean value);
const ExprValue *expr_int(ExprContext *context, gint64 value); /* int when it fits 32 bits, else long, as JSON's numbers */
const ExprValue *expr_double(ExprContext *context, double value);
const ExprValue *expr_string(ExprContext *context, const char *text);     /* copied; NULL gives null */
const ExprValue *expr_json(ExprContext *context, const JsonValue *value); /* borrowed: expr_keep its document if need be */
const ExprValue *expr_list(ExprContext *context, const ExprValue *const *elements, guint n);
const ExprValue *expr_object(ExprContext *context, const ExprObjectClass *class, gconstpointer instance); /* NULL: null */
/* The evaluation takes over the reference and drops it at its end. Returns the root. */
const JsonValue *expr_keep(ExprContext *context, Json *json);

ExprType expr_type(const ExprValue *value);
gboolean expr_is_null(const ExprValue *value);
/* Text of a string, character, number, boolean or enumeration as a String parameter gets it; NULL for null and for what has
 * no such text. Lives as long as the evaluation. */
const char *expr_text(ExprContext *context, const ExprValue *value);
/* The value as JSON; caller owns; NULL with *error when it is too deep or too large. */
Json *expr_to_json(ExprContext *context, const ExprValue *value, GError **error);
