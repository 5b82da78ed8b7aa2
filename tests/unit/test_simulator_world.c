/* The simulated world by itself: what instances are at a time, how groups heal, faults, and the sentences that say so. */
#include "clouds/simulator/world.h"
#include <string.h>

/* ---- sentences ---- */

static void test_behaviour_sentences(void) {
    static const struct {
        const char *text;
        SimulatedBehaviour expected;
    } GOOD[] = {
        {"", {-1, -1, 0, FALSE}},
        {"boots in 20 s", {20000, -1, 0, FALSE}},
        {"Boots  in 1.5min", {90000, -1, 0, FALSE}},
        {"never healthy", {-1, -1, 0, TRUE}},
        {"crashes after 5 min, error rate 3 %", {-1, 300000, 0.03, FALSE}},
        {"boots in 0 s; never healthy and crashes after 2 h", {0, 7200000, 0, TRUE}},
        {"error rate 2.5%", {-1, -1, 0.025, FALSE}},
        {"boots in 7", {7000, -1, 0, FALSE}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(GOOD); i++) {
        SimulatedBehaviour read, again;
        g_autoptr(GError) error = NULL;
        g_assert_true(simulated_behaviour_parse(GOOD[i].text, &read, &error));
        g_assert_no_error(error);
        g_assert_cmpint(read.boot_ms, ==, GOOD[i].expected.boot_ms);
        g_assert_cmpint(read.crash_ms, ==, GOOD[i].expected.crash_ms);
        g_assert_cmpfloat_with_epsilon(read.error_rate, GOOD[i].expected.error_rate, 1e-9);
        g_assert_cmpint(read.never_healthy, ==, GOOD[i].expected.never_healthy);
        g_autofree char *text = simulated_behaviour_text(&read);
        g_assert_true(simulated_behaviour_parse(text, &again, NULL));
        g_assert_cmpint(again.boot_ms, ==, read.boot_ms);
        g_assert_cmpint(again.crash_ms, ==, read.crash_ms);
    }
    static const char *const BAD[] = {"boots",
                                      "boots in",
                                      "boots in -3 s",
                                      "boots in 1000 days",
                                      "error rate 3",
                                      "error rate 101 %",
                                      "never healthy never healthy",
                                      "sleeps",
                                      "boots in 3 s,, sleeps",
                                      "boots in nan s"};
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        SimulatedBehaviour read;
        g_autoptr(GError) error = NULL;
        g_assert_false(simulated_behaviour_parse(BAD[i], &read, &error));
        g_assert_cmpint(error_code(error), ==, ERR_INVALID);
        g_assert_nonnull(strstr(error->message, "not understood"));
    }
}

static void test_behaviour_has_a_longest_text(void) {
    g_autofree char *text = g_strnfill(1001, ' ');
    SimulatedBehaviour read;
    g_autoptr(GError) error = NULL;
    g_assert_false(simulated_behaviour_parse(text, &read, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
}

static void test_fault_sentences(void) {
    static const char *const GOOD[] = {
        "throttle createServerGroup 3 times",
        "refuse * in prod/north with 10 % after 30000 ms for 60000 ms",
        "timeout-after resizeServerGroup in test every 2",
        "stale * for 5000 ms",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(GOOD); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SimulatedFault) fault = simulated_fault_parse(GOOD[i], &error);
        g_assert_no_error(error);
        g_autofree char *text = simulated_fault_text(fault);
        g_assert_cmpstr(text, ==, GOOD[i]);
    }
    g_autoptr(SimulatedFault) any = simulated_fault_parse("lose-instance once in prod", NULL);
    g_assert_null(any->operation);
    g_assert_cmpint(any->times, ==, 1);
    g_assert_cmpstr(any->account, ==, "prod");
    static const char *const BAD[] = {
        "", "explode *", "throttle x 3", "throttle x 0 times", "throttle x in /north", "stale for ever", "refuse * with 200 %"};
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(simulated_fault_parse(BAD[i], &error));
        g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    }
}

static void test_fault_objects(void) {
    g_autoptr(Json) good = json_pack("{s:s, s:s, s:s, s:i, s:d, s:s}", "kind", "throttle", "operation", "*", "account", "prod", "every",
                                     (gint64)2, "probability", 0.5, "for", "1 min");
    g_autoptr(GError) error = NULL;
    g_autoptr(SimulatedFault) fault = simulated_fault_read(json_root(good), &error);
    g_assert_no_error(error);
    g_autofree char *text = simulated_fault_text(fault);
    g_assert_cmpstr(text, ==, "throttle * in prod every 2 with 50 % for 60000 ms");
    g_autoptr(Json) bad = json_pack("{s:s, s:d}", "kind", "throttle", "probability", 1.5);
    g_assert_null(simulated_fault_read(json_root(bad), &error));
    g_assert_nonnull(strstr(error->message, "probability"));
}

