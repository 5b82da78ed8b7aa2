/* Pipeline configurations: reading, saving, deleting, ordering (api.md 4). Saves run as tasks, so that they are in the history of tasks. */
#include "api/history.h"
#include "api/saving.h"
#include "stages/metadata/pipelines.h"
#include "stages/metadata/templates.h"
#include "stages/webhook/webhook.h"
#include <string.h>

#define BULK_MAX 10000 /* configurations of one bulk save */

/* ---- reading ---- */
typedef struct {
    char *name_filter;
    gint64 limit;
} ConfigsQuery;
static const Param configs_query[] = {
    {.name = "pipelineNameFilter",
     .type = PARAM_STRING,
     .offset = offsetof(ConfigsQuery, name_filter),
     .help = "Only those whose name contains this."},
    {.name = "pipelineLimit",
     .type = PARAM_INT,
     .offset = offsetof(ConfigsQuery, limit),
     .min = 0,
     .max = G_MAXINT32,
     .help = "At most so many; 0: all."},
    {0},
};

static Json *configs_of_application(ApiCall *call, const char *kind, GError **error) {
    const ConfigsQuery *query = call->query;
    return pipelines_list(call->services->store, kind, api_path(call, "application"), query->name_filter, (guint)query->limit, error);
}

static Json *configs_of_application_get(ApiCall *call, GError **error) {
    return configs_of_application(call, PIPELINE_KIND, error);
}

static Json *strategies_of_application_get(ApiCall *call, GError **error) {
    return configs_of_application(call, STRATEGY_KIND, error);
}

static Json *config_get_one(ApiCall *call, GError **error) {
    return pipeline_find(call->services->store, PIPELINE_KIND, api_path(call, "application"), api_path(call, "name"), error);
}

static Json *strategy_get_one(ApiCall *call, GError **error) {
    return pipeline_find(call->services->store, STRATEGY_KIND, api_path(call, "application"), api_path(call, "name"), error);
}

typedef struct {
    ApiCall *call;
    JsonBuilder *builder;
} Listing;

static gboolean add_readable(const StoreObject *object, gpointer data) {
    Listing *listing = data;
    if (api_may(listing->call, MAY_READ, "application", object->application))
        json_add_json(listing->builder, NULL, object->body);
    return TRUE;
}

