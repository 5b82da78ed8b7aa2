/* Runners of vector files: facts of the reference implementation in JSON files, one function per area. */
#pragma once
#include <glib.h>

typedef struct {
    unsigned passed, failed;
} VectorsResult;

/* Runs all cases of the file at path, adds to result, and prints each failing case's id with what was expected and what
 * came out. FALSE with error when the file cannot be read or is not of the area's format. */
typedef gboolean (*VectorsRun)(const char *path, VectorsResult *result, GError **error);

typedef struct {
    const char *name;
    VectorsRun run;
} VectorsArea;

gboolean vectors_expressions(const char *path, VectorsResult *result, GError **error);
gboolean vectors_names(const char *path, VectorsResult *result, GError **error);
gboolean vectors_triggers(const char *path, VectorsResult *result, GError **error);
