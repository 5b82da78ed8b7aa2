/* Reading artifacts (fetch.h): embedded ones, files on web servers, in GitHub, GitLab and Bitbucket. */
#include "artifacts/fetch.h"
#include "artifacts/artifact.h"
#include "net/origin.h"
#include "net/url_guard.h"
#include <string.h>

#define DEFAULT_BRANCH "master" /* where an artifact names no version */
#define CREDENTIALS_MAX (64 * 1024)

typedef struct {
    const ArtifactSource *source;
    const ArtifactAccount *account;
    UrlGuard *guard;
    const char *type, *reference, *version; /* version never NULL */
    char *header, *value;                   /* of the account's credentials, or NULL */
    gsize *length;
} Fetch;

static void fetch_clear(Fetch *fetch) {
    url_guard_free(fetch->guard);
    g_free(fetch->header);
    g_free(fetch->value);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fetch, fetch_clear)

/* ---- embedded ---- */
static char *read_embedded(const char *type, const char *reference, gsize *length, GError **error) {
    if (g_str_has_prefix(type, "remote/")) {
        error_set(error, ERR_NOT_FOUND, "%s is not stored: there is no artifact store", reference);
        return NULL;
    }
    gsize size = 0;
    g_autofree guchar *bytes = g_base64_decode(reference, &size);
    if (size == 0 && *reference != '\0') {
        error_set(error, ERR_INVALID, "its reference is no base64 text");
        return NULL;
    }
    char *text = g_malloc(size + 1);
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (length != NULL)
        *length = size;
    return text;
}

/* ---- credentials ---- */
/* The trimmed text of a file; caller frees. */
static char *read_secret(const char *path, GError **error) {
    g_autofree char *text = NULL;
    gsize length = 0;
    if (!g_file_get_contents(path, &text, &length, error))
        return NULL;
    if (length <= CREDENTIALS_MAX)
        return g_strstrip(g_steal_pointer(&text));
    error_set(error, ERR_LIMIT, "%s is larger than any credentials (%d bytes)", path, CREDENTIALS_MAX);
    return NULL;
}

static gboolean set_token(Fetch *fetch, char *token) {
    const ArtifactProvider provider = fetch->account->provider;
    fetch->header = g_strdup(provider == PROVIDER_GITLAB ? "Private-Token" : "Authorization");
    fetch->value = provider == PROVIDER_GITLAB      ? g_strdup(token)
                   : provider == PROVIDER_BITBUCKET ? g_strconcat("Bearer ", token, NULL)
                                                    : g_strconcat("token ", token, NULL);
    g_free(token);
    return TRUE;
}

static gboolean set_basic(Fetch *fetch, char *pair) {
    g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
    fetch->header = g_strdup("Authorization");
    fetch->value = g_strconcat("Basic ", encoded, NULL);
    g_free(pair);
    return TRUE;
}

static gboolean set_credentials(Fetch *fetch, GError **error) {
    const ArtifactAccount *account = fetch->account;
    if (account->token != NULL)
        return set_token(fetch, g_strdup(account->token));
    if (account->token_file != NULL) {
        char *token = read_secret(account->token_file, error);
        return token != NULL && set_token(fetch, token);
    }
    if (account->username != NULL)
        return set_basic(fetch, g_strdup_printf("%s:%s", account->username, account->password != NULL ? account->password : ""));
    if (account->password_file != NULL) {
        char *pair = read_secret(account->password_file, error);
        return pair != NULL && set_basic(fetch, pair);
    }
    return TRUE;
}

/* ---- HTTP ---- */
static void refused(const char *url, int status, GError **error) {
    ErrorCode code = status == 404                    ? ERR_NOT_FOUND
                     : status == 401 || status == 403 ? ERR_FORBIDDEN
                     : status == 429 || status >= 500 ? ERR_UNAVAILABLE
                                                      : ERR_REMOTE;
    g_auto(Origin) origin = {0};
    error_set(error, code, "%s answered %d", origin_of_url(url, &origin) ? origin.host : "the server", status);
}

static char *http_get(Fetch *fetch, const char *url, const char *accept, gboolean with_credentials, gsize *length, GError **error) {
    const char *headers[5] = {"Accept", accept, NULL};
    if (with_credentials && fetch->value != NULL)
        headers[2] = fetch->header, headers[3] = fetch->value, headers[4] = NULL;
    const HttpRequest request = {.method = "GET",
                                 .url = url,
                                 .headers = headers,
                                 .timeout_ms = fetch->source->timeout_ms,
                                 .response_max = fetch->source->most > 0 ? fetch->source->most : ARTIFACT_BYTES_MAX};
    g_auto(HttpResponse) response = {0};
    if (!url_guard_call(fetch->guard, fetch->source->http, &request, TRUE, fetch->source->cancel, &response, error))
        return NULL;
    if (response.status < 200 || response.status > 299) {
        refused(url, response.status, error);
        return NULL;
    }
    if (length != NULL)
        *length = response.body_length;
    return g_steal_pointer(&response.body);
}

static char *with_ref(const Fetch *fetch) {
    g_autofree char *version = http_escape(fetch->version);
    return g_strdup_printf("%s%cref=%s", fetch->reference, strchr(fetch->reference, '?') != NULL ? '&' : '?', version);
}

static char *fetch_plain(Fetch *fetch, GError **error) {
    return http_get(fetch, fetch->reference, "*/*", TRUE, fetch->length, error);
}

