/* Registered plugins (api.md 15). They are kept and reported; this program runs none. Changes run as tasks that are not waited for. */
#include "stages/metadata/plugins.h"
#include "api/internal.h"

#define PLUGINS_APPLICATION "spinnakerplugins"

typedef struct {
    char *service;
} ServiceQuery;
static const Param service_query[] = {
    {.name = "service",
     .type = PARAM_STRING,
     .offset = offsetof(ServiceQuery, service),
     .help = "Only what concerns this service of Spinnaker's: orca, deck and so on."},
    {0},
};

static Json *info_get(ApiCall *call, GError **error) {
    return plugins_list(call->services->store, ((const ServiceQuery *)call->query)->service, error);
}

/* Plugins run in Spinnaker's services; here there are none in which they could. */
static Json *installed_get(ApiCall *call, GError **error) {
    static const char *const SERVICES[] = {"clouddriver", "echo", "fiat", "front50", "gate", "igor", "kayenta", "orca", "rosco"};
    const char *wanted = ((const ServiceQuery *)call->query)->service;
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(SERVICES); i++) {
        if (wanted != NULL && *wanted != '\0' && g_ascii_strcasecmp(wanted, SERVICES[i]) != 0)
            continue;
        json_begin_array(builder, SERVICES[i]);
        json_end_array(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static gboolean may_change(ApiCall *call, GError **error) {
    if (api_may(call, MAY_WRITE, "application", PLUGINS_APPLICATION))
        return TRUE;
    error_set(error, ERR_FORBIDDEN, "Access denied to application " PLUGINS_APPLICATION ", whose plugins are");
    return FALSE;
}

static Json *started(ApiCall *call, const char *description, const Json *job, GError **error) {
    g_autoptr(Json) orchestration = json_pack("{s:s, s:s, s:s, s:[j]}", "application", PLUGINS_APPLICATION, "description", description,
                                              "origin", api_origin(call), "job", job);
    g_autofree char *id = may_change(call, error)
                              ? engine_start_orchestration(call->services->engine, json_root(orchestration), call->principal, error)
                              : NULL;
    if (id == NULL)
        return NULL;
    g_autofree char *ref = g_strconcat("/tasks/", id, NULL);
    return json_pack("{s:s}", "ref", ref);
}

static Json *info_post(ApiCall *call, GError **error) {
    const char *id = json_get_string(call->body, "id");
    if (id == NULL) {
        error_set(error, ERR_INVALID, "id: required");
        return NULL;
    }
    g_autoptr(Json) job = json_pack("{s:s, s:v}", "type", "upsertPluginInfo", "pluginInfo", call->body);
    g_autofree char *description = g_strconcat("Upsert plugin info with id: ", id, NULL);
    return started(call, description, job, error);
}

static Json *info_delete(ApiCall *call, GError **error) {
    const char *id = api_path(call, "id");
    g_autoptr(Json) job = json_pack("{s:s, s:s}", "type", "deletePluginInfo", "pluginInfoId", id);
    g_autofree char *description = g_strconcat("Delete plugin info with id: ", id, NULL);
    return started(call, description, job, error);
}

static Json *publish_post(ApiCall *call, GError **error) {
    error_set(error, ERR_INVALID, "plugin %s %s: binaries of plugins are not stored: they are written for the JVM, and there is none here",
              api_path(call, "id"), api_path(call, "version"));
    return NULL;
}

static const Param info_body[] = {
    {.name = "id", .type = PARAM_STRING, .required = TRUE, .help = "<namespace>.<id>"},
    {.name = "description", .type = PARAM_STRING, .help = "What it is."},
    {.name = "provider", .type = PARAM_STRING, .help = "Who made it."},
    {.name = "releases", .type = PARAM_JSON, .help = "List of {version, date, requires, url, sha512sum, preferred}."},
    {0},
};

#define ANYBODY .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN)
#define SERVICE_QUERY .query = service_query, .query_size = sizeof(ServiceQuery)

static const Route routes[] = {
    {.method = "GET",
     .path = "/plugins/info",
     .handler = info_get,
     ANYBODY,
     SERVICE_QUERY,
     .help = "Registered plugins and their releases."},
    {.method = "GET",
     .path = "/plugins/installed",
     .handler = installed_get,
     ANYBODY,
     SERVICE_QUERY,
     .help = "Plugins that run, by service: none, plugins are kept and not run."},
    {.method = "POST",
     .path = "/plugins/info",
     .handler = info_post,
     ANYBODY,
     .body = BODY_JSON,
     .body_params = info_body,
     .success = 202,
     .help = "Registers a plugin or releases of one: {ref: \"/tasks/<id>\"}. Needs WRITE on the application " PLUGINS_APPLICATION "."},
    {.method = "PUT",
     .path = "/plugins/info",
     .handler = info_post,
     ANYBODY,
     .body = BODY_JSON,
     .body_params = info_body,
     .success = 202,
     .help = "The same."},
    {.method = "DELETE",
     .path = "/plugins/info/{id}",
     .handler = info_delete,
     ANYBODY,
     .success = 202,
     .help = "Deletes what is registered of a plugin: {ref}."},
    {.method = "POST",
     .path = "/plugins/publish/{id}/{version}",
     .handler = publish_post,
     ANYBODY,
     .body = BODY_ANY,
     .help = "Refused: binaries of plugins are not stored."},
    {0},
};
const RouteTable plugin_routes = {"Plugins", routes};
