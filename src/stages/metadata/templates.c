/* What the services give to templates, and the step of a start in which they are expanded. */
#include "stages/metadata/templates.h"
#include "clouds/naming.h"

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

/* ---- names of clusters in templates of version 1: {{ cluster|frigga('stack') }} ---- */
static Json *filter_frigga(const JsonValue *value, const JsonValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)data;
    const char *name = json_string(value), *part = n > 0 ? json_string(arguments[0]) : NULL;
    g_auto(Moniker) moniker = {0};
    if (name != NULL)
        naming_parse(name, &moniker);
    const struct {
        const char *part, *value;
    } PARTS[] = {{"app", moniker.app},
                 {"application", moniker.app},
                 {"stack", moniker.stack},
                 {"detail", moniker.detail},
                 {"cluster", moniker.cluster}};
    for (gsize p = 0; part != NULL && p < G_N_ELEMENTS(PARTS); p++)
        if (g_ascii_strcasecmp(part, PARTS[p].part) == 0)
            return json_from_string(PARTS[p].value != NULL ? PARTS[p].value : "");
    error_set(error, ERR_INVALID, "expected one of app, stack, detail, cluster");
    return NULL;
}

static const JinjaFilter FILTERS[] = {{"frigga", filter_frigga}, {0}};

TemplateRequest template_request(Services *services, gboolean planning, gint64 now_ms) {
    Config *config = services_config(services);
    TemplateSettings settings = {.enabled = TRUE};
    config_read(config, &section, &settings, NULL);
    return (TemplateRequest){
        .sources = {.store = services->store,
                    .http = settings.enabled ? services->http : NULL,
                    .config = config,
                    .allow_files = settings.allow_files,
                    .filters = FILTERS},
        .planning = planning,
        .now_ms = now_ms,
    };
}

void template_request_clear(TemplateRequest *request) {
    g_clear_pointer(&request->sources.config, config_unref);
}

Json *template_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    if (!templates_apply_to(pipeline))
        return NULL;
    g_auto(TemplateRequest) request = template_request(services, submission->planning, submission->now_ms);
    return templates_expand(&request, pipeline, error);
}
