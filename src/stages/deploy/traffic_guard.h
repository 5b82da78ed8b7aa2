/* Traffic guards: an application may say that a cluster must never be left without instances (deploy-strategies.md 6, engine.md 20).
 *
 * A guard is asked twice: by the task that starts an operation, and again by the operation itself right before it writes
 * (write_check.c), for between the two anything may have happened. */
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
/* Several groups that are pinned to the same size may go while anything is left (a rule of its own in traffic_guard_decide). Pure. */
gboolean traffic_guard_all_pinned_alike(const GuardedGroup *going, guint count);
/* Does a list of guards name this cluster? Pure. */
gboolean traffic_guard_names(const JsonValue *guards, const char *account, const char *location, const Moniker *moniker);

/* A question about server groups of one location. */
typedef struct {
    Services *services;
    Cancel *cancel;
    const char *account, *operation; /* operation: for the text of a refusal */
    const char *application;         /* whose guards, when the groups' names do not tell; or NULL */
    const GPtrArray *names;          /* of const GroupName: what goes away */
    const GPtrArray *others;         /* of const GroupName: what somebody else is taking away at this moment; or NULL */
    const char *const *instances;    /* only these of the one group; NULL: all of each */
    gboolean pinned_alike;           /* the groups were pinned alike when the operation was started: those that are gone do not change it */
} GuardQuestion;
/* Reads the cluster live when a guard names it. FALSE: refused (ERR_FORBIDDEN) or could not be decided. *pinned_alike (or NULL): allowed
 * because the groups are pinned alike. Blocks; workers and runs of operations. */
gboolean traffic_guard_ask(const GuardQuestion *question, gboolean *pinned_alike, GError **error);

/* The question as a task asks it. names: const GroupName * of one location. */
gboolean traffic_guard_check(TaskContext *context, const char *account, const GPtrArray *names, const char *operation, GError **error);

/* ---- what an operation has to check before it writes: a member of its description (write_check.c) ---- */
#define WRITE_CHECK "writeCheck"
typedef struct {
    const char *operation;
    const GPtrArray *names;       /* of const GroupName of one location: all that go away together */
    const char *const *instances; /* only these of the one group; NULL: all */
    gboolean guarded;             /* asks the guards: now, and again before the write */
    gboolean still_inactive;      /* refuses when the group takes traffic again */
} WriteCheck;
/* Asks the guards now. The check as JSON {writeCheck: {…}} for the description of each operation; NULL: refused. Caller unrefs. */
Json *write_check_new(TaskContext *context, const char *account, const WriteCheck *check, GError **error);
/* Puts the check in front of every write of the services' clouds. Once, before clouds_start. */
void write_check_install(Services *services);
/* Not disabled, or with an instance that is up: what cluster operations take for active. */
gboolean server_group_is_active(const InventorySnapshot *snapshot, const ServerGroup *group);
