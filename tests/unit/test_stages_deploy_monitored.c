/* Monitored deployments: their stages, what the monitor is told, and what each of its answers does (deploy-strategies.md 3, monitored). */
#include "deploy_house.h"
#include "net_rig.h"
#include "stages/deploy/monitor/monitor.h"

/* ---- a monitor that answers by a script ---- */

static struct {
    GMutex lock;
    const char *const *answers; /* one per call; the last one is said again */
    GString *heard;             /* "starting 0, evaluateHealth 50 …" */
    GString *last;              /* the last request whole */
} monitor;

static const char *next_answer(void) {
    const char *answer = monitor.answers[0];
    if (monitor.answers[1] != NULL)
        monitor.answers++;
    return answer;
}

static void note(const char *request) {
    g_auto(GStrv) line = g_strsplit(request, " ", 3);
    const char *body = strstr(request, "\r\n\r\n");
    g_autoptr(Json) json = json_parse(body, -1, NULL);
    const char *status = json_get_string(json_root(json), "status"), *rollback = json_get_string(json_root(json), "rollback");
    g_string_append_printf(monitor.heard, "%s%s", monitor.heard->len > 0 ? ", " : "", strrchr(line[1], '/') + 1);
    if (status != NULL)
        g_string_append_printf(monitor.heard, " %s%s%s", status, rollback != NULL ? " rollback " : "", rollback != NULL ? rollback : "");
    else
        g_string_append_printf(monitor.heard, " %d", (int)json_get_int(json_root(json), "currentProgress", -1));
    g_string_assign(monitor.last, request);
}

/* An answer is a status code, or a body. */
static void serve(int fd, guint number) {
    (void)number;
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_true(raw_read_until(fd, "\r\n\r\n", got, 10000) && raw_read_until(fd, "}", got, 10000));
    g_mutex_lock(&monitor.lock);
    note(got->str);
    const char *answer = next_answer();
    g_mutex_unlock(&monitor.lock);
    gboolean is_code = g_ascii_isdigit(*answer);
    g_autofree char *text = g_strdup_printf("HTTP/1.1 %s X\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: "
                                            "close\r\n\r\n%s",
                                            is_code ? answer : "200", is_code ? 0 : (int)strlen(answer), is_code ? "" : answer);
    raw_write(fd, text);
}

typedef struct {
    House house;
    RawPeer peer;
} Watched;

static void configure(House *house, const char *yaml) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("orca.yml", yaml, -1, &error);
    g_assert_no_error(error);
    g_assert_true(stages_check_config(config, &error));
    services_set_config(&house->services, config);
}

static void watched_start(Watched *watched, const char *const *answers, const char *more) {
    g_autoptr(GError) error = NULL;
    monitor.answers = answers;
    monitor.heard = g_string_new(NULL);
    monitor.last = g_string_new(NULL);
    raw_peer_start(&watched->peer, serve);
    house_build(&watched->house);
    watched->house.http = http_client_new(&error);
    watched->house.services.http = watched->house.http;
    g_autofree char *yaml = g_strdup_printf("monitored-deploy:\n  enabled: true\n  deployment-monitors:\n    - id: mon\n      name: Watch\n"
                                            "      base-url: http://127.0.0.1:%u/v1\n%s",
                                            watched->peer.port, more);
    configure(&watched->house, yaml);
}

static void watched_end(Watched *watched) {
    house_leave(&watched->house);
    http_client_free(watched->house.http);
    raw_peer_end(&watched->peer);
    g_string_free(monitor.heard, TRUE);
    g_string_free(monitor.last, TRUE);
}

/* A minute between two questions is passed over: whatever waits is woken. */
static Execution *run_watched(Watched *watched, const char *stages, const char *status) {
    g_autofree char *id = start(&watched->house, stages);
    Engine *engine = watched->house.services.engine;
    for (guint i = 0; i < 1000; i++) {
        g_autoptr(Execution) execution = engine_load(engine, id, NULL);
        if (status_info(execution->status)->complete) {
            show(execution);
            g_assert_cmpstr(status_info(execution->status)->name, ==, status);
            return g_steal_pointer(&execution);
        }
        for (guint k = 0; k < execution->stages->len; k++) {
            const Stage *stage = execution->stages->pdata[k];
            if (stage->status == STATUS_RUNNING && strstr(stage->name, "deploy") != NULL)
                engine_wake_stage(engine, id, stage->id);
        }
        g_usleep(20000);
    }
    g_assert_not_reached();
}

