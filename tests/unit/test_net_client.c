/* The HTTP client against peers that answer, refuse, stall, break off and lie. What counts most is the code of the error: it
 * decides whether a write may be repeated blindly. */
#include "net_rig.h"
#include <netdb.h>
#include <stdlib.h>

static GError *call(HttpClient *client, HttpRequest request, Cancel *cancel, HttpResponse *response) {
    GError *error = NULL;
    HttpResponse own = {0};
    gboolean succeeded = http_call(client, &request, cancel, response ? response : &own, &error);
    g_assert_cmpint(succeeded, ==, error == NULL);
    http_response_clear(&own);
    return error;
}

static void check_code(GError *error, ErrorCode code) {
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    g_assert_null(strstr(error->message, "secret"));
    g_error_free(error);
}

static void check_peer(void (*serve)(int fd, guint number), HttpRequest request, ErrorCode code) {
    RawPeer peer = {0};
    raw_peer_start(&peer, serve);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = raw_peer_url(&peer);
    request.url = url;
    check_code(call(client, request, NULL, NULL), code);
    http_client_free(client);
    raw_peer_end(&peer);
}

static const HttpRequest post = {.method = "POST", .body = "x", .body_length = 1, .timeout_ms = 5000};
static const HttpRequest get = {.method = "GET", .timeout_ms = 5000};

/* ---- what certainly did not arrive ---- */

static void test_refused(void) {
    check_peer(NULL, post, ERR_UNAVAILABLE);
    check_peer(NULL, get, ERR_UNAVAILABLE);
}

static void test_unresolvable(void) {
    HttpClient *client = http_client_new(NULL);
    HttpRequest request = get;
    request.url = "http://no-such-host.invalid/";
    check_code(call(client, request, NULL, NULL), ERR_UNAVAILABLE);
    http_client_free(client);
}

static void serve_no_tls(int fd, guint number) {
    (void)number;
    raw_write(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void test_not_tls(void) {
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_no_tls);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%u/", peer.port);
    HttpRequest request = post;
    request.url = url;
    check_code(call(client, request, NULL, NULL), ERR_UNAVAILABLE);
    http_client_free(client);
    raw_peer_end(&peer);
}

/* ---- what may have been carried out ---- */

static void serve_close(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
}

static void serve_half_header(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "HTTP/1.1 200 OK\r\nContent-Le");
}

static void serve_half_body(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
}

static void serve_half_chunk(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf");
}

static void serve_garbage(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "this is not HTTP\r\n\r\n");
}

static void serve_bad_gzip(int fd, guint number) {
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope");
}

static void serve_reset(int fd, guint number) {
    const struct linger at_once = {1, 0};
    (void)number;
    raw_read_request(fd);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Accepts and reads until the other side gives up. */
static void serve_silence(int fd, guint number) {
    g_autoptr(GString) got = g_string_new(NULL);
    (void)number;
    raw_read_until(fd, "never", got, 20000);
}

static void test_broken_off(void) {
    void (*const all[])(int, guint) = {serve_close,   serve_half_header, serve_half_body, serve_half_chunk,
                                       serve_garbage, serve_bad_gzip,    serve_reset};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        check_peer(all[i], post, ERR_TIMEOUT);
        check_peer(all[i], get, ERR_TIMEOUT);
    }
}

static void test_silence(void) {
    HttpRequest request = post;
    request.timeout_ms = 200;
    gint64 begin = clock_elapsed_ms();
    check_peer(serve_silence, request, ERR_TIMEOUT);
    g_assert_cmpint(clock_elapsed_ms() - begin, >=, 200);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000);
}

/* The first answer on a connection is whole; the second request on it finds it closed without an answer. */
static int repeats;

static void serve_then_drop(int fd, guint number) {
    g_autoptr(GString) first = g_string_new(NULL);
    if (!raw_read_until(fd, "\r\n\r\n", first, 5000))
        return;
    if (number > 0)
        g_atomic_int_inc(&repeats); /* on a fresh connection */
    raw_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (number > 0)
        return;
    g_autoptr(GString) second = g_string_new(NULL);
    raw_read_until(fd, "\r\n\r\n", second, 5000);
}

