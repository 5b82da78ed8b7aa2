/* Credentials that STS hands out. Any thread. */
#pragma once
#include "clouds/aws/client.h"

#define AWS_SESSION_NAME "Spinnaker" /* RoleSessionName when none is configured */

/* The region whose STS is asked for a role: that of the ARN's partition, when region is in another. */
const char *aws_sts_region(const char *role_arn, const char *region);
/* One AssumeRole by a client that signs with the base credentials. */
AwsCredentials *aws_sts_assume(AwsClient *client, const AwsAssumeRole *role, Cancel *cancel, GError **error);
/* One AssumeRoleWithWebIdentity with the token in the file. */
AwsCredentials *aws_sts_web_identity(AwsClient *client, const AwsAssumeRole *role, const char *token_file, Cancel *cancel, GError **error);
