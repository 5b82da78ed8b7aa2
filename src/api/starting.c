/* The ways to start a pipeline (api.md 4, "Starting"). */
#include "api/starting.h"
#include "api/internal.h"
#include "api/start_id.h"
#include "api/templates.h"
#include "base/log.h"
#include "stages/metadata/pipelines.h"
#include "stages/metadata/templates.h"
#include "store/executions.h"
#include "store/trigger_events.h"
#include "triggers/triggers.h"
#include <string.h>

/* ---- the trigger ---- */
static gboolean is_given(const JsonValue *value) {
    return value != NULL && !json_is_null(value);
}

/* The body as a trigger. New clients wrap it once more: {"trigger": {…}}. */
static const JsonValue *given_trigger(const JsonValue *body) {
    const JsonValue *inner = json_get(body, "trigger");
    return is_given(inner) && json_get(body, "type") == NULL ? inner : body;
}

/* What was posted to start a saved pipeline. */
static gboolean check_posted(const ApiCall *call, GError **error) {
    const JsonValue *trigger = given_trigger(call->body), *id = json_is_object(call->body) ? json_get(call->body, "executionId") : NULL;
    g_autoptr(Json) posted = json_pack("{s:v, s:v}", "trigger", trigger, "executionId", id);
    if (start_check_key(call, error) && engine_check_types(json_root(posted), error))
        return TRUE;
    g_prefix_error(error, "start pipeline: ");
    return FALSE;
}

/* Whoever is signed in is the user, whatever the trigger says. */
Json *start_make_trigger(const ApiCall *call, const JsonValue *given, const char *event_id) {
    g_autoptr(JsonBuilder) own = json_builder_new();
    json_begin_object(own, NULL);
    if (json_get_string(given, "type") == NULL)
        json_add_string(own, "type", "manual");
    if (!call->principal->anonymous)
        json_add_string(own, "user", call->principal->user);
    json_add_string(own, "eventId", event_id);
    json_end_object(own);
    g_autoptr(Json) members = json_builder_end(own);
    return json_merge(given, json_root(members));
}

static gboolean check_parameters(const JsonValue *pipeline, const JsonValue *trigger, GError **error) {
    const JsonValue *given = json_get(trigger, "parameters");
    for (JsonIter i = json_iter(json_get(pipeline, "parameterConfig")); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        if (name == NULL || !json_get_bool(i.value, "required", FALSE))
            continue;
        if (is_given(json_get(i.value, "default")) || is_given(json_get(given, name)))
            continue;
        error_set(error, ERR_INVALID, "Required parameter %s is missing", name);
        return FALSE;
    }
    return TRUE;
}

/* The configuration with the trigger inside; the trigger's notifications are added to its own. */
Json *start_with_trigger(const JsonValue *pipeline, const JsonValue *trigger) {
    const JsonValue *more = json_get(trigger, "notifications");
    g_autoptr(Json) triggered = json_with(pipeline, "trigger", trigger);
    if (json_length(more) == 0)
        return g_steal_pointer(&triggered);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(pipeline, "notifications")); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    for (JsonIter i = json_iter(more); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    return json_with(json_root(triggered), "notifications", json_root(all));
}

/* ---- templates ---- */
/* What the pipeline stands for, as far as its template can be had; else the pipeline itself. Caller owns. */
static Json *expanded(ApiCall *call, const JsonValue *pipeline) {
    g_auto(TemplateRequest) request = template_request(call->services, TRUE, call->now_ms);
    Json *whole = templates_apply_to(pipeline) ? templates_expand(&request, pipeline, NULL) : NULL;
    return whole != NULL ? whole : json_copy(pipeline);
}

/* A start that failed because of its template is answered with the list of what is wrong with it. */
static void tell_template_errors(ApiCall *call, const JsonValue *pipeline, GError **error) {
    g_autoptr(Json) whole = expanded(call, pipeline);
    const JsonValue *errors = json_get(json_root(whole), "errors");
    if (json_length(errors) == 0)
        return;
    answer_template_errors(call, errors);
    g_clear_error(error);
}

/* ---- starting ---- */
/* id: what the execution is to be called, or NULL. The execution's id; caller frees. */
static char *start(ApiCall *call, const char *id_wanted, const JsonValue *pipeline, const JsonValue *stored, GError **error) {
    g_autofree char *failed_id = NULL;
    g_autoptr(Json) trigger = start_with_digest(call, json_get(pipeline, "trigger"));
    g_autoptr(Json) told = json_with(pipeline, "trigger", json_root(trigger));
    g_autoptr(Json) named = json_with_string(json_root(told), "executionId", id_wanted);
    g_autoptr(Json) from = json_with_string(json_root(named), "origin", api_origin(call));
    char *id = engine_start_pipeline(call->services->engine, json_root(from), stored, call->principal, &failed_id, error);
    if (id == NULL && failed_id != NULL)
        g_prefix_error(error, "execution %s was recorded as failed: ", failed_id);
    if (id == NULL && failed_id != NULL && templates_apply_to(pipeline))
        tell_template_errors(call, pipeline, error);
    return id;
}

