/* Starting a pipeline from a stage of another one, and how it ended (engine.md 16.3, 17). On a worker's thread. */
#pragma once
#include "stages/stages.h"

typedef struct {
    const JsonValue *config;     /* the pipeline or strategy as it is saved */
    const JsonValue *parameters; /* what is supplied, an object or NULL */
    const char *key;             /* tells apart the children of one attempt of the stage */
} ChildStart;

/* Starts it, or finds it when this attempt of the stage has started it before: the id follows from both. A start that was recorded as
 * a failed execution gives the id of that one. NULL with *error when there is no execution. Caller frees. */
char *pipeline_child_start(TaskContext *context, const ChildStart *start, GError **error);
/* The id that child has or would have; caller frees. */
char *pipeline_child_id(const TaskContext *context, const char *config_id, const char *key);

/* "Exception in child pipeline stage (<pipeline>: <stage>): …" of all its TERMINAL stages: an array; caller owns. */
Json *pipeline_child_errors(const Execution *child);
/* {executionId, stageId, stageName, stageIndex} of the first stage that halted, or NULL; caller owns. */
Json *pipeline_child_source(const Execution *child);

/* Tells a child to end because the stage that started it did; one that is gone is fine. */
gboolean pipeline_child_cancel(TaskContext *context, const char *child_id, GError **error);

/* A monitored child wakes its stage; this is for what is lost, and for timeouts. */
#define CHILD_NET_MS 60000
#define CHILD_BACKOFF_MS 15000
