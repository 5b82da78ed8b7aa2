/* One outgoing HTTP call as a curl easy handle: options in, answer or error out. Private to the HTTP client.
 *
 * Made by the caller's thread, then used by the loop thread alone until it is done. */
#pragma once
#include "net/http_client.h"
#include <curl/curl.h>

typedef struct {
    const HttpRequest *request;
    HttpResponse *response;
    CURL *easy;
    struct curl_slist *request_headers;
    char *origin; /* scheme://host:port for messages: paths, queries and user information may hold secrets */
    GByteArray *body;
    GPtrArray *headers;
    gsize header_bytes, body_max;
    gint64 started_ms, deadline_ms;
    gboolean sent;            /* the request may have reached the other side */
    gboolean headed;          /* the headers of the last answer came whole */
    gboolean consumed;        /* on_data wants no more */
    char refused_address[64]; /* what allow_address refused last */
    const char *stopped_by;   /* message of the limit or rule that ended it, or NULL */
    ErrorCode stopped_code;
    char curl_error[CURL_ERROR_SIZE];
    int cancelled; /* atomic: set by the cancelling thread */
    /* under the client's lock */
    GCond finished;
    gboolean done, succeeded;
    GError *error;
} Transfer;

/* http_tls.c: sets what the call's TLS does. ERR_INVALID: libcurl cannot. */
gboolean http_tls_apply(const HttpTls *tls, CURL *easy, GError **error);

/* ERR_INVALID for a request that cannot be sent. */
Transfer *transfer_new(const HttpRequest *request, HttpResponse *response, GError **error);
void transfer_free(Transfer *transfer);

/* Loop thread, after the easy handle left the multi handle: fills the response or the error. */
void transfer_conclude(Transfer *transfer, CURLcode result);
/* Loop thread: ends it with an error that did not come from curl. */
void transfer_expire(Transfer *transfer);
void transfer_cancel(Transfer *transfer, const char *why);
