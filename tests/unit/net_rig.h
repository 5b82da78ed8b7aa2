/* What tests of HTTP share: a server with a few routes, a client, and a peer that speaks raw bytes and may misbehave. */
#pragma once
#include "base/clock.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    HttpServer *server;
    HttpClient *client;
} Rig;

static inline void rig_start(Rig *rig, HttpServerOptions options) {
    g_autoptr(GError) error = NULL;
    if (!options.address)
        options.address = "127.0.0.1";
    rig->server = http_server_start(&options, &error);
    g_assert_no_error(error);
    rig->client = http_client_new(&error);
    g_assert_no_error(error);
}

static inline void rig_end(Rig *rig) {
    http_server_stop(rig->server, 2000);
    http_client_free(rig->client);
}

static inline char *rig_url(const Rig *rig, const char *target) {
    return g_strdup_printf("http://127.0.0.1:%u%s", http_server_port(rig->server), target);
}

/* A call that must get an answer. */
static inline void rig_get(const Rig *rig, const char *target, HttpHeaders headers, HttpResponse *response) {
    g_autoptr(GError) error = NULL;
    g_autofree char *url = rig_url(rig, target);
    const HttpRequest request = {.method = "GET", .url = url, .headers = headers};
    http_call(rig->client, &request, NULL, response, &error);
    g_assert_no_error(error);
}

/* ---- raw bytes ---- */

typedef struct {
    int socket;
    guint16 port;
    GThread *thread;
    void (*serve)(int fd, guint number); /* one connection after the other; number counts from 0 */
} RawPeer;

static inline gpointer raw_peer_run(gpointer data) {
    RawPeer *peer = data;
    for (guint number = 0;; number++) {
        int fd = accept(peer->socket, NULL, NULL);
        if (fd < 0)
            return NULL;
        peer->serve(fd, number);
        close(fd);
    }
}

static inline int raw_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static inline void raw_peer_start(RawPeer *peer, void (*serve)(int fd, guint number)) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    peer->socket = raw_socket();
    g_assert_cmpint(bind(peer->socket, (struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(getsockname(peer->socket, (struct sockaddr *)&address, &length), ==, 0);
    peer->port = ntohs(address.sin_port);
    peer->serve = serve;
    if (!serve)
        return; /* bound, not listening: connections are refused */
    g_assert_cmpint(listen(peer->socket, 16), ==, 0);
    peer->thread = g_thread_new("raw-peer", raw_peer_run, peer);
}

static inline void raw_peer_end(RawPeer *peer) {
    shutdown(peer->socket, SHUT_RDWR);
    if (peer->thread)
        g_thread_join(peer->thread);
    close(peer->socket);
}

static inline char *raw_peer_url(const RawPeer *peer) {
    return g_strdup_printf("http://127.0.0.1:%u/secret-path?token=secret", peer->port);
}

static inline void raw_write(int fd, const char *text) {
    gsize length = strlen(text);
    while (length) {
        ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        length -= (gsize)n;
    }
}

/* Reads until the text appears, the other side closes, or the time is over; whether it appeared. */
static inline gboolean raw_read_until(int fd, const char *needle, GString *got, int timeout_ms) {
    gint64 end = clock_elapsed_ms() + timeout_ms;
    while (!strstr(got->str, needle)) {
        char piece[4096];
        struct pollfd wait = {fd, POLLIN, 0};
        gint64 left = end - clock_elapsed_ms();
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return FALSE;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return FALSE;
        g_string_append_len(got, piece, n);
    }
    return TRUE;
}

static inline void raw_read_request(int fd) {
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n\r\n", got, 10000));
}

static inline int raw_connect(guint16 port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = raw_socket();
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}
