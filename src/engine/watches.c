/* Who wants to know when an execution ends: stages that watch executions which others have started. Under engine->lock; kept in memory
 * only: after a restart of the program a watching task is run again, and watches again. */
#include "engine/runner.h"
#include <string.h>

typedef struct {
    char *execution_id, *stage_id;
} Watch;

static void watch_free(gpointer data) {
    Watch *watch = data;
    g_free(watch->execution_id);
    g_free(watch->stage_id);
    g_free(watch);
}

GHashTable *engine_watches_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
}

static gboolean is_listed(const GPtrArray *list, const char *execution_id, const char *stage_id) {
    for (guint i = 0; i < list->len; i++) {
        const Watch *watch = g_ptr_array_index(list, i);
        if (strcmp(watch->execution_id, execution_id) == 0 && strcmp(watch->stage_id, stage_id) == 0)
            return TRUE;
    }
    return FALSE;
}

void engine_watch(Engine *engine, const char *watched_id, const char *execution_id, const char *stage_id) {
    g_mutex_lock(&engine->lock);
    GPtrArray *list = g_hash_table_lookup(engine->watches, watched_id);
    if (!list && (engine->shared || g_hash_table_contains(engine->actors, watched_id))) {
        list = g_ptr_array_new_with_free_func(watch_free);
        g_hash_table_insert(engine->watches, g_strdup(watched_id), list);
    }
    if (list && list->len < WATCHES_MAX && !is_listed(list, execution_id, stage_id)) {
        Watch *watch = g_new0(Watch, 1);
        *watch = (Watch){g_strdup(execution_id), g_strdup(stage_id)};
        g_ptr_array_add(list, watch);
    }
    g_mutex_unlock(&engine->lock);
}

void engine_tell_watchers(Engine *engine, const char *watched_id) {
    gpointer key = NULL, list = NULL;
    g_mutex_lock(&engine->lock);
    gboolean found = g_hash_table_steal_extended(engine->watches, watched_id, &key, &list);
    g_mutex_unlock(&engine->lock);
    if (!found)
        return;
    const GPtrArray *watches = list;
    for (guint i = 0; i < watches->len; i++) {
        const Watch *watch = g_ptr_array_index(watches, i);
        engine_wake_stage(engine, watch->execution_id, watch->stage_id);
    }
    g_free(key);
    g_ptr_array_unref(list);
}
