/* The HTTP server's life: its socket, libmicrohttpd's threads, readers, the ticker of event streams, and the stop.
 *
 * Reference-counted: an exchange that is answered after the stop still has a server to hold on to. */
#include "net/http_server.h"
#include "base/log.h"
#include "net/http_server_internal.h"
#include "net/thread_signals.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MHD_THREADS 2
#define CONNECTION_MEMORY (64 * 1024) /* headers in, headers out and the piece of a body under way */
#define FLUSH_MS 500                  /* after the grace period, for the 503s to leave */
#define UNSENT_MS 60000               /* a connection whose peer has acknowledged nothing for so long is dropped */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static socklen_t parse_address(const char *text, guint16 port, Address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return sizeof address->v6;
    }
    return 0;
}

static gboolean fail_listen(int fd, const HttpServerOptions *options, const char *step, GError **error) {
    int problem = errno;
    if (fd >= 0)
        close(fd);
    if (problem == EADDRINUSE)
        error_set(error, ERR_CONFLICT, "listen on %s port %u: the port is in use by another process", options->address, options->port);
    else if (problem == EADDRNOTAVAIL)
        error_set(error, ERR_INVALID, "listen on %s port %u: this machine has no such address", options->address, options->port);
    else
        error_set(error, problem == EACCES ? ERR_FORBIDDEN : ERR_INTERNAL, "listen on %s port %u: %s: %s", options->address, options->port,
                  step, g_strerror(problem));
    return FALSE;
}

static gboolean open_socket(HttpServer *server, const HttpServerOptions *options, GError **error) {
    Address address;
    socklen_t length = parse_address(options->address, options->port, &address);
    if (!length) {
        error_set(error, ERR_INVALID, "listen on %s port %u: not an IPv4 or IPv6 address", options->address, options->port);
        return FALSE;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_listen(fd, options, "socket", error);
    int on = 1;
    int v6_only = address.any.sa_family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by accepted sockets */
    if (address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    if (bind(fd, &address.any, length) != 0)
        return fail_listen(fd, options, "bind", error);
    if (listen(fd, SOMAXCONN) != 0)
        return fail_listen(fd, options, "listen", error);
    if (getsockname(fd, &address.any, &length) != 0)
        return fail_listen(fd, options, "getsockname", error);
    server->socket = fd;
    server->port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return TRUE;
}

static void G_GNUC_PRINTF(2, 0) on_mhd_log(void *data, const char *format, va_list arguments) {
    char text[512];
    (void)data;
    vsnprintf(text, sizeof text, format, arguments);
    log_debug("net", "libmicrohttpd: %s", g_strchomp(text));
}

static void on_connection(void *data, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what) {
    const unsigned int unsent_ms = UNSENT_MS;
    (void)data, (void)state;
    if (what != MHD_CONNECTION_NOTIFY_STARTED)
        return;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        setsockopt(info->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms);
}

/* The target is decoded by us, where broken escapes and NUL bytes are refused. */
static size_t leave_escaped(void *data, struct MHD_Connection *connection, char *text) {
    (void)data, (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(HttpServer *server, const HttpServerOptions *options) {
    gboolean tls = options->tls_certificate && options->tls_key;
    struct MHD_OptionItem tls_options[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(gpointer)options->tls_certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(gpointer)options->tls_key},
        {MHD_OPTION_END, 0, NULL},
    };
    int listening = server->socket;
    server->socket = -1; /* libmicrohttpd closes it from here on, also when it does not start */
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    return MHD_start_daemon(flags, 0, NULL, NULL, http_receive, server,                                                      //
                            MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,                                                    //
                            MHD_OPTION_LISTEN_SOCKET, listening,                                                             //
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned)MHD_THREADS,                                              //
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_SERVER_CONNECTIONS_MAX,                              //
                            MHD_OPTION_CONNECTION_TIMEOUT, options->idle_s ? options->idle_s : (unsigned)HTTP_SERVER_IDLE_S, //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,                                   //
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                                 //
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,                                               //
                            MHD_OPTION_URI_LOG_CALLBACK, http_receive_target, server,                                        //
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,                                               //
                            MHD_OPTION_NOTIFY_COMPLETED, http_receive_completed, server,                                     //
                            MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
}

static void run_handler(HttpServer *server, HttpExchange *exchange) {
    char id[ULID_LENGTH + 1]; /* outlives the exchange */
    g_strlcpy(id, exchange->id, sizeof id);
    LOG_FIELD("request", id);
    g_mutex_lock(&server->lock);
    gboolean abandoned = exchange->abandoned;
    g_mutex_unlock(&server->lock);
    if (abandoned)
        http_exchange_unref(exchange);
    else
        server->handle(exchange, server->data);
}

static gpointer run_reader(gpointer data) {
    HttpServer *server = data;
    for (gpointer item; (item = g_async_queue_pop(server->queue)) != server;)
        run_handler(server, item);
    g_mutex_lock(&server->lock);
    server->readers_alive--;
    g_cond_broadcast(&server->changed);
    g_mutex_unlock(&server->lock);
    http_server_unref(server);
    return NULL;
}

static GPtrArray *copy_streams(HttpServer *server) {
    return g_ptr_array_copy(server->streams, (GCopyFunc)(void (*)(void))event_stream_ref, NULL);
}

static void each_stream(HttpServer *server, void (*act)(EventStream *stream)) {
    g_mutex_lock(&server->lock);
    g_autoptr(GPtrArray) streams = copy_streams(server);
    g_mutex_unlock(&server->lock);
    for (guint i = 0; i < streams->len; i++)
        act(streams->pdata[i]);
}

static gboolean wait_tick(HttpServer *server) {
    gint64 next = g_get_monotonic_time() + server->comment_ms * 1000;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    while (server->ticking && g_cond_wait_until(&server->tick, &server->lock, next))
        ;
    return server->ticking;
}

static gpointer run_ticker(gpointer data) {
    HttpServer *server = data;
    while (wait_tick(server))
        each_stream(server, event_stream_comment);
    return NULL;
}

static void start_threads(HttpServer *server) {
    server->ticking = TRUE;
    server->ticker = g_thread_new("http-ticker", run_ticker, server);
    for (guint i = 0; i < HTTP_SERVER_READERS; i++) {
        g_autofree char *name = g_strdup_printf("reader-%u", i);
        g_atomic_ref_count_inc(&server->references);
        server->readers_alive++;
        server->readers[i] = g_thread_new(name, run_reader, server);
    }
}

static void release_stream(gpointer stream) {
    event_stream_unref(stream);
}

HttpServer *http_server_start(const HttpServerOptions *options, GError **error) {
    HttpServer *server = g_new0(HttpServer, 1);
    g_atomic_ref_count_init(&server->references);
    g_mutex_init(&server->lock);
    g_cond_init(&server->changed);
    g_cond_init(&server->tick);
    server->socket = -1;
    server->handle = options->handle;
    server->data = options->data;
    server->body_max = options->body_max ? options->body_max : HTTP_SERVER_BODY_MAX;
    server->comment_ms = options->comment_ms ? options->comment_ms : EVENT_STREAM_COMMENT_MS;
    server->queue = g_async_queue_new();
    server->suspended = g_hash_table_new(NULL, NULL);
    server->streams = g_ptr_array_new_with_free_func(release_stream);
    if (!open_socket(server, options, error)) {
        http_server_unref(server);
        return NULL;
    }
    sigset_t before;
    thread_signals_block(&before);
    start_threads(server);
    server->daemon = start_daemon(server, options);
    thread_signals_restore(&before);
    if (server->daemon)
        return server;
    error_set(error, options->tls_certificate ? ERR_INVALID : ERR_INTERNAL, "start the HTTP server on %s port %u: %s", options->address,
              server->port, options->tls_certificate ? "the certificate or its key is not usable" : "libmicrohttpd refused");
    http_server_stop(server, 0);
    return NULL;
}

guint16 http_server_port(const HttpServer *server) {
    return server->port;
}

/* Waits until a count under the lock is zero, at most until a monotonic time. */
static gboolean wait_for_zero(HttpServer *server, const guint *count, gint64 until) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    while (*count)
        if (!g_cond_wait_until(&server->changed, &server->lock, until))
            break;
    return *count == 0;
}

static void abandon_suspended(HttpServer *server) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&server->lock);
    g_autoptr(GList) exchanges = g_hash_table_get_keys(server->suspended);
    for (GList *i = exchanges; i; i = i->next)
        http_exchange_abandon(i->data);
}

