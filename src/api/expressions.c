/* Expressions against an execution, for previews (api.md 8), and what the language offers. Functions with I/O are not run here. */
#include "engine/expressions.h"
#include "api/internal.h"
#include "api/request.h"
#include "stages/stages.h"
#include <string.h>

#define EXPRESSION_BODY_MAX (64 * 1024)
#define VARIABLES_MAX 1000

/* What expressions may say, by the configuration now; caller unrefs. */
static EngineSettings *settings_now(const ApiCall *call, GError **error) {
    g_autoptr(Config) config = services_config(call->services);
    return engine_settings_new(&stage_types, config, error);
}

/* Without a stage the parameters are no name of their own; here they are. Caller owns. */
static Json *first_names(const ApiCall *call) {
    const JsonValue *parameters = json_get(json_root(call->execution->trigger), "parameters");
    return parameters != NULL ? json_pack("{s:v}", "parameters", parameters) : json_empty_object();
}

/* An expression stands in ${…} or is one whole without it. */
static Json *evaluate(const ApiCall *call, const Stage *stage, const char *expression, gboolean traced, GError **error) {
    EngineSettings *settings = settings_now(call, error);
    if (settings == NULL)
        return NULL;
    Json *failures = NULL;
    g_autoptr(Json) names = first_names(call);
    g_autoptr(Json) text = NULL;
    if (expr_has_expression(expression)) {
        text = json_from_string(expression);
    } else {
        g_autofree char *wrapped = g_strconcat("${", expression, "}", NULL);
        text = json_from_string(wrapped);
    }
    Json *steps = NULL;
    g_autoptr(Json) result = expressions_trace(call->execution, stage, json_root(text), json_root(names), settings, FALSE, call->now_ms,
                                               &failures, traced ? &steps : NULL);
    engine_settings_unref(settings);
    g_autoptr(Json) detail = failures != NULL ? failures : json_empty_object();
    g_autoptr(Json) trace = steps;
    return json_pack("{s:v, s:j, s:j}", "result", json_root(result), "detail", detail, "trace", trace);
}

#define TRACE_PARAM(place)                                                                                                                 \
    {                                                                                                                                      \
        .name = "trace", .type = PARAM_BOOL, .offset = (place),                                                                            \
        .help = "Also what each part of it came to: trace, a list of {expression, depth, value, type} or {expression, depth, reason}.",    \
    }
typedef struct {
    gboolean trace;
} TraceQuery;
static const Param trace_query[] = {TRACE_PARAM(offsetof(TraceQuery, trace)), {0}};

typedef struct {
    char *expression;
    gboolean trace;
} ExpressionQuery;
static const Param expression_query[] = {
    {.name = "expression",
     .type = PARAM_STRING,
     .offset = offsetof(ExpressionQuery, expression),
     .required = TRUE,
     .help = "The expression, with or without ${}."},
    TRACE_PARAM(offsetof(ExpressionQuery, trace)),
    {0},
};

static Json *expression_get(ApiCall *call, GError **error) {
    const ExpressionQuery *query = call->query;
    return evaluate(call, NULL, query->expression, query->trace, error);
}

static const Stage *stage_of_path(const ApiCall *call, GError **error) {
    const Stage *stage = execution_stage(call->execution, api_path(call, "stageId"));
    if (stage == NULL)
        error_set(error, ERR_NOT_FOUND, "Stage not found (id: %s) in pipeline %s", api_path(call, "stageId"), call->execution->id);
    return stage;
}

static Json *expression_of_stage_get(ApiCall *call, GError **error) {
    const ExpressionQuery *query = call->query;
    const Stage *stage = stage_of_path(call, error);
    return stage != NULL ? evaluate(call, stage, query->expression, query->trace, error) : NULL;
}