static void check_repeat(const HttpRequest *base, gboolean repeated) {
    RawPeer peer = {0};
    g_atomic_int_set(&repeats, 0);
    raw_peer_start(&peer, serve_then_drop);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = raw_peer_url(&peer);
    HttpRequest request = *base;
    request.url = url;
    g_assert_no_error(call(client, request, NULL, NULL));
    GError *error = call(client, request, NULL, NULL);
    if (repeated)
        g_assert_no_error(error);
    else
        check_code(error, ERR_TIMEOUT);
    http_client_free(client);
    raw_peer_end(&peer);
    g_assert_cmpint(g_atomic_int_get(&repeats), ==, repeated);
}

static void test_never_repeats_writes(void) {
    HttpRequest put = post, delete = get;
    put.method = "PUT";
    delete.method = "DELETE";
    check_repeat(&get, TRUE);
    check_repeat(&post, FALSE);
    check_repeat(&put, FALSE);
    check_repeat(&delete, FALSE);
}

/* ---- limits ---- */

static void serve_100_bytes(int fd, guint number) {
    g_autofree char *body = g_strnfill(100, 'x');
    g_autofree char *answer = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%s", body);
    (void)number;
    raw_read_request(fd);
    raw_write(fd, answer);
}

static void serve_endless_headers(int fd, guint number) {
    g_autofree char *value = g_strnfill(1000, 'x');
    g_autofree char *line = g_strdup_printf("X: %s\r\n", value);
    (void)number;
    raw_read_request(fd);
    raw_write(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < HTTP_RESPONSE_HEADERS_MAX / 1000 + 1; i++)
        raw_write(fd, line);
    raw_write(fd, "\r\n");
}

static void test_limits(void) {
    HttpRequest request = get;
    request.response_max = 99;
    check_peer(serve_100_bytes, request, ERR_LIMIT);
    check_peer(serve_endless_headers, get, ERR_LIMIT);

    RawPeer peer = {0};
    raw_peer_start(&peer, serve_100_bytes);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = raw_peer_url(&peer);
    g_auto(HttpResponse) response = {0};
    request.url = url;
    request.response_max = 100;
    g_assert_no_error(call(client, request, NULL, &response));
    g_assert_cmpuint(response.body_length, ==, 100);
    http_client_free(client);
    raw_peer_end(&peer);
}

static void test_bad_requests(void) {
    static const char *const bad_header[] = {"X", "a\r\nEvil: b", NULL}, *const bad_name[] = {"X: y", "a", NULL};
    const HttpRequest bad[] = {
        {.method = "GET", .url = "ftp://127.0.0.1/secret"},         {.method = "GET", .url = "file:///etc/passwd"},
        {.method = "GET", .url = "http://user:secret@h/"},          {.method = "GET", .url = ""},
        {.method = "GET", .url = "http://127.0.0.1:99999/"},        {.method = "GET", .url = "http://h/", .headers = bad_header},
        {.method = "GET", .url = "http://h/", .headers = bad_name},
    };
    HttpClient *client = http_client_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        check_code(call(client, bad[i], NULL, NULL), ERR_INVALID);
    http_client_free(client);
}

/* ---- what is sent ---- */

static GString *seen;

static void serve_and_note(int fd, guint number) {
    (void)number;
    raw_read_until(fd, "\r\n\r\n", seen, 5000);
    raw_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A:  b \r\nX-A: c\r\n\r\n");
}

static void test_headers(void) {
    static const char *const headers[] = {"X-Empty", "", "X-Full", "v", NULL};
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_and_note);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = raw_peer_url(&peer);
    g_autofree char *body = g_strnfill(2000000, 'b');
    g_auto(HttpResponse) response = {0};
    seen = g_string_new(NULL);
    g_assert_no_error(
        call(client, (HttpRequest){.method = "POST", .url = url, .headers = headers, .body = body, .body_length = 0}, NULL, &response));
    g_assert_nonnull(strstr(seen->str, "POST /secret-path?token=secret HTTP/1.1\r\n"));
    g_assert_nonnull(strstr(seen->str, "X-Empty:\r\n"));
    g_assert_nonnull(strstr(seen->str, "X-Full: v\r\n"));
    g_assert_nonnull(strstr(seen->str, "User-Agent: gennaker/"));
    g_assert_nonnull(strstr(seen->str, "Accept-Encoding: gzip\r\n"));
    g_assert_nonnull(strstr(seen->str, "Content-Length: 0\r\n"));
    g_assert_null(strstr(seen->str, "Content-Type"));
    g_assert_null(strstr(seen->str, "Expect"));
    g_assert_cmpstr(http_response_header(&response, "x-a"), ==, "b");
    g_assert_null(http_response_header(&response, "none"));
    g_string_truncate(seen, 0);
    /* A large body is not preceded by a question either. */
    GError *error = call(client, (HttpRequest){.method = "PUT", .url = url, .body = body, .body_length = 2000000}, NULL, NULL);
    g_clear_error(&error);
    g_assert_null(strstr(seen->str, "Expect"));
    g_string_free(seen, TRUE);
    http_client_free(client);
    raw_peer_end(&peer);
}

