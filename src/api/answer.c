/* How answers look: bodies and headers (api.md 1). Reader threads. */
#include "api/answer.h"
#include "api/metrics.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

static void add_header(GPtrArray *headers, const char *name, const char *value) {
    if (value == NULL)
        return;
    g_ptr_array_add(headers, g_strdup(name));
    g_ptr_array_add(headers, g_strdup(value));
}

typedef struct {
    const char *name, *value; /* value NULL: left out */
} Header;

/* Pairs; caller frees. more ends with an entry without name. */
static char **headers_of(const Answer *answer, const Header *more) {
    g_autoptr(GPtrArray) headers = g_ptr_array_new();
    add_header(headers, "X-SPINNAKER-REQUEST-ID", answer->request_id);
    add_header(headers, "X-Content-Type-Options", "nosniff");
    add_header(headers, "Cache-Control", "no-store");
    add_header(headers, "Vary", "Origin");
    if (answer->accepted_origin != NULL) {
        add_header(headers, "Access-Control-Allow-Origin", answer->accepted_origin);
        add_header(headers, "Access-Control-Allow-Credentials", "true");
        add_header(headers, "Access-Control-Allow-Methods", "POST, GET, OPTIONS, DELETE, PUT, PATCH");
        add_header(headers, "Access-Control-Max-Age", "3600");
        add_header(headers, "Access-Control-Allow-Headers",
                   "x-requested-with, content-type, authorization, X-RateLimit-App, X-Spinnaker-Priority");
        add_header(headers, "Access-Control-Expose-Headers", "X-AUTH-REDIRECT-URL");
    }
    for (; more != NULL && more->name != NULL; more++)
        add_header(headers, more->name, more->value);
    g_ptr_array_add(headers, NULL);
    return (char **)g_ptr_array_steal(headers, NULL);
}

static void note(const Answer *answer, int status) {
    gint64 took_us = g_get_monotonic_time() - answer->began_us;
    if (answer->metrics != NULL)
        metrics_note(answer->metrics, answer->route, status, took_us);
    log_debug("api", "%s %s: %d after %" G_GINT64_FORMAT " us", http_exchange_method(answer->exchange),
              http_exchange_path(answer->exchange), status, took_us);
}

static void send(const Answer *answer, int status, const char *content_type, char *text, gsize length, const Header *more) {
    g_auto(GStrv) headers = headers_of(answer, more);
    note(answer, status);
    http_exchange_answer(answer->exchange, status, content_type, text, length, (const char *const *)headers);
}

void answer_json(const Answer *answer, int status, const Json *body) {
    gsize length = 0;
    char *text = body != NULL ? json_write(json_root(body), &length) : g_strdup("");
    send(answer, status, body != NULL ? JSON_CONTENT_TYPE : NULL, text, length, NULL);
}

void answer_text(const Answer *answer, int status, const char *content_type, char *text, gsize length) {
    send(answer, status, content_type, text, length, NULL);
}

void answer_preflight(const Answer *answer) {
    send(answer, 200, NULL, g_strdup(""), 0, (const Header[]){{"Allow", "GET, POST, PUT, PATCH, DELETE, OPTIONS"}, {0}});
}

void answer_redirect(const Answer *answer, const char *location, const char *set_cookie) {
    send(answer, 302, NULL, g_strdup(""), 0, (const Header[]){{"Location", location}, {"Set-Cookie", set_cookie}, {0}});
}

void answer_page(const Answer *answer, char *html) {
    static const Header STRICT[] = {
        {"Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {0},
    };
    send(answer, 200, "text/html;charset=UTF-8", html, strlen(html), STRICT);
}

EventStream *answer_stream(const Answer *answer) {
    g_auto(GStrv) headers = headers_of(answer, NULL);
    note(answer, 200);
    return http_exchange_stream(answer->exchange, (const char *const *)headers);
}

/* Statuses that no error code stands for. */
static const struct {
    int status;
    const char *phrase;
} PHRASES[] = {{405, "Method Not Allowed"},
               {415, "Unsupported Media Type"},
               {421, "Misdirected Request"},
               {413, "Payload Too Large"},
               {429, "Too Many Requests"}};

static const char *phrase_of(int status, const ErrorOutward *outward) {
    if (status == outward->http_status)
        return outward->http_error;
    for (gsize i = 0; i < G_N_ELEMENTS(PHRASES); i++)
        if (PHRASES[i].status == status)
            return PHRASES[i].phrase;
    return outward->http_error;
}

void answer_error(const Answer *answer, int status, const GError *error, const char *allowed_methods) {
    const ErrorOutward *outward = error_outward(error_code(error));
    if (status == 0)
        status = outward->http_status;
    g_autofree char *now = clock_iso8601(clock_now_ms());
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:s, s:i, s:s}", "error", phrase_of(status, outward), "exception", outward->exception_type,
                                     "message", error->message, "status", (gint64)status, "timestamp", now);
    gsize length = 0;
    char *text = json_write(json_root(body), &length);
    const Header more[] = {{"Allow", allowed_methods},
                           {"Retry-After", status == 503 || status == 429 ? "1" : NULL},
                           {"WWW-Authenticate", status == 401 ? "Bearer realm=\"gennaker\"" : NULL},
                           {0}};
    send(answer, status, JSON_CONTENT_TYPE, text, length, more);
}
