/* Answers: JSON, errors in the body's shape of api.md 1, and the headers that every answer carries. */
#pragma once
#include "api/browser.h"
#include "api/route.h"

#define JSON_CONTENT_TYPE "application/json;charset=UTF-8"

/* Everything about one request that its answer needs. Texts are the exchange's: gone once it is answered. */
struct Answer {
    HttpExchange *exchange;
    const char *request_id;      /* client's or ours */
    const char *accepted_origin; /* to be echoed, or NULL */
    struct Metrics *metrics;     /* or NULL */
    const Route *route;          /* NULL before there is one */
    gint64 began_us;             /* monotonic */
};

void answer_json(const Answer *answer, int status, const Json *body /* borrowed, NULL: empty body */);
void answer_text(const Answer *answer, int status, const char *content_type, char *text /* taken */, gsize length);
/* status 0: the one of the error's code. */
void answer_error(const Answer *answer, int status, const GError *error, const char *allowed_methods);
void answer_preflight(const Answer *answer);
/* set_cookie: or NULL. */
void answer_redirect(const Answer *answer, const char *location, const char *set_cookie);
/* A page for people, under a policy that lets it load and run nothing. */
void answer_page(const Answer *answer, char *html /* taken */);
/* Answers with a stream of events, with the headers every answer carries; caller owns a reference. */
EventStream *answer_stream(const Answer *answer);
