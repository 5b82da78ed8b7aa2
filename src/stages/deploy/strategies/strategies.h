/* Deployment strategies: what comes before and behind a new server group (deploy-strategies.md 3, 8). One row of the table (table.c) and
 * one file each; planning is pure. */
#pragma once
#include "stages/deploy/deployment.h"

extern const Strategy strategy_red_black, strategy_highlander, strategy_custom, strategy_rolling_red_black, strategy_monitored,
    strategy_rolling_push;

/* ---- what their files share (parts.c) ---- */

/* What every stage that cleans up behind a deployment is told: account, cloud, location, cluster, moniker, whose health counts. */
Json *strategy_base(const Execution *execution, const Stage *stage);
/* Appends a stage with the base and more members; NULL: none. */
void strategy_append(StagePlan *plan, const char *type, const char *name, const Json *base, const Json *more);
void strategy_append_wait(StagePlan *plan, const char *name, gint64 seconds); /* none for 0 and below */
/* A number of the stage's context under a key, else its older name (or NULL); -1: neither. */
gint64 strategy_seconds(const Stage *stage, const char *key, const char *older_key);
/* delayBeforeScaleDown, then scaleDownCluster named scaleDown. */
void strategy_append_scale_down(const Stage *stage, StagePlan *plan, const Json *base, gboolean allow_active);
/* shrinkCluster to maxRemainingAsgs, when that is above 0. */
void strategy_append_shrink(const Stage *stage, StagePlan *plan, const Json *base, gboolean allow_active);

/* The source that determineSourceServerGroup recorded; NULL: there was none. Borrowed. */
const JsonValue *strategy_source(const Stage *stage);
const char *strategy_source_name(const JsonValue *source);
/* The first server group that the stage made, NULL before it did. Caller frees with group_name_free. */
GroupName *strategy_deployed(const Stage *stage);

/* ---- strategies that begin with an empty group and move capacity themselves (capacity_steps.c) ---- */

/* For Strategy.prepare: the capacity is kept as savedCapacity, the new group is made empty. */
gboolean strategy_start_empty(TaskContext *context, const JsonValue *description, GError **error);
/* The steps of a list of percentages, 100 behind them when it is not there; NULL with ERR_INVALID. Array of gint64, caller unrefs. */
GArray *strategy_percentages(const JsonValue *list, const char *key, GError **error);
/* Growing needs a source or a given capacity; else ERR_INVALID. */
gboolean strategy_size_is_known(const Stage *stage, GError **error);
void strategy_append_determine(StagePlan *plan, const Json *base, const GroupName *deployed);
void strategy_append_pin(const Stage *stage, StagePlan *plan, const Json *base);
/* "Unpin <source>"; timeout_ms 0: none of its own. */
void strategy_append_unpin(const Execution *execution, const Stage *stage, StagePlan *plan, const Json *base, gint64 timeout_ms);
void strategy_append_grow(const Stage *stage, StagePlan *plan, const Json *base, gint64 percentage, gboolean pinned);
/* "Unpin <new>": the new group gets the bounds of the source, or those that were given. */
void strategy_append_unpin_deployed(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed);
void strategy_append_disable(const Stage *stage, StagePlan *plan, const Json *base, gint64 percentage);
#define STRATEGY_UNPIN_TIMEOUT_MS (20 * G_GINT64_CONSTANT(60000))