static char *fetch_bitbucket(Fetch *fetch, GError **error) {
    gboolean by_token = fetch->value != NULL && g_str_has_prefix(fetch->value, "Bearer ");
    return http_get(fetch, fetch->reference, by_token ? "application/json" : "*/*", TRUE, fetch->length, error);
}

static char *fetch_gitlab(Fetch *fetch, GError **error) {
    g_autofree char *url = with_ref(fetch);
    return http_get(fetch, url, "*/*", TRUE, fetch->length, error);
}

static gboolean same_origin(const char *a, const char *b) {
    g_auto(Origin) first = {0}, second = {0};
    return origin_of_url(a, &first) && origin_of_url(b, &second) && origin_equal(&first, &second);
}

/* The contents API says where the file itself is; what it says carries a token of its own where one is needed. */
static char *fetch_github(Fetch *fetch, GError **error) {
    g_autofree char *url = with_ref(fetch);
    g_autofree char *raw = g_strdup_printf("application/vnd.github.%s.raw", fetch->account->api_version);
    if (fetch->account->content_api)
        return http_get(fetch, url, raw, TRUE, fetch->length, error);
    gsize length = 0;
    g_autofree char *text = http_get(fetch, url, "application/json", TRUE, &length, error);
    if (text == NULL)
        return NULL;
    g_autoptr(Json) answer = json_parse_limited(text, (gssize)length, ARTIFACT_BYTES_MAX, NULL);
    const char *download = json_get_string(json_root(answer), "download_url");
    if (download != NULL && *download != '\0')
        return http_get(fetch, download, "*/*", same_origin(url, download), fetch->length, error);
    error_set(error, ERR_REMOTE,
              "Failed to retrieve your github artifact's download URL: the reference has to be that of the contents API "
              "(https://api.github.com/repos/<owner>/<repository>/contents/<path>)");
    return NULL;
}

static char *(*const FETCHERS[])(Fetch *fetch, GError **error) = {
    [PROVIDER_HTTP] = fetch_plain,
    [PROVIDER_GITHUB] = fetch_github,
    [PROVIDER_GITLAB] = fetch_gitlab,
    [PROVIDER_BITBUCKET] = fetch_bitbucket,
};

static char *fetch_over_http(Fetch *fetch, GError **error) {
    const ArtifactAccount *account = fetch->account;
    g_autofree char *where = g_strdup_printf("urlRestrictions of artifact account %s", account->name);
    if (fetch->source->http == NULL) {
        error_set(error, ERR_INVALID, "nothing is fetched here");
        return NULL;
    }
    fetch->guard = account->url_restrictions != NULL
                       ? url_guard_new_for(fetch->source->config, json_root(account->url_restrictions), where, error)
                       : url_guard_new(fetch->source->config, error);
    return fetch->guard != NULL && set_credentials(fetch, error) ? FETCHERS[account->provider](fetch, error) : NULL;
}

/* ---- any ---- */
static void not_fetched(const char *type, GError **error) {
    if (strcmp(type, "docker/image") == 0)
        error_set(error, ERR_INVALID, "Docker references are passed on to cloud platforms who retrieve images directly");
    else if (g_str_has_prefix(type, "kubernetes/"))
        error_set(error, ERR_INVALID, "Kubernetes objects are retrieved by kubernetes directly");
    else
        error_set(error, ERR_INVALID, "artifacts of type %s are passed on, never fetched", type);
}

/* *unknown: its account is not there, which says all there is to say. */
static char *fetch_artifact(const ArtifactSource *source, const JsonValue *artifact, gsize *length, gboolean *unknown, GError **error) {
    const char *type = json_get_string(artifact, "type"), *name = json_get_string(artifact, "artifactAccount"),
               *reference = json_get_string(artifact, "reference"), *version = json_get_string(artifact, "version");
    if (type == NULL || *type == '\0') {
        error_set(error, ERR_INVALID, "it has no type");
        return NULL;
    }
    /* What is embedded needs no account; naming one that is not there is a mistake all the same. */
    if (name == NULL && g_str_has_prefix(type, "embedded/"))
        return read_embedded(type, reference != NULL ? reference : "", length, error);
    if (strcmp(type, "docker/image") == 0) {
        not_fetched(type, error);
        return NULL;
    }
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(source->config, error);
    const ArtifactAccount *account = accounts != NULL ? artifact_accounts_find(accounts, name, type, error) : NULL;
    *unknown = account == NULL;
    if (account == NULL)
        return NULL;
    if (account->provider == PROVIDER_PASSED_ON) {
        not_fetched(type, error);
        return NULL;
    }
    if (account->provider == PROVIDER_EMBEDDED)
        return read_embedded(type, reference != NULL ? reference : "", length, error);
    if (reference == NULL || *reference == '\0') {
        error_set(error, ERR_INVALID, "it has no reference");
        return NULL;
    }
    g_auto(Fetch) fetch = {.source = source,
                           .account = account,
                           .type = type,
                           .reference = reference,
                           .version = version != NULL && *version != '\0' ? version : DEFAULT_BRANCH,
                           .length = length};
    return fetch_over_http(&fetch, error);
}

char *artifacts_fetch(const ArtifactSource *source, const JsonValue *artifact, gsize *length, GError **error) {
    gboolean unknown = FALSE;
    char *contents = fetch_artifact(source, artifact, length, &unknown, error);
    if (contents != NULL || unknown)
        return contents;
    const char *account = json_get_string(artifact, "artifactAccount");
    g_autofree char *label = artifact_label(artifact);
    g_prefix_error(error, "artifact %s%s%s: ", label, account != NULL ? " of account " : "", account != NULL ? account : "");
    return NULL;
}
