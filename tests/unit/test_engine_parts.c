/* The engine's parts by themselves: the graph of a configuration, JSON and rows, gates, windows, submission, workers. */
#include "base/clock.h"
#include "engine/concurrency.h"
#include "engine/record.h"
#include "engine/runtime_threads.h"
#include "engine/window.h"
#include "engine_driver.h"

/* ---- graph ---- */
static char *graph_messages(const char *text) {
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Json) json = json_parse(text, -1, NULL);
    graph_validate(json_root(json), messages);
    g_ptr_array_add(messages, NULL);
    return g_strjoinv("; ", (char **)messages->pdata);
}

static void test_graph(void) {
    const struct {
        const char *stages, *said;
    } cases[] = {
        {"[]", ""},
        {"[{\"type\":\"a\"},{\"type\":\"b\"}]", ""},
        {"[{\"refId\":\"1\"},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"]}]", ""},
        {"[{\"refId\":1},{\"refId\":2,\"requisiteStageRefIds\":[1]}]", ""},
        {"[{\"refId\":\"1\"},{\"type\":\"x\"}]", "stage 2 (x): refId is missing, but other stages have one"},
        {"[{\"refId\":\"1\",\"name\":\"n\"},{\"refId\":\"1\",\"name\":\"m\"}]", "stage 2 (m): refId \"1\" is used by another stage"},
        {"[{\"refId\":\"1\",\"requisiteStageRefIds\":[\"7\"]}]", "stage \"1\": requisite stage \"7\" does not exist"},
        {"[{\"refId\":\"1\",\"requisiteStageRefIds\":\"1\"}]", "stage \"1\": requisiteStageRefIds is no list"},
        {"[{\"refId\":\"1\",\"requisiteStageRefIds\":[\"1\"]}]", "the stages form a cycle: \"1\" waits for \"1\""},
        {"[{\"refId\":\"0\"},{\"refId\":\"1\",\"requisiteStageRefIds\":[\"0\",\"3\"]},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"]},"
         "{\"refId\":\"3\",\"requisiteStageRefIds\":[\"2\"]},{\"refId\":\"4\",\"requisiteStageRefIds\":[\"3\"]}]",
         "the stages form a cycle: \"1\" waits for \"3\" waits for \"2\" waits for \"1\""},
        {"[1]", "stage 1 is no object"},
        {"{}", "stages is no list"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = graph_messages(cases[i].stages);
        g_assert_cmpstr(said, ==, cases[i].said);
    }
    g_autoptr(GString) many = g_string_new("[{}");
    for (guint i = 0; i < PIPELINE_STAGES_MAX; i++)
        g_string_append(many, ",{}");
    g_string_append_c(many, ']');
    g_autofree char *said = graph_messages(many->str);
    g_assert_nonnull(strstr(said, "PIPELINE_STAGES_MAX"));
}

static void test_linear(void) {
    g_autoptr(Json) stages = json_parse("[{\"type\":\"a\"},{\"type\":\"b\",\"refId\":null},{\"type\":\"c\"}]", -1, NULL);
    g_autoptr(Json) numbered = graph_assign_ref_ids(json_root(stages));
    g_autofree char *text = json_write(json_root(numbered), NULL);
    g_assert_cmpstr(
        text, ==,
        "[{\"type\":\"a\",\"refId\":\"0\",\"requisiteStageRefIds\":[]},{\"type\":\"b\",\"refId\":\"1\",\"requisiteStageRefIds\":[\"0\"]},"
        "{\"type\":\"c\",\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"]}]");
}

static void test_statuses(void) {
    for (guint i = 0; i <= STATUS_CANCELED; i++) {
        Status back = STATUS_NOT_STARTED;
        g_assert_true(status_parse(status_info((Status)i)->name, &back));
        g_assert_cmpuint(back, ==, i);
    }
    Status none;
    g_assert_false(status_parse("DONE", &none));
    g_assert_true(status_info(STATUS_STOPPED)->success && status_info(STATUS_STOPPED)->failure);
    g_assert_false(status_info(STATUS_CANCELED)->success || status_info(STATUS_CANCELED)->failure);
}

