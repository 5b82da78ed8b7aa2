/* Rollbacks: which group gives way to which, in which stages, and when it is refused (deploy-strategies.md 7, 8). */
#include "deploy_house.h"
#include "stages/deploy/replaced.h"
#include "stages/deploy/rollback/rollback.h"
#include "stages/metadata/entity_tags.h"

/* ---- choosing ---- */

/* "v0 v1- v2:image-2": names with "-" when disabled and an image; oldest first. Caller unrefs. */
static GPtrArray *groups_of(const char *text) {
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++) {
        g_auto(GStrv) parts = g_strsplit(words[i], ":", 2);
        ServerGroup *group = g_new0(ServerGroup, 1);
        group->disabled = g_str_has_suffix(parts[0], "-");
        group->name = g_strndup(parts[0], strlen(parts[0]) - (group->disabled ? 1 : 0));
        group->image_name = g_strdup(parts[1]);
        group->created_ms = i + 1;
        InventoryObject *object = inventory_object_new(KIND_SERVER_GROUP, "prod", "here", group->name);
        object->record = group;
        object->free_record = (GDestroyNotify)server_group_free;
        g_ptr_array_add(groups, object);
    }
    return groups;
}

static void test_choosing(void) {
    static const struct {
        const char *groups;
        gboolean only_enabled;
        const char *original, *tagged, *expected; /* "TYPE bad restore" or words of the error */
    } CASES[] = {
        {"v0 v1 v2", FALSE, NULL, NULL, "EXPLICIT v2 v1"},
        {"v0 v1- v2", FALSE, NULL, NULL, "EXPLICIT v2 v1"},
        {"v0 v1- v2", TRUE, NULL, NULL, "EXPLICIT v2 v0"},
        {"v0 v1 v2-", FALSE, NULL, NULL, "EXPLICIT v1 v2"},
        {"v0 v1 v2", FALSE, "v0", NULL, "EXPLICIT v2 v0"},
        {"v0 v1 v2", FALSE, "v2", NULL, "is the very same"},
        {"v0 v1 v2", FALSE, "v7", NULL, "v7, which it is to go back to, is gone"},
        {"v0:a v1:b v2:c", FALSE, NULL, "a", "EXPLICIT v2 v0"},
        {"v0:a v1:a v2:c", FALSE, NULL, "a", "EXPLICIT v2 v1"},
        {"v0:a v1:b v2:c", FALSE, NULL, "z", "PREVIOUS_IMAGE v2 -"},
        {"v0:a- v1:b v2:c", TRUE, NULL, "a", "PREVIOUS_IMAGE v2 -"},
        {"v0- v1-", FALSE, NULL, NULL, "no enabled server group"},
        {"v0- v1", TRUE, NULL, NULL, "no other enabled server group to go back to"},
        {"v1", FALSE, NULL, NULL, "no other server group to go back to"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GPtrArray) groups = groups_of(CASES[i].groups);
        g_autoptr(Json) metadata = CASES[i].tagged != NULL ? json_pack("{s:s}", "imageName", CASES[i].tagged) : NULL;
        RollbackQuestion question = {groups, CASES[i].only_enabled, CASES[i].original, metadata != NULL ? json_root(metadata) : NULL};
        RollbackAnswer answer;
        g_autoptr(GError) error = NULL;
        gboolean chosen = rollback_choose(&question, &answer, &error);
        g_autofree char *said = chosen ? g_strdup_printf("%s %s %s", rollback_type_name(answer.type), answer.bad->name,
                                                         answer.restore != NULL ? answer.restore->name : "-")
                                       : g_strdup(error->message);
        if (chosen ? strcmp(said, CASES[i].expected) != 0 : strstr(said, CASES[i].expected) == NULL)
            g_error("%s: %s, expected %s", CASES[i].groups, said, CASES[i].expected);
    }
}

