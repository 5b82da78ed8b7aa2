/* One request and its answer. Owned by its connection and, from hand-over to answer, by the handler; whoever lets go last
 * frees it. Accessors read what no longer changes; the answer may come from any thread. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "net/gzip.h"
#include "net/http_query.h"
#include "net/http_server_internal.h"
#include <string.h>

#define GZIP_LEAST_BYTES 1024

HttpExchange *http_exchange_new(HttpServer *server, struct MHD_Connection *connection, const char *target) {
    HttpExchange *exchange = g_new0(HttpExchange, 1);
    g_autofree char *id = id_new();
    g_atomic_ref_count_init(&exchange->references);
    g_atomic_ref_count_inc(&server->references);
    exchange->server = server;
    exchange->connection = connection;
    exchange->target = g_strdup(target);
    exchange->headers = g_ptr_array_new_with_free_func(g_free);
    exchange->body = g_byte_array_new();
    g_strlcpy(exchange->id, id, sizeof exchange->id);
    return exchange;
}

void http_exchange_unref(HttpExchange *exchange) {
    if (!g_atomic_ref_count_dec(&exchange->references))
        return;
    HttpServer *server = exchange->server;
    g_mutex_lock(&server->lock);
    server->body_bytes -= exchange->body_reserved;
    g_mutex_unlock(&server->lock);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    event_stream_unref(exchange->stream);
    if (exchange->parameters)
        g_array_unref(exchange->parameters);
    g_ptr_array_unref(exchange->headers);
    g_byte_array_unref(exchange->body);
    g_free(exchange->target);
    g_free(exchange->method);
    g_free(exchange->path);
    g_free(exchange->peer);
    g_free(exchange->refused_message);
    g_free(exchange);
    http_server_unref(server);
}

const char *http_exchange_id(const HttpExchange *exchange) {
    return exchange->id;
}

const char *http_exchange_method(const HttpExchange *exchange) {
    return exchange->method;
}

const char *http_exchange_path(const HttpExchange *exchange) {
    return exchange->path;
}

const char *http_exchange_peer(const HttpExchange *exchange) {
    return exchange->peer;
}

void http_exchange_query_each(const HttpExchange *exchange, void (*visit)(const char *name, const char *value, gpointer), gpointer data) {
    for (guint i = 0; i < exchange->parameters->len; i++) {
        const HttpParameter *parameter = &g_array_index(exchange->parameters, HttpParameter, i);
        visit(parameter->name, parameter->value, data);
    }
}

const char *http_exchange_query(const HttpExchange *exchange, const char *name) {
    for (guint i = 0; i < exchange->parameters->len; i++) {
        const HttpParameter *parameter = &g_array_index(exchange->parameters, HttpParameter, i);
        if (strcmp(parameter->name, name) == 0)
            return parameter->value;
    }
    return NULL;
}

char **http_exchange_query_all(const HttpExchange *exchange, const char *name) {
    g_autoptr(GStrvBuilder) values = g_strv_builder_new();
    for (guint i = 0; i < exchange->parameters->len; i++) {
        const HttpParameter *parameter = &g_array_index(exchange->parameters, HttpParameter, i);
        if (strcmp(parameter->name, name) == 0)
            g_strv_builder_add(values, parameter->value);
    }
    return g_strv_builder_end(values);
}

void http_exchange_header_each(const HttpExchange *exchange, void (*visit)(const char *name, const char *value, gpointer), gpointer data) {
    for (guint i = 0; i + 1 < exchange->headers->len; i += 2)
        visit(exchange->headers->pdata[i], exchange->headers->pdata[i + 1], data);
}

const char *http_exchange_header(const HttpExchange *exchange, const char *name) {
    for (guint i = 0; i + 1 < exchange->headers->len; i += 2)
        if (g_ascii_strcasecmp(exchange->headers->pdata[i], name) == 0)
            return exchange->headers->pdata[i + 1];
    return NULL;
}

const char *http_exchange_body(const HttpExchange *exchange, gsize *length) {
    if (length)
        *length = exchange->body->len - 1;
    return (const char *)exchange->body->data;
}

static void add_header(const HttpExchange *exchange, struct MHD_Response *response, const char *name, const char *value) {
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        log_warning("net", "request %s: answer header %s has a bad name or value and is left out", exchange->id, name);
}

static void add_headers(const HttpExchange *exchange, struct MHD_Response *response, const char *content_type, const char *const *headers) {
    add_header(exchange, response, "X-Request-Id", exchange->id);
    if (content_type)
        add_header(exchange, response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (; headers && headers[0]; headers += 2)
        add_header(exchange, response, headers[0], headers[1]);
}

static gboolean has_header(const char *const *headers, const char *name) {
    for (; headers && headers[0]; headers += 2)
        if (g_ascii_strcasecmp(headers[0], name) == 0)
            return TRUE;
    return FALSE;
}

/* Takes body. */
static struct MHD_Response *make_response(const HttpExchange *exchange, const char *content_type, char *body, gsize length,
                                          const char *const *headers) {
    gboolean variable = body && length > GZIP_LEAST_BYTES && gzip_is_worthwhile(content_type) && !has_header(headers, "Content-Encoding");
    char *compressed = NULL;
    if (variable && gzip_is_accepted(http_exchange_header(exchange, "Accept-Encoding")))
        compressed = gzip_compress(body, length, &length);
    if (compressed) {
        g_free(body);
        body = compressed;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(body ? length : 0, body, g_free);
    if (!response)
        g_error("libmicrohttpd: out of memory");
    add_headers(exchange, response, content_type, headers);
    if (compressed)
        add_header(exchange, response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (variable)
        add_header(exchange, response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
    return response;
}

struct MHD_Response *http_exchange_error_response(const HttpExchange *exchange, int status, const char *message) {
    static const char *const again[] = {"Retry-After", "1", NULL};
    g_autofree char *utc = clock_iso8601(clock_now_ms());
    g_autofree char *timestamp = g_strdup_printf("%.*s+00:00", (int)strcspn(utc, "Z"), utc);
    g_autoptr(Json) json = json_pack("{s:s, s:s, s:i, s:s}", "error", MHD_get_reason_phrase_for((unsigned)status), "message", message,
                                     "status", (gint64)status, "timestamp", timestamp);
    gsize length;
    char *body = json_write(json_root(json), &length);
    return make_response(exchange, "application/json", body, length, status == MHD_HTTP_SERVICE_UNAVAILABLE ? again : NULL);
}

/* With the server's lock held: gives the connection back to libmicrohttpd, which queues the response. */
static void resume(HttpExchange *exchange, int status, struct MHD_Response *response) {
    exchange->status = status;
    exchange->response = response;
    if (exchange->server->stopping)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    g_hash_table_remove(exchange->server->suspended, exchange);
    MHD_resume_connection(exchange->connection);
}

/* Takes response and the handler's reference. FALSE when the server has answered already. */
static gboolean deliver(HttpExchange *exchange, int status, struct MHD_Response *response, EventStream *stream) {
    HttpServer *server = exchange->server;
    g_mutex_lock(&server->lock);
    gboolean in_time = !exchange->abandoned;
    if (in_time) {
        if (stream) {
            exchange->stream = event_stream_ref(stream);
            g_ptr_array_add(server->streams, event_stream_ref(stream));
        }
        resume(exchange, status, response);
    }
    gboolean stopping = server->stopping;
    g_mutex_unlock(&server->lock);
    if (!in_time)
        MHD_destroy_response(response);
    if (stream && stopping)
        event_stream_close(stream);
    http_exchange_unref(exchange);
    return in_time;
}

void http_exchange_answer(HttpExchange *exchange, int status, const char *content_type, char *body, gsize length,
                          const char *const *headers) {
    deliver(exchange, status, make_response(exchange, content_type, body, length, headers), NULL);
}

EventStream *http_exchange_stream(HttpExchange *exchange, const char *const *headers) {
    static const char *const own[] = {"Cache-Control", "no-cache", "X-Accel-Buffering", "no", NULL};
    EventStream *stream = event_stream_new(exchange->connection);
    struct MHD_Response *response = event_stream_response(stream);
    if (!response)
        g_error("libmicrohttpd: out of memory");
    add_headers(exchange, response, "text/event-stream", own);
    for (; headers && headers[0]; headers += 2)
        add_header(exchange, response, headers[0], headers[1]);
    if (!deliver(exchange, MHD_HTTP_OK, response, stream))
        event_stream_detach(stream);
    return stream;
}

void http_exchange_abandon(HttpExchange *exchange) {
    exchange->abandoned = TRUE;
    resume(
        exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
        http_exchange_error_response(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "Gennaker is stopping; the request was not answered in time"));
}
