/* Messages: reference counts and their stored form. Pure; any thread. */
#include "engine/message.h"
#include "engine/edit.h"
#include <string.h>

RunOutcome *run_outcome_new(RunKind kind) {
    RunOutcome *outcome = g_new0(RunOutcome, 1);
    outcome->ref_count = 1;
    outcome->kind = kind;
    return outcome;
}

RunOutcome *run_outcome_ref(RunOutcome *outcome) {
    g_atomic_int_inc(&outcome->ref_count);
    return outcome;
}

void run_outcome_unref(RunOutcome *outcome) {
    if (!outcome || !g_atomic_int_dec_and_test(&outcome->ref_count))
        return;
    json_unref(outcome->result.context);
    json_unref(outcome->result.outputs);
    g_clear_pointer(&outcome->result.removed, g_ptr_array_unref);
    g_clear_error(&outcome->error);
    json_unref(outcome->evaluated);
    json_unref(outcome->evaluated_from);
    g_free(outcome);
}

Message *message_new(MessageKind kind) {
    Message *message = g_new0(Message, 1);
    message->ref_count = 1;
    message->kind = kind;
    return message;
}

Message *message_new_stage(MessageKind kind, const char *shared_stage_id) {
    Message *message = message_new(kind);
    message->stage_id = text_ref(shared_stage_id);
    return message;
}

Message *message_ref(Message *message) {
    g_atomic_int_inc(&message->ref_count);
    return message;
}

void message_unref(Message *message) {
    if (!message || !g_atomic_int_dec_and_test(&message->ref_count))
        return;
    text_unref(message->stage_id);
    text_unref(message->task_id);
    text_unref(message->user);
    text_unref(message->reason);
    json_unref(message->body);
    json_unref(message->accounts);
    run_outcome_unref(message->outcome);
    g_free(message);
}

#define MESSAGE_NAME(kind, handler) [MESSAGE_##kind] = #kind,
static const char *const names[MESSAGE_KIND_COUNT] = {MESSAGE_KINDS(MESSAGE_NAME)};
#undef MESSAGE_NAME
static const char *const sides[] = {[OWNER_NONE] = NULL, [OWNER_BEFORE] = "STAGE_BEFORE", [OWNER_AFTER] = "STAGE_AFTER"};

const char *message_kind_name(MessageKind kind) {
    return names[kind];
}

void message_write(const Message *message, JsonBuilder *builder) {
    g_assert(!message->outcome);
    json_begin_object(builder, NULL);
    json_add_string(builder, "kind", names[message->kind]);
    json_add_string(builder, "stageId", message->stage_id);
    json_add_string(builder, "taskId", message->task_id);
    if (message->kind == MESSAGE_COMPLETE_TASK)
        json_add_string(builder, "status", status_info(message->status)->name);
    json_add_string(builder, "side", sides[message->side]);
    json_add_string(builder, "user", message->user);
    json_add_string(builder, "reason", message->reason);
    if (message->body)
        json_add_json(builder, "body", message->body);
    if (message->accounts)
        json_add_json(builder, "accounts", message->accounts);
    json_end_object(builder);
}

Message *message_read(const JsonValue *value, GError **error) {
    const char *kind = json_get_string(value, "kind");
    guint i = 0;
    while (i < MESSAGE_KIND_COUNT && (!kind || strcmp(names[i], kind) != 0))
        i++;
    if (i == MESSAGE_KIND_COUNT) {
        error_set(error, ERR_INVALID, "stored message: kind \"%s\" is unknown to this version", kind ? kind : "");
        return NULL;
    }
    Message *message = message_new((MessageKind)i);
    message->stage_id = text_new(json_get_string(value, "stageId"));
    message->task_id = text_new(json_get_string(value, "taskId"));
    status_parse(json_get_string(value, "status"), &message->status);
    const char *side = json_get_string(value, "side");
    for (guint k = OWNER_BEFORE; side && k <= OWNER_AFTER; k++)
        if (strcmp(sides[k], side) == 0)
            message->side = (StageOwner)k;
    message->user = text_new(json_get_string(value, "user"));
    message->reason = text_new(json_get_string(value, "reason"));
    if (json_get(value, "body"))
        message->body = json_copy(json_get(value, "body"));
    if (json_get(value, "accounts"))
        message->accounts = json_copy(json_get(value, "accounts"));
    return message;
}
