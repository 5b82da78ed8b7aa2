/* Executions and stages in memory: reference counts, copies, drafts. A snapshot may be read by any thread; a draft belongs
 * to the one step that made it. */
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/message.h"
#include "expr/expr.h"
#include <stddef.h>
#include <string.h>

#define EXECUTION_MEMORY_OVERHEAD 1024 /* structs and small texts, roughly */
#define STAGE_MEMORY_OVERHEAD 512

char *text_new(const char *text) {
    return text ? g_ref_string_new(text) : NULL;
}

char *text_ref(const char *text) {
    return text ? g_ref_string_acquire((char *)text) : NULL;
}

void text_unref(char *text) {
    if (text)
        g_ref_string_release(text);
}

void text_set(char **place, const char *text) {
    char *fresh = text_new(text);
    text_unref(*place);
    *place = fresh;
}

void json_set(Json **place, Json *json) {
    Json *old = *place;
    *place = json;
    json_unref(old);
}

/* ---- tasks and stages ---- */
static void task_state_free(gpointer data) {
    TaskState *task = data;
    text_unref(task->id);
    text_unref(task->name);
    text_unref(task->implementing_class);
    json_unref(task->exception_details);
    g_free(task);
}

TaskState *task_state_new(const char *id, const char *name, const char *implementing_class) {
    TaskState *task = g_new0(TaskState, 1);
    task->id = text_new(id);
    task->name = text_new(name);
    task->implementing_class = text_new(implementing_class);
    return task;
}

static gpointer task_state_copy(gconstpointer source, gpointer data) {
    (void)data;
    TaskState *task = g_memdup2(source, sizeof *task);
    text_ref(task->id);
    text_ref(task->name);
    text_ref(task->implementing_class);
    json_ref(task->exception_details);
    return task;
}

static void requisites_clear(gpointer data) {
    for (char **each = data; *each; each++)
        text_unref(*each);
}

void stage_set_requisites(Stage *draft, const char *const *ref_ids) {
    gsize n = ref_ids ? g_strv_length((char **)ref_ids) : 0;
    char **fresh = g_atomic_rc_box_alloc0((n + 1) * sizeof *fresh);
    for (gsize i = 0; i < n; i++)
        fresh[i] = text_new(ref_ids[i]);
    if (draft->requisites)
        g_atomic_rc_box_release_full(draft->requisites, requisites_clear);
    draft->requisites = fresh;
}

Stage *stage_new(void) {
    Stage *stage = g_new0(Stage, 1);
    stage->ref_count = 1;
    stage->attempt = 1;
    stage->plain = TRUE;
    stage->context = json_empty_object();
    stage->outputs = json_empty_object();
    stage->tasks = g_ptr_array_new_with_free_func(task_state_free);
    stage_set_requisites(stage, NULL);
    return stage;
}

Stage *stage_ref(Stage *stage) {
    g_atomic_int_inc(&stage->ref_count);
    return stage;
}

void stage_unref(Stage *stage) {
    if (!g_atomic_int_dec_and_test(&stage->ref_count))
        return;
    text_unref(stage->id);
    text_unref(stage->ref_id);
    text_unref(stage->type);
    text_unref(stage->name);
    text_unref(stage->parent_id);
    json_unref(stage->context);
    json_unref(stage->outputs);
    json_unref(stage->last_modified);
    g_ptr_array_unref(stage->tasks);
    g_atomic_rc_box_release_full(stage->requisites, requisites_clear);
    g_free(stage);
}

static gboolean holds_expression(const JsonValue *value) {
    const char *text = json_string(value);
    if (text)
        return expr_has_expression(text);
    JsonIter iter = json_iter(value);
    while (json_next(&iter))
        if ((iter.key && expr_has_expression(iter.key)) || holds_expression(iter.value))
            return TRUE;
    return FALSE;
}

void stage_set_context(Stage *draft, Json *context) {
    json_set(&draft->context, context);
    draft->plain = !holds_expression(json_root(context));
}

