/* Events of executions, stages and tasks, as Spinnaker's echo sends them (engine.md 19.1). Pure. */
#pragma once
#include "engine/execution.h"

typedef struct {
    gboolean ignore_tasks;   /* echo.events.ignoreTaskEvents */
    gboolean full_execution; /* echo.events.includeFullExecution: task events carry the execution */
} EventSettings;

/* What happened between two snapshots (before NULL: it is new): array of Json, events in order, caller frees. Ids are made of the
 * execution, its version and a number, so that the same change makes the same events. */
GPtrArray *events_between(const Execution *before, const Execution *after, const EventSettings *settings, gint64 now_ms);

/* What changed of one thing: a new start time is a start, a status that is complete and was not (or after such a start) an end. */
void events_find_change(Status was, gint64 was_start_ms, Status now, gint64 now_start_ms, gboolean *started, gboolean *ended);
/* complete, skipped or failed; static. */
const char *events_stage_phase(Status status);
