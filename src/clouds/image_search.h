/* Images as served, and the search for them by name (aws.md 3). Pure on a snapshot; any thread. */
#pragma once
#include "clouds/cloud.h"

#define IMAGE_QUERY_MIN 3 /* characters */

Json *view_image(const InventorySnapshot *snapshot, const InventoryObject *object);
/* ERR_INVALID: q is too short to look for. */
gboolean view_images_check_query(const char *q, GError **error);
/* GET /images/find among the images of a cloud: query members q (checked), account, region, tag:k. By id, when no name fits and q begins
 * with id_prefix. */
Json *view_images_find(Clouds *clouds, const char *cloud, const char *id_prefix, const JsonValue *query);
