/* The expression language alone: ${…} in texts, as Spinnaker's pipelines know it (the part of SpEL its restricted evaluator
 * leaves reachable). It knows values (expr/value.h) and a table of functions the caller hands in. Pure, bounded, no host
 * access. Any thread; one evaluation belongs to one thread. */
#pragma once
#include "base/error.h"
#include "base/json.h"
#include "expr/value.h"

/* Names at the root ("trigger", "parameters", a context key …): the caller answers, NULL when unknown. Borrowed for the
 * evaluation. */
typedef const JsonValue *(*ExprLookup)(const char *name, gpointer data);
/* The same for names that are more than JSON (the execution, a stage): tried first. NULL without *error: not such a name. */
typedef const ExprValue *(*ExprResolve)(ExprContext *context, const char *name, gpointer data, GError **error);

typedef enum { EXPR_PURE, EXPR_IO } ExprKind;
typedef struct {
    const char *name; /* "stage": called as #stage(…) */
    ExprKind kind;
    guint min_arguments, max_arguments; /* as the user writes them; EXPR_ANY_NUMBER: no upper bound */
    /* Returns a value of this evaluation, or NULL with *error. */
    const ExprValue *(*call)(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error);
    const char *help;
    /* The reference passes the execution as a hidden first argument by rewriting the text, which shows in the keys of the
     * summary ("#stage( #root.execution, 'A')"). Set: the text is rewritten alike; call still gets the user's arguments only. */
    gboolean hidden_execution;
} ExprFunction;
#define EXPR_ANY_NUMBER G_MAXUINT

/* What the parts of an expression came to, in the order in which they were evaluated. */
typedef struct {
    char *expression; /* as written, cut */
    char *type;       /* its value's class, as messages show it; NULL: it failed */
    char *value;      /* cut; containers as JSON */
    char *reason;     /* why it failed, or NULL; what is around it has no entry */
    char *element;    /* the element that a selection or projection looks at, cut; NULL: none */
    guint depth;
} ExprTraceEntry;
typedef struct {
    GPtrArray *entries; /* of ExprTraceEntry, at most EXPR_TRACE_ENTRIES_MAX */
    guint dropped;      /* entries that had no room */
} ExprTrace;
void expr_trace_init(ExprTrace *trace);
void expr_trace_clear(ExprTrace *trace);
#define EXPR_TRACE_ENTRIES_MAX 500
#define EXPR_TRACE_VALUE_MAX 200 /* bytes of a value or of a text in an entry */

typedef struct {
    ExprLookup lookup;
    gpointer data;                 /* for lookup, resolve, functions */
    const ExprFunction *functions; /* the caller's, beside the general ones of expr_functions; ends with an entry without name */
    gboolean allow_io;             /* FALSE: an IO function ends with needs_io */
    guint64 steps_max;             /* 0: EXPR_STEPS_MAX */
    gint64 now_ms;                 /* for date functions */
    guint64 random;
    ExprResolve resolve;           /* or NULL */
    const char *const *root_names; /* what #root lists (as JSON text, by containsKey, keySet …); NULL: nothing */
    gboolean strict;               /* an unknown name is an error instead of null (when a pipeline is received) */
    gsize length_max;              /* of one expression's text, in bytes; 0: EXPR_LENGTH_MAX */
    const char *time_zone;         /* of SimpleDateFormat and LocalDate.now(); NULL: UTC */
    ExprTrace *trace;              /* or NULL */
    gboolean forbid_unevaluated;   /* #doNotEval has no effect (configuration) */
} ExprOptions;

/* Limits of one expression. The first four are fixed by the reference, or configurable there. */
#define EXPR_LENGTH_MAX 10000              /* text of one expression */
#define EXPR_CONCATENATION_MAX 100000      /* characters that + may make */
#define EXPR_REPETITION_MAX 256            /* characters that 'x' * n may make */
#define EXPR_PATTERN_MAX 1000              /* characters of a regular expression */
#define EXPR_DEPTH_MAX 128                 /* nesting of an expression, of values it makes, of a processed document's JSON */
#define EXPR_STEPS_MAX 1000000             /* nodes evaluated, elements visited, 256 bytes of text looked at: one each */
#define EXPR_MEMORY_MAX (64 * 1024 * 1024) /* bytes of values of one expression */
#define EXPR_TEXT_MAX (4 * 1024 * 1024)    /* bytes of one text an expression makes */
#define EXPR_REGEX_STEPS_MAX 1000000       /* backtracking of one match */

/* One failed text, as expressionEvaluationSummary wants it (engine.md 4). */
typedef struct {
    char *expression, *description, *exception_type, *level; /* level ERROR or INFO; exception_type NULL for INFO */
} ExprFailure;

typedef struct {
    Json *value; /* the processed document */
    gboolean changed;
    GPtrArray *failures;  /* of ExprFailure */
    gboolean needs_io;    /* met an IO function with allow_io FALSE: do it again in a worker */
    GPtrArray *evaluated; /* char *: keys of texts that evaluated, whose old summary entries go */
} ExprProcessed;
/* Processes every text of a document, keys too: each is tried whatever happens to its neighbours; one that fails stays as
 * it was and is listed. Results are not processed again. */
void expr_process(const JsonValue *value, const ExprOptions *options, ExprProcessed *into);
void expr_processed_clear(ExprProcessed *processed);

/* Evaluates one expression without ${}. Caller owns the Json; NULL with *error (ERR_INVALID; message as users see it;
 * ERR_UNAVAILABLE when it needs I/O that is not allowed). */
Json *expr_evaluate(const char *expression, const ExprOptions *options, GError **error);
/* TRUE when a text holds an expression at all: cheap. */
gboolean expr_has_expression(const char *text);

/* The general functions (#toInt, #toJson …), always available; ends with an entry without name. */
extern const ExprFunction expr_functions[];
