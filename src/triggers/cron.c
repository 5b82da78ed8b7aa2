/* The scheduler: one timer, a round of work when it is due, and a few workers that store what is to be fired.
 *
 * A round takes what is due from the schedule into the queue; posters empty it; the last one of them stores the mark and arms the timer
 * again. busy is TRUE in between, and only one round is under way. */
#include "base/log.h"
#include "store/executions.h"
#include "store/objects.h"
#include "triggers/cron_internal.h"

#define ROOM "triggers"
#define PIPELINE_KIND "pipeline"
#define PIPELINE_TRIGGERS_MAX 1000 /* cron triggers of one pipeline */

struct Cron {
    Triggers *triggers;
    Store *store;
    Runtime *runtime;
    GMutex lock;
    GCond rest;
    CronSettings *settings; /* swapped whole */
    CronSchedule *schedule;
    GQueue queue;  /* of CronFire */
    guint posters; /* at work, or about to be */
    gboolean started, stopping, busy;
    guint64 timer;
    gint64 seen_ms, round_ms;       /* the clock at the last round; 0 of round_ms: that round has nothing to mark */
    gint64 retry_ms, compensate_ms; /* when to go on; 0: not */
    CronCounts counts;
};

static gint64 now_of(const Cron *cron) {
    return cron->runtime->now_ms(cron->runtime);
}

/* ---- the timer; the lock is held ---- */
static void timer_due(gpointer data);

static gint64 earlier(gint64 a, gint64 b) {
    return a <= 0 ? b : b <= 0 ? a : MIN(a, b);
}

static void arm(Cron *cron) {
    if (cron->busy || !cron->started || cron->stopping)
        return;
    gint64 at = cron->retry_ms > 0 ? cron->retry_ms : earlier(cron_schedule_next_ms(cron->schedule), cron->compensate_ms);
    if (cron->timer != 0)
        cron->runtime->forget(cron->runtime, cron->timer);
    cron->timer = at > 0 ? cron->runtime->at(cron->runtime, at, timer_due, cron) : 0;
}

/* ---- the end of a round ---- */
static void finish(Cron *cron) {
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&cron->lock);
    gint64 done_ms = g_queue_is_empty(&cron->queue) && !cron->stopping ? cron->round_ms : 0;
    g_mutex_unlock(&cron->lock);
    if (done_ms > 0 && !cron_mark_save(cron->store, now_of(cron), done_ms, &error))
        log_warning(ROOM, "cannot store up to where cron triggers are done: %s", error->message);
    g_mutex_lock(&cron->lock);
    cron->busy = FALSE;
    arm(cron);
    g_cond_broadcast(&cron->rest);
    g_mutex_unlock(&cron->lock);
}

/* ---- posters ---- */
static gboolean take_start(const ExecutionRecord *record, gpointer data) {
    *(gint64 *)data = record->start_ms;
    return FALSE;
}

/* Whether the pipeline ran, and not since then. */
static gboolean needs_compensation(const Cron *cron, const CronFire *fire) {
    gint64 start_ms = 0;
    ExecutionFilter filter = {.type = "PIPELINE", .config_ids = (const char *const[]){fire->pipeline_id, NULL}, .limit = 1};
    return store_executions_list(cron->store, &filter, take_start, &start_ms, NULL) && start_ms > 0 && start_ms < fire->at_ms;
}

static CronFire *next_fire(Cron *cron, CronSettings **settings) {
    g_mutex_lock(&cron->lock);
    CronFire *fire = cron->stopping || cron->retry_ms > 0 ? NULL : g_queue_pop_head(&cron->queue);
    *settings = cron_settings_ref(cron->settings);
    g_mutex_unlock(&cron->lock);
    return fire;
}

/* Takes the fire. */
static void note(Cron *cron, CronFire *fire, CronPosted posted, const GError *error) {
    g_mutex_lock(&cron->lock);
    CronCounts *counts = &cron->counts;
    guint64 *count = fire->since_ms > 0 ? &counts->missed : fire->compensation ? &counts->compensated : &counts->fired;
    ++*(posted == CRON_POSTED ? count : posted == CRON_KNOWN ? &counts->repeated : &counts->failed);
    if (posted == CRON_FAILED) {
        cron->retry_ms = now_of(cron) + CRON_RETRY_MS;
        g_queue_push_head(&cron->queue, fire);
        log_warning(ROOM, "cron trigger of pipeline %s cannot be stored, it is tried again: %s", fire->pipeline_name, error->message);
        fire = NULL;
    }
    g_mutex_unlock(&cron->lock);
    cron_fire_free(fire);
}

static gboolean poster_run(gpointer data) {
    Cron *cron = data;
    CronSettings *settings;
    for (CronFire *fire; (fire = next_fire(cron, &settings)) != NULL; cron_settings_unref(settings)) {
        g_autoptr(GError) error = NULL;
        if (!settings->enabled || (fire->compensation && !needs_compensation(cron, fire)))
            cron_fire_free(fire);
        else
            note(cron, fire, cron_post(cron->triggers, fire, settings, &error), error);
    }
    cron_settings_unref(settings);
    g_mutex_lock(&cron->lock);
    gboolean last = --cron->posters == 0;
    g_mutex_unlock(&cron->lock);
    if (last)
        finish(cron);
    return TRUE;
}