/* ---- a world with one of everything ---- */

static SimulatedWorld *small_world(const char *behaviour) {
    SimulatedWorld *world = world_new(7);
    g_assert_nonnull(world_balancer_put(world, BALANCER_LOAD_BALANCER, "prod", "north", "frontend", NULL, NULL));
    g_assert_nonnull(world_image_add(world, NULL, "shop-1", NULL, NULL, NULL, behaviour, 0, NULL));
    return world;
}

static SimulatedGroup *make_group(SimulatedWorld *world, const char *name, gint64 size, gint64 now_ms, GError **error) {
    static const char *const balancers[] = {"frontend", NULL}, *const zones[] = {"north-a", "north-b", NULL};
    SimulatedGroupPlan plan = {.account = "prod",
                               .region = "north",
                               .name = name,
                               .image = "shop-1",
                               .capacity = {size, size, size},
                               .zones = zones,
                               .load_balancers = balancers};
    return world_group_create(world, &plan, now_ms, error);
}

static guint count_health(const SimulatedGroup *group, HealthState wanted, gint64 now_ms) {
    guint count = 0;
    for (guint i = 0; i < group->instances->len; i++) {
        const SimulatedInstance *instance = group->instances->pdata[i];
        for (guint r = 0; r < instance->registrations->len; r++) {
            HealthState state;
            count += simulated_registration_health(instance, instance->registrations->pdata[r], now_ms, &state) && state == wanted;
        }
    }
    return count;
}

static void test_instances_boot_and_pass(void) {
    g_autoptr(SimulatedWorld) world = small_world("boots in 20 s");
    SimulatedGroup *group = make_group(world, "shop-v000", 3, 1000, NULL);
    g_assert_cmpuint(group->instances->len, ==, 3);
    g_assert_cmpstr(simulated_lifecycle(group->instances->pdata[0], 1000), ==, "Pending");
    g_assert_cmpuint(count_health(group, HEALTH_STARTING, 20999), ==, 3);
    g_assert_cmpuint(count_health(group, HEALTH_UP, 21000), ==, 3);
    g_assert_cmpint(world_next_change_ms(world), ==, 1000 + SIMULATED_PENDING_MS);
    world_advance(world, 60000);
    g_assert_cmpint(world_next_change_ms(world), ==, -1);
}

static void test_never_healthy_stays_down(void) {
    g_autoptr(SimulatedWorld) world = small_world("never healthy");
    SimulatedGroup *group = make_group(world, "shop-v000", 2, 0, NULL);
    g_assert_cmpuint(count_health(group, HEALTH_STARTING, 0), ==, 2);
    world_advance(world, 3600000);
    g_assert_cmpuint(count_health(group, HEALTH_DOWN, 3600000), ==, 2);
    g_assert_cmpuint(group->instances->len, ==, 2);
}

static void test_a_group_replaces_what_crashed(void) {
    g_autoptr(SimulatedWorld) world = small_world("crashes after 1 min");
    SimulatedGroup *group = make_group(world, "shop-v000", 1, 0, NULL);
    g_autofree char *first = g_strdup(((const SimulatedInstance *)group->instances->pdata[0])->id);
    world_advance(world, 60000);
    g_assert_cmpuint(count_health(group, HEALTH_DOWN, 60000), ==, 1);
    world_advance(world, 60000 + SIMULATED_DETECTION_MS + SIMULATED_SHUTDOWN_MS + SIMULATED_BOOT_MS + SIMULATED_CHECK_MS);
    g_assert_cmpuint(group->instances->len, ==, 1);
    g_assert_cmpstr(((const SimulatedInstance *)group->instances->pdata[0])->id, !=, first);
    static const char *const processes[] = {"Launch", NULL};
    world_group_suspend(world, group, processes, 80000);
    world_advance(world, 1000000);
    g_assert_cmpuint(group->instances->len, ==, 0);
    world_group_resume(world, group, processes, 1000000);
    world_advance(world, 1000000);
    g_assert_cmpuint(group->instances->len, ==, 1);
}

