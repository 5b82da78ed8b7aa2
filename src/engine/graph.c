/* The graph of an execution's stages: index, edges, ancestors, order. Pure; any thread. */
#include "engine/graph.h"
#include "engine/edit.h"
#include <stdlib.h>
#include <string.h>

#define NOWHERE G_MAXUINT

/* Edges are kept as places in two flat arrays, cut per stage: stage i's are [start[i], start[i + 1]). */
typedef struct {
    guint *start, *at;
} Edges;

struct StageIndex {
    gint ref_count;
    guint n;
    GHashTable *by_id, *by_ref; /* keys are the stages' own shared texts */
    guint *parent;              /* place, or NOWHERE */
    guint *first_child, *next_sibling;
    Edges up, down;
    gboolean judged;
};

static guint find_place(GHashTable *table, const char *key) {
    gpointer value = key ? g_hash_table_lookup(table, key) : NULL;
    return value ? GPOINTER_TO_UINT(value) - 1 : NOWHERE;
}

static int compare_places(const void *a, const void *b) {
    guint left = *(const guint *)a, right = *(const guint *)b;
    return left < right ? -1 : left > right;
}

static void index_parents(StageIndex *index, const GPtrArray *stages) {
    for (guint i = 0; i < index->n; i++)
        index->first_child[i] = index->next_sibling[i] = index->parent[i] = NOWHERE;
    for (guint i = index->n; i-- > 0;) { /* backwards, so that the lists of children come out in list order */
        const Stage *stage = g_ptr_array_index(stages, i);
        guint parent = find_place(index->by_id, stage->parent_id);
        index->parent[i] = parent;
        if (parent == NOWHERE)
            continue;
        index->next_sibling[i] = index->first_child[parent];
        index->first_child[parent] = i;
    }
}

static void index_edges(StageIndex *index, const GPtrArray *stages) {
    guint edges = 0;
    for (guint i = 0; i < index->n; i++)
        edges += g_strv_length(((const Stage *)g_ptr_array_index(stages, i))->requisites);
    index->up = (Edges){g_new0(guint, index->n + 1), g_new(guint, edges + 1)};
    index->down = (Edges){g_new0(guint, index->n + 2), g_new(guint, edges + 1)};
    guint filled = 0;
    for (guint i = 0; i < index->n; i++) {
        const Stage *stage = g_ptr_array_index(stages, i);
        guint begin = filled;
        for (char **ref = stage->requisites; *ref; ref++) {
            guint place = find_place(index->by_ref, *ref);
            if (place != NOWHERE)
                index->up.at[filled++] = place;
        }
        if (filled > begin)
            qsort(index->up.at + begin, filled - begin, sizeof(guint), compare_places);
        guint kept = begin;
        for (guint k = begin; k < filled; k++) /* a refId named twice is one edge */
            if (kept == begin || index->up.at[kept - 1] != index->up.at[k])
                index->up.at[kept++] = index->up.at[k];
        filled = kept;
        index->up.start[i + 1] = filled;
        for (guint k = begin; k < filled; k++)
            index->down.start[index->up.at[k] + 2]++;
    }
    for (guint i = 2; i < index->n + 2; i++)
        index->down.start[i] += index->down.start[i - 1];
    for (guint i = 0; i < index->n; i++)
        for (guint k = index->up.start[i]; k < index->up.start[i + 1]; k++)
            index->down.at[index->down.start[index->up.at[k] + 1]++] = i;
}

StageIndex *stage_index_new(const GPtrArray *stages) {
    StageIndex *index = g_new0(StageIndex, 1);
    index->ref_count = 1;
    index->n = stages->len;
    index->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    index->by_ref = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < stages->len; i++) {
        const Stage *stage = g_ptr_array_index(stages, i);
        index->judged |= g_strcmp0(stage->type, JUDGMENT_TYPE) == 0;
        g_hash_table_insert(index->by_id, stage->id, GUINT_TO_POINTER(i + 1));
        if (stage->ref_id && !g_hash_table_contains(index->by_ref, stage->ref_id))
            g_hash_table_insert(index->by_ref, stage->ref_id, GUINT_TO_POINTER(i + 1));
    }
    index->parent = g_new(guint, index->n);
    index->first_child = g_new(guint, index->n);
    index->next_sibling = g_new(guint, index->n);
    index_parents(index, stages);
    index_edges(index, stages);
    return index;
}

