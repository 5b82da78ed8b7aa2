/* Changing a document at a JSON path: what a stage says of the one it inherits from (engine.md 24.2). Pure. */
#pragma once
#include "base/error.h"
#include "base/json.h"

typedef enum {
    PATH_MERGE,   /* lists grow, objects get members, anything else is replaced */
    PATH_REPLACE, /* set, also where nothing was */
    PATH_REMOVE,  /* taken out; nothing there is fine */
} PathChange;

/* path: $.a.b[0]['c d']; value: not read by PATH_REMOVE. ERR_INVALID for a path of another form, or one that leads through what is neither
 * list nor object. Caller owns. */
Json *path_change(const JsonValue *document, const char *path, PathChange change, const JsonValue *value, GError **error);
