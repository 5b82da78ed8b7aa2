/* Deployments from pipeline to cloud: the real engine, stages and runner on a cloud in memory (deploy_cloud.h). */
#include "deploy_house.h"

static void test_red_black(void) {
    House house;
    house_build(&house);
    run_ok(&house, DEPLOY(",\"strategy\":\"redblack\",\"maxRemainingAsgs\":2"));
    assert_calls("create orders-main-v000 2/2/2 image-1 after (null)");
    run_ok(&house, DEPLOY(",\"strategy\":\"RedBlack\",\"maxRemainingAsgs\":2"));
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v000");
    run_ok(&house, DEPLOY(",\"strategy\":\"redblack\",\"maxRemainingAsgs\":2,\"scaleDown\":true"));
    assert_calls("create orders-main-v002 2/2/2 image-1 after orders-main-v001, destroy orders-main-v000, disable orders-main-v001, "
                 "resume orders-main-v001, resize orders-main-v001, = 0/0/0");
    house_leave(&house);
}

static void test_highlander(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-other-v000", (Capacity){1, 1, 1});
    run_ok(&house, DEPLOY(",\"strategy\":\"highlander\""));
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v000, destroy orders-main-v000");
    g_assert_cmpuint(outside.groups->len, ==, 2);
    house_leave(&house);
}

static void test_source_capacity(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 6, 3});
    run_ok(&house, DEPLOY(",\"useSourceCapacity\":true"));
    assert_calls("create orders-main-v001 3/6/3 image-1 after orders-main-v000, resize orders-main-v001, = 1/6/3");
    house_leave(&house);
}

static void test_image_of_a_stage_before(void) {
    House house;
    house_build(&house);
    OutsideGroup *group = outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    g_free(group->image);
    group->image = g_strdup("image-9");
    run_ok(
        &house,
        "[{\"refId\":\"1\",\"type\":\"findImage\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"regions\":[\"here\"],"
        "\"cluster\":\"orders-main\"},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"deploy\",\"clusters\":[{\"account\":"
        "\"prod\",\"application\":\"orders\",\"stack\":\"next\",\"region\":\"here\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1}}]}]");
    assert_calls("create orders-next-v000 1/1/1 image-9 after (null)");
    run_failing(&house, "[{\"type\":\"deploy\",\"clusters\":[{\"account\":\"prod\",\"application\":\"orders\",\"region\":\"here\"}]}]",
                "No image found for here");
    house_leave(&house);
}

/* stages.md 10: an artifact that the cluster names, inline or by id, else one that is bound for the region. */
static void test_image_of_an_artifact(void) {
    static const char *const CLUSTERS[] = {
        "\"imageArtifact\":{\"reference\":\"image-7\"}",
        "\"imageSource\":\"artifact\",\"imageArtifactId\":\"i\"",
        "\"x\":1",
    };
    House house;
    house_build(&house);
    for (guint i = 0; i < G_N_ELEMENTS(CLUSTERS); i++) {
        g_autofree char *stages = g_strdup_printf(
            "[{\"refId\":\"1\",\"type\":\"evaluateArtifacts\",\"artifactContents\":[],\"expectedArtifacts\":["
            "{\"id\":\"e\",\"matchArtifact\":{\"name\":\"e\"},\"useDefaultArtifact\":true,\"defaultArtifact\":{\"type\":\"test/image\","
            "\"location\":\"elsewhere\",\"reference\":\"image-6\"}},"
            "{\"id\":\"i\",\"matchArtifact\":{\"name\":\"i\"},\"useDefaultArtifact\":true,\"defaultArtifact\":{\"type\":\"test/image\","
            "\"location\":\"here\",\"reference\":\"image-7\"}}]},"
            "{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"deploy\",\"clusters\":[{\"account\":\"prod\","
            "\"application\":\"orders\",\"stack\":\"s%u\",\"region\":\"here\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1},%s}]}]",
            i, CLUSTERS[i]);
        g_autofree char *calls = g_strdup_printf("create orders-s%u-v000 1/1/1 image-7 after (null)", i);
        run_ok(&house, stages);
        assert_calls(calls);
    }
    run_failing(&house,
                "[{\"type\":\"deploy\",\"clusters\":[{\"account\":\"prod\",\"application\":\"orders\",\"region\":\"here\","
                "\"imageArtifactId\":\"i\"}]}]",
                "no expected artifact with id");
    house_leave(&house);
}

