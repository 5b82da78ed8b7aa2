/* Calls of a service that the configuration names (service_call.h). Blocks its caller. */
#include "stages/integrations/service_call.h"
#include <string.h>

static char *url_of(const ServiceCall *call) {
    gsize length = strlen(call->base);
    while (length > 0 && call->base[length - 1] == '/')
        length--;
    return g_strdup_printf("%.*s%s", (int)length, call->base, call->path);
}

gboolean service_call(HttpClient *client, const ServiceCall *call, Cancel *cancel, HttpResponse *response, GError **error) {
    const char *headers[9] = {"Accept", "application/json", NULL};
    gsize n = 2, length = 0;
    g_autofree char *body = call->body != NULL ? json_write(call->body, &length) : NULL;
    g_autofree char *url = url_of(call);
    if (call->authorization != NULL)
        headers[n++] = "Authorization", headers[n++] = call->authorization;
    if (call->key != NULL)
        headers[n++] = "Idempotency-Key", headers[n++] = call->key;
    if (body != NULL)
        headers[n++] = "Content-Type", headers[n++] = "application/json";
    headers[n] = NULL;
    const HttpRequest request = {.method = call->method,
                                 .url = url,
                                 .headers = headers,
                                 .body = body,
                                 .body_length = length,
                                 .timeout_ms = call->timeout_ms,
                                 .response_max = SERVICE_ANSWER_MAX};
    if (http_call(client, &request, cancel, response, error))
        return TRUE;
    g_prefix_error(error, "%s: ", call->service);
    return FALSE;
}

Json *service_answer(const HttpResponse *response) {
    return json_parse_limited(response->body, (gssize)response->body_length, SERVICE_ANSWER_MAX, NULL);
}

void service_refused(const ServiceCall *call, const char *keys, const HttpResponse *response, GError **error) {
    const int status = response->status;
    ErrorCode code = status == 429 ? ERR_UNAVAILABLE : status >= 500 ? ERR_TIMEOUT : ERR_REMOTE;
    g_autofree char *said = g_utf8_make_valid(response->body, (gssize)MIN(response->body_length, SERVICE_REFUSAL_MAX));
    g_strstrip(said);
    error_set(error, code, "%s: %s %s answered %d%s%s%s%s", call->service, call->method, call->path, status, *said != '\0' ? ": " : "",
              said, status == 401 || status == 403 ? "; look at " : "", status == 401 || status == 403 ? keys : "");
}