/* A saved pipeline with a trigger; an id is only ever that of one execution, so that none is saved with it. */
static Json *saved_with_trigger(const JsonValue *stored, const JsonValue *trigger) {
    static const char *const NOT_SAVED[] = {"executionId", NULL};
    g_autoptr(Json) config = json_without(stored, NOT_SAVED);
    return start_with_trigger(json_root(config), trigger);
}

/* event_id: of the start's event, or NULL; named: the caller did. */
static char *start_stored(ApiCall *call, const char *event_id, gboolean named, GError **error) {
    const char *application = api_path(call, "application"), *name = api_path(call, "name");
    g_autoptr(Json) stored = pipeline_find(call->services->store, PIPELINE_KIND, application, name, error);
    if (stored == NULL) {
        g_prefix_error(error, "Unable to trigger pipeline (application: %s, pipelineNameOrId: %s). Error: ", application, name);
        return NULL;
    }
    if (call->body != NULL && !json_is_object(call->body)) {
        error_set(error, ERR_INVALID, "start pipeline %s of %s: the trigger is a JSON object", name, application);
        return NULL;
    }
    if (!check_posted(call, error))
        return NULL;
    g_autoptr(Json) trigger = start_make_trigger(call, given_trigger(call->body), event_id);
    g_autoptr(Json) whole = expanded(call, json_root(stored));
    if (!check_parameters(json_root(whole), json_root(trigger), error))
        return NULL;
    g_autofree char *id = start_execution_id(call, call->body, json_root(trigger), named ? event_id : NULL);
    g_autoptr(Json) pipeline = saved_with_trigger(json_root(stored), json_root(trigger));
    return start(call, id, json_root(pipeline), json_root(stored), error);
}

static Json *reference(const char *id, const char *event_id) {
    g_autofree char *ref = g_strconcat("/pipelines/", id, NULL);
    return json_pack("{s:s, s:s}", "eventId", event_id, "ref", ref);
}

static Json *start_post(ApiCall *call, GError **error) {
    g_autofree char *id = start_stored(call, NULL, FALSE, error);
    return id != NULL ? reference(id, NULL) : NULL;
}

static gboolean note_found(const TriggerEventRecord *record, gpointer data) {
    (void)record;
    *(gboolean *)data = TRUE;
    return FALSE;
}

/* What `gennaker why` says of the event; of one that comes again it has said it. */
static void record_decision(ApiCall *call, const char *event_id, const char *id, const GError *failure) {
    const char *application = api_path(call, "application"), *name = api_path(call, "name");
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) stored = pipeline_find(call->services->store, PIPELINE_KIND, application, name, NULL);
    const char *pipeline_id = json_get_string(json_root(stored), "id");
    gboolean is_known = FALSE;
    store_trigger_event_load(call->services->store, event_id, NULL, note_found, &is_known, NULL);
    if (pipeline_id == NULL || is_known)
        return;
    g_autoptr(Json) envelope = json_pack("{s:{s:s, s:s, s:s}}", "details", "type", "manual", "source", call->principal->user, "application",
                                         application);
    g_autofree char *message = id != NULL ? g_strdup_printf("%s started execution %s.", call->principal->user, id)
                                          : g_strdup_printf("It could not be started: %s", failure->message);
    TriggerDecisionRecord decision = {.pipeline_id = pipeline_id,
                                      .pipeline_name = json_get_string(json_root(stored), "name"),
                                      .application = application,
                                      .trigger_index = -1,
                                      .trigger_type = "manual",
                                      .execution_id = id,
                                      .decided_ms = call->now_ms,
                                      .reason = decision_reason_name(id != NULL ? DECISION_STARTED : DECISION_REFUSED),
                                      .message = message};
    TriggerEvent event = {.id = event_id, .created_ms = call->now_ms, .envelope = json_root(envelope)};
    if (!triggers_record(call->services->triggers, &event, &decision, 1, &error))
        log_warning("api", "the start by event %s is not recorded: %s", event_id, error->message);
}

