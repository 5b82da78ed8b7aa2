/* The plan of `runMultiplePipelines`: pipelines by name, in levels that follow from what each waits for. Pure. */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define MULTIPLE_PIPELINES_MAX 500 /* pipelines that one stage runs */

/* {"apps": {name: {child_pipeline, arguments, depends_on: []}}} or the members of apps themselves; a text is read as YAML. Caller owns
 * an object {name: {pipeline, arguments}} and an array of levels, each an array of names. ERR_INVALID names what is wrong: an entry
 * without pipeline, an unknown name, a circle; with check_duplicated two that would run the same pipeline with the same arguments. */
gboolean multiple_levels(const JsonValue *yaml_config, gboolean check_duplicated, Json **apps, Json **levels, GError **error);
