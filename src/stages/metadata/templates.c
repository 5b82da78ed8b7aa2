/* What the services give to templates, and the step of a start in which they are expanded. */
#include "stages/metadata/templates.h"

typedef struct {
    gboolean enabled, allow_files;
} TemplateSettings;

static const Param params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(TemplateSettings, enabled),
     .otherwise = "true",
     .help = "Whether templates are read from the web (http, https)."},
    {.name = "allowFiles",
     .type = PARAM_BOOL,
     .offset = offsetof(TemplateSettings, allow_files),
     .help = "Whether templates are read from files of the server (file://)."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "pipeline-templates", params, "Where pipeline templates may come from."};
const ConfigSection *const template_config_sections[] = {&section, NULL};

TemplateRequest template_request(Services *services, gboolean planning, gint64 now_ms) {
    g_autoptr(Config) config = services_config(services);
    TemplateSettings settings = {.enabled = TRUE};
    config_read(config, &section, &settings, NULL);
    return (TemplateRequest){
        .sources = {.store = services->store, .http = settings.enabled ? services->http : NULL, .allow_files = settings.allow_files},
        .planning = planning,
        .now_ms = now_ms,
    };
}

Json *template_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    if (!templates_apply_to(pipeline))
        return json_copy(pipeline);
    const TemplateRequest request = template_request(services, submission->planning, submission->now_ms);
    return templates_expand(&request, pipeline, error);
}
