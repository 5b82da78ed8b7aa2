/* The engine on a store: start, act, recover, limits, back-off, workers. */
#include "engine/core.h"
#include "engine_testing.h"

/* ---- stage types ---- */
static gint ran, canceled;

static Status pass(TaskContext *context, GError **error) {
    (void)error;
    g_atomic_int_inc(&ran);
    task_set_output(context, "seen", json_get(json_root(context->stage->context), "value"));
    return STATUS_SUCCEEDED;
}

/* Waits for the context key "go". */
static Status wait_for_go(TaskContext *context, GError **error) {
    (void)error;
    task_progress(context, "waiting for go");
    return json_get(json_root(context->stage->context), "go") ? STATUS_SUCCEEDED : task_again_at(context, context->now_ms + 3600 * 1000);
}

/* Blocks until it is told to give up. */
static Status block(TaskContext *context, GError **error) {
    if (cancel_wait(context->cancel, context->deadline_ms - context->now_ms))
        error_set(error, ERR_CANCELLED, "told to give up");
    return STATUS_RUNNING;
}

static Status cleanup(TaskContext *context, GError **error) {
    (void)error;
    g_atomic_int_inc(&canceled);
    g_assert_cmpint(context->deadline_ms - context->now_ms, ==, CANCEL_RUN_MAX_MS);
    task_set_context_string(context, "cleaned", "up");
    return STATUS_SUCCEEDED;
}

static Status fail(TaskContext *context, GError **error) {
    (void)context;
    error_set(error, ERR_INVALID, "this cannot work");
    return STATUS_TERMINAL;
}

static Status fail_twice(TaskContext *context, GError **error) {
    if (context->runs < 2)
        error_set(error, ERR_UNAVAILABLE, "not now");
    return STATUS_SUCCEEDED;
}

static Status look_up(TaskContext *context, GError **error) {
    (void)error;
    task_set_context_string(context, "found", "it");
    return STATUS_SUCCEEDED;
}

#define TASKS(...) ((const TaskDefinition[]){{__VA_ARGS__}, {.name = NULL}})
static const StageType type_pass = {.type = "pass", .tasks = TASKS(.name = "pass", .run = pass, .no_io = TRUE)};
static const StageType type_go = {
    .type = "go", .tasks = TASKS(.name = "go", .run = wait_for_go, .no_io = TRUE), .restart_drops = (const char *const[]){"go", NULL}};
static const StageType type_block = {.type = "block", .tasks = TASKS(.name = "block", .run = block), .on_cancel = cleanup};
static const StageType type_fail = {.type = "fail", .tasks = TASKS(.name = "fail", .run = fail)};
static const StageType type_flaky = {.type = "flaky", .tasks = TASKS(.name = "flaky", .run = fail_twice, .backoff_ms = 5)};
static const StageType type_empty = {.type = "empty", .tasks = TASKS(.name = NULL)};
static const StageType type_prepared = {.type = "prepared", .prepare = look_up, .tasks = TASKS(.name = "pass", .run = pass, .no_io = TRUE)};
static const StageTypes types = {
    (const StageType *const[]){&type_pass, &type_go, &type_block, &type_fail, &type_flaky, &type_prepared, &type_empty, NULL}};

#define STAGE(ref, requisites, type, more) "{\"refId\":\"" ref "\",\"requisiteStageRefIds\":[" requisites "],\"type\":\"" type "\"" more "}"
#define PIPELINE(stages) "{\"application\":\"a\",\"name\":\"n\",\"stages\":[" stages "]}"

static void patch_go(Rig *rig, const Execution *execution, const char *ref_id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) changes = json_pack("{s:b}", "go", TRUE);
    engine_patch_stage(rig->engine, execution->id, execution_stage_by_ref(execution, ref_id)->id, json_root(changes), &tester, &error);
    g_assert_no_error(error);
}

/* ---- tests ---- */
static void test_chain(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(
        &rig,
        "{\"application\":\"a\",\"name\":\"n\",\"stages\":[{\"type\":\"pass\",\"value\":1},{\"type\":\"pass\",\"name\":\"second\"}]}");
    g_autoptr(Execution) execution = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    assert_stage(execution, "0", STATUS_SUCCEEDED);
    assert_stage(execution, "1", STATUS_SUCCEEDED);
    g_assert_cmpstr(execution_stage_by_ref(execution, "1")->requisites[0], ==, "0");
    g_assert_cmpint(json_get_int(json_root(execution_stage_by_ref(execution, "0")->outputs), "seen", 0), ==, 1);
    EngineStatistics statistics;
    engine_statistics(rig.engine, &statistics);
    for (guint tries = 0; statistics.commits < 3 && tries < 1000; tries++) { /* the store shows a commit before it is counted */
        g_usleep(1000);
        engine_statistics(rig.engine, &statistics);
    }
    g_assert_cmpuint(statistics.commits, ==, 3); /* n + 1 for n stages */
    g_assert_cmpuint(statistics.stages_completed, ==, 2);
    rig_close(&rig);
}