/* The body is the expression, or JSON with it. */
static Json *evaluate_body(ApiCall *call, const Stage *stage, GError **error) {
    gboolean traced = ((const TraceQuery *)call->query)->trace;
    gsize length = 0;
    const char *body = http_exchange_body(call->exchange, &length);
    const char *type = http_exchange_header(call->exchange, "Content-Type");
    if (length == 0 || length > EXPRESSION_BODY_MAX || !g_utf8_validate(body, (gssize)length, NULL)) {
        error_set(error, ERR_INVALID, "evaluate expression: the body is an expression of 1 to %d bytes of UTF-8", EXPRESSION_BODY_MAX);
        return NULL;
    }
    if (type == NULL || !content_type_is_json(type))
        return evaluate(call, stage, body, traced, error);
    g_autoptr(Json) json = json_parse_limited(body, (gssize)length, EXPRESSION_BODY_MAX, error);
    if (json == NULL)
        return NULL;
    const char *expression = json_get_string(json_root(json), "expression");
    if (expression != NULL)
        return evaluate(call, stage, expression, traced, error);
    error_set(error, ERR_INVALID, "evaluate expression: the JSON body is {\"expression\": text}");
    return NULL;
}

static Json *expression_post(ApiCall *call, GError **error) {
    return evaluate_body(call, NULL, error);
}

static Json *expression_of_stage_post(ApiCall *call, GError **error) {
    const Stage *stage = stage_of_path(call, error);
    return stage != NULL ? evaluate_body(call, stage, error) : NULL;
}

/* ---- variables ---- */
typedef struct {
    char *execution_id, *spel_version, **requisites;
} VariablesQuery;
static const Param variables_query[] = {
    {.name = "executionId",
     .type = PARAM_STRING,
     .offset = offsetof(VariablesQuery, execution_id),
     .required = TRUE,
     .help = "The execution; it counts, not the one in the path."},
    {.name = "requisiteStageRefIds",
     .type = PARAM_STRINGS,
     .offset = offsetof(VariablesQuery, requisites),
     .help = "refIds of the stages that come before, parted by commas, semicolons or white space."},
    {.name = "spelVersion", .type = PARAM_STRING, .offset = offsetof(VariablesQuery, spel_version), .help = "v2, v3 or v4."},
    {0},
};

static const struct {
    const char *key, *description;
    gboolean deprecated;
} EVALUATORS[] = {{"v2", "SpEL v2 expressions", TRUE},
                  {"v3", "SpEL v3 expressions", TRUE},
                  {"v4", "SpEL v4: expressions are evaluated when a stage is about to start", FALSE}};

static gboolean check_version(const char *version, GError **error) {
    for (gsize i = 0; version != NULL && i < G_N_ELEMENTS(EVALUATORS); i++)
        if (strcmp(EVALUATORS[i].key, version) == 0)
            return TRUE;
    if (version == NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "SpEL evaluator version %s is not supported", version);
    return FALSE;
}

/* refIds that exist; caller frees. */
static char **requisites_of(const Execution *execution, char **parts) {
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();
    for (gsize i = 0; parts != NULL && parts[i] != NULL; i++) {
        g_auto(GStrv) refs = g_strsplit_set(parts[i], "; \t\r\n", -1);
        for (char **ref = refs; *ref != NULL; ref++)
            if (**ref != '\0' && execution_stage_by_ref(execution, *ref) != NULL)
                g_strv_builder_add(found, *ref);
    }
    return g_strv_builder_end(found);
}

/* The execution that the query names; the one of the path is only how the request got here. Caller unrefs. */
static Execution *execution_of_query(const ApiCall *call, const char *id, GError **error) {
    if (strcmp(id, call->execution->id) == 0)
        return execution_ref((Execution *)call->execution);
    g_autoptr(Execution) other = engine_load(call->services->engine, id, error);
    if (other == NULL || api_may(call, MAY_READ, "application", other->application))
        return g_steal_pointer(&other);
    error_set(error, ERR_FORBIDDEN, "evaluate variables: execution %s: no READ on application %s", id, other->application);
    return NULL;
}

