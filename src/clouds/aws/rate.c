/* Buckets by region and service. Own lock; nothing is called out under it. */
#include "clouds/aws/rate.h"
#include "base/clock.h"
#include "net/rate_limit.h"

#define RATE_MAX 10000.0

struct AwsRates {
    Json *service_limits;
    char *account;
    GMutex lock;
    GHashTable *buckets; /* "region/service" → RateLimit */
};

/* Names that the configuration uses for the clients of a service. */
static const char *const CLIENT_NAMES[AWS_SERVICES] = {
    [AWS_EC2] = "AmazonEC2",
    [AWS_AUTO_SCALING] = "AmazonAutoScaling",
    [AWS_ELB] = "AmazonElasticLoadBalancing",
    [AWS_ELB_V2] = "AmazonElasticLoadBalancingV2",
    [AWS_CLOUDWATCH] = "AmazonCloudWatch",
    [AWS_STS] = "AWSSecurityTokenService",
    [AWS_IAM] = "AmazonIdentityManagement",
};

AwsRates *aws_rates_new(Json *service_limits, const char *account) {
    AwsRates *rates = g_new0(AwsRates, 1);
    rates->service_limits = json_ref(service_limits);
    rates->account = g_strdup(account);
    g_mutex_init(&rates->lock);
    rates->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)rate_limit_free);
    return rates;
}

void aws_rates_free(AwsRates *rates) {
    if (!rates)
        return;
    json_unref(rates->service_limits);
    g_hash_table_unref(rates->buckets);
    g_mutex_clear(&rates->lock);
    g_free(rates->account);
    g_free(rates);
}

double aws_rates_per_second(const JsonValue *limits, const char *account, AwsServiceId service) {
    const JsonValue *client = json_dig(limits, "implementationLimits", CLIENT_NAMES[service], NULL);
    const JsonValue *const places[] = {
        json_dig(client, "accountOverrides", account, "rateLimit", NULL),
        json_dig(client, "defaults", "rateLimit", NULL),
        json_dig(limits, "accountOverrides", account, "rateLimit", NULL),
        json_dig(limits, "cloudProviderOverrides", "aws", "rateLimit", NULL),
        json_dig(limits, "defaults", "rateLimit", NULL),
    };
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        double rate = json_double(places[i], 0);
        if (rate > 0)
            return MIN(rate, RATE_MAX);
    }
    return RATE_LIMIT_PER_SECOND;
}

gboolean aws_rates_take(AwsRates *rates, const char *region, const AwsCall *call, gint64 *wait_ms) {
    g_autofree char *key = g_strdup_printf("%s/%s", region, aws_service(call->service)->key);
    g_mutex_lock(&rates->lock);
    RateLimit *bucket = g_hash_table_lookup(rates->buckets, key);
    if (!bucket) {
        double rate = aws_rates_per_second(json_root(rates->service_limits), rates->account, call->service);
        bucket = rate_limit_new(rate, MAX(rate, 1.0));
        g_hash_table_insert(rates->buckets, g_steal_pointer(&key), bucket);
    }
    g_mutex_unlock(&rates->lock);
    return rate_limit_take(bucket, call->writes, clock_elapsed_ms(), wait_ms);
}
