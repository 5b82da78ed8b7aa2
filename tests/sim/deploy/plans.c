/* What there is at the beginning, and what is deployed. */
#include "scene.h"
#include "stages/metadata/applications.h"

const char *const strategy_names[STRATEGIES] = {"none", "redblack", "highlander", "rollingredblack", "monitored"};

#define OLD_GROUPS_MAX 3
#define OLD_APART_MS 60000
#define STAGE_TIMEOUT_MS (20 * 60000)
#define LAST_BEGIN_MS (15 * 60000)

static const struct {
    const char *name, *behaviour;
} IMAGES[] = {{"good", "boots in 5 s"}, {"slow", "boots in 90 s"}, {"bad", "never healthy"}};

static void must(Scene *scene, gboolean ok, const GError *error) {
    if (!ok)
        scene_fail(scene, NULL, "the cloud is not furnished: %s", error->message);
}

static void add_guards(Scene *scene, JsonBuilder *builder) {
    json_begin_array(builder, "trafficGuards");
    for (guint i = 0; i < scene->clusters; i++) {
        if (!scene->cluster[i].guarded)
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "account", ACCOUNT);
        json_add_string(builder, "location", REGION);
        json_add_string(builder, "stack", strchr(scene->cluster[i].name, '-') + 1);
        json_add_string(builder, "detail", "");
        json_add_bool(builder, "enabled", TRUE);
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void save_application(Scene *scene) {
    const Principal admin = {.user = "admin", .roles = (const char *const[]){NULL}};
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", APPLICATION);
    json_add_string(builder, "email", "shop@example.com");
    add_guards(scene, builder);
    json_end_object(builder);
    g_autoptr(Json) application = json_builder_end(builder);
    must(scene, application_save(scene->services.store, json_root(application), &admin, scene_now_ms(scene), &error), error);
}

static void add_group(Scene *scene, SimulatedWorld *world, guint cluster, guint number, gboolean enabled, gint64 now_ms) {
    static const char *const balancers[] = {BALANCER, NULL}, *const out[] = {"AddToLoadBalancer", NULL};
    g_autofree char *name = g_strdup_printf("%s-v%03u", scene->cluster[cluster].name, number);
    gint64 size = scene_between(scene, 1, 6);
    g_autoptr(GError) error = NULL;
    SimulatedGroupPlan plan = {.account = ACCOUNT,
                               .region = REGION,
                               .name = name,
                               .image = "good",
                               .instance_type = "small",
                               .capacity = {.min = scene_between(scene, 0, (gint32)size + 1), .max = size + 2, .desired = size},
                               .load_balancers = balancers,
                               .suspended = enabled ? NULL : out};
    must(scene, world_group_create(world, &plan, now_ms, &error) != NULL, error);
}

static void furnish_cluster(Scene *scene, SimulatedWorld *world, guint cluster, gint64 now_ms) {
    guint n = (guint)scene_between(scene, 0, OLD_GROUPS_MAX + 1);
    for (guint i = 0; i < n; i++) {
        gboolean enabled = i + 1 == n ? scene_chance(scene, 90) : scene_chance(scene, 30);
        add_group(scene, world, cluster, i, enabled, now_ms - (n - i) * OLD_APART_MS);
    }
}

void plans_furnish(Scene *scene) {
    g_autoptr(GError) error = NULL;
    scene->clusters = (guint)scene_between(scene, 1, CLUSTERS_MAX + 1);
    for (guint i = 0; i < scene->clusters; i++) {
        scene->cluster[i].name = g_strdup_printf(APPLICATION "-web%u", i);
        scene->cluster[i].guarded = scene_chance(scene, 40);
    }
    save_application(scene);
    gint64 now_ms;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    g_autoptr(Json) plain = json_empty_object();
    SimulatedBalancer *balancer = world_balancer_put(world, BALANCER_LOAD_BALANCER, ACCOUNT, REGION, BALANCER, json_root(plain), &error);
    must(scene, balancer != NULL, error);
    for (gsize i = 0; i < G_N_ELEMENTS(IMAGES); i++)
        must(scene, world_image_add(world, NULL, IMAGES[i].name, NULL, NULL, NULL, IMAGES[i].behaviour, now_ms, &error) != NULL, error);
    for (guint i = 0; i < scene->clusters; i++)
        furnish_cluster(scene, world, i, now_ms);
    simulator_leave(scene->room);
}

/* ---- deployments ---- */
void plans_draw(Scene *scene) {
    scene->n = (guint)scene_between(scene, 1, DEPLOYMENTS_MAX + 1);
    for (guint i = 0; i < scene->n; i++) {
        Deployment *deployment = &scene->deployment[i];
        *deployment = (Deployment){.number = i,
                                   .cluster = (guint)scene_between(scene, 0, (gint32)scene->clusters),
                                   .strategy = (StrategyKind)scene_between(scene, 0, STRATEGIES),
                                   .bad_image = scene_chance(scene, 25),
                                   .scales_down = scene_chance(scene, 25),
                                   .rolls_back = scene_chance(scene, 40),
                                   .destroys_latest = scene_chance(scene, 40),
                                   .copies_size = scene_chance(scene, 25),
                                   .delay_s = scene_chance(scene, 25) ? scene_between(scene, 1, 120) : 0,
                                   .keeps = scene_chance(scene, 40) ? scene_between(scene, 1, 4) : 0,
                                   .size = scene_between(scene, 1, 6),
                                   .first_percent = scene_between(scene, 1, 100)};
        deployment->min = scene_between(scene, 0, (gint32)deployment->size + 1);
        gboolean at_once = i == 0 || scene_chance(scene, 40);
        deployment->starts_ms = scene_now_ms(scene) + (at_once ? 0 : scene_between(scene, 0, LAST_BEGIN_MS));
    }
}

static void add_strategy(const Deployment *deployment, JsonBuilder *builder) {
    json_add_string(builder, "strategy", strategy_names[deployment->strategy]);
    json_add_bool(builder, "scaleDown", deployment->scales_down);
    if (deployment->keeps > 0)
        json_add_int(builder, "maxRemainingAsgs", deployment->keeps);
    json_add_bool(builder, "useSourceCapacity", deployment->copies_size);
    json_add_bool(builder, "preferSourceCapacity", TRUE);
    if (deployment->delay_s > 0)
        json_add_int(builder, "delayBeforeCleanup", deployment->delay_s);
    if (deployment->strategy == BY_ROLLING || deployment->strategy == BY_MONITORED) {
        json_begin_array(builder, deployment->strategy == BY_ROLLING ? "targetPercentages" : "deploySteps");
        json_add_int(builder, NULL, deployment->first_percent);
        json_end_array(builder);
    }
    json_begin_object(builder, "rollback");
    json_add_bool(builder, "onFailure", deployment->rolls_back);
    json_add_bool(builder, "destroyLatest", deployment->destroys_latest);
    json_end_object(builder);
}

static void add_cluster(const Deployment *deployment, JsonBuilder *builder) {
    g_autofree char *number = g_strdup_printf("%u", deployment->number), *stack = g_strdup_printf("web%u", deployment->cluster);
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", ACCOUNT);
    json_add_string(builder, "cloudProvider", SIMULATOR_ID);
    json_add_string(builder, "application", APPLICATION);
    json_add_string(builder, "stack", stack);
    json_add_string(builder, "imageId", deployment->bad_image ? "bad" : deployment->number % 2 ? "slow" : "good");
    add_strategy(deployment, builder);
    json_begin_object(builder, "capacity");
    json_add_int(builder, "min", deployment->min);
    json_add_int(builder, "max", deployment->size);
    json_add_int(builder, "desired", deployment->size);
    json_end_object(builder);
    json_begin_object(builder, "availabilityZones");
    json_begin_array(builder, REGION);
    json_end_array(builder);
    json_end_object(builder);
    json_begin_array(builder, "loadBalancers");
    json_add_string(builder, NULL, BALANCER);
    json_end_array(builder);
    json_begin_object(builder, "tags");
    json_add_string(builder, "deployment", number);
    json_end_object(builder);
    json_end_object(builder);
}

Json *plans_pipeline(const Deployment *deployment) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", APPLICATION);
    json_add_string(builder, "name", "deploy");
    json_begin_array(builder, "stages");
    json_begin_object(builder, NULL);
    json_add_string(builder, "refId", "1");
    json_add_string(builder, "type", "deploy");
    json_add_string(builder, "name", "Deploy");
    json_add_int(builder, "stageTimeoutMs", STAGE_TIMEOUT_MS);
    json_begin_array(builder, "clusters");
    add_cluster(deployment, builder);
    json_end_array(builder);
    json_end_object(builder);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}
