/* Settings of webhooks (stages.md 3.2, 3.3). Any thread. */
#include "base/pattern.h"
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
    {"allowedRequestsEnabled", PARAM_BOOL, offsetof(WebhookSettings, allowed_enabled), .otherwise = "false",
     .help = "Only what allowedRequests lists may be called."},
    {"allowedRequests", PARAM_JSON, offsetof(WebhookSettings, allowed),
     .help = "A list of {httpMethods, matchStrategy, urlPrefix, urlPattern, safeToRetry}."},
    {"defaultRetryStatusCodes", PARAM_JSON, offsetof(WebhookSettings, retry_codes), .otherwise = "[429]",
     .help = "Codes below 500 after which a call is made again."},
    {"requireAccount", PARAM_BOOL, offsetof(WebhookSettings, require_account), .otherwise = "false",
     .help = "A stage must name an account."},
    {"validateAccount", PARAM_BOOL, offsetof(WebhookSettings, validate_account), .otherwise = "false",
     .help = "An account that a stage names must be known."},
    {"insecureTrustSelfSigned", PARAM_BOOL, offsetof(WebhookSettings, trust_self_signed), .otherwise = "false",
     .help = "Trusts a certificate that signed itself and comes alone; its name and dates are checked as ever."},
    {"insecureSkipHostnameVerification", PARAM_BOOL, offsetof(WebhookSettings, any_host_name), .otherwise = "false",
     .help = "The certificate's name is not compared with the host's."},
    {"trust.enabled", PARAM_BOOL, offsetof(WebhookSettings, trust), .otherwise = "false", .help = "Whether trust.trustStore is read."},
    {"trust.trustStore", PARAM_STRING, offsetof(WebhookSettings, trust_file),
     .help = "A file of certificates (PEM or PKCS #12) that are trusted beside the system's."},
    {"trust.trustStorePassword", PARAM_STRING, offsetof(WebhookSettings, trust_password), .secret = TRUE, .help = "Its password."},
    {"identity.enabled", PARAM_BOOL, offsetof(WebhookSettings, identity), .otherwise = "false",
     .help = "Whether identity.identityStore is shown to servers that ask for a certificate."},
    {"identity.identityStore", PARAM_STRING, offsetof(WebhookSettings, identity_file),
     .help = "A file with certificate, key and chain (PEM or PKCS #12)."},
    {"identity.identityStorePassword", PARAM_STRING, offsetof(WebhookSettings, identity_password), .secret = TRUE, .help = "Its password."},
    {"identity.identityStoreKeyPassword", PARAM_STRING, offsetof(WebhookSettings, key_password), .secret = TRUE,
     .help = "The password of a key in PEM, where it differs."},
    {"preconfigured", PARAM_JSON, offsetof(WebhookSettings, preconfigured),
     .help = "Webhooks that pipelines use by their type: a list of {type, label, description, url, method, parameters …}."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "webhook", params, "Webhook stages."};
const ConfigSection *const webhook_config_sections[] = {&section, NULL};

/* ---- what the tables cannot say ---- */
static gboolean check_codes(const WebhookSettings *settings, GError **error) {
    const JsonValue *codes = json_root(settings->retry_codes);
    for (JsonIter i = json_iter(codes); json_next(&i);)
        if (json_int(i.value, 0) < 100 || json_int(i.value, 0) > 599) {
            error_set(error, ERR_INVALID, "webhook.defaultRetryStatusCodes[%" G_GSIZE_FORMAT "]: expected a status code, 100 to 599",
                      i.index);
            return FALSE;
        }
    if (codes == NULL || json_is_array(codes))
        return TRUE;
    error_set(error, ERR_INVALID, "webhook.defaultRetryStatusCodes: expected a list of status codes");
    return FALSE;
}

