/* Entity tags: notes and alerts on things in clouds and on applications (storage-and-config.md 1.8). Store objects of kind
 * "entityTags", id = cloudProvider:entityType:entityId:account:region in lower case, a missing part *. Any thread. */
#pragma once
#include "base/principal.h"
#include "store/objects.h"

#define ENTITY_TAGS_KIND "entityTags"
#define ENTITY_TAGS_MAX 1000 /* tags of one entity */

/* payload: {id, entityRef, tags, isPartial}. Partial: tags of other names stay. Returns them as stored; caller owns. ERR_INVALID. */
Json *entity_tags_save(Store *store, const JsonValue *payload, const Principal *principal, gint64 now_ms, GError **error);
/* names NULL or empty: all of the entity. An unknown id or name is fine. */
gboolean entity_tags_delete(Store *store, const char *id, const JsonValue *names, const Principal *principal, gint64 now_ms,
                            GError **error);
/* By id, any case. ERR_NOT_FOUND. Caller owns. */
Json *entity_tags_load(Store *store, const char *id, GError **error);
