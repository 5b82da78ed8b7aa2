/* Requests as they come in. Runs on libmicrohttpd's threads, which only receive, check limits, and suspend the connection
 * while a reader makes the answer.
 *
 * For each request libmicrohttpd calls http_receive_target, then http_receive when the headers are there, for each piece of
 * the body, when the body is complete, and again when the connection was resumed; at last http_receive_completed, always. */
#include "net/http_query.h"
#include "net/http_server_internal.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define BODY_AT_FIRST_MAX (1024 * 1024) /* bytes allocated on the word of a Content-Length */

void *http_receive_target(void *server, const char *target, struct MHD_Connection *connection) {
    return http_exchange_new(server, connection, target);
}

/* Remembers the server's own answer; the first one stands. */
G_GNUC_PRINTF(3, 4) static void refuse(HttpExchange *exchange, int status, const char *format, ...) {
    if (exchange->refused_status)
        return;
    va_list arguments;
    va_start(arguments, format);
    exchange->refused_status = status;
    exchange->refused_message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

static enum MHD_Result queue_response(HttpExchange *exchange, int status, struct MHD_Response *response) {
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result queue_refusal(HttpExchange *exchange) {
    return queue_response(exchange, exchange->refused_status,
                          http_exchange_error_response(exchange, exchange->refused_status, exchange->refused_message));
}

static char *describe_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (info && info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, info->client_addr, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    } else if (info && info->client_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, info->client_addr, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
        else
            inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    return g_strdup(text);
}

static enum MHD_Result copy_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value) {
    HttpExchange *exchange = data;
    (void)kind;
    g_ptr_array_add(exchange->headers, g_strdup(name));
    g_ptr_array_add(exchange->headers, g_strdup(value ? value : ""));
    return MHD_YES;
}

static guint count_headers(const HttpExchange *exchange, const char *name) {
    guint n = 0;
    for (guint i = 0; i < exchange->headers->len; i += 2)
        n += g_ascii_strcasecmp(exchange->headers->pdata[i], name) == 0;
    return n;
}

static void check_headers(HttpExchange *exchange) {
    static const char *const single[] = {"Host", "Origin", "Content-Length", "Transfer-Encoding", "Authorization", "Content-Type", NULL};
    gsize bytes = strlen(exchange->target);
    for (guint i = 0; i < exchange->headers->len; i++)
        bytes += strlen(exchange->headers->pdata[i]) + 2;
    if (bytes > HTTP_SERVER_HEADER_MAX)
        refuse(exchange, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "The request line and headers have more than %d bytes",
               HTTP_SERVER_HEADER_MAX);
    for (gsize i = 0; single[i]; i++)
        if (count_headers(exchange, single[i]) > 1)
            refuse(exchange, MHD_HTTP_BAD_REQUEST, "The request has more than one %s header", single[i]);
    if (count_headers(exchange, "Content-Length") && count_headers(exchange, "Transfer-Encoding"))
        refuse(exchange, MHD_HTTP_BAD_REQUEST, "The request has both Content-Length and Transfer-Encoding");
}

/* Splits "/path?query", "http://host/path?query" or "*" (RFC 9112, 3.2) and decodes the query. */
static void read_target(HttpExchange *exchange) {
    const char *target = exchange->target;
    if (g_ascii_strncasecmp(target, "http://", 7) == 0 || g_ascii_strncasecmp(target, "https://", 8) == 0) {
        target = strstr(target, "://") + 3;
        target += strcspn(target, "/?");
    }
    gsize length = strcspn(target, "?#");
    const char *query = target[length] == '?' ? target + length + 1 : "";
    exchange->path = length ? g_strndup(target, length) : g_strdup("/");
    if (*exchange->path != '/' && (strcmp(exchange->path, "*") != 0 || strcmp(exchange->method, "OPTIONS") != 0))
        refuse(exchange, MHD_HTTP_BAD_REQUEST, "The path of the request does not begin with a slash");
    g_autoptr(GError) error = NULL;
    exchange->parameters = http_query_parse(query, &error);
    if (!exchange->parameters)
        refuse(exchange, MHD_HTTP_BAD_REQUEST, "Malformed query: %s", error->message);
}

/* Whether the client should hear of a refusal before it sends its body. */
static gboolean begin(HttpExchange *exchange, const char *method) {
    exchange->begun = TRUE;
    exchange->method = g_strdup(method);
    exchange->peer = describe_peer(exchange->connection);
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, copy_header, exchange);
    check_headers(exchange);
    read_target(exchange);

    guint64 announced = 0;
    const char *content_length = http_exchange_header(exchange, "Content-Length");
    if (content_length && !g_ascii_string_to_unsigned(content_length, 10, 0, G_MAXUINT64, &announced, NULL))
        refuse(exchange, MHD_HTTP_BAD_REQUEST, "Content-Length is not a number");
    if (announced > exchange->server->body_max)
        refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "The body has more than %" G_GSIZE_FORMAT " bytes", exchange->server->body_max);
    if (announced && !exchange->refused_status) {
        g_byte_array_unref(exchange->body);
        exchange->body = g_byte_array_sized_new((guint)MIN(announced, BODY_AT_FIRST_MAX) + 1);
    }
    return exchange->refused_status && (announced > HTTP_SERVER_DISCARD_MAX || http_exchange_header(exchange, "Expect"));
}

