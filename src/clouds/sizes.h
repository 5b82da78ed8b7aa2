/* The sizes of a server group as people write them: {min, max, desired}. Pure. */
#pragma once
#include "base/json.h"

/* An object with those of min, max and desired that are given, as numbers (texts that are numbers are taken: an expression gives
 * such). Adds a text to errors for each that is none. Caller unrefs. */
Json *sizes_read(const JsonValue *capacity, GPtrArray *errors);
