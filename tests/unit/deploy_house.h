/* A house for tests of deployments: the real engine, stages and runner of operations on a cloud in memory. Included by one test each. */
#pragma once
#include "deploy_cloud.h"
#include "stages/deploy/traffic_guard.h"
#include "stages/metadata/applications.h"
#include "stages/stages.h"

typedef struct {
    Services services;
    HttpClient *http;
} House;

static void wake(const char *execution_id, const char *stage_id, gpointer data) {
    House *house = data;
    if (house->services.engine != NULL)
        engine_wake_stage(house->services.engine, execution_id, stage_id);
}

static void house_start(House *house) {
    g_autoptr(GError) error = NULL;
    EngineOptions engine = {
        .store = house->services.store, .types = &stage_types, .services = &house->services, .config = house->services.config};
    house->services.engine = engine_new(&engine, &error);
    g_assert_no_error(error);
    CloudsOptions clouds = {.clouds = test_clouds,
                            .store = house->services.store,
                            .config = house->services.config,
                            .operation_ended = wake,
                            .data = house,
                            .runtime = engine_runtime(house->services.engine)};
    house->services.clouds = clouds_new(&clouds, &error);
    g_assert_no_error(error);
    write_check_install(&house->services);
    clouds_start(house->services.clouds);
    engine_start(house->services.engine);
}

static void house_build(House *house) {
    g_autoptr(GError) error = NULL;
    *house = (House){0};
    outside_reset();
    g_mutex_init(&house->services.lock);
    house->services.store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    house->services.config = config_load(NULL, &error);
    g_assert_no_error(error);
    house_start(house);
}

static void house_stop(House *house, gint64 grace_ms) {
    clouds_stop(house->services.clouds, grace_ms);
    engine_stop(house->services.engine, grace_ms);
    engine_free(house->services.engine);
    house->services.engine = NULL;
    clouds_free(house->services.clouds);
}

static void house_leave(House *house) {
    house_stop(house, 1000);
    config_unref(house->services.config);
    store_close(house->services.store);
    g_mutex_clear(&house->services.lock);
}

static char *start_by(House *house, const char *stages, const char *trigger) {
    g_autofree char *text = g_strdup_printf("{\"application\":\"orders\",\"name\":\"p\",\"stages\":%s,\"trigger\":%s}", stages, trigger);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_autofree char *failed = NULL;
    char *id = engine_start_pipeline(house->services.engine, json_root(pipeline), NULL, &principal, &failed, &error);
    g_assert_no_error(error);
    return id;
}

static char *start(House *house, const char *stages) {
    return start_by(house, stages, "{\"type\":\"manual\"}");
}

static Execution *wait_for_end(House *house, const char *id) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Execution) execution = engine_load(house->services.engine, id, &error);
        g_assert_no_error(error);
        if (status_info(execution->status)->complete)
            return g_steal_pointer(&execution);
        g_usleep(10000);
    }
    g_assert_not_reached();
}

/* Runs stages to their end. */
static Execution *run(House *house, const char *stages) {
    g_autofree char *id = start(house, stages);
    return wait_for_end(house, id);
}

static void show(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        g_autofree char *context = json_write(json_root(stage->context), NULL);
        g_test_message("%s %s %s %s", stage->ref_id, stage->type, status_info(stage->status)->name, context);
    }
}

G_GNUC_UNUSED static void run_ok(House *house, const char *stages) {
    g_autoptr(Execution) execution = run(house, stages);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "SUCCEEDED");
}

G_GNUC_UNUSED static void run_failing(House *house, const char *stages, const char *words) {
    g_autoptr(Execution) execution = run(house, stages);
    show(execution);
    g_assert_cmpstr(status_info(execution->status)->name, ==, "TERMINAL");
    gboolean said = FALSE;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        g_autofree char *exception = json_write(json_get(json_root(stage->context), "exception"), NULL);
        said = said || strstr(exception, words) != NULL;
    }
    g_assert_true(said);
}

/* The calls since the last time. */
static void assert_calls(const char *expected) {
    g_mutex_lock(&outside.lock);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < outside.calls->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)outside.calls->pdata[i]);
    g_ptr_array_set_size(outside.calls, 0);
    g_mutex_unlock(&outside.lock);
    g_assert_cmpstr(text->str, ==, expected);
}

#define CLUSTER(more)                                                                                                                      \
    "{\"account\":\"prod\",\"cloudProvider\":\"test\",\"application\":\"orders\",\"stack\":\"main\",\"availabilityZones\":{\"here\":["     \
    "\"a\"]},"                                                                                                                             \
    "\"capacity\":{\"min\":2,\"max\":2,\"desired\":2},\"testImage\":\"image-1\"" more "}"
#define DEPLOY(more) "[{\"type\":\"deploy\",\"name\":\"Deploy\",\"clusters\":[" CLUSTER(more) "]}]"
#define ON_GROUP(type, more)                                                                                                               \
    "[{\"type\":\"" type "\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"regions\":[\"here\"],\"cluster\":\"orders-main\"" more  \
    "}]"

/* The application's cluster orders-main in here is guarded. */
G_GNUC_UNUSED static void guard_orders(House *house) {
    g_autoptr(Json) application = json_parse("{\"name\":\"orders\",\"email\":\"a@b.example\",\"trafficGuards\":[{\"account\":\"prod\","
                                             "\"location\":\"here\",\"stack\":\"main\",\"detail\":\"\"}]}",
                                             -1, NULL);
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "tester", .roles = no_roles};
    g_autoptr(GError) error = NULL;
    g_assert_true(application_save(house->services.store, json_root(application), &principal, clock_now_ms(), &error));
}