static void test_judged(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "go", "") "," STAGE("2", "\"1\"", "pass", "")));
    g_autoptr(Execution) waiting = rig_wait(&rig, id, "1", STATUS_RUNNING);
    g_autoptr(Json) why = engine_why(rig.engine, waiting, clock_now_ms());
    g_assert_cmpuint(json_length(json_root(why)), ==, 4); /* the execution, both stages and a task */
    patch_go(&rig, waiting, "1");
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    const Stage *judged = execution_stage_by_ref(done, "1");
    g_assert_cmpstr(json_get_string(json_root(judged->context), "lastModifiedBy"), ==, "tester");
    g_assert_cmpstr(json_get_string(json_root(judged->last_modified), "user"), ==, "tester");
    g_assert_null(json_get(json_root(judged->context), "_progress"));
    rig_close(&rig);
}

static void test_cancel_blocked(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    canceled = 0;
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "block", "") "," STAGE("2", "\"1\"", "pass", "")));
    execution_unref(rig_wait(&rig, id, "1", STATUS_RUNNING));
    g_autoptr(GError) error = NULL;
    g_assert_true(engine_cancel(rig.engine, id, "tester", "enough", &error));
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_CANCELED);
    assert_stage(done, "1", STATUS_CANCELED);
    assert_stage(done, "2", STATUS_NOT_STARTED);
    g_assert_true(done->canceled);
    g_assert_cmpstr(done->canceled_by, ==, "tester");
    g_assert_cmpstr(done->cancellation_reason, ==, "enough");
    while (TRUE) {
        g_autoptr(Execution) later = rig_load(&rig, id);
        if (execution_is_settled(later)) {
            g_assert_cmpstr(json_get_string(json_root(execution_stage_by_ref(later, "1")->context), "cleaned"), ==, "up");
            break;
        }
        g_usleep(1000);
    }
    g_assert_cmpint(canceled, ==, 1);
    g_assert_true(engine_delete(rig.engine, id, &error));
    g_assert_null(engine_load(rig.engine, id, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    rig_close(&rig);
}

static void test_pause(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "go", "")));
    execution_unref(rig_wait(&rig, id, "1", STATUS_RUNNING));
    g_assert_false(engine_resume(rig.engine, id, "tester", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(engine_pause(rig.engine, id, "tester", &error));
    g_autoptr(Execution) paused = rig_wait(&rig, id, "1", STATUS_PAUSED);
    g_assert_cmpint(paused->status, ==, STATUS_PAUSED);
    g_assert_false(engine_delete(rig.engine, id, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(engine_resume(rig.engine, id, "tester", &error));
    g_autoptr(Execution) resumed = rig_wait(&rig, id, "1", STATUS_RUNNING);
    patch_go(&rig, resumed, "1");
    execution_unref(rig_wait(&rig, id, NULL, STATUS_SUCCEEDED));
    rig_close(&rig);
}

static void test_failure_and_restart(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = rig_start(
        &rig, PIPELINE(STAGE("1", "", "go", "") "," STAGE("2", "\"1\"", "fail", "") "," STAGE("3", "\"2\"", "pass", "")));
    g_autoptr(Execution) running = rig_wait(&rig, id, "1", STATUS_RUNNING);
    patch_go(&rig, running, "1");
    g_autoptr(Execution) failed = rig_wait(&rig, id, NULL, STATUS_TERMINAL);
    assert_stage(failed, "2", STATUS_TERMINAL);
    assert_stage(failed, "3", STATUS_NOT_STARTED);
    const JsonValue *exception = json_get(json_root(execution_stage_by_ref(failed, "2")->context), "exception");
    g_assert_cmpstr(json_get_string(json_get(exception, "details"), "error"), ==, "Unexpected Task Failure");
    g_assert_cmpstr(json_string(json_at(json_dig(exception, "details", "errors", NULL), 0)), ==, "this cannot work");
    g_assert_cmpstr(json_get_string(exception, "operation"), ==, "fail");
    g_assert_true(engine_restart_stage(rig.engine, id, execution_stage_by_ref(failed, "1")->id, NULL, "tester", &error));
    g_autoptr(Execution) again = rig_wait(&rig, id, "1", STATUS_RUNNING);
    const Stage *first = execution_stage_by_ref(again, "1");
    g_assert_cmpuint(first->attempt, ==, 2);
    g_assert_null(json_get(json_root(first->context), "go"));
    g_assert_cmpstr(json_string(json_dig(json_root(first->context), "restartDetails", "restartedBy", NULL)), ==, "tester");
    assert_stage(again, "2", STATUS_NOT_STARTED);
    g_assert_true(engine_cancel(rig.engine, id, "tester", NULL, &error));
    execution_unref(rig_wait(&rig, id, NULL, STATUS_CANCELED));
    rig_close(&rig);
}

static void test_retry_and_prepare(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "flaky", "") "," STAGE("2", "\"1\"", "prepared", "")));
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    g_assert_cmpstr(json_get_string(json_root(execution_stage_by_ref(done, "2")->context), "found"), ==, "it");
    rig_close(&rig);
}