/* ---- JSON and rows ---- */
static Execution *reload(const Execution *execution) {
    ExecutionTexts texts;
    execution_texts_fill(&texts, execution, TRUE);
    LoadedExecution loaded = {.record = texts.record, .stages = g_array_new(FALSE, FALSE, sizeof(StageRecord))};
    loaded.record.version--;
    g_array_append_vals(loaded.stages, texts.stages, (guint)texts.n);
    for (guint i = 0; i < loaded.stages->len; i++) /* rows come by position */
        for (guint k = i + 1; k < loaded.stages->len; k++) {
            StageRecord *a = &g_array_index(loaded.stages, StageRecord, i), *b = &g_array_index(loaded.stages, StageRecord, k);
            if (b->position < a->position) {
                StageRecord swapped = *a;
                *a = *b;
                *b = swapped;
            }
        }
    g_autoptr(GError) error = NULL;
    Execution *back = execution_from_loaded(&loaded, &error);
    g_assert_no_error(error);
    g_array_unref(loaded.stages);
    execution_texts_clear(&texts);
    return back;
}

static void test_round_trip(void) {
    Driver driver;
    driver_open(&driver, "[{\"type\":\"both\",\"name\":\"n\",\"startTimeExpiry\":\"9000000\",\"tasks\":{\"one\":\"\"},\"before\":[{"
                         "\"type\":\"plain\",\"name\":\"b\",\"tasks\":{\"one\":\"\"}}],"
                         "\"after\":[{\"type\":\"plain\",\"name\":\"a\",\"tasks\":{\"one\":\"\"}}],\"group\":\"g\"},{\"type\":\"plain\"}]");
    g_autoptr(Execution) preparing = reload(driver.execution);
    g_assert_true(execution_stage_by_ref(preparing, "0")->preparing);
    driver_apply(&driver, driver_answer(&driver, "0", RUN_PREPARE, STATUS_SUCCEEDED));
    driver_ran(&driver, "0<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "0", STATUS_SUCCEEDED);
    driver_ran(&driver, "0>1", STATUS_TERMINAL);
    driver_act(&driver, MESSAGE_PATCH_STAGE, "0", "{\"x\":1}");
    g_autoptr(Execution) back = reload(driver.execution);
    g_autoptr(Json) before = execution_to_json(driver.execution, TRUE), after = execution_to_json(back, TRUE);
    g_autofree char *a = json_write(json_root(before), NULL), *b = json_write(json_root(after), NULL);
    g_assert_cmpstr(a, ==, b); /* order of stages too */
    g_assert_true(execution_stage_by_ref(back, "0")->canceling);
    g_autoptr(Json) list = execution_to_json(driver.execution, FALSE);
    const JsonValue *stage = json_at(json_get(json_root(list), "stages"), 1);
    g_autofree char *context = json_write(json_get(stage, "context"), NULL);
    g_assert_cmpstr(context, ==, "{\"group\":\"g\"}");
    g_assert_cmpuint(json_length(json_get(stage, "tasks")), ==, 0);
    driver_close(&driver);
}

/* ---- gates ---- */
static char *actions_text(GArray *actions) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < actions->len; i++) {
        const GateAction *action = &g_array_index(actions, GateAction, i);
        g_string_append_printf(text, "%s%c%s", text->len ? " " : "", action->start ? '+' : '-', action->id);
    }
    g_array_set_size(actions, 0);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

#define ASSERT_ACTIONS(actions, expected)                                                                                                  \
    G_STMT_START {                                                                                                                         \
        g_autofree char *text_ = actions_text(actions);                                                                                    \
        g_assert_cmpstr(text_, ==, expected);                                                                                              \
    }                                                                                                                                      \
    G_STMT_END

