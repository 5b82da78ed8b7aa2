/* Where pipelines act, as far as they say so themselves, private to this room. */
#pragma once
#include "rehearse/twins.h"

#define PLACES_MAX 1000 /* accounts that pipelines may name */

/* The accounts that the pipelines name, of Place, each on the cloud that is named beside it (the first of clouds when none is) and with the
 * regions named there. What an expression decides is not known. Both lists NULL-terminated. Caller unrefs. */
GPtrArray *places_named(const JsonValue *const *pipelines, const Cloud *const *clouds);
