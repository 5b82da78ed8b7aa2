/* Executions as the store keeps them, and the JSON of the API, both ways. Pure; any thread. */
#pragma once
#include "engine/execution.h"
#include "store/executions.h"

/* Texts of one commit of an execution; fill, hand to the store (which copies), clear. */
typedef struct {
    ExecutionRecord record;
    StageRecord *stages; /* those the draft changed, added or removed */
    gsize n;
    GPtrArray *texts; /* owns what the records point to */
    Json *document;   /* the body, where it is one; NULL: it is a text */
} ExecutionTexts;
/* The draft as it will be after execution_seal: its version is one more than now. insert: with body and all stages. */
void execution_texts_fill(ExecutionTexts *texts, const Execution *draft, gboolean insert);
void execution_texts_clear(ExecutionTexts *texts);

/* A snapshot from what the store gave. ERR_INTERNAL names the execution when a document is damaged. Caller owns. */
Execution *execution_from_loaded(const LoadedExecution *loaded, GError **error);

/* How the stored state begins while an execution has not been cancelled or paused and nobody was notified of it. */
#define STATE_USUAL "{\"canceled\":false,\"" STATE_ENGINE_KEY "\":"
#define STATE_ENGINE_KEY "_engine"
/* The API's JSON text joined from the stored texts, the same as of execution_to_json; NULL when it is not of the usual shape and has
 * to be read. expand as there. Caller owns. */
char *execution_text_join(const LoadedExecution *loaded, gboolean expand, gsize *length);
/* The members of an execution that are columns, in an open object. */
void execution_head_write(const ExecutionRecord *record, JsonBuilder *builder);
/* The members that never change but the trigger, in an open object. */
void execution_body_write(const Execution *execution, JsonBuilder *builder);
/* The columns of an execution; borrows its texts. */
ExecutionRecord execution_record(const Execution *execution);

/* The text of stage_to_json; caller owns. */
char *stage_to_text(const Stage *stage);
/* A stage of an execution as JSON in an open container. expand FALSE: as lists strip it. */
void stage_write(const Stage *stage, gboolean expand, JsonBuilder *builder, const char *key);
