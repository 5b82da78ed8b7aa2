/* Content types and bodies. Pure. */
#include "api/request.h"
#include <string.h>

gboolean request_is_changing(const char *method) {
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
}

/* The media type in lower case without parameters; caller frees. */
static char *media_type(const char *content_type) {
    g_autofree char *type = g_strndup(content_type, strcspn(content_type, ";"));
    return g_ascii_strdown(g_strstrip(type), -1);
}

gboolean content_type_is_json(const char *content_type) {
    g_autofree char *type = media_type(content_type);
    return strcmp(type, "application/json") == 0 || (g_str_has_prefix(type, "application/") && g_str_has_suffix(type, "+json"));
}

/* The three types that a page may send anywhere without asking first (Fetch, "CORS-safelisted request-header"). */
static gboolean is_form_type(const char *content_type) {
    static const char *const FORM[] = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain", NULL};
    g_autofree char *type = media_type(content_type);
    return g_strv_contains(FORM, type);
}

gboolean request_check_content_type(const Route *route, const char *method, const char *content_type, gsize body_length, GError **error) {
    if (!request_is_changing(method) || route->body == BODY_ANY)
        return TRUE;
    if (content_type == NULL ? body_length == 0 : content_type_is_json(content_type))
        return TRUE;
    if (content_type != NULL && body_length == 0 && !is_form_type(content_type))
        return TRUE;
    error_set(error, ERR_INVALID, "%s %s takes JSON: send the header Content-Type: application/json (got %s)", method, route->path,
              content_type != NULL ? content_type : "a body without a type");
    return FALSE;
}

Json *request_parse_body(const Route *route, const char *body, gsize length, GError **error) {
    if (route->body != BODY_JSON && route->body != BODY_OPTIONAL_JSON)
        return NULL;
    if (length > 0) {
        Json *json = json_parse_limited(body, (gssize)length, API_BODY_MAX, error);
        if (json == NULL)
            g_prefix_error(error, "body of %s %s: ", route->method, route->path);
        return json;
    }
    if (route->body == BODY_JSON)
        error_set(error, ERR_INVALID, "%s %s needs a JSON body", route->method, route->path);
    return NULL;
}

const char *request_id(const char *given, const char *ours) {
    if (given == NULL || *given == '\0' || strlen(given) > REQUEST_ID_MAX)
        return ours;
    for (const char *c = given; *c != '\0'; c++)
        if (!g_ascii_isgraph(*c))
            return ours;
    return given;
}
