/* The rules of the core, one by one: aggregation, failure options, tasks, loops, timeouts, planning, what users do. */
#include "engine_driver.h"
#include "store/executions.h"

#define S(ref, requisites, more)                                                                                                           \
    "{\"refId\":\"" ref "\",\"requisiteStageRefIds\":[" requisites "],\"type\":\"plain\",\"name\":\"" ref "\"" more "}"
#define ONE ",\"tasks\":{\"one\":\"\"}"
#define IGNORE ",\"continuePipeline\":true,\"failPipeline\":false"
#define HALT_BRANCH ",\"failPipeline\":false"

/* ---- flow ---- */
static void test_fork_and_join(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "," S("2", "\"1\"", ONE) "," S("3", "\"1\"", ONE) "," S("4", "\"2\",\"3\"", ONE) "]");
    assert_status(&driver, NULL, STATUS_RUNNING);
    assert_status(&driver, "1", STATUS_RUNNING);
    assert_status(&driver, "2", STATUS_NOT_STARTED);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "1"));
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "2"));
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "3"));
    driver_ran(&driver, "3", STATUS_SUCCEEDED);
    assert_status(&driver, "4", STATUS_NOT_STARTED);
    driver_ran(&driver, "2", STATUS_SUCCEEDED);
    assert_status(&driver, "4", STATUS_RUNNING);
    driver_ran(&driver, "4", STATUS_SUCCEEDED);
    assert_status(&driver, NULL, STATUS_SUCCEEDED);
    g_assert_cmpuint(driver.steps, ==, 5); /* n + 1 */
    g_assert_true(execution_is_settled(driver.execution));
    driver_close(&driver);
}

static void test_empty(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", "") "," S("2", "\"1\"", "") "]");
    assert_status(&driver, "1", STATUS_SKIPPED);
    assert_status(&driver, "2", STATUS_SKIPPED);
    assert_status(&driver, NULL, STATUS_SUCCEEDED);
    driver_close(&driver);
    driver_open(&driver, "[]");
    assert_status(&driver, NULL, STATUS_TERMINAL);
    driver_close(&driver);
}

static void test_unknown_type(void) {
    Driver driver;
    driver_open(&driver, "[{\"type\":\"unheard\",\"continuePipeline\":true}]");
    assert_status(&driver, "0", STATUS_TERMINAL); /* no option rescues it */
    assert_status(&driver, NULL, STATUS_TERMINAL);
    g_assert_true(json_is_true(json_get(json_root(driver_stage(&driver, "0")->context), "beforeStagePlanningFailed")));
    g_assert_nonnull(strstr(first_error(driver_stage(&driver, "0")), "unheard"));
    driver_close(&driver);
}

/* More stages than one step handles messages: the rest is pending, is stored, and goes on. */
static void test_full_step(void) {
    Driver driver;
    g_autoptr(GString) stages = g_string_new("[" S("1", "", ONE));
    for (guint i = 0; i < 400; i++)
        g_string_append_printf(stages, ",{\"refId\":\"b%u\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"plain\",\"tasks\":{\"one\":\"\"}}",
                               i);
    g_string_append_c(stages, ']');
    driver_open(&driver, stages->str);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    g_assert_true(driver.effects.more);
    g_assert_nonnull(driver.execution->pending);
    guint steps = 0, started = 0;
    for (; driver.effects.more; steps++)
        driver_apply(&driver, message_new(MESSAGE_CONTINUE_EXECUTION));
    for (guint i = 0; i < driver.execution->stages->len; i++)
        started += execution_stage_at(driver.execution, i)->status == STATUS_RUNNING;
    g_assert_cmpuint(started, ==, 400);
    g_assert_cmpuint(steps, <=, 400 * 4 / STEP_MESSAGES_MAX + 1);
    g_assert_null(driver.execution->pending);
    driver_close(&driver);
}

