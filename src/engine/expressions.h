/* Expressions in executions: what is evaluated against what, and the functions about executions. Pure, but for functions
 * that are marked IO and run only where allow_io says so. Any thread, on a snapshot or a draft. */
#pragma once
#include "engine/core.h"
#include "expr/expr.h"

/* Functions with or without I/O that other rooms add (artifacts, canary …); copied, set once before engines are made. Ends
 * with an entry without name. */
void expressions_add_functions(const ExprFunction *functions);
/* All functions there are now beside the general ones; ends with an entry without name. */
const ExprFunction *expressions_functions(void);
/* For such functions: what `data` is about. Stage may be NULL. */
const Execution *expressions_execution(gpointer data);
const Stage *expressions_stage(gpointer data);

/* The evaluator version of an execution: 2, 3 or 4. */
int expressions_version(const Execution *execution, const EngineSettings *settings);
/* The engine leaves the stage's context alone: its task evaluates it in its own order. */
gboolean expressions_are_own(const Execution *execution, const StageType *type, const EngineSettings *settings);

/* Evaluates a stage's context. Returns the new context with its expressionEvaluationSummary brought up to date, or NULL when
 * nothing changed. *needs_io: something needs a function with I/O that was not allowed. Caller owns. */
Json *expressions_process(const Execution *execution, const Stage *stage, const EngineSettings *settings, gboolean allow_io, gint64 now_ms,
                          gboolean *needs_io);

/* Evaluates any value as if it stood in a stage's context (stage NULL: against execution and trigger alone). root: more
 * names that go before all others (variables evaluated so far), or NULL. *failures (may be NULL): the summary of what failed as
 * JSON object, or NULL when nothing did. Caller owns both. */
Json *expressions_evaluate(const Execution *execution, const Stage *stage, const JsonValue *value, const JsonValue *root,
                           const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures);

/* The same, and *trace (may be NULL): what each part came to, in the order of evaluation: a list of {expression, depth, value, type} or {expression,
 * depth, reason}, inside of selections with "element"; the last is {dropped} when there was no room for all. Caller owns. */
Json *expressions_trace(const Execution *execution, const Stage *stage, const JsonValue *value, const JsonValue *root,
                        const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures, Json **trace);

/* A list of {key, value, description}, one after the other, each seeing those before it: a value that is a text is evaluated together
 * with its description and its source kept as sourceValue; one that fails stays as it was and has no name for the next ones. names:
 * known beforehand, or NULL. *failures: the summary, or NULL. Caller owns both. */
Json *expressions_evaluate_variables(const Execution *execution, const Stage *stage, const JsonValue *variables, const JsonValue *names,
                                     const EngineSettings *settings, gboolean allow_io, gint64 now_ms, Json **failures);
/* The execution with one more stage, empty, behind those refIds: what such a stage would see. Caller owns; *stage_id is its own. */
Execution *expressions_execution_with_stage(const Execution *execution, const char *const *requisites, const char **stage_id);

/* A submitted pipeline against its trigger and templateVariables, strictly; version 4 leaves the stages alone. Caller owns. */
Json *expressions_process_submitted(const JsonValue *pipeline, int version, gint64 now_ms);

/* stageEnabled: TRUE when the stage is to be skipped. */
gboolean expressions_skip_stage(const Execution *execution, const Stage *stage, const EngineSettings *settings, gint64 now_ms);
