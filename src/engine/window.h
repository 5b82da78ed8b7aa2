/* Execution windows: when a stage may begin. */
#pragma once
#include "engine/core.h"

#define WINDOW_KEY "restrictExecutionDuringTimeWindow"
#define WINDOW_SETTINGS_KEY "restrictedExecutionWindow"

/* The synthetic before-stage that waits for the window. */
extern const StageType stage_execution_window;

/* Whether now is inside: TRUE or FALSE in *open, and when it is not, *opens_ms is when it opens next (0: never). Pure. FALSE
 * with ERR_INVALID when the settings hold no window at all. */
gboolean window_check(const JsonValue *window, GTimeZone *zone, gint64 now_ms, gboolean *open, gint64 *opens_ms, GError **error);
/* Why its stage waits: "window opens Mon 09:00 Europe/Berlin". Pure; caller frees. */
char *window_why(const Stage *stage, const EngineSettings *settings, gint64 now_ms);
