/* The JSON of executions as the API serves it: keys and shapes are Orca's. Pure; any thread. */
#include "engine/graph.h"
#include "engine/record.h"
#include <string.h>

static const char *const owners[] = {[OWNER_NONE] = NULL, [OWNER_BEFORE] = "STAGE_BEFORE", [OWNER_AFTER] = "STAGE_AFTER"};

static void add_time(JsonBuilder *builder, const char *key, gint64 ms) {
    if (ms)
        json_add_int(builder, key, ms);
}

static void add_document(JsonBuilder *builder, const char *key, const Json *document) {
    if (document)
        json_add_json(builder, key, document);
}

static void task_write(const TaskState *task, JsonBuilder *builder) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", task->id);
    json_add_string(builder, "implementingClass", task->implementing_class);
    json_add_string(builder, "name", task->name);
    add_time(builder, "startTime", task->start_ms);
    add_time(builder, "endTime", task->end_ms);
    json_add_string(builder, "status", status_info(task->status)->name);
    json_add_bool(builder, "stageStart", task->stage_start);
    json_add_bool(builder, "stageEnd", task->stage_end);
    json_add_bool(builder, "loopStart", task->loop_start);
    json_add_bool(builder, "loopEnd", task->loop_end);
    json_begin_object(builder, "taskExceptionDetails");
    if (task->exception_details)
        json_add_members(builder, json_root(task->exception_details));
    json_end_object(builder);
    json_end_object(builder);
}

static void context_write(const Stage *stage, gboolean expand, JsonBuilder *builder) {
    if (expand) {
        json_add_json(builder, "context", stage->context);
        json_add_json(builder, "outputs", stage->outputs);
        return;
    }
    json_begin_object(builder, "context");
    json_add_value(builder, "group", json_get(json_root(stage->context), "group"));
    json_end_object(builder);
    json_begin_object(builder, "outputs");
    json_end_object(builder);
}

void stage_write(const Stage *stage, gboolean expand, JsonBuilder *builder, const char *key) {
    json_begin_object(builder, key);
    json_add_string(builder, "id", stage->id);
    json_add_string(builder, "refId", stage->ref_id);
    json_add_string(builder, "type", stage->type);
    json_add_string(builder, "name", stage->name);
    add_time(builder, "startTime", stage->start_ms);
    add_time(builder, "endTime", stage->end_ms);
    add_time(builder, "startTimeExpiry", stage->start_expiry_ms);
    add_time(builder, "scheduledTime", stage->scheduled_ms);
    json_add_string(builder, "status", status_info(stage->status)->name);
    context_write(stage, expand, builder);
    json_begin_array(builder, "tasks");
    for (guint i = 0; expand && i < stage->tasks->len; i++)
        task_write(g_ptr_array_index(stage->tasks, i), builder);
    json_end_array(builder);
    json_add_string(builder, "syntheticStageOwner", owners[stage->owner]);
    json_add_string(builder, "parentStageId", stage->parent_id);
    json_add_strings(builder, "requisiteStageRefIds", (const char *const *)stage->requisites);
    add_document(builder, "lastModified", stage->last_modified);
    json_end_object(builder);
}

Json *stage_to_json(const Stage *stage) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    stage_write(stage, TRUE, builder, NULL);
    return json_builder_end(builder);
}

char *stage_to_text(const Stage *stage) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    stage_write(stage, TRUE, builder, NULL);
    return json_builder_write(builder, NULL);
}

static void paused_write(const Execution *execution, JsonBuilder *builder) {
    const JsonValue *paused = json_root(execution->paused);
    if (!paused)
        return;
    gint64 from = json_get_int(paused, "pauseTime", 0), to = json_get_int(paused, "resumeTime", 0);
    json_begin_object(builder, "paused");
    json_add_members(builder, paused);
    json_add_bool(builder, "paused", from && !to);
    json_add_int(builder, "pausedMs", from && to > from ? to - from : 0);
    json_end_object(builder);
}

/* Lists leave out the stages of parents, however deep they are nested. */
static void trigger_write(const JsonValue *trigger, gboolean expand, JsonBuilder *builder, const char *key) {
    const JsonValue *parent = json_get(trigger, "parentExecution");
    if (expand || !json_is_object(parent)) {
        json_add_value(builder, key, trigger);
        return;
    }
    json_begin_object(builder, key);
    JsonIter iter = json_iter(trigger);
    while (json_next(&iter))
        if (strcmp(iter.key, "parentExecution") != 0)
            json_add_value(builder, iter.key, iter.value);
    json_begin_object(builder, "parentExecution");
    iter = json_iter(parent);
    while (json_next(&iter))
        if (strcmp(iter.key, "trigger") == 0)
            trigger_write(iter.value, FALSE, builder, "trigger");
        else if (strcmp(iter.key, "stages") == 0) {
            json_begin_array(builder, "stages");
            json_end_array(builder);
        } else
            json_add_value(builder, iter.key, iter.value);
    json_end_object(builder);
    json_end_object(builder);
}