/* The count of references, which others may be changing, is not looked at. */
static gpointer copy_struct(gconstpointer source, gsize size) {
    char *copy = g_malloc0(size);
    memcpy(copy + sizeof(gint), (const char *)source + sizeof(gint), size - sizeof(gint));
    return copy;
}

static Stage *stage_copy(const Stage *source) {
    Stage *stage = copy_struct(source, sizeof *stage);
    stage->ref_count = 1;
    text_ref(stage->id);
    text_ref(stage->ref_id);
    text_ref(stage->type);
    text_ref(stage->name);
    text_ref(stage->parent_id);
    json_ref(stage->context);
    json_ref(stage->outputs);
    json_ref(stage->last_modified);
    g_atomic_rc_box_acquire(stage->requisites);
    stage->tasks = g_ptr_array_copy(source->tasks, task_state_copy, NULL);
    g_ptr_array_set_free_func(stage->tasks, task_state_free);
    return stage;
}

Stage *stage_with_context(const Stage *stage, Json *context) {
    Stage *copy = stage_copy(stage);
    stage_set_context(copy, json_ref(context));
    return copy;
}

const TaskState *stage_task(const Stage *stage, const char *task_id) {
    for (guint i = 0; task_id && i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (strcmp(task->id, task_id) == 0)
            return task;
    }
    return NULL;
}

TaskState *stage_edit_task(Stage *draft, const char *task_id) {
    return (TaskState *)stage_task(draft, task_id);
}

/* ---- executions ---- */
Execution *execution_new(ExecutionType type) {
    Execution *execution = g_new0(Execution, 1);
    execution->ref_count = 1;
    execution->type = type;
    execution->trigger = json_empty_object();
    execution->stages = g_ptr_array_new_with_free_func((GDestroyNotify)stage_unref);
    execution->drafts = g_ptr_array_new();
    execution->memory = EXECUTION_MEMORY_OVERHEAD;
    execution_reindex(execution);
    return execution;
}

static gpointer copy_stage_ref(gconstpointer source, gpointer data) {
    (void)data;
    return stage_ref((Stage *)source);
}

/* Every shared text and document of an execution, so that copying and freeing cannot miss one. */
static const gsize texts[] = {
    offsetof(Execution, id),          offsetof(Execution, root_id),
    offsetof(Execution, application), offsetof(Execution, name),
    offsetof(Execution, description), offsetof(Execution, config_id),
    offsetof(Execution, origin),      offsetof(Execution, spel_evaluator),
    offsetof(Execution, parent_id),   offsetof(Execution, parent_stage_id),
    offsetof(Execution, canceled_by), offsetof(Execution, cancellation_reason),
};
static const gsize documents[] = {
    offsetof(Execution, trigger),
    offsetof(Execution, authentication),
    offsetof(Execution, paused),
    offsetof(Execution, notifications),
    offsetof(Execution, initial_config),
    offsetof(Execution, source),
    offsetof(Execution, template_variables),
    offsetof(Execution, system_notifications),
    offsetof(Execution, parked_restart),
};
#define MEMBER(type, execution, offset) (*(type *)((char *)(execution) + (offset)))

static void ref_members(Execution *execution) {
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        text_ref(MEMBER(char *, execution, texts[i]));
    for (guint i = 0; i < G_N_ELEMENTS(documents); i++)
        json_ref(MEMBER(Json *, execution, documents[i]));
}

static void unref_members(Execution *execution) {
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        text_unref(MEMBER(char *, execution, texts[i]));
    for (guint i = 0; i < G_N_ELEMENTS(documents); i++)
        json_unref(MEMBER(Json *, execution, documents[i]));
}

Execution *execution_copy(const Execution *source) {
    Execution *execution = copy_struct(source, sizeof *execution);
    execution->ref_count = 1;
    ref_members(execution);
    execution->stages = g_ptr_array_copy(source->stages, copy_stage_ref, NULL);
    g_ptr_array_set_free_func(execution->stages, (GDestroyNotify)stage_unref);
    execution->drafts = g_ptr_array_new();
    execution->removed = NULL;
    execution->changed = FALSE;
    execution->pending = source->pending ? g_ptr_array_ref(source->pending) : NULL;
    stage_index_ref(execution->index);
    return execution;
}

