/* Random pipelines: graphs with nested synthetic stages. A task's script is one letter per run (world.c, answer); the last one
 * is repeated. */
#include "engine_scripted.h"
#include "sim.h"

#define DEPTH_MAX 2

const StageTypes *sim_types(void) {
    return &scripted_types;
}

/* ---- random stages ---- */
static gboolean chance(GRand *random, int percent) {
    return g_rand_int_range(random, 0, 100) < percent;
}

static const char *pick_script(GRand *random) {
    static const char *const good[] = {"S", "S", "S", "RS", "RRS", "US", "K"};
    static const char *const bad[] = {"T", "E", "F", "P", "C", "RT", "UUE", "RF"};
    return chance(random, 85) ? good[g_rand_int_range(random, 0, G_N_ELEMENTS(good))] : bad[g_rand_int_range(random, 0, G_N_ELEMENTS(bad))];
}

static void write_tasks(GRand *random, JsonBuilder *builder) {
    static const char *const names[] = {"one", "two", "three"};
    json_begin_object(builder, "tasks");
    if (chance(random, 10)) { /* a loop between two others */
        json_add_string(builder, "one", pick_script(random));
        json_add_string(builder, "first", "S");
        json_add_string(builder, "last", chance(random, 50) ? "DS" : "DDRS");
        if (chance(random, 50))
            json_add_string(builder, "two", pick_script(random));
    } else {
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
            if (chance(random, 45))
                json_add_string(builder, names[i], pick_script(random));
    }
    json_end_object(builder);
}

static void write_options(GRand *random, JsonBuilder *builder, int depth) {
    if (chance(random, 15))
        json_add_bool(builder, "continuePipeline", chance(random, 80));
    if (chance(random, 15))
        json_add_bool(builder, "failPipeline", chance(random, 30));
    else if (chance(random, 3))
        json_add_string(builder, "failPipeline", "true");
    if (chance(random, 10))
        json_add_bool(builder, "completeOtherBranchesThenFail", TRUE);
    if (depth > 0 && chance(random, 20))
        json_add_bool(builder, "allowSiblingStagesToContinueOnFailure", TRUE);
    if (chance(random, 10))
        json_add_bool(builder, "skippable", TRUE);
    static const char *const bad[] = {"badTasks", "bad_before", "bad_after", "bad_onFailure"};
    if (chance(random, 4))
        json_add_bool(builder, bad[g_rand_int_range(random, 0, G_N_ELEMENTS(bad))], TRUE);
}

static const char *pick_type(GRand *random) {
    static const char *const names[] = {"plain", "plain", "plain", "prepared", "cancellable", "both"};
    return chance(random, 2) ? "unknown" : names[g_rand_int_range(random, 0, G_N_ELEMENTS(names))];
}

static void write_context(GRand *random, JsonBuilder *builder, int depth);

static void write_children(GRand *random, JsonBuilder *builder, const char *key, int depth) {
    json_begin_array(builder, key);
    int n = g_rand_int_range(random, 1, 4);
    for (int i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%s%d", key, i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", pick_type(random));
        json_add_string(builder, "name", name);
        json_add_bool(builder, "chained", chance(random, 50));
        write_context(random, builder, depth + 1);
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void write_context(GRand *random, JsonBuilder *builder, int depth) {
    write_tasks(random, builder);
    write_options(random, builder, depth);
    if (depth == DEPTH_MAX)
        return;
    static const char *const sides[] = {"before", "after", "onFailure"};
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
        if (chance(random, 15))
            write_children(random, builder, sides[i], depth);
}

static Stage *random_stage(GRand *random, guint i) {
    Stage *stage = stage_new();
    g_autofree char *ref = g_strdup_printf("%u", i);
    g_autofree char *id = g_strdup_printf("S%u", i);
    stage->id = text_new(id);
    stage->ref_id = text_new(ref);
    stage->name = text_new(id);
    stage->type = text_new(pick_type(random));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    write_context(random, builder, 0);
    json_end_object(builder);
    stage_set_context(stage, json_builder_end(builder));
    g_autoptr(GPtrArray) requisites = g_ptr_array_new_with_free_func(g_free);
    for (guint k = 0; i > 0 && k < 3; k++)
        if (chance(random, 45))
            g_ptr_array_add(requisites, g_strdup_printf("%d", g_rand_int_range(random, 0, (gint32)i)));
    g_ptr_array_add(requisites, NULL);
    stage_set_requisites(stage, (const char *const *)requisites->pdata);
    return stage;
}

Execution *sim_pipeline_new(GRand *random) {
    Execution *execution = execution_new(EXECUTION_PIPELINE);
    execution->key = 1;
    execution->id = text_new("E1");
    execution->application = text_new("sim");
    execution->name = text_new("random");
    execution->build_ms = 1;
    guint n = chance(random, 3) ? 400 : (guint)g_rand_int_range(random, 0, 8);
    for (guint i = 0; i < n; i++)
        execution_insert_stage(execution, i, random_stage(random, i));
    execution_reindex(execution);
    return execution;
}
