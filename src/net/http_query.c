/* Percent-encoding and query strings. Pure; any thread. */
#include "net/http_query.h"
#include "net/http_client.h"
#include <string.h>

char *http_escape(const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    GString *out = g_string_sized_new(strlen(text) + 16);
    for (const char *c = text; *c; c++) {
        if (g_ascii_isalnum(*c) || strchr("-._~", *c)) {
            g_string_append_c(out, *c);
            continue;
        }
        g_string_append_c(out, '%');
        g_string_append_c(out, digits[(guint8)*c >> 4]);
        g_string_append_c(out, digits[(guint8)*c & 15]);
    }
    return g_string_free(out, FALSE);
}

char *http_decode(const char *text, gsize length, gboolean plus_is_space, GError **error) {
    g_autofree char *out = g_malloc(length + 1);
    gsize n = 0;
    for (gsize i = 0; i < length; i++) {
        char c = text[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            if (length - i < 3 || !g_ascii_isxdigit(text[i + 1]) || !g_ascii_isxdigit(text[i + 2])) {
                error_set(error, ERR_INVALID, "a \"%%\" is not followed by two hexadecimal digits");
                return NULL;
            }
            c = (char)(g_ascii_xdigit_value(text[i + 1]) << 4 | g_ascii_xdigit_value(text[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    /* g_utf8_validate_len also refuses NUL bytes. */
    if (!g_utf8_validate_len(out, n, NULL)) {
        error_set(error, ERR_INVALID, "the decoded text is not UTF-8 or has a NUL byte");
        return NULL;
    }
    return g_steal_pointer(&out);
}

static void parameter_clear(gpointer data) {
    HttpParameter *parameter = data;
    g_free(parameter->name);
    g_free(parameter->value);
}

static gboolean append_parameter(GArray *parameters, const char *text, gsize length, GError **error) {
    const char *equals = memchr(text, '=', length);
    gsize name_length = equals ? (gsize)(equals - text) : length;
    g_autofree char *name = http_decode(text, name_length, TRUE, error);
    if (!name) {
        g_prefix_error(error, "name of query parameter %u: ", parameters->len + 1);
        return FALSE;
    }
    char *value = equals ? http_decode(equals + 1, length - name_length - 1, TRUE, error) : g_strdup("");
    if (!value) {
        g_prefix_error(error, "query parameter %s: ", name);
        return FALSE;
    }
    HttpParameter parameter = {g_steal_pointer(&name), value};
    g_array_append_val(parameters, parameter);
    return TRUE;
}

GArray *http_query_parse(const char *query, GError **error) {
    g_autoptr(GArray) parameters = g_array_new(FALSE, FALSE, sizeof(HttpParameter));
    g_array_set_clear_func(parameters, parameter_clear);
    while (*query) {
        gsize length = strcspn(query, "&");
        if (length && parameters->len == HTTP_QUERY_PARAMETERS_MAX) {
            error_set(error, ERR_LIMIT, "more than %d query parameters (HTTP_QUERY_PARAMETERS_MAX)", HTTP_QUERY_PARAMETERS_MAX);
            return NULL;
        }
        if (length && !append_parameter(parameters, query, length, error))
            return NULL;
        query += length + (query[length] == '&');
    }
    return g_steal_pointer(&parameters);
}