static void test_targets(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    outside_add("here", "orders-main-v001", (Capacity){2, 2, 2});
    run_ok(&house, ON_GROUP("disableServerGroup", ",\"target\":\"ancestor_asg_dynamic\""));
    assert_calls("disable orders-main-v000");
    run_ok(&house, ON_GROUP("enableServerGroup", ",\"target\":\"oldest_asg_dynamic\""));
    assert_calls("enable orders-main-v000");
    run_ok(&house, ON_GROUP("resizeServerGroup", ",\"target\":\"current_asg\",\"action\":\"scale_up\",\"scaleNum\":1"));
    assert_calls("resize orders-main-v001, = 3/3/3");
    run_ok(&house, ON_GROUP("destroyServerGroup", ",\"serverGroupName\":\"orders-main-v000\""));
    assert_calls("disable orders-main-v000, destroy orders-main-v000");
    run_failing(&house, ON_GROUP("destroyServerGroup", ",\"target\":\"ancestor_asg_dynamic\""),
                "Unable to locate ancestor_asg_dynamic in here");
    run_failing(&house, ON_GROUP("disableServerGroup", ""), "serverGroupName, or target with cluster: required");
    assert_calls("");
    house_leave(&house);
}

static void test_resize_around_scaling_processes(void) {
    House house;
    house_build(&house);
    OutsideGroup *group = outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    g_strfreev(group->suspended);
    group->suspended = g_strsplit("Launch", ",", -1);
    run_ok(&house,
           ON_GROUP("resizeServerGroup", ",\"serverGroupName\":\"orders-main-v000\",\"capacity\":{\"min\":2,\"max\":4,\"desired\":3}"));
    assert_calls("resume orders-main-v000, resize orders-main-v000, = 2/4/3, suspend orders-main-v000");
    house_leave(&house);
}

static void test_clusters(void) {
    House house;
    house_build(&house);
    for (guint i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("orders-main-v%03u", i);
        outside_add("here", name, (Capacity){1, 1, 1});
    }
    run_ok(&house, ON_GROUP("disableCluster", ",\"remainingEnabledServerGroups\":2"));
    assert_calls("disable orders-main-v001, disable orders-main-v000");
    run_ok(&house, ON_GROUP("scaleDownCluster", ",\"remainingFullSizeServerGroups\":3"));
    assert_calls("resume orders-main-v000, resize orders-main-v000, = 0/0/0");
    run_ok(&house, ON_GROUP("shrinkCluster", ",\"shrinkToSize\":1,\"allowDeleteActive\":true"));
    assert_calls("disable orders-main-v002, destroy orders-main-v002, destroy orders-main-v001, destroy orders-main-v000");
    run_failing(&house, ON_GROUP("disableCluster", ",\"remainingEnabledServerGroups\":-1"), "remainingEnabledServerGroups: must be");
    run_failing(&house, ON_GROUP("scaleDownCluster", ",\"remainingFullSizeServerGroups\":-1"), "remainingFullSizeServerGroups: must be");
    run_failing(&house, ON_GROUP("shrinkCluster", ",\"shrinkToSize\":-1"), "shrinkToSize: must be");
    run_failing(&house, ON_GROUP("shrinkCluster", ",\"shrinkToSize\":-1,\"allowDeleteActive\":true"), "ServerGroups: must be");
    assert_calls("");
    run_failing(&house, "[{\"type\":\"disableCluster\",\"credentials\":\"prod\",\"regions\":[\"there\"],\"cluster\":\"orders-main\"}]",
                "cluster orders-main has no server groups in there");
    run_ok(&house, "[{\"type\":\"disableCluster\",\"credentials\":\"prod\",\"regions\":[\"there\"],\"cluster\":\"orders-main\","
                   "\"continueIfClusterNotFound\":true}]");
    house_leave(&house);
}