static void test_possible(void) {
    static const struct {
        const char *groups;
        gboolean possible;
    } CASES[] = {{"", FALSE}, {"v0", FALSE}, {"v0- v1-", FALSE}, {"v0- v1", TRUE}, {"v0 v1", TRUE}};
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GPtrArray) groups = groups_of(CASES[i].groups);
        g_assert_cmpint(rollback_is_possible(groups), ==, CASES[i].possible);
    }
}

static void test_numbers(void) {
    static const gint64 PERCENTAGES[][2] = {{0, 100}, {9, 100}, {10, 90}, {19, 90}, {20, 95}, {500, 95}};
    for (guint i = 0; i < G_N_ELEMENTS(PERCENTAGES); i++)
        g_assert_cmpint(rollback_healthy_percentage(PERCENTAGES[i][0]), ==, PERCENTAGES[i][1]);
    Capacity wanted = rollback_capacity(&(Capacity){1, 5, 2}, &(Capacity){3, 4, 4});
    g_assert_cmpint(wanted.min, ==, 4);
    g_assert_cmpint(wanted.max, ==, 5);
    g_assert_cmpint(wanted.desired, ==, 4);
}

static char A[] = "a", B[] = "b", GROUP[] = "v0", IMAGE[] = "image-1", OTHER_IMAGE[] = "image-2", SMALL[] = "small";

static void test_remembered(void) {
    char *before_groups[] = {B, A, NULL}, *same_groups[] = {A, B, NULL}, *other_groups[] = {A, NULL};
    ServerGroup before = {.name = GROUP, .image_id = IMAGE, .instance_type = SMALL, .security_groups = before_groups};
    g_autoptr(Json) facts = replaced_facts(&before);
    ServerGroup now = before;
    now.security_groups = same_groups;
    now.capacity = (Capacity){1, 2, 3};
    g_assert_null(replaced_difference(json_root(facts), &now));
    now.security_groups = other_groups;
    now.image_id = OTHER_IMAGE;
    g_autofree char *difference = replaced_difference(json_root(facts), &now);
    g_assert_cmpstr(difference, ==, "imageId image-1, now image-2; securityGroups a, b, now a");
}

/* ---- whole runs ---- */

static void assert_names(const Execution *execution, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        g_string_append_printf(text, "%s%s", text->len > 0 ? " | " : "", stage->name);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static const JsonValue *context_of(const Execution *execution, const char *type) {
    for (guint i = 0; i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->type, type) == 0)
            return json_root(((const Stage *)execution->stages->pdata[i])->context);
    g_error("no stage of type %s", type);
}

static Execution *succeeds(House *house, const char *stages) {
    Execution *execution = run(house, stages);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "SUCCEEDED");
    return execution;
}

static void house_of_two(House *house, Capacity old, Capacity new) {
    house_build(house);
    outside_add("here", "orders-main-v000", old)->disabled = TRUE;
    outside_add("here", "orders-main-v001", new);
}

#define ROLLBACK(more)                                                                                                                     \
    "[{\"type\":\"rollbackServerGroup\",\"name\":\"Back\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"region\":\"here\","        \
    "\"rollbackType\":\"EXPLICIT\",\"rollbackContext\":{\"rollbackServerGroupName\":\"orders-main-v001\",\"restoreServerGroupName\":"      \
    "\"orders-main-v000\",\"targetHealthyRollbackPercentage\":95" more "}}]"

