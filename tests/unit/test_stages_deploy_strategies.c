/* Deployment strategies as whole pipelines: which stages, in which order, with which contexts, and what the cloud is told
 * (deploy-strategies.md 1, 3, 8). */
#include "deploy_house.h"
#include "stages/instances/rolling_push.h"
#include "stages/metadata/pipelines.h"

static const Stage *named(const Execution *execution, const char *name) {
    for (guint i = 0; i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->name, name) == 0)
            return execution->stages->pdata[i];
    g_error("no stage %s", name);
}

/* The stages around the one that makes the group, in order: "type name", those that did not succeed with their status. */
static void assert_stages(const Execution *execution, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    const Stage *maker = NULL;
    for (guint i = 0; maker == NULL && i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->type, "createServerGroup") == 0)
            maker = execution->stages->pdata[i];
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        if (g_strcmp0(stage->parent_id, maker->id) != 0)
            continue;
        g_string_append_printf(text, "%s%s", text->len > 0 ? " | " : "", stage->type);
        if (strcmp(stage->type, stage->name) != 0)
            g_string_append_printf(text, " %s", stage->name);
        if (stage->status != STATUS_SUCCEEDED)
            g_string_append_printf(text, " (%s)", status_info(stage->status)->name);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

/* Members of the context of a stage, in this order, as they were planned. */
static void assert_context(const Execution *execution, const char *name, const char *expected) {
    g_autoptr(Json) wanted = json_parse(expected, -1, NULL);
    const JsonValue *context = json_root(named(execution, name)->context);
    for (JsonIter i = json_iter(json_root(wanted)); json_next(&i);) {
        g_autofree char *actual = json_write(json_get(context, i.key), NULL), *value = json_write(i.value, NULL);
        if (!json_equal(json_get(context, i.key), i.value))
            g_error("stage %s: %s is %s, expected %s", name, i.key, actual, value);
    }
}

static void assert_absent(const Execution *execution, const char *name, const char *key) {
    g_assert_null(json_get(json_root(named(execution, name)->context), key));
}

static Execution *ended(House *house, const char *stages, Status status) {
    Execution *execution = run(house, stages);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, status_info(status)->name);
    return execution;
}

#define ROLLING ",\"strategy\":\"rollingredblack\""

/* ---- rollingredblack ---- */

static void test_rolling(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 6, 4});
    g_autoptr(Execution) execution = ended(
        &house, DEPLOY(ROLLING ",\"targetPercentages\":[50],\"delayBeforeCleanup\":1,\"targetHealthyDeployPercentage\":90"),
        STATUS_SUCCEEDED);
    assert_stages(execution,
                  "checkPreconditions Check Deploy Preconditions | "
                  "determineTargetServerGroup Determine Deployed Server Group | pinServerGroup Pin orders-main-v000 | "
                  "resizeServerGroup Grow to 50% of Desired Size | wait | disableServerGroup Disable 50% of Traffic on "
                  "orders-main-v000 | resizeServerGroup Grow to 100% of Desired Size | wait | disableServerGroup Disable 100% of "
                  "Traffic on orders-main-v000 | pinServerGroup Unpin orders-main-v000");
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 4/6/4, "
                 "resize orders-main-v001, = 2/2/2, disable orders-main-v000, = 50%, resize orders-main-v001, = 1/6/4, "
                 "disable orders-main-v000, resize orders-main-v000, = 1/6/4");
    assert_context(execution, "Deploy in here",
                   "{\"savedCapacity\":{\"min\":2,\"max\":2,\"desired\":2},\"capacity\":{\"min\":0,\"max\":0,\"desired\":0},"
                   "\"targetSize\":0,\"useSourceCapacity\":false,\"targetPercentages\":[50,100]}");
    assert_context(execution, "Pin orders-main-v000",
                   "{\"serverGroupName\":\"orders-main-v000\",\"action\":\"scale_to_server_group\",\"pinMinimumCapacity\":true,"
                   "\"region\":\"here\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"cluster\":\"orders-main\"}");
    assert_context(execution, "Grow to 50% of Desired Size",
                   "{\"target\":\"current_asg_dynamic\",\"scalePct\":50,\"pinCapacity\":true,\"pinMinimumCapacity\":true,"
                   "\"unpinMinimumCapacity\":false,\"action\":\"scale_to_server_group\",\"targetHealthyDeployPercentage\":90}");
    assert_context(execution, "Grow to 100% of Desired Size",
                   "{\"scalePct\":100,\"pinCapacity\":false,\"pinMinimumCapacity\":false,\"unpinMinimumCapacity\":true}");
    assert_context(execution, "Disable 50% of Traffic on orders-main-v000",
                   "{\"serverGroupName\":\"orders-main-v000\",\"desiredPercentage\":50}");
    assert_context(execution, "Unpin orders-main-v000", "{\"unpinMinimumCapacity\":true,\"serverGroupName\":\"orders-main-v000\"}");
    assert_absent(execution, "Unpin orders-main-v000", "pinMinimumCapacity");
    house_leave(&house);
}

