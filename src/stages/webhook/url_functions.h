/* Expression functions that fetch a URL: #fromUrl and its like (expressions.md 12), under the same guard as webhooks. */
#pragma once
#include "expr/expr.h"
#include "stages/services.h"

#define URL_FUNCTION_TIMEOUT_MS 30000
#define URL_FUNCTION_ANSWER_MAX (4 * 1024 * 1024)

extern const ExprFunction url_functions[]; /* ends with an entry without name */
/* Whose client and configuration they use; NULL: none, a call is an error. Set when the program is put together and before it ends. */
void url_functions_use(Services *services);
