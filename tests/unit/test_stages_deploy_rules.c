/* The arithmetic of deployments by tables: who is up, who is down, how many, what size, which groups, which guard
 * (deploy-strategies.md 1, 2, 4, 5, 6). */
#include "clouds/sizes.h"
#include "stages/deploy/cluster_choice.h"
#include "stages/deploy/deployment.h"
#include "stages/deploy/resize_rules.h"

/* ---- health: "Amazon:Unknown TargetGroup:Up" ---- */

static HealthState state_named(const char *name) {
    for (HealthState state = HEALTH_UNKNOWN; state <= HEALTH_DRAINING; state++)
        if (strcmp(health_state_name(state), name) == 0)
            return state;
    g_assert_not_reached();
}

static Instance *instance_of(const char *text) {
    Instance *instance = g_new0(Instance, 1);
    instance->health = g_ptr_array_new_with_free_func((GDestroyNotify)health_free);
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    for (char **part = parts; *part != NULL && **part != '\0'; part++) {
        g_auto(GStrv) pair = g_strsplit(*part, ":", 2);
        Health *health = g_new0(Health, 1);
        *health = (Health){g_strdup(pair[0]), strcmp(pair[0], "Amazon") == 0, state_named(pair[1]), NULL};
        g_ptr_array_add(instance->health, health);
    }
    return instance;
}

