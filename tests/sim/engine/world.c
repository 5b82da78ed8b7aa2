/* One seed from its first start to the moment when nothing is left to happen. */
#include "world.h"
#include "../slow.h"
#include "store/executions.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENTS_MAX 60000
#define ACT_EVENTS 1500 /* people lose interest after so many events */

gboolean world_chance(World *world, double percent) {
    return g_rand_double_range(world->random, 0, 100) < percent;
}

gint32 world_between(World *world, gint32 low, gint32 high) {
    return g_rand_int_range(world->random, low, high);
}

Known *world_add(World *world, char *id, guint config) {
    Known *known = g_new0(Known, 1);
    *known = (Known){
        .id = id, .config = config, .order = world->known->len, .ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    g_ptr_array_add(world->known, known);
    g_hash_table_insert(world->by_id, known->id, known);
    return known;
}

/* One that a stage started. */
static Known *add_child(World *world, const char *id) {
    g_autoptr(Execution) execution = world_load(world, id);
    if (execution == NULL)
        return NULL;
    Known *known = world_add(world, g_strdup(id), sim_config_of(execution));
    known->parent = execution->parent_id ? g_hash_table_lookup(world->by_id, execution->parent_id) : NULL;
    if (known->parent == NULL)
        world_fail(world, known, "an execution that nobody started");
    known->stage_id = g_strdup(execution->parent_stage_id);
    known->interfered = known->parent->interfered;
    world->counters->children++;
    world->counters->executions++;
    return known;
}

Known *world_find(World *world, const char *id) {
    Known *known = g_hash_table_lookup(world->by_id, id);
    return known ? known : add_child(world, id);
}

static const Known *root_of(const Known *known) {
    while (known->parent)
        known = known->parent;
    return known;
}

void world_interfere(World *world, Known *known) {
    const Known *root = root_of(known);
    for (guint i = 0; i < world->known->len; i++) {
        Known *each = g_ptr_array_index(world->known, i);
        each->interfered = each->interfered || root_of(each) == root;
    }
}

void world_say(World *world, const char *format, ...) {
    if (!world->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%u at %" G_GINT64_FORMAT " %s\n", world->events, world_now_ms(world) - 1700000000000, text);
}

static void print_execution(const Execution *execution) {
    fprintf(stderr, "  %s %s%s\n", execution->id, status_info(execution->status)->name, execution->canceled ? " canceled" : "");
    slow_print_stages(execution);
}

void world_fail(World *world, const Known *known, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "seed %" G_GUINT64_FORMAT ", event %u: %s\n", world->seed, world->events, text);
    for (guint i = 0; i < world->known->len; i++) {
        const Known *each = g_ptr_array_index(world->known, i);
        fprintf(stderr, "execution %u of pipeline %u (limit %" G_GINT64_FORMAT "%s)%s%s%s\n", each->order, each->config,
                world->limits[each->config], world->keeps[each->config] ? ", keeps waiting" : "", each == known ? " <= this one" : "",
                each->acknowledged ? "" : " not acknowledged", each->deleted ? " deleted" : "");
        if (each->last && (each == known || !status_info(each->last->status)->complete))
            print_execution(each->last);
    }
    exit(1);
}

Execution *world_load(World *world, const char *id) {
    LoadedExecution loaded;
    if (!store_execution_load(world->store, id, &loaded, NULL))
        return NULL;
    g_autoptr(GError) error = NULL;
    Execution *execution = execution_from_loaded(&loaded, &error);
    loaded_execution_clear(&loaded);
    if (execution == NULL)
        world_fail(world, NULL, "what was stored cannot be read: %s", error->message);
    return execution;
}

/* ---- life and death of the engine ---- */
void world_open_engine(World *world) {
    g_autoptr(GError) error = NULL;
    world->crashed = FALSE;
    EngineOptions options = {
        .store = world->store, .types = &sim_stage_types, .services = &world->services, .config = world->config, .runtime = world->runtime};
    world->engine = engine_new(&options, &error);
    if (world->engine == NULL)
        world_fail(world, NULL, "does not start again: %s", error->message);
    world->services.engine = world->engine;
}

/* Everything that was on its way ends without a trace; then the program is started again. */
static void bury(World *world) {
    g_atomic_int_set(&world->engine->stopping, ENGINE_GAVE_UP);
    runtime_simulated_drain(world->runtime);
    engine_free(world->engine);
}

static void restart(World *world) {
    bury(world);
    runtime_simulated_jump(world->runtime, world_between(world, 0, 60000));
    world_say(world, "started again");
    world_open_engine(world);
}

/* ---- the run ---- */
static void on_change(const StoreChangeEvent *event, gpointer data) {
    World *world = data;
    if (g_strcmp0(event->change.kind, "execution") == 0)
        g_queue_push_tail(&world->changed, g_strdup(event->change.id));
}

static void known_free(gpointer data) {
    Known *known = data;
    execution_unref(known->last);
    g_hash_table_unref(known->ended);
    g_free(known->stage_id);
    g_free(known->id);
    g_free(known);
}

static void look_at_reasons(World *world) {
    if (world->known->len == 0 || !world_chance(world, 3))
        return;
    const Known *known = g_ptr_array_index(world->known, (guint)world_between(world, 0, (gint32)world->known->len));
    if (known->last != NULL && !known->deleted)
        oracle_reason(world, known);
}

/* Whoever is paused when nothing else happens any more is resumed. TRUE: there was one. */
static gboolean resume_one(World *world) {
    for (guint i = 0; i < world->known->len; i++) {
        const Known *known = g_ptr_array_index(world->known, i);
        if (known->deleted || known->last == NULL || known->last->status != STATUS_PAUSED)
            continue;
        g_autoptr(GError) error = NULL;
        engine_resume(world->engine, known->id, "somebody", &error);
        return TRUE;
    }
    return FALSE;
}

static void go_on(World *world) {
    if (world->events < ACT_EVENTS && world_chance(world, 1))
        users_start(world);
    if (!world->calm && !world->crashed && world->events < ACT_EVENTS && world_chance(world, 2))
        users_act(world);
    if (!world->crashed && world_chance(world, 0.05))
        sim_runtime_jump(world, world_between(world, -3600000, 3600000));
}

static void run_to_the_end(World *world) {
    users_start(world);
    for (;;) {
        if (world->crashed)
            restart(world);
        go_on(world);
        if (world->crashed)
            continue;
        if (!sim_runtime_step(world) && !resume_one(world))
            return;
        look_at_reasons(world);
        if (world->events > EVENTS_MAX)
            world_fail(world, NULL, "does not come to an end");
    }
}

static void count_graphs(World *world) {
    for (guint i = 0; i < world->known->len; i++) {
        const Known *known = g_ptr_array_index(world->known, i);
        guint stages = known->last ? known->last->stages->len : 0;
        world->counters->stages += stages;
        world->counters->largest = MAX(world->counters->largest, stages);
    }
}

void world_run(guint64 seed, Store *store, Config *config, Counters *counters, gboolean trace) {
    World world = {.seed = seed,
                   .trace = trace,
                   .random = g_rand_new_with_seed((guint32)seed),
                   .store = store,
                   .config = config,
                   .counters = counters,
                   .services = {.store = store, .config = config}};
    g_mutex_init(&world.services.lock);
    world.known = g_ptr_array_new_with_free_func(known_free);
    world.by_id = g_hash_table_new(g_str_hash, g_str_equal);
    world.scripts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init(&world.changed);
    world.runtime = sim_runtime_new(&world);
    world.configs = (guint)world_between(&world, 1, STARTED_CONFIGS_MAX);
    world.calm = world_chance(&world, 30);
    for (guint i = 0; i < G_N_ELEMENTS(world.limits); i++) {
        world.limits[i] = world_chance(&world, 40) ? 0 : world_between(&world, 1, 3);
        world.keeps[i] = world_chance(&world, 50);
    }
    sim_save_configurations(&world);
    guint listener = store_listen(store, on_change, &world);
    world_open_engine(&world);
    run_to_the_end(&world);
    oracle_end(&world);
    count_graphs(&world);
    bury(&world);
    store_unlisten(store, listener);
    runtime_simulated_free(world.runtime);
    g_mutex_clear(&world.services.lock);
    g_ptr_array_unref(world.known);
    g_hash_table_unref(world.by_id);
    g_hash_table_unref(world.scripts);
    g_queue_clear_full(&world.changed, g_free);
    g_rand_free(world.random);
}
