/* The stage graph: look-up by id and refId, edges, ancestors, order, validation. Pure. */
#pragma once
#include "engine/execution.h"

/* The index of one list of stages: immutable, shared between copies whose list has the same stages in the same order. */
StageIndex *stage_index_new(const GPtrArray *stages);
StageIndex *stage_index_ref(StageIndex *index);
void stage_index_unref(StageIndex *index);                    /* NULL-safe */
gboolean execution_has_judgments(const Execution *execution); /* some stage is of JUDGMENT_TYPE */
#define JUDGMENT_TYPE "manualJudgment"
const JsonValue *stage_judgment_roles(const Stage *stage); /* who may answer it: a list or NULL, as for other types of stages */
gboolean stage_index_find(const StageIndex *index, const char *stage_id, guint *at);

/* Places in the list. */
typedef struct {
    const guint *at;
    guint n;
} StagePlaces;
StagePlaces stage_upstream(const Execution *execution, const Stage *stage);   /* in list order; missing refIds are not in it */
StagePlaces stage_downstream(const Execution *execution, const Stage *stage); /* in list order */
const Stage *execution_stage_at(const Execution *execution, guint place);
guint stage_place(const Execution *execution, const Stage *stage);

/* Walks the ancestors in look-up order, the stage itself first, until visit returns TRUE. Returns whether it did. */
typedef gboolean (*StageVisit)(const Stage *stage, gpointer data);
gboolean stage_walk_ancestors(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data);
/* Walks the direct synthetic children in list order. */
gboolean stage_walk_children(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data);
/* The stage and every synthetic stage below it. */
gboolean stage_walk_family(const Execution *execution, const Stage *stage, StageVisit visit, gpointer data);

/* All requisites in {SUCCEEDED, FAILED_CONTINUE, SKIPPED}. */
gboolean stage_upstream_complete(const Execution *execution, const Stage *stage);
/* Some requisite is TERMINAL, STOPPED or CANCELED, looking through NOT_STARTED ones. */
gboolean stage_upstream_failed(const Execution *execution, const Stage *stage);

/* Top-level stages, requisites before those that need them, equal ones in list order; of const Stage *, caller frees. */
GPtrArray *execution_topological(const Execution *execution);

/* ---- configurations ---- */
#define PIPELINE_STAGES_MAX 10000
/* Stages of a configuration with refIds in every one: unchanged when any has a refId, else linear: "0", "1", … each behind
 * its predecessor. Caller owns. */
Json *graph_assign_ref_ids(const JsonValue *stages);
/* What is wrong with the graph, one message each, added to messages (of char *): not a list of objects, too many, refIds missing
 * or twice, requisites that do not exist, a cycle (named). */
void graph_validate(const JsonValue *stages, GPtrArray *messages);