/* ---- failure options ---- */
static void test_failure_options(void) {
    const struct {
        const char *options;
        Status stage, execution;
    } cases[] = {
        {"", STATUS_TERMINAL, STATUS_TERMINAL},
        {",\"failPipeline\":true", STATUS_TERMINAL, STATUS_TERMINAL},
        {",\"failPipeline\":null", STATUS_TERMINAL, STATUS_TERMINAL},
        {HALT_BRANCH, STATUS_STOPPED, STATUS_SUCCEEDED},
        {",\"failPipeline\":\"true\"", STATUS_STOPPED, STATUS_SUCCEEDED},
        {HALT_BRANCH ",\"completeOtherBranchesThenFail\":true", STATUS_STOPPED, STATUS_TERMINAL},
        {IGNORE, STATUS_FAILED_CONTINUE, STATUS_SUCCEEDED},
        {",\"continuePipeline\":\"true\"", STATUS_TERMINAL, STATUS_TERMINAL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Driver driver;
        g_autofree char *stages = g_strdup_printf(
            "[{\"refId\":\"1\",\"requisiteStageRefIds\":[],\"type\":\"plain\"%s,\"tasks\":{\"one\":\"\"}},%s]", cases[i].options,
            S("2", "\"1\"", ""));
        driver_open(&driver, stages);
        driver_ran(&driver, "1", STATUS_TERMINAL);
        assert_status(&driver, "1", cases[i].stage);
        assert_status(&driver, NULL, cases[i].execution);
        assert_status(&driver, "2", cases[i].stage == STATUS_FAILED_CONTINUE ? STATUS_SKIPPED : STATUS_NOT_STARTED);
        driver_close(&driver);
    }
}

static void test_other_branches(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE HALT_BRANCH) "," S("2", "", ONE) "," S("3", "\"1\",\"2\"", ONE) "]");
    driver_ran(&driver, "1", STATUS_TERMINAL);
    assert_status(&driver, NULL, STATUS_RUNNING);
    driver_ran(&driver, "2", STATUS_SUCCEEDED);
    assert_status(&driver, "3", STATUS_NOT_STARTED); /* a join behind a halted stage never starts */
    assert_status(&driver, NULL, STATUS_SUCCEEDED);
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ONE) "," S("2", "", ONE) "]");
    driver_ran(&driver, "1", STATUS_TERMINAL);
    assert_status(&driver, NULL, STATUS_TERMINAL); /* at once; what runs is cancelled afterwards */
    assert_status(&driver, "2", STATUS_RUNNING);
    g_assert_true(driver_effect(&driver, EFFECT_WAKE, NULL)->cancel);
    driver_failed(&driver, "2", ERR_CANCELLED, "told to give up");
    assert_status(&driver, "2", STATUS_CANCELED);
    assert_status(&driver, NULL, STATUS_TERMINAL);
    g_assert_true(execution_is_settled(driver.execution));
    driver_close(&driver);
}

static void test_failed_expressions(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE IGNORE ",\"failOnFailedExpressions\":true,\"x\":\"${nothing}\"") "]");
    g_assert_cmpuint(json_length(json_get(json_root(driver_stage(&driver, "1")->context), "expressionEvaluationSummary")), ==, 1);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "1", STATUS_TERMINAL);
    g_assert_nonnull(strstr(first_error(driver_stage(&driver, "1")), "nothing"));
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ONE ",\"x\":\"${nothing}\"") "]");
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "1", STATUS_SUCCEEDED); /* the text stays, the stage is fine */
    g_assert_cmpstr(json_get_string(json_root(driver_stage(&driver, "1")->context), "x"), ==, "${nothing}");
    driver_close(&driver);
}

/* ---- tasks ---- */
static void test_tasks_in_order(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"tasks\":{\"one\":\"\",\"two\":\"\",\"three\":\"\"}") "]");
    const Stage *stage = driver_stage(&driver, "1");
    const TaskState *first = g_ptr_array_index(stage->tasks, 0), *last = g_ptr_array_index(stage->tasks, 2);
    g_assert_cmpstr(first->id, ==, "1");
    g_assert_true(first->stage_start && !first->stage_end && last->stage_end);
    g_assert_cmpstr(first->implementing_class, ==, "gennaker.one");
    driver_ran(&driver, "1", STATUS_FAILED_CONTINUE); /* does not end the stage early */
    g_assert_cmpstr(driver_task(driver_stage(&driver, "1"))->name, ==, "two");
    driver_ran(&driver, "1", STATUS_STOPPED);
    assert_status(&driver, "1", STATUS_STOPPED);
    g_assert_cmpint(stage_task(driver_stage(&driver, "1"), "3")->status, ==, STATUS_NOT_STARTED);
    driver_close(&driver);
}

