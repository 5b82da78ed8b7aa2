/* The bake stage in the real engine, with a packer of our own: regions, packages, artifacts, failures, cancel. */
#include "bake/record.h"
#include "bake/stage.h"
#include "bake_testing.h"
#include "engine/engine.h"
#include "stages/stages.h"
#include <string.h>

typedef struct {
    char *folder;
    Services services;
} House;

static char *program;

static void wake(const char *execution_id, const char *stage_id, gpointer data) {
    House *house = data;
    engine_wake_stage(house->services.engine, execution_id, stage_id);
}

static House *house_new(void) {
    g_autoptr(GError) error = NULL;
    House *house = g_new0(House, 1);
    Services *services = &house->services;
    house->folder = folder_new();
    bake_testing_packer(house->folder);
    g_mutex_init(&services->lock);
    services->store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    services->config = bake_testing_config(house->folder, 4);
    BakeryOptions bakery = {.store = services->store,
                            .config = services->config,
                            .folder = house->folder,
                            .program = program,
                            .bake_ended = wake,
                            .data = house};
    services->bakery = bakery_new(&bakery, &error);
    g_assert_no_error(error);
    EngineOptions engine = {.store = services->store, .types = &stage_types, .services = services, .config = services->config};
    services->engine = engine_new(&engine, &error);
    g_assert_no_error(error);
    bakery_start(services->bakery);
    engine_start(services->engine);
    return house;
}

static void house_free(House *house) {
    engine_stop(house->services.engine, 5000);
    bakery_stop(house->services.bakery);
    engine_free(house->services.engine);
    bakery_free(house->services.bakery);
    store_close(house->services.store);
    config_unref(house->services.config);
    g_mutex_clear(&house->services.lock);
    remove_tree(house->folder);
    g_free(house->folder);
    g_free(house);
}

static char *start(House *house, const char *stages, const char *trigger) {
    static const char *const NO_ROLES[] = {NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("{\"application\":\"orders\",\"name\":\"p\",\"stages\":%s,\"trigger\":%s}", stages, trigger);
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    Principal principal = {.user = "tester", .roles = NO_ROLES};
    g_autofree char *failed = NULL;
    char *id = engine_start_pipeline(house->services.engine, json_root(pipeline), NULL, &principal, &failed, &error);
    g_assert_no_error(error);
    return id;
}

static Execution *wait_for_end(House *house, const char *id) {
    for (guint i = 0; i < 3000; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, &error);
        g_assert_no_error(error);
        if (execution_is_settled(execution))
            return g_steal_pointer(&execution);
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static Execution *run(House *house, const char *stages, const char *trigger, const char *status) {
    g_autofree char *id = start(house, stages, trigger);
    Execution *execution = wait_for_end(house, id);
    if (strcmp(status_info(execution->status)->name, status) != 0) {
        g_autoptr(Json) json = execution_to_json(execution, TRUE);
        g_autofree char *text = json_write_pretty(json_root(json), NULL);
        g_error("expected %s: %s", status, text);
    }
    return execution;
}

static const Stage *named(const Execution *execution, const char *name) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        if (strcmp(stage->name, name) == 0)
            return stage;
    }
    return NULL;
}

static const char *said(const Stage *stage) {
    return json_string(json_at(json_dig(json_root(stage->context), "exception", "details", "errors", NULL), 0));
}

#define BAKE(more) "{\"refId\":\"1\",\"type\":\"bake\",\"name\":\"Bake\",\"baseOs\":\"jammy\"," more "}"
#define MANUAL "{\"type\":\"manual\"}"