static void test_traffic_guard(void) {
    House house;
    house_build(&house);
    g_autoptr(Json) application = json_parse(
        "{\"name\":\"orders\",\"email\":\"a@b.example\",\"trafficGuards\":[{\"account\":\"prod\",\"location\":\"here\","
        "\"stack\":\"main\",\"detail\":\"\"}]}",
        -1, NULL);
    g_autoptr(GError) error = NULL;
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_assert_true(application_save(house.services.store, json_root(application), &principal, clock_now_ms(), &error));
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    run_failing(&house, ON_GROUP("disableServerGroup", ",\"target\":\"current_asg_dynamic\""),
                "This cluster ('orders-main' in prod/here) has traffic guards enabled");
    assert_calls("");
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    run_ok(&house, ON_GROUP("disableServerGroup", ",\"target\":\"current_asg_dynamic\""));
    assert_calls("disable orders-main-v001");
    house_leave(&house);
}

/* ---- what happens between the choice and the write ---- */

static void the_other_one_goes(const char *operation) {
    (void)operation;
    outside_find("here", "orders-main-v001")->disabled = TRUE;
}

static void test_guard_at_the_write(void) {
    House house;
    house_build(&house);
    guard_orders(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    outside.meanwhile = the_other_one_goes;
    run_failing(&house, ON_GROUP("disableServerGroup", ",\"serverGroupName\":\"orders-main-v000\""),
                "disableServerGroup of orders-main-v000 would leave the cluster with no instances up");
    assert_calls("");
    house_leave(&house);
}

/* Each would be allowed alone; together they would empty the cluster. */
static void test_two_at_once(void) {
    House house;
    house_build(&house);
    guard_orders(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    g_atomic_int_set(&outside.gate, 2);
    g_autofree char *first = start(&house, ON_GROUP("disableServerGroup", ",\"serverGroupName\":\"orders-main-v000\""));
    g_autofree char *second = start(&house, ON_GROUP("disableServerGroup", ",\"serverGroupName\":\"orders-main-v001\""));
    g_autoptr(Execution) one = wait_for_end(&house, first), two = wait_for_end(&house, second);
    g_assert_true((one->status == STATUS_SUCCEEDED) != (two->status == STATUS_SUCCEEDED));
    OutsideGroup *v000 = outside_find("here", "orders-main-v000"), *v001 = outside_find("here", "orders-main-v001");
    g_assert_true(v000->disabled != v001->disabled);
    const char *serving = v000->disabled ? "orders-main-v001" : "orders-main-v000";
    v000->disabled = v001->disabled = FALSE;
    g_autofree char *stages = g_strdup_printf(ON_GROUP("disableServerGroup", ",\"serverGroupName\":\"%s\""), serving);
    run_ok(&house, stages); /* the claims ended with the operations */
    house_leave(&house);
}

static void one_takes_traffic_again(const char *operation) {
    (void)operation;
    outside_find("here", "orders-main-v000")->disabled = FALSE;
}

static void test_enabled_since_it_was_chosen(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1})->disabled = TRUE;
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    outside.meanwhile = one_takes_traffic_again;
    run_failing(&house, ON_GROUP("shrinkCluster", ""), "orders-main-v000 in here (account prod) takes traffic again");
    outside_find("here", "orders-main-v000")->disabled = TRUE;
    run_failing(&house, ON_GROUP("scaleDownCluster", ""), "takes traffic again");
    assert_calls("");
    outside_find("here", "orders-main-v000")->disabled = TRUE;
    outside.meanwhile = NULL;
    run_ok(&house, ON_GROUP("shrinkCluster", ""));
    assert_calls("destroy orders-main-v000");
    house_leave(&house);
}

static guint times_scaled;
static void somebody_scales(const char *operation) {
    (void)operation;
    OutsideGroup *group = outside_find("here", "orders-main-v000");
    if (times_scaled > 0) {
        times_scaled--;
        group->capacity = (Capacity){group->capacity.min, 30, group->capacity.desired + 10};
    }
}

