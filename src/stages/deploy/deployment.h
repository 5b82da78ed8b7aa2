/* The pieces of one deployment: source, capacity snapshot, image, strategies (deploy-strategies.md 1-3, 8). */
#pragma once
#include "stages/deploy/group_operation.h"

/* The source among a location's groups: the newest enabled one, or the largest of them when its size is copied; NULL without any. Pure. */
const ServerGroup *source_choose(const GPtrArray *groups, gboolean by_size);
extern const TaskDefinition task_determine_source;

/* snapshotSourceServerGroup, and the stage that gives the minimum back when all is over. */
extern const TaskDefinition task_snapshot_source;
#define SNAPSHOT_KEY "sourceServerGroupCapacitySnapshot"

/* The image of a region out of the stages before: {ami | imageId, imageName …}; NULL when none made one. Borrowed. Pure. */
const JsonValue *image_for_region(const Execution *execution, const Stage *stage, const char *region, const char *cloud);
const char *image_id(const JsonValue *image);
/* The stage says that its image is an artifact (imageArtifactId, imageArtifact, imageSource). Pure. */
gboolean image_is_given_as_artifact(const Stage *stage);
/* That artifact's reference; NULL with ERR_INVALID. Caller frees. */
char *image_given_as_artifact(TaskContext *context, GError **error);
/* The reference of the first artifact of type <cloud>/image for the region (or for none) that the stage sees bound; NULL: none. Pure.
 * Caller frees. */
char *image_of_bound_artifact(const Execution *execution, const Stage *stage, const char *region, const char *cloud);

/* A deployment strategy: what comes before the new group is made and after it is up. Planning is pure. */
typedef struct {
    const char *name;
    const char *label, *help;
    /* Changes what is deployed, before anything is planned: in a worker, on the description as it stands. FALSE with error. NULL: nothing. */
    gboolean (*prepare)(TaskContext *context, const JsonValue *description, GError **error);
    StagePlanner plan_before, plan_after, plan_on_failure;
    /* rollback.onFailure: the flag of additionalRollbackContext with which the cluster is rolled back now; NULL: it is not. Pure. */
    const char *(*rollback_flag)(const Stage *stage);
    gboolean replaces_tasks;        /* the group is not made by the stage itself */
    gboolean snapshots_capacity;    /* the source's capacity may be snapshot (not by strategies that move capacity themselves) */
    gboolean disables_others;       /* once a stage behind the new group has begun, the others may be out of traffic */
    gboolean limits_initial_groups; /* refuses to begin beside more than maxInitialAsgs enabled groups */
} Strategy;
/* Never NULL for a strategy there is: "none" for an absent or unknown name. NULL with ERR_INVALID for one that is known and not here. */
const Strategy *strategy_of(const Stage *stage, GError **error);
const Strategy *strategy_named(const char *name, GError **error);