static Json *evaluate_variables(const ApiCall *call, const Execution *execution, const EngineSettings *settings) {
    const VariablesQuery *query = call->query;
    g_auto(GStrv) requisites = requisites_of(execution, query->requisites);
    const char *stage_id = NULL;
    g_autoptr(Execution) with_stage = expressions_execution_with_stage(execution, (const char *const *)requisites, &stage_id);
    Json *failures = NULL;
    g_autoptr(Json) result = expressions_evaluate_variables(with_stage, execution_stage(with_stage, stage_id), call->body, NULL, settings,
                                                            FALSE, call->now_ms, &failures);
    g_autoptr(Json) detail = failures != NULL ? failures : json_empty_object();
    return json_pack("{s:j, s:j}", "result", result, "detail", detail);
}

static Json *variables_post(ApiCall *call, GError **error) {
    const VariablesQuery *query = call->query;
    if (!check_version(query->spel_version, error))
        return NULL;
    if (!json_is_array(call->body) || json_length(call->body) > VARIABLES_MAX) {
        error_set(error, ERR_INVALID, "evaluate variables: the body is a list of at most %d {key, value}", VARIABLES_MAX);
        return NULL;
    }
    g_autoptr(Execution) execution = execution_of_query(call, query->execution_id, error);
    EngineSettings *settings = execution != NULL ? settings_now(call, error) : NULL;
    if (settings == NULL)
        return NULL;
    Json *answer = evaluate_variables(call, execution, settings);
    engine_settings_unref(settings);
    return answer;
}

/* ---- the language ---- */
static void add_functions(JsonBuilder *builder, const ExprFunction *functions) {
    for (const ExprFunction *function = functions; function->name != NULL; function++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", function->name);
        json_add_string(builder, "description", function->help);
        json_begin_array(builder, "parameters");
        json_end_array(builder);
        json_add_int(builder, "minArguments", function->min_arguments);
        if (function->max_arguments != EXPR_ANY_NUMBER)
            json_add_int(builder, "maxArguments", function->max_arguments);
        json_end_object(builder);
    }
}

static Json *language_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "functions");
    add_functions(builder, expr_functions);
    add_functions(builder, expressions_functions());
    json_end_array(builder);
    json_begin_array(builder, "spelEvaluators");
    for (gsize i = 0; i < G_N_ELEMENTS(EVALUATORS); i++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "versionKey", EVALUATORS[i].key);
        json_add_string(builder, "description", EVALUATORS[i].description);
        json_add_bool(builder, "isDeprecated", EVALUATORS[i].deprecated);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

#define TRACE_QUERY .query = trace_query, .query_size = sizeof(TraceQuery)
#define EXPRESSION_QUERY .query = expression_query, .query_size = sizeof(ExpressionQuery)

static const Route routes[] = {
    {.method = "GET",
     .path = "/pipelines/{id}/evaluateExpression",
     .handler = expression_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     EXPRESSION_QUERY,
     .help = "Evaluates an expression against an execution: {result, detail}; detail says what failed."},
    {.method = "POST",
     .path = "/pipelines/{id}/evaluateExpression",
     .handler = expression_post,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .body = BODY_ANY,
     TRACE_QUERY,
     .help = "The same; the body is the expression as text, or {expression}."},
    {.method = "GET",
     .path = "/pipelines/{id}/{stageId}/evaluateExpression",
     .handler = expression_of_stage_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     EXPRESSION_QUERY,
     .help = "The same in the context of a stage."},
    {.method = "POST",
     .path = "/pipelines/{id}/{stageId}/evaluateExpression",
     .handler = expression_of_stage_post,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .body = BODY_ANY,
     TRACE_QUERY,
     .help = "The same in the context of a stage; the body is the expression as text, or {expression}."},
    {.method = "POST",
     .path = "/pipelines/{id}/evaluateVariables",
     .handler = variables_post,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .query = variables_query,
     .query_size = sizeof(VariablesQuery),
     .body = BODY_JSON,
     .help = "Evaluates a list of {key, value}, each seeing those before it: {result, detail}."},
    {.method = "GET",
     .path = "/capabilities/expressions",
     .handler = language_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Functions of expressions, and their versions."},
    {0},
};
const RouteTable expression_routes = {"Expressions", routes};