static void test_expressions(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(
        &rig, "{\"application\":\"a\",\"name\":\"n\",\"spelEvaluator\":\"v4\",\"parameterConfig\":[{\"name\":\"p\",\"default\":\"x\"}],"
              "\"stages\":[" STAGE("1", "", "pass", ",\"name\":\"first\",\"value\":\"${parameters.p}\"") "," STAGE(
                  "2", "\"1\"", "pass", ",\"value\":\"${seen}-${#stage('first').status}-${missing}\"") "]}");
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    g_assert_cmpstr(json_get_string(json_root(execution_stage_by_ref(done, "1")->outputs), "seen"), ==, "x");
    const JsonValue *second = json_root(execution_stage_by_ref(done, "2")->context);
    g_assert_cmpstr(json_get_string(second, "value"), ==, "x-SUCCEEDED-${missing}");
    g_assert_cmpuint(json_length(json_get(second, "expressionEvaluationSummary")), >=, 1);
    rig_close(&rig);
}

static void test_conditions(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(
        &rig,
        PIPELINE(STAGE("1", "", "pass", ",\"stageEnabled\":{\"type\":\"expression\",\"expression\":\"1 > 2\"}") "," STAGE(
            "2", "\"1\"", "pass",
            ",\"stageEnabled\":{\"type\":\"expression\",\"expression\":\"2 > 1\"}") "," STAGE("3", "\"1\"", "pass",
                                                                                              ",\"stageEnabled\":{\"type\":\"expression\","
                                                                                              "\"expression\":\"nonsense(\"}")));
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    assert_stage(done, "1", STATUS_SKIPPED);
    assert_stage(done, "2", STATUS_SUCCEEDED);
    assert_stage(done, "3", STATUS_SKIPPED);
    rig_close(&rig);
}

static char *start_limited(Rig *rig, gboolean keep) {
    g_autofree char *text = g_strdup_printf("{\"application\":\"a\",\"name\":\"n\",\"id\":\"config\",\"limitConcurrent\":true,"
                                            "\"keepWaitingPipelines\":%s,\"stages\":[{\"type\":\"go\"}]}",
                                            keep ? "true" : "false");
    return rig_start(rig, text);
}

static void test_limit_keeps(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *a = start_limited(&rig, TRUE), *b = start_limited(&rig, TRUE), *c = start_limited(&rig, TRUE);
    const char *order[] = {a, b, c};
    for (guint i = 0; i < 3; i++) {
        g_autoptr(Execution) running = rig_wait(&rig, order[i], "0", STATUS_RUNNING);
        for (guint k = i + 1; k < 3; k++) {
            g_autoptr(Execution) waiting = rig_load(&rig, order[k]);
            g_assert_cmpint(waiting->status, ==, STATUS_NOT_STARTED);
        }
        patch_go(&rig, running, "0");
        execution_unref(rig_wait(&rig, order[i], NULL, STATUS_SUCCEEDED));
    }
    rig_close(&rig);
}

