/* Executions as the store keeps them. Columns hold what is listed and claimed, `body` what never changes, `state` what
 * changes of the execution itself, each stage's row its JSON as the API serves it. What only the engine knows of a stage is in
 * `state` under "_engine", for the few stages where it differs from the usual. Pure; any thread. */
#include "engine/record.h"
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/message.h"
#include <string.h>

/* ---- writing ---- */
static const char *keep_text(ExecutionTexts *texts, char *text) {
    g_ptr_array_add(texts->texts, text);
    return text;
}

/* A parent execution is not written anew for each of its children. */
static void fill_body(ExecutionTexts *texts, const Execution *execution) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    execution_body_write(execution, builder);
    json_add_json(builder, "trigger", execution->trigger);
    json_end_object(builder);
    if (json_get(json_root(execution->trigger), "parentExecution"))
        texts->record.document = texts->document = json_builder_end(builder);
    else
        texts->record.body = keep_text(texts, json_builder_write(builder, NULL));
}

static void engine_state_write(const Execution *execution, JsonBuilder *builder) {
    json_begin_object(builder, STATE_ENGINE_KEY);
    if (execution->pending) {
        json_begin_array(builder, "pending");
        for (guint i = 0; i < execution->pending->len; i++)
            message_write(g_ptr_array_index(execution->pending, i), builder);
        json_end_array(builder);
    }
    if (execution->parked_restart)
        json_add_json(builder, "parkedRestart", execution->parked_restart);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->attempt == 1 && !stage->preparing && !stage->canceling)
            continue;
        json_begin_object(builder, stage->id);
        json_add_int(builder, "attempt", stage->attempt);
        if (stage->preparing)
            json_add_bool(builder, "preparing", TRUE);
        if (stage->canceling)
            json_add_bool(builder, "canceling", TRUE);
        json_end_object(builder);
    }
    json_end_object(builder);
}

static char *state_text(const Execution *execution) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_bool(builder, "canceled", execution->canceled);
    json_add_string(builder, "canceledBy", execution->canceled_by);
    json_add_string(builder, "cancellationReason", execution->cancellation_reason);
    if (execution->paused)
        json_add_json(builder, "paused", execution->paused);
    if (execution->system_notifications)
        json_add_json(builder, "systemNotifications", execution->system_notifications);
    engine_state_write(execution, builder);
    json_end_object(builder);
    return json_builder_write(builder, NULL);
}

static void add_stage(ExecutionTexts *texts, const Stage *stage, gboolean removed) {
    texts->stages[texts->n++] = (StageRecord){
        .position = stage->position,
        .id = stage->id,
        .status = status_info(stage->status)->name,
        .body = removed ? NULL : keep_text(texts, stage_to_text(stage)),
    };
}

ExecutionRecord execution_record(const Execution *execution) {
    return (ExecutionRecord){
        .key = execution->key,
        .id = execution->id,
        .type = execution_type_name(execution->type),
        .application = execution->application,
        .config_id = execution->config_id,
        .name = execution->name,
        .status = status_info(execution->status)->name,
        .parent_id = execution->parent_id,
        .build_ms = execution->build_ms,
        .start_ms = execution->start_ms,
        .end_ms = execution->end_ms,
    };
}

void execution_texts_fill(ExecutionTexts *texts, const Execution *draft, gboolean insert) {
    const GPtrArray *changed = insert ? draft->stages : draft->drafts;
    guint removed = draft->removed && !insert ? draft->removed->len : 0;
    *texts = (ExecutionTexts){.texts = g_ptr_array_new_with_free_func(g_free), .stages = g_new(StageRecord, changed->len + removed + 1)};
    texts->record = execution_record(draft);
    if (!status_info(draft->status)->complete)
        texts->record.correlation_id = json_get_string(json_root(draft->trigger), "correlationId");
    texts->record.finished = execution_is_settled(draft);
    texts->record.version = draft->version + 1;
    texts->record.state = keep_text(texts, state_text(draft));
    if (insert)
        fill_body(texts, draft);
    for (guint i = 0; i < removed; i++)
        add_stage(texts, g_ptr_array_index(draft->removed, i), TRUE);
    for (guint i = 0; i < changed->len; i++)
        add_stage(texts, g_ptr_array_index(changed, i), FALSE);
}

void execution_texts_clear(ExecutionTexts *texts) {
    g_clear_pointer(&texts->texts, g_ptr_array_unref);
    g_clear_pointer(&texts->stages, g_free);
    g_clear_pointer(&texts->document, json_unref);
    texts->n = 0;
}

/* ---- reading ---- */
static Json *copy_member(const JsonValue *object, const char *key) {
    const JsonValue *value = json_get(object, key);
    return value && !json_is_null(value) ? json_copy(value) : NULL;
}

