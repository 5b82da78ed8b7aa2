/* Endpoints: AWS's public rule <service>.<region>.<suffix>, and what overrides it. */
#include "clouds/aws/endpoint.h"
#include <string.h>

static const struct {
    const char *prefix; /* of region names */
    AwsPartition partition;
} PARTITIONS[] = {
    {"cn-", {"aws-cn", "amazonaws.com.cn", "cn-north-1"}},          {"us-gov-", {"aws-us-gov", "amazonaws.com", "us-gov-west-1"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1"}}, {"us-iso-", {"aws-iso", "c2s.ic.gov", "us-iso-east-1"}},
    {"eusc-", {"aws-eusc", "amazonaws.eu", "eusc-de-east-1"}},      {"", {"aws", "amazonaws.com", "us-east-1"}},
};

const AwsPartition *aws_partition_of_region(const char *region) {
    guint last = G_N_ELEMENTS(PARTITIONS) - 1;
    for (guint i = 0; region && i < last; i++)
        if (g_str_has_prefix(region, PARTITIONS[i].prefix))
            return &PARTITIONS[i].partition;
    return &PARTITIONS[last].partition;
}

const AwsPartition *aws_partition_of_arn(const char *arn) {
    if (!arn || !g_str_has_prefix(arn, "arn:"))
        return NULL;
    const char *id = arn + strlen("arn:");
    gsize length = strcspn(id, ":");
    for (guint i = 0; i < G_N_ELEMENTS(PARTITIONS); i++)
        if (strlen(PARTITIONS[i].partition.id) == length && !strncmp(PARTITIONS[i].partition.id, id, length))
            return &PARTITIONS[i].partition;
    return NULL;
}

static const char *from_override(const JsonValue *override, const AwsService *service) {
    return json_is_object(override) ? json_get_string(override, service->key) : json_string(override);
}

static const char *from_environment(const AwsService *service) {
    if (g_strcmp0(g_getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") == 0)
        return NULL;
    g_autofree char *name = g_strconcat("AWS_ENDPOINT_URL_", service->variable, NULL);
    const char *own = g_getenv(name);
    return own && *own ? own : g_getenv("AWS_ENDPOINT_URL");
}

static char *without_slash(const char *url) {
    gsize length = strlen(url);
    while (length && url[length - 1] == '/')
        length--;
    return g_strndup(url, length);
}

char *aws_endpoint_url(AwsServiceId id, const char *region, const JsonValue *account_override, const JsonValue *override) {
    const AwsService *service = aws_service(id);
    const char *given = from_override(account_override, service);
    given = given ? given : from_override(override, service);
    given = given ? given : from_environment(service);
    if (given && *given)
        return without_slash(given);
    const AwsPartition *partition = aws_partition_of_region(region);
    if (service->global)
        return g_strdup_printf("https://%s.%s", service->host, partition->suffix);
    return g_strdup_printf("https://%s.%s.%s", service->host, region, partition->suffix);
}

const char *aws_endpoint_signing_region(AwsServiceId id, const char *region) {
    return aws_service(id)->global ? aws_partition_of_region(region)->home : region;
}

static gboolean is_url(const char *text) {
    return text && (g_str_has_prefix(text, "https://") || g_str_has_prefix(text, "http://"));
}

static gboolean is_service_key(const char *key) {
    for (guint i = 0; i < AWS_SERVICES; i++)
        if (!strcmp(aws_service((AwsServiceId)i)->key, key))
            return TRUE;
    return FALSE;
}

char *aws_endpoint_problem(const JsonValue *override) {
    if (!override || json_is_null(override) || is_url(json_string(override)))
        return NULL;
    if (!json_is_object(override))
        return g_strdup("endpointUrl: expected a URL, or an object of URLs by service");
    for (JsonIter i = json_iter(override); json_next(&i);) {
        if (!is_service_key(i.key))
            return g_strdup_printf("endpointUrl.%s: unknown service (known: ec2, autoscaling, elasticloadbalancing, "
                                   "elasticloadbalancingv2, cloudwatch, sts, iam)",
                                   i.key);
        if (!is_url(json_string(i.value)))
            return g_strdup_printf("endpointUrl.%s: expected a URL", i.key);
    }
    return NULL;
}
