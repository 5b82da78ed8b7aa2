/* Starting executions. On the caller's thread until the commit, which it waits for: the execution is stored with its first stages
 * begun, in one commit. */
#include "engine/submit.h"
#include "base/log.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include "engine/runner.h"
#include "store/executions.h"
#include "store/replicas.h"
#include <string.h>

#define TEMPLATE_INVALID "Pipeline template is invalid"

/* ---- storing ---- */
typedef struct {
    Engine *engine;
    Execution *draft;
    gint64 owner;
    Effects *effects;
    gboolean taken;
} InsertCall;

static void insert_call(gpointer argument, Letter *letter) {
    InsertCall *call = argument;
    g_autofree char *id = g_strdup(call->draft->id);
    call->taken = engine_insert(call->engine, call->draft, call->owner, call->effects, letter);
    if (call->taken)
        return;
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_CONFLICT, "an execution %s exists already", id);
    letter->done(error, letter->data);
    letter_drop(letter);
}

/* Takes the draft. */
static gboolean store_new(Engine *engine, Execution *draft, gint64 owner, const Message *first, GError **error) {
    EngineSettings *settings = engine_settings(engine);
    Effects effects;
    effects_init(&effects);
    draft->key = store_execution_key_new(engine->store);
    engine_apply(draft, first, engine->runtime->now_ms(engine->runtime), settings, &effects);
    engine_settings_unref(settings);
    InsertCall call = {engine, draft, owner, &effects, FALSE};
    gboolean stored = engine_wait(engine, insert_call, &call, letter_new(message_new(MESSAGE_START_EXECUTION)), error);
    if (!call.taken) {
        engine_leave_gate(engine, draft);
        effects_clear(&effects);
        execution_unref(draft);
    }
    return stored;
}

/* What an execution begins with: its start, a place in the queue, or its end. */
Message *engine_first_message(Engine *engine, const Execution *draft, MessageKind kind) {
    Message *message = message_new(kind);
    GateAnswer answer = status_info(draft->status)->complete ? GATE_START : engine_ask_gate(engine, draft);
    message->park = answer == GATE_PARK;
    if (answer != GATE_REFUSE)
        return message;
    EngineSettings *settings = engine_settings(engine);
    g_autofree char *reason = g_strdup_printf("Too many executions (%" G_GINT64_FORMAT ") already waiting to start", settings->parked_max);
    engine_settings_unref(settings);
    message->kind = MESSAGE_CANCEL_EXECUTION;
    message->user = text_new("spinnaker");
    message->reason = text_new(reason);
    return message;
}

/* The unfinished execution with the correlation id of the trigger, or NULL; caller frees. */
static char *standing_execution(Engine *engine, const JsonValue *trigger) {
    const char *correlation = json_get_string(trigger, "correlationId");
    return correlation ? store_execution_correlated(engine->store, correlation, NULL) : NULL;
}

/* Another replica's waits until that one has asked its gate. */
static Message *first_of(Engine *engine, const Execution *draft, gboolean own) {
    if (own && draft->status != STATUS_BUFFERED)
        return engine_first_message(engine, draft, MESSAGE_START_EXECUTION);
    Message *message = message_new(MESSAGE_START_EXECUTION);
    message->park = !own;
    return message;
}

/* Takes the draft. Returns the id of the execution that now stands for it: its own, or that of the unfinished one with the
 * same correlation id. */
static char *submit(Engine *engine, Execution *draft, GError **error) {
    g_autoptr(GError) failure = NULL;
    g_autofree char *id = g_strdup(draft->id);
    g_autofree char *correlation = g_strdup(json_get_string(json_root(draft->trigger), "correlationId"));
    char *before = status_info(draft->status)->complete ? NULL : standing_execution(engine, json_root(draft->trigger));
    if (before) {
        execution_unref(draft);
        return before;
    }
    gint64 self = store_replica(engine->store);
    gint64 owner = status_info(draft->status)->complete ? self : engine_gate_owner(engine, draft, error);
    if (owner < 0) {
        execution_unref(draft);
        return NULL;
    }
    if (owner == self && engine_must_buffer(engine, draft))
        draft->status = STATUS_BUFFERED;
    g_autoptr(Message) first = first_of(engine, draft, owner == self);
    if (store_new(engine, draft, owner, first, &failure))
        return g_steal_pointer(&id);
    char *standing = correlation && error_code(failure) == ERR_CONFLICT ? store_execution_correlated(engine->store, correlation, NULL)
                                                                        : NULL;
    if (!standing)
        g_propagate_error(error, g_steal_pointer(&failure));
    return standing;
}

