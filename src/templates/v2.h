/* Templates of version 2: ordinary pipelines with variables (engine.md 24.1). For this room alone. */
#pragma once
#include "templates/templates.h"

/* The expanded pipeline, or NULL with problems, or NULL with *error when it could not be looked up. Caller owns. */
Json *template_plan_v2(const TemplateRequest *request, const JsonValue *pipeline, const JsonValue *configuration,
                       TemplateProblems *problems, GError **error);
