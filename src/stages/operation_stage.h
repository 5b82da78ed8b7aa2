/* Stages that are one request to the cloud and a wait for its end (stages.md 10.6, 12): what is sent is the stage's own context. Runs in
 * a worker. */
#pragma once
#include "stages/deploy/group_operation.h"

typedef struct {
    const char *operation;
    gboolean launches_image; /* an image of another account, when the stage names one, is allowed to be launched first */
    gboolean per_region;     /* one operation for each of the stage's regions, with region and regions naming it */
    /* Changes the description before it is sent, or says what is wrong with it (NULL with error); NULL: as it is. Caller owns what is
     * returned. */
    Json *(*describe)(TaskContext *context, const JsonValue *description, GError **error);
} OperationStage;

/* Starts the operation. TERMINAL with ERR_INVALID when the account is missing or its cloud has no such operation. */
Status operation_stage_start(TaskContext *context, const OperationStage *stage, GError **error);
/* The whole context but what the engine and earlier tasks keep there. Caller unrefs. */
Json *operation_stage_description(const Stage *stage);

/* A run function for TaskDefinition: declares <id>_run for the OperationStage <id>_operation. */
#define OPERATION_STAGE_RUN(id)                                                                                                            \
    static Status id##_run(TaskContext *context, GError **error) {                                                                         \
        return operation_stage_start(context, &id##_operation, error);                                                                     \
    }
