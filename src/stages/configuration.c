/* Whether stages can work with a configuration: asked at the start and at a reload, so that no stage meets a wrong one later. Any thread. */
#include "artifacts/accounts.h"
#include "net/url_guard.h"
#include "stages/artifacts/artifacts.h"
#include "stages/deploy/monitor/monitor.h"
#include "stages/deploy/settings.h"
#include "stages/flow/settings.h"
#include "stages/integrations/settings.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/settings.h"
#include "stages/metadata/templates.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"

gboolean stages_check_config(Config *config, GError **error) {
    const ConfigSection *const *const rooms[] = {artifact_config_sections,    deploy_config_sections,    flow_config_sections,
                                                 template_config_sections,    webhook_config_sections,   url_guard_config_sections,
                                                 integration_config_sections, artifact_account_sections, metadata_config_sections,
                                                 permission_config_sections};
    for (gsize i = 0; i < G_N_ELEMENTS(rooms); i++)
        if (!config_check(config, rooms[i], error))
            return FALSE;
    g_autoptr(UrlGuard) guard = url_guard_new(config, error);
    if (guard == NULL)
        return FALSE;
    g_auto(WebhookSettings) webhooks = {0};
    g_autoptr(ArtifactAccounts) artifacts = artifact_accounts_new(config, error);
    g_auto(JiraSettings) jira = {0};
    g_autoptr(HttpTls) tls = NULL;
    return artifacts != NULL && webhook_settings_read(config, &webhooks, error) && webhook_tls(&webhooks, &tls, error) &&
           jira_settings_read(config, &jira, error);
}
