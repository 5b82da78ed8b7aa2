/* Who administers, applying the configuration, and the last resort against an execution. */
#include "api/internal.h"
#include <string.h>

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

/* ---- Orca's queue, which does not exist here ---- */
#define NO_QUEUE                                                                                                                           \
    "Gennaker has no queue beside its store: what an execution does next is stored with its state, so nothing can be lost or doubled"

typedef struct {
    char *execution_id;
    gboolean dry_run;
} HydrateQuery;
static const Param hydrate_query[] = {
    {.name = "executionId",
     .type = PARAM_STRING,
     .offset = offsetof(HydrateQuery, execution_id),
     .required = TRUE,
     .help = "The execution."},
    {.name = "dryRun",
     .type = PARAM_BOOL,
     .offset = offsetof(HydrateQuery, dry_run),
     .otherwise = "true",
     .help = "Only say what it waits for."},
    {0},
};

/* What it waits for is all that is to be said; in earnest its tasks are looked at now. */
static Json *hydrate_post(ApiCall *call, GError **error) {
    const HydrateQuery *query = call->query;
    Engine *engine = call->services->engine;
    g_autoptr(Execution) execution = engine_load(engine, query->execution_id, error);
    if (execution == NULL)
        return NULL;
    g_autoptr(Json) why = engine_why(engine, execution, call->now_ms);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_bool(builder, "dryRun", query->dry_run);
    json_add_string(builder, "reason", NO_QUEUE);
    json_begin_object(builder, "executions");
    json_begin_object(builder, execution->id);
    json_add_bool(builder, "canApply", !status_info(execution->status)->complete);
    json_begin_array(builder, "actions");
    for (JsonIter i = json_iter(json_root(why)); json_next(&i);) {
        json_begin_object(builder, NULL);
        json_add_value(builder, "description", json_get(i.value, "reason"));
        json_add_value(builder, "stageId", json_get(i.value, "stageId"));
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    json_end_object(builder);
    json_end_object(builder);
    if (!query->dry_run)
        engine_wake_stage(engine, execution->id, NULL);
    return json_builder_end(builder);
}

static Json *zombies_post(ApiCall *call, GError **error) {
    (void)call;
    (void)error;
    return json_pack("{s:[], s:s}", "killed", "reason", NO_QUEUE "; there are no zombies");
}

static Json *zombie_post(ApiCall *call, GError **error) {
    static const char suffix[] = ":kill";
    const char *target = api_path(call, "executionId");
    g_autofree char *id = g_str_has_suffix(target, suffix) ? g_strndup(target, strlen(target) - strlen(suffix)) : g_strdup(target);
    g_autoptr(Execution) execution = engine_load(call->services->engine, id, error);
    if (execution == NULL)
        return NULL;
    if (status_info(execution->status)->complete)
        error_set(error, ERR_CONFLICT, "execution %s is no zombie: it has ended (%s)", id, status_info(execution->status)->name);
    else
        engine_force_cancel(call->services->engine, id, call->principal->user, "Identified as a zombie execution", error);
    return NULL;
}

typedef struct {
    char *config_id;
    gboolean purge;
} KickQuery;
static const Param kick_query[] = {
    {.name = "pipelineConfigId", .type = PARAM_STRING, .offset = offsetof(KickQuery, config_id), .required = TRUE, .help = "The pipeline."},
    {.name = "purge", .type = PARAM_BOOL, .offset = offsetof(KickQuery, purge), .help = "Of those that wait only the newest is kept."},
    {0},
};

static Json *kick_post(ApiCall *call, GError **error) {
    (void)error;
    const KickQuery *query = call->query;
    guint n = engine_kick_waiting(call->services->engine, query->config_id, query->purge);
    return json_pack("{s:i, s:s}", "changed", (gint64)n, "reason",
                     n > 0 ? "executions that waited were started or cancelled" : "no execution of this pipeline waits that might run now");
}

static Json *push_message_post(ApiCall *call, GError **error) {
    const char *kind = json_get_string(call->body, "kind");
    error_set(error, ERR_INVALID,
              "message %s is not taken: " NO_QUEUE "; use PUT /admin/executions/forceCancel or POST /admin/executions/hydrate",
              kind != NULL ? kind : "without a kind");
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
    {.method = "PUT",
     .path = "/admin/forceCancelExecution",
     .handler = force_cancel_put,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .query = force_query,
     .query_size = sizeof(ForceQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "The same under Orca's path."},
    {.method = "POST",
     .path = "/admin/executions/hydrate",
     .handler = hydrate_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .query = hydrate_query,
     .query_size = sizeof(HydrateQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "What an execution waits for; without dryRun its tasks are looked at now. No message can be missing here."},
    {.method = "POST",
     .path = "/admin/queue/hydrate",
     .handler = hydrate_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .query = hydrate_query,
     .query_size = sizeof(HydrateQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "The same under Orca's path."},
    {.method = "POST",
     .path = "/admin/queue/zombies:kill",
     .handler = zombies_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_OPTIONAL_JSON,
     .help = "Kills nothing, because executions without a next action cannot exist; says so."},
    {.method = "POST",
     .path = "/admin/queue/zombies/application/{application}",
     .handler = zombies_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_OPTIONAL_JSON,
     .help = "The same for one application (with or without :kill behind its name)."},
    {.method = "POST",
     .path = "/admin/queue/zombies/{executionId}",
     .handler = zombie_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_OPTIONAL_JSON,
     .help = "Cancels this execution as a zombie (with or without :kill behind its id); 409 when it has ended."},
    {.method = "POST",
     .path = "/admin/queue/kickPending",
     .handler = kick_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .query = kick_query,
     .query_size = sizeof(KickQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "Lets executions of a pipeline start that wait for their turn and may run now: {changed, reason}."},
    {.method = "POST",
     .path = "/admin/queue/pushMessage",
     .handler = push_message_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_JSON,
     .help = "Refused: there is no queue that a message could be put into."},
    {0},
};
const RouteTable admin_routes = {"Administration", routes};
