/* Which server group a stage works on: by name, or "newest", "second newest" … of a cluster (deploy-strategies.md 4). */
#pragma once
#include "stages/deploy/live.h"

/* The group a target name means among a location's groups (oldest first, InventoryObject). NULL with ERR_NOT_FOUND, or ERR_INVALID for
 * an unknown name. Pure. */
const ServerGroup *target_choose(const GPtrArray *groups, const char *target, const char *cluster, const char *location, GError **error);
gboolean target_is_dynamic(const char *target);
/* Of determineTargetServerGroup: the group is this one, whatever became the newest meanwhile. A strategy names what it made. */
#define DEPLOY_KNOWN_TARGET "_serverGroupName"

/* The one group of a stage that does its work itself: the reference that an earlier determineTargetServerGroup left for its location,
 * else its serverGroupName or asgName. NULL with error. Caller frees. */
GroupName *target_of_stage(const TaskContext *context, GError **error);

/* For stage types that work on targets: a top-level stage looks up its targets (prepare), becomes one child per target (plan_before)
 * and has no tasks; a child does the work. */
Status target_prepare(TaskContext *context, GError **error);
void target_plan_children(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error);
gboolean target_stage_works(const Execution *execution, const Stage *stage);     /* FALSE: top-level, only children */
gboolean target_stage_has_hooks(const Execution *execution, const Stage *stage); /* one level below a top-level stage */

extern const StageType stage_determine_target_server_group;
