/* Lists of capabilities that this server does not have yet and that Deck asks for when it starts: empty instead of absent. */
#include "api/internal.h"

static Json *empty_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return json_empty_array();
}

#define EMPTY(path_, help_)                                                                                                                \
    { .method = "GET", .path = path_, .handler = empty_get, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN), .help = help_ }

static const Route routes[] = {
    EMPTY("/jobs/preconfigured", "Preconfigured jobs: none."),
    EMPTY("/capabilities/deploymentMonitors", "Deployment monitors: none."),
    EMPTY("/banners", "Banners for everybody: none."),
    {.method = "GET",
     .path = "/plugins/deck/plugin-manifest.json",
     .handler = empty_get,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .help = "Plugins of Deck: none."},
    {0},
};
const RouteTable empty_routes = {"What is not there yet", routes};
