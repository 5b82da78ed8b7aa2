/* Which instances of a group go out of traffic when only a part of it is to be disabled (aws.md 7). Pure on a snapshot. */
#pragma once
#include "clouds/records.h"
#include "inventory/inventory.h"

gboolean traffic_is_serving_state(const char *lifecycle_state); /* InService or Pending…; NULL: no */
/* The first of the serving ones, so many that the percentage of the group is out of service; those that are out already count. total:
 * how many were considered. group NULL: none. strv, caller frees. */
char **traffic_part_to_disable(const InventorySnapshot *snapshot, const ServerGroup *group, gint64 percentage, guint *total);