/* ---- redirects ---- */

static void handle(HttpExchange *exchange, gpointer data) {
    const char *path = http_exchange_path(exchange);
    (void)data;
    if (g_str_equal(path, "/slow"))
        g_usleep(300000);
    if (g_str_equal(path, "/loop")) {
        const char *const headers[] = {"Location", "/loop", NULL};
        http_exchange_answer(exchange, 302, "text/plain", g_strdup("body"), 4, headers);
    } else if (g_str_equal(path, "/away")) {
        const char *const headers[] = {"Location", http_exchange_query(exchange, "to"), NULL};
        http_exchange_answer(exchange, 302, "text/plain", g_strdup("body"), 4, headers);
    } else if (g_str_equal(path, "/json")) {
        http_exchange_answer(exchange, 200, "application/json", g_strnfill(100000, ' '), 100000, NULL);
    } else {
        http_exchange_answer(exchange, 200, "text/plain", g_strdup("here"), 4, NULL);
    }
}

static void test_redirects(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *away = rig_url(&rig, "/away?to=/here"), *loop = rig_url(&rig, "/loop"),
                    *file = rig_url(&rig, "/away?to=file:///etc/passwd");
    HttpRequest request = get;
    request.url = away;
    g_auto(HttpResponse) stayed = {0}, followed = {0}, posted = {0};
    g_assert_no_error(call(rig.client, request, NULL, &stayed));
    g_assert_cmpint(stayed.status, ==, 302);
    g_assert_cmpstr(stayed.body, ==, "body");
    request.follow_redirects = TRUE;
    g_assert_no_error(call(rig.client, request, NULL, &followed));
    g_assert_cmpint(followed.status, ==, 200);
    g_assert_cmpstr(followed.body, ==, "here");
    g_assert_null(http_response_header(&followed, "Location"));
    request.url = loop;
    check_code(call(rig.client, request, NULL, NULL), ERR_REMOTE);
    request.url = file;
    check_code(call(rig.client, request, NULL, NULL), ERR_INVALID);
    request.url = away;
    request.method = "POST";
    g_assert_no_error(call(rig.client, request, NULL, &posted));
    g_assert_cmpint(posted.status, ==, 302);
    rig_end(&rig);
}

/* ---- addresses ---- */

static gboolean refuse_loopback(const char *ip, guint16 port, gpointer data) {
    g_assert_cmpuint(port, ==, *(guint16 *)data);
    return !g_str_has_prefix(ip, "127.");
}

static void test_addresses(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    guint16 port = http_server_port(rig.server);
    g_autofree char *url = rig_url(&rig, "/here");
    HttpRequest request = get;
    request.url = url;
    request.allow_address = refuse_loopback;
    request.allow_address_data = &port;
    check_code(call(rig.client, request, NULL, NULL), ERR_FORBIDDEN);
    /* A connection that a call without rules has left open is no way around them. */
    request.allow_address = NULL;
    g_assert_no_error(call(rig.client, request, NULL, NULL));
    request.allow_address = refuse_loopback;
    check_code(call(rig.client, request, NULL, NULL), ERR_FORBIDDEN);
    rig_end(&rig);
}

/* A proxy of the environment is not asked for loopback addresses; one that is named is. */
static void test_proxy(void) {
    Rig rig;
    RawPeer nobody = {0};
    raw_peer_start(&nobody, NULL);
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%u", nobody.port);
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *url = rig_url(&rig, "/here");
    HttpRequest request = get;
    request.url = url;
    g_setenv("http_proxy", proxy, TRUE);
    g_assert_no_error(call(rig.client, request, NULL, NULL));
    request.url = "http://example.invalid/";
    check_code(call(rig.client, request, NULL, NULL), ERR_UNAVAILABLE);
    g_unsetenv("http_proxy");
    request.url = url;
    request.proxy = proxy;
    check_code(call(rig.client, request, NULL, NULL), ERR_UNAVAILABLE);
    raw_peer_end(&nobody);
    rig_end(&rig);
}