static void test_explicit(void) {
    static const struct {
        Capacity old, new;
        const char *more, *names, *calls;
    } CASES[] = {
        {{2, 2, 2}, {1, 2, 2}, "", "Back | enable | disable", "enable orders-main-v000, disable orders-main-v001"},
        {{2, 2, 2},
         {1, 2, 2},
         ",\"delayBeforeDisableSeconds\":1",
         "Back | enable | wait | disable",
         "enable orders-main-v000, disable orders-main-v001"},
        {{1, 1, 1}, {1, 1, 1}, ",\"disableOnly\":true", "Back | disable", "disable orders-main-v001"},
        {{1, 1, 1},
         {4, 4, 4},
         ",\"enableAndDisableOnly\":true,\"delayBeforeDisableSeconds\":1",
         "Back | enable | disable",
         "enable orders-main-v000, disable orders-main-v001"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        House house;
        house_of_two(&house, CASES[i].old, CASES[i].new);
        g_autofree char *stages = g_strdup_printf(ROLLBACK("%s"), CASES[i].more);
        g_autoptr(Execution) execution = succeeds(&house, stages);
        assert_names(execution, CASES[i].names);
        assert_calls(CASES[i].calls);
        house_leave(&house);
    }
}

#define WITH_SIZE                                                                                                                          \
    "Back | Snapshot Source Server Group | enable | resumeScalingProcesses | Resize Server Group: orders-main-v000 | "                     \
    "suspendScalingProcesses | disable | Restore Min Capacity From Snapshot due to rollback"

static void test_explicit_with_size(void) {
    House house;
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){1, 5, 3});
    g_autoptr(Execution) execution = succeeds(&house, ROLLBACK(""));
    assert_names(execution, WITH_SIZE);
    const JsonValue *resize = context_of(execution, "resizeServerGroup");
    g_assert_cmpstr(json_get_string(resize, "action"), ==, "scale_exact");
    g_assert_true(json_is_true(json_get(resize, "pinMinimumCapacity")));
    g_assert_cmpint(json_get_int(context_of(execution, "enableServerGroup"), "targetHealthyDeployPercentage", 0), ==, 95);
    assert_calls("enable orders-main-v000, resize orders-main-v000, = 3/5/3, disable orders-main-v001, resize orders-main-v000, = 1/5/3");
    house_leave(&house);
    /* Enabled without an instance it would take no traffic: it is given its size first. */
    house_of_two(&house, (Capacity){0, 0, 0}, (Capacity){2, 2, 2});
    g_autoptr(Execution) emptied = succeeds(&house, ROLLBACK(",\"enableAndDisableOnly\":true"));
    assert_names(emptied, WITH_SIZE);
    assert_calls("enable orders-main-v000, resize orders-main-v000, = 2/2/2, disable orders-main-v001");
    house_leave(&house);
}

static void test_refused(void) {
    House house;
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){1, 1, 1});
    run_failing(&house, "[{\"type\":\"rollbackServerGroup\",\"credentials\":\"prod\",\"region\":\"here\"}]", "rollbackType: missing");
    run_failing(&house,
                "[{\"type\":\"rollbackServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"rollbackType\":\"EXPLICIT\","
                "\"rollbackContext\":{\"rollbackServerGroupName\":\"orders-main-v001\"}}]",
                "rollbackContext.restoreServerGroupName: required");
    run_failing(&house,
                "[{\"type\":\"rollbackServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"rollbackType\":\"EXPLICIT\","
                "\"rollbackContext\":{\"rollbackServerGroupName\":\"orders-main-v001\",\"restoreServerGroupName\":\"orders-main-v007\"}}]",
                "server group orders-main-v007 in here is gone");
    run_failing(&house,
                "[{\"type\":\"rollbackServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"rollbackType\":\"EXPLICIT\","
                "\"rollbackContext\":{\"rollbackServerGroupName\":\"orders-main-v001\",\"restoreServerGroupName\":\"orders-main-v001\"}}]",
                "cannot be rolled back to itself");
    run_failing(&house,
                "[{\"type\":\"rollbackServerGroup\",\"credentials\":\"prod\",\"region\":\"here\",\"rollbackType\":\"PREVIOUS_IMAGE\","
                "\"rollbackContext\":{\"rollbackServerGroupName\":\"orders-main-v001\"}}]",
                "the image before that of orders-main-v001");
    run_failing(&house, "[{\"type\":\"rollbackCluster\",\"credentials\":\"prod\"}]", "credentials and regions: required");
    assert_calls("");
    run_ok(&house, "[{\"type\":\"rollbackServerGroup\",\"rollbackType\":\"TEST\",\"rollbackContext\":{}}]");
    house_leave(&house);
}