/* The socket goes on accepting until the end; what comes is answered 503. MHD_quiesce_daemon is no help: with epoll and a pool of
 * threads, libmicrohttpd 0.9.75 takes the socket out of each epoll set twice at once and aborts when the threads' time comes first. */
static void end_daemon(HttpServer *server, gint64 grace_ms) {
    each_stream(server, event_stream_close);
    if (!wait_for_zero(server, &server->in_progress, g_get_monotonic_time() + grace_ms * 1000)) {
        abandon_suspended(server);
        wait_for_zero(server, &server->in_progress, g_get_monotonic_time() + FLUSH_MS * 1000);
    }
    MHD_stop_daemon(server->daemon);
}

static void end_readers(HttpServer *server) {
    for (guint i = 0; i < HTTP_SERVER_READERS; i++)
        g_async_queue_push(server->queue, server);
    gboolean ended = wait_for_zero(server, &server->readers_alive, g_get_monotonic_time() + HTTP_SERVER_READER_END_MS * 1000);
    if (!ended)
        log_warning("net", "HTTP server stopped with %u handlers that did not return", server->readers_alive);
    for (guint i = 0; i < HTTP_SERVER_READERS; i++) {
        if (ended)
            g_thread_join(server->readers[i]);
        else
            g_thread_unref(server->readers[i]);
    }
}

void http_server_stop(HttpServer *server, gint64 grace_ms) {
    if (!server)
        return;
    g_mutex_lock(&server->lock);
    server->stopping = TRUE;
    g_mutex_unlock(&server->lock);
    if (server->daemon)
        end_daemon(server, grace_ms);
    end_readers(server);
    g_mutex_lock(&server->lock);
    server->ticking = FALSE;
    g_cond_broadcast(&server->tick);
    g_mutex_unlock(&server->lock);
    g_thread_join(server->ticker);
    http_server_unref(server);
}

void http_server_unref(HttpServer *server) {
    if (!g_atomic_ref_count_dec(&server->references))
        return;
    if (server->socket >= 0)
        close(server->socket);
    g_async_queue_unref(server->queue);
    g_hash_table_unref(server->suspended);
    g_ptr_array_unref(server->streams);
    g_mutex_clear(&server->lock);
    g_cond_clear(&server->changed);
    g_cond_clear(&server->tick);
    g_free(server);
}
