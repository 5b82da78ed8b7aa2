/* Plugins as people register them (storage-and-config.md 1.9). They are kept and reported; this program runs none, they are written for the JVM.
 * Store objects of kind "pluginInfo", id = the plugin's. Any thread. */
#pragma once
#include "base/principal.h"
#include "stages/metadata/stored_documents.h"

#define PLUGIN_KIND "pluginInfo"
#define PLUGIN_RELEASES_MAX 1000

/* Registers a plugin, or adds releases to it: a release that is stored already stays as it is and must not differ. Returns it as stored; caller
 * owns. ERR_INVALID. */
Json *plugin_save(Store *store, const JsonValue *info, const Principal *principal, gint64 now_ms, GError **error);
/* Makes one release the preferred one, and no other. ERR_NOT_FOUND for an unknown plugin or release. Caller owns. */
Json *plugin_prefer(Store *store, const char *id, const char *version, const Principal *principal, gint64 now_ms, GError **error);
Json *plugin_load(Store *store, const char *id, GError **error); /* caller owns; ERR_NOT_FOUND */
gboolean plugin_delete(Store *store, const char *id, GError **error);
/* The release of that version, or NULL. */
const JsonValue *plugin_release(const JsonValue *info, const char *version);
/* All of them; service not NULL: only releases that require this service, and plugins with any. Caller owns. */
Json *plugins_list(Store *store, const char *service, GError **error);
