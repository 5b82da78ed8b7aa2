/* What routes that start pipelines, or act as if, have in common. */
#pragma once
#include "api/route.h"

/* The trigger of a start, by whoever asks. event_id NULL: none. Caller owns. */
Json *start_make_trigger(const ApiCall *call, const JsonValue *given, const char *event_id);
/* A configuration with its trigger inside; caller owns. */
Json *start_with_trigger(const JsonValue *pipeline, const JsonValue *trigger);
/* The pipeline saved under the path's pipelineConfigId, for who may do that with it, with the posted trigger inside. stored (or NULL): as it is
 * saved. Caller owns both. NULL: ERR_NOT_FOUND, also of one that may not be seen; ERR_INVALID. */
Json *start_saved(ApiCall *call, May what, Json **stored, GError **error);
