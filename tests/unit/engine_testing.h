/* Test stage types and a running engine on a store in memory. */
#pragma once
#include "base/clock.h"
#include "engine/edit.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include <string.h>

typedef struct {
    Store *store;
    Config *config;
    Engine *engine;
    char *folder;           /* NULL: in memory */
    gsize loaded_bytes_max; /* 0: the usual */
} Rig;

static const Principal tester = {.user = "tester", .roles = (const char *const[]){NULL}};

static inline void rig_open(Rig *rig, const StageTypes *types) {
    g_autoptr(GError) error = NULL;
    StoreOptions options = {.folder = rig->folder};
    rig->config = config_load(NULL, &error);
    g_assert_no_error(error);
    rig->store = store_open(&options, &error);
    g_assert_no_error(error);
    EngineOptions engine = {.store = rig->store, .types = types, .config = rig->config, .loaded_bytes_max = rig->loaded_bytes_max};
    rig->engine = engine_new(&engine, &error);
    g_assert_no_error(error);
    engine_start(rig->engine);
}

static inline void rig_close(Rig *rig) {
    engine_stop(rig->engine, 5000);
    engine_free(rig->engine);
    store_close(rig->store);
    config_unref(rig->config);
}

static inline char *rig_start(Rig *rig, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    char *id = engine_start_pipeline(rig->engine, json_root(pipeline), NULL, &tester, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(id);
    return id;
}

static inline Execution *rig_load(Rig *rig, const char *id) {
    g_autoptr(GError) error = NULL;
    Execution *execution = engine_load(rig->engine, id, &error);
    g_assert_no_error(error);
    return execution;
}

/* Waits until the execution, or a stage of it, has the status. */
static inline Execution *rig_wait(Rig *rig, const char *id, const char *ref_id, Status status) {
    gint64 until = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
    while (g_get_monotonic_time() < until) {
        Execution *execution = rig_load(rig, id);
        const Stage *stage = ref_id ? execution_stage_by_ref(execution, ref_id) : NULL;
        if (ref_id ? stage && stage->status == status : execution->status == status)
            return execution;
        execution_unref(execution);
        g_usleep(500);
    }
    g_autoptr(Execution) last = rig_load(rig, id);
    g_autoptr(Json) json = execution_to_json(last, TRUE);
    g_autofree char *text = json_write_pretty(json_root(json), NULL);
    g_error("execution %s stage %s did not become %s: %s", id, ref_id ? ref_id : "-", status_info(status)->name, text);
}

static inline void assert_stage(const Execution *execution, const char *ref_id, Status status) {
    const Stage *stage = execution_stage_by_ref(execution, ref_id);
    g_assert_nonnull(stage);
    g_assert_cmpstr(status_info(stage->status)->name, ==, status_info(status)->name);
}
