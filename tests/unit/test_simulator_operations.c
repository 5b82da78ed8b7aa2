/* Every operation of the simulated cloud, through the runner of operations and in simulated time: what it changes, what it answers, what it
 * refuses (aws.md 4, 5, 7-12). */
#include "clouds/simulator/room.h"
#include "clouds/simulator/simulator.h"
#include "engine/runtime_simulated.h"
#include <string.h>

#define BEGAN_MS 1700000000000

static const char CONFIG[] = "gennaker:\n"
                             "  simulator:\n"
                             "    accounts: [{name: prod, regions: [north, south]}, {name: test}]\n"
                             "    images: [{name: shop-1, behaviour: boots in 1 s}, {name: shop-2, behaviour: boots in 1 s}]\n"
                             "    serverGroups:\n"
                             "      - {name: shop-main-v000, accounts: [prod], regions: [north], image: shop-1, size: 4,\n"
                             "         loadBalancers: [frontend], targetGroups: [frontend-targets]}\n";

typedef struct {
    Store *store;
    Config *config;
    GRand *random;
    Runtime *runtime;
    Clouds *clouds;
    guint operations;
} House;

static void house_open(House *house) {
    static const Cloud *const clouds[] = {&cloud_simulator, NULL};
    g_autoptr(GError) error = NULL;
    *house = (House){.random = g_rand_new_with_seed(1)};
    house->config = config_load_text("gennaker.yml", CONFIG, -1, &error);
    g_assert_no_error(error);
    house->store = store_open(&(StoreOptions){.no_threads = TRUE}, &error);
    g_assert_no_error(error);
    house->runtime = runtime_simulated_new(&(SimulatedOptions){.store = house->store, .random = house->random, .now_ms = BEGAN_MS});
    CloudsOptions options = {.clouds = clouds, .store = house->store, .config = house->config, .runtime = house->runtime};
    house->clouds = clouds_new(&options, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) problems = clouds_problems(house->clouds);
    g_assert_cmpuint(problems->len, ==, 0);
    clouds_start_operations(house->clouds);
    g_autoptr(GPtrArray) accounts = clouds_accounts(house->clouds);
    for (guint i = 0; i < accounts->len; i++)
        for (char **region = ((Account *)accounts->pdata[i])->regions; *region != NULL; region++)
            simulator_publish_all(simulator_room(house->clouds), accounts->pdata[i], *region);
    while (runtime_simulated_step(house->runtime))
        ;
}

static void house_close(House *house) {
    clouds_stop(house->clouds, 0);
    runtime_simulated_free(house->runtime);
    clouds_free(house->clouds);
    config_unref(house->config);
    store_close(house->store);
    g_rand_free(house->random);
}

static void settle(House *house) {
    while (runtime_simulated_step(house->runtime))
        ;
}

/* Starts one operation with the account prod, lets all come to rest, and gives the task as served. description: JSON members. */
static Json *run(House *house, const char *operation, const char *members) {
    g_autofree char *text = g_strdup_printf("[{\"%s\":{\"credentials\":\"prod\",%s}}]", operation, members);
    g_autofree char *id = g_strdup_printf("operation-%u", ++house->operations);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) request = json_parse(text, -1, &error);
    g_assert_no_error(error);
    clouds_operation_start(house->clouds, id, NULL, NULL, SIMULATOR_ID, json_root(request), NULL, &error);
    g_assert_no_error(error);
    settle(house);
    Json *task = clouds_operation_json(house->clouds, id, &error);
    g_assert_no_error(error);
    return task;
}

static gboolean has_failed(const Json *task) {
    g_assert_true(json_is_true(json_dig(json_root(task), "status", "completed", NULL)));
    return json_is_true(json_dig(json_root(task), "status", "failed", NULL));
}

