/* The HTTP server, seen by our client and by raw bytes. */
#include "base/json.h"
#include "net_rig.h"
#include <sys/resource.h>

static void answer_text(HttpExchange *exchange, int status, char *text) {
    http_exchange_answer(exchange, status, "text/plain", text, strlen(text), NULL);
}

static void append_parameter(const char *name, const char *value, gpointer data) {
    g_string_append_printf(data, "[%s=%s]", name, value);
}

static void echo(HttpExchange *exchange) {
    gsize length;
    const char *body = http_exchange_body(exchange, &length);
    const char *header = http_exchange_header(exchange, "x-test");
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s %s ", http_exchange_method(exchange), http_exchange_path(exchange));
    http_exchange_query_each(exchange, append_parameter, text);
    g_string_append_printf(text, " %s %s %" G_GSIZE_FORMAT ":", header ? header : "-", http_exchange_peer(exchange), length);
    g_string_append_len(text, body, (gssize)MIN(length, 100));
    const char *const headers[] = {"X-Answer", "yes", NULL};
    gsize text_length = text->len;
    http_exchange_answer(exchange, 200, "text/plain", g_string_free(text, FALSE), text_length, headers);
}

static gpointer answer_later(gpointer exchange) {
    g_usleep(20000);
    answer_text(exchange, 201, g_strdup("later"));
    return NULL;
}

static void handle(HttpExchange *exchange, gpointer data) {
    const char *path = http_exchange_path(exchange);
    (void)data;
    if (g_str_equal(path, "/later")) {
        g_thread_unref(g_thread_new("later", answer_later, exchange));
    } else if (g_str_equal(path, "/big")) {
        gsize n = (gsize)g_ascii_strtoull(http_exchange_query(exchange, "n"), NULL, 10);
        http_exchange_answer(exchange, 200, "text/plain", g_strnfill(n, 'x'), n, NULL);
    } else if (g_str_equal(path, "/empty")) {
        http_exchange_answer(exchange, 200, NULL, NULL, 0, NULL);
    } else if (g_str_equal(path, "/slow")) {
        g_usleep(100000);
        answer_text(exchange, 200, g_strdup("slow"));
    } else {
        echo(exchange);
    }
}

static void check_body(const HttpResponse *response, int status, const char *body) {
    g_assert_cmpstr(response->body, ==, body);
    g_assert_cmpint(response->status, ==, status);
}

static void test_request(void) {
    static const char *const headers[] = {"X-Test", "value", NULL};
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_auto(HttpResponse) response = {0};
    rig_get(&rig, "/a%20b/c?x=1&y=%C3%A4+b&x=2&z", headers, &response);
    check_body(&response, 200, "GET /a%20b/c [x=1][y=\xc3\xa4 b][x=2][z=] value 127.0.0.1 0:");
    g_assert_cmpstr(http_response_header(&response, "X-Answer"), ==, "yes");
    g_assert_cmpuint(strlen(http_response_header(&response, "x-request-id")), ==, 26);
    g_assert_cmpstr(http_response_header(&response, "Content-Type"), ==, "text/plain");
    http_response_clear(&response);
    rig_get(&rig, "/later", NULL, &response);
    check_body(&response, 201, "later");
    http_response_clear(&response);
    rig_get(&rig, "/empty", NULL, &response);
    check_body(&response, 200, "");
    g_assert_null(http_response_header(&response, "Content-Type"));
    rig_end(&rig);
}

static void test_methods(void) {
    static const struct {
        const char *method, *body, *expected;
    } cases[] = {
        {"POST", "body", "POST /x  - 127.0.0.1 4:body"}, {"POST", NULL, "POST /x  - 127.0.0.1 0:"},
        {"PUT", "b", "PUT /x  - 127.0.0.1 1:b"},         {"PATCH", "b", "PATCH /x  - 127.0.0.1 1:b"},
        {"DELETE", NULL, "DELETE /x  - 127.0.0.1 0:"},   {"DELETE", "b", "DELETE /x  - 127.0.0.1 1:b"},
        {"OPTIONS", NULL, "OPTIONS /x  - 127.0.0.1 0:"}, {"HEAD", NULL, ""},
    };
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *url = rig_url(&rig, "/x");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(HttpResponse) response = {0};
        const HttpRequest request = {
            .method = cases[i].method, .url = url, .body = cases[i].body, .body_length = cases[i].body ? strlen(cases[i].body) : 0};
        http_call(rig.client, &request, NULL, &response, &error);
        g_assert_no_error(error);
        check_body(&response, 200, cases[i].expected);
        g_assert_cmpstr(http_response_header(&response, "X-Answer"), ==, "yes");
    }
    rig_end(&rig);
}

