/* Where base credentials are looked for, in the SDK's order; and roles assumed with them. */
#include "clouds/aws/credentials_metadata.h"
#include "clouds/aws/credentials_profile.h"
#include "clouds/aws/credentials_sts.h"
#include <string.h>

typedef struct {
    HttpClient *http;
    char *region, *profile; /* either may be NULL */
    Json *override;
} Chain;

static const char *environment(const char *name) {
    const char *value = g_getenv(name);
    return value && *value ? value : NULL;
}

static AwsClient *sts_client(const Chain *chain, AwsCredentialSource *base) {
    AwsClientOptions options = {
        .http = chain->http, .source = base, .account = "base credentials", .override = chain->override, .error_retries = -1};
    return aws_client_new(&options);
}

static const char *sts_region(const Chain *chain) {
    const char *region = environment("AWS_REGION");
    region = region ? region : environment("AWS_DEFAULT_REGION");
    return region ? region : chain->region;
}

/* ---- the members: NULL without *error is "not configured here" ---- */

static AwsCredentials *from_environment(const Chain *chain, Cancel *cancel, GError **error) {
    (void)chain, (void)cancel, (void)error;
    const char *id = environment("AWS_ACCESS_KEY_ID"), *secret = environment("AWS_SECRET_ACCESS_KEY");
    id = id ? id : environment("AWS_ACCESS_KEY");
    secret = secret ? secret : environment("AWS_SECRET_KEY");
    return id && secret ? aws_credentials_new(id, secret, environment("AWS_SESSION_TOKEN"), 0) : NULL;
}

static AwsCredentials *from_web_identity(const Chain *chain, Cancel *cancel, GError **error) {
    const char *file = environment("AWS_WEB_IDENTITY_TOKEN_FILE"), *arn = environment("AWS_ROLE_ARN");
    if (!file || !arn)
        return NULL;
    g_autoptr(AwsClient) client = sts_client(chain, NULL);
    AwsAssumeRole role = {.role_arn = arn, .session_name = environment("AWS_ROLE_SESSION_NAME"), .region = sts_region(chain)};
    return aws_sts_web_identity(client, &role, file, cancel, error);
}

static AwsCredentials *from_container(const Chain *chain, Cancel *cancel, GError **error) {
    return aws_container_credentials(chain->http, cancel, error);
}

static AwsCredentials *from_metadata(const Chain *chain, Cancel *cancel, GError **error) {
    return aws_metadata_credentials(chain->http, cancel, error);
}

/* ---- profiles ---- */

static const struct {
    const char *name;
    AwsCredentials *(*fetch)(const Chain *chain, Cancel *cancel, GError **error);
} PROFILE_SOURCES[] = {
    {"Environment", from_environment},
    {"EcsContainer", from_container},
    {"Ec2InstanceMetadata", from_metadata},
};

static AwsCredentials *from_credential_source(const Chain *chain, const AwsProfile *profile, Cancel *cancel, GError **error) {
    for (guint i = 0; i < G_N_ELEMENTS(PROFILE_SOURCES); i++) {
        if (strcmp(PROFILE_SOURCES[i].name, profile->credential_source))
            continue;
        g_autoptr(GError) failed = NULL;
        AwsCredentials *found = PROFILE_SOURCES[i].fetch(chain, cancel, &failed);
        if (failed)
            g_propagate_error(error, g_steal_pointer(&failed));
        else if (!found)
            error_set(error, ERR_UNAVAILABLE, "profile %s: credential_source %s offers none here", profile->name,
                      profile->credential_source);
        return found;
    }
    error_set(error, ERR_INVALID, "profile %s: credential_source %s: expected Environment, EcsContainer or Ec2InstanceMetadata",
              profile->name, profile->credential_source);
    return NULL;
}

static AwsCredentials *from_keys(const AwsProfile *profile) {
    if (!profile->access_key_id || !profile->secret_access_key)
        return NULL;
    return aws_credentials_new(profile->access_key_id, profile->secret_access_key, profile->session_token, 0);
}

static AwsCredentials *profile_credentials(const Chain *chain, const AwsProfile *profile, guint depth, Cancel *cancel, GError **error);

/* What a profile's role is assumed with. */
static AwsCredentials *role_base(const Chain *chain, const AwsProfile *profile, guint depth, Cancel *cancel, GError **error) {
    if (profile->credential_source)
        return from_credential_source(chain, profile, cancel, error);
    if (!profile->source_profile) {
        error_set(error, ERR_INVALID, "profile %s: role_arn needs source_profile, credential_source or web_identity_token_file",
                  profile->name);
        return NULL;
    }
    if (!strcmp(profile->source_profile, profile->name) && profile->access_key_id)
        return from_keys(profile);
    g_autoptr(AwsProfile) source = NULL;
    if (depth >= AWS_PROFILE_CHAIN_MAX) {
        error_set(error, ERR_LIMIT, "profile %s: more than %d source profiles behind one another", profile->name, AWS_PROFILE_CHAIN_MAX);
        return NULL;
    }
    g_autoptr(GError) failed = NULL;
    source = aws_profile_load(profile->source_profile, &failed);
    if (source)
        return profile_credentials(chain, source, depth + 1, cancel, error);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    else
        error_set(error, ERR_INVALID, "profile %s: source_profile %s does not exist", profile->name, profile->source_profile);
    return NULL;
}

