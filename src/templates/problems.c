/* The list of what is wrong with a template. Pure. */
#include "templates/problems.h"

void template_problems_init(TemplateProblems *problems) {
    problems->errors = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    problems->warnings = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
}

void template_problems_clear(TemplateProblems *problems) {
    g_clear_pointer(&problems->errors, g_ptr_array_unref);
    g_clear_pointer(&problems->warnings, g_ptr_array_unref);
}

static void add(GPtrArray *list, const char *severity, const char *location, const char *message, const char *cause) {
    if (list->len >= TEMPLATE_PROBLEMS_MAX)
        return;
    g_ptr_array_add(list,
                    json_pack("{s:s, s:s, s:s, s:s}", "severity", severity, "message", message, "location", location, "cause", cause));
}

void template_error(TemplateProblems *problems, const char *location, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(problems->errors, "FATAL", location, message, NULL);
}

void template_error_because(TemplateProblems *problems, const char *location, const char *message, const GError *cause) {
    add(problems->errors, "FATAL", location, message, cause->message);
}

void template_warning(TemplateProblems *problems, const char *location, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(problems->warnings, "WARN", location, message, NULL);
}

gboolean template_has_errors(const TemplateProblems *problems) {
    return problems->errors->len > 0;
}

static Json *listed(const GPtrArray *first, const GPtrArray *second) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; first != NULL && i < first->len; i++)
        json_add_json(builder, NULL, first->pdata[i]);
    for (guint i = 0; i < second->len; i++)
        json_add_json(builder, NULL, second->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

Json *template_problems_json(const TemplateProblems *problems) {
    return listed(problems->errors, problems->warnings);
}

Json *template_warnings_json(const TemplateProblems *problems) {
    return listed(NULL, problems->warnings);
}
