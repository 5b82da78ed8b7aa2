/* One rehearsal: a store in memory, an engine and clouds on a simulated runtime, and the loop that lets things happen until the execution
 * has ended. Owns them all. Thread: whoever made it. */
#include "base/log.h"
#include "engine/runtime_simulated.h"
#include "rehearse/internal.h"
#include "stages/deploy/deployment.h"
#include "stages/stages.h"
#include <string.h>

#define LOOK_AT_CLOCK_EVENTS 256 /* how often the bound of real time is looked at */

Assumptions *assumptions_of(Services *services) {
    return ((Rehearsal *)services)->assumptions;
}

Twins *twins_of(Clouds *clouds) {
    return ((const Rehearsal *)clouds_owner(clouds))->twins;
}

Services *rehearsal_services(Rehearsal *rehearsal) {
    return &rehearsal->services;
}

const Execution *rehearsal_execution(const Rehearsal *rehearsal) {
    return rehearsal->execution;
}

static gint64 now_ms(const Rehearsal *rehearsal) {
    return rehearsal->runtime->now_ms(rehearsal->runtime);
}

/* ---- opening ---- */

static void wake_stage(const char *execution_id, const char *stage_id, gpointer data) {
    const Rehearsal *rehearsal = data;
    engine_wake_stage(rehearsal->services.engine, execution_id, stage_id);
}

static gboolean nobody_signs_in(gpointer data) {
    (void)data;
    return TRUE;
}

static gboolean open_engine(Rehearsal *rehearsal, GError **error) {
    EngineOptions options = {.store = rehearsal->services.store,
                             .types = assumptions_types(rehearsal->assumptions),
                             .services = &rehearsal->services,
                             .submission_steps = submission_steps,
                             .config = rehearsal->services.config,
                             .runtime = rehearsal->runtime,
                             .is_open = nobody_signs_in,
                             .is_open_data = rehearsal};
    rehearsal->services.engine = engine_new(&options, error);
    return rehearsal->services.engine != NULL;
}

/* A server goes on without an account that it cannot open; a rehearsal without it would tell another story. */
static gboolean is_whole(const Rehearsal *rehearsal, GError **error) {
    g_autoptr(GPtrArray) problems = clouds_problems(rehearsal->services.clouds);
    if (problems->len == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "%s", ((const AccountProblem *)problems->pdata[0])->text);
    return FALSE;
}

static gboolean open_clouds(Rehearsal *rehearsal, const Cloud *const *clouds, GError **error) {
    CloudsOptions options = {.clouds = clouds,
                             .store = rehearsal->services.store,
                             .config = rehearsal->services.config,
                             .operation_ended = wake_stage,
                             .data = rehearsal,
                             .runtime = rehearsal->runtime};
    rehearsal->services.clouds = clouds_new(&options, error);
    if (rehearsal->services.clouds == NULL)
        return FALSE;
    write_check_install(&rehearsal->services);
    return is_whole(rehearsal, error);
}

static void note_commit(const StoreChangeEvent *event, gpointer data) {
    Rehearsal *rehearsal = data;
    if (g_strcmp0(event->change.kind, "execution") == 0)
        g_queue_push_tail(&rehearsal->changed, g_strdup(event->change.id));
}

static void note_cloud(const char *account, const char *kind, const char *region, const char *id, gpointer data) {
    (void)account, (void)region, (void)id;
    Rehearsal *rehearsal = data;
    rehearsal->cloud_changed = rehearsal->cloud_changed || strcmp(kind, KIND_SERVER_GROUP) == 0;
}

static const char *const no_roles[] = {NULL};

static gboolean open_all(Rehearsal *rehearsal, const RehearsalOptions *options, GError **error) {
    if ((rehearsal->assumptions = assumptions_new(options->assumptions, error)) == NULL)
        return FALSE;
    rehearsal->services.store = store_open(&(StoreOptions){.no_threads = TRUE}, error);
    if (rehearsal->services.store == NULL)
        return FALSE;
    rehearsal->runtime = runtime_simulated_new(
        &(SimulatedOptions){.store = rehearsal->services.store, .random = rehearsal->random, .now_ms = options->now_ms});
    return open_engine(rehearsal, error) &&
           open_clouds(rehearsal, options->clouds != NULL ? options->clouds : twins_list(rehearsal->twins), error);
}