/* What a resize long before recorded is not what the source had when it was pinned. */
static void test_rolling_after_resize(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){3, 3, 3});
    g_autoptr(Execution) execution = ended(
        &house,
        "[{\"refId\":\"1\",\"type\":\"resizeServerGroup\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"region\":\"here\","
        "\"serverGroupName\":\"orders-main-v000\",\"capacity\":{\"min\":1,\"max\":6,\"desired\":3}},{\"refId\":\"2\","
        "\"requisiteStageRefIds\":[\"1\"],\"type\":\"deploy\",\"clusters\":[" CLUSTER(ROLLING) "]}]",
        STATUS_SUCCEEDED);
    assert_context(execution, "Unpin orders-main-v000", "{\"originalCapacity.orders-main-v000\":{\"min\":1,\"max\":6,\"desired\":3}}");
    assert_calls("resize orders-main-v000, = 1/6/3, create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, "
                 "= 3/6/3, resize orders-main-v001, = 1/6/3, disable orders-main-v000, resize orders-main-v000, = 1/6/3");
    house_leave(&house);
}

static void test_rolling_first(void) {
    House house;
    house_build(&house);
    g_autoptr(Execution) execution = ended(&house, DEPLOY(ROLLING), STATUS_SUCCEEDED);
    assert_stages(execution, "checkPreconditions Check Deploy Preconditions | "
                             "determineTargetServerGroup Determine Deployed Server Group | resizeServerGroup Grow to 100% of Desired Size");
    assert_calls("create orders-main-v000 0/0/0 image-1 after (null), resize orders-main-v000, = 2/2/2");
    assert_context(execution, "Grow to 100% of Desired Size",
                   "{\"action\":\"scale_exact\",\"originalCapacity.orders-main-v000\":{\"min\":2,\"max\":2,\"desired\":2}}");
    house_leave(&house);
}

static void test_rolling_scale_down(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 2, 1});
    g_autoptr(Execution) execution = ended(
        &house, DEPLOY(ROLLING ",\"scaleDown\":true,\"delayBeforeScaleDown\":\"1\",\"allowScaleDownActive\":true"), STATUS_SUCCEEDED);
    assert_stages(execution, "checkPreconditions Check Deploy Preconditions | "
                             "determineTargetServerGroup Determine Deployed Server Group | pinServerGroup Pin orders-main-v000 | "
                             "resizeServerGroup Grow to 100% of Desired Size | disableServerGroup Disable 100% of Traffic on "
                             "orders-main-v000 | wait Wait Before Scale Down | scaleDownCluster scaleDown");
    assert_context(execution, "scaleDown", "{\"allowScaleDownActive\":false,\"remainingFullSizeServerGroups\":1}");
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 1/2/1, "
                 "resize orders-main-v001, = 1/2/1, disable orders-main-v000, resume orders-main-v000, resize orders-main-v000, = 0/0/0");
    house_leave(&house);
}

