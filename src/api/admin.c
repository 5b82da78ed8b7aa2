/* Who administers, applying the configuration, and the last resort against an execution. */
#include "api/internal.h"

static Json *admin_get(ApiCall *call, GError **error) {
    (void)error;
    return json_pack("{s:s, s:b}", "username", call->principal->user, "isAdmin", call->principal->admin);
}

static Json *reload_post(ApiCall *call, GError **error) {
    if (!api_reload(call->api, error))
        g_prefix_error(error, "the configuration stays as it was: ");
    return NULL;
}

typedef struct {
    char *execution_id, *execution_type;
} ForceQuery;
static const Param force_query[] = {
    {.name = "executionId", .type = PARAM_STRING, .offset = offsetof(ForceQuery, execution_id), .required = TRUE, .help = "The execution."},
    {.name = "executionType",
     .type = PARAM_STRING,
     .offset = offsetof(ForceQuery, execution_type),
     .otherwise = "\"PIPELINE\"",
     .help = "PIPELINE or ORCHESTRATION."},
    {0},
};

static Json *force_cancel_put(ApiCall *call, GError **error) {
    const ForceQuery *query = call->query;
    g_autoptr(Execution) execution = engine_load(call->services->engine, query->execution_id, error);
    if (execution == NULL)
        return NULL;
    if (g_ascii_strcasecmp(execution_type_name(execution->type), query->execution_type) == 0)
        engine_force_cancel(call->services->engine, execution->id, call->principal->user, "Force canceled by admin", error);
    else
        error_set(error, ERR_NOT_FOUND, "%s not found (id: %s)", query->execution_type, execution->id);
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/admin",
     .handler = admin_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Who asks, and whether as an administrator."},
    {.method = "POST",
     .path = "/admin/reload",
     .handler = reload_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_OPTIONAL_JSON,
     .help = "Reads the configuration again and applies it, or changes nothing and says why. As SIGHUP does."},
    {.method = "PUT",
     .path = "/admin/executions/forceCancel",
     .handler = force_cancel_put,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .query = force_query,
     .query_size = sizeof(ForceQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "Marks an execution and all that is active in it as cancelled, without waiting for its tasks."},
    {0},
};
const RouteTable admin_routes = {"Administration", routes};