Rehearsal *rehearsal_new(const RehearsalOptions *options, GError **error) {
    Rehearsal *rehearsal = g_new0(Rehearsal, 1);
    g_mutex_init(&rehearsal->services.lock);
    g_queue_init(&rehearsal->changed);
    rehearsal->services.config = config_ref(options->config);
    rehearsal->random = g_rand_new_with_seed((guint32)options->seed);
    rehearsal->seed = options->seed;
    rehearsal->events_max = options->events_max ? options->events_max : REHEARSAL_EVENTS_MAX;
    rehearsal->twins = options->twins;
    rehearsal->began_ms = options->now_ms;
    rehearsal->principal = options->principal != NULL ? *options->principal : (Principal){.user = "rehearsal", .roles = no_roles};
    if (!open_all(rehearsal, options, error)) {
        rehearsal_free(rehearsal);
        return NULL;
    }
    clouds_start_operations(rehearsal->services.clouds);
    rehearsal->timeline = timeline_new(rehearsal->services.clouds, rehearsal->began_ms, options->timeline_max);
    rehearsal->listener = store_listen(rehearsal->services.store, note_commit, rehearsal);
    rehearsal->watcher = clouds_watch(rehearsal->services.clouds, note_cloud, rehearsal);
    rehearsal_look(rehearsal);
    return rehearsal;
}

void rehearsal_look(Rehearsal *rehearsal) {
    clouds_read_all(rehearsal->services.clouds);
    timeline_begin(rehearsal->timeline);
    rehearsal->cloud_changed = FALSE;
}

void rehearsal_free(Rehearsal *rehearsal) {
    if (rehearsal == NULL)
        return;
    Services *services = &rehearsal->services;
    if (rehearsal->watcher != 0)
        clouds_unwatch(services->clouds, rehearsal->watcher);
    if (rehearsal->listener != 0)
        store_unlisten(services->store, rehearsal->listener);
    timeline_free(rehearsal->timeline);
    if (services->clouds != NULL)
        clouds_stop(services->clouds, 0);
    g_clear_pointer(&services->engine, engine_free);
    g_clear_pointer(&rehearsal->runtime, runtime_simulated_free);
    g_clear_pointer(&services->clouds, clouds_free);
    g_clear_pointer(&services->store, store_close);
    twins_free(rehearsal->twins);
    assumptions_free(rehearsal->assumptions);
    execution_unref(rehearsal->execution);
    json_unref(rehearsal->waits);
    config_unref(services->config);
    g_queue_clear_full(&rehearsal->changed, g_free);
    g_rand_free(rehearsal->random);
    g_mutex_clear(&services->lock);
    g_free(rehearsal->id);
    g_free(rehearsal);
}

/* ---- running ---- */

static gboolean waits_for_judgement(const Stage *stage) {
    const char *given = json_get_string(json_root(stage->context), "judgmentStatus");
    return stage->status == STATUS_RUNNING && strcmp(stage->type, "manualJudgment") == 0 && (given == NULL || given[0] == '\0') &&
           stage->tasks->len > 0;
}

/* People judge at once. */
static void judge(Rehearsal *rehearsal, const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (!waits_for_judgement(stage))
            continue;
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) answer = assumptions_judge(rehearsal->assumptions, execution, stage);
        if (!engine_patch_stage(rehearsal->services.engine, execution->id, stage->id, json_root(answer), &rehearsal->principal, &error))
            log_debug("rehearse", "stage %s could not be judged: %s", stage->name, error->message);
    }
}

static void look_at(Rehearsal *rehearsal, const char *id) {
    g_autoptr(Execution) execution = engine_load(rehearsal->services.engine, id, NULL);
    if (execution == NULL)
        return;
    timeline_show_execution(rehearsal->timeline, execution, now_ms(rehearsal));
    judge(rehearsal, execution);
    if (g_strcmp0(id, rehearsal->id) != 0)
        return;
    execution_unref(rehearsal->execution);
    rehearsal->execution = execution_ref(execution);
}

