/* Settings of Jira and Gremlin (stages.md 5). Any thread. */
#include "stages/integrations/settings.h"
#include "base/error.h"
#include <stddef.h>

#define GREMLIN_URL "https://api.gremlin.com/v1"

static const Param jira_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(JiraSettings, enabled),
     .otherwise = "false",
     .help = "Whether stages may create issues."},
    {.name = "baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(JiraSettings, base_url),
     .help = "Jira's address, without /rest: https://jira.example.com."},
    {.name = "token",
     .type = PARAM_STRING,
     .offset = offsetof(JiraSettings, token),
     .secret = TRUE,
     .help = "A bearer token; goes before username and password."},
    {.name = "username", .type = PARAM_STRING, .offset = offsetof(JiraSettings, username), .help = "User of Jira's basic authentication."},
    {.name = "password",
     .type = PARAM_STRING,
     .offset = offsetof(JiraSettings, password),
     .secret = TRUE,
     .help = "Its password, or an API token of Jira Cloud."},
    {0},
};
static const ConfigSection jira = {SERVICE_ECHO, "jira", jira_params, "Jira, where jira stages create issues."};

static const Param gremlin_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(GremlinSettings, enabled),
     .otherwise = "false",
     .help = "Whether gremlin stages may launch attacks."},
    {.name = "baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(GremlinSettings, base_url),
     .otherwise = "\"" GREMLIN_URL "\"",
     .help = "Address of Gremlin's API."},
    {0},
};
#define GREMLIN "integrations.gremlin"
#define GREMLIN_HELP "Gremlin, which runs chaos experiments."
/* Upstream two services read it; either file may hold it. */
static const ConfigSection gremlin = {(ConfigService)(SERVICE_ORCA | SERVICE_GATE), GREMLIN, gremlin_params, GREMLIN_HELP};
static const ConfigSection gremlin_orca = {SERVICE_ORCA, GREMLIN, gremlin_params, GREMLIN_HELP};
static const ConfigSection gremlin_gate = {SERVICE_GATE, GREMLIN, gremlin_params, GREMLIN_HELP};

const ConfigSection *const integration_config_sections[] = {&jira, &gremlin_orca, &gremlin_gate, NULL};

gboolean jira_settings_read(Config *config, JiraSettings *settings, GError **error) {
    if (!config_read(config, &jira, settings, error))
        return FALSE;
    if (settings->enabled && settings->base_url == NULL)
        error_set(error, ERR_INVALID, "jira.baseUrl: required, because jira.enabled is true");
    else if (settings->enabled && settings->token == NULL && (settings->username == NULL || settings->password == NULL))
        error_set(error, ERR_INVALID, "jira.token, or jira.username and jira.password: required, because jira.enabled is true");
    else
        return TRUE;
    return FALSE;
}

void jira_settings_clear(JiraSettings *settings) {
    params_clear(jira_params, settings);
}

gboolean gremlin_settings_read(Config *config, GremlinSettings *settings, GError **error) {
    return config_read(config, &gremlin, settings, error);
}

void gremlin_settings_clear(GremlinSettings *settings) {
    params_clear(gremlin_params, settings);
}