static void test_running(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"backoffPeriodMs\":2500,\"tasks\":{\"three\":\"\"}") "]");
    guint steps = driver.steps;
    driver_ran(&driver, "1", STATUS_RUNNING);
    g_assert_cmpuint(driver.steps, ==, steps); /* nothing new: no commit */
    g_assert_cmpint(driver_effect(&driver, EFFECT_SLEEP, "1")->at_ms, ==, driver.now_ms + 2500);
    Message *message = driver_answer(&driver, "1", RUN_TASK, STATUS_RUNNING);
    message->outcome->result.context = json_pack("{s:i, s:n}", "a", (gint64)1, "nothing");
    message->outcome->result.outputs = json_pack("{s:i, s:i}", "b", (gint64)2, "stageTimeoutMs", (gint64)3);
    message->outcome->result.wake = WAKE_AT;
    message->outcome->result.wake_ms = driver.now_ms + 77;
    driver_apply(&driver, message);
    g_assert_cmpuint(driver.steps, ==, steps + 1);
    g_assert_cmpint(driver_effect(&driver, EFFECT_SLEEP, "1")->at_ms, ==, driver.now_ms + 77);
    const Stage *stage = driver_stage(&driver, "1");
    g_assert_cmpint(json_get_int(json_root(stage->context), "a", 0), ==, 1);
    g_assert_null(json_get(json_root(stage->context), "nothing"));
    g_assert_cmpuint(json_length(json_root(stage->outputs)), ==, 1);
    driver_close(&driver);
}

static void test_late_results(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "]");
    Message *late = driver_answer(&driver, "1", RUN_TASK, STATUS_SUCCEEDED);
    late->attempt++;
    driver_apply(&driver, late);
    g_assert_cmpuint(driver.effects.notes->len, ==, 1);
    assert_status(&driver, "1", STATUS_RUNNING);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    driver_apply(&driver, driver_answer(&driver, "1", RUN_TASK, STATUS_TERMINAL));
    g_assert_cmpuint(driver.effects.notes->len, ==, 1);
    assert_status(&driver, "1", STATUS_SUCCEEDED);
    driver_close(&driver);
}

static void test_loop(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"tasks\":{\"one\":\"\",\"first\":\"\",\"last\":\"\",\"two\":\"\"}") "]");
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    driver_ran(&driver, "1", STATUS_REDIRECT);
    const Stage *stage = driver_stage(&driver, "1");
    g_assert_cmpstr(driver_task(stage)->name, ==, "first");
    g_assert_cmpuint(stage->attempt, ==, 2);
    g_assert_cmpint(stage_task(stage, "1")->status, ==, STATUS_SUCCEEDED);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    g_assert_cmpstr(driver_task(driver_stage(&driver, "1"))->name, ==, "two");
    driver_ran(&driver, "1", STATUS_REDIRECT); /* it is in no loop */
    assert_status(&driver, "1", STATUS_TERMINAL);
    driver_close(&driver);
}

static void test_errors(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"tasks\":{\"three\":\"\"}") "]");
    driver_failed(&driver, "1", ERR_UNAVAILABLE, "not now");
    assert_status(&driver, "1", STATUS_RUNNING);
    g_assert_cmpint(driver_effect(&driver, EFFECT_SLEEP, "1")->at_ms, ==, driver.now_ms + 500);
    g_assert_cmpstr(json_get_string(json_root(driver_stage(&driver, "1")->context), "_progress"), ==, "retries after: not now");
    driver_ran(&driver, "1", STATUS_RUNNING);
    g_assert_null(json_get_string(json_root(driver_stage(&driver, "1")->context), "_progress"));
    driver_failed(&driver, "1", ERR_INVALID, "never");
    assert_status(&driver, "1", STATUS_TERMINAL);
    const Stage *stage = driver_stage(&driver, "1");
    g_assert_cmpstr(first_error(stage), ==, "never");
    const JsonValue *exception = json_get(json_root(stage->context), "exception");
    g_assert_cmpint(json_get_int(exception, "timestamp", 0), ==, driver.now_ms);
    g_assert_cmpstr(json_get_string(exception, "operation"), ==, "three");
    g_assert_true(json_equal(exception, json_get(json_root(stage_task(stage, "1")->exception_details), "exception")));
    driver_close(&driver);
}

/* ---- time ---- */
static void test_stage_timeout(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"stageTimeoutMs\":1000" ONE) "]");
    driver_ran(&driver, "1", STATUS_RUNNING);
    driver.now_ms += 1000;
    driver_due(&driver, "1");
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "1"));
    driver_ran(&driver, "1", STATUS_RUNNING);
    driver.now_ms += 1;
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_TERMINAL);
    g_assert_cmpstr(json_string(json_dig(json_root(driver_stage(&driver, "1")->context), "exception", "exceptionType", NULL)), ==,
                    "TimeoutException");
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ",\"stageTimeoutMs\":\"1000\"" ONE) "]"); /* a text is no timeout */
    driver.now_ms += 5000;
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_RUNNING);
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ",\"stageTimeoutMs\":1000,\"markSuccessfulOnTimeout\":true" ONE) "]");
    driver.now_ms += 5000;
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_SUCCEEDED);
    driver_close(&driver);
}