static void test_resized_meanwhile(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 30, 2});
    outside.meanwhile = somebody_scales;
    times_scaled = 1;
    run_ok(&house, ON_GROUP("resizeServerGroup", ",\"serverGroupName\":\"orders-main-v000\",\"action\":\"scale_down\",\"scaleNum\":1"));
    assert_calls("resize orders-main-v000, = 0/29/11");
    times_scaled = 1;
    run_failing(&house,
                ON_GROUP("resizeServerGroup", ",\"serverGroupName\":\"orders-main-v000\",\"action\":\"scale_down\",\"scaleNum\":1,"
                                              "\"constraints\":{\"capacity\":{\"desired\":11}}"),
                "desired is 21, expected 11");
    times_scaled = 1000;
    run_failing(&house, ON_GROUP("resizeServerGroup", ",\"serverGroupName\":\"orders-main-v000\",\"capacity\":{\"min\":2}"), "desired is ");
    g_assert_cmpuint(times_scaled, ==, 1000 - 6);
    times_scaled = 0;
    assert_calls("");
    house_leave(&house);
}

static void test_pin(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 4, 3});
    run_ok(&house, ON_GROUP("pinServerGroup", ",\"target\":\"current_asg_dynamic\",\"pinMinimumCapacity\":true"));
    assert_calls("resize orders-main-v000, = 3/4/3");
    run_ok(&house,
           "[{\"type\":\"pinServerGroup\",\"refId\":\"1\",\"credentials\":\"prod\",\"region\":\"here\",\"serverGroupName\":"
           "\"orders-main-v000\",\"pinCapacity\":true},{\"type\":\"pinServerGroup\",\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],"
           "\"credentials\":\"prod\",\"region\":\"here\",\"serverGroupName\":\"orders-main-v000\",\"unpinMinimumCapacity\":true,"
           "\"savedCapacity\":{\"min\":1}}]");
    assert_calls("resize orders-main-v000, = 3/3/3, resize orders-main-v000, = 3/3/3");
    house_leave(&house);
}

/* Its cluster is that of its source, and what it replaces too. */
static void test_clone(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    run_ok(&house,
           "[{\"type\":\"cloneServerGroup\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"region\":\"here\",\"application\":"
           "\"orders\",\"strategy\":\"redblack\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1},\"testImage\":\"image-1\",\"source\":{"
           "\"account\":\"prod\",\"region\":\"here\",\"serverGroupName\":\"orders-main-v000\"}}]");
    assert_calls("create orders-main-v001 1/1/1 image-1 after orders-main-v000, disable orders-main-v000");
    run_ok(&house,
           "[{\"type\":\"copyLastAsg\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"region\":\"here\",\"application\":\"orders\","
           "\"stack\":\"main\"}]");
    assert_calls("create orders-main-v002 1/1/1 (null) after orders-main-v001");
    house_leave(&house);
}

/* deploy-strategies.md 1: a group that the stage keeps out of traffic is up when its instances run, whatever health the stage asks for. */
static void test_created_aside(void) {
    House house;
    house_build(&house);
    outside.never_up = TRUE;
    run_ok(&house, DEPLOY(",\"suspendedProcesses\":[\"AddToLoadBalancer\"],\"interestingHealthProviderNames\":[\"LoadBalancer\"]"));
    assert_calls("create orders-main-v000 2/2/2 image-1 after (null)");
    house_leave(&house);
}

/* stages.md 2.4: a live look, every region must satisfy. */
static void test_cluster_size(void) {
    static const char *const HOLDS[] = {"\"expected\":2", "\"expected\":\"2\",\"comparison\":\"==\"", "\"expected\":3,\"comparison\":\"<\"",
                                        "\"expected\":2,\"comparison\":\">=\"", "\"comparison\":\"<=\",\"onlyEnabledServerGroups\":true"};
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1})->disabled = TRUE;
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    for (guint i = 0; i < G_N_ELEMENTS(HOLDS); i++) {
        g_autofree char *stages = g_strdup_printf(
            "[{\"type\":\"checkPreconditions\",\"preconditions\":[{\"type\":\"clusterSize\",\"context\":{"
            "\"credentials\":\"prod\",\"cluster\":\"orders-main\",\"regions\":[\"here\"],%s}}]}]",
            HOLDS[i]);
        run_ok(&house, stages);
    }
    run_failing(&house,
                "[{\"type\":\"checkPreconditions\",\"preconditions\":[{\"type\":\"clusterSize\",\"context\":{\"credentials\":\"prod\","
                "\"cluster\":\"orders-main\",\"regions\":[\"here\"],\"comparison\":\"~\"}}]}]",
                "comparison ~ is none of");
    house_leave(&house);
}

