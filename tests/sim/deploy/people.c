/* What people do meanwhile, and how the cloud misbehaves. */
#include "scene.h"
#include <string.h>

static const Principal somebody = {.user = "operator", .roles = (const char *const[]){NULL}};

static guint cluster_of(const Scene *scene, const char *name) {
    for (guint i = 0; i < scene->clusters; i++)
        if (g_str_has_prefix(name, scene->cluster[i].name))
            return i;
    g_assert_not_reached();
}

/* One of the groups that are there, and its cluster; NULL: there is none. Caller frees. */
static char *pick_group(Scene *scene, guint *cluster) {
    gint64 now_ms;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    GPtrArray *groups = world_groups(world);
    const SimulatedGroup *group = groups->len > 0 ? g_ptr_array_index(groups, (guint)scene_between(scene, 0, (gint32)groups->len)) : NULL;
    char *name = group && !group->ending ? g_strdup(group->name) : NULL;
    simulator_leave(scene->room);
    if (name)
        *cluster = cluster_of(scene, name);
    return name;
}

/* An instance dies. */
static void kill_instance(Scene *scene) {
    guint cluster;
    g_autofree char *name = pick_group(scene, &cluster);
    if (name == NULL)
        return;
    gint64 now_ms;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    SimulatedGroup *group = world_group(world, ACCOUNT, REGION, name);
    gboolean any = group->instances->len > 0;
    if (any)
        world_instance_kill(world, group, g_ptr_array_index(group->instances, 0), now_ms);
    simulator_leave(scene->room);
    if (!any)
        return;
    scene->cluster[cluster].killed = TRUE;
    scene_touch(scene, cluster);
    scene_say(scene, "an instance of %s dies", name);
}

/* Somebody disables, destroys or empties a group, as the API's tasks do: guards are asked. */
static void change_group(Scene *scene) {
    static const char *const types[] = {"disableServerGroup", "destroyServerGroup", "enableServerGroup", "resizeServerGroup"};
    guint cluster;
    g_autofree char *name = pick_group(scene, &cluster);
    if (name == NULL)
        return;
    const char *type = types[scene_between(scene, 0, G_N_ELEMENTS(types))];
    gint64 size = scene_between(scene, 0, 5);
    g_autoptr(Json)
        job = json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:i, s:i, s:i}}]}", "application", APPLICATION, "description",
                        type, "job", "type", type, "credentials", ACCOUNT, "cloudProvider", SIMULATOR_ID, "region", REGION,
                        "serverGroupName", name, "asgName", name, "capacity", "min", size, "max", size, "desired", size);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = engine_start_orchestration(scene->services.engine, json_root(job), &somebody, &error);
    /* Guards are asked when nothing is to be left; which instances go when some are is the cloud's choice. */
    scene->cluster[cluster].killed = scene->cluster[cluster].killed || strcmp(type, "resizeServerGroup") == 0;
    scene_touch(scene, cluster);
    scene_say(scene, "somebody: %s of %s%s%s", type, name, id ? "" : ": ", id ? "" : error->message);
}

static void cancel_one(Scene *scene) {
    Deployment *deployment = &scene->deployment[scene_between(scene, 0, (gint32)scene->n)];
    if (deployment->id == NULL || deployment->over)
        return;
    scene_touch(scene, deployment->cluster);
    engine_cancel(scene->services.engine, deployment->id, "operator", "enough", NULL);
    scene_say(scene, "deployment %u is cancelled", deployment->number);
}

static void misbehave(Scene *scene) {
    static const char *const rules[] = {"throttle * 3 times", "timeout-after * once", "timeout-after * 3 times every 2",
                                        "stale for 20 s",     "refuse * once",        "throttle * every 2 for 60 s"};
    const char *text = rules[scene_between(scene, 0, G_N_ELEMENTS(rules))];
    g_autoptr(GError) error = NULL;
    SimulatedFault *fault = simulated_fault_parse(text, &error);
    if (fault == NULL)
        scene_fail(scene, NULL, "no rule: %s", error->message);
    gint64 now_ms;
    SimulatedWorld *world = simulator_enter(scene->room, &now_ms);
    if (!world_fault_add(world, fault, now_ms, &error))
        scene_fail(scene, NULL, "the rule is not taken: %s", error->message);
    simulator_leave(scene->room);
    scene->refuses = scene->refuses || g_str_has_prefix(text, "refuse");
    if (g_str_has_prefix(text, "refuse")) /* somebody's step fails, and it may be anybody's */
        for (guint i = 0; i < scene->clusters; i++)
            scene_touch(scene, i);
    scene->counters->faults++;
    scene_say(scene, "from now on: %s", text);
}

static const struct {
    int weight;
    void (*act)(Scene *scene);
} ACTS[] = {{15, kill_instance}, {20, change_group}, {10, cancel_one}, {55, misbehave}};

void people_act(Scene *scene) {
    int drawn = scene_between(scene, 0, 100);
    scene->counters->people++;
    for (gsize i = 0; i < G_N_ELEMENTS(ACTS); drawn -= ACTS[i].weight, i++)
        if (drawn < ACTS[i].weight) {
            ACTS[i].act(scene);
            return;
        }
}
