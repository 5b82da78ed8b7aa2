/* Credentials: where they come from, kept until shortly before they expire, fetched by one thread at a time. Any thread. */
#pragma once
#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "net/http_client.h"

#define AWS_CREDENTIALS_REFRESH_MS (5 * 60 * 1000) /* before their end they are fetched anew (a third of a shorter life) */
#define AWS_CREDENTIALS_RETRY_MS (20 * 1000)       /* after a failed early fetch the old ones are used this long */
#define AWS_CREDENTIALS_BODY_MAX (256 * 1024)      /* bytes of an answer with credentials */
#define AWS_PROFILE_CHAIN_MAX 8                    /* source_profile steps */

/* Immutable, reference-counted. */
typedef struct {
    char *access_key_id, *secret_access_key, *session_token; /* token may be NULL */
    gint64 begins_ms, expires_ms;                            /* expires_ms 0: never */
    gint ref_count;
} AwsCredentials;
AwsCredentials *aws_credentials_new(const char *access_key_id, const char *secret_access_key, const char *session_token, gint64 expires_ms);
AwsCredentials *aws_credentials_ref(AwsCredentials *credentials);
void aws_credentials_unref(AwsCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsCredentials, aws_credentials_unref)

typedef struct AwsCredentialSource AwsCredentialSource;
typedef AwsCredentials *(*AwsCredentialFetch)(gpointer data, Cancel *cancel, GError **error);
/* Takes data, freed by free_data with the last reference. */
AwsCredentialSource *aws_credential_source_new(const char *label, AwsCredentialFetch fetch, gpointer data, GDestroyNotify free_data);
AwsCredentialSource *aws_credential_source_ref(AwsCredentialSource *source);
void aws_credential_source_unref(AwsCredentialSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsCredentialSource, aws_credential_source_unref)
/* Valid ones; caller owns a reference. The errors of fetches are prefixed with the label. */
AwsCredentials *aws_credential_source_get(AwsCredentialSource *source, Cancel *cancel, GError **error);
/* The other side said that these have ended: the next get fetches anew. */
void aws_credential_source_expired(AwsCredentialSource *source, const AwsCredentials *used);

/* The sources. region: where regional STS is asked; override: endpointUrl of the configuration (Json, kept), or NULL. */
AwsCredentialSource *aws_credentials_static(const char *access_key_id, const char *secret_access_key);
/* The SDK's order: environment, web identity, profile, container, instance metadata. profile: NULL is AWS_PROFILE. */
AwsCredentialSource *aws_credentials_chain(HttpClient *http, const char *region, Json *override, const char *profile);
typedef struct {
    const char *role_arn, *session_name, *external_id; /* external_id may be NULL */
    gint64 duration_s;                                 /* 0: the service's default */
    const char *region;
} AwsAssumeRole;
AwsCredentialSource *aws_credentials_assume_role(HttpClient *http, AwsCredentialSource *base, const AwsAssumeRole *role, Json *override);