static void test_bulk_destroy(void) {
    House house;
    house_build(&house);
    guard_orders(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    outside_add("here", "orders-other-v000", (Capacity){1, 1, 1});
    const char *stage = "[{\"type\":\"bulkDestroyServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"serverGroupNames\":["
                        "\"orders-main-v000\",\"orders-main-v009\"]}]";
    run_ok(&house, stage);
    assert_calls("disable orders-main-v000, destroy orders-main-v000");
    run_ok(&house, stage);
    assert_calls("");
    run_failing(&house,
                "[{\"type\":\"bulkDestroyServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"serverGroupNames\":["
                "\"orders-other-v000\",\"orders-main-v001\"]}]",
                "disableServerGroup of orders-main-v001 would leave the cluster with no instances up");
    run_failing(&house, "[{\"type\":\"bulkDestroyServerGroup\",\"credentials\":\"prod\"}]",
                "credentials, region and serverGroupNames: required");
    assert_calls("");
    house_leave(&house);
}

static void test_one_operation_stages(void) {
    House house;
    house_build(&house);
    run_ok(&house, "[{\"type\":\"upsertServerGroupTags\",\"account\":\"prod\",\"asgs\":[{\"asgName\":\"orders-v000\",\"region\":\"here\"}],"
                   "\"tags\":{\"a\":\"b\"}}]");
    assert_calls("{\"asgs\":[{\"serverGroupName\":\"orders-v000\",\"region\":\"here\"}],\"tags\":{\"a\":\"b\"},\"credentials\":\"prod\"}");
    run_ok(&house,
           "[{\"type\":\"deleteLoadBalancer\",\"credentials\":\"prod\",\"loadBalancerName\":\"web\",\"regions\":[\"here\",\"there\"]}]");
    assert_calls("{\"loadBalancerName\":\"web\",\"region\":\"here\",\"regions\":[\"here\"],\"credentials\":\"prod\"}, "
                 "{\"loadBalancerName\":\"web\",\"region\":\"there\",\"regions\":[\"there\"],\"credentials\":\"prod\"}");
    g_autoptr(Execution) execution = run(&house, "[{\"type\":\"upsertLoadBalancers\",\"credentials\":\"prod\",\"loadBalancers\":["
                                                 "{\"name\":\"web\",\"region\":\"here\"},{\"name\":\"api\",\"region\":\"here\"}]}]");
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    g_assert_cmpstr(json_get_string(json_root(((Stage *)execution->stages->pdata[0])->context), "dnsName"), ==, "web.example");
    assert_calls("{\"name\":\"web\",\"region\":\"here\",\"credentials\":\"prod\"}, "
                 "{\"name\":\"api\",\"region\":\"here\",\"credentials\":\"prod\"}");
    run_failing(&house, "[{\"type\":\"upsertLoadBalancers\",\"credentials\":\"prod\"}]", "loadBalancers: required");
    run_failing(&house, "[{\"type\":\"upsertSecurityGroup\",\"credentials\":\"prod\",\"name\":\"x\",\"regions\":[\"here\"]}]",
                "which has no operation upsertSecurityGroup");
    run_failing(&house, "[{\"type\":\"deleteLoadBalancer\",\"loadBalancerName\":\"web\"}]", "credentials: required");
    run_failing(&house, "[{\"type\":\"deleteLoadBalancer\",\"credentials\":\"prod\",\"loadBalancerName\":\"web\"}]", "regions: required");
    assert_calls("");
    house_leave(&house);
}

static void test_failures(void) {
    House house;
    house_build(&house);
    outside.fail_create = TRUE;
    run_failing(&house, DEPLOY(",\"strategy\":\"redblack\""), "quota exceeded");
    outside.fail_create = FALSE;
    run_failing(&house, DEPLOY(",\"strategy\":\"cfrollingredblack\""), "strategy cfrollingredblack is not available");
    run_failing(&house, "[{\"type\":\"deploy\",\"clusters\":[{\"account\":\"nobody\",\"region\":\"here\"}]}]",
                "account nobody is not configured");
    run_failing(&house,
                "[{\"type\":\"destroyServerGroup\",\"credentials\":\"one\",\"serverGroupName\":\"orders-main-v000\",\"region\":\"there\","
                "\"regions\":[\"here\"]}]",
                "region there is not among regions [\\\"here\\\"]: give one of the two");
    run_failing(
        &house,
        "[{\"type\":\"shrinkCluster\",\"credentials\":\"one\",\"cluster\":\"orders-main\",\"region\":\"there\",\"regions\":[\"here\"]}]",
        "region there is not among");
    assert_calls("");
    outside.never_up = TRUE;
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    run_failing(&house,
                DEPLOY(",\"strategy\":\"redblack\",\"stageTimeoutMs\":1200,\"rollback\":{\"onFailure\":true,\"destroyLatest\":true}"),
                "timed out");
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v001, destroy orders-main-v001");
    house_leave(&house);
}

/* ---- engine.md 17: inside a custom strategy ---- */
#define IN_STRATEGY(parent_stage, context)                                                                                                 \
    "{\"type\":\"pipeline\",\"strategy\":true,\"parameters\":{\"strategy\":true,\"credentials\":\"prod\",\"cluster\":\"orders-main\","     \
    "\"region\":\"here\",\"cloudProvider\":\"test\",\"parentStageId\":\"" parent_stage "\"},\"parentExecution\":{\"id\":\"up\","           \
    "\"stages\":[{\"id\":\"s1\",\"context\":" context "}]}}"

static Execution *run_by(House *house, const char *stages, const char *trigger) {
    g_autofree char *id = start_by(house, stages, trigger);
    Execution *execution = wait_for_end(house, id);
    show(execution);
    return execution;
}

static void run_in_strategy(House *house, const char *stages, const char *context) {
    g_autofree char *trigger = g_strdup_printf(IN_STRATEGY("s1", "%s"), context);
    g_autoptr(Execution) execution = run_by(house, stages, trigger);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "SUCCEEDED");
}