/* One raw exchange; the whole answer up to the needle or the close. */
static char *raw_exchange(const Rig *rig, const char *request, const char *needle) {
    int fd = raw_connect(http_server_port(rig->server));
    GString *got = g_string_new(NULL);
    raw_write(fd, request);
    raw_read_until(fd, needle, got, 5000);
    close(fd);
    return g_string_free(got, FALSE);
}

static void check_error(const char *answer, int status, const char *says) {
    g_autofree char *line = g_strdup_printf("HTTP/1.1 %d ", status);
    g_assert_true(g_str_has_prefix(answer, line));
    g_assert_nonnull(strstr(answer, says));
    const char *body = strstr(answer, "\r\n\r\n");
    g_assert_nonnull(body);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_parse(body + 4, -1, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_get_int(json_root(json), "status", 0), ==, status);
    g_assert_nonnull(json_get_string(json_root(json), "error"));
    g_assert_true(g_str_has_suffix(json_get_string(json_root(json), "timestamp"), "+00:00"));
}

static void test_malformed(void) {
    static const struct {
        const char *request;
        int status;
        const char *says;
    } cases[] = {
        {"GET /x?a=%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400, "query parameter a"},
        {"GET /x?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "NUL"},
        {"GET /x?%ff=1 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "UTF-8"},
        {"GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "slash"},
        {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "slash"},
        {"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400, "Host"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400, "Content-Length"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding"},
    };
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *answer = raw_exchange(&rig, cases[i].request, "}");
        check_error(answer, cases[i].status, cases[i].says);
    }
    rig_end(&rig);
}

static void test_targets(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *absolute = raw_exchange(&rig, "GET http://other.example/a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n", "0:");
    g_autofree char *star = raw_exchange(&rig, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "0:");
    g_autofree char *old = raw_exchange(&rig, "GET /old HTTP/1.0\r\n\r\n", "0:");
    g_assert_nonnull(strstr(absolute, "GET /a/b [c=d]"));
    g_assert_nonnull(strstr(star, "OPTIONS * "));
    g_assert_nonnull(strstr(old, "GET /old "));
    rig_end(&rig);
}

static void test_header_limit(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *fits = g_strnfill(HTTP_SERVER_HEADER_MAX - 200, 'a');
    g_autofree char *request = g_strdup_printf("GET /x HTTP/1.1\r\nHost: h\r\nX-Test: %s\r\n\r\n", fits);
    g_autofree char *answer = raw_exchange(&rig, request, "0:");
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 200 "));
    g_autofree char *too_long = g_strnfill(HTTP_SERVER_HEADER_MAX, 'a');
    g_autofree char *bad_request = g_strdup_printf("GET /x HTTP/1.1\r\nHost: h\r\nX-Test: %s\r\n\r\n", too_long);
    g_autofree char *bad_answer = raw_exchange(&rig, bad_request, "}");
    check_error(bad_answer, 431, "headers");
    g_autofree char *huge = g_strnfill(16 * HTTP_SERVER_HEADER_MAX, 'a');
    g_autofree char *huge_request = g_strdup_printf("GET /x HTTP/1.1\r\nHost: h\r\nX-Test: %s\r\n\r\n", huge);
    g_autofree char *huge_answer = raw_exchange(&rig, huge_request, "\r\n\r\n");
    g_assert_null(strstr(huge_answer, "HTTP/1.1 200 "));
    rig_end(&rig);
}

static void test_body_limit(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .body_max = 100000});
    g_autofree char *url = rig_url(&rig, "/x");
    g_autofree char *body = g_strnfill(100001, 'b');
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) fits = {0}, too_large = {0};
    HttpRequest request = {.method = "POST", .url = url, .body = body, .body_length = 100000};
    http_call(rig.client, &request, NULL, &fits, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(fits.body, " 100000:bbb"));
    request.body_length++;
    http_call(rig.client, &request, NULL, &too_large, &error);
    g_assert_no_error(error);
    g_assert_cmpint(too_large.status, ==, 413);
    /* In pieces of unknown total length, and announced with a question before. */
    g_autofree char *chunked = g_strdup_printf("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n%s\r\n0\r\n\r\n",
                                               body);
    g_autofree char *chunked_answer = raw_exchange(&rig, chunked, "}");
    check_error(chunked_answer, 413, "100000");
    g_autofree char *asked = raw_exchange(&rig, "POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n",
                                          "}");
    check_error(asked, 413, "100000");
    g_autofree char *enormous = raw_exchange(&rig, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", "}");
    check_error(enormous, 413, "100000");
    rig_end(&rig);
}