static gboolean has_room(Engine *engine, GError **error) {
    if (g_atomic_int_get(&engine->stopping))
        error_set(error, ERR_UNAVAILABLE, "Gennaker is stopping; try again when it is up again");
    else if (store_is_behind(engine->store))
        error_set(error, ERR_UNAVAILABLE, "The store is more than a second behind with its work; nothing was started, try again");
    else if (!store_has_room(engine->store))
        error_set(error, ERR_UNAVAILABLE, "The disk of the store is almost full; nothing was started until there is room again");
    else
        return TRUE;
    return FALSE;
}

/* Takes the draft of what the configuration describes. A start of the same id that was quicker stands for this one. */
static char *submit_or_first(Engine *engine, Execution *draft, const JsonValue *config, GError **error) {
    g_autoptr(GError) failure = NULL;
    ExecutionType type = draft->type;
    char *id = submit(engine, draft, &failure);
    if (id)
        return id;
    if (error_code(failure) != ERR_CONFLICT || !submit_is_repeated_now(engine, type, config, &id, error))
        g_propagate_error(error, g_steal_pointer(&failure));
    return id;
}

gboolean engine_check_types(const JsonValue *pipeline, GError **error) {
    g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free);
    submit_check_types(pipeline, wrong);
    if (wrong->len == 0)
        return TRUE;
    g_ptr_array_add(wrong, NULL);
    g_autofree char *all = g_strjoinv("; ", (char **)wrong->pdata);
    error_set(error, ERR_INVALID, "%s", all);
    return FALSE;
}

/* ---- executions that fail before they start ---- */
static char *record_failure(Engine *engine, const JsonValue *config, ExecutionType type, const Principal *principal, const char *why) {
    static const char *const left_out[] = {"stages", "job", NULL};
    g_autoptr(Json) rest = json_without(config, left_out);
    g_autoptr(GError) error = NULL;
    EngineSettings *settings = engine_settings(engine);
    Execution *draft = submit_build(type, json_root(rest), principal, settings, engine->runtime->now_ms(engine->runtime), &error);
    engine_settings_unref(settings);
    if (!draft)
        return NULL;
    g_autofree char *reason = g_strconcat("Failed on startup: ", why, NULL);
    draft->status = STATUS_TERMINAL;
    draft->canceled = TRUE;
    draft->canceled_by = text_new("system");
    draft->cancellation_reason = text_new(reason);
    char *id = submit(engine, draft, &error);
    if (!id)
        log_warning("engine", "a failed start was not recorded: %s", error->message);
    return id;
}

char *engine_record_failure(Engine *engine, const JsonValue *pipeline, const Principal *principal, const char *message) {
    g_autoptr(Json) trigger = submit_trigger(json_get(pipeline, "trigger"), principal);
    g_autoptr(Json) config = json_with(pipeline, "trigger", json_root(trigger));
    return record_failure(engine, json_root(config), EXECUTION_PIPELINE, principal, message);
}

/* ---- pipelines ---- */
/* A trigger that names a parent execution gets it whole. */
static Json *load_parent(Engine *engine, const JsonValue *trigger, GError **error) {
    const char *parent_id = json_get_string(trigger, "parentPipelineId");
    if (!parent_id || json_get(trigger, "parentExecution"))
        return json_copy(trigger);
    g_autoptr(Execution) parent = engine_load(engine, parent_id, error);
    if (!parent)
        return NULL;
    g_autoptr(Json) whole = execution_to_shared_json(parent);
    g_autoptr(Json) members = json_pack("{s:j, s:b, s:s, s:s}", "parentExecution", whole, "isPipeline", TRUE, "parentStatus",
                                        status_info(parent->status)->name, "parentPipelineName", parent->name);
    return json_merge(trigger, json_root(members));
}

