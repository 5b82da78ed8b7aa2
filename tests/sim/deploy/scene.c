/* One seed: opens the house, lets deployments begin at their times, and runs until all have ended. */
#include "scene.h"
#include "clouds/simulator/simulator.h"
#include "engine/runtime_simulated.h"
#include "stages/deploy/deployment.h"
#include "stages/stages.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENTS_MAX 200000
#define FIRST_MS 1700000000000
#define CALLS_SHOWN 20
#define SCENE_MS_MAX (24 * 3600 * G_GINT64_CONSTANT(1000))
#define SETTLE_MS 60000   /* until what is there at the beginning is up */
#define IO_LATENCY_MS 300 /* work begins at most this much later */
#define COMMIT_LATENCY_MS 20

gboolean scene_chance(Scene *scene, double percent) {
    return g_rand_double_range(scene->random, 0, 100) < percent;
}

gint32 scene_between(Scene *scene, gint32 low, gint32 high) {
    return g_rand_int_range(scene->random, low, high);
}

gint64 scene_now_ms(const Scene *scene) {
    return scene->runtime->now_ms(scene->runtime);
}

void scene_touch(Scene *scene, guint cluster) {
    for (guint i = 0; i < scene->n; i++)
        if (scene->deployment[i].cluster == cluster && scene->deployment[i].id != NULL && !scene->deployment[i].over)
            scene->deployment[i].alone = FALSE;
}

void scene_say(Scene *scene, const char *format, ...) {
    if (!scene->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%8.1f s  %s\n", (double)(scene_now_ms(scene) - FIRST_MS) / 1000, text);
}

static void print_stages(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        fprintf(stderr, "    %-12s %s (%s)\n", status_info(stage->status)->name, stage->name, stage->ref_id);
    }
}

static void print_groups(Scene *scene) {
    gint64 now_ms;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    GPtrArray *groups = world_groups(world);
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = g_ptr_array_index(groups, i);
        fprintf(stderr, "  %s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " %u instances%s%s\n", group->name,
                group->capacity.min, group->capacity.desired, group->capacity.max, group->instances->len,
                world_group_is_suspended(group, "AddToLoadBalancer") ? " disabled" : "", group->ending ? " ending" : "");
    }
    GPtrArray *calls = world_calls(world);
    for (guint i = calls->len > CALLS_SHOWN ? calls->len - CALLS_SHOWN : 0; i < calls->len; i++) {
        const SimulatedCall *call = g_ptr_array_index(calls, i);
        fprintf(stderr, "  %8.1f s %s of %s: %s\n", (double)(call->at_ms - FIRST_MS) / 1000, call->operation, call->subject, call->outcome);
    }
    simulator_leave(scene->room);
}

void scene_fail(Scene *scene, const Deployment *deployment, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "seed %" G_GUINT64_FORMAT ", after %.1f s: %s\n", scene->seed, (double)(scene_now_ms(scene) - FIRST_MS) / 1000, text);
    for (guint i = 0; i < scene->n; i++) {
        const Deployment *each = &scene->deployment[i];
        fprintf(stderr, "  deployment %u of %s by %s, %" G_GINT64_FORMAT " instances%s%s%s: %s\n", each->number,
                scene->cluster[each->cluster].name, strategy_names[each->strategy], each->size, each->bad_image ? ", bad image" : "",
                each->rolls_back ? ", rolls back" : "", each == deployment ? " <= this one" : "",
                each->last ? status_info(each->last->status)->name : "not started");
        if (each->last && each == deployment)
            print_stages(each->last);
    }
    print_groups(scene);
    exit(1);
}

/* ---- the house ---- */
static void wake_stage(const char *execution_id, const char *stage_id, gpointer data) {
    const Scene *scene = data;
    engine_wake_stage(scene->services.engine, execution_id, stage_id);
}

static gboolean nobody_signs_in(gpointer data) {
    (void)data;
    return TRUE;
}

static void must(Scene *scene, gboolean ok, const GError *error) {
    if (!ok)
        scene_fail(scene, NULL, "the house does not open: %s", error->message);
}

static void open_house(Scene *scene) {
    static const Cloud *const clouds[] = {&cloud_simulator, NULL};
    g_autoptr(GError) error = NULL;
    scene->services.store = store_open(&(StoreOptions){.no_threads = TRUE}, &error);
    must(scene, scene->services.store != NULL, error);
    scene->runtime = runtime_simulated_new(&(SimulatedOptions){.store = scene->services.store,
                                                               .random = scene->random,
                                                               .now_ms = FIRST_MS,
                                                               .io_latency_ms = IO_LATENCY_MS,
                                                               .commit_latency_ms = COMMIT_LATENCY_MS});
    EngineOptions engine = {.store = scene->services.store,
                            .types = &stage_types,
                            .services = &scene->services,
                            .submission_steps = submission_steps,
                            .config = scene->services.config,
                            .runtime = scene->runtime,
                            .is_open = nobody_signs_in};
    scene->services.engine = engine_new(&engine, &error);
    must(scene, scene->services.engine != NULL, error);
    CloudsOptions options = {.clouds = clouds,
                             .store = scene->services.store,
                             .config = scene->services.config,
                             .operation_ended = wake_stage,
                             .data = scene,
                             .runtime = scene->runtime};
    scene->services.clouds = clouds_new(&options, &error);
    must(scene, scene->services.clouds != NULL, error);
    write_check_install(&scene->services);
    clouds_start_operations(scene->services.clouds);
    scene->room = simulator_room(scene->services.clouds);
}

