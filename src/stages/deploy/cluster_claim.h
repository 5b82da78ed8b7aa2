/* One deployment of a cluster at a time (README.md, "One deployment of a cluster"). Runs in a worker. */
#pragma once
#include "stages/stages.h"

#define CLUSTER_CLAIM_KIND "deploymentClaim" /* of store/objects.h; id: account/location/cluster */

typedef enum { CLAIM_HELD, CLAIM_WAITS /* task_progress says for whom */, CLAIM_FAILED /* *error */ } ClaimAnswer;
/* Claims a cluster for the stage of the context, from now until that stage has ended. Asked again it is still the stage's own: a task that
 * runs twice, or goes on after a crash, claims once. A stage inside the one that holds it (a strategy's pipeline, a rollback) goes ahead on
 * that claim. *since_ms: when the claim was made (of one that is gone ahead on: now). */
ClaimAnswer cluster_claim(TaskContext *context, const char *account, const char *location, const char *cluster, gint64 *since_ms,
                          GError **error);