static Json *copy_object(const JsonValue *object, const char *key) {
    const JsonValue *value = json_get(object, key);
    return json_is_object(value) ? json_copy(value) : json_empty_object();
}

static void read_tasks(Stage *stage, const JsonValue *tasks) {
    JsonIter iter = json_iter(tasks);
    while (json_next(&iter)) {
        const JsonValue *value = iter.value;
        TaskState *task = task_state_new(json_get_string(value, "id"), json_get_string(value, "name"),
                                         json_get_string(value, "implementingClass"));
        status_parse(json_get_string(value, "status"), &task->status);
        task->start_ms = json_get_int(value, "startTime", 0);
        task->end_ms = json_get_int(value, "endTime", 0);
        task->stage_start = json_get_bool(value, "stageStart", FALSE);
        task->stage_end = json_get_bool(value, "stageEnd", FALSE);
        task->loop_start = json_get_bool(value, "loopStart", FALSE);
        task->loop_end = json_get_bool(value, "loopEnd", FALSE);
        const JsonValue *details = json_get(value, "taskExceptionDetails");
        if (json_length(details) > 0)
            task->exception_details = json_copy(details);
        g_ptr_array_add(stage->tasks, task);
    }
}

static StageOwner read_owner(const char *text) {
    if (!text)
        return OWNER_NONE;
    return strcmp(text, "STAGE_BEFORE") == 0 ? OWNER_BEFORE : OWNER_AFTER;
}

static void read_requisites(Stage *stage, const JsonValue *list) {
    g_autoptr(GPtrArray) refs = g_ptr_array_new();
    JsonIter iter = json_iter(list);
    while (json_next(&iter))
        if (json_string(iter.value))
            g_ptr_array_add(refs, (gpointer)json_string(iter.value));
    g_ptr_array_add(refs, NULL);
    stage_set_requisites(stage, (const char *const *)refs->pdata);
}

static Stage *stage_from_json(const JsonValue *value, guint position) {
    Stage *stage = stage_new();
    stage->position = position;
    stage->id = text_new(json_get_string(value, "id"));
    stage->ref_id = text_new(json_get_string(value, "refId"));
    stage->type = text_new(json_get_string(value, "type"));
    stage->name = text_new(json_get_string(value, "name"));
    status_parse(json_get_string(value, "status"), &stage->status);
    stage->start_ms = json_get_int(value, "startTime", 0);
    stage->end_ms = json_get_int(value, "endTime", 0);
    stage->start_expiry_ms = json_get_int(value, "startTimeExpiry", 0);
    stage->scheduled_ms = json_get_int(value, "scheduledTime", 0);
    stage_set_context(stage, copy_object(value, "context"));
    json_set(&stage->outputs, copy_object(value, "outputs"));
    stage->owner = read_owner(json_get_string(value, "syntheticStageOwner"));
    stage->parent_id = text_new(json_get_string(value, "parentStageId"));
    stage->last_modified = copy_member(value, "lastModified");
    read_requisites(stage, json_get(value, "requisiteStageRefIds"));
    read_tasks(stage, json_get(value, "tasks"));
    return stage;
}

/* The list order is the order of the rows with children put around their parents. */
static void append_family(GPtrArray *list, GPtrArray *rows, GHashTable *children, guint at) {
    Stage *stage = g_ptr_array_index(rows, at);
    const GArray *mine = g_hash_table_lookup(children, stage->id);
    for (guint i = 0; mine && i < mine->len; i++)
        if (((Stage *)g_ptr_array_index(rows, g_array_index(mine, guint, i)))->owner == OWNER_BEFORE)
            append_family(list, rows, children, g_array_index(mine, guint, i));
    g_ptr_array_add(list, stage_ref(stage));
    for (guint i = 0; mine && i < mine->len; i++)
        if (((Stage *)g_ptr_array_index(rows, g_array_index(mine, guint, i)))->owner == OWNER_AFTER)
            append_family(list, rows, children, g_array_index(mine, guint, i));
}

static void order_stages(Execution *execution, GPtrArray *rows) {
    g_autoptr(GHashTable) children = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
    for (guint i = 0; i < rows->len; i++) {
        const Stage *stage = g_ptr_array_index(rows, i);
        if (!stage->parent_id)
            continue;
        GArray *mine = g_hash_table_lookup(children, stage->parent_id);
        if (!mine) {
            mine = g_array_new(FALSE, FALSE, sizeof(guint));
            g_hash_table_insert(children, stage->parent_id, mine);
        }
        g_array_append_val(mine, i);
    }
    for (guint i = 0; i < rows->len; i++)
        if (!((const Stage *)g_ptr_array_index(rows, i))->parent_id)
            append_family(execution->stages, rows, children, i);
    execution_reindex(execution);
}