/* Notifications of a manual trigger go to the pipeline's own. */
static Json *add_notifications(const JsonValue *pipeline, const JsonValue *trigger) {
    const JsonValue *more = json_get(trigger, "notifications");
    const char *type = json_get_string(trigger, "type");
    if (!type || strcmp(type, "manual") != 0 || json_length(more) == 0)
        return json_copy(pipeline);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    JsonIter iter = json_iter(json_get(pipeline, "notifications"));
    while (json_next(&iter))
        json_add_value(builder, NULL, iter.value);
    iter = json_iter(more);
    while (json_next(&iter))
        json_add_value(builder, NULL, iter.value);
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    return json_with(pipeline, "notifications", json_root(all));
}

/* How many executions the trigger's parent stands below, itself counted. */
static guint depth_of(const JsonValue *trigger) {
    guint depth = 0;
    for (const JsonValue *parent = json_get(trigger, "parentExecution"); json_is_object(parent);
         parent = json_dig(parent, "trigger", "parentExecution", NULL))
        depth++;
    return depth;
}

/* A pipeline that starts itself more than once: each level would be larger than the last. */
static gboolean check_family(Engine *engine, const JsonValue *pipeline, const JsonValue *trigger, GError **error) {
    const char *root_id = json_string(json_dig(trigger, "parentExecution", "rootId", NULL)), *name = json_get_string(pipeline, "name");
    if (engine_family_has_room(engine, root_id, error))
        return TRUE;
    g_prefix_error(error, "Pipeline %s is not started: ", name ? name : "without a name");
    return FALSE;
}

/* Pipelines that start themselves, or each other in a circle, end here. */
static gboolean check_depth(const JsonValue *pipeline, const JsonValue *trigger, GError **error) {
    guint depth = depth_of(trigger) + 1;
    if (depth <= NESTED_PIPELINES_MAX)
        return TRUE;
    const char *name = json_get_string(pipeline, "name");
    error_set(
        error, ERR_LIMIT,
        "Pipeline %s is not started: executions started by each other are nested at most %d deep (NESTED_PIPELINES_MAX), and this would "
        "be level %u below %s",
        name ? name : "without a name", NESTED_PIPELINES_MAX, depth, json_string(json_dig(trigger, "parentExecution", "rootId", NULL)));
    return FALSE;
}

/* A dry run that is switched off is refused: the pipeline would run in earnest. */
static gboolean check_dry_run(Engine *engine, const JsonValue *trigger, GError **error) {
    EngineSettings *settings = engine_settings(engine);
    gboolean fine = settings->dry_runs || !json_is_true(json_get(trigger, "dryRun"));
    engine_settings_unref(settings);
    if (!fine)
        error_set(error, ERR_INVALID, "The pipeline is not started: dry runs are switched off (dryrun.enabled: false)");
    return fine;
}

static Json *with_trigger(Engine *engine, const JsonValue *pipeline, const Principal *principal, GError **error) {
    g_autoptr(Json) given = submit_trigger(json_get(pipeline, "trigger"), principal);
    g_autoptr(Json) trigger = load_parent(engine, json_root(given), error);
    if (!trigger || !check_depth(pipeline, json_root(trigger), error) || !check_family(engine, pipeline, json_root(trigger), error) ||
        !check_dry_run(engine, json_root(trigger), error))
        return NULL;
    g_autoptr(Json) complete = submit_parameters(json_root(trigger), json_get(pipeline, "parameterConfig"));
    g_autoptr(Json) told = add_notifications(pipeline, json_root(complete));
    return json_with(json_root(told), "trigger", json_root(complete));
}

/* "v4" and so on; the override of the configuration goes before what the pipeline says. */
static int version_of(const JsonValue *pipeline, const EngineSettings *settings) {
    const char *name = settings->spel_override ? settings->spel_override : json_get_string(pipeline, "spelEvaluator");
    return name && g_ascii_strcasecmp(name, "v4") == 0 ? 4 : 3;
}

