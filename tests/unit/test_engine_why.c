/* Why it waits (engine.md 11, 12.4, 13, 14.2, 18, 21): there is no state without a sentence. */
#include "engine/concurrency.h"
#include "engine/why.h"
#include "engine_driver.h"

#define STATUSES (STATUS_CANCELED + 1)

static const char *reason_of(const Json *why, const char *stage_id, const char *task_id, const char **rule) {
    for (JsonIter i = json_iter(json_root(why)); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "stageId"), stage_id) == 0 && g_strcmp0(json_get_string(i.value, "taskId"), task_id) == 0) {
            if (rule)
                *rule = json_get_string(i.value, "rule");
            return json_get_string(i.value, "reason");
        }
    return NULL;
}

static void assert_sentence(const Json *why, const char *stage_id, const char *task_id) {
    const char *rule = NULL, *reason = reason_of(why, stage_id, task_id, &rule);
    g_assert_nonnull(reason);
    g_assert_cmpuint(strlen(reason), >, 5);
    g_assert_true(rule && *rule);
}

static Stage *add_stage(Execution *execution, const char *ref_id, const char *parent_id, StageOwner owner) {
    Stage *stage = stage_new();
    stage->id = text_new(ref_id);
    stage->ref_id = text_new(ref_id);
    stage->name = text_new(ref_id);
    stage->type = text_new("poll");
    stage->parent_id = text_new(parent_id);
    stage->owner = owner;
    execution_insert_stage(execution, execution->stages->len, stage);
    return stage;
}

static void add_task(Stage *stage, const char *id, Status status) {
    TaskState *task = task_state_new(id, id, "x");
    task->status = status;
    g_ptr_array_add(stage->tasks, task);
}

/* A stage "b" behind "a", with a stage "b<1" inside and two tasks. */
static Execution *make(Status execution_status, Status stage_status, Status upstream_status, Status task_status, guint flags) {
    Execution *execution = execution_new(EXECUTION_PIPELINE);
    execution->id = text_new("E");
    execution->status = execution_status;
    execution->canceled = (flags & 1) != 0;
    execution->pending = NULL;
    Stage *a = add_stage(execution, "a", NULL, OWNER_NONE);
    a->status = upstream_status;
    Stage *b = add_stage(execution, "b", NULL, OWNER_NONE);
    b->status = stage_status;
    b->preparing = (flags & 2) != 0;
    b->canceling = (flags & 4) != 0;
    stage_set_requisites(b, (const char *const[]){"a", NULL});
    add_task(b, "1", task_status);
    add_task(b, "2", STATUS_NOT_STARTED);
    add_stage(execution, "b<1", "b", OWNER_BEFORE)->status = task_status;
    execution_reindex(execution);
    return execution;
}

static void check_all(const Execution *execution, const WhyFacts *facts) {
    g_autoptr(Json) why = why_explain(execution, facts);
    if (execution_is_settled(execution)) {
        g_assert_cmpuint(json_length(json_root(why)), ==, 0);
        return;
    }
    assert_sentence(why, NULL, NULL);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        gboolean done = status_info(stage->status)->complete;
        if (!done || stage->canceling)
            assert_sentence(why, stage->id, NULL);
        for (guint k = 0; !done && k < stage->tasks->len; k++) {
            const TaskState *task = g_ptr_array_index(stage->tasks, k);
            if (!status_info(task->status)->complete)
                assert_sentence(why, stage->id, task->id);
        }
    }
}

static EngineSettings *settings_new(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    g_assert_no_error(error);
    EngineSettings *settings = engine_settings_new(&scripted_types, config, &error);
    g_assert_no_error(error);
    return settings;
}

static void test_every_state(void) {
    EngineSettings *settings = settings_new();
    const WhyFacts facts = {.settings = settings, .now_ms = 1000};
    for (guint i = 0; i < STATUSES * STATUSES * STATUSES * STATUSES; i++)
        for (guint flags = 0; flags < 8; flags++) {
            Execution *execution = make((Status)(i % STATUSES), (Status)(i / STATUSES % STATUSES),
                                        (Status)(i / STATUSES / STATUSES % STATUSES), (Status)(i / STATUSES / STATUSES / STATUSES), flags);
            check_all(execution, &facts);
            execution_unref(execution);
        }
    engine_settings_unref(settings);
}

/* ---- the forms ---- */
static gboolean one_run(const Stage *stage, WhyRun *into, gpointer data) {
    (void)stage;
    *into = *(const WhyRun *)data;
    return TRUE;
}