/* Own regions and those of deployments behind, in parallel, under one name; what came out is the parent's output. */
static void test_regions(void) {
    House *house = house_new();
    g_autoptr(Execution) execution = run(
        house,
        "[" BAKE(
            "\"package\":\"foo\",\"region\":\"us-east-1\",\"skipRegionDetection\":false") ",{\"refId\":\"2\",\"type\":\"wait\",\"name\":"
                                                                                          "\"w\","
                                                                                          "\"requisiteStageRefIds\":[\"1\"],\"waitTime\":0,"
                                                                                          "\"clusterPairs\":[{\"baseline\":{\"provider\":"
                                                                                          "\"aws\",\"availabilityZones\":"
                                                                                          "{\"eu-west-1\":[]}},\"canary\":{\"provider\":"
                                                                                          "\"gce\",\"availabilityZones\":{\"us-west-9\":[]}"
                                                                                          "}}]}]",
        MANUAL, "SUCCEEDED");
    const Stage *parent = named(execution, "Bake"), *here = named(execution, "Bake in us-east-1"),
                *there = named(execution, "Bake in eu-west-1");
    g_assert_nonnull(here);
    g_assert_nonnull(there);
    g_assert_null(named(execution, "Bake in us-west-9"));
    const char *suffix = json_get_string(json_root(parent->context), "amiSuffix");
    g_assert_true(suffix != NULL && strlen(suffix) == 14);
    g_autofree char *name = g_strdup_printf("foo-all-%s-jammy", suffix);
    g_assert_cmpstr(json_get_string(json_root(here->context), "imageName"), ==, name);
    g_assert_cmpstr(json_get_string(json_root(there->context), "imageName"), ==, name);
    g_assert_cmpstr(json_get_string(json_root(here->context), "ami"), ==, "ami-0abc");
    g_assert_cmpstr(json_get_string(json_root(there->context), "imageId"), ==, "ami-0def");
    g_assert_cmpuint(here->tasks->len, ==, 3);
    const JsonValue *details = json_get(json_root(parent->outputs), "deploymentDetails");
    g_assert_cmpuint(json_length(details), ==, 2);
    for (JsonIter i = json_iter(details); json_next(&i);) {
        g_assert_cmpstr(json_get_string(i.value, "amiSuffix"), ==, suffix);
        g_assert_cmpstr(json_get_string(i.value, "package"), ==, "foo");
        g_assert_cmpstr(json_get_string(i.value, "cloudProvider"), ==, "aws");
    }
    g_assert_cmpuint(bake_testing_starts(house->folder), ==, 2);
    house_free(house);
}

typedef struct {
    const char *what, *stage, *trigger, *packages, *error;
} PackageCase;
#define BUILD(file)                                                                                                                        \
    "{\"name\":\"orders\",\"number\":45,\"url\":\"http://ci/job/team/job/orders/45/\",\"artifacts\":[{\"fileName\":\"" file "\"}],"        \
    "\"scm\":[{\"branch\":\"master\",\"sha1\":\"aaa\"},{\"branch\":\"topic\",\"sha1\":\"bbb\"}]}"
static const PackageCase PACKAGES[] = {
    {"no build: the bare name", "\"package\":\"foo\"", MANUAL, "foo", NULL},
    {"from the trigger", "\"package\":\"foo\"", "{\"type\":\"manual\",\"buildInfo\":" BUILD("foo_1.0-h3.abc_all.deb") "}",
     "foo_1.0-h3.abc_all", NULL},
    {"from a parent's trigger", "\"package\":\"foo\"",
     "{\"type\":\"pipeline\",\"parentExecution\":{\"trigger\":{\"buildInfo\":" BUILD("foo_1.1_all.deb") "}}}", "foo_1.1_all", NULL},
    {"from the stage's own build", "\"package\":\"foo\",\"buildInfo\":" BUILD("foo_1.2_all.deb"), MANUAL, "foo_1.2_all", NULL},
    {"several in their order", "\"package\":\"foo bar\"",
     "{\"type\":\"manual\",\"buildInfo\":{\"artifacts\":[{\"fileName\":\"bar_2_all.deb\"},{\"fileName\":\"foo-dev_3_all.deb\"},{"
     "\"fileName\":"
     "\"foo_1_all.deb\"}]}}",
     "foo_1_all bar_2_all", NULL},
    {"an artifact of the execution", "\"package\":\"foo\"",
     "{\"type\":\"manual\",\"artifacts\":[{\"type\":\"deb\",\"name\":\"foo\",\"version\":\"7\",\"reference\":\"foo_7\"}]}", "foo_7", NULL},
    {"a URL", "\"package\":\"https://x/foo_1_all.deb\"", "{\"type\":\"manual\",\"buildInfo\":" BUILD("bar_1_all.deb") "}",
     "https://x/foo_1_all.deb", NULL},
    {"not among the build's", "\"package\":\"foo\"", "{\"type\":\"manual\",\"buildInfo\":" BUILD("bar_1_all.deb") "}", NULL,
     "Unable to find deployable artifact starting with [foo_] and ending with .deb"},
    {"a build without artifacts", "\"package\":\"foo\"", "{\"type\":\"manual\",\"buildInfo\":{\"name\":\"x\",\"number\":1}}", NULL,
     "CI job detected, but no artifacts found"},
    {"two versions", "\"package\":\"foo\",\"buildInfo\":" BUILD("foo_1.2_all.deb"),
     "{\"type\":\"manual\",\"buildInfo\":" BUILD("foo_1.3_all.deb") "}", NULL, "both upstream stage and pipeline trigger"},
};

