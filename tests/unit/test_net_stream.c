/* Event streams, and the server's stop in the middle of everything. */
#include "net_rig.h"

/* The handler's side of streams and of requests that are kept unanswered, in the order of their arrival. */
static GAsyncQueue *streams, *kept;

static void handle(HttpExchange *exchange, gpointer data) {
    static const char *const headers[] = {"X-Stream", "yes", NULL};
    const char *path = http_exchange_path(exchange);
    (void)data;
    if (g_str_equal(path, "/events"))
        g_async_queue_push(streams, http_exchange_stream(exchange, headers));
    else if (g_str_equal(path, "/kept"))
        g_async_queue_push(kept, exchange);
    else if (g_str_equal(path, "/slow"))
        g_usleep(300000), http_exchange_answer(exchange, 200, NULL, NULL, 0, NULL);
    else if (g_str_equal(path, "/stuck"))
        g_usleep(4000000), http_exchange_answer(exchange, 200, NULL, NULL, 0, NULL);
    else
        http_exchange_answer(exchange, 200, NULL, NULL, 0, NULL);
}

static int open_target(const Rig *rig, const char *target) {
    int fd = raw_connect(http_server_port(rig->server));
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    raw_write(fd, request);
    return fd;
}

static EventStream *open_stream(const Rig *rig, int *fd) {
    *fd = open_target(rig, "/events");
    return g_async_queue_pop(streams);
}

static gboolean becomes_closed(EventStream *stream, int timeout_ms) {
    for (int i = 0; i < timeout_ms / 10 && event_stream_is_open(stream); i++)
        g_usleep(10000);
    return !event_stream_is_open(stream);
}

/* Bodies come in chunks; the sizes between them do not matter here. */
static void test_format(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n\r\n", got, 1000)); /* before any event */
    g_assert_true(g_str_has_prefix(got->str, "HTTP/1.1 200 OK\r\n"));
    g_assert_nonnull(strstr(got->str, "Content-Type: text/event-stream\r\n"));
    g_assert_nonnull(strstr(got->str, "Cache-Control: no-cache\r\n"));
    g_assert_nonnull(strstr(got->str, "X-Stream: yes\r\n"));
    g_assert_nonnull(strstr(got->str, "X-Request-Id: "));
    g_assert_true(event_stream_send(stream, "7", "change", "{\"a\":1}"));
    g_assert_true(raw_read_until(fd, "id: 7\nevent: change\ndata: {\"a\":1}\n\n", got, 2000));
    g_assert_true(event_stream_send(stream, NULL, NULL, "one\ntwo\r\nthree\rfour\n"));
    g_assert_true(raw_read_until(fd, "\ndata: one\ndata: two\ndata: three\ndata: four\ndata: \n\n", got, 2000));
    g_assert_true(event_stream_send(stream, "8\nevil: x", "", ""));
    g_assert_true(raw_read_until(fd, "\nid: 8\nevent: \ndata: \n\n", got, 2000));
    g_assert_null(strstr(got->str, "evil"));
    event_stream_close(stream);
    g_assert_true(raw_read_until(fd, "\r\n0\r\n\r\n", got, 2000)); /* the answer's proper end */
    g_assert_false(event_stream_send(stream, NULL, NULL, "late"));
    close(fd);
    rig_end(&rig);
}

static gboolean collect(const char *piece, gsize length, gpointer data) {
    g_string_append_len(data, piece, (gssize)length);
    return TRUE;
}

typedef struct {
    const Rig *rig;
    GString *got;
    GError *error;
} Reader;

static gpointer read_stream(gpointer data) {
    Reader *reader = data;
    g_autofree char *url = rig_url(reader->rig, "/events");
    g_auto(HttpResponse) response = {0};
    const HttpRequest request = {.method = "GET", .url = url, .timeout_ms = 20000, .on_data = collect, .on_data_data = reader->got};
    http_call(reader->rig->client, &request, NULL, &response, &reader->error);
    return NULL;
}

