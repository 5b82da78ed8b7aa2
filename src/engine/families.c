/* How many unfinished executions were started by each other below one root: what a pipeline that starts itself more than once is
 * stopped by. Counted in memory, under engine->lock; after a start of the program an execution counts again with its first step. */
#include "engine/runner.h"
#include <string.h>

/* engine->lock is held. */
static void count(Engine *engine, const char *root_id, gint by) {
    gint n = GPOINTER_TO_INT(g_hash_table_lookup(engine->families, root_id)) + by;
    if (n > 0)
        g_hash_table_insert(engine->families, g_strdup(root_id), GINT_TO_POINTER(n));
    else
        g_hash_table_remove(engine->families, root_id);
}

guint engine_family_size(Engine *engine, const char *root_id) {
    g_mutex_lock(&engine->lock);
    guint n = root_id ? GPOINTER_TO_UINT(g_hash_table_lookup(engine->families, root_id)) : 0;
    g_mutex_unlock(&engine->lock);
    return n;
}

void actor_count_family_locked(Actor *actor, const Execution *execution) {
    gboolean counts = execution && execution->parent_id && execution->root_id && !status_info(execution->status)->complete;
    if (counts == (actor->family != NULL))
        return;
    if (counts) {
        actor->family = g_strdup(execution->root_id);
        count(actor->engine, actor->family, 1);
    } else {
        count(actor->engine, actor->family, -1);
        g_clear_pointer(&actor->family, g_free);
    }
}

void actor_count_family(Actor *actor, const Execution *execution) {
    g_mutex_lock(&actor->engine->lock);
    actor_count_family_locked(actor, execution);
    g_mutex_unlock(&actor->engine->lock);
}