static AwsCredentials *fetch_kept(gpointer data, Cancel *cancel, GError **error) {
    (void)cancel, (void)error;
    return aws_credentials_ref(data);
}

static AwsCredentials *profile_credentials(const Chain *chain, const AwsProfile *profile, guint depth, Cancel *cancel, GError **error) {
    if (!profile->role_arn) {
        AwsCredentials *keys = from_keys(profile);
        if (!keys)
            error_set(error, ERR_INVALID, "profile %s: no aws_access_key_id and aws_secret_access_key, and no role_arn", profile->name);
        return keys;
    }
    AwsAssumeRole role = {.role_arn = profile->role_arn,
                          .session_name = profile->role_session_name,
                          .external_id = profile->external_id,
                          .duration_s = profile->duration_s,
                          .region = profile->region ? profile->region : sts_region(chain)};
    if (profile->web_identity_token_file) {
        g_autoptr(AwsClient) client = sts_client(chain, NULL);
        return aws_sts_web_identity(client, &role, profile->web_identity_token_file, cancel, error);
    }
    AwsCredentials *base = role_base(chain, profile, depth, cancel, error);
    if (!base)
        return NULL;
    g_autoptr(AwsCredentialSource)
        source = aws_credential_source_new(profile->name, fetch_kept, base, (GDestroyNotify)aws_credentials_unref);
    g_autoptr(AwsClient) client = sts_client(chain, source);
    return aws_sts_assume(client, &role, cancel, error);
}

static AwsCredentials *from_profile(const Chain *chain, Cancel *cancel, GError **error) {
    const char *name = chain->profile ? chain->profile : aws_profile_default_name();
    gboolean is_named = chain->profile || environment("AWS_PROFILE");
    g_autoptr(GError) failed = NULL;
    g_autoptr(AwsProfile) profile = aws_profile_load(name, &failed);
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (!profile) {
        if (is_named)
            error_set(error, ERR_INVALID, "profile %s does not exist", name);
        return NULL;
    }
    if (!is_named && !profile->role_arn && !profile->access_key_id)
        return NULL; /* a default section with a region only */
    return profile_credentials(chain, profile, 0, cancel, error);
}

/* ---- the chain ---- */

static const struct {
    const char *name;
    AwsCredentials *(*fetch)(const Chain *chain, Cancel *cancel, GError **error);
} MEMBERS[] = {
    {"environment", from_environment}, {"web identity", from_web_identity},  {"profile", from_profile},
    {"container", from_container},     {"instance metadata", from_metadata},
};

/* The first member that has some. None at all is ERR_UNAVAILABLE: a metadata service that does not answer looks like none, and a file
 * may be written anew just now. One that is configured and fails ends the search: another identity would surprise. */
static AwsCredentials *fetch_chain(gpointer data, Cancel *cancel, GError **error) {
    const Chain *chain = data;
    if (chain->profile)
        return from_profile(chain, cancel, error);
    for (guint i = 0; i < G_N_ELEMENTS(MEMBERS); i++) {
        g_autoptr(GError) failed = NULL;
        AwsCredentials *found = MEMBERS[i].fetch(chain, cancel, &failed);
        if (found)
            return found;
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
    }
    error_set(error, ERR_UNAVAILABLE,
              "no AWS credentials: none in the environment (AWS_ACCESS_KEY_ID), no web identity, no profile, no container "
              "endpoint, no instance metadata");
    return NULL;
}

static void free_chain(gpointer data) {
    Chain *chain = data;
    g_free(chain->region);
    g_free(chain->profile);
    json_unref(chain->override);
    g_free(chain);
}

AwsCredentialSource *aws_credentials_chain(HttpClient *http, const char *region, Json *override, const char *profile) {
    Chain *chain = g_new0(Chain, 1);
    chain->http = http;
    chain->region = g_strdup(region);
    chain->profile = g_strdup(profile);
    chain->override = json_ref(override);
    return aws_credential_source_new("AWS credentials", fetch_chain, chain, free_chain);
}

/* ---- an account's role ---- */

typedef struct {
    AwsClient *client;
    AwsAssumeRole role; /* its texts are owned */
} RoleSource;

static AwsCredentials *fetch_role(gpointer data, Cancel *cancel, GError **error) {
    RoleSource *source = data;
    return aws_sts_assume(source->client, &source->role, cancel, error);
}

static void free_role(gpointer data) {
    RoleSource *source = data;
    aws_client_unref(source->client);
    g_free((char *)source->role.role_arn);
    g_free((char *)source->role.session_name);
    g_free((char *)source->role.external_id);
    g_free((char *)source->role.region);
    g_free(source);
}

AwsCredentialSource *aws_credentials_assume_role(HttpClient *http, AwsCredentialSource *base, const AwsAssumeRole *role, Json *override) {
    RoleSource *source = g_new0(RoleSource, 1);
    AwsClientOptions options = {.http = http, .source = base, .account = "base credentials", .override = override, .error_retries = -1};
    source->client = aws_client_new(&options);
    source->role = (AwsAssumeRole){g_strdup(role->role_arn), g_strdup(role->session_name), g_strdup(role->external_id), role->duration_s,
                                   g_strdup(role->region)};
    g_autofree char *label = g_strdup_printf("assume role %s", role->role_arn);
    return aws_credential_source_new(label, fetch_role, source, free_role);
}
