/* A fake of AWS and of the places that hand out credentials: an HTTP server on a free port that answers from a function of the test, and
 * keeps what it was asked. */
#pragma once
#include "base/clock.h"
#include "clouds/aws/client.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include <string.h>

typedef struct Fake Fake;
typedef struct {
    int status;
    char *body; /* owned by the answer */
    const char *const *headers;
} FakeAnswer;
/* number: of the request, from 0. */
typedef FakeAnswer (*FakeAnswers)(Fake *fake, guint number, const char *method, const char *path, const char *body);

struct Fake {
    HttpServer *server;
    HttpClient *http;
    FakeAnswers answers;
    GMutex lock;
    GPtrArray *seen; /* of "METHOD path body", for each request */
    GPtrArray *authorizations;
    const char *want_header; /* noted of each request beside Authorization, or NULL */
    gint count;
    char *url;
};

static inline FakeAnswer fake_text(int status, const char *text) {
    return (FakeAnswer){status, g_strdup(text), NULL};
}

static void fake_handle(HttpExchange *exchange, gpointer data) {
    Fake *fake = data;
    gsize length = 0;
    const char *body = http_exchange_body(exchange, &length), *authorization = http_exchange_header(exchange, "Authorization");
    const char *wanted = fake->want_header ? http_exchange_header(exchange, fake->want_header) : NULL;
    guint number = (guint)g_atomic_int_add(&fake->count, 1);
    g_mutex_lock(&fake->lock);
    g_ptr_array_add(fake->seen, g_strdup_printf("%s %s %s", http_exchange_method(exchange), http_exchange_path(exchange), body));
    g_ptr_array_add(fake->authorizations, g_strdup(wanted ? wanted : authorization));
    g_mutex_unlock(&fake->lock);
    FakeAnswer answer = fake->answers(fake, number, http_exchange_method(exchange), http_exchange_path(exchange), body);
    http_exchange_answer(exchange, answer.status, "text/xml", answer.body, strlen(answer.body), answer.headers);
}

static inline void fake_start(Fake *fake, FakeAnswers answers) {
    *fake = (Fake){.answers = answers};
    g_mutex_init(&fake->lock);
    fake->seen = g_ptr_array_new_with_free_func(g_free);
    fake->authorizations = g_ptr_array_new_with_free_func(g_free);
    GError *error = NULL;
    fake->server = http_server_start(&(HttpServerOptions){.address = "127.0.0.1", .handle = fake_handle, .data = fake}, &error);
    g_assert_no_error(error);
    fake->http = http_client_new(&error);
    g_assert_no_error(error);
    fake->url = g_strdup_printf("http://127.0.0.1:%u", http_server_port(fake->server));
}

static inline void fake_stop(Fake *fake) {
    http_client_free(fake->http);
    http_server_stop(fake->server, 1000);
    g_ptr_array_unref(fake->seen);
    g_ptr_array_unref(fake->authorizations);
    g_mutex_clear(&fake->lock);
    g_free(fake->url);
}

static inline const char *fake_seen(const Fake *fake, guint number) {
    g_assert_cmpuint(number, <, fake->seen->len);
    return fake->seen->pdata[number];
}

/* A client with a static key whose every service is the fake. */
static inline AwsClient *fake_client(const Fake *fake, gint64 error_retries) {
    g_autoptr(AwsCredentialSource) source = aws_credentials_static("AKIATEST", "test-secret");
    Json *override = json_from_string(fake->url);
    AwsClientOptions options = {
        .http = fake->http, .source = source, .account = "prod", .override = override, .error_retries = error_retries};
    AwsClient *client = aws_client_new(&options);
    json_unref(override);
    return client;
}
