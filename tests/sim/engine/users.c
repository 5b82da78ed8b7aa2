/* What people do, at the worst moments. */
#include "world.h"

#define STARTS_MAX 6

static const Principal somebody = {.user = "somebody", .roles = (const char *const[]){NULL}};

/* A start whose answer never came may have been stored all the same; whether it was is seen at the next look. */
void users_start(World *world) {
    if (world->starts >= STARTS_MAX)
        return;
    guint config = (guint)world_between(world, 0, (gint32)world->configs);
    g_autofree char *name = g_strdup_printf("%" G_GUINT64_FORMAT " %u", world->seed, world->starts++);
    g_autofree char *digits = id_from_parts("sim", name, NULL);
    Known *known = world_add(world, id_ulid_from(world_now_ms(world), digits), config);
    g_autoptr(Json) pipeline = sim_pipeline(world, config, known->id);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = engine_start_pipeline(world->engine, json_root(pipeline), NULL, &somebody, NULL, &error);
    known->acknowledged = id != NULL;
    world->counters->executions++;
    world->counters->starts_lost += id == NULL;
    world_say(world, "start %u of pipeline %u: %s", known->order, config, id ? "acknowledged" : error->message);
}

static void noted(World *world, Known *known, const char *what, gboolean done, const GError *error, guint64 *counter) {
    (*counter)++;
    world->counters->refused += !done;
    world_say(world, "%s %u: %s", what, known->order, done ? "done" : error->message);
}

static void cancel(World *world, Known *known, const Stage *stage) {
    (void)stage;
    g_autoptr(GError) error = NULL;
    world_interfere(world, known); /* at once: commits come while the call waits */
    gboolean done = engine_cancel(world->engine, known->id, "somebody", "because", &error);
    known->canceled = known->canceled || done;
    noted(world, known, "cancel", done, error, &world->counters->cancels);
}

static void force_cancel(World *world, Known *known, const Stage *stage) {
    (void)stage;
    g_autoptr(GError) error = NULL;
    world_interfere(world, known);
    known->forced = TRUE;
    gboolean done = engine_force_cancel(world->engine, known->id, "admin", "by force", &error);
    known->canceled = known->canceled || done;
    noted(world, known, "force cancel", done, error, &world->counters->force_cancels);
}

static void pause_it(World *world, Known *known, const Stage *stage) {
    (void)stage;
    g_autoptr(GError) error = NULL;
    gboolean done = engine_pause(world->engine, known->id, "somebody", &error);
    noted(world, known, "pause", done, error, &world->counters->pauses);
}

static void resume(World *world, Known *known, const Stage *stage) {
    (void)stage;
    g_autoptr(GError) error = NULL;
    gboolean done = engine_resume(world->engine, known->id, "somebody", &error);
    noted(world, known, "resume", done, error, &world->counters->resumes);
}

static void restart(World *world, Known *known, const Stage *stage) {
    g_autoptr(GError) error = NULL;
    world_interfere(world, known);
    gboolean done = engine_restart_stage(world->engine, known->id, stage->id, NULL, "somebody", &error);
    known->canceled = known->canceled && !done;
    noted(world, known, "restart", done, error, &world->counters->restarts);
}

static void patch(World *world, Known *known, const Stage *stage) {
    g_autoptr(GError) error = NULL;
    gboolean skips = world_chance(world, 40);
    gint64 value = (gint64)world->events;
    g_autoptr(Json) changes = skips ? json_pack("{s:b}", "manualSkip", TRUE) : json_pack("{s:i}", "patched", value);
    world_interfere(world, known);
    gboolean done = engine_patch_stage(world->engine, known->id, stage->id, json_root(changes), &somebody, &error);
    noted(world, known, "patch", done, error, skips ? &world->counters->skips : &world->counters->patches);
    if (done && !skips)
        oracle_patch(world, known, stage, value);
}

static void delete_it(World *world, Known *known, const Stage *stage) {
    (void)stage;
    g_autoptr(GError) error = NULL;
    gboolean done = engine_delete(world->engine, known->id, &error);
    known->deleted = known->deleted || done || world->crashed;
    noted(world, known, "delete", done, error, &world->counters->deletes);
}

static const struct {
    int weight;
    void (*act)(World *world, Known *known, const Stage *stage);
} ACTS[] = {{20, cancel}, {3, force_cancel}, {18, pause_it}, {22, resume}, {20, restart}, {25, patch}, {6, delete_it}};

void users_act(World *world) {
    if (world->known->len == 0)
        return;
    Known *known = g_ptr_array_index(world->known, (guint)world_between(world, 0, (gint32)world->known->len));
    g_autoptr(Execution) execution = known->last ? execution_ref(known->last) : NULL;
    if (execution == NULL || execution->stages->len == 0 || known->deleted)
        return;
    const Stage *stage = execution_stage_at(execution, (guint)world_between(world, 0, (gint32)execution->stages->len));
    int total = 0, drawn;
    for (gsize i = 0; i < G_N_ELEMENTS(ACTS); i++)
        total += ACTS[i].weight;
    drawn = world_between(world, 0, total);
    for (gsize i = 0; i < G_N_ELEMENTS(ACTS); drawn -= ACTS[i].weight, i++)
        if (drawn < ACTS[i].weight) {
            ACTS[i].act(world, known, stage);
            return;
        }
}
