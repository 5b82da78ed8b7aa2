/* The bakery: options and logs of bakes (api.md 13, bake.md 1). */
#include "bake/bakery.h"
#include "api/internal.h"
#include <string.h>

static Json *options_get(ApiCall *call, GError **error) {
    return bakery_options(call->services->bakery, NULL, error);
}

static Json *options_of_cloud_get(ApiCall *call, GError **error) {
    return bakery_options(call->services->bakery, api_path(call, "provider"), error);
}

static Json *base_image_get(ApiCall *call, GError **error) {
    return bakery_base_image(call->services->bakery, api_path(call, "provider"), api_path(call, "image"), error);
}

static Json *status_get(ApiCall *call, GError **error) {
    return bakery_status(call->services->bakery, api_path(call, "id"), error);
}

typedef struct {
    gint64 from;
    gboolean plain;
} LogQuery;
static const Param log_query[] = {
    {.name = "from",
     .type = PARAM_INT,
     .offset = offsetof(LogQuery, from),
     .min = 0,
     .max = G_MAXINT64,
     .help = "Bytes that the reader has already: only what follows is sent, as plain text."},
    {.name = "plain", .type = PARAM_BOOL, .offset = offsetof(LogQuery, plain), .help = "As plain text instead of a page."},
    {0},
};

static char *as_page(const char *log) {
    g_autofree char *escaped = g_markup_escape_text(log, -1);
    return g_strconcat("<pre>", escaped, "</pre>", NULL);
}

static Json *log_get(ApiCall *call, GError **error) {
    const LogQuery *query = call->query;
    g_autofree char *log = bakery_log(call->services->bakery, api_path(call, "id"), error);
    if (log == NULL) {
        if (error_code(*error) == ERR_NOT_FOUND)
            g_prefix_error(error, "Bake logs not found. ");
        return NULL;
    }
    if (!query->plain && query->from == 0) {
        api_answer_page(call, as_page(log));
        return NULL;
    }
    gsize skip = MIN((gsize)query->from, strlen(log));
    api_answer_text(call, 200, "text/plain;charset=UTF-8", g_strdup(log + skip));
    return NULL;
}

/* ---- forgetting, as the bakery's own clients ask for it ---- */

static Json *bake_delete(ApiCall *call, GError **error) {
    g_autofree char *id = json_is_object(call->body) ? bakery_forget(call->services->bakery, api_path(call, "region"), call->body, error)
                                                     : NULL;
    if (!json_is_object(call->body))
        error_set(error, ERR_INVALID, "forget a bake: the body is a BakeRequest, a JSON object");
    if (id != NULL)
        api_answer_text(call, 200, "text/plain;charset=UTF-8", g_strdup_printf("Deleted bake %s.", id));
    return NULL;
}

static Json *delete_requests_post(ApiCall *call, GError **error) {
    const JsonValue *ids = json_get(call->body, "pipelineExecutionIds");
    guint forgotten = 0;
    if (!json_is_array(ids)) {
        error_set(error, ERR_INVALID, "forget bakes: pipelineExecutionIds: required, a list of ids");
        return NULL;
    }
    bakery_forget_executions(call->services->bakery, ids, &forgotten, error);
    return NULL;
}

static const Param delete_requests_body[] = {
    {.name = "pipelineExecutionIds", .type = PARAM_STRINGS, .required = TRUE, .help = "Executions whose bakes are forgotten."},
    {0},
};

static const Route routes[] = {
    {.method = "DELETE",
     .path = "/api/v1/{region}/bake",
     .handler = bake_delete,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_JSON,
     .help = "Forgets the bake of such a BakeRequest: the next one makes a new image."},
    {.method = "POST",
     .path = "/api/v1/bakes/delete-requests",
     .handler = delete_requests_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_JSON,
     .body_params = delete_requests_body,
     .help = "Forgets the bakes that stages of these executions waited for."},
    {.method = "GET",
     .path = "/bakery/options",
     .handler = options_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Base images that can be baked from, by cloud."},
    {.method = "GET",
     .path = "/bakery/options/{provider}",
     .handler = options_of_cloud_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Base images of a cloud."},
    {.method = "GET",
     .path = "/bakery/options/{provider}/baseImages/{image}",
     .handler = base_image_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "One base image."},
    {.method = "GET",
     .path = "/bakery/status/{region}/{id}",
     .handler = status_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "State of a bake: {id, state, result, resource_id}."},
    {.method = "GET",
     .path = "/bakery/logs/{region}/{id}",
     .handler = log_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = log_query,
     .query_size = sizeof(LogQuery),
     .help = "What a bake has said so far."},
    {0},
};
const RouteTable bakery_routes = {"Bakery", routes};
