/* Canary configurations (api.md 14). */
#include "stages/metadata/canary_configs.h"
#include "api/internal.h"

typedef struct {
    char *application, *account;
} ConfigsQuery;
static const Param configs_query[] = {
    {.name = "application",
     .type = PARAM_STRING,
     .offset = offsetof(ConfigsQuery, application),
     .help = "Only those that list this application."},
    {.name = "configurationAccountName",
     .type = PARAM_STRING,
     .offset = offsetof(ConfigsQuery, account),
     .help = "Accepted; all configs are in this server's store."},
    {0},
};

/* Every application that a config lists must be open to the caller. */
static gboolean may(const ApiCall *call, May what, const JsonValue *config, GError **error) {
    for (JsonIter i = json_iter(json_get(config, "applications")); json_next(&i);) {
        const char *application = json_string(i.value);
        if (application == NULL || api_may(call, what, "application", application))
            continue;
        error_set(error, ERR_FORBIDDEN, "Access denied to application %s", application);
        return FALSE;
    }
    return TRUE;
}

static Json *configs_get(ApiCall *call, GError **error) {
    g_autoptr(Json) all = canary_configs_list(call->services->store, ((const ConfigsQuery *)call->query)->application, error);
    if (all == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(all)); json_next(&i);)
        if (may(call, MAY_READ, i.value, NULL))
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* One that the caller may use so; caller owns. */
static Json *load(ApiCall *call, May what, GError **error) {
    g_autoptr(Json) config = canary_config_load(call->services->store, api_path(call, "id"), error);
    return config != NULL && may(call, what, json_root(config), error) ? g_steal_pointer(&config) : NULL;
}

static Json *config_get_one(ApiCall *call, GError **error) {
    static const char *const OURS[] = {"lastModified", "lastModifiedBy", NULL};
    g_autoptr(Json) config = load(call, MAY_READ, error);
    return config != NULL ? json_without(json_root(config), OURS) : NULL;
}

static Json *id_answer(const Json *saved) {
    return saved != NULL ? json_pack("{s:s}", "canaryConfigId", json_get_string(json_root(saved), "id")) : NULL;
}

static Json *config_post(ApiCall *call, GError **error) {
    if (!may(call, MAY_WRITE, call->body, error))
        return NULL;
    g_autoptr(Json) saved = canary_config_create(call->services->store, call->body, call->principal, call->now_ms, error);
    return id_answer(saved);
}

static Json *config_put(ApiCall *call, GError **error) {
    const char *id = api_path(call, "id");
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) standing = canary_config_load(call->services->store, id, &missing);
    if (!may(call, MAY_WRITE, json_root(standing), error) || !may(call, MAY_WRITE, call->body, error))
        return NULL;
    g_autoptr(Json) saved = canary_config_update(call->services->store, id, call->body, call->principal, call->now_ms, error);
    return id_answer(saved);
}

static Json *config_delete(ApiCall *call, GError **error) {
    g_autoptr(Json) standing = load(call, MAY_WRITE, error);
    if (standing != NULL && canary_config_delete(call->services->store, api_path(call, "id"), error))
        api_answer_status(call, 200, NULL);
    return NULL;
}

static const Param config_body[] = {
    {.name = "id", .type = PARAM_STRING, .help = "Its id; absent: a new one."},
    {.name = "name", .type = PARAM_STRING, .required = TRUE, .help = "Its name: letters, digits, - and _."},
    {.name = "applications", .type = PARAM_STRINGS, .required = TRUE, .help = "The applications that use it."},
    {.name = "metrics", .type = PARAM_JSON, .help = "List of {name, query, groups, analysisConfigurations, scopeName}."},
    {.name = "judge", .type = PARAM_JSON, .help = "{name, judgeConfigurations}"},
    {.name = "classifier", .type = PARAM_JSON, .help = "{groupWeights: {group: percent}, scoreThresholds: {pass, marginal}}"},
    {.name = "templates", .type = PARAM_JSON, .help = "Named query templates."},
    {0},
};

#define ANYBODY .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN)
#define QUERY .query = configs_query, .query_size = sizeof(ConfigsQuery)
#define BODY .body = BODY_JSON, .body_params = config_body

static const Route routes[] = {
    {.method = "GET", .path = "/v2/canaryConfig", .handler = configs_get, ANYBODY, QUERY, .help = "Canary configs, without their metrics."},
    {.method = "GET", .path = "/v2/canaryConfig/{id}", .handler = config_get_one, ANYBODY, QUERY, .help = "One canary config."},
    {.method = "POST",
     .path = "/v2/canaryConfig",
     .handler = config_post,
     ANYBODY,
     QUERY,
     BODY,
     .help = "Saves a new one: {canaryConfigId}."},
    {.method = "PUT",
     .path = "/v2/canaryConfig/{id}",
     .handler = config_put,
     ANYBODY,
     QUERY,
     BODY,
     .help = "Replaces one: {canaryConfigId}."},
    {.method = "DELETE", .path = "/v2/canaryConfig/{id}", .handler = config_delete, ANYBODY, QUERY, .help = "Deletes one."},
    {0},
};
const RouteTable canary_config_routes = {"Canary configs", routes};
