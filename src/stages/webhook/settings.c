/* Settings of webhooks (stages.md 3.2, 3.3). Any thread. */
#include "stages/webhook/webhook.h"
#include <string.h>

#define CONNECT_TIMEOUT "15000"
#define READ_TIMEOUT "20000"

static const Param params[] = {
    {"connectTimeoutMs", PARAM_MILLISECONDS, offsetof(WebhookSettings, connect_timeout_ms), .otherwise = CONNECT_TIMEOUT, .min = 1,
     .max = 600000, .help = "How long a connection may take."},
    {"readTimeoutMs", PARAM_MILLISECONDS, offsetof(WebhookSettings, read_timeout_ms), .otherwise = READ_TIMEOUT, .min = 1, .max = 600000,
     .help = "How long an answer may take."},
    {"maxRequestBytes", PARAM_INT, offsetof(WebhookSettings, request_max), .otherwise = "0", .max = G_MAXINT32,
     .help = "Bytes a payload may have; 0: no limit."},
    {"maxResponseBytes", PARAM_INT, offsetof(WebhookSettings, response_max), .otherwise = "0", .max = G_MAXINT32,
     .help = "Bytes an answer may have; 0: 4 MB."},
    {"followRedirects", PARAM_BOOL, offsetof(WebhookSettings, follow_redirects), .otherwise = "true",
     .help = "Whether redirects are followed."},
    {"verifyRedirects", PARAM_BOOL, offsetof(WebhookSettings, verify_redirects), .otherwise = "true",
     .help = "Redirects are always checked like the first URL, whatever this says."},
    {"allowedRequestsEnabled", PARAM_BOOL, offsetof(WebhookSettings, allowed_enabled), .otherwise = "false",
     .help = "Only what allowedRequests lists may be called."},
    {"allowedRequests", PARAM_JSON, offsetof(WebhookSettings, allowed),
     .help = "A list of {httpMethods, matchStrategy, urlPrefix, urlPattern, safeToRetry}."},
    {"defaultRetryStatusCodes", PARAM_JSON, offsetof(WebhookSettings, retry_codes), .otherwise = "[429]",
     .help = "Codes below 500 after which a call is made again."},
    {"requireAccount", PARAM_BOOL, offsetof(WebhookSettings, require_account), .otherwise = "false",
     .help = "A stage must name an account."},
    {"insecureTrustSelfSigned", PARAM_BOOL, offsetof(WebhookSettings, insecure), .otherwise = "false",
     .help = "Certificates are not checked at all."},
    {"preconfigured", PARAM_JSON, offsetof(WebhookSettings, preconfigured),
     .help = "Webhooks that pipelines use by their type: a list of {type, label, description, url, method, parameters …}."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "webhook", params, "Webhook stages."};
const ConfigSection *const webhook_config_sections[] = {&section, NULL};

void webhook_settings_read(Config *config, WebhookSettings *settings) {
    if (config_read(config, &section, settings, NULL))
        return;
    g_autoptr(Config) defaults = config_load(NULL, NULL);
    config_read(defaults, &section, settings, NULL);
}

void webhook_settings_clear(WebhookSettings *settings) {
    params_clear(params, settings);
}

const JsonValue *webhook_preconfigured(const WebhookSettings *settings, const char *type) {
    for (JsonIter i = json_iter(json_root(settings->preconfigured)); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "type"), type) == 0 && json_get_bool(i.value, "enabled", TRUE))
            return i.value;
    return NULL;
}
