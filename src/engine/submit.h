/* From a submitted configuration to an execution. For this room alone. Pure but for ids. */
#pragma once
#include "base/principal.h"
#include "engine/core.h"

/* trigger with its defaults: a type, a user, and the members clients rely on. Caller owns. */
Json *submit_trigger(const JsonValue *trigger, const Principal *principal);
/* The trigger with parameters that were not supplied set to their declared defaults. Caller owns. */
Json *submit_parameters(const JsonValue *trigger, const JsonValue *parameter_config);
/* A draft without rows from a pipeline (refIds assigned, expressions processed) or an orchestration. ERR_INVALID. */
Execution *submit_build(ExecutionType type, const JsonValue *config, const Principal *principal, const EngineSettings *settings,
                        gint64 now_ms, GError **error);
/* Which members of a pipeline or a task are of another type than they have to be; of char *, added to messages. */
void submit_check_types(const JsonValue *config, GPtrArray *messages);
/* What is wrong with the stages of a pipeline and the types of its members; of char *, added to messages. */
void submit_validate(const JsonValue *pipeline, const EngineSettings *settings, GPtrArray *messages);
/* The id a caller gave, checked, or a new one; NULL with ERR_INVALID. Caller frees. */
char *submit_execution_id(const JsonValue *config, gint64 now_ms, GError **error);