void execution_head_write(const ExecutionRecord *record, JsonBuilder *builder) {
    json_add_string(builder, "type", record->type);
    json_add_string(builder, "id", record->id);
    json_add_string(builder, "application", record->application);
    json_add_string(builder, "name", record->name);
    json_add_string(builder, "pipelineConfigId", record->config_id);
    json_add_string(builder, "status", record->status);
    add_time(builder, "buildTime", record->build_ms);
    add_time(builder, "startTime", record->start_ms);
    add_time(builder, "endTime", record->end_ms);
}

void execution_body_write(const Execution *execution, JsonBuilder *builder) {
    json_add_string(builder, "description", execution->description);
    add_time(builder, "startTimeExpiry", execution->start_expiry_ms);
    json_add_bool(builder, "limitConcurrent", execution->limit_concurrent);
    json_add_int(builder, "maxConcurrentExecutions", execution->max_concurrent);
    json_add_bool(builder, "keepWaitingPipelines", execution->keep_waiting);
    json_add_string(builder, "origin", execution->origin);
    json_add_string(builder, "rootId", execution->root_id);
    json_add_string(builder, "spelEvaluator", execution->spel_evaluator);
    add_document(builder, "authentication", execution->authentication);
    add_document(builder, "notifications", execution->notifications);
    add_document(builder, "initialConfig", execution->initial_config);
    add_document(builder, "source", execution->source);
    add_document(builder, "templateVariables", execution->template_variables);
}

/* First what the columns hold, then what changes, then what is stored once: so a list can join the stored texts. */
static void members_write(const Execution *execution, JsonBuilder *builder) {
    const ExecutionRecord record = execution_record(execution);
    execution_head_write(&record, builder);
    json_add_bool(builder, "canceled", execution->canceled);
    json_add_string(builder, "canceledBy", execution->canceled_by);
    json_add_string(builder, "cancellationReason", execution->cancellation_reason);
    paused_write(execution, builder);
    add_document(builder, "systemNotifications", execution->system_notifications);
    execution_body_write(execution, builder);
}

Json *execution_members_to_json(const Execution *execution) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    members_write(execution, builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static void execution_write(const Execution *execution, gboolean expand, JsonBuilder *builder, const char *key) {
    json_begin_object(builder, key);
    members_write(execution, builder);
    trigger_write(json_root(execution->trigger), expand, builder, "trigger");
    json_begin_array(builder, "stages");
    for (guint i = 0; i < execution->stages->len; i++)
        stage_write(g_ptr_array_index(execution->stages, i), expand, builder, NULL);
    json_end_array(builder);
    json_end_object(builder);
}

Json *execution_to_json(const Execution *execution, gboolean expand) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    execution_write(execution, expand, builder, NULL);
    return json_builder_end(builder);
}

Json *execution_to_shared_json(const Execution *execution) {
    g_autoptr(Json) json = execution_to_json(execution, TRUE);
    return json_shared(json_root(json));
}

/* ---- the task view of an orchestration ---- */
static gboolean is_empty(const JsonValue *value) {
    JsonType type = json_type(value);
    if (type == JSON_STRING)
        return json_string_length(value) == 0;
    return type == JSON_NULL || type == JSON_ABSENT || ((type == JSON_OBJECT || type == JSON_ARRAY) && json_length(value) == 0);
}

static void variables_write(const Execution *execution, JsonBuilder *builder) {
    g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        JsonIter iter = json_iter(json_root(stage->context));
        while (json_next(&iter)) {
            gpointer before = g_hash_table_lookup(values, iter.key);
            if (!before)
                g_ptr_array_add(order, (gpointer)iter.key);
            if (!before || !is_empty(iter.value))
                g_hash_table_insert(values, (gpointer)iter.key, (gpointer)iter.value);
        }
    }
    json_begin_array(builder, "variables");
    for (guint i = 0; i < order->len; i++) {
        const char *key = g_ptr_array_index(order, i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "key", key);
        json_add_value(builder, "value", g_hash_table_lookup(values, key));
        json_end_object(builder);
    }
    json_end_array(builder);
}

Json *orchestration_to_task_json(const Execution *execution) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", execution->id);
    json_add_string(builder, "name", execution->description);
    json_add_string(builder, "application", execution->application);
    json_add_string(builder, "status", status_info(execution->status)->name);
    variables_write(execution, builder);
    json_begin_array(builder, "steps");
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        for (guint k = 0; k < stage->tasks->len; k++)
            task_write(g_ptr_array_index(stage->tasks, k), builder);
    }
    json_end_array(builder);
    add_time(builder, "buildTime", execution->build_ms);
    add_time(builder, "startTime", execution->start_ms);
    add_time(builder, "endTime", execution->end_ms);
    execution_write(execution, TRUE, builder, "execution");
    json_end_object(builder);
    return json_builder_end(builder);
}
