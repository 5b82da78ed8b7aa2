/* One deployment of a cluster at a time: who waits for whom, and until when (README.md of src/stages/deploy). */
#include "deploy_house.h"
#include "engine/edit.h"
#include "stages/deploy/cluster_claim.h"
#include "stages/metadata/pipelines.h"

static guint calls_made(void) {
    g_mutex_lock(&outside.lock);
    guint calls = outside.calls->len;
    g_mutex_unlock(&outside.lock);
    return calls;
}

static void wait_for_call(void) {
    while (calls_made() == 0)
        g_usleep(1000);
}

/* Until some stage of the execution says that; the reason as people read it. */
static void wait_for_words(House *house, const char *id, const char *words) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
        g_autoptr(Json) why = engine_why(house->services.engine, execution, clock_now_ms());
        g_autofree char *text = json_write(json_root(why), NULL);
        if (strstr(text, words) != NULL)
            return;
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void end_well(House *house, const char *id) {
    g_autoptr(Execution) execution = wait_for_end(house, id);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "SUCCEEDED");
}

static void cancel(House *house, const char *id) {
    g_autoptr(GError) error = NULL;
    g_assert_true(engine_cancel(house->services.engine, id, "tester", "enough", &error));
    g_assert_no_error(error);
}

/* The second waits, says for whom, and replaces what the first has made; a crash keeps the claim. */
static void test_one_after_the_other(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside.never_up = TRUE;
    g_autofree char *first = start(&house, DEPLOY(",\"strategy\":\"redblack\""));
    wait_for_call();
    g_autofree char *second = start(&house, DEPLOY(",\"strategy\":\"redblack\""));
    g_autofree char *words = g_strdup_printf("waits for deployment %s of cluster orders-main in here (account prod), by p", first);
    wait_for_words(&house, second, words);
    house_stop(&house, 0);
    house_start(&house);
    wait_for_words(&house, second, words);
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000");
    outside.never_up = FALSE;
    end_well(&house, first);
    end_well(&house, second);
    assert_calls("disable orders-main-v000, create orders-main-v002 2/2/2 image-1 after orders-main-v001, disable orders-main-v001");
    house_leave(&house);
}

/* A strategy that looks how many server groups take traffic before it begins looks when its turn has come. */
static void test_preconditions_wait_too(void) {
    House house;
    house_build(&house);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    outside.never_up = TRUE;
    g_autofree char *first = start(&house, DEPLOY(",\"strategy\":\"rollingredblack\""));
    wait_for_call();
    g_autofree char *second = start(&house, DEPLOY(",\"strategy\":\"rollingredblack\""));
    wait_for_words(&house, second, "waits for deployment");
    outside.never_up = FALSE;
    end_well(&house, first);
    end_well(&house, second);
    house_leave(&house);
}

/* Other clusters and other places do not wait. */
static void test_others_do_not_wait(void) {
    House house;
    house_build(&house);
    outside.never_up = TRUE;
    g_autofree char *first = start(&house, DEPLOY(""));
    wait_for_call();
    g_autofree char *other = start(&house, DEPLOY(",\"freeFormDetails\":\"other\""));
    while (calls_made() < 2)
        g_usleep(1000);
    outside.never_up = FALSE;
    end_well(&house, first);
    end_well(&house, other);
    house_leave(&house);
}

/* A deployment that ends badly lets the next one in, also when it was cancelled. */
static void test_bad_ends(void) {
    House house;
    house_build(&house);
    outside.never_up = TRUE;
    g_autofree char *failing = start(&house, DEPLOY(",\"stageTimeoutMs\":1000"));
    wait_for_call();
    g_autofree char *canceled = start(&house, DEPLOY(""));
    wait_for_words(&house, canceled, "waits for deployment");
    g_autoptr(Execution) failed = wait_for_end(&house, failing);
    g_assert_cmpint(failed->status, ==, STATUS_TERMINAL);
    while (calls_made() < 2)
        g_usleep(1000);
    g_autofree char *last = start(&house, DEPLOY(""));
    wait_for_words(&house, last, "waits for deployment");
    cancel(&house, canceled);
    outside.never_up = FALSE;
    end_well(&house, last);
    assert_calls("create orders-main-v000 2/2/2 image-1 after (null), create orders-main-v001 2/2/2 image-1 after orders-main-v000, create "
                 "orders-main-v002 2/2/2 image-1 after orders-main-v001");
    house_leave(&house);
}