Execution *execution_ref(Execution *execution) {
    g_atomic_int_inc(&execution->ref_count);
    return execution;
}

void execution_unref(Execution *execution) {
    if (!execution || !g_atomic_int_dec_and_test(&execution->ref_count))
        return;
    unref_members(execution);
    g_ptr_array_unref(execution->stages);
    g_clear_pointer(&execution->drafts, g_ptr_array_unref);
    g_clear_pointer(&execution->removed, g_ptr_array_unref);
    g_clear_pointer(&execution->pending, g_ptr_array_unref);
    stage_index_unref(execution->index);
    g_free(execution);
}

const char *execution_type_name(ExecutionType type) {
    return type == EXECUTION_PIPELINE ? "PIPELINE" : "ORCHESTRATION";
}

gboolean execution_is_settled(const Execution *execution) {
    if (!status_info(execution->status)->complete || execution->pending)
        return FALSE;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->status == STATUS_RUNNING || stage->status == STATUS_PAUSED || stage->canceling)
            return FALSE;
    }
    return TRUE;
}

/* ---- drafts ---- */
void execution_touch(Execution *draft) {
    draft->changed = TRUE;
}

gboolean execution_is_changed(const Execution *draft) {
    return draft->changed || draft->drafts->len > 0 || draft->removed;
}

const GPtrArray *execution_drafts(const Execution *draft) {
    return draft->drafts;
}

Stage *execution_edit_stage(Execution *draft, const Stage *stage) {
    if (stage->draft_of == draft)
        return (Stage *)stage;
    guint at = 0;
    gboolean found = stage_index_find(draft->index, stage->id, &at);
    g_assert(found);
    Stage *current = g_ptr_array_index(draft->stages, at);
    if (current->draft_of == draft)
        return current;
    Stage *mine = stage_copy(current);
    mine->draft_of = draft;
    draft->memory -= current->memory;
    stage_unref(current);
    draft->stages->pdata[at] = mine;
    g_ptr_array_add(draft->drafts, mine);
    return mine;
}

void execution_insert_stage(Execution *draft, guint at, Stage *stage) {
    stage->position = draft->next_position++;
    stage->draft_of = draft;
    g_ptr_array_insert(draft->stages, (gint)at, stage);
    g_ptr_array_add(draft->drafts, stage);
}

void execution_remove_stage(Execution *draft, const Stage *stage) {
    guint at = 0;
    gboolean found = g_ptr_array_find(draft->stages, stage, &at);
    g_assert(found);
    if (stage->draft_of == draft)
        g_ptr_array_remove_fast(draft->drafts, (gpointer)stage);
    else
        draft->memory -= stage->memory;
    if (stage->version > 0) { /* it has a row */
        if (!draft->removed)
            draft->removed = g_ptr_array_new_with_free_func((GDestroyNotify)stage_unref);
        g_ptr_array_add(draft->removed, stage_ref((Stage *)stage));
    }
    g_ptr_array_remove_index(draft->stages, at);
}

static gsize stage_memory(const Stage *stage) {
    return STAGE_MEMORY_OVERHEAD + json_memory(stage->context) + json_memory(stage->outputs) +
           stage->tasks->len * (sizeof(TaskState) + sizeof(gpointer));
}

void execution_seal(Execution *draft) {
    draft->version++;
    for (guint i = 0; i < draft->drafts->len; i++) {
        Stage *stage = g_ptr_array_index(draft->drafts, i);
        stage->draft_of = NULL;
        stage->version = draft->version;
        stage->memory = stage_memory(stage);
        draft->memory += stage->memory;
    }
    draft->changed = FALSE;
    g_ptr_array_set_size(draft->drafts, 0);
    g_clear_pointer(&draft->removed, g_ptr_array_unref);
}