static Json *all_configs(ApiCall *call, const char *kind, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, builder};
    json_begin_array(builder, NULL);
    if (!store_objects_each(call->services->store, kind, NULL, NULL, add_readable, &listing, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *all_configs_get(ApiCall *call, GError **error) {
    return all_configs(call, PIPELINE_KIND, error);
}

static Json *all_strategies_get(ApiCall *call, GError **error) {
    return all_configs(call, STRATEGY_KIND, error);
}

static Json *config_history(ApiCall *call, const char *kind, GError **error) {
    guint limit = history_limit(call);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Listing listing = {call, builder};
    json_begin_array(builder, NULL);
    if (!store_object_history(call->services->store, kind, api_path(call, "id"), limit, add_readable, &listing, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *config_history_get(ApiCall *call, GError **error) {
    return config_history(call, PIPELINE_KIND, error);
}

static Json *strategy_history_get(ApiCall *call, GError **error) {
    return config_history(call, STRATEGY_KIND, error);
}

/* ---- saving ---- */
/* The pipeline a templated configuration stands for, when its template is in the store; else an empty one, about which nothing is
 * wrong. Caller owns. */
static Json *planned(ApiCall *call, const JsonValue *pipeline, GError **error) {
    const char *key = template_key_of_reference(template_reference_of(pipeline));
    if (key == NULL || strstr(key, "${") != NULL)
        return json_empty_object();
    if (!templates_check_reference(call->services->store, pipeline, error))
        return NULL;
    g_auto(TemplateRequest) request = template_request(call->services, TRUE, call->now_ms);
    g_autoptr(Json) trigger = json_pack("{s:s, s:{}}", "type", "manual", "parameters");
    g_autoptr(Json) triggered = json_with(pipeline, "trigger", json_root(trigger));
    g_autoptr(Json) whole = templates_expand(&request, json_root(triggered), error);
    const JsonValue *errors = json_get(json_root(whole), "errors");
    if (json_length(errors) == 0)
        return g_steal_pointer(&whole);
    g_autofree char *text = templates_errors_text(errors);
    error_set(error, ERR_INVALID, "Pipeline template is invalid: %s", text);
    return NULL;
}

/* What the engine would refuse to start is not saved. */
static gboolean check_can_run(ApiCall *call, const JsonValue *given, GError **error) {
    if (!json_is_object(given)) {
        error_set(error, ERR_INVALID, "a pipeline is a JSON object");
        return FALSE;
    }
    const char *name = json_get_string(given, "name");
    if (!engine_check_types(given, error)) {
        g_prefix_error(error, "save pipeline %s: ", name != NULL ? name : "(without name)");
        return FALSE;
    }
    g_autoptr(Json) expanded = templates_apply_to(given) ? planned(call, given, error) : json_copy(given);
    if (expanded == NULL)
        return FALSE;
    g_autoptr(Json) known = webhook_submission_step(call->services, json_root(expanded), NULL, NULL); /* types the configuration adds */
    g_auto(GStrv) problems = engine_validate_pipeline(call->services->engine, json_root(known != NULL ? known : expanded));
    if (problems[0] == NULL)
        return TRUE;
    g_autofree char *joined = g_strjoinv("; ", problems);
    error_set(error, ERR_INVALID, "save pipeline %s: %s", name != NULL ? name : "(without name)", joined);
    return FALSE;
}

typedef struct {
    gboolean stale_check;
} SaveQuery;
static const Param save_query[] = {
    {.name = "staleCheck",
     .type = PARAM_BOOL,
     .offset = offsetof(SaveQuery, stale_check),
     .help = "Refuse when updateTs is not the stored one's."},
    {0},
};

static void end_saved(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    if (check_succeeded(answer, execution, "Pipeline save"))
        answer_json(answer, 200, NULL);
}

static void end_updated(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    g_autoptr(Json) saved = NULL;
    if (!check_succeeded(answer, execution, "Pipeline save"))
        return;
    saved = pipeline_load(services->store, PIPELINE_KIND, data, NULL);
    answer_json(answer, 200, saved);
}

static gboolean save(ApiCall *call, const char *type, gboolean stale_check, WaitEnd end, const char *path_id, GError **error) {
    const char *name = json_get_string(call->body, "name"), *application = json_get_string(call->body, "application");
    if (!check_can_run(call, call->body, error))
        return FALSE;
    if (name == NULL || application == NULL) {
        error_set(error, ERR_INVALID, "A pipeline requires name and application fields");
        return FALSE;
    }
    g_autofree char *pipeline = encoded(call->body);
    g_autofree char *description = g_strdup_printf("Save pipeline '%s'", name);
    g_autoptr(Json) job = json_pack("{s:s, s:s, s:s, s:b}", "type", type, "pipeline", pipeline, "user", call->principal->user, "staleCheck",
                                    stale_check);
    return start_and_wait(call, application, description, json_root(job), end, g_strdup(path_id), g_free, error);
}

static Json *config_post(ApiCall *call, GError **error) {
    save(call, "savePipeline", ((const SaveQuery *)call->query)->stale_check, end_saved, NULL, error);
    return NULL;
}

static Json *config_put(ApiCall *call, GError **error) {
    save(call, "updatePipeline", FALSE, end_updated, api_path(call, "id"), error);
    return NULL;
}

static void end_deleted(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    if (check_succeeded(answer, execution, "Pipeline deletion"))
        answer_json(answer, 200, NULL);
}

static Json *config_delete(ApiCall *call, GError **error) {
    const char *application = api_path(call, "application"), *name = api_path(call, "name");
    g_autoptr(Json) named = json_pack("{s:s, s:s}", "application", application, "name", name);
    g_autofree char *pipeline = encoded(json_root(named));
    g_autofree char *description = g_strdup_printf("Delete pipeline '%s'", name);
    g_autoptr(Json) job = json_pack("{s:s, s:s, s:s}", "type", "deletePipeline", "pipeline", pipeline, "user", call->principal->user);
    start_and_wait(call, application, description, json_root(job), end_deleted, NULL, NULL, error);
    return NULL;
}

/* ---- many at once ---- */
typedef struct {
    JsonBuilder *saved, *failed;
    gint64 n_saved, n_failed;
} Bulk;

static void save_one_of_many(ApiCall *call, const JsonValue *pipeline, GHashTable *ids, Bulk *bulk) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(Json) saved = NULL;
    const char *id = json_get_string(pipeline, "id");
    if (id != NULL && !g_hash_table_add(ids, (gpointer)id))
        error_set(&problem, ERR_INVALID, "Duplicate pipeline id %s found when saving pipelines", id);
    else if (check_can_run(call, pipeline, &problem))
        saved = pipeline_save(call->services->store, PIPELINE_KIND, pipeline, call->principal, FALSE, call->now_ms, &problem);
    if (saved != NULL) {
        bulk->n_saved++;
        json_add_string(bulk->saved, NULL, json_get_string(json_root(saved), "name"));
        return;
    }
    bulk->n_failed++;
    json_begin_object(bulk->failed, NULL);
    if (json_is_object(pipeline))
        json_add_members(bulk->failed, pipeline);
    json_add_string(bulk->failed, "errorMsg", problem->message);
    json_end_object(bulk->failed);
}

static Json *bulk_save_post(ApiCall *call, GError **error) {
    if (!json_is_array(call->body) || json_length(call->body) > BULK_MAX) {
        error_set(error, ERR_INVALID, "bulk save: the body is a list of at most %d pipelines", BULK_MAX);
        return NULL;
    }
    g_autoptr(JsonBuilder) saved = json_builder_new();
    g_autoptr(JsonBuilder) failed = json_builder_new();
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    Bulk bulk = {saved, failed, 0, 0};
    json_begin_array(saved, NULL);
    json_begin_array(failed, NULL);
    for (JsonIter i = json_iter(call->body); json_next(&i);)
        save_one_of_many(call, i.value, ids, &bulk);
    json_end_array(saved);
    json_end_array(failed);
    g_autoptr(Json) saved_list = json_builder_end(saved);
    g_autoptr(Json) failed_list = json_builder_end(failed);
    return json_pack("{s:i, s:j, s:i, s:j}", "successful_pipelines_count", bulk.n_saved, "successful_pipelines", saved_list,
                     "failed_pipelines_count", bulk.n_failed, "failed_pipelines", failed_list);
}

/* ---- order ---- */
static void end_with_task(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    g_autoptr(Json) view = orchestration_to_task_json(execution);
    answer_json(answer, 200, view);
}

static Json *reorder(ApiCall *call, gboolean strategies, GError **error) {
    const char *application = json_get_string(call->body, "application");
    const JsonValue *indices = json_get(call->body, "idsToIndices");
    if (!json_is_object(indices) || application == NULL) {
        error_set(error, ERR_INVALID, "`%s` is required field on request body", application == NULL ? "application" : "idsToIndices");
        return NULL;
    }
    g_autofree char *ids = encoded(indices);
    g_autoptr(Json) job = json_pack("{s:s, s:s, s:b, s:s, s:s}", "type", "reorderPipelines", "idsToIndices", ids, "isStrategy", strategies,
                                    "application", application, "user", call->principal->user);
    start_and_wait(call, application, strategies ? "Reorder strategies" : "Reorder pipelines", json_root(job), end_with_task, NULL, NULL,
                   error);
    return NULL;
}

static Json *pipelines_reorder_post(ApiCall *call, GError **error) {
    return reorder(call, FALSE, error);
}

static Json *strategies_reorder_post(ApiCall *call, GError **error) {
    return reorder(call, TRUE, error);
}

/* ---- strategies: saved directly, without a task ---- */
static Json *strategy_post(ApiCall *call, GError **error) {
    g_autoptr(Json) saved = NULL;
    if (check_can_run(call, call->body, error))
        saved = pipeline_save(call->services->store, STRATEGY_KIND, call->body, call->principal, FALSE, call->now_ms, error);
    return NULL;
}

static Json *strategy_put(ApiCall *call, GError **error) {
    const char *id = api_path(call, "id");
    if (!check_can_run(call, call->body, error))
        return NULL;
    if (g_strcmp0(json_get_string(call->body, "id"), id) != 0) {
        error_set(error, ERR_INVALID, "save strategy: the body's id is not %s", id);
        return NULL;
    }
    g_autoptr(Json) stored = pipeline_load(call->services->store, STRATEGY_KIND, id, error);
    if (stored == NULL)
        return NULL;
    return pipeline_save(call->services->store, STRATEGY_KIND, call->body, call->principal, FALSE, call->now_ms, error);
}

static Json *strategy_delete(ApiCall *call, GError **error) {
    pipeline_delete(call->services->store, STRATEGY_KIND, api_path(call, "application"), api_path(call, "name"), error);
    return NULL;
}

static const Param pipeline_body[] = {
    {.name = "application", .type = PARAM_STRING, .required = TRUE, .help = "The application it belongs to."},
    {.name = "name", .type = PARAM_STRING, .required = TRUE, .help = "Unique in its application."},
    {.name = "id", .type = PARAM_STRING, .help = "Of the configuration that is replaced; a new one gets one."},
    {.name = "stages", .type = PARAM_JSON, .help = "List of {refId, requisiteStageRefIds, type, name, …}."},
    {.name = "triggers", .type = PARAM_JSON, .help = "List of triggers."},
    {.name = "parameterConfig", .type = PARAM_JSON, .help = "List of {name, required, default, …}."},
    {.name = "limitConcurrent", .type = PARAM_BOOL, .help = "One execution at a time."},
    {.name = "keepWaitingPipelines", .type = PARAM_BOOL, .help = "Those that wait for their turn are kept."},
    {.name = "disabled", .type = PARAM_BOOL, .help = "It is not started."},
    {0},
};
static const Param reorder_body[] = {
    {.name = "application", .type = PARAM_STRING, .required = TRUE, .help = "The application."},
    {.name = "idsToIndices", .type = PARAM_JSON, .required = TRUE, .help = "{id: position}"},
    {0},
};

#define LIST_QUERY .query = configs_query, .query_size = sizeof(ConfigsQuery)

static const Route config_routes[] = {
    {.method = "GET",
     .path = "/pipelineConfigs",
     .handler = all_configs_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "The configurations of all applications."},
    {.method = "GET",
     .path = "/pipelineConfigs/{id}/history",
     .handler = config_history_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     HISTORY_QUERY,
     .help = "Versions of a configuration, newest first."},
    {.method = "GET",
     .path = "/applications/{application}/pipelineConfigs",
     .handler = configs_of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     LIST_QUERY,
     .help = "The configurations of an application, in their order."},
    {.method = "GET",
     .path = "/applications/{application}/pipelineConfigs/{name}",
     .handler = config_get_one,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "One configuration, by its exact name or its id."},
    {.method = "POST",
     .path = "/pipelines",
     .handler = config_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .query = save_query,
     .query_size = sizeof(SaveQuery),
     .body = BODY_JSON,
     .body_params = pipeline_body,
     .help = "Saves a configuration and waits for it. 400 says what is wrong with it."},
    {.method = "PUT",
     .path = "/pipelines/{id}",
     .handler = config_put,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .body_params = pipeline_body,
     .help = "Saves a configuration and answers with it as stored."},
    {.method = "DELETE",
     .path = "/pipelines/{application}/{name}",
     .handler = config_delete,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .help = "Deletes a configuration; one that does not exist is fine."},
    {.method = "POST",
     .path = "/pipelines/bulksave",
     .handler = bulk_save_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .help = "Saves a list of configurations, each for itself, and says which failed and why."},
    {.method = "POST",
     .path = "/actions/pipelines/reorder",
     .handler = pipelines_reorder_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .body_params = reorder_body,
     .help = "Changes the order of an application's configurations; answers with the finished task."},
    {0},
};
const RouteTable pipeline_config_routes = {"Pipeline configurations", config_routes};

static const Route strategies[] = {
    {.method = "GET",
     .path = "/strategyConfigs",
     .handler = all_strategies_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "The strategies of all applications."},
    {.method = "GET",
     .path = "/strategyConfigs/{id}/history",
     .handler = strategy_history_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     HISTORY_QUERY,
     .help = "Versions of a strategy, newest first."},
    {.method = "GET",
     .path = "/applications/{application}/strategyConfigs",
     .handler = strategies_of_application_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     LIST_QUERY,
     .help = "The strategies of an application."},
    {.method = "GET",
     .path = "/applications/{application}/strategyConfigs/{name}",
     .handler = strategy_get_one,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "One strategy, by its exact name or its id."},
    {.method = "POST",
     .path = "/strategies",
     .handler = strategy_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .body_params = pipeline_body,
     .help = "Saves a strategy."},
    {.method = "PUT",
     .path = "/strategies/{id}",
     .handler = strategy_put,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .body_params = pipeline_body,
     .help = "Saves a strategy that exists and answers with it as stored."},
    {.method = "DELETE",
     .path = "/strategies/{application}/{name}",
     .handler = strategy_delete,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .help = "Deletes a strategy; one that does not exist is fine."},
    {.method = "POST",
     .path = "/actions/strategies/reorder",
     .handler = strategies_reorder_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_WRITE),
     .body = BODY_JSON,
     .body_params = reorder_body,
     .help = "Changes the order of an application's strategies; answers with the finished task."},
    {0},
};
const RouteTable strategy_routes = {"Strategies", strategies};