#define ROLLBACK_CLUSTER(more)                                                                                                             \
    "{\"type\":\"rollbackCluster\",\"name\":\"Roll back\",\"refId\":\"9\",\"credentials\":\"prod\",\"cloudProvider\":\"test\","            \
    "\"cluster\":\"orders-main\",\"regions\":[\"here\",\"there\"]" more "}"

static void test_cluster(void) {
    House house;
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){1, 1, 1});
    outside_add("there", "orders-main-v000", (Capacity){12, 12, 12});
    outside_add("there", "orders-main-v001", (Capacity){12, 12, 12});
    g_autoptr(Execution) execution = succeeds(&house, "[" ROLLBACK_CLUSTER(",\"waitTimeBetweenRegions\":1") "]");
    assert_names(execution, "Roll back | Rollback here | enable | disable | Wait after here | Rollback there | enable | disable");
    assert_calls("enable orders-main-v000, disable orders-main-v001, enable orders-main-v000, disable orders-main-v001");
    const Stage *top = execution->stages->pdata[0];
    g_assert_cmpstr(json_string(json_dig(json_root(top->outputs), "rollbackTypes", "there", NULL)), ==, "EXPLICIT");
    const JsonValue *told = json_dig(json_root(top->outputs), "rollbackContexts", "there", NULL);
    g_assert_cmpint(json_get_int(told, "targetHealthyRollbackPercentage", 0), ==, 90);
    g_autofree char *images = json_write(json_get(json_root(top->context), "imagesToRestore"), NULL);
    g_assert_cmpstr(
        images, ==,
        "[{\"region\":\"here\",\"image\":\"image-0\",\"rollbackMethod\":\"EXPLICIT\"},{\"region\":\"there\",\"image\":\"image-0\","
        "\"rollbackMethod\":\"EXPLICIT\"}]");
    house_leave(&house);
    /* A region without two groups is left out. */
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){1, 1, 1});
    g_autoptr(Execution) one = succeeds(&house, "[" ROLLBACK_CLUSTER("") "]");
    assert_names(one, "Roll back | Rollback here | enable | disable");
    house_leave(&house);
}

static void tag_previous(House *house, const char *group, const char *image) {
    g_autofree char *text = g_strdup_printf(
        "{\"entityRef\":{\"cloudProvider\":\"test\",\"entityType\":\"servergroup\",\"entityId\":\"%s\","
        "\"account\":\"prod\",\"region\":\"here\"},\"tags\":[{\"name\":\"spinnaker:metadata\",\"value\":{"
        "\"previousServerGroup\":{\"name\":\"x\",\"imageId\":\"%s\"}}}]}",
        group, image);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) payload = json_parse(text, -1, &error);
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_autoptr(Json) saved G_GNUC_UNUSED = entity_tags_save(house->services.store, json_root(payload), &principal, clock_now_ms(), &error);
    g_assert_no_error(error);
}

/* The image before is no server group's any more: a new one gets it. */
static void test_previous_image(void) {
    House house;
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){2, 4, 3});
    tag_previous(&house, "orders-main-v001", "image-9");
    g_autoptr(Execution) execution = succeeds(&house, "[" ROLLBACK_CLUSTER("") "]");
    const JsonValue *clone = context_of(execution, "cloneServerGroup");
    g_assert_cmpstr(json_get_string(clone, "strategy"), ==, "redblack");
    g_assert_cmpstr(json_get_string(clone, "testImage"), ==, "image-9");
    assert_calls(
        "create orders-main-v002 3/4/3 image-9 after orders-main-v001, disable orders-main-v001, resize orders-main-v002, = 2/4/3");
    const Stage *top = execution->stages->pdata[0];
    g_assert_cmpstr(json_string(json_dig(json_root(top->outputs), "rollbackTypes", "here", NULL)), ==, "PREVIOUS_IMAGE");
    house_leave(&house);
    /* It is: that one comes back. */
    house_of_two(&house, (Capacity){1, 1, 1}, (Capacity){1, 1, 1});
    tag_previous(&house, "orders-main-v001", "image-0");
    g_autoptr(Execution) back = succeeds(&house, "[" ROLLBACK_CLUSTER("") "]");
    assert_names(back, "Roll back | Rollback here | enable | disable");
    house_leave(&house);
}

