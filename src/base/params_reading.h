/* How params_read works with the rules of a configuration file: relaxed names, and places in messages. Only for base. */
#pragma once
#include "base/params.h"

typedef struct {
    gboolean relaxed; /* names match without regard to case, '-' and '_'; "a, b" is a list of two */
    /* "file.yml:12", to be put before a message about value, or NULL; caller frees */
    char *(*where)(gconstpointer data, const JsonValue *value);
    gconstpointer data;
    gboolean optional; /* an absent object requires nothing */
    const char *path;  /* put before names in messages, "aws." or "" */
} ParamsReading;

gboolean params_read_with(const ParamsReading *reading, const Param *params, const JsonValue *object, void *into, GError **error);
/* The value of a parameter, by its name or an alias; NULL when absent or null. */
const JsonValue *params_find(const ParamsReading *reading, const Param *param, const JsonValue *object);
/* The value at a dotted path; NULL when absent or null. */
const JsonValue *params_look_up(const ParamsReading *reading, const JsonValue *object, const char *path);
/* Whether a top-level key of an object is named by the table: as a parameter, an alias, or the first part of a dotted name. */
gboolean params_knows(const ParamsReading *reading, const Param *params, const char *key);