static void test_task_timeout(void) {
    Driver driver;
    driver_open(
        &driver,
        "[" S("1", "", ",\"tasks\":{\"overridable\":\"\"}") "," S(
            "2", "", ",\"stageTimeoutMs\":90000,\"tasks\":{\"overridable\":\"\"}") "," S("3", "", IGNORE ",\"tasks\":{\"told\":\"\"}") "]");
    driver.now_ms += 70000;
    driver_due(&driver, "2");
    assert_status(&driver, "2", STATUS_RUNNING); /* stageTimeoutMs instead of its own */
    driver_due(&driver, "3");
    g_assert_cmpint(driver_effect(&driver, EFFECT_RUN, "3")->run, ==, RUN_TASK_TIMEOUT);
    driver_apply(&driver, driver_answer(&driver, "3", RUN_TASK_TIMEOUT, STATUS_FAILED_CONTINUE));
    assert_status(&driver, "3", STATUS_FAILED_CONTINUE);
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_TERMINAL);
    g_assert_nonnull(strstr(first_error(driver_stage(&driver, "1")), "overridable of stage 1 timed out after"));
    driver_close(&driver);
}

static void test_paused_time_does_not_count(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"stageTimeoutMs\":1000" ONE) "]");
    driver_ran(&driver, "1", STATUS_RUNNING);
    driver.now_ms += 500;
    driver_act(&driver, MESSAGE_PAUSE_EXECUTION, NULL, NULL);
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_PAUSED);
    driver.now_ms += 5000;
    driver_act(&driver, MESSAGE_RESUME_EXECUTION, NULL, NULL);
    assert_status(&driver, "1", STATUS_RUNNING);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "1"));
    driver.now_ms += 501;
    driver_ran(&driver, "1", STATUS_RUNNING);
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_TERMINAL);
    g_autoptr(Json) json = execution_to_json(driver.execution, TRUE);
    g_assert_cmpint(json_int(json_dig(json_root(json), "paused", "pausedMs", NULL), 0), ==, 5000);
    driver_close(&driver);
}

/* ---- synthetic stages ---- */
#define CHILD(name, more) "{\"type\":\"plain\",\"name\":\"" name "\"" more "}"

static void test_synthetic_order(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "",
                               ONE ",\"before\":[" CHILD("a", ONE ",\"restrictedExecutionWindow\":{}") "," CHILD(
                                   "b", ONE ",\"chained\":true,\"before\":[" CHILD("n", ONE) "]") "],\"after\":[" CHILD("c", ONE) "]") "]");
    static const char *const listed[] = {"1<1", "1<2", "1"};
    for (guint i = 0; i < 3; i++)
        g_assert_cmpstr(execution_stage_at(driver.execution, i)->ref_id, ==, listed[i]);
    g_assert_null(json_get(json_root(driver_stage(&driver, "1<1")->context), "restrictedExecutionWindow"));
    assert_status(&driver, "1<2", STATUS_NOT_STARTED);
    driver_ran(&driver, "1<1", STATUS_SUCCEEDED);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "1<2<1"));
    driver_ran(&driver, "1<2<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "1<2", STATUS_SUCCEEDED);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "1"));
    g_assert_null(execution_stage_by_ref(driver.execution, "1>1")); /* planned behind the tasks */
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "1>1", STATUS_RUNNING);
    g_assert_cmpstr(execution_stage_at(driver.execution, driver.execution->stages->len - 1)->ref_id, ==, "1>1");
    driver_ran(&driver, "1>1", STATUS_SUCCEEDED);
    assert_status(&driver, NULL, STATUS_SUCCEEDED);
    driver_close(&driver);
}

static void test_child_failure(void) {
    Driver driver;
    /* The parent's options decide about its children's failure; a parallel sibling does not hold it up. */
    driver_open(&driver, "[" S("1", "", ONE HALT_BRANCH ",\"before\":[" CHILD("a", ONE) "," CHILD("b", ONE) "]") "]");
    driver_ran(&driver, "1<1", STATUS_TERMINAL);
    assert_status(&driver, "1<1", STATUS_TERMINAL);
    assert_status(&driver, "1", STATUS_STOPPED);
    assert_status(&driver, NULL, STATUS_SUCCEEDED);
    driver_due(&driver, "1<2");
    assert_status(&driver, "1<2", STATUS_CANCELED);
    g_assert_true(execution_is_settled(driver.execution));
    driver_close(&driver);
}

