/* What runners of vector files share. */
#pragma once
#include "areas.h"
#include "base/json.h"

/* Parses the file; its cases are the array at the root, or under `member`. NULL with error. */
Json *cases_load(const char *path, const char *member, const JsonValue **cases, GError **error);
/* Same content, objects in any key order; whole and floating numbers differ. */
gboolean cases_equal(const JsonValue *a, const JsonValue *b);
/* Counts the case; a failing one is printed with what was expected and what came out (NULL: null). */
void cases_count(const JsonValue *test, gboolean passed, const JsonValue *expected, const JsonValue *actual, VectorsResult *result);

/* Reads a list of cases that fail for now: lines "AREA ID REASON", where ID may hold *. One of them that fails is printed and not counted;
 * one that passes counts as a failure. */
gboolean cases_read_known(const char *path, const char *area, GError **error);
