/* A text with ${…} in it, cut into literal parts and expressions. */
#pragma once
#include "expr/syntax.h"

typedef struct {
    const char *text; /* literal, or the expression's trimmed text */
    gboolean is_expression;
    Node *tree;
} TemplatePart;

typedef struct {
    TemplatePart *parts;
    guint count;
    gboolean single; /* exactly one expression and nothing around it */
} Template;

/* FALSE after raising: the text, or an expression in it, has no valid syntax. Everything lives as long as the evaluation. */
gboolean expr_template_parse(ExprContext *context, const char *text, Template *into);
/* The two textual rewritings of the reference: #name( of functions with a hidden execution, and the word
 * deployedServerGroups. Caller frees. */
char *expr_rewrite(const char *text, const ExprFunction *functions);
/* Key of the summary for a text that parsed, and for one that did not; caller frees. */
char *expr_template_key(const Template *template);
char *expr_unparsed_key(const char *text);