static void assert_text(const Execution *execution, const WhyFacts *facts, const char *stage_id, const char *task_id, const char *rule,
                        const char *expected) {
    g_autoptr(Json) why = why_explain(execution, facts);
    const char *found = NULL;
    g_assert_cmpstr(reason_of(why, stage_id, task_id, &found), ==, expected);
    g_assert_cmpstr(found, ==, rule);
}

static void test_runs(void) {
    EngineSettings *settings = settings_new();
    WhyRun run = {.at_ms = 13000, .runs = 3};
    const WhyFacts facts = {.settings = settings, .now_ms = 1000, .run = one_run, .data = &run};
    g_autoptr(Execution) execution = make(STATUS_RUNNING, STATUS_RUNNING, STATUS_SUCCEEDED, STATUS_RUNNING, 0);
    assert_text(execution, &facts, "b", "1", "poll", "next poll of the poll in 12 s, attempt 4");
    assert_text(execution, &facts, "b", NULL, "poll", "next poll of the poll in 12 s, attempt 4");
    assert_text(execution, &facts, "b", "2", "tasks", "waits for task 1");
    assert_text(execution, &facts, NULL, NULL, "stages", "waits for stage b");
    run = (WhyRun){.at_ms = 31000, .runs = 1, .problem = "Status: 503"};
    assert_text(execution, &facts, "b", "1", "retry", "retries in 30 s after: Status: 503");
    Stage *b = (Stage *)execution_stage(execution, "b");
    b->context = json_pack("{s:s}", "_progress", "retries after: Status: 503");
    assert_text(execution, &facts, "b", "1", "retry", "retries in 30 s after: Status: 503");
    json_set(&b->context, NULL);
    run = (WhyRun){.busy = TRUE};
    assert_text(execution, &facts, "b", "1", "poll", "a worker is at it, attempt 1");
    engine_settings_unref(settings);
}

static void test_limits(void) {
    EngineSettings *settings = settings_new();
    WhyFacts facts = {.settings = settings, .now_ms = 1000, .rivals = (const char *const[]){"01HX", NULL}};
    g_autoptr(Execution) execution = make(STATUS_NOT_STARTED, STATUS_NOT_STARTED, STATUS_NOT_STARTED, STATUS_NOT_STARTED, 0);
    execution->config_id = text_new("c");
    execution->limit_concurrent = TRUE;
    assert_text(execution, &facts, NULL, NULL, "limitConcurrent", "waits for execution 01HX of the same pipeline: limitConcurrent");
    assert_text(execution, &facts, "a", NULL, "start", "waits for its execution to start");
    assert_text(execution, &facts, "b", NULL, "upstream", "waits for stage a");
    execution->limit_concurrent = FALSE;
    execution->max_concurrent = 2;
    facts.rivals = (const char *const[]){"01HX", "01HY", NULL};
    facts.ahead = 3;
    assert_text(execution, &facts, NULL, NULL, "maxConcurrentExecutions",
                "waits for one of the executions 01HX and 01HY of the same pipeline: maxConcurrentExecutions 2; 3 of those that wait came "
                "earlier");
    execution->status = STATUS_BUFFERED;
    facts.active = 100;
    assert_text(execution, &facts, NULL, NULL, "qos", "buffered by QoS: 100 executions are active");
    execution->status = STATUS_PAUSED;
    execution->paused = json_parse("{\"pausedBy\":\"eve\",\"pauseTime\":1700000000000}", -1, NULL);
    assert_text(execution, &facts, NULL, NULL, "paused", "paused by eve since 2023-11-14 22:13:20 UTC");
    engine_settings_unref(settings);
}

/* engine.md 13.3: a restart that waits for its turn waits since it was asked for. */
static void test_parked_restart(void) {
    EngineSettings *settings = settings_new();
    const WhyFacts facts = {.settings = settings, .now_ms = 9000, .rivals = (const char *const[]){"01HX", NULL}};
    g_autoptr(Execution) execution = make(STATUS_NOT_STARTED, STATUS_SUCCEEDED, STATUS_SUCCEEDED, STATUS_SUCCEEDED, 0);
    execution->config_id = text_new("c");
    execution->limit_concurrent = TRUE;
    execution->build_ms = 1000;
    execution->parked_restart = json_pack("{s:s, s:i}", "stageId", "a", "time", (gint64)8000);
    g_autoptr(Json) why = why_explain_one(execution, NULL, &facts);
    g_assert_cmpstr(json_get_string(json_root(why), "reason"), ==,
                    "its restart waits for execution 01HX of the same pipeline: limitConcurrent");
    g_assert_cmpint(json_get_int(json_root(why), "since", 0), ==, 8000);
    engine_settings_unref(settings);
}

