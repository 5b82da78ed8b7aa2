/* How answers look: bodies and headers (api.md 1). Reader threads. */
#include "api/answer.h"
#include "base/clock.h"
#include <string.h>

#define JSON_CONTENT_TYPE "application/json;charset=UTF-8"

static void add_header(GPtrArray *headers, const char *name, const char *value) {
    if (value == NULL)
        return;
    g_ptr_array_add(headers, g_strdup(name));
    g_ptr_array_add(headers, g_strdup(value));
}

char **answer_headers(const Answer *answer, const char *name, const char *value) {
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
    add_header(headers, "Set-Cookie", answer->set_cookie);
    if (name != NULL)
        add_header(headers, name, value);
    g_ptr_array_add(headers, NULL);
    return (char **)g_ptr_array_steal(headers, NULL);
}

static void send(const Answer *answer, int status, const char *content_type, char *text, gsize length, const char *name,
                 const char *value) {
    g_auto(GStrv) headers = answer_headers(answer, name, value);
    http_exchange_answer(answer->exchange, status, content_type, text, length, (const char *const *)headers);
}

void answer_json(const Answer *answer, int status, const Json *body) {
    gsize length = 0;
    char *text = body != NULL ? json_write(json_root(body), &length) : g_strdup("");
    send(answer, status, body != NULL ? JSON_CONTENT_TYPE : NULL, text, length, NULL, NULL);
}

void answer_text(const Answer *answer, int status, const char *content_type, char *text, gsize length) {
    send(answer, status, content_type, text, length, NULL, NULL);
}

void answer_preflight(const Answer *answer) {
    send(answer, 200, NULL, g_strdup(""), 0, "Allow", "GET, POST, PUT, PATCH, DELETE, OPTIONS");
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
    const char *name = allowed_methods != NULL ? "Allow" : status == 503 ? "Retry-After" : status == 401 ? "WWW-Authenticate" : NULL;
    const char *value = allowed_methods != NULL ? allowed_methods : status == 503 ? "1" : "Bearer realm=\"gennaker\"";
    send(answer, status, JSON_CONTENT_TYPE, text, length, name, value);
}