static void test_through_client(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    Reader reader = {&rig, g_string_new(NULL), NULL};
    GThread *thread = g_thread_new("stream", read_stream, &reader);
    g_autoptr(EventStream) stream = g_async_queue_pop(streams);
    g_autoptr(GString) expected = g_string_new(":\n\n");
    for (int i = 0; i < 1000; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);
        g_string_append_printf(expected, "id: %d\ndata: x\n\n", i);
        while (!event_stream_send(stream, id, NULL, "x"))
            g_usleep(1000);
    }
    event_stream_close(stream);
    g_thread_join(thread);
    g_assert_no_error(reader.error);
    g_assert_cmpstr(reader.got->str, ==, expected->str);
    g_string_free(reader.got, TRUE);
    rig_end(&rig);
}

static void test_head(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autofree char *url = rig_url(&rig, "/events");
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) response = {0};
    http_call(rig.client, &(HttpRequest){.method = "HEAD", .url = url}, NULL, &response, &error);
    g_assert_no_error(error);
    g_autoptr(EventStream) stream = g_async_queue_pop(streams);
    g_assert_true(becomes_closed(stream, 2000));
    rig_end(&rig);
}

/* A client that stops reading is told apart by the backlog; when it reads on, it gets all that was taken, in order. */
static void test_slow_client(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_autofree char *data = g_strnfill(10000, 'x');
    int sent = 0, refused = 0;
    while (refused < 50) { /* fills the kernel's buffers, then ours */
        g_autofree char *id = g_strdup_printf("%d", sent);
        if (event_stream_send(stream, id, NULL, data))
            sent++;
        else
            refused++, g_usleep(5000);
    }
    g_assert_cmpint(sent, >=, EVENT_STREAM_BACKLOG / 10100);
    g_assert_true(event_stream_is_open(stream));
    g_autofree char *too_large = g_strnfill(EVENT_STREAM_BACKLOG, 'x');
    g_assert_false(event_stream_send(stream, NULL, NULL, too_large));
    event_stream_close(stream);
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n0\r\n\r\n", got, 20000));
    const char *at = got->str;
    for (int i = 0; i < sent; i++) {
        g_autofree char *id = g_strdup_printf("id: %d\n", i);
        at = strstr(at, id);
        g_assert_nonnull(at);
    }
    close(fd);
    rig_end(&rig);
}

static void test_vanished(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .comment_ms = 50});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n\r\n", got, 2000));
    g_string_truncate(got, 0);
    g_assert_true(raw_read_until(fd, ":\n\n", got, 2000));
    g_string_truncate(got, 0);
    g_assert_true(raw_read_until(fd, ":\n\n", got, 2000)); /* comments go on */
    close(fd);
    g_assert_true(becomes_closed(stream, 5000));
    rig_end(&rig);
}

/* The time limit of silent connections is not for streams that have nothing to say. */
static void test_silent_stream(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .idle_s = 1, .comment_ms = 60000});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_false(raw_read_until(fd, "never", got, 2500));
    g_assert_true(event_stream_send(stream, "1", NULL, "after"));
    g_assert_true(raw_read_until(fd, "data: after", got, 2000));
    close(fd);
    rig_end(&rig);
}

/* ---- many at once ---- */

typedef struct {
    GPtrArray *open;
    int ending; /* atomic */
    int seed;
} Storm;

static gpointer send_storm(gpointer data) {
    Storm *storm = data;
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)g_atomic_int_add(&storm->seed, 1));
    while (!g_atomic_int_get(&storm->ending)) {
        EventStream *stream = storm->open->pdata[g_rand_int_range(random, 0, (gint)storm->open->len)];
        event_stream_send(stream, "1", NULL, "storm");
        if (g_rand_int_range(random, 0, 2000) == 0)
            event_stream_close(stream);
    }
    return NULL;
}

