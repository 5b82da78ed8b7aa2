/* Which server groups of a cluster an operation takes (deploy-strategies.md 2). Pure. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name;
    gint64 created_ms;
    guint instances;
    gboolean active; /* not disabled, or with an instance that is up */
    gboolean own;    /* deployed by this very pipeline */
} ClusterMember;

typedef struct {
    gint64 keep;
    gboolean only_active;    /* candidates are the active ones (disable) */
    gboolean only_inactive;  /* … the inactive ones (shrink, scale down without "allow active") */
    gboolean active_first;   /* keep active ones before others */
    gboolean larger_first;   /* keep larger ones before newer ones */
    gboolean filtered_count; /* those that the filter above left out count as kept */
} ClusterChoice;
/* Indexes (guint) of the members taken, in the order they were left over; caller unrefs. */
GArray *cluster_choose(const ClusterMember *members, guint count, const ClusterChoice *choice);
