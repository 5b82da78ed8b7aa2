/* Instance metadata (version 2: a token first) and container endpoints (ECS, EKS Pod Identity). */
#include "clouds/aws/credentials_metadata.h"
#include "base/clock.h"
#include "base/json.h"
#include <gio/gio.h>
#include <string.h>

#define METADATA_URL "http://169.254.169.254"
#define METADATA_PATH "/latest/meta-data/iam/security-credentials/"
#define METADATA_TIMEOUT_MS 2000
#define METADATA_CONNECT_MS 1000
#define CONTAINER_URL "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 5000

AwsCredentials *aws_credentials_parse(const char *body, gsize length, GError **error) {
    g_autoptr(Json) json = json_parse_limited(body, (gssize)length, AWS_CREDENTIALS_BODY_MAX, NULL);
    const JsonValue *root = json_root(json);
    const char *id = json_get_string(root, "AccessKeyId"), *secret = json_get_string(root, "SecretAccessKey");
    const char *code = json_get_string(root, "Code"), *expiration = json_get_string(root, "Expiration");
    if (code && strcmp(code, "Success")) {
        const char *message = json_get_string(root, "Message");
        error_set(error, ERR_REMOTE, "%s: %s", code, message ? message : "no reason given");
        return NULL;
    }
    if (!id || !secret) {
        error_set(error, ERR_REMOTE, "the answer holds no AccessKeyId and SecretAccessKey");
        return NULL;
    }
    gint64 expires_ms = expiration ? clock_parse_iso8601(expiration) : 0;
    if (expires_ms < 0) {
        error_set(error, ERR_REMOTE, "the answer's Expiration is no time: %s", expiration);
        return NULL;
    }
    return aws_credentials_new(id, secret, json_get_string(root, "Token"), expires_ms);
}

typedef struct {
    HttpClient *http;
    Cancel *cancel;
    const char *method, *url;
    HttpHeaders headers;
    gint64 timeout_ms;
} MetadataCall;

/* The body of a 200 answer. *missing: nobody answers there, or 404. */
static char *fetch(const MetadataCall *call, gsize *length, gboolean *missing, GError **error) {
    HttpRequest request = {.method = call->method,
                           .url = call->url,
                           .headers = call->headers,
                           .timeout_ms = call->timeout_ms,
                           .connect_timeout_ms = MIN(call->timeout_ms, METADATA_CONNECT_MS),
                           .response_max = AWS_CREDENTIALS_BODY_MAX,
                           .proxy = ""};
    HttpResponse response = {0};
    g_autoptr(GError) failed = NULL;
    if (!http_call(call->http, &request, call->cancel, &response, &failed)) {
        *missing = error_code(failed) == ERR_UNAVAILABLE || error_code(failed) == ERR_TIMEOUT;
        error_set(error, error_code(failed) == ERR_CANCELLED ? ERR_CANCELLED : ERR_UNAVAILABLE, "%s %s: %s", call->method, call->url,
                  failed->message);
        return NULL;
    }
    char *body = response.status == 200 ? g_steal_pointer(&response.body) : NULL;
    *length = response.body_length;
    *missing = response.status == 404;
    if (!body)
        error_set(error, response.status >= 500 ? ERR_UNAVAILABLE : ERR_REMOTE, "%s %s: HTTP %d", call->method, call->url, response.status);
    http_response_clear(&response);
    return body;
}

/* ---- instance metadata ---- */

static char *metadata_base(void) {
    const char *given = g_getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    g_autofree char *base = g_strdup(given && *given ? given : METADATA_URL);
    while (g_str_has_suffix(base, "/"))
        base[strlen(base) - 1] = '\0';
    return g_steal_pointer(&base);
}

/* A session token for the metadata service. */
static char *metadata_token(HttpClient *http, const char *base, Cancel *cancel, gboolean *missing, GError **error) {
    g_autofree char *url = g_strconcat(base, "/latest/api/token", NULL);
    const char *const headers[] = {"X-aws-ec2-metadata-token-ttl-seconds", "21600", NULL};
    MetadataCall call = {http, cancel, "PUT", url, headers, METADATA_TIMEOUT_MS};
    gsize length = 0;
    char *token = fetch(&call, &length, missing, error);
    return token ? g_strstrip(token) : NULL;
}

