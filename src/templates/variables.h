/* Variables of templates: what they are declared as, and what a configuration gives them (engine.md 24.1 step 4). Pure. */
#pragma once
#include "templates/problems.h"

/* The value of each declared variable: the one given, else its default. Missing ones, nulls and wrong types become problems. whose: of
 * whom, for messages. Caller owns. */
Json *template_variables(const JsonValue *declared, const JsonValue *given, const char *whose, TemplateProblems *problems);
