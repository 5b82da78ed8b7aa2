/* What the files of the HTTP server share. Private to them.
 *
 * Lock order: libmicrohttpd's response mutex, EventStream.lock, HttpServer.lock, libmicrohttpd's connection list. */
#pragma once
#include "base/ids.h"
#include "net/http_server.h"
#include <microhttpd.h>

struct HttpServer {
    gatomicrefcount references; /* its owner, each exchange, each reader */
    void (*handle)(HttpExchange *exchange, gpointer data);
    gpointer data;
    gsize body_max;
    gint64 comment_ms;
    struct MHD_Daemon *daemon;
    int socket; /* listening; -1 once libmicrohttpd owns it */
    guint16 port;
    GAsyncQueue *queue; /* of HttpExchange with the handler's reference; the server itself ends a reader */
    GThread *readers[HTTP_SERVER_READERS];
    GThread *ticker;
    GMutex lock; /* of everything below */
    GCond changed, tick;
    gboolean stopping, ticking;
    GHashTable *suspended; /* exchanges whose connection waits for an answer */
    GPtrArray *streams;    /* open EventStreams, a reference each */
    guint in_progress;     /* requests whose headers came before a stop and whose answer was not sent whole */
    guint readers_alive;
    gsize body_bytes; /* of all exchanges */
};

struct HttpExchange {
    gatomicrefcount references; /* the connection, and the handler from hand-over to answer */
    HttpServer *server;
    struct MHD_Connection *connection;
    char id[ULID_LENGTH + 1];
    char *target; /* as the request line has it */
    char *method, *path, *peer;
    GArray *parameters;  /* of HttpParameter, decoded */
    GPtrArray *headers;  /* name, value, name, value … */
    GByteArray *body;    /* with a NUL byte at the end once complete */
    gsize body_reserved; /* its part of HttpServer.body_bytes */
    gsize discarded;     /* bytes of a refused body that were read */
    int refused_status;  /* the server's own answer: 0 or 4xx, 5xx */
    char *refused_message;
    gboolean begun;       /* headers were looked at */
    gboolean counted;     /* in HttpServer.in_progress */
    gboolean handed_over; /* to a reader */
    /* under the server's lock until the connection is resumed */
    gboolean abandoned; /* the server answered 503 instead of the handler */
    int status;
    struct MHD_Response *response;
    EventStream *stream;
};

/* http_server.c */
void http_server_unref(HttpServer *server);

/* http_receive.c: libmicrohttpd's callbacks */
void *http_receive_target(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_receive(void *server, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                             const char *piece, size_t *piece_length, void **state);
void http_receive_completed(void *server, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);

/* http_exchange.c */
HttpExchange *http_exchange_new(HttpServer *server, struct MHD_Connection *connection, const char *target);
void http_exchange_unref(HttpExchange *exchange);
/* The API's JSON form of an error. */
struct MHD_Response *http_exchange_error_response(const HttpExchange *exchange, int status, const char *message);
/* With the server's lock held: answers 503 for a handler that is too slow for a stop. */
void http_exchange_abandon(HttpExchange *exchange);

/* event_stream.c */
EventStream *event_stream_new(struct MHD_Connection *connection);
struct MHD_Response *event_stream_response(EventStream *stream); /* holds a reference */
void event_stream_comment(EventStream *stream);
/* The connection is gone, or never came. */
void event_stream_detach(EventStream *stream);