static AwsCredentials *metadata_role(HttpClient *http, const char *base, const char *token, Cancel *cancel, gboolean *missing,
                                     GError **error) {
    const char *const headers[] = {"X-aws-ec2-metadata-token", token, NULL};
    g_autofree char *list_url = g_strconcat(base, METADATA_PATH, NULL);
    MetadataCall list_call = {http, cancel, "GET", list_url, headers, METADATA_TIMEOUT_MS};
    gsize length = 0;
    g_autofree char *roles = fetch(&list_call, &length, missing, error);
    if (!roles)
        return NULL;
    char *role = g_strstrip(roles);
    role[strcspn(role, "\r\n")] = '\0';
    g_autofree char *escaped = http_escape(role);
    g_autofree char *url = g_strconcat(list_url, escaped, NULL);
    MetadataCall call = {http, cancel, "GET", url, headers, METADATA_TIMEOUT_MS};
    g_autofree char *body = fetch(&call, &length, missing, error);
    return body ? aws_credentials_parse(body, length, error) : NULL;
}

AwsCredentials *aws_metadata_credentials(HttpClient *http, Cancel *cancel, GError **error) {
    const char *disabled = g_getenv("AWS_EC2_METADATA_DISABLED");
    if (disabled && !g_ascii_strcasecmp(disabled, "true"))
        return NULL;
    g_autofree char *base = metadata_base();
    g_autoptr(GError) failed = NULL;
    gboolean missing = FALSE;
    g_autofree char *token = metadata_token(http, base, cancel, &missing, &failed);
    AwsCredentials *credentials = token ? metadata_role(http, base, token, cancel, &missing, &failed) : NULL;
    if (credentials || (missing && !token) || !failed)
        return credentials;
    if (missing)
        g_prefix_error(&failed, "this machine has no role: ");
    g_propagate_prefixed_error(error, g_steal_pointer(&failed), "instance metadata: ");
    return NULL;
}

/* ---- container endpoints ---- */

static gboolean is_local_host(const char *host) {
    static const char *const known[] = {"localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1", NULL};
    return g_strv_contains(known, host) || g_str_has_prefix(host, "127.");
}

gboolean aws_container_url_is_allowed(const char *url) {
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (!uri || !g_uri_get_host(uri))
        return FALSE;
    if (!strcmp(g_uri_get_scheme(uri), "https"))
        return TRUE;
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(g_uri_get_host(uri));
    gboolean is_name = !address && g_str_has_prefix(g_uri_get_host(uri), "127.");
    return !strcmp(g_uri_get_scheme(uri), "http") && !is_name && is_local_host(g_uri_get_host(uri));
}

static char *container_url(GError **error) {
    const char *relative = g_getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (relative && *relative)
        return g_strconcat(CONTAINER_URL, relative, NULL);
    const char *full = g_getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!full || !*full)
        return NULL;
    if (aws_container_url_is_allowed(full))
        return g_strdup(full);
    error_set(error, ERR_INVALID, "AWS_CONTAINER_CREDENTIALS_FULL_URI: credentials are fetched by https or from this machine only");
    return NULL;
}

/* NULL without *error: none is set. */
static char *container_token(GError **error) {
    const char *file = g_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), *token = g_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (!file || !*file)
        return token && *token ? g_strdup(token) : NULL;
    char *text = NULL;
    g_autoptr(GError) failed = NULL;
    if (g_file_get_contents(file, &text, NULL, &failed))
        return g_strstrip(text);
    error_set(error, ERR_INVALID, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE %s: %s", file, failed->message);
    return NULL;
}

AwsCredentials *aws_container_credentials(HttpClient *http, Cancel *cancel, GError **error) {
    g_autoptr(GError) failed = NULL;
    g_autofree char *url = container_url(&failed);
    g_autofree char *token = url ? container_token(&failed) : NULL;
    if (!url || failed) {
        if (failed)
            g_propagate_prefixed_error(error, g_steal_pointer(&failed), "container credentials: ");
        return NULL;
    }
    const char *const headers[] = {token ? "Authorization" : NULL, token, NULL};
    MetadataCall call = {http, cancel, "GET", url, headers, CONTAINER_TIMEOUT_MS};
    gsize length = 0;
    gboolean missing = FALSE;
    g_autofree char *body = fetch(&call, &length, &missing, &failed);
    AwsCredentials *credentials = body ? aws_credentials_parse(body, length, &failed) : NULL;
    if (!credentials)
        g_propagate_prefixed_error(error, g_steal_pointer(&failed), "container credentials: ");
    return credentials;
}
