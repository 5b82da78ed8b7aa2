/* Artifact accounts (accounts.h). A new provider: its keys, its section and a row of PROVIDERS here, its way of reading in fetch.c. */
#include "artifacts/accounts.h"
#include "base/error.h"
#include "net/url_guard.h"
#include <stddef.h>
#include <string.h>

struct ArtifactAccounts {
    GPtrArray *all; /* ArtifactAccount, those that are always there first */
};

#define NAME                                                                                                                               \
    {                                                                                                                                      \
        .name = "name", .type = PARAM_STRING, .offset = offsetof(ArtifactAccount, name), .required = TRUE,                                 \
        .help = "The name that artifacts refer to it by (artifactAccount)."                                                                \
    }
#define TEXT(key, member, is_secret, words)                                                                                                \
    { .name = key, .type = PARAM_STRING, .offset = offsetof(ArtifactAccount, member), .secret = is_secret, .help = words }
#define BASIC                                                                                                                              \
    TEXT("username", username, FALSE, "User of basic authentication."), TEXT("password", password, TRUE, "Its password."),                 \
        TEXT("usernamePasswordFile", password_file, FALSE, "A file with user:password instead, read at each use.")
#define TOKEN                                                                                                                              \
    TEXT("token", token, TRUE, "A token; goes before user and password."),                                                                 \
        TEXT("tokenFile", token_file, FALSE, "A file with the token instead, read at each use.")
#define RESTRICTIONS                                                                                                                       \
    {                                                                                                                                      \
        .name = "urlRestrictions", .type = PARAM_JSON, .offset = offsetof(ArtifactAccount, url_restrictions),                              \
        .help = "Which URLs it may be used for, in the words of user-configured-url-restrictions, instead of those."                       \
    }

static const Param http_params[] = {NAME, BASIC, RESTRICTIONS, {0}};
static const Param github_params[] = {
    NAME,
    BASIC,
    TOKEN,
    RESTRICTIONS,
    {.name = "useContentAPI",
     .type = PARAM_BOOL,
     .offset = offsetof(ArtifactAccount, content_api),
     .otherwise = "false",
     .help = "Reads the file by the contents API itself instead of its download URL."},
    {.name = "githubAPIVersion",
     .type = PARAM_STRING,
     .offset = offsetof(ArtifactAccount, api_version),
     .otherwise = "\"v3\"",
     .help = "Version of the contents API."},
    {0},
};
static const Param gitlab_params[] = {NAME, TOKEN, RESTRICTIONS, {0}};
static const Param bitbucket_params[] = {NAME, BASIC, TOKEN, RESTRICTIONS, {0}};

typedef struct {
    gboolean enabled;
    Json *accounts;
} Provider;

#define PROVIDER(variable, prefix_, account_params, what)                                                                                  \
    static const Param variable##_provider[] = {                                                                                           \
        {.name = "enabled",                                                                                                                \
         .type = PARAM_BOOL,                                                                                                               \
         .offset = offsetof(Provider, enabled),                                                                                            \
         .otherwise = "false",                                                                                                             \
         .help = "Whether these accounts are used."},                                                                                      \
        {.name = "accounts", .type = PARAM_JSON, .offset = offsetof(Provider, accounts), .members = account_params, .help = "Accounts."},  \
        {0},                                                                                                                               \
    };                                                                                                                                     \
    static const ConfigSection variable##_section = {SERVICE_CLOUDDRIVER, prefix_, variable##_provider, what}
PROVIDER(http, "artifacts.http", http_params, "Artifacts that are files on web servers.");
PROVIDER(github, "artifacts.github", github_params, "Artifacts that are files in GitHub's repositories.");
PROVIDER(gitlab, "artifacts.gitlab", gitlab_params, "Artifacts that are files in GitLab's repositories.");
PROVIDER(bitbucket, "artifacts.bitbucket", bitbucket_params, "Artifacts that are files in Bitbucket's repositories.");

