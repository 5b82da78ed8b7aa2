/* Going back to the server group before (deploy-strategies.md 7). */
#pragma once
#include "stages/deploy/deployment.h"

typedef enum { ROLLBACK_EXPLICIT, ROLLBACK_PREVIOUS_IMAGE, ROLLBACK_TEST } RollbackType;
const char *rollback_type_name(RollbackType type);
/* ERR_INVALID for an absent or unknown name. */
gboolean rollback_type_parse(const char *name, RollbackType *into, GError **error);

/* ---- which group is rolled back, and to what (candidates.c). Pure. ---- */

typedef struct {
    const GPtrArray *groups;   /* InventoryObject with ServerGroup records: all of the cluster and region, oldest first */
    gboolean only_enabled;     /* only enabled ones are gone back to */
    const char *original;      /* the group to go back to, or NULL */
    const JsonValue *metadata; /* previousServerGroup of the group's entity tag: {imageId, imageName, buildInfo …}, or NULL */
} RollbackQuestion;
typedef struct {
    RollbackType type;
    const ServerGroup *bad, *restore;  /* restore NULL: PREVIOUS_IMAGE */
    const char *image_id, *image_name; /* of what is gone back to; or NULL */
} RollbackAnswer;
/* Two groups at least and one of them enabled: else there is nothing to go back from or to. */
gboolean rollback_is_possible(const GPtrArray *groups);
/* The newest enabled group: what is rolled back; NULL: none. */
const ServerGroup *rollback_newest_enabled(const GPtrArray *groups);
gboolean rollback_choose(const RollbackQuestion *question, RollbackAnswer *into, GError **error);
/* How many percent of the restored instances have to be up when nothing is said of it. */
gint64 rollback_healthy_percentage(gint64 desired);

/* previousServerGroup that the entity tag spinnaker:metadata of a group names; NULL: it has none. Caller unrefs. Reads the store. */
Json *rollback_tagged(TaskContext *context, const char *account, const char *cloud, const GroupName *name);

/* ---- what an explicit rollback does (explicit.c). Pure. ---- */

/* The restored group's new size: as large as the larger of the two, and held there. */
Capacity rollback_capacity(const Capacity *restore, const Capacity *bad);
void rollback_plan_explicit(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error);
void rollback_plan_previous_image(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error);

#define ROLLBACK_RESTORE_KEY "_restoreCapacity" /* what prepare found: capacities of the group to go back to … */
#define ROLLBACK_BAD_KEY "_rollbackCapacity"    /* … and of the one to leave */
#define ROLLBACK_IMAGE_KEY "_imageKey"          /* where the cloud expects an image */