static gboolean reserve(HttpExchange *exchange, gsize bytes) {
    HttpServer *server = exchange->server;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    if (server->body_bytes + bytes > HTTP_SERVER_BODIES_MAX * server->body_max)
        return FALSE;
    server->body_bytes += bytes;
    exchange->body_reserved += bytes;
    return TRUE;
}

static void release_body(HttpExchange *exchange) {
    HttpServer *server = exchange->server;
    g_byte_array_unref(exchange->body);
    exchange->body = g_byte_array_new();
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    server->body_bytes -= exchange->body_reserved;
    exchange->body_reserved = 0;
}

static enum MHD_Result receive_piece(HttpExchange *exchange, const char *piece, gsize length) {
    if (!exchange->refused_status && length > exchange->server->body_max - exchange->body->len)
        refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "The body has more than %" G_GSIZE_FORMAT " bytes", exchange->server->body_max);
    if (!exchange->refused_status && !reserve(exchange, length))
        refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "Too many large requests at once");
    if (!exchange->refused_status) {
        g_byte_array_append(exchange->body, (const guint8 *)piece, (guint)length);
        return MHD_YES;
    }
    if (exchange->body_reserved)
        release_body(exchange);
    exchange->discarded += length;
    return exchange->discarded > HTTP_SERVER_DISCARD_MAX ? MHD_NO : MHD_YES;
}

/* Suspends the connection, then gives the exchange to a reader. FALSE when the server stops. */
static gboolean hand_over(HttpExchange *exchange) {
    HttpServer *server = exchange->server;
    g_byte_array_append(exchange->body, (const guint8 *)"", 1);
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    if (server->stopping)
        return FALSE;
    exchange->handed_over = TRUE;
    g_atomic_ref_count_inc(&exchange->references);
    g_hash_table_add(server->suspended, exchange);
    MHD_suspend_connection(exchange->connection);
    g_async_queue_push(server->queue, exchange);
    return TRUE;
}

static enum MHD_Result receive_headers(HttpExchange *exchange, const char *method) {
    HttpServer *server = exchange->server;
    g_mutex_lock(&server->lock);
    exchange->counted = !server->stopping;
    if (exchange->counted)
        server->in_progress++;
    g_mutex_unlock(&server->lock);
    return begin(exchange, method) ? queue_refusal(exchange) : MHD_YES;
}

enum MHD_Result http_receive(void *server, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                             const char *piece, size_t *piece_length, void **state) {
    HttpExchange *exchange = *state;
    (void)server, (void)connection, (void)url, (void)version;
    if (!exchange)
        return MHD_NO;
    if (!exchange->begun)
        return receive_headers(exchange, method);
    if (*piece_length) {
        gsize length = *piece_length;
        *piece_length = 0;
        return receive_piece(exchange, piece, length);
    }
    if (exchange->response)
        return queue_response(exchange, exchange->status, g_steal_pointer(&exchange->response));
    if (exchange->handed_over)
        return MHD_NO;
    if (!exchange->refused_status && hand_over(exchange))
        return MHD_YES;
    refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "Gennaker is stopping");
    return queue_refusal(exchange);
}

void http_receive_completed(void *data, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why) {
    HttpServer *server = data;
    HttpExchange *exchange = *state;
    (void)connection, (void)why;
    if (!exchange)
        return;
    *state = NULL;
    if (exchange->stream)
        event_stream_detach(exchange->stream);
    g_mutex_lock(&server->lock);
    if (exchange->stream)
        g_ptr_array_remove_fast(server->streams, exchange->stream);
    if (exchange->counted)
        server->in_progress--;
    g_cond_broadcast(&server->changed);
    g_mutex_unlock(&server->lock);
    http_exchange_unref(exchange);
}
