/* Settings of services that stages reach by themselves. Any thread. */
#pragma once
#include "base/config.h"

extern const ConfigSection *const integration_config_sections[];

typedef struct {
    gboolean enabled;
    char *base_url, *token, *username, *password;
} JiraSettings;
/* ERR_INVALID names the key, also when it is enabled without an address or without credentials. Clear in any case. */
gboolean jira_settings_read(Config *config, JiraSettings *settings, GError **error);
void jira_settings_clear(JiraSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JiraSettings, jira_settings_clear)

typedef struct {
    gboolean enabled;
    char *base_url;
} GremlinSettings;
gboolean gremlin_settings_read(Config *config, GremlinSettings *settings, GError **error);
void gremlin_settings_clear(GremlinSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GremlinSettings, gremlin_settings_clear)