/* ---- rounds ---- */
typedef struct {
    Cron *cron;
    gint64 floor_ms, ceiling_ms;
} Compensation;

static gboolean compensate_one(const CronTrigger *trigger, const Quartz *quartz, gint64 next_ms, gpointer data) {
    const Compensation *span = data;
    gint64 last = quartz_last(quartz, span->cron->settings->zone, span->floor_ms, MIN(span->ceiling_ms, next_ms - 1));
    if (last < 0)
        return TRUE;
    CronFire *fire = cron_fire_new(trigger, last, 0);
    fire->compensation = TRUE;
    g_queue_push_tail(&span->cron->queue, fire);
    return TRUE;
}

static void compensate(Cron *cron, gint64 now_ms) {
    const CronSettings *settings = cron->settings;
    if (cron->compensate_ms == 0 || now_ms < cron->compensate_ms)
        return;
    cron->compensate_ms = settings->compensates_again ? now_ms + settings->interval_ms : 0;
    gint64 ceiling_ms = now_ms - settings->tolerance_ms;
    cron_schedule_each(cron->schedule, NULL, compensate_one, &(Compensation){cron, ceiling_ms - settings->window_ms, ceiling_ms});
}

/* Fills the queue; the lock is held. How many posters it takes. */
static guint prepare(Cron *cron) {
    gint64 now_ms = now_of(cron);
    gboolean waits = !g_queue_is_empty(&cron->queue); /* fires that could not be stored come first */
    if (now_ms < cron->seen_ms - CRON_CLOCK_BACK_MS) {
        log_warning(ROOM, "the clock was set back: cron triggers are due anew from now on");
        cron_schedule_restart(cron->schedule, NULL, now_ms);
    }
    cron->seen_ms = now_ms;
    cron->retry_ms = 0;
    if (!waits) {
        cron_schedule_take(cron->schedule, now_ms, &cron->queue);
        gint64 next_ms = cron_schedule_next_ms(cron->schedule);
        cron->round_ms = g_queue_is_empty(&cron->queue) ? 0 : next_ms >= 0 ? MIN(now_ms, next_ms - 1) : now_ms;
        compensate(cron, now_ms);
    }
    return MIN(g_queue_get_length(&cron->queue), CRON_POSTERS_MAX);
}

static gboolean round_run(gpointer data) {
    Cron *cron = data;
    g_mutex_lock(&cron->lock);
    guint posters = cron->posters = cron->stopping ? 0 : prepare(cron);
    g_mutex_unlock(&cron->lock);
    for (guint i = 0; i < posters; i++)
        cron->runtime->run(cron->runtime, LANE_IO, NULL, poster_run, cron);
    if (posters == 0)
        finish(cron);
    return TRUE;
}

static void timer_due(gpointer data) {
    Cron *cron = data;
    g_mutex_lock(&cron->lock);
    gboolean go = cron->started && !cron->stopping && !cron->busy;
    cron->timer = 0;
    cron->busy = cron->busy || go;
    g_mutex_unlock(&cron->lock);
    if (go)
        cron->runtime->run(cron->runtime, LANE_IO, NULL, round_run, cron);
}

/* ---- pipelines ---- */
typedef struct {
    GArray *triggers; /* of CronTrigger, texts owned */
    GPtrArray *texts;
} Collected;

static const char *keep(Collected *into, const char *text) {
    char *copy = g_strdup(text);
    g_ptr_array_add(into->texts, copy);
    return copy;
}

static gboolean collect(const TriggerView *view, gpointer data) {
    Collected *into = data;
    if (view->pipeline_disabled || !view->enabled)
        return TRUE;
    CronTrigger trigger = {
        .pipeline_id = keep(into, view->pipeline_id),
        .pipeline_name = keep(into, view->pipeline_name),
        .application = keep(into, view->application),
        .trigger_id = keep(into, view->id),
        .expression = keep(into, json_get_string(view->trigger, "cronExpression")),
        .index = view->index,
    };
    g_array_append_val(into->triggers, trigger);
    return into->triggers->len < PIPELINE_TRIGGERS_MAX;
}

/* Reads the triggers of a pipeline again; new ones are due after from_ms. */
static void refresh(Cron *cron, const char *pipeline_id, gint64 from_ms) {
    g_autoptr(GArray) triggers = g_array_new(FALSE, FALSE, sizeof(CronTrigger));
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    triggers_each(cron->triggers, "cron", pipeline_id, collect, &(Collected){triggers, texts});
    g_mutex_lock(&cron->lock);
    cron_schedule_set(cron->schedule, pipeline_id, (const CronTrigger *)(gpointer)triggers->data, triggers->len, from_ms);
    arm(cron);
    g_mutex_unlock(&cron->lock);
}

static void pipeline_changed(const char *pipeline_id, gpointer data) {
    refresh(data, pipeline_id, now_of(data));
}

