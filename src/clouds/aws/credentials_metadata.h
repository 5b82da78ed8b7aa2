/* Credentials that the machine or the container hands out over HTTP. Any thread. */
#pragma once
#include "clouds/aws/credentials.h"

/* NULL without *error: this machine offers none (switched off, or nobody answers). */
AwsCredentials *aws_metadata_credentials(HttpClient *http, Cancel *cancel, GError **error);
/* NULL without *error: the environment names no container endpoint. */
AwsCredentials *aws_container_credentials(HttpClient *http, Cancel *cancel, GError **error);
/* {AccessKeyId, SecretAccessKey, Token, Expiration}; ERR_REMOTE when it is something else. */
AwsCredentials *aws_credentials_parse(const char *body, gsize length, GError **error);
/* May credentials be asked for in the clear at this URL? */
gboolean aws_container_url_is_allowed(const char *url);