static const JsonValue *suspended_by(House *house, const char *option, const char *given, Execution **into) {
    g_autofree char *stages = g_strdup_printf("[{\"type\":\"deploy\",\"clusters\":[{\"account\":\"nobody\"}]%s}]", option);
    g_autofree char *context = g_strdup_printf(CLUSTER(",\"strategy\":\"custom\",\"deploy.server.groups\":{\"x\":[\"y\"]}%s"), given);
    g_autofree char *trigger = g_strdup_printf(IN_STRATEGY("s1", "%s"), context);
    *into = run_by(house, stages, trigger);
    g_assert_cmpint((*into)->status, ==, STATUS_SUCCEEDED);
    for (guint i = 0; i < (*into)->stages->len; i++) {
        const Stage *stage = (*into)->stages->pdata[i];
        const JsonValue *own = json_root(stage->context);
        if (strcmp(stage->type, "createServerGroup") != 0)
            continue;
        g_assert_cmpstr(json_get_string(own, "strategy"), ==, "none");
        g_assert_null(json_dig(own, "deploy.server.groups", "x", NULL));
        return json_get(own, "suspendedProcesses");
    }
    g_assert_not_reached();
}

static void test_strategy_deploys_parents_cluster(void) {
    static const struct {
        const char *option, *given, *expected;
    } CASES[] = {
        {"", ",\"suspendedProcesses\":[\"AZRebalance\"]", "[\"AZRebalance\"]"},
        {",\"trafficOptions\":\"inherit\"", "", NULL},
        {",\"trafficOptions\":\"disable\"", ",\"suspendedProcesses\":[\"AZRebalance\"]", "[\"AZRebalance\",\"AddToLoadBalancer\"]"},
        {",\"trafficOptions\":\"disable\"", "", "[\"AddToLoadBalancer\"]"},
        {",\"trafficOptions\":\"enable\"", ",\"suspendedProcesses\":[\"AddToLoadBalancer\"]", "[]"},
    };
    House house;
    house_build(&house);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Execution *execution = NULL;
        const JsonValue *suspended = suspended_by(&house, CASES[i].option, CASES[i].given, &execution);
        g_autofree char *text = suspended != NULL ? json_write(suspended, NULL) : NULL;
        g_assert_cmpstr(text, ==, CASES[i].expected);
        execution_unref(execution);
    }
    g_autoptr(Execution) lost = run_by(&house, "[{\"type\":\"deploy\"}]", IN_STRATEGY("s2", "{}"));
    g_assert_cmpint(lost->status, ==, STATUS_TERMINAL);
    house_leave(&house);
}