static void assert_heard(const char *expected) {
    g_mutex_lock(&monitor.lock);
    g_assert_cmpstr(monitor.heard->str, ==, expected);
    g_mutex_unlock(&monitor.lock);
}

static void assert_children(const Execution *execution, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    const Stage *maker = NULL;
    for (guint i = 0; maker == NULL && i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->type, "createServerGroup") == 0)
            maker = execution->stages->pdata[i];
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        if (g_strcmp0(stage->parent_id, maker->id) == 0 && stage->owner == OWNER_AFTER)
            g_string_append_printf(text, "%s%s", text->len > 0 ? " | " : "", stage->name);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static const Stage *typed(const Execution *execution, const char *type) {
    for (guint i = 0; i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->type, type) == 0)
            return execution->stages->pdata[i];
    g_error("no stage of type %s", type);
}

#define MONITORED                                                                                                                          \
    ",\"strategy\":\"monitored\",\"deploySteps\":[{\"percentage\":50}],\"deploymentMonitor\":{\"id\":\"mon\",\"parameters\":{\"a\":1}}"
#define GO "{\"nextStep\":{\"directive\":\"continue\"}}"
#define WAIT "{\"nextStep\":{\"directive\":\"wait\"},\"statusReason\":{\"summary\":\"too early\"}}"
#define ABORT "{\"nextStep\":{\"directive\":\"abort\"},\"statusReason\":\"errors rise\"}"

/* ---- whole runs ---- */

static void test_goes_on(void) {
    static const char *const ANSWERS[] = {GO, WAIT, GO, GO, GO, NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    outside_add("here", "orders-main-v000", (Capacity){1, 6, 4});
    g_autoptr(Execution)
        execution = run_watched(&watched, DEPLOY(MONITORED ",\"maxRemainingAsgs\":1,\"rollback\":{\"onFailure\":true}"), "SUCCEEDED");
    assert_children(execution,
                    "Determine Deployed Server Group | Pin orders-main-v000 | Notify monitored deploy starting | Grow to 50% of "
                    "Desired Size | Disable 50% of Traffic on orders-main-v000 | Evaluate health of deployed instances | Grow to "
                    "100% of Desired Size | Disable 100% of Traffic on orders-main-v000 | Evaluate health of deployed instances | "
                    "Unpin orders-main-v001 | Unpin orders-main-v000 | shrinkCluster | Notify monitored deploy complete");
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 4/6/4, resize orders-main-v001, "
                 "= 2/2/2, disable orders-main-v000, = 50%, resize orders-main-v001, = 4/4/4, disable orders-main-v000, resize "
                 "orders-main-v001, = 1/6/4, resize orders-main-v000, = 1/6/4, destroy orders-main-v000");
    assert_heard("starting 0, evaluateHealth 50, evaluateHealth 50, evaluateHealth 100, completed success");
    const Stage *maker = typed(execution, "createServerGroup");
    g_assert_null(json_get(json_root(maker->context), "rollback"));
    const char *body = strstr(monitor.last->str, "\r\n\r\n");
    g_autoptr(Json) told = json_parse(body, -1, NULL);
    g_autofree char *parameters = json_write(json_get(json_root(told), "parameters"), NULL);
    g_assert_cmpstr(json_get_string(json_root(told), "application"), ==, "orders");
    g_assert_cmpstr(json_get_string(json_root(told), "executionId"), ==, execution->id);
    g_assert_cmpstr(json_get_string(json_root(told), "deploymentId"), ==, maker->id);
    g_assert_cmpstr(json_get_string(json_root(told), "newServerGroup"), ==, "orders-main-v001");
    g_assert_cmpstr(json_get_string(json_root(told), "oldServerGroup"), ==, "orders-main-v000");
    g_assert_cmpstr(json_get_string(json_root(told), "account"), ==, "prod");
    g_assert_cmpstr(json_get_string(json_root(told), "region"), ==, "here");
    g_assert_cmpstr(json_get_string(json_root(told), "cloudProvider"), ==, "test");
    g_assert_cmpstr(parameters, ==, "{\"a\":1}");
    g_assert_nonnull(strstr(monitor.last->str, "POST /v1/deployment/completed"));
    watched_end(&watched);
}