static void test_empty_end(void) {
    EngineSettings *settings = settings_new();
    const WhyFacts facts = {.settings = settings, .now_ms = 1000};
    g_autoptr(Execution) execution = execution_new(EXECUTION_PIPELINE);
    execution->status = STATUS_TERMINAL;
    assert_text(execution, &facts, NULL, NULL, "empty", "has no stage that could start");
    execution->cancellation_reason = text_new("its template is gone");
    g_autoptr(Json) why = why_explain(execution, &facts);
    g_assert_cmpuint(json_length(json_root(why)), ==, 0);
    engine_settings_unref(settings);
}

static void test_gate_order(void) {
    ConcurrencyGate *gate = gate_new();
    g_assert_cmpint(gate_ask(gate, "b", 2, 10), ==, GATE_START);
    g_assert_cmpint(gate_ask(gate, "a", 2, 10), ==, GATE_START);
    g_assert_cmpint(gate_ask(gate, "c", 2, 10), ==, GATE_PARK);
    g_assert_cmpint(gate_ask(gate, "d", 2, 10), ==, GATE_PARK);
    g_auto(GStrv) ids = gate_running_ids(gate);
    g_assert_cmpstr(ids[0], ==, "a");
    g_assert_cmpstr(ids[1], ==, "b");
    g_assert_cmpuint(gate_ahead(gate, "c"), ==, 0);
    g_assert_cmpuint(gate_ahead(gate, "d"), ==, 1);
    gate_free(gate);
}

static void test_cancelled(void) {
    EngineSettings *settings = settings_new();
    const WhyFacts facts = {.settings = settings, .now_ms = 1000};
    g_autoptr(Execution) execution = make(STATUS_RUNNING, STATUS_NOT_STARTED, STATUS_RUNNING, STATUS_NOT_STARTED, 1);
    execution->canceled_by = text_new("eve");
    assert_text(execution, &facts, NULL, NULL, "cancel", "cancelled by eve: waits for stage a to give up");
    assert_text(execution, &facts, "b", NULL, "cancel", "will not start: the execution was cancelled by eve");
    g_autoptr(Execution) failed = make(STATUS_RUNNING, STATUS_NOT_STARTED, STATUS_TERMINAL, STATUS_NOT_STARTED, 0);
    assert_text(failed, &facts, "b", NULL, "upstream", "will not start: stage a before it ended TERMINAL");
    engine_settings_unref(settings);
}

/* What a change says: only sentences that differ from those before. */
static void test_changes(void) {
    EngineSettings *settings = settings_new();
    g_autoptr(Execution) before = make(STATUS_RUNNING, STATUS_NOT_STARTED, STATUS_RUNNING, STATUS_NOT_STARTED, 0);
    execution_seal(before);
    g_autoptr(Execution) draft = execution_copy(before);
    execution_edit_stage(draft, execution_stage(draft, "a"))->status = STATUS_SUCCEEDED;
    execution_edit_stage(draft, execution_stage(draft, "b"))->status = STATUS_RUNNING;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    why_add_changes(builder, before, draft, &(WhyFacts){.settings = settings, .now_ms = 1000});
    json_end_object(builder);
    g_autoptr(Json) change = json_builder_end(builder);
    const JsonValue *why = json_get(json_root(change), "why");
    g_assert_cmpuint(json_length(why), ==, 1);
    g_assert_cmpstr(json_get_string(json_at(why, 0), "stageId"), ==, "b");
    g_assert_cmpstr(json_get_string(json_at(why, 0), "rule"), ==, "stages");
    engine_settings_unref(settings);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/why/every-state", test_every_state);
    g_test_add_func("/engine/why/runs", test_runs);
    g_test_add_func("/engine/why/limits", test_limits);
    g_test_add_func("/engine/why/parked-restart", test_parked_restart);
    g_test_add_func("/engine/why/empty-end", test_empty_end);
    g_test_add_func("/engine/why/gate-order", test_gate_order);
    g_test_add_func("/engine/why/cancelled", test_cancelled);
    g_test_add_func("/engine/why/changes", test_changes);
    return g_test_run();
}
