/* Artifact accounts of the configuration (artifacts.md 3): with which credentials which types of artifacts are read. Immutable; any thread. */
#pragma once
#include "base/config.h"

#define ARTIFACT_ACCOUNTS_MAX 1000 /* of one provider */

extern const ConfigSection *const artifact_account_sections[]; /* NULL-terminated */

typedef enum {
    PROVIDER_EMBEDDED,
    PROVIDER_PASSED_ON,
    PROVIDER_HTTP,
    PROVIDER_GITHUB,
    PROVIDER_GITLAB,
    PROVIDER_BITBUCKET
} ArtifactProvider;

typedef struct {
    char *name;
    ArtifactProvider provider;
    const char *const *types; /* that it handles, NULL-terminated */
    char *username, *password, *password_file, *token, *token_file, *api_version;
    gboolean content_api;
    Json *url_restrictions; /* or NULL: those of all URLs that users wrote */
} ArtifactAccount;

typedef struct ArtifactAccounts ArtifactAccounts;
/* ERR_INVALID names the key. Caller frees. */
ArtifactAccounts *artifact_accounts_new(Config *config, GError **error);
void artifact_accounts_free(ArtifactAccounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArtifactAccounts, artifact_accounts_free)
/* The account of that name that handles the type (NULL: any); ERR_INVALID without a name, ERR_NOT_FOUND. Borrowed. */
const ArtifactAccount *artifact_accounts_find(const ArtifactAccounts *accounts, const char *name, const char *type, GError **error);
/* The first that is configured for the type, or NULL. Borrowed. */
const ArtifactAccount *artifact_accounts_first(const ArtifactAccounts *accounts, const char *type);
/* [{name, types}] as GET /artifacts/credentials shows them; caller owns. */
Json *artifact_accounts_list(const ArtifactAccounts *accounts);
