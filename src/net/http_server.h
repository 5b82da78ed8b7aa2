/* HTTP server: libmicrohttpd with 2 threads that only receive, route and send. No handler runs on them: a request is
 * suspended while one of the reader threads makes its answer, then resumed with a finished buffer or a pull stream.
 *
 * The server knows nothing of routes: it hands each complete request to `handle` on a reader thread. Handlers may finish
 * later from another thread (a write that waits for its commit). */
#pragma once
#include "base/error.h"

#define HTTP_SERVER_BODY_MAX (32 * 1024 * 1024)     /* bytes of a request's body: 413 above */
#define HTTP_SERVER_BODIES_MAX 8                    /* times the limit of one: bytes of all bodies held at once, 503 above */
#define HTTP_SERVER_DISCARD_MAX (256 * 1024 * 1024) /* bytes of a refused body that are read so that the client sees why */
#define HTTP_SERVER_READERS 8
#define HTTP_SERVER_CONNECTIONS_MAX 1024   /* further clients wait until one goes */
#define HTTP_SERVER_HEADER_MAX (32 * 1024) /* bytes of the request line and all headers: 431 above */
#define HTTP_SERVER_IDLE_S 75              /* a connection on which nothing moves for this long is closed */
#define EVENT_STREAM_COMMENT_MS 15000      /* how often a comment is sent to find vanished clients */
#define EVENT_STREAM_BACKLOG (1024 * 1024) /* bytes that wait for a slow client */

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange; /* one request and its answer; owned by the server, alive until answered */

typedef struct {
    const char *address;                                   /* "127.0.0.1" or "::1" … */
    guint16 port;                                          /* 0: any free one */
    void (*handle)(HttpExchange *exchange, gpointer data); /* on a reader thread; must lead to exactly one answer */
    gpointer data;
    gsize body_max;                        /* 0: HTTP_SERVER_BODY_MAX */
    guint idle_s;                          /* 0: HTTP_SERVER_IDLE_S */
    gint64 comment_ms;                     /* 0: EVENT_STREAM_COMMENT_MS */
    const char *tls_certificate, *tls_key; /* PEM texts or NULL */
} HttpServerOptions;

/* Listens on exactly that address ("::" takes IPv4 as well). ERR_CONFLICT when the port is in use, ERR_INVALID for a bad address
 * or certificate. */
HttpServer *http_server_start(const HttpServerOptions *options, GError **error);
guint16 http_server_port(const HttpServer *server);
/* Answers 503 to what comes, closes streams, lets exchanges in progress end for at most grace_ms; those that have not by then get
 * 503 and their late answers are dropped. Then the port is free. Never hangs: a reader whose handler does not return within
 * HTTP_SERVER_READER_END_MS more is left behind, with a warning. */
#define HTTP_SERVER_READER_END_MS 2000
void http_server_stop(HttpServer *server, gint64 grace_ms);

/* The request. Valid until answered. The server itself has refused (400, 413, 431, 503, in the API's JSON form) what is malformed
 * or over a limit: a bad escape or bytes that are not UTF-8 in the query, two Host headers, too large a body. */
const char *http_exchange_id(const HttpExchange *exchange); /* for logs and the answer's X-Request-Id */
const char *http_exchange_method(const HttpExchange *exchange);
const char *http_exchange_path(const HttpExchange *exchange);                    /* decoded per segment is the router's job: raw */
const char *http_exchange_query(const HttpExchange *exchange, const char *name); /* first value, decoded; NULL absent */
char **http_exchange_query_all(const HttpExchange *exchange, const char *name);  /* all values; g_strfreev */
/* Calls visit for each query parameter in order. */
void http_exchange_query_each(const HttpExchange *exchange, void (*visit)(const char *name, const char *value, gpointer), gpointer data);
const char *http_exchange_header(const HttpExchange *exchange, const char *name);
/* Calls visit for each header in order. */
void http_exchange_header_each(const HttpExchange *exchange, void (*visit)(const char *name, const char *value, gpointer), gpointer data);
const char *http_exchange_body(const HttpExchange *exchange, gsize *length); /* never NULL */
const char *http_exchange_peer(const HttpExchange *exchange);                /* address of the client */

/* The answer; headers are pairs or NULL. Any thread. Takes body (g_free). Compresses with gzip when the client accepts it and
 * the body is above 1 KB. */
void http_exchange_answer(HttpExchange *exchange, int status, const char *content_type, char *body, gsize length,
                          const char *const *headers);

/* A stream of server-sent events: answer headers are sent at once; events follow until closed. A comment every 15 s finds
 * vanished clients. Any thread. */
typedef struct EventStream EventStream;
EventStream *http_exchange_stream(HttpExchange *exchange, const char *const *headers); /* answers; caller owns a reference */
/* Queues one event (id and event may be NULL; data of several lines is sent as such); FALSE when the client is gone or too far behind (EVENT_STREAM_BACKLOG bytes): then close it. */
gboolean event_stream_send(EventStream *stream, const char *id, const char *event, const char *data);
gboolean event_stream_is_open(EventStream *stream);
void event_stream_close(EventStream *stream); /* ends the answer */
EventStream *event_stream_ref(EventStream *stream);
void event_stream_unref(EventStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventStream, event_stream_unref)
