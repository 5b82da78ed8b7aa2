/* Answers: JSON, errors in the body's shape of api.md 1, and the headers that every answer carries. */
#pragma once
#include "api/browser.h"
#include "api/route.h"

/* Everything about one request that its answer needs; on the reader thread's stack. */
typedef struct {
    HttpExchange *exchange;
    const char *request_id;      /* client's or ours */
    const char *accepted_origin; /* to be echoed, or NULL */
    const char *set_cookie;      /* or NULL */
} Answer;

void answer_json(const Answer *answer, int status, const Json *body /* borrowed, NULL: empty body */);
void answer_text(const Answer *answer, int status, const char *content_type, char *text /* taken */, gsize length);
/* status 0: the one of the error's code. */
void answer_error(const Answer *answer, int status, const GError *error, const char *allowed_methods);
void answer_preflight(const Answer *answer);
/* The headers every answer carries, for streams; pairs, caller frees with g_strfreev. */
char **answer_headers(const Answer *answer, const char *name, const char *value);