static void run_ok(House *house, const char *operation, const char *members) {
    g_autoptr(Json) task = run(house, operation, members);
    g_autofree char *text = json_write(json_root(task), NULL);
    if (has_failed(task))
        g_error("%s failed: %s", operation, text);
}

static void run_fails(House *house, const char *operation, const char *members, const char *why) {
    g_autoptr(Json) task = run(house, operation, members);
    g_autofree char *text = json_write(json_root(task), NULL);
    g_assert_true(has_failed(task));
    if (strstr(text, why) == NULL)
        g_error("%s does not say \"%s\": %s", operation, why, text);
}

/* Refused before anything runs. */
static void is_invalid(House *house, const char *operation, const char *members, const char *why) {
    g_autofree char *text = g_strdup_printf("[{\"%s\":{\"credentials\":\"prod\",%s}}]", operation, members);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) request = json_parse(text, -1, NULL);
    g_assert_nonnull(request);
    g_assert_false(clouds_operation_start(house->clouds, "invalid", NULL, NULL, SIMULATOR_ID, json_root(request), NULL, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    if (strstr(error->message, why) == NULL)
        g_error("%s does not say \"%s\": %s", operation, why, error->message);
}

/* The group as the inventory has it; borrowed until the snapshot goes. */
static const ServerGroup *seen(House *house, InventorySnapshot **snapshot, const char *name) {
    *snapshot = inventory_snapshot(clouds_inventory(house->clouds));
    return clouds_server_group(*snapshot, "prod", "north", name);
}

static guint count_up(const InventorySnapshot *snapshot, const ServerGroup *group) {
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    guint up = 0;
    for (guint i = 0; i < instances->len; i++)
        up += instance_is_healthy(instances->pdata[i]) ? 1 : 0;
    return up;
}

static char *first_instance(House *house, const char *name) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(house, &snapshot, name);
    return g_strdup(group->instance_ids[0]);
}

#define MAIN "\"serverGroupName\":\"shop-main-v000\",\"region\":\"north\""
#define CREATE "\"application\":\"shop\",\"stack\":\"main\",\"availabilityZones\":{\"north\":[]},\"loadBalancers\":[\"frontend\"]"

/* ---- creating ---- */

static void test_create(void) {
    House house;
    house_open(&house);
    g_autoptr(Json)
        task = run(&house, "createServerGroup", CREATE ",\"imageId\":\"shop-2\",\"capacity\":{\"min\":1,\"max\":3,\"desired\":2}");
    g_assert_false(has_failed(task));
    const JsonValue *result = json_at(json_get(json_root(task), "resultObjects"), 0);
    g_assert_cmpstr(json_string(json_at(json_get(result, "serverGroupNames"), 0)), ==, "north:shop-main-v001");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v001");
    g_assert_cmpint(group->capacity.max, ==, 3);
    g_assert_cmpstr(group->image_name, ==, "shop-2");
    g_assert_cmpuint(count_up(snapshot, group), ==, 2);
    run_fails(&house, "createServerGroup", CREATE ",\"amiName\":\"shop-9\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1}",
              "no image shop-9");
    run_fails(&house, "createServerGroup",
              "\"application\":\"shop\",\"region\":\"north\",\"imageId\":\"shop-1\",\"loadBalancers\":[\"nowhere\"],"
              "\"capacity\":{\"min\":1,\"max\":1,\"desired\":1}",
              "no load balancer nowhere");
    is_invalid(&house, "createServerGroup", "\"application\":\"shop\",\"availabilityZones\":{\"west\":[]},\"imageId\":\"shop-1\"", "west");
    is_invalid(&house, "createServerGroup", CREATE ",\"imageId\":\"shop-1\",\"capacity\":{\"min\":3,\"max\":1,\"desired\":1}", "min 3");
    is_invalid(&house, "createServerGroup",
               CREATE ",\"imageId\":\"x\",\"behaviour\":\"sleeps\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1}", "not understood");
    house_close(&house);
}

