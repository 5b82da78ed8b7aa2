/* What is removed when it is old (engine.md 25): finished executions, events with their decisions, operations without an execution.
 *
 * A pass begins at the start and then once per interval. It works in steps on an I/O worker, each of at most RETENTION_PAGE executions,
 * every one of them a commit of its own; a store that is behind makes it wait. Nothing is remembered between passes but counts, so a
 * crash costs nothing. */
#pragma once
#include "engine/engine.h"

#define RETENTION_PAGE 200      /* executions looked at in one step */
#define RETENTION_PAUSE_MS 1000 /* while the store is behind, or after an error */

typedef struct Retention Retention;
/* Everything is borrowed. ERR_INVALID: the configuration. */
Retention *retention_new(Engine *engine, Store *store, Config *config, GError **error);
void retention_start(Retention *retention);
void retention_stop(Retention *retention, gint64 grace_ms); /* before the engine */
void retention_free(Retention *retention);
gboolean retention_reload(Retention *retention, Config *config, GError **error); /* changes nothing on error; a pass begins */
extern const ConfigSection *const retention_config_sections[];                   /* NULL-terminated */

typedef struct {
    guint64 passes, executions, event_trims, operation_trims, pipelines_disabled, failed;
} RetentionCounts;
void retention_counts(Retention *retention, RetentionCounts *into);
