/* The loop of retention: passes by the runtime's clock, in steps on its I/O lane. One step is under way at a time (busy); the next is
 * asked for when it ended, so nothing sleeps. */
#include "store/retention.h"
#include "base/log.h"
#include "engine/retention_internal.h"
#include "store/operations.h"
#include "store/trigger_events.h"

#define ROOM "engine"
#define DAY_MS (24 * 60 * 60 * G_GINT64_CONSTANT(1000))

struct Retention {
    Engine *engine;
    Store *store;
    Runtime *runtime;
    GMutex lock;
    GCond rest;
    RetentionSettings *settings; /* swapped whole */
    gboolean started, stopping, busy;
    guint64 timer;
    RetentionPass *pass;            /* the step's that is under way; NULL: the next one begins a pass */
    RetentionCounts counts, before; /* before: as the pass began */
};

static gboolean step_run(gpointer data);

static void timer_due(gpointer data) {
    Retention *retention = data;
    g_mutex_lock(&retention->lock);
    gboolean go = retention->started && !retention->stopping && !retention->busy;
    retention->timer = 0;
    retention->busy = retention->busy || go;
    g_mutex_unlock(&retention->lock);
    if (go)
        retention->runtime->run(retention->runtime, LANE_IO, NULL, step_run, retention);
}

/* The lock is held. */
static void arm(Retention *retention, gint64 delay_ms) {
    Runtime *runtime = retention->runtime;
    if (retention->busy || !retention->started || retention->stopping)
        return;
    if (retention->timer != 0)
        runtime->forget(runtime, retention->timer);
    retention->timer = runtime->at(runtime, runtime->now_ms(runtime) + delay_ms, timer_due, retention);
}

static gboolean stops(Retention *retention) {
    g_mutex_lock(&retention->lock);
    gboolean stopping = retention->stopping;
    g_mutex_unlock(&retention->lock);
    return stopping;
}

static void count(Retention *retention, guint64 *counter, guint n) {
    g_mutex_lock(&retention->lock);
    *counter += n;
    g_mutex_unlock(&retention->lock);
}

/* ---- steps ---- */
/* FALSE: an error, or it stops; the pass goes on later. */
static gboolean remove_executions(Retention *retention, gboolean *more, GError **error) {
    g_autoptr(GPtrArray) ids = retention_pass_next(retention->pass, more, error);
    for (guint i = 0; ids != NULL && i < ids->len; i++) {
        g_autoptr(GError) failure = NULL;
        if (stops(retention))
            return TRUE;
        if (engine_delete(retention->engine, ids->pdata[i], &failure))
            count(retention, &retention->counts.executions, 1);
        else if (error_code(failure) != ERR_NOT_FOUND && error_code(failure) != ERR_CONFLICT)
            count(retention, &retention->counts.failed, 1);
    }
    return ids != NULL;
}

/* One trim of each kind that has something to trim; *more: there may be another. */
static gboolean trim(Retention *retention, const RetentionSettings *settings, gboolean *more, GError **error) {
    gint64 before_ms = retention->runtime->now_ms(retention->runtime) - settings->old_days * DAY_MS, event_ms, operation_ms;
    *more = FALSE;
    if (!settings->old_enabled)
        return TRUE;
    if (!store_oldest_trigger_event(retention->store, &event_ms, error) ||
        !store_oldest_lone_operation(retention->store, &operation_ms, error))
        return FALSE;
    gboolean events = event_ms > 0 && event_ms<before_ms, operations = operation_ms> 0 && operation_ms < before_ms;
    *more = events || operations;
    if (!*more)
        return TRUE;
    StoreUnit *unit = store_unit_new();
    if (events)
        store_trigger_events_trim(unit, before_ms);
    if (operations)
        store_operations_trim(unit, before_ms);
    count(retention, &retention->counts.event_trims, events ? 1 : 0);
    count(retention, &retention->counts.operation_trims, operations ? 1 : 0);
    return store_commit(retention->store, unit, error);
}

static void end_pass(Retention *retention, const RetentionSettings *settings) {
    guint found = retention_disable_unused(retention->store, settings, retention->runtime->now_ms(retention->runtime));
    g_mutex_lock(&retention->lock);
    RetentionCounts *now = &retention->counts, *before = &retention->before;
    now->passes++;
    now->pipelines_disabled += settings->unused_dry_run ? 0 : found;
    guint64 executions = now->executions - before->executions;
    guint64 trims = now->event_trims + now->operation_trims - before->event_trims - before->operation_trims;
    g_mutex_unlock(&retention->lock);
    if (executions > 0 || trims > 0)
        log_info(ROOM,
                 "retention: removed %" G_GUINT64_FORMAT " executions, and events and operations in %" G_GUINT64_FORMAT
                 " portions, all older than what is kept",
                 executions, trims);
    g_clear_pointer(&retention->pass, retention_pass_free);
}