static void test_siblings(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE ",\"before\":[" CHILD("a", ONE IGNORE) "," CHILD("b", ONE ",\"chained\":true") "]") "]");
    driver_ran(&driver, "1<1", STATUS_TERMINAL);
    assert_status(&driver, "1", STATUS_FAILED_CONTINUE); /* the siblings behind it are not run */
    assert_status(&driver, "1<2", STATUS_NOT_STARTED);
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "",
                               ONE ",\"before\":[" CHILD("a", ONE IGNORE ",\"allowSiblingStagesToContinueOnFailure\":true") "," CHILD(
                                   "b", ONE ",\"chained\":true") "]") "]");
    driver_ran(&driver, "1<1", STATUS_TERMINAL);
    driver_ran(&driver, "1<2", STATUS_SUCCEEDED);
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "1", STATUS_FAILED_CONTINUE);
    driver_close(&driver);
}

static void test_on_failure(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE ",\"onFailure\":[" CHILD("x", ONE) "," CHILD("y", ONE) "]") "]");
    driver_ran(&driver, "1", STATUS_TERMINAL);
    assert_status(&driver, "1", STATUS_RUNNING);
    assert_status(&driver, "1>1", STATUS_RUNNING);
    assert_status(&driver, "1>2", STATUS_NOT_STARTED); /* always one after another */
    driver_ran(&driver, "1>1", STATUS_SUCCEEDED);
    driver_ran(&driver, "1>2", STATUS_SUCCEEDED);
    assert_status(&driver, "1", STATUS_TERMINAL);
    assert_status(&driver, NULL, STATUS_TERMINAL);
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ONE ",\"onFailure\":[" CHILD("x", ONE) "]") "]");
    driver_act(&driver, MESSAGE_CANCEL_EXECUTION, NULL, NULL);
    driver_due(&driver, "1");
    assert_status(&driver, "1", STATUS_CANCELED); /* not for a cancellation */
    g_assert_null(execution_stage_by_ref(driver.execution, "1>1"));
    driver_close(&driver);
}

static void test_bad_plans(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE IGNORE ",\"bad_before\":true") "," S("2", "", ONE IGNORE ",\"bad_after\":true") "]");
    assert_status(&driver, "1", STATUS_FAILED_CONTINUE);
    g_assert_cmpstr(first_error(driver_stage(&driver, "1")), ==, "before cannot be planned");
    driver_ran(&driver, "2", STATUS_SUCCEEDED);
    assert_status(&driver, "2", STATUS_TERMINAL); /* always */
    driver_close(&driver);
}

static void test_prepare(void) {
    Driver driver;
    driver_open(&driver, "[{\"type\":\"prepared\",\"tasks\":{\"one\":\"\"}}]");
    g_assert_cmpint(driver_effect(&driver, EFFECT_RUN, "0")->run, ==, RUN_PREPARE);
    g_assert_cmpuint(driver_stage(&driver, "0")->tasks->len, ==, 0);
    Message *message = driver_answer(&driver, "0", RUN_PREPARE, STATUS_SUCCEEDED);
    error_set(&message->outcome->error, ERR_UNAVAILABLE, "not now");
    driver_apply(&driver, message);
    g_assert_cmpint(driver_effect(&driver, EFFECT_SLEEP, "0")->at_ms, ==, driver.now_ms + PREPARE_RETRY_MS);
    message = driver_answer(&driver, "0", RUN_PREPARE, STATUS_SUCCEEDED);
    error_set(&message->outcome->error, ERR_UNAVAILABLE, "not now");
    message->outcome->runs = PREPARE_ATTEMPTS_MAX;
    driver_apply(&driver, message);
    assert_status(&driver, "0", STATUS_TERMINAL);
    g_assert_nonnull(strstr(first_error(driver_stage(&driver, "0")), "40 attempts: not now"));
    driver_close(&driver);
    driver_open(&driver, "[{\"type\":\"prepared\",\"tasks\":{\"one\":\"\"}}]");
    driver_act(&driver, MESSAGE_CANCEL_EXECUTION, NULL, NULL);
    driver_apply(&driver, driver_answer(&driver, "0", RUN_PREPARE, STATUS_SUCCEEDED));
    assert_status(&driver, NULL, STATUS_CANCELED);
    driver_close(&driver);
}

