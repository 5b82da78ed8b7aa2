/* A compiled JSONPath, as its parser, its reader and its filters see it. */
#pragma once
#include "base/json_path.h"
#include "base/pattern.h"

typedef enum {
    STEP_NAMES,    /* one or more members */
    STEP_ANY,      /* every member or element */
    STEP_SCAN,     /* the place itself and everything below it */
    STEP_INDEXES,  /* one or more elements, negative from the end */
    STEP_SLICE,    /* elements from, inclusive, to, exclusive */
    STEP_FILTER,   /* elements for which a condition holds, or the object itself */
    STEP_FUNCTION, /* a value computed from the place */
} PathStepKind;

/* Makes a value of a place; NULL: there is none. Caller owns. */
typedef Json *(*PathFunction)(const JsonValue *value);

typedef struct PathFilter PathFilter;
typedef struct {
    PathStepKind kind;
    GPtrArray *names; /* char * */
    GArray *indexes;  /* gint64 */
    gint64 from, to;  /* of a slice; G_MININT64 and G_MAXINT64 where left out */
    PathFilter *filter;
    PathFunction function;
    gboolean definite;  /* the path up to and without this step names one place */
    gboolean collected; /* a function behind a scan: of all that was found as one list */
} PathStep;

struct JsonPath {
    char *text;
    gboolean of_current; /* begins with @: inside a filter the element, at the top the document */
    gboolean definite;
    GPtrArray *steps; /* PathStep * */
};

typedef enum { OPERAND_LITERAL, OPERAND_PATH, OPERAND_PATTERN } PathOperandKind;
typedef struct {
    PathOperandKind kind;
    Json *literal;
    JsonPath *path;
    Pattern *pattern;
} PathOperand;

/* One reading of a document. */
typedef struct {
    const JsonValue *document;
    guint64 work;         /* places that may still be looked at */
    guint64 pattern_work; /* steps that regular expressions may still take */
    GPtrArray *kept;      /* Json *: computed values that places point into */
    GError **error;
} PathRun;

typedef gboolean (*PathCompare)(PathRun *run, const PathOperand *left, const JsonValue *a, const PathOperand *right, const JsonValue *b);
typedef struct {
    const char *name;
    PathCompare compare; /* a and b are NULL where a path leads nowhere, and for patterns */
} PathOperator;
extern const PathOperator path_operators[]; /* longer names first; ends with an entry without name */

typedef enum { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE } PathFilterKind;
struct PathFilter {
    PathFilterKind kind;
    PathFilter *first, *second;
    PathOperand left, right;
    const PathOperator *operator;
};
void path_filter_free(PathFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PathFilter, path_filter_free)
/* FALSE with *error set when a limit was reached, and where the condition does not hold. */
gboolean path_filter_holds(PathRun *run, const PathFilter *filter, const JsonValue *current);

typedef struct {
    const char *name;
    PathFunction call;
} PathFunctionName;
extern const PathFunctionName path_functions[]; /* ends with an entry without name */

/* ---- parsing: a place in the text ---- */
typedef struct {
    const char *text, *at;
    guint nesting;
    GError **error;
} PathParser;
gboolean path_fail(PathParser *parser, const char *what); /* sets ERR_INVALID; always FALSE */
void path_skip_blanks(PathParser *parser);
gboolean path_enter(PathParser *parser);       /* one level deeper; FALSE: ERR_LIMIT */
char *path_parse_quoted(PathParser *parser);   /* at ' or "; caller frees; NULL: error */
JsonPath *path_parse_path(PathParser *parser); /* at $ or @; stops where the path ends */
PathFilter *path_parse_filter(PathParser *parser);

/* ---- reading: places found, added to `found` (const JsonValue *). FALSE: error ---- */
gboolean path_walk(PathRun *run, const JsonPath *path, const JsonValue *start, GPtrArray *found);
/* The value of a path, computed lists kept in the run; NULL when it leads nowhere, or with *error set. */
const JsonValue *path_value(PathRun *run, const JsonPath *path, const JsonValue *start);