static void begin_pass(Retention *retention, RetentionSettings *settings) {
    retention->pass = retention_pass_new(retention->store, settings, retention->runtime->now_ms(retention->runtime));
    g_mutex_lock(&retention->lock);
    retention->before = retention->counts;
    g_mutex_unlock(&retention->lock);
}

/* How long until the next step. */
static gint64 step(Retention *retention, RetentionSettings *settings) {
    g_autoptr(GError) error = NULL;
    gboolean more = FALSE, older = FALSE;
    if (store_is_behind(retention->store))
        return RETENTION_PAUSE_MS;
    if (retention->pass == NULL)
        begin_pass(retention, settings);
    if (!remove_executions(retention, &more, &error) || !trim(retention, settings, &older, &error)) {
        log_warning(ROOM, "retention: what is old cannot be removed, it goes on in the next pass: %s", error->message);
        count(retention, &retention->counts.failed, 1);
        g_clear_pointer(&retention->pass, retention_pass_free);
        return settings->old_interval_ms;
    }
    if (more || older || stops(retention))
        return 0;
    end_pass(retention, settings);
    return settings->old_interval_ms;
}

static gboolean step_run(gpointer data) {
    Retention *retention = data;
    g_mutex_lock(&retention->lock);
    g_autoptr(RetentionSettings) settings = retention_settings_ref(retention->settings);
    g_mutex_unlock(&retention->lock);
    gint64 delay_ms = step(retention, settings);
    g_mutex_lock(&retention->lock);
    if (settings != retention->settings) { /* the configuration changed: a pass with the new one */
        g_clear_pointer(&retention->pass, retention_pass_free);
        delay_ms = 0;
    }
    retention->busy = FALSE;
    arm(retention, delay_ms);
    g_cond_broadcast(&retention->rest);
    g_mutex_unlock(&retention->lock);
    return TRUE;
}

/* ---- life ---- */
Retention *retention_new(Engine *engine, Store *store, Config *config, GError **error) {
    RetentionSettings *settings = retention_settings_new(config, error);
    if (settings == NULL)
        return NULL;
    Retention *retention = g_new0(Retention, 1);
    retention->engine = engine;
    retention->store = store;
    retention->runtime = engine_runtime(engine);
    retention->settings = settings;
    g_mutex_init(&retention->lock);
    g_cond_init(&retention->rest);
    return retention;
}

void retention_start(Retention *retention) {
    g_mutex_lock(&retention->lock);
    retention->started = TRUE;
    arm(retention, 0);
    g_mutex_unlock(&retention->lock);
}

void retention_stop(Retention *retention, gint64 grace_ms) {
    gint64 until = g_get_monotonic_time() + grace_ms * 1000;
    g_mutex_lock(&retention->lock);
    retention->stopping = TRUE;
    if (retention->timer != 0)
        retention->runtime->forget(retention->runtime, retention->timer);
    retention->timer = 0;
    while (retention->busy && g_cond_wait_until(&retention->rest, &retention->lock, until))
        continue;
    g_mutex_unlock(&retention->lock);
}

void retention_free(Retention *retention) {
    if (retention == NULL)
        return;
    retention_pass_free(retention->pass);
    retention_settings_unref(retention->settings);
    g_mutex_clear(&retention->lock);
    g_cond_clear(&retention->rest);
    g_free(retention);
}

gboolean retention_reload(Retention *retention, Config *config, GError **error) {
    RetentionSettings *settings = retention_settings_new(config, error);
    if (settings == NULL)
        return FALSE;
    g_mutex_lock(&retention->lock);
    retention_settings_unref(retention->settings);
    retention->settings = settings;
    if (!retention->busy)
        g_clear_pointer(&retention->pass, retention_pass_free);
    arm(retention, 0);
    g_mutex_unlock(&retention->lock);
    return TRUE;
}

void retention_counts(Retention *retention, RetentionCounts *into) {
    g_mutex_lock(&retention->lock);
    *into = retention->counts;
    g_mutex_unlock(&retention->lock);
}