/* maxInitialAsgs: what is asked is a table of deploy-strategies.md 1; -1 asks nothing. */
static void test_rolling_beside_many(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    g_autoptr(Execution) two = ended(&house, DEPLOY(ROLLING ",\"maxInitialAsgs\":2,\"targetPercentages\":[\"100\"]"), STATUS_SUCCEEDED);
    assert_context(two, "Check Deploy Preconditions", "{\"preconditionType\":\"clusterSize\",\"failPipeline\":true}");
    g_autoptr(Execution) any = ended(&house, DEPLOY(ROLLING ",\"maxInitialAsgs\":-1"), STATUS_SUCCEEDED);
    for (guint i = 0; i < any->stages->len; i++)
        g_assert_cmpstr(((const Stage *)any->stages->pdata[i])->type, !=, "checkPreconditions");
    house_leave(&house);
}

static void test_rolling_refused(void) {
    House house;
    house_build(&house);
    run_failing(&house, DEPLOY(ROLLING ",\"targetPercentages\":[50,120]"), "targetPercentages: [50,120]: expected at most 100 percentages");
    run_failing(&house, DEPLOY(ROLLING ",\"targetPercentages\":[\"many\"]"), "expected at most");
    run_failing(&house, DEPLOY(ROLLING ",\"targetPercentages\":[75,25]"), "each greater than the one before");
    run_failing(&house, DEPLOY(",\"strategy\":\"cfrollingredblack\""), "strategy cfrollingredblack is not available: none, redblack");
    assert_calls("");
    house_leave(&house);
}

/* The source is unpinned when it fails, and gets the minimum that it had. */
static void test_rolling_fails(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 2, 2});
    outside.never_up = TRUE;
    g_autoptr(Execution) execution = ended(&house, DEPLOY(ROLLING ",\"stageTimeoutMs\":1500"), STATUS_TERMINAL);
    assert_context(execution, "Unpin orders-main-v000", "{\"stageTimeoutMs\":1200000,\"unpinMinimumCapacity\":true}");
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 2/2/2, "
                 "resize orders-main-v001, = 1/2/2, resize orders-main-v000, = 1/2/2");
    house_leave(&house);
}

static gboolean is_called(const char *call) {
    g_mutex_lock(&outside.lock);
    gboolean found = FALSE;
    for (guint i = 0; i < outside.calls->len; i++)
        found = found || strcmp(outside.calls->pdata[i], call) == 0;
    g_mutex_unlock(&outside.lock);
    return found;
}

/* The program is stopped and started again while the new group grows: nothing is done twice, and the minimum is given back. */
static void test_rolling_restart(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 6, 4});
    outside.never_up_from = "orders-main-v001";
    g_autofree char *id = start(&house, DEPLOY(ROLLING ",\"targetPercentages\":[50]"));
    while (!is_called("= 2/2/2"))
        g_usleep(1000);
    house_stop(&house, 0);
    house_start(&house);
    g_usleep(100000);
    house_stop(&house, 0);
    outside.never_up_from = NULL;
    house_start(&house);
    g_autoptr(Execution) execution = wait_for_end(&house, id);
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    assert_calls("create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 4/6/4, "
                 "resize orders-main-v001, = 2/2/2, disable orders-main-v000, = 50%, resize orders-main-v001, = 1/6/4, "
                 "disable orders-main-v000, resize orders-main-v000, = 1/6/4");
    house_leave(&house);
}

