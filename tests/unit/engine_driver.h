/* Drives the core without a runner: a test says what each run answers and looks at what the core wants next. */
#pragma once
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/submit.h"
#include "engine_scripted.h"

typedef struct {
    Execution *execution;
    EngineSettings *settings;
    gint64 now_ms;
    Effects effects; /* of the last step */
    guint steps;
} Driver;

static inline void driver_apply(Driver *driver, Message *message) {
    if (driver->effects.list)
        effects_clear(&driver->effects);
    effects_init(&driver->effects);
    Execution *draft = execution_copy(driver->execution);
    engine_apply(draft, message, driver->now_ms, driver->settings, &driver->effects);
    message_unref(message);
    if (execution_is_changed(draft)) {
        execution_seal(draft);
        driver->steps++;
    }
    execution_unref(driver->execution);
    driver->execution = draft;
}

/* stages: a JSON list as in a pipeline. Started. */
static inline void driver_open_type(Driver *driver, ExecutionType type, const char *stages) {
    const Principal user = {.user = "tester", .roles = (const char *const[]){NULL}};
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    g_assert_no_error(error);
    *driver = (Driver){.now_ms = 1000000};
    driver->settings = engine_settings_new(&scripted_types, config, &error);
    g_assert_no_error(error);
    g_autoptr(Json) list = json_parse(stages, -1, &error);
    g_assert_no_error(error);
    g_autoptr(Json) numbered = graph_assign_ref_ids(json_root(list));
    g_autofree char *written = json_write(json_root(numbered), NULL);
    g_autofree char *text = g_strdup_printf("{\"application\":\"a\",\"name\":\"n\",\"spelEvaluator\":\"v4\",\"trigger\":{},\"%s\":%s}",
                                            type == EXECUTION_PIPELINE ? "stages" : "job", written);
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    driver->execution = submit_build(type, json_root(pipeline), &user, driver->settings, driver->now_ms, &error);
    g_assert_no_error(error);
    execution_seal(driver->execution);
    driver_apply(driver, message_new(MESSAGE_START_EXECUTION));
}

static inline void driver_open(Driver *driver, const char *stages) {
    driver_open_type(driver, EXECUTION_PIPELINE, stages);
}

static inline void driver_close(Driver *driver) {
    effects_clear(&driver->effects);
    execution_unref(driver->execution);
    engine_settings_unref(driver->settings);
}

static inline const Stage *driver_stage(const Driver *driver, const char *ref_id) {
    const Stage *stage = execution_stage_by_ref(driver->execution, ref_id);
    if (!stage)
        g_error("no stage %s", ref_id);
    return stage;
}

/* The stage's task that is RUNNING. */
static inline const TaskState *driver_task(const Stage *stage) {
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (task->status == STATUS_RUNNING)
            return task;
    }
    return NULL;
}

static inline Message *driver_answer(const Driver *driver, const char *ref_id, RunKind kind, Status status) {
    static const MessageKind kinds[] = {[RUN_TASK] = MESSAGE_TASK_RAN,
                                        [RUN_TASK_CANCEL] = MESSAGE_TASK_RAN,
                                        [RUN_TASK_TIMEOUT] = MESSAGE_TASK_RAN,
                                        [RUN_PREPARE] = MESSAGE_STAGE_PREPARED,
                                        [RUN_STAGE_CANCEL] = MESSAGE_STAGE_CANCELED};
    const Stage *stage = driver_stage(driver, ref_id);
    const TaskState *task = driver_task(stage);
    Message *message = message_new_stage(kinds[kind], stage->id);
    if (kinds[kind] == MESSAGE_TASK_RAN)
        message->task_id = text_new(task ? task->id : "1");
    message->attempt = stage->attempt;
    message->outcome = run_outcome_new(kind);
    message->outcome->result.status = status;
    message->outcome->runs = 1;
    return message;
}

/* The running task of the stage answers. */
static inline void driver_ran(Driver *driver, const char *ref_id, Status status) {
    driver_apply(driver, driver_answer(driver, ref_id, RUN_TASK, status));
}

static inline void driver_failed(Driver *driver, const char *ref_id, ErrorCode code, const char *text) {
    Message *message = driver_answer(driver, ref_id, RUN_TASK, STATUS_RUNNING);
    error_set(&message->outcome->error, code, "%s", text);
    driver_apply(driver, message);
}

/* The running task of the stage is due again. */
static inline void driver_due(Driver *driver, const char *ref_id) {
    const Stage *stage = driver_stage(driver, ref_id);
    Message *message = message_new_stage(MESSAGE_RUN_TASK, stage->id);
    message->task_id = text_ref(driver_task(stage)->id);
    driver_apply(driver, message);
}

static inline void driver_act(Driver *driver, MessageKind kind, const char *ref_id, const char *body) {
    Message *message = ref_id ? message_new_stage(kind, driver_stage(driver, ref_id)->id) : message_new(kind);
    message->user = text_new("tester");
    message->body = body ? json_parse(body, -1, NULL) : NULL;
    driver_apply(driver, message);
}

/* The effect of that kind for the stage in the last step, or NULL. */
static inline const Effect *driver_effect(const Driver *driver, EffectKind kind, const char *ref_id) {
    for (guint i = 0; i < driver->effects.list->len; i++) {
        const Effect *effect = &g_array_index(driver->effects.list, Effect, i);
        const Stage *stage = effect->stage_id ? execution_stage(driver->execution, effect->stage_id) : NULL;
        if (effect->kind == kind && (!ref_id || (stage && strcmp(stage->ref_id, ref_id) == 0)))
            return effect;
    }
    return NULL;
}

static inline void assert_status(const Driver *driver, const char *ref_id, Status status) {
    Status actual = ref_id ? driver_stage(driver, ref_id)->status : driver->execution->status;
    if (actual != status)
        g_error("%s is %s, not %s", ref_id ? ref_id : "the execution", status_info(actual)->name, status_info(status)->name);
}

static inline const char *first_error(const Stage *stage) {
    return json_string(json_at(json_dig(json_root(stage->context), "exception", "details", "errors", NULL), 0));
}
