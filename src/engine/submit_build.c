/* Building an execution from what was submitted. Any thread. */
#include "base/ids.h"
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/submit.h"
#include <string.h>

#define ANONYMOUS "anonymous"
#define TRIGGER_ANONYMOUS "[anonymous]"
#define EXECUTION_ID_MAX 64

/* ---- the trigger ---- */
Json *submit_trigger(const JsonValue *trigger, const Principal *principal) {
    g_autoptr(Json) given = json_is_object(trigger) ? json_without_nulls(trigger) : json_empty_object();
    g_autoptr(Json) defaults = json_pack("{s:s, s:s, s:{}, s:[], s:[], s:b, s:b, s:b, s:[]}", "type", "manual", "user",
                                         principal->anonymous ? TRIGGER_ANONYMOUS : principal->user, "parameters", "artifacts",
                                         "notifications", "rebake", FALSE, "dryRun", FALSE, "strategy", FALSE, "resolvedExpectedArtifacts");
    return json_merge(json_root(defaults), json_root(given));
}

/* A supplied value counts when its key is there, even if it is empty or null: null suppresses the default and is then dropped. */
Json *submit_parameters(const JsonValue *trigger, const JsonValue *parameter_config) {
    const JsonValue *supplied = json_get(trigger, "parameters");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    JsonIter iter = json_iter(parameter_config);
    while (json_next(&iter)) {
        const char *name = json_get_string(iter.value, "name");
        const JsonValue *value = json_get(iter.value, "default");
        if (name && !json_get(supplied, name) && value && !json_is_null(value))
            json_add_value(builder, name, value);
    }
    json_end_object(builder);
    g_autoptr(Json) defaults = json_builder_end(builder);
    g_autoptr(Json) all = json_merge(json_root(defaults), supplied);
    g_autoptr(Json) kept = json_without_nulls(json_root(all));
    return json_with(trigger, "parameters", json_root(kept));
}

/* ---- stages ---- */
static char *type_of(const JsonValue *stage) {
    const char *type = json_get_string(stage, "type"), *provider = json_get_string(stage, "providerType");
    if (!type || !provider || strcmp(provider, "aws") == 0 || strcmp(provider, "titus") == 0)
        return g_strdup(type);
    return g_strconcat(type, "_", provider, NULL);
}

static Json *context_of(const JsonValue *stage) {
    static const char *const members[] = {"name", "type", "refId", "requisiteStageRefIds", "startTimeExpiry", NULL};
    g_autoptr(Json) context = json_without(stage, members);
    return json_without_nulls(json_root(context));
}

static gint64 time_of(const JsonValue *value) {
    const char *text = json_string(value);
    return text ? g_ascii_strtoll(text, NULL, 10) : json_int(value, 0);
}

static void read_requisites(Stage *stage, const JsonValue *list) {
    g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(g_free);
    JsonIter iter = json_iter(list);
    while (json_next(&iter)) {
        char *ref = json_as_text(iter.value);
        if (ref)
            g_ptr_array_add(refs, ref);
    }
    g_ptr_array_add(refs, NULL);
    stage_set_requisites(stage, (const char *const *)refs->pdata);
}

static Stage *build_stage(const JsonValue *config, gint64 now_ms) {
    g_autofree char *id = id_new_at(now_ms), *ref = json_as_text(json_get(config, "refId")), *type = type_of(config);
    const char *name = json_get_string(config, "name");
    Stage *stage = stage_new();
    stage->id = text_new(id);
    stage->ref_id = text_new(ref ? ref : "");
    stage->type = text_new(type);
    stage->name = text_new(name ? name : type);
    stage->start_expiry_ms = time_of(json_get(config, "startTimeExpiry"));
    read_requisites(stage, json_get(config, "requisiteStageRefIds"));
    stage_set_context(stage, context_of(config));
    return stage;
}

static gboolean build_stages(Execution *execution, const JsonValue *stages, gint64 now_ms, GError **error) {
    if (json_length(stages) > PIPELINE_STAGES_MAX) {
        error_set(error, ERR_LIMIT, "%" G_GSIZE_FORMAT " stages are more than the limit of %d (PIPELINE_STAGES_MAX)", json_length(stages),
                  PIPELINE_STAGES_MAX);
        return FALSE;
    }
    JsonIter iter = json_iter(stages);
    while (json_next(&iter)) {
        const char *type = json_get_string(iter.value, "type");
        if (!type || !*type) {
            error_set(error, ERR_INVALID, "Stage %" G_GSIZE_FORMAT " has no type", iter.index + 1);
            return FALSE;
        }
        execution_insert_stage(execution, execution->stages->len, build_stage(iter.value, now_ms));
    }
    execution_reindex(execution);
    return TRUE;
}