/* Eight bodies of the largest size may be held at once: of nine that all lack their last byte, one is refused. */
static void test_bodies_limit(void) {
    enum { BODY = 50000 };
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .body_max = BODY});
    g_autofree char *part = g_strnfill(BODY - 1, 'b');
    g_autofree char *incomplete = g_strdup_printf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", BODY, part);
    int held[HTTP_SERVER_BODIES_MAX + 1];
    guint refused = 0, served = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(held); i++) {
        held[i] = raw_connect(http_server_port(rig.server));
        raw_write(held[i], incomplete);
    }
    g_usleep(300000); /* until all have arrived */
    for (gsize i = 0; i < G_N_ELEMENTS(held); i++) {
        g_autoptr(GString) got = g_string_new(NULL);
        raw_write(held[i], "b");
        g_assert_true(raw_read_until(held[i], "\r\n\r\n", got, 10000));
        if (g_str_has_prefix(got->str, "HTTP/1.1 503 ") && strstr(got->str, "Retry-After: 1\r\n"))
            refused++;
        if (g_str_has_prefix(got->str, "HTTP/1.1 200 "))
            served++;
        close(held[i]);
    }
    g_assert_cmpuint(refused, ==, 1);
    g_assert_cmpuint(served, ==, HTTP_SERVER_BODIES_MAX);
    g_autofree char *complete = g_strconcat(incomplete, "b", NULL);
    g_autofree char *answer = raw_exchange(&rig, complete, "bbb"); /* nothing is held any more */
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 200 "));
    rig_end(&rig);
}

/* A refused body is read on for a while, so that the client sees the answer; then the connection is closed. */
static void test_discard_limit(void) {
    enum { PIECE = 1024 * 1024 };
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .body_max = 1000});
    int fd = raw_connect(http_server_port(rig.server));
    g_autofree char *bytes = g_strnfill(PIECE, 'b');
    g_autofree char *chunk = g_strdup_printf("%x\r\n%s\r\n", (unsigned)PIECE, bytes);
    g_autoptr(GString) got = g_string_new(NULL);
    raw_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < HTTP_SERVER_DISCARD_MAX / PIECE - 1; i++)
        raw_write(fd, chunk);
    g_assert_false(raw_read_until(fd, "HTTP/", got, 50));
    struct pollfd ending = {fd, POLLRDHUP, 0};
    g_assert_cmpint(poll(&ending, 1, 0), ==, 0);
    raw_write(fd, chunk);
    raw_write(fd, chunk);
    g_assert_cmpint(poll(&ending, 1, 5000), ==, 1);
    close(fd);
    rig_end(&rig);
}

/* A client beyond the limit waits in the kernel's queue until another one goes. */
static void test_connections_limit(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 3 * HTTP_SERVER_CONNECTIONS_MAX) {
        g_test_skip("too few open files are allowed");
        return;
    }
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    static int fds[HTTP_SERVER_CONNECTIONS_MAX];
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        g_autoptr(GString) got = g_string_new(NULL);
        fds[i] = raw_connect(http_server_port(rig.server));
        raw_write(fds[i], "GET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
        g_assert_true(raw_read_until(fds[i], "\r\n\r\n", got, 5000));
    }
    int waiting = raw_connect(http_server_port(rig.server));
    g_autoptr(GString) answer = g_string_new(NULL);
    raw_write(waiting, "GET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
    g_assert_false(raw_read_until(waiting, "\r\n\r\n", answer, 200));
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    g_assert_true(raw_read_until(waiting, "\r\n\r\n", answer, 5000));
    close(waiting);
    rig_end(&rig);
}

static void test_large(void) {
    enum { LARGE = 20 * 1024 * 1024 };
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *target = g_strdup_printf("/big?n=%d", LARGE);
    g_autofree char *url = rig_url(&rig, "/x");
    g_autofree char *body = g_strnfill(LARGE, 'b');
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) down = {0}, up = {0};
    rig_get(&rig, target, NULL, &down);
    g_assert_cmpuint(down.body_length, ==, LARGE);
    const HttpRequest request = {.method = "POST", .url = url, .body = body, .body_length = LARGE};
    http_call(rig.client, &request, NULL, &up, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(up.body, " 20971520:bbb"));
    rig_end(&rig);
}

static void test_gzip(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *packed = raw_exchange(&rig, "GET /big?n=100000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n", "\r\n\r\n");
    g_autofree char *plain = raw_exchange(&rig, "GET /big?n=2000 HTTP/1.1\r\nHost: h\r\n\r\n", "xxx");
    g_autofree char *small = raw_exchange(&rig, "GET /big?n=1000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n", "xxx");
    g_assert_nonnull(strstr(packed, "Content-Encoding: gzip\r\n"));
    g_assert_nonnull(strstr(packed, "Vary: Accept-Encoding\r\n"));
    g_assert_null(strstr(plain, "Content-Encoding"));
    g_assert_nonnull(strstr(plain, "Vary: Accept-Encoding\r\n"));
    g_assert_null(strstr(small, "Content-Encoding"));
    rig_end(&rig);
}

typedef struct {
    const Rig *rig;
    guint done;
} Crowd;

