/* YAML text to nodes. Only for src/base/config*.c. */
#pragma once
#include "base/config_node.h"

/* All documents of a text in order (a GPtrArray of ConfigNode, each a map); caller frees the array. ERR_INVALID with name, line
 * and reason; ERR_LIMIT for CONFIG_VALUES_MAX, CONFIG_DEPTH_MAX. place: file and scope of all nodes. */
GPtrArray *config_yaml_parse(ConfigArena *arena, const char *name, ConfigPlace place, const char *text, gsize length, GError **error);