/* ---- the execution ---- */
char *submit_execution_id(const JsonValue *config, gint64 now_ms, GError **error) {
    const char *id = json_get_string(config, "executionId");
    if (!id)
        return id_new_at(now_ms);
    gsize length = strlen(id);
    gboolean fine = length > 0 && length <= EXECUTION_ID_MAX;
    for (gsize i = 0; fine && i < length; i++)
        fine = g_ascii_isalnum(id[i]) || id[i] == '-' || id[i] == '_';
    if (fine)
        return g_strdup(id);
    error_set(error, ERR_INVALID, "executionId \"%s\" has to be 1 to %d letters, digits, '-' or '_'", id, EXECUTION_ID_MAX);
    return NULL;
}

static Json *copy_if(const JsonValue *object, const char *key, JsonType type) {
    const JsonValue *value = json_get(object, key);
    return json_type(value) == type ? json_without_nulls(value) : NULL;
}

static void set_authentication(Execution *execution, const Principal *principal, const EngineSettings *settings) {
    g_autoptr(Json) accounts = json_empty_array();
    if (settings->include_allowed_accounts && principal->accounts)
        json_set(&accounts, json_from_strings(principal->accounts));
    json_set(&execution->authentication,
             json_pack("{s:s, s:j}", "user", principal->user ? principal->user : ANONYMOUS, "allowedAccounts", accounts));
}

static void set_pipeline_members(Execution *execution, const JsonValue *config) {
    execution->name = text_new(json_get_string(config, "name"));
    execution->config_id = text_new(json_get_string(config, "id"));
    execution->limit_concurrent = json_get_bool(config, "limitConcurrent", FALSE);
    execution->keep_waiting = json_get_bool(config, "keepWaitingPipelines", FALSE);
    execution->max_concurrent = json_get_int(config, "maxConcurrentExecutions", 0);
    execution->spel_evaluator = text_new(json_get_string(config, "spelEvaluator"));
    execution->initial_config = copy_if(config, "initialConfig", JSON_OBJECT);
    execution->source = copy_if(config, "source", JSON_OBJECT);
    execution->template_variables = copy_if(config, "templateVariables", JSON_OBJECT);
}

/* Where it comes from: the top-most ancestor, and who waits for it. */
static void set_parents(Execution *execution) {
    const JsonValue *trigger = json_root(execution->trigger), *parent = json_get(trigger, "parentExecution");
    const char *root = json_get_string(parent, "rootId");
    if (!root)
        root = json_get_string(parent, "id");
    execution->root_id = text_new(root ? root : execution->id);
    execution->parent_id = text_new(json_get_string(parent, "id"));
    execution->parent_stage_id = text_new(json_get_string(trigger, "parentPipelineStageId"));
}

Execution *submit_build(ExecutionType type, const JsonValue *config, const Principal *principal, const EngineSettings *settings,
                        gint64 now_ms, GError **error) {
    g_autofree char *id = submit_execution_id(config, now_ms, error);
    if (!id)
        return NULL;
    g_autoptr(Execution) execution = execution_new(type);
    const char *application = json_get_string(config, "application"), *origin = json_get_string(config, "origin");
    execution->id = text_new(id);
    execution->application = text_new(application ? application : settings->default_application);
    execution->origin = text_new(origin ? origin : "unknown");
    execution->build_ms = now_ms;
    execution->start_expiry_ms = time_of(json_get(config, "startTimeExpiry"));
    execution->notifications = copy_if(config, "notifications", JSON_ARRAY);
    json_set(&execution->trigger, json_without_nulls(json_get(config, "trigger")));
    execution->memory += json_memory_own(execution->trigger);
    if (type == EXECUTION_PIPELINE) {
        set_pipeline_members(execution, config);
        set_parents(execution);
    } else {
        const char *description = json_get_string(config, "description");
        execution->description = text_new(description ? description : json_get_string(config, "name"));
    }
    set_authentication(execution, principal, settings);
    if (!build_stages(execution, json_get(config, type == EXECUTION_PIPELINE ? "stages" : "job"), now_ms, error))
        return NULL;
    return g_steal_pointer(&execution);
}

