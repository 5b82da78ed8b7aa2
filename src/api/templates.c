/* Pipeline templates (api.md 12): both versions. Changes run as tasks; those of version 2 are waited for. */
#include "api/templates.h"
#include "api/saving.h"
#include "base/clock.h"
#include "base/yaml.h"
#include "stages/metadata/pipelines.h"
#include "stages/metadata/templates.h"
#include <string.h>

/* ---- reading ---- */
typedef struct {
    char **scopes;
} ScopesQuery;
static const Param scopes_query[] = {
    {.name = "scopes",
     .type = PARAM_STRINGS,
     .offset = offsetof(ScopesQuery, scopes),
     .aliases = (const char *const[]){"scope", NULL},
     .help = "Only those of one of these scopes: \"global\" or applications."},
    {0},
};

static gboolean is_version_2(const JsonValue *template) {
    return g_strcmp0(json_get_string(template, "schema"), "v2") == 0;
}

static gboolean list_all(const JsonValue *template, gpointer data) {
    json_add_value(data, NULL, template);
    return TRUE;
}

static gboolean list_v1(const JsonValue *template, gpointer data) {
    if (!is_version_2(template))
        json_add_value(data, NULL, template);
    return TRUE;
}

static Json *listed(ApiCall *call, TemplateEach each, GError **error) {
    char **scopes = ((const ScopesQuery *)call->query)->scopes;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (!templates_each(call->services->store, (const char *const *)scopes, each, builder, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *v1_list_get(ApiCall *call, GError **error) {
    return listed(call, list_v1, error);
}

static Json *v2_list_get(ApiCall *call, GError **error) {
    return listed(call, list_all, error);
}

typedef struct {
    JsonBuilder *builder;
    char *id; /* whose list is open */
} Versions;

static void list_version(const JsonValue *template, Versions *versions) {
    const char *id = json_get_string(template, "id");
    if (!is_version_2(template) || id == NULL || (json_get(template, "tag") == NULL && json_get(template, "digest") == NULL))
        return;
    if (g_strcmp0(versions->id, id) != 0) {
        if (versions->id != NULL)
            json_end_array(versions->builder);
        json_begin_array(versions->builder, id);
        g_free(versions->id);
        versions->id = g_strdup(id);
    }
    json_add_value(versions->builder, NULL, template);
}

static gboolean gather(const JsonValue *template, gpointer data) {
    g_ptr_array_add(data, json_copy(template));
    return TRUE;
}

static gint compare_ids(gconstpointer a, gconstpointer b) {
    return g_strcmp0(json_get_string(json_root(*(Json *const *)a), "id"), json_get_string(json_root(*(Json *const *)b), "id"));
}

static Json *versions_get(ApiCall *call, GError **error) {
    char **scopes = ((const ScopesQuery *)call->query)->scopes;
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!templates_each(call->services->store, (const char *const *)scopes, gather, all, error))
        return NULL;
    g_ptr_array_sort(all, compare_ids);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Versions versions = {builder, NULL};
    json_begin_object(builder, NULL);
    for (guint i = 0; i < all->len; i++)
        list_version(json_root(all->pdata[i]), &versions);
    if (versions.id != NULL)
        json_end_array(builder);
    g_free(versions.id);
    json_end_object(builder);
    return json_builder_end(builder);
}

typedef struct {
    char *tag, *digest, *application;
    gboolean skip_plan;
} VariantQuery;
static const Param variant_query[] = {
    {.name = "tag",
     .type = PARAM_STRING,
     .offset = offsetof(VariantQuery, tag),
     .help = "Variant: latest, stable, unstable or a tag of your own."},
    {.name = "digest", .type = PARAM_STRING, .offset = offsetof(VariantQuery, digest), .help = "Variant: by its SHA-256."},
    {.name = "application", .type = PARAM_STRING, .offset = offsetof(VariantQuery, application), .help = "Whose task it becomes."},
    {.name = "skipPlanDependents",
     .type = PARAM_BOOL,
     .offset = offsetof(VariantQuery, skip_plan),
     .help = "Do not check that the pipelines made from it still work."},
    {0},
};

static Json *one_get(ApiCall *call, GError **error) {
    static const char *const VARIANT[] = {"tag", "digest", NULL};
    const VariantQuery *query = call->query;
    const TemplateName name = {api_path(call, "id"), query->tag, query->digest};
    g_autofree char *key = template_key(&name, error);
    g_autoptr(Json) template = key != NULL ? template_load(call->services->store, key, error) : NULL;
    return template != NULL ? json_without(json_root(template), VARIANT) : NULL;
}

typedef struct {
    gboolean recursive;
} DependentsQuery;
static const Param dependents_query[] = {
    {.name = "recursive",
     .type = PARAM_BOOL,
     .offset = offsetof(DependentsQuery, recursive),
     .help = "Also through templates of version 1 that inherit from it."},
    {0},
};

static void add_or_unknown(JsonBuilder *builder, const char *key, const char *value) {
    json_add_string(builder, key, value != NULL ? value : "UNKNOWN");
}

static Json *dependents_get(ApiCall *call, GError **error) {
    const DependentsQuery *query = call->query;
    g_auto(GStrv) keys = template_keys_of(call->services->store, api_path(call, "id"), error);
    g_autoptr(Json)
        pipelines = keys != NULL ? template_dependents(call->services->store, (const char *const *)keys, query->recursive, error) : NULL;
    if (pipelines == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(pipelines)); json_next(&i);) {
        json_begin_object(builder, NULL);
        add_or_unknown(builder, "application", json_get_string(i.value, "application"));
        add_or_unknown(builder, "pipelineConfigId", json_get_string(i.value, "id"));
        add_or_unknown(builder, "pipelineName", json_get_string(i.value, "name"));
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- version 1: what a template comes to, and where one may begin ---- */
typedef struct {
    char *source, *execution_id, *config_id;
} ResolveQuery;
static const Param resolve_query[] = {
    {.name = "source",
     .type = PARAM_STRING,
     .offset = offsetof(ResolveQuery, source),
     .required = TRUE,
     .help = "spinnaker://<id>, or a URL of http or https."},
    {.name = "executionId", .type = PARAM_STRING, .offset = offsetof(ResolveQuery, execution_id), .help = "Accepted; not needed."},
    {.name = "pipelineConfigId", .type = PARAM_STRING, .offset = offsetof(ResolveQuery, config_id), .help = "Accepted; not needed."},
    {0},
};

static Json *resolve_get(ApiCall *call, GError **error) {
    g_auto(TemplateRequest) request = template_request(call->services, TRUE, call->now_ms);
    return templates_resolve(&request, ((const ResolveQuery *)call->query)->source, error);
}

static Json *answer_converted(ApiCall *call, const JsonValue *pipeline, GError **error) {
    g_autoptr(Json) template = templates_convert(pipeline);
    char *text = yaml_write(json_root(template), error);
    if (text != NULL)
        api_answer_text(call, 200, "application/x-yaml;charset=UTF-8", text);
    return NULL;
}

static Json *convert_post(ApiCall *call, GError **error) {
    if (json_is_object(call->body))
        return answer_converted(call, call->body, error);
    error_set(error, ERR_INVALID, "convert pipeline: the body is a pipeline configuration");
    return NULL;
}

static Json *convert_get(ApiCall *call, GError **error) {
    g_autoptr(Json) pipeline = pipeline_load(call->services->store, PIPELINE_KIND, api_path(call, "id"), error);
    const char *application = json_get_string(json_root(pipeline), "application");
    if (pipeline == NULL)
        return NULL;
    if (application == NULL || api_may(call, MAY_READ, "application", application))
        return answer_converted(call, json_root(pipeline), error);
    error_set(error, ERR_FORBIDDEN, "Access denied to application %s", application);
    return NULL;
}

/* ---- changing ---- */
/* The single scope of the template, else "spinnaker": whose task a change is. */
static const char *application_of(const JsonValue *template) {
    const JsonValue *scopes = json_dig(template, "metadata", "scopes", NULL);
    const char *only = json_length(scopes) == 1 ? json_string(json_at(scopes, 0)) : NULL;
    return only != NULL && *only != '\0' && strcmp(only, "global") != 0 ? only : "spinnaker";
}

static gboolean check_body(ApiCall *call, GError **error) {
    if (json_is_object(call->body))
        return TRUE;
    error_set(error, ERR_INVALID, "a pipeline template is a JSON object");
    return FALSE;
}

/* The job of a change; caller owns. */
static Json *change_job(const ApiCall *call, const char *type, const char *id, const JsonValue *template) {
    const VariantQuery *query = call->query;
    g_autofree char *text = template != NULL ? encoded(template) : NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "type", type, "id", id, "pipelineTemplate", text, "tag", query->tag, "digest",
                     query->digest, "skipPlanDependents", query->skip_plan, "user", call->principal->user);
}

static void end_started(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    g_autofree char *ref = g_strconcat("/tasks/", execution->id, NULL);
    g_autoptr(Json) body = json_pack("{s:s}", "ref", ref);
    answer_json(answer, 202, body);
}

/* Version 1: a client reads the template right after this answer, so the change is waited for. */
static Json *v1_change(ApiCall *call, const char *type, const char *id, const JsonValue *template, const char *application,
                       const char *verb, GError **error) {
    g_autoptr(Json) job = change_job(call, type, id, template);
    g_autofree char *description = g_strdup_printf("%s pipeline template '%s'", verb, id != NULL ? id : "");
    start_and_wait(call, application, description, json_root(job), end_started, NULL, NULL, error);
    return NULL;
}

static Json *v1_post(ApiCall *call, GError **error) {
    if (!check_body(call, error))
        return NULL;
    return v1_change(call, "createPipelineTemplate", json_get_string(call->body, "id"), call->body, application_of(call->body), "Create",
                     error);
}

static Json *v1_update_post(ApiCall *call, GError **error) {
    if (!check_body(call, error))
        return NULL;
    return v1_change(call, "updatePipelineTemplate", api_path(call, "id"), call->body, application_of(call->body), "Update", error);
}

static const char *given_application(const ApiCall *call) {
    const char *application = ((const VariantQuery *)call->query)->application;
    return application != NULL && *application != '\0' ? application : "spinnaker";
}

static Json *v1_delete(ApiCall *call, GError **error) {
    return v1_change(call, "deletePipelineTemplate", api_path(call, "id"), NULL, given_application(call), "Delete", error);
}

static void end_with_view(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    g_autoptr(Json) view = orchestration_to_task_json(execution);
    answer_json(answer, 200, view);
}

/* spin believes a deletion that is answered with 202 (clients.md), so that is what one gets that was done. */
static void end_deleted(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)services, (void)data;
    g_autoptr(Json) view = orchestration_to_task_json(execution);
    answer_json(answer, execution->status == STATUS_SUCCEEDED ? 202 : 200, view);
}

static Json *v2_change(ApiCall *call, const char *type, const char *id, const JsonValue *template, const char *application,
                       const char *verb, WaitEnd end, GError **error) {
    g_autoptr(Json) job = change_job(call, type, id, template);
    g_autofree char *description = g_strdup_printf("%s pipeline template '%s'", verb, id != NULL ? id : "");
    start_and_wait(call, application, description, json_root(job), end, NULL, NULL, error);
    return NULL;
}

/* The body with schema v2; another schema is an error that Gate answers with 500. */
static Json *v2_body(ApiCall *call, GError **error) {
    if (!check_body(call, error))
        return NULL;
    if (json_get(call->body, "schema") == NULL)
        return json_with_string(call->body, "schema", "v2");
    if (is_version_2(call->body))
        return json_copy(call->body);
    g_autoptr(GError) wrong = NULL;
    error_set(&wrong, ERR_INVALID, "Pipeline template schema version is invalid");
    api_answer_error(call, 500, wrong);
    return NULL;
}

static Json *v2_create_post(ApiCall *call, GError **error) {
    g_autoptr(Json) template = v2_body(call, error);
    if (template == NULL)
        return NULL;
    return v2_change(call, "createV2PipelineTemplate", json_get_string(call->body, "id"), json_root(template), application_of(call->body),
                     "Create", end_with_view, error);
}

static Json *v2_update_post(ApiCall *call, GError **error) {
    g_autoptr(Json) template = v2_body(call, error);
    if (template == NULL)
        return NULL;
    return v2_change(call, "updateV2PipelineTemplate", api_path(call, "id"), json_root(template), application_of(call->body), "Update",
                     end_with_view, error);
}

static Json *v2_delete(ApiCall *call, GError **error) {
    return v2_change(call, "deleteV2PipelineTemplate", api_path(call, "id"), NULL, given_application(call), "Delete", end_deleted, error);
}

/* ---- planning ---- */
void answer_template_errors(ApiCall *call, const JsonValue *errors) {
    g_autofree char *text = templates_errors_text(errors);
    g_autofree char *message = g_strconcat("Pipeline template is invalid: ", text, NULL);
    g_autofree char *now = clock_iso8601(call->now_ms);
    const ErrorOutward *outward = error_outward(ERR_INVALID);
    api_answer_status(call, outward->http_status,
                      json_pack("{s:s, s:s, s:s, s:i, s:s, s:v}", "error", outward->http_error, "exception", outward->exception_type,
                                "message", message, "status", (gint64)outward->http_status, "timestamp", now, "errors", errors));
}

static Json *v2_plan_post(ApiCall *call, GError **error) {
    static const char *const NOT_SHOWN[] = {"plan", "resolveArtifacts", NULL};
    if (!check_body(call, error))
        return NULL;
    g_autoptr(Json) given = json_without(call->body, NOT_SHOWN);
    g_autoptr(Json) planned = engine_plan_pipeline(call->services->engine, json_root(given), NULL, call->principal,
                                                   json_get_bool(call->body, "resolveArtifacts", FALSE), error);
    const JsonValue *errors = json_get(json_root(planned), "errors");
    if (json_length(errors) == 0)
        return g_steal_pointer(&planned);
    answer_template_errors(call, errors);
    return NULL;
}

static const Param template_body[] = {
    {.name = "id", .type = PARAM_STRING, .required = TRUE, .help = "Its id."},
    {.name = "schema", .type = PARAM_STRING, .help = "\"v2\" or \"1\"."},
    {.name = "metadata", .type = PARAM_JSON, .help = "{name, description, owner, scopes: [\"global\" or applications]}"},
    {.name = "variables", .type = PARAM_JSON, .help = "List of {name, type, defaultValue, nullable, description}."},
    {.name = "pipeline", .type = PARAM_JSON, .help = "Version 2: an ordinary pipeline, with ${templateVariables.name} in it."},
    {.name = "stages", .type = PARAM_JSON, .help = "Version 1: list of {id, type, dependsOn, config, …}."},
    {.name = "protect", .type = PARAM_BOOL, .help = "Pipelines made from it may not add or replace stages."},
    {0},
};

#define SCOPES_QUERY .query = scopes_query, .query_size = sizeof(ScopesQuery)
#define VARIANT_QUERY .query = variant_query, .query_size = sizeof(VariantQuery)
#define DEPENDENTS_QUERY .query = dependents_query, .query_size = sizeof(DependentsQuery)
#define ANYBODY .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN)

static const Route v1[] = {
    {.method = "GET", .path = "/pipelineTemplates", .handler = v1_list_get, ANYBODY, SCOPES_QUERY, .help = "Templates of version 1."},
    {.method = "POST",
     .path = "/pipelineTemplates",
     .handler = v1_post,
     ANYBODY,
     VARIANT_QUERY,
     .body = BODY_JSON,
     .body_params = template_body,
     .help = "Saves a new template of version 1: {ref: \"/tasks/<id>\"}, 202. The task says whether it was saved."},
    {.method = "GET",
     .path = "/pipelineTemplates/resolve",
     .handler = resolve_get,
     ANYBODY,
     .query = resolve_query,
     .query_size = sizeof(ResolveQuery),
     .help = "A template of version 1 by its source, with all that it inherits."},
    {.method = "POST",
     .path = "/convertPipelineToTemplate",
     .handler = convert_post,
     ANYBODY,
     .body = BODY_JSON,
     .help = "The pipeline in the body as a template of version 1, in YAML."},
    {.method = "GET",
     .path = "/pipelineConfigs/{id}/convertToTemplate",
     .handler = convert_get,
     ANYBODY,
     .help = "A stored pipeline as a template of version 1, in YAML."},
    {.method = "GET", .path = "/pipelineTemplates/{id}", .handler = one_get, ANYBODY, VARIANT_QUERY, .help = "One template."},
    {.method = "POST",
     .path = "/pipelineTemplates/{id}",
     .handler = v1_update_post,
     ANYBODY,
     VARIANT_QUERY,
     .body = BODY_JSON,
     .body_params = template_body,
     .help = "Replaces a template of version 1, if the pipelines made from it still work: {ref}, 202."},
    {.method = "DELETE",
     .path = "/pipelineTemplates/{id}",
     .handler = v1_delete,
     ANYBODY,
     VARIANT_QUERY,
     .help = "Deletes a template that no pipeline is made from: {ref}, 202."},
    {.method = "GET",
     .path = "/pipelineTemplates/{id}/dependents",
     .handler = dependents_get,
     ANYBODY,
     DEPENDENTS_QUERY,
     .help = "Pipelines made from it: [{application, pipelineConfigId, pipelineName}]."},
    {0},
};
const RouteTable template_v1_routes = {"Pipeline templates, version 1", v1};

static const Route v2[] = {
    {.method = "GET", .path = "/v2/pipelineTemplates", .handler = v2_list_get, ANYBODY, SCOPES_QUERY, .help = "Every stored variant."},
    {.method = "GET",
     .path = "/v2/pipelineTemplates/versions",
     .handler = versions_get,
     ANYBODY,
     SCOPES_QUERY,
     .help = "Variants with a tag or a digest, by id."},
    {.method = "POST",
     .path = "/v2/pipelineTemplates/plan",
     .handler = v2_plan_post,
     ANYBODY,
     .body = BODY_JSON,
     .help = "The pipeline that a templated configuration stands for. 400 lists in errors what is wrong."},
    {.method = "POST",
     .path = "/v2/pipelineTemplates/create",
     .handler = v2_create_post,
     ANYBODY,
     VARIANT_QUERY,
     .body = BODY_JSON,
     .body_params = template_body,
     .help = "Saves a new template; answers with the finished task."},
    {.method = "POST",
     .path = "/v2/pipelineTemplates/update/{id}",
     .handler = v2_update_post,
     ANYBODY,
     VARIANT_QUERY,
     .body = BODY_JSON,
     .body_params = template_body,
     .help = "Replaces a template, if the pipelines made from it still work; answers with the finished task."},
    {.method = "GET",
     .path = "/v2/pipelineTemplates/{id}",
     .handler = one_get,
     ANYBODY,
     VARIANT_QUERY,
     .help = "One template, as it was saved; by tag or digest."},
    {.method = "DELETE",
     .path = "/v2/pipelineTemplates/{id}",
     .handler = v2_delete,
     ANYBODY,
     VARIANT_QUERY,
     .help = "Deletes a variant that no pipeline is made from; answers with the finished task, with 202 when that succeeded."},
    {.method = "GET",
     .path = "/v2/pipelineTemplates/{id}/dependents",
     .handler = dependents_get,
     ANYBODY,
     DEPENDENTS_QUERY,
     .help = "Pipelines made from any variant of it."},
    {0},
};
const RouteTable template_v2_routes = {"Pipeline templates, version 2", v2};