static void test_packages(void) {
    House *house = house_new();
    for (guint i = 0; i < G_N_ELEMENTS(PACKAGES); i++) {
        const PackageCase *each = &PACKAGES[i];
        g_test_message("%s", each->what);
        g_autofree char *stages = g_strdup_printf("[" BAKE("\"region\":\"us-east-1\",%s") "]", each->stage);
        g_autoptr(Execution) execution = run(house, stages, each->trigger, each->error != NULL ? "TERMINAL" : "SUCCEEDED");
        const Stage *stage = named(execution, "Bake in us-east-1");
        if (each->error == NULL)
            g_assert_cmpstr(json_get_string(json_root(stage->context), "bakePackageName"), ==, each->packages);
        else if (said(stage) == NULL || strstr(said(stage), each->error) == NULL)
            g_error("%s: \"%s\" not in \"%s\"", each->what, each->error, said(stage));
    }
    house_free(house);
}

static void test_build_details(void) {
    House *house = house_new();
    g_autoptr(Execution) execution = run(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\"") "]",
                                         "{\"type\":\"manual\",\"buildInfo\":" BUILD("foo_1.0_all.deb") "}", "SUCCEEDED");
    const JsonValue *context = json_root(named(execution, "Bake in us-east-1")->context);
    g_assert_cmpstr(json_get_string(context, "buildInfoUrl"), ==, "http://ci/job/team/job/orders/45/");
    g_assert_cmpstr(json_get_string(context, "buildHost"), ==, "http://ci/");
    g_assert_cmpstr(json_get_string(context, "job"), ==, "team/orders");
    g_assert_cmpstr(json_get_string(context, "buildNumber"), ==, "45");
    g_assert_cmpstr(json_get_string(context, "commitHash"), ==, "bbb");
    g_assert_true(json_is_false(json_get(context, "previouslyBaked")));
    g_autoptr(Execution) again = run(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\"") "]",
                                     "{\"type\":\"manual\",\"buildInfo\":" BUILD("foo_1.0_all.deb") "}", "SUCCEEDED");
    g_assert_true(json_is_true(json_get(json_root(named(again, "Bake in us-east-1")->context), "previouslyBaked")));
    g_assert_cmpuint(bake_testing_starts(house->folder), ==, 1);
    g_autoptr(Execution) anew = run(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\"") "]",
                                    "{\"type\":\"manual\",\"rebake\":true,\"buildInfo\":" BUILD("foo_1.0_all.deb") "}", "SUCCEEDED");
    g_assert_true(json_is_false(json_get(json_root(named(anew, "Bake in us-east-1")->context), "previouslyBaked")));
    g_assert_cmpuint(bake_testing_starts(house->folder), ==, 2);
    house_free(house);
}

static void test_artifacts(void) {
    House *house = house_new();
    g_autoptr(Execution) execution = run(
        house,
        "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\",\"expectedArtifacts\":[{\"id\":\"e1\",\"matchArtifact\":{\"type\":"
                 "\"aws/image\",\"name\":\"foo-.*\"}}]") "]",
        MANUAL, "SUCCEEDED");
    const Stage *stage = named(execution, "Bake in us-east-1");
    const JsonValue *resolved = json_at(json_get(json_root(stage->outputs), "resolvedExpectedArtifacts"), 0);
    g_assert_cmpstr(json_get_string(resolved, "id"), ==, "e1");
    g_assert_cmpstr(json_get_string(json_get(resolved, "boundArtifact"), "reference"), ==, "ami-0abc");
    g_assert_cmpuint(json_length(json_get(json_root(stage->outputs), "artifacts")), ==, 1);
    g_autoptr(Execution) unmatched = run(
        house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\",\"expectedArtifacts\":[{\"matchArtifact\":{\"name\":\"bar\"}}]") "]",
        MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(unmatched, "Bake in us-east-1")), "Unmatched expected artifact"));
    house_free(house);
}

/* One region fails of two: the stage fails, the other region's image is used the next time. */
static void test_failures(void) {
    House *house = house_new();
    g_autoptr(Execution) failed = run(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"fail\"") "]", MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(failed, "Bake in us-east-1")), "Unable to locate package"));
    g_autoptr(Execution) half = run(house, "[" BAKE("\"regions\":[\"us-east-1\",\"mars-1\"],\"package\":\"foo\"") "]", MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(half, "Bake in mars-1")), "No virtualization settings found for region 'mars-1'"));
    g_autoptr(Execution) unknown = run(
        house, "[{\"refId\":\"1\",\"type\":\"bake\",\"name\":\"Bake\",\"baseOs\":\"beos\",\"region\":\"us-east-1\",\"package\":\"foo\"}]",
        MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(unknown, "Bake in us-east-1")), "Bake options not found"));
    g_autoptr(Execution) nowhere = run(house, "[" BAKE("\"package\":\"foo\"") "]", MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(nowhere, "Bake")), "region or regions: required"));
    g_autoptr(GString) regions = g_string_new(NULL);
    for (guint i = 0; i <= BAKE_REGIONS_MAX; i++)
        g_string_append_printf(regions, "%s\"r-%u\"", i > 0 ? "," : "", i);
    g_autofree char *many = g_strdup_printf("[" BAKE("\"regions\":[%s],\"package\":\"foo\"") "]", regions->str);
    g_autoptr(Execution) too_many = run(house, many, MANUAL, "TERMINAL");
    g_assert_nonnull(strstr(said(named(too_many, "Bake")), "more regions than 64"));
    house_free(house);
}

