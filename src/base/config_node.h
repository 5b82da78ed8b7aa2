/* The tree between YAML text and a Config: immutable nodes with their place in a file. Only for src/base/config*.c.
 *
 * Nodes live in an arena until the configuration is loaded; trees share nodes (an alias is its anchor's node), which is why
 * each knows the size it has when written out: that, not the number of nodes, is what CONFIG_VALUES_MAX limits. */
#pragma once
#include <glib.h>

typedef enum { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP } ConfigNodeKind;

typedef struct {
    guint16 file; /* index in the configuration's list of files */
    guint8 scope; /* index in config_scopes */
    guint line;   /* from 1 */
} ConfigPlace;

typedef struct ConfigNode ConfigNode;
struct ConfigNode {
    ConfigNodeKind kind;
    ConfigPlace place;
    gboolean plain;   /* a scalar without quotes: its type follows from its text */
    char *text;       /* of a scalar */
    GPtrArray *keys;  /* of a map: scalar nodes */
    GPtrArray *items; /* of a map or list */
    guint size;       /* keys, scalars and containers below and including this, saturated */
    guint depth;      /* levels of containers */
};

typedef GPtrArray ConfigArena; /* owns nodes */
ConfigArena *config_arena_new(void);

ConfigNode *config_node_scalar(ConfigArena *arena, ConfigPlace place, const char *text, gboolean plain);
ConfigNode *config_node_list(ConfigArena *arena, ConfigPlace place, GPtrArray *items);                 /* takes items */
ConfigNode *config_node_map(ConfigArena *arena, ConfigPlace place, GPtrArray *keys, GPtrArray *items); /* takes both */
ConfigNode *config_node_empty_map(ConfigArena *arena, ConfigPlace place);
/* A plain null, also for a scalar that is empty. */
gboolean config_node_is_null(const ConfigNode *node);

/* The item of an exactly named key, or NULL. */
ConfigNode *config_node_member(const ConfigNode *map, const char *name);
/* The item at a dotted path by relaxed names, or NULL. */
ConfigNode *config_node_at(ConfigNode *map, const char *path);

/* "Job-Name" and "jobName" as "jobname"; caller frees. */
char *config_canonical(const char *name);

/* over put over base: maps merge at every depth by relaxed names, all else is replaced. Either may be NULL. */
ConfigNode *config_node_merge(ConfigArena *arena, ConfigNode *base, ConfigNode *over);
/* Keys with dots as maps in each other, "[key]" as the bare key, at every depth. */
ConfigNode *config_node_expand(ConfigArena *arena, ConfigNode *node);
/* The map without one top-level key (exact name). */
ConfigNode *config_node_without(ConfigArena *arena, ConfigNode *map, const char *name);
