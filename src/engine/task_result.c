/* How a task answers: the changes it gathers while it runs. On the worker's thread. */
#include "engine/stage.h"

static void set_member(Json **object, const char *key, const JsonValue *value) {
    Json *changed = json_with(json_root(*object), key, value);
    json_unref(*object);
    *object = changed;
}

static void merge_members(Json **object, const JsonValue *members) {
    Json *changed = json_merge(json_root(*object), members);
    json_unref(*object);
    *object = changed;
}

/* A key that is set again is not removed any more. */
static void keep_keys(TaskResult *result, const JsonValue *members, const char *key) {
    for (guint i = result->removed ? result->removed->len : 0; i-- > 0;) {
        const char *each = g_ptr_array_index(result->removed, i);
        if ((key && g_str_equal(each, key)) || json_get(members, each))
            g_ptr_array_remove_index(result->removed, i);
    }
}

void task_set_context(TaskContext *context, const char *key, const JsonValue *value) {
    keep_keys(context->result, NULL, key);
    set_member(&context->result->context, key, value);
}

void task_set_context_json(TaskContext *context, const char *key, const Json *value) {
    task_set_context(context, key, json_root(value));
}

void task_set_context_string(TaskContext *context, const char *key, const char *text) {
    g_autoptr(Json) value = json_from_string(text);
    task_set_context(context, key, json_root(value));
}

void task_merge_context(TaskContext *context, const JsonValue *object) {
    keep_keys(context->result, object, NULL);
    merge_members(&context->result->context, object);
}

void task_remove_context(TaskContext *context, const char *key) {
    TaskResult *result = context->result;
    const char *keys[] = {key, NULL};
    if (json_get(json_root(result->context), key)) {
        Json *without = json_without(json_root(result->context), keys);
        json_unref(result->context);
        result->context = without;
    }
    if (!result->removed)
        result->removed = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(result->removed, g_strdup(key));
}

void task_set_output(TaskContext *context, const char *key, const JsonValue *value) {
    set_member(&context->result->outputs, key, value);
}

void task_set_output_json(TaskContext *context, const char *key, const Json *value) {
    task_set_output(context, key, json_root(value));
}

void task_merge_outputs(TaskContext *context, const JsonValue *object) {
    merge_members(&context->result->outputs, object);
}

Status task_again_at(TaskContext *context, gint64 when_ms) {
    context->result->wake = WAKE_AT;
    context->result->wake_ms = when_ms;
    return STATUS_RUNNING;
}

void task_progress(TaskContext *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    task_set_context_string(context, "_progress", text);
}

const JsonValue *task_get(const TaskContext *context, const char *key) {
    return stage_get(context->execution, context->stage, key);
}

const char *task_get_string(const TaskContext *context, const char *key) {
    return json_string(task_get(context, key));
}
