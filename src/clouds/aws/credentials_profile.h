/* Profiles of ~/.aws/credentials and ~/.aws/config. Pure but for reading the two files; any thread. */
#pragma once
#include "base/error.h"

typedef struct {
    char *name;
    char *access_key_id, *secret_access_key, *session_token;
    char *role_arn, *source_profile, *credential_source, *external_id, *role_session_name, *web_identity_token_file, *region;
    gint64 duration_s; /* 0: not given */
} AwsProfile;
void aws_profile_free(AwsProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsProfile, aws_profile_free)

/* Both files by the rules of AWS's tools: sections [name] of the credentials file go over [profile name] (or [default]) of the
 * configuration file; AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others. NULL without *error: no such profile. */
AwsProfile *aws_profile_load(const char *name, GError **error);
/* From texts, for tests; either may be NULL. */
AwsProfile *aws_profile_parse(const char *name, const char *credentials_text, const char *config_text);
/* AWS_PROFILE, AWS_DEFAULT_PROFILE or "default". */
const char *aws_profile_default_name(void);
