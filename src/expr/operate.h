/* What operators, dots and brackets do with values; evaluate.c walks the tree and calls these. */
#pragma once
#include "expr/syntax.h"

/* One of + - * / % ^, a relation, instanceof, matches, between. */
const ExprValue *expr_operate(ExprContext *context, TokenKind operation, const ExprValue *a, const ExprValue *b);
/* target.name */
const ExprValue *expr_property(ExprContext *context, const ExprValue *target, const char *name);
/* target[index] */
const ExprValue *expr_index(ExprContext *context, const ExprValue *target, const ExprValue *index);
/* target.name = value, target[key] = value; FALSE after raising. */
gboolean expr_set(ExprContext *context, const ExprValue *target, const ExprValue *key, const ExprValue *value);
/* What selections and projections visit, as a list: elements, entries of a map; NULL after raising. */
const ExprItems *expr_elements(ExprContext *context, const ExprValue *target, const char *what);
/* T(name), new name[…]. */
const ExprValue *expr_type_value(ExprContext *context, const char *name);
const ExprValue *expr_new_array(ExprContext *context, const char *type, const ExprValue *size, const ExprValue *const *elements, guint n);
