/* Errors: one GError domain for the whole program.
 *
 * The code says what a caller can do about it. The text says what was being done, to what, where, and what the other
 * side answered; g_prefix_error() adds context on the way up. How an error looks outside (HTTP status, a stage's
 * exception, exit code of the command line) is one table, error_outward().
 */
#pragma once
#include <glib.h>

typedef enum {
    ERR_INVALID = 1,     /* the caller's input is wrong; the same call will fail again */
    ERR_UNAUTHENTICATED, /* nobody is signed in */
    ERR_FORBIDDEN,       /* this user may not */
    ERR_NOT_FOUND,       /* what was named does not exist */
    ERR_CONFLICT,        /* the state changed, or somebody else holds it */
    ERR_LIMIT,           /* a named limit was reached */
    ERR_UNAVAILABLE,     /* not now: nothing was done, try again */
    ERR_TIMEOUT,         /* the outcome is unknown: look before repeating */
    ERR_REMOTE,          /* the other side answered with an error of its own */
    ERR_CANCELLED,       /* given up because the caller was cancelled */
    ERR_INTERNAL,        /* a defect of this program or its machine */
} ErrorCode;

#define GENNAKER_ERROR (gennaker_error_quark())
GQuark gennaker_error_quark(void);

/* Sets *error (which may be NULL) to a new error of this program. */
void error_set(GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The code of an error; errors of other domains (GLib's) count as ERR_INTERNAL, file errors as the closest code. */
ErrorCode error_code(const GError *error);

/* How one code looks outside. */
typedef struct {
    ErrorCode code;
    const char *name;           /* "NOT_FOUND": in logs and in JSON output of the command line */
    int http_status;            /* api.md 1 */
    const char *http_error;     /* reason phrase as the API's body has it: "Not Found" */
    const char *exception_type; /* engine.md 1.4 */
    const char *kind;           /* HTTP, NETWORK, UNEXPECTED or NULL: engine.md 1.4 */
    gboolean should_retry;      /* whether a task that met it is run again after its back-off: engine.md 12.4 */
    int exit_code;              /* of the command line */
} ErrorOutward;

/* Never NULL. */
const ErrorOutward *error_outward(ErrorCode code);