static void test_create_like_a_source(void) {
    House house;
    house_open(&house);
    run_ok(&house, "createServerGroup",
           CREATE ",\"imageId\":\"shop-2\",\"startDisabled\":true,\"source\":{\"account\":\"prod\",\"region\":\"north\","
                  "\"asgName\":\"shop-main-v000\",\"useSourceCapacity\":true}");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v001");
    g_assert_cmpint(group->capacity.desired, ==, 4);
    g_assert_true(group->disabled);
    g_assert_cmpuint(count_up(snapshot, group), ==, 0);
    run_fails(&house, "createServerGroup",
              CREATE ",\"imageId\":\"shop-2\",\"source\":{\"asgName\":\"shop-main-v900\",\"region\":\"north\",\"useSourceCapacity\":true}",
              "is gone");
    house_close(&house);
}

static void test_clone(void) {
    House house;
    house_open(&house);
    run_ok(&house, "copyLastAsgDescription", "\"application\":\"shop\",\"stack\":\"main\",\"region\":\"north\",\"amiName\":\"shop-2\"");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v001");
    g_assert_cmpint(group->capacity.desired, ==, 4);
    g_assert_cmpstr(group->target_groups[0], ==, "frontend-targets");
    g_assert_cmpstr(group->image_name, ==, "shop-2");
    run_fails(&house, "cloneServerGroup", "\"source\":{\"asgName\":\"none-v000\",\"region\":\"north\",\"account\":\"prod\"}",
              "does not exist");
    house_close(&house);
}

/* ---- groups ---- */

static void test_resize(void) {
    House house;
    house_open(&house);
    run_ok(&house, "resizeServerGroup", MAIN ",\"capacity\":{\"min\":2,\"max\":6,\"desired\":6}");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v000");
    g_assert_cmpuint(count_up(snapshot, group), ==, 6);
    run_fails(&house, "resizeAsgDescription", MAIN ",\"capacity\":{\"desired\":3},\"constraints\":{\"capacity\":{\"desired\":4}}",
              "desired is 6, expected 4");
    run_ok(&house, "resizeServerGroup", "\"serverGroupName\":\"none-v000\",\"region\":\"north\",\"capacity\":{\"desired\":3}");
    is_invalid(&house, "resizeServerGroup", MAIN ",\"capacity\":{\"min\":3,\"max\":2}", "do not fit together");
    house_close(&house);
}

static void test_traffic(void) {
    House house;
    house_open(&house);
    g_autoptr(Json) part = run(&house, "disableServerGroup", MAIN ",\"desiredPercentage\":50");
    const JsonValue *chosen = json_get(json_at(json_get(json_root(part), "resultObjects"), 0), "instanceIdsToDisable");
    g_assert_cmpuint(json_length(chosen), ==, 2);
    g_autoptr(InventorySnapshot) half = NULL, none = NULL, all = NULL;
    const ServerGroup *group = seen(&house, &half, "shop-main-v000");
    g_assert_false(group->disabled);
    g_assert_cmpuint(count_up(half, group), ==, 2);
    run_ok(&house, "disableServerGroup", MAIN);
    group = seen(&house, &none, "shop-main-v000");
    g_assert_true(group->disabled);
    g_assert_cmpuint(count_up(none, group), ==, 0);
    run_ok(&house, "enableServerGroup", MAIN);
    group = seen(&house, &all, "shop-main-v000");
    g_assert_false(group->disabled);
    g_assert_cmpuint(count_up(all, group), ==, 4);
    house_close(&house);
}

static void test_destroy(void) {
    House house;
    house_open(&house);
    run_ok(&house, "destroyServerGroup", MAIN);
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_assert_null(seen(&house, &snapshot, "shop-main-v000"));
    run_ok(&house, "destroyServerGroup", MAIN);
    house_close(&house);
}