/* ---- what a stage sees ---- */
static void test_ancestors(void) {
    Driver driver;
    driver_open(&driver,
                "[" S("1", "", ONE) "," S("2", "", ONE) "," S("3", "\"1\",\"2\"",
                                                              ONE ",\"own\":1,\"before\":[" CHILD("a", ONE) "," CHILD(
                                                                  "b", ONE ",\"chained\":true") "],\"after\":[" CHILD("c", ONE) "]") "]");
    Message *message = driver_answer(&driver, "1", RUN_TASK, STATUS_SUCCEEDED);
    message->outcome->result.outputs = json_pack("{s:s, s:s, s:s}", "x", "of 1", "own", "of 1", "artifacts", "of 1");
    driver_apply(&driver, message);
    message = driver_answer(&driver, "2", RUN_TASK, STATUS_SUCCEEDED);
    message->outcome->result.outputs = json_pack("{s:s}", "x", "of 2");
    driver_apply(&driver, message);
    const Stage *third = driver_stage(&driver, "3"), *child = driver_stage(&driver, "3<2");
    g_assert_cmpstr(json_string(stage_get(driver.execution, third, "x")), ==, "of 1"); /* in list order */
    g_assert_cmpint(json_int(stage_get(driver.execution, third, "own"), 0), ==, 1);
    g_assert_null(stage_get(driver.execution, third, "application"));
    g_assert_cmpstr(json_string(stage_get(driver.execution, child, "own")), ==, "of 1"); /* outputs only, never other contexts */
    g_autoptr(GPtrArray) ancestors = stage_ancestors(driver.execution, child);
    static const char *const expected[] = {"3<2", "3<1", "3", "1", "2"};
    g_assert_cmpuint(ancestors->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < ancestors->len; i++)
        g_assert_cmpstr(((const Stage *)g_ptr_array_index(ancestors, i))->ref_id, ==, expected[i]);
    g_autoptr(GPtrArray) all = stage_get_all(driver.execution, child, "x");
    g_assert_cmpuint(all->len, ==, 2);
    driver_ran(&driver, "3<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "3<2", STATUS_SUCCEEDED);
    driver_ran(&driver, "3", STATUS_SUCCEEDED);
    g_autoptr(GPtrArray) after = stage_ancestors(driver.execution, driver_stage(&driver, "3>1"));
    static const char *const behind[] = {"3>1", "3<1", "3<2", "3", "1", "2"};
    for (guint i = 0; i < after->len; i++)
        g_assert_cmpstr(((const Stage *)g_ptr_array_index(after, i))->ref_id, ==, behind[i]);
    driver_close(&driver);
}

/* A value replaces only the text it was evaluated from. */
static void test_patch_beats_evaluation(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE ",\"a\":1,\"b\":2") "]");
    Message *message = driver_answer(&driver, "1", RUN_TASK, STATUS_RUNNING);
    message->outcome->evaluated_from = json_ref(driver_stage(&driver, "1")->context);
    message->outcome->evaluated = json_pack("{s:i, s:i}", "a", (gint64)10, "b", (gint64)20);
    driver_act(&driver, MESSAGE_PATCH_STAGE, "1", "{\"a\":5,\"c\":null}");
    driver_apply(&driver, message);
    const JsonValue *context = json_root(driver_stage(&driver, "1")->context);
    g_assert_cmpint(json_get_int(context, "a", 0), ==, 5);
    g_assert_cmpint(json_get_int(context, "b", 0), ==, 20);
    driver_close(&driver);
}

/* ---- users ---- */
static void test_cancel_hook(void) {
    Driver driver;
    driver_open(&driver, "[{\"type\":\"cancellable\",\"continuePipeline\":true,\"tasks\":{\"three\":\"\"}}]");
    driver_ran(&driver, "0", STATUS_RUNNING);
    driver_act(&driver, MESSAGE_CANCEL_EXECUTION, NULL, NULL);
    g_assert_true(driver_effect(&driver, EFFECT_WAKE, NULL)->cancel);
    assert_status(&driver, NULL, STATUS_RUNNING);
    driver_due(&driver, "0");
    g_assert_cmpint(driver_effect(&driver, EFFECT_RUN, "0")->run, ==, RUN_TASK_CANCEL);
    driver_apply(&driver, driver_answer(&driver, "0", RUN_TASK_CANCEL, STATUS_SUCCEEDED));
    assert_status(&driver, "0", STATUS_CANCELED); /* whatever its options */
    assert_status(&driver, NULL, STATUS_CANCELED);
    g_assert_cmpint(driver_effect(&driver, EFFECT_RUN, "0")->run, ==, RUN_STAGE_CANCEL);
    g_assert_false(execution_is_settled(driver.execution));
    driver_act(&driver, MESSAGE_RESTART_STAGE, "0", NULL);
    g_assert_error(driver.effects.error, GENNAKER_ERROR, ERR_CONFLICT);
    driver_apply(&driver, driver_answer(&driver, "0", RUN_STAGE_CANCEL, STATUS_SUCCEEDED));
    g_assert_true(execution_is_settled(driver.execution));
    driver_close(&driver);
}