static void test_aborts(void) {
    static const char *const ANSWERS[] = {GO, ABORT, GO, NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    outside_add("here", "orders-main-v000", (Capacity){1, 2, 2});
    g_autoptr(Execution) execution = run_watched(
        &watched, DEPLOY(MONITORED ",\"failureActions\":{\"rollback\":\"Automatic\",\"destroyInstances\":true}"), "TERMINAL");
    g_autofree char *exception = json_write(json_get(json_root(typed(execution, STAGE_MONITOR_EVALUATE)->context), "exception"), NULL);
    g_assert_nonnull(strstr(exception, "deployment monitor Watch aborts the deployment: errors rise"));
    assert_children(execution,
                    "Determine Deployed Server Group | Pin orders-main-v000 | Notify monitored deploy starting | Grow to 50% of "
                    "Desired Size | Disable 50% of Traffic on orders-main-v000 | Evaluate health of deployed instances | Rollback "
                    "orders-main | Destroy orders-main-v001 | Unpin orders-main-v000 | Notify monitored deploy complete");
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 2/2/2, resize orders-main-v001, "
                 "= 1/1/1, disable orders-main-v000, = 50%, enable orders-main-v000, disable orders-main-v001, destroy orders-main-v001, "
                 "resize orders-main-v000, = 1/2/2");
    assert_heard("starting 0, evaluateHealth 50, completed failure rollback success");
    watched_end(&watched);
}

