/* Choosing server groups (cluster_choice.h). */
#include "stages/deploy/cluster_choice.h"

typedef struct {
    const ClusterMember *members;
    const ClusterChoice *choice;
} Sorting;

static gint keep_order(gconstpointer left, gconstpointer right, gpointer data) {
    const Sorting *sorting = data;
    const ClusterMember *a = &sorting->members[*(const guint *)left], *b = &sorting->members[*(const guint *)right];
    if (sorting->choice->active_first && a->active != b->active)
        return a->active ? -1 : 1;
    if (sorting->choice->larger_first && a->instances != b->instances)
        return a->instances > b->instances ? -1 : 1;
    if (a->created_ms != b->created_ms)
        return a->created_ms > b->created_ms ? -1 : 1;
    return g_strcmp0(b->name, a->name);
}

/* When the oldest of our own was made; groups made later are somebody's newer deployment, and stay too. */
static gint64 own_since(const ClusterMember *members, guint count) {
    gint64 since = G_MAXINT64;
    for (guint i = 0; i < count; i++)
        if (members[i].own)
            since = MIN(since, members[i].created_ms);
    return since;
}

static gboolean is_candidate(const ClusterMember *member, const ClusterChoice *choice) {
    return !(choice->only_active && !member->active) && !(choice->only_inactive && member->active);
}

GArray *cluster_choose(const ClusterMember *members, guint count, const ClusterChoice *choice) {
    GArray *taken = g_array_new(FALSE, FALSE, sizeof(guint));
    gint64 since = own_since(members, count), kept_already = 0;
    for (guint i = 0; i < count; i++) {
        gboolean is_own = members[i].own || members[i].created_ms > since, candidate = is_candidate(&members[i], choice);
        if (!is_own && candidate)
            g_array_append_val(taken, i);
        else if (is_own || choice->filtered_count)
            kept_already++;
    }
    Sorting sorting = {members, choice};
    g_array_sort_with_data(taken, keep_order, &sorting);
    gint64 keep = CLAMP(choice->keep - kept_already, 0, (gint64)taken->len);
    if (keep > 0)
        g_array_remove_range(taken, 0, (guint)keep);
    return taken;
}