StageIndex *stage_index_ref(StageIndex *index) {
    g_atomic_int_inc(&index->ref_count);
    return index;
}

void stage_index_unref(StageIndex *index) {
    if (!index || !g_atomic_int_dec_and_test(&index->ref_count))
        return;
    g_hash_table_unref(index->by_id);
    g_hash_table_unref(index->by_ref);
    g_free(index->parent);
    g_free(index->first_child);
    g_free(index->next_sibling);
    g_free(index->up.start);
    g_free(index->up.at);
    g_free(index->down.start);
    g_free(index->down.at);
    g_free(index);
}

void execution_reindex(Execution *draft) {
    StageIndex *fresh = stage_index_new(draft->stages);
    stage_index_unref(draft->index);
    draft->index = fresh;
}

gboolean stage_index_find(const StageIndex *index, const char *stage_id, guint *at) {
    guint place = find_place(index->by_id, stage_id);
    *at = place;
    return place != NOWHERE;
}

/* ---- look-up ---- */
gboolean execution_has_judgments(const Execution *execution) {
    return execution->index->judged;
}

const Stage *execution_stage_at(const Execution *execution, guint place) {
    return g_ptr_array_index(execution->stages, place);
}

guint stage_place(const Execution *execution, const Stage *stage) {
    guint place = find_place(execution->index->by_id, stage->id);
    g_assert(place != NOWHERE);
    return place;
}

const Stage *execution_stage(const Execution *execution, const char *stage_id) {
    guint place = find_place(execution->index->by_id, stage_id);
    return place == NOWHERE ? NULL : execution_stage_at(execution, place);
}

const Stage *execution_stage_by_ref(const Execution *execution, const char *ref_id) {
    guint place = find_place(execution->index->by_ref, ref_id);
    return place == NOWHERE ? NULL : execution_stage_at(execution, place);
}

const Stage *stage_parent(const Execution *execution, const Stage *stage) {
    return stage->parent_id ? execution_stage(execution, stage->parent_id) : NULL;
}

const Stage *stage_top_level(const Execution *execution, const Stage *stage) {
    for (const Stage *parent = stage; parent; parent = stage_parent(execution, parent))
        stage = parent;
    return stage;
}

StagePlaces stage_upstream(const Execution *execution, const Stage *stage) {
    const Edges *up = &execution->index->up;
    guint i = stage_place(execution, stage);
    return (StagePlaces){up->at + up->start[i], up->start[i + 1] - up->start[i]};
}

StagePlaces stage_downstream(const Execution *execution, const Stage *stage) {
    const Edges *down = &execution->index->down;
    guint i = stage_place(execution, stage);
    return (StagePlaces){down->at + down->start[i], down->start[i + 1] - down->start[i]};
}

/* ---- walks ---- */
gboolean stage_walk_children(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data) {
    const StageIndex *index = execution->index;
    for (guint i = index->first_child[stage_place(execution, stage)]; i != NOWHERE; i = index->next_sibling[i])
        if (visit(execution_stage_at(execution, i), data))
            return TRUE;
    return FALSE;
}

gboolean stage_walk_family(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data) {
    const StageIndex *index = execution->index;
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
    guint place = stage_place(execution, stage);
    g_array_append_val(open, place);
    while (open->len > 0) {
        guint at = g_array_index(open, guint, open->len - 1);
        g_array_set_size(open, open->len - 1);
        if (visit(execution_stage_at(execution, at), data))
            return TRUE;
        for (guint i = index->first_child[at]; i != NOWHERE; i = index->next_sibling[i])
            g_array_append_val(open, i);
    }
    return FALSE;
}

typedef struct {
    const Execution *execution;
    guint8 *seen; /* SEEN, EXPANDED per place */
    GArray *open; /* places to expand, last first */
    StageVisit visit;
    gpointer data;
} AncestorWalk;
enum { SEEN = 1, EXPANDED = 2 };

static gboolean walk_emit(AncestorWalk *walk, guint place) {
    if (walk->seen[place] & SEEN)
        return FALSE;
    walk->seen[place] |= SEEN;
    return walk->visit(execution_stage_at(walk->execution, place), walk->data);
}