/* The same whether it is looked at often or once. */
static void test_a_world_is_the_same_however_often_it_is_looked_at(void) {
    g_autoptr(SimulatedWorld) often = small_world("boots in 3 s, crashes after 10 s");
    g_autoptr(SimulatedWorld) once = small_world("boots in 3 s, crashes after 10 s");
    make_group(often, "shop-v000", 4, 0, NULL);
    make_group(once, "shop-v000", 4, 0, NULL);
    for (gint64 now_ms = 0; now_ms <= 100000; now_ms += 77)
        world_advance(often, now_ms);
    world_advance(often, 100000);
    world_advance(once, 100000);
    const SimulatedGroup *a = world_groups(often)->pdata[0], *b = world_groups(once)->pdata[0];
    g_assert_cmpuint(a->instances->len, ==, b->instances->len);
    for (guint i = 0; i < a->instances->len; i++)
        g_assert_cmpstr(((const SimulatedInstance *)a->instances->pdata[i])->id, ==,
                        ((const SimulatedInstance *)b->instances->pdata[i])->id);
}

static void test_sizes(void) {
    g_autoptr(SimulatedWorld) world = small_world(NULL);
    g_autoptr(GError) error = NULL;
    SimulatedGroup *group = make_group(world, "shop-v000", 3, 0, NULL);
    g_assert_true(world_group_resize(world, group, (Capacity){-1, 5, 5}, 100, NULL));
    world_advance(world, 100);
    g_assert_cmpuint(group->instances->len, ==, 5);
    g_assert_true(world_group_resize(world, group, (Capacity){1, 1, -1}, 200, NULL));
    g_assert_cmpint(group->capacity.desired, ==, 1);
    world_advance(world, 200);
    g_assert_cmpuint(count_health(group, HEALTH_DRAINING, 200), ==, 4);
    world_advance(world, 200 + SIMULATED_DRAIN_MS + SIMULATED_SHUTDOWN_MS);
    g_assert_cmpuint(group->instances->len, ==, 1);
    g_assert_false(world_group_resize(world, group, (Capacity){2, 1, 1}, 300, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
}

static void test_traffic(void) {
    static const char *const processes[] = {"Launch", "Terminate", "AddToLoadBalancer", NULL};
    g_autoptr(SimulatedWorld) world = small_world("boots in 1 s");
    SimulatedGroup *group = make_group(world, "shop-v000", 2, 0, NULL);
    world_advance(world, 10000);
    world_group_suspend(world, group, processes, 10000);
    for (guint i = 0; i < 2; i++)
        world_instance_deregister(world, group, group->instances->pdata[i], NULL, 10000);
    g_assert_cmpuint(count_health(group, HEALTH_DRAINING, 10000), ==, 2);
    g_assert_cmpuint(count_health(group, HEALTH_DRAINING, 10000 + SIMULATED_DRAIN_MS), ==, 0);
    world_instance_register(world, group, group->instances->pdata[0], NULL, 20000);
    g_assert_cmpuint(count_health(group, HEALTH_UP, 20000 + SIMULATED_CHECK_MS), ==, 1);
}

static void test_destroyed_groups_leave(void) {
    g_autoptr(SimulatedWorld) world = small_world(NULL);
    SimulatedGroup *group = make_group(world, "shop-v000", 2, 0, NULL);
    world_group_destroy(world, group, 100);
    g_assert_null(world_group(world, "prod", "north", "shop-v000"));
    g_autoptr(GError) error = NULL;
    g_assert_null(make_group(world, "shop-v000", 1, 100, &error));
    g_assert_cmpint(error_code(error), ==, ERR_CONFLICT);
    world_advance(world, 60000);
    g_assert_cmpuint(world_groups(world)->len, ==, 0);
    g_autoptr(GPtrArray) losses = world_take_losses(world);
    g_assert_cmpuint(losses->len, ==, 3);
    g_assert_nonnull(make_group(world, "shop-v000", 1, 60000, NULL));
}

static void test_what_is_not_there_is_refused(void) {
    g_autoptr(SimulatedWorld) world = small_world(NULL);
    static const char *const unknown[] = {"nowhere", NULL};
    SimulatedGroupPlan plan = {.account = "prod", .region = "north", .name = "shop-v000", .image = "shop-9", .capacity = {1, 1, 1}};
    g_autoptr(GError) no_image = NULL, no_balancer = NULL;
    g_assert_null(world_group_create(world, &plan, 0, &no_image));
    g_assert_cmpint(error_code(no_image), ==, ERR_NOT_FOUND);
    g_assert_nonnull(strstr(no_image->message, "shop-9"));
    plan.image = "shop-1";
    plan.load_balancers = unknown;
    g_assert_null(world_group_create(world, &plan, 0, &no_balancer));
    g_assert_cmpint(error_code(no_balancer), ==, ERR_NOT_FOUND);
    world_set_lenient(world, TRUE);
    plan.image = "shop-9";
    g_assert_nonnull(world_group_create(world, &plan, 0, NULL));
}

static void test_quotas(void) {
    g_autoptr(SimulatedWorld) world = small_world(NULL);
    world_set_quota(world, "prod", 3, 2);
    SimulatedGroup *group = make_group(world, "shop-v000", 5, 0, NULL);
    g_assert_cmpuint(group->instances->len, ==, 3);
    g_assert_nonnull(group->problem);
    world_set_quota(world, "prod", 10, 2);
    world_advance(world, SIMULATED_RETRY_MS);
    g_assert_cmpuint(group->instances->len, ==, 5);
    g_assert_null(group->problem);
    g_assert_nonnull(make_group(world, "shop-v001", 1, 0, NULL));
    g_autoptr(GError) error = NULL;
    g_assert_null(make_group(world, "shop-v002", 1, 0, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
}

/* ---- state ---- */

static void test_a_world_goes_on_from_its_state(void) {
    g_autoptr(SimulatedWorld) world = small_world("boots in 3 s, crashes after 10 s, error rate 2 %");
    SimulatedGroup *group = make_group(world, "shop-v000", 3, 0, NULL);
    make_group(world, "shop-v001", 1, 500, NULL);
    world_advance(world, 5000);
    world_instance_deregister(world, group, group->instances->pdata[0], NULL, 5000);
    world_group_destroy(world, world_group(world, "prod", "north", "shop-v001"), 5000);
    g_assert_nonnull(world_image_bake(world, "bake-1", "shop-2", "prod", "north", NULL, "never healthy", 5000, NULL));
    world_advance(world, 5000);
    g_autoptr(Json) state = world_state(world);
    g_autoptr(SimulatedWorld) again = world_new(1);
    g_autoptr(GError) error = NULL;
    g_assert_true(world_restore(again, json_root(state), &error));
    g_assert_no_error(error);
    g_autoptr(Json) same = world_state(again);
    g_assert_true(json_equal(json_root(state), json_root(same)));
    world_advance(world, 30000);
    world_advance(again, 30000);
    g_autoptr(Json) later = world_state(world), later_again = world_state(again);
    g_assert_true(json_equal(json_root(later), json_root(later_again)));
    g_assert_null(world_group(again, "prod", "north", "shop-v001"));
    g_assert_nonnull(world_image(again, "prod", "north", "shop-2"));
}

static void test_what_is_no_state_is_refused(void) {
    static const char *const BAD[] = {"{\"groups\":[{}]}", "{\"images\":[{\"id\":\"x\"}]}",
                                      "{\"balancers\":[{\"kind\":9,\"account\":\"a\",\"region\":\"r\",\"name\":\"n\"}]}",
                                      "{\"groups\":[{\"account\":\"a\",\"region\":\"r\",\"name\":\"n\",\"behaviour\":\"sleeps\"}]}"};
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(SimulatedWorld) world = world_new(1);
        g_autoptr(Json) state = json_parse(BAD[i], -1, NULL);
        g_autoptr(GError) error = NULL;
        g_assert_false(world_restore(world, json_root(state), &error));
        g_assert_cmpint(error_code(error), ==, ERR_INVALID);
        g_assert_cmpuint(world_groups(world)->len, ==, 0);
    }
}

static void test_bakes_take_their_time(void) {
    g_autoptr(SimulatedWorld) world = world_new(1);
    const SimulatedImage *image = world_image_bake(world, "bake-1", "shop-2", "prod", "north", NULL, NULL, 1000, NULL);
    g_assert_true(world_image_bake(world, "bake-1", "other", "prod", "north", NULL, NULL, 2000, NULL) == image);
    g_assert_null(world_image(world, "prod", "north", "shop-2"));
    g_assert_cmpint(world_next_change_ms(world), ==, 1000 + SIMULATED_BAKE_MS);
    world_advance(world, 1000 + SIMULATED_BAKE_MS);
    g_assert_true(world_image(world, "prod", "north", "shop-2") == image);
    g_assert_null(world_image(world, "prod", "south", "shop-2"));
    g_assert_cmpint(world_next_change_ms(world), ==, -1);
}

/* ---- faults ---- */

static SimulatedWorld *world_with_fault(const char *text) {
    SimulatedWorld *world = small_world(NULL);
    g_assert_true(world_fault_add(world, simulated_fault_parse(text, NULL), 0, NULL));
    return world;
}

static void test_faults_strike_as_often_as_they_say(void) {
    g_autoptr(SimulatedWorld) world = world_with_fault("throttle createServerGroup 2 times every 2");
    static const SimulatedFaultKind EXPECTED[] = {FAULT_NONE, FAULT_THROTTLE, FAULT_NONE, FAULT_THROTTLE, FAULT_NONE, FAULT_NONE};
    for (gsize i = 0; i < G_N_ELEMENTS(EXPECTED); i++)
        g_assert_cmpint(world_fault_strike(world, "createServerGroup", "prod", "north", 0), ==, EXPECTED[i]);
    g_assert_cmpint(world_fault_strike(world, "resizeServerGroup", "prod", "north", 0), ==, FAULT_NONE);
}

static void test_faults_have_their_time_and_place(void) {
    g_autoptr(SimulatedWorld) world = world_with_fault("refuse * in prod/north after 10 s for 5 s");
    g_assert_cmpint(world_fault_strike(world, "x", "prod", "north", 9999), ==, FAULT_NONE);
    g_assert_cmpint(world_fault_strike(world, "x", "prod", "north", 10000), ==, FAULT_REFUSE);
    g_assert_cmpint(world_fault_strike(world, "x", "prod", "south", 10000), ==, FAULT_NONE);
    g_assert_cmpint(world_fault_strike(world, "x", "test", "north", 10000), ==, FAULT_NONE);
    g_assert_cmpint(world_fault_strike(world, "x", "prod", "north", 15000), ==, FAULT_NONE);
}

static void test_stale_and_lost(void) {
    g_autoptr(SimulatedWorld) world = world_with_fault("stale in prod for 5 s");
    g_assert_cmpint(world_stale_since_ms(world, "prod", "north", 4999), >, 0);
    g_assert_cmpint(world_stale_since_ms(world, "prod", "north", 5000), ==, 0);
    g_assert_cmpint(world_stale_since_ms(world, "test", "north", 0), ==, 0);
    SimulatedGroup *group = make_group(world, "shop-v000", 3, 0, NULL);
    world_advance(world, 20000);
    world_lose_instance(world, "prod", "north", 20000);
    g_assert_cmpuint(count_health(group, HEALTH_DOWN, 20000), ==, 1);
}

static void test_limits(void) {
    g_autoptr(SimulatedWorld) world = small_world(NULL);
    for (guint i = 0; i < SIMULATED_FAULTS_MAX; i++)
        g_assert_true(world_fault_add(world, simulated_fault_parse("refuse x", NULL), 0, NULL));
    g_autoptr(GError) error = NULL;
    g_assert_false(world_fault_add(world, simulated_fault_parse("refuse x", NULL), 0, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
    for (guint i = 0; i < SIMULATED_CALLS_MAX + 10; i++)
        world_call_add(world, "x", "prod", "north", NULL, "done", i);
    g_assert_cmpuint(world_calls(world)->len, ==, SIMULATED_CALLS_MAX);
    g_assert_cmpint(((const SimulatedCall *)world_calls(world)->pdata[0])->at_ms, ==, 10);
    g_autoptr(GError) size = NULL;
    g_assert_null(make_group(world, "shop-v000", SIMULATED_GROUP_SIZE_MAX + 1, 0, &size));
    g_assert_cmpint(error_code(size), ==, ERR_INVALID);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulator/behaviour", test_behaviour_sentences);
    g_test_add_func("/simulator/behaviour/limit", test_behaviour_has_a_longest_text);
    g_test_add_func("/simulator/fault/text", test_fault_sentences);
    g_test_add_func("/simulator/fault/json", test_fault_objects);
    g_test_add_func("/simulator/instances", test_instances_boot_and_pass);
    g_test_add_func("/simulator/never-healthy", test_never_healthy_stays_down);
    g_test_add_func("/simulator/heals", test_a_group_replaces_what_crashed);
    g_test_add_func("/simulator/deterministic", test_a_world_is_the_same_however_often_it_is_looked_at);
    g_test_add_func("/simulator/sizes", test_sizes);
    g_test_add_func("/simulator/traffic", test_traffic);
    g_test_add_func("/simulator/destroy", test_destroyed_groups_leave);
    g_test_add_func("/simulator/refused", test_what_is_not_there_is_refused);
    g_test_add_func("/simulator/quotas", test_quotas);
    g_test_add_func("/simulator/state", test_a_world_goes_on_from_its_state);
    g_test_add_func("/simulator/state/bad", test_what_is_no_state_is_refused);
    g_test_add_func("/simulator/bakes", test_bakes_take_their_time);
    g_test_add_func("/simulator/faults/often", test_faults_strike_as_often_as_they_say);
    g_test_add_func("/simulator/faults/place", test_faults_have_their_time_and_place);
    g_test_add_func("/simulator/faults/stale", test_stale_and_lost);
    g_test_add_func("/simulator/limits", test_limits);
    return g_test_run();
}
