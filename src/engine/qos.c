/* Rate limiting of starts (engine.md 21): while too much runs, or a switch says so, new executions are stored BUFFERED; a promoter lets
 * some of them go every few seconds, the newest first. What is buffered is known under engine->lock. */
#include "base/log.h"
#include "engine/runner.h"
#include <string.h>

#define DECK_ORIGIN "deck"

/* ---- whether a new one has to wait ---- */
/* engine->lock is held. */
static gboolean is_active(const Engine *engine, const EngineSettings *settings) {
    if (settings->qos.supplier == QOS_KILL_SWITCH)
        return settings->qos.kill_switch;
    return (gint64)engine->running >= settings->qos.threshold;
}

gboolean engine_must_buffer(Engine *engine, const Execution *draft) {
    if (draft->status != STATUS_NOT_STARTED || (draft->type == EXECUTION_ORCHESTRATION && strcmp(draft->origin, DECK_ORIGIN) == 0))
        return FALSE;
    g_mutex_lock(&engine->lock);
    gboolean active = engine->settings->qos.enabled && is_active(engine, engine->settings);
    gboolean learning = engine->settings->qos.learning;
    guint running = engine->running;
    g_mutex_unlock(&engine->lock);
    if (active && learning)
        log_info("engine", "execution %s would be buffered (%u are running); qos.learning-mode is on, so it is not", draft->id, running);
    return active && !learning;
}

/* ---- promotion ---- */
typedef struct {
    const char *id;
    gint64 build_ms;
} Candidate;

static gint newest_first(gconstpointer a, gconstpointer b) {
    const Candidate *one = a, *other = b;
    if (one->build_ms != other->build_ms)
        return one->build_ms < other->build_ms ? 1 : -1;
    return strcmp(other->id, one->id);
}

/* Ids of those whose turn it is; caller frees. */
static char **take_newest(Engine *engine) {
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Candidate));
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
    GHashTableIter iter;
    gpointer id, build;
    g_mutex_lock(&engine->lock);
    engine->promoting = FALSE;
    g_hash_table_iter_init(&iter, engine->buffered);
    while (g_hash_table_iter_next(&iter, &id, &build)) {
        Candidate candidate = {id, *(const gint64 *)build};
        g_array_append_val(all, candidate);
    }
    g_array_sort(all, newest_first);
    for (guint i = 0; i < all->len && i < engine->settings->qos.promote; i++)
        g_strv_builder_add(ids, g_array_index(all, Candidate, i).id);
    g_mutex_unlock(&engine->lock);
    return g_strv_builder_end(ids);
}

static void promote(Engine *engine, const char *id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(engine, id, &error);
    if (!execution || execution->status != STATUS_BUFFERED) {
        g_mutex_lock(&engine->lock);
        g_hash_table_remove(engine->buffered, id);
        g_mutex_unlock(&engine->lock);
        return;
    }
    Letter *letter = letter_new(engine_first_message(engine, execution, MESSAGE_PROMOTE_EXECUTION));
    letter->internal = TRUE;
    engine_post(engine, id, letter);
}

static gboolean promote_work(gpointer data) {
    Engine *engine = data;
    g_auto(GStrv) ids = take_newest(engine);
    for (gsize i = 0; ids[i]; i++)
        promote(engine, ids[i]);
    engine_arm_promoter(engine);
    return TRUE;
}

/* On the timer's thread, which must not wait for the store. */
static void promote_due(gpointer data) {
    Engine *engine = data;
    engine->runtime->run(engine->runtime, LANE_IO, NULL, promote_work, engine);
}

void engine_arm_promoter(Engine *engine) {
    g_mutex_lock(&engine->lock);
    gboolean arm = engine->settings->qos.promoter && !engine->promoting && g_hash_table_size(engine->buffered) > 0;
    gint64 interval = engine->settings->qos.promote_ms;
    engine->promoting = engine->promoting || arm;
    g_mutex_unlock(&engine->lock);
    if (arm)
        engine->runtime->at(engine->runtime, engine->runtime->now_ms(engine->runtime) + interval, promote_due, engine);
}

void engine_tell_qos(Engine *engine, const char *id, gint64 build_ms, Status status) {
    gboolean buffered = status == STATUS_BUFFERED;
    g_mutex_lock(&engine->lock);
    if (!buffered)
        g_hash_table_remove(engine->buffered, id);
    else if (!g_hash_table_contains(engine->buffered, id))
        g_hash_table_insert(engine->buffered, g_strdup(id), g_memdup2(&build_ms, sizeof build_ms));
    g_mutex_unlock(&engine->lock);
    if (buffered)
        engine_arm_promoter(engine);
}