/* What was saved after the mark has missed nothing before it was saved. */
static gint64 due_from(const Cron *cron, const char *pipeline_id, gint64 mark_ms) {
    StoreObject object = {0};
    if (!store_object_load(cron->store, PIPELINE_KIND, pipeline_id, &object, NULL))
        return mark_ms;
    gint64 saved_ms = object.updated_ms;
    store_object_clear(&object);
    return MAX(mark_ms, saved_ms);
}

static gboolean collect_pipeline(const TriggerView *view, gpointer data) {
    g_hash_table_add(data, g_strdup(view->pipeline_id));
    return TRUE;
}

static void load_all(Cron *cron) {
    gint64 now_ms = now_of(cron), mark_ms = cron_mark_load(cron->store);
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    triggers_each(cron->triggers, "cron", NULL, collect_pipeline, ids);
    GHashTableIter iter;
    gpointer id;
    g_hash_table_iter_init(&iter, ids);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        refresh(cron, id, mark_ms > 0 && mark_ms < now_ms ? MIN(due_from(cron, id, mark_ms), now_ms) : now_ms);
}

/* ---- life ---- */
Cron *cron_new(Triggers *triggers, Store *store, Runtime *runtime, Config *config, GError **error) {
    CronSettings *settings = cron_settings_new(config, error);
    if (settings == NULL)
        return NULL;
    Cron *cron = g_new0(Cron, 1);
    cron->triggers = triggers;
    cron->store = store;
    cron->runtime = runtime;
    cron->settings = settings;
    cron->schedule = cron_schedule_new(settings->zone);
    g_mutex_init(&cron->lock);
    g_cond_init(&cron->rest);
    return cron;
}

void cron_start(Cron *cron) {
    triggers_watch(cron->triggers, pipeline_changed, cron);
    load_all(cron);
    g_mutex_lock(&cron->lock);
    cron->started = TRUE;
    cron->seen_ms = now_of(cron);
    cron->compensate_ms = cron->settings->compensates ? cron->seen_ms : 0;
    arm(cron);
    guint n = cron_schedule_count(cron->schedule);
    g_mutex_unlock(&cron->lock);
    if (n > 0)
        log_info(ROOM, "%u cron triggers, in the time zone %s", n, cron->settings->zone_name);
}

void cron_stop(Cron *cron, gint64 grace_ms) {
    gint64 until = g_get_monotonic_time() + grace_ms * 1000;
    g_mutex_lock(&cron->lock);
    cron->stopping = TRUE;
    if (cron->timer != 0)
        cron->runtime->forget(cron->runtime, cron->timer);
    cron->timer = 0;
    while (cron->busy && g_cond_wait_until(&cron->rest, &cron->lock, until))
        continue;
    g_mutex_unlock(&cron->lock);
}

void cron_free(Cron *cron) {
    if (cron == NULL)
        return;
    g_queue_clear_full(&cron->queue, (GDestroyNotify)cron_fire_free);
    cron_schedule_free(cron->schedule);
    cron_settings_unref(cron->settings);
    g_mutex_clear(&cron->lock);
    g_cond_clear(&cron->rest);
    g_free(cron);
}

gboolean cron_reload(Cron *cron, Config *config, GError **error) {
    CronSettings *settings = cron_settings_new(config, error);
    if (settings == NULL)
        return FALSE;
    gint64 now_ms = now_of(cron);
    g_mutex_lock(&cron->lock);
    if (g_strcmp0(settings->zone_name, cron->settings->zone_name) != 0)
        cron_schedule_restart(cron->schedule, settings->zone, now_ms);
    cron_settings_unref(cron->settings);
    cron->settings = settings;
    cron->compensate_ms = settings->compensates ? now_ms : 0;
    arm(cron);
    g_mutex_unlock(&cron->lock);
    return TRUE;
}

void cron_each(Cron *cron, const char *pipeline_id, CronEach each, gpointer data) {
    g_mutex_lock(&cron->lock);
    cron_schedule_each(cron->schedule, pipeline_id, each, data);
    g_mutex_unlock(&cron->lock);
}

char *cron_problem(Cron *cron, const char *expression, const char *trigger_id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Quartz) quartz = quartz_parse(expression, trigger_id, &error);
    if (quartz == NULL)
        return g_strdup_printf("It is never due: %s", error->message);
    g_mutex_lock(&cron->lock);
    g_autoptr(CronSettings) settings = cron_settings_ref(cron->settings);
    g_mutex_unlock(&cron->lock);
    if (quartz_next(quartz, settings->zone, now_of(cron)) < 0)
        return g_strdup_printf("It is never due: \"%s\" has no time that is still to come.", expression);
    return settings->enabled ? NULL : g_strdup("It is never due: cron triggers are off (scheduler.triggers.enabled).");
}

void cron_counts(Cron *cron, CronCounts *into) {
    g_mutex_lock(&cron->lock);
    *into = cron->counts;
    into->triggers = cron_schedule_count(cron->schedule);
    into->waiting = g_queue_get_length(&cron->queue);
    g_mutex_unlock(&cron->lock);
}
