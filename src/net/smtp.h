/* Mail outward by SMTP. Blocks the calling thread; any thread. */
#pragma once
#include "base/cancel.h"
#include "base/error.h"

#define SMTP_TIMEOUT_MS 20000
#define SMTP_CONNECT_TIMEOUT_MS 5000
#define SMTP_RECIPIENTS_MAX 100
#define SMTP_MESSAGE_MAX (1024 * 1024) /* bytes */

typedef enum {
    SMTP_PLAIN,
    SMTP_STARTTLS_TRY,      /* when the server offers it */
    SMTP_STARTTLS_REQUIRED, /* or nothing is sent */
    SMTP_TLS,               /* from the first byte (port 465) */
} SmtpSecurity;

typedef struct {
    const char *host;
    guint16 port;
    SmtpSecurity security;
    const char *username, *password; /* NULL: without signing in */
    const char *ca_file;             /* NULL: the system's */
    const char *from;                /* an address */
    const char *const *recipients;   /* addresses; NULL-terminated */
    const char *message;             /* headers, an empty line, the body; lines end with CRLF */
    gint64 timeout_ms;               /* 0: SMTP_TIMEOUT_MS */
} SmtpRequest;

/* TRUE when the server took the message. ERR_UNAVAILABLE when it certainly did not (unreachable, or it says: later), ERR_TIMEOUT when that
 * is unknown, ERR_REMOTE when it refused for good (names its answer), ERR_INVALID, ERR_CANCELLED. Texts name host and port, never
 * credentials. */
gboolean smtp_send(const SmtpRequest *request, Cancel *cancel, GError **error);
