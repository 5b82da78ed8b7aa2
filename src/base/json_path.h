/* JSONPath over one document, as users of Spinnaker know it (payload constraints, statusJsonPath): the dialect of Jayway with its
 * default options. `$.a.b`, `$['a b']`, `['a','b']`, `[0]`, `[-1]`, `[0,2]`, `[1:3]`, `[*]`, `.*`, `..`, `[?(@.x == 'y' && !@.z)]`, and at the
 * end length(), size(), keys(), first(), last(), min(), max(), sum(), avg().
 *
 * A path that names one place (definite) reads a value; any other reads the list of all it finds, which may be empty. Pure; a
 * JsonPath belongs to one thread at a time. */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define JSON_PATH_LENGTH_MAX 4096   /* bytes of a path */
#define JSON_PATH_STEPS_MAX 128     /* of one path */
#define JSON_PATH_NESTING_MAX 16    /* filters and parentheses inside each other */
#define JSON_PATH_WORK_MAX 1000000  /* places looked at by one reading */
#define JSON_PATH_RESULTS_MAX 10000 /* elements of a list that is read */

typedef struct JsonPath JsonPath;
/* ERR_INVALID says what is wrong and at which character; ERR_LIMIT. A text without leading `$` or `@` counts as `$.`text. */
JsonPath *json_path_new(const char *text, GError **error);
void json_path_free(JsonPath *path); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonPath, json_path_free)
gboolean json_path_is_definite(const JsonPath *path);

/* What the path finds: a value of any type, or an array. NULL: ERR_NOT_FOUND when a definite path leads nowhere, ERR_LIMIT. Caller
 * owns. */
Json *json_path_read(JsonPath *path, const JsonValue *document, GError **error);
/* Both in one, for a path that is used once. */
Json *json_path_find(const char *path, const JsonValue *document, GError **error);
