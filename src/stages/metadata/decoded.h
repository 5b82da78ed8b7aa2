/* How the API hands documents to the jobs it starts: as objects, or as their JSON text in base64, which no expression touches. Pure. */
#pragma once
#include "base/error.h"
#include "base/json.h"

/* An object or list as it is, or decoded from base64 JSON; what: its key, for messages. ERR_INVALID. Caller owns. */
Json *metadata_decoded(const JsonValue *value, const char *what, GError **error);
