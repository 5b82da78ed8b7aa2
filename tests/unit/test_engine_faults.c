/* What the engine does when its surroundings fail or are full, what needs I/O, and messages between executions. */
#include "engine/expressions.h"
#include "engine/runner.h"
#include "engine_testing.h"
#include "store/executions.h"

static gint ran;

static Status pass(TaskContext *context, GError **error) {
    (void)error;
    g_atomic_int_inc(&ran);
    task_set_output(context, "seen", json_get(json_root(context->stage->context), "value"));
    return STATUS_SUCCEEDED;
}

static Status wait_for_go(TaskContext *context, GError **error) {
    (void)error;
    return json_get(json_root(context->stage->context), "go") ? STATUS_SUCCEEDED : task_again_at(context, context->now_ms + 3600 * 1000);
}

static Status odd(TaskContext *context, GError **error) {
    (void)context;
    (void)error;
    return STATUS_NOT_STARTED;
}

typedef struct {
    gint64 number;
} NumberParams;
static const Param number_params[] = {{"number", PARAM_INT, offsetof(NumberParams, number), .required = TRUE}, {.name = NULL}};

static Status show_number(TaskContext *context, GError **error) {
    (void)error;
    g_assert_cmpint(context->deadline_ms - context->now_ms, ==, TASK_RUN_MAX_MS);
    g_autoptr(Json) number = json_from_int(((const NumberParams *)context->params)->number * 2);
    task_set_output_json(context, "twice", number);
    return STATUS_SUCCEEDED;
}

#define TASKS(...) ((const TaskDefinition[]){{__VA_ARGS__}, {.name = NULL}})
static const StageType type_pass = {.type = "pass", .tasks = TASKS(.name = "pass", .run = pass, .no_io = TRUE)};
static const StageType type_go = {.type = "go", .tasks = TASKS(.name = "go", .run = wait_for_go, .no_io = TRUE)};
static const StageType type_odd = {.type = "odd", .tasks = TASKS(.name = "odd", .run = odd)};
static const StageType type_number = {
    .type = "number", .params = number_params, .params_size = sizeof(NumberParams), .tasks = TASKS(.name = "number", .run = show_number)};
static const StageTypes types = {(const StageType *const[]){&type_pass, &type_go, &type_odd, &type_number, NULL}};

#define PIPELINE(stages) "{\"application\":\"a\",\"name\":\"n\",\"spelEvaluator\":\"v4\",\"stages\":[" stages "]}"

/* ---- commits that fail ---- */
static gint failing;
static void (*real_commit)(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data);

static void commit_or_fail(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data) {
    if (g_atomic_int_get(&failing) <= 0) {
        real_commit(runtime, unit, done, data);
        return;
    }
    g_atomic_int_add(&failing, -1);
    store_unit_free(unit);
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_UNAVAILABLE, "the disk is full");
    done(error, data);
}

