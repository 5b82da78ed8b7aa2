/* Making and changing executions: for the engine room alone.
 *
 * A draft is a copy that one step works on. Its stages are shared with the snapshot it was copied from until
 * execution_edit_stage gives the draft one of its own; a pointer to the shared one is stale from then on. execution_seal ends
 * the draft: afterwards it is a snapshot that nobody changes. */
#pragma once
#include "engine/execution.h"

/* Shared texts: NULL-safe around GRefString. */
char *text_new(const char *text); /* a new shared text */
char *text_ref(const char *text); /* one more reference on a shared text */
void text_unref(char *text);
void text_set(char **place, const char *text); /* replaces by a new shared text */
void json_set(Json **place, Json *json);       /* replaces, taking the reference */

Execution *execution_new(ExecutionType type);
Execution *execution_copy(const Execution *execution); /* a draft */
/* Version and memory are brought up to date and the draft becomes a snapshot. */
void execution_seal(Execution *draft);
gboolean execution_is_changed(const Execution *draft);
/* The stages a draft has changed or added; borrowed. */
const GPtrArray *execution_drafts(const Execution *draft);

Stage *stage_new(void); /* attempt 1, NOT_STARTED, empty documents */
Stage *stage_ref(Stage *stage);
void stage_unref(Stage *stage);
TaskState *task_state_new(const char *id, const char *name, const char *implementing_class);
TaskState *stage_edit_task(Stage *draft, const char *task_id); /* NULL when absent */
void stage_set_context(Stage *draft, Json *context);           /* takes the reference */
/* A copy of a stage with another context (borrowed), for one evaluation; caller unrefs. */
Stage *stage_with_context(const Stage *stage, Json *context);
/* Replaces the requisites by shared copies. NULL: none. */
void stage_set_requisites(Stage *draft, const char *const *ref_ids);

/* The draft's own version of a stage, which may be changed in place. */
Stage *execution_edit_stage(Execution *draft, const Stage *stage);
/* Puts a new stage (taken) into the list; call execution_reindex when all are in. */
void execution_insert_stage(Execution *draft, guint at, Stage *stage);
void execution_remove_stage(Execution *draft, const Stage *stage); /* the same */
void execution_reindex(Execution *draft);
void execution_touch(Execution *draft); /* its own members change */