const ConfigSection *const artifact_account_sections[] = {&http_section, &github_section, &gitlab_section, &bitbucket_section, NULL};

static const char *const HTTP_TYPES[] = {"http/file", NULL}, *const GITHUB_TYPES[] = {"github/file", NULL},
                         *const GITLAB_TYPES[] = {"gitlab/file", NULL}, *const BITBUCKET_TYPES[] = {"bitbucket/file", NULL};

static const struct {
    ArtifactProvider provider;
    const ConfigSection *section;
    const Param *params;
    const char *const *types;
} PROVIDERS[] = {
    {PROVIDER_HTTP, &http_section, http_params, HTTP_TYPES},
    {PROVIDER_GITHUB, &github_section, github_params, GITHUB_TYPES},
    {PROVIDER_GITLAB, &gitlab_section, gitlab_params, GITLAB_TYPES},
    {PROVIDER_BITBUCKET, &bitbucket_section, bitbucket_params, BITBUCKET_TYPES},
};

/* Accounts that need no credentials. */
#define NO_AUTH_ACCOUNT "no-auth-http-account"
static const char *const EMBEDDED_TYPES[] = {"embedded/base64", "remote/base64", "embedded/map/base64", "remote/map/base64", NULL},
                         *const DOCKER_TYPES[] = {"docker/image", NULL},
                         *const KUBERNETES_TYPES[] = {"kubernetes/configMap", "kubernetes/deployment", "kubernetes/replicaSet",
                                                      "kubernetes/secret", NULL},
                         *const CUSTOM_TYPES[] = {"custom/object", NULL};
static const struct {
    const char *name;
    ArtifactProvider provider;
    const char *const *types;
} ALWAYS[] = {
    {"embedded-artifact", PROVIDER_EMBEDDED, EMBEDDED_TYPES},
    {"docker-registry", PROVIDER_PASSED_ON, DOCKER_TYPES},
    {"kubernetes", PROVIDER_PASSED_ON, KUBERNETES_TYPES},
    {"custom-artifact", PROVIDER_PASSED_ON, CUSTOM_TYPES},
};

static void account_free(gpointer data) {
    ArtifactAccount *account = data;
    char *const texts[] = {account->name,  account->username,   account->password,   account->password_file,
                           account->token, account->token_file, account->api_version};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    json_unref(account->url_restrictions);
    g_free(account);
}

static void add_plain(ArtifactAccounts *accounts, const char *name, ArtifactProvider provider, const char *const *types) {
    ArtifactAccount *account = g_new0(ArtifactAccount, 1);
    account->name = g_strdup(name);
    account->provider = provider;
    account->types = types;
    g_ptr_array_add(accounts->all, account);
}

static gboolean has_credentials(const ArtifactAccount *account) {
    return account->username != NULL || account->password_file != NULL || account->token != NULL || account->token_file != NULL;
}

static gboolean add_account(ArtifactAccounts *accounts, Config *config, gsize which, const JsonValue *value, gsize index, guint first,
                            GError **error) {
    const char *prefix = PROVIDERS[which].section->prefix;
    ArtifactAccount *account = g_new0(ArtifactAccount, 1);
    account->provider = PROVIDERS[which].provider;
    account->types = PROVIDERS[which].types;
    gboolean fine = config_read_value(config, value, PROVIDERS[which].params, account, error);
    if (!fine)
        g_prefix_error(error, "%s.accounts[%" G_GSIZE_FORMAT "]: ", prefix, index);
    for (guint i = first; fine && i < accounts->all->len; i++)
        if (strcmp(((ArtifactAccount *)accounts->all->pdata[i])->name, account->name) == 0) {
            error_set(error, ERR_INVALID, "%s.accounts: \"%s\" is configured twice", prefix, account->name);
            fine = FALSE;
        }
    if (fine && account->url_restrictions != NULL) {
        g_autofree char *where = g_strdup_printf("%s.accounts[%" G_GSIZE_FORMAT "].urlRestrictions", prefix, index);
        g_autoptr(UrlGuard) guard = url_guard_new_for(config, json_root(account->url_restrictions), where, error);
        fine = guard != NULL;
    }
    if (fine)
        g_ptr_array_add(accounts->all, account);
    else
        account_free(account);
    return fine;
}