static void test_commit_fails(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    real_commit = rig.engine->runtime->commit;
    rig.engine->runtime->commit = commit_or_fail;
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = json_parse(PIPELINE("{\"type\":\"pass\"}"), -1, NULL);
    g_atomic_int_set(&failing, 1);
    g_assert_null(engine_start_pipeline(rig.engine, json_root(pipeline), NULL, &tester, NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE); /* nothing was started */
    g_clear_error(&error);
    EngineStatistics statistics;
    engine_statistics(rig.engine, &statistics);
    g_assert_cmpuint(statistics.running, ==, 0);
    ran = 0;
    g_autofree char *id = rig_start(&rig, PIPELINE("{\"type\":\"go\"},{\"type\":\"pass\"}"));
    g_autoptr(Execution) running = rig_wait(&rig, id, "0", STATUS_RUNNING);
    const Stage *stage = execution_stage_by_ref(running, "0");
    g_autoptr(Json) go = json_pack("{s:b}", "go", TRUE);
    g_atomic_int_set(&failing, 1);
    g_assert_false(engine_patch_stage(rig.engine, id, stage->id, json_root(go), &tester, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE); /* who asked is told */
    g_clear_error(&error);
    g_assert_true(engine_patch_stage(rig.engine, id, stage->id, json_root(go), &tester, &error));
    g_atomic_int_set(&failing, 1); /* a task's result is not lost */
    execution_unref(rig_wait(&rig, id, NULL, STATUS_SUCCEEDED));
    g_assert_cmpint(ran, ==, 1);
    rig.engine->runtime->commit = real_commit;
    rig_close(&rig);
}

/* ---- commits of which nobody learns whether they were carried out ---- */
typedef enum { DOUBT_NONE, DOUBT_LOST, DOUBT_CARRIED_OUT } Doubt;
static gint doubts;

typedef struct {
    RuntimeDone done;
    gpointer data;
} Asked;

static void forget_answer(const GError *answer, gpointer data) {
    g_autofree Asked *asked = data;
    g_autoptr(GError) error = NULL;
    g_assert_no_error(answer);
    error_set(&error, ERR_TIMEOUT, "whether a commit was carried out is not known");
    asked->done(error, asked->data);
}

static void commit_in_doubt(Runtime *runtime, gpointer unit, RuntimeDone done, gpointer data) {
    gint doubt = g_atomic_int_get(&doubts);
    g_atomic_int_set(&doubts, DOUBT_NONE);
    if (doubt == DOUBT_CARRIED_OUT) {
        Asked *asked = g_new(Asked, 1);
        *asked = (Asked){done, data};
        real_commit(runtime, unit, forget_answer, asked);
    } else if (doubt == DOUBT_LOST) {
        store_unit_free(unit);
        g_autoptr(GError) error = NULL;
        error_set(&error, ERR_TIMEOUT, "whether a commit was carried out is not known");
        done(error, data);
    } else {
        real_commit(runtime, unit, done, data);
    }
}

#define LIMITED(name)                                                                                                                      \
    "{\"application\":\"a\",\"name\":\"" name "\",\"id\":\"" name "\",\"limitConcurrent\":true,\"keepWaitingPipelines\":true,"             \
    "\"stages\":[{\"type\":\"go\"},{\"type\":\"pass\",\"requisiteStageRefIds\":[\"0\"]}]}"

static void let_go(Rig *rig, const char *id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) running = rig_wait(rig, id, "0", STATUS_RUNNING);
    g_autoptr(Json) go = json_pack("{s:b}", "go", TRUE);
    if (!engine_patch_stage(rig->engine, id, execution_stage_by_ref(running, "0")->id, json_root(go), &tester, &error))
        g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
}

/* Whichever way it went: what runs goes on, who waits has his turn, without a start of the program. */
static void test_commit_in_doubt(void) {
    for (gint doubt = DOUBT_LOST; doubt <= DOUBT_CARRIED_OUT; doubt++) {
        Rig rig = {0};
        rig_open(&rig, &types);
        real_commit = rig.engine->runtime->commit;
        rig.engine->runtime->commit = commit_in_doubt;
        g_autofree char *first = rig_start(&rig, LIMITED("n")), *second = rig_start(&rig, LIMITED("n"));
        execution_unref(rig_wait(&rig, first, "0", STATUS_RUNNING));
        g_atomic_int_set(&doubts, doubt);
        let_go(&rig, first); /* the very patch is in doubt */
        if (doubt == DOUBT_LOST)
            let_go(&rig, first);
        execution_unref(rig_wait(&rig, first, NULL, STATUS_SUCCEEDED));
        execution_unref(rig_wait(&rig, second, "0", STATUS_RUNNING));
        g_autoptr(GError) error = NULL;
        g_atomic_int_set(&doubts, doubt);
        g_assert_false(engine_cancel(rig.engine, second, "tester", NULL, &error)); /* and so is the end of one */
        g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
        g_clear_error(&error);
        g_assert_true(engine_cancel(rig.engine, second, "tester", NULL, &error));
        execution_unref(rig_wait(&rig, second, NULL, STATUS_CANCELED));
        g_autofree char *third = rig_start(&rig, LIMITED("n"));
        execution_unref(rig_wait(&rig, third, "0", STATUS_RUNNING));
        EngineStatistics statistics;
        engine_statistics(rig.engine, &statistics);
        g_assert_cmpuint(statistics.running, ==, 1);
        g_assert_cmpuint(rig.engine->running, ==, 1);
        rig.engine->runtime->commit = real_commit;
        rig_close(&rig);
    }
}

/* A start in doubt that was carried out goes on; one that was not leaves its place to others. */
static void test_insert_in_doubt(void) {
    for (gint doubt = DOUBT_LOST; doubt <= DOUBT_CARRIED_OUT; doubt++) {
        Rig rig = {0};
        rig_open(&rig, &types);
        real_commit = rig.engine->runtime->commit;
        rig.engine->runtime->commit = commit_in_doubt;
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) pipeline = json_parse(LIMITED("n"), -1, NULL);
        g_autoptr(Json) named = json_with_string(json_root(pipeline), "executionId", "in-doubt");
        g_atomic_int_set(&doubts, doubt);
        g_assert_null(engine_start_pipeline(rig.engine, json_root(named), NULL, &tester, NULL, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
        g_autofree char *next = rig_start(&rig, LIMITED("n"));
        if (doubt == DOUBT_CARRIED_OUT) {
            let_go(&rig, "in-doubt");
            execution_unref(rig_wait(&rig, "in-doubt", NULL, STATUS_SUCCEEDED));
        }
        execution_unref(rig_wait(&rig, next, "0", STATUS_RUNNING));
        rig.engine->runtime->commit = real_commit;
        rig_close(&rig);
    }
}

/* ---- answers that are none, parameters that are wrong ---- */
static void test_bad_tasks(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, PIPELINE("{\"type\":\"odd\"}"));
    g_autoptr(Execution) failed = rig_wait(&rig, id, NULL, STATUS_TERMINAL);
    const JsonValue *context = json_root(execution_stage_by_ref(failed, "0")->context);
    g_assert_nonnull(strstr(json_string(json_at(json_dig(context, "exception", "details", "errors", NULL), 0)), "NOT_STARTED"));
    g_autofree char *bad = rig_start(&rig, PIPELINE("{\"type\":\"number\",\"number\":\"x\"}"));
    g_autoptr(Execution) refused = rig_wait(&rig, bad, NULL, STATUS_TERMINAL);
    context = json_root(execution_stage_by_ref(refused, "0")->context);
    g_assert_nonnull(strstr(json_string(json_at(json_dig(context, "exception", "details", "errors", NULL), 0)), "number"));
    g_autofree char *good = rig_start(&rig, PIPELINE("{\"type\":\"number\",\"number\":\"${20 + 1}\"}"));
    g_autoptr(Execution) done = rig_wait(&rig, good, NULL, STATUS_SUCCEEDED);
    g_assert_cmpint(json_get_int(json_root(execution_stage_by_ref(done, "0")->outputs), "twice", 0), ==, 42);
    rig_close(&rig);
}

/* ---- expressions that need I/O are evaluated by a worker ---- */
static gint fetched;

static const ExprValue *fetch(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)arguments;
    (void)n;
    if (!expressions_execution(data)) {
        error_set(error, ERR_INTERNAL, "no execution");
        return NULL;
    }
    g_atomic_int_inc(&fetched);
    return expr_string(context, "fetched");
}