/* ---- pieces ---- */

static gboolean count_piece(const char *piece, gsize length, gpointer data) {
    g_assert_nonnull(piece);
    *(gsize *)data += length;
    return *(gsize *)data < 50000;
}

static void test_pieces(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *small = rig_url(&rig, "/here"), *large = rig_url(&rig, "/json");
    gsize count = 0;
    g_auto(HttpResponse) whole = {0}, part = {0}, packed = {0};
    HttpRequest request = get;
    request.url = large;
    g_assert_no_error(call(rig.client, request, NULL, &packed));
    g_assert_cmpuint(packed.body_length, ==, 100000);
    g_assert_cmpstr(http_response_header(&packed, "Content-Encoding"), ==, "gzip");
    request.url = small;
    request.on_data = count_piece;
    request.on_data_data = &count;
    g_assert_no_error(call(rig.client, request, NULL, &whole));
    g_assert_cmpuint(count, ==, 4);
    g_assert_cmpstr(whole.body, ==, "");
    request.url = large;
    g_assert_no_error(call(rig.client, request, NULL, &part));
    g_assert_cmpint(part.status, ==, 200);
    g_assert_cmpuint(count, >=, 50000);
    rig_end(&rig);
}

/* ---- cancel and end ---- */

static gpointer cancel_soon(gpointer cancel) {
    g_usleep(100000);
    cancel_set(cancel);
    return NULL;
}

static void test_cancel(void) {
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_silence);
    HttpClient *client = http_client_new(NULL);
    g_autofree char *url = raw_peer_url(&peer);
    g_autoptr(Cancel) cancel = cancel_new();
    HttpRequest request = get;
    request.url = url;
    request.timeout_ms = 20000;
    gint64 begin = clock_elapsed_ms();
    GThread *thread = g_thread_new("cancel", cancel_soon, cancel);
    check_code(call(client, request, cancel, NULL), ERR_CANCELLED);
    g_thread_join(thread);
    check_code(call(client, request, cancel, NULL), ERR_CANCELLED);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000);
    http_client_free(client);
    raw_peer_end(&peer);
}

typedef struct {
    HttpClient *client;
    const char *url;
    GError *error;
} Blocked;

static gpointer call_blocked(gpointer data) {
    Blocked *blocked = data;
    blocked->error = call(blocked->client, (HttpRequest){.method = "GET", .url = blocked->url}, NULL, NULL);
    return NULL;
}

static void test_free_while_calling(void) {
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_silence);
    g_autofree char *url = raw_peer_url(&peer);
    Blocked blocked = {.client = http_client_new(NULL), .url = url};
    GThread *thread = g_thread_new("blocked", call_blocked, &blocked);
    g_usleep(100000);
    http_client_free(blocked.client);
    g_thread_join(thread);
    check_code(blocked.error, ERR_CANCELLED);
    raw_peer_end(&peer);
    http_client_free(NULL);
}

/* ---- a name server that does not answer holds up nobody else ---- */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

/* In place of the C library's, also for libcurl. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    (void)service, (void)hints, (void)result;
    if (g_strcmp0(node, "slow.invalid") == 0)
        g_usleep(2000000);
    return EAI_NONAME;
}

static void test_slow_names(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    Blocked blocked = {.client = rig.client, .url = "http://slow.invalid/"};
    GThread *thread = g_thread_new("blocked", call_blocked, &blocked);
    g_usleep(50000);
    gint64 begin = clock_elapsed_ms();
    HttpRequest request = get;
    request.url = "http://slow.invalid/";
    request.timeout_ms = 200;
    check_code(call(rig.client, request, NULL, NULL), ERR_UNAVAILABLE);
    g_auto(HttpResponse) response = {0};
    rig_get(&rig, "/here", NULL, &response);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 1000);
    g_thread_join(thread);
    check_code(blocked.error, ERR_UNAVAILABLE);
    rig_end(&rig);
}

/* ---- more calls than connections ---- */