/* In each step the pipeline runs before the old one loses traffic, and knows whom it is about. */
static void test_rolling_validation(void) {
    House house;
    house_build(&house);
    g_autoptr(GError) error = NULL;
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_autoptr(Json) pipeline = json_parse("{\"application\":\"orders\",\"name\":\"validate\",\"id\":\"val\",\"stages\":[{\"refId\":\"1\","
                                          "\"type\":\"wait\",\"waitTime\":0}]}",
                                          -1, NULL);
    g_autoptr(Json) saved G_GNUC_UNUSED = pipeline_save(house.services.store, PIPELINE_KIND, json_root(pipeline), &principal, FALSE,
                                                        clock_now_ms(), &error);
    g_assert_no_error(error);
    outside_add("here", "orders-main-v000", (Capacity){1, 2, 2});
    g_autoptr(Execution) execution = ended(&house,
                                           DEPLOY(ROLLING ",\"pipelineBeforeCleanup\":{\"application\":\"orders\",\"pipelineId\":\"val\","
                                                          "\"pipelineParameters\":{\"suite\":\"smoke\"}}"),
                                           STATUS_SUCCEEDED);
    assert_stages(execution,
                  "checkPreconditions Check Deploy Preconditions | "
                  "determineTargetServerGroup Determine Deployed Server Group | pinServerGroup Pin orders-main-v000 | "
                  "resizeServerGroup Grow to 100% of Desired Size | pipeline Run Validation Pipeline | disableServerGroup Disable "
                  "100% of Traffic on orders-main-v000 | pinServerGroup Unpin orders-main-v000");
    assert_context(execution, "Run Validation Pipeline",
                   "{\"application\":\"orders\",\"pipelineApplication\":\"orders\",\"pipelineId\":\"val\",\"pipelineParameters\":{"
                   "\"suite\":\"smoke\",\"deployedServerGroup\":{\"region\":\"here\",\"account\":\"prod\",\"cloudProvider\":\"test\","
                   "\"serverGroupName\":\"orders-main-v001\"},\"sourceServerGroup\":{\"region\":\"here\",\"account\":\"prod\","
                   "\"cloudProvider\":\"test\",\"serverGroupName\":\"orders-main-v000\"},\"percentageComplete\":100}}");
    house_leave(&house);
}

/* ---- redblack, highlander, none ---- */

#define RESTORES "applySourceServerGroupCapacity restoreMinCapacityFromSnapshot"

static void test_stage_lists(void) {
    static const struct {
        gboolean has_source;
        const char *keys, *stages;
    } CASES[] = {
        {TRUE, "", RESTORES},
        {TRUE, ",\"strategy\":\"none\"", RESTORES},
        {TRUE, ",\"strategy\":\"bluegreen\"", RESTORES},
        {TRUE, ",\"strategy\":\"HighLander\"", "shrinkCluster | " RESTORES},
        {FALSE, ",\"strategy\":\"redblack\",\"maxRemainingAsgs\":1,\"scaleDown\":true", RESTORES},
        {TRUE, ",\"strategy\":\"redblack\"", "disableCluster | " RESTORES},
        {TRUE,
         ",\"strategy\":\"redblack\",\"maxRemainingAsgs\":\"2\",\"delayBeforeDisableSec\":1,\"scaleDown\":true,\"delayBeforeScaleDownSec\":"
         "1",
         "shrinkCluster | wait Wait Before Disable | disableCluster | wait Wait Before Scale Down | scaleDownCluster scaleDown "
         "| " RESTORES},
        {TRUE, ",\"strategy\":\"redblack\",\"maxRemainingAsgs\":0,\"delayBeforeCleanup\":0,\"delayBeforeDisableSec\":5",
         "disableCluster | " RESTORES},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        House house;
        house_build(&house);
        if (CASES[i].has_source)
            outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
        g_autofree char *stages = g_strdup_printf(DEPLOY("%s"), CASES[i].keys);
        g_autoptr(Execution) execution = ended(&house, stages, STATUS_SUCCEEDED);
        assert_stages(execution, CASES[i].stages);
        house_leave(&house);
    }
}

static void test_contexts(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    g_autoptr(Execution)
        black = ended(&house, DEPLOY(",\"strategy\":\"redblack\",\"maxRemainingAsgs\":3,\"scaleDown\":true"), STATUS_SUCCEEDED);
    assert_context(
        black, "shrinkCluster",
        "{\"region\":\"here\",\"cloudProvider\":\"test\",\"cluster\":\"orders-main\",\"credentials\":\"prod\",\"shrinkToSize\":3,"
        "\"allowDeleteActive\":false,\"retainLargerOverNewer\":false}");
    assert_context(black, "disableCluster", "{\"remainingEnabledServerGroups\":1,\"preferLargerOverNewer\":false}");
    assert_context(black, "scaleDown",
                   "{\"allowScaleDownActive\":false,\"remainingFullSizeServerGroups\":1,\"preferLargerOverNewer\":false}");
    g_autoptr(Execution) one = ended(&house, DEPLOY(",\"strategy\":\"highlander\""), STATUS_SUCCEEDED);
    assert_context(one, "shrinkCluster", "{\"shrinkToSize\":1,\"allowDeleteActive\":true,\"retainLargerOverNewer\":false}");
    house_leave(&house);
}

