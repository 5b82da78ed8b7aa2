/* JSON as Gate serves it (aws.md 3, api.md 9, 10). Pure on a snapshot; any thread. */
#pragma once
#include "clouds/aws/document.h"
#include "clouds/cloud.h"
#include "clouds/view_parts.h"

extern const CloudViews aws_views;

/* [{name, region, account …, instances}]: the groups that are registered under the name, at a classic load balancer or target group. */
void aws_view_add_registered(JsonBuilder *builder, const InventorySnapshot *snapshot, const InventoryObject *at, gint64 now_ms);

Json *aws_view_server_group(const InventorySnapshot *snapshot, const InventoryObject *object, gboolean summary, gint64 now_ms);
Json *aws_view_instance(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms);
Json *aws_view_load_balancer(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms);
Json *aws_view_security_group(const InventorySnapshot *snapshot, const InventoryObject *object);
Json *aws_view_images_find(Clouds *clouds, const JsonValue *query, GError **error);