/* ---- validation ---- */
/* Null counts as absent. That stages and jobs are lists is the graph's own check. */
static const struct {
    const char *within, *key; /* within: a member of the pipeline, or NULL */
    JsonType type, element;   /* element: of an array, or JSON_ABSENT for any */
} MEMBERS[] = {
    {NULL, "executionId", JSON_STRING, JSON_ABSENT},      {NULL, "spelEvaluator", JSON_STRING, JSON_ABSENT},
    {NULL, "trigger", JSON_OBJECT, JSON_ABSENT},          {NULL, "parameterConfig", JSON_ARRAY, JSON_OBJECT},
    {NULL, "expectedArtifacts", JSON_ARRAY, JSON_ABSENT}, {NULL, "notifications", JSON_ARRAY, JSON_ABSENT},
    {NULL, "triggers", JSON_ARRAY, JSON_ABSENT},          {"trigger", "parameters", JSON_OBJECT, JSON_ABSENT},
    {"trigger", "artifacts", JSON_ARRAY, JSON_ABSENT},    {"trigger", "notifications", JSON_ARRAY, JSON_ABSENT},
    {"trigger", "executionId", JSON_STRING, JSON_ABSENT}, {"trigger", "eventId", JSON_STRING, JSON_ABSENT},
};

static const char *type_name(JsonType type) {
    static const char *const NAMES[] = {[JSON_ABSENT] = "nothing",  [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean",
                                        [JSON_INT] = "a number",    [JSON_DOUBLE] = "a number", [JSON_BIG_NUMBER] = "a number",
                                        [JSON_STRING] = "a string", [JSON_ARRAY] = "a list",    [JSON_OBJECT] = "an object"};
    return NAMES[type];
}

static gboolean is_of_type(const JsonValue *value, JsonType type) {
    return value == NULL || json_is_null(value) || json_type(value) == type;
}

static void check_elements(const JsonValue *list, const char *name, JsonType type, GPtrArray *messages) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!is_of_type(i.value, type)) {
            g_ptr_array_add(messages, g_strdup_printf("%s has to be a list of objects; element %" G_GSIZE_FORMAT " is %s", name,
                                                      i.index + 1, type_name(json_type(i.value))));
            return;
        }
}

void submit_check_types(const JsonValue *config, GPtrArray *messages) {
    for (gsize i = 0; i < G_N_ELEMENTS(MEMBERS); i++) {
        const char *within = MEMBERS[i].within, *key = MEMBERS[i].key;
        const JsonValue *holder = within ? json_get(config, within) : config,
                        *value = json_is_object(holder) ? json_get(holder, key) : NULL;
        g_autofree char *name = within ? g_strdup_printf("%s.%s", within, key) : g_strdup(key);
        if (!is_of_type(value, MEMBERS[i].type))
            g_ptr_array_add(messages,
                            g_strdup_printf("%s has to be %s, not %s", name, type_name(MEMBERS[i].type), type_name(json_type(value))));
        else if (MEMBERS[i].element != JSON_ABSENT)
            check_elements(value, name, MEMBERS[i].element, messages);
    }
}

void submit_validate(const JsonValue *pipeline, const EngineSettings *settings, GPtrArray *messages) {
    if (!json_is_object(pipeline)) {
        g_ptr_array_add(messages, g_strdup("the pipeline is no JSON object"));
        return;
    }
    submit_check_types(pipeline, messages);
    const JsonValue *stages = json_get(pipeline, "stages");
    graph_validate(stages, messages);
    JsonIter iter = json_iter(stages);
    while (json_is_array(stages) && json_next(&iter)) {
        if (!json_is_object(iter.value))
            continue; /* the graph's check has said it */
        const char *alias = json_get_string(iter.value, "alias"), *name = json_get_string(iter.value, "name");
        g_autofree char *type = type_of(iter.value);
        if (!type || !*type)
            g_ptr_array_add(messages,
                            g_strdup_printf("stage %" G_GSIZE_FORMAT " (%s): type is missing", iter.index + 1, name ? name : "unnamed"));
        else if (!stage_types_find(settings->types, alias ? alias : type))
            g_ptr_array_add(messages, g_strdup_printf("stage %" G_GSIZE_FORMAT " (%s): no stage type \"%s\" exists", iter.index + 1,
                                                      name ? name : "unnamed", alias ? alias : type));
    }
}
