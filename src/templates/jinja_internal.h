/* What the files of the renderer share: tokens, the tree, the run. */
#pragma once
#include "templates/jinja.h"

typedef enum { JINJA_END, JINJA_NAME, JINJA_TEXT, JINJA_NUMBER, JINJA_OPERATOR } JinjaTokenKind;
typedef struct {
    JinjaTokenKind kind;
    const char *text; /* of texts: what is between the quotes, unescaped */
} JinjaToken;

typedef enum {
    NODE_LITERAL,
    NODE_NAME,
    NODE_MEMBER,  /* a.text */
    NODE_INDEX,   /* a[b] */
    NODE_FILTER,  /* a|text(arguments) */
    NODE_TEST,    /* a is text */
    NODE_NOT,     /* not a */
    NODE_MINUS,   /* -a */
    NODE_BINARY,  /* a text b */
    NODE_CHOICE,  /* a if b else c */
    NODE_LIST,    /* [arguments] */
    NODE_OBJECT,  /* {arguments: each a KEYWORD with its key in a or text} */
    NODE_CALL,    /* text(arguments) */
    NODE_KEYWORD, /* text=b */
} JinjaNodeKind;
typedef struct JinjaNode JinjaNode;
struct JinjaNode {
    JinjaNodeKind kind;
    const char *text;
    const JsonValue *literal;
    JinjaNode *a, *b, *c, *arguments, *next;
};

typedef enum { BLOCK_TEXT, BLOCK_OUTPUT, BLOCK_IF, BLOCK_FOR, BLOCK_SET, BLOCK_TAG } JinjaBlockKind;
typedef struct JinjaBlock JinjaBlock;
struct JinjaBlock {
    JinjaBlockKind kind;
    guint line;
    const char *text, *second; /* text; names of for and set; name of the tag */
    const JinjaTag *tag;
    JinjaNode *expression;
    JinjaBlock *body, *otherwise, *next;
};

/* One parse and one run; everything made on the way lives as long. */
typedef struct {
    const JinjaOptions *options;
    GPtrArray *memory;    /* of g_malloc'd */
    GPtrArray *documents; /* of Json * */
    gsize used;           /* bytes of documents */
    guint64 steps;
    guint depth, line;
    const JsonValue *context;
    GPtrArray *scopes; /* of GHashTable *: name → const JsonValue * */
    GString *output;
    gsize output_max;
    guint64 steps_max;
    GError *error; /* the first; nothing goes on after it */
} Jinja;

void jinja_fail(Jinja *jinja, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);
gboolean jinja_step(Jinja *jinja, guint64 steps); /* FALSE: there is an error now */
gboolean jinja_enter(Jinja *jinja);               /* one level deeper; FALSE: too deep. Left by jinja->depth-- */
gpointer jinja_alloc(Jinja *jinja, gsize size);   /* zeroed */
const char *jinja_text(Jinja *jinja, const char *text, gsize length);
const JsonValue *jinja_keep(Jinja *jinja, Json *json /* taken */); /* its root; NULL stays NULL */

/* Tokens of the inside of a block; the last has the kind JINJA_END. NULL: jinja->error. */
JinjaToken *jinja_lex(Jinja *jinja, const char *text, gsize length);
JinjaBlock *jinja_parse(Jinja *jinja, const char *text);
/* The expression at *at, which is moved behind it. */
JinjaNode *jinja_parse_expression(Jinja *jinja, const JinjaToken **at);

const JsonValue *jinja_evaluate(Jinja *jinja, const JinjaNode *node); /* NULL: undefined, or jinja->error */
gboolean jinja_is_true(const JsonValue *value);
char *jinja_as_text(const JsonValue *value); /* as {{ }} writes it; caller frees */
const JinjaFilter *jinja_filter_find(const char *name);