/* ---- rollingpush ---- */

static void test_push_candidates(void) {
    static const struct {
        const char *termination, *expected;
    } CASES[] = {
        {"{\"relaunchAllInstances\":true}", "[\"a\",\"b\",\"c\"]"},
        {"{\"relaunchAllInstances\":true,\"order\":\"newest\"}", "[\"c\",\"b\",\"a\"]"},
        {"{\"totalRelaunches\":2}", "[\"a\",\"b\"]"},
        {"{\"totalRelaunches\":\"2\",\"order\":\"newest\"}", "[\"c\",\"b\"]"},
        {"{\"totalRelaunches\":9}", "[\"a\",\"b\",\"c\"]"},
        {"{\"totalRelaunches\":-1}", "[]"},
        {"{\"instances\":[\"c\",\"z\"]}", "[\"c\"]"},
        {"{}", "[]"},
    };
    static char A[] = "a", B[] = "b", C[] = "c";
    Instance instances[] = {{.id = B, .launch_ms = 2}, {.id = C, .launch_ms = 3}, {.id = A, .launch_ms = 2}};
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (guint i = 0; i < G_N_ELEMENTS(instances); i++)
        g_ptr_array_add(list, &instances[i]);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) termination = json_parse(CASES[i].termination, -1, NULL);
        g_autoptr(Json) ids = rolling_push_candidates(list, json_root(termination));
        g_autofree char *text = json_write(json_root(ids), NULL);
        g_assert_cmpstr(text, ==, CASES[i].expected);
    }
}

#define PUSH ",\"strategy\":\"rollingpush\",\"amiName\":\"image-5\""

static void test_push(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 3, 3});
    g_autoptr(Execution)
        execution = ended(&house, DEPLOY(PUSH ",\"termination\":{\"relaunchAllInstances\":true,\"concurrentRelaunches\":2,\"waitTime\":1}"),
                          STATUS_SUCCEEDED);
    assert_stages(execution, "modifyAsgLaunchConfiguration | rollingPush | applySourceServerGroupCapacity restoreMinCapacityFromSnapshot");
    assert_context(execution, "rollingPush", "{\"serverGroupName\":\"orders-main-v000\",\"region\":\"here\",\"credentials\":\"prod\"}");
    assert_calls("launch orders-main-v000, = image-5, terminate orders-main-v000-i0 orders-main-v000-i1, terminate orders-main-v000-i2");
    g_autoptr(Execution) only_launch = ended(&house, DEPLOY(PUSH ",\"termination\":{\"totalRelaunches\":0}"), STATUS_SUCCEEDED);
    assert_stages(only_launch, "modifyAsgLaunchConfiguration | applySourceServerGroupCapacity restoreMinCapacityFromSnapshot");
    house_leave(&house);
    house_build(&house);
    run_failing(&house, DEPLOY(PUSH), "cluster orders-main has no server group in here whose instances could be replaced");
    assert_calls("");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy-strategies/rolling", test_rolling);
    g_test_add_func("/deploy-strategies/rolling-after-resize", test_rolling_after_resize);
    g_test_add_func("/deploy-strategies/rolling-first", test_rolling_first);
    g_test_add_func("/deploy-strategies/rolling-scale-down", test_rolling_scale_down);
    g_test_add_func("/deploy-strategies/rolling-beside-many", test_rolling_beside_many);
    g_test_add_func("/deploy-strategies/rolling-refused", test_rolling_refused);
    g_test_add_func("/deploy-strategies/rolling-fails", test_rolling_fails);
    g_test_add_func("/deploy-strategies/rolling-restart", test_rolling_restart);
    g_test_add_func("/deploy-strategies/rolling-validation", test_rolling_validation);
    g_test_add_func("/deploy-strategies/stage-lists", test_stage_lists);
    g_test_add_func("/deploy-strategies/contexts", test_contexts);
    g_test_add_func("/deploy-strategies/push-candidates", test_push_candidates);
    g_test_add_func("/deploy-strategies/push", test_push);
    int result = g_test_run();
    g_ptr_array_unref(outside.groups);
    g_ptr_array_unref(outside.calls);
    return result;
}