/* NULL, or what is wrong with a rule. Caller frees. */
static char *rule_problem(const JsonValue *rule) {
    const char *strategy = json_get_string(rule, "matchStrategy"), *pattern = json_get_string(rule, "urlPattern");
    const JsonValue *methods = json_get(rule, "httpMethods");
    gboolean by_pattern = g_strcmp0(strategy, "PATTERN_MATCHES") == 0;
    g_autoptr(GError) error = NULL;
    if (!json_is_object(rule))
        return g_strdup("expected keys and values");
    if (strategy != NULL && !by_pattern && strcmp(strategy, "STARTS_WITH") != 0)
        return g_strdup("matchStrategy: expected STARTS_WITH or PATTERN_MATCHES");
    if (methods != NULL && !json_is_array(methods))
        return g_strdup("httpMethods: expected a list");
    if ((by_pattern ? pattern : json_get_string(rule, "urlPrefix")) == NULL)
        return g_strdup_printf("%s: required", by_pattern ? "urlPattern" : "urlPrefix");
    g_autoptr(Pattern) compiled = by_pattern ? pattern_new(pattern, &error) : NULL;
    return by_pattern && compiled == NULL ? g_strconcat("urlPattern: ", error->message, NULL) : NULL;
}

static char *preconfigured_problem(const JsonValue *list, gsize index, const JsonValue *entry) {
    const char *type = json_get_string(entry, "type");
    if (!json_is_object(entry))
        return g_strdup("expected keys and values");
    if (type == NULL || *type == '\0')
        return g_strdup(json_get(entry, "type") != NULL ? "type: expected a text; YAML takes on, off, yes and no for switches"
                                                        : "type: required");
    for (gsize k = 0; k < index; k++)
        if (g_strcmp0(json_get_string(json_at(list, k), "type"), type) == 0)
            return g_strdup_printf("type: \"%s\" is configured twice", type);
    return NULL;
}

static gboolean check_list(const Json *list, const char *key, GError **error) {
    const JsonValue *values = json_root(list);
    if (values != NULL && !json_is_array(values)) {
        error_set(error, ERR_INVALID, "webhook.%s: expected a list", key);
        return FALSE;
    }
    gboolean preconfigured = strcmp(key, "preconfigured") == 0;
    for (JsonIter i = json_iter(values); json_next(&i);) {
        g_autofree char *problem = preconfigured ? preconfigured_problem(values, i.index, i.value) : rule_problem(i.value);
        if (problem == NULL)
            continue;
        error_set(error, ERR_INVALID, "webhook.%s[%" G_GSIZE_FORMAT "]: %s", key, i.index, problem);
        return FALSE;
    }
    return TRUE;
}

gboolean webhook_settings_read(Config *config, WebhookSettings *settings, GError **error) {
    return config_read(config, &section, settings, error) && check_codes(settings, error) &&
           check_list(settings->allowed, "allowedRequests", error) && check_list(settings->preconfigured, "preconfigured", error);
}

gboolean webhook_tls(const WebhookSettings *settings, HttpTls **tls, GError **error) {
    HttpTlsOptions options = {
        .trust_file = settings->trust ? settings->trust_file : NULL,
        .trust_password = settings->trust_password,
        .identity_file = settings->identity ? settings->identity_file : NULL,
        .identity_password = settings->identity_password,
        .key_password = settings->key_password,
        .trust_self_signed = settings->trust_self_signed,
        .any_host_name = settings->any_host_name,
    };
    *tls = NULL;
    if ((settings->trust && options.trust_file == NULL) || (settings->identity && options.identity_file == NULL)) {
        error_set(error, ERR_INVALID, "webhook.%s: required, because webhook.%s.enabled is true",
                  settings->trust && options.trust_file == NULL ? "trust.trustStore" : "identity.identityStore",
                  settings->trust && options.trust_file == NULL ? "trust" : "identity");
        return FALSE;
    }
    if (options.trust_file == NULL && options.identity_file == NULL && !options.trust_self_signed && !options.any_host_name)
        return TRUE;
    *tls = http_tls_new(&options, error);
    if (*tls == NULL)
        g_prefix_error(error, "webhook.trust, webhook.identity: ");
    return *tls != NULL;
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
