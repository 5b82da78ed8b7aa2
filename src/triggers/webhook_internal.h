/* What the files about webhooks share. Pure. */
#pragma once
#include "triggers/webhook.h"

/* First value of a header, without regard to case, or NULL. */
const char *webhook_header(const JsonValue *headers, const char *name);

/* ---- webhook_git.c ---- */
typedef enum { GIT_EVENT, GIT_IGNORED /* a ping, a deletion */, GIT_FAILED /* with error */ } GitOutcome;
/* Adds repoProject, slug, hash, branch, action … to the open object. */
GitOutcome webhook_add_git(const WebhookRequest *request, JsonBuilder *builder, GError **error);

/* ---- webhook_artifacts.c ---- */
/* The artifacts that a body stands for: an array, NULL when there are none. Caller owns. */
Json *webhook_artifacts(const WebhookRequest *request);
