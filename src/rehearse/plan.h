/* `plan`: what a pipeline would do now, on twins of the clouds as they are. Thread: the caller's. */
#pragma once
#include "rehearse/rehearse.h"

#define PLAN_PIPELINES_MAX 500 /* saved pipelines that a plan knows: those of the application and those they start */

typedef struct {
    Services *services; /* the program's own: only read */
    const Principal *principal;
    const char *const *assumptions; /* NULL-terminated; or NULL */
    guint64 seed;
} PlanOptions;

/* pipeline: a configuration with its trigger. The rehearsal's report with `stages`, `images`, `artifacts`, `deployments`, `trafficGuards` and
 * `missingPermissions` (README.md). Caller owns. ERR_INVALID: it cannot be started; ERR_LIMIT. */
Json *plan_pipeline(const PlanOptions *options, const JsonValue *pipeline, GError **error);