/* A call for which there was no connection in time was not sent: ERR_UNAVAILABLE, at its own deadline. */
static void test_connection_limit(void) {
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_silence); /* serves one; the kernel accepts the rest */
    g_assert_cmpint(listen(peer.socket, 2 * HTTP_CONNECTIONS_PER_HOST_MAX), ==, 0);
    g_autofree char *url = raw_peer_url(&peer);
    Blocked holding[HTTP_CONNECTIONS_PER_HOST_MAX];
    GThread *threads[G_N_ELEMENTS(holding)];
    HttpClient *client = http_client_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(holding); i++) {
        holding[i] = (Blocked){client, url, NULL};
        threads[i] = g_thread_new("holding", call_blocked, &holding[i]);
    }
    g_usleep(500000); /* until all are connected */
    HttpRequest request = post;
    request.url = url;
    request.timeout_ms = 200;
    gint64 begin = clock_elapsed_ms();
    check_code(call(client, request, NULL, NULL), ERR_UNAVAILABLE);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000);
    http_client_free(client);
    for (gsize i = 0; i < G_N_ELEMENTS(holding); i++) {
        g_thread_join(threads[i]);
        check_code(holding[i].error, ERR_CANCELLED);
    }
    raw_peer_end(&peer);
}

/* The same of all hosts together: one that has none yet gets no connection either. */
static void test_connections_limit_of_all_hosts(void) {
    enum { HOSTS = HTTP_CONNECTIONS_MAX / HTTP_CONNECTIONS_PER_HOST_MAX };
    RawPeer peers[HOSTS + 1] = {0};
    char *urls[HOSTS + 1];
    static Blocked holding[HTTP_CONNECTIONS_MAX];
    static GThread *threads[HTTP_CONNECTIONS_MAX];
    HttpClient *client = http_client_new(NULL);
    for (gsize i = 0; i <= HOSTS; i++) {
        raw_peer_start(&peers[i], serve_silence);
        g_assert_cmpint(listen(peers[i].socket, 2 * HTTP_CONNECTIONS_PER_HOST_MAX), ==, 0);
        urls[i] = raw_peer_url(&peers[i]);
    }
    for (gsize i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        holding[i] = (Blocked){client, urls[i % HOSTS], NULL};
        threads[i] = g_thread_new("holding", call_blocked, &holding[i]);
    }
    g_usleep(1500000); /* until all are connected */
    HttpRequest request = post;
    request.url = urls[HOSTS];
    request.timeout_ms = 200;
    check_code(call(client, request, NULL, NULL), ERR_UNAVAILABLE);
    http_client_free(client);
    for (gsize i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        g_thread_join(threads[i]);
        check_code(holding[i].error, ERR_CANCELLED);
    }
    for (gsize i = 0; i <= HOSTS; i++) {
        raw_peer_end(&peers[i]);
        g_free(urls[i]);
    }
}

static void test_without_a_client_nothing_is_called(void) {
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) response = {0};
    const HttpRequest request = {.method = "GET", .url = "http://127.0.0.1:1/secret"};
    g_assert_false(http_call(NULL, &request, NULL, &response, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_assert_null(strstr(error->message, "secret"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/client/without-a-client-nothing-is-called", test_without_a_client_nothing_is_called);
    g_test_add_func("/net/client/refused", test_refused);
    g_test_add_func("/net/client/unresolvable", test_unresolvable);
    g_test_add_func("/net/client/not-tls", test_not_tls);
    g_test_add_func("/net/client/broken-off", test_broken_off);
    g_test_add_func("/net/client/silence", test_silence);
    g_test_add_func("/net/client/never-repeats-writes", test_never_repeats_writes);
    g_test_add_func("/net/client/limits", test_limits);
    g_test_add_func("/net/client/bad-requests", test_bad_requests);
    g_test_add_func("/net/client/headers", test_headers);
    g_test_add_func("/net/client/redirects", test_redirects);
    g_test_add_func("/net/client/addresses", test_addresses);
    g_test_add_func("/net/client/proxy", test_proxy);
    g_test_add_func("/net/client/pieces", test_pieces);
    g_test_add_func("/net/client/cancel", test_cancel);
    g_test_add_func("/net/client/free-while-calling", test_free_while_calling);
    g_test_add_func("/net/client/slow-names", test_slow_names);
    g_test_add_func("/net/client/connections-limit-of-all-hosts", test_connections_limit_of_all_hosts);
    g_test_add_func("/net/client/connection-limit", test_connection_limit);
    return g_test_run();
}