static void configure(House *house, const char *more) {
    g_autoptr(GError) error = NULL;
    Config *config = bake_testing_config_with(house->folder, 4, more);
    g_assert_true(engine_set_config(house->services.engine, config, &error));
    services_set_config(&house->services, config);
    config_unref(config);
}

/* bake.md 7: delayBake, tasks.monitor-bake.timeout-millis. */
static void test_delay_and_timeout(void) {
    House *house = house_new();
    configure(house, "orca: {stages: {bake-stage: {pause: {enabled: true}}}}\n");
    g_autofree char *id = start(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\"") "]", MANUAL);
    const char *progress = NULL;
    for (guint i = 0; i < 1000 && progress == NULL; i++) {
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, NULL);
        const Stage *child = execution->stages->len > 1 ? named(execution, "Bake in us-east-1") : NULL;
        progress = child != NULL ? json_get_string(json_root(child->context), "_progress") : NULL;
        if (progress != NULL) {
            g_assert_nonnull(strstr(progress, "no bake begins while stages.bake-stage.pause.enabled"));
            g_assert_cmpstr(((const TaskState *)child->tasks->pdata[0])->name, ==, "delayBake");
        }
        g_usleep(10000);
    }
    g_assert_nonnull(progress);
    g_assert_cmpuint(bake_testing_starts(house->folder), ==, 0);
    g_assert_true(engine_cancel(house->services.engine, id, "tester", "enough", NULL));
    configure(house, "orca: {tasks: {monitor-bake: {timeout-millis: 1}}}\n");
    g_autofree char *late = start(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"foo\"") "]", MANUAL);
    g_autoptr(Execution) execution = wait_for_end(house, late);
    g_assert_cmpint(execution->status, ==, STATUS_TERMINAL);
    g_assert_nonnull(strstr(said(named(execution, "Bake in us-east-1")), "monitorBake of stage Bake in us-east-1 timed out"));
    house_free(house);
}

static void test_cancel(void) {
    House *house = house_new();
    g_autofree char *id = start(house, "[" BAKE("\"region\":\"us-east-1\",\"package\":\"wait\"") "]", MANUAL);
    for (guint i = 0; i < 1000 && bake_testing_starts(house->folder) == 0; i++)
        g_usleep(10000);
    g_assert_true(engine_cancel(house->services.engine, id, "tester", "enough", NULL));
    g_autoptr(Execution) execution = wait_for_end(house, id);
    g_assert_cmpint(execution->status, ==, STATUS_CANCELED);
    const char *bake = json_get_string(json_get(json_root(named(execution, "Bake in us-east-1")->context), "status"), "id");
    g_autoptr(Json) status = bakery_status(house->services.bakery, bake, NULL);
    g_assert_cmpstr(json_get_string(json_root(status), "state"), ==, "CANCELED");
    gboolean clean = FALSE;
    for (guint i = 0; i < 1000 && !clean; i++) {
        g_auto(BakeRecord) record = {0};
        g_assert_true(bake_record_load(house->services.store, bake, &record, NULL));
        clean = strcmp(record.phase, BAKE_DONE) == 0;
        g_usleep(10000);
    }
    g_assert_true(clean);
    house_free(house);
}

int main(int argc, char **argv) {
    program = g_file_read_link("/proc/self/exe", NULL);
    if (argc == 3 && strcmp(argv[1], "run-child") == 0)
        return bake_run_child(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bake/stage/regions", test_regions);
    g_test_add_func("/bake/stage/packages", test_packages);
    g_test_add_func("/bake/stage/build-details", test_build_details);
    g_test_add_func("/bake/stage/artifacts", test_artifacts);
    g_test_add_func("/bake/stage/delay-and-timeout", test_delay_and_timeout);
    g_test_add_func("/bake/stage/failures", test_failures);
    g_test_add_func("/bake/stage/cancel", test_cancel);
    int code = g_test_run();
    g_free(program);
    return code;
}
