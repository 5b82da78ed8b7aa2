/* What AWS answers instead of a result: its code and words, and what follows from them. Pure; any thread. */
#pragma once
#include "clouds/aws/query.h"
#include "net/http_client.h"

typedef enum {
    AWS_FAILURE_ANSWER,    /* a definite no */
    AWS_FAILURE_THROTTLED, /* not done; later */
    AWS_FAILURE_SERVER,    /* 5xx, or an answer that cannot be read: done or not, nobody knows */
    AWS_FAILURE_SKEWED,    /* our clock differs from theirs */
    AWS_FAILURE_EXPIRED,   /* the session ended; with new credentials it works */
    AWS_FAILURE_NOT_SENT,  /* certainly did not arrive */
    AWS_FAILURE_UNKNOWN,   /* sent, no answer */
    AWS_FAILURE_CANCELLED,
} AwsFailureKind;

typedef struct {
    AwsFailureKind kind;
    int status;    /* HTTP; 0: no answer */
    char *code;    /* "ValidationError"; never NULL */
    char *message; /* theirs; never NULL */
} AwsFailure;
void aws_failure_clear(AwsFailure *failure);

/* Of an answer with an error status. */
void aws_failure_read(AwsFailure *failure, const HttpResponse *response);
/* Of a call without answer. */
void aws_failure_from_transport(AwsFailure *failure, const GError *error);
/* Of an answer that is no answer: malformed, empty, of another call. */
void aws_failure_malformed(AwsFailure *failure, int status, const char *what);

/* Error codes that end with this call, for a read and for a write: DESIGN: certainly not done is ERR_UNAVAILABLE, unknown is
 * ERR_TIMEOUT. Text: "<call> <resource> in <region> (account <account>): <message> (<code>)". */
void aws_failure_to_error(const AwsFailure *failure, const AwsQuery *query, const char *account, const char *region, GError **error);

/* Did AWS answer with this code? Reads it from the end of the error's text. NULL-safe. */
gboolean aws_error_is(const GError *error, const char *code);
/* Is what the call was about absent? */
gboolean aws_error_is_absent(const GError *error);
/* "Already exists", whatever the service calls it. */
gboolean aws_error_is_duplicate(const GError *error);
/* May pass when something made a moment ago becomes visible: not found, or a validation that refers to it. */
gboolean aws_error_may_be_invisible(const GError *error);