/* Stages that say nothing act where the strategy was told to; what they say themselves goes before. */
static void test_strategy_tells_where(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    outside_add("here", "orders-main-v002", (Capacity){1, 1, 1});
    run_in_strategy(&house, "[{\"type\":\"disableCluster\"}]", "{}");
    assert_calls("disable orders-main-v001, disable orders-main-v000");
    run_in_strategy(
        &house, "[{\"type\":\"checkPreconditions\",\"preconditions\":[{\"type\":\"clusterSize\",\"context\":{\"expected\":3}}]}]", "{}");
    run_in_strategy(&house, "[{\"type\":\"destroyServerGroup\",\"target\":\"oldest_asg_dynamic\",\"skipDisableBeforeDestroy\":true}]",
                    "{}");
    assert_calls("destroy orders-main-v000");
    run_in_strategy(&house, "[{\"type\":\"shrinkCluster\",\"cluster\":\"orders-none\",\"shrinkToSize\":0}]", "{}");
    assert_calls("");
    run_failing(&house, "[{\"type\":\"disableCluster\"}]", "credentials and regions: required");
    house_leave(&house);
}

/* The first stage, once it knows how its child does; caller frees. */
static char *wait_for_watching(House *house, const char *id) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
        const Stage *stage = execution->stages->pdata[0];
        if (json_get_string(json_root(stage->context), "status") != NULL)
            return g_strdup(stage->id);
        g_usleep(10000);
    }
    g_assert_not_reached();
}

/* stages.md 4.1, engine.md 12.2 */
static void test_pipeline_stage_times_out(void) {
    House house;
    g_autoptr(GError) error = NULL;
    house_build(&house);
    Config *config = config_load_text("orca.yml", "tasks: {monitor-pipeline: {timeout-millis: 1}}\n", -1, &error);
    g_assert_no_error(error);
    g_assert_true(engine_set_config(house.services.engine, config, &error));
    services_set_config(&house.services, config);
    config_unref(config);
    g_autofree char *child = start(&house, "[{\"type\":\"manualJudgment\"}]");
    g_autofree char *stages = g_strdup_printf("[{\"type\":\"pipeline\",\"name\":\"Other\",\"executionId\":\"%s\"}]", child);
    g_autofree char *id = start(&house, stages), *stage_id = wait_for_watching(&house, id);
    g_usleep(10000);
    engine_wake_stage(house.services.engine, id, stage_id);
    g_autoptr(Execution) late = wait_for_end(&house, id);
    g_assert_cmpint(late->status, ==, STATUS_TERMINAL);
    g_autofree char *why = json_write(json_get(json_root(((const Stage *)late->stages->pdata[0])->context), "exception"), NULL);
    g_assert_nonnull(strstr(why, "monitorPipeline of stage Other timed out"));
    g_autoptr(Execution) ended = wait_for_end(&house, child);
    g_assert_cmpint(ended->status, ==, STATUS_CANCELED);
    house_leave(&house);
}

static guint calls_made(void) {
    g_mutex_lock(&outside.lock);
    guint calls = outside.calls->len;
    g_mutex_unlock(&outside.lock);
    return calls;
}

/* The program is stopped while it waits for the new group, and goes on where it was. */
static void test_restart(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside.never_up = TRUE;
    g_autofree char *id = start(&house, DEPLOY(",\"strategy\":\"redblack\""));
    while (calls_made() == 0)
        g_usleep(1000);
    house_stop(&house, 0);
    house_start(&house);
    g_usleep(100000);
    house_stop(&house, 0);
    outside.never_up = FALSE;
    house_start(&house);
    g_autoptr(Execution) execution = wait_for_end(&house, id);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "SUCCEEDED");
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v000");
    house_leave(&house);
}

