/* Notifications of applications (notifications.md 1): kept under kind "notification", id = the application's name in lower case, lists of entries
 * by type. Any thread. */
#pragma once
#include "engine/engine.h"

#define NOTIFICATION_KIND "notification"

/* The submission step: entries of the application that wait for something of pipelines go to the pipeline's own. One that the pipeline has
 * too (same type, same address or publisher) adds only what the pipeline's entry does not wait for. */
Json *notifications_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);