/* What deployed the cluster is rolled back to what it replaced, and not to the newest other one. */
#define DEPLOY_THEN_BACK                                                                                                                   \
    "[{\"type\":\"deploy\",\"refId\":\"1\",\"name\":\"Deploy\",\"clusters\":[" CLUSTER(                                                    \
        ",\"strategy\":\"redblack\"") "]},"                                                                                                \
                                      "{\"type\":\"manualJudgment\",\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"]}," ROLLBACK_CLUSTER(  \
                                          ",\"requisiteStageRefIds\":[\"2\"]") "]"

static void wait_for_judgement(House *house, const char *id) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
        const Stage *judgement = execution_stage_by_ref(execution, "2");
        if (judgement != NULL && judgement->status == STATUS_RUNNING)
            return;
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void judge(House *house, const char *id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
    g_autoptr(Json) yes = json_pack("{s:s}", "judgmentStatus", "continue");
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_assert_true(
        engine_patch_stage(house->services.engine, id, execution_stage_by_ref(execution, "2")->id, json_root(yes), &principal, &error));
}

static char *deployed_and_waiting(House *house) {
    house_build(house);
    outside_add("here", "orders-main-v000", (Capacity){2, 2, 2});
    outside_add("here", "orders-main-v001", (Capacity){2, 2, 2})->disabled = TRUE;
    char *id = start(house, DEPLOY_THEN_BACK);
    wait_for_judgement(house, id);
    assert_calls("create orders-main-v002 2/2/2 image-1 after orders-main-v000, disable orders-main-v000");
    return id;
}

static void test_goes_back_to_what_it_replaced(void) {
    House house;
    g_autofree char *id = deployed_and_waiting(&house);
    judge(&house, id);
    g_autoptr(Execution) execution = wait_for_end(&house, id);
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    assert_calls("enable orders-main-v000, disable orders-main-v002");
    house_leave(&house);
}

static void somebody_changes_image(void) {
    OutsideGroup *group = outside_find("here", "orders-main-v000");
    g_free(group->image);
    group->image = g_strdup("image-7");
}

static void somebody_destroys(void) {
    g_ptr_array_remove(outside.groups, outside_find("here", "orders-main-v000"));
}

static void somebody_deploys(void) {
    outside_add("here", "orders-main-v003", (Capacity){1, 1, 1});
}

