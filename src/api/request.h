/* What a request must look like before a handler sees it: content type and body. Pure. */
#pragma once
#include "api/route.h"

#define API_BODY_MAX HTTP_SERVER_BODY_MAX
#define REQUEST_ID_MAX 128

/* GET, HEAD and OPTIONS change nothing. */
gboolean request_is_changing(const char *method);
/* "application/json; charset=utf-8", "application/merge-patch+json". */
gboolean content_type_is_json(const char *content_type);
/* FALSE (answered with 415) for what a form of a foreign page can send, and for a body of another type where JSON is wanted. */
gboolean request_check_content_type(const Route *route, const char *method, const char *content_type, gsize body_length, GError **error);
/* The body of a JSON route; NULL without error when none is needed and none was sent. ERR_INVALID, ERR_LIMIT. Caller owns. */
Json *request_parse_body(const Route *route, const char *body, gsize length, GError **error);
/* A client's request id if it is short and printable, else ours. Borrowed from either. */
const char *request_id(const char *given, const char *ours);
