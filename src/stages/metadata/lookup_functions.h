/* Expression functions about what is saved: #pipelineId and its like, #applicationMetadata (expressions.md 12). They read the store's index in
 * memory and bodies it keeps. */
#pragma once
#include "expr/expr.h"
#include "stages/services.h"

extern const ExprFunction lookup_functions[]; /* ends with an entry without name */
/* Whose store they read; NULL: none, a call is an error. Set when the program is put together and before it ends. */
void lookup_functions_use(Services *services);
