/* Templates of Gremlin, as the form of a gremlin stage lists them (api.md 15). A reader thread waits for Gremlin, GREMLIN_WAIT_MS at most. */
#include "api/internal.h"
#include "stages/integrations/service_call.h"
#include "stages/integrations/settings.h"

#define GREMLIN_WAIT_MS 5000

static gboolean settings_of(ApiCall *call, GremlinSettings *settings, GError **error) {
    g_autoptr(Config) config = services_config(call->services);
    if (!gremlin_settings_read(config, settings, error))
        return FALSE;
    if (!settings->enabled)
        error_set(error, ERR_NOT_FOUND, "Gremlin is not enabled (integrations.gremlin.enabled)");
    return settings->enabled;
}

/* What Gremlin answered: a list, or an error; its 401 is the caller's, whose key it is. */
static Json *list_of(const ServiceCall *asked, const HttpResponse *response, GError **error) {
    g_autoptr(Json) answer = response->status < 300 ? service_answer(response) : NULL;
    if (json_is_array(json_root(answer)))
        return g_steal_pointer(&answer);
    if (response->status == 401)
        error_set(error, ERR_UNAUTHENTICATED, "Gremlin does not know this apiKey");
    else
        service_refused(asked, "apiKey", response, error);
    return NULL;
}

static Json *templates(ApiCall *call, const char *path, GError **error) {
    g_auto(GremlinSettings) settings = {0};
    g_auto(HttpResponse) response = {0};
    const char *key = json_get_string(call->body, "apiKey");
    if (!settings_of(call, &settings, error))
        return NULL;
    if (key == NULL || *key == '\0') {
        error_set(error, ERR_INVALID, "apiKey: required");
        return NULL;
    }
    g_autofree char *authorization = g_strconcat("Key ", key, NULL);
    const ServiceCall asked = {.service = "Gremlin",
                               .method = "GET",
                               .base = settings.base_url,
                               .path = path,
                               .authorization = authorization,
                               .timeout_ms = GREMLIN_WAIT_MS};
    if (!service_call(call->services->http, &asked, NULL, &response, error))
        return NULL;
    return list_of(&asked, &response, error);
}

static Json *commands_post(ApiCall *call, GError **error) {
    return templates(call, "/templates/command", error);
}

static Json *targets_post(ApiCall *call, GError **error) {
    return templates(call, "/templates/target", error);
}

static const Param body[] = {
    {.name = "apiKey", .type = PARAM_STRING, .required = TRUE, .secret = TRUE, .help = "Key of Gremlin's API."},
    {0},
};

#define TEMPLATES(path_, handler_, help_)                                                                                                  \
    {                                                                                                                                      \
        .method = "POST", .path = path_, .handler = handler_, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN), .body = BODY_JSON,              \
        .body_params = body, .help = help_                                                                                                 \
    }

static const Route routes[] = {
    TEMPLATES("/integrations/gremlin/templates/command", commands_post, "Gremlin's command templates that this key may use."),
    TEMPLATES("/integrations/gremlin/templates/target", targets_post, "Gremlin's target templates that this key may use."),
    {0},
};
const RouteTable gremlin_routes = {"Gremlin", routes};