static void close_house(Scene *scene) {
    clouds_stop(scene->services.clouds, 0);
    engine_free(scene->services.engine);
    runtime_simulated_free(scene->runtime);
    clouds_free(scene->services.clouds);
    store_close(scene->services.store);
}

/* ---- the run ---- */
static const Principal somebody = {.user = "somebody", .roles = (const char *const[]){NULL}};

static void begin(Scene *scene, Deployment *deployment) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = plans_pipeline(deployment);
    watch_begin(scene, deployment);
    deployment->id = engine_start_pipeline(scene->services.engine, json_root(pipeline), NULL, &somebody, NULL, &error);
    if (deployment->id == NULL)
        scene_fail(scene, deployment, "it is not started: %s", error->message);
    scene->counters->executions++;
    scene_say(scene, "deployment %u begins", deployment->number);
}

static void look_at(Scene *scene, Deployment *deployment) {
    if (deployment->id == NULL || deployment->over)
        return;
    g_autoptr(Execution) now = engine_load(scene->services.engine, deployment->id, NULL);
    if (now == NULL || now == deployment->last)
        return;
    execution_unref(deployment->last);
    deployment->last = execution_ref(now);
    if (!status_info(now->status)->complete || !execution_is_settled(now))
        return;
    deployment->over = TRUE;
    scene_say(scene, "deployment %u has ended %s", deployment->number, status_info(now->status)->name);
    *(now->status == STATUS_SUCCEEDED ? &scene->counters->succeeded : &scene->counters->failed) += 1;
    watch_end(scene, deployment);
}

/* What begins now begins; TRUE: somebody is still to begin. */
static gboolean begin_those_due(Scene *scene, gboolean at_once) {
    gboolean more = FALSE;
    for (guint i = 0; i < scene->n; i++) {
        Deployment *deployment = &scene->deployment[i];
        if (deployment->id != NULL)
            continue;
        if (at_once || deployment->starts_ms <= scene_now_ms(scene)) {
            begin(scene, deployment);
            at_once = FALSE;
        } else {
            more = TRUE;
        }
    }
    return more;
}

static gboolean all_over(const Scene *scene) {
    for (guint i = 0; i < scene->n; i++)
        if (!scene->deployment[i].over)
            return FALSE;
    return TRUE;
}

static void run_to_the_end(Scene *scene) {
    while (!all_over(scene)) {
        gboolean more = begin_those_due(scene, FALSE);
        if (!scene->calm && scene_chance(scene, 0.3))
            people_act(scene);
        if (!runtime_simulated_step(scene->runtime)) {
            if (!more)
                break;
            begin_those_due(scene, TRUE);
            continue;
        }
        scene->events++;
        scene->counters->events++;
        for (guint i = 0; i < scene->n; i++)
            look_at(scene, &scene->deployment[i]);
        watch_clouds(scene);
        if (scene->events > EVENTS_MAX || scene_now_ms(scene) - FIRST_MS > SCENE_MS_MAX)
            scene_fail(scene, NULL, "it does not come to an end");
    }
    for (guint i = 0; i < scene->n; i++)
        if (!scene->deployment[i].over)
            scene_fail(scene, &scene->deployment[i], "deployment %u is stuck", i);
}

static void settle(Scene *scene) {
    gint64 until_ms = scene_now_ms(scene) + SETTLE_MS;
    while (runtime_simulated_next_ms(scene->runtime) < until_ms)
        runtime_simulated_step(scene->runtime);
    runtime_simulated_jump(scene->runtime, until_ms - scene_now_ms(scene));
    clouds_read_all(scene->services.clouds);
}

static void deployment_clear(Deployment *deployment) {
    g_free(deployment->id);
    execution_unref(deployment->last);
    g_clear_pointer(&deployment->enabled_before, g_hash_table_unref);
    g_clear_pointer(&deployment->disabled_before, g_hash_table_unref);
    g_clear_pointer(&deployment->minimum_before, g_hash_table_unref);
}

void scene_run(guint64 seed, Config *config, Counters *counters, gboolean trace) {
    Scene scene = {
        .seed = seed, .trace = trace, .random = g_rand_new_with_seed((guint32)seed), .counters = counters, .services = {.config = config}};
    g_mutex_init(&scene.services.lock);
    scene.made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scene.present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scene.calm = scene_chance(&scene, 40);
    open_house(&scene);
    plans_furnish(&scene);
    settle(&scene);
    plans_draw(&scene);
    run_to_the_end(&scene);
    watch_over(&scene);
    for (guint i = 0; i < scene.n; i++)
        deployment_clear(&scene.deployment[i]);
    for (guint i = 0; i < scene.clusters; i++)
        g_free(scene.cluster[i].name);
    close_house(&scene);
    g_hash_table_unref(scene.made);
    g_hash_table_unref(scene.present);
    g_mutex_clear(&scene.services.lock);
    g_rand_free(scene.random);
}
