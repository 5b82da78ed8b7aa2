/* Notifications of applications (notifications.md 1): kept under kind "notification", id = the application's name in lower case, lists of entries
 * by type. Any thread. */
#pragma once
#include "engine/engine.h"
#include "store/store.h"

#define NOTIFICATION_KIND "notification"
#define NOTIFICATION_GLOBAL_ID "__GLOBAL" /* those of all applications */

/* Entries of a pipeline followed by those of its application, then of all applications, that wait for something of pipelines. One that is
 * there already (same type, same address or publisher) adds only what that entry does not wait for. NULL without error: nothing is added.
 * Caller owns. */
Json *notifications_with_application(Store *store, const char *application, const JsonValue *own, GError **error);

/* The submission step: those entries go to the pipeline's own. */
Json *notifications_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);