static void test_tags_processes_and_launch(void) {
    House house;
    house_open(&house);
    run_ok(&house, "upsertServerGroupTags", MAIN ",\"tags\":{\"team\":\"blue\",\"old\":\"x\"}");
    run_ok(&house, "deleteAsgTagsDescription", MAIN ",\"tagKeys\":[\"old\"]");
    run_ok(&house, "suspendAsgProcessesDescription", MAIN ",\"processes\":[\"launch\",\"AZRebalance\"]");
    run_ok(&house, "resumeAsgProcesses", MAIN ",\"processes\":[\"AzRebalance\"]");
    run_ok(&house, "updateLaunchConfig", MAIN ",\"amiName\":\"shop-2\",\"instanceType\":\"large\"");
    run_ok(&house, "modifyAsg", MAIN ",\"cooldown\":5");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v000");
    g_autofree char *tags = json_write(json_root(group->tags), NULL), *suspended = g_strjoinv(",", group->suspended_processes);
    g_assert_cmpstr(tags, ==, "{\"team\":\"blue\"}");
    g_assert_cmpstr(suspended, ==, "Launch");
    g_assert_cmpstr(group->image_name, ==, "shop-2");
    g_assert_cmpstr(group->instance_type, ==, "large");
    is_invalid(&house, "suspendAsgProcesses", MAIN ",\"processes\":[\"Sleep\"]", "Sleep is no scaling process");
    house_close(&house);
}

/* ---- instances ---- */

static void run_on_first(House *house, const char *operation, const char *format) {
    g_autofree char *id = first_instance(house, "shop-main-v000");
    g_auto(GStrv) parts = g_strsplit(format, "ID", -1);
    g_autofree char *members = g_strjoinv(id, parts);
    run_ok(house, operation, members);
}

static void test_instances(void) {
    House house;
    house_open(&house);
    g_autofree char *first = first_instance(&house, "shop-main-v000");
    run_on_first(&house, "rebootInstances", "\"region\":\"north\",\"instanceIds\":[\"ID\"]");
    run_on_first(&house, "terminateInstances", "\"region\":\"north\",\"instanceIds\":[\"ID\"]");
    g_autofree char *next = first_instance(&house, "shop-main-v000");
    g_assert_cmpstr(first, !=, next);
    run_on_first(&house, "terminateInstanceAndDecrement",
                 "\"region\":\"north\",\"asgName\":\"shop-main-v000\",\"instance\":\"ID\",\"adjustMinIfNecessary\":true");
    run_on_first(&house, "detachInstances",
                 "\"region\":\"north\",\"asgName\":\"shop-main-v000\",\"instanceIds\":[\"ID\"],\"decrementDesiredCapacity\":true,"
                 "\"adjustMinIfNecessary\":true");
    g_autoptr(InventorySnapshot) snapshot = NULL;
    const ServerGroup *group = seen(&house, &snapshot, "shop-main-v000");
    g_assert_cmpint(group->capacity.desired, ==, 2);
    g_assert_cmpint(group->capacity.min, ==, 2);
    g_assert_cmpuint(count_up(snapshot, group), ==, 2);
    g_autofree char *stays = g_strdup_printf("\"region\":\"north\",\"asgName\":\"shop-main-v000\",\"instance\":\"%s\"",
                                             group->instance_ids[0]);
    run_fails(&house, "terminateInstanceAndDecrement", stays, "adjustMinIfNecessary");
    run_ok(&house, "updateInstances", "\"region\":\"north\"");
    house_close(&house);
}

