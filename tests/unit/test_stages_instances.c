/* Stages on single instances, from pipeline to cloud (stages.md 11, chaos.md 4, engine.md 20). */
#include "deploy_house.h"

#define ON_INSTANCES(type, more) "[{\"type\":\"" type "\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"region\":\"here\"" more "}]"

static const JsonValue *context_of(const Execution *execution) {
    return json_root(((const Stage *)execution->stages->pdata[0])->context);
}

/* What Chaos Monkey posts: of three ids one has left the group meanwhile, one was never in it. */
static void test_terminate(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    g_hash_table_add(outside.ended, g_strdup("orders-main-v000-i0"));
    g_autoptr(Execution) execution = run(&house, ON_INSTANCES("terminateInstances", ",\"user\":\"a@b.example\",\"serverGroupName\":"
                                                                                    "\"orders-main-v000\",\"instanceIds\":[\"orders-main-"
                                                                                    "v000-i0\",\"orders-main-v000-i1\",\"i-other\"]"));
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    assert_calls("terminate orders-main-v000-i1");
    const JsonValue *context = context_of(execution);
    g_assert_cmpstr(json_get_string(context, "notification.type"), ==, "terminateinstances");
    g_assert_cmpstr(json_get_string(context, "terminate.account.name"), ==, "prod");
    g_assert_cmpstr(json_get_string(context, "terminate.region"), ==, "here");
    g_assert_cmpstr(json_string(json_at(json_get(context, "terminate.instance.ids"), 0)), ==, "orders-main-v000-i1");
    g_assert_cmpuint(json_length(json_get(context, "terminate.instance.ids")), ==, 1);
    g_assert_cmpuint(json_length(json_get(context, "terminate.remaining.instances")), ==, 0);
    run_ok(&house,
           ON_INSTANCES("terminateInstances", ",\"serverGroupName\":\"orders-main-v000\",\"instanceIds\":[\"orders-main-v000-i1\"]"));
    run_ok(&house,
           ON_INSTANCES("terminateInstances", ",\"serverGroupName\":\"orders-main-v009\",\"instanceIds\":[\"orders-main-v009-i1\"]"));
    assert_calls("");
    run_failing(&house, ON_INSTANCES("terminateInstances", ""), "credentials, region and instanceIds: required");
    run_failing(&house, "[{\"type\":\"terminateInstances\",\"instanceIds\":[\"i-1\"]}]", "credentials, region and instanceIds: required");
    house_leave(&house);
}

static void test_their_groups_are_found(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    outside_add("here", "orders-main-v001", (Capacity){2, 2, 2});
    g_autoptr(GError) error = NULL;
    g_assert_true(clouds_refresh_cluster(house.services.clouds, "prod", "here", "orders-main", NULL, &error));
    run_ok(&house, ON_INSTANCES("terminateInstances", ",\"instanceIds\":[\"orders-main-v000-i1\",\"orders-main-v001-i0\",\"i-alone\"]"));
    assert_calls("terminate orders-main-v000-i1, terminate orders-main-v001-i0, terminate i-alone");
    house_leave(&house);
}

static void the_other_goes(const char *operation) {
    (void)operation;
    outside_find("here", "orders-main-v001")->disabled = TRUE;
}

static void test_guards(void) {
    House house;
    house_build(&house);
    guard_orders(&house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    run_ok(&house,
           ON_INSTANCES("terminateInstances", ",\"serverGroupName\":\"orders-main-v000\",\"instanceIds\":[\"orders-main-v000-i0\"]"));
    assert_calls("terminate orders-main-v000-i0");
    const char *both = ON_INSTANCES("terminateInstances", ",\"serverGroupName\":\"orders-main-v000\",\"instanceIds\":[\"orders-main-v000-"
                                                          "i1\",\"orders-main-v000-i2\"]");
    run_failing(&house, both, "terminateInstances of orders-main-v000 would leave the cluster with no instances up");
    outside_add("here", "orders-main-v001", (Capacity){1, 1, 1});
    outside.meanwhile = the_other_goes;
    run_failing(&house, both, "has traffic guards enabled");
    outside_find("here", "orders-main-v001")->disabled = FALSE;
    outside.meanwhile = NULL;
    assert_calls("");
    run_ok(&house, both);
    assert_calls("terminate orders-main-v000-i1 orders-main-v000-i2");
    outside_find("here", "orders-main-v000")->disabled = TRUE;
    run_failing(&house,
                ON_INSTANCES("terminateInstanceAndDecrementServerGroup", ",\"serverGroupName\":\"orders-main-v001\",\"instance\":"
                                                                         "\"orders-main-v001-i0\""),
                "has traffic guards enabled");
    run_failing(&house, ON_INSTANCES("detachInstances", ",\"asgName\":\"orders-main-v001\",\"instanceIds\":[\"orders-main-v001-i0\"]"),
                "has traffic guards enabled");
    assert_calls("");
    house_leave(&house);
}

static void test_others(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 3, 3});
    run_ok(&house,
           ON_INSTANCES("terminateInstanceAndDecrementAsg", ",\"asgName\":\"orders-main-v000\",\"instance\":\"orders-main-v000-i1\""));
    assert_calls("decrement orders-main-v000-i1 of orders-main-v000");
    run_ok(&house, ON_INSTANCES("detachInstances", ",\"asgName\":\"orders-main-v000\",\"instanceIds\":[\"orders-main-v000-i0\"]"));
    assert_calls("detach orders-main-v000-i0");
    run_ok(&house, ON_INSTANCES("rebootInstances", ",\"asgName\":\"orders-main-v000\",\"instanceIds\":[\"orders-main-v000-i2\"],"
                                                   "\"interestingHealthProviderNames\":[\"Test\"]"));
    assert_calls("reboot orders-main-v000-i2");
    run_failing(&house, ON_INSTANCES("registerInstancesWithLoadBalancer", ",\"instanceIds\":[\"i-1\"]"),
                "account prod is of cloud test, which has no operation registerInstancesWithLoadBalancer");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/instances/terminate", test_terminate);
    g_test_add_func("/instances/their-groups-are-found", test_their_groups_are_found);
    g_test_add_func("/instances/guards", test_guards);
    g_test_add_func("/instances/others", test_others);
    return g_test_run();
}