static void test_io_expressions(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, PIPELINE("{\"type\":\"pass\",\"value\":\"${#fetch()}\",\"other\":\"${1 + 1}\"}"));
    g_autoptr(Execution) done = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    const Stage *stage = execution_stage_by_ref(done, "0");
    g_assert_cmpstr(json_get_string(json_root(stage->outputs), "seen"), ==, "fetched");
    g_assert_cmpint(json_get_int(json_root(stage->context), "other", 0), ==, 2);
    g_assert_null(json_get(json_root(stage->context), "expressionEvaluationSummary"));
    g_assert_cmpint(fetched, ==, 1);
    rig_close(&rig);
}

/* ---- between executions ---- */
static void test_parent_restarts(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *parent = rig_start(&rig, PIPELINE("{\"type\":\"pass\"}"));
    g_autoptr(Execution) ended = rig_wait(&rig, parent, NULL, STATUS_SUCCEEDED);
    const char *stage_id = execution_stage_by_ref(ended, "0")->id;
    g_autofree char *text = g_strdup_printf(
        "{\"application\":\"a\",\"name\":\"child\",\"trigger\":{\"type\":\"pipeline\",\"parentPipelineId\":\"%s\","
        "\"parentPipelineStageId\":\"%s\"},\"stages\":[{\"type\":\"pass\"}]}",
        parent, stage_id);
    g_autofree char *child = rig_start(&rig, text);
    g_autoptr(Execution) child_ended = rig_wait(&rig, child, NULL, STATUS_SUCCEEDED);
    g_assert_cmpstr(child_ended->root_id, ==, parent);
    const JsonValue *trigger = json_root(child_ended->trigger);
    g_assert_cmpstr(json_string(json_dig(trigger, "parentExecution", "id", NULL)), ==, parent);
    g_assert_cmpstr(json_get_string(trigger, "parentStatus"), ==, "SUCCEEDED");
    g_assert_true(engine_restart_stage(rig.engine, child, execution_stage_by_ref(child_ended, "0")->id, NULL, "tester", &error));
    for (guint attempt = 1; attempt < 2; g_usleep(1000)) {
        g_autoptr(Execution) again = rig_load(&rig, parent);
        attempt = execution_stage_by_ref(again, "0")->attempt;
    }
    g_autoptr(Execution) again = rig_wait(&rig, parent, NULL, STATUS_SUCCEEDED);
    g_assert_true(json_is_true(json_get(json_root(execution_stage_by_ref(again, "0")->context), "_skipPipelineRestart")));
    rig_close(&rig);
}

