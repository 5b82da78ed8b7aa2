/* From an expression's text to its tree: tokens, nodes, parser. The grammar is the whole language; what must not be called
 * is refused when it is evaluated. */
#pragma once
#include "expr/evaluation.h"

typedef enum {
    TOKEN_END,
    TOKEN_INT,
    TOKEN_LONG,
    TOKEN_FLOAT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_NAME,
    TOKEN_DOT,
    TOKEN_SAFE_DOT,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_QUESTION,
    TOKEN_ELVIS,
    TOKEN_HASH,
    TOKEN_AT,
    TOKEN_AMPERSAND,
    TOKEN_ASSIGN,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_SQUARE,
    TOKEN_CLOSE_SQUARE,
    TOKEN_OPEN_CURLY,
    TOKEN_CLOSE_CURLY,
    TOKEN_SELECT,
    TOKEN_SELECT_FIRST,
    TOKEN_SELECT_LAST,
    TOKEN_PROJECT,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_NOT,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_INSTANCEOF,
    TOKEN_MATCHES,
    TOKEN_BETWEEN,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_TIMES,
    TOKEN_DIVIDE,
    TOKEN_MODULUS,
    TOKEN_POWER,
    TOKEN_INCREMENT,
    TOKEN_DECREMENT,
} TokenKind;

typedef struct {
    TokenKind kind;
    guint start, length; /* bytes in the expression; a string's include its quotes */
} Token;

/* All tokens, the last one TOKEN_END; NULL after raising. *count without the end. */
Token *expr_tokens(ExprContext *context, const char *text, guint *count);
const char *expr_token_name(TokenKind kind);

typedef enum {
    NODE_LITERAL,   /* value */
    NODE_PROPERTY,  /* name */
    NODE_METHOD,    /* name, children: arguments */
    NODE_INDEX,     /* child: index */
    NODE_SELECT,    /* child: criterion; operation: which */
    NODE_PROJECT,   /* child: what each element becomes */
    NODE_VARIABLE,  /* name */
    NODE_FUNCTION,  /* name, children: arguments */
    NODE_TYPE,      /* name; operation: number of [] */
    NODE_NEW,       /* name, children: arguments */
    NODE_NEW_ARRAY, /* name, operation: number of dimensions; first child: size of the first or NULL literal, then elements */
    NODE_BEAN,      /* name */
    NODE_LIST,      /* children: elements */
    NODE_MAP,       /* children: key, value, key, value … */
    NODE_STEPS,     /* first child, then what is done with its value one after the other: a.b[c].d() */
    NODE_OPERATORS, /* children: operands; each but the first says which operator stands before it: a + b - c */
    NODE_OR,        /* children: operands */
    NODE_AND,       /* children: operands */
    NODE_NOT,
    NODE_NEGATE,
    NODE_POSITIVE,    /* child */
    NODE_TERNARY,     /* condition, then, else */
    NODE_ELVIS,       /* value, otherwise */
    NODE_ASSIGN,      /* target, value */
    NODE_STEP_BY_ONE, /* child: target; operation: TOKEN_INCREMENT or TOKEN_DECREMENT; safe: the value before it counts */
} NodeKind;

typedef struct Node Node;
struct Node {
    NodeKind kind;
    TokenKind operation; /* NODE_SELECT, NODE_STEP_BY_ONE */
    TokenKind joint;     /* as an operand of NODE_OPERATORS: the operator before it */
    guint count;         /* of children; NODE_TYPE, NODE_NEW_ARRAY: dimensions */
    gboolean safe;       /* came after ?. */
    guint start, end;    /* bytes of the expression it stands for; of a step, with all before it */
    const char *name;
    const ExprValue *value;
    Node *children, *last, *next;
};

/* NULL after raising. The text must live as long as the evaluation. */
Node *expr_parse(ExprContext *context, const char *text);
/* Notes in the trace (which there is) what a node came to: its value, or, where it failed first, why. */
void expr_trace_note(ExprContext *context, const Node *node, const ExprValue *active, const ExprValue *value);
/* The value of the tree, made from that text, at the root. */
const ExprValue *expr_run(ExprContext *context, const char *text, const Node *node);