static gboolean walk_requisites(AncestorWalk *walk, const guint *places, guint n) {
    const StageIndex *index = walk->execution->index;
    for (guint i = 0; i < n; i++)
        if (walk_emit(walk, places[i]))
            return TRUE;
    for (guint i = 0; i < n; i++)
        for (guint child = index->first_child[places[i]]; child != NOWHERE; child = index->next_sibling[child])
            if (walk_emit(walk, child))
                return TRUE;
    for (guint i = n; i-- > 0;)
        if (!(walk->seen[places[i]] & EXPANDED))
            g_array_append_val(walk->open, places[i]);
    return FALSE;
}

static gboolean walk_parent(AncestorWalk *walk, const Stage *stage, guint parent) {
    const StageIndex *index = walk->execution->index;
    if (walk->seen[parent] & EXPANDED)
        return FALSE;
    if (stage->owner == OWNER_AFTER)
        for (guint i = index->first_child[parent]; i != NOWHERE; i = index->next_sibling[i])
            if (execution_stage_at(walk->execution, i)->owner == OWNER_BEFORE && walk_emit(walk, i))
                return TRUE;
    if (walk_emit(walk, parent))
        return TRUE;
    g_array_append_val(walk->open, parent);
    return FALSE;
}

gboolean stage_walk_ancestors(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data) {
    const StageIndex *index = execution->index;
    g_autofree guint8 *seen = g_new0(guint8, index->n);
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
    AncestorWalk walk = {execution, seen, open, visit, data};
    guint place = stage_place(execution, stage);
    if (walk_emit(&walk, place))
        return TRUE;
    g_array_append_val(open, place);
    while (open->len > 0) {
        guint at = g_array_index(open, guint, open->len - 1);
        g_array_set_size(open, open->len - 1);
        if (seen[at] & EXPANDED)
            continue;
        seen[at] |= EXPANDED;
        const Stage *each = execution_stage_at(execution, at);
        guint n = index->up.start[at + 1] - index->up.start[at];
        gboolean found = FALSE;
        if (*each->requisites)
            found = walk_requisites(&walk, index->up.at + index->up.start[at], n);
        else if (index->parent[at] != NOWHERE)
            found = walk_parent(&walk, each, index->parent[at]);
        if (found)
            return TRUE;
    }
    return FALSE;
}

/* ---- what follows from the statuses ---- */
gboolean stage_upstream_complete(const Execution *execution, const Stage *stage) {
    StagePlaces up = stage_upstream(execution, stage);
    for (guint i = 0; i < up.n; i++) {
        const StatusInfo *info = status_info(execution_stage_at(execution, up.at[i])->status);
        if (!info->complete || info->halt)
            return FALSE;
    }
    return TRUE;
}

gboolean stage_upstream_failed(const Execution *execution, const Stage *stage) {
    if (stage_upstream_complete(execution, stage))
        return FALSE; /* the usual case costs no memory */
    const Edges *up = &execution->index->up;
    g_autofree guint8 *seen = g_new0(guint8, execution->index->n);
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
    guint place = stage_place(execution, stage);
    g_array_append_val(open, place);
    while (open->len > 0) {
        guint at = g_array_index(open, guint, open->len - 1);
        g_array_set_size(open, open->len - 1);
        for (guint k = up->start[at]; k < up->start[at + 1]; k++) {
            guint each = up->at[k];
            Status status = execution_stage_at(execution, each)->status;
            if (status_info(status)->halt)
                return TRUE;
            if (status == STATUS_NOT_STARTED && !seen[each]) {
                seen[each] = SEEN;
                g_array_append_val(open, each);
            }
        }
    }
    return FALSE;
}

GPtrArray *execution_topological(const Execution *execution) {
    const StageIndex *index = execution->index;
    g_autofree guint *missing = g_new0(guint, index->n);
    g_autofree gboolean *done = g_new0(gboolean, index->n);
    GPtrArray *order = g_ptr_array_new();
    for (guint i = 0; i < index->n; i++)
        missing[i] = index->up.start[i + 1] - index->up.start[i];
    /* Passes in list order; a list that is already sorted needs one. */
    for (gboolean progress = TRUE; progress;) {
        progress = FALSE;
        for (guint i = 0; i < index->n; i++) {
            const Stage *stage = execution_stage_at(execution, i);
            if (done[i] || stage->parent_id || missing[i] > 0)
                continue;
            done[i] = progress = TRUE;
            g_ptr_array_add(order, (gpointer)stage);
            for (guint k = index->down.start[i]; k < index->down.start[i + 1]; k++)
                missing[index->down.at[k]]--;
        }
    }
    return order;
}