/* A claim of an execution that is gone, or of an earlier attempt, binds nobody. */
static void test_stale_claims(void) {
    static const char *const CLAIMS[] = {"{\"executionId\":\"gone\",\"stageId\":\"s\",\"attempt\":1}", "{}"};
    House house;
    house_build(&house);
    for (guint i = 0; i < G_N_ELEMENTS(CLAIMS); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) body = json_parse(CLAIMS[i], -1, NULL);
        StoreUnit *unit = store_unit_new();
        StoreObject claim = {.kind = CLUSTER_CLAIM_KIND, .id = "prod/here/orders-main", .updated_by = "me", .body = body};
        store_object_save(unit, &claim, -1, FALSE);
        g_assert_true(store_commit(house.services.store, unit, &error));
        run_ok(&house, DEPLOY(""));
    }
    house_leave(&house);
}

/* engine.md 17: the strategy's pipeline deploys inside the deployment that runs it. */
static void test_custom_strategy(void) {
    House house;
    house_build(&house);
    g_autoptr(GError) error = NULL;
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_autoptr(Json) strategy = json_parse("{\"application\":\"orders\",\"name\":\"s\",\"id\":\"st\",\"strategy\":true,\"stages\":[{"
                                          "\"refId\":\"1\",\"type\":\"deploy\"},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],"
                                          "\"type\":\"disableCluster\"}]}",
                                          -1, NULL);
    g_autoptr(Json) saved G_GNUC_UNUSED = pipeline_save(house.services.store, STRATEGY_KIND, json_root(strategy), &principal, FALSE,
                                                        clock_now_ms(), &error);
    g_assert_no_error(error);
    outside_add("here", "orders-main-v000", (Capacity){1, 1, 1});
    g_autoptr(Execution) execution = run(&house, DEPLOY(",\"strategy\":\"custom\",\"strategyApplication\":\"orders\","
                                                        "\"strategyPipeline\":\"st\",\"pipelineParameters\":{\"x\":\"y\"}"));
    show(execution);
    g_assert_cmpint(execution->status, ==, STATUS_SUCCEEDED);
    const Stage *stage = NULL;
    for (guint i = 0; i < execution->stages->len; i++)
        if (strcmp(((const Stage *)execution->stages->pdata[i])->type, "pipeline") == 0)
            stage = execution->stages->pdata[i];
    const JsonValue *told = json_get(json_root(stage->context), "pipelineParameters");
    g_assert_cmpstr(json_get_string(told, "x"), ==, "y");
    g_assert_cmpstr(json_get_string(told, "cluster"), ==, "orders-main");
    g_assert_cmpstr(json_get_string(told, "parentPipelineId"), ==, execution->id);
    g_assert_true(json_is_true(json_get(told, "strategy")));
    assert_calls("create orders-main-v001 2/2/2 image-1 after orders-main-v000, disable orders-main-v000");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deploy-claims/one-after-the-other", test_one_after_the_other);
    g_test_add_func("/deploy-claims/preconditions-wait-too", test_preconditions_wait_too);
    g_test_add_func("/deploy-claims/others-do-not-wait", test_others_do_not_wait);
    g_test_add_func("/deploy-claims/bad-ends", test_bad_ends);
    g_test_add_func("/deploy-claims/stale-claims", test_stale_claims);
    g_test_add_func("/deploy-claims/custom-strategy", test_custom_strategy);
    int result = g_test_run();
    g_ptr_array_unref(outside.groups);
    g_ptr_array_unref(outside.calls);
    return result;
}