static void look_at_commits(Rehearsal *rehearsal) {
    while (!g_queue_is_empty(&rehearsal->changed)) {
        g_autofree char *id = g_queue_pop_head(&rehearsal->changed);
        look_at(rehearsal, id);
    }
}

static void look_around(Rehearsal *rehearsal) {
    if (rehearsal->cloud_changed) {
        rehearsal->cloud_changed = FALSE;
        timeline_show_clouds(rehearsal->timeline, now_ms(rehearsal));
    }
    look_at_commits(rehearsal);
}

static gboolean has_ended(const Rehearsal *rehearsal) {
    return rehearsal->execution != NULL && status_info(rehearsal->execution->status)->complete &&
           execution_is_settled(rehearsal->execution);
}

static gboolean is_within_bounds(const Rehearsal *rehearsal, guint64 events, gint64 until_us, GError **error) {
    if (events < rehearsal->events_max && (events % LOOK_AT_CLOCK_EVENTS != 0 || g_get_monotonic_time() < until_us))
        return TRUE;
    error_set(error, ERR_LIMIT,
              "the rehearsal does not come to an end: %" G_GUINT64_FORMAT " events happened in it (at most %" G_GUINT64_FORMAT
              " in %d s of real time)",
              events, rehearsal->events_max, REHEARSAL_REAL_MS_MAX / 1000);
    return FALSE;
}

static gboolean run_to_the_end(Rehearsal *rehearsal, GError **error) {
    gint64 until_us = g_get_monotonic_time() + REHEARSAL_REAL_MS_MAX * G_GINT64_CONSTANT(1000);
    look_around(rehearsal);
    for (guint64 events = 1; !has_ended(rehearsal); events++) {
        if (!is_within_bounds(rehearsal, events, until_us, error))
            return FALSE;
        if (!runtime_simulated_step(rehearsal->runtime))
            break;
        look_around(rehearsal);
    }
    if (!has_ended(rehearsal) && rehearsal->execution != NULL)
        rehearsal->waits = engine_why(rehearsal->services.engine, rehearsal->execution, now_ms(rehearsal));
    return TRUE;
}

gboolean rehearsal_run(Rehearsal *rehearsal, const JsonValue *pipeline, GError **error) {
    g_assert(rehearsal->id == NULL);
    g_autofree char *failed_id = NULL;
    rehearsal->id = engine_start_pipeline(rehearsal->services.engine, pipeline, NULL, &rehearsal->principal, &failed_id, error);
    return rehearsal->id != NULL && run_to_the_end(rehearsal, error);
}

/* ---- what came of it ---- */

static void add_waits(JsonBuilder *builder, const Rehearsal *rehearsal) {
    if (rehearsal->waits != NULL)
        json_add_json(builder, "waitsFor", rehearsal->waits);
}

Json *rehearsal_report(const Rehearsal *rehearsal) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(Json) assumptions = assumptions_made(rehearsal->assumptions), timeline = timeline_json(rehearsal->timeline),
                    changes = timeline_changes(rehearsal->timeline);
    g_autoptr(Json) execution = rehearsal->execution != NULL ? execution_to_json(rehearsal->execution, TRUE) : NULL;
    g_auto(GStrv) unused = assumptions_unused(rehearsal->assumptions);
    json_begin_object(builder, NULL);
    json_add_string(builder, "status", rehearsal->execution != NULL ? status_info(rehearsal->execution->status)->name : NULL);
    json_add_int(builder, "seed", (gint64)rehearsal->seed);
    json_add_int(builder, "startTime", rehearsal->began_ms);
    json_add_int(builder, "endTime", now_ms(rehearsal));
    json_add_int(builder, "duration", now_ms(rehearsal) - rehearsal->began_ms);
    add_waits(builder, rehearsal);
    json_add_json(builder, "assumptions", assumptions);
    json_add_strings(builder, "unusedAssumptions", (const char *const *)unused);
    json_add_json(builder, "timeline", timeline);
    json_add_json(builder, "clouds", changes);
    if (execution != NULL)
        json_add_json(builder, "execution", execution);
    json_end_object(builder);
    return json_builder_end(builder);
}
