/* What is wrong with a template or with a pipeline made from one, gathered instead of stopping at the first: the list of errors that
 * clients show (engine.md 24.1). Pure. */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define TEMPLATE_PROBLEMS_MAX 100 /* more are counted, not kept */

typedef struct {
    GPtrArray *errors, *warnings; /* of Json *: {severity, message, location, cause} */
} TemplateProblems;
void template_problems_init(TemplateProblems *problems);
void template_problems_clear(TemplateProblems *problems);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TemplateProblems, template_problems_clear)

/* location: "template:variables", "configuration:stages.deploy". */
void template_error(TemplateProblems *problems, const char *location, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same with the words of what went wrong below it. */
void template_error_because(TemplateProblems *problems, const char *location, const char *message, const GError *cause);
void template_warning(TemplateProblems *problems, const char *location, const char *format, ...) G_GNUC_PRINTF(3, 4);
gboolean template_has_errors(const TemplateProblems *problems);
/* Errors first, then warnings; an array, caller owns. */
Json *template_problems_json(const TemplateProblems *problems);
Json *template_warnings_json(const TemplateProblems *problems);
