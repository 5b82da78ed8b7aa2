/* AssumeRole and AssumeRoleWithWebIdentity. */
#include "clouds/aws/credentials_sts.h"
#include "base/clock.h"
#include "clouds/aws/endpoint.h"
#include <string.h>

const char *aws_sts_region(const char *role_arn, const char *region) {
    const AwsPartition *partition = aws_partition_of_arn(role_arn);
    if (!partition)
        return region ? region : aws_partition_of_region(NULL)->home;
    return region && aws_partition_of_region(region) == partition ? region : partition->home;
}

static AwsCredentials *ask(AwsClient *client, const AwsAssumeRole *role, const AwsQuery *query, Cancel *cancel, GError **error) {
    g_autoptr(XmlDocument) document = aws_client_send(client, aws_sts_region(role->role_arn, role->region), query, cancel, error);
    if (!document)
        return NULL;
    const XmlNode *found = xml_get(aws_answer(document, aws_query_call(query)), "Credentials");
    g_autofree char *id = xml_get_text(found, "AccessKeyId"), *secret = xml_get_text(found, "SecretAccessKey");
    g_autofree char *token = xml_get_text(found, "SessionToken"), *expiration = xml_get_text(found, "Expiration");
    gint64 expires_ms = expiration ? clock_parse_iso8601(expiration) : -1;
    if (id && secret && token && expires_ms > 0)
        return aws_credentials_new(id, secret, token, expires_ms);
    error_set(error, ERR_REMOTE, "%s %s: the answer holds no credentials with their end", aws_call(aws_query_call(query))->action,
              role->role_arn);
    return NULL;
}

static AwsQuery *role_query(AwsCallId call, const AwsAssumeRole *role) {
    AwsQuery *query = aws_query_new(call);
    aws_query_about(query, role->role_arn);
    aws_query_add(query, role->role_arn, "RoleArn");
    aws_query_add(query, role->session_name && *role->session_name ? role->session_name : AWS_SESSION_NAME, "RoleSessionName");
    aws_query_add(query, role->external_id && *role->external_id ? role->external_id : NULL, "ExternalId");
    if (role->duration_s > 0)
        aws_query_add_int(query, role->duration_s, "DurationSeconds");
    return query;
}

AwsCredentials *aws_sts_assume(AwsClient *client, const AwsAssumeRole *role, Cancel *cancel, GError **error) {
    g_autoptr(AwsQuery) query = role_query(AWS_ASSUME_ROLE, role);
    return ask(client, role, query, cancel, error);
}

AwsCredentials *aws_sts_web_identity(AwsClient *client, const AwsAssumeRole *role, const char *token_file, Cancel *cancel, GError **error) {
    g_autofree char *token = NULL;
    g_autoptr(GError) failed = NULL;
    if (!g_file_get_contents(token_file, &token, NULL, &failed)) {
        error_set(error, ERR_UNAVAILABLE, "web identity token file %s: %s", token_file, failed->message);
        return NULL;
    }
    g_autoptr(AwsQuery) query = role_query(AWS_ASSUME_ROLE_WITH_WEB_IDENTITY, role);
    aws_query_add(query, g_strstrip(token), "WebIdentityToken");
    return ask(client, role, query, cancel, error);
}