static void test_gate(void) {
    ConcurrencyGate *gate = gate_new();
    g_autoptr(GArray) actions = gate_actions_new();
    g_assert_cmpint(gate_ask(gate, "a", 1, 50), ==, GATE_START);
    g_assert_cmpint(gate_ask(gate, "a", 1, 50), ==, GATE_START); /* who has a place keeps it */
    g_assert_cmpint(gate_ask(gate, "b", 1, 50), ==, GATE_PARK);
    g_assert_cmpint(gate_ask(gate, "b", 1, 50), ==, GATE_PARK);
    g_assert_cmpint(gate_ask(gate, "c", 1, 50), ==, GATE_PARK);
    g_assert_cmpint(gate_ask(gate, "d", 1, 2), ==, GATE_REFUSE);
    g_assert_cmpint(gate_ask(gate, "free", 0, 50), ==, GATE_START); /* no limit of its own, but it counts */
    g_assert_true(gate_left(gate, "a", FALSE, actions));
    ASSERT_ACTIONS(actions, "");
    gate_left(gate, "free", FALSE, actions);
    ASSERT_ACTIONS(actions, "+b");
    g_assert_cmpint(gate_ask(gate, "e", 1, 50), ==, GATE_PARK);
    gate_left(gate, "c", FALSE, actions); /* cancelled while it waited */
    ASSERT_ACTIONS(actions, "");
    g_assert_cmpint(gate_ask(gate, "f", 1, 50), ==, GATE_PARK);
    gate_left(gate, "b", TRUE, actions);
    ASSERT_ACTIONS(actions, "-e +f");
    g_assert_false(gate_left(gate, "b", TRUE, actions));
    gate_left(gate, "f", TRUE, actions);
    g_assert_true(gate_is_empty(gate));
    for (guint i = 0; i < 3; i++) { /* three at a time; whoever comes while others wait goes behind them */
        g_autofree char *id = g_strdup_printf("%u", i);
        g_assert_cmpint(gate_ask(gate, id, 3, 50), ==, GATE_START);
    }
    g_assert_cmpint(gate_ask(gate, "x", 3, 50), ==, GATE_PARK);
    gate_left(gate, "0", FALSE, actions);
    ASSERT_ACTIONS(actions, "+x");
    g_assert_cmpuint(gate_running(gate), ==, 3);
    gate_free(gate);
}

/* ---- windows ---- */
static gint64 at(const char *text) {
    gint64 ms = clock_parse_iso8601(text);
    g_assert_cmpint(ms, >, 0);
    return ms;
}

