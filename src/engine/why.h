/* Why something waits: the pure part. There is no state without a sentence: one table by status for executions, stages and tasks. */
#pragma once
#include "engine/core.h"

/* What the engine does for a stage now, as far as it is not in the execution itself. */
typedef struct {
    gboolean busy;       /* a worker is at it; else it is looked at again at at_ms */
    gint64 at_ms;        /* when it is asleep */
    guint runs;          /* how often it ran before in this attempt */
    const char *problem; /* what went wrong in its last run, or NULL; borrowed until the next question */
} WhyRun;

typedef struct {
    const EngineSettings *settings;
    gint64 now_ms;
    /* FALSE: nothing is known of a run; NULL: of none. */
    gboolean (*run)(const Stage *stage, WhyRun *into, gpointer data);
    gpointer data;
    const char *const *rivals; /* executions of the same pipeline that run; NULL-terminated, or NULL */
    guint ahead;               /* executions that wait for the same and came earlier */
    guint active;              /* executions that are active in the whole installation; 0: unknown */
    gboolean open;             /* nobody signs in: roles do not count */
} WhyFacts;

/* One sentence for an execution, each stage and each task that is not done: an array of {stageId?, taskId?, since?, rule, reason};
 * empty when nothing is left to do for the execution, except that one without any stage that could start says so. Pure; caller owns. */
Json *why_explain(const Execution *execution, const WhyFacts *facts);
/* The sentence of one stage, or of the execution itself (stage NULL): {rule, reason, since?}; NULL: it is done. Pure; caller owns. */
Json *why_explain_one(const Execution *execution, const Stage *stage, const WhyFacts *facts);
/* "why" of a change: the sentences of the execution and of the changed stages that differ from those before (NULL: it is new). Of facts
 * only those that hold for all executions count. Pure. */
void why_add_changes(JsonBuilder *builder, const Execution *before, const Execution *draft, const WhyFacts *facts);