static Json *process(Engine *engine, const JsonValue *pipeline) {
    g_autoptr(Json) empty = json_empty_array();
    const JsonValue *stages = json_get(pipeline, "stages");
    g_autoptr(Json) numbered = graph_assign_ref_ids(stages ? stages : json_root(empty));
    g_autoptr(Json) whole = json_with(pipeline, "stages", json_root(numbered));
    EngineSettings *settings = engine_settings(engine);
    int version = version_of(pipeline, settings);
    engine_settings_unref(settings);
    return expressions_process_submitted(json_root(whole), version, engine->runtime->now_ms(engine->runtime));
}

/* Whether the pipeline itself asks not to be run. */
static char *why_not_start(const JsonValue *pipeline) {
    if (json_is_true(json_get(pipeline, "disabled")))
        return g_strdup("Pipeline is disabled and cannot be started.");
    if (json_length(json_get(pipeline, "errors")) > 0)
        return g_strdup(TEMPLATE_INVALID);
    return NULL;
}

/* What each error of a template says, a line per member, for the record of a start that failed (engine.md 6). */
static char *with_error_lines(const char *why, const JsonValue *errors) {
    g_autoptr(GString) text = g_string_new(why);
    for (JsonIter i = json_iter(json_is_array(errors) ? errors : NULL); json_next(&i);)
        for (JsonIter member = json_iter(json_is_object(i.value) ? i.value : NULL); json_next(&member);) {
            g_autofree char *value = json_as_text(member.value);
            if (value != NULL && strcmp(member.key, "severity") != 0)
                g_string_append_printf(text, "\n%c%s: %s", g_ascii_toupper(*member.key), member.key + 1, value);
        }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The same in one line for whoever starts. */
static void set_refused(GError **error, const char *why, const JsonValue *errors) {
    g_autoptr(GString) text = g_string_new(why);
    for (JsonIter i = json_iter(json_is_array(errors) ? errors : NULL); json_next(&i);) {
        const char *message = json_get_string(i.value, "message"), *cause = json_get_string(i.value, "cause");
        if (message != NULL)
            g_string_append_printf(text, "%s%s%s%s", i.index == 0 ? ": " : "; ", message, cause != NULL ? ": " : "",
                                   cause != NULL ? cause : "");
    }
    error_set(error, ERR_INVALID, "%s", text->str);
}

static gboolean is_allowed(const JsonValue *pipeline, const JsonValue *stored, GError **error) {
    if (!json_is_true(json_get(stored, "disabled")) || json_is_true(json_dig(pipeline, "initialConfig", "enabled", NULL)))
        return TRUE;
    const char *name = json_get_string(stored, "name"), *id = json_get_string(stored, "id"),
               *application = json_get_string(stored, "application");
    error_set(error, ERR_INVALID, "The pipeline config %s (%s) belonging to %s is disabled", name ? name : "", id ? id : "",
              application ? application : "");
    return FALSE;
}

char **engine_validate_pipeline(Engine *engine, const JsonValue *pipeline) {
    GPtrArray *messages = g_ptr_array_new();
    EngineSettings *settings = engine_settings(engine);
    submit_validate(pipeline, settings, messages);
    engine_settings_unref(settings);
    g_ptr_array_add(messages, NULL);
    return (char **)g_ptr_array_free(messages, FALSE);
}

static gboolean is_valid(Engine *engine, const JsonValue *pipeline, GError **error) {
    g_auto(GStrv) messages = engine_validate_pipeline(engine, pipeline);
    if (!*messages)
        return TRUE;
    g_autofree char *all = g_strjoinv("; ", messages);
    error_set(error, ERR_INVALID, "The pipeline cannot be run: %s", all);
    return FALSE;
}

/* All submission steps in their order. With *error what is returned, if anything, is the pipeline as far as it came. */
static Json *run_steps(Engine *engine, const JsonValue *pipeline, const Submission *submission, GError **error) {
    Json *current = NULL;
    GError *failure = NULL;
    for (const SubmissionStep *step = engine->submission_steps; step && step->name && !failure; step++) {
        Json *next = step->prepare(engine->services, current ? json_root(current) : pipeline, submission, &failure);
        if (next)
            json_set(&current, next);
    }
    if (failure)
        g_propagate_error(error, failure);
    return current ? current : json_copy(pipeline);
}

Json *engine_plan_pipeline(Engine *engine, const JsonValue *pipeline, const JsonValue *stored_config, const Principal *principal,
                           gboolean resolve_artifacts, GError **error) {
    g_autoptr(Json) triggered = with_trigger(engine, pipeline, principal, error);
    Submission submission = {stored_config, principal, engine->runtime->now_ms(engine->runtime), TRUE, resolve_artifacts};
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) planned = triggered ? run_steps(engine, json_root(triggered), &submission, &failure) : NULL;
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    else if (planned && (json_length(json_get(json_root(planned), "errors")) > 0 || is_valid(engine, json_root(planned), error)))
        return g_steal_pointer(&planned);
    return NULL;
}