static void test_storm(void) {
    enum { STREAMS = 60, SENDERS = 4 };
    Rig rig;
    int fds[STREAMS];
    GThread *threads[SENDERS];
    rig_start(&rig, (HttpServerOptions){.handle = handle, .comment_ms = 5});
    Storm storm = {.open = g_ptr_array_new()};
    for (int i = 0; i < STREAMS; i++)
        g_ptr_array_add(storm.open, open_stream(&rig, &fds[i]));
    for (int i = 0; i < SENDERS; i++)
        threads[i] = g_thread_new("storm", send_storm, &storm);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < STREAMS; i++) {
            char piece[65536];
            recv(fds[i], piece, sizeof piece, MSG_DONTWAIT);
            if (i % 3 == 0 && round == 10)
                close(fds[i]), fds[i] = -1;
        }
        g_usleep(10000);
    }
    http_server_stop(rig.server, 500); /* while the senders go on */
    g_atomic_int_set(&storm.ending, TRUE);
    for (int i = 0; i < SENDERS; i++)
        g_thread_join(threads[i]);
    for (int i = 0; i < STREAMS; i++) {
        g_assert_false(event_stream_is_open(storm.open->pdata[i]));
        event_stream_unref(storm.open->pdata[i]);
        if (fds[i] >= 0)
            close(fds[i]);
    }
    g_ptr_array_unref(storm.open);
    http_client_free(rig.client);
}

/* ---- stop ---- */

static void test_stop_streaming(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_assert_true(event_stream_send(stream, "1", NULL, "last"));
    gint64 begin = clock_elapsed_ms();
    http_server_stop(rig.server, 10000);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000); /* streams do not wait out the grace period */
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "data: last\n\n\r\n0\r\n\r\n", got, 2000));
    g_assert_false(event_stream_is_open(stream));
    close(fd);
    http_client_free(rig.client);
}

/* A client that does not read cannot hold up the stop. */
static void test_stop_unread(void) {
    Rig rig;
    int fd;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    g_autoptr(EventStream) stream = open_stream(&rig, &fd);
    g_autofree char *data = g_strnfill(100000, 'x');
    for (int refused = 0; refused < 20;)
        if (!event_stream_send(stream, "1", NULL, data))
            refused++, g_usleep(5000);
    gint64 begin = clock_elapsed_ms();
    http_server_stop(rig.server, 200);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000);
    close(fd);
    http_client_free(rig.client);
}

static void check_answer(int fd, const char *begins) {
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n\r\n", got, 3000));
    g_assert_true(g_str_has_prefix(got->str, begins));
    close(fd);
}

static gpointer stop_server(gpointer rig) {
    http_server_stop(((Rig *)rig)->server, 2000);
    return NULL;
}