/* engine.md 13: one that runs keeps its place; the parent waits for its turn. */
static void test_parent_restart_waits(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *parent = rig_start(&rig, LIMITED("n"));
    let_go(&rig, parent);
    g_autoptr(Execution) ended = rig_wait(&rig, parent, NULL, STATUS_SUCCEEDED);
    g_autofree char *text = g_strdup_printf(
        "{\"application\":\"a\",\"name\":\"child\",\"trigger\":{\"type\":\"pipeline\",\"parentPipelineId\":"
        "\"%s\",\"parentPipelineStageId\":\"%s\"},\"stages\":[{\"type\":\"pass\"}]}",
        parent, execution_stage_by_ref(ended, "1")->id);
    g_autofree char *child = rig_start(&rig, text), *other = rig_start(&rig, LIMITED("n"));
    execution_unref(rig_wait(&rig, other, "0", STATUS_RUNNING));
    g_autoptr(Execution) child_ended = rig_wait(&rig, child, NULL, STATUS_SUCCEEDED);
    g_assert_true(engine_restart_stage(rig.engine, child, execution_stage_by_ref(child_ended, "0")->id, NULL, "tester", &error));
    g_assert_no_error(error);
    g_autoptr(Execution) waiting = rig_wait(&rig, parent, NULL, STATUS_NOT_STARTED);
    g_assert_nonnull(waiting->parked_restart);
    let_go(&rig, other);
    execution_unref(rig_wait(&rig, other, NULL, STATUS_SUCCEEDED));
    g_autoptr(Execution) again = rig_wait(&rig, parent, NULL, STATUS_SUCCEEDED);
    g_assert_cmpuint(execution_stage_by_ref(again, "1")->attempt, ==, 2);
    rig_close(&rig);
}

static gboolean count_rows(const char *recipient_id, gint64 number, const char *body, gpointer data) {
    (void)recipient_id;
    (void)number;
    (void)body;
    ++*(guint *)data;
    return TRUE;
}

/* A message that a crash left in the inbox is handled at the next start; one to nobody is dropped. */
static void test_inbox(void) {
    g_autofree char *folder = g_dir_make_tmp("gennaker-inbox-XXXXXX", NULL);
    Rig rig = {.folder = folder};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = rig_start(&rig, PIPELINE("{\"type\":\"go\"}"));
    execution_unref(rig_wait(&rig, id, "0", STATUS_RUNNING));
    StoreUnit *unit = store_unit_new();
    store_inbox_put(unit, id, "{\"kind\":\"CANCEL_EXECUTION\",\"user\":\"somebody\"}");
    store_inbox_put(unit, "nobody", "{\"kind\":\"CANCEL_EXECUTION\"}");
    store_inbox_put(unit, id, "{\"kind\":\"UNHEARD\"}");
    g_assert_true(store_commit(rig.store, unit, &error));
    rig_close(&rig);
    rig_open(&rig, &types);
    g_autoptr(Execution) canceled = rig_wait(&rig, id, NULL, STATUS_CANCELED);
    g_assert_cmpstr(canceled->canceled_by, ==, "somebody");
    guint rows = 1;
    for (; rows > 0; g_usleep(1000)) {
        rows = 0;
        g_assert_true(store_inbox_each(rig.store, NULL, count_rows, &rows, &error));
    }
    rig_close(&rig);
}

