/* Rate limits of an account: one bucket per region and service, sized by `serviceLimits`. Any thread. */
#pragma once
#include "base/json.h"
#include "clouds/aws/calls.h"

typedef struct AwsRates AwsRates;
/* service_limits: a reference is taken; NULL: the default for all. */
AwsRates *aws_rates_new(Json *service_limits, const char *account);
void aws_rates_free(AwsRates *rates);
/* Takes a token for a call; FALSE: ask again after *wait_ms. Writes come first. */
gboolean aws_rates_take(AwsRates *rates, const char *region, const AwsCall *call, gint64 *wait_ms);
/* Calls per second that `serviceLimits` allows. Most specific first: client and account, client, account, provider, defaults. */
double aws_rates_per_second(const JsonValue *service_limits, const char *account, AwsServiceId service);
