/* Percent-encoding and query strings of HTTP requests. Pure. */
#pragma once
#include "base/error.h"

#define HTTP_QUERY_PARAMETERS_MAX 1000 /* of one request: 400 above */

typedef struct {
    char *name, *value;
} HttpParameter;

/* Decodes %XX (and "+" as a space where plus_is_space, as in queries and forms). ERR_INVALID for a broken escape, a NUL
 * byte, or text that is not UTF-8. Caller frees. */
char *http_decode(const char *text, gsize length, gboolean plus_is_space, GError **error);

/* "a=1&b" as HttpParameters in order ("b" has the value ""). ERR_INVALID, ERR_LIMIT. Caller frees with g_array_unref. */
GArray *http_query_parse(const char *query, GError **error);
