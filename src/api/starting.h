/* What routes that start pipelines, or act as if, have in common. */
#pragma once
#include "api/route.h"

/* The body as a trigger; new clients wrap it once more. Borrowed. */
const JsonValue *start_given_trigger(const JsonValue *body);
/* Whether what was posted to start a saved pipeline has the types it must have. ERR_INVALID. */
gboolean start_check_posted(const ApiCall *call, GError **error);
/* The trigger of a start, by whoever asks. event_id NULL: none. Caller owns. */
Json *start_make_trigger(const ApiCall *call, const JsonValue *given, const char *event_id);
/* A configuration with its trigger inside; caller owns. */
Json *start_with_trigger(const JsonValue *pipeline, const JsonValue *trigger);
/* The same for a saved one. */
Json *start_saved_with_trigger(const JsonValue *stored, const JsonValue *trigger);
/* The pipeline, or strategy, saved under the id; NULL: there is none. Caller owns. */
Json *start_stored_config(ApiCall *call, const char *id);