/* What is under way ends well; what comes meanwhile, on an open connection or a new one, is refused; then nobody listens. */
static void test_stop_gracefully(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    guint16 port = http_server_port(rig.server);
    int slow = open_target(&rig, "/slow"), waiting = raw_connect(port), idle = raw_connect(port);
    raw_write(waiting, "GET /x HTTP/1.1\r\nHost: h\r\n");
    g_usleep(100000);
    GThread *thread = g_thread_new("stop", stop_server, &rig);
    g_usleep(50000);
    raw_write(waiting, "\r\n");
    check_answer(waiting, "HTTP/1.1 503 ");
    check_answer(open_target(&rig, "/events"), "HTTP/1.1 503 ");
    check_answer(slow, "HTTP/1.1 200 ");
    g_thread_join(thread);
    close(idle);
    g_autoptr(GError) error = NULL;
    HttpResponse response;
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", port);
    g_assert_false(http_call(rig.client, &(HttpRequest){.method = "GET", .url = url}, NULL, &response, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    http_client_free(rig.client);
}

/* Handlers that answer after the grace period: their clients have had a 503, their answers are dropped. */
static void test_stop_unanswered(void) {
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    int first = open_target(&rig, "/kept?a=1"), second = open_target(&rig, "/kept?a=1");
    HttpExchange *answered = g_async_queue_pop(kept), *streamed = g_async_queue_pop(kept);
    gint64 begin = clock_elapsed_ms();
    http_server_stop(rig.server, 100);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, 3000);
    check_answer(first, "HTTP/1.1 503 ");
    check_answer(second, "HTTP/1.1 503 ");
    g_assert_cmpstr(http_exchange_query(answered, "a"), ==, "1"); /* still there */
    http_exchange_answer(answered, 200, "text/plain", g_strdup("late"), 4, NULL);
    g_autoptr(EventStream) stream = http_exchange_stream(streamed, NULL);
    g_assert_false(event_stream_is_open(stream));
    g_assert_false(event_stream_send(stream, NULL, NULL, "late"));
    event_stream_close(stream);
    http_client_free(rig.client);
}

/* A handler that never comes back, and requests that never got a reader. */
static void test_stop_stuck(void) {
    Rig rig;
    int fds[HTTP_SERVER_READERS + 4];
    rig_start(&rig, (HttpServerOptions){.handle = handle});
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = open_target(&rig, "/stuck");
    g_usleep(200000);
    gint64 begin = clock_elapsed_ms();
    http_server_stop(rig.server, 100);
    g_assert_cmpint(clock_elapsed_ms() - begin, <, HTTP_SERVER_READER_END_MS + 1500);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        check_answer(fds[i], "HTTP/1.1 503 ");
    g_usleep(2500000); /* the handlers come back to a server that lives as long as they need it */
    http_client_free(rig.client);
}

typedef struct {
    HttpClient *client;
    guint16 port;
    int ending; /* atomic */
} Visitor;

static gpointer visit_often(gpointer data) {
    Visitor *visitor = data;
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/x", visitor->port);
    while (!g_atomic_int_get(&visitor->ending)) {
        HttpResponse response;
        if (http_call(visitor->client, &(HttpRequest){.method = "GET", .url = url}, NULL, &response, NULL))
            g_assert_true(response.status == 200 || response.status == 503);
        http_response_clear(&response);
    }
    return NULL;
}

/* Servers that start and stop under visitors. */
static void test_stop_often(void) {
    GThread *threads[4];
    HttpClient *client = http_client_new(NULL);
    for (int round = 0; round < 50; round++) {
        g_autoptr(GError) error = NULL;
        HttpServer *server = http_server_start(&(HttpServerOptions){.address = "127.0.0.1", .handle = handle}, &error);
        g_assert_no_error(error);
        Visitor visitor = {client, http_server_port(server), FALSE};
        for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
            threads[i] = g_thread_new("visitor", visit_often, &visitor);
        g_usleep(2000);
        http_server_stop(server, 1000);
        g_atomic_int_set(&visitor.ending, TRUE);
        for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
            g_thread_join(threads[i]);
    }
    http_client_free(client);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    streams = g_async_queue_new();
    kept = g_async_queue_new();
    g_test_add_func("/net/stream/format", test_format);
    g_test_add_func("/net/stream/through-client", test_through_client);
    g_test_add_func("/net/stream/head", test_head);
    g_test_add_func("/net/stream/slow-client", test_slow_client);
    g_test_add_func("/net/stream/vanished", test_vanished);
    g_test_add_func("/net/stream/silent", test_silent_stream);
    g_test_add_func("/net/stream/storm", test_storm);
    g_test_add_func("/net/stop/streaming", test_stop_streaming);
    g_test_add_func("/net/stop/unread", test_stop_unread);
    g_test_add_func("/net/stop/gracefully", test_stop_gracefully);
    g_test_add_func("/net/stop/unanswered", test_stop_unanswered);
    g_test_add_func("/net/stop/often", test_stop_often);
    g_test_add_func("/net/stop/stuck", test_stop_stuck);
    int result = g_test_run();
    g_async_queue_unref(streams);
    g_async_queue_unref(kept);
    return result;
}