/* ---- stages.md 2.10 ---- */
static void configure(House *house, const char *yaml) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("orca.yml", yaml, -1, &error);
    g_assert_no_error(error);
    services_set_config(&house->services, config);
}

/* The stage that waits, once it does; caller frees. */
static char *wait_for_waiting(House *house, const char *id) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
        for (guint k = 0; k < execution->stages->len; k++) {
            const Stage *stage = execution->stages->pdata[k];
            if (strcmp(stage->type, "waitForCondition") == 0 &&
                g_strcmp0(json_get_string(json_root(stage->context), "status"), "WAITING") == 0)
                return g_strdup(stage->id);
        }
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void test_condition(void) {
    static const char *const CONDITIONS = "tasks:\n  evaluate-condition:\n    enabled: true\n    clusters: [orders-main]\n";
    House house;
    house_build(&house);
    configure(&house, CONDITIONS);
    run_ok(&house, DEPLOY(""));
    assert_calls("create orders-main-v000 2/2/2 image-1 after (null)");
    g_autofree char *frozen = g_strconcat(CONDITIONS, "    active-conditions: [freeze]\n", NULL);
    configure(&house, frozen);
    run_ok(&house, DEPLOY(",\"freeFormDetails\":\"other\""));
    assert_calls("create orders-main-other-v000 2/2/2 image-1 after (null)");
    g_autofree char *id = start(&house, DEPLOY("")), *stage_id = wait_for_waiting(&house, id);
    assert_calls("");
    configure(&house, CONDITIONS);
    engine_wake_stage(house.services.engine, id, stage_id);
    g_autoptr(Execution) execution = wait_for_end(&house, id);
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    assert_calls("create orders-main-v002 2/2/2 image-1 after orders-main-v000");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy-flow/red-black", test_red_black);
    g_test_add_func("/deploy-flow/highlander", test_highlander);
    g_test_add_func("/deploy-flow/source-capacity", test_source_capacity);
    g_test_add_func("/deploy-flow/image-of-a-stage-before", test_image_of_a_stage_before);
    g_test_add_func("/deploy-flow/image-of-an-artifact", test_image_of_an_artifact);
    g_test_add_func("/deploy-flow/targets", test_targets);
    g_test_add_func("/deploy-flow/resize-around-scaling-processes", test_resize_around_scaling_processes);
    g_test_add_func("/deploy-flow/clusters", test_clusters);
    g_test_add_func("/deploy-flow/traffic-guard", test_traffic_guard);
    g_test_add_func("/deploy-flow/guard-at-the-write", test_guard_at_the_write);
    g_test_add_func("/deploy-flow/two-at-once", test_two_at_once);
    g_test_add_func("/deploy-flow/enabled-since-it-was-chosen", test_enabled_since_it_was_chosen);
    g_test_add_func("/deploy-flow/resized-meanwhile", test_resized_meanwhile);
    g_test_add_func("/deploy-flow/pin", test_pin);
    g_test_add_func("/deploy-flow/created-aside", test_created_aside);
    g_test_add_func("/deploy-flow/clone", test_clone);
    g_test_add_func("/deploy-flow/cluster-size", test_cluster_size);
    g_test_add_func("/deploy-flow/bulk-destroy", test_bulk_destroy);
    g_test_add_func("/deploy-flow/one-operation-stages", test_one_operation_stages);
    g_test_add_func("/deploy-flow/failures", test_failures);
    g_test_add_func("/deploy-flow/restart", test_restart);
    g_test_add_func("/deploy-flow/strategy-deploys-parents-cluster", test_strategy_deploys_parents_cluster);
    g_test_add_func("/deploy-flow/strategy-tells-where", test_strategy_tells_where);
    g_test_add_func("/deploy-flow/pipeline-stage-times-out", test_pipeline_stage_times_out);
    g_test_add_func("/deploy-flow/condition", test_condition);
    int result = g_test_run();
    g_ptr_array_unref(outside.groups);
    g_ptr_array_unref(outside.calls);
    return result;
}