static Json *start_v2_post(ApiCall *call, GError **error) {
    const char *named = json_get_string(given_trigger(call->body), "eventId");
    if (named != NULL && (*named == '\0' || strlen(named) > TRIGGER_EVENT_ID_MAX)) {
        error_set(error, ERR_INVALID, "start pipeline: trigger.eventId has 1 to %d bytes (TRIGGER_EVENT_ID_MAX)", TRIGGER_EVENT_ID_MAX);
        return NULL;
    }
    g_autofree char *event_id = named != NULL ? g_strdup(named) : start_event_id(call);
    g_autoptr(GError) failure = NULL;
    g_autofree char *id = start_stored(call, event_id, named != NULL, &failure);
    record_decision(call, event_id, id, failure);
    if (id != NULL)
        return reference(id, event_id);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* ---- a configuration that need not be stored ---- */
static Json *plan(ApiCall *call, const JsonValue *pipeline, const JsonValue *stored, GError **error) {
    static const char *const NOT_SHOWN[] = {"plan", "resolveArtifacts", NULL};
    g_autoptr(Json) given = json_without(pipeline, NOT_SHOWN);
    g_autoptr(Json) planned = engine_plan_pipeline(call->services->engine, json_root(given), stored, call->principal,
                                                   json_get_bool(pipeline, "resolveArtifacts", FALSE), error);
    const JsonValue *errors = json_get(json_root(planned), "errors");
    if (json_length(errors) == 0)
        return g_steal_pointer(&planned);
    answer_template_errors(call, errors);
    return NULL;
}

#define PLAN_PATH "/plan"

/* The pipeline as it is saved, also of a strategy. */
static Json *stored_config(ApiCall *call, const char *id) {
    Json *stored = id != NULL ? pipeline_load(call->services->store, PIPELINE_KIND, id, NULL) : NULL;
    return stored != NULL || id == NULL ? stored : pipeline_load(call->services->store, STRATEGY_KIND, id, NULL);
}

static gboolean note_id(const ExecutionRecord *record, gpointer data) {
    *(char **)data = g_strdup(record->id);
    return FALSE;
}

/* What a templated configuration that is planned without a trigger is planned with: the trigger of the execution it names, else of the
 * newest of the configuration (engine.md 6, step 1). NULL: there is none. Caller owns. */
static Json *trigger_of_execution(ApiCall *call) {
    const char *given = json_get_string(call->body, "executionId"), *config_id = json_get_string(call->body, "id");
    g_autofree char *id = g_strdup(given);
    const char *const config_ids[] = {config_id, NULL};
    const ExecutionFilter filter = {.type = "PIPELINE", .config_ids = config_ids, .limit = 1};
    if (id == NULL && config_id != NULL)
        store_executions_list(call->services->store, &filter, note_id, &id, NULL);
    g_autoptr(Execution) execution = id != NULL ? engine_load(call->services->engine, id, NULL) : NULL;
    if (execution == NULL || execution->type != EXECUTION_PIPELINE || !api_may(call, MAY_READ, "application", execution->application))
        return NULL;
    return json_copy(json_root(execution->trigger));
}

static Json *start_given_post(ApiCall *call, GError **error) {
    if (!json_is_object(call->body)) {
        error_set(error, ERR_INVALID, "start pipeline: the body is a pipeline configuration");
        return NULL;
    }
    if (!start_check_key(call, error) || !engine_check_types(call->body, error)) {
        g_prefix_error(error, "start pipeline: ");
        return NULL;
    }
    const JsonValue *given = json_get(call->body, "trigger");
    gboolean planned = json_get_bool(call->body, "plan", FALSE) || strcmp(call->route->path, PLAN_PATH) == 0;
    gboolean borrows = given == NULL && planned && templates_apply_to(call->body);
    g_autoptr(Json) known = borrows ? trigger_of_execution(call) : NULL;
    g_autoptr(Json) trigger = start_make_trigger(call, known != NULL ? json_root(known) : given, NULL);
    g_autoptr(Json) pipeline = start_with_trigger(call->body, json_root(trigger));
    g_autoptr(Json) stored = stored_config(call, json_get_string(call->body, "id"));
    if (planned)
        return plan(call, json_root(pipeline), json_root(stored), error);
    g_autofree char *wanted = start_execution_id(call, call->body, given, NULL);
    g_autofree char *id = start(call, wanted, json_root(pipeline), json_root(stored), error);
    return id != NULL ? reference(id, NULL) : NULL;
}

/* ---- by the id of a configuration (Orca's paths) ---- */
Json *start_saved(ApiCall *call, May what, Json **stored, GError **error) {
    const char *id = api_path(call, "pipelineConfigId");
    g_autoptr(Json) saved = stored_config(call, id);
    const char *application = json_get_string(json_root(saved), "application");
    if (saved == NULL || !api_may(call, what, "application", application != NULL ? application : "")) {
        error_set(error, ERR_NOT_FOUND, "Pipeline configuration not found (id: %s)", id);
        return NULL;
    }
    if (!check_posted(call, error))
        return NULL;
    g_autoptr(Json) trigger = start_make_trigger(call, given_trigger(call->body), NULL);
    Json *pipeline = saved_with_trigger(json_root(saved), json_root(trigger));
    if (stored != NULL)
        *stored = g_steal_pointer(&saved);
    return pipeline;
}

static Json *by_id_post(ApiCall *call, GError **error) {
    g_autoptr(Json) stored = NULL;
    g_autoptr(Json) pipeline = start_saved(call, MAY_EXECUTE, &stored, error);
    if (pipeline == NULL)
        return NULL;
    const JsonValue *trigger = json_get(json_root(pipeline), "trigger");
    if (g_str_has_prefix(call->route->path, PLAN_PATH))
        return plan(call, json_root(pipeline), json_root(stored), error);
    g_autofree char *wanted = start_execution_id(call, call->body, trigger, NULL);
    g_autofree char *started = start(call, wanted, json_root(pipeline), json_root(stored), error);
    return started != NULL ? reference(started, NULL) : NULL;
}

/* ---- failures that somebody else found ---- */
static Json *fail_post(ApiCall *call, GError **error) {
    const char *message = json_get_string(call->body, "errorMessage");
    if (!json_is_object(call->body) || message == NULL) {
        error_set(error, ERR_INVALID, "record a failed start: the body is a pipeline configuration with errorMessage");
        return NULL;
    }
    g_autofree char *id = engine_record_failure(call->services->engine, call->body, call->principal, message);
    if (id == NULL)
        error_set(error, ERR_INVALID, "the failed start of pipeline %s was not recorded", json_get_string(call->body, "name"));
    return id != NULL ? reference(id, NULL) : NULL;
}

static const Param trigger_body[] = {
    {.name = "type", .type = PARAM_STRING, .otherwise = "\"manual\"", .help = "Kind of trigger."},
    {.name = "parameters", .type = PARAM_JSON, .help = "{name: value}"},
    {.name = "artifacts", .type = PARAM_JSON, .help = "List of artifacts."},
    {.name = "buildInfo", .type = PARAM_JSON, .help = "What a CI build made: {artifacts: [{fileName}], …}."},
    {.name = "notifications", .type = PARAM_JSON, .help = "Added to the pipeline's."},
    {.name = "rebake", .type = PARAM_BOOL, .help = "Bake even when there is an image already."},
    {.name = "dryRun", .type = PARAM_BOOL, .help = "Nothing outside is changed."},
    {.name = "executionId", .type = PARAM_STRING, .help = "The new execution's id: 1 to 64 letters, digits, '-' or '_'."},
    {.name = "correlationId", .type = PARAM_STRING, .help = "While an execution with this id is unfinished, that one is answered."},
    {0},
};

static const Route routes[] = {
    {.method = "POST",
     .path = "/pipelines/{application}/{name}",
     .handler = start_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .body_params = trigger_body,
     .success = 202,
     .help = "Starts a pipeline, by its name or id: {ref: \"/pipelines/<execution>\"}." START_ID_HELP},
    {.method = "POST",
     .path = "/pipelines/v2/{application}/{name}",
     .handler = start_v2_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .body_params = trigger_body,
     .success = 202,
     .help = "Starts a pipeline: {eventId, ref}. A trigger.eventId is kept, and counts like such a key." START_ID_HELP},
    {.method = "POST",
     .path = "/applications/{application}/pipelineConfigs/{name}",
     .handler = start_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_OPTIONAL_JSON,
     .body_params = trigger_body,
     .help = "Starts a pipeline: {ref}." START_ID_HELP},
    {.method = "POST",
     .path = "/pipelines/start",
     .handler = start_given_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .help = "Starts the pipeline in the body, stored or not. With plan: true nothing runs and the checked pipeline is "
             "answered." START_ID_HELP},
    {.method = "POST",
     .path = "/orchestrate",
     .handler = start_given_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .help = "The same under Orca's path." START_ID_HELP},
    {.method = "POST",
     .path = "/orchestrate/{pipelineConfigId}",
     .handler = by_id_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .body = BODY_OPTIONAL_JSON,
     .body_params = trigger_body,
     .help = "Starts a pipeline by the id of its configuration: {ref}." START_ID_HELP},
    {.method = "POST",
     .path = PLAN_PATH,
     .handler = start_given_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .help = "The pipeline in the body as it would be started; nothing runs."},
    {.method = "POST",
     .path = PLAN_PATH "/{pipelineConfigId}",
     .handler = by_id_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .body = BODY_OPTIONAL_JSON,
     .body_params = trigger_body,
     .help = "A saved pipeline as it would be started; the body is a trigger."},
    {.method = "POST",
     .path = "/fail",
     .handler = fail_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_EXECUTE),
     .body = BODY_JSON,
     .help = "Records a start that failed elsewhere, with the pipeline's errorMessage: {ref}."},
    {0},
};
const RouteTable starting_routes = {"Starting pipelines", routes};
