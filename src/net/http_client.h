/* HTTP calls outward. One loop thread ("net") owns one curl multi handle for the whole process; http_call blocks its caller
 * until the answer, the deadline or a cancel. Connections, HTTP/2 streams and limits are per process. Any thread may call. */
#pragma once
#include "base/cancel.h"
#include "base/error.h"
#include "net/http_tls.h"

#define HTTP_RESPONSE_MAX (64 * 1024 * 1024) /* bytes of a body, unless the call names less */
#define HTTP_RESPONSE_HEADERS_MAX (256 * 1024)
#define HTTP_REDIRECTS_MAX 5
#define HTTP_TIMEOUT_MS 20000
#define HTTP_CONNECT_TIMEOUT_MS 5000
#define HTTP_CONNECTIONS_MAX 512 /* open at once; calls above it wait, within their time limit */
#define HTTP_CONNECTIONS_PER_HOST_MAX 128
#define HTTP_IDLE_CONNECTIONS_MAX 64 /* kept for the next call */

typedef struct HttpClient HttpClient;
HttpClient *http_client_new(GError **error); /* starts the loop thread */
/* Asked, on the caller's thread, before a request that may change something is sent; it may wait. FALSE: ERR_UNAVAILABLE. Once, before calls. */
void http_client_set_write_gate(HttpClient *client, gboolean (*may_write)(gpointer data), gpointer data);
void http_client_free(HttpClient *client); /* cancels what is under way, joins the thread */

/* A list of "Name", "value" pairs, NULL-terminated: {"Accept", "text/xml", NULL}. */
typedef const char *const *HttpHeaders;

typedef struct {
    const char *method; /* "GET" */
    const char *url;
    HttpHeaders headers; /* borrowed during the call; or NULL */
    const char *body;
    gsize body_length;
    gint64 timeout_ms;         /* whole call; 0: HTTP_TIMEOUT_MS */
    gint64 connect_timeout_ms; /* 0: HTTP_CONNECT_TIMEOUT_MS */
    gsize response_max;        /* 0: HTTP_RESPONSE_MAX; more is ERR_LIMIT */
    gboolean follow_redirects; /* at most HTTP_REDIRECTS_MAX, GET and HEAD only */
    const char *ca_file;       /* NULL: the system's */
    gboolean insecure;         /* no certificate check; only by an account's explicit setting */
    const HttpTls *tls;        /* certificates of its own; NULL: the usual check. Such a call has its own connection */
    const char *proxy;         /* NULL: environment's rules, but none to loopback and link-local addresses; "": none */
    /* Called on the net thread for each socket address before connecting, and again before the request is sent; FALSE
     * refuses it (URL restrictions that hold after DNS): ERR_FORBIDDEN. Through a proxy it is asked about the proxy. */
    gboolean (*allow_address)(const char *ip, guint16 port, gpointer data);
    gpointer allow_address_data;
    /* With on_data the body is not collected but handed over piece by piece on the net thread (streams); it must only
     * append or cut into records. FALSE ends the transfer; the call then succeeds with status and headers. */
    gboolean (*on_data)(const char *piece, gsize length, gpointer data);
    gpointer on_data_data;
} HttpRequest;

typedef struct {
    int status;
    char **headers; /* "name" (lower case), "value" pairs, NULL-terminated */
    char *body;     /* NUL-terminated, never NULL after success */
    gsize body_length;
    gint64 elapsed_ms;
    gboolean unresolved; /* after a failure (ERR_UNAVAILABLE): no name service knows the host */
} HttpResponse;

/* TRUE for any HTTP answer, whatever its status. FALSE: ERR_UNAVAILABLE when the request certainly did not reach the other
 * side (refused, unresolvable, TLS), ERR_TIMEOUT when the outcome is unknown (sent, no whole answer), ERR_CANCELLED (outcome
 * unknown as well), ERR_LIMIT (an answer came, but larger than allowed), ERR_FORBIDDEN (allow_address), ERR_INVALID (the request
 * itself). Messages name method, scheme, host and port, never path, query or headers: those may hold secrets. */
/* client NULL: there is no outside (rehearsals): ERR_INVALID. */
gboolean http_call(HttpClient *client, const HttpRequest *request, Cancel *cancel, HttpResponse *response, GError **error);
void http_response_clear(HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpClient, http_client_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpResponse, http_response_clear)
const char *http_response_header(const HttpResponse *response, const char *name); /* any case; NULL when absent */

/* Percent-encodes everything but unreserved characters (RFC 3986); caller frees. */
char *http_escape(const char *text);
