/* GET /admin, POST /admin/reload: for administrators. */
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
    {0},
};
const RouteTable admin_routes = {"Administration", routes};
