/* The HTTP server: any bytes on a connection are answered or refused, and the server goes on. */
#include "net/http_server.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX 1000

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_parameter(const char *name, const char *value, gpointer data) {
    g_auto(GStrv) values = http_exchange_query_all(data, name);
    g_assert_true(value && values[0] && http_exchange_query(data, name));
}

static void handle(HttpExchange *exchange, gpointer data) {
    static const char *const headers[] = {"X-Fuzz", "yes", NULL};
    gsize length;
    const char *body = http_exchange_body(exchange, &length);
    (void)data;
    g_assert_true(length <= BODY_MAX && body[length] == '\0');
    g_assert_true(*http_exchange_path(exchange) == '/' || strcmp(http_exchange_path(exchange), "*") == 0);
    http_exchange_query_each(exchange, check_parameter, exchange);
    http_exchange_header(exchange, "Host");
    http_exchange_answer(exchange, 200, "text/plain", g_strnfill(2000, 'x'), 2000, headers);
}

static guint16 start(void) {
    static HttpServer *server;
    if (!server)
        server = http_server_start(&(HttpServerOptions){.address = "127.0.0.1", .handle = handle, .body_max = BODY_MAX, .idle_s = 1}, NULL);
    g_assert_true(server != NULL);
    return http_server_port(server);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(start())};
    char piece[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_true(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    if (send(fd, data, size, MSG_NOSIGNAL) >= 0)
        shutdown(fd, SHUT_WR);
    while (recv(fd, piece, sizeof piece, 0) > 0)
        continue;
    close(fd);
    return 0;
}
