/* Calls of AWS for one account: endpoint, signature, rate limit, retries, errors. Any thread. */
#pragma once
#include "clouds/aws/credentials.h"
#include "clouds/aws/query.h"
#include "net/xml.h"

#define AWS_CALL_TIMEOUT_MS 20000
#define AWS_CALL_CONNECT_MS 5000
#define AWS_ERROR_RETRIES 3    /* client.maxErrorRetry when the configuration does not say */
#define AWS_RETRY_DELAY_MS 100 /* first back-off; doubles */
#define AWS_THROTTLED_DELAY_MS 500
#define AWS_RETRY_DELAY_MAX_MS 20000
#define AWS_SKEW_MIN_MS (60 * 1000) /* a smaller difference of clocks is not corrected */
#define AWS_PAGES_MAX 10000         /* of one list: more is an error */

typedef struct AwsClient AwsClient;
typedef struct {
    HttpClient *http;                  /* borrowed, outlives the client */
    AwsCredentialSource *source;       /* a reference is taken; NULL: only calls that need no signature */
    const char *account;               /* for error texts */
    Json *account_override, *override; /* endpointUrl of account and configuration; references are taken; or NULL */
    gint64 error_retries;              /* -1: AWS_ERROR_RETRIES */
    Json *service_limits;              /* `serviceLimits` of the configuration; a reference is taken; or NULL */
} AwsClientOptions;
AwsClient *aws_client_new(const AwsClientOptions *options);
AwsClient *aws_client_ref(AwsClient *client);
void aws_client_unref(AwsClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsClient, aws_client_unref)

/* One call, one page. Reads are repeated as the SDKs do (throttling, 5xx, lost answers, clock skew); writes only when they were
 * certainly not carried out. Errors: failure.h. Caller frees. */
XmlDocument *aws_client_send(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, GError **error);
/* A write whose answer does not matter. */
gboolean aws_client_write(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, GError **error);
/* The element with the result: <ActionResult>, or the root. */
const XmlNode *aws_answer(const XmlDocument *document, AwsCallId call);

/* All items of all pages, in order. An error of any page is an error of the whole. FALSE from visit stops with its *error. */
typedef gboolean (*AwsVisit)(const XmlNode *item, gpointer data, GError **error);
gboolean aws_client_list(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, AwsVisit visit, gpointer data,
                         GError **error);