/* engine.md 14.5: what a stage came to is not changed after its end; anything else is. */
static void test_patch_after_end(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autofree char *id = rig_start(&rig, LIMITED("n"));
    let_go(&rig, id);
    g_autoptr(Execution) ended = rig_wait(&rig, id, NULL, STATUS_SUCCEEDED);
    const Stage *stage = execution_stage_by_ref(ended, "0");
    static const struct {
        const char *changes;
        ErrorCode code;
    } CASES[] = {
        {"{\"judgmentStatus\":\"stop\"}", ERR_CONFLICT}, {"{\"exception\":{}}", ERR_CONFLICT}, {"{\"manualSkip\":true}", ERR_CONFLICT}};
    const Principal other = {.user = "other", .roles = (const char *const[]){NULL}};
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) changes = json_parse(CASES[i].changes, -1, NULL);
        g_assert_false(engine_patch_stage(rig.engine, id, stage->id, json_root(changes), &other, &error));
        g_assert_error(error, GENNAKER_ERROR, (gint)CASES[i].code);
        g_assert_nonnull(strstr(error->message, "SUCCEEDED"));
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) note = json_pack("{s:s}", "note", "seen");
    g_assert_true(engine_patch_stage(rig.engine, id, stage->id, json_root(note), &other, &error));
    g_autoptr(Execution) noted = rig_load(&rig, id);
    const Stage *after = execution_stage_by_ref(noted, "0");
    g_assert_cmpstr(json_get_string(json_root(after->context), "note"), ==, "seen");
    g_assert_cmpstr(json_get_string(json_root(after->last_modified), "user"), ==, "tester");
    rig_close(&rig);
}

/* ---- limits ---- */
static void count_answer(const GError *error, gpointer data) {
    guint *answers = data;
    answers[error ? 1 : 0]++;
    if (error) {
        g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
        g_assert_nonnull(strstr(error->message, "MAILBOX_MAX"));
    }
}

static void test_mailbox(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    Store *store = store_open(&(StoreOptions){0}, &error);
    Engine *engine = engine_new(&(EngineOptions){.store = store, .types = &types, .config = config}, &error);
    g_assert_no_error(error);
    guint answers[2] = {0};
    for (guint i = 0; i < MAILBOX_MAX + 3; i++) { /* not started: nothing is handled */
        Letter *letter = letter_new(message_new(MESSAGE_PAUSE_EXECUTION));
        letter->done = count_answer;
        letter->data = answers;
        engine_post(engine, "nobody", letter);
    }
    g_assert_cmpuint(answers[1], ==, 3);
    engine_free(engine);
    store_close(store);
}

static void test_stopping(void) {
    Rig rig = {0};
    rig_open(&rig, &types);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = rig_start(&rig, PIPELINE("{\"type\":\"go\"}"));
    execution_unref(rig_wait(&rig, id, "0", STATUS_RUNNING));
    engine_stop(rig.engine, 1000);
    g_autoptr(Json) pipeline = json_parse(PIPELINE("{\"type\":\"pass\"}"), -1, NULL);
    g_assert_null(engine_start_pipeline(rig.engine, json_root(pipeline), NULL, &tester, NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    g_clear_error(&error);
    g_assert_false(engine_cancel(rig.engine, id, "tester", NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    rig_close(&rig);
}

int main(int argc, char **argv) {
    static const ExprFunction functions[] = {{"fetch", EXPR_IO, 0, 0, fetch, "for this test", FALSE}, {.name = NULL}};
    g_test_init(&argc, &argv, NULL);
    expressions_add_functions(functions);
    g_test_add_func("/engine/faults/commit_fails", test_commit_fails);
    g_test_add_func("/engine/faults/commit_in_doubt", test_commit_in_doubt);
    g_test_add_func("/engine/faults/insert_in_doubt", test_insert_in_doubt);
    g_test_add_func("/engine/faults/parent_restart_waits", test_parent_restart_waits);
    g_test_add_func("/engine/faults/patch_after_end", test_patch_after_end);
    g_test_add_func("/engine/faults/bad_tasks", test_bad_tasks);
    g_test_add_func("/engine/faults/io_expressions", test_io_expressions);
    g_test_add_func("/engine/faults/parent_restarts", test_parent_restarts);
    g_test_add_func("/engine/faults/inbox", test_inbox);
    g_test_add_func("/engine/faults/mailbox", test_mailbox);
    g_test_add_func("/engine/faults/stopping", test_stopping);
    return g_test_run();
}
