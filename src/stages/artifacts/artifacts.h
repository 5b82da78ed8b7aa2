/* Artifacts of stages and executions (engine.md 16.4, artifacts.md 5.3, 5.4). */
#pragma once
#include "artifacts/resolve.h"
#include "engine/engine.h"
#include "stages/services.h"

/* ---- what a stage sees. Pure ---- */
/* Those of its own context, then its ancestors' outputs, then the trigger's, in look-up order; an array, caller owns. What a `pipeline`
 * stage hands to its child. */
Json *stage_visible_artifacts(const Execution *execution, const Stage *stage);
/* The artifact that the expected artifact of this id was bound to, as the stage sees it, with the match artifact's account when it has
 * none of its own; not evaluated. NULL when nothing is bound to it. Caller owns. */
Json *stage_bound_artifact(const Execution *execution, const Stage *stage, const char *id);
/* All that an execution brought forth, later stages first, then its trigger's; an array, caller owns. without_ref: the refId of a
 * stage that does not count, or NULL. What is prior to the next execution, and what a pipeline started by this one's end receives. */
Json *execution_artifacts(const Execution *execution, const char *without_ref);

/* An input of a task that is given by the id of an expected artifact, or as an artifact: with its expressions evaluated; account,
 * when not empty, goes before its own. ERR_INVALID names what (`input`) is missing. Caller owns. */
typedef struct {
    const char *input; /* "manifestArtifact", for messages */
    const char *id;    /* or NULL */
    const JsonValue *artifact;
    const char *account; /* or NULL */
} ArtifactInput;
Json *task_artifact_input(TaskContext *context, const ArtifactInput *input, GError **error);

/* ---- looking for executions ---- */
/* The id of the latest execution of a pipeline: by start time, those never started last, then by id; only in one of the statuses, or
 * NULL: in any. Looks at the EXECUTIONS_LOOKED_AT newest. NULL without *error: there is none. Caller frees. */
#define EXECUTIONS_LOOKED_AT 100
char *execution_latest(Store *store, const char *config_id, const char *const *statuses, GError **error);

/* ---- the end of stages that produce artifacts ---- */
/* StageType.closing_tasks of all of them: binds expectedArtifacts to what the stage sees. */
extern const TaskDefinition bind_produced_artifacts[];
/* The same for stages with a task of their own: binds, and sets artifacts and resolvedExpectedArtifacts in context and outputs. */
Status task_bind_artifacts(TaskContext *context, const JsonValue *expected, const JsonValue *visible, GError **error);
Status task_bind_produced_artifacts(TaskContext *context, GError **error);
extern const ConfigSection *const artifact_config_sections[]; /* NULL-terminated */

/* ---- the start of pipelines ---- */
/* SubmissionStep: resolves a pipeline's expected artifacts; how that went is kept in the trigger under ARTIFACT_TRACE_KEY, as
 * artifacts/resolve.h describes it, also when it failed. */
#define ARTIFACT_TRACE_KEY "_artifactTrace"
Json *artifacts_prepare_pipeline(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);
