/* Random pipelines: graphs of up to 200 stages with forks, joins, nested synthetic stages and every failure option. */
#include "world.h"

#define DEPTH_MAX 2

static const char *pick_script(World *world) {
    static const char *const good[] = {"S", "S", "S", "RS", "RRS", "US", "K"};
    static const char *const bad[] = {"T", "E", "F", "P", "C", "RT", "UUE", "RF"};
    return world_chance(world, 90) ? good[world_between(world, 0, G_N_ELEMENTS(good))] : bad[world_between(world, 0, G_N_ELEMENTS(bad))];
}

static void add_tasks(World *world, JsonBuilder *builder) {
    static const char *const names[] = {"one", "two", "three"};
    json_begin_object(builder, "tasks");
    if (world_chance(world, 8)) { /* a loop between two others */
        json_add_string(builder, "one", pick_script(world));
        json_add_string(builder, "first", "S");
        json_add_string(builder, "last", world_chance(world, 50) ? "DS" : "DDRS");
        if (world_chance(world, 50))
            json_add_string(builder, "two", pick_script(world));
    } else {
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
            if (world_chance(world, 40))
                json_add_string(builder, names[i], pick_script(world));
    }
    json_end_object(builder);
}

static void add_options(World *world, JsonBuilder *builder, int depth) {
    if (world_chance(world, 20))
        json_add_bool(builder, "continuePipeline", world_chance(world, 80));
    if (world_chance(world, 15))
        json_add_bool(builder, "failPipeline", world_chance(world, 30));
    else if (world_chance(world, 3))
        json_add_string(builder, "failPipeline", "true");
    if (world_chance(world, 10))
        json_add_bool(builder, "completeOtherBranchesThenFail", TRUE);
    if (depth > 0 && world_chance(world, 20))
        json_add_bool(builder, "allowSiblingStagesToContinueOnFailure", TRUE);
    if (world_chance(world, 10))
        json_add_bool(builder, "skippable", TRUE);
    static const char *const bad[] = {"badTasks", "bad_before", "bad_after", "bad_onFailure"};
    if (world_chance(world, 1.5))
        json_add_bool(builder, bad[world_between(world, 0, G_N_ELEMENTS(bad))], TRUE);
}

static const char *pick_type(World *world) {
    static const char *const names[] = {"plain", "plain", "plain", "prepared", "cancellable", "both"};
    return names[world_between(world, 0, G_N_ELEMENTS(names))];
}

static void add_context(World *world, JsonBuilder *builder, int depth);

static void add_children(World *world, JsonBuilder *builder, const char *key, int depth) {
    json_begin_array(builder, key);
    int n = world_between(world, 1, 4);
    for (int i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%s%d", key, i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", pick_type(world));
        json_add_string(builder, "name", name);
        json_add_bool(builder, "chained", world_chance(world, 50));
        add_context(world, builder, depth + 1);
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void add_context(World *world, JsonBuilder *builder, int depth) {
    add_tasks(world, builder);
    add_options(world, builder, depth);
    if (depth == DEPTH_MAX)
        return;
    static const char *const sides[] = {"before", "after", "onFailure"};
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
        if (world_chance(world, 10))
            add_children(world, builder, sides[i], depth);
}

/* Each behind some of those before it: mostly near ones, so that there are long chains, forks and joins. */
static void add_requisites(World *world, JsonBuilder *builder, guint i) {
    gboolean taken[3] = {FALSE, FALSE, FALSE};
    json_begin_array(builder, "requisiteStageRefIds");
    for (guint k = 0; k < 3 && i > 0; k++) {
        guint back = (guint)world_between(world, 1, 4);
        if (back > i || taken[back - 1] || !world_chance(world, k == 0 ? 85 : 30))
            continue;
        taken[back - 1] = TRUE;
        g_autofree char *ref = g_strdup_printf("%u", i - back);
        json_add_string(builder, NULL, ref);
    }
    json_end_array(builder);
}

static void add_stage(World *world, JsonBuilder *builder, guint i) {
    g_autofree char *ref = g_strdup_printf("%u", i), *name = g_strdup_printf("stage %u", i);
    gboolean waits = world_chance(world, 10);
    json_begin_object(builder, NULL);
    json_add_string(builder, "refId", ref);
    json_add_string(builder, "name", name);
    json_add_string(builder, "type", waits ? "wait" : pick_type(world));
    add_requisites(world, builder, i);
    if (waits)
        json_add_int(builder, "waitTime", world_between(world, 0, 7200));
    else
        add_context(world, builder, 0);
    json_end_object(builder);
}

Json *sim_pipeline(World *world, guint config, const char *execution_id) {
    g_autofree char *id = g_strdup_printf("pipeline-%" G_GUINT64_FORMAT "-%u", world->seed, config);
    guint n = world_chance(world, 2) ? 200 : (guint)world_between(world, 1, 24);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", "sim");
    json_add_string(builder, "name", id);
    json_add_string(builder, "id", id);
    json_add_string(builder, "executionId", execution_id);
    json_add_string(builder, "spelEvaluator", "v4");
    json_add_bool(builder, "limitConcurrent", world->limits[config] == 1);
    json_add_int(builder, "maxConcurrentExecutions", world->limits[config] > 1 ? world->limits[config] : 0);
    json_add_bool(builder, "keepWaitingPipelines", world->keeps[config]);
    json_begin_array(builder, "stages");
    for (guint i = 0; i < n; i++)
        add_stage(world, builder, i);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}