/* A start that failed for the pipeline's own reasons is kept as an execution that failed. */
static void record_refusal(Engine *engine, const JsonValue *pipeline, const Principal *principal, const char *why, char **failed_id) {
    char *id = record_failure(engine, pipeline, EXECUTION_PIPELINE, principal, why);
    if (failed_id)
        *failed_id = id;
    else
        g_free(id);
}

/* The submission steps and whether the pipeline may be started at all; NULL with *error, recorded. */
static Json *prepare(Engine *engine, const JsonValue *pipeline, const JsonValue *stored, const Principal *principal, char **failed_id,
                     GError **error) {
    Submission submission = {stored, principal, engine->runtime->now_ms(engine->runtime), FALSE, TRUE};
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) prepared = run_steps(engine, pipeline, &submission, &failure);
    g_autofree char *refused = failure ? NULL : why_not_start(json_root(prepared));
    const JsonValue *errors = json_get(json_root(prepared), "errors");
    if (refused)
        set_refused(&failure, refused, errors);
    else if (!failure)
        is_valid(engine, json_root(prepared), &failure);
    if (!failure)
        return g_steal_pointer(&prepared);
    g_autofree char *record = with_error_lines(refused ? refused : failure->message, errors);
    record_refusal(engine, json_root(prepared), principal, record, failed_id);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* Takes the whole way; NULL with *error. A start that failed for the pipeline's own reasons is recorded: *failed_id. */
static char *start_prepared(Engine *engine, const JsonValue *given, const JsonValue *stored, const Principal *principal, char **failed_id,
                            GError **error) {
    g_autoptr(Json) prepared = prepare(engine, given, stored, principal, failed_id, error);
    if (!prepared)
        return NULL;
    g_autoptr(Json) processed = process(engine, json_root(prepared));
    char *standing = standing_execution(engine, json_get(json_root(processed), "trigger"));
    if (standing || !is_allowed(json_root(processed), stored, error))
        return standing;
    EngineSettings *settings = engine_settings(engine);
    Execution *draft = submit_build(EXECUTION_PIPELINE, json_root(processed), principal, settings, engine->runtime->now_ms(engine->runtime),
                                    error);
    engine_settings_unref(settings);
    return draft ? submit_or_first(engine, draft, json_root(processed), error) : NULL;
}

static gboolean is_runnable(const JsonValue *pipeline, GError **error) {
    if (!json_is_object(pipeline))
        error_set(error, ERR_INVALID, "The pipeline cannot be run: it is no JSON object");
    else if (engine_check_types(pipeline, error))
        return TRUE;
    else
        g_prefix_error(error, "The pipeline cannot be run: ");
    return FALSE;
}

char *engine_start_pipeline(Engine *engine, const JsonValue *pipeline, const JsonValue *stored_config, const Principal *principal,
                            char **failed_id, GError **error) {
    if (failed_id)
        *failed_id = NULL;
    if (!has_room(engine, error) || !is_runnable(pipeline, error))
        return NULL;
    char *first;
    if (submit_is_repeated(engine, EXECUTION_PIPELINE, pipeline, &first, error))
        return first;
    g_autoptr(Json) prepared = with_trigger(engine, pipeline, principal, error);
    return prepared ? start_prepared(engine, json_root(prepared), stored_config, principal, failed_id, error) : NULL;
}

