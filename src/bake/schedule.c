/* Which bakes run now: as many as the configuration allows, the others in order. Any thread; jobs have threads of their own. */
#include "bake/internal.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

static void job_free(gpointer data) {
    BakeJob *job = data;
    g_free(job->id);
    cancel_unref(job->cancel);
    g_free(job);
}

static gpointer attend(gpointer data) {
    BakeJob *job = data;
    Bakery *bakery = job->bakery;
    LOG_FIELD("operation", job->id);
    bake_job_run(job);
    bakery_slot_free(job);
    g_mutex_lock(&bakery->lock);
    g_hash_table_remove(bakery->jobs, job->id);
    bakery->threads--;
    g_cond_broadcast(&bakery->changed);
    g_mutex_unlock(&bakery->lock);
    return NULL;
}

/* Under lock. */
static void begin(BakeJob *job) {
    Bakery *bakery = job->bakery;
    job->attended = job->slot = TRUE;
    bakery->running++;
    bakery->threads++;
    g_thread_unref(g_thread_new("bake", attend, job));
}

/* Under lock. */
static void start_waiting(Bakery *bakery) {
    while (bakery->started && !cancel_is_set(bakery->stop) && bakery->running < (guint)bakery->settings->own.concurrent &&
           !g_queue_is_empty(&bakery->waiting))
        begin(g_queue_pop_head(&bakery->waiting));
}

void bakery_slot_free(BakeJob *job) {
    Bakery *bakery = job->bakery;
    g_mutex_lock(&bakery->lock);
    if (job->slot) {
        job->slot = FALSE;
        bakery->running--;
        start_waiting(bakery);
    }
    g_mutex_unlock(&bakery->lock);
}

void bakery_enqueue(Bakery *bakery, const char *id, gboolean at_once) {
    g_mutex_lock(&bakery->lock);
    if (!g_hash_table_contains(bakery->jobs, id)) {
        BakeJob *job = g_new0(BakeJob, 1);
        job->bakery = bakery;
        job->id = g_strdup(id);
        job->cancel = cancel_new();
        g_hash_table_insert(bakery->jobs, job->id, job);
        if (at_once)
            begin(job);
        else
            g_queue_push_tail(&bakery->waiting, job);
        start_waiting(bakery);
    }
    g_mutex_unlock(&bakery->lock);
}

gboolean bakery_job_cancel(Bakery *bakery, const char *id) {
    g_mutex_lock(&bakery->lock);
    BakeJob *job = g_hash_table_lookup(bakery->jobs, id);
    gboolean attended = job != NULL && job->attended;
    if (attended) {
        cancel_set(job->cancel);
    } else if (job != NULL) {
        g_queue_remove(&bakery->waiting, job);
        g_hash_table_remove(bakery->jobs, id);
    }
    g_mutex_unlock(&bakery->lock);
    return attended;
}

/* ---- start and stop ---- */

static gboolean take_id(const StoreObject *object, gpointer data) {
    g_ptr_array_add(data, g_strdup_printf("%020" G_GINT64_FORMAT " %s", object->created_ms, object->id));
    return TRUE;
}

static gint by_text(gconstpointer a, gconstpointer b) {
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Unfinished bakes, oldest first; those whose child was started go on at once. */
static void find_unfinished(Bakery *bakery, const char *phase) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    if (!store_objects_each(bakery->store, BAKE_KIND, NULL, phase, take_id, found, &error))
        log_error("bake", "look for unfinished bakes: %s", error->message);
    g_ptr_array_sort(found, by_text);
    for (guint i = 0; i < found->len; i++) {
        const char *id = strchr(found->pdata[i], ' ') + 1;
        g_auto(BakeRecord) record = {0};
        if (!bake_record_load(bakery->store, id, &record, NULL))
            continue;
        g_autofree char *folder = bakery_attempt_folder(bakery, id, json_get_int(json_root(record.body), "attempt", 1));
        gboolean begun = g_strcmp0(phase, BAKE_CLEANING) == 0 || g_file_test(folder, G_FILE_TEST_IS_DIR);
        log_info("bake", "bake %s goes on after a restart", id);
        bakery_enqueue(bakery, id, begun);
    }
}

void bakery_start(Bakery *bakery) {
    bakery_drop_old_logs(bakery, clock_now_ms());
    find_unfinished(bakery, BAKE_CLEANING);
    find_unfinished(bakery, BAKE_RUNNING);
    g_mutex_lock(&bakery->lock);
    bakery->started = TRUE;
    start_waiting(bakery);
    g_mutex_unlock(&bakery->lock);
}

void bakery_stop(Bakery *bakery) {
    cancel_set(bakery->stop);
    g_mutex_lock(&bakery->lock);
    while (bakery->threads > 0)
        g_cond_wait(&bakery->changed, &bakery->lock);
    g_queue_clear(&bakery->waiting);
    g_hash_table_remove_all(bakery->jobs);
    g_mutex_unlock(&bakery->lock);
}

GHashTable *bakery_jobs_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, job_free);
}
