/* Watching executions that a stage waits for: what `pipeline`, `monitorPipeline` and `runMultiplePipelines` have in common. */
#pragma once
#include "stages/flow/pipeline_start.h"

typedef struct {
    GPtrArray *executions; /* of Execution, in the order of the ids; NULL for one that does not exist any more */
    guint complete, failed, canceled, gone;
} Watched;

/* Looks at each and has the stage woken when one that runs ends. ERR_… of the store. */
gboolean pipeline_watch(TaskContext *context, const char *const *ids, Watched *into, GError **error);
void watched_clear(Watched *watched);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watched, watched_clear)

/* Merges members into what the context holds as `exception`. */
void pipeline_set_exception(TaskContext *context, const Json *details, const Json *source);
/* The same with one message. */
void pipeline_set_error(TaskContext *context, const char *message);
#define CHILD_CANCELED "At least one monitored pipeline was cancelled"
#define CHILD_FAILED "At least one monitored pipeline failed, look for errors in failed pipelines"