static void test_cancel_paused(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "]");
    driver_act(&driver, MESSAGE_PAUSE_EXECUTION, NULL, NULL);
    driver_ran(&driver, "1", STATUS_RUNNING);
    assert_status(&driver, "1", STATUS_PAUSED);
    driver_act(&driver, MESSAGE_CANCEL_EXECUTION, NULL, NULL);
    assert_status(&driver, NULL, STATUS_CANCELED);
    driver_close(&driver);
}

static void test_manual_skip(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "," S("2", "\"1\"", ONE) "]");
    driver_act(&driver, MESSAGE_PATCH_STAGE, "1", "{\"manualSkip\":true}");
    g_assert_error(driver.effects.error, GENNAKER_ERROR, ERR_INVALID);
    driver_close(&driver);
    driver_open(&driver, "[" S("1", "", ",\"skippable\":true,\"before\":[" CHILD("a", ONE) "]") "," S("2", "\"1\"", ONE) "]");
    g_assert_true(json_is_true(json_get(json_root(driver_stage(&driver, "1")->context), "canManuallySkip")));
    driver_act(&driver, MESSAGE_PATCH_STAGE, "1", "{\"manualSkip\":true}");
    driver_due(&driver, "1<1");
    assert_status(&driver, "1", STATUS_SKIPPED);
    assert_status(&driver, "1<1", STATUS_SKIPPED);
    assert_status(&driver, "2", STATUS_RUNNING);
    driver_close(&driver);
}

static void test_restart(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "," S("2", "\"1\"", ONE ",\"before\":[" CHILD("a", ONE) "]") "," S("3", "\"2\"", ONE) "," S(
                             "4", "", ONE) "]");
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    driver_act(&driver, MESSAGE_RESTART_STAGE, "2", NULL);
    g_assert_error(driver.effects.error, GENNAKER_ERROR, ERR_CONFLICT); /* it runs */
    driver_ran(&driver, "2<1", STATUS_TERMINAL);
    driver_due(&driver, "4");
    assert_status(&driver, "4", STATUS_CANCELED);
    driver_act(&driver, MESSAGE_RESTART_STAGE, "2<1", NULL); /* its top-level stage */
    g_assert_no_error(driver.effects.error);
    assert_status(&driver, NULL, STATUS_RUNNING);
    assert_status(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "2<1", STATUS_RUNNING); /* planned anew */
    g_assert_cmpuint(driver_stage(&driver, "2")->attempt, ==, 2);
    g_assert_nonnull(json_dig(json_root(driver_stage(&driver, "2")->context), "restartDetails", "restartTime", NULL));
    driver_ran(&driver, "2<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "2", STATUS_SUCCEEDED);
    driver_ran(&driver, "3", STATUS_SUCCEEDED);
    assert_status(&driver, "4", STATUS_CANCELED); /* other branches keep theirs, and so the end is the same */
    assert_status(&driver, NULL, STATUS_CANCELED);
    driver_close(&driver);
}

/* What the end of a stage left at work gives up and cleans up before the stage begins anew. */
static void test_restart_waits_for_cleaning_up(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ",\"before\":[" CHILD("a", ONE) "," CHILD("b", ",\"tasks\":{\"three\":\"\"}") "]") "]");
    driver_act(&driver, MESSAGE_CANCEL_EXECUTION, NULL, NULL);
    driver_due(&driver, "1<1");
    assert_status(&driver, NULL, STATUS_CANCELED);
    assert_status(&driver, "1", STATUS_CANCELED);
    assert_status(&driver, "1<2", STATUS_RUNNING);
    driver_act(&driver, MESSAGE_RESTART_STAGE, "1", NULL);
    g_assert_error(driver.effects.error, GENNAKER_ERROR, ERR_CONFLICT);
    driver_due(&driver, "1<2");
    g_assert_cmpint(driver_effect(&driver, EFFECT_RUN, "1<2")->run, ==, RUN_TASK_CANCEL);
    driver_apply(&driver, driver_answer(&driver, "1<2", RUN_TASK_CANCEL, STATUS_SUCCEEDED));
    assert_status(&driver, "1<2", STATUS_CANCELED);
    driver_act(&driver, MESSAGE_RESTART_STAGE, "1", NULL);
    g_assert_no_error(driver.effects.error);
    assert_status(&driver, NULL, STATUS_RUNNING);
    driver_close(&driver);
}

