/* How errors of templates are answered, by every route that plans or starts. Reader threads. */
#pragma once
#include "api/route.h"

/* 400 in the shape of all errors, with the list in "errors" (api.md 4). */
void answer_template_errors(ApiCall *call, const JsonValue *errors);
