/* JSON as Gate serves it (aws.md 3, api.md 9, 10). Pure on a snapshot; any thread. */
#pragma once
#include "clouds/aws/document.h"
#include "clouds/cloud.h"

extern const CloudViews aws_views;

/* ---- parts that several views share ---- */
/* An instance with all its health, what load balancers of one kind say taken together. record: of KIND_INSTANCE. Caller frees with
 * instance_free. */
Instance *aws_view_instance_record(const InventorySnapshot *snapshot, const InventoryObject *object);
/* The array "health": each with type, state and what its source says. */
void aws_view_add_health(JsonBuilder *builder, const char *key, const Instance *instance);
void aws_view_add_moniker(JsonBuilder *builder, const char *key, const char *name);
/* [{name, region, account …, instances}]: the groups that are registered under the name, at a classic load balancer or target group. */
void aws_view_add_registered(JsonBuilder *builder, const InventorySnapshot *snapshot, const InventoryObject *at, gint64 now_ms);

Json *aws_view_server_group(const InventorySnapshot *snapshot, const InventoryObject *object, gboolean summary, gint64 now_ms);
Json *aws_view_instance(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms);
Json *aws_view_load_balancer(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms);
Json *aws_view_security_group(const InventorySnapshot *snapshot, const InventoryObject *object);
Json *aws_view_image(const InventorySnapshot *snapshot, const InventoryObject *object);
Json *aws_view_images_find(Clouds *clouds, const JsonValue *query, GError **error);