static gboolean add_provider(ArtifactAccounts *accounts, Config *config, gsize which, GError **error) {
    const ConfigSection *section = PROVIDERS[which].section;
    Provider provider = {0};
    if (!config_read(config, section, &provider, error))
        return FALSE;
    g_autofree char *path = g_strconcat(section->prefix, ".accounts", NULL);
    const gboolean enabled = provider.enabled;
    const JsonValue *list = enabled ? config_get(config, SERVICE_CLOUDDRIVER, path) : NULL;
    params_clear(section->params, &provider);
    if ((list != NULL && !json_is_array(list)) || json_length(list) > ARTIFACT_ACCOUNTS_MAX) {
        error_set(error, ERR_INVALID, "%s: expected a list of at most %d accounts", path, ARTIFACT_ACCOUNTS_MAX);
        return FALSE;
    }
    const guint first = accounts->all->len;
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!add_account(accounts, config, which, i.value, i.index, first, error))
            return FALSE;
    gboolean secured = FALSE;
    for (guint i = first; i < accounts->all->len; i++)
        secured = secured || has_credentials(accounts->all->pdata[i]);
    if (enabled && PROVIDERS[which].provider == PROVIDER_HTTP && !secured)
        add_plain(accounts, NO_AUTH_ACCOUNT, PROVIDER_HTTP, HTTP_TYPES);
    return TRUE;
}

ArtifactAccounts *artifact_accounts_new(Config *config, GError **error) {
    g_autoptr(ArtifactAccounts) accounts = g_new0(ArtifactAccounts, 1);
    accounts->all = g_ptr_array_new_with_free_func(account_free);
    for (gsize i = 0; i < G_N_ELEMENTS(ALWAYS); i++)
        add_plain(accounts, ALWAYS[i].name, ALWAYS[i].provider, ALWAYS[i].types);
    for (gsize i = 0; i < G_N_ELEMENTS(PROVIDERS); i++)
        if (!add_provider(accounts, config, i, error))
            return NULL;
    return g_steal_pointer(&accounts);
}

void artifact_accounts_free(ArtifactAccounts *accounts) {
    if (accounts == NULL)
        return;
    g_ptr_array_unref(accounts->all);
    g_free(accounts);
}

static gboolean handles(const ArtifactAccount *account, const char *type) {
    if (type == NULL || g_strv_contains(account->types, type))
        return TRUE;
    return account->provider == PROVIDER_EMBEDDED && (g_str_has_prefix(type, "embedded/") || g_str_has_prefix(type, "remote/"));
}

const ArtifactAccount *artifact_accounts_find(const ArtifactAccounts *accounts, const char *name, const char *type, GError **error) {
    if (name == NULL || *name == '\0') {
        error_set(error, ERR_INVALID, "An artifact account must be supplied to download this artifact");
        return NULL;
    }
    for (guint i = 0; i < accounts->all->len; i++) {
        const ArtifactAccount *account = accounts->all->pdata[i];
        if (strcmp(account->name, name) == 0 && handles(account, type))
            return account;
    }
    error_set(error, ERR_NOT_FOUND, "Credentials '%s' supporting artifact type '%s' cannot be found", name, type != NULL ? type : "");
    return NULL;
}

const ArtifactAccount *artifact_accounts_first(const ArtifactAccounts *accounts, const char *type) {
    for (guint i = 0; i < accounts->all->len; i++)
        if (handles(accounts->all->pdata[i], type))
            return accounts->all->pdata[i];
    return NULL;
}

Json *artifact_accounts_list(const ArtifactAccounts *accounts) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < accounts->all->len; i++) {
        const ArtifactAccount *account = accounts->all->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", account->name);
        json_add_strings(builder, "types", account->types);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