static void test_refuses_what_somebody_changed(void) {
    static const struct {
        void (*change)(void);
        const char *words;
    } CASES[] = {
        {somebody_changes_image, "somebody changed orders-main-v000 since this execution replaced it: imageId image-0, now image-7"},
        {somebody_destroys, "orders-main-v000 is gone; somebody destroyed it since this execution replaced it"},
        {somebody_deploys, "orders-main-v003 was made since by somebody else and takes traffic"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        House house;
        g_autofree char *id = deployed_and_waiting(&house);
        g_mutex_lock(&outside.lock);
        CASES[i].change();
        g_mutex_unlock(&outside.lock);
        clouds_refresh_server_group(house.services.clouds, "prod", "here", "orders-main-v000", NULL, NULL);
        judge(&house, id);
        g_autoptr(Execution) execution = wait_for_end(&house, id);
        show(execution);
        g_assert_cmpint(execution->status, ==, STATUS_TERMINAL);
        g_autofree char *exception = json_write(json_get(context_of(execution, "rollbackCluster"), "exception"), NULL);
        g_assert_nonnull(strstr(exception, CASES[i].words));
        assert_calls("");
        house_leave(&house);
    }
}

/* ---- on failure (deploy-strategies.md 8) ---- */

#define ROLL ",\"stageTimeoutMs\":1500,\"rollback\":{\"onFailure\":true"

static void test_on_failure(void) {
    static const struct {
        const char *strategy, *calls;
    } CASES[] = {
        {",\"strategy\":\"redblack\"" ROLL "}", "create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v001"},
        {",\"strategy\":\"rollingredblack\"" ROLL ",\"destroyLatest\":true}",
         "create orders-main-v001 0/0/0 image-1 after orders-main-v000, resize orders-main-v000, = 2/2/2, resize orders-main-v001, = "
         "1/2/2, "
         "enable orders-main-v000, disable orders-main-v001, destroy orders-main-v001, resize orders-main-v000, = 1/2/2"},
        {",\"strategy\":\"highlander\"" ROLL "}", "create orders-main-v001 2/2/2 image-1 after orders-main-v000"},
        {ROLL ",\"destroyLatest\":true}", "create orders-main-v001 2/2/2 image-1 after orders-main-v000, destroy orders-main-v001"},
        {",\"strategy\":\"redblack\",\"stageTimeoutMs\":1500,\"rollback\":{\"destroyLatest\":true}",
         "create orders-main-v001 2/2/2 image-1 after orders-main-v000"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        House house;
        house_build(&house);
        outside_add("here", "orders-main-v000", (Capacity){1, 2, 2});
        outside.never_up_from = "orders-main-v001";
        g_autofree char *stages = g_strdup_printf(DEPLOY("%s"), CASES[i].strategy);
        g_autoptr(Execution) execution = run(&house, stages);
        show(execution);
        g_assert_cmpint(execution->status, ==, STATUS_TERMINAL);
        assert_calls(CASES[i].calls);
        house_leave(&house);
    }
}

/* Behind the new group the strategy had begun with the old ones: it stays, for it may be all that serves. */
static void test_latest_is_needed(void) {
    House house;
    g_autoptr(GError) error = NULL;
    house_build(&house);
    g_autoptr(Config) config = config_load_text("orca.yml", "traffic-guards: {min-capacity-ratio: 0.4}\n", -1, &error);
    g_assert_no_error(error);
    services_set_config(&house.services, config);
    guard_orders(&house);
    outside_add("here", "orders-main-v000", (Capacity){8, 8, 8});
    g_autoptr(Execution)
        execution = run(&house, DEPLOY(",\"strategy\":\"redblack\",\"rollback\":{\"onFailure\":true,\"destroyLatest\":true}"));
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_TERMINAL);
    assert_names(execution, "Deploy in here | disableCluster | restoreMinCapacityFromSnapshot | Deploy");
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy-rollback/choosing", test_choosing);
    g_test_add_func("/deploy-rollback/possible", test_possible);
    g_test_add_func("/deploy-rollback/numbers", test_numbers);
    g_test_add_func("/deploy-rollback/remembered", test_remembered);
    g_test_add_func("/deploy-rollback/explicit", test_explicit);
    g_test_add_func("/deploy-rollback/explicit-with-size", test_explicit_with_size);
    g_test_add_func("/deploy-rollback/refused", test_refused);
    g_test_add_func("/deploy-rollback/cluster", test_cluster);
    g_test_add_func("/deploy-rollback/previous-image", test_previous_image);
    g_test_add_func("/deploy-rollback/goes-back-to-what-it-replaced", test_goes_back_to_what_it_replaced);
    g_test_add_func("/deploy-rollback/refuses-what-somebody-changed", test_refuses_what_somebody_changed);
    g_test_add_func("/deploy-rollback/on-failure", test_on_failure);
    g_test_add_func("/deploy-rollback/latest-is-needed", test_latest_is_needed);
    int result = g_test_run();
    g_clear_pointer(&outside.groups, g_ptr_array_unref);
    g_clear_pointer(&outside.calls, g_ptr_array_unref);
    return result;
}
