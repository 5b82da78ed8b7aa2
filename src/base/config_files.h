/* Which files make a configuration, and what of them each service reads. Only for src/base/config*.c. */
#pragma once
#include "base/config.h"
#include "base/config_node.h"

/* Services in the order of their bits; index 0 is what all read (spinnaker.yml). */
#define CONFIG_SCOPES 10
typedef struct {
    const char *name;
    ConfigService service;
} ConfigScope;
extern const ConfigScope config_scopes[CONFIG_SCOPES];
#define CONFIG_SCOPE_ANY 0
#define CONFIG_SCOPE_GENNAKER (CONFIG_SCOPES - 1)

typedef struct {
    ConfigArena *arena;
    GPtrArray *names; /* of files, by ConfigPlace.file */
    /* What was put together of one scope's own: [0] from the plain files, [1] from the -local ones; NULL: nothing. */
    ConfigNode *own[CONFIG_SCOPES][2];
    GPtrArray *notes; /* of ConfigFinding: files and documents that are not read */
} ConfigFiles;

void config_files_init(ConfigFiles *files);
/* path: as for config_load, not NULL. */
gboolean config_files_read(ConfigFiles *files, const char *path, GError **error);
gboolean config_files_take(ConfigFiles *files, const char *name, const char *text, gsize length, GError **error);
void config_files_clear(ConfigFiles *files); /* notes and names may have been taken (set to NULL) */

ConfigFinding *config_finding_new(ConfigFindingLevel level, const char *file, guint line, const char *key, char *message /* taken */);
void config_finding_free(gpointer finding);