static void test_force_cancel(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE ",\"before\":[" CHILD("a", ONE) "]") "]");
    driver_act(&driver, MESSAGE_FORCE_CANCEL_EXECUTION, NULL, NULL);
    assert_status(&driver, NULL, STATUS_CANCELED);
    assert_status(&driver, "1<1", STATUS_CANCELED);
    g_assert_true(execution_is_settled(driver.execution));
    driver_close(&driver);
}

static void test_orchestration(void) {
    Driver driver;
    driver_open_type(&driver, EXECUTION_ORCHESTRATION,
                     "[{\"type\":\"plain\",\"stageEnabled\":{\"type\":\"expression\",\"expression\":\"false\"},\"tasks\":{\"one\":\"\"}}]");
    assert_status(&driver, "0", STATUS_RUNNING); /* never skipped by a condition */
    driver_close(&driver);
}

static void test_start_expiry(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE ",\"startTimeExpiry\":\"5\"") "," S("2", "\"1\"", ONE) "]");
    assert_status(&driver, "1", STATUS_SKIPPED);
    assert_status(&driver, "2", STATUS_RUNNING);
    driver_close(&driver);
}

static void test_stage_limit(void) {
    Driver driver;
    driver_open(&driver, "[" S("1", "", ONE) "," S("2", "\"1\"", ONE ",\"before\":[" CHILD("a", ONE) "," CHILD("b", ONE) "]") "]");
    driver.execution->next_position = STORE_STAGES_MAX - 1;
    driver_ran(&driver, "1", STATUS_SUCCEEDED);
    assert_status(&driver, "2", STATUS_TERMINAL);
    g_assert_nonnull(strstr(first_error(driver_stage(&driver, "2")), "STORE_STAGES_MAX"));
    driver_close(&driver);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/core/fork_and_join", test_fork_and_join);
    g_test_add_func("/engine/core/empty", test_empty);
    g_test_add_func("/engine/core/unknown_type", test_unknown_type);
    g_test_add_func("/engine/core/full_step", test_full_step);
    g_test_add_func("/engine/core/failure_options", test_failure_options);
    g_test_add_func("/engine/core/other_branches", test_other_branches);
    g_test_add_func("/engine/core/failed_expressions", test_failed_expressions);
    g_test_add_func("/engine/core/tasks_in_order", test_tasks_in_order);
    g_test_add_func("/engine/core/running", test_running);
    g_test_add_func("/engine/core/late_results", test_late_results);
    g_test_add_func("/engine/core/loop", test_loop);
    g_test_add_func("/engine/core/errors", test_errors);
    g_test_add_func("/engine/core/stage_timeout", test_stage_timeout);
    g_test_add_func("/engine/core/task_timeout", test_task_timeout);
    g_test_add_func("/engine/core/paused_time", test_paused_time_does_not_count);
    g_test_add_func("/engine/core/synthetic_order", test_synthetic_order);
    g_test_add_func("/engine/core/child_failure", test_child_failure);
    g_test_add_func("/engine/core/siblings", test_siblings);
    g_test_add_func("/engine/core/on_failure", test_on_failure);
    g_test_add_func("/engine/core/bad_plans", test_bad_plans);
    g_test_add_func("/engine/core/prepare", test_prepare);
    g_test_add_func("/engine/core/ancestors", test_ancestors);
    g_test_add_func("/engine/core/patch_beats_evaluation", test_patch_beats_evaluation);
    g_test_add_func("/engine/core/cancel_hook", test_cancel_hook);
    g_test_add_func("/engine/core/cancel_paused", test_cancel_paused);
    g_test_add_func("/engine/core/manual_skip", test_manual_skip);
    g_test_add_func("/engine/core/restart", test_restart);
    g_test_add_func("/engine/core/restart_waits_for_cleaning_up", test_restart_waits_for_cleaning_up);
    g_test_add_func("/engine/core/force_cancel", test_force_cancel);
    g_test_add_func("/engine/core/orchestration", test_orchestration);
    g_test_add_func("/engine/core/start_expiry", test_start_expiry);
    g_test_add_func("/engine/core/stage_limit", test_stage_limit);
    return g_test_run();
}