static gpointer call_often(gpointer data) {
    Crowd *crowd = data;
    for (int i = 0; i < 100; i++) {
        g_auto(HttpResponse) response = {0};
        rig_get(crowd->rig, i % 10 ? "/x?a=1" : "/later", NULL, &response);
        check_body(&response, i % 10 ? 200 : 201, i % 10 ? "GET /x [a=1] - 127.0.0.1 0:" : "later");
        g_atomic_int_inc(&crowd->done);
    }
    return NULL;
}

static void test_concurrent(void) {
    Rig rig;
    GThread *threads[24];
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    Crowd crowd = {.rig = &rig};
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("crowd", call_often, &crowd);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(crowd.done, ==, 100 * G_N_ELEMENTS(threads));
    rig_end(&rig);
}

/* Clients that leave in the middle of everything leave nothing behind. */
static void test_vanished(void) {
    static const char *const requests[] = {"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n", "GET /big?n=5000000 HTTP/1.1\r\nHost: h\r\n\r\n",
                                           "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc", "GET /x HT"};
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    for (int round = 0; round < 20; round++) {
        int fd = raw_connect(http_server_port(rig.server));
        raw_write(fd, requests[(gsize)round % G_N_ELEMENTS(requests)]);
        close(fd);
    }
    g_auto(HttpResponse) response = {0};
    rig_get(&rig, "/x", NULL, &response);
    g_assert_cmpint(response.status, ==, 200);
    rig_end(&rig);
}

static void test_idle(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .idle_s = 1});
    int silent = raw_connect(http_server_port(rig.server));
    int halfway = raw_connect(http_server_port(rig.server));
    g_autoptr(GString) got = g_string_new(NULL);
    raw_write(halfway, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    gint64 begin = clock_elapsed_ms();
    g_assert_false(raw_read_until(silent, "never", got, 5000));
    g_assert_false(raw_read_until(halfway, "never", got, 5000));
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 4500);
    close(silent);
    close(halfway);
    rig_end(&rig);
}

static void test_addresses(void) {
    g_autoptr(GError) error = NULL;
    HttpServer *first = http_server_start(&(HttpServerOptions){.address = "127.0.0.1", .handle = handle}, &error);
    g_assert_no_error(error);
    const HttpServerOptions taken = {.address = "127.0.0.1", .port = http_server_port(first), .handle = handle};
    g_assert_null(http_server_start(&taken, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "127.0.0.1"));
    g_clear_error(&error);
    static const char *const bad[] = {"localhost", "", "127.0.0.1:80", "300.0.0.1", "203.0.113.7"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(http_server_start(&(HttpServerOptions){.address = bad[i], .handle = handle}, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        g_clear_error(&error);
    }
    http_server_stop(first, 0);
    http_server_stop(NULL, 0);
}

static void check_ipv6(HttpClient *client, const char *address, const char *host, const char *peer) {
    g_autoptr(GError) error = NULL;
    HttpServer *server = http_server_start(&(HttpServerOptions){.address = address, .handle = handle}, &error);
    g_assert_no_error(error);
    g_autofree char *url = g_strdup_printf("http://%s:%u/x", host, http_server_port(server));
    g_auto(HttpResponse) response = {0};
    http_call(client, &(HttpRequest){.method = "GET", .url = url}, NULL, &response, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(response.body, peer));
    http_server_stop(server, 0);
}

static void test_ipv6(void) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    gboolean here = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    if (!here) {
        g_test_skip("this machine has no IPv6");
        return;
    }
    HttpClient *client = http_client_new(NULL);
    check_ipv6(client, "::1", "[::1]", " ::1 ");
    check_ipv6(client, "::", "[::1]", " ::1 ");
    check_ipv6(client, "::", "127.0.0.1", " 127.0.0.1 ");
    http_client_free(client);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/server/request", test_request);
    g_test_add_func("/net/server/methods", test_methods);
    g_test_add_func("/net/server/malformed", test_malformed);
    g_test_add_func("/net/server/targets", test_targets);
    g_test_add_func("/net/server/header-limit", test_header_limit);
    g_test_add_func("/net/server/body-limit", test_body_limit);
    g_test_add_func("/net/server/bodies-limit", test_bodies_limit);
    g_test_add_func("/net/server/discard-limit", test_discard_limit);
    g_test_add_func("/net/server/connections-limit", test_connections_limit);
    g_test_add_func("/net/server/large", test_large);
    g_test_add_func("/net/server/gzip", test_gzip);
    g_test_add_func("/net/server/concurrent", test_concurrent);
    g_test_add_func("/net/server/vanished", test_vanished);
    g_test_add_func("/net/server/idle", test_idle);
    g_test_add_func("/net/server/addresses", test_addresses);
    g_test_add_func("/net/server/ipv6", test_ipv6);
    return g_test_run();
}