static void test_health(void) {
    static const struct {
        const char *health, *names; /* names NULL: all */
        gboolean up, down;
    } CASES[] = {
        {"Amazon:Unknown TargetGroup:Up", NULL, TRUE, FALSE},
        {"Amazon:Unknown", NULL, FALSE, TRUE},
        {"Amazon:Unknown", "Amazon", TRUE, TRUE},
        {"Amazon:Down", "Amazon", FALSE, TRUE},
        {"Amazon:Unknown TargetGroup:Down", NULL, FALSE, TRUE},
        {"Amazon:Unknown TargetGroup:Down", "Amazon", TRUE, TRUE},
        {"Amazon:Unknown TargetGroup:Up LoadBalancer:Down", NULL, FALSE, FALSE},
        {"Amazon:Unknown TargetGroup:Up LoadBalancer:Starting", NULL, FALSE, FALSE},
        {"Amazon:Unknown TargetGroup:Draining", NULL, FALSE, FALSE},
        {"Amazon:Unknown TargetGroup:OutOfService", NULL, FALSE, TRUE},
        {"Amazon:Unknown TargetGroup:Up", "LoadBalancer", FALSE, TRUE},
        {"Amazon:Unknown TargetGroup:Up", "LoadBalancer TargetGroup", TRUE, FALSE},
        {"", NULL, FALSE, TRUE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Instance *instance = instance_of(CASES[i].health);
        HealthInterest interest = {CASES[i].names != NULL ? g_strsplit(CASES[i].names, " ", -1) : NULL, "Amazon"};
        g_test_message("%s, %s", CASES[i].health, CASES[i].names);
        g_assert_cmpint(instance_counts_as_up(instance, &interest), ==, CASES[i].up);
        g_assert_cmpint(instance_counts_as_down(instance, &interest), ==, CASES[i].down);
        health_interest_clear(&interest);
        instance_free(instance);
    }
}

static void test_instance_state(void) {
    static const struct {
        const char *health;
        gint64 age_ms;
        HealthState state;
        gboolean healthy;
    } CASES[] = {
        {"Amazon:Unknown TargetGroup:Up", 1000, HEALTH_UP, TRUE},
        {"Amazon:Unknown TargetGroup:Up LoadBalancer:Down", 1000, HEALTH_DOWN, FALSE},
        {"Amazon:Unknown TargetGroup:Starting LoadBalancer:Down", 1000, HEALTH_STARTING, FALSE},
        {"Amazon:Unknown LoadBalancer:OutOfService", 1000, HEALTH_OUT_OF_SERVICE, FALSE},
        {"Amazon:Unknown", 1000, HEALTH_STARTING, FALSE},
        {"Amazon:Unknown", 180000, HEALTH_UNKNOWN, FALSE},
        {"Amazon:Down", 1000, HEALTH_DOWN, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Instance *instance = instance_of(CASES[i].health);
        instance->launch_ms = 1000000;
        g_assert_cmpint(instance_health_state(instance, 1000000 + CASES[i].age_ms), ==, CASES[i].state);
        g_assert_cmpint(instance_is_healthy(instance), ==, CASES[i].healthy);
        instance_free(instance);
    }
}

static void test_target(void) {
    static const struct {
        Capacity configured, current; /* min, max, desired; configured.desired -1: none */
        gint64 healthy, desired, target;
    } CASES[] = {
        {{-1, -1, -1}, {1, 5, 3}, -1, -1, 3},    {{4, 4, 4}, {1, 5, 3}, -1, -1, 4},     {{1, 5, 4}, {1, 5, 3}, -1, -1, 3},
        {{1, 5, 4}, {3, 3, 3}, -1, -1, 4},       {{-1, -1, -1}, {3, 3, 3}, 50, -1, 2},  {{-1, -1, -1}, {1, 1, 1}, 20, -1, 1},
        {{-1, -1, -1}, {4, 4, 4}, 0, -1, 0},     {{-1, -1, -1}, {0, 4, 0}, 50, -1, 0},  {{-1, -1, -1}, {2, 4, 3}, -1, 75, 1},
        {{-1, -1, -1}, {10, 10, 10}, -1, 25, 3}, {{-1, -1, -1}, {1, 10, 5}, -1, 50, 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_test_message("case %u", i);
        g_assert_cmpint(
            health_target(&CASES[i].configured, CASES[i].configured.desired >= 0, &CASES[i].current, CASES[i].healthy, CASES[i].desired),
            ==, CASES[i].target);
    }
}

/* ---- sizes ---- */

static void test_resize(void) {
    static const ResizeOptions ABSENT = {{-1, -1, -1}, -1, -1, FALSE, FALSE, FALSE, -1};
    ResizeOptions exact = ABSENT, only_max = ABSENT, only_min = ABSENT, percent = ABSENT, number = ABSENT, pinned = ABSENT,
                  unpinned = ABSENT, pin_minimum = ABSENT, desired = ABSENT;
    exact.given = (Capacity){1, 4, 2};
    only_max.given.max = 2;
    only_min.given.min = 8;
    desired.given.desired = 5;
    percent.scale_percentage = 50;
    number.scale_number = 3;
    pinned.pin = TRUE;
    pin_minimum.pin_minimum = TRUE;
    unpinned.unpin_minimum = TRUE;
    unpinned.original_min = 1;
    const Capacity current = {3, 6, 4}, source = {2, 10, 7};
    const struct {
        ResizeAction action;
        const ResizeOptions *options;
        Capacity wanted;
    } CASES[] = {
        {RESIZE_EXACT, &exact, {1, 4, 2}},
        {RESIZE_EXACT, &only_max, {2, 2, 2}},
        {RESIZE_EXACT, &only_min, {8, 8, 8}},
        {RESIZE_EXACT, &desired, {3, 6, 5}},
        {RESIZE_EXACT, &ABSENT, {3, 6, 4}},
        {RESIZE_EXACT, &percent, {2, 6, 2}},
        {RESIZE_EXACT, &pinned, {4, 4, 4}},
        {RESIZE_EXACT, &pin_minimum, {4, 6, 4}},
        {RESIZE_EXACT, &unpinned, {1, 6, 4}},
        {RESIZE_UP, &percent, {5, 9, 6}},
        {RESIZE_UP, &number, {6, 9, 7}},
        {RESIZE_DOWN, &number, {0, 3, 1}},
        {RESIZE_DOWN, &ABSENT, {3, 6, 4}},
        {RESIZE_TO_SERVER_GROUP, &ABSENT, {2, 10, 7}},
        {RESIZE_TO_SERVER_GROUP, &percent, {2, 10, 4}},
        {RESIZE_TO_CLUSTER, &ABSENT, {2, 10, 7}},
        {RESIZE_TO_CLUSTER, &percent, {2, 10, 10}},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Capacity capacity = resize_capacity(CASES[i].action, CASES[i].options, &current, &source);
        g_test_message("case %u: %d/%d/%d", i, (int)capacity.min, (int)capacity.max, (int)capacity.desired);
        g_assert_cmpint(capacity.min, ==, CASES[i].wanted.min);
        g_assert_cmpint(capacity.max, ==, CASES[i].wanted.max);
        g_assert_cmpint(capacity.desired, ==, CASES[i].wanted.desired);
    }
}

/* ---- which of a cluster ---- */

static void test_cluster_choice(void) {
    /* Three old ones, of which the newest is active, and our own. */
    static const ClusterMember WITH_OWN[] = {{"v000", 100, 1, FALSE, FALSE},
                                             {"v001", 200, 5, FALSE, FALSE},
                                             {"v002", 300, 2, TRUE, FALSE},
                                             {"v003", 400, 2, TRUE, TRUE},
                                             {"v004", 500, 2, TRUE, FALSE}};
    static const ClusterMember WITHOUT[] = {{"v000", 100, 9, TRUE, FALSE}, {"v001", 200, 1, FALSE, FALSE}, {"v002", 300, 2, TRUE, FALSE}};
    static const struct {
        const ClusterMember *members;
        guint count;
        ClusterChoice choice;
        const char *taken;
    } CASES[] = {
        {WITH_OWN, 4, {.keep = 1, .only_active = TRUE}, "v002 "},
        {WITH_OWN, 5, {.keep = 1, .only_active = TRUE}, "v002 "},
        {WITH_OWN, 5, {.keep = 3, .only_active = TRUE}, ""},
        {WITH_OWN, 4, {.keep = 2, .only_inactive = TRUE, .filtered_count = TRUE}, "v001 v000 "},
        {WITH_OWN, 4, {.keep = 3, .only_inactive = TRUE, .filtered_count = TRUE}, "v000 "},
        {WITH_OWN, 4, {.keep = 1, .active_first = TRUE, .filtered_count = TRUE}, "v002 v001 v000 "},
        {WITHOUT, 3, {.keep = 1, .only_active = TRUE}, "v000 "},
        {WITHOUT, 3, {.keep = 1, .only_active = TRUE, .larger_first = TRUE}, "v002 "},
        {WITHOUT, 3, {.keep = 1, .active_first = TRUE, .filtered_count = TRUE}, "v000 v001 "},
        {WITHOUT, 3, {.keep = 0, .active_first = TRUE, .filtered_count = TRUE}, "v002 v000 v001 "},
        {WITHOUT, 0, {.keep = 0}, ""},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GArray) taken = cluster_choose(CASES[i].members, CASES[i].count, &CASES[i].choice);
        g_autoptr(GString) names = g_string_new(NULL);
        for (guint k = 0; k < taken->len; k++)
            g_string_append_printf(names, "%s ", CASES[i].members[g_array_index(taken, guint, k)].name);
        g_test_message("case %u", i);
        g_assert_cmpstr(names->str, ==, CASES[i].taken);
    }
}

/* ---- guards ---- */

static void test_guard(void) {
    static const GuardedGroup one[] = {{2, {2, 2, 2}}}, two[] = {{2, {2, 2, 2}}, {2, {2, 2, 2}}},
                              unlike[] = {{2, {1, 2, 2}}, {2, {2, 2, 2}}};
    g_assert_cmpint(traffic_guard_decide(0, one, 1, 0), ==, GUARD_ALLOWS);
    g_assert_cmpint(traffic_guard_decide(2, one, 1, 0), ==, GUARD_REFUSES);
    g_assert_cmpint(traffic_guard_decide(3, one, 1, 0), ==, GUARD_ALLOWS);
    g_assert_cmpint(traffic_guard_decide(3, one, 1, 0.4), ==, GUARD_REFUSES);
    g_assert_cmpint(traffic_guard_decide(5, two, 2, 0.4), ==, GUARD_ALLOWS);
    g_assert_cmpint(traffic_guard_decide(5, unlike, 2, 0.4), ==, GUARD_REFUSES);
    g_assert_cmpint(traffic_guard_decide(4, two, 2, 0), ==, GUARD_REFUSES);
    g_autoptr(Json) guards = json_parse("[{\"account\":\"prod\",\"location\":\"*\",\"stack\":\"main\",\"detail\":\"\"},"
                                        "{\"account\":\"*\",\"location\":\"here\",\"stack\":\"*\",\"detail\":\"*\",\"enabled\":false}]",
                                        -1, NULL);
    Moniker plain = {.app = (char *)"orders", .stack = (char *)"main"};
    Moniker detailed = {.app = (char *)"orders", .stack = (char *)"main", .detail = (char *)"blue"};
    g_assert_true(traffic_guard_names(json_root(guards), "prod", "there", &plain));
    g_assert_false(traffic_guard_names(json_root(guards), "prod", "here", &detailed));
    g_assert_false(traffic_guard_names(json_root(guards), "test", "here", &plain));
    g_assert_false(traffic_guard_names(NULL, "prod", "here", &plain));
}

/* ---- targets and sources ---- */

static InventoryObject *group_of(const char *name, gint64 created_ms, guint instances, gboolean disabled) {
    InventoryObject *object = inventory_object_new(KIND_SERVER_GROUP, "prod", "here", name);
    ServerGroup *group = g_new0(ServerGroup, 1);
    group->name = g_strdup(name);
    group->created_ms = created_ms;
    group->disabled = disabled;
    group->instance_ids = g_new0(char *, instances + 1);
    for (guint i = 0; i < instances; i++)
        group->instance_ids[i] = g_strdup_printf("i-%u", i);
    object->record = group;
    object->free_record = (GDestroyNotify)server_group_free;
    return object;
}

static void test_targets(void) {
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    g_ptr_array_add(groups, group_of("undated", 0, 9, FALSE));
    g_ptr_array_add(groups, group_of("v000", 100, 4, FALSE));
    g_autoptr(GError) error = NULL;
    g_assert_cmpstr(target_choose(groups, "current_asg_dynamic", "c", "here", &error)->name, ==, "v000");
    g_assert_null(target_choose(groups, "ancestor_asg_dynamic", "c", "here", &error));
    g_assert_cmpint(error_code(error), ==, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(target_choose(groups, "oldest_asg_dynamic", "c", "here", NULL));
    g_assert_cmpstr(target_choose(groups, "fail", "c", "here", NULL)->name, ==, "v000");
    g_ptr_array_add(groups, group_of("v001", 200, 4, TRUE));
    g_ptr_array_add(groups, group_of("v002", 300, 1, FALSE));
    g_assert_cmpstr(target_choose(groups, "ANCESTOR_ASG", "c", "here", NULL)->name, ==, "v001");
    g_assert_cmpstr(target_choose(groups, "oldest", "c", "here", NULL)->name, ==, "v000");
    g_assert_cmpstr(target_choose(groups, "largest", "c", "here", NULL)->name, ==, "v001");
    g_assert_null(target_choose(groups, "fail", "c", "here", NULL));
    g_assert_null(target_choose(groups, "youngest", "c", "here", &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_assert_true(target_is_dynamic("current_asg_dynamic"));
    g_assert_false(target_is_dynamic("current_asg"));
}

static void test_sizes(void) {
    static const struct {
        const char *given, *sizes, *error;
    } CASES[] = {
        {"{\"min\":1,\"max\":\"3\",\"desired\":2.0}", "{\"min\":1,\"max\":3,\"desired\":2}", NULL},
        {"{\"desired\":\"2\",\"other\":\"x\"}", "{\"desired\":2}", NULL},
        {"{\"min\":\"abc\",\"desired\":1}", "{\"desired\":1}", "capacity.min: expected a whole number, 0 or more, got \"abc\""},
        {"{\"max\":-1}", "{}", "capacity.max: expected a whole number, 0 or more, got -1"},
        {"{\"max\":1.5}", "{}", "capacity.max: expected a whole number, 0 or more, got 1.5"},
        {"{\"min\":null,\"desired\":\"\"}", "{}", "capacity.desired: expected a whole number, 0 or more, got \"\""},
        {"[]", "{}", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) given = json_parse(CASES[i].given, -1, NULL);
        g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Json) sizes = sizes_read(json_root(given), errors);
        g_autofree char *text = json_write(json_root(sizes), NULL);
        g_assert_cmpstr(text, ==, CASES[i].sizes);
        g_assert_cmpuint(errors->len, ==, CASES[i].error != NULL ? 1 : 0);
        if (CASES[i].error != NULL)
            g_assert_cmpstr(errors->pdata[0], ==, CASES[i].error);
    }
}

static void test_source(void) {
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    g_assert_null(source_choose(groups, FALSE));
    g_ptr_array_add(groups, group_of("v000", 100, 4, TRUE));
    g_ptr_array_add(groups, group_of("v001", 200, 9, TRUE));
    g_assert_cmpstr(source_choose(groups, FALSE)->name, ==, "v001");
    g_ptr_array_add(groups, group_of("v002", 300, 3, FALSE));
    g_ptr_array_add(groups, group_of("v003", 400, 3, FALSE));
    g_ptr_array_add(groups, group_of("v004", 500, 1, FALSE));
    g_assert_cmpstr(source_choose(groups, FALSE)->name, ==, "v004");
    g_assert_cmpstr(source_choose(groups, TRUE)->name, ==, "v002");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy/health", test_health);
    g_test_add_func("/deploy/instance-state", test_instance_state);
    g_test_add_func("/deploy/target", test_target);
    g_test_add_func("/deploy/resize", test_resize);
    g_test_add_func("/deploy/cluster-choice", test_cluster_choice);
    g_test_add_func("/deploy/guard", test_guard);
    g_test_add_func("/deploy/targets", test_targets);
    g_test_add_func("/deploy/source", test_source);
    g_test_add_func("/deploy/sizes", test_sizes);
    return g_test_run();
}
