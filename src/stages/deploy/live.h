/* Reading server groups and clusters live, for tasks that need the truth. Runs in a worker; publishes into the inventory. */
#pragma once
#include "stages/deploy/health_rules.h"

typedef enum { GROUP_SEEN, GROUP_GONE, GROUP_UNREADABLE } GroupSight;
/* GROUP_UNREADABLE: not now, *error says why and is worth another try; GROUP_GONE: *error says so too. */
GroupSight live_read_group(TaskContext *context, const char *account, const GroupName *name, GError **error);
gboolean error_is_passing(const GError *error); /* the other side did not answer, or not now */

/* A cluster's server groups in a location after a live read, oldest first (InventoryObject with ServerGroup records; empty when
 * there is no such cluster). The snapshot is the caller's. NULL with error. */
GPtrArray *live_read_cluster(TaskContext *context, const char *account, const char *location, const char *cluster,
                             InventorySnapshot **snapshot, GError **error);

/* What a wait over the stage's recorded groups does with each group that is there. */
typedef struct {
    TaskContext *context;
    const char *account;
    HealthInterest interest;
    const InventorySnapshot *snapshot;
    const ServerGroup *group;
    GPtrArray *instances; /* of const Instance */
} GroupLook;
/* TRUE: what is waited for is there. */
typedef gboolean (*GroupRule)(GroupLook *look, GError **error);
typedef struct {
    GroupRule rule;
    gboolean gone_is_done;     /* a group that is not there counts as done */
    gboolean gone_is_waited;   /* … is waited for (it was just made) */
    gboolean empty_is_failure; /* no group recorded: a failure, else done */
} GroupWait;
Status live_wait(TaskContext *context, const GroupWait *wait, GError **error);

guint count_up(const GroupLook *look);
guint count_down(const GroupLook *look);
