/* What happens when, in stages and in the clouds, private to this room. */
#pragma once
#include "clouds/cloud.h"
#include "engine/execution.h"

typedef struct Timeline Timeline;
Timeline *timeline_new(Clouds *clouds, gint64 began_ms, guint entries_max /* 0: REHEARSAL_TIMELINE_MAX */);
void timeline_free(Timeline *timeline);
/* The clouds as they are now are how it begins. */
void timeline_begin(Timeline *timeline);
/* Tells what is new of an execution since it was last shown. */
void timeline_show_execution(Timeline *timeline, const Execution *execution, gint64 now_ms);
/* Tells what is new in the clouds since it was last asked. */
void timeline_show_clouds(Timeline *timeline, gint64 now_ms);
/* List of entries: {at (ms since the beginning), execution, stage, refId, type, parent, status, message} or {at, account, region,
 * serverGroup, change, from, to}. Caller owns. */
Json *timeline_json(const Timeline *timeline);
/* What is different in the clouds from how it began: {serverGroups: [{account, region, cluster, name, change, before, after}],
 * loadBalancers: […]}. Caller owns. */
Json *timeline_changes(const Timeline *timeline);
