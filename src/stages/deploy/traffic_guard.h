/* Traffic guards: an application may say that a cluster must never be left without instances (deploy-strategies.md 6, engine.md 20). */
#pragma once
#include "stages/deploy/live.h"

/* What goes away. */
typedef struct {
    gint64 up; /* its instances that are up */
    Capacity capacity;
} GuardedGroup;
typedef enum { GUARD_ALLOWS, GUARD_REFUSES } GuardAnswer;
/* up_now: instances up in all groups of the cluster and location. Pure. */
GuardAnswer traffic_guard_decide(gint64 up_now, const GuardedGroup *going, guint count, double min_ratio);
/* Does a list of guards name this cluster? Pure. */
gboolean traffic_guard_names(const JsonValue *guards, const char *account, const char *location, const Moniker *moniker);

/* Reads the cluster live when a guard names it. FALSE: refused (ERR_FORBIDDEN) or could not be decided. names: const GroupName * of
 * one location. */
gboolean traffic_guard_check(TaskContext *context, const char *account, const GPtrArray *names, const char *operation, GError **error);
