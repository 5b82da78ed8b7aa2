/* Random pipelines: graphs of up to 200 stages with forks, joins, nested synthetic stages and every failure option. */
#include "stages/metadata/pipelines.h"
#include "templates/stored.h"
#include "world.h"
#include <string.h>

#define DEPTH_MAX 2
#define TEMPLATE_STAGES 16

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

/* Open for some hours of each day, round midnight too. */
static void add_window(World *world, JsonBuilder *builder) {
    gint32 from = world_between(world, 0, 24);
    json_add_bool(builder, "restrictExecutionDuringTimeWindow", TRUE);
    json_begin_object(builder, "restrictedExecutionWindow");
    json_begin_array(builder, "whitelist");
    json_begin_object(builder, NULL);
    json_add_int(builder, "startHour", from);
    json_add_int(builder, "startMin", world_between(world, 0, 60));
    json_add_int(builder, "endHour", (from + world_between(world, 1, 16)) % 24);
    json_add_int(builder, "endMin", world_between(world, 0, 60));
    json_end_object(builder);
    json_end_array(builder);
    if (world_chance(world, 40)) {
        json_begin_object(builder, "jitter");
        json_add_bool(builder, "enabled", TRUE);
        json_add_int(builder, "minDelay", 0);
        json_add_int(builder, "maxDelay", world_between(world, 1, 600));
        json_end_object(builder);
    }
    json_end_object(builder);
}

static char *config_id(const World *world, guint config) {
    return g_strdup_printf("pipeline-%" G_GUINT64_FORMAT "-%u", world->seed, config);
}

guint sim_config_of(const Execution *execution) {
    const char *number = execution->config_id ? strrchr(execution->config_id, '-') : NULL;
    return number ? (guint)g_ascii_strtoull(number + 1, NULL, 10) : 0;
}

/* Runs a pipeline behind its own, so that nothing runs itself. */
static void add_child(World *world, JsonBuilder *builder, guint config) {
    guint first = MAX(config + 1, STARTED_CONFIGS_MAX);
    g_autofree char *child = config_id(world, (guint)world_between(world, (gint32)first, CONFIGS_MAX));
    json_add_string(builder, "application", "sim");
    json_add_string(builder, "pipeline", child);
    json_add_string(builder, "waitForCompletion", world_chance(world, 85) ? "true" : "false");
    add_options(world, builder, 0);
}

static void add_stage(World *world, JsonBuilder *builder, guint i, guint config) {
    g_autofree char *ref = g_strdup_printf("%u", i), *name = g_strdup_printf("stage %u", i);
    gboolean waits = world_chance(world, 10), starts = !waits && config + 1 < CONFIGS_MAX && world_chance(world, 3);
    json_begin_object(builder, NULL);
    json_add_string(builder, "refId", ref);
    json_add_string(builder, "name", name);
    json_add_string(builder, "type", waits ? "wait" : starts ? "pipeline" : pick_type(world));
    add_requisites(world, builder, i);
    if (waits)
        json_add_int(builder, "waitTime", world_between(world, 0, 7200));
    else if (starts)
        add_child(world, builder, config);
    else
        add_context(world, builder, 0);
    if (world_chance(world, 1.5)) {
        world->counters->windows++;
        add_window(world, builder);
    }
    json_end_object(builder);
}

static char *template_id(const World *world) {
    return g_strdup_printf("template-%" G_GUINT64_FORMAT, world->seed);
}

/* What a start says of its pipeline beside its stages. */
static void add_head(World *world, JsonBuilder *builder, guint config, const char *execution_id) {
    g_autofree char *id = config_id(world, config);
    json_add_string(builder, "application", "sim");
    json_add_string(builder, "name", id);
    json_add_string(builder, "id", id);
    json_add_string(builder, "executionId", execution_id);
    json_add_bool(builder, "limitConcurrent", world->limits[config] == 1);
    json_add_int(builder, "maxConcurrentExecutions", world->limits[config] > 1 ? world->limits[config] : 0);
    json_add_bool(builder, "keepWaitingPipelines", world->keeps[config]);
}

/* One whose stages come out of the stored template, some with one injected. */
static Json *templated(World *world, guint config, const char *execution_id) {
    g_autofree char *id = template_id(world), *reference = g_strconcat("spinnaker://", id, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_head(world, builder, config, execution_id);
    json_add_string(builder, "schema", "v2");
    json_add_string(builder, "type", "templatedPipeline");
    json_begin_object(builder, "template");
    json_add_string(builder, "type", "front50/pipelineTemplate");
    json_add_string(builder, "artifactAccount", "front50ArtifactCredentials");
    json_add_string(builder, "reference", reference);
    json_end_object(builder);
    json_begin_array(builder, "stages");
    if (world_chance(world, 50)) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "refId", "injected");
        json_add_string(builder, "name", "injected");
        json_add_string(builder, "type", "wait");
        json_add_int(builder, "waitTime", world_between(world, 0, 100));
        json_begin_object(builder, "inject");
        json_add_bool(builder, world_chance(world, 50) ? "first" : "last", TRUE);
        json_end_object(builder);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    world->counters->templated++;
    return json_builder_end(builder);
}

Json *sim_pipeline(World *world, guint config, const char *execution_id) {
    if (execution_id != NULL && world_chance(world, 10))
        return templated(world, config, execution_id);
    guint n = config >= STARTED_CONFIGS_MAX ? (guint)world_between(world, 1, 8)
              : world_chance(world, 2)      ? 200
                                            : (guint)world_between(world, 1, 24);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_head(world, builder, config, execution_id);
    json_add_string(builder, "spelEvaluator", "v4");
    json_begin_array(builder, "stages");
    for (guint i = 0; i < n; i++)
        add_stage(world, builder, i, config);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* Stages of which none runs a pipeline. */
static Json *make_template(World *world) {
    g_autofree char *id = template_id(world);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "schema", "v2");
    json_add_string(builder, "id", id);
    json_begin_object(builder, "metadata");
    json_add_string(builder, "name", id);
    json_add_string(builder, "description", "stages that several pipelines have");
    json_add_string(builder, "owner", "sim@example.com");
    json_begin_array(builder, "scopes");
    json_add_string(builder, NULL, "global");
    json_end_array(builder);
    json_end_object(builder);
    json_begin_array(builder, "variables");
    json_end_array(builder);
    json_begin_object(builder, "pipeline");
    json_add_string(builder, "spelEvaluator", "v4");
    json_begin_array(builder, "stages");
    for (guint i = 0; i < TEMPLATE_STAGES; i++)
        add_stage(world, builder, i, CONFIGS_MAX);
    json_end_array(builder);
    json_end_object(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

void sim_save_configurations(World *world) {
    const Principal admin = {.user = "admin", .roles = (const char *const[]){NULL}};
    g_autoptr(GError) refused = NULL;
    g_autoptr(Json) made = make_template(world);
    g_autoptr(Json) kept = template_save(world->store, json_root(made), NULL, FALSE, &admin, world_now_ms(world), &refused);
    if (!kept)
        world_fail(world, NULL, "a template is not saved: %s", refused->message);
    for (guint config = STARTED_CONFIGS_MAX; config < CONFIGS_MAX; config++) {
        g_autoptr(Json) pipeline = sim_pipeline(world, config, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) saved = pipeline_save(world->store, PIPELINE_KIND, json_root(pipeline), &admin, FALSE, world_now_ms(world), &error);
        if (!saved)
            world_fail(world, NULL, "a pipeline is not saved: %s", error->message);
    }
}
