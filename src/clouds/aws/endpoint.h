/* Where a service of a region is reached, and which partition (aws, aws-cn, aws-us-gov …) a region is in. Pure but for the
 * environment; any thread. */
#pragma once
#include "base/json.h"
#include "clouds/aws/calls.h"

typedef struct {
    const char *id;     /* "aws": as in ARNs */
    const char *suffix; /* "amazonaws.com" */
    const char *home;   /* region that signs for global services, and whose STS is asked when no region is known */
} AwsPartition;
const AwsPartition *aws_partition_of_region(const char *region);
/* Of an ARN; NULL when the text is none or names an unknown partition. */
const AwsPartition *aws_partition_of_arn(const char *arn);

/* The URL of a service, without a path or with the path of the override; caller frees. Order: overrides of the account, of the
 * configuration (each a URL for all services, or an object by service), AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, AWS's own. */
char *aws_endpoint_url(AwsServiceId service, const char *region, const JsonValue *account_override, const JsonValue *override);
/* The region that signs a call to the service. */
const char *aws_endpoint_signing_region(AwsServiceId service, const char *region);
/* What is wrong with a value of `endpointUrl`; NULL: nothing. Caller frees. */
char *aws_endpoint_problem(const JsonValue *override);