/* No source: nothing to go back to, nothing happens on failure. */
static void test_first_one_aborts(void) {
    static const char *const ANSWERS[] = {ABORT, NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    g_autoptr(Execution)
        execution G_GNUC_UNUSED = run_watched(&watched, DEPLOY(MONITORED ",\"failureActions\":{\"rollback\":\"Manual\"}"), "TERMINAL");
    assert_heard("starting 0");
    assert_calls("create orders-main-v000 0/0/0 image-1 after (null)");
    watched_end(&watched);
}

/* Errors of the monitor: three repetitions; then failOnError decides, and the stage's own word goes before it. */
static void test_errors(void) {
    static const char *const DOWN[] = {"503", NULL}, *const NONSENSE[] = {"{\"nextStep\":{\"directive\":\"dance\"}}", NULL};
    static const char *const SHAKY[] = {"500", "500", "500", GO, NULL};
    static const struct {
        const char *const *answers;
        const char *config, *override, *status, *heard;
    } CASES[] = {
        {DOWN, "", "", "TERMINAL", "starting 0, starting 0, starting 0, starting 0"},
        {NONSENSE, "", "", "TERMINAL", "starting 0"},
        {SHAKY, "", "", "SUCCEEDED", "starting 0, starting 0, starting 0, starting 0, evaluateHealth 100, completed success"},
        {NONSENSE, "      fail-on-error: false\n", "", "SUCCEEDED", "starting 0, evaluateHealth 100, completed success"},
        {NONSENSE, "", ",\"failOnErrorOverride\":false", "SUCCEEDED", "starting 0, evaluateHealth 100, completed success"},
        {NONSENSE, "      fail-on-error: false\n", ",\"failOnErrorOverride\":true", "TERMINAL", "starting 0"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Watched watched;
        watched_start(&watched, CASES[i].answers, CASES[i].config);
        g_autofree char *stages = g_strdup_printf(DEPLOY(",\"strategy\":\"monitored\",\"deploymentMonitor\":{\"id\":\"mon\"%s}"),
                                                  CASES[i].override);
        g_autoptr(Execution) execution G_GNUC_UNUSED = run_watched(&watched, stages, CASES[i].status);
        assert_heard(CASES[i].heard);
        watched_end(&watched);
    }
}

/* The end cannot fail any more. */
static void test_completed_never_fails(void) {
    static const char *const ANSWERS[] = {GO, GO, "500", NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    g_autoptr(Execution)
        execution = run_watched(&watched, DEPLOY(",\"strategy\":\"monitored\",\"deploymentMonitor\":{\"id\":\"mon\"}"), "SUCCEEDED");
    g_assert_cmpint(typed(execution, STAGE_MONITOR_COMPLETED)->status, ==, STATUS_SUCCEEDED);
    watched_end(&watched);
}

static void test_without_monitor(void) {
    static const char *const ANSWERS[] = {GO, NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    outside_add("here", "orders-main-v000", (Capacity){1, 2, 2});
    g_autoptr(Execution)
        execution = run_watched(&watched, DEPLOY(",\"strategy\":\"monitored\",\"deploySteps\":[100],\"scaleDown\":true"), "SUCCEEDED");
    assert_children(execution, "Determine Deployed Server Group | Pin orders-main-v000 | Grow to 100% of Desired Size | Disable 100% of "
                               "Traffic on orders-main-v000 | Unpin orders-main-v001 | scaleDown");
    g_assert_true(json_is_true(json_get(json_root(typed(execution, "scaleDownCluster")->context), "continuePipeline")));
    assert_heard("");
    watched_end(&watched);
}

static void test_refused(void) {
    static const char *const ANSWERS[] = {GO, NULL};
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    run_failing(&watched.house, DEPLOY(",\"strategy\":\"monitored\",\"deploymentMonitor\":{\"id\":\"other\"}"),
                "deployment monitor other is not configured (monitored-deploy.deploymentMonitors): mon");
    run_failing(&watched.house, DEPLOY(",\"strategy\":\"monitored\",\"deploySteps\":[{\"percentage\":0}]"), "deploySteps: [0]");
    configure(&watched.house, "monitored-deploy: {enabled: false}\n");
    run_failing(&watched.house, DEPLOY(MONITORED), "strategy monitored is not available: monitored-deploy.enabled");
    assert_calls("");
    watched_end(&watched);
}

/* ---- the parts ---- */

static void test_answers(void) {
    static const struct {
        const char *answer, *reason;
        int directive; /* -1: refused */
    } CASES[] = {
        {GO, NULL, DIRECTIVE_CONTINUE},
        {WAIT, "too early", DIRECTIVE_WAIT},
        {ABORT, "errors rise", DIRECTIVE_ABORT},
        {"{\"nextStep\":{\"directive\":\"COMPLETE\"},\"statusReason\":null}", NULL, DIRECTIVE_COMPLETE},
        {"{\"nextStep\":{\"directive\":\"dance\"}}", NULL, -1},
        {"{\"nextStep\":{}}", NULL, -1},
        {"{}", NULL, -1},
        {"[]", NULL, -1},
        {"\"continue\"", NULL, -1},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) answer = json_parse(CASES[i].answer, -1, NULL);
        g_autofree char *reason = NULL;
        g_autoptr(GError) error = NULL;
        Directive directive = DIRECTIVE_CONTINUE;
        gboolean known = monitor_answer_read(json_root(answer), &directive, &reason, &error);
        g_assert_cmpint(known ? (int)directive : -1, ==, CASES[i].directive);
        g_assert_cmpstr(reason, ==, CASES[i].reason);
        g_assert_true(known == (error == NULL));
    }
}

static void test_configuration(void) {
    static const struct {
        const char *yaml, *words; /* NULL: fine */
    } CASES[] = {
        {"monitored-deploy: {deployment-monitors: [{id: a, base-url: 'http://x'}]}\n", NULL},
        {"monitored-deploy: {deploymentMonitors: [{id: a, baseUrl: 'https://x', maxAnalysisMinutes: 5}]}\n", NULL},
        {"monitored-deploy: {deployment-monitors: {id: a}}\n", "expected a list"},
        {"monitored-deploy: {deployment-monitors: [{id: a}]}\n", "baseUrl: required"},
        {"monitored-deploy: {deployment-monitors: [{base-url: 'http://x'}]}\n", "id: required"},
        {"monitored-deploy: {deployment-monitors: [{id: a, base-url: x}]}\n", "expected http"},
        {"monitored-deploy: {deployment-monitors: [{id: a, base-url: 'http://x', max-analysis-minutes: 0}]}\n", "maxAnalysisMinutes"},
        {"monitored-deploy: {deployment-monitors: [{id: a, base-url: 'http://x'}, {id: a, base-url: 'http://y'}]}\n", "twice"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_load_text("orca.yml", CASES[i].yaml, -1, &error);
        g_assert_no_error(error);
        gboolean fine = monitor_check_config(config, &error);
        if (CASES[i].words == NULL)
            g_assert_no_error(error);
        else if (fine || strstr(error->message, CASES[i].words) == NULL)
            g_error("%s: %s, expected %s", CASES[i].yaml, fine ? "accepted" : error->message, CASES[i].words);
    }
}

/* maxAnalysisMinutes, and the stage's own word about it. */
static void test_time_is_up(void) {
    static const char *const ANSWERS[] = {WAIT, NULL};
    static const struct {
        gint64 minutes;
        const char *override;
        Status status;
    } CASES[] = {
        {29, "", STATUS_RUNNING},
        {31, "", STATUS_TERMINAL},
        {31, ",\"maxAnalysisMinutesOverride\":40", STATUS_RUNNING},
        {6, ",\"maxAnalysisMinutesOverride\":5,\"failOnErrorOverride\":false", STATUS_SUCCEEDED},
    };
    Watched watched;
    watched_start(&watched, ANSWERS, "");
    g_autoptr(Execution) execution = run(&watched.house, "[{\"type\":\"wait\",\"waitTime\":0}]");
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("{\"region\":\"here\",\"deploymentMonitor\":{\"id\":\"mon\"%s},\"currentProgress\":5}",
                                                CASES[i].override);
        g_autoptr(Json) context = json_parse(text, -1, &error);
        Stage stage = *(const Stage *)execution->stages->pdata[0];
        char name[] = "evaluateDeploymentHealth";
        TaskState task = {.name = name, .start_ms = 1000};
        TaskResult result = {0};
        stage.context = context;
        TaskContext asked = {.execution = execution,
                             .stage = &stage,
                             .task = &task,
                             .services = &watched.house.services,
                             .now_ms = 1000 + CASES[i].minutes * 60000,
                             .result = &result};
        Status status = stage_evaluate_deployment_health.tasks[0].run(&asked, &error);
        g_assert_cmpint(status, ==, CASES[i].status);
        g_assert_true((status == STATUS_TERMINAL) == (error != NULL));
        if (error != NULL)
            g_assert_nonnull(strstr(error->message, "did not decide within 30 minutes"));
        json_unref(result.context);
        json_unref(result.outputs);
        g_clear_pointer(&result.removed, g_ptr_array_unref);
    }
    watched_end(&watched);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy-monitored/goes-on", test_goes_on);
    g_test_add_func("/deploy-monitored/aborts", test_aborts);
    g_test_add_func("/deploy-monitored/first-one-aborts", test_first_one_aborts);
    g_test_add_func("/deploy-monitored/errors", test_errors);
    g_test_add_func("/deploy-monitored/completed-never-fails", test_completed_never_fails);
    g_test_add_func("/deploy-monitored/without-monitor", test_without_monitor);
    g_test_add_func("/deploy-monitored/refused", test_refused);
    g_test_add_func("/deploy-monitored/answers", test_answers);
    g_test_add_func("/deploy-monitored/configuration", test_configuration);
    g_test_add_func("/deploy-monitored/time-is-up", test_time_is_up);
    int result = g_test_run();
    g_clear_pointer(&outside.groups, g_ptr_array_unref);
    g_clear_pointer(&outside.calls, g_ptr_array_unref);
    return result;
}
