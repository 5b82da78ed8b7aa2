/* How many executions were started by each other below one root, and how many of them are unfinished: what pipelines that start themselves,
 * or each other in a circle, are stopped by. Counted in memory, under engine->lock; after a start of the program unfinished ones count again
 * with their first step, and starts from nought. */
#include "engine/runner.h"
#include <string.h>

#define FAMILY_FORGOTTEN 50 /* one with fewer starts is forgotten as soon as none of it is unfinished */
#define FAMILIES_MAX 10000  /* with more, all without unfinished ones are forgotten */

struct Family {
    guint unfinished, started;
};

static gboolean is_at_rest(gpointer key, gpointer value, gpointer data) {
    (void)key, (void)data;
    return ((const Family *)value)->unfinished == 0;
}

/* engine->lock is held. */
static Family *find_family(Engine *engine, const char *root_id) {
    Family *family = g_hash_table_lookup(engine->families, root_id);
    if (family)
        return family;
    if (g_hash_table_size(engine->families) >= FAMILIES_MAX)
        g_hash_table_foreach_remove(engine->families, is_at_rest, NULL);
    family = g_new0(Family, 1);
    g_hash_table_insert(engine->families, g_strdup(root_id), family);
    return family;
}

gboolean engine_family_has_room(Engine *engine, const char *root_id, GError **error) {
    g_mutex_lock(&engine->lock);
    const Family *family = root_id ? g_hash_table_lookup(engine->families, root_id) : NULL;
    Family now = family ? *family : (Family){0, 0};
    g_mutex_unlock(&engine->lock);
    if (now.unfinished >= NESTED_EXECUTIONS_MAX)
        error_set(error, ERR_LIMIT, "%u executions below %s are unfinished, no more than %d may be (NESTED_EXECUTIONS_MAX)", now.unfinished,
                  root_id, NESTED_EXECUTIONS_MAX);
    else if (now.started >= NESTED_STARTS_MAX)
        error_set(error, ERR_LIMIT,
                  "%u executions were started by each other below %s, no more than %d may be (NESTED_STARTS_MAX): do pipelines start each "
                  "other in a circle?",
                  now.started, root_id, NESTED_STARTS_MAX);
    else
        return TRUE;
    return FALSE;
}

void actor_count_family_locked(Actor *actor, const Execution *execution, gboolean starts) {
    gboolean counts = execution && execution->parent_id && execution->root_id && !status_info(execution->status)->complete;
    if (counts == (actor->family != NULL))
        return;
    if (counts) {
        actor->family = g_strdup(execution->root_id);
        Family *family = find_family(actor->engine, actor->family);
        family->unfinished++;
        family->started += starts ? 1 : 0;
        return;
    }
    Family *family = find_family(actor->engine, actor->family);
    family->unfinished -= MIN(family->unfinished, 1);
    if (family->unfinished == 0 && family->started < FAMILY_FORGOTTEN)
        g_hash_table_remove(actor->engine->families, actor->family);
    g_clear_pointer(&actor->family, g_free);
}

void actor_count_family(Actor *actor, const Execution *execution) {
    g_mutex_lock(&actor->engine->lock);
    actor_count_family_locked(actor, execution, FALSE);
    g_mutex_unlock(&actor->engine->lock);
}