/* A restart that begins and ends in one step gives its place to the next all the same. */
static void test_limit_after_short_restart(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *short_one = rig_start(&rig, "{\"application\":\"a\",\"name\":\"n\",\"id\":\"config\",\"limitConcurrent\":true,"
                                                 "\"stages\":[{\"type\":\"empty\"}]}");
    g_autoptr(Execution) ended = rig_wait(&rig, short_one, NULL, STATUS_SUCCEEDED);
    g_assert_true(engine_restart_stage(rig.engine, short_one, execution_stage_by_ref(ended, "0")->id, NULL, "tester", &error));
    g_assert_no_error(error);
    g_autofree char *next = start_limited(&rig, TRUE);
    execution_unref(rig_wait(&rig, next, "0", STATUS_RUNNING));
    rig_close(&rig);
}

static void test_limit_purges(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *a = start_limited(&rig, FALSE), *b = start_limited(&rig, FALSE), *c = start_limited(&rig, FALSE);
    g_autoptr(Execution) running = rig_wait(&rig, a, "0", STATUS_RUNNING);
    patch_go(&rig, running, "0");
    g_autoptr(Execution) superseded = rig_wait(&rig, b, NULL, STATUS_CANCELED);
    g_assert_cmpstr(superseded->canceled_by, ==, "spinnaker");
    g_autoptr(Execution) last = rig_wait(&rig, c, "0", STATUS_RUNNING);
    patch_go(&rig, last, "0");
    execution_unref(rig_wait(&rig, c, NULL, STATUS_SUCCEEDED));
    rig_close(&rig);
}

static void test_correlation(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    const char *text = "{\"application\":\"a\",\"name\":\"n\",\"trigger\":{\"correlationId\":\"c\"},\"stages\":[{\"type\":\"go\"}]}";
    g_autofree char *a = rig_start(&rig, text), *b = rig_start(&rig, text);
    g_assert_cmpstr(a, ==, b);
    g_autoptr(Execution) running = rig_wait(&rig, a, "0", STATUS_RUNNING);
    patch_go(&rig, running, "0");
    execution_unref(rig_wait(&rig, a, NULL, STATUS_SUCCEEDED));
    while (TRUE) {
        g_autofree char *c = rig_start(&rig, text);
        if (strcmp(a, c) != 0)
            break;
    }
    rig_close(&rig);
}

static void test_refused(void) {
    static const char *const bad[] = {
        PIPELINE(STAGE("1", "\"2\"", "pass", "") "," STAGE("2", "\"1\"", "pass", "")),
        PIPELINE(STAGE("1", "\"9\"", "pass", "")),
        PIPELINE(STAGE("1", "", "pass", "") "," STAGE("1", "", "pass", "")),
        PIPELINE(STAGE("1", "", "nothing", "")),
        "{\"application\":\"a\",\"stages\":{}}",
        "[]",
    };
    static const char *const said[] = {"cycle",   "\"9\" does not exist", "used by another stage", "no stage type \"nothing\"",
                                       "no list", "no JSON object"};
    Rig rig = {0};
    rig_open(&rig, &types);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) pipeline = json_parse(bad[i], -1, NULL);
        g_autofree char *failed = NULL;
        g_assert_null(engine_start_pipeline(rig.engine, json_root(pipeline), NULL, &tester, &failed, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        g_assert_nonnull(strstr(error->message, said[i]));
        g_assert_true(!failed == !json_is_object(json_root(pipeline)));
        g_autoptr(Execution) kept = failed ? rig_load(&rig, failed) : NULL;
        g_assert_true(!kept || strstr(kept->cancellation_reason, said[i]));
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) disabled = json_parse("{\"application\":\"a\",\"name\":\"n\",\"disabled\":true,\"stages\":[]}", -1, NULL);
    g_autofree char *failed = NULL;
    g_assert_null(engine_start_pipeline(rig.engine, json_root(disabled), NULL, &tester, &failed, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_autoptr(Execution) recorded = rig_load(&rig, failed);
    g_assert_cmpint(recorded->status, ==, STATUS_TERMINAL);
    g_assert_cmpstr(recorded->cancellation_reason, ==, "Failed on startup: Pipeline is disabled and cannot be started.");
    rig_close(&rig);
}

static void test_orchestration(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) task = json_parse(
        "{\"application\":\"a\",\"description\":\"d\",\"job\":[{\"type\":\"pass\",\"value\":\"v\"},{\"type\":\"unheard\"}]}", -1, NULL);
    g_autofree char *id = engine_start_orchestration(rig.engine, json_root(task), &tester, &error);
    g_assert_no_error(error);
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_TERMINAL);
    assert_stage(done, "0", STATUS_SUCCEEDED);
    assert_stage(done, "1", STATUS_TERMINAL);
    g_autoptr(Json) view = orchestration_to_task_json(done);
    g_assert_cmpstr(json_get_string(json_root(view), "name"), ==, "d");
    g_assert_cmpuint(json_length(json_get(json_root(view), "steps")), ==, 1);
    g_autoptr(Json) empty = json_parse("{\"application\":\"a\"}", -1, NULL);
    g_autofree char *nothing = engine_start_orchestration(rig.engine, json_root(empty), &tester, &error);
    execution_unref(rig_wait(&rig, nothing, NULL, STATUS_TERMINAL));
    rig_close(&rig);
}

