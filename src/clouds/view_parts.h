/* Parts of views that clouds share (api.md 9, 10, aws.md 3). Pure on a snapshot; any thread. */
#pragma once
#include "clouds/records.h"
#include "inventory/inventory.h"

/* An instance with all its health, what load balancers of one kind say taken together. object: of KIND_INSTANCE. Caller frees with
 * instance_free. */
Instance *view_instance_record(const InventorySnapshot *snapshot, const InventoryObject *object);
/* Those of a group that are known, in its order; of Instance, caller unrefs. */
GPtrArray *view_instances(const InventorySnapshot *snapshot, const ServerGroup *group);
/* The array "health": each with type, state and what its source says. */
void view_add_health(JsonBuilder *builder, const char *key, const Instance *instance);
/* "instanceCounts": {total, up, down, unknown, starting, outOfService}. instances: of Instance. */
void view_add_instance_counts(JsonBuilder *builder, const GPtrArray *instances, gint64 now_ms);
/* One as an element of a group's list. cloud: its id. */
void view_add_instance(JsonBuilder *builder, const Instance *instance, const char *cloud, gboolean summary, gint64 now_ms);
void view_add_moniker(JsonBuilder *builder, const char *key, const char *name);
