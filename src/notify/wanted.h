/* Who is to be told what, when an execution changed (engine.md 19.2, 19.3; notifications.md 1, 2, 4). Pure but for `merge`. */
#pragma once
#include "engine/core.h"

typedef struct {
    EngineSettings *settings; /* for expressions in entries; NULL: they stay as they are */
    /* The list with what the application (and all applications) add to it, or NULL when that is nothing; caller owns. NULL: not asked. */
    Json *(*merge)(const char *application, const JsonValue *own, gpointer data);
    gpointer data;
} WantedContext;

/* What has to be sent between two snapshots (before NULL: it is new): array of Json as notify/notification.h makes them, in order; caller
 * frees. The same change makes the same keys. */
GPtrArray *wanted_between(const Execution *before, const Execution *after, const WantedContext *context, gint64 now_ms);
/* Whether an entry waits for "pipeline.failed". */
gboolean wanted_matches(const JsonValue *entry, const char *when);