/* ---- orchestrations ---- */
static gboolean may_use(const JsonValue *rule, const char *user) {
    gboolean named = FALSE;
    const JsonValue *users = json_get(rule, "permittedUsers");
    for (JsonIter i = json_iter(users); json_next(&i);)
        named = named || g_strcmp0(json_string(i.value), user) == 0;
    return named || (json_length(users) == 0 && json_get_bool(rule, "allowAllUsers", TRUE));
}

/* Why a task's stage may not be run by the user; caller frees; NULL: it may. */
static char *why_blocked(const JsonValue *allowed, const JsonValue *jobs, const char *user) {
    for (JsonIter job = json_iter(jobs); json_next(&job);) {
        const char *type = json_get_string(job.value, "type");
        const JsonValue *rule = NULL;
        for (JsonIter i = json_iter(allowed); !rule && json_next(&i);)
            if (type && g_strcmp0(json_get_string(i.value, "name"), type) == 0)
                rule = i.value;
        if (!rule)
            return g_strdup_printf("Ad-hoc execution of %s has been disabled (executions.blockOrchestrationExecutions)", type ? type : "");
        if (!may_use(rule, user))
            return g_strdup_printf("Ad-hoc execution of %s is not permitted to user %s (executions.allowedOrchestrationExecutions)", type,
                                   user);
    }
    return NULL;
}

/* TRUE: nothing is against it. What is blocked is recorded as a failed task. */
static gboolean check_blocked(Engine *engine, const JsonValue *task, const Principal *principal, GError **error) {
    EngineSettings *settings = engine_settings(engine);
    g_autofree char *why = settings->block_tasks ? why_blocked(json_root(settings->allowed_tasks), json_get(task, "job"), principal->user)
                                                 : NULL;
    engine_settings_unref(settings);
    if (!why)
        return TRUE;
    g_autofree char *id = record_failure(engine, task, EXECUTION_ORCHESTRATION, principal, why);
    error_set(error, ERR_FORBIDDEN, "%s; execution %s was recorded as failed", why, id ? id : "?");
    return FALSE;
}

char *engine_start_orchestration(Engine *engine, const JsonValue *orchestration, const Principal *principal, GError **error) {
    if (!has_room(engine, error))
        return NULL;
    if (!json_is_object(orchestration)) {
        error_set(error, ERR_INVALID, "A task is a JSON object with application, description and job");
        return NULL;
    }
    char *first;
    if (submit_is_repeated(engine, EXECUTION_ORCHESTRATION, orchestration, &first, error))
        return first;
    const JsonValue *jobs = json_get(orchestration, "job");
    g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free);
    submit_check_types(orchestration, wrong);
    graph_validate(jobs, wrong);
    if (wrong->len > 0) {
        error_set(error, ERR_INVALID, "The task cannot be run: %s", (char *)g_ptr_array_index(wrong, 0));
        return NULL;
    }
    g_autoptr(Json) empty = json_empty_array();
    g_autoptr(Json) numbered = graph_assign_ref_ids(jobs ? jobs : json_root(empty));
    g_autoptr(Json) trigger = submit_trigger(json_get(orchestration, "trigger"), principal);
    g_autoptr(Json) changes = json_pack("{s:j, s:j}", "job", numbered, "trigger", trigger);
    g_autoptr(Json) whole = json_merge(orchestration, json_root(changes));
    if (!check_blocked(engine, json_root(whole), principal, error))
        return NULL;
    EngineSettings *settings = engine_settings(engine);
    Execution *draft = submit_build(EXECUTION_ORCHESTRATION, json_root(whole), principal, settings,
                                    engine->runtime->now_ms(engine->runtime), error);
    engine_settings_unref(settings);
    return draft ? submit_or_first(engine, draft, json_root(whole), error) : NULL;
}
