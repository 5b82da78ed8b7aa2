/* Who saves what right now (save_turns.h). */
#include "stages/metadata/save_turns.h"

static GMutex lock;
static GCond given;
static GHashTable *taken; /* set of keys; under lock */

static gboolean is_free(const SaveTurn *turn) {
    for (gsize i = 0; i < G_N_ELEMENTS(turn->keys); i++)
        if (g_hash_table_contains(taken, turn->keys[i]))
            return FALSE;
    return TRUE;
}

SaveTurn save_turn_take(const char *first, const char *second) {
    SaveTurn turn = {.keys = {g_strdup(first), g_strdup(second)}};
    g_mutex_lock(&lock);
    if (taken == NULL)
        taken = g_hash_table_new(g_str_hash, g_str_equal);
    while (!is_free(&turn))
        g_cond_wait(&given, &lock);
    for (gsize i = 0; i < G_N_ELEMENTS(turn.keys); i++)
        g_hash_table_add(taken, turn.keys[i]);
    g_mutex_unlock(&lock);
    return turn;
}

void save_turn_give(SaveTurn *turn) {
    g_mutex_lock(&lock);
    for (gsize i = 0; i < G_N_ELEMENTS(turn->keys); i++)
        g_hash_table_remove(taken, turn->keys[i]);
    if (g_hash_table_size(taken) == 0)
        g_clear_pointer(&taken, g_hash_table_unref);
    g_cond_broadcast(&given);
    g_mutex_unlock(&lock);
    for (gsize i = 0; i < G_N_ELEMENTS(turn->keys); i++)
        g_free(turn->keys[i]);
}