static void test_instances_in_and_out_of_load_balancers(void) {
    House house;
    house_open(&house);
    run_on_first(
        &house, "deregisterInstancesFromLoadBalancer",
        "\"region\":\"north\",\"instanceIds\":[\"ID\"],\"loadBalancerNames\":[\"frontend\"],\"targetGroupNames\":[\"frontend-targets\"]");
    g_autoptr(InventorySnapshot) out = NULL, in = NULL;
    g_assert_cmpuint(count_up(out, seen(&house, &out, "shop-main-v000")), ==, 3);
    run_on_first(&house, "registerInstancesWithLoadBalancer",
                 "\"region\":\"north\",\"instanceIds\":[\"ID\"],\"asgName\":\"shop-main-v000\"");
    g_assert_cmpuint(count_up(in, seen(&house, &in, "shop-main-v000")), ==, 4);
    run_fails(&house, "registerInstancesWithLoadBalancer",
              "\"region\":\"north\",\"instanceIds\":[\"i-1\"],\"loadBalancerNames\":[\"nowhere\"]", "nowhere");
    house_close(&house);
}

/* ---- the rest ---- */

static gboolean is_known(House *house, const char *kind, const char *id) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(house->clouds));
    return inventory_get(snapshot, "prod", kind, "north", id) != NULL;
}

static void test_load_balancers_and_firewalls(void) {
    House house;
    house_open(&house);
    run_ok(&house, "upsertLoadBalancer",
           "\"name\":\"shop-api\",\"availabilityZones\":{\"north\":[]},\"targetGroups\":[{\"name\":\"shop-api-targets\",\"port\":80}]");
    g_assert_true(is_known(&house, KIND_LOAD_BALANCER, "shop-api"));
    g_assert_true(is_known(&house, KIND_TARGET_GROUP, "shop-api-targets"));
    run_ok(&house, "deleteLoadBalancer", "\"loadBalancerName\":\"shop-api\",\"regions\":[\"north\",\"south\"]");
    g_assert_false(is_known(&house, KIND_LOAD_BALANCER, "shop-api"));
    run_ok(&house, "upsertSecurityGroup", "\"name\":\"shop\",\"region\":\"north\",\"description\":\"x\"");
    g_assert_true(is_known(&house, KIND_SECURITY_GROUP, "shop"));
    run_ok(&house, "deleteSecurityGroup", "\"securityGroupName\":\"shop\",\"regions\":[\"north\"]");
    g_assert_false(is_known(&house, KIND_SECURITY_GROUP, "shop"));
    is_invalid(&house, "upsertLoadBalancer", "\"name\":\"x\"", "required");
    house_close(&house);
}

static void test_scaling(void) {
    House house;
    house_open(&house);
    run_ok(&house, "upsertScalingPolicy", MAIN ",\"name\":\"grow\",\"adjustmentType\":\"ChangeInCapacity\"");
    run_ok(&house, "upsertAsgScheduledActionsDescription", MAIN ",\"scheduledActions\":[{\"recurrence\":\"0 8 * * *\",\"minSize\":2}]");
    g_autoptr(InventorySnapshot) with = NULL, without = NULL;
    const ServerGroup *group = seen(&house, &with, "shop-main-v000");
    g_assert_cmpuint(json_length(json_get(json_root(group->raw), "scalingPolicies")), ==, 1);
    g_assert_cmpuint(json_length(json_get(json_root(group->raw), "scheduledActions")), ==, 1);
    run_ok(&house, "deleteScalingPolicy", MAIN ",\"policyName\":\"grow\"");
    group = seen(&house, &without, "shop-main-v000");
    g_assert_cmpuint(json_length(json_get(json_root(group->raw), "scalingPolicies")), ==, 0);
    run_fails(&house, "upsertScalingPolicy", "\"serverGroupName\":\"none\",\"region\":\"north\"", "does not exist");
    house_close(&house);
}