/* What was unfinished goes on, as far as it had come, and what waited for its turn still gets it. */
static void test_reopen(void) {
    g_autofree char *folder = g_dir_make_tmp("gennaker-engine-XXXXXX", NULL);
    Rig rig = {.folder = folder};
    rig_open(&rig, &types);
    ran = 0;
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "pass", "") "," STAGE("2", "\"1\"", "go", "") "," STAGE(
                                              "3", "\"1\"", "block", "") "," STAGE("4", "\"2\"", "pass", "")));
    g_autofree char *a = start_limited(&rig, TRUE), *b = start_limited(&rig, TRUE);
    execution_unref(rig_wait(&rig, id, "2", STATUS_RUNNING));
    execution_unref(rig_wait(&rig, a, "0", STATUS_RUNNING));
    engine_stop(rig.engine, 20); /* the blocked task is told to give up and its answer does not count */
    rig_close(&rig);
    rig_open(&rig, &types);
    g_autoptr(Execution) again = rig_wait(&rig, id, "3", STATUS_RUNNING);
    assert_stage(again, "1", STATUS_SUCCEEDED);
    patch_go(&rig, again, "2");
    execution_unref(rig_wait(&rig, id, "4", STATUS_SUCCEEDED));
    g_assert_cmpint(ran, ==, 2);
    g_autoptr(Execution) limited = rig_wait(&rig, a, "0", STATUS_RUNNING);
    g_autoptr(Execution) waiting = rig_load(&rig, b);
    g_assert_cmpint(waiting->status, ==, STATUS_NOT_STARTED);
    patch_go(&rig, limited, "0");
    execution_unref(rig_wait(&rig, b, "0", STATUS_RUNNING));
    g_autoptr(GError) error = NULL;
    g_assert_true(engine_cancel(rig.engine, id, "tester", NULL, &error));
    execution_unref(rig_wait(&rig, id, NULL, STATUS_CANCELED));
    rig_close(&rig);
}

/* An execution that waits need not be in memory. */
static void test_evicted(void) {
    Rig rig = {.loaded_bytes_max = 1};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, PIPELINE(STAGE("1", "", "go", "") "," STAGE("2", "\"1\"", "pass", "")));
    g_autoptr(Execution) running = rig_wait(&rig, id, "1", STATUS_RUNNING);
    EngineStatistics statistics = {.loaded_bytes = 1};
    while (statistics.loaded_bytes > 0)
        engine_statistics(rig.engine, &statistics);
    g_assert_cmpuint(statistics.running, ==, 1);
    patch_go(&rig, running, "1");
    execution_unref(rig_wait(&rig, id, NULL, STATUS_SUCCEEDED));
    rig_close(&rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/runner/chain", test_chain);
    g_test_add_func("/engine/runner/judged", test_judged);
    g_test_add_func("/engine/runner/cancel_blocked", test_cancel_blocked);
    g_test_add_func("/engine/runner/pause", test_pause);
    g_test_add_func("/engine/runner/failure_and_restart", test_failure_and_restart);
    g_test_add_func("/engine/runner/retry_and_prepare", test_retry_and_prepare);
    g_test_add_func("/engine/runner/expressions", test_expressions);
    g_test_add_func("/engine/runner/conditions", test_conditions);
    g_test_add_func("/engine/runner/limit_keeps", test_limit_keeps);
    g_test_add_func("/engine/runner/limit_purges", test_limit_purges);
    g_test_add_func("/engine/runner/limit_after_short_restart", test_limit_after_short_restart);
    g_test_add_func("/engine/runner/correlation", test_correlation);
    g_test_add_func("/engine/runner/refused", test_refused);
    g_test_add_func("/engine/runner/orchestration", test_orchestration);
    g_test_add_func("/engine/runner/reopen", test_reopen);
    g_test_add_func("/engine/runner/evicted", test_evicted);
    return g_test_run();
}
