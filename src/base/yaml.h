/* Documents as YAML, for what people write and read (the command line). Configuration has rules of its own: base/config.h. Pure,
 * any thread. */
#pragma once
#include "base/json.h"

#define YAML_TEXT_MAX JSON_TEXT_MAX

/* Block style, keys in their order; texts that look like something else are quoted. Caller frees. */
char *yaml_write(const JsonValue *value, GError **error);
/* One document of the core schema without anchors. ERR_INVALID with name, line and reason; ERR_LIMIT. lines (may be NULL): a GArray of
 * guint, the line of each value by json_position, which the caller frees. */
Json *yaml_read(const char *name, const char *text, gsize length, GArray **lines, GError **error);
/* The same places for the text of a JSON document. */
GArray *json_lines(const char *text, gsize length);