static void test_window(void) {
    const struct {
        const char *window, *now, *opens; /* opens NULL: open; "": never */
    } cases[] = {
        /* 2026-11-24 is a Tuesday (3). */
        {"{\"whitelist\":[{\"startHour\":13,\"startMin\":0,\"endHour\":14,\"endMin\":0}]}", "2026-11-24T13:00:00Z", NULL},
        {"{\"whitelist\":[{\"startHour\":13,\"startMin\":0,\"endHour\":14,\"endMin\":0}]}", "2026-11-24T14:00:59Z", NULL},
        {"{\"whitelist\":[{\"startHour\":13,\"startMin\":0,\"endHour\":14,\"endMin\":0}]}", "2026-11-24T14:01:00Z", "2026-11-25T13:00:00Z"},
        {"{\"whitelist\":[{\"startHour\":13,\"startMin\":0,\"endHour\":14,\"endMin\":0}]}", "2026-11-24T12:59:59Z", "2026-11-24T13:00:00Z"},
        {"{\"whitelist\":[{\"startHour\":22,\"endHour\":2}],\"days\":[3]}", "2026-11-24T23:00:00Z", NULL},
        {"{\"whitelist\":[{\"startHour\":22,\"endHour\":2}],\"days\":[3]}", "2026-11-24T01:30:00Z", NULL},
        {"{\"whitelist\":[{\"startHour\":22,\"endHour\":2}],\"days\":[3]}", "2026-11-25T01:30:00Z", "2026-12-01T00:00:00Z"},
        {"{\"whitelist\":[{\"startHour\":10,\"startMin\":30,\"endHour\":10,\"endMin\":15}]}", "2026-11-24T10:20:00Z", ""},
        {"{\"days\":[1,7]}", "2026-11-24T10:20:00Z", "2026-11-28T00:00:00Z"},
        {"{\"days\":[1,7]}", "2026-11-28T10:20:00Z", NULL},
    };
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) window = json_parse(cases[i].window, -1, NULL);
        gboolean open = FALSE;
        gint64 opens = 0;
        g_assert_true(window_check(json_root(window), utc, at(cases[i].now), &open, &opens, &error));
        g_assert_cmpint(open, ==, cases[i].opens == NULL);
        if (cases[i].opens)
            g_assert_cmpint(opens, ==, *cases[i].opens ? at(cases[i].opens) : 0);
    }
    g_autoptr(GError) error = NULL;
    gboolean open;
    gint64 opens;
    g_assert_false(window_check(NULL, utc, 1, &open, &opens, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

static void test_window_stage(void) {
    Driver driver;
    driver_open(&driver, "[{\"type\":\"plain\",\"stageTimeoutMs\":1000,\"restrictExecutionDuringTimeWindow\":true,"
                         "\"restrictedExecutionWindow\":{\"whitelist\":[{\"startHour\":0,\"endHour\":23,\"endMin\":59}],"
                         "\"jitter\":{\"enabled\":true,\"minDelay\":1,\"maxDelay\":2}},\"tasks\":{\"one\":\"\"},\"before\":[{\"type\":"
                         "\"plain\",\"name\":\"b\",\"tasks\":{\"one\":\"\"}}]}]");
    const Stage *window = driver_stage(&driver, "0<1");
    g_assert_cmpstr(window->type, ==, "restrictExecutionDuringTimeWindow");
    g_assert_cmpuint(window->tasks->len, ==, 2);
    g_assert_nonnull(json_get(json_root(window->context), "restrictedExecutionWindow"));
    g_assert_null(json_get(json_root(window->context), "stageTimeoutMs"));
    g_assert_cmpstr(driver_stage(&driver, "0<2")->requisites[0], ==, "0<1");
    driver.now_ms += 5000; /* no timeout here, nor for the time it took */
    driver_ran(&driver, "0<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "0<1", STATUS_SUCCEEDED);
    driver_ran(&driver, "0<2", STATUS_SUCCEEDED);
    assert_status(&driver, "0", STATUS_RUNNING);
    g_assert_nonnull(driver_effect(&driver, EFFECT_RUN, "0"));
    driver_close(&driver);
}

/* ---- submission ---- */
static void test_trigger(void) {
    const Principal user = {.user = "u", .roles = (const char *const[]){NULL}};
    g_autoptr(Json) given = json_parse("{\"parameters\":{\"a\":\"x\",\"n\":null,\"more\":1},\"custom\":2}", -1, NULL);
    g_autoptr(Json) config = json_parse(
        "[{\"name\":\"a\",\"default\":\"1\"},{\"name\":\"b\",\"default\":\"2\"},{\"name\":\"n\",\"default\":\"3\"},{\"name\":\"none\"}]",
        -1, NULL);
    g_autoptr(Json) with = submit_parameters(json_root(given), json_root(config));
    g_autofree char *parameters = json_write(json_get(json_root(with), "parameters"), NULL);
    g_assert_cmpstr(parameters, ==, "{\"b\":\"2\",\"a\":\"x\",\"more\":1}");
    g_autoptr(Json) trigger = submit_trigger(json_root(given), &user);
    g_assert_cmpstr(json_get_string(json_root(trigger), "type"), ==, "manual");
    g_assert_cmpstr(json_get_string(json_root(trigger), "user"), ==, "u");
    g_assert_cmpint(json_get_int(json_root(trigger), "custom", 0), ==, 2);
    const Principal nobody = {.user = "anonymous", .roles = (const char *const[]){NULL}, .anonymous = TRUE};
    g_autoptr(Json) anonymous = submit_trigger(NULL, &nobody);
    g_assert_cmpstr(json_get_string(json_root(anonymous), "user"), ==, "[anonymous]");
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) bad = json_parse("{\"executionId\":\"../x\"}", -1, NULL);
    g_assert_null(submit_execution_id(json_root(bad), 1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

/* ---- workers ---- */
typedef struct {
    GMutex lock;
    GCond open;
    gboolean go;
    guint busy, most, done;
} Gatekeeper;

static gboolean hold(gpointer data) {
    Gatekeeper *keeper = data;
    g_mutex_lock(&keeper->lock);
    keeper->busy++;
    keeper->most = MAX(keeper->most, keeper->busy);
    while (!keeper->go)
        g_cond_wait(&keeper->open, &keeper->lock);
    keeper->busy--;
    keeper->done++;
    g_mutex_unlock(&keeper->lock);
    return TRUE;
}

static gboolean unanswered(gpointer data) {
    hold(data);
    return FALSE;
}

static void let_go(Gatekeeper *keeper, guint until) {
    g_mutex_lock(&keeper->lock);
    keeper->go = TRUE;
    g_cond_broadcast(&keeper->open);
    g_mutex_unlock(&keeper->lock);
    for (guint done = 0; done < until; g_usleep(1000)) {
        g_mutex_lock(&keeper->lock);
        done = keeper->done;
        g_mutex_unlock(&keeper->lock);
    }
}

static void test_account_limit(void) {
    Gatekeeper keeper = {.go = FALSE};
    Runtime *runtime = runtime_threads_new(NULL, 0);
    for (guint i = 0; i < 3 * ACCOUNT_BUSY_MAX; i++)
        runtime->run(runtime, LANE_IO, "account", i == 0 ? unanswered : hold, &keeper);
    runtime_threads_start(runtime);
    g_usleep(50000);
    let_go(&keeper, 3 * ACCOUNT_BUSY_MAX);
    g_assert_cmpuint(keeper.most, <=, ACCOUNT_BUSY_MAX);
    keeper.go = FALSE;
    keeper.most = 0;
    runtime->run(runtime, LANE_IO, "account", unanswered, &keeper);
    let_go(&keeper, 3 * ACCOUNT_BUSY_MAX + 1);
    g_usleep(20000);
    keeper.go = FALSE;
    keeper.most = 0;
    for (guint i = 0; i < 3; i++) /* its last call was not answered: one at a time */
        runtime->run(runtime, LANE_IO, "account", hold, &keeper);
    g_usleep(50000);
    g_mutex_lock(&keeper.lock);
    g_assert_cmpuint(keeper.busy, ==, ACCOUNT_BUSY_DISTRUST);
    g_mutex_unlock(&keeper.lock);
    let_go(&keeper, 3 * ACCOUNT_BUSY_MAX + 4);
    g_assert_true(runtime_threads_stop(runtime, 5000));
    runtime_threads_free(runtime);
}

static void count_due(gpointer data) {
    g_atomic_int_inc((gint *)data);
}

static void test_timers(void) {
    gint due = 0;
    Runtime *runtime = runtime_threads_new(NULL, 0);
    runtime_threads_start(runtime);
    gint64 now = runtime->now_ms(runtime);
    guint64 timers[50];
    for (guint i = 0; i < 50; i++)
        timers[i] = runtime->at(runtime, now + 20 + (i * 7) % 50, count_due, &due);
    guint forgotten = 0;
    for (guint i = 0; i < 50; i += 2)
        forgotten += runtime->forget(runtime, timers[i]) ? 1 : 0;
    while (g_atomic_int_get(&due) + (gint)forgotten < 50)
        g_usleep(1000);
    g_usleep(20000);
    g_assert_cmpint(due + (gint)forgotten, ==, 50);
    g_assert_false(runtime->forget(runtime, timers[1]));
    g_assert_true(runtime_threads_stop(runtime, 5000));
    runtime_threads_free(runtime);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/parts/graph", test_graph);
    g_test_add_func("/engine/parts/linear", test_linear);
    g_test_add_func("/engine/parts/statuses", test_statuses);
    g_test_add_func("/engine/parts/round_trip", test_round_trip);
    g_test_add_func("/engine/parts/gate", test_gate);
    g_test_add_func("/engine/parts/window", test_window);
    g_test_add_func("/engine/parts/window_stage", test_window_stage);
    g_test_add_func("/engine/parts/trigger", test_trigger);
    g_test_add_func("/engine/parts/account_limit", test_account_limit);
    g_test_add_func("/engine/parts/timers", test_timers);
    return g_test_run();
}