static gboolean read_stages(Execution *execution, const LoadedExecution *loaded, const JsonValue *engine, GError **error) {
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)stage_unref);
    for (guint i = 0; i < loaded->stages->len; i++) {
        const StageRecord *row = &g_array_index(loaded->stages, StageRecord, i);
        g_autoptr(Json) json = json_parse_stored(row->body, error);
        if (!json) {
            g_prefix_error(error, "stage %s: ", row->id);
            return FALSE;
        }
        Stage *stage = stage_from_json(json_root(json), row->position);
        const JsonValue *mine = json_get(engine, stage->id);
        stage->attempt = (guint)json_get_int(mine, "attempt", 1);
        stage->preparing = json_get_bool(mine, "preparing", FALSE);
        stage->canceling = json_get_bool(mine, "canceling", FALSE);
        stage->version = execution->version;
        stage->memory = sizeof *stage + json_memory(stage->context) + json_memory(stage->outputs);
        execution->memory += stage->memory;
        execution->next_position = MAX(execution->next_position, stage->position + 1);
        g_ptr_array_add(rows, stage);
    }
    order_stages(execution, rows);
    return TRUE;
}

static gboolean read_pending(Execution *execution, const JsonValue *list, GError **error) {
    if (json_length(list) == 0)
        return TRUE;
    execution->pending = g_ptr_array_new_with_free_func((GDestroyNotify)message_unref);
    JsonIter iter = json_iter(list);
    while (json_next(&iter)) {
        Message *message = message_read(iter.value, error);
        if (!message)
            return FALSE;
        g_ptr_array_add(execution->pending, message);
    }
    return TRUE;
}

static void read_members(Execution *execution, const ExecutionRecord *record, const JsonValue *body, const JsonValue *state) {
    execution->key = record->key;
    execution->id = text_new(record->id);
    execution->application = text_new(record->application);
    execution->config_id = text_new(record->config_id);
    execution->name = text_new(record->name);
    execution->parent_id = text_new(record->parent_id);
    execution->build_ms = record->build_ms;
    execution->start_ms = record->start_ms;
    execution->end_ms = record->end_ms;
    execution->version = record->version;
    status_parse(record->status, &execution->status);
    execution->root_id = text_new(json_get_string(body, "rootId"));
    execution->description = text_new(json_get_string(body, "description"));
    execution->origin = text_new(json_get_string(body, "origin"));
    execution->spel_evaluator = text_new(json_get_string(body, "spelEvaluator"));
    execution->limit_concurrent = json_get_bool(body, "limitConcurrent", FALSE);
    execution->keep_waiting = json_get_bool(body, "keepWaitingPipelines", FALSE);
    execution->max_concurrent = json_get_int(body, "maxConcurrentExecutions", 0);
    execution->start_expiry_ms = json_get_int(body, "startTimeExpiry", 0);
    execution->authentication = copy_member(body, "authentication");
    execution->notifications = copy_member(body, "notifications");
    execution->initial_config = copy_member(body, "initialConfig");
    execution->source = copy_member(body, "source");
    execution->template_variables = copy_member(body, "templateVariables");
    json_set(&execution->trigger, copy_object(body, "trigger"));
    if (execution->type == EXECUTION_PIPELINE)
        execution->parent_stage_id = text_new(json_get_string(json_root(execution->trigger), "parentPipelineStageId"));
    execution->memory += json_memory_own(execution->trigger);
    execution->canceled = json_get_bool(state, "canceled", FALSE);
    execution->canceled_by = text_new(json_get_string(state, "canceledBy"));
    execution->cancellation_reason = text_new(json_get_string(state, "cancellationReason"));
    execution->paused = copy_member(state, "paused");
    execution->system_notifications = copy_member(state, "systemNotifications");
    execution->parked_restart = copy_member(json_get(state, STATE_ENGINE_KEY), "parkedRestart");
}

Execution *execution_from_loaded(const LoadedExecution *loaded, GError **error) {
    const ExecutionRecord *record = &loaded->record;
    gboolean pipeline = strcmp(record->type, execution_type_name(EXECUTION_PIPELINE)) == 0;
    g_autoptr(Execution) execution = execution_new(pipeline ? EXECUTION_PIPELINE : EXECUTION_ORCHESTRATION);
    g_autoptr(GError) damage = NULL;
    g_autoptr(Json) body = record->document ? json_ref(record->document) : json_parse_stored(record->body ? record->body : "{}", &damage);
    g_autoptr(Json) state = damage ? NULL : json_parse_stored(record->state ? record->state : "{}", &damage);
    if (!damage) {
        const JsonValue *engine = json_get(json_root(state), STATE_ENGINE_KEY);
        read_members(execution, record, json_root(body), json_root(state));
        if (read_stages(execution, loaded, engine, &damage) && read_pending(execution, json_get(engine, "pending"), &damage))
            return g_steal_pointer(&execution);
    }
    error_set(error, ERR_INTERNAL, "execution %s in the store is damaged: %s", record->id, damage->message);
    return NULL;
}