static void test_images(void) {
    House house;
    house_open(&house);
    g_autoptr(Json) task = run(&house, "allowLaunchDescription", "\"account\":\"test\",\"region\":\"north\",\"amiName\":\"shop-1\"");
    g_assert_false(has_failed(task));
    const char *id = json_get_string(json_at(json_get(json_root(task), "resultObjects"), 0), "amiId");
    g_assert_true(is_known(&house, KIND_IMAGE, id));
    run_fails(&house, "allowLaunchDescription", "\"account\":\"test\",\"region\":\"north\",\"amiName\":\"shop-9\"", "no such image");
    run_ok(&house, "upsertImageTags", "\"amiName\":\"shop-1\",\"regions\":[\"north\"],\"tags\":{\"stage\":\"ready\"}");
    run_fails(&house, "upsertImageTags", "\"amiName\":\"shop-9\",\"regions\":[\"north\"],\"tags\":{}", "no such image");
    run_ok(&house, "deleteImage", "\"imageId\":\"shop-1\",\"region\":\"north\"");
    g_assert_false(is_known(&house, KIND_IMAGE, id));
    house_close(&house);
}

/* ---- faults: what was done is done once ---- */

static void test_lost_answers(void) {
    static const char *const RULES[] = {"timeout-after createServerGroup 2 times", "throttle createServerGroup 2 times"};
    for (gsize i = 0; i < G_N_ELEMENTS(RULES); i++) {
        House house;
        house_open(&house);
        SimulatorRoom *room = simulator_room(house.clouds);
        SimulatedWorld *world = simulator_enter(room, NULL);
        g_assert_true(world_fault_add(world, simulated_fault_parse(RULES[i], NULL), 0, NULL));
        simulator_leave(room);
        run_ok(&house, "createServerGroup", CREATE ",\"imageId\":\"shop-2\",\"capacity\":{\"min\":1,\"max\":1,\"desired\":1}");
        g_assert_true(is_known(&house, KIND_SERVER_GROUP, "shop-main-v001"));
        g_assert_false(is_known(&house, KIND_SERVER_GROUP, "shop-main-v002"));
        house_close(&house);
    }
}

static void test_stale_reads_show_the_past_and_then_the_present(void) {
    House house;
    house_open(&house);
    SimulatorRoom *room = simulator_room(house.clouds);
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    g_assert_true(world_fault_add(world, simulated_fault_parse("stale in prod/north for 1 min", NULL), now_ms, NULL));
    simulator_leave(room);
    world = simulator_enter(room, &now_ms);
    world_group_destroy(world, world_group(world, "prod", "north", "shop-main-v000"), now_ms);
    simulator_leave(room);
    g_assert_true(is_known(&house, KIND_SERVER_GROUP, "shop-main-v000"));
    g_assert_true(clouds_refresh_server_group(house.clouds, "prod", "north", "shop-main-v000", NULL, NULL));
    settle(&house);
    g_assert_cmpint(clouds_now_ms(house.clouds), >=, now_ms + 60000);
    g_assert_false(is_known(&house, KIND_SERVER_GROUP, "shop-main-v000"));
    g_assert_false(clouds_refresh_server_group(house.clouds, "prod", "north", "shop-main-v000", NULL, NULL));
    house_close(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulator/operations/create", test_create);
    g_test_add_func("/simulator/operations/create/source", test_create_like_a_source);
    g_test_add_func("/simulator/operations/clone", test_clone);
    g_test_add_func("/simulator/operations/resize", test_resize);
    g_test_add_func("/simulator/operations/traffic", test_traffic);
    g_test_add_func("/simulator/operations/destroy", test_destroy);
    g_test_add_func("/simulator/operations/settings", test_tags_processes_and_launch);
    g_test_add_func("/simulator/operations/instances", test_instances);
    g_test_add_func("/simulator/operations/instances/traffic", test_instances_in_and_out_of_load_balancers);
    g_test_add_func("/simulator/operations/balancers", test_load_balancers_and_firewalls);
    g_test_add_func("/simulator/operations/scaling", test_scaling);
    g_test_add_func("/simulator/operations/images", test_images);
    g_test_add_func("/simulator/operations/lost", test_lost_answers);
    g_test_add_func("/simulator/operations/stale", test_stale_reads_show_the_past_and_then_the_present);
    return g_test_run();
}
