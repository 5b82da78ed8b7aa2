/* Templates as stages and the API see them: with the services of the program behind them. Any thread. */
#pragma once
#include "stages/services.h"
#include "templates/templates.h"

extern const ConfigSection *const template_config_sections[]; /* NULL-terminated */

/* Sources as the configuration allows them. Cleared with template_request_clear. */
TemplateRequest template_request(Services *services, gboolean planning, gint64 now_ms);
void template_request_clear(TemplateRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TemplateRequest, template_request_clear)
/* The submission step "templates" (engine.md 24): anything but a templated configuration stays as it is. */
Json *template_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);
